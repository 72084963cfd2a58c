/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting what has expired, a batch at a time. The one place whose statements are for all realms at once. */
#include "kr_store.h"
#include "kr_text.h"

/* An expired flow still tells its client so (410) and offers a new one; an error page may be opened again. */
#define KEEP_FLOWS apr_time_from_sec(24 * 3600)
#define KEEP_ERRORS apr_time_from_sec(7 * 24 * 3600)
#define KEEP_MESSAGES apr_time_from_sec(7 * 24 * 3600) /* sent ones for the record, others for `kratosctl courier retry` */
#define KEEP_BUDGETS apr_time_from_sec(3600) /* the longest window */
#define KEEP_REVOKED apr_time_from_sec(24 * 3600)

/*
 * MySQL deletes along the index with LIMIT, but would read the whole table for `id IN (SELECT ...)`; SQLite knows only
 * the latter. Codes go with their flows, exchanges with their sessions.
 */
#define SWEEP(table, where, order)                                                                                     \
    .name = "sweep_" table, .mysql = "DELETE FROM " table " WHERE " where " ORDER BY " order " LIMIT %lld",            \
    .sqlite =                                                                                                          \
        "DELETE FROM " table " WHERE id IN (SELECT id FROM " table " WHERE " where " ORDER BY " order " LIMIT %lld)"

static const struct {
    kr_query_t query;
    apr_time_t keep;
} SWEEPS[] = {
    { { SWEEP("session_exchanges", "expires_at < %lld", "expires_at") }, 0 },
    { { SWEEP("flows", "expires_at < %lld", "expires_at") }, KEEP_FLOWS },
    { { SWEEP("sessions", "expires_at < %lld", "expires_at") }, 0 },
    { { SWEEP("sessions", "active = 0 AND updated_at < %lld", "updated_at") }, KEEP_REVOKED },
    { { SWEEP("courier_messages", "updated_at < %lld", "updated_at") }, KEEP_MESSAGES },
    { { SWEEP("code_budgets", "begins_at < %lld", "begins_at") }, KEEP_BUDGETS },
    { { SWEEP("selfservice_errors", "created_at < %lld", "created_at") }, KEEP_ERRORS },
};

kr_err_t *kr_store_sweep(apr_int64_t *deleted, kr_ctx_t *k, int batch)
{
    *deleted = 0;
    for (int i = 0; i < KR_DIM(SWEEPS); i++) {
        apr_int64_t gone = 0;
        KR_TRY(kr_db_exec(&gone, k, &SWEEPS[i].query, KR_I(k->now - SWEEPS[i].keep), KR_I(batch)));
        *deleted += gone;
    }
    return NULL;
}
