/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the built-in pages: which page, from what the API says in-process, and where none is shown. */
#include "pages_env.h"

static void test_a_form_is_shown_to_the_browser_that_began_it(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env), *other = person(env);
    const char *page = page_of(ana, "login", "?return_to=%2Fdeep");
    kr_ctx_t *k = visit(ana, "GET", page);

    assert_status(k, 200);
    assert_true(shows(k, "name=\"csrf_token\" value=\""));
    assert_true(shows(k, "name=\"password\""));
    assert_true(shows(k, "registration/browser?return_to=%2Fdeep"));
    assert_non_null(strstr(header(k, "Content-Security-Policy"), "default-src 'none'"));
    assert_string_equal(header(k, "Cache-Control"), "no-store");
    assert_string_equal(header(k, "X-Frame-Options"), "DENY");
    assert_int_equal(k->statements, 1);
    k = visit(other, "GET", page);
    assert_status(k, 303); /* to a form of its own */
    assert_false(shows(k, "name=\"password\""));
}

static void test_who_comes_without_a_flow_is_sent_to_begin_one(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = visit(person(env), "GET", "/login?return_to=https%3A%2F%2Fevil.example");

    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), BASE "/self-service/login/browser?return_to=https%3A%2F%2Fevil.example");
    assert_status(get(person(env), "/self-service/login/browser?return_to=https%3A%2F%2Fevil.example"),
                  303); /* refused there */
    assert_string_equal(header(visit(person(env), "GET", "/registration?flow="), "Location"),
                        BASE "/self-service/registration/browser");
}

static void test_the_welcome_page_needs_a_session_and_has_a_way_out(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    kr_ctx_t *k = visit(person(env), "GET", "/welcome");

    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), BASE "/self-service/login/browser");
    k = visit(ana, "GET", "/welcome");
    assert_status(k, 200);
    assert_true(shows(k, "ana@example.org"));
    assert_true(shows(k, "/self-service/logout?token=ory_lo_"));
    assert_true(shows(k, "href=\"" BASE "/self-service/settings/browser\""));
    assert_int_equal(k->statements, 1); /* the session is looked up once */
}

static void test_every_page_of_an_account_has_the_way_out(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *pages[] = { "/welcome", "/sessions", NULL };

    apr_table_set(ana->headers, "Accept", "text/html");
    pages[2] = page_of(ana, "settings", "");
    for (int i = 0; i < KR_DIM(pages); i++) {
        const char *out, *body = visit(ana, "GET", pages[i])->reply->body;

        out = strstr(body, "/self-service/logout?token=ory_lo_");
        assert_true(out && strstr(out, ">Sign out</a>"));
        assert_null(strstr(out + 1, "/self-service/logout?token=")); /* once */
    }
}

static void test_settings_are_cards_for_their_owner_alone(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *ben = signed_in_spa(env, "ben@example.org");
    const char *page;
    kr_ctx_t *k;

    apr_table_set(ana->headers, "Accept", "text/html"); /* from here on as people do */
    page = page_of(ana, "settings", "");
    k = visit(ana, "GET", page);
    assert_status(k, 200);
    assert_true(shows(k, ">Profile</h2>") && shows(k, ">Password</h2>"));
    assert_true(shows(k, "value=\"ana@example.org\""));
    assert_true(shows(k, "href=\"/welcome\"") && shows(k, "aria-current=\"page\">Settings</a>"));
    k = visit(ben, "GET", page);
    assert_status(k, 303); /* to settings of his own */
    assert_false(shows(k, "ana@example.org"));
    k = visit(person(env), "GET", page);
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), BASE "/self-service/login/browser");
    env->now += 3600 * SECOND;
    k = visit(ana, "GET", page);
    assert_status(k, 303);
    assert_non_null(strstr(header(k, "Location"), "/self-service/settings/browser?"));
}

static void test_the_way_to_recovery_is_shown_where_there_is_one(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    kr_ctx_t *k;

    assert_false(shows(visit(ana, "GET", page_of(ana, "login", "")), "/self-service/recovery/browser"));
    change(env, "selfservice: {flows: {recovery: {enabled: true}, verification: {enabled: true}}, methods: {code: "
                "{enabled: true}}}");
    ana->realm = env->realm;
    k = visit(ana, "GET", page_of(ana, "login", "?return_to=%2Fdeep"));
    assert_true(shows(k, "/self-service/recovery/browser?return_to=%2Fdeep"));
    assert_true(shows(k, "/self-service/registration/browser?return_to=%2Fdeep"));
    k = visit(ana, "GET", page_of(ana, "recovery", ""));
    assert_status(k, 200);
    assert_true(shows(k, "<h1>Recover your account</h1>") && shows(k, "type=\"email\""));
    assert_true(shows(k, "/self-service/login/browser"));
    k = visit(ana, "GET", page_of(ana, "verification", ""));
    assert_status(k, 200);
    assert_true(shows(k, "<h1>Verify your address</h1>") && shows(k, "type=\"email\""));
    k = visit(ana, "GET", "/recovery");
    assert_string_equal(header(k, "Location"), BASE "/self-service/recovery/browser");
    ana = signed_in_spa(env, "ana@example.org");
    apr_table_set(ana->headers, "Accept", "text/html");
    k = visit(ana, "GET", page_of(ana, "login", "?refresh=true"));
    assert_true(shows(k, "name=\"password\"")); /* who only proves it again has an account, and is in */
    assert_false(shows(k, "/self-service/recovery/browser") || shows(k, "/self-service/registration/browser"));
}

static void test_the_error_page_shows_what_was_kept(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = get(person(env), "/self-service/login/browser?aal=aal3");
    const char *page = header(k, "Location") + strlen("https://id.example.org");

    k = visit(person(env), "GET", page);
    assert_status(k, 200);
    assert_true(shows(k, "no assurance level"));
    assert_status(visit(person(env), "GET", "/error"), 404);
    assert_status(visit(person(env), "GET", "/error?id=%3Cscript%3E"), 404);
    assert_status(visit(person(env), "GET", "/signed-out"), 200);
}

static const struct { const char *path; int status; } PATHS[] = {
    { "/login/", 404 },
    { "/", 404 },
    { "/nothing", 404 },
    { "/a/b/login", 303 },
    { "//evil.example/login", 404 }, /* links on the page would lead there */
    { "/\\evil.example/signed-out", 404 },
    { "//evil.example/signed-out", 404 },
    { "/\t/evil.example/signed-out", 404 }, /* browsers leave tabs and line ends out of addresses */
    { "/\n/evil.example/nothing", 404 },
    { "\r//evil.example/welcome", 404 },
    { "/\"><script>/signed-out", 200 },
};

/* As the API would have kept it. */
static const char *error_page_of(client_t *c, const char *details)
{
    static const char form[] = "{\"code\":403,\"id\":\"cookie_not_accepted\",\"reason\":\"your browser keeps no cookies\",\"details\":%s}";
    const char *error = apr_psprintf(c->env->pool, form, details), *why;
    kr_page_t page = { .home = "" };

    pages_of(c);
    page.words = kr_pages_words(c->realm->pages, c->env->pool, NULL, NULL);
    return kr_ui_error_page(c->env->pool, &page, kr_json_parse(c->env->pool, error, strlen(error), &why));
}

static void test_an_error_that_knows_where_to_try_again_says_so(void **state)
{
    client_t *c = person(*state);
    const char *html = error_page_of(c, "{\"return_to\":\"https://app.example.org/x?a=1&b=2\"}");

    assert_non_null(strstr(html, "Your browser keeps no cookies."));
    assert_non_null(strstr(html, "href=\"https://app.example.org/x?a=1&amp;b=2\">Try again</a>"));
    assert_non_null(strstr(error_page_of(c, "{\"return_to\":\"/a\",\"retry_url\":\"/b\"}"), "href=\"/b\">Try again</a>"));
    assert_null(strstr(error_page_of(c, "{\"return_to\":\"javascript:alert(1)\"}"), "Try again"));
    assert_null(strstr(error_page_of(c, "{}"), "Try again"));
    assert_null(strstr(error_page_of(c, "null"), "Try again"));
}

static void test_who_is_sent_to_and_fro_is_told_why(void **state)
{
    client_t *c = person(*state);
    const char *html = error_page_of(c, "{\"gate\":\"none\",\"return_to\":\"https://shop.example.org/x\"}");

    assert_non_null(strstr(html, "shop.example.org cannot see it and sends you back here"));
    assert_non_null(strstr(html, "Please allow cookies"));
    assert_null(strstr(html, "keeps no cookies"));
    assert_non_null(strstr(html, "href=\"https://shop.example.org/x\">Try again</a>"));
    html = error_page_of(c, "{\"gate\":\"unkept\",\"return_to\":\"/x\"}");
    assert_non_null(strstr(html, "was lost at once"));
    assert_non_null(strstr(html, "did not keep the cookie"));
    html = error_page_of(c, "{\"gate\":\"nothing we know\"}");
    assert_non_null(strstr(html, "Your browser keeps no cookies."));
}

static void test_a_page_is_in_the_language_of_the_account_else_of_the_browser(void **state)
{
    env_t *env = *state;
    client_t *c = person(env);
    kr_ctx_t *k;

    apr_table_set(c->headers, "Accept-Language", "de-CH, en;q=0.5");
    k = visit(c, "GET", "/signed-out");
    assert_true(shows(k, "<html lang=\"de\">") && shows(k, "<h1>Abgemeldet</h1>"));
    assert_string_equal(header(k, "Content-Language"), "de");
    assert_string_equal(header(k, "Vary"), "Accept-Language, Cookie");
    k = visit(c, "GET", page_of(c, "login", ""));
    assert_true(shows(k, ">Passwort</label>") && shows(k, ">Mit Passwort anmelden</button>"));
    c = signed_in_spa(env, "ana@example.org");
    apr_table_set(c->headers, "Accept-Language", "fr");
    assert_true(shows(visit(c, "GET", "/welcome"), "<html lang=\"fr\">"));
}

static void test_no_path_makes_links_that_lead_away(void **state)
{
    for (int i = 0; i < KR_DIM(PATHS); i++) {
        kr_ctx_t *k = visit(person(*state), "GET", PATHS[i].path);

        if (k->reply->status != PATHS[i].status) fail_msg("%s: %d", PATHS[i].path, k->reply->status);
        assert_false(shows(k, "//evil") || shows(k, "<script"));
    }
}

static void test_a_page_that_is_not_there_has_a_way_on(void **state)
{
    kr_ctx_t *k = visit(person(*state), "GET", "/ui/nothing");

    assert_status(k, 404);
    assert_true(shows(k, "<h1>There is no such page</h1>") && shows(k, "href=\"/ui/welcome\""));
    assert_int_equal(k->statements, 0);
}

static void test_pages_are_read_only(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW" };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(methods); i++) {
        kr_ctx_t *k = visit(person(env), methods[i], "/login");

        assert_status(k, 405);
        assert_string_equal(header(k, "Allow"), "GET, HEAD");
    }
    assert_status(visit(person(env), "HEAD", "/signed-out"), 200);
}

static void test_the_style_sheet_is_kept_by_browsers(void **state)
{
    env_t *env = *state;
    client_t *c = person(env);
    kr_ctx_t *k = visit(c, "GET", "/auth/style.css?v=x");

    assert_status(k, 200);
    assert_string_equal(k->reply->content_type, "text/css; charset=utf-8");
    apr_table_set(c->headers, "If-None-Match", header(k, "ETag"));
    k = visit(c, "GET", "/auth/style.css");
    assert_status(k, 304);
    assert_null(k->reply->body);
    apr_table_set(c->headers, "If-None-Match", apr_pstrcat(k->pool, "W/", header(k, "ETag"), ", \"x\"", NULL));
    assert_status(visit(c, "GET", "/auth/style.css"), 304);
    apr_table_set(c->headers, "If-None-Match", "\"other\"");
    assert_status(visit(c, "GET", "/auth/style.css"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_form_is_shown_to_the_browser_that_began_it),
        TEST(test_who_comes_without_a_flow_is_sent_to_begin_one),
        TEST(test_the_welcome_page_needs_a_session_and_has_a_way_out),
        TEST(test_every_page_of_an_account_has_the_way_out),
        TEST(test_settings_are_cards_for_their_owner_alone),
        TEST(test_the_way_to_recovery_is_shown_where_there_is_one),
        TEST(test_the_error_page_shows_what_was_kept),
        TEST(test_an_error_that_knows_where_to_try_again_says_so),
        TEST(test_who_is_sent_to_and_fro_is_told_why),
        TEST(test_a_page_is_in_the_language_of_the_account_else_of_the_browser),
        TEST(test_no_path_makes_links_that_lead_away),
        TEST(test_a_page_that_is_not_there_has_a_way_on),
        TEST(test_pages_are_read_only),
        TEST(test_the_style_sheet_is_kept_by_browsers),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
