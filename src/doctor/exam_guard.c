/* SPDX-License-Identifier: Apache-2.0 */
/* Do the session's cookie and the way back after the sign-in reach what is guarded? Where not, people go in circles. */
#include "exam.h"

#include <apr_strings.h>

#include "kr_flow.h"
#include "kr_text.h"

/** A guarded server of a realm. */
typedef struct {
    kr_exam_t *exam;
    const kr_tenant_t *tenant;
    const kr_cookie_conf_t *cookie;
    const char *home;          /* host of the base URL, which sets the cookie */
    const kr_scene_t *scene;
    const kr_spot_t *spot;     /* its first guarded place */
} guarded_t;

static void advise_no_domain(const guarded_t *g, const char *name)
{
    const char *shared = kr_domain_shared(g->exam->ptemp, g->home, name);
    int host_only = !strncasecmp(g->cookie->name, "__Host-", 7);

    if (!shared)
        kr_advise(g->exam, KRLOGNO(1261), g->scene->where,
                  "%s is guarded, but the session cookie of realm %s belongs to %s, and no cookie can reach both: people "
                  "would be sent to sign in again and again; reach both under one domain, or give this server a realm and "
                  "an API of its own", name, g->tenant->realm->name, g->home);
    else
        kr_advise(g->exam, KRLOGNO(1261), g->scene->where,
                  "%s is guarded, but the session cookie of realm %s belongs to %s alone: people would be sent to sign in "
                  "again and again; add KratosSet session.cookie.domain %s%s", name, g->tenant->realm->name, g->home, shared,
                  host_only ? " and give the cookie a name without __Host-" : "");
}

static void check_reach(const guarded_t *g, const char *name)
{
    const char *domain = g->cookie->domain;

    if (domain && !kr_domain_covers(domain, name))
        kr_advise(g->exam, KRLOGNO(1260), g->scene->where,
                  "%s is guarded, but the cookies of realm %s are for %s (session.cookie.domain): people would be sent to "
                  "sign in again and again; use a domain that covers both, or leave %s out", name, g->tenant->realm->name,
                  domain, name);
    if (!domain && ap_cstr_casecmp(name, g->home)) advise_no_domain(g, name);
}

static void check_transport(const guarded_t *g)
{
    if (!g->cookie->secure || g->scene->tls || kr_scene_behind_proxy(g->scene) || kr_host_is_loopback(g->scene->name)) return;
    kr_advise(g->exam, KRLOGNO(1262), g->scene->where,
              "%s is guarded, but speaks no TLS: browsers keep the Secure session cookie from it, and people would be sent "
              "to sign in again and again; say SSLEngine on, or redirect all of it to https://", g->scene->name);
}

static void check_path(const guarded_t *g)
{
    const char *path = g->cookie->path, *place = g->spot->prefix;
    apr_size_t len = strlen(path);

    while (len && path[len - 1] == '/') len--;
    if (!len || !place || (!strncmp(place, path, len) && (!place[len] || place[len] == '/'))) return;
    kr_advise(g->exam, KRLOGNO(1281), g->spot->where,
              "%s is guarded, but browsers send the session cookie to %s only (session.cookie.path): set it to /", place,
              path);
}

static int may_return(const guarded_t *g, const char *scheme, int port)
{
    kr_ctx_t *k = kr_server_ctx(g->exam->ptemp, g->exam->main_server, g->tenant->realm);
    const char *standard = apr_pstrcat(k->pool, scheme, "://", g->scene->name, NULL);
    const char *path = g->spot->prefix && *g->spot->prefix == '/' ? g->spot->prefix : "/";

    if (port && port != (strcmp(scheme, "https") ? 80 : 443)) standard = apr_psprintf(k->pool, "%s:%d", standard, port);
    return kr_return_to_allowed(k, apr_pstrcat(k->pool, standard, path, NULL));
}

/* The gate sends people to the login with return_to; a login that may not lead there is refused. */
static void check_way_back(const guarded_t *g)
{
    const char *scheme = g->scene->tls || kr_scene_behind_proxy(g->scene) ? "https" : "http";
    int port = g->scene->ports->nelts ? APR_ARRAY_IDX(g->scene->ports, 0, int) : 0;

    for (int i = 0; i < g->scene->ports->nelts; i++)
        if (may_return(g, scheme, APR_ARRAY_IDX(g->scene->ports, i, int))) return;
    if (may_return(g, scheme, 0) || (kr_scene_behind_proxy(g->scene) && may_return(g, "http", 0))) return;
    if (kr_scene_behind_proxy(g->scene) || port == (strcmp(scheme, "https") ? 80 : 443)) port = 0;
    kr_advise(g->exam, KRLOGNO(1263), g->scene->where,
              "%s is guarded, but nobody may be led back there after the sign-in: add \"%s://%s%s/\" to "
              "selfservice.allowed_return_urls of realm %s", g->scene->name, scheme, g->scene->name,
              port ? apr_psprintf(g->exam->ptemp, ":%d", port) : "", g->tenant->realm->name);
}

/* The first guarded place of the realm; one that people come to, if there is one. */
static const kr_spot_t *guard_of(const kr_exam_t *exam, const kr_scene_t *scene, const kr_tenant_t *tenant)
{
    const kr_spot_t *found = NULL;

    for (int i = 0; i < scene->spots->nelts; i++) {
        const kr_spot_t *spot = &APR_ARRAY_IDX(scene->spots, i, kr_spot_t);

        if (spot->has != KR_HAS_GUARD || kr_spot_tenant(exam, scene, spot) != tenant) continue;
        if (!found || (found->programs && !spot->programs)) found = spot;
    }
    return found;
}

void kr_exam_guard(kr_exam_t *exam, const kr_tenant_t *tenant)
{
    guarded_t g = { .exam = exam, .tenant = tenant, .cookie = &tenant->realm->settings->session_cookie };
    kr_url_t url;

    if (!kr_url_parse(&url, exam->ptemp, tenant->realm->settings->base_url) || !url.host) return;
    g.home = kr_host_name(exam->ptemp, url.host);
    for (int i = 0; i < exam->scenes->nelts; i++) {
        const apr_array_header_t *aliases;

        g.scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);
        g.spot = guard_of(exam, g.scene, tenant);
        if (!g.spot) continue;
        check_path(&g);
        if (g.scene->cache && !g.scene->cache_late)
            kr_advise(exam, KRLOGNO(1273), g.scene->cache,
                      "mod_cache answers before anybody is asked for a session: what was cached while a place was open is "
                      "shown to all after it was guarded; add CacheQuickHandler off");
        if (!g.scene->name) continue; /* whatever people call it: nobody knows */
        check_reach(&g, g.scene->name);
        aliases = g.scene->steers ? NULL : g.scene->s->names;
        for (int j = 0; aliases && j < aliases->nelts; j++) check_reach(&g, APR_ARRAY_IDX(aliases, j, const char *));
        check_transport(&g);
        if (!g.spot->programs) check_way_back(&g);
    }
}

/* -- realms beside each other --------------------------------------------- */

static const char *reach_of(const kr_exam_t *exam, const kr_tenant_t *tenant)
{
    const kr_settings_t *settings = tenant->realm->settings;
    kr_url_t url;

    if (settings->session_cookie.domain) return settings->session_cookie.domain;
    return kr_url_parse(&url, exam->ptemp, settings->base_url) && url.host ? kr_host_name(exam->ptemp, url.host) : "";
}

/* Cookies know no ports and no realms: of two with one name the browser sends both, or keeps only the later. */
static void check_pair(kr_exam_t *exam, const kr_tenant_t *a, const kr_tenant_t *b)
{
    const kr_cookie_conf_t *one = &a->realm->settings->session_cookie, *two = &b->realm->settings->session_cookie;
    const char *here = reach_of(exam, a), *there = reach_of(exam, b);

    if (strcmp(one->name, two->name)) return;
    if (!ap_cstr_casecmp(here, there) || (one->domain && kr_domain_covers(one->domain, there)) ||
        (two->domain && kr_domain_covers(two->domain, here)))
        kr_advise(exam, KRLOGNO(1280), b->where,
                  "the realms %s and %s both have the session cookie %s on %s: a sign-in to one ends that of the other; "
                  "give each its own with KratosSet session.cookie.name", a->realm->name, b->realm->name, one->name, there);
}

void kr_exam_neighbours(kr_exam_t *exam)
{
    const apr_array_header_t *tenants = exam->site->tenants;

    for (int i = 0; i < tenants->nelts; i++)
        for (int j = i + 1; j < tenants->nelts; j++)
            check_pair(exam, APR_ARRAY_IDX(tenants, i, kr_tenant_t *), APR_ARRAY_IDX(tenants, j, kr_tenant_t *));
}
