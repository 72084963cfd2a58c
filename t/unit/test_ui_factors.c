/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors and passkeys on the built-in pages: what people take along, lists of keys, and several ways on one page. */
#include "ui_env.h"

#define SCRIPTED (&(kr_page_t){ .words = PAGE.words, .title = PAGE.title, .home = PAGE.home, .site = PAGE.site, .script = json("{\"src\":\"/s\"}") })

static const char *page_of(const kr_page_t *page, const char *nodes, const char *more)
{
    return kr_ui_flow_page(pool, page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s]}%s}", nodes, more)));
}

/* -- what people take along ----------------------------------------------- */

static void the_key_of_an_app_stands_in_groups_that_are_copied_without_gaps(void **state)
{
    const char *html = page_of_nodes("{\"type\":\"text\",\"group\":\"totp\",\"attributes\":{\"id\":\"totp_secret_key\",\"text\":{\"id\":1050006,"
                                     "\"text\":\"JBSWY3DPEB\",\"context\":{\"secret\":\"JBSWY3DPEB\"}}},\"meta\":{}}", NULL);

    (void)state;
    assert_shows(html, "<code class=\"key\"><span>JBSW</span><span>Y3DP</span><span>EB</span></code>");
}

static void the_picture_and_the_field_of_an_app_say_what_to_do(void **state)
{
    const char *picture = "{\"type\":\"img\",\"group\":\"totp\",\"attributes\":{\"id\":\"totp_qr\",\"src\":\"data:image/png;base64,AA==\"},"
                          "\"meta\":{\"label\":{\"text\":\"QR code\"}}}";
    const char *html = page_of_nodes(list(picture, input("totp", "totp_code", "text", "Code", ""), button("totp", "method", "totp", "Go"), NULL), NULL);

    (void)state;
    assert_order(html, "point the camera of your phone at this picture", "<img");
    assert_shows(html, "name=\"totp_code\" autocomplete=\"one-time-code\" inputmode=\"numeric\" autofocus aria-describedby=\"n2-a\"");
    assert_shows(html, "<p class=\"hint\" id=\"n2-a\">The six digits");
}

static const char *codes(const char *secrets)
{
    return apr_psprintf(pool, "{\"type\":\"text\",\"group\":\"lookup_secret\",\"attributes\":{\"id\":\"lookup_secret_codes\",\"text\":{\"id\":1050015,"
                              "\"text\":\"\",\"context\":{\"secrets\":[%s]}}},\"meta\":{\"label\":{\"text\":\"Your codes\"}}}", secrets);
}

#define CODE(text) "{\"id\":1050009,\"text\":\"" text "\",\"context\":{\"secret\":\"" text "\"}}"
#define USED "{\"id\":1050014,\"text\":\"used\",\"context\":{\"used_at\":\"2026-01-05T14:03:09Z\"}}"
#define BULLETS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

static void codes_can_be_saved_by_a_link_that_has_them_and_say_whose_they_are(void **state)
{
    kr_page_t page = PAGE;
    const char *html;

    (void)state;
    page.here = "settings";
    html = page_of(&page, codes(CODE("abcd1234") "," CODE("a&b\\\"<c")), ",\"identity\":{\"traits\":{\"email\":\"ana@x.org\"}}");
    assert_shows(html, "<p class=\"paper\">Backup codes of ana@x.org at id.example</p>");
    assert_shows(html, "<li><code>abcd1234</code></li>");
    assert_shows(html, "download=\"backup-codes.txt\" href=\"data:text/plain;charset=utf-8,Backup%20codes%20of%20ana%40x.org%20at%20id.example"
                       "%0D%0A%0D%0Aabcd1234%0D%0Aa%26b%22%3Cc%0D%0A\">");
    assert_shows(html, "Print these codes or save them");
    assert_int_equal(times_in(html, "autofocus"), 1); /* the page opens where they are */
    assert_shows(page_of_nodes(codes(CODE("abcd1234")), NULL), "<p class=\"paper\">Backup codes at id.example</p>");
}

static void hidden_codes_are_counted(void **state)
{
    const char *html = page_of_nodes(codes(CODE(BULLETS) "," USED "," CODE(BULLETS)), NULL);

    (void)state;
    assert_shows(html, "2 of your 3 codes have not been used");
    assert_hides(html, "download");
    assert_hides(html, BULLETS);
    assert_shows(page_of_nodes(codes(CODE("abcd1234") "," USED), NULL), "<li><code>used</code></li>");
}

/* -- keys ----------------------------------------------------------------- */

static const char *key(const char *name, const char *more)
{
    return apr_psprintf(pool, "{\"type\":\"input\",\"group\":\"passkey\",\"attributes\":{\"name\":\"passkey_remove\",\"type\":\"submit\","
                              "\"value\":\"a1\"%s},\"meta\":{\"label\":{\"id\":1050020,\"text\":\"Remove it\",\"context\":{\"display_name\":\"%s\","
                              "\"added_at\":\"2026-01-05T14:03:09Z\"}}}}", more, name);
}

static void keys_are_a_list_with_names_dates_and_buttons(void **state)
{
    const char *html = page_of_nodes(list(csrf(), key("blue one", ""), key(HOSTILE, ",\"disabled\":true"), key("unnamed", "")), NULL);

    (void)state;
    assert_order(html, "<ul class=\"list\">", "<strong>blue one</strong>");
    assert_shows(html, "Added <time datetime=\"2026-01-05T14:03:09Z\">5 January 2026, 14:03 UTC</time>");
    assert_shows(html, "name=\"passkey_remove\" value=\"a1\" formnovalidate>Remove<span class=\"aside\">: blue one</span></button>");
    assert_shows(html, "formnovalidate disabled>Remove");
    assert_int_equal(times_in(html, "Your only way to sign in"), 1);
    assert_shows(html, "<strong>Without a name</strong>");
    assert_hides(html, "<script");
    assert_int_equal(times_in(html, "<button"), 3);
}

static const char *add_key(void)
{
    return list(input("webauthn", "webauthn_register_displayname", "text", "Name of the key", ""),
                input("webauthn", "webauthn_register_trigger", "button", "Add a key", ",\"onclickTrigger\":\"oryWebAuthnRegistration\""),
                input("webauthn", "webauthn_register", "hidden", NULL, ""), NULL);
}

static void what_needs_the_script_is_hidden_until_it_is_there_and_a_line_says_so(void **state)
{
    const char *html = page_of(SCRIPTED, list(key("a", ""), add_key(), NULL, NULL), "");

    (void)state;
    assert_shows(html, "<div class=\"field\" data-kratos-with hidden>\n<label for=\"n2\">Name of the key</label>");
    assert_shows(html, "data-kratos-click=\"oryWebAuthnRegistration\" hidden>Add a key</button>");
    assert_shows(html, "<noscript><p class=\"quiet\">Security keys and passkeys need JavaScript");
    assert_shows(html, "data-kratos-without hidden>");
    assert_shows(html, "role=\"alert\" data-kratos-failed hidden>");
}

static void where_no_script_comes_keys_can_still_be_removed(void **state)
{
    const char *webauthn = "{\"type\":\"input\",\"group\":\"webauthn\",\"attributes\":{\"name\":\"webauthn_remove\",\"type\":\"submit\",\"value\":\"b2\"},"
                           "\"meta\":{\"label\":{\"id\":1050018,\"text\":\"Remove\",\"context\":{\"display_name\":\"red\"}}}}";
    const char *html = page_of_nodes(list(webauthn, add_key(), NULL, NULL), NULL);

    (void)state;
    assert_shows(html, "name=\"webauthn_remove\"");
    assert_hides(html, "Name of the key");
    assert_hides(html, "webauthn_register");
}

static void the_passkey_has_a_place_before_the_fields(void **state)
{
    const char *passkey = input("passkey", "passkey_login_trigger", "button", "Passkey", ",\"onclickTrigger\":\"oryPasskeyLogin\"");
    const char *field = input("default", "identifier", "text", "E-Mail", ",\"autocomplete\":\"username webauthn\"");
    const char *html = page_of(SCRIPTED, list(field, passkey, input("password", "password", "password", "Password", ""),
                                              button("password", "method", "password", "Sign in")), "");

    (void)state;
    assert_order(html, "data-kratos-first hidden>", "name=\"identifier\"");
    assert_order(html, "value=\"password\">Sign in", "passkey_login_trigger"); /* who has none finds it below */
    assert_shows(html, "autocomplete=\"username webauthn\" autocapitalize=\"none\" spellcheck=\"false\" autofocus");
    assert_hides(page_of(SCRIPTED, passkey, ""), "data-kratos-first"); /* there is nothing to come before */
}

/* -- several ways --------------------------------------------------------- */

static const char *two_ways(const char *more)
{
    return page_of(SCRIPTED, list(csrf(), input("webauthn", "webauthn_login_trigger", "button", "Key", ",\"onclickTrigger\":\"oryWebAuthnLogin\""),
                                  list(input("totp", "totp_code", "text", "Code of the app", ",\"required\":true"),
                                       button("totp", "method", "totp", "Use the app"), NULL, NULL),
                                  list(input("lookup_secret", "lookup_secret", "text", "Backup code", ",\"required\":true"),
                                       button("lookup_secret", "method", "lookup_secret", "Use the code"), NULL, NULL)), more);
}

static void the_first_way_stands_open_and_each_other_one_behind_a_line(void **state)
{
    const char *html = two_ways("");

    (void)state;
    assert_order(html, "name=\"totp_code\"", "<details>\n<summary>Use a backup code instead</summary>\n<form");
    assert_order(html, "webauthn_login_trigger", "<details>");
    assert_order(html, "<summary>", "name=\"lookup_secret\"");
    assert_int_equal(times_in(html, "<form"), 2);
    assert_int_equal(times_in(html, "name=\"csrf_token\""), 2);
    assert_int_equal(times_in(html, "webauthn_login_trigger"), 1);
}

static void the_way_that_was_taken_stands_open(void **state)
{
    static const char *const tried[] = {
        ",\"active\":\"lookup_secret\"", ",\"active\":\"totp\",\"x\":0", ",\"active\":\"passkey\"", ",\"active\":7",
    };

    (void)state;
    assert_order(two_ways(tried[0]), "name=\"lookup_secret\"", "<summary>Use the authenticator app instead");
    for (int i = 1; i < KR_DIM(tried); i++) assert_order(two_ways(tried[i]), "name=\"totp_code\"", "<summary>Use a backup code instead");
}

static void a_wrong_code_leaves_its_way_open(void **state)
{
    static const int ids[] = { 4000012, 4000014, 4000016 };
    const char *ways = list(input("totp", "totp_code", "text", "Code of the app", ""), button("totp", "method", "totp", "Use the app"),
                            input("lookup_secret", "lookup_secret", "text", "Backup code", ""),
                            button("lookup_secret", "method", "lookup_secret", "Use the code"));

    (void)state;
    for (int i = 0; i < KR_DIM(ids); i++)
        assert_order(page_of_nodes(ways, apr_psprintf(pool, "{\"id\":%d,\"type\":\"error\",\"text\":\"wrong\"}", ids[i])), "name=\"lookup_secret\"",
                     "<summary>");
    assert_order(page_of_nodes(ways, "{\"id\":4000008,\"type\":\"error\",\"text\":\"wrong\"}"), "name=\"totp_code\"", "<summary>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_of_an_app_stands_in_groups_that_are_copied_without_gaps),
        TEST(the_picture_and_the_field_of_an_app_say_what_to_do),
        TEST(codes_can_be_saved_by_a_link_that_has_them_and_say_whose_they_are),
        TEST(hidden_codes_are_counted),
        TEST(keys_are_a_list_with_names_dates_and_buttons),
        TEST(what_needs_the_script_is_hidden_until_it_is_there_and_a_line_says_so),
        TEST(where_no_script_comes_keys_can_still_be_removed),
        TEST(the_passkey_has_a_place_before_the_fields),
        TEST(the_first_way_stands_open_and_each_other_one_behind_a_line),
        TEST(the_way_that_was_taken_stands_open),
        TEST(a_wrong_code_leaves_its_way_open),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
