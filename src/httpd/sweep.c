/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to clean up. One child of a node at a time: many at once would only stand in each other's way, and in that
 * of requests. A turn is a lease in memory that all children share, so a child that is killed leaves nothing behind.
 */
#include "../site/site.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "kr_clock.h"
#include "kr_text.h"

#define BATCH 200
#define LEASE apr_time_from_sec(60) /* longer than any batch takes */
#define REST apr_time_from_sec(55)  /* between two cleanings */
#define SHORTEST_PAUSE apr_time_from_msec(1)

struct kr_sweeper_t {
    atomic_llong until; /* µs: nobody else begins before */
};

static apr_status_t unmap(void *data)
{
    return munmap(data, sizeof(kr_sweeper_t)) ? errno : APR_SUCCESS;
}

kr_sweeper_t *kr_sweeper_make(apr_pool_t *pconf)
{
    kr_sweeper_t *sweeper = mmap(NULL, sizeof(*sweeper), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (sweeper == MAP_FAILED) return NULL;
    atomic_init(&sweeper->until, 0);
    apr_pool_cleanup_register(pconf, sweeper, unmap, apr_pool_cleanup_null);
    return sweeper;
}

/* Is it this child's turn, or did it become so? Who is in the middle of it goes on unless its lease ran out. */
static int take_turn(kr_database_t *database)
{
    const long long now = kr_clock_ticks();
    long long until;

    if (!database->sweeper) return 1;
    until = atomic_load(&database->sweeper->until);
    if (until > now && until != database->sweep_until) return 0;
    if (!atomic_compare_exchange_strong(&database->sweeper->until, &until, now + LEASE)) return 0;
    database->sweep_until = now + LEASE;
    return 1;
}

static void end_turn(kr_database_t *database)
{
    long long mine = database->sweep_until;

    if (database->sweeper) atomic_compare_exchange_strong(&database->sweeper->until, &mine, kr_clock_ticks() + REST);
    database->sweep_until = 0;
}

/* A SQLite file has one writer at a time, so there is as long a pause as it was work: requests come first. */
static apr_interval_time_t pause_after(const kr_database_t *database, apr_interval_time_t took)
{
    return kr_dbpool_is_sqlite(database->pool) && took > SHORTEST_PAUSE ? took : SHORTEST_PAUSE;
}

apr_interval_time_t kr_sweeper_run(kr_database_t *database, kr_ctx_t *k)
{
    kr_sweep_t *sweep = &database->sweep;
    const apr_time_t begin = kr_clock_ticks();
    kr_err_t *err;

    if (!kr_database_ready(database) || !take_turn(database)) return 0;
    err = kr_store_sweep(sweep, k, BATCH);
    kr_db_release(k);
    if (err || sweep->done) end_turn(database);
    if (err) return 0; /* logged below us; there is a next time */
    if (!sweep->done) return pause_after(database, kr_clock_ticks() - begin);
    kr_log(k, KR_LOG_DEBUG, KRLOGNO(1231) "realm %s: removed %" APR_INT64_T_FMT " expired rows", database->realm->name,
           sweep->deleted);
    sweep->deleted = 0;
    return 0;
}
