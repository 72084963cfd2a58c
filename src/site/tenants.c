/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a request is, and the context of work that none asked for. */
#include "site.h"

const kr_tenant_t *kr_tenant_named(const kr_site_t *site, const char *name)
{
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        if (!strcmp(tenant->realm->name, name)) return tenant;
    }
    return NULL;
}

const kr_tenant_t *kr_tenant_if_any(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);
    const kr_host_t *host = kr_host_of(r->server);
    const kr_site_t *site = host->site;

    if (place->realm) return kr_tenant_named(site, place->realm);
    if (host->tenant) return host->tenant;
    return site->tenants->nelts == 1 ? APR_ARRAY_IDX(site->tenants, 0, kr_tenant_t *) : NULL;
}

const kr_tenant_t *kr_tenant_of(request_rec *r)
{
    const kr_tenant_t *tenant = kr_tenant_if_any(r);

    if (tenant) return tenant;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, KRLOGNO(1211) "%s",
                  kr_host_of(r->server)->site->tenants->nelts
                      ? "several realms, and nothing says which one is meant here: a KratosRealm line is missing"
                      : "no realm: KratosDatabase and KratosConfig (or KratosSet) lines are missing");
    return NULL;
}

static void log_to_server(void *baton, kr_level_e level, const char *line)
{
    ap_log_error(APLOG_MARK, (int)level, 0, (server_rec *)baton, "%s", line);
}

kr_ctx_t *kr_server_ctx(apr_pool_t *pool, server_rec *s, const kr_realm_t *realm)
{
    int level = ap_get_server_module_loglevel(s, APLOG_MODULE_INDEX);
    kr_ctx_t *k = kr_ctx_make(pool, realm, level > KR_LOG_DEBUG ? KR_LOG_DEBUG : (kr_level_e)level);

    k->log = log_to_server;
    k->log_baton = s;
    return k;
}
