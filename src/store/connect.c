/* SPDX-License-Identifier: Apache-2.0 */
/* Making a connection: which host, and the settings of its session. */
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "kr_clock.h"
#include "kr_metrics.h"
#include "kr_text.h"
#include "store.h"

#define SETUP_TRIES 100
#define SQLITE_ROW_RC 100 /* what apr_dbd_query answers to a PRAGMA that has a result; no error */

/* -- sessions ------------------------------------------------------------- */

int kr_conn_say(kr_dbconn_t *conn, const char *sql)
{
    int nrows, rc;

    kr_watch_begin(conn);
    rc = apr_dbd_query(conn->owner->driver, conn->handle, &nrows, sql);
    kr_watch_end(conn);
    return conn->owner->sqlite && rc == SQLITE_ROW_RC ? 0 : rc;
}

/* One column of the answer to a PRAGMA or a SHOW ... LIKE; NULL when there is none. */
static const char *show(kr_dbconn_t *conn, const char *sql, int col)
{
    const apr_dbd_driver_t *driver = conn->owner->driver;
    apr_dbd_prepared_t *statement = NULL;
    apr_dbd_results_t *res = NULL;
    apr_dbd_row_t *row = NULL;
    const void *none[1] = { NULL };
    const char *value = NULL;
    apr_pool_t *pool;

    apr_pool_create(&pool, conn->life);
    kr_watch_begin(conn);
    if (apr_dbd_prepare(driver, pool, conn->handle, sql, NULL, &statement) == 0 &&
        apr_dbd_pbselect(driver, pool, conn->handle, &res, statement, 0, none) == 0) {
        while (apr_dbd_get_row(driver, pool, res, &row, -1) == 0) {
            value = apr_pstrdup(conn->life, apr_dbd_get_entry(driver, row, col));
        }
    }
    kr_watch_end(conn);
    apr_pool_destroy(pool);
    return value;
}

/* Whoever closes the last connection to a file locks it for a moment: that is waited for. */
static int say_patiently(kr_dbconn_t *conn, const char *sql)
{
    int rc = kr_conn_say(conn, sql);

    for (int tries = 1; kr_db_classify(conn, rc) == KR_DB_AGAIN && tries < SETUP_TRIES; tries++) {
        kr_db_pause(2);
        rc = kr_conn_say(conn, sql);
    }
    return rc;
}

/*
 * Before anything is prepared, since foreign_keys makes older statements useless. No busy_timeout: the driver would
 * multiply it. Of many that start together with a new file one makes it a WAL file, under the write lock.
 */
static const char *set_up_sqlite(kr_dbconn_t *conn)
{
    const char *mode;
    int rc;

    if (say_patiently(conn, "PRAGMA foreign_keys=ON") != 0) return "foreign keys cannot be switched on";
    if (say_patiently(conn, "PRAGMA synchronous=NORMAL") != 0) return "PRAGMA synchronous failed";
    mode = show(conn, "PRAGMA journal_mode", 0);
    if (mode && !strcmp(mode, "wal")) return NULL;
    if (kr_filelock_take(&conn->owner->lock, conn->owner->conf.wait) != APR_SUCCESS) return "the write lock is busy";
    rc = say_patiently(conn, "PRAGMA journal_mode=WAL");
    kr_filelock_give(&conn->owner->lock);
    return rc ? "the file cannot be put into WAL mode" : NULL;
}

static int is_on(const char *value)
{
    return value && strcasecmp(value, "ON") == 0;
}

/*
 * Is it a node of several (see fresh.c)? One of Galera that lost its quorum still takes connections but no statements: another host may do
 * better. In Group Replication with one primary whoever takes changes has them all.
 */
static const char *set_up_cluster(kr_dbconn_t *conn)
{
    const char *primary;

    conn->cluster = KR_ALONE;
    conn->waits = 0;
    if (is_on(show(conn, "SHOW VARIABLES LIKE 'wsrep_on'", 1))) {
        conn->cluster = KR_GALERA;
        if (!is_on(show(conn, "SHOW STATUS LIKE 'wsrep_ready'", 1))) return "the node is not part of a working cluster";
        return kr_conn_say(conn, "SET SESSION wsrep_sync_wait=0") ? "wsrep_sync_wait cannot be set" : NULL;
    }
    primary = show(conn, "SHOW VARIABLES LIKE 'group_replication_single_primary_mode'", 1);
    if (primary && !is_on(primary)) {
        conn->cluster = KR_GROUP;
        return kr_conn_say(conn, "SET SESSION group_replication_consistency='EVENTUAL'") ? "group_replication_consistency cannot be set" : NULL;
    }
    return NULL;
}

/*
 * A replica answers what it is asked until it is told to change something. The table may not be there yet, and no row is like that: what
 * counts is whether it says that nothing may be changed here, to us.
 */
static int takes_no_changes(kr_dbconn_t *conn)
{
    return kr_db_is_read_only(conn, kr_conn_say(conn, "DELETE FROM schema_migrations WHERE version < 0"));
}

static const char TAKES_NO_CHANGES[] = "it takes no changes";

/*
 * Whatever the server's own settings are: statements outside of transactions are final at once, and nobody waits long
 * for a row, or for a table that a backup or an ALTER has locked (both servers would wait for a day and longer).
 */
static const char *set_up_mysql(kr_dbconn_t *conn, int resort)
{
    if (kr_conn_say(conn, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") != 0) return "no READ COMMITTED";
    if (kr_conn_say(conn,
            "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit=1, "
            "SESSION innodb_lock_wait_timeout=3, SESSION lock_wait_timeout=3, "
            "SESSION character_set_client=utf8mb4, SESSION character_set_connection=utf8mb4, "
            "SESSION character_set_results=utf8mb4") != 0) {
        return "the session's settings were refused";
    }
    /*
     * The driver has no read time-out, so the server must end what takes too long; MySQL knows it for SELECT only. One that has neither is
     * an old one, and not worth refusing to work.
     */
    if (kr_conn_say(conn, "SET SESSION max_statement_time=10") != 0) (void)kr_conn_say(conn, "SET SESSION max_execution_time=10000");
    if (!resort && conn->owner->nhosts > 1 && takes_no_changes(conn)) return TAKES_NO_CHANGES;
    return set_up_cluster(conn);
}

/* -- hosts ---------------------------------------------------------------- */

/* One line a second is enough to say that the database is down. */
static int may_complain(kr_dbpool_t *dbpool)
{
    apr_time_t now = kr_clock_ticks();
    int may;

    apr_thread_mutex_lock(dbpool->mutex);
    may = now - dbpool->complained >= apr_time_from_sec(1);
    if (may) dbpool->complained = now;
    apr_thread_mutex_unlock(dbpool->mutex);
    return may;
}

/* The driver's part. @return NULL, or why not */
static const char *open_handle(kr_dbconn_t *conn, kr_dbhost_t *host, int resort)
{
    kr_dbpool_t *dbpool = conn->owner;
    const char *why = NULL;

    conn->host = host;
    conn->left = host->left;
    if (dbpool->sqlite) (void)kr_file_prepare(conn->scratch, host->params); /* what is wrong with it the driver will say */
    if (apr_dbd_open_ex(dbpool->driver, conn->life, host->params, &conn->handle, &why) != APR_SUCCESS) {
        conn->handle = NULL;
        return why ? why : "it did not answer";
    }
    kr_metric_grow(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN), 1);
    conn->generation = apr_atomic_read32(&dbpool->generation);
    if (dbpool->sqlite) return set_up_sqlite(conn);
    kr_watch_add(conn);
    return set_up_mysql(conn, resort);
}

/* @param resort  no other host would have us. @return NULL, or why not; lives in conn->scratch */
static const char *connect_to(kr_ctx_t *k, kr_dbconn_t *conn, kr_dbhost_t *host, int resort)
{
    kr_dbpool_t *dbpool = conn->owner;
    apr_time_t began = kr_clock_ticks();
    int ask = !dbpool->sqlite && !kr_host_is_trusted(dbpool, host);
    apr_status_t heard = ask ? kr_conn_greeting(k, conn->scratch, host->params) : APR_ENOENT;
    const char *why;

    apr_pool_create(&conn->life, conn->pool);
    apr_pool_create(&conn->prepared, conn->life);
    why = APR_STATUS_IS_TIMEUP(heard) ? "it takes connections and says nothing" : open_handle(conn, host, resort);
    kr_host_was_tried(dbpool, host, began, !why);
    conn->refused = why == TAKES_NO_CHANGES;
    if (why && !conn->handle && heard == APR_SUCCESS) kr_host_trust(dbpool, host);
    if (!why) {
        conn->statements = apr_hash_make(conn->prepared);
        conn->opened = conn->last_used = kr_clock_ticks();
        return NULL;
    }
    why = apr_pstrdup(conn->scratch, why);
    kr_conn_close(conn);
    return why;
}

/* Where connections go from now on, once for each change. */
static void tell_where(kr_ctx_t *k, kr_dbpool_t *dbpool, int i)
{
    int before;

    apr_thread_mutex_lock(dbpool->mutex);
    before = dbpool->leads_to;
    dbpool->leads_to = i;
    apr_thread_mutex_unlock(dbpool->mutex);
    if (before != i)
        kr_log(k, i ? KR_LOG_WARNING : KR_LOG_NOTICE, KRLOGNO(0420) "database: connections go to %s from now on",
               kr_host_label(k->pool, dbpool, i));
}

/* @return whether it is connected now; if not, *complaints has grown by "host 2 of 3 (db2.example.org): why" */
static int try_host(const char **complaints, kr_ctx_t *k, kr_dbconn_t *conn, int i, int resort)
{
    kr_dbpool_t *dbpool = conn->owner;
    const char *why = "it hangs";

    conn->refused = 0;
    if (kr_host_may_try(dbpool, &dbpool->host[i])) why = connect_to(k, conn, &dbpool->host[i], resort);
    if (!why) {
        tell_where(k, dbpool, i);
        return 1;
    }
    *complaints = apr_psprintf(k->pool, "%s%s%s: %s", *complaints, **complaints ? "; " : "", kr_host_label(k->pool, dbpool, i), why);
    apr_pool_clear(conn->scratch);
    return 0;
}

/* What came of a host in one round. */
enum { NOT_TRIED, UNREACHABLE, REPLICA };

/* Those that are well, then those that failed a while ago, and then those that can be read from at least. Nobody is asked twice in vain. */
static int try_hosts(const char **complaints, kr_ctx_t *k, kr_dbconn_t *conn)
{
    kr_dbpool_t *dbpool = conn->owner;
    unsigned char *was = apr_pcalloc(k->pool, (apr_size_t)dbpool->nhosts);

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < dbpool->nhosts; i++) {
            if (was[i] != (round == 2 ? REPLICA : NOT_TRIED)) continue;
            if (round == 0 && dbpool->nhosts > 1 && kr_host_is_asked_last(dbpool, &dbpool->host[i])) continue;
            if (try_host(complaints, k, conn, i, round == 2)) return 1;
            was[i] = conn->refused ? REPLICA : UNREACHABLE;
        }
    }
    return 0;
}

kr_err_t *kr_conn_open(kr_ctx_t *k, kr_dbconn_t *conn)
{
    const char *complaints = "";
    int connected = try_hosts(&complaints, k, conn);

    if (*complaints && !kr_leaving(k) && may_complain(conn->owner))
        kr_log(k, KR_LOG_ERR, KRLOGNO(0400) "database: %s", complaints);
    return connected ? NULL : kr_err_unavailable(k, 2, "the database cannot be reached");
}

void kr_conn_close(kr_dbconn_t *conn)
{
    if (!conn->life) return;
    if (conn->handle && !conn->owner->sqlite) kr_watch_remove(conn);
    apr_pool_destroy(conn->prepared); /* statements end before the connection they belong to */
    if (conn->handle) {
        apr_dbd_close(conn->owner->driver, conn->handle);
        kr_metric_grow(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN), -1);
    }
    apr_pool_destroy(conn->life);
    conn->life = conn->prepared = NULL;
    conn->handle = NULL;
    conn->statements = NULL;
}
