/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever remembers sessions is told of each change to them: this node's processes when it is committed, other nodes by a row. */
#include "kr_changes.h"
#include "kr_store_feed.h"
#include "store_env.h"

/** What there is to change, and who is to hear of it. */
typedef struct {
    kr_ctx_t *k;
    kr_changes_t *changes;
    const char *who, *address;
    kr_session_row_t session;
} scene_t;

static scene_t scene(env_t *env)
{
    void *kept = NULL;
    scene_t s = { .k = env->k, .changes = kr_changes_make(&kept) };
    kr_identity_rows_t *rows = an_identity(env->k, "ana@x.example");

    env->realm.changes = s.changes;
    OK(kr_store_identity_insert(env->k, rows));
    s.who = rows->identity.id;
    s.address = APR_ARRAY_IDX(rows->addresses, 0, kr_address_row_t).id;
    s.session = a_session(env->k, s.who, "token");
    stored_session(env->k, &s.session);
    return s;
}

static int rows_told(kr_ctx_t *k, const char *who)
{
    apr_array_header_t *rows;
    int n = 0;

    OK(kr_store_feed_read(&rows, k, 0));
    for (int i = 0; i < rows->nelts; i++) n += strcmp(APR_ARRAY_IDX(rows, i, kr_store_feed_row_t).identity_id, who) == 0;
    return n;
}

/* -- each change ------------------------------------------------------------ */

static void sign_out(scene_t *s)
{
    OK(kr_store_session_revoke(NULL, s->k, s->session.id, s->who));
}

static void extend(scene_t *s)
{
    int done;

    OK(kr_store_session_extend(&done, s->k, s->session.id, s->who, s->k->now + 99));
}

static void prove_with_the_same_token(scene_t *s)
{
    const kr_session_row_t read = s->session;
    int done;

    s->session.aal = "aal2";
    s->session.updated_at++;
    OK(kr_store_session_update(&done, s->k, &s->session, &read, 1));
    assert_true(done);
}

static void end_all(scene_t *s)
{
    int done;

    OK(kr_store_sessions_end(&done, s->k, s->who));
}

static void lock(scene_t *s)
{
    int done;

    OK(kr_store_identity_state(&done, s->k, s->who, "inactive"));
}

static void raise_level(scene_t *s)
{
    OK(kr_store_identity_level(s->k, s->who, 1, "aal2"));
}

static void verify(scene_t *s)
{
    OK(kr_store_address_verified(s->k, s->who, s->address));
}

static void take_for_a_change(scene_t *s)
{
    int done;

    OK(kr_store_identity_lock(&done, s->k, s->who));
}

static void delete(scene_t *s)
{
    int done;

    OK(kr_store_identity_delete(&done, s->k, s->who));
}

static void (*const CHANGES[])(scene_t *) = { extend, prove_with_the_same_token, verify, take_for_a_change, raise_level, sign_out, end_all, lock, delete };

static void every_change_is_told_to_processes_and_nodes(void **state)
{
    scene_t s = scene(*state);

    s.k->realm = &((env_t *)*state)->realm;
    for (int i = 0; i < KR_DIM(CHANGES); i++) {
        const kr_stamp_t before = kr_changes_now(s.changes, s.who);
        const int rows = rows_told(s.k, s.who);

        if (CHANGES[i] == raise_level) OK(kr_db_exec_(NULL, s.k, &(const kr_query_t){ .name = "v", .sql = "UPDATE identities SET version = 1" }, NULL, 0));
        CHANGES[i](&s);
        assert_false(kr_changes_hold(s.changes, &before, s.who));
        assert_int_equal(rows_told(s.k, s.who), rows + 1);
    }
}

static void what_changes_nothing_is_no_news(void **state)
{
    scene_t s = scene(*state);
    const kr_stamp_t before = kr_changes_now(s.changes, s.who);
    apr_int64_t hits;

    OK(kr_store_session_revoke(&hits, s.k, kr_uuid(s.k), s.who));
    assert_int_equal(hits, 0);
    assert_true(kr_changes_hold(s.changes, &before, s.who));
    assert_int_equal(rows_told(s.k, s.who), 0);
}

static void all_of_a_realm_is_one_row(void **state)
{
    scene_t s = scene(*state);
    const kr_stamp_t before = kr_changes_now(s.changes, s.who);

    OK(kr_store_sessions_end_range(s.k, "", s.who));
    assert_false(kr_changes_hold(s.changes, &before, s.who));
    assert_int_equal(rows_told(s.k, ""), 1);
}

/* -- in a transaction --------------------------------------------------------- */

static kr_err_t *twice_and_fail(kr_ctx_t *k, void *baton)
{
    const scene_t *s = baton;
    int done;

    KR_TRY(kr_store_identity_lock(&done, k, s->who));
    KR_TRY(kr_store_sessions_end(&done, k, s->who));
    return s->session.active ? NULL : kr_err(k, 400, NULL, "no");
}

static void one_transaction_tells_once_and_only_when_it_is_committed(void **state)
{
    scene_t s = scene(*state);
    const kr_stamp_t before = kr_changes_now(s.changes, s.who);

    s.session.active = 0;
    assert_non_null(kr_db_tx(s.k, twice_and_fail, &s));
    assert_true(kr_changes_hold(s.changes, &before, s.who));
    assert_int_equal(rows_told(s.k, s.who), 0);
    s.session.active = 1;
    OK(kr_db_tx(s.k, twice_and_fail, &s));
    assert_false(kr_changes_hold(s.changes, &before, s.who));
    assert_int_equal(rows_told(s.k, s.who), 1);
}

static void a_reader_goes_on_behind_what_it_knows(void **state)
{
    scene_t s = scene(*state);
    apr_array_header_t *rows;
    apr_int64_t last;

    OK(kr_store_feed_last(&last, s.k));
    assert_int_equal(last, 0);
    extend(&s);
    OK(kr_store_feed_last(&last, s.k));
    assert_true(last > 0);
    OK(kr_store_feed_read(&rows, s.k, last));
    assert_int_equal(rows->nelts, 0);
    sign_out(&s);
    OK(kr_store_feed_read(&rows, s.k, last));
    assert_int_equal(rows->nelts, 1);
    assert_true(APR_ARRAY_IDX(rows, 0, kr_store_feed_row_t).id > last);
}

#define BOTH(s)                                                    \
    ON(s, every_change_is_told_to_processes_and_nodes),            \
    ON(s, what_changes_nothing_is_no_news),                        \
    ON(s, all_of_a_realm_is_one_row),                              \
    ON(s, one_transaction_tells_once_and_only_when_it_is_committed), \
    ON(s, a_reader_goes_on_behind_what_it_knows)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = { BOTH(&sqlite) };
    const struct CMUnitTest on_mysql[] = { BOTH(&mysql) };

    return run_on_both(on_sqlite, KR_DIM(on_sqlite), mysql.params, on_mysql, KR_DIM(on_mysql));
}
