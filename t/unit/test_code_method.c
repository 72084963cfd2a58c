/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in by one-time code: what is sent to whom, what is asked, what is refused and what nobody learns. */
#include "code_env.h"

/* -- signing in ----------------------------------------------------------- */

static void test_a_mailed_code_signs_in_and_verifies_its_address(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;
    json_t *addresses;

    account(env, ANA);
    assert_int_equal(count_of(env, &VERIFIED), 0);
    to = sent(app, " Ana@Example.ORG");
    code = login_code(env, ANA);
    k = submit(app, to, NULL, login_body(ANA, wrong(env, code)));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_string_equal(word(k, "state"), "sent_email");
    k = submit(app, to, NULL, login_body(ANA, apr_psprintf(env->pool, "%.3s %s", code, code + 3)));
    assert_status(k, 200);
    assert_string_equal(kr_json_str(json_array_get(kr_json_at(said(k), "session.authentication_methods"), 0), "method"),
                        "code");
    addresses = kr_json_at(said(k), "session.identity.verifiable_addresses");
    assert_true(json_is_true(json_object_get(json_array_get(addresses, 0), "verified")));
    assert_int_equal(count_of(env, &VERIFIED), 1);
}

static void test_a_code_works_once(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 200);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010002);
}

static void test_a_code_that_is_too_old_is_wrong(void **state)
{
    env_t *env = with(state, "selfservice: {methods: {code: {passwordless_enabled: true, config: {lifespan: 1m}}}}\n");
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    env->now += 61 * SECOND;
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
}

static void test_after_five_tries_the_flow_is_locked_and_a_new_code_does_not_open_it(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    for (int i = 0; i < 5; i++)
        assert_int_equal(message_at(said(submit(app, to, NULL, login_body(ANA, wrong(env, code)))), NULL), 4010008);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
    assert_int_equal(message_at(said(submit(app, to, NULL, again(ANA))), NULL), 1010014);
    k = submit(app, to, NULL, login_body(ANA, login_code(env, ANA)));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
}

static void test_a_code_sent_again_voids_the_earlier_one(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *first, *second;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    first = login_code(env, ANA);
    assert_status(submit(app, to, NULL, again(ANA)), 400);
    second = login_code(env, ANA);
    if (strcmp(first, second) == 0) return; /* once in a million */
    k = submit(app, to, NULL, login_body(ANA, first));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(submit(app, to, NULL, login_body(ANA, second)), 200);
}

static void test_a_code_is_good_for_its_own_account_and_flow_only(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    account(env, "bo@example.org");
    to = sent(app, ANA);
    code = login_code(env, ANA);
    k = submit(app, to, NULL, login_body("bo@example.org", code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    k = submit(app, sent(app, "bo@example.org"), NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 200); /* nobody has used it up */
}

static void test_of_two_addresses_the_one_that_was_typed_is_mailed(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);

    assert_status(submit(app, to, flow, json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD,
                                                  "traits", "email", ANA, "second", "two@example.org")),
                  200);
    to = sent(app, "TWO@example.org");
    assert_null(mailed_as(env, "login_code_valid", "login_code", ANA));
    assert_status(submit(app, to, NULL, login_body("two@example.org", login_code(env, "two@example.org"))), 200);
    assert_int_equal(count_of(env, &VERIFIED), 1); /* the one whose code it was */
}

static void test_a_code_to_an_address_that_was_given_up_is_wrong(void **state)
{
    static const kr_query_t give_up = { .name = "give_up",
                                        .sql = "DELETE FROM identity_identifiers WHERE identifier = 'two@example.org'" };
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    assert_status(submit(app, to, flow, json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD,
                                                  "traits", "email", ANA, "second", "two@example.org")),
                  200);
    to = sent(app, "two@example.org");
    code = login_code(env, "two@example.org");
    change_rows(env, &give_up);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
}

static void test_what_misses_is_said_at_its_field(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);
    kr_ctx_t *k = submit(app, to, flow, login_body("", NULL));

    assert_int_equal(message_at(said(k), "identifier"), 4000002);
    k = submit(app, to, flow, login_body("nobody@example.org", NULL));
    assert_int_equal(message_at(said(k), NULL), 4000035);
    assert_string_equal(word(k, "state"), "choose_method");
    account(env, ANA);
    to = sent(app, ANA);
    k = submit(app, to, NULL, login_body(ANA, ""));
    assert_int_equal(message_at(said(k), "code"), 4000002);
}

static void test_a_code_confirms_a_session_of_its_owner_only(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    account(env, "bo@example.org");
    app = signed_in_app(env, ANA);
    flow = begin_flow(app, "login", "?refresh=true", &to);
    k = submit(app, to, flow, login_body("bo@example.org", NULL));
    assert_int_equal(message_at(said(k), NULL), 4000035);
    k = submit(app, to, flow, login_body(ANA, NULL));
    assert_int_equal(message_at(said(k), NULL), 1010025);
    assert_status(submit(app, to, flow, login_body(ANA, login_code(env, ANA))), 200);
}

static void test_where_enumeration_is_mitigated_an_unknown_address_looks_like_a_known_one(void **state)
{
    env_t *env = with(state, MITIGATED);
    client_t *app = native(env);
    const char *known, *unknown;
    int mails;

    account(env, ANA);
    known = sent(app, ANA);
    mails = count_of(env, &MAILS);
    unknown = sent(app, "nobody@example.org");
    assert_int_equal(count_of(env, &MAILS), mails);
    for (int i = 0; i < 6; i++) {
        kr_ctx_t *a = submit(app, known, NULL, login_body(ANA, "no code"));
        kr_ctx_t *b = submit(app, unknown, NULL, login_body("nobody@example.org", "no code"));

        assert_int_equal(a->reply->status, b->reply->status);
        assert_int_equal(message_at(said(a), NULL), message_at(said(b), NULL));
        assert_int_equal(message_at(said(b), NULL), i < 5 ? 4010008 : 4000001);
    }
}

static void test_another_identifier_takes_the_first_ones_code_along(void **state)
{
    env_t *env = with(state, MITIGATED);
    client_t *app = native(env);
    const char *to, *code;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    assert_status(submit(app, to, NULL, again("nobody@example.org")), 400);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 400);
}

static void test_an_account_from_before_codes_is_found_where_the_settings_want_it(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    kr_ctx_t *k;

    account(env, ANA); /* under a schema that knows nothing of codes */
    with(state, WITH_CODE);
    app = native(env);
    begin_flow(app, "login", "", &to);
    assert_int_equal(message_at(said(submit(app, to, NULL, login_body(ANA, NULL))), NULL), 4000035);
    assert_null(mailed_as(env, "login_code_valid", "login_code", ANA));

    with(state, WITH_FALLBACK);
    app = native(env);
    to = sent(app, "Ana@example.org");
    k = submit(app, to, NULL, login_body(ANA, login_code(env, ANA)));
    assert_status(k, 200);
    assert_string_equal(word(k, "session.identity.traits.email"), ANA);
    assert_int_equal(count_of(env, &VERIFIED), 1);
    begin_flow(app, "login", "", &to);
    assert_int_equal(message_at(said(submit(app, to, NULL, login_body("nobody@example.org", NULL))), NULL), 4000035);
}

static void test_the_first_address_for_codes_may_come_later(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *owner;
    json_t *flow;
    const char *to;

    write_file(env, "person.json", PERSON);
    change(env, "");
    owner = signed_in_app(env, ANA);
    with(state, WITH_CODE);
    owner->realm = env->realm;
    flow = begin_flow(owner, "settings", "", &to);
    assert_status(submit(owner, to, flow, json_pack("{s:s, s:{s:s, s:s}}", "method", "profile", "traits", "email", ANA, "second",
                                                    "second@example.org")),
                  200);
    env->now += SECOND;
    to = sent(native(env), "second@example.org");
    assert_status(submit(native(env), to, NULL, login_body("second@example.org", login_code(env, "second@example.org"))), 200);
}

static void test_without_the_setting_there_is_no_sign_in_by_code(void **state)
{
    env_t *env = with(state, "");
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);

    account(env, ANA);
    assert_int_equal(message_at(said(submit(app, to, flow, login_body(ANA, NULL))), NULL), 4010002);
    flow = begin_flow(app, "registration", "", &to);
    assert_int_equal(message_at(said(submit(app, to, flow, sign_up_body("bo@example.org", NULL, NULL))), NULL), 4010003);
}

/* -- identifier first ----------------------------------------------------- */

static kr_ctx_t *name_oneself(client_t *app, const char *identifier, const char **to)
{
    json_t *flow = begin_flow(app, "login", "", to);

    return submit(app, *to, flow, json_pack("{s:s, s:s}", "method", "identifier_first", "identifier", identifier));
}

static void test_identifier_first_offers_what_the_account_has(void **state)
{
    env_t *env = with(state, IDENTIFIER_FIRST);
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    account(env, ANA);
    k = name_oneself(app, ANA, &to);
    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "choose_method");
    assert_non_null(node_of(said(k), "password"));
    assert_string_equal(value_of(said(k), "method"), "password");
    k = submit(app, to, NULL, login_body(ANA, NULL));
    assert_string_equal(word(k, "state"), "sent_email");
    assert_status(submit(app, to, NULL, login_body(ANA, login_code(env, ANA))), 200);
}

static void test_identifier_first_sends_the_code_at_once_where_it_is_the_only_way_in(void **state)
{
    env_t *env = with(state, IDENTIFIER_FIRST);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    assert_status(submit(app, to, flow, sign_up_body(ANA, NULL, NULL)), 400);
    assert_status(submit(app, to, flow, sign_up_body(ANA, NULL, registration_code(env, ANA))), 200);
    k = name_oneself(app, ANA, &to);
    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "sent_email");
    assert_string_equal(word(k, "active"), "code");
    assert_status(submit(app, to, NULL, login_body(ANA, login_code(env, ANA))), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_mailed_code_signs_in_and_verifies_its_address),
        TEST(test_a_code_works_once),
        TEST(test_a_code_that_is_too_old_is_wrong),
        TEST(test_after_five_tries_the_flow_is_locked_and_a_new_code_does_not_open_it),
        TEST(test_a_code_sent_again_voids_the_earlier_one),
        TEST(test_a_code_is_good_for_its_own_account_and_flow_only),
        TEST(test_of_two_addresses_the_one_that_was_typed_is_mailed),
        TEST(test_a_code_to_an_address_that_was_given_up_is_wrong),
        TEST(test_what_misses_is_said_at_its_field),
        TEST(test_a_code_confirms_a_session_of_its_owner_only),
        TEST(test_where_enumeration_is_mitigated_an_unknown_address_looks_like_a_known_one),
        TEST(test_another_identifier_takes_the_first_ones_code_along),
        TEST(test_an_account_from_before_codes_is_found_where_the_settings_want_it),
        TEST(test_the_first_address_for_codes_may_come_later),
        TEST(test_without_the_setting_there_is_no_sign_in_by_code),
        TEST(test_identifier_first_offers_what_the_account_has),
        TEST(test_identifier_first_sends_the_code_at_once_where_it_is_the_only_way_in),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
