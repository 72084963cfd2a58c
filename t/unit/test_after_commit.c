/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a commit (kr_db_after_commit): when it runs, and when it does not. */
#include <signal.h>
#include <sys/resource.h>

#include "store_env.h"

/** Work that registers two things, and what came of it. */
typedef struct {
    kr_flow_row_t *flow;
    int runs, raced; /* so many tries find somebody in the way */
    char done[8];    /* what followed, in order */
    int in_tx;       /* of what followed, how many stood in a transaction */
    kr_err_t *inner; /* of a transaction that followed */
} followed_t;

static void note(kr_ctx_t *k, followed_t *f, char letter)
{
    f->done[strlen(f->done)] = letter;
    if (k->db && k->db->in_tx) f->in_tx++;
}

static void note_a(kr_ctx_t *k, void *baton)
{
    note(k, baton, 'a');
}

static void note_b(kr_ctx_t *k, void *baton)
{
    note(k, baton, 'b');
}

static kr_err_t *write_followed(kr_ctx_t *k, void *baton)
{
    followed_t *f = baton;

    KR_TRY(kr_store_flow_insert(k, f->flow));
    kr_db_after_commit(k, note_a, f);
    kr_db_after_commit(k, note_b, f);
    assert_string_equal(f->done, "");
    return f->runs++ < f->raced ? kr_db_raced(k) : NULL;
}

static kr_err_t *insert_flow(kr_ctx_t *k, void *baton)
{
    return kr_store_flow_insert(k, baton);
}

static void what_follows_a_commit_runs_after_it_in_order_and_at_once_without_a_transaction(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k);
    followed_t f = { .flow = &flow };

    OK(kr_db_tx(k, write_followed, &f));
    assert_string_equal(f.done, "ab");
    assert_int_equal(f.in_tx, 0);
    assert_int_equal(k->statements, 3); /* nothing is asked for it */
    kr_db_after_commit(k, note_b, &f);
    assert_string_equal(f.done, "abb");
    kr_db_release(k);
    kr_db_after_commit(k, note_a, &f); /* without a connection, too */
    assert_string_equal(f.done, "abba");
    flow.id = kr_uuid(k);
    OK(kr_db_tx(k, insert_flow, &flow)); /* and it is forgotten */
    assert_string_equal(f.done, "abba");
}

static void a_try_that_is_rolled_back_takes_along_what_should_have_followed(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k);
    followed_t f = { .flow = &flow, .raced = 2 };

    OK(kr_db_tx(k, write_followed, &f));
    assert_int_equal(f.runs, 3);
    assert_string_equal(f.done, "ab");
    f = (followed_t){ .flow = &flow };
    assert_true(kr_db_is_duplicate(kr_db_tx(k, write_followed, &f)));
    f = (followed_t){ .flow = &flow, .raced = 100 };
    flow.id = kr_uuid(k);
    k->log_level = 0;
    assert_int_equal(kr_db_tx(k, write_followed, &f)->status, 409);
    assert_string_equal(f.done, "");
    kr_db_after_commit(k, note_b, &f);
    assert_string_equal(f.done, "b");
}

static const kr_query_t NONSENSE = { .name = "nonsense", .sql = "UPDATE no_such_table SET a = %lld" };

static kr_err_t *follow_and_shrug_off(kr_ctx_t *k, void *baton)
{
    KR_TRY(write_followed(k, baton));
    if (kr_db_exec(NULL, k, &NONSENSE, KR_I(1))) return NULL;
    return NULL;
}

static void a_failure_that_was_shrugged_off_is_followed_by_nothing(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k);
    followed_t f = { .flow = &flow };

    k->log_level = 0;
    assert_non_null(kr_db_tx(k, follow_and_shrug_off, &f));
    assert_string_equal(f.done, "");
}

static void begin_another(kr_ctx_t *k, void *baton)
{
    followed_t *f = baton;

    f->flow->id = kr_uuid(k);
    f->inner = kr_db_tx(k, write_followed, f);
}

static kr_err_t *write_and_go_on(kr_ctx_t *k, void *baton)
{
    followed_t *f = baton;

    kr_db_after_commit(k, begin_another, f);
    KR_TRY(kr_store_flow_insert(k, f->flow));
    kr_db_after_commit(k, note_b, f);
    return NULL;
}

static void what_follows_may_begin_a_transaction_that_something_follows_as_well(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k), *out;
    followed_t f = { .flow = &flow };

    OK(kr_db_tx(k, write_and_go_on, &f));
    OK(f.inner);
    assert_string_equal(f.done, "abb");
    OK(kr_store_flow_load(&out, k, "login", flow.id));
    assert_non_null(out);
}

/* An identifier of no credential: SQLite is told to look at it when all is committed. */
static kr_err_t *write_an_orphan(kr_ctx_t *k, void *baton)
{
    static const kr_query_t LATER = { .name = "later", .sql = "PRAGMA defer_foreign_keys = ON" };
    static const kr_query_t ORPHAN = { .name = "orphan", .sql = "INSERT INTO identity_identifiers (realm_id, identifier, type, credential_id) "
                                             "VALUES (%s, 'ana', 'password', 'none')" };
    followed_t *f = baton;

    KR_TRY(write_followed(k, f));
    KR_TRY(kr_db_exec_(NULL, k, &LATER, NULL, 0));
    return kr_db_exec(NULL, k, &ORPHAN, KR_S(k->realm->name));
}

static void a_commit_that_is_refused_is_followed_by_nothing(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k), *out;
    followed_t f = { .flow = &flow };

    k->log_level = 0;
    assert_non_null(kr_db_tx(k, write_an_orphan, &f));
    assert_int_equal(f.runs, 1);
    assert_string_equal(f.done, "");
    OK(kr_store_flow_load(&out, k, "login", flow.id));
    assert_null(out);
}

/* No file may grow any more: what is committed cannot be written. */
static kr_err_t *write_to_a_broken_disk(kr_ctx_t *k, void *baton)
{
    const struct rlimit none = { 0, RLIM_INFINITY };

    KR_TRY(write_followed(k, baton));
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    return NULL;
}

static void a_commit_that_nobody_can_tell_about_is_not_tried_again_and_followed_by_nothing(void **state)
{
    const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t flow = a_flow(k);
    followed_t f = { .flow = &flow };
    kr_err_t *err;

    k->log_level = 0;
    err = kr_db_tx(k, write_to_a_broken_disk, &f);
    setrlimit(RLIMIT_FSIZE, &all);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_int_equal(f.runs, 1);
    assert_string_equal(f.done, "");
}

static kr_err_t *die_at_the_end(kr_ctx_t *k, void *baton)
{
    void **both = baton;

    KR_TRY(write_followed(k, both[0]));
    kill_connection(both[1], connection_of(k));
    return NULL;
}

static void a_connection_that_dies_before_commit_is_followed_by_nothing(void **state)
{
    env_t *env = *state;
    kr_flow_row_t flow = a_flow(env->k);
    followed_t f = { .flow = &flow };
    void *both[2] = { &f, kr_ctx_make(env->pool, &env->realm, 0) };
    kr_err_t *err;

    env->k->log_level = 0;
    err = kr_db_tx(env->k, die_at_the_end, both);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_int_equal(f.runs, KR_DB_TRIES); /* it died each time before the server got the COMMIT: nothing was done */
    assert_string_equal(f.done, "");
    kr_db_release(both[1]);
}

#define BOTH(s)                                                                                                        \
    ON(s, what_follows_a_commit_runs_after_it_in_order_and_at_once_without_a_transaction),                             \
        ON(s, a_try_that_is_rolled_back_takes_along_what_should_have_followed),                                        \
        ON(s, a_failure_that_was_shrugged_off_is_followed_by_nothing),                                                 \
        ON(s, what_follows_may_begin_a_transaction_that_something_follows_as_well)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = {
        BOTH(&sqlite),
        ON(&sqlite, a_commit_that_is_refused_is_followed_by_nothing),
        ON(&sqlite, a_commit_that_nobody_can_tell_about_is_not_tried_again_and_followed_by_nothing),
    };
    const struct CMUnitTest on_mysql[] = {
        BOTH(&mysql),
        ON(&mysql, a_connection_that_dies_before_commit_is_followed_by_nothing),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(on_sqlite, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests(on_mysql, NULL, NULL);
    return failed;
}
