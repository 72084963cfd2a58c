/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes against the operations of the official client, and what surrounds every operation: methods, clean
 * paths, caching, CORS, pages of lists. */
#include "api_env.h"

/* -- the table ------------------------------------------------------------ */

/* The FrontendApi of the OpenAPI document: operationId, method, path. */
static const struct { const char *id; int method; const char *path; } OPERATIONS[] = {
    { "createBrowserLoginFlow", KR_GET, "/self-service/login/browser" },
    { "createBrowserLogoutFlow", KR_GET, "/self-service/logout/browser" },
    { "createBrowserRecoveryFlow", KR_GET, "/self-service/recovery/browser" },
    { "createBrowserRegistrationFlow", KR_GET, "/self-service/registration/browser" },
    { "createBrowserSettingsFlow", KR_GET, "/self-service/settings/browser" },
    { "createBrowserVerificationFlow", KR_GET, "/self-service/verification/browser" },
    { "createFedcmFlow", KR_GET, "/self-service/fed-cm/parameters" },
    { "createNativeLoginFlow", KR_GET, "/self-service/login/api" },
    { "createNativeRecoveryFlow", KR_GET, "/self-service/recovery/api" },
    { "createNativeRegistrationFlow", KR_GET, "/self-service/registration/api" },
    { "createNativeSettingsFlow", KR_GET, "/self-service/settings/api" },
    { "createNativeVerificationFlow", KR_GET, "/self-service/verification/api" },
    { "disableMyOtherSessions", KR_DELETE, "/sessions" },
    { "disableMySession", KR_DELETE, "/sessions/{id}" },
    { "exchangeSessionToken", KR_GET, "/sessions/token-exchange" },
    { "getFlowError", KR_GET, "/self-service/errors" },
    { "getLoginFlow", KR_GET, "/self-service/login/flows" },
    { "getRecoveryFlow", KR_GET, "/self-service/recovery/flows" },
    { "getRegistrationFlow", KR_GET, "/self-service/registration/flows" },
    { "getSettingsFlow", KR_GET, "/self-service/settings/flows" },
    { "getVerificationFlow", KR_GET, "/self-service/verification/flows" },
    { "getWebAuthnJavaScript", KR_GET, "/.well-known/ory/webauthn.js" },
    { "listMySessions", KR_GET, "/sessions" },
    { "performNativeLogout", KR_DELETE, "/self-service/logout/api" },
    { "toSession", KR_GET, "/sessions/whoami" },
    { "updateFedcmFlow", KR_POST, "/self-service/fed-cm/token" },
    { "updateLoginFlow", KR_POST, "/self-service/login" },
    { "updateLogoutFlow", KR_GET, "/self-service/logout" },
    { "updateRecoveryFlow", KR_POST, "/self-service/recovery" },
    { "updateRegistrationFlow", KR_POST, "/self-service/registration" },
    { "updateSettingsFlow", KR_POST, "/self-service/settings" },
    { "updateVerificationFlow", KR_POST, "/self-service/verification" },
};

static void test_every_operation_of_the_client_has_one_route(void **state)
{
    int named = 0;

    (void)state;
    assert_int_equal(KR_DIM(OPERATIONS), 32);
    for (const kr_route_t *r = kr_public.routes; r->path; r++) {
        assert_non_null(r->run);
        named += r->id != NULL;
    }
    assert_int_equal(named, 32);
    for (int i = 0; i < KR_DIM(OPERATIONS); i++) {
        int found = 0;

        for (const kr_route_t *r = kr_public.routes; r->path; r++)
            if (r->id && strcmp(r->id, OPERATIONS[i].id) == 0) {
                found++;
                assert_string_equal(r->path, OPERATIONS[i].path);
                assert_true(r->methods & OPERATIONS[i].method);
            }
        if (found != 1) fail_msg("%s: %d routes", OPERATIONS[i].id, found);
    }
}

/* -- methods and paths ---------------------------------------------------- */

static const struct { const char *method, *path, *allow; } NOT_ALLOWED[] = {
    { "POST", "/self-service/login/api", "GET, HEAD" },
    { "OPTIONS", "/self-service/login/browser", "GET, HEAD" },
    { "PUT", "/self-service/login", "GET, HEAD, POST" },
    { "GET", "/self-service/logout/api", "DELETE" },
    { "PATCH", "/sessions", "GET, HEAD, DELETE" },
    { "GET", "/sessions/" NIL, "DELETE" },
    { "POST", "/health/ready", "GET, HEAD" },
    { "TRACE", "/sessions/whoami", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" },
};

static void test_wrong_methods_are_told_the_right_ones(void **state)
{
    for (int i = 0; i < KR_DIM(NOT_ALLOWED); i++) {
        kr_ctx_t *k = ask(spa(*state), NOT_ALLOWED[i].method, NOT_ALLOWED[i].path, NULL, NULL);

        if (k->reply->status != 405)
            fail_msg("%s %s: %d", NOT_ALLOWED[i].method, NOT_ALLOWED[i].path, k->reply->status);
        assert_string_equal(header(k, "Allow"), NOT_ALLOWED[i].allow);
        assert_string_equal(k->reply->content_type, "text/plain; charset=utf-8");
        assert_string_equal(header(k, "X-Content-Type-Options"), "nosniff");
    }
}

static void test_what_is_no_path_of_ours_is_a_plain_404(void **state)
{
    static const char *const paths[] = {
        "/",
        "",
        "/version",
        "/self-service",
        "/self-service/login/",
        "/self-service/login/browser/",
        "/SESSIONS/whoami",
        "/sessions/whoami/x",
        "/sessions/",
        "/schemas/",
        "/schemas/a/b",
        "/self%2dservice/login",
        "/metrics/prometheus",
        "/.well-known/ory/webauthn.js/",
        "/self-service/login/browser%00",
        "/health/alive/",
        "/versionx",
    };

    for (int i = 0; i < KR_DIM(paths); i++) {
        kr_ctx_t *k = get(spa(*state), paths[i]);

        if (k->reply->status != 404) fail_msg("%s: %d", paths[i], k->reply->status);
        assert_string_equal(k->reply->content_type, "text/plain; charset=utf-8");
    }
}

static const struct { const char *path, *location; } DOUBLED[] = {
    { "//evil.example/x", "/auth/evil.example/x" },
    { "///evil.example", "/auth/evil.example" },
    { "/sessions//whoami?a=//b", "/auth/sessions/whoami?a=//b" },
    { "/a////", "/auth/a/" },
    { "/\\evil.example//", NULL }, /* browsers would take that for a host */
};

static void test_doubled_slashes_lead_to_the_clean_path_and_never_away(void **state)
{
    env_t *env = *state;

    for (int root = 0; root <= 1; root++)
        for (int i = 0; i < KR_DIM(DOUBLED); i++) {
            client_t *c = spa(env);
            const char *location = DOUBLED[i].location;
            kr_ctx_t *k;

            if (root) c->realm = realm_with(env, "main", "serve: {public: {base_url: 'https://id.example.org/'}}");
            k = get(c, DOUBLED[i].path);
            assert_status(k, location ? 307 : 404);
            if (location) assert_string_equal(header(k, "Location"), location + (root ? 5 : 0));
            else assert_string_equal(header(k, "Location"), "");
        }
}

static void test_admin_paths_lead_to_the_admin_url_when_there_is_one(void **state)
{
    env_t *env = *state;
    client_t *c = spa(env);
    kr_ctx_t *k;

    assert_status(get(c, "/admin/identities"), 404);
    c->realm = realm_with(env, "main", "serve: {admin: {base_url: 'http://127.0.0.1:4434/'}}");
    k = get(c, "/admin/identities?x=1");
    assert_status(k, 307);
    assert_string_equal(header(k, "Location"), "http://127.0.0.1:4434/admin/identities?x=1");
}

static void test_a_query_that_cannot_be_read_is_told_so(void **state)
{
    assert_status(get(spa(*state), "/self-service/login/browser?return_to=%zz"), 400);
    assert_status(get(spa(*state), "/self-service/login/browser?x=%00"), 400);
    assert_status(get(spa(*state), "/self-service/login/browser?x=%ff"), 400);
    assert_status(get(native(*state), "/sessions/whoami?%"), 400);
}

static void test_head_is_get_without_cache_words_and_probes_stand_outside_of_cookies(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = ask(spa(env), "HEAD", "/self-service/login/browser", NULL, NULL);

    assert_status(k, 200);
    assert_string_equal(header(k, "Cache-Control"), "");
    assert_true(k->reply->cookies->nelts == 1);
    k = get(spa(env), "/self-service/login/browser");
    assert_string_equal(header(k, "Cache-Control"), "private, no-cache, no-store, must-revalidate");
    assert_string_equal(header(k, "Vary"), "Cookie");
    k = get(spa(env), "/health/alive");
    assert_status(k, 200);
    assert_string_equal(header(k, "Vary"), "");
    assert_int_equal(k->reply->cookies->nelts, 0);
    assert_int_equal(k->statements, 0);
    assert_status(get(spa(env), "/health/ready"), 200);
}

/* -- schemas -------------------------------------------------------------- */

static void test_schemas_are_shown_as_they_were_written(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = get(native(env), "/schemas");

    assert_status(k, 200);
    assert_int_equal(json_array_size(said(k)), 1);
    assert_string_equal(header(k, "X-Total-Count"), "1");
    k = get(native(env), apr_pstrcat(env->pool, "/schemas/", kr_base64url(env->pool, "person", 6), NULL));
    assert_status(k, 200);
    assert_string_equal(k->reply->body, PERSON);
    assert_status(get(native(env), "/schemas/person"), 200);
    assert_status(get(native(env), "/schemas/nobody"), 404);
    assert_status(get(native(env), "/schemas/%2e%2e%2fperson"), 404);
}

/* -- pages of lists ------------------------------------------------------- */

static const struct { const char *query; int entries; } PAGES[] = {
    { "", 3 },
    { "?page_size=2", 2 },
    { "?per_page=2", 2 },
    { "?page_size=2&per_page=1", 2 },
    { "?page_size=2&page=0", 2 },
    { "?page_size=2&page=1", 2 },
    { "?page_size=2&page=2", 1 },
    { "?page_size=1&page=3", 1 },
    { "?page_size=1&page=4", 0 },
    { "?page_size=0", 1 },
    { "?page_size=-5", 1 },
    { "?page_size=-9223372036854775808", 1 },
    { "?page_size=99999999999999999999", 3 },
    { "?page_size=x", 3 },
    { "?page_size=2x", 3 },
    { "?page_size=", 3 },
    { "?page=-1", 3 },
    { "?page=99999999999999999999", 0 },
    { "?page=2147483648&page_size=1000", 0 },
    { "?page_token=eyJvZmZzZXQiOiIyIiwidiI6Mn0&page_size=2", 1 },   /* {"offset":"2","v":2} */
    { "?page_token=eyJvZmZzZXQiOiItMiJ9&page_size=2", 2 },          /* {"offset":"-2"} */
    { "?page_token=eyJvZmZzZXQiOjJ9&page_size=2", 2 },              /* {"offset":2} */
    { "?page_token=eyJvZmZzZXQiOiI5OTk5OTk5OTk5OTk5OTk5OTk5OTk5In0", 0 }, /* {"offset":"9999..."} */
    { "?page_token=W10", 3 },                                       /* [] */
    { "?page_token=bnVsbA", 3 },                                    /* null */
    { "?page_token=%00", -1 },
    { "?page_token=....", 3 },
    { "?page_token=e", 3 },
};

static void test_odd_pages_fall_back_rather_than_fail(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, "ana@example.org");

    for (int i = 0; i < 3; i++) assert_status(login_as(native(env), "ana@example.org", GOOD, ""), 200);
    for (int i = 0; i < KR_DIM(PAGES); i++) {
        kr_ctx_t *k = get(ana, apr_pstrcat(env->pool, "/sessions", PAGES[i].query, NULL));

        if (PAGES[i].entries < 0) {
            assert_status(k, 400);
            continue;
        }
        assert_status(k, 200);
        if ((int)json_array_size(said(k)) != PAGES[i].entries)
            fail_msg("%s: %d entries", PAGES[i].query, (int)json_array_size(said(k)));
        assert_string_equal(header(k, "X-Total-Count"), "3");
        assert_true(strstr(header(k, "Link"), "rel=\"first\"") || strstr(header(k, "Link"), "rel=\"next\""));
    }
}

/* -- CORS ----------------------------------------------------------------- */

static const struct { const char *allowed, *origin; int ok; } ORIGINS[] = {
    { "https://app.example", "https://app.example", 1 },
    { "https://app.example", "https://APP.example", 1 },
    { "https://app.example", "http://app.example", 0 },
    { "https://app.example", "https://app.example.evil", 0 },
    { "https://app.example", "https://evil.app.example", 0 },
    { "https://app.example", "https://app.example:444", 0 },
    { "https://app.example", "https://app.exampl", 0 },
    { "https://app.example", "null", 0 },
    { "https://app.example", "", 0 },
    { "https://*.wild.example", "https://a.wild.example", 1 },
    { "https://*.wild.example", "https://a.b.wild.example", 1 },
    { "https://*.wild.example", "https://wild.example", 0 },
    { "https://*.wild.example", "https://evilwild.example", 0 },
    { "https://*.wild.example", "https://a.wild.example.evil", 0 },
    { "https://*.wild.example", "http://a.wild.example", 0 },
    { "https://*.wild.example", "https://.wild.exampl", 0 },
};

static client_t *from_origin(env_t *env, const char *allowed, const char *origin, const char *more)
{
    client_t *c = native(env);

    c->realm = realm_with(
        env, "main",
        apr_psprintf(env->pool, "serve: {public: {cors: {enabled: true, allowed_origins: ['%s']%s}}}", allowed, more));
    if (origin) apr_table_set(c->headers, "Origin", origin);
    return c;
}

static void test_only_named_origins_may_read_answers(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ORIGINS); i++) {
        client_t *c = from_origin(env, ORIGINS[i].allowed, ORIGINS[i].origin, "");
        kr_ctx_t *k = get(c, "/health/alive");
        const char *allowed = header(k, "Access-Control-Allow-Origin");

        if (ORIGINS[i].ok ? strcmp(allowed, ORIGINS[i].origin) != 0 : *allowed != '\0')
            fail_msg("%s and %s: \"%s\"", ORIGINS[i].allowed, ORIGINS[i].origin, allowed);
        assert_string_equal(header(k, "Access-Control-Allow-Credentials"), ORIGINS[i].ok ? "true" : "");
        assert_string_equal(header(k, "Vary"), "Origin");
        assert_string_equal(header(get(c, "/sessions/whoami"), "Vary"), "Origin, Cookie");

        apr_table_set(c->headers, "Access-Control-Request-Method", "POST");
        k = ask(c, "OPTIONS", "/self-service/login", NULL, NULL);
        assert_status(k, 204);
        assert_string_equal(header(k, "Access-Control-Allow-Origin"), ORIGINS[i].ok ? ORIGINS[i].origin : "");
    }
}

static void test_a_preflight_is_told_what_it_may_send(void **state)
{
    static const struct { const char *method, *headers; int ok; } cases[] = {
        { "POST", NULL, 1 },
        { "POST", "content-type", 1 },
        { "POST", "Content-Type, X-Session-Token", 1 },
        { "POST", "content-type,x-evil", 0 },
        { "POST", "*", 0 },
        { "BREW", "content-type", 0 },
    };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(cases); i++) {
        client_t *c = from_origin(env, "https://app.example", "https://app.example", ", max_age: 60");
        kr_ctx_t *k;

        apr_table_set(c->headers, "Access-Control-Request-Method", cases[i].method);
        if (cases[i].headers) apr_table_set(c->headers, "Access-Control-Request-Headers", cases[i].headers);
        k = ask(c, "OPTIONS", "/self-service/login", NULL, NULL);
        assert_status(k, 204);
        assert_string_equal(header(k, "Access-Control-Allow-Methods"), cases[i].ok ? cases[i].method : "");
        assert_string_equal(header(k, "Access-Control-Allow-Headers"),
                            cases[i].ok && cases[i].headers ? cases[i].headers : "");
        assert_string_equal(header(k, "Access-Control-Max-Age"), cases[i].ok ? "60" : "");
        assert_string_equal(header(k, "Vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
        assert_int_equal(k->statements, 0);
    }
}

static void test_without_cors_nothing_is_said_of_origins(void **state)
{
    env_t *env = *state;
    client_t *c = native(env);
    kr_ctx_t *k;

    apr_table_set(c->headers, "Origin", "https://app.example");
    apr_table_set(c->headers, "Access-Control-Request-Method", "POST");
    k = ask(c, "OPTIONS", "/self-service/login/api", NULL, NULL);
    assert_status(k, 405);
    assert_string_equal(header(k, "Access-Control-Allow-Origin"), "");
    assert_string_equal(header(k, "Vary"), "Cookie");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_of_the_client_has_one_route),
        TEST(test_wrong_methods_are_told_the_right_ones),
        TEST(test_what_is_no_path_of_ours_is_a_plain_404),
        TEST(test_doubled_slashes_lead_to_the_clean_path_and_never_away),
        TEST(test_admin_paths_lead_to_the_admin_url_when_there_is_one),
        TEST(test_a_query_that_cannot_be_read_is_told_so),
        TEST(test_head_is_get_without_cache_words_and_probes_stand_outside_of_cookies),
        TEST(test_schemas_are_shown_as_they_were_written),
        TEST(test_odd_pages_fall_back_rather_than_fail),
        TEST(test_only_named_origins_may_read_answers),
        TEST(test_a_preflight_is_told_what_it_may_send),
        TEST(test_without_cors_nothing_is_said_of_origins),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
