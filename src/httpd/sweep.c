/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to clean up. One child of a node at a time: many at once would only stand in each other's way, and in that of requests. */
#include "background.h"

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_shared.h"
#include "kr_store_sweep.h"
#include "kr_text.h"

#define BATCH 200
#define LONGEST apr_time_from_sec(60) /* no batch takes as long */
#define REST apr_time_from_sec(55)  /* between two cleanings */
#define SHORTEST_PAUSE apr_time_from_msec(1)

/** One database's cleaning. */
typedef struct kr_sweeper_t {
    kr_turn_t *turn;    /* shared; NULL: there was no memory, and each child cleans for itself */
    /* each process its own: */
    long long mine;     /* the turn that it has; 0: none */
    kr_sweep_t sweep;   /* how far it has come */
} kr_sweeper_t;

int kr_sweep_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    for (int i = 0; site && i < site->databases->nelts; i++) {
        kr_sweeper_t *sweeper = apr_pcalloc(pconf, sizeof(*sweeper));

        sweeper->turn = kr_shared_memory(pconf, sizeof(*sweeper->turn));
        APR_ARRAY_IDX(site->databases, i, kr_database_t *)->sweeper = sweeper;
    }
    return OK;
}

/* A SQLite file has one writer at a time, so there is as long a pause as it was work: requests come first. */
static apr_interval_time_t pause_after(const kr_database_t *database, apr_interval_time_t took)
{
    return kr_dbpool_is_sqlite(database->pool) && took > SHORTEST_PAUSE ? took : SHORTEST_PAUSE;
}

apr_interval_time_t kr_sweep(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    kr_sweeper_t *sweeper = database->sweeper;
    kr_sweep_t *sweep = &sweeper->sweep;
    const apr_time_t begin = kr_clock_ticks();
    kr_err_t *err;

    (void)s;
    if (!kr_database_ready(database) || (sweeper->turn && !kr_turn_take(sweeper->turn, &sweeper->mine, LONGEST))) return 0;
    err = kr_store_sweep(sweep, k, BATCH);
    kr_db_release(k);
    if (sweeper->turn && (err || sweep->done)) kr_turn_end(sweeper->turn, &sweeper->mine, REST);
    if (err) return 0; /* logged below us; there is a next time */
    if (!sweep->done) return pause_after(database, kr_clock_ticks() - begin);
    kr_log(k, KR_LOG_DEBUG, KRLOGNO(1231) "realm %s: removed %" APR_INT64_T_FMT " expired rows", database->realm->name,
           sweep->deleted);
    sweep->deleted = 0;
    return 0;
}
