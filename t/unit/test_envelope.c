/* SPDX-License-Identifier: Apache-2.0 */
/* What errors become: envelopes for programs, pages for people, a flow shown again for both; and what stands in none of
 * them. */
#include "api_env.h"

static client_t *of(env_t *env, const char *accept, int browser)
{
    client_t *c = browser ? person(env) : native(env);

    if (accept) apr_table_set(c->headers, "Accept", accept);
    else apr_table_unset(c->headers, "Accept");
    return c;
}

/* -- envelopes ------------------------------------------------------------ */

static void test_an_envelope_says_code_status_and_message(void **state)
{
    kr_ctx_t *k = get(native(*state), "/sessions/whoami");

    assert_status(k, 401);
    assert_string_equal(k->reply->content_type, "application/json");
    assert_int_equal(json_integer_value(kr_json_at(said(k), "error.code")), 401);
    assert_string_equal(word(k, "error.status"), "Unauthorized");
    assert_true(*word(k, "error.message") != '\0');
    assert_null(kr_json_at(said(k), "error.id"));
    assert_string_equal(header(k, "Ory-Error-Id"), "");
    assert_non_null(apr_table_get(k->reply->headers, "Ory-Error-Id"));
    assert_int_equal(k->reply->body[k->reply->body_len - 1], '\n');
}

static const struct { const char *sent; int shown; } IDS[] = {
    { "req-1", 1 },
    { "a\"b<c>\\", 1 },
    { "\xff", 0 },
    { "", 1 },
    { NULL, 0 },
};

static void test_a_request_id_comes_back_when_it_is_text_of_some_length(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(IDS); i++) {
        client_t *c = native(env);
        kr_ctx_t *k;

        if (IDS[i].sent) apr_table_set(c->headers, "X-Request-ID", IDS[i].sent);
        k = get(c, "/sessions/whoami");
        if (IDS[i].shown) assert_string_equal(kr_json_str(said(k), "error.request"), IDS[i].sent);
        else assert_null(kr_json_at(said(k), "error.request"));
        assert_null(strchr(k->reply->body, '<'));
    }
    {
        client_t *c = native(env);

        apr_table_set(c->headers, "X-Request-ID", kr_random_alnum(env->pool, 129));
        assert_null(kr_json_at(said(get(c, "/sessions/whoami")), "error.request"));
    }
}

static void test_members_beside_the_error_do_not_replace_it(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = carrying(native(env), "GET", "/", NULL, NULL);
    kr_err_t *err = kr_err(k, 403, "some_id", "why <b>");
    const char *text;

    kr_err_extra(k, err, "redirect_browser_to", json_string("https://x.example/?a&b"));
    kr_err_detail(k, err, "hint", json_string("h"));
    text = kr_api_error_body(k, err);
    assert_non_null(strstr(text, "\"redirect_browser_to\":\"https://x.example/?a\\u0026b\""));
    assert_non_null(strstr(text, "\"details\":{\"hint\":\"h\"}"));
    assert_non_null(strstr(text, "\"reason\":\"why \\u003cb\\u003e\""));
}

/* -- people --------------------------------------------------------------- */

static void test_people_find_the_error_on_a_page_and_it_can_be_read_twice(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = get(of(env, "text/html", 1), "/self-service/login/browser?return_to=https%3A%2F%2Fevil.example");
    const char *read;

    assert_status(k, 303);
    assert_ptr_equal(strstr(header(k, "Location"), "https://id.example.org/error?id="), header(k, "Location"));
    read = apr_pstrcat(env->pool, "/self-service/errors?", strstr(header(k, "Location"), "id="), NULL);
    for (int i = 0; i < 2; i++) {
        k = get(native(env), read);
        assert_status(k, 200);
        assert_string_equal(word(k, "error.id"), "self_service_flow_return_to_forbidden");
        assert_int_equal(json_integer_value(kr_json_at(said(k), "error.code")), 400);
    }
}

static const struct { const char *query; int status; } ERRORS[] = {
    { "", 404 },
    { "?id=", 404 },
    { "?id=x", 404 },
    { "?id=" NIL, 404 },
    { "?error=x&id=stub:500", 404 }, /* error wins */
    { "?id=stub:500", 200 },
    { "?error=stub:500", 200 },
    { "?id=stub:404", 404 },
};

static void test_errors_that_nobody_had_are_not_found(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ERRORS); i++) {
        kr_ctx_t *k = get(native(env), apr_pstrcat(env->pool, "/self-service/errors", ERRORS[i].query, NULL));

        if (k->reply->status != ERRORS[i].status) fail_msg("%s: %d", ERRORS[i].query, k->reply->status);
    }
}

static void test_an_error_of_one_realm_is_not_shown_by_another(void **state)
{
    env_t *env = *state;
    client_t *there = native(env);
    kr_ctx_t *k = get(of(env, "text/html", 1), "/self-service/login/browser?aal=aal3");

    there->realm = realm_with(env, "other", "");
    assert_status(
        get(there, apr_pstrcat(env->pool, "/self-service/errors?", strstr(header(k, "Location"), "id="), NULL)), 404);
}

/* -- kinds of clients ----------------------------------------------------- */

static const struct { const char *accept, *type; int json; } ACCEPTS[] = {
    { "application/json", FORM, 1 },
    { "application/json, text/plain, */*", FORM, 1 },
    { NULL, JSON, 1 },
    { "text/html", JSON, 1 },
    { NULL, FORM, 0 },
    { "*/*", FORM, 0 },
    { "text/html,application/xhtml+xml,*/*;q=0.8", FORM, 0 },
    { "text/html", "application/json; charset=utf-8", 0 },
};

static void test_a_browser_flow_is_answered_as_the_client_likes(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ACCEPTS); i++) {
        client_t *c = spa(env);
        const char *to, *token;
        kr_ctx_t *k;

        token = value_of(begin_flow(c, "login", "", &to), "csrf_token");
        if (ACCEPTS[i].accept) apr_table_set(c->headers, "Accept", ACCEPTS[i].accept);
        else apr_table_unset(c->headers, "Accept");
        k = ask(c, "POST", to, ACCEPTS[i].type, strcmp(ACCEPTS[i].type, FORM) == 0
                    ? apr_pstrcat(env->pool, "method=password&csrf_token=", kr_url_escape(env->pool, token), NULL)
                    : apr_pstrcat(env->pool, "{\"method\":\"password\",\"csrf_token\":\"", token, "\"}", NULL));
        if (k->reply->status != (ACCEPTS[i].json ? 400 : 303))
            fail_msg("%s with %s: %d", ACCEPTS[i].accept ? ACCEPTS[i].accept : "-", ACCEPTS[i].type, k->reply->status);
        if (ACCEPTS[i].json) assert_int_equal(message_at(said(k), "identifier"), 4000002);
        else
            assert_string_equal(header(k, "Location"),
                                apr_pstrcat(env->pool, "https://id.example.org/login?", strstr(to, "flow="), NULL));
    }
}

static void test_an_app_gets_json_whatever_it_says(void **state)
{
    env_t *env = *state;
    client_t *app = of(env, NULL, 0);
    const char *to;

    begin_flow(app, "login", "", &to);
    apr_table_set(app->headers, "Accept", "text/html");
    assert_status(ask(app, "POST", to, FORM, "method=password"), 400);
}

/* -- messages of one submit ----------------------------------------------- */

static void test_messages_are_those_of_the_last_submit(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    begin_flow(app, "login", "", &to);
    k = ask(app, "POST", to, JSON, "{\"method\":\"password\"}");
    assert_int_equal(message_at(said(k), "password"), 4000002);
    k = ask(app, "POST", to, JSON, "{");
    assert_int_equal(message_at(said(k), "password"), 0);
    assert_int_equal(message_at(said(k), NULL), 4000001);
    assert_int_equal(json_array_size(kr_json_at(said(k), "ui.messages")), 1);
    k = ask(app, "POST", to, JSON, "{\"method\":\"no_such\"}");
    assert_int_equal(message_at(said(k), NULL), 4010002);
}

/* -- the request's own words ---------------------------------------------- */

static void test_what_a_flow_is_asked_for_with_comes_back_as_text_only(void **state)
{
    env_t *env = *state;
    client_t *c = spa(env);
    const char *to;
    json_t *flow = begin_flow(c, "login", "?x=%3Cscript%3E&y=\"'<b>", &to);
    kr_ctx_t *k = get(c, apr_pstrcat(env->pool, "/self-service/login/flows?id=", strchr(to, '=') + 1, NULL));

    assert_string_equal(kr_json_str(flow, "request_url"), BASE "/self-service/login/browser?x=%3Cscript%3E&y=\"'<b>");
    assert_null(strchr(k->reply->body, '<'));
    assert_string_equal(kr_json_str(flow, "ui.action"), apr_pstrcat(env->pool, BASE, to, NULL));
}

static void test_a_request_url_has_a_limit(void **state)
{
    env_t *env = *state;
    const char *url = apr_pstrcat(env->pool, "/self-service/login/api?x=", kr_random_alnum(env->pool, 2048), NULL);

    assert_status(get(native(env), url), 400);
    url = apr_pstrcat(env->pool, "/self-service/login/api?x=",
                      kr_random_alnum(env->pool, (int)(2048 - strlen(BASE "/self-service/login/api?x="))), NULL);
    assert_status(get(native(env), url), 200);
}

/* -- odd parameters of init ----------------------------------------------- */

static const struct { const char *query; int status; } INITS[] = {
    { "?identity_schema=person", 400 }, /* not selectable */
    { "?identity_schema=nobody", 400 },
    { "?identity_schema=", 200 },
    { "?organization=x", 200 },
    { "?organization=" NIL, 200 },
    { "?refresh=maybe", 200 },
    { "?refresh=true", 200 },
    { "?aal=AAL1", 200 },
    { "?aal=aal2", 401 },
    { "?return_session_token_exchange_code=T", 200 },
};

static void test_odd_parameters_of_a_login_are_refused_or_ignored(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(INITS); i++) {
        kr_ctx_t *k = get(native(env), apr_pstrcat(env->pool, "/self-service/login/api", INITS[i].query, NULL));

        if (k->reply->status != INITS[i].status) fail_msg("%s: %d", INITS[i].query, k->reply->status);
    }
}

static void test_registration_can_be_switched_off_at_any_moment(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    begin_flow(app, "registration", "", &to);
    app->realm = realm_with(env, "main", "selfservice: {flows: {registration: {enabled: false}}}");
    k = get(app, "/self-service/registration/api");
    assert_status(k, 400);
    assert_string_equal(word(k, "error.id"), "self_service_flow_disabled");
    assert_status(get(app, "/self-service/registration/flows?id=" NIL), 400);
    k = ask(app, "POST", to, JSON,
            "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":\"a@example.org\"}}");
    assert_status(k, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_envelope_says_code_status_and_message),
        TEST(test_a_request_id_comes_back_when_it_is_text_of_some_length),
        TEST(test_members_beside_the_error_do_not_replace_it),
        TEST(test_people_find_the_error_on_a_page_and_it_can_be_read_twice),
        TEST(test_errors_that_nobody_had_are_not_found),
        TEST(test_an_error_of_one_realm_is_not_shown_by_another),
        TEST(test_a_browser_flow_is_answered_as_the_client_likes),
        TEST(test_an_app_gets_json_whatever_it_says),
        TEST(test_messages_are_those_of_the_last_submit),
        TEST(test_what_a_flow_is_asked_for_with_comes_back_as_text_only),
        TEST(test_a_request_url_has_a_limit),
        TEST(test_odd_parameters_of_a_login_are_refused_or_ignored),
        TEST(test_registration_can_be_switched_off_at_any_moment),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
