/* SPDX-License-Identifier: Apache-2.0 */
/* From the first visit to the next sign-in, through the whole API: what each kind of client gets, what it costs in
 * statements, what nobody learns. */
#include "api_env.h"

static const kr_query_t CREDENTIALS = { .name = "credentials", .sql = "SELECT COUNT(*) FROM identity_credentials" };
static const kr_query_t SESSIONS = { .name = "sessions", .sql = "SELECT COUNT(*) FROM sessions" };
static const kr_query_t MESSAGES = { .name = "messages", .sql = "SELECT COUNT(*) FROM courier_messages" };
static const kr_query_t PLAIN = { .name = "plain",
                                  .sql = "SELECT COUNT(*) FROM identity_credentials WHERE config LIKE '%%" GOOD "%%'" };

/* -- apps ----------------------------------------------------------------- */

static void test_an_app_registers_and_signs_in(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    kr_ctx_t *k = register_as(app, "Ana@Example.org", GOOD);
    const char *id;
    json_t *with;

    assert_status(k, 200);
    id = word(k, "identity.id");
    assert_string_equal(word(k, "identity.traits.email"), "Ana@Example.org");
    assert_string_equal(word(k, "session.identity.id"), id);
    with = json_array_get(json_object_get(said(k), "continue_with"), 0);
    assert_string_equal(kr_json_str(with, "action"), "set_ory_session_token");
    assert_string_equal(kr_json_str(with, "ory_session_token"), word(k, "session_token"));
    assert_int_equal(count_of(env, &PLAIN), 0);

    k = login_as(app, " ana@EXAMPLE.org ", GOOD, ""); /* one spelling among many */
    assert_status(k, 200);
    assert_string_equal(word(k, "session.identity.id"), id);
    assert_true(json_is_null(json_object_get(said(k), "continue_with")));
    apr_table_set(app->headers, "X-Session-Token", word(k, "session_token"));
    k = get(app, "/sessions/whoami");
    assert_string_equal(header(k, "X-Kratos-Authenticated-Identity-Id"), id);
    assert_null(strstr(k->reply->body, "hashed_password"));
}

/* -- people --------------------------------------------------------------- */

static kr_ctx_t *post_form(client_t *c, const char *begun, const char *kind, const char *fields)
{
    env_t *env = c->env;
    const char *query = strstr(begun, "flow=");
    kr_ctx_t *k = carrying(c, "GET", "/", NULL, NULL);
    const char *token = kr_csrf_token(k); /* what the form of the page would hold */

    return ask(c, "POST", apr_pstrcat(env->pool, "/self-service/", kind, "?", query, NULL), FORM,
               apr_pstrcat(env->pool, fields, "&csrf_token=", kr_url_escape(env->pool, token), NULL));
}

static void test_people_register_and_are_sent_on(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    kr_ctx_t *k = get(ana, "/self-service/registration/browser?return_to=%2Fwelcome");
    const char *page = header(k, "Location");
    const char *csrf;

    assert_status(k, 303);
    assert_ptr_equal(strstr(page, "https://id.example.org/registration?flow="), page);
    csrf = apr_pstrdup(env->pool, apr_table_get(ana->jar, ana->realm->csrf_cookie_name));
    k = post_form(ana, page, "registration",
                  "method=password&traits.email=ana%40example.org&traits.age=x&password=correct+horse+battery");
    assert_status(k, 302); /* the one redirect that is a 302 */
    assert_string_equal(header(k, "Location"), page);
    k = post_form(ana, page, "registration",
                  "method=password&traits.email=ana%40example.org&traits.age=30&password=correct+horse+battery");
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP "welcome");
    assert_non_null(cookie_set(k, SESSION));
    assert_string_not_equal(apr_table_get(ana->jar, ana->realm->csrf_cookie_name), csrf);
    k = get(ana, "/sessions/whoami");
    assert_int_equal(json_integer_value(kr_json_at(said(k), "identity.traits.age")), 30);

    k = get(ana, "/self-service/login/browser?return_to=%2Fdeep");
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP "deep");
    k = get(ana, "/self-service/registration/browser");
    assert_string_equal(header(k, "Location"), APP);
}

static void test_people_with_a_wrong_password_are_sent_back_to_the_form(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    const char *page;
    kr_ctx_t *k;

    signed_in_app(env, "ana@example.org");
    page = header(get(ana, "/self-service/login/browser"), "Location");
    k = post_form(ana, page, "login", "method=password&identifier=ana%40example.org&password=wrong");
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), page);
    assert_null(cookie_set(k, SESSION));
    k = get(ana, apr_pstrcat(env->pool, "/self-service/login/flows?id=", strstr(page, "flow=") + 5, NULL));
    assert_int_equal(message_at(said(k), NULL), 4000006);
    assert_string_equal(value_of(said(k), "identifier"), "ana@example.org");
    assert_null(strstr(k->reply->body, "wrong"));
    k = post_form(ana, page, "login", "method=password&identifier=ana%40example.org&password=correct+horse+battery");
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP);
}

static void test_an_expired_form_is_replaced_by_a_fresh_one(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    const char *page = header(get(ana, "/self-service/login/browser?return_to=%2Fx"), "Location");
    kr_ctx_t *k;

    env->now += 3600 * SECOND;
    k = get(ana, apr_pstrcat(env->pool, "/self-service/login/flows?id=", strstr(page, "flow=") + 5, NULL));
    assert_status(k, 410);
    assert_string_equal(word(k, "error.details.redirect_to"), BASE "/self-service/login/browser?return_to=%2Fx");
    k = post_form(ana, page, "login", "method=password&identifier=a&password=b");
    assert_status(k, 303);
    assert_string_not_equal(header(k, "Location"), page);
    k = get(ana,
            apr_pstrcat(env->pool, "/self-service/login/flows?id=", strstr(header(k, "Location"), "flow=") + 5, NULL));
    assert_status(k, 200);
    assert_int_equal(message_at(said(k), NULL), 4010001);
    assert_string_equal(word(k, "return_to"), "/x");
}

/* -- scripts in pages ----------------------------------------------------- */

static void test_a_script_gets_json_and_cookies_but_no_token(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    kr_ctx_t *k = register_as(ana, "ana@example.org", GOOD);

    assert_status(k, 200);
    assert_null(json_object_get(said(k), "session_token"));
    assert_string_equal(kr_json_str(json_array_get(json_object_get(said(k), "continue_with"), 0), "action"),
                        "redirect_browser_to");
    assert_int_equal(k->reply->cookies->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(k->reply->cookies, 0, kr_cookie_t).name, ana->realm->csrf_cookie_name);
    k = get(ana, "/self-service/registration/browser");
    assert_status(k, 400);
    assert_string_equal(word(k, "error.id"), "session_already_available");
    k = get(ana, "/self-service/login/browser?aal=aal2");
    assert_status(k, 200);
    assert_status(get(spa(env), "/self-service/login/browser?aal=aal2"), 401);
    assert_status(get(spa(env), "/self-service/login/browser?aal=aal3"), 400);
}

/* -- without the session hook --------------------------------------------- */

static void test_without_the_hook_nobody_is_signed_in_by_registering(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    kr_ctx_t *k;

    change(env, "selfservice: {flows: {registration: {after: {password: {hooks: []}}}}}");
    ana->realm = env->realm;
    k = register_as(ana, "ana@example.org", GOOD);
    assert_status(k, 200);
    assert_null(cookie_set(k, SESSION));
    assert_null(json_object_get(said(k), "session"));
    assert_int_equal(count_of(env, &SESSIONS), 0);
    assert_status(get(ana, "/sessions/whoami"), 401);
}

/* -- duplicates ----------------------------------------------------------- */

static void test_a_second_registration_leaves_one_account_and_nothing_half_done(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env), *second = spa(env);
    kr_ctx_t *k;

    assert_status(register_as(ana, "ana@example.org", GOOD), 200);
    k = register_as(second, " ANA@example.ORG", "another password of mine");
    assert_status(k, 400); /* blanks around: no address */
    k = register_as(second, "ANA@example.ORG", "another password of mine");
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000007);
    assert_null(cookie_set(k, SESSION));
    assert_null(cookie_set(k, second->realm->csrf_cookie_name));
    assert_int_equal(count_of(env, &IDENTITIES), 1);
    assert_int_equal(count_of(env, &CREDENTIALS), 1);
    assert_int_equal(count_of(env, &SESSIONS), 1);
    assert_status(login_as(native(env), "ana@example.org", GOOD, ""), 200);
    assert_int_equal(message_at(said(login_as(native(env), "ana@example.org", "another password of mine", "")), NULL),
                     4000006);
}

static void test_the_flow_of_a_duplicate_can_be_sent_again(void **state)
{
    env_t *env = *state;
    client_t *ben = spa(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    signed_in_app(env, "ana@example.org");
    flow = begin_flow(ben, "registration", "", &to);
    k = submit(ben, to, flow, new_account("ana@example.org", GOOD));
    assert_int_equal(message_at(said(k), NULL), 4000007);
    k = submit(ben, to, said(k), new_account("ben@example.org", GOOD));
    assert_status(k, 200);
}

static void test_hints_tell_how_to_sign_in_only_when_they_are_switched_on(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;

    signed_in_app(env, "ana@example.org");
    change(env, "selfservice: {flows: {registration: {login_hints: true}}}");
    k = register_as(native(env), "ana@example.org", GOOD);
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000028);
    assert_non_null(strstr(k->reply->body, "\"available_credential_types\":[\"password\"]"));
}

/* -- what nobody learns --------------------------------------------------- */

/** The answer without what differs by chance or time. */
static const char *shape(env_t *env, kr_ctx_t *k)
{
    static const char *const blanked[] = { "id", "issued_at", "expires_at", "created_at", "updated_at", "request_url" };
    json_t *flow = said(k);

    for (int i = 0; i < KR_DIM(blanked); i++) json_object_set_new(flow, blanked[i], json_string("-"));
    json_object_set_new(json_object_get(flow, "ui"), "action", json_string("-"));
    kr_node_set(node_of(flow, "identifier"), "value", json_string("-"));
    return apr_psprintf(env->pool, "%d %s", k->reply->status, kr_json_dump(env->pool, flow, NULL));
}

static void test_a_wrong_name_and_a_wrong_password_look_the_same(void **state)
{
    static const char *const names[] = { "nobody@example.org", "ana@example.or", "\u200b", "' OR 1=1 --", "%",
                                         "ana@example.org\\" };
    env_t *env = *state;
    const char *expected;
    kr_ctx_t *k;

    signed_in_app(env, "ana@example.org");
    k = login_as(native(env), "ana@example.org", "wrong password", "");
    expected = shape(env, k);
    for (int i = 0; i < KR_DIM(names); i++)
        assert_string_equal(shape(env, login_as(native(env), names[i], "wrong password", "")), expected);
    assert_string_equal(shape(env, login_as(native(env), apr_psprintf(env->pool, "%0300d", 1), GOOD, "")), expected);
}

static void test_identifier_first_tells_nothing_where_enumeration_is_mitigated(void **state)
{
    env_t *env = *state;
    const char *answers[2];

    signed_in_app(env, "ana@example.org");
    change(env, "{selfservice: {flows: {login: {style: identifier_first}}}, security: {account_enumeration: {mitigate: "
                "true}}}");
    for (int i = 0; i < 2; i++) {
        client_t *app = native(env);
        const char *to;

        begin_flow(app, "login", "", &to);
        answers[i] = shape(env, ask(app, "POST", to, JSON,
                                    i ? "{\"method\":\"identifier_first\",\"identifier\":\"ana@example.org\"}"
                                      : "{\"method\":\"identifier_first\",\"identifier\":\"nobody@example.org\"}"));
    }
    assert_string_equal(answers[0], answers[1]);
    change(env, "selfservice: {flows: {login: {style: identifier_first}}}");
    {
        client_t *app = native(env);
        const char *to;
        kr_ctx_t *k;

        begin_flow(app, "login", "", &to);
        k = ask(app, "POST", to, JSON, "{\"method\":\"identifier_first\",\"identifier\":\"nobody@example.org\"}");
        assert_int_equal(message_at(said(k), "identifier"), 4000037);
    }
}

/* -- realms --------------------------------------------------------------- */

static void test_an_account_of_one_realm_is_unknown_to_another_on_the_same_database(void **state)
{
    env_t *env = *state;
    kr_realm_t *other = realm_with(env, "other", "");
    client_t *here = native(env), *there = native(env);
    const char *to, *id;
    kr_ctx_t *k;

    there->realm = other;
    k = register_as(here, "ana@example.org", GOOD);
    id = word(k, "session.id");
    k = login_as(there, "ana@example.org", GOOD, "");
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000006);
    begin_flow(here, "login", "", &to);
    assert_status(ask(there, "POST", to, JSON, "{}"), 404);
    k = register_as(there, "ana@example.org", "another password there");
    assert_status(k, 200);
    apr_table_set(there->headers, "X-Session-Token", word(k, "session_token"));
    assert_int_equal(count_of(env, &IDENTITIES), 2);
    assert_status(ask(there, "DELETE", apr_pstrcat(env->pool, "/sessions/", id, NULL), NULL, NULL), 204);
    assert_status(login_as(here, "ana@example.org", GOOD, ""), 200);
    assert_int_equal(json_array_size(said(get(there, "/sessions"))), 0);
}

/* -- verification --------------------------------------------------------- */

static const char VERIFYING[] =
    "selfservice: {flows: {verification: {enabled: true}, registration: {after: {password: {hooks: [{hook: session}, "
    "{hook: show_verification_ui}]}}}}, methods: {code: {enabled: true}}}";

static void test_a_new_address_is_mailed_and_its_flow_belongs_to_the_browser(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    const char *to;
    json_t *flow, *with;
    kr_ctx_t *k;

    change(env, VERIFYING);
    ana->realm = env->realm;
    flow = begin_flow(ana, "registration", "", &to);
    k = submit(ana, to, flow,
               json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD, "traits", "email",
                         "ana@example.org", "other_email", "ana@example.com"));
    assert_status(k, 200);
    assert_int_equal(count_of(env, &MESSAGES), 2);
    assert_null(strstr(k->reply->body, "verification_code"));
    with = json_array_get(json_object_get(said(k), "continue_with"), 1);
    assert_string_equal(kr_json_str(with, "action"), "show_verification_ui");
    assert_string_equal(kr_json_str(with, "flow.verifiable_address"), "ana@example.org");
    k = get(ana, apr_pstrcat(env->pool, "/self-service/verification/flows?id=", kr_json_str(with, "flow.id"), NULL));
    assert_status(k, 200); /* with the cookie as it is after all that */
}

/* -- what it costs -------------------------------------------------------- */

static void test_requests_cost_few_statements(void **state)
{
    env_t *env = *state;
    client_t *app = native(env), *ana = spa(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    k = get(ana, "/self-service/login/browser");
    assert_int_equal(k->statements, 1);
    k = get(ana, apr_pstrcat(env->pool, "/self-service/login/flows?id=", word(k, "id"), NULL));
    assert_int_equal(k->statements, 1);
    assert_int_equal(get(ana, "/self-service/registration/browser")->statements, 1);
    assert_int_equal(get(app, "/self-service/login/api")->statements, 1);
    assert_int_equal(get(app, "/sessions/whoami")->statements, 0);

    flow = begin_flow(ana, "registration", "", &to);
    k = submit(ana, to, flow, new_account("ana@example.org", GOOD));
    assert_status(k, 200);
    assert_true(k->statements <= 8);
    k = get(ana, "/sessions/whoami");
    assert_status(k, 200);
    assert_int_equal(k->statements, 1);

    flow = begin_flow(app, "login", "", &to);
    k = submit(app, to, flow, by_password("ana@example.org", GOOD));
    assert_status(k, 200);
    assert_true(k->statements <= 5);
    k = submit(app, to, flow, by_password("ana@example.org", "wrong"));
    assert_status(k, 400);
    assert_true(k->statements <= 3);
}

static void test_a_hash_of_other_parameters_is_made_anew_at_login(void **state)
{
    static const kr_query_t bcrypt = { .name = "bcrypt",
                                       .sql =
                                           "SELECT COUNT(*) FROM identity_credentials WHERE config LIKE '%%$2_$%%'" };
    env_t *env = *state;

    signed_in_app(env, "ana@example.org");
    assert_int_equal(count_of(env, &bcrypt), 0);
    change(env, "{dev: true, hashers: {algorithm: bcrypt, bcrypt: {cost: 4}}}");
    login_as(native(env), "ana@example.org", "wrong password", "");
    assert_int_equal(count_of(env, &bcrypt), 0);
    assert_status(login_as(native(env), "ana@example.org", GOOD, ""), 200);
    assert_int_equal(count_of(env, &bcrypt), 1);
    assert_status(login_as(native(env), "ana@example.org", GOOD, ""), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_app_registers_and_signs_in),
        TEST(test_people_register_and_are_sent_on),
        TEST(test_people_with_a_wrong_password_are_sent_back_to_the_form),
        TEST(test_an_expired_form_is_replaced_by_a_fresh_one),
        TEST(test_a_script_gets_json_and_cookies_but_no_token),
        TEST(test_without_the_hook_nobody_is_signed_in_by_registering),
        TEST(test_a_second_registration_leaves_one_account_and_nothing_half_done),
        TEST(test_the_flow_of_a_duplicate_can_be_sent_again),
        TEST(test_hints_tell_how_to_sign_in_only_when_they_are_switched_on),
        TEST(test_a_wrong_name_and_a_wrong_password_look_the_same),
        TEST(test_identifier_first_tells_nothing_where_enumeration_is_mitigated),
        TEST(test_an_account_of_one_realm_is_unknown_to_another_on_the_same_database),
        TEST(test_a_new_address_is_mailed_and_its_flow_belongs_to_the_browser),
        TEST(test_requests_cost_few_statements),
        TEST(test_a_hash_of_other_parameters_is_made_anew_at_login),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
