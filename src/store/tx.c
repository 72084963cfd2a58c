/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions. BEGIN and COMMIT are sent as statements: those of apr_dbd lose errors, or commit at a clean-up. */
#include <assert.h>

#include "kr_clock.h"
#include "kr_metrics.h"
#include "store.h"

/* What is read in it must not be older than what its caller was told. */
static kr_db_class_e say_begin(int *rc, kr_ctx_t *k)
{
    kr_dbconn_t *conn = k->db;
    int waits = kr_fresh_may_lag(conn);
    apr_time_t began = kr_clock_ticks();
    kr_db_class_e class;

    *rc = kr_fresh_prepare(conn, waits);
    if (*rc) return kr_db_classify(conn, *rc);
    class = kr_db_say(rc, k, conn->owner->sqlite ? "BEGIN IMMEDIATE" : kr_fresh_text(conn->scratch, conn, "START TRANSACTION", waits));
    if (class == KR_DB_OK && waits) kr_fresh_reached(conn, began);
    return class;
}

/* Open one. *again is set when somebody was in the way. */
static kr_err_t *begin(int *again, kr_ctx_t *k)
{
    kr_db_class_e class = KR_DB_GONE;
    int rc = 0;

    *again = 0;
    for (int dead = 0; class == KR_DB_GONE && dead <= k->realm->dbpool->conf.max + 1; dead++) {
        KR_TRY(kr_db_acquire(k));
        KR_TRY(kr_db_lock(k, k->db->owner->conf.wait));
        class = say_begin(&rc, k);
        if (class == KR_DB_OK) {
            k->db->in_tx = 1;
            k->db->poison = KR_DB_OK;
            k->db->after = NULL;
            return NULL;
        }
        if (class == KR_DB_GONE) {
            kr_db_discard(k);
        } else {
            kr_db_unlock(k);
        }
    }
    *again = class == KR_DB_AGAIN;
    return kr_db_fail(k, class, rc, "BEGIN");
}

static void roll_back(kr_ctx_t *k)
{
    kr_dbconn_t *conn = k->db;
    int rc;

    if (!conn->dead && kr_db_say(&rc, k, "ROLLBACK") != KR_DB_OK) conn->dead = 1;
    conn->in_tx = 0;
    kr_db_unlock(k);
    if (conn->dead) kr_db_discard(k);
}

/* -- what follows -------------------------------------------------------- */

void kr_db_after_commit(kr_ctx_t *k, kr_after_commit_fn *fn, void *baton)
{
    if (!k->db || !k->db->in_tx) {
        fn(k, baton);
        return;
    }
    if (!k->db->after) k->db->after = apr_array_make(k->pool, 2, sizeof(kr_follow_t));
    APR_ARRAY_PUSH(k->db->after, kr_follow_t) = (kr_follow_t){ fn, baton };
}

/* The connection is theirs as well: it may be another one after the first of them. */
static void follow(kr_ctx_t *k, const apr_array_header_t *after)
{
    for (int i = 0; after && i < after->nelts; i++) {
        const kr_follow_t *next = &APR_ARRAY_IDX(after, i, const kr_follow_t);

        next->fn(k, next->baton);
    }
}

/* -- the end ------------------------------------------------------------- */

/*
 * Nobody can say whether a COMMIT was done when the connection broke meanwhile: that is not tried again. When the server never got it, or
 * would not hear of it, the transaction is not there.
 */
static kr_err_t *commit(int *again, kr_ctx_t *k)
{
    kr_db_class_e class;
    int rc, undone;

    class = kr_db_say(&rc, k, "COMMIT");
    if (class == KR_DB_OK) {
        k->db->in_tx = 0;
        k->saved = 1;
        kr_db_unlock(k);
        follow(k, k->db->after);
        return NULL;
    }
    undone = class == KR_DB_AGAIN || (class == KR_DB_GONE && kr_db_was_undone(k->db, rc, 0, 0));
    *again = undone;
    if (class == KR_DB_GONE) k->db->dead = 1;
    roll_back(k);
    return class == KR_DB_GONE && !undone ? kr_db_unknown(k, rc) : kr_db_fail(k, class, rc, "COMMIT");
}

static kr_err_t *finish(int *again, kr_ctx_t *k, kr_err_t *err)
{
    /* work that shrugged off a failure must not be committed without what failed */
    if (!err && k->db->poison) err = kr_db_fail(k, (kr_db_class_e)k->db->poison, 0, "transaction");
    if (!err) return commit(again, k);
    *again = kr_db_is_again(err);
    roll_back(k);
    return err;
}

kr_err_t *kr_db_tx(kr_ctx_t *k, kr_tx_fn *fn, void *baton)
{
    apr_time_t until = kr_clock_ticks() + KR_DB_PATIENCE;
    kr_err_t *err;
    int again = 0;

    assert(!k->db || !k->db->in_tx);
    for (int tries = 1;; tries++) {
        err = begin(&again, k);
        if (!err) err = finish(&again, k, fn(k, baton));
        if (!again) return err;
        if (tries == KR_DB_TRIES || kr_clock_ticks() > until) break;
        kr_metric_count(KR_METRIC_DB_REDONE, KR_SERIES_ONE);
        kr_db_pause(tries);
    }
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0408) "database: a transaction gave up, others were always in its way");
    return err;
}
