/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-CSRF: the cookie, the masks over it, who must show a token and who must not look like a browser. */
#include "api_env.h"

static const char *csrf_name(const client_t *c)
{
    return c->realm->csrf_cookie_name;
}

static const char *some_cookie(env_t *env, char byte)
{
    unsigned char secret[32];

    memset(secret, byte, sizeof(secret));
    return kr_base64(env->pool, secret, sizeof(secret));
}

/** A context whose request has this Cookie header. */
static kr_ctx_t *with_cookies(env_t *env, const char *cookies)
{
    kr_ctx_t *k = carrying(spa(env), "GET", "/", NULL, NULL);

    ((kr_request_t *)k->req)->cookies = cookies;
    return k;
}

static kr_ctx_t *with_value(env_t *env, const char *value)
{
    return with_cookies(env, apr_pstrcat(env->pool, env->realm->csrf_cookie_name, "=", value, NULL));
}

/* -- masks ---------------------------------------------------------------- */

static void test_masks_are_fresh_and_mean_the_same(void **state)
{
    env_t *env = *state;
    const char *value = some_cookie(env, 'x');
    kr_ctx_t *k = with_value(env, value);
    const char *one = kr_csrf_token(k), *two = kr_csrf_token(k);

    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), 88);
    assert_true(kr_csrf_token_ok(k, one) && kr_csrf_token_ok(k, two));
    assert_true(kr_csrf_token_ok(k, value)); /* the plain value is known to its owner anyway */
    assert_null(strstr(one, value));
}

static void test_tokens_of_another_cookie_and_tokens_that_are_none_are_refused(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = with_value(env, some_cookie(env, 'x'));
    const char *good = kr_csrf_token(k);
    const char *bad[] = {
        NULL,
        "",
        "x",
        "====",
        kr_csrf_token(with_value(env, some_cookie(env, 'y'))),
        some_cookie(env, 'y'),
        apr_pstrmemdup(env->pool, good, 87),
        apr_pstrmemdup(env->pool, good, 84),
        apr_pstrcat(env->pool, good, "AAAA", NULL),
        apr_pstrcat(env->pool, " ", good, NULL),
        apr_pstrcat(env->pool, good, good, NULL),
        kr_base64(env->pool, "short", 5),
    };

    for (int i = 0; i < KR_DIM(bad); i++)
        if (kr_csrf_token_ok(k, bad[i])) fail_msg("taken: %s", bad[i] ? bad[i] : "nothing");
}

/* -- the cookie ----------------------------------------------------------- */

static void test_a_cookie_that_is_missing_broken_or_doubled_is_none(void **state)
{
    env_t *env = *state;
    const char *name = env->realm->csrf_cookie_name, *good = some_cookie(env, 'x');
    const char *bad[] = {
        NULL,
        "",
        "a=b",
        apr_pstrcat(env->pool, name, "=", NULL),
        apr_pstrcat(env->pool, name, "=short", NULL),
        apr_pstrcat(env->pool, name, "=", good, "; ", name, "=", good,
                    NULL), /* a sister host may have set one of them */
        apr_pstrcat(env->pool, name, "=", good, "; ", name, "=", some_cookie(env, 'y'), NULL),
        apr_pstrcat(env->pool, name, "=", apr_pstrmemdup(env->pool, good, 43), NULL),
        apr_pstrcat(env->pool, name, "=", good, "A", NULL),
        apr_pstrcat(env->pool, name, "=", kr_base64(env->pool, good, 33), NULL),
        apr_pstrcat(env->pool, name, "=????????????????????????????????????????????", NULL),
        apr_pstrcat(env->pool, "x", name, "=", good, NULL),
        apr_pstrcat(env->pool, name, "=--------------------------------------------", NULL), /* not spelled as ours are, but for */
        apr_pstrcat(env->pool, name, "=__________________________________________8=", NULL), /* their alphabet the second is one */
    };

    for (int i = 0; i < KR_DIM(bad); i++) {
        kr_ctx_t *k = with_cookies(env, bad[i]);

        if (kr_csrf_token(k) || kr_csrf_hash(k) || kr_csrf_token_ok(k, good))
            fail_msg("taken: %s", bad[i] ? bad[i] : "nothing");
        kr_csrf_ensure(k);
        assert_non_null(cookie_set(k, name));
        assert_non_null(kr_csrf_token(k));
    }
}

static void test_a_good_cookie_is_kept_and_a_new_one_is_for_scripts_unseen(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = with_value(env, some_cookie(env, 'x'));
    const kr_cookie_t *cookie;
    const char *old = kr_csrf_token(k);

    kr_csrf_ensure(k);
    assert_int_equal(k->reply->cookies->nelts, 0);
    kr_csrf_renew(k);
    cookie = cookie_set(k, env->realm->csrf_cookie_name);
    assert_int_equal(strlen(cookie->value), 44);
    assert_true(cookie->http_only && cookie->secure && cookie->max_age == 31536000 && !cookie->expires);
    assert_string_equal(cookie->same_site, "Lax");
    assert_string_equal(cookie->path, "/");
    assert_false(kr_csrf_token_ok(k, old)); /* the new one counts at once */
    assert_string_not_equal(env->realm->csrf_cookie_name, "csrf_token_");
}

static void test_a_flow_belongs_to_the_cookie_it_was_made_for_even_after_a_rotation(void **state)
{
    env_t *env = *state;
    kr_flow_t *flow = kr_flow_make(with_value(env, some_cookie(env, 'x')), KR_FLOW_LOGIN, 0, BASE);

    assert_true(kr_csrf_owns(with_value(env, some_cookie(env, 'x')), flow));
    assert_false(kr_csrf_owns(with_value(env, some_cookie(env, 'y')), flow));
    assert_false(kr_csrf_owns(with_cookies(env, NULL), flow));
    change(env, "secrets: {cookie: [a-secret-that-is-newer, newest-secret-of-the-tests]}");
    assert_true(kr_csrf_owns(with_value(env, some_cookie(env, 'x')), flow));
    change(env, "secrets: {cookie: [a-secret-that-is-newer]}");
    assert_false(kr_csrf_owns(with_value(env, some_cookie(env, 'x')), flow));
}

/* -- flows ---------------------------------------------------------------- */

static const char *login_body(env_t *env, const char *token)
{
    return apr_psprintf(env->pool,
                        "{\"method\":\"password\",\"identifier\":\"ana@example.org\",\"password\":\"%s\"%s%s%s}", GOOD,
                        token ? ",\"csrf_token\":\"" : "", token ? token : "", token ? "\"" : "");
}

static void test_a_browser_flow_takes_any_token_of_the_cookie_and_only_in_the_body(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    const char *to, *token;
    kr_ctx_t *k;

    token = apr_pstrdup(env->pool, value_of(begin_flow(ana, "login", "", &to), "csrf_token"));
    assert_status(ask(ana, "POST", to, JSON, login_body(env, token)), 400); /* through: the account does not exist */
    assert_status(ask(ana, "POST", to, JSON, login_body(env, apr_table_get(ana->jar, csrf_name(ana)))), 400);
    begin_flow(ana, "login", "", &to);
    assert_status(ask(ana, "POST", to, JSON, login_body(env, token)), 400);
    apr_table_set(ana->headers, "X-CSRF-Token", token);
    k = ask(ana, "POST", to, JSON, login_body(env, NULL));
    assert_status(k, 403);
    assert_string_equal(word(k, "error.id"), "security_csrf_violation");
    assert_string_equal(header(k, "Ory-Error-Id"), "security_csrf_violation");
    assert_true(*word(k, "error.details.hint") != '\0');
}

static void test_no_password_is_looked_at_without_the_token(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env), *mallory = spa(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    assert_status(register_as(native(env), "ana@example.org", GOOD), 200);
    flow = begin_flow(ana, "login", "", &to);
    k = ask(mallory, "POST", to, JSON, login_body(env, value_of(flow, "csrf_token")));
    assert_status(k, 403);
    assert_null(cookie_set(k, SESSION));
    k = ask(ana, "POST", to, JSON, login_body(env, "AAAA"));
    assert_status(k, 403);
    assert_null(cookie_set(k, SESSION));
    assert_status(ask(ana, "POST", to, FORM,
                      "method=password&identifier=ana%40example.org&password="
                      "correct+horse+battery"),
                  403);
    assert_status(ask(ana, "POST", to, JSON, login_body(env, value_of(flow, "csrf_token"))), 200);
}

static void test_people_are_sent_to_the_error_page(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    kr_ctx_t *k = get(ana, "/self-service/login/browser");
    const char *id = strstr(header(k, "Location"), "flow=");

    assert_status(k, 303);
    k = ask(ana, "POST", apr_pstrcat(env->pool, "/self-service/login?", id, NULL), FORM,
            "method=password&identifier=a&password=b");
    assert_status(k, 303);
    assert_ptr_equal(strstr(header(k, "Location"), "https://id.example.org/error?id="), header(k, "Location"));
    k = get(spa(env), apr_pstrcat(env->pool, "/self-service/errors?", strstr(header(k, "Location"), "id="), NULL));
    assert_status(k, 200);
    assert_string_equal(word(k, "error.id"), "security_csrf_violation");
}

static void test_a_browser_flow_is_shown_to_its_browser_only(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env), *mallory = spa(env);
    const char *to, *read;
    json_t *flow = begin_flow(ana, "registration", "", &to);
    kr_ctx_t *k;

    read = apr_pstrcat(env->pool, "/self-service/registration/flows?id=", kr_json_str(flow, "id"), NULL);
    assert_status(
        submit(ana, to, flow, json_pack("{s:s, s:{s:s}}", "method", "password", "traits", "email", "ana@example.org")),
        400);
    assert_string_equal(value_of(said(get(ana, read)), "traits.email"), "ana@example.org");
    get(mallory, "/self-service/login/browser");
    assert_status(get(mallory, read), 403);
    assert_status(get(spa(env), read), 403);

    /* nor for the price of a body that cannot be read */
    k = ask(mallory, "POST", to, JSON, "{");
    assert_status(k, 403);
    assert_null(strstr(k->reply->body, "ana@example.org"));
    assert_status(ask(mallory, "POST", to, NULL, NULL), 403);
    assert_status(ask(mallory, "GET", to, NULL, NULL), 403);
    assert_status(ask(ana, "POST", to, NULL, NULL), 400);
}

static void test_a_login_that_was_begun_elsewhere_is_shown_without_the_identifier(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env), *mallory = signed_in_spa(env, "mallory@example.org");
    const char *to;
    json_t *flow = begin_flow(ana, "login", "", &to);
    kr_ctx_t *k = submit(ana, to, flow, json_pack("{s:s, s:s}", "method", "password", "identifier", "ana@example.org"));

    assert_string_equal(value_of(said(k), "identifier"), "ana@example.org");
    k = ask(mallory, "POST", to, JSON, "{}");
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
    assert_null(strstr(k->reply->body, "ana@example.org"));
}

/* -- native flows --------------------------------------------------------- */

static const struct { const char *origin, *cookies; int message; } NATIVES[] = {
    { NULL, NULL, 4000006 },
    { "https://evil.example", NULL, 4000001 },
    { "null", NULL, 4000001 },
    { "", NULL, 4000001 },
    { NULL, "a=b", 4000001 },
    { NULL, "ory_kratos_session=x", 4000001 },
    { NULL, "__cf_bm=x; _cfuvid=y; cf_clearance=z", 4000006 }, /* proxies in front add those */
    { NULL, "cf_clearance=z; a=b", 4000001 },
    { NULL, "xcf_clearance=z", 4000001 },
};

static void test_a_native_flow_is_not_for_browsers(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(NATIVES); i++) {
        client_t *app = native(env);
        const char *to;
        kr_ctx_t *k;

        begin_flow(app, "login", "", &to);
        if (NATIVES[i].origin) apr_table_set(app->headers, "Origin", NATIVES[i].origin);
        k = carrying(app, "POST", to, JSON, login_body(env, NULL));
        ((kr_request_t *)k->req)->cookies = NATIVES[i].cookies;
        kr_api_handle(k);
        kr_reply_render(k);
        kr_db_release(k);
        assert_status(k, 400);
        assert_int_equal(message_at(said(k), NULL), NATIVES[i].message);
    }
}

/* -- paths that are no flows ---------------------------------------------- */

static const struct { const char *method, *url; int status; } UNSAFE[] = {
    { "POST", "/nowhere", 403 },
    { "DELETE", "/self-service/login/browser", 403 },
    { "BREW", "/self-service/login/browser", 403 },
    { "POST", "/self-service/fed-cm/token", 403 },
    { "POST", "/self-service/login/api", 405 },
    { "POST", "/health/alive", 405 },
    { "GET", "/nowhere", 404 },
    { "TRACE", "/self-service/login/browser", 405 },
    { "POST", "/self-service/login", 400 },
};

static void test_unsafe_methods_need_the_token_before_anything_is_routed(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(UNSAFE); i++) {
        kr_ctx_t *k = ask(spa(env), UNSAFE[i].method, UNSAFE[i].url, NULL, NULL);

        if (k->reply->status != UNSAFE[i].status)
            fail_msg("%s %s: %d", UNSAFE[i].method, UNSAFE[i].url, k->reply->status);
    }
}

static void test_the_token_may_stand_in_a_header_or_a_form(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    const char *to, *token = apr_pstrdup(env->pool, value_of(begin_flow(ana, "login", "", &to), "csrf_token"));

    assert_status(ask(ana, "POST", "/nowhere", FORM,
                      apr_pstrcat(env->pool, "csrf_token=", kr_url_escape(env->pool, token), NULL)),
                  404);
    assert_status(ask(ana, "POST", "/nowhere", JSON, apr_pstrcat(env->pool, "{\"csrf_token\":\"", token, "\"}", NULL)),
                  403);
    assert_status(ask(ana, "POST", "/nowhere", FORM, "csrf_token="), 403);
    apr_table_set(ana->headers, "X-CSRF-Token", token);
    assert_status(ask(ana, "POST", "/nowhere", NULL, NULL), 404);
    assert_status(ask(ana, "POST", "/self-service/login/browser", NULL, NULL), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_masks_are_fresh_and_mean_the_same),
        TEST(test_tokens_of_another_cookie_and_tokens_that_are_none_are_refused),
        TEST(test_a_cookie_that_is_missing_broken_or_doubled_is_none),
        TEST(test_a_good_cookie_is_kept_and_a_new_one_is_for_scripts_unseen),
        TEST(test_a_flow_belongs_to_the_cookie_it_was_made_for_even_after_a_rotation),
        TEST(test_a_browser_flow_takes_any_token_of_the_cookie_and_only_in_the_body),
        TEST(test_no_password_is_looked_at_without_the_token),
        TEST(test_people_are_sent_to_the_error_page),
        TEST(test_a_browser_flow_is_shown_to_its_browser_only),
        TEST(test_a_login_that_was_begun_elsewhere_is_shown_without_the_identifier),
        TEST(test_a_native_flow_is_not_for_browsers),
        TEST(test_unsafe_methods_need_the_token_before_anything_is_routed),
        TEST(test_the_token_may_stand_in_a_header_or_a_form),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
