/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of routes: paths of several names, what each stood for, and guards of their own. */
#include "api_env.h"

#define SOME 256 /* a flag of our own */

static kr_err_t *say_names(kr_ctx_t *k)
{
    kr_reply_json(k, 200, kr_json_pack(k->pool, "{s:s?, s:s?, s:s?}", "id", kr_route_param(k, "id"), "type", kr_route_param(k, "type"),
                                       "i", kr_route_param(k, "i")));
    return NULL;
}

static kr_err_t *say_own(kr_ctx_t *k)
{
    kr_reply_text(k, 200, "own");
    return NULL;
}

static kr_err_t *conflict(kr_ctx_t *k)
{
    return kr_err(k, 409, NULL, "not now");
}

static const kr_route_t ROUTES[] = {
    { .methods = KR_GET, .path = "/admin/identities", .run = say_names },
    { .methods = KR_GET, .path = "/admin/identities/own", .run = say_own },
    { .methods = KR_GET | KR_PATCH, .path = "/admin/identities/{id}", .run = say_names },
    { .methods = KR_DELETE, .path = "/admin/identities/{id}", .run = say_names, .flags = SOME },
    { .methods = KR_DELETE, .path = "/admin/identities/{id}/credentials/{type}", .run = say_names },
    { .methods = KR_GET, .path = "/admin/identities/by/external/{id}", .run = say_names },
    { .methods = KR_POST, .path = "/admin/fail", .run = conflict },
    { .path = NULL },
};

static const kr_route_set_t OPEN = { ROUTES, NULL };

static kr_ctx_t *serve(client_t *c, const kr_route_set_t *set, const char *method, const char *url)
{
    kr_ctx_t *k = carrying(c, method, url, NULL, NULL);

    kr_api_serve(k, set);
    kr_reply_render(k);
    keep_cookies(c, k);
    return k;
}

/* -- paths ---------------------------------------------------------------- */

static const struct { const char *method, *path, *id, *type; } NAMED[] = {
    { "GET", "/admin/identities", "", "" },
    { "GET", "/admin/identities/a", "a", "" },
    { "HEAD", "/admin/identities/a", "a", "" },
    { "DELETE", "/admin/identities/a", "a", "" },
    { "DELETE", "/admin/identities/a/credentials/oidc", "a", "oidc" },
    { "DELETE", "/admin/identities/a%2Fb/credentials/%C3%A4%20", "a/b", "\xc3\xa4 " },
    { "GET", "/admin/identities/by/external/x%7By%7D", "x{y}", "" },
    { "GET", "/admin/identities/by", "by", "" },
    { "PATCH", "/admin/identities/{id}", "{id}", "" },
    { "DELETE", "/admin/identities/own", "own", "" }, /* the row of its own takes GET alone */
};

static void test_each_name_has_its_segment_decoded(void **state)
{
    client_t *c = native(*state);

    for (int i = 0; i < KR_DIM(NAMED); i++) {
        kr_ctx_t *k = serve(c, &OPEN, NAMED[i].method, NAMED[i].path);

        if (k->reply->status != 200) fail_msg("%s %s: %d", NAMED[i].method, NAMED[i].path, k->reply->status);
        assert_string_equal(word(k, "id"), NAMED[i].id);
        assert_string_equal(word(k, "type"), NAMED[i].type);
        assert_string_equal(word(k, "i"), ""); /* no name, though one begins so */
    }
}

static void test_of_two_routes_the_first_counts(void **state)
{
    assert_string_equal(serve(native(*state), &OPEN, "GET", "/admin/identities/own")->reply->body, "own\n");
}

static void test_segments_are_whole_and_not_empty(void **state)
{
    static const char *const paths[] = {
        "/admin/identities/", "/admin/identities//credentials/oidc", "/admin/identities/a/credentials/", "/admin/identities/a/credentials",
        "/admin/identities/a/credentials/oidc/", "/admin/identities/a/b/credentials/oidc", "/admin/identities/a/xcredentials/oidc",
        "/admin/identities/a/credentials/%", "/admin/identities/%00/credentials/oidc", "/admin/identities/%zz", "/admin/identitiesx",
        "/admin/identitie", "/Admin/identities/a", "/admin%2Fidentities/a", "admin/identities", "",
    };

    for (int i = 0; i < KR_DIM(paths); i++) {
        kr_ctx_t *k = serve(native(*state), &OPEN, "DELETE", paths[i]);

        if (k->reply->status != 404) fail_msg("%s: %d", paths[i], k->reply->status);
    }
}

static void test_wrong_methods_are_told_those_of_all_routes_with_the_path(void **state)
{
    static const struct { const char *path, *allow; } refused[] = {
        { "/admin/identities/a", "GET, HEAD, PATCH, DELETE" },
        { "/admin/identities/a/credentials/oidc", "DELETE" },
        { "/admin/fail", "POST" },
    };

    for (int i = 0; i < KR_DIM(refused); i++) {
        kr_ctx_t *k = serve(native(*state), &OPEN, "PUT", refused[i].path);

        assert_status(k, 405);
        assert_string_equal(header(k, "Allow"), refused[i].allow);
    }
}

static void test_no_path_of_ours_has_more_names_than_there_is_room_for(void **state)
{
    (void)state;
    for (const kr_route_t *r = kr_public.routes; r->path; r++) {
        int names = 0;

        for (const char *at = strchr(r->path, '{'); at; at = strchr(at + 1, '{')) {
            assert_int_equal(at[-1], '/');
            assert_true(strchr(at, '}') && strchr("/", strchr(at, '}')[1])); /* a whole segment */
            names++;
        }
        assert_true(names <= KR_ROUTE_PARAMS);
    }
}

/* -- guards --------------------------------------------------------------- */

static int seen;

static int refuse_deletes(kr_ctx_t *k, int flags)
{
    seen = flags;
    kr_reply_header(k, "X-Guarded", "yes");
    if (k->req->method != KR_DELETE) return 0;
    kr_reply_text(k, 418, "not here");
    return 1;
}

static void test_a_guard_is_asked_first_and_knows_the_path(void **state)
{
    static const kr_route_set_t set = { ROUTES, refuse_deletes };
    client_t *c = native(*state);
    kr_ctx_t *k = serve(c, &set, "GET", "/admin/identities/a");

    assert_status(k, 200);
    assert_string_equal(header(k, "X-Guarded"), "yes");
    assert_string_equal(header(k, "Cache-Control"), "private, no-cache, no-store, must-revalidate");
    assert_int_equal(seen, SOME);
    assert_status(serve(c, &set, "DELETE", "/admin/identities/a"), 418);
    assert_status(serve(c, &set, "DELETE", "/nowhere"), 418); /* whether or not there is a route */
    assert_int_equal(seen, 0);
    assert_status(serve(c, &set, "GET", "/nowhere"), 404);
}

static void test_a_set_without_a_guard_knows_no_cookies_and_no_tokens(void **state)
{
    client_t *c = spa(*state);
    kr_ctx_t *k;

    apr_table_set(c->headers, "Origin", "https://evil.example");
    k = serve(c, &OPEN, "DELETE", "/admin/identities/a");
    assert_status(k, 200);
    assert_int_equal(k->reply->cookies->nelts, 0);
    assert_string_equal(header(k, "Vary"), "");
    assert_string_equal(header(k, "Access-Control-Allow-Origin"), "");
    k = serve(c, &OPEN, "POST", "/admin/fail");
    assert_status(k, 409);
    assert_string_equal(word(k, "error.reason"), "not now");
}

static void test_sets_share_no_routes(void **state)
{
    client_t *c = spa(*state);

    assert_status(serve(c, &OPEN, "GET", "/sessions/whoami"), 404);
    assert_status(get(c, "/admin/identities"), 404);
    assert_status(serve(c, &kr_public, "GET", "/sessions/whoami"), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_name_has_its_segment_decoded),
        TEST(test_of_two_routes_the_first_counts),
        TEST(test_segments_are_whole_and_not_empty),
        TEST(test_wrong_methods_are_told_those_of_all_routes_with_the_path),
        TEST(test_no_path_of_ours_has_more_names_than_there_is_room_for),
        TEST(test_a_guard_is_asked_first_and_knows_the_path),
        TEST(test_a_set_without_a_guard_knows_no_cookies_and_no_tokens),
        TEST(test_sets_share_no_routes),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
