/* SPDX-License-Identifier: Apache-2.0 */
/* The audit streams of a server: opened as httpd opens its logs, by the parent, while it may; children inherit them. */
#include "site.h"

#include <ap_mpm.h>

#include "kr_audit.h"

/* Realms that name the same file write one stream. */
static struct kr_audit_stream_t *opened(const kr_site_t *site, const char *path)
{
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        if (tenant->audit && strcmp(tenant->audit, path) == 0) return tenant->realm->audit; /* NULL for the first of them */
    }
    return NULL;
}

int kr_site_open_audit(kr_site_t *site, apr_pool_t *pconf, server_rec *s)
{
    for (int i = 0; i < site->tenants->nelts; i++) {
        kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);
        const char *why = NULL;

        if (!tenant->audit) continue;
        tenant->realm->audit = opened(site, tenant->audit);
        if (!tenant->realm->audit) tenant->realm->audit = kr_audit_open(pconf, tenant->audit, NULL, &why);
        if (tenant->realm->audit) continue;
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, KRLOGNO(1216) "realm %s: KratosAudit %s: %s", tenant->realm->name, tenant->audit, why);
        return 0;
    }
    return 1;
}

void kr_site_tell_start(const kr_site_t *site, apr_pool_t *ptemp, server_rec *s)
{
    int generation = 0;

    ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        kr_audit(kr_server_ctx(ptemp, s, tenant->realm),
                 &(kr_audit_t){ .what = KR_AUDIT_STARTED, .reason = generation ? "restart" : "start" });
    }
}
