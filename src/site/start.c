/* SPDX-License-Identifier: Apache-2.0 */
/* What all processes share is made before they are; what each has of its own, when it begins. */
#include "site.h"

#include <ap_mpm.h>
#include <errno.h>
#include <unistd.h>
#include <unixd.h>

#include "kr_api.h"
#include "kr_clock.h"
#include "kr_metrics.h"
#include "kr_net.h"
#include "kr_password.h"
#include "kr_share.h"

kr_site_t *kr_site_to_serve(const server_rec *s)
{
    kr_site_t *site = kr_host_of(s)->site;

    /* httpd reads its configuration twice at start; only the second reading is going to serve. */
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || site->tenants->nelts == 0 ? NULL : site;
}

static apr_uint32_t most_memory(const kr_site_t *site)
{
    apr_uint32_t most = 0;

    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_hasher_t *hasher = &APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *)->realm->settings->hasher;

        if (!hasher->bcrypt && hasher->memory > most) most = hasher->memory;
    }
    return most;
}

static int workers(void)
{
    int threads = 0, children = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    return (threads > 0 ? threads : 1) * children; /* prefork has none */
}

/* Whoever waits keeps a worker: with all of them waiting, nobody would be there for those who are signed in. */
#define HASHING_PART 4
#define LEAST_QUEUE 2

kr_hashing_t kr_site_hashing(const kr_host_t *host)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    kr_hashing_t h = { .slots = host->slots > 0 ? host->slots : cores > 0 ? (int)cores : 1, .queue = host->slot_queue, .workers = workers() };

    if (h.queue < 0) h.queue = h.workers / HASHING_PART - h.slots;
    if (host->slot_queue < 0 && h.queue < LEAST_QUEUE) h.queue = LEAST_QUEUE;
    return h;
}

/* A pointer of httpd's own that outlives our module, which each restart loads anew; NULL in it the first time. */
static void **retained(const char *name)
{
    void **kept = ap_retained_data_get(name);

    return kept ? kept : ap_retained_data_create(name, sizeof(*kept));
}

/* Without metrics the site works as well. */
static void start_metrics(apr_pool_t *pconf, const server_rec *s)
{
    const char *why;

    kr_api_name_metrics(pconf);
    why = kr_metrics_make(retained("kratos-metrics"));
    if (why) ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, KRLOGNO(1215) "nothing is counted: %s", why);
}

/*
 * What was remembered under former settings is not believed. Processes that still serve those go on with a memory of their own; all of them
 * hear of changes by the same counters.
 */
static int make_cache(apr_pool_t *pconf, const kr_host_t *host, kr_site_t *site, server_rec *s)
{
    const apr_int64_t bytes = host->session_cache < 0 ? KR_SESSION_CACHE : host->session_cache;

    if (!bytes) return OK;
    site->changes = kr_changes_make(retained("kratos-changes"));
    site->cache = site->changes ? kr_cache_make(pconf, (apr_size_t)bytes, site->changes) : NULL;
    for (int i = 0; site->cache && i < site->tenants->nelts; i++) {
        kr_realm_t *realm = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *)->realm;

        realm->changes = site->changes;
        realm->cache = site->cache;
    }
    if (site->cache) return OK;
    ap_log_error(APLOG_MARK, APLOG_EMERG, errno, s, KRLOGNO(1213) "no memory for remembering sessions (KratosSessionCache)");
    return HTTP_INTERNAL_SERVER_ERROR;
}

int kr_site_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_host_t *host = kr_host_of(s);
    kr_site_t *site = kr_site_to_serve(s);
    apr_status_t rv;

    (void)plog;
    if (!site) return OK;
    site->hashing = kr_site_hashing(host);
    for (int i = 0; i < site->warnings->nelts; i++)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, KRLOGNO(1202) "%s",
                     APR_ARRAY_IDX(site->warnings, i, const char *));
    start_metrics(pconf, s);
    if (make_cache(pconf, host, site, s) != OK) return HTTP_INTERNAL_SERVER_ERROR;
    kr_share_workers(site->hashing.workers);
    rv = kr_slots_make(pconf, site->hashing.slots, most_memory(site), apr_time_from_sec(host->slot_wait < 0 ? KR_SLOT_WAIT : host->slot_wait),
                       site->hashing.queue);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, KRLOGNO(1209) "no memory for hashing passwords (KratosHashing)");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!kr_site_open_audit(site, pconf, s)) return HTTP_INTERNAL_SERVER_ERROR;
    for (int i = 0; i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);

        rv = kr_database_start(database, ptemp, s);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, KRLOGNO(1204) "cannot change to %s and back",
                         ap_unixd_config.user_name);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    kr_site_tell_start(site, ptemp, s);
    return OK;
}

#define WATCH "kratos-watch" /* of a child's pool */

static void watch_databases(apr_pool_t *pchild, server_rec *s, const apr_array_header_t *pools)
{
    kr_dbwatch_t *watch;
    apr_status_t rv = kr_dbwatch_start(&watch, pchild, pools, kr_server_ctx(pchild, s, NULL));

    apr_pool_userdata_setn(watch, WATCH, NULL, pchild);
    if (rv != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     KRLOGNO(1296) "nobody watches over the databases: who waits for one that fell silent waits for ever");
}

void kr_site_child(apr_pool_t *pchild, server_rec *s)
{
    const kr_site_t *site = kr_host_of(s)->site;
    apr_array_header_t *pools;

    if (site->tenants->nelts == 0) return;
    pools = apr_array_make(pchild, site->databases->nelts, sizeof(kr_dbpool_t *));
    kr_metrics_child();
    kr_net_init();
    for (int i = 0; i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);
        apr_status_t rv = kr_dbpool_open(database->pool, pchild);

        database->opened = kr_clock_ticks();
        if (rv != APR_SUCCESS)
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, KRLOGNO(1210) "realm %s: the database's pool cannot be opened",
                         database->realm->name);
        APR_ARRAY_PUSH(pools, kr_dbpool_t *) = database->pool;
    }
    watch_databases(pchild, s, pools);
}

void kr_site_stop(apr_pool_t *pchild, int graceful)
{
    void *watch = NULL;

    apr_pool_userdata_get(&watch, WATCH, pchild);
    if (watch && !graceful) kr_dbwatch_hurry(watch);
}
