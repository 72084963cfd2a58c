/* SPDX-License-Identifier: Apache-2.0 */
/* What is removed when its time is over, and how little that costs. */
#include "store_env.h"
#include "kr_store_code.h"
#include "kr_store_error.h"
#include "kr_store_identity.h"
#include "kr_store_message.h"
#include "kr_store_session.h"
#include "kr_store_sweep.h"

static const kr_query_t COUNT_CODES = { .name = "count", .sql = "SELECT COUNT(*) FROM codes" };

/* One whole sweep. @return the number of rows it deleted */
static apr_int64_t swept(kr_ctx_t *k, int batch)
{
    kr_sweep_t sweep = { 0 };

    do {
        OK(kr_store_sweep(&sweep, k, batch));
    } while (!sweep.done);
    return sweep.deleted;
}

static void what_has_expired_is_swept_with_what_hangs_on_it(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    const char *who = stored_identity(k, "ana@x.example");
    kr_flow_row_t old = a_flow(k), fresh = a_flow(k), *flow;
    kr_session_row_t gone = a_session(k, who, "gone"), live = a_session(k, who, "live"),
                     revoked = a_session(k, who, "revoked");
    kr_session_rows_t *session;
    kr_row_t *row;

    old.expires_at = k->now - apr_time_from_sec(48 * 3600);
    gone.expires_at = k->now - 1;
    OK(kr_store_flow_insert(k, &old));
    OK(kr_store_flow_insert(k, &fresh));
    OK(kr_store_code_insert(k, kr_uuid(k), old.id, "recovery", "x", NULL, NULL, "h", k->now));
    stored_session(k, &gone);
    stored_session(k, &live);
    stored_session(k, &revoked);
    k->now -= apr_time_from_sec(48 * 3600);
    OK(kr_store_session_revoke(NULL, k, revoked.id, revoked.identity_id));
    k->now += apr_time_from_sec(48 * 3600);
    assert_int_equal(swept(k, 100), 4); /* and that one of them was ended is no news any more */
    OK(kr_db_one_(&row, k, &COUNT_CODES, NULL, 0));
    assert_int_equal(kr_row_int(row, 0), 0);
    OK(kr_store_flow_load(&flow, k, "login", old.id));
    assert_null(flow);
    OK(kr_store_flow_load(&flow, k, "login", fresh.id));
    assert_non_null(flow);
    OK(kr_store_session_find(&session, k, "live", 0, 0));
    assert_non_null(session);
    assert_int_equal(swept(k, 100), 0);
}

static int is_there(kr_ctx_t *k, const kr_flow_row_t *flow)
{
    kr_flow_row_t *found;

    OK(kr_store_flow_load(&found, k, "login", flow->id));
    return found != NULL;
}

static void flows_that_nobody_submitted_go_soon_and_others_after_a_day(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t idle = a_flow(k), late = a_flow(k), used = a_flow(k), counted = a_flow(k), mailed = a_flow(k);
    int tries;

    idle.expires_at = used.expires_at = counted.expires_at = mailed.expires_at = k->now - apr_time_from_sec(1200);
    idle.created_at = used.created_at = k->now - apr_time_from_sec(4800);
    idle.updated_at = idle.created_at;
    late.expires_at = k->now - apr_time_from_sec(60); /* who comes a little late is still told so */
    mailed.state = "sent_email";
    OK(kr_store_flow_insert(k, &idle));
    OK(kr_store_flow_insert(k, &late));
    OK(kr_store_flow_insert(k, &used));
    OK(kr_store_flow_insert(k, &counted));
    OK(kr_store_flow_insert(k, &mailed));
    OK(kr_store_flow_count(&tries, k, counted.id));
    assert_int_equal(swept(k, 100), 1);
    assert_false(is_there(k, &idle));
    assert_true(is_there(k, &late) && is_there(k, &used) && is_there(k, &counted) && is_there(k, &mailed));

    k->now += apr_time_from_sec(24 * 3600);
    assert_int_equal(swept(k, 100), 4);
}

/* Made by hand: more rows than batches, others among them, and many of one microsecond. */
static void insert_expired(kr_ctx_t *k, int count, int used, apr_time_t expires_at)
{
    for (int i = 0; i < count; i++) {
        kr_flow_row_t flow = a_flow(k);

        flow.expires_at = expires_at ? expires_at : k->now - apr_time_from_sec(3600) - i;
        if (used) flow.created_at--;
        OK(kr_store_flow_insert(k, &flow));
    }
}

static void the_sweep_goes_on_batch_by_batch_until_it_has_caught_up(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_sweep_t sweep = { 0 };

    insert_expired(k, 35, 0, 0);
    insert_expired(k, 35, 1, 0);
    insert_expired(k, 50, 0, k->now - apr_time_from_sec(7200));
    for (int rounds = 0; !sweep.done; rounds++) {
        const apr_int64_t before = sweep.deleted;

        assert_true(rounds < 50);
        OK(kr_store_sweep(&sweep, k, 10));
        assert_true(sweep.deleted - before <= 20);
    }
    assert_int_equal(sweep.deleted, 85);

    sweep.deleted = 0; /* what came meanwhile is found by the next one, which does not walk through the others again */
    k->now += apr_time_from_sec(3600);
    insert_expired(k, 5, 0, 0);
    k->statements = 0;
    do {
        OK(kr_store_sweep(&sweep, k, 10));
    } while (!sweep.done);
    assert_int_equal(sweep.deleted, 5);
    assert_int_equal(k->statements, 2 * KR_SWEEP_FAMILIES);
}

/* The server notes statements that read a table, or an index, from end to end. */
static const kr_query_t WATCH[] = {
    { .name = "watch", .sql = "SET GLOBAL log_output = 'TABLE'" },
    { .name = "watch", .sql = "SET GLOBAL log_queries_not_using_indexes = ON" },
    { .name = "watch", .sql = "SET GLOBAL slow_query_log = ON" },
};
static const kr_query_t UNWATCH[] = {
    { .name = "unwatch", .sql = "SET GLOBAL slow_query_log = OFF" },
    { .name = "unwatch", .sql = "SET GLOBAL log_queries_not_using_indexes = OFF" },
};
static const kr_query_t NOTED = {
    .name = "noted",
    .sql = "SELECT COUNT(*) FROM mysql.slow_log WHERE sql_text LIKE %s",
};
static const kr_query_t SCAN = { .name = "scan", .sql = "SELECT COUNT(*) FROM flows WHERE ui LIKE '%%scanned%%'" };

static int noted(kr_ctx_t *k, const char *like)
{
    kr_row_t *row;

    OK(kr_db_one(&row, k, &NOTED, KR_S(like)));
    return (int)kr_row_int(row, 0);
}

/* Connections take over what is global when they are made, so the sweep has a pool of its own. */
static void the_sweep_walks_indexes_and_scans_nothing(void **state)
{
    env_t *env = *state;
    const char *why = NULL;
    kr_realm_t realm = env->realm;
    kr_row_t *row;
    kr_ctx_t *k;
    int scans = noted(env->k, "%scanned%"), deletes = noted(env->k, "DELETE FROM%"), looks = noted(env->k, "SELECT%OFFSET%");

    insert_expired(env->k, 300, 0, 0);
    insert_expired(env->k, 300, 1, 0);
    for (int i = 0; i < KR_DIM(WATCH); i++) OK(kr_db_exec_(NULL, env->k, &WATCH[i], NULL, 0));
    realm.dbpool = pool_of(env->pool, env->driver, env->params, 2, &why);
    assert_int_equal(kr_dbpool_open(realm.dbpool, env->pool), APR_SUCCESS);
    k = kr_ctx_make(env->pool, &realm, KR_LOG_ERR);
    k->now = env->k->now;
    OK(kr_db_one_(&row, k, &SCAN, NULL, 0)); /* it does note */
    assert_int_equal(swept(k, 100), 300);
    for (int i = 0; i < KR_DIM(UNWATCH); i++) OK(kr_db_exec_(NULL, env->k, &UNWATCH[i], NULL, 0));
    assert_int_equal(noted(env->k, "%scanned%"), scans + 1);
    assert_int_equal(noted(env->k, "DELETE FROM%"), deletes);
    assert_int_equal(noted(env->k, "SELECT%OFFSET%"), looks);
}

#define BOTH(s)                                                        \
    ON(s, what_has_expired_is_swept_with_what_hangs_on_it),            \
    ON(s, flows_that_nobody_submitted_go_soon_and_others_after_a_day), \
    ON(s, the_sweep_goes_on_batch_by_batch_until_it_has_caught_up)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql), ON(&mysql, the_sweep_walks_indexes_and_scans_nothing) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
