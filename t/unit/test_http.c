/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies without httpd: cookies, headers, and what kind of answer a client wants. */
#include "pool_env.h"

#include <string.h>

#include "kr_http.h"
#include "kr_json.h"
#include "kr_text.h"

static void swallow(void *baton, kr_level_e level, const char *line)
{
    (void)level;
    (void)line;
    ++*(int *)baton;
}

/* A context with a reply; *logged counts log lines. */
static kr_ctx_t *fresh(void **state, int *logged)
{
    kr_ctx_t *k = kr_ctx_make(*state, NULL, KR_LOG_ERR);

    *logged = 0;
    k->log = swallow;
    k->log_baton = logged;
    k->reply = kr_reply_make(k->pool);
    return k;
}

static const struct {
    const char *accept;
    int json;
} accept_cases[] = {
    { NULL, 0 },
    { "", 0 },
    { "*/*", 0 },
    { "text/html", 0 },
    { "application/json", 1 },
    { "Application/JSON", 1 },
    { "application/*", 1 },
    { "text/*", 0 },
    { "application/json, text/plain, */*", 1 },
    { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 0 },
    { "application/json;q=0.9, text/html;q=0.8", 1 },
    { "application/json;q=0.8, text/html;q=0.9", 0 },
    { "application/json;q=0.5,*/*;q=0.8", 0 },
    { "application/json;q=0.8;x=y, */*;q=0.7", 1 },
    { "application/json, text/html", 0 },
    { "application/json, text/*", 1 },
    { "application/*, text/html", 0 },
    { "application/*, */*", 1 },
    { "application/json;q=0, */*", 0 },
    { "application/json;q=0", 0 },
    { "text/html;q=0, application/json;q=0.001", 1 },
    { "application/json;q=x", 0 },
    { "application/json;q=2", 0 },
    { "application/json;q=", 0 },
    { "application/json;q=0.88888888, */*;q=0.8", 1 },
    { "application/json; charset=utf-8", 1 },
    { "application/jsonx", 0 },
    { "text/plain", 0 },
    { ",,;q=1,  , application/json", 1 },
    { ";;;", 0 },
};

static void accept_decides_between_a_page_and_json(void **state)
{
    kr_request_t req = { .method = KR_GET };
    apr_table_t *headers = apr_table_make(*state, 2);

    req.headers = headers;
    for (int i = 0; i < KR_DIM(accept_cases); i++) {
        apr_table_clear(headers);
        if (accept_cases[i].accept) apr_table_set(headers, "accept", accept_cases[i].accept);
        if (kr_wants_json(&req, 0) != accept_cases[i].json) fail_msg("Accept: %s", accept_cases[i].accept);
    }
}

static void a_submit_of_json_wants_json(void **state)
{
    kr_request_t req = { .method = KR_POST, .headers = apr_table_make(*state, 1) };

    req.content_type = "application/json";
    assert_true(kr_wants_json(&req, 1));
    assert_false(kr_wants_json(&req, 0));
    req.content_type = "application/json; charset=utf-8";
    assert_false(kr_wants_json(&req, 1));
}

static void cookies_are_read_as_sent(void **state)
{
    kr_request_t req = { .cookies = "a=1; session=\"q=x\" ;sess=2;session=second;  empty=;novalue; A=3;" };
    int count;

    assert_string_equal(kr_cookie(*state, &req, "session", &count), "\"q=x\"");
    assert_int_equal(count, 2);
    assert_string_equal(kr_cookie(*state, &req, "a", NULL), "1");
    assert_string_equal(kr_cookie(*state, &req, "A", NULL), "3");
    assert_string_equal(kr_cookie(*state, &req, "empty", &count), "");
    assert_int_equal(count, 1);
    assert_null(kr_cookie(*state, &req, "novalue", &count));
    assert_int_equal(count, 0);
    req.cookies = NULL;
    assert_null(kr_cookie(*state, &req, "a", NULL));
    req.cookies = ";;; ; =x;";
    assert_null(kr_cookie(*state, &req, "a", NULL));
}

static int collect(void *baton, const char *name, const char *value)
{
    (void)name;
    *(const char **)apr_array_push(baton) = value;
    return 1;
}

static apr_array_header_t *set_cookies(kr_ctx_t *k)
{
    apr_array_header_t *all = apr_array_make(k->pool, 2, sizeof(char *));

    kr_reply_finish(k);
    apr_table_do(collect, all, k->reply->headers, "Set-Cookie", NULL);
    return all;
}

static void cookies_are_rendered_in_gos_order(void **state)
{
    int logged;
    kr_ctx_t *k = fresh(state, &logged);
    kr_cookie_t cookie = { .name = "s", .value = "old", .path = "/", .max_age = -1 };
    apr_array_header_t *all;

    k->now = apr_time_from_sec(1136214245); /* Mon, 02 Jan 2006 15:04:05 GMT */
    kr_reply_cookie(k, &cookie);
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "csrf", .value = "a+/=", .max_age = 31536000, .http_only = 1 });
    cookie = (kr_cookie_t){ .name = "s", .value = "v", .path = "/p", .domain = "a.example", .same_site = "Lax",
                            .secure = 1, .http_only = 1, .max_age = 60, .expires = 1 };
    kr_reply_cookie(k, &cookie);
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "gone", .value = "", .path = "/", .max_age = 0, .expires = 1 });
    all = set_cookies(k);

    assert_int_equal(all->nelts, 3); /* the older "s" is replaced */
    assert_string_equal(APR_ARRAY_IDX(all, 0, char *), "csrf=a+/=; Path=/; Max-Age=31536000; HttpOnly");
    assert_string_equal(APR_ARRAY_IDX(all, 1, char *),
                        "s=v; Path=/p; Domain=a.example; Expires=Mon, 02 Jan 2006 15:05:05 GMT; Max-Age=60; HttpOnly; "
                        "Secure; SameSite=Lax");
    assert_string_equal(APR_ARRAY_IDX(all, 2, char *),
                        "gone=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
}

static void cookies_cannot_inject(void **state)
{
    static const char *const values[] = { "a\r\nSet-Cookie: b=c", "a;b", "a,b",  "a b",
                                          "a\"b",                   "a\\b", "\x7f", "\xc3\xa9" };
    int logged;
    kr_ctx_t *k = fresh(state, &logged);

    for (int i = 0; i < KR_DIM(values); i++) kr_reply_cookie(k, &(kr_cookie_t){ .name = "s", .value = values[i] });
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "s=t", .value = "v" });
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "", .value = "v" });
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "s", .value = "v", .path = "/;x" });
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "s", .value = "v", .domain = "a\nb" });
    kr_reply_cookie(k, &(kr_cookie_t){ .name = "s", .value = NULL });
    assert_int_equal(set_cookies(k)->nelts, 0);
    assert_int_equal(logged, KR_DIM(values) + 5);
}

static void headers_cannot_inject(void **state)
{
    int logged;
    kr_ctx_t *k = fresh(state, &logged);

    kr_reply_header(k, "X-A", "1");
    kr_reply_header(k, "x-a", "2");
    kr_reply_header(k, "X-B", "1\r\nX-C: 2");
    kr_reply_header(k, "X B", "1");
    kr_reply_redirect(k, 303, "https://a.example/\nX-D: 1");
    assert_string_equal(apr_table_get(k->reply->headers, "X-A"), "2");
    assert_int_equal(apr_table_elts(k->reply->headers)->nelts, 1);
    assert_int_equal(logged, 3);
}

static void replies_are_filled(void **state)
{
    int logged;
    kr_ctx_t *k = fresh(state, &logged);

    kr_reply_json(k, 400, kr_json_pack(k->pool, "{s:s}", "a", "<"));
    assert_int_equal(k->reply->status, 400);
    assert_null(k->reply->body);
    kr_reply_render(k);
    assert_string_equal(k->reply->body, "{\"a\":\"\\u003c\"}\n");
    assert_int_equal(k->reply->body_len, strlen(k->reply->body));
    assert_string_equal(k->reply->content_type, "application/json; charset=utf-8");
    kr_reply_header(k, "content-type", "application/json");
    assert_string_equal(k->reply->content_type, "application/json");

    kr_reply_json(k, 200, kr_json_pack(k->pool, "{}"));
    kr_reply_text(k, 404, "nothing here");
    kr_reply_render(k);
    assert_string_equal(k->reply->body, "nothing here\n");
    assert_string_equal(apr_table_get(k->reply->headers, "X-Content-Type-Options"), "nosniff");

    kr_reply_redirect(k, 303, "https://a.example/?b=c");
    assert_int_equal(k->reply->status, 303);
    assert_null(k->reply->body);
    assert_string_equal(apr_table_get(k->reply->headers, "Location"), "https://a.example/?b=c");
}

static void queries_and_headers_are_found(void **state)
{
    apr_table_t *headers = apr_table_make(*state, 1);
    kr_request_t req = { .query = kr_form_parse(*state, "flow=1&flow=2", 13, NULL), .headers = headers };

    apr_table_set(headers, "X-Session-Token", "t");
    assert_string_equal(kr_query(&req, "flow"), "1");
    assert_null(kr_query(&req, "Flow"));
    assert_string_equal(kr_header(&req, "x-session-token"), "t");
}

static void a_network_of_ipv6_is_one_client(void **state)
{
    static const struct {
        const char *peer, *network;
    } CASES[] = {
        { "192.0.2.7:4711", "192.0.2.7" },
        { "[2001:db8:1:2::3]:4711", "20010db800010002" },
        { "[2001:db8:1:2:ffff:ffff:ffff:ffff]:1", "20010db800010002" },
        { "[2001:db8::1]:4711", "20010db800000000" }, /* the first half is not what stands before the second colon */
        { "[::1]:4711", "0000000000000000" },
        { "[::ffff:192.0.2.7]:4711", "192.0.2.7" },
        { "nonsense", "nonsense" },
        { "", "" },
    };

    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_request_t req = { .peer = CASES[i].peer };

        assert_string_equal(kr_request_network(*state, &req), CASES[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_decides_between_a_page_and_json),
        cmocka_unit_test(a_submit_of_json_wants_json),
        cmocka_unit_test(cookies_are_read_as_sent),
        cmocka_unit_test(cookies_are_rendered_in_gos_order),
        cmocka_unit_test(cookies_cannot_inject),
        cmocka_unit_test(headers_cannot_inject),
        cmocka_unit_test(replies_are_filled),
        cmocka_unit_test(queries_and_headers_are_found),
        cmocka_unit_test(a_network_of_ipv6_is_one_client),
    };

    return cmocka_run_group_tests_name("http", tests, open_pool, close_pool);
}
