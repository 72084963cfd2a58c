/* SPDX-License-Identifier: Apache-2.0 */
/* The API asked from inside the process: answers by value, any method, and the anti-CSRF token of the form behind it. */
#include "api_env.h"

static kr_ctx_t *calling(client_t *c)
{
    return carrying(c, "GET", "/some/page?q=1", NULL, NULL);
}

/** A call for a browser, which keeps the cookies of the answer. */
static kr_api_answer_t call(client_t *c, kr_http_method_e method, const char *path, const json_t *body)
{
    kr_ctx_t *k = calling(c);
    kr_api_answer_t out;

    kr_api_call(&out, k, method, path, body);
    keep_cookies(c, k);
    return out;
}

static const char *error_id(const kr_api_answer_t *got)
{
    const char *id = kr_json_str(got->json, "error.id");

    return id ? id : "";
}

/** The fields of a form with this token. @param token  NULL: without one */
static json_t *form_with(client_t *c, const char *token)
{
    return kr_json_pack(c->env->pool, "{s:s?, s:s}", "csrf_token", token, "end", "others");
}

/** A token that a page for this browser would carry. */
static const char *token_for(client_t *c)
{
    kr_ctx_t *k = calling(c);
    const char *token;

    kr_csrf_ensure(k);
    token = kr_csrf_token(k);
    keep_cookies(c, k);
    return token;
}

static void test_an_answer_comes_by_value_and_as_clients_get_it(void **state)
{
    client_t *ana = signed_in_spa(*state, "ana@example.org");
    kr_ctx_t *k = calling(ana);
    const kr_request_t *req = k->req;
    kr_reply_t *reply = k->reply;
    kr_api_answer_t got;

    apr_table_set(ana->headers, "Accept", "text/html");
    kr_api_call(&got, k, KR_GET, "/sessions/whoami", NULL);
    apr_table_set(ana->headers, "Accept", JSON);
    assert_int_equal(got.status, 200);
    assert_non_null(kr_json_str(got.json, "seen_at")); /* all that pages are told beside it */
    json_object_del((json_t *)got.json, "seen_at");
    assert_true(json_equal(got.json, said(get(ana, "/sessions/whoami"))));
    assert_non_null(apr_table_get(got.headers, "X-Kratos-Authenticated-Identity-Id"));
    /* the page's own request and reply are what they were, and the session is known by now */
    assert_ptr_equal(k->req, req);
    assert_ptr_equal(k->reply, reply);
    assert_null(k->reply->body);
    assert_null(k->reply->json);
    assert_int_equal(k->inside, 0);
    assert_int_equal(k->client, KR_CLIENT_PERSON);
    assert_null(k->found);
    assert_int_equal(k->statements, 1);
    kr_api_call(&got, k, KR_GET, "/sessions/whoami", NULL);
    assert_int_equal(k->statements, 1);
}

static void test_errors_and_queries_come_through(void **state)
{
    client_t *nobody = person(*state);
    kr_api_answer_t got = call(nobody, KR_GET, "/sessions/whoami", NULL);

    assert_int_equal(got.status, 401);
    assert_int_equal(json_integer_value(kr_json_at(got.json, "error.code")), 401);
    got = call(nobody, KR_GET, "/self-service/errors?id=stub%3A500", NULL);
    assert_int_equal(got.status, 200);
    assert_int_equal(json_integer_value(kr_json_at(got.json, "error.code")), 500);
    assert_int_equal(call(nobody, KR_GET, "/nowhere", NULL).status, 404);
    assert_null(call(nobody, KR_GET, "/nowhere", NULL).json);
}

static void test_cookies_go_on_to_the_browser(void **state)
{
    client_t *ana = person(*state);
    kr_ctx_t *k = calling(ana);
    kr_api_answer_t got;

    kr_api_call(&got, k, KR_GET, "/self-service/login/browser", NULL);
    assert_int_equal(got.status, 200);
    assert_non_null(cookie_set(k, ana->realm->csrf_cookie_name));
    keep_cookies(ana, k);
    assert_int_equal(call(ana, KR_GET, apr_pstrcat(k->pool, "/self-service/login/flows?id=", kr_json_str(got.json, "id"), NULL), NULL)
                         .status, 200);
}

static void test_what_changes_something_needs_the_token_of_the_form(void **state)
{
    client_t *here = signed_in_spa(*state, "ana@example.org"), *other = spa(*state), *ben = signed_in_spa(*state, "ben@example.org");
    kr_api_answer_t got;

    assert_status(login_as(other, "ana@example.org", GOOD, ""), 200);
    apr_table_set(here->headers, "X-CSRF-Token", token_for(here)); /* no form has that */
    for (int i = 0; i < 4; i++) {
        got = call(here, KR_DELETE, "/sessions",
                   i == 0 ? NULL : form_with(here, i == 1 ? NULL : i == 2 ? "" : token_for(ben)));
        assert_int_equal(got.status, 403);
        assert_string_equal(error_id(&got), "security_csrf_violation");
        assert_status(get(other, "/sessions/whoami"), 200);
    }
    apr_table_unset(here->headers, "X-CSRF-Token");
    got = call(here, KR_DELETE, "/sessions", form_with(here, token_for(here)));
    assert_int_equal(got.status, 200);
    assert_int_equal(json_integer_value(json_object_get(got.json, "count")), 1);
    assert_status(get(other, "/sessions/whoami"), 401);
    assert_status(get(here, "/sessions/whoami"), 200);
}

static void test_clients_outside_need_no_token_where_the_route_asks_for_none(void **state)
{
    client_t *here = signed_in_spa(*state, "ana@example.org"), *app = signed_in_app(*state, "ben@example.org");

    assert_status(ask(here, "DELETE", "/sessions", NULL, NULL), 200);
    assert_status(ask(app, "DELETE", "/sessions", NULL, NULL), 200);
}

static void test_one_session_ends_by_its_path(void **state)
{
    client_t *here = signed_in_spa(*state, "ana@example.org"), *other = spa(*state);
    const char *path;
    kr_api_answer_t got;

    assert_status(login_as(other, "ana@example.org", GOOD, ""), 200);
    path = apr_pstrcat(here->env->pool, "/sessions/", word(get(other, "/sessions/whoami"), "id"), NULL);
    got = call(here, KR_DELETE, path, form_with(here, token_for(here)));
    assert_int_equal(got.status, 204);
    assert_null(got.json);
    assert_status(get(other, "/sessions/whoami"), 401);
    path = apr_pstrcat(here->env->pool, "/sessions/", word(get(here, "/sessions/whoami"), "id"), NULL);
    assert_int_equal(call(here, KR_DELETE, path, form_with(here, token_for(here))).status, 400);
}

static void test_a_body_is_read_as_if_it_had_been_sent(void **state)
{
    client_t *ana = person(*state);
    kr_api_answer_t flow, got;
    const char *path;
    json_t *body;

    assert_status(register_as(spa(*state), "ana@example.org", GOOD), 200);
    flow = call(ana, KR_GET, "/self-service/login/browser", NULL);
    path = apr_pstrcat(ana->env->pool, "/self-service/login?flow=", kr_json_str(flow.json, "id"), NULL);
    body = kr_json_own(ana->env->pool, by_password("ana@example.org", GOOD));
    got = call(ana, KR_POST, path, body);
    assert_int_equal(got.status, 403); /* not even looked at */
    json_object_set_new(body, "csrf_token", json_string(value_of(flow.json, "csrf_token")));
    json_object_set_new(body, "password", json_integer(12345678));
    got = call(ana, KR_POST, path, body);
    assert_int_equal(got.status, 400);
    assert_int_equal(message_at(got.json, NULL), 4000006);
    assert_true(json_is_integer(json_object_get(body, "password"))); /* the caller's own is as it was */
    json_object_set_new(body, "password", json_string(GOOD));
    got = call(ana, KR_POST, path, body);
    assert_int_equal(got.status, 200);
    assert_int_equal(call(ana, KR_GET, "/sessions/whoami", NULL).status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_comes_by_value_and_as_clients_get_it),
        TEST(test_errors_and_queries_come_through),
        TEST(test_cookies_go_on_to_the_browser),
        TEST(test_what_changes_something_needs_the_token_of_the_form),
        TEST(test_clients_outside_need_no_token_where_the_route_asks_for_none),
        TEST(test_one_session_ends_by_its_path),
        TEST(test_a_body_is_read_as_if_it_had_been_sent),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
