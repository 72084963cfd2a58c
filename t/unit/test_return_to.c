/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser may be sent: what the list of allowed return URLs means, and every way around it that is known. */
#include "api_env.h"

/* -- the list ------------------------------------------------------------- */

static const struct { const char *allowed, *asked; int ok; } CASES[] = {
    { "https://app.example/",          "https://app.example/",                1 },
    { "https://app.example/",          "https://app.example/a?b=c#d",         1 },
    { "https://app.example",           "https://app.example",                 1 },
    { "https://app.example",           "https://app.example/anything",        1 },
    { "https://app.example/",          "HTTPS://APP.example/",                1 },
    { "https://app.example/",          "https://app.example.evil/",           0 }, /* suffix */
    { "https://app.example",           "https://app.example.evil/",           0 },
    { "https://app.example/",          "https://evil-app.example/",           0 }, /* prefix */
    { "https://app.example/",          "https://evil/https://app.example/",   0 },
    { "https://app.example/",          "https://evil/?https://app.example/",  0 },
    { "https://app.example/",          "https://evil#https://app.example/",   0 },
    { "https://app.example/",          "http://app.example/",                 0 }, /* scheme */
    { "http://app.example/",           "https://app.example/",                0 },
    { "https://app.example/",          "ftp://app.example/",                  0 },
    { "https://app.example/",          "javascript://app.example/%0aalert(1)", 0 },
    { "https://app.example/",          "javascript:alert(1)",                 0 },
    { "https://app.example/",          "JaVaScRiPt:alert(1)",                 0 },
    { "https://app.example/",          "data:text/html,x",                    0 },
    { "https://app.example/",          "mailto:a@app.example",                0 },
    { "https://app.example/",          "\tjavascript:alert(1)",               0 },
    /* ports are part of the host */
    { "https://app.example/",          "https://app.example:8443/",           0 },
    { "https://app.example:8443/",     "https://app.example:8443/",           1 },
    { "https://app.example:8443/",     "https://app.example/",                0 },
    { "https://app.example:8443/",     "https://app.example:84430/",          0 },
    { "https://app.example:8443/",     "https://app.example:8443.evil/",      0 },
    { "https://app.example/",          "https://app.example:/",               0 },
    /* users */
    { "https://app.example/",          "https://app.example@evil/",           0 },
    { "https://app.example/",          "https://u@app.example/",              0 },
    { "https://app.example/",          "https://u:p@app.example/",            0 },
    { "https://app.example/",          "https://@app.example/",               0 },
    { "https://app.example/",          "https://evil%40app.example/",         0 },
    /* what browsers read differently */
    { "https://app.example/",          "https://app.example\\.evil/",         0 },
    { "https://app.example/",          "https:\\\\evil/",                     0 },
    { "https://app.example/",          "\\\\evil/",                           0 },
    { "https://app.example/",          "/\\evil/",                            0 },
    { "https://app.example/",          "https:app.example/",                  0 },
    { "https://app.example/",          "https:/app.example/",                 0 },
    { "https://app.example/",          "https:///app.example/",               0 },
    { "https://app.example/",          "///evil/",                            0 },
    { "https://app.example/",          "//evil/",                             0 },
    { "https://app.example/",          "//app.example/a",                     1 }, /* the default's scheme */
    { "https://app.example/",          " https://app.example/",               0 },
    { "https://app.example/",          "https://app.example/\r\nX: y",        0 },
    { "https://app.example/",          "https://app.example/%zz",             0 },
    { "https://app.example/",          "https://app.example\u3002evil/",      0 }, /* a dot to some */
    /* paths are plain prefixes, and dot segments would leave them */
    { "https://app.example/in",        "https://app.example/in",              1 },
    { "https://app.example/in",        "https://app.example/inside",          1 },
    { "https://app.example/in",        "https://app.example/",                0 },
    { "https://app.example/in/",       "https://app.example/in",              0 },
    { "https://app.example/in/",       "https://app.example/IN/",             0 },
    { "https://app.example/in/",       "https://app.example/in/../out",       0 },
    { "https://app.example/in/",       "https://app.example/in/..",           0 },
    { "https://app.example/in/",       "https://app.example/in/.",            0 },
    { "https://app.example/in/",       "https://app.example/in/./x",          0 },
    { "https://app.example/in/",       "https://app.example/in/%2e%2e/out",   0 },
    { "https://app.example/in/",       "https://app.example/in/%2E./out",     0 },
    { "https://app.example/in/",       "https://app.example/in/.%2e",         0 },
    { "https://app.example/in/",       "https://app.example/in/..?x",         0 },
    { "https://app.example/in/",       "https://app.example/in/.hidden",      1 },
    { "https://app.example/in/",       "https://app.example/in/a..b/...",     1 },
    { "https://app.example/in/",       "https://app.example/in/?x=/../",      1 },
    /* wildcards: any depth, never the apex */
    { "https://*.wild.example/",       "https://a.wild.example/",             1 },
    { "https://*.wild.example/",       "https://a.b.c.wild.example/",         1 },
    { "https://*.wild.example/",       "https://A.WILD.example/",             1 },
    { "https://*.wild.example/",       "https://wild.example/",               0 },
    { "https://*.wild.example/",       "https://evilwild.example/",           0 },
    { "https://*.wild.example/",       "https://.wild.example.evil/",         0 },
    { "https://*.wild.example/",       "https://a.wild.example.evil/",        0 },
    { "https://*.wild.example/",       "https://a.wild.example:444/",         0 },
    { "https://*.wild.example:444/",   "https://a.wild.example:444/",         1 },
    { "https://*.wild.example/",       "https://evil/.wild.example/",         0 },
    { "https://*.wild.example/",       "https://evil?.wild.example/",         0 },
    { "https://*.wild.example/in",     "https://a.wild.example/out",          0 },
    /* wildcards that would take half of the world are none */
    { "https://*/",                    "https://evil/",                       0 },
    { "https://*.com/",                "https://evil.com/",                   0 },
    { "https://*example.com/",         "https://evilexample.com/",            0 },
    { "https://app.*.example/",        "https://app.evil.example/",           0 },
    { "https://*.*.example/",          "https://a.b.example/",                0 },
};

static void test_the_list_names_where_people_may_go(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        apr_array_header_t *list = apr_array_make(env->pool, 1, sizeof(const char *));
        kr_ctx_t *k = context(env, env->realm);

        APR_ARRAY_PUSH(list, const char *) = CASES[i].allowed;
        ((kr_settings_t *)env->realm->settings)->allowed_return_urls = list;
        if (kr_return_to_allowed(k, CASES[i].asked) != CASES[i].ok)
            fail_msg("%s must %s %s", CASES[i].allowed, CASES[i].ok ? "allow" : "refuse", CASES[i].asked);
    }
}

static void test_pages_of_the_flows_are_always_allowed_and_the_rest_of_the_host_is_not(void **state)
{
    static const struct { const char *asked; int ok; } cases[] = {
        { BASE "/self-service/login/browser", 1 },
        { BASE "/self-service/../../admin", 0 },
        { BASE "/sessions/whoami", 0 },
        { "https://id.example.org/self-service/login/browser", 0 },
        { "http://id.example.org/auth/self-service/login/browser", 0 },
    };
    kr_ctx_t *k = context(*state, ((env_t *)*state)->realm);

    for (int i = 0; i < KR_DIM(cases); i++)
        if (kr_return_to_allowed(k, cases[i].asked) != cases[i].ok) fail_msg("%s", cases[i].asked);
}

/* -- relative ones -------------------------------------------------------- */

static void test_what_misses_comes_from_the_default_url(void **state)
{
    static const struct { const char *asked, *absolute; } cases[] = {
        { "/inside", APP "inside" },
        { "/inside?x=1#y", APP "inside?x=1#y" },
        { "//app.example.org/x", APP "x" },
        { "?x=1", "https://app.example.org?x=1" },
        { "inside", NULL },
        { "../x", NULL },
        { "//evil.example/x", NULL },
        { "/../x", NULL },
        { "https://evil.example/", NULL },
    };
    kr_ctx_t *k = context(*state, ((env_t *)*state)->realm);

    for (int i = 0; i < KR_DIM(cases); i++) {
        const char *absolute = kr_return_to_absolute(k, cases[i].asked);

        if (!cases[i].absolute ? absolute != NULL : !absolute || strcmp(absolute, cases[i].absolute) != 0)
            fail_msg("%s became %s", cases[i].asked, absolute ? absolute : "nothing");
    }
}

static void test_none_is_fine_and_nonsense_is_told_from_what_is_forbidden(void **state)
{
    kr_ctx_t *k = context(*state, ((env_t *)*state)->realm);
    kr_err_t *err;

    OK(kr_return_to_check(k, NULL));
    OK(kr_return_to_check(k, ""));
    OK(kr_return_to_check(k, APP "x"));
    err = kr_return_to_check(k, "https://evil.example/");
    assert_int_equal(err->status, 400);
    assert_string_equal(err->id, "self_service_flow_return_to_forbidden");
    err = kr_return_to_check(k, "https://app.example.org/%");
    assert_int_equal(err->status, 400);
    assert_null(err->id);
}

/* -- after a flow --------------------------------------------------------- */

static void test_a_flow_leads_to_the_most_particular_url(void **state)
{
    env_t *env = *state;
    kr_flow_t flow = { .kind = KR_FLOW_REGISTRATION };
    kr_ctx_t *k;

    k = context(env, env->realm);
    assert_string_equal(kr_return_to_of(k, &flow, KR_METHOD_PASSWORD), APP);
    change(
        env,
        "selfservice: {flows: {registration: {after: {default_browser_return_url: 'https://app.example.org/new'}}}}");
    k = context(env, env->realm);
    assert_string_equal(kr_return_to_of(k, &flow, KR_METHOD_PASSWORD), APP "new");
    change(env,
           "selfservice: {flows: {registration: {after: {default_browser_return_url: 'https://app.example.org/new',"
           " password: {default_browser_return_url: 'https://app.example.org/pw'}}}}}");
    k = context(env, env->realm);
    assert_string_equal(kr_return_to_of(k, &flow, KR_METHOD_PASSWORD), APP "pw");
    assert_string_equal(kr_return_to_of(k, &flow, -1), APP "new");
    flow.return_to = "/asked";
    assert_string_equal(kr_return_to_of(k, &flow, KR_METHOD_PASSWORD), APP "asked");
}

static void test_a_list_that_became_shorter_counts_for_flows_that_are_open(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    change(env, "selfservice: {allowed_return_urls: ['https://old.example.org/']}");
    ana->realm = env->realm;
    flow = begin_flow(ana, "registration", "?return_to=https%3A%2F%2Fold.example.org%2Fx", &to);
    assert_string_equal(kr_json_str(flow, "return_to"), "https://old.example.org/x");
    change(env, "");
    ana->realm = env->realm;
    k = submit(ana, to, flow, new_account("ana@example.org", GOOD));
    assert_status(k, 200);
    assert_string_equal(
        kr_json_str(json_array_get(json_object_get(said(k), "continue_with"), 0), "redirect_browser_to"), APP);
}

static void test_no_flow_begins_with_a_foreign_return_url(void **state)
{
    static const char *const urls[] = {
        "/self-service/login/browser", "/self-service/login/api", "/self-service/registration/browser",
        "/self-service/registration/api",
    };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(urls); i++) {
        client_t *c = strstr(urls[i], "/api") ? native(env) : spa(env);
        kr_ctx_t *k = get(c, apr_pstrcat(env->pool, urls[i], "?return_to=https%3A%2F%2Fevil.example%2F", NULL));

        assert_status(k, 400);
        assert_string_equal(word(k, "error.id"), "self_service_flow_return_to_forbidden");
    }
    assert_status(
        get(signed_in_spa(env, "ana@example.org"), "/self-service/settings/browser?return_to=%2F%2Fevil.example"), 400);
}

static void test_of_two_return_urls_the_one_that_is_checked_is_the_one_that_is_used(void **state)
{
    env_t *env = *state;
    const char *to;
    json_t *flow = begin_flow(spa(env), "login", "?return_to=%2Fgood&return_to=https%3A%2F%2Fevil.example", &to);

    assert_string_equal(kr_json_str(flow, "return_to"), "/good");
    assert_status(get(spa(env), "/self-service/login/browser?return_to=https%3A%2F%2Fevil.example&return_to=%2Fgood"),
                  400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_list_names_where_people_may_go),
        TEST(test_pages_of_the_flows_are_always_allowed_and_the_rest_of_the_host_is_not),
        TEST(test_what_misses_comes_from_the_default_url),
        TEST(test_none_is_fine_and_nonsense_is_told_from_what_is_forbidden),
        TEST(test_a_flow_leads_to_the_most_particular_url),
        TEST(test_a_list_that_became_shorter_counts_for_flows_that_are_open),
        TEST(test_no_flow_begins_with_a_foreign_return_url),
        TEST(test_of_two_return_urls_the_one_that_is_checked_is_the_one_that_is_used),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
