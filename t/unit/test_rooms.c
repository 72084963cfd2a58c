/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms that own rows do for all others: identities, sessions, exchanges and kept errors by their meaning. */
#include "api_env.h"
#include "kr_store_session.h"

#define ANA "ana@example.org"
#define BEA "bea@example.org"
#define NOBODY "4d52dbb2-0000-4000-8000-000000000000"

static const kr_query_t SESSIONS = { .name = "sessions", .sql = "SELECT COUNT(*) FROM sessions" };

static const char *text_at(const apr_array_header_t *list, int i)
{
    return APR_ARRAY_IDX(list, i, const char *);
}

/* The session that a client has, as a request of it finds it. */
static kr_session_t *session_of(kr_ctx_t **k, client_t *c)
{
    kr_session_t *session;

    *k = carrying(c, "GET", "/", NULL, NULL);
    must(kr_session_need(&session, *k, NULL), __LINE__);
    return session;
}

/* -- identities ----------------------------------------------------------- */

static void test_accounts_are_found_by_id_and_by_what_they_sign_in_with(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, ANA);
    const char *id = word(get(ana, "/sessions/whoami"), "identity.id"), *found;
    kr_ctx_t *k = context(env, env->realm);
    apr_array_header_t *types;
    int owners;

    must(kr_identity_known(&found, k, id), __LINE__);
    assert_string_equal(found, id);
    must(kr_identity_known(&found, k, NOBODY), __LINE__);
    assert_null(found);
    must(kr_identity_owner(&found, &owners, k, ANA), __LINE__);
    assert_string_equal(found, id);
    assert_int_equal(owners, 1);
    must(kr_identity_owner(&found, &owners, k, BEA), __LINE__);
    assert_null(found);
    assert_int_equal(owners, 0);
    must(kr_identity_types(&types, k, ANA), __LINE__);
    assert_string_equal(text_at(types, types->nelts - 1), "password");
    must(kr_identity_types(&types, k, BEA), __LINE__);
    assert_int_equal(types->nelts, 0);
    kr_db_release(k);
}

static void test_accounts_are_paged_in_the_order_of_their_making(void **state)
{
    env_t *env = *state;
    const char *ana = word(get(signed_in_app(env, ANA), "/sessions/whoami"), "identity.id");
    apr_array_header_t *ids;
    const char *bea;
    kr_ctx_t *k;

    env->now += SECOND;
    bea = word(get(signed_in_app(env, BEA), "/sessions/whoami"), "identity.id");
    k = context(env, env->realm);
    must(kr_identity_page(&ids, k, NULL, NULL, 10), __LINE__);
    assert_int_equal(ids->nelts, 2);
    assert_string_equal(text_at(ids, 0), ana);
    must(kr_identity_page(&ids, k, NULL, ana, 10), __LINE__);
    assert_int_equal(ids->nelts, 1);
    assert_string_equal(text_at(ids, 0), bea);
    must(kr_identity_page(&ids, k, "bea@", NULL, 10), __LINE__);
    assert_int_equal(ids->nelts, 1);
    assert_string_equal(text_at(ids, 0), bea);
    kr_db_release(k);
}

static void test_a_locked_account_is_not_let_in_and_a_deleted_one_is_gone_with_its_sessions(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, ANA);
    const char *id = word(get(ana, "/sessions/whoami"), "identity.id");
    kr_ctx_t *k = context(env, env->realm);
    int done;

    must(kr_identity_set_state(&done, k, id, "inactive"), __LINE__);
    assert_int_equal(done, 1);
    assert_status(get(ana, "/sessions/whoami"), 401);
    must(kr_identity_set_state(&done, k, id, "active"), __LINE__);
    assert_status(get(ana, "/sessions/whoami"), 200);
    must(kr_identity_set_state(&done, k, NOBODY, "active"), __LINE__);
    assert_int_equal(done, 0);
    must(kr_identity_delete(&done, k, id), __LINE__);
    assert_int_equal(done, 1);
    kr_db_release(k);
    assert_status(get(ana, "/sessions/whoami"), 401);
    assert_int_equal(count_of(env, &SESSIONS), 0);
    must(kr_identity_delete(&done, k, id), __LINE__);
    assert_int_equal(done, 0);
    kr_db_release(k);
}

/* -- sessions ------------------------------------------------------------- */

static void test_sessions_of_the_realm_come_with_whose_they_are(void **state)
{
    env_t *env = *state;
    kr_ctx_t *of_ana, *of_bea, *k = context(env, env->realm);
    kr_session_t *ana = session_of(&of_ana, signed_in_app(env, ANA)), *bea = session_of(&of_bea, signed_in_app(env, BEA));
    apr_array_header_t *list;
    const kr_session_t *s;

    assert_string_equal(ana->identity_id, ana->identity->id);
    must(kr_session_page(&list, k, NULL, 0, NULL, 10), __LINE__);
    assert_int_equal(list->nelts, 2);
    must(kr_session_page(&list, k, bea->identity_id, 1, NULL, 10), __LINE__);
    assert_int_equal(list->nelts, 1);
    s = &APR_ARRAY_IDX(list, 0, kr_session_t);
    assert_string_equal(s->id, bea->id);
    assert_string_equal(s->identity_id, bea->identity->id);
    assert_null(s->identity);
    assert_int_equal(json_array_size(s->methods), 1);
    kr_db_release(k);
    kr_db_release(of_ana);
    kr_db_release(of_bea);
}

static void test_a_session_is_ended_once_by_its_id_and_one_that_is_not_there_is_told(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, ANA);
    const char *id = word(get(ana, "/sessions/whoami"), "id");
    kr_ctx_t *k = context(env, env->realm);
    kr_err_t *err;
    int done;

    must(kr_session_revoke(&done, k, id), __LINE__);
    assert_int_equal(done, 1);
    assert_status(get(ana, "/sessions/whoami"), 401);
    must(kr_session_revoke(&done, k, id), __LINE__);
    assert_int_equal(done, 0);
    err = kr_session_revoke(&done, k, NOBODY);
    assert_non_null(err);
    assert_int_equal(err->status, 404);
    kr_db_release(k);
}

static kr_err_t *end_others(kr_ctx_t *k, void *baton)
{
    return kr_session_end_others_now(k, baton);
}

static kr_err_t *end_others_and_fail(kr_ctx_t *k, void *baton)
{
    KR_TRY(kr_session_end_others_now(k, baton));
    return kr_err(k, 418, NULL, "no");
}

static void test_a_session_moves_along_when_the_end_of_all_others_is_committed(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, ANA), *other = native(env);
    kr_ctx_t *k;
    kr_session_t *session = session_of(&k, ana);
    const apr_int64_t epoch = session->epoch;

    assert_status(login_as(other, ANA, GOOD, ""), 200);
    assert_non_null(kr_db_tx(k, end_others_and_fail, session));
    assert_int_equal(session->epoch, epoch);
    must(kr_db_tx(k, end_others, session), __LINE__);
    assert_int_equal(session->epoch, epoch + 1);
    must(kr_db_tx(k, end_others, session), __LINE__); /* and is known as it is now */
    kr_db_release(k);
    assert_status(get(ana, "/sessions/whoami"), 200);
}

/* -- the token exchange --------------------------------------------------- */

static void test_an_exchange_gives_its_session_once_with_a_token_of_its_own(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;
    kr_session_t *session = session_of(&k, signed_in_app(env, ANA)), *got;
    const char *hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, "back"), *code, *pending;
    const char *flow = word(get(native(env), "/self-service/login/api"), "id");
    int done;

    must(kr_exchange_begin(&code, k, flow, k->now + apr_time_from_sec(60)), __LINE__);
    must(kr_exchange_take(&got, &pending, k, code, "back"), __LINE__);
    assert_null(got);
    must(kr_store_exchange_fill(&done, k, flow, hash, session->id), __LINE__);
    must(kr_exchange_take(&got, &pending, k, code, "other"), __LINE__);
    assert_null(got);
    must(kr_exchange_take(&got, &pending, k, code, "back"), __LINE__);
    assert_string_equal(got->id, session->id);
    assert_string_not_equal(got->token_hash, session->token_hash);
    must(kr_exchange_take(&got, &pending, k, code, "back"), __LINE__);
    assert_null(got);
    kr_db_release(k);
}

/* -- errors --------------------------------------------------------------- */

static void test_an_error_that_is_kept_comes_back_as_it_was(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    json_t *error = kr_json_pack(k->pool, "{s:i, s:s}", "code", 418, "reason", "no"), *back;
    apr_time_t created = 0;
    const char *id;

    must(kr_flow_error_keep(&id, k, error), __LINE__);
    must(kr_flow_error_load(&back, &created, k, id), __LINE__);
    assert_true(json_equal(error, back));
    assert_int_equal(created, k->now);
    must(kr_flow_error_load(&back, &created, k, NOBODY), __LINE__);
    assert_null(back);
    must(kr_flow_error_load(&back, &created, k, "no id"), __LINE__);
    assert_null(back);
    kr_db_release(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_accounts_are_found_by_id_and_by_what_they_sign_in_with),
        TEST(test_accounts_are_paged_in_the_order_of_their_making),
        TEST(test_a_locked_account_is_not_let_in_and_a_deleted_one_is_gone_with_its_sessions),
        TEST(test_sessions_of_the_realm_come_with_whose_they_are),
        TEST(test_a_session_is_ended_once_by_its_id_and_one_that_is_not_there_is_told),
        TEST(test_a_session_moves_along_when_the_end_of_all_others_is_committed),
        TEST(test_an_exchange_gives_its_session_once_with_a_token_of_its_own),
        TEST(test_an_error_that_is_kept_comes_back_as_it_was),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
