/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to clean up. One child of a node at a time: many at once would only stand in each other's way, and in that
 * of requests. A turn is a lease in memory that all children share, so a child that is killed leaves nothing behind.
 */
#include "background.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_store_sweep.h"
#include "kr_text.h"

#define BATCH 200
#define LEASE apr_time_from_sec(60) /* longer than any batch takes */
#define REST apr_time_from_sec(55)  /* between two cleanings */
#define SHORTEST_PAUSE apr_time_from_msec(1)

/** What the children of a node share. */
typedef struct {
    atomic_llong until; /* µs: nobody else begins before */
} lease_t;

/** One database's cleaning. */
typedef struct kr_sweeper_t {
    lease_t *shared;    /* NULL: there was no memory, and each child cleans for itself */
    /* each process its own: */
    long long mine;     /* the lease that it has; 0: none */
    kr_sweep_t sweep;   /* how far it has come */
} kr_sweeper_t;

static apr_status_t unmap(void *data)
{
    return munmap(data, sizeof(lease_t)) ? errno : APR_SUCCESS;
}

static lease_t *share(apr_pool_t *pconf)
{
    lease_t *lease = mmap(NULL, sizeof(*lease), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (lease == MAP_FAILED) return NULL;
    atomic_init(&lease->until, 0);
    apr_pool_cleanup_register(pconf, lease, unmap, apr_pool_cleanup_null);
    return lease;
}

int kr_sweep_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    for (int i = 0; site && i < site->databases->nelts; i++) {
        kr_sweeper_t *sweeper = apr_pcalloc(pconf, sizeof(*sweeper));

        sweeper->shared = share(pconf);
        APR_ARRAY_IDX(site->databases, i, kr_database_t *)->sweeper = sweeper;
    }
    return OK;
}

/* Is it this child's turn, or did it become so? Who is in the middle of it goes on unless its lease ran out. */
static int take_turn(kr_sweeper_t *sweeper)
{
    const long long now = kr_clock_ticks();
    long long until;

    if (!sweeper->shared) return 1;
    until = atomic_load(&sweeper->shared->until);
    if (until > now && until != sweeper->mine) return 0;
    if (!atomic_compare_exchange_strong(&sweeper->shared->until, &until, now + LEASE)) return 0;
    sweeper->mine = now + LEASE;
    return 1;
}

static void end_turn(kr_sweeper_t *sweeper)
{
    long long mine = sweeper->mine;

    if (sweeper->shared) atomic_compare_exchange_strong(&sweeper->shared->until, &mine, kr_clock_ticks() + REST);
    sweeper->mine = 0;
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
    if (!kr_database_ready(database) || !take_turn(sweeper)) return 0;
    err = kr_store_sweep(sweep, k, BATCH);
    kr_db_release(k);
    if (err || sweep->done) end_turn(sweeper);
    if (err) return 0; /* logged below us; there is a next time */
    if (!sweep->done) return pause_after(database, kr_clock_ticks() - begin);
    kr_log(k, KR_LOG_DEBUG, KRLOGNO(1231) "realm %s: removed %" APR_INT64_T_FMT " expired rows", database->realm->name,
           sweep->deleted);
    sweep->deleted = 0;
    return 0;
}
