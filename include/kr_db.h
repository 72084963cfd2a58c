/* SPDX-License-Identifier: Apache-2.0 */
/* The thin layer over apr_dbd: pools, statements, transactions, error classes, retry. No other code calls apr_dbd_*. */
#ifndef KR_DB_H
#define KR_DB_H

#include <apr_tables.h>

#include "kr_ctx.h"

typedef struct kr_dbpool_t kr_dbpool_t;

/** How to reach a database: KratosDatabase and KratosDatabasePool. */
typedef struct {
    const char *driver;          /* "mysql" or "sqlite3" */
    const apr_array_header_t *params; /* of const char*: one parameter string per host, tried in order */
    int min, keep, max;          /* connections per child */
    apr_time_t expire;           /* µs an idle connection above `keep` lives */
    apr_time_t wait;             /* µs to wait for a connection when all are busy; then 503 */
} kr_dbconf_t;

/**
 * Describe a pool: at start, opens nothing. Checks the driver and the parameters (MySQL: reconnect=0 and fldsz are set
 * here, other values are refused).
 * @param lock_dir  where the cross-process write lock of SQLite may put its file; NULL: beside the database file
 */
kr_dbpool_t *kr_dbpool_make(apr_pool_t *pconf, const kr_dbconf_t *conf, const char *lock_dir, const char **why);

/** Open the pool in this process (child_init, tools, tests): makes the reslist, connects to nothing yet. */
apr_status_t kr_dbpool_open(kr_dbpool_t *dbpool, apr_pool_t *pchild);

/**
 * The process ends while somebody hangs in a statement: leave the pool's memory alone when pchild goes, as it is still in
 * use. The connections end with the process.
 */
void kr_dbpool_abandon(kr_dbpool_t *dbpool);

/** A thread of this process that looks after connections of which no answer comes. */
typedef struct kr_dbwatch_t kr_dbwatch_t;

/**
 * Watch these pools (of kr_dbpool_t*; SQLite's are left out), all of them open in this process: who waits for a host that does not even
 * say its greeting any more is told so after some four seconds, and whatever takes longer than a statement may, after twelve; the drivers
 * know no limit of their own. Ends before `pchild` does.
 * @param out  NULL when there is nothing to watch
 * @param k    what the thread logs by; lives as long as pchild
 */
apr_status_t kr_dbwatch_start(kr_dbwatch_t **out, apr_pool_t *pchild, const apr_array_header_t *pools, const kr_ctx_t *k);

/** The process is to end: whoever waits for a host that says nothing is told so sooner. May be called in a signal handler. */
void kr_dbwatch_hurry(kr_dbwatch_t *watch);

/** How it was described. Its params may hold passwords: nobody shows them. */
const kr_dbconf_t *kr_dbpool_conf(const kr_dbpool_t *dbpool);

/** What the option files of MySQL's client library say about TLS to a host that is not on this machine. */
typedef struct {
    const char *file;  /* one that has options about it; NULL: there are none */
    int proves;        /* the server must prove who it is before it hears the password */
} kr_dbtls_t;

/** Read them, as the library will: only when the host's parameters name a group. Slow; for the doctor. */
kr_dbtls_t kr_dbpool_tls(apr_pool_t *pool, const kr_dbpool_t *dbpool, int host);

/** Is it SQLite? */
int kr_dbpool_is_sqlite(const kr_dbpool_t *dbpool);

/* -- statements ----------------------------------------------------------- */

/** On a cluster, may a statement miss what another node has just written? Where there is one server, it misses nothing anyway. */
typedef enum {
    KR_LAG_NONE,           /* no: what it is about may have been made by the request before, at another node */
    KR_LAG_UNLESS_MISSING, /* by two seconds: it is asked often, and mostly about what is long there; when it finds nothing it looks again, properly */
    KR_LAG_FINE            /* it looks again by itself, or asks for what nobody was told of */
} kr_lag_e;

/**
 * One statement. `sql` has apr_dbd formats: %s for text, %lld for integers, no other; %% for a per cent sign.
 * `sqlite` and `mysql` override it where the dialects differ. For kr_db_insert_many `row` is "(%s,%lld)" and sql ends in VALUES.
 * Constants: the address is the key of the connection's statement cache.
 */
typedef struct {
    const char *name;   /* for logs: "session_by_token" */
    const char *sql;
    const char *mysql;
    const char *sqlite;
    const char *row;
    kr_lag_e lag;
} kr_query_t;

/** A bound value; use KR_S and KR_I. */
typedef struct {
    int is_int;
    const char *text;   /* NULL is SQL NULL */
    apr_int64_t num;
} kr_arg_t;

#define KR_S(s) ((kr_arg_t){ 0, (s), 0 })
#define KR_I(n) ((kr_arg_t){ 1, NULL, (apr_int64_t)(n) })

/** One row, copied out of the driver: plain text of each column, NULL for SQL NULL. */
typedef struct {
    int cols;
    const char **col;
} kr_row_t;

/** A column as integer (µs, flags, counts); 0 for NULL. */
apr_int64_t kr_row_int(const kr_row_t *row, int col);

#define KR_ARGS_(...) (const kr_arg_t[]){ __VA_ARGS__ }, (int)(sizeof((const kr_arg_t[]){ __VA_ARGS__ }) / sizeof(kr_arg_t))

/** Run a statement that returns no rows; *affected (may be NULL) are the rows that matched. See kr_db_exec_ for errors. */
#define kr_db_exec(affected, k, q, ...) kr_db_exec_((affected), (k), (q), KR_ARGS_(__VA_ARGS__))
/** Fetch all rows into an array of kr_row_t. */
#define kr_db_rows(rows, k, q, ...) kr_db_rows_((rows), (k), (q), KR_ARGS_(__VA_ARGS__))
/** Fetch the first row; *row is NULL when there is none. */
#define kr_db_one(row, k, q, ...) kr_db_one_((row), (k), (q), KR_ARGS_(__VA_ARGS__))

/**
 * Errors of all of these: 503 unavailable when the database is gone, busy for too long or full; KR_DB_DUPLICATE (see
 * kr_db_is_duplicate) when a unique key is taken; KR_DB_RETRY inside a transaction, which kr_db_tx turns into another try;
 * 500 otherwise, logged with the query's name and never its values. Outside a transaction retryable failures are retried here.
 */
kr_err_t *kr_db_exec_(apr_int64_t *affected, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs) KR_MUST_CHECK;
/** See kr_db_rows. */
kr_err_t *kr_db_rows_(apr_array_header_t **rows, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs) KR_MUST_CHECK;
/** See kr_db_one. */
kr_err_t *kr_db_one_(kr_row_t **row, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs) KR_MUST_CHECK;

/**
 * Insert `nrows` rows in one statement (up to 16; more in chunks of 16).
 * @param args  nrows x per_row values, row by row; zero rows are no statement
 */
kr_err_t *kr_db_insert_many(kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int per_row, int nrows) KR_MUST_CHECK;

/** Was it a unique key? Such an error has status 409. */
int kr_db_is_duplicate(const kr_err_t *err);

/** Work inside a transaction. May run several times: it starts from its inputs each time. */
typedef kr_err_t *kr_tx_fn(kr_ctx_t *k, void *baton);

/**
 * Run `fn` between BEGIN and COMMIT; an error rolls back and is returned. A deadlock, lock time-out or Galera conflict (also at
 * COMMIT) rolls back and tries again, up to 10 times with growing, jittered pauses; then 503. On SQLite BEGIN IMMEDIATE
 * under a cross-process lock. Not nestable (asserted).
 */
kr_err_t *kr_db_tx(kr_ctx_t *k, kr_tx_fn *fn, void *baton) KR_MUST_CHECK;

/** What follows a commit. No transaction is open any more: it may send statements, and begin a transaction of its own. */
typedef void kr_after_commit_fn(kr_ctx_t *k, void *baton);

/**
 * Have `fn` run once the transaction is committed, in the order of these calls, before kr_db_tx returns; outside a transaction it
 * runs at once. One that is rolled back forgets it, and so does each new try: the work registers anew. When the connection breaks
 * during COMMIT nobody can say whether it was done: kr_db_tx answers an error, and `fn` is not run. So what must not be missed (a
 * session that ended, for who keeps copies of sessions) rests on something else besides: a copy is trusted for a short time only.
 * @param baton  lives as long as k->pool
 */
void kr_db_after_commit(kr_ctx_t *k, kr_after_commit_fn *fn, void *baton);

/**
 * What a transaction answers when a row is not any more what it was when it was read: kr_db_tx begins anew. When that goes on for
 * too long it is a 409 that says so.
 */
kr_err_t *kr_db_raced(kr_ctx_t *k);

/** Give the connection back now: before hashing, sending, waiting. Harmless when none is held; not inside a transaction. */
void kr_db_release(kr_ctx_t *k);

/** Whether the database answers: for /health/ready. One trivial statement. */
kr_err_t *kr_db_ping(kr_ctx_t *k) KR_MUST_CHECK;

/* -- schema --------------------------------------------------------------- */

/**
 * Apply pending migrations of sql/<driver>/NNNN_*.sql. Safe when ten servers start at once: one works (GET_LOCK on MySQL,
 * the file lock on SQLite), the others wait. Each file is restartable half-way.
 * @param dir      the folder that holds mysql/ and sqlite/
 * A schema that newer versions have only added to will do (docs/adding-a-migration.md); one that is of no use to this version any more is
 * an error, 503, of which kr_db_is_too_new is true.
 * @param pending  out: how many were pending
 * @param apply    0: only look
 */
kr_err_t *kr_db_migrate(int *pending, kr_ctx_t *k, const char *dir, int apply) KR_MUST_CHECK;

/** Was the database changed for newer versions than this one? */
int kr_db_is_too_new(const kr_err_t *err);

/* -- what is counted ------------------------------------------------------- */

/** Wrong tries, counted together: once there were `limit` of them within `window`, the right one is refused as well. */
typedef struct kr_tries_t {
    const char *id;       /* a keyed hash, of what is tried and whose it is */
    apr_int64_t limit;
    apr_time_t window;    /* µs */
} kr_tries_t;

#endif
