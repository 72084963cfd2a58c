/* SPDX-License-Identifier: Apache-2.0 */
/* Pages whose form cannot be shown any more, and forms that are sent too late. */
#include "code_env.h"
#include "pages_env.h"

#define DEEP "?return_to=%2Fself-service%2Fdeep"

static const char MORE[] = "selfservice: {flows: {recovery: {enabled: true}, verification: {enabled: true}}, methods: {code: {enabled: true}}}";

static client_t *somebody(env_t *env)
{
    change(env, MORE);
    return person(env);
}

/** The answer to a page that cannot be shown must lead to the begin of a flow of that kind, with these parameters. */
static kr_ctx_t *begins(client_t *c, const char *page, const char *kind, const char *with)
{
    kr_ctx_t *k = visit(c, "GET", page);
    const char *to = header(k, "Location");

    assert_status(k, 303);
    if (strncmp(to, BASE "/self-service/", strlen(BASE "/self-service/")) != 0 || !strstr(to, apr_psprintf(k->pool, "/%s/browser?", kind))
        || !strstr(to, with))
        fail_msg("%s led to %s, not to a new %s with %s", page, to, kind, with);
    return k;
}

/** As a browser: the answer leads to the API, and that to a page. */
static kr_ctx_t *follow(client_t *c, const kr_ctx_t *k)
{
    kr_ctx_t *next = get(c, led_to(k) + strlen("/auth"));

    assert_status(next, 303);
    return visit(c, "GET", led_to(next));
}

static void test_a_form_that_cannot_be_shown_gives_way_to_a_new_one(void **state)
{
    static const char *const kinds[] = { "login", "registration", "recovery", "verification" };
    env_t *env = *state;
    client_t *ana = somebody(env), *other = person(env);

    for (int i = 0; i < KR_DIM(kinds); i++) {
        const char *page = page_of(ana, kinds[i], DEEP);
        const char *unknown = apr_psprintf(env->pool, "/%s?flow=" NIL, kinds[i]);
        kr_ctx_t *k;

        k = follow(other, begins(other, page, kinds[i], "return_to=%2Fself-service%2Fdeep")); /* of another browser */
        assert_status(k, 200);
        assert_true(shows(k, "csrf_token"));
        begins(ana, unknown, kinds[i], "again=");
        begins(ana, apr_psprintf(env->pool, "/%s?flow=%%3Cscript%%3E", kinds[i]), kinds[i], "again=");
        env->now += 3600 * SECOND; /* over */
        k = follow(ana, begins(ana, page, kinds[i], "return_to=%2Fself-service%2Fdeep"));
        assert_status(k, 200);
        assert_true(shows(k, "csrf_token"));
    }
}

static void test_what_a_form_was_asked_for_with_is_kept(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *page;

    apr_table_set(ana->headers, "Accept", "text/html");
    page = page_of(ana, "login", "?refresh=true&return_to=" APP);
    env->now += 3600 * SECOND;
    begins(ana, page, "login", "refresh=true");
}

static void test_who_is_signed_in_is_led_on(void **state)
{
    env_t *env = *state;
    client_t *other = person(env), *ana = signed_in_spa(env, "ana@example.org");
    const char *page = page_of(other, "login", "?return_to=" APP "deep"), *sign_up = page_of(other, "registration", "?return_to=" APP "deep");
    kr_ctx_t *k;

    apr_table_set(ana->headers, "Accept", "text/html");
    k = begins(ana, page, "login", "return_to=");
    assert_string_equal(header(get(ana, led_to(k) + strlen("/auth")), "Location"), APP "deep");
    k = begins(ana, sign_up, "registration", "return_to=");
    assert_string_equal(header(get(ana, led_to(k) + strlen("/auth")), "Location"), APP "deep");
}

static void test_a_browser_without_cookies_is_told_and_not_sent_round(void **state)
{
    static const char *const kinds[] = { "login", "registration", "recovery", "verification" };
    env_t *env = *state;
    client_t *none = somebody(env);

    for (int i = 0; i < KR_DIM(kinds); i++) {
        const char *page = page_of(none, kinds[i], "");
        kr_ctx_t *k, *next;

        apr_table_clear(none->jar);
        k = visit(none, "GET", page);
        assert_status(k, 303);
        next = get(none, led_to(k) + strlen("/auth"));
        apr_table_clear(none->jar);
        env->now += 2 * SECOND;
        k = visit(none, "GET", led_to(next));
        assert_status(k, 400);
        assert_true(shows(k, "allow cookies"));
        assert_true(shows(k, apr_psprintf(env->pool, "/self-service/%s/browser", kinds[i])));
        env->now += 120 * SECOND; /* a bookmark of such a page begins anew like any other */
        assert_status(visit(none, "GET", led_to(next)), 303);
    }
}

static void test_a_place_that_is_not_allowed_is_not_passed_on(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    kr_ctx_t *k = visit(ana, "GET", "/login?flow=" NIL "&return_to=https%3A%2F%2Fevil.example");

    assert_status(k, 303);
    assert_null(strstr(header(k, "Location"), "evil"));
    k = get(ana, "/self-service/login/browser?again=1%26x");
    assert_null(strstr(header(k, "Location"), "again"));
}

/* -- a verification while somebody signs in -------------------------------- */

/** The value of the form's token on a page, escaped for a form. */
static const char *token_on(const kr_ctx_t *k)
{
    static const char before[] = "name=\"csrf_token\" value=\"";
    const char *token = k->reply->body ? strstr(k->reply->body, before) : NULL;

    if (!token) fail_msg("there is no token on %s", k->reply->body ? k->reply->body : "");
    token += strlen(before);
    return kr_url_escape(k->pool, apr_pstrmemdup(k->pool, token, strcspn(token, "\"")));
}

static kr_ctx_t *send_form(client_t *c, const char *kind, const char *page, const char *token, const char *fields)
{
    const char *id = strstr(page, "flow=") + 5;

    return ask(c, "POST", apr_psprintf(c->env->pool, "/self-service/%s?flow=%s", kind, id), FORM,
               apr_psprintf(c->env->pool, "%s&csrf_token=%s", fields, token));
}

static void sign_in(client_t *c, const char *email)
{
    const char *page = page_of(c, "login", ""), *token = token_on(visit(c, "GET", page));
    kr_ctx_t *k = send_form(c, "login", page, token, apr_psprintf(c->env->pool, "method=password&identifier=%s&password=" GOOD, email));

    assert_status(k, 303);
    assert_non_null(cookie_set(k, SESSION));
}

/** A browser whose form waits for the code of a mail; and the token on that form. */
static client_t *waiting(env_t *env, const char **page, const char **token)
{
    client_t *c = somebody(env);

    account(env, "ana@example.org");
    *page = page_of(c, "verification", "?return_to=" APP "deep");
    assert_status(send_form(c, "verification", *page, token_on(visit(c, "GET", *page)), "method=code&email=ana%40example.org"), 303);
    *token = token_on(visit(c, "GET", *page));
    return c;
}

static const char *code_of(env_t *env)
{
    const char *code = mailed_as(env, "verification_code_valid", "verification_code", "ana@example.org");

    assert_non_null(code);
    return code;
}

static void test_a_verification_goes_on_after_a_sign_in_in_another_tab(void **state)
{
    env_t *env = *state;
    const char *page, *token, *code;
    client_t *ana = waiting(env, &page, &token);
    kr_ctx_t *k;

    code = code_of(env);
    sign_in(ana, "ana@example.org");
    k = send_form(ana, "verification", page, token, apr_pstrcat(env->pool, "method=code&code=", wrong(env, code), NULL));
    k = visit(ana, "GET", led_to(k));
    assert_status(k, 200); /* the very form, which says what is wrong */
    assert_true(shows(k, "name=\"code\"") && shows(k, "role=\"alert\""));
    k = send_form(ana, "verification", page, token_on(k), apr_pstrcat(env->pool, "method=code&code=", code, NULL));
    assert_status(k, 303);
    k = visit(ana, "GET", led_to(k));
    assert_status(k, 200);
    assert_true(shows(k, "Address confirmed") && shows(k, APP "deep"));
}

static void test_a_new_code_is_sent_after_a_sign_in_in_another_tab(void **state)
{
    env_t *env = *state;
    const char *page, *token;
    client_t *ana = waiting(env, &page, &token), *other = person(env);
    kr_ctx_t *k;

    sign_in(ana, "ana@example.org");
    env->now += 3 * SECOND;
    k = send_form(ana, "verification", page, token, "method=code&email=ana%40example.org");
    assert_status(k, 303);
    assert_string_equal(led_to(k), page);
    assert_status(visit(ana, "GET", page), 200);
    /* a token that was made for another flow, or nobody signed in: refused as ever */
    k = send_form(other, "verification", page, token, "method=code&email=ana%40example.org");
    assert_non_null(strstr(header(k, "Location"), "error"));
    token = token_on(visit(other, "GET", page_of(other, "verification", "")));
    k = send_form(ana, "verification", page, token, "method=code&email=ana%40example.org");
    assert_non_null(strstr(header(k, "Location"), "error"));
}

static void test_a_verification_that_is_done_leads_on_in_every_browser(void **state)
{
    env_t *env = *state;
    const char *page, *token;
    client_t *ana = waiting(env, &page, &token), *other = person(env);
    kr_ctx_t *k = send_form(other, "verification", page, token, apr_pstrcat(env->pool, "method=code&code=", code_of(env), NULL));

    assert_status(k, 303);
    k = visit(other, "GET", led_to(k));
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP "deep");
    assert_status(visit(ana, "GET", page), 200);
}

/* -- sent too late -------------------------------------------------------- */

/** Sends a form when its time is over; the page of the form that took its place. */
static kr_ctx_t *send_late(client_t *c, const char *kind, const char *query, const char *fields)
{
    const char *page = page_of(c, kind, query), *token = token_on(visit(c, "GET", page));
    kr_ctx_t *k;

    c->env->now += 7200 * SECOND;
    k = send_form(c, kind, page, token, fields);
    assert_status(k, 303);
    return visit(c, "GET", led_to(k));
}

static void test_a_form_that_is_sent_too_late_keeps_what_was_typed_but_secrets(void **state)
{
    env_t *env = *state;
    client_t *ana = somebody(env);
    kr_ctx_t *k = send_late(ana, "login", "", "method=password&identifier=ana%40example.org&password=Secret-1");

    assert_status(k, 200);
    assert_true(shows(k, "name=\"identifier\" value=\"ana@example.org\""));
    assert_false(shows(k, "Secret-1"));
    k = send_late(ana, "registration", "", "method=password&traits.email=ana%40example.org&traits.name.first=Ana&traits.age=40&password=Secret-1");
    assert_true(shows(k, "value=\"ana@example.org\"") && shows(k, "value=\"Ana\"") && shows(k, "value=\"40\""));
    assert_false(shows(k, "Secret-1"));
    k = send_late(ana, "recovery", "", "method=code&email=ana%40example.org");
    assert_true(shows(k, "name=\"email\" value=\"ana@example.org\""));
    k = send_late(ana, "verification", "", "method=code&email=ana%40example.org");
    assert_true(shows(k, "name=\"email\" value=\"ana@example.org\""));
}

static void test_a_profile_that_is_sent_too_late_keeps_what_was_typed(void **state)
{
    env_t *env = *state;
    client_t *ana;
    kr_ctx_t *k;

    change(env, "session: {lifespan: 100h}\n");
    ana = signed_in_spa(env, "ana@example.org");
    apr_table_set(ana->headers, "Accept", "text/html");
    k = send_late(ana, "settings", "", "method=profile&traits.email=ana%40example.org&traits.name.first=Anna");
    assert_status(k, 200);
    assert_true(shows(k, "value=\"Anna\""));
    k = send_late(ana, "settings", "", "method=password&password=Secret-1");
    assert_true(shows(k, "value=\"ana@example.org\""));
    assert_false(shows(k, "Anna") || shows(k, "Secret-1"));
}

static void test_clients_know_a_form_that_took_the_place_of_another_as_an_empty_one(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    kr_ctx_t *k = send_late(ana, "login", "", "method=password&identifier=ana%40example.org&password=x");
    const char *id = strstr(k->req->raw_query, "flow=") + 5;

    k = get(ana, apr_psprintf(env->pool, "/self-service/login/flows?id=%s", id));
    assert_string_equal(kr_json_str(node_of(said(k), "identifier"), "attributes.value"), "");
}

static void test_a_form_of_another_site_fills_in_nothing(void **state)
{
    env_t *env = *state;
    client_t *ana = person(env);
    const char *id = strstr(page_of(ana, "login", ""), "flow=") + 5;
    kr_ctx_t *k;

    env->now += 7200 * SECOND;
    k = ask(ana, "POST", apr_psprintf(env->pool, "/self-service/login?flow=%s", id), FORM, "method=password&identifier=eve%40example.org");
    assert_status(k, 303);
    k = visit(ana, "GET", led_to(k));
    assert_status(k, 200);
    assert_false(shows(k, "eve@"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_form_that_cannot_be_shown_gives_way_to_a_new_one),
        TEST(test_what_a_form_was_asked_for_with_is_kept),
        TEST(test_who_is_signed_in_is_led_on),
        TEST(test_a_browser_without_cookies_is_told_and_not_sent_round),
        TEST(test_a_place_that_is_not_allowed_is_not_passed_on),
        TEST(test_a_verification_goes_on_after_a_sign_in_in_another_tab),
        TEST(test_a_new_code_is_sent_after_a_sign_in_in_another_tab),
        TEST(test_a_verification_that_is_done_leads_on_in_every_browser),
        TEST(test_a_form_that_is_sent_too_late_keeps_what_was_typed_but_secrets),
        TEST(test_a_profile_that_is_sent_too_late_keeps_what_was_typed),
        TEST(test_clients_know_a_form_that_took_the_place_of_another_as_an_empty_one),
        TEST(test_a_form_of_another_site_fills_in_nothing),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
