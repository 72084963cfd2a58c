/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other nodes have done to sessions: one child of a node reads it, once a second, one statement for all realms of a database, and
 * tells the other processes by their common counters. Whoever has just read everything trusts its memory for a little less than two
 * seconds; when nobody gets to read, that time is over and each request asks the database.
 *
 * Ids of rows are no clock: a transaction may end after others that took higher ones. So each time what came behind the ids of some
 * seconds ago is read again, and nothing is trusted before there are any.
 */
#include "background.h"

#include "kr_changes.h"
#include "kr_clock.h"
#include "kr_metrics.h"
#include "kr_shared.h"
#include "kr_store_feed.h"

#define PAUSE apr_time_from_sec(1)
#define TRUST apr_time_from_msec(1800) /* from the beginning of a statement: two seconds less what a request takes that looked just before */
#define LONGEST apr_time_from_sec(3)   /* when whoever reads was killed, another one does after that */

/** What is known of one database's feed; in shared memory, written by whoever has the turn. */
typedef struct {
    kr_turn_t turn;
    kr_trust_t trust;
    atomic_llong mark, marked_at; /* the last id that there was then, by kr_clock_ticks; 0: never looked */
    atomic_llong from;            /* and at the mark before that, KR_STORE_FEED_SPAN earlier at least; -1: there was none yet */
    atomic_llong last;            /* the last id that was read */
} feed_t;

typedef struct kr_feeder_t {
    feed_t *feed;
    long long mine;               /* each process its own: the turn that it has */
} kr_feeder_t;

int kr_feed_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    if (!site || !site->cache) return OK;
    for (int i = 0; i < site->databases->nelts; i++) {
        kr_feeder_t *feeder = apr_pcalloc(pconf, sizeof(*feeder));

        feeder->feed = kr_shared_memory(pconf, sizeof(*feeder->feed));
        if (!feeder->feed) return OK; /* nothing is trusted then */
        atomic_store(&feeder->feed->from, -1);
        APR_ARRAY_IDX(site->databases, i, kr_database_t *)->feeder = feeder;
    }
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        tenant->realm->trust = &tenant->database->feeder->feed->trust;
    }
    return OK;
}

/* -- reading ---------------------------------------------------------------- */

/* All of them, each time: another host of the database, which this node reads sessions from, may be a little behind. */
static void tell(kr_changes_t *changes, const apr_array_header_t *rows)
{
    for (int i = 0; i < rows->nelts; i++) {
        const kr_store_feed_row_t *row = &APR_ARRAY_IDX(rows, i, const kr_store_feed_row_t);

        if (*row->identity_id) kr_changes_note(changes, row->identity_id);
        else kr_changes_note_all(changes);
    }
}

/* Whoever is killed in between leaves a mark that is too low: then too much is read, and nothing missed. */
static void set_mark(feed_t *feed, apr_int64_t last, apr_time_t now)
{
    const long long marked_at = atomic_load(&feed->marked_at);

    if (marked_at && now - marked_at < KR_STORE_FEED_SPAN) return;
    if (marked_at) atomic_store(&feed->from, atomic_load(&feed->mark));
    atomic_store(&feed->marked_at, now);
    atomic_store(&feed->mark, last);
}

/* More than can be looked through: nothing that is remembered counts any more, and it begins anew, as behind the last of these are none of
 * whoever was slower with a lower id. Trust runs out meanwhile. */
static void begin_anew(feed_t *feed, kr_changes_t *changes)
{
    kr_changes_note_all(changes);
    atomic_store(&feed->from, -1);
    atomic_store(&feed->marked_at, 0);
    atomic_store(&feed->trust.until, 0);
}

/* The first id that is to be read behind is not known before one has been the last for a while. */
static kr_err_t *look_first(feed_t *feed, kr_ctx_t *k)
{
    const apr_time_t now = kr_clock_ticks();
    apr_int64_t last;

    KR_TRY(kr_store_feed_last(&last, k));
    set_mark(feed, last, now);
    atomic_store(&feed->last, last);
    return NULL;
}

static kr_err_t *look(feed_t *feed, kr_changes_t *changes, kr_ctx_t *k)
{
    const apr_time_t now = kr_clock_ticks();
    const apr_int64_t from = atomic_load(&feed->from);
    apr_array_header_t *rows;

    if (from < 0) return look_first(feed, k);
    kr_metric_count(KR_METRIC_FEED_POLLS, KR_SERIES_ONE);
    KR_TRY(kr_store_feed_read(&rows, k, from));
    if (rows->nelts > KR_STORE_FEED_MAX) {
        begin_anew(feed, changes);
        return NULL;
    }
    tell(changes, rows);
    if (rows->nelts) atomic_store(&feed->last, APR_ARRAY_IDX(rows, rows->nelts - 1, const kr_store_feed_row_t).id);
    set_mark(feed, atomic_load(&feed->last), now);
    atomic_store(&feed->trust.until, now + TRUST);
    return NULL;
}

apr_interval_time_t kr_feed(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    const kr_site_t *site = kr_host_of(s)->site;
    kr_feeder_t *feeder = database->feeder;
    kr_err_t *err;

    if (!feeder || !kr_database_ready(database) || !kr_turn_take(&feeder->feed->turn, &feeder->mine, LONGEST)) return PAUSE;
    err = look(feeder->feed, site->changes, k);
    kr_db_release(k);
    if (err) kr_turn_end(&feeder->feed->turn, &feeder->mine, 0); /* logged below us; perhaps another one reaches it */
    return PAUSE;
}

apr_time_t kr_feed_lag(const kr_site_t *site)
{
    apr_time_t lag = 0;

    for (int i = 0; i < site->databases->nelts; i++) {
        const kr_feeder_t *feeder = APR_ARRAY_IDX(site->databases, i, const kr_database_t *)->feeder;
        const apr_time_t until = feeder ? (apr_time_t)atomic_load(&feeder->feed->trust.until) : 0;
        const apr_time_t age = until ? kr_clock_ticks() - (until - TRUST) : 0;

        if (age > lag) lag = age;
    }
    return lag;
}
