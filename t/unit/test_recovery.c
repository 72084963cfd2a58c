/* SPDX-License-Identifier: Apache-2.0 */
/* The way back in and the proof of an address, by code and by link: what a secret from a mail opens, how often, and
 * what nobody learns. And the hooks that go with them. */
#include "mail_env.h"

/* -- links ---------------------------------------------------------------- */

static void test_a_recovery_link_signs_in_once_and_in_any_browser(void **state)
{
    env_t *env = *state;
    client_t *reader;
    const char *link;
    kr_ctx_t *k;

    use_with_ana(env, LINKS);
    link = ask_for_link(spa(env), "recovery");
    reader = person(env);
    k = get(reader, link);
    assert_status(k, 303);
    assert_non_null(strstr(header(k, "Location"), SETTINGS_PAGE "?flow="));
    assert_status(get(reader, "/sessions/whoami"), 200);
    assert_int_equal(count_of(env, &VERIFIED), 1);

    reader = person(env);
    k = get(reader, link);
    assert_status(k, 303);
    assert_null(strstr(header(k, "Location"), SETTINGS_PAGE));
    assert_null(cookie_set(k, SESSION));
    assert_status(get(reader, "/sessions/whoami"), 401);
}

static void test_a_newer_recovery_link_voids_the_older_one(void **state)
{
    env_t *env = *state;
    const char *older, *newer;

    use_with_ana(env, LINKS);
    older = ask_for_link(native(env), "recovery");
    newer = ask_for_link(native(env), "recovery");
    assert_null(cookie_set(get(person(env), older), SESSION));
    assert_non_null(cookie_set(get(person(env), newer), SESSION));
}

static void test_an_expired_link_opens_nothing(void **state)
{
    env_t *env = *state;
    const char *link;

    use_with_ana(env, LINKS);
    link = ask_for_link(native(env), "recovery");
    env->now += 3600 * SECOND;
    assert_null(cookie_set(get(person(env), link), SESSION));
}

static void test_a_verification_link_verifies_once_and_signs_nobody_in(void **state)
{
    env_t *env = *state;
    client_t *reader;
    const char *link;
    json_t *flow;
    kr_ctx_t *k;

    use_with_ana(env, LINKS);
    begin_mailed(spa(env), "verification", "link", ANA, &flow);
    reader = person(env);
    link = path_of(mailed(env, "verification_url"));
    assert_int_equal(count_of(env, &VERIFIED), 0);
    k = get(reader, link);
    assert_status(k, 303);
    assert_null(cookie_set(k, SESSION));
    assert_int_equal(count_of(env, &VERIFIED), 1);
    k = get(reader, link);
    assert_status(k, 303);
    assert_null(strstr(header(k, "Location"), kr_json_str(flow, "id"))); /* a flow that says it was used */
}

/* A link without its token is no visit from a mail: it needs the form's own token. */
static void test_a_visit_without_a_token_does_nothing(void **state)
{
    static const char *const MORE[] = { "", "&token=", "&code=" };
    static const char *const KINDS[] = { "recovery", "verification" };
    env_t *env = *state;
    json_t *flow;

    use_with_ana(env, LINKS);
    for (int i = 0; i < KR_DIM(KINDS) * KR_DIM(MORE); i++) {
        const char *kind = KINDS[i % KR_DIM(KINDS)];
        int messages;

        begin_mailed(spa(env), kind, "link", ANA, &flow);
        messages = count_of(env, &MAILS);
        get(person(env), apr_psprintf(env->pool, "/self-service/%s?flow=%s&method=link&email=" ANA "%s", kind,
                                      kr_json_str(flow, "id"), MORE[i / KR_DIM(KINDS)]));
        assert_int_equal(count_of(env, &MAILS), messages);
    }
}

/* -- codes ---------------------------------------------------------------- */

static void test_a_recovery_code_signs_in_once(void **state)
{
    env_t *env = *state;
    asked_t asked;
    json_t *with;
    kr_ctx_t *k;

    use_with_ana(env, CODES);
    asked = ask_for_code(native(env), "recovery");
    k = give(&asked, asked.code);
    assert_status(k, 200);
    assert_string_equal(word(k, "state"), "passed_challenge");
    with = json_array_get(kr_json_at(said(k), "continue_with"), 0);
    assert_string_equal(kr_json_str(with, "action"), "set_ory_session_token");
    k = give(&asked, asked.code);
    assert_status(k, 400);
    assert_null(strstr(k->reply->body, "set_ory_session_token"));
}

static void test_after_five_wrong_codes_the_right_one_is_refused(void **state)
{
    env_t *env = *state;
    asked_t asked;
    kr_ctx_t *k;

    use_with_ana(env, CODES);
    asked = ask_for_code(native(env), "recovery");
    for (int i = 0; i < 5; i++) {
        k = give(&asked, wrong(env, asked.code));
        assert_status(k, 200);
        assert_int_equal(message_at(said(k), NULL), 4060006);
    }
    k = give(&asked, asked.code);
    assert_status(k, 400);
    assert_null(strstr(k->reply->body, "set_ory_session_token"));
    /* a new mail does not unlock the flow */
    assert_status(submit(asked.client, asked.to, asked.flow, with_email("code", ANA)), 200);
    assert_status(give(&asked, mailed(env, "recovery_code")), 400);
}

static void test_a_code_counts_in_its_own_flow_only(void **state)
{
    env_t *env = *state;
    asked_t first, second;
    client_t *app;

    use_with_ana(env, CODES);
    app = native(env);
    first = ask_for_code(app, "recovery");
    second = ask_for_code(app, "recovery");
    if (strcmp(first.code, second.code) == 0) return; /* one in a million */
    assert_int_equal(message_at(said(give(&second, first.code)), NULL), 4060006);
    assert_string_equal(word(give(&first, first.code), "state"), "passed_challenge");
}

static void test_a_newer_code_voids_the_older_one(void **state)
{
    env_t *env = *state;
    asked_t asked;

    use_with_ana(env, CODES);
    asked = ask_for_code(native(env), "recovery");
    assert_status(submit(asked.client, asked.to, asked.flow, with_email("code", ANA)), 200);
    if (strcmp(asked.code, mailed(env, "recovery_code")) == 0) return;
    assert_int_equal(message_at(said(give(&asked, asked.code)), NULL), 4060006);
}

static void test_a_wrong_submit_does_not_close_the_form(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    json_t *flow;

    use_with_ana(env, CODES);
    app = native(env);
    flow = begin_flow(app, "recovery", "", &to);
    assert_status(submit(app, to, flow, json_object()), 400);
    assert_status(submit(app, to, flow, with_email("code", ANA)), 200);
}

/* The form of a browser that has begun a recovery, sent as it stands on the page. */
static kr_ctx_t *send_form(client_t *c, const char *to, const json_t *flow, const char *code)
{
    const char *token = value_of(flow, "csrf_token");

    return ask(c, "POST", to, FORM, apr_pstrcat(c->env->pool, "csrf_token=", kr_url_escape(c->env->pool, token), "&code=", code, NULL));
}

static void test_a_form_that_comes_twice_works_once_more_for_a_moment_only(void **state)
{
    env_t *env = *state;
    client_t *browser, *before;
    asked_t asked;
    kr_ctx_t *k;

    use_with_ana(env, CODES);
    for (int late = 0; late < 2; late++) {
        asked = ask_for_code(spa(env), "recovery");
        before = person(env);
        browser = person(env);
        before->jar = apr_table_copy(env->pool, asked.client->jar);
        browser->jar = apr_table_copy(env->pool, asked.client->jar);
        k = send_form(browser, asked.to, asked.flow, asked.code);
        assert_status(k, 303);
        assert_non_null(cookie_set(k, SESSION));
        env->now += late ? 30 * SECOND : SECOND;
        k = send_form(before, asked.to, asked.flow, asked.code);
        assert_status(k, 303);
        assert_int_equal(cookie_set(k, SESSION) == NULL, late);
        assert_int_equal(strstr(header(k, "Location"), SETTINGS_PAGE) == NULL, late);
        assert_status(get(browser, "/sessions/whoami"), late ? 200 : 401); /* the session is one, and where the newer token is */
    }
}

/* -- what nobody learns --------------------------------------------------- */

/* All but the id, times and the address itself. */
static const char *shape_of(env_t *env, const char *kind, const char *method, const char *email)
{
    json_t *flow;

    begin_mailed(native(env), kind, method, email, &flow);
    json_object_del(flow, "id");
    json_object_del(kr_json_at(flow, "ui"), "action");
    kr_node_set(node_of(flow, "email"), "value", json_string("?"));
    return kr_json_dump(env->pool, flow, NULL);
}

static void test_an_unknown_address_looks_like_a_known_one_and_gets_no_mail(void **state)
{
    static const struct {
        const char *kind, *method, *settings;
    } CASES[] = {
        { "recovery", "code", CODES },
        { "recovery", "link", LINKS },
        { "verification", "code", CODES },
        { "verification", "link", LINKS },
    };
    env_t *env = *state;

    use_with_ana(env, CODES);
    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *known, *unknown;
        int messages;

        use(env, CASES[i].settings);
        known = shape_of(env, CASES[i].kind, CASES[i].method, ANA);
        messages = count_of(env, &MAILS);
        unknown = shape_of(env, CASES[i].kind, CASES[i].method, "nobody@example.org");
        assert_string_equal(known, unknown);
        assert_int_equal(count_of(env, &MAILS), messages);
    }
}

/* -- where it goes ------------------------------------------------------- */

static void test_where_text_messages_leave_a_phone_may_be_verified(void **state)
{
    env_t *env = *state;
    const json_t *field;
    const char *to;

    use(env, CODES);
    field = node_of(begin_flow(native(env), "verification", "", &to), "email");
    assert_string_equal(kr_json_str(field, "attributes.type"), "email");
    use(env, "{selfservice: {flows: {verification: {enabled: true}}}, courier: {channels: [{id: sms, type: http, request_config: "
             "{url: 'http://127.0.0.1:1/', method: POST, body: 'base64://ZnVuY3Rpb24oY3R4KSB7fQ=='}}]}}");
    field = node_of(begin_flow(native(env), "verification", "", &to), "email");
    assert_string_equal(kr_json_str(field, "attributes.type"), "text");
    assert_int_equal(json_integer_value(kr_json_at(field, "meta.label.id")), 1070018);
}

/* -- hooks ---------------------------------------------------------------- */

#define MUST_VERIFY ", login: {after: {hooks: [{hook: require_verified_address}]}}"

static void test_nobody_signs_in_before_the_address_is_verified(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    json_t *with, *flow;
    kr_ctx_t *k;

    use(env, FLOWS("code", MUST_VERIFY));
    signed_in_app(env, ANA);
    app = native(env);
    k = login_as(app, ANA, GOOD, "");
    assert_status(k, 403);
    assert_string_equal(word(k, "error.id"), "session_verified_address_required");
    assert_null(strstr(k->reply->body, "session_token"));
    with = json_array_get(kr_json_at(said(k), "error.details.continue_with"), 0);
    assert_string_equal(kr_json_str(with, "flow.verifiable_address"), ANA);
    to = apr_pstrcat(env->pool, "/self-service/verification?flow=", kr_json_str(with, "flow.id"), NULL);
    flow = said(
        get(app, apr_pstrcat(env->pool, "/self-service/verification/flows?id=", kr_json_str(with, "flow.id"), NULL)));
    assert_status(login_as(app, ANA, "wrong password", ""), 400); /* who does not know the password learns nothing */
    assert_status(submit(app, to, flow, with_code(mailed(env, "verification_code"))), 200);
    assert_status(login_as(app, ANA, GOOD, ""), 200);
}

static void test_the_old_answer_for_an_unverified_address_is_a_message(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;
    int messages;

    use_with_ana(env, CODES);
    use(env, "{selfservice: {methods: {code: {enabled: true}}, flows: {verification: {enabled: true}" MUST_VERIFY
             "}}, feature_flags: {legacy_require_verified_login_error: true}}");
    messages = count_of(env, &MAILS);
    k = login_as(native(env), ANA, GOOD, "");
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000010);
    assert_int_equal(count_of(env, &MAILS), messages);
}

static void test_a_sign_in_may_send_a_code_and_end_other_sessions(void **state)
{
    env_t *env = *state;
    client_t *before;
    json_t *with;
    kr_ctx_t *k;
    int messages;

    use(env, FLOWS("code", ", login: {after: {hooks: [{hook: revoke_active_sessions}, {hook: verification}, {hook: "
                           "show_verification_ui}]}}"));
    before = signed_in_app(env, ANA);
    assert_status(get(before, "/sessions/whoami"), 200);
    messages = count_of(env, &MAILS);
    k = login_as(native(env), ANA, GOOD, "");
    assert_status(k, 200);
    assert_int_equal(count_of(env, &MAILS), messages + 1);
    with = json_array_get(kr_json_at(said(k), "continue_with"), 0);
    assert_string_equal(kr_json_str(with, "action"), "show_verification_ui");
    assert_status(get(before, "/sessions/whoami"), 401);
}

static void test_a_recovery_may_end_other_sessions(void **state)
{
    env_t *env = *state;
    client_t *before;

    before = use_with_ana(
        env,
        "{selfservice: {methods: {link: {enabled: true}}, flows: {recovery: {enabled: true, use: link, after: {hooks: "
        "[{hook: revoke_active_sessions}]}}}}}");
    assert_non_null(cookie_set(get(person(env), ask_for_link(native(env), "recovery")), SESSION));
    assert_status(get(before, "/sessions/whoami"), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_recovery_link_signs_in_once_and_in_any_browser),
        TEST(test_a_newer_recovery_link_voids_the_older_one),
        TEST(test_an_expired_link_opens_nothing),
        TEST(test_a_verification_link_verifies_once_and_signs_nobody_in),
        TEST(test_a_visit_without_a_token_does_nothing),
        TEST(test_a_recovery_code_signs_in_once),
        TEST(test_after_five_wrong_codes_the_right_one_is_refused),
        TEST(test_a_code_counts_in_its_own_flow_only),
        TEST(test_a_newer_code_voids_the_older_one),
        TEST(test_a_wrong_submit_does_not_close_the_form),
        TEST(test_a_form_that_comes_twice_works_once_more_for_a_moment_only),
        TEST(test_an_unknown_address_looks_like_a_known_one_and_gets_no_mail),
        TEST(test_where_text_messages_leave_a_phone_may_be_verified),
        TEST(test_nobody_signs_in_before_the_address_is_verified),
        TEST(test_the_old_answer_for_an_unverified_address_is_a_message),
        TEST(test_a_sign_in_may_send_a_code_and_end_other_sessions),
        TEST(test_a_recovery_may_end_other_sessions),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
