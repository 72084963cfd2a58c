/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: prepare once per connection, bind, run, copy out, try again where that is safe. */
#include <string.h>

#include <apr_strings.h>

#include "kr_clock.h"
#include "kr_metrics.h"
#include "kr_text.h"
#include "store.h"

#define ROWS_PER_INSERT 16

/* A statement's text depends on the query and, for inserts of several rows, on how many. */
typedef struct {
    const kr_query_t *query;
    apr_size_t copies; /* of query->row; 0 for a plain statement */
    apr_size_t waits;  /* for what other nodes wrote, see fresh.c. No int: a key has no gaps */
} statement_key_t;

typedef struct {
    statement_key_t key;
    apr_dbd_prepared_t *prepared;
    const char *kinds; /* one 's' or 'i' per argument */
} statement_t;

/* One run of a statement. */
typedef struct {
    statement_key_t key;
    const kr_arg_t *args;
    int nargs;
    apr_array_header_t *rows; /* NULL: it returns none */
    int first_only;
    apr_int64_t affected;
    int undone; /* after a failure: it is sure that nothing was done */
    int missed; /* it found nothing, but a node of a cluster may lag behind */
} job_t;

/* -- preparing ------------------------------------------------------------ */

static const char *text_of(const kr_dbpool_t *dbpool, const kr_query_t *q)
{
    const char *special = dbpool->sqlite ? q->sqlite : q->mysql;

    return special ? special : q->sql;
}

static const char *statement_text(apr_pool_t *pool, const kr_dbconn_t *conn, const statement_key_t *key)
{
    const char *sql = kr_fresh_text(pool, conn, text_of(conn->owner, key->query), (int)key->waits);

    for (apr_size_t i = 0; i < key->copies; i++) sql = apr_pstrcat(pool, sql, i ? ", " : " ", key->query->row, NULL);
    return sql;
}

/* The formats of a text as 's' and 'i'. */
static const char *argument_kinds(apr_pool_t *pool, const char *sql)
{
    char *kinds = apr_pcalloc(pool, strlen(sql) + 1);
    int n = 0;

    for (const char *p = strchr(sql, '%'); p; p = strchr(p + 1, '%')) {
        p++;
        if (*p != '%') kinds[n++] = *p == 's' ? 's' : 'i';
        if (!*p) break;
    }
    return kinds;
}

static int prepare(statement_t **out, kr_dbconn_t *conn, const statement_key_t *key)
{
    const char *sql;
    statement_t *statement = apr_hash_get(conn->statements, key, sizeof(*key));
    int rc = 0;

    *out = statement;
    if (statement) return 0;
    sql = statement_text(conn->prepared, conn, key);
    statement = apr_pcalloc(conn->prepared, sizeof(*statement));
    statement->key = *key;
    statement->kinds = argument_kinds(conn->prepared, sql);
    rc = apr_dbd_prepare(conn->owner->driver, conn->prepared, conn->handle, sql, NULL, &statement->prepared);
    if (rc) {
        conn->dead = 1; /* what the failure left behind in the driver is not worth keeping */
        return rc;
    }
    apr_hash_set(conn->statements, &statement->key, sizeof(statement->key), statement);
    *out = statement;
    return 0;
}

/* -- binding and reading -------------------------------------------------- */

/* The driver reads what the formats promise: a wrong count or kind would be a crash, so it ends here. */
static int args_fit(const statement_t *statement, const job_t *job)
{
    if (strlen(statement->kinds) != (apr_size_t)job->nargs) return 0;
    for (int i = 0; i < job->nargs; i++) {
        if (job->args[i].is_int != (statement->kinds[i] == 'i')) return 0;
    }
    return 1;
}

static const void **bind_args(apr_pool_t *pool, const job_t *job)
{
    const void **bound = apr_palloc(pool, sizeof(*bound) * (apr_size_t)(job->nargs + 1));

    for (int i = 0; i < job->nargs; i++) {
        bound[i] = job->args[i].is_int ? (const void *)&job->args[i].num : (const void *)job->args[i].text;
    }
    bound[job->nargs] = NULL;
    return bound;
}

static void copy_row(kr_row_t *out, apr_pool_t *pool, const apr_dbd_driver_t *driver, apr_dbd_row_t *row, int cols)
{
    out->cols = cols;
    out->col = apr_palloc(pool, sizeof(*out->col) * (apr_size_t)cols);
    for (int i = 0; i < cols; i++) out->col[i] = apr_pstrdup(pool, apr_dbd_get_entry(driver, row, i));
}

/* To the end always: a result that was left half read stays in the way of the next statement. */
static int read_rows(kr_ctx_t *k, job_t *job, apr_dbd_results_t *res)
{
    const apr_dbd_driver_t *driver = k->db->owner->driver;
    int cols = apr_dbd_num_cols(driver, res);
    apr_dbd_row_t *row = NULL;
    int rc;

    while ((rc = apr_dbd_get_row(driver, k->db->scratch, res, &row, -1)) == 0) {
        if (job->first_only && job->rows->nelts) continue;
        copy_row(apr_array_push(job->rows), k->pool, driver, row, cols);
    }
    return rc == -1 ? 0 : rc;
}

static kr_db_class_e attempt(int *rc, kr_ctx_t *k, job_t *job)
{
    kr_dbconn_t *conn = k->db;
    const apr_dbd_driver_t *driver = conn->owner->driver;
    apr_dbd_results_t *res = NULL;
    statement_t *statement = NULL;
    apr_time_t began = kr_clock_ticks(), unused = began - conn->last_used;
    kr_db_class_e class;
    int nrows = 0, sent = 0;

    int waits = kr_fresh_is_due(conn, job->key.query, text_of(conn->owner, job->key.query), job->missed);

    job->key.waits = (apr_size_t)waits;
    *rc = kr_fresh_prepare(conn, waits);
    kr_watch_begin(conn);
    if (*rc == 0) *rc = prepare(&statement, conn, &job->key);
    if (*rc == 0 && !args_fit(statement, job)) {
        *rc = -1; /* a mistake in our own code */
        kr_watch_end(conn);
        return KR_DB_BROKEN;
    }
    if (*rc == 0) {
        const void **args = bind_args(conn->scratch, job);
        k->statements++;
        sent = 1;
        if (!job->rows) {
            *rc = apr_dbd_pbquery(driver, conn->scratch, conn->handle, &nrows, statement->prepared, args);
        } else {
            job->rows->nelts = 0;
            *rc = apr_dbd_pbselect(driver, conn->scratch, conn->handle, &res, statement->prepared, 0, args);
            if (*rc == 0) *rc = read_rows(k, job, res);
        }
    }
    kr_watch_end(conn);
    class = kr_db_classify(conn, *rc);
    job->affected = class == KR_DB_OK ? nrows : 0;
    job->undone = class == KR_DB_GONE && (!sent || kr_db_was_undone(conn, *rc, unused, kr_clock_ticks() - began));
    if (class != KR_DB_GONE) conn->last_used = kr_clock_ticks();
    if (class == KR_DB_OK && waits) kr_fresh_reached(conn, began);
    if (kr_db_leaves_host(conn, *rc)) kr_host_failed(conn->owner, conn->host);
    apr_pool_clear(conn->scratch);
    return class;
}

kr_db_class_e kr_db_say(int *rc, kr_ctx_t *k, const char *sql)
{
    int nrows;

    k->statements++;
    kr_watch_begin(k->db);
    *rc = apr_dbd_query(k->db->owner->driver, k->db->handle, &nrows, sql);
    kr_watch_end(k->db);
    if (*rc == 0) k->db->last_used = kr_clock_ticks();
    if (kr_db_leaves_host(k->db, *rc)) kr_host_failed(k->db->owner, k->db->host);
    return kr_db_classify(k->db, *rc);
}

/* -- running -------------------------------------------------------------- */

/* Inside a transaction a failure ends it: MySQL may have rolled back, and would autocommit from here on. */
static kr_err_t *run_in_tx(kr_ctx_t *k, job_t *job)
{
    kr_dbconn_t *conn = k->db;
    kr_db_class_e class = (kr_db_class_e)conn->poison;
    int rc = 0;

    if (class == KR_DB_OK) class = attempt(&rc, k, job);
    if (class == KR_DB_GONE) conn->dead = 1;
    if (class != KR_DB_OK && class != KR_DB_TAKEN) conn->poison = (int)class;
    return kr_db_fail(k, class, rc, job->key.query->name);
}

/* It found nothing where it may have been too early: once more, and this time it waits. */
static int looks_again(const kr_dbconn_t *conn, job_t *job)
{
    if (!job->rows || job->rows->nelts || job->missed || job->key.query->lag != KR_LAG_UNLESS_MISSING) return 0;
    job->missed = kr_fresh_may_lag(conn);
    return job->missed;
}

/*
 * May it be sent again on another connection? A read, yes. A write only when it is sure that nothing was done: twice
 * would be worse than an error.
 */
static kr_err_t *run(kr_ctx_t *k, job_t *job)
{
    apr_time_t until = kr_clock_ticks() + KR_DB_PATIENCE;
    int write = !job->rows, dead = 0, tries = 0, rc;
    kr_db_class_e class;

    for (;;) {
        KR_TRY(kr_db_acquire(k));
        if (k->db->in_tx) return run_in_tx(k, job);
        int locking = write && !k->db->locked;
        if (locking) KR_TRY(kr_db_lock(k, k->db->owner->conf.wait));
        class = attempt(&rc, k, job);
        if (locking) kr_db_unlock(k);
        if (class == KR_DB_OK && looks_again(k->db, job)) continue;

        if (class == KR_DB_GONE) {
            int max = k->db->owner->conf.max;
            kr_db_discard(k);
            if ((!write || job->undone) && dead++ <= max) continue;
        } else if (class == KR_DB_AGAIN && ++tries < KR_DB_TRIES && kr_clock_ticks() < until) {
            kr_metric_count(KR_METRIC_DB_REDONE, KR_SERIES_ONE);
            kr_db_pause(tries);
            continue;
        }
        return kr_db_fail(k, class, rc, job->key.query->name);
    }
}

static kr_err_t *check_sizes(kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    for (int i = 0; i < nargs; i++) {
        if (args[i].is_int || !args[i].text || strnlen(args[i].text, KR_DB_TEXT_MAX + 1) <= KR_DB_TEXT_MAX) continue;
        kr_log(k, KR_LOG_INFO, KRLOGNO(0407) "%s: value %d is longer than %d bytes", q->name, i + 1, KR_DB_TEXT_MAX);
        return kr_err(k, 413, NULL, "a value is too long to be stored");
    }
    return NULL;
}

static kr_err_t *check_and_run(kr_ctx_t *k, job_t *job)
{
    KR_TRY(check_sizes(k, job->key.query, job->args, job->nargs));
    return run(k, job);
}

kr_err_t *kr_db_exec_(apr_int64_t *affected, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    job_t job = { .key = { q, 0 }, .args = args, .nargs = nargs };
    kr_err_t *err = check_and_run(k, &job);

    if (affected) *affected = job.affected;
    return err;
}

kr_err_t *kr_db_rows_(apr_array_header_t **rows, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    job_t job = { .key = { q, 0 }, .args = args, .nargs = nargs };

    *rows = job.rows = apr_array_make(k->pool, 4, sizeof(kr_row_t));
    return check_and_run(k, &job);
}

kr_err_t *kr_db_one_(kr_row_t **row, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    job_t job = { .key = { q, 0 }, .args = args, .nargs = nargs, .first_only = 1 };

    *row = NULL;
    job.rows = apr_array_make(k->pool, 1, sizeof(kr_row_t));
    KR_TRY(check_and_run(k, &job));
    if (job.rows->nelts) *row = &APR_ARRAY_IDX(job.rows, 0, kr_row_t);
    return NULL;
}

kr_err_t *kr_db_insert_many(kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int per_row, int nrows)
{
    for (int done = 0; done < nrows; done += ROWS_PER_INSERT) {
        int chunk = nrows - done > ROWS_PER_INSERT ? ROWS_PER_INSERT : nrows - done;
        job_t job = { .key = { q, (apr_size_t)chunk }, .args = args + done * per_row, .nargs = chunk * per_row };
        KR_TRY(check_and_run(k, &job));
    }
    return NULL;
}

apr_int64_t kr_row_int(const kr_row_t *row, int col)
{
    return row->col[col] ? apr_atoi64(row->col[col]) : 0;
}

kr_err_t *kr_db_ping(kr_ctx_t *k)
{
    static const kr_query_t PING = { .name = "ping", .sql = "SELECT 1", .lag = KR_LAG_FINE };
    kr_row_t *row;

    return kr_db_one_(&row, k, &PING, NULL, 0);
}

kr_err_t *kr_db_hit_(int *done, kr_ctx_t *k, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    apr_int64_t matched = 0;

    *done = 0;
    KR_TRY(kr_db_exec_(&matched, k, q, args, nargs));
    *done = matched > 0;
    return NULL;
}
