/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host: the first of those that are well. One that fails is asked after all others for a while, twice as long each time it fails
 * again; once it is well for that long, connections go back to it one at a time.
 */
#include <apr_strings.h>

#include "kr_clock.h"
#include "store.h"

/*
 * That a host which says nothing holds up one thread and not all: while a try has been hanging for HANGS_AFTER nobody
 * else begins one, and after it failed the host is left alone for AVOID_FOR, even when there is no other. A host that refuses at once is
 * asked every time when there is no other.
 */
#define HANGS_AFTER apr_time_from_sec(1)
#define AVOID_FOR apr_time_from_sec(5)
/*
 * A server counts greetings that nobody answers, and shuts a client out that left too many of them (max_connect_errors)
 * with no good connection between. So one that refuses us after its greeting (a wrong password) is not tried like that
 * again for TRUST_FOR.
 */
#define TRUST_FOR apr_time_from_sec(60)

#define FIRST_REST apr_time_from_sec(1)
#define LONGEST_REST apr_time_from_sec(60)
#define FORGOTTEN_AFTER apr_time_from_sec(180) /* a host that did not fail for as long begins anew with FIRST_REST */

#define STAY apr_time_from_sec(10)           /* a connection is not replaced sooner, only because a host before its own is well again */
#define BETWEEN_MOVES apr_time_from_msec(250) /* of one process: the host that comes back is not run over */

int kr_host_may_try(kr_dbpool_t *dbpool, kr_dbhost_t *host)
{
    apr_time_t now = kr_clock_ticks();
    int may;

    apr_thread_mutex_lock(dbpool->mutex);
    may = now >= host->avoid_until && (!host->connecting || now - host->since < HANGS_AFTER);
    if (may && host->connecting++ == 0) host->since = now;
    apr_thread_mutex_unlock(dbpool->mutex);
    return may;
}

/* Of many connections that break at the same moment the first one counts. Under the mutex. */
static void rest(kr_dbhost_t *host, apr_time_t now)
{
    apr_interval_time_t pause = FIRST_REST;

    if (host->down && now < host->retry_at) return;
    if (now - host->failed_at > FORGOTTEN_AFTER) host->failures = 0;
    for (int i = 0; i < host->failures && pause < LONGEST_REST; i++) pause *= 2;
    host->down = 1;
    host->heard = 0;
    host->failures++;
    host->failed_at = now;
    host->retry_at = now + (pause < LONGEST_REST ? pause : LONGEST_REST);
}

void kr_host_was_tried(kr_dbpool_t *dbpool, kr_dbhost_t *host, apr_time_t began, int ok)
{
    apr_time_t now = kr_clock_ticks();

    apr_thread_mutex_lock(dbpool->mutex);
    host->connecting--;
    if (ok) {
        host->avoid_until = host->trust_until = 0;
        host->since = now; /* it answers: those who connect still do not hang, however long there was always one of them */
        host->down = host->hung = host->owed = 0;
    } else {
        rest(host, now);
        if (now - began >= HANGS_AFTER) {
            host->avoid_until = now + AVOID_FOR;
            host->hung = 1;
        }
    }
    apr_thread_mutex_unlock(dbpool->mutex);
}

int kr_host_is_trusted(kr_dbpool_t *dbpool, const kr_dbhost_t *host)
{
    int trusted;

    apr_thread_mutex_lock(dbpool->mutex);
    trusted = kr_clock_ticks() < host->trust_until;
    apr_thread_mutex_unlock(dbpool->mutex);
    return trusted;
}

void kr_host_trust(kr_dbpool_t *dbpool, kr_dbhost_t *host)
{
    apr_thread_mutex_lock(dbpool->mutex);
    host->trust_until = kr_clock_ticks() + TRUST_FOR;
    apr_thread_mutex_unlock(dbpool->mutex);
}

void kr_host_failed(kr_dbpool_t *dbpool, kr_dbhost_t *host)
{
    if (dbpool->nhosts == 1) return; /* there is nowhere else to go, and reading may go on here */
    apr_thread_mutex_lock(dbpool->mutex);
    if (!host->down) host->left++;
    rest(host, kr_clock_ticks());
    apr_thread_mutex_unlock(dbpool->mutex);
}

void kr_host_hangs(kr_dbhost_t *host)
{
    apr_time_t now = kr_clock_ticks();

    rest(host, now);
    host->hung = 1;
    host->left++;
    host->avoid_until = now + AVOID_FOR;
}

/* Under the mutex. What hung is asked by those who watch first, as nobody's request should wait for it. */
static int is_well(const kr_dbpool_t *dbpool, const kr_dbhost_t *host, apr_time_t now)
{
    if (!host->down) return 1;
    return now >= host->retry_at && !host->connecting && (!host->hung || !dbpool->watched || host->heard);
}

int kr_host_is_asked_last(kr_dbpool_t *dbpool, const kr_dbhost_t *host)
{
    int well;

    apr_thread_mutex_lock(dbpool->mutex);
    well = is_well(dbpool, host, kr_clock_ticks());
    apr_thread_mutex_unlock(dbpool->mutex);
    return !well;
}

/* Under the mutex. */
static int is_to_move(kr_dbpool_t *dbpool, const kr_dbconn_t *conn, apr_time_t now)
{
    if (now - conn->opened < STAY || now - dbpool->moved < BETWEEN_MOVES) return 0;
    for (const kr_dbhost_t *host = dbpool->host; host < conn->host; host++) {
        if (!is_well(dbpool, host, now)) continue;
        dbpool->moved = now;
        return 1;
    }
    return 0;
}

int kr_host_is_left(kr_dbconn_t *conn)
{
    kr_dbpool_t *dbpool = conn->owner;
    kr_dbhost_t *host = conn->host;
    int left;

    apr_thread_mutex_lock(dbpool->mutex);
    left = conn->left != host->left || host->owed || is_to_move(dbpool, conn, kr_clock_ticks());
    host->owed = 0;
    apr_thread_mutex_unlock(dbpool->mutex);
    return left;
}

const char *kr_host_label(apr_pool_t *pool, const kr_dbpool_t *dbpool, int i)
{
    const char *params = dbpool->host[i].params, *name = NULL;

    if (!dbpool->sqlite) name = kr_conn_parameter(pool, params, "host");
    if (!dbpool->sqlite && !name) name = kr_conn_parameter(pool, params, "sock");
    if (!name) name = dbpool->sqlite ? params : "the client library's own";
    return apr_psprintf(pool, "host %d of %d (%s)", i + 1, dbpool->nhosts, name);
}
