/* SPDX-License-Identifier: Apache-2.0 */
/* A code as second factor: where it goes, whose it must be, and how often it may be wrong. */
#include "code_env.h"
#include "kr_require.h"

static json_t *two_addresses(const char *first, const char *second)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD, "traits", "email", first, "second", second);
}

/* An app that is signed in with one factor, to an account with two addresses for codes. */
static client_t *half_in(env_t *env, const char *first, const char *second)
{
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    begin_flow(app, "registration", "", &to);
    k = submit(app, to, NULL, two_addresses(first, second));
    assert_status(k, 200);
    apr_table_set(app->headers, "X-Session-Token", word(k, "session_token"));
    assert_status(get(app, "/sessions/whoami"), 403);
    env->now += SECOND;
    return app;
}

static kr_ctx_t *choose(client_t *app, const char *address, const char **to)
{
    begin_flow(app, "login", "?aal=aal2", to);
    return submit(app, *to, NULL, json_pack("{s:s}", "address", address));
}

static void test_a_second_factor_goes_to_an_address_of_ones_own(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *eve = half_in(env, "eve@example.org", "eve2@example.org");
    const char *to, *code;
    kr_ctx_t *k;

    assert_int_equal(message_at(said(choose(eve, ANA, &to)), NULL), 4000035);
    assert_null(mailed_as(env, "login_code_valid", "login_code", ANA));
    k = choose(ana, "ana2@example.org", &to);
    assert_int_equal(message_at(said(k), NULL), 1010025);
    assert_null(mailed_as(env, "login_code_valid", "login_code", ANA));
    code = login_code(env, "ana2@example.org");
    /* Eve has her own first factor, and somehow Ana's flow and code: still not hers */
    assert_status(submit(eve, to, NULL, login_body("ana2@example.org", code)), 400);
    assert_status(get(eve, "/sessions/whoami"), 403);
    k = submit(ana, to, NULL, login_body("ana2@example.org", code));
    assert_status(k, 200);
    assert_string_equal(word(k, "session.authenticator_assurance_level"), "aal2");
    apr_table_set(ana->headers, "X-Session-Token", word(k, "session_token"));
    assert_status(get(ana, "/sessions/whoami"), 200);
}

static void test_a_code_of_somebody_elses_is_no_second_factor(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *eve = half_in(env, "eve@example.org", "eve2@example.org");
    const char *to;
    kr_ctx_t *k;

    assert_status(choose(ana, ANA, &to), 400);
    k = submit(eve, to, NULL, login_body("eve@example.org", login_code(env, ANA)));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(get(eve, "/sessions/whoami"), 403);
}

static void test_a_second_factor_from_an_address_that_was_given_up_is_wrong(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");
    const char *to, *code;
    kr_ctx_t *k;

    assert_status(choose(ana, "ana2@example.org", &to), 400);
    code = login_code(env, "ana2@example.org");
    change_rows(env, &GIVE_UP);
    k = submit(ana, to, NULL, login_body(ANA, code));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(get(ana, "/sessions/whoami"), 403);
}

static void test_a_second_factor_is_locked_after_five_tries(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");
    const char *to, *code;

    assert_status(choose(ana, ANA, &to), 400);
    code = login_code(env, ANA);
    for (int i = 0; i < 5; i++)
        assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, wrong(env, code)))), NULL), 4010008);
    assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, code))), NULL), 4000001);
    assert_status(submit(ana, to, NULL, again(ANA)), 400);
    assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, login_code(env, ANA)))), NULL), 4000001);
    assert_status(get(ana, "/sessions/whoami"), 403);
}

static void test_a_trait_may_say_where_the_second_factor_goes(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");

    assert_string_equal(word(get(ana, "/self-service/login/api?aal=aal2&via=second"), "state"), "sent_email");
    assert_non_null(login_code(env, "ana2@example.org"));
    assert_status(get(ana, "/self-service/login/api?aal=aal2&via=name"), 400);
    assert_status(get(ana, "/self-service/login/api?aal=aal2&via=."), 400);
    assert_null(mailed_as(env, "login_code_valid", "login_code", ANA));
}

static void test_the_code_needs_no_address_beside_it(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *eve = half_in(env, "eve@example.org", "eve2@example.org");
    const char *to, *code;

    assert_status(choose(ana, ANA, &to), 400);
    code = login_code(env, ANA);
    assert_int_equal(message_at(said(submit(eve, to, NULL, json_pack("{s:s, s:s}", "method", "code", "code", code))), NULL), 4010008);
    assert_int_equal(message_at(said(submit(ana, to, NULL, json_pack("{s:s, s:s}", "method", "code", "code", wrong(env, code)))), NULL),
                     4010008);
    assert_status(submit(ana, to, NULL, json_pack("{s:s, s:s}", "method", "code", "code", code)), 200); /* nobody has used it up */
}

static void test_what_misses_is_said_in_the_form_of_a_wrong_code(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");
    const char *to;
    kr_ctx_t *k;

    assert_null(node_of(said(choose(ana, ANA, &to)), "csrf_token"));
    k = submit(ana, to, NULL, login_body(ANA, ""));
    assert_int_equal(message_at(said(k), "code"), 4000002);
    assert_string_equal(kr_json_str(node_of(said(k), "identifier"), "group"), "default");
    assert_string_equal(value_of(said(k), "identifier"), ANA);
    assert_non_null(node_of(said(k), "csrf_token"));
    assert_status(submit(ana, to, NULL, json_pack("{s:s, s:s}", "address", ANA, "code", login_code(env, ANA))), 200);
}

static void test_who_was_there_before_codes_became_a_second_factor_is_asked_for_one_too(void **state)
{
    env_t *env = with(state, "");
    client_t *app = native(env);
    apr_array_header_t *words = apr_array_make(env->pool, 1, sizeof(const char *));
    const char *to, *why = NULL;
    const kr_require_t *rule;
    kr_session_t *session;
    kr_ctx_t *k;

    begin_flow(app, "registration", "", &to);
    k = submit(app, to, NULL, two_addresses(ANA, "ana2@example.org"));
    apr_table_set(app->headers, "X-Session-Token", word(k, "session_token"));
    assert_status(get(app, "/sessions/whoami"), 200);
    env = with(state, SECOND_FACTOR);
    app->realm = env->realm;
    assert_status(get(app, "/sessions/whoami"), 403);
    /* and where a place alone asks for it, they are told where to go */
    APR_ARRAY_PUSH(words, const char *) = "aal2";
    rule = kr_require_parse(env->pool, KR_REQUIRE_AAL, words, &why);
    k = carrying(app, "GET", "/", NULL, NULL);
    OK(kr_session_need(&session, k, NULL));
    assert_int_equal(kr_require_judge(k, rule, session), KR_REQUIRE_UNMET);
    assert_string_equal(kr_require_refusal(k, rule, session, NULL)->id, "session_aal2_required");
    kr_db_release(k);
}

static unsigned statements_of(client_t *app)
{
    kr_ctx_t *k = get(app, "/sessions/whoami");

    assert_status(k, 200);
    return k->statements;
}

static void test_who_signs_in_after_codes_ceased_to_be_a_second_factor_is_not_counted_again_and_again(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *later = native(env);
    unsigned once;
    const char *to;
    kr_ctx_t *k;

    env = with(state, "");
    ana->realm = later->realm = env->realm;
    once = statements_of(ana);
    begin_flow(later, "login", "", &to);
    k = submit(later, to, NULL, json_pack("{s:s, s:s, s:s}", "method", "password", "identifier", ANA, "password", GOOD));
    assert_status(k, 200);
    assert_string_equal(word(k, "session.identity.traits.email"), ANA);
    assert_true(statements_of(ana) < once);
    /* and where codes are one again, that holds at once */
    env = with(state, SECOND_FACTOR);
    ana->realm = env->realm;
    assert_status(get(ana, "/sessions/whoami"), 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_second_factor_goes_to_an_address_of_ones_own),
        TEST(test_a_code_of_somebody_elses_is_no_second_factor),
        TEST(test_a_second_factor_from_an_address_that_was_given_up_is_wrong),
        TEST(test_a_second_factor_is_locked_after_five_tries),
        TEST(test_a_trait_may_say_where_the_second_factor_goes),
        TEST(test_the_code_needs_no_address_beside_it),
        TEST(test_who_was_there_before_codes_became_a_second_factor_is_asked_for_one_too),
        TEST(test_what_misses_is_said_in_the_form_of_a_wrong_code),
        TEST(test_who_signs_in_after_codes_ceased_to_be_a_second_factor_is_not_counted_again_and_again),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
