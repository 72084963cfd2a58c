/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes tell each other how often somebody failed, once a second, by way of their database: one child of a node at a time, and only of what
 * has failed often enough to matter. While nobody fails there is no statement.
 */
#include "background.h"

#include "kr_db.h"
#include "kr_method.h"
#include "kr_shared.h"

#define LONGEST apr_time_from_sec(30) /* no batch takes as long */
#define REST apr_time_from_msec(500)

/** One database's realms. */
typedef struct kr_teller_t {
    kr_turn_t *turn;    /* shared */
    long long mine;     /* each process its own */
} kr_teller_t;

int kr_tell_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    for (int i = 0; site && i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);
        kr_teller_t *teller = apr_pcalloc(pconf, sizeof(*teller));

        if (kr_dbpool_is_sqlite(database->pool)) continue; /* there is no other node */
        teller->turn = kr_shared_memory(pconf, sizeof(*teller->turn));
        if (teller->turn) database->teller = teller;
    }
    return OK;
}

apr_interval_time_t kr_tell(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    const apr_array_header_t *tenants = kr_host_of(s)->site->tenants;
    kr_teller_t *teller = database->teller;

    if (!teller || !kr_database_ready(database) || !kr_turn_take(teller->turn, &teller->mine, LONGEST)) return 0;
    for (int i = 0; i < tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(tenants, i, kr_tenant_t *);
        kr_ctx_t *each;
        kr_err_t *err;

        if (tenant->database != database || !tenant->realm->settings->throttle.counts) continue;
        each = kr_server_ctx(k->pool, s, tenant->realm);
        err = kr_throttle_tell(each);
        kr_db_release(each);
        if (err) break; /* logged below us; what was not told is told later */
    }
    kr_turn_end(teller->turn, &teller->mine, REST);
    return 0;
}
