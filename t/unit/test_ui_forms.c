/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pages: the nodes of a flow as forms, with fields, messages and buttons. */
#include "ui_env.h"

/* -- fields --------------------------------------------------------------- */

static void every_input_type_is_kept_and_unknown_ones_are_text(void **state)
{
    static const struct {
        const char *type, *shown;
    } cases[] = {
        { "text", "text" }, { "email", "email" }, { "password", "password" }, { "number", "number" },
        { "url", "url" }, { "tel", "tel" }, { "date", "date" }, { "datetime-local", "datetime-local" },
        { "file", "text" }, { "image", "text" }, { "x\\\" onfocus=\\\"", "text" },
    };
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(cases); i++) {
        const char *html = page_of_nodes(input("default", "traits.x", cases[i].type, "Label", ""), NULL);
        assert_shows(html, apr_psprintf(pool, "<input type=\"%s\" id=\"n1\" name=\"traits.x\"", cases[i].shown));
        assert_shows(html, "<label for=\"n1\">Label");
        assert_hides(html, "onfocus");
    }
}

static void a_field_without_label_is_called_by_its_name(void **state)
{
    (void)state;
    assert_shows(page_of_nodes(input("default", "traits.email", "email", NULL, ""), NULL),
        "<label for=\"n1\">traits.email</label>");
}

static void what_a_field_must_hold_is_told_to_the_browser(void **state)
{
    const char *html = page_of_nodes(input("code", "code", "text", "Code",
                                     ",\"required\":true,\"autocomplete\":\"one-time-code\",\"pattern\":\"[0-9]+\","
                                     "\"maxlength\":6"), NULL);

    (void)state;
    assert_shows(html, " required");
    assert_shows(html, " autocomplete=\"one-time-code\" inputmode=\"numeric\"");
    assert_hides(html, "pattern="); /* "123 456" may be pasted */
    assert_hides(html, "maxlength");
    assert_shows(page_of_nodes(input("a", "b", "text", "B", ",\"pattern\":\"[0-9]+\",\"maxlength\":6"), NULL),
                 " pattern=\"[0-9]+\" maxlength=\"6\"");
    assert_hides(html, "aria-invalid");
    assert_hides(html, "aria-describedby");
}

static void a_pattern_of_a_schema_may_match_in_the_middle(void **state)
{
    (void)state;
    assert_shows(page_of_nodes(input("default", "traits.x", "text", "X", ",\"pattern\":\"^ab\""), NULL),
        "pattern=\".*(?:^ab).*\"");
    assert_shows(page_of_nodes(input("default", "traits.x", "text", "X", ",\"pattern\":\"^[a-z]+$\""), NULL),
                 "pattern=\"^[a-z]+$\"");
    assert_shows(page_of_nodes(input("default", "traits.x", "text", "X", ",\"pattern\":\"^a|b$\""), NULL),
                 "pattern=\".*(?:^a|b$).*\"");
}

static void only_optional_fields_are_marked_when_some_are_required(void **state)
{
    const char *must = input("default", "traits.email", "email", "E-Mail", ",\"required\":true");
    const char *may = input("default", "traits.name", "text", "Name", "");
    const char *html = page_of_nodes(list(must, may, NULL, NULL), NULL);

    (void)state;
    assert_shows(html, ">E-Mail</label>");
    assert_shows(html, ">Name <span class=\"quiet\">(optional)</span></label>");
    assert_hides(page_of_nodes(may, NULL), "(optional)");
}

static void a_password_is_never_written_into_the_page(void **state)
{
    (void)state;
    assert_hides(page_of_nodes(input("password", "password", "password", "Password", ",\"value\":\"hunter22\""), NULL),
        "hunter22");
}

static void values_of_any_json_type_are_shown(void **state)
{
    (void)state;
    assert_shows(page_of_nodes(input("default", "traits.age", "number", "Age", ",\"value\":7.5"), NULL),
        "value=\"7.5\" step=\"any\"");
    assert_shows(page_of_nodes(input("default", "traits.n", "number", "N", ",\"value\":0"), NULL), "value=\"0\"");
    assert_shows(page_of_nodes(input("default", "x", "text", "X", ",\"value\":[\"<b>\"]"), NULL), "u003cb");
    assert_hides(page_of_nodes(input("default", "x", "text", "X", ",\"value\":null"), NULL), "value=");
}

static void an_unticked_box_posts_false(void **state)
{
    const char *html = page_of_nodes(input("default", "traits.news", "checkbox", "News", ",\"required\":true"), NULL);
    const char *ticked = page_of_nodes(input("default", "traits.news", "checkbox", "News", ",\"value\":true"), NULL);

    (void)state;
    assert_order(html, "<input type=\"hidden\" name=\"traits.news\" value=\"false\">",
                 "<input type=\"checkbox\" id=\"n1\" name=\"traits.news\" value=\"true\">");
    assert_shows(ticked, "value=\"true\" checked>");
    assert_shows(page_of_nodes(input("default", "traits.news", "checkbox", "News", ",\"value\":\"true\""), NULL),
        " checked>");
    assert_hides(page_of_nodes(input("default", "traits.news", "checkbox", "News", ",\"value\":false"), NULL), " checked");
}

static void options_are_a_select_with_an_empty_choice_unless_one_must_be_made(void **state)
{
    const char *options = ",\"options\":[{\"value\":\"free\"},{\"value\":\"pro\"}]";
    const char *may = page_of_nodes(input("default", "traits.plan", "text", "Plan", options), NULL);
    const char *chosen = apr_pstrcat(pool, options, ",\"value\":\"pro\",\"required\":true", NULL);
    const char *must = page_of_nodes(input("default", "traits.plan", "text", "Plan", chosen), NULL);

    (void)state;
    assert_shows(may,
        "<select id=\"n1\" name=\"traits.plan\">\n<option value=\"\"></option>\n<option value=\"free\">free");
    assert_shows(must, " required>\n<option value=\"free\">free</option>\n<option value=\"pro\" selected>pro</option>");
    assert_hides(must, "<option value=\"\">");
}

static void a_disabled_field_is_disabled(void **state)
{
    const char *node = "{\"type\":\"input\",\"group\":\"default\",\"attributes\":{\"name\":\"a\",\"type\":\"text\","
                       "\"disabled\":true}}";

    (void)state;
    assert_shows(page_of_nodes(node, NULL), "name=\"a\" disabled>");
}

/* -- messages ------------------------------------------------------------- */

static void a_message_on_a_field_is_tied_to_it_and_listed_on_top(void **state)
{
    const char *node = "{\"type\":\"input\",\"group\":\"default\",\"attributes\":{\"name\":\"traits.email\","
        "\"type\":\"email\"},"
                       "\"messages\":[{\"id\":4000040,\"text\":\"no address\",\"type\":\"error\"}],"
                       "\"meta\":{\"label\":{\"text\":\"E-Mail\"}}}";
    const char *html = page_of_nodes(node, NULL);

    (void)state;
    assert_shows(html, "<title>Error: Sign in – id.example</title>");
    assert_shows(html, "aria-describedby=\"n1-m\" aria-invalid=\"true\"");
    assert_shows(html, "<div id=\"n1-m\">\n<p class=\"hint bad\">no address</p>");
    assert_order(html, "role=\"alert\"", "Please check: <a href=\"#n1\">E-Mail</a>");
}

static void a_hint_on_a_field_is_no_error(void **state)
{
    const char *html = page_of_nodes("{\"type\":\"input\",\"attributes\":{\"name\":\"a\",\"type\":\"text\"},"
                               "\"messages\":[{\"text\":\"as in your passport\",\"type\":\"info\"}]}", NULL);

    (void)state;
    assert_shows(html, "aria-describedby=\"n1-m\"");
    assert_shows(html, "<p class=\"hint\">as in your passport</p>");
    assert_hides(html, "aria-invalid");
    assert_hides(html, "role=\"alert\"");
}

static void messages_of_the_flow_are_shown_by_their_kind(void **state)
{
    const char *html = page_of_nodes(csrf(), "{\"type\":\"info\",\"text\":\"look\"},{\"type\":\"error\",\"text\":\"oh no\"},"
                                       "{\"type\":\"success\",\"text\":\"hooray\"}");

    (void)state;
    assert_shows(html, "<div class=\"message error\" role=\"alert\" tabindex=\"-1\" autofocus>\n<p>oh no</p>");
    assert_shows(html, "<div class=\"message info\" role=\"status\">\n<p>look</p>");
    assert_shows(html, "<div class=\"message success\" role=\"status\">\n<p>hooray</p>");
    assert_int_equal(times_in(html, "oh no"), 1);
}

static void an_error_on_a_hidden_field_is_not_lost(void **state)
{
    const char *html = page_of_nodes("{\"type\":\"input\",\"attributes\":{\"name\":\"a\",\"type\":\"hidden\"},"
                               "\"messages\":[{\"text\":\"stale\",\"type\":\"error\"}]}", NULL);

    (void)state;
    assert_shows(html, "role=\"alert\" tabindex=\"-1\" autofocus>\n<p>stale</p>");
}

/* -- forms ---------------------------------------------------------------- */

static void hidden_fields_come_first_and_the_form_posts_to_the_action(void **state)
{
    const char *html = page_of_nodes(list(input("default", "identifier", "text", "E-Mail", ""),
                                    button("password", "method", "password", "Sign in"), csrf(), NULL), NULL);

    (void)state;
    assert_shows(html, "<form method=\"post\" action=\"https://id.example/self-service/login?flow=1&amp;x=2\">");
    assert_order(html, "<input type=\"hidden\" name=\"csrf_token\" value=\"tok+/=\">", "name=\"identifier\"");
    assert_order(html, "name=\"identifier\"", "<button");
}

static void enter_presses_the_button_that_belongs_to_the_fields(void **state)
{
    const char *nodes = list(button("oidc", "provider", "github", "Sign in with GitHub"),
                             list(input("default", "identifier", "text", "E-Mail", ",\"required\":true"),
                                  button("code", "method", "code", "Send a code"), NULL, NULL),
                             input("password", "password", "password", "Password", ",\"required\":true"),
                             button("password", "method", "password", "Sign in"));
    const char *html = page_of_nodes(nodes, NULL);

    (void)state;
    assert_shows(html,
        "<button class=\"button primary\" type=\"submit\" name=\"method\" value=\"password\">Sign in</button>");
    assert_shows(html, "<button class=\"button\" type=\"submit\" name=\"provider\" value=\"github\" formnovalidate>");
    assert_shows(html, "<button class=\"button\" type=\"submit\" name=\"method\" value=\"code\" formnovalidate>");
    assert_order(html, "value=\"password\">", "value=\"github\"");
    assert_int_equal(times_in(html, "button primary"), 1);
    assert_int_equal(times_in(html, "<form"), 1);
}

static void sending_a_code_again_is_never_the_main_button(void **state)
{
    const char *html = page_of_nodes(list(input("code", "code", "text", "Code", ",\"required\":true"),
                                    button("code", "resend", "code", "Send again"),
                                    button("code", "method", "code", "Continue"), NULL), NULL);

    (void)state;
    assert_order(html, "button primary\" type=\"submit\" name=\"method\"",
        "button quiet\" type=\"submit\" name=\"resend\"");
}

static void groups_that_ask_for_different_things_are_forms_of_their_own(void **state)
{
    const char *profile = list(input("profile", "traits.name", "text", "Name", ""),
                               button("profile", "method", "profile", "Save"), NULL, NULL);
    const char *password = list(input("password", "password", "password", "New password", ",\"required\":true"),
                                button("password", "method", "password", "Save"),
                                button("lookup_secret", "lookup_secret_disable", "true", "Turn off"), NULL);
    kr_page_t page = PAGE;
    const char *html;

    (void)state;
    page.here = "settings";
    html = kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s]}}",
                                                          list(csrf(), profile, password, NULL))));
    assert_int_equal(times_in(html, "<form"), 3);
    assert_int_equal(times_in(html, "name=\"csrf_token\""), 3);
    assert_shows(html, ">Profile</h2>");
    assert_shows(html, ">Password</h2>");
    assert_order(html, "value=\"profile\"", "New password");
    assert_shows(html, "button danger\" type=\"submit\" name=\"lookup_secret_disable\"");
}

/** A flow in that state, with a code field, the button that sends another code, and these messages. */
static const char *code_page(const char *state, const char *messages)
{
    const char *again = "{\"type\":\"input\",\"group\":\"code\",\"attributes\":{\"name\":\"resend\",\"type\":\"submit\",\"value\":\"code\"},"
                        "\"meta\":{\"label\":{\"id\":1070008,\"text\":\"Send a new code\",\"type\":\"info\"}}}";
    const char *nodes = list(input("code", "code", "text", "Code", ",\"autocomplete\":\"one-time-code\""),
                             button("code", "method", "code", "Go on"), again, NULL);
    kr_page_t page = PAGE;

    page.done = "Done!";
    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"state\":\"%s\",\"ui\":{\"action\":\"/a\",\"nodes\":[%s],\"messages\":[%s]}}",
                                                          state, nodes, messages)));
}

static void another_code_is_offered_after_a_wait_but_at_once_after_an_error(void **state)
{
    const char *sent = code_page("sent_email", "{\"type\":\"info\",\"text\":\"on its way\"}");
    const char *wrong = code_page("sent_email", "{\"type\":\"error\",\"text\":\"wrong\"}");

    (void)state;
    assert_shows(sent, "<h1>Enter the code</h1>");
    assert_order(sent, "class=\"wait\"", "name=\"resend\"");
    assert_shows(sent, "inputmode=\"numeric\" autofocus");
    assert_hides(wrong, "class=\"wait\"");
    assert_shows(wrong, "name=\"resend\"");
    assert_int_equal(times_in(wrong, "autofocus"), 1); /* the error's */
}

static void a_flow_that_passed_says_so_in_its_heading(void **state)
{
    (void)state;
    assert_shows(code_page("passed_challenge", ""), "<h1>Done!</h1>");
    assert_shows(kr_ui_flow_page(pool, &PAGE, json("{\"state\":\"sent_email\",\"ui\":{\"nodes\":[]}}")), "<h1>Check your mail</h1>");
    assert_shows(kr_ui_flow_page(pool, &PAGE, json("{\"state\":\"passed_challenge\",\"ui\":{\"nodes\":[]}}")), "<h1>Sign in</h1>");
}

static void settings_tell_password_managers_whose_password_changes(void **state)
{
    const char *field = "{\"type\":\"input\",\"group\":\"password\",\"attributes\":{\"name\":\"password\",\"type\":\"password\"},"
                        "\"meta\":{\"label\":{\"id\":1070001,\"text\":\"Password\",\"type\":\"info\"}}}";
    const char *flow = "{\"identity\":{\"traits\":{\"email\":\"ana@x.org\"}},\"ui\":{\"action\":\"/a\",\"nodes\":[%s]}}";
    kr_page_t page = PAGE;
    const char *html;

    (void)state;
    flow = apr_psprintf(pool, flow, list(field, button("password", "method", "password", "Save"), NULL, NULL));
    assert_hides(kr_ui_flow_page(pool, &page, json(flow)), "autocomplete=\"username\"");
    page.here = "settings";
    html = kr_ui_flow_page(pool, &page, json(flow));
    assert_shows(html, "autocomplete=\"username\" value=\"ana@x.org\" readonly tabindex=\"-1\" aria-hidden=\"true\">");
    assert_shows(html, ">New password</label>");
}

static void fields_say_what_they_are_for_where_the_schema_does_not(void **state)
{
    static const struct { const char *name, *type, *token; } cases[] = {
        { "traits.name.first", "text", "given-name" }, { "traits.last_name", "text", "family-name" },
        { "traits.work", "email", "email" },           { "traits.phone", "tel", "tel" },
        { "identifier", "text", "username" },          { "totp_code", "text", "one-time-code" },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(cases); i++)
        assert_shows(page_of_nodes(input("default", cases[i].name, cases[i].type, "X", ""), NULL),
                     apr_psprintf(pool, " autocomplete=\"%s\"", cases[i].token));
    assert_hides(page_of_nodes(input("default", "traits.colour", "text", "X", ""), NULL), "autocomplete");
}

static void a_get_form_keeps_the_token_out_of_the_url(void **state)
{
    const char *flow = "{\"ui\":{\"action\":\"https://app.example/next\",\"method\":\"GET\",\"nodes\":[%s,%s]}}";
    const char *html = kr_ui_flow_page(pool, &PAGE, json(apr_psprintf(pool, flow, csrf(), button("code", "a", "b",
        "Go on"))));

    (void)state;
    assert_shows(html, "<form method=\"get\" action=\"https://app.example/next\">");
    assert_hides(html, "csrf_token");
}

static void what_only_a_script_could_do_is_left_out(void **state)
{
    const char *nodes = list(input("webauthn", "webauthn_register_displayname", "text", "Name of the key", ""),
                             input("webauthn", "webauthn_register_trigger", "button", "Add key",
                                 ",\"onclick\":\"go()\""),
                             "{\"type\":\"script\",\"group\":\"webauthn\",\"attributes\":{\"src\":\"/webauthn.js\"}}",
                             input("profile", "traits.a", "text", "A", ""));
    const char *html = page_of_nodes(nodes, NULL);

    (void)state;
    assert_hides(html, "Name of the key");
    assert_hides(html, "Add key");
    assert_hides(html, "go()");
    assert_hides(html, "webauthn.js");
    assert_shows(html, "traits.a");
}

/* -- other nodes ---------------------------------------------------------- */

static void texts_pictures_and_links_are_shown(void **state)
{
    const char *html = page_of_nodes(
        "{\"type\":\"text\",\"attributes\":{\"id\":\"k\",\"text\":{\"text\":\"JBSW\"}},\"meta\":{\"label\":{"
        "\"text\":\"Key\"}}},"
        "{\"type\":\"text\",\"attributes\":{\"id\":\"c\",\"text\":{\"text\":\"all\",\"context\":{\"secrets\":[{"
        "\"text\":\"one1\"}"
        ",{\"text\":\"two2\"}]}}}},"
        "{\"type\":\"img\",\"attributes\":{\"src\":\"data:image/png;base64,AA==\",\"width\":256,\"height\":256},"
        "\"meta\":"
        "{\"label\":{\"text\":\"QR code\"}}},"
        "{\"type\":\"a\",\"attributes\":{\"href\":\"https://app.example/x?a=1&b=2\",\"title\":{\"text\":\"Go on\"}}}",
        NULL);

    (void)state;
    assert_shows(html, "<p class=\"label\">Key</p>\n<p><code>JBSW</code></p>");
    assert_shows(html, "<li><code>one1</code></li>\n<li><code>two2</code></li>");
    assert_shows(html, "<img src=\"data:image/png;base64,AA==\" alt=\"QR code\" width=\"256\" height=\"256\">");
    assert_shows(html, "href=\"https://app.example/x?a=1&amp;b=2\">Go on</a>");
    assert_hides(html, "<form");
}

static void links_to_scripts_are_no_links(void **state)
{
    static const char *const urls[] = { "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
        "java\\tscript:x",
                                        "vbscript:x", "data:text/html,x", "blob:x", "http:", "" };
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(urls); i++) {
        const char *nodes = "{\"type\":\"a\",\"attributes\":{\"href\":\"%s\",\"title\":{\"text\":\"T\"}}},"
                            "{\"type\":\"img\",\"attributes\":{\"src\":\"%s\"}}";
        const char *html = page_of_nodes(apr_psprintf(pool, nodes, urls[i], urls[i]), NULL);

        assert_hides(html, "cript:");
        assert_hides(html, "text/html,");
        assert_hides(html, "blob:");
        if (*urls[i]) assert_hides(html, "button primary");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_input_type_is_kept_and_unknown_ones_are_text),
        TEST(a_field_without_label_is_called_by_its_name),
        TEST(what_a_field_must_hold_is_told_to_the_browser),
        TEST(a_pattern_of_a_schema_may_match_in_the_middle),
        TEST(only_optional_fields_are_marked_when_some_are_required),
        TEST(a_password_is_never_written_into_the_page),
        TEST(values_of_any_json_type_are_shown),
        TEST(an_unticked_box_posts_false),
        TEST(options_are_a_select_with_an_empty_choice_unless_one_must_be_made),
        TEST(a_disabled_field_is_disabled),
        TEST(a_message_on_a_field_is_tied_to_it_and_listed_on_top),
        TEST(a_hint_on_a_field_is_no_error),
        TEST(messages_of_the_flow_are_shown_by_their_kind),
        TEST(an_error_on_a_hidden_field_is_not_lost),
        TEST(hidden_fields_come_first_and_the_form_posts_to_the_action),
        TEST(enter_presses_the_button_that_belongs_to_the_fields),
        TEST(sending_a_code_again_is_never_the_main_button),
        TEST(groups_that_ask_for_different_things_are_forms_of_their_own),
        TEST(another_code_is_offered_after_a_wait_but_at_once_after_an_error),
        TEST(a_flow_that_passed_says_so_in_its_heading),
        TEST(settings_tell_password_managers_whose_password_changes),
        TEST(fields_say_what_they_are_for_where_the_schema_does_not),
        TEST(a_get_form_keeps_the_token_out_of_the_url),
        TEST(what_only_a_script_could_do_is_left_out),
        TEST(texts_pictures_and_links_are_shown),
        TEST(links_to_scripts_are_no_links),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
