/* SPDX-License-Identifier: Apache-2.0 */
/* Security keys and passkeys on the built-in pages: the one script they run, and what calls it. */
#include "ui_env.h"
#include "../../src/ui/ui.h"

#define BASE_URL "https://id.example/auth/"
#define OURS "https://id.example/auth/.well-known/ory/webauthn.js"
#define SCRIPT(src) "{\"type\":\"script\",\"group\":\"webauthn\",\"messages\":[],\"meta\":{},\"attributes\":{\"src\":\"" src "\",\"async\":true," \
                    "\"referrerpolicy\":\"no-referrer\",\"crossorigin\":\"anonymous\",\"integrity\":\"sha512-AA==\",\"type\":\"text/javascript\"," \
                    "\"id\":\"webauthn_script\",\"nonce\":\"n\",\"node_type\":\"script\"}}"

/* A page as kr_ui_handle makes it: whose script it is decides what it shows. */
static const char *page_with(const char *nodes)
{
    json_t *flow = json(apr_psprintf(pool, "{\"ui\":{\"action\":\"https://id.example/auth/self-service/login\",\"method\":\"POST\","
                                           "\"nodes\":[%s]}}", nodes));
    kr_page_t page = PAGE;

    page.script = ui_flow_script(pool, BASE_URL, flow);
    return kr_ui_flow_page(pool, &page, flow);
}

static const char *key_nodes(const char *script)
{
    const char *button = input("passkey", "passkey_login_trigger", "button", "Sign in with a passkey",
                               ",\"value\":\"\",\"onclick\":\"window.oryPasskeyLogin()\",\"onclickTrigger\":\"oryPasskeyLogin\"");
    const char *field = input("passkey", "passkey_login", "hidden", NULL,
                              ",\"onload\":\"window.oryPasskeyLoginAutocompleteInit()\",\"onloadTrigger\":\"oryPasskeyLoginAutocompleteInit\"");

    return list(script, button, field, csrf());
}

static void our_own_script_is_included_and_called_without_code_in_tags(void **state)
{
    const char *html = page_with(key_nodes(SCRIPT(OURS)));

    (void)state;
    assert_shows(html, "<script async src=\"" OURS "\" integrity=\"sha512-AA==\" crossorigin=\"anonymous\" referrerpolicy=\"no-referrer\"></script>");
    assert_int_equal(times_in(html, "<script"), 1);
    assert_shows(html, "<button class=\"button primary\" type=\"button\" name=\"passkey_login_trigger\" value=\"\" "
                       "data-kratos-click=\"oryPasskeyLogin\" hidden>Sign in with a passkey</button>");
    assert_shows(html, "<input type=\"hidden\" name=\"passkey_login\" value=\"\" data-kratos-load=\"oryPasskeyLoginAutocompleteInit\">");
    assert_order(html, "<form", "passkey_login_trigger"); /* the script looks for the form around its fields */
    assert_hides(html, "onclick");
    assert_hides(html, "onload");
}

static void other_scripts_are_not_included_nor_what_needs_them(void **state)
{
    static const char *const scripts[] = {
        SCRIPT("https://evil.example/auth/.well-known/ory/webauthn.js"), SCRIPT("https://id.example/auth/static/mine.js"),
        SCRIPT("/auth/.well-known/ory/webauthn.js"), SCRIPT("javascript:alert(1)"), SCRIPT(OURS "?x"), SCRIPT(""),
        "{\"type\":\"script\"}", "{\"type\":\"text\",\"attributes\":{\"src\":\"" OURS "\"}}",
    };

    (void)state;
    for (int i = 0; i < KR_DIM(scripts); i++) {
        const char *html = page_with(key_nodes(scripts[i]));

        assert_hides(html, "<script");
        assert_hides(html, "passkey_login_trigger");
    }
}

static void what_the_script_is_told_becomes_no_markup(void **state)
{
    const char *html = page_with(list(SCRIPT(OURS), input("webauthn", "webauthn_login_trigger", "button", "Key",
        ",\"value\":\"{\\\"publicKey\\\":\\\"" HOSTILE "\\\"}\",\"onclickTrigger\":\"" HOSTILE "\""), NULL, NULL));

    (void)state;
    assert_int_equal(times_in(html, "<script"), 1);
    assert_shows(html, "value=\"{&#34;publicKey&#34;:");
    assert_shows(html, "&lt;script&gt;alert(1)");
}

static void the_policy_of_such_a_page_lets_in_that_one_script_and_no_more(void **state)
{
    kr_page_t page = { .script = json("{\"src\":\"" OURS "\",\"integrity\":\"sha512-AA==\"}") };
    const char *policy = ui_policy(pool, &page);

    (void)state;
    assert_string_equal(policy, apr_pstrcat(pool, kr_ui_csp, "; script-src 'sha512-AA==' " OURS, NULL));
    page.script = json("{\"src\":\"https://id.example/a;b, c/webauthn.js\"}");
    policy = ui_policy(pool, &page);
    assert_string_equal(policy, apr_pstrcat(pool, kr_ui_csp, "; script-src https://id.example/a%3Bb%2C%20c/webauthn.js", NULL));
    assert_hides(kr_ui_csp, "script-src");
}

/* -- what asks the browser itself ----------------------------------------------- */

/* A site that people are sent to as well, and one that they are not. */
static const kr_page_fedcm_t *asking(int sign_up)
{
    static const kr_oidc_provider_conf_t BOTH = { .id = "acme", .provider = "generic", .label = "Acme", .fedcm_config_url = "https://acme.example/f.json" };
    static const kr_oidc_provider_conf_t ALONE = { .id = "club", .provider = "generic", .label = HOSTILE, .fedcm_alone = 1,
                                                   .fedcm_config_url = "https://club.example/a;b,\"c" };
    kr_page_fedcm_t *fedcm = apr_pcalloc(pool, sizeof(*fedcm));
    apr_array_header_t *providers = apr_array_make(pool, 2, sizeof(kr_oidc_provider_conf_t));

    APR_ARRAY_PUSH(providers, kr_oidc_provider_conf_t) = BOTH;
    APR_ARRAY_PUSH(providers, kr_oidc_provider_conf_t) = ALONE;
    *fedcm = (kr_page_fedcm_t){ "https://id.example/f.js", "sha512-BB==", "https://id.example/p", "https://id.example/t?flow=1&x=\"", sign_up, providers };
    return fedcm;
}

static void a_page_that_asks_the_browser_has_its_script_and_buttons_of_sites_that_nobody_is_sent_to(void **state)
{
    kr_page_t page = PAGE;
    const char *html;

    (void)state;
    page.fedcm = asking(1);
    html = kr_ui_flow_page(pool, &page, json("{\"ui\":{\"action\":\"/\",\"method\":\"POST\",\"nodes\":[]}}"));
    assert_shows(html, "<script async src=\"https://id.example/f.js\" integrity=\"sha512-BB==\" crossorigin=\"anonymous\" "
                       "data-parameters=\"https://id.example/p\" data-token=\"https://id.example/t?flow=1&amp;x=&#34;\" data-context=\"signup\">");
    assert_int_equal(times_in(html, "data-fedcm="), 1);
    assert_shows(html, "data-fedcm=\"https://club.example/a;b,&#34;c\" hidden>");
    assert_shows(html, "Sign up with ");
    assert_shows(html, "&lt;script&gt;alert(1)");
    assert_int_equal(times_in(html, "<script"), 1);
    assert_int_equal(times_in(html, "<p data-fedcm-without>"), 1); /* there is nothing else on this page */
}

static void its_policy_lets_it_read_what_it_asks_and_no_more(void **state)
{
    kr_page_t page = PAGE;

    (void)state;
    page.fedcm = asking(0);
    assert_string_equal(ui_policy(pool, &page), apr_pstrcat(pool, kr_ui_csp, "; script-src 'sha512-BB==' https://id.example/f.js; connect-src "
                                                           "https://id.example/p https://acme.example/f.json https://club.example/a%3Bb%2C\"c", NULL));
    page.script = json("{\"src\":\"" OURS "\",\"integrity\":\"sha512-AA==\"}");
    assert_non_null(strstr(ui_policy(pool, &page), "; script-src 'sha512-AA==' " OURS " 'sha512-BB==' https://id.example/f.js; connect-src "));
    page.script = NULL;
    page.fedcm = NULL;
    assert_string_equal(ui_policy(pool, &page), kr_ui_csp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(our_own_script_is_included_and_called_without_code_in_tags),
        TEST(other_scripts_are_not_included_nor_what_needs_them),
        TEST(what_the_script_is_told_becomes_no_markup),
        TEST(the_policy_of_such_a_page_lets_in_that_one_script_and_no_more),
        TEST(a_page_that_asks_the_browser_has_its_script_and_buttons_of_sites_that_nobody_is_sent_to),
        TEST(its_policy_lets_it_read_what_it_asks_and_no_more),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
