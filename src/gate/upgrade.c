/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that became something else (WebSocket through mod_proxy) outlive the check that let them in by hours. Each
 * child keeps a list of them; its background thread asks which of their sessions have ended, and closes those: once a second about those whose
 * account has changed, where this server is told of changes (kr_changes.h), and about all of them now and then where it is not.
 */
#include "gate.h"
#include "pass.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_core.h>

#include "kr_clock.h"
#include "kr_session.h"
#include "kr_text.h"

/** KratosUpgradeCheck, unless it is said: seconds. */
#define UPGRADE_CHECK 10

/** A child's list of upgraded connections. */
typedef struct kr_tunnels_t kr_tunnels_t;

typedef struct tunnel_t {
    struct tunnel_t *next, *before;
    apr_socket_t *socket;    /* the client's */
    const kr_tenant_t *tenant;
    const char *session, *identity; /* ids */
    apr_time_t expires;      /* µs since 1970, as far as is known */
    kr_stamp_t stamp;        /* what of the account had changed when the session was known to stand */
    int unsure;              /* it may have ended, and nobody was told */
    apr_time_t every, due;   /* µs */
    kr_tunnels_t *list;
    int asked;               /* in the round that runs */
} tunnel_t;

struct kr_tunnels_t {
    apr_thread_mutex_t *mutex; /* for all below, and for what hangs on it: a socket is valid while its tunnel is listed */
    tunnel_t *first;
};

void kr_tunnels_start(apr_pool_t *pchild, server_rec *s)
{
    kr_site_t *site = kr_host_of(s)->site;
    kr_tunnels_t *list = apr_pcalloc(pchild, sizeof(*list));

    if (site->tenants->nelts && apr_thread_mutex_create(&list->mutex, APR_THREAD_MUTEX_DEFAULT, pchild) == APR_SUCCESS)
        site->tunnels = list;
}

/* -- coming and going --------------------------------------------------------- */

static apr_status_t leave(void *data)
{
    tunnel_t *tunnel = data;
    kr_tunnels_t *list = tunnel->list;

    apr_thread_mutex_lock(list->mutex);
    if (tunnel->before)
        tunnel->before->next = tunnel->next;
    else
        list->first = tunnel->next;
    if (tunnel->next) tunnel->next->before = tunnel->before;
    apr_thread_mutex_unlock(list->mutex);
    return APR_SUCCESS;
}

static kr_stamp_t stamp_of(const tunnel_t *tunnel)
{
    const kr_changes_t *changes = tunnel->tenant->realm->changes;

    return changes ? kr_changes_now(changes, tunnel->identity) : (kr_stamp_t){ 0 };
}

void kr_tunnel_watch(request_rec *r, const kr_pass_t *pass)
{
    const kr_place_t *place = kr_place_of(r);
    const int seconds = place->upgrade_check == KR_UNSET ? UPGRADE_CHECK : place->upgrade_check;
    kr_tunnels_t *list = kr_host_of(r->server)->site->tunnels;
    tunnel_t *tunnel;

    if (!list || !seconds || r->main || !apr_table_get(r->headers_in, "Upgrade")) return;
    tunnel = apr_pcalloc(r->pool, sizeof(*tunnel));
    /* A WebSocket over HTTP/2 (H2WebSockets) is one stream of many: all of them are the same visitor's, and all end. */
    tunnel->socket = ap_get_conn_socket(r->connection->master ? r->connection->master : r->connection);
    tunnel->tenant = pass->tenant;
    tunnel->session = pass->session->id;
    tunnel->identity = pass->session->identity_id;
    tunnel->expires = pass->session->expires_at;
    tunnel->unsure = 1; /* it may have changed since it was looked at: asked about once, soon */
    tunnel->every = apr_time_from_sec(seconds);
    tunnel->due = kr_clock_ticks() + tunnel->every;
    tunnel->list = list;
    apr_thread_mutex_lock(list->mutex);
    tunnel->next = list->first;
    if (list->first) list->first->before = tunnel;
    list->first = tunnel;
    apr_thread_mutex_unlock(list->mutex);
    apr_pool_pre_cleanup_register(r->pool, tunnel, leave);
}

/* -- asking ------------------------------------------------------------------- */

static int any(kr_tunnels_t *list)
{
    int found;

    apr_thread_mutex_lock(list->mutex);
    found = list->first != NULL;
    apr_thread_mutex_unlock(list->mutex);
    return found;
}

/* May its session have ended? Who is told of changes need not ask before there is one, but about what may have passed untold. */
static int is_doubtful(tunnel_t *t, const kr_ctx_t *k, apr_time_t now)
{
    const kr_realm_t *realm = t->tenant->realm;

    if (!kr_trust_holds(realm->trust)) {
        t->unsure = 1;
        return t->due <= now;
    }
    return t->unsure || !kr_changes_hold(realm->changes, &t->stamp, t->identity) || (t->due <= now && t->expires <= k->now);
}

/* Sessions of the realm that it is time to ask about: at most as many as one statement takes. */
static int collect(const char *ids[KR_SESSIONS_ALIVE_MAX], kr_tunnels_t *list, const kr_tenant_t *tenant, apr_time_t now,
                   const kr_ctx_t *k)
{
    int n = 0;

    apr_thread_mutex_lock(list->mutex);
    for (tunnel_t *t = list->first; t; t = t->next) {
        t->asked = t->tenant == tenant && n < KR_SESSIONS_ALIVE_MAX && is_doubtful(t, k, now);
        if (!t->asked) continue;
        t->due = now + t->every;
        t->stamp = stamp_of(t); /* before it is asked about */
        t->unsure = !kr_trust_holds(tenant->realm->trust);
        ids[n++] = apr_pstrdup(k->pool, t->session); /* the request may be gone before the answer is here */
    }
    apr_thread_mutex_unlock(list->mutex);
    return n;
}

static int among(const apr_array_header_t *ids, const char *id)
{
    for (int i = 0; i < ids->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(ids, i, const char *), id)) return 1;
    return 0;
}

/* Shut, not closed: the thread that serves it reads the end, and tidies up as ever. */
static int cut(kr_tunnels_t *list, const apr_array_header_t *alive)
{
    int n = 0;

    apr_thread_mutex_lock(list->mutex);
    for (tunnel_t *t = list->first; t; t = t->next) {
        if (!t->asked || among(alive, t->session)) continue;
        apr_socket_shutdown(t->socket, APR_SHUTDOWN_READWRITE);
        n++;
    }
    apr_thread_mutex_unlock(list->mutex);
    return n;
}

static void nobody_said(kr_tunnels_t *list)
{
    apr_thread_mutex_lock(list->mutex);
    for (tunnel_t *t = list->first; t; t = t->next) t->unsure |= t->asked;
    apr_thread_mutex_unlock(list->mutex);
}

static void check_realm(kr_tunnels_t *list, const kr_tenant_t *tenant, kr_ctx_t *k)
{
    const apr_time_t now = kr_clock_ticks(); /* of the whole round: a slow database must not make the first ones due again */
    const char *ids[KR_SESSIONS_ALIVE_MAX];
    apr_array_header_t *alive;
    int n;

    while ((n = collect(ids, list, tenant, now, k)) > 0) {
        kr_err_t *err = kr_sessions_alive(&alive, k, ids, n);
        int closed;

        kr_db_release(k);
        if (err) {
            nobody_said(list);
            return; /* logged below us; while nobody can say, what was let in stays */
        }
        closed = cut(list, alive);
        if (closed)
            kr_log(k, KR_LOG_INFO, KRLOGNO(1240) "realm %s: closed %d upgraded connections whose session has ended",
                   tenant->realm->name, closed);
    }
}

apr_interval_time_t kr_tunnels_check(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    const kr_site_t *site = kr_host_of(s)->site;

    if (!site->tunnels || !any(site->tunnels) || !kr_database_ready(database)) return 0;
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        if (tenant->database == database) check_realm(site->tunnels, tenant, kr_server_ctx(k->pool, s, tenant->realm));
    }
    return 0;
}
