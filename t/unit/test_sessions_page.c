/* SPDX-License-Identifier: Apache-2.0 */
/* "Where you are signed in": who may see it, and which posts end a session. */
#include "api_env.h"
#include "kr_ui.h"

#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

static kr_ctx_t *visit(client_t *c, const char *method, const char *url, const char *body)
{
    kr_ctx_t *k = carrying(c, method, url, body ? FORM : NULL, body);

    if (!c->realm->pages) assert_null(kr_pages_load(&((kr_realm_t *)c->realm)->pages, c->env->pool, NULL));
    kr_ui_handle(k);
    kr_db_release(k);
    keep_cookies(c, k);
    return k;
}

static int shows(const kr_ctx_t *k, const char *text)
{
    return k->reply->body && strstr(k->reply->body, text) != NULL;
}

/** What stands after `mark` in the page, up to the next quote. */
static const char *after(kr_ctx_t *k, const char *mark)
{
    const char *at = strstr(k->reply->body, mark);

    if (!at) fail_msg("no %s in %s", mark, k->reply->body);
    at += strlen(mark);
    return apr_pstrmemdup(k->pool, at, strcspn(at, "\""));
}

static const char *token_of(client_t *c)
{
    return after(visit(c, "GET", "/sessions", NULL), "name=\"csrf_token\" value=\"");
}

static const char *form(client_t *c, const char *token, const char *which)
{
    return apr_pstrcat(c->env->pool, "csrf_token=", kr_url_escape(c->env->pool, token), "&end=", which, NULL);
}

/** Ben, with a second session so that his page has forms. */
static client_t *ben_of(env_t *env)
{
    client_t *ben = signed_in_spa(env, "ben@example.org");

    assert_status(login_as(spa(env), "ben@example.org", GOOD, ""), 200);
    return ben;
}

/** Ana, at one browser and at another one; `other` signed in later. */
static void two_of_ana(client_t **here, client_t **other, env_t *env)
{
    *here = signed_in_spa(env, "ana@example.org");
    env->now += SECOND;
    *other = spa(env);
    apr_table_set((*other)->headers, "User-Agent", FIREFOX);
    assert_status(login_as(*other, "ana@example.org", GOOD, ""), 200);
    apr_table_unset((*other)->headers, "User-Agent");
}

static void test_all_sessions_are_shown_and_this_one_is_marked(void **state)
{
    client_t *here, *other;
    kr_ctx_t *k;

    two_of_ana(&here, &other, *state);
    k = visit(here, "GET", "/auth/sessions", NULL);
    assert_status(k, 200);
    assert_true(shows(k, "Firefox on Linux") && shows(k, "in use now") && shows(k, "192.0.2.7"));
    assert_true(shows(k, "<form method=\"post\" action=\"/auth/sessions\">"));
    assert_string_equal(header(k, "Vary"), "Accept-Language, Cookie");
    k = visit(other, "GET", "/sessions", NULL);
    assert_true(shows(k, "Unknown device")); /* the first one did not say what it is */
}

static void test_one_session_is_ended_and_this_one_stays(void **state)
{
    client_t *here, *other;
    kr_ctx_t *k;

    two_of_ana(&here, &other, *state);
    k = visit(here, "GET", "/sessions", NULL);
    k = visit(here, "POST", "/sessions", form(here, token_of(here), after(k, "name=\"end\" value=\"")));
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), "/sessions?done=one");
    assert_true(shows(visit(here, "GET", "/sessions?done=one", NULL), "That device is signed out."));
    assert_status(get(other, "/sessions/whoami"), 401);
    assert_status(get(here, "/sessions/whoami"), 200);
    assert_true(shows(visit(here, "GET", "/sessions", NULL), "nowhere else"));
}

static void test_all_others_are_ended_at_once(void **state)
{
    client_t *here, *other, *third;

    two_of_ana(&here, &other, *state);
    third = spa(*state);
    assert_status(login_as(third, "ana@example.org", GOOD, ""), 200);
    assert_status(visit(here, "POST", "/sessions", form(here, token_of(here), "others")), 303);
    assert_status(get(other, "/sessions/whoami"), 401);
    assert_status(get(third, "/sessions/whoami"), 401);
    assert_status(get(here, "/sessions/whoami"), 200);
}

static void test_nobody_ends_the_sessions_of_another(void **state)
{
    client_t *here, *other, *ben = ben_of(*state);
    kr_ctx_t *k;

    two_of_ana(&here, &other, *state);
    k = visit(here, "GET", "/sessions", NULL);
    k = visit(ben, "POST", "/sessions", form(ben, token_of(ben), after(k, "name=\"end\" value=\"")));
    assert_status(k, 303); /* as if it had been his: nothing to learn */
    assert_status(get(other, "/sessions/whoami"), 200);
}

static void test_a_form_of_somebody_else_is_refused(void **state)
{
    client_t *here, *other, *ben = ben_of(*state);
    const char *bodies[6], *mine;

    two_of_ana(&here, &other, *state);
    mine = token_of(here);
    bodies[0] = "end=others";
    bodies[1] = "csrf_token=&end=others";
    bodies[2] = form(here, token_of(ben), "others");
    bodies[3] = form(here, token_of(other), "others"); /* the same person, but another browser */
    bodies[4] = form(here, apr_pstrcat(here->env->pool, mine, "x", NULL), "others");
    bodies[5] = "csrf_token=%00&end=others";
    for (int i = 0; i < KR_DIM(bodies); i++) {
        kr_ctx_t *k = visit(here, "POST", "/sessions", bodies[i]);

        if (k->reply->status != 403 && k->reply->status != 400) fail_msg("%s: %d", bodies[i], k->reply->status);
        assert_status(get(other, "/sessions/whoami"), 200);
    }
}

static const struct { const char *header, *value; int status; } PLACES[] = {
    { "Sec-Fetch-Site", "same-origin", 303 },
    { "Sec-Fetch-Site", "same-site", 403 },
    { "Sec-Fetch-Site", "cross-site", 403 },
    { "Sec-Fetch-Site", "none", 403 },
    { "Origin", "https://id.example.org", 303 },
    { "Origin", "http://10.0.0.7:8080", 303 }, /* where the request came to, behind a proxy */
    { "Origin", "https://evil.example", 403 },
    { "Origin", "http://id.example.org", 403 },
    { "Origin", "null", 403 },
};

static void test_a_form_of_another_place_is_refused_even_with_the_token(void **state)
{
    client_t *here, *other;
    const char *token;

    two_of_ana(&here, &other, *state);
    token = token_of(here);
    for (int i = 0; i < KR_DIM(PLACES); i++) {
        kr_request_t *req;
        kr_ctx_t *k;

        apr_table_set(here->headers, PLACES[i].header, PLACES[i].value);
        k = carrying(here, "POST", "/sessions", FORM, form(here, token, NIL));
        req = (kr_request_t *)k->req;
        req->scheme = "http";
        req->host = "10.0.0.7:8080";
        kr_ui_handle(k);
        kr_db_release(k);
        if (k->reply->status != PLACES[i].status) fail_msg("%s: %s: %d", PLACES[i].header, PLACES[i].value, k->reply->status);
        apr_table_unset(here->headers, PLACES[i].header);
    }
}

static void test_odd_posts_end_nothing(void **state)
{
    static const char *const which[] = { "", "x", "all", "00000000-0000-4000-8000-00000000000'", "%3Cscript%3E" };
    client_t *here, *other;
    const char *token;

    two_of_ana(&here, &other, *state);
    token = token_of(here);
    for (int i = 0; i < KR_DIM(which); i++) {
        kr_ctx_t *k = visit(here, "POST", "/sessions", form(here, token, which[i]));

        assert_status(k, 400);
        assert_false(shows(k, "<script"));
    }
    assert_status(visit(here, "POST", "/sessions", form(here, token, word(get(here, "/sessions/whoami"), "id"))), 400);
    assert_status(visit(here, "POST", "/sessions", "%"), 400);
    assert_status(get(other, "/sessions/whoami"), 200);
    assert_status(get(here, "/sessions/whoami"), 200);
}

static void test_who_is_not_signed_in_is_sent_to_the_login(void **state)
{
    client_t *nobody = person(*state);

    assert_status(visit(nobody, "GET", "/sessions", NULL), 303);
    assert_string_equal(header(visit(nobody, "POST", "/sessions", "csrf_token=x&end=others"), "Location"),
                        BASE "/self-service/login/browser");
}

static void test_a_long_list_has_pages(void **state)
{
    static const char *const pages[] = { "1", "2", "99", "-1", "x", "99999999999" };
    client_t *here = signed_in_spa(*state, "ana@example.org");
    kr_ctx_t *k;

    for (int i = 0; i < 17; i++) assert_status(login_as(spa(*state), "ana@example.org", GOOD, ""), 200);
    for (int i = 0; i < KR_DIM(pages); i++) {
        k = visit(here, "GET", apr_pstrcat(here->env->pool, "/sessions?page=", pages[i], NULL), NULL);
        assert_status(k, 200);
        assert_true(shows(k, "1 / 2") || shows(k, "2 / 2"));
    }
    k = visit(here, "GET", "/sessions", NULL);
    assert_true(shows(k, "href=\"/sessions?page=2\">Older</a>"));
    k = visit(here, "GET", "/sessions?page=2", NULL);
    assert_true(shows(k, "href=\"/sessions?page=1\">Newer</a>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_sessions_are_shown_and_this_one_is_marked),
        TEST(test_one_session_is_ended_and_this_one_stays),
        TEST(test_all_others_are_ended_at_once),
        TEST(test_nobody_ends_the_sessions_of_another),
        TEST(test_a_form_of_somebody_else_is_refused),
        TEST(test_a_form_of_another_place_is_refused_even_with_the_token),
        TEST(test_odd_posts_end_nothing),
        TEST(test_who_is_not_signed_in_is_sent_to_the_login),
        TEST(test_a_long_list_has_pages),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
