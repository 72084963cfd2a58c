/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pages: their frame, what strangers' text becomes on them, and the pages without a flow. */
#include "ui_env.h"

/* -- the frame ------------------------------------------------------------ */

static void a_page_has_one_heading_a_language_and_its_style_sheet(void **state)
{
    const kr_page_t page = { .words = PAGE.words, .title = "Sign in", .home = "/auth", .site = "id.example",
                             .links = { { "No account yet?", "/auth/registration", "Register" }, { NULL, "/auth/recovery", NULL } } };
    const char *html = kr_ui_flow_page(pool, &page, json("{\"ui\":{\"nodes\":null}}"));
    const char *link = apr_psprintf(pool, "href=\"/auth/style.css?v=%s\"", kr_pages_css_version(builtin));

    (void)state;
    assert_true(strncmp(html, "<!DOCTYPE html>", 15) == 0);
    assert_shows(html, "<html lang=\"en\">");
    assert_shows(html, "<title>Sign in – id.example</title>");
    assert_shows(html, link);
    assert_int_equal(times_in(html, "<h1>"), 1);
    assert_shows(html, "<p class=\"other\">No account yet? <a href=\"/auth/registration\">Register</a></p>");
    assert_shows(html, "<p class=\"other\"><a href=\"/auth/recovery\">/auth/recovery</a></p>");
    assert_int_equal(times_in(html, "class=\"other\""), 2);
    assert_hides(html, "<form");
}

static void nothing_on_a_page_is_inline_or_scripted(void **state)
{
    const char *html = page_of_nodes(list(csrf(), input("default", "identifier", "text", "E-Mail", ",\"required\":true"),
                                    button("password", "method", "password", "Sign in"), NULL), NULL);

    (void)state;
    assert_hides(html, "<script");
    assert_hides(html, "<style");
    assert_hides(html, " style=");
    assert_hides(html, " onclick");
    assert_shows(kr_ui_csp, "default-src 'none'");
    assert_shows(kr_ui_csp, "frame-ancestors 'none'");
    assert_hides(kr_ui_csp, "unsafe");
    assert_hides(kr_ui_csp, "form-action");
}

static void the_style_sheet_is_small_and_its_version_is_its_hash(void **state)
{
    apr_size_t len = 0;
    const char *css = kr_pages_css(builtin, &len);

    (void)state;
    assert_int_equal(strlen(css), len);
    assert_true(len > 1000 && len < 20000);
    assert_int_equal(times_in(css, "{"), times_in(css, "}"));
    assert_shows(css, "prefers-color-scheme:dark");
    assert_hides(css, "@import");
    assert_hides(css, "url(http");
    assert_int_equal(strlen(kr_pages_css_version(builtin)), 12);
}

/* -- hostile text --------------------------------------------------------- */

static void no_text_of_a_flow_becomes_markup(void **state)
{
    const char *hostile = list(input(HOSTILE, HOSTILE, "text", HOSTILE,
        ",\"value\":\"" HOSTILE "\",\"pattern\":\"" HOSTILE
                                     "\",\"autocomplete\":\"" HOSTILE "\""),
                               input("default", HOSTILE, "hidden", NULL, ",\"value\":\"" HOSTILE "\""),
                               button(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
                               input("b", "n", "text", HOSTILE, ",\"options\":[{\"value\":\"" HOSTILE "\"}]"));
    const char *more = "{\"type\":\"text\",\"attributes\":{\"text\":{\"text\":\"" HOSTILE "\"}},\"meta\":{\"label\":{"
        "\"text\":\""
                       HOSTILE "\"}}},"
                       "{\"type\":\"input\",\"attributes\":{\"name\":\"x\",\"type\":\"checkbox\","
                       "\"value\":\"" HOSTILE "\"},"
                       "\"messages\":[{\"type\":\"error\",\"text\":\"" HOSTILE "\"}]},"
                       "{\"type\":\"img\",\"attributes\":{\"src\":\"data:image/" HOSTILE "\"}}";
    const char *html = page_of_nodes(list(hostile, more, button("b", "method", "b", "B"), NULL),
                               "{\"type\":\"" HOSTILE "\",\"text\":\"" HOSTILE "\"}");

    (void)state;
    assert_hides(html, "<script");
    assert_hides(html, "\"'>");
    assert_shows(html, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;");
}

static void a_flow_of_the_wrong_shape_still_is_a_page(void **state)
{
    static const char *const flows[] = { "{}", "[]", "null", "{\"ui\":7}", "{\"ui\":{\"nodes\":{\"a\":1}}}",
                                         "{\"ui\":{\"nodes\":[null,7,\"x\",[],{},{\"type\":\"input\"},{\"type\":\"a\"},"
                                         "{\"type\":\"img\"},{\"type\":\"text\"},{\"type\":\"input\",\"attributes\":"
                                         "{\"name\":7}}],\"messages\":[7,null,{}],\"action\":\"javascript:x\"}}" };
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(flows); i++) {
        const char *html = kr_ui_flow_page(pool, &PAGE, json(flows[i]));
        assert_shows(html, "</html>");
        assert_hides(html, "javascript");
    }
}

/* -- the other pages ------------------------------------------------------ */

static void the_session_page_says_who_since_when_and_how(void **state)
{
    const json_t *session = json(
        "{\"authenticated_at\":\"2026-01-05T14:03:09.12Z\",\"expires_at\":\"2026-12-06T04:00:00Z\","
        "\"authentication_methods\":[{\"method\":\"password\"},{\"method\":\"oidc\",\"provider\":\"github\"}],"
        "\"devices\":[{\"ip_address\":\"192.0.2.4:99\","
        "\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"}],"
        "\"identity\":{\"id\":\"u-1\",\"traits\":{\"name\":{\"first\":\"Ana\"},\"email\":\"ana@x.org\"}}}");
    const char *html = kr_ui_session_page(pool, &PAGE, session, "https://id.example/self-service/logout?token=a&b=c");

    (void)state;
    assert_shows(html, "<strong>ana@x.org</strong>");
    assert_shows(html, "<time datetime=\"2026-01-05T14:03:09.12Z\">5 January 2026, 14:03 UTC</time>");
    assert_shows(html, "<time datetime=\"2026-12-06T04:00:00Z\">6 December 2026, 04:00 UTC</time>");
    assert_shows(html, "password, github");
    assert_shows(html, "Firefox on Linux");
    assert_shows(html, "192.0.2.4<");
    assert_shows(html, "href=\"https://id.example/self-service/logout?token=a&amp;b=c\">Sign out</a>");
}

static void somebody_is_called_by_the_best_name_there_is(void **state)
{
    static const struct {
        const char *identity, *name;
    } cases[] = {
        { "{\"id\":\"u-1\",\"traits\":{\"a\":\"x\",\"email\":\"e@x.org\"}}", "e@x.org" },
        { "{\"id\":\"u-1\",\"traits\":{\"a\":\"x\",\"username\":\"ana\"}}", "ana" },
        { "{\"id\":\"u-1\",\"traits\":{\"n\":7,\"o\":{\"p\":\"deep\"},\"phone\":\"+43\"}}", "deep" },
        { "{\"id\":\"u-1\",\"traits\":{\"email\":\"\",\"n\":7}}", "<strong>your account<" },
        { "{\"id\":\"u-1\",\"traits\":{\"emails\":[\"a@x.org\",\"b@x.org\"]}}", "<strong>a@x.org<" },
        { "{\"id\":\"u-1\",\"traits\":{\"email\":\"" HOSTILE "\"}}", "&lt;script&gt;" },
        { "null", "" },
    };
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(cases); i++) {
        const char *html = kr_ui_session_page(
            pool, &PAGE, json(apr_psprintf(pool, "{\"identity\":%s,\"devices\":null}", cases[i].identity)), NULL);
        assert_shows(html, cases[i].name);
        assert_hides(html, "<script");
        assert_hides(html, "u-1");
        assert_hides(html, "Sign out");
    }
}

static void odd_times_and_devices_are_shown_as_they_are(void **state)
{
    static const char *const times[] = { "", "soon", "2026-13-05T14:03:09Z", "2026-01-05T14:03:09+02:00", HOSTILE };
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(times); i++) {
        const char *text = apr_psprintf(pool, "{\"expires_at\":\"%s\",\"devices\":[{\"user_agent\":\"%s\","
            "\"ip_address\":"
                                        "\"2001:db8::1\"}]}", times[i], times[i]);
        const char *html = kr_ui_session_page(pool, &PAGE, json(text), "javascript:x");
        assert_shows(html, "2001:db8::1");
        assert_hides(html, "<script");
        assert_hides(html, "javascript:");
    }
}

static void an_error_is_told_in_words_with_a_way_home(void **state)
{
    const json_t *error = json("{\"code\":410,\"id\":\"some_error\",\"message\":\"m\","
        "\"reason\":\"the flow "
                               "expired\"}");
    const char *html = kr_ui_error_page(pool, &PAGE, error);

    (void)state;
    assert_shows(html, "no longer valid");
    assert_shows(html, "<p>The flow expired.</p>");
    assert_shows(html, "Error 410 <code>some_error</code>");
    assert_shows(html, "href=\"/auth/welcome\"");
}

static void an_unknown_error_is_a_page_too(void **state)
{
    const kr_page_t untitled = { .words = PAGE.words, .home = "" };

    (void)state;
    assert_shows(kr_ui_error_page(pool, &untitled, NULL), "<h1>Something went wrong</h1>");
    assert_hides(kr_ui_error_page(pool, &untitled, NULL), "Error 0");
    assert_shows(kr_ui_error_page(pool, &PAGE, json("{\"code\":599}")), "on our side");
    assert_hides(kr_ui_error_page(pool, &PAGE, json("{\"id\":\"" HOSTILE "\",\"reason\":\"" HOSTILE "\"}")), "<script");
}

static void a_note_is_a_sentence_and_a_link(void **state)
{
    const char *html = kr_ui_note_page(pool, &PAGE, "Signed out. <b>", "/auth/login", "Sign in");

    (void)state;
    assert_shows(html, "<p>Signed out. &lt;b&gt;</p>");
    assert_shows(html, "href=\"/auth/login\">Sign in</a>");
    assert_hides(kr_ui_note_page(pool, &PAGE, "x", "javascript:y", "z"), "<a ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_has_one_heading_a_language_and_its_style_sheet),
        TEST(nothing_on_a_page_is_inline_or_scripted),
        TEST(the_style_sheet_is_small_and_its_version_is_its_hash),
        TEST(no_text_of_a_flow_becomes_markup),
        TEST(a_flow_of_the_wrong_shape_still_is_a_page),
        TEST(the_session_page_says_who_since_when_and_how),
        TEST(somebody_is_called_by_the_best_name_there_is),
        TEST(odd_times_and_devices_are_shown_as_they_are),
        TEST(an_error_is_told_in_words_with_a_way_home),
        TEST(an_unknown_error_is_a_page_too),
        TEST(a_note_is_a_sentence_and_a_link),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
