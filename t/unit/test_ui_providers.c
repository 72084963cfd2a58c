/* SPDX-License-Identifier: Apache-2.0 */
/* Sites that people sign in with, on the built-in pages: marks, linked accounts, and what stands where an account is met or made. */
#include <apr_file_io.h>
#include <unistd.h>

#include "kr_oidc_conf.h"
#include "ui_env.h"

#define SVG "<svg class=\"mark\" viewBox=\"0 0 24 24\" width=\"20\" height=\"20\" aria-hidden=\"true\">"

/* -- flows ---------------------------------------------------------------- */

static const char *of_site(const char *name, const char *id, int label, const char *called)
{
    return apr_psprintf(pool,
                        "{\"type\":\"input\",\"group\":\"oidc\",\"attributes\":{\"name\":\"%s\",\"type\":\"submit\",\"value\":\"%s\"},"
                              "\"meta\":{\"label\":{\"id\":%d,\"text\":\"%s\",\"context\":{\"provider\":\"%s\",\"provider_id\":\"%s\"}}}}",
                        name, id, label, called, called, id);
}

static const char *way_in(const char *id, const char *called)
{
    return of_site("provider", id, 1010002, called);
}

static const char *hidden(const char *name, const char *value)
{
    return input("default", name, "hidden", NULL, apr_psprintf(pool, ",\"value\":\"%s\"", value));
}

static const char *password(void)
{
    return "{\"type\":\"input\",\"group\":\"password\",\"attributes\":{\"name\":\"password\",\"type\":\"password\"},"
           "\"meta\":{\"label\":{\"id\":1070001,\"text\":\"Password\"}}}";
}

/** The sites of a realm: id, kind, id, kind, ..., NULL. */
static apr_array_header_t *sites(const char *const *names)
{
    apr_array_header_t *out = apr_array_make(pool, 4, sizeof(kr_oidc_provider_conf_t));

    for (; *names; names += 2) APR_ARRAY_PUSH(out, kr_oidc_provider_conf_t) = (kr_oidc_provider_conf_t){ .id = names[0],
         .provider = names[1] };
    return out;
}

#define SITES(...) sites((const char *const[]){ __VA_ARGS__, NULL })

static const char *page_with(const apr_array_header_t *providers, const char *nodes)
{
    kr_page_t page = PAGE;

    page.providers = providers;
    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s]}}", nodes)));
}

/* -- marks ---------------------------------------------------------------- */

static void each_site_has_the_mark_of_its_kind_and_others_one_that_means_anybody(void **state)
{
    const char *html = page_with(SITES("work", "microsoft", "acme", "generic"), list(way_in("work", "Work"), way_in("acme", "Acme"),
                                 way_in("gone", "Gone"), NULL));

    (void)state;
    assert_shows(html, "name=\"provider\" value=\"work\" formnovalidate>" SVG "<path fill=\"#f25022\"");
    assert_shows(html, "</svg>Sign in with Work</button>");
    assert_shows(html, "value=\"acme\" formnovalidate>" SVG "<g fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"><circle");
    assert_shows(html, "value=\"gone\" formnovalidate>" SVG "<g fill=\"none\" stroke=\"currentColor\"");
    assert_hides(html, "style=");
    assert_hides(html, "primary");
}

/* No mark leaves an element open, brings a style along, or loads anything. */
static void every_mark_is_a_small_picture_by_itself(void **state)
{
    static const char *const kinds[] = { "amazon", "apple", "auth0", "dingtalk", "discord", "facebook", "github", "github-app", "gitlab",
        "google",
                                         "lark", "line", "linkedin", "linkedin_v2", "microsoft", "netid", "patreon", "salesforce", "slack",
                                         "spotify", "uaepass", "vk", "x", "yandex", "generic", "fedcm-test" };

    (void)state;
    for (int i = 0; i < KR_DIM(kinds); i++) {
        const char *html = page_with(SITES("a", kinds[i]), way_in("a", "A")), *svg = strstr(html, SVG) + strlen(SVG), *end = strstr(svg,
                                     "</svg>");
        const char *mark = apr_pstrmemdup(pool, svg, (apr_size_t)(end - svg));

        assert_in_range(strlen(mark), 60, 400);
        assert_int_equal(times_in(mark, "<g "), times_in(mark, "</g>"));
        assert_int_equal(times_in(mark, "<") - times_in(mark, "</g>") - times_in(mark, "<g "), times_in(mark, "/>"));
        assert_int_equal(times_in(mark, "\"") % 2, 0);
        assert_null(strpbrk(mark, "&'@:;"));
    }
}

static void a_site_without_a_label_is_called_as_people_know_it(void **state)
{
    const char *html = page_with(SITES("google", "google", "github", "github-app"), list(way_in("google", "google"), way_in("github",
                                 "github"), NULL, NULL));

    (void)state;
    assert_shows(html, "Sign in with Google</button>");
    assert_shows(html, "Sign in with GitHub</button>");
    html = page_of_nodes(csrf(),
                         "{\"id\":1010016,\"type\":\"info\",\"text\":\"t\",\"context\":{\"provider\":\"gitlab\",\"duplicateIdentifier\":\"ana\"}}");
    assert_shows(html, "ana has an account here already. Sign in to it to add GitLab.");
}

static void names_and_ids_cannot_become_markup(void **state)
{
    const char *html = page_with(SITES("a", "google"), list(way_in(HOSTILE, HOSTILE), of_site("unlink", HOSTILE, 1050003, HOSTILE), NULL,
                                 NULL));

    (void)state;
    assert_hides(html, "<script");
    assert_shows(html, "&lt;script&gt;");
}

static void the_password_comes_before_other_sites_and_enter_means_it(void **state)
{
    const char *html = page_with(SITES("g", "google"), list(way_in("g", "G"), input("default", "identifier", "text", "E-Mail", ""),
                                 password(),
                                                           button("password", "method", "password", "Sign in")));

    (void)state;
    assert_order(html, "class=\"button primary\" type=\"submit\" name=\"method\"", "class=\"button\" type=\"submit\" name=\"provider\"");
    assert_order(html, "<p class=\"or\">", "name=\"provider\"");
    assert_int_equal(times_in(html, "<form"), 1);
}

static char folder[64];

/** An owner's folder of pages in which that picture stands. */
static const char *folder_with(const char *picture)
{
    FILE *file;

    apr_cpystrn(folder, "/tmp/kratos-unit-XXXXXX", sizeof(folder));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(apr_dir_make(apr_pstrcat(pool, folder, "/static", NULL), APR_FPROT_OS_DEFAULT, pool), APR_SUCCESS);
    file = fopen(apr_pstrcat(pool, folder, "/static/", picture, NULL), "w");
    assert_non_null(file);
    fclose(file);
    return folder;
}

static void an_owner_may_have_a_picture_of_their_own_for_a_site(void **state)
{
    kr_page_t page = PAGE;
    const kr_pages_t *own;
    const char *html;

    (void)state;
    assert_null(kr_pages_load(&own, pool, folder_with("provider-acme.svg")));
    remove_folder(folder);
    page.words = kr_pages_words(own, pool, NULL, NULL);
    page.providers = SITES("acme", "generic", "beta", "generic");
    html = kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s,%s]}}", way_in("acme", "Acme"),
                           way_in("beta", "B"))));
    assert_shows(html, "<img class=\"mark\" src=\"/auth/static/provider-acme.svg\" alt=\"\">Sign in with Acme</button>");
    assert_shows(html, SVG);
}

/* -- settings ------------------------------------------------------------- */

static const char *settings_of(const apr_array_header_t *providers, const apr_array_header_t *fixed, const char *nodes)
{
    kr_page_t page = PAGE;

    page.here = "settings";
    page.providers = providers;
    page.fixed = fixed;
    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s]}}", nodes)));
}

static void linked_accounts_are_a_list_and_others_can_be_linked(void **state)
{
    const char *html = settings_of(SITES("g", "google", "acme", "generic"), NULL,
                                   list(csrf(), of_site("link", "acme", 1050002, "Acme"), of_site("unlink", "g", 1050003, "My Google"),
                                        NULL));

    (void)state;
    assert_shows(html, "<h2 id=\"g2\">Linked accounts</h2>");
    assert_order(html, "<ul class=\"list\">", "<strong>My Google</strong>");
    assert_shows(html, "name=\"unlink\" value=\"g\" formnovalidate>Unlink<span class=\"aside\">: My Google</span></button>");
    assert_order(html, "name=\"unlink\"", "name=\"link\" value=\"acme\" formnovalidate>" SVG);
    assert_shows(html, "Link Acme</button>");
    assert_hides(html, "only way to sign in");
    assert_hides(html, "primary");
}

static void an_account_that_has_to_stay_is_shown_and_says_why(void **state)
{
    const apr_array_header_t *all = SITES("google", "google", "acme", "generic");
    apr_array_header_t *fixed = apr_array_make(pool, 1, sizeof(const kr_oidc_provider_conf_t *));
    const char *html, *totp = button("totp", "totp_unlink", "true", "Remove the app");

    (void)state;
    APR_ARRAY_PUSH(fixed, const kr_oidc_provider_conf_t *) = &APR_ARRAY_IDX(all, 0, const kr_oidc_provider_conf_t);
    html = settings_of(all, fixed, list(csrf(), of_site("link", "acme", 1050002, "Acme"), totp, NULL));
    assert_shows(html,
                 "<strong>Google</strong></p>\n<p class=\"quiet\">Your only way to sign in. Set up another one before you unlink it.</p>");
    assert_shows(html, "name=\"unlink\" value=\"google\" formnovalidate disabled>Unlink");
    assert_order(html, "name=\"link\" value=\"acme\"", "name=\"totp_unlink\"");
    assert_int_equal(times_in(html, "Linked accounts"), 1);
    html = settings_of(all, fixed, list(csrf(), totp, NULL, NULL)); /* there is nothing else to link */
    assert_order(html, "value=\"google\" formnovalidate disabled", "name=\"totp_unlink\"");
    assert_shows(settings_of(all, fixed, csrf()), "value=\"google\" formnovalidate disabled");
}

/* -- somebody is met ------------------------------------------------------ */

static void who_signs_in_to_a_name_that_stands_there_sees_it_and_so_do_managers(void **state)
{
    const char *html = page_with(NULL, list(csrf(), hidden("identifier", "ana@x.org&"), password(), button("password", "method",
                                 "password", "Sign in")));

    (void)state;
    assert_order(html, "<p class=\"whose\">ana@x.org&amp;</p>", "name=\"password\"");
    assert_shows(html,
                 "<input class=\"aside\" type=\"text\" autocomplete=\"username\" value=\"ana@x.org&amp;\" readonly tabindex=\"-1\" aria-hidden=\"true\">");
    assert_hides(page_with(NULL, list(csrf(), hidden("identifier", "ana"), button("code", "method", "code", "Send a code"), NULL)),
                 "class=\"whose\"");
    assert_hides(page_with(NULL, list(csrf(), hidden("identifier", ""), password(), button("password", "method", "password",
                 "Sign in"))), "class=\"whose\"");
}

static const char *completing(const char *value, const char *message)
{
    kr_page_t page = PAGE;
    const char *go = "{\"type\":\"input\",\"group\":\"oidc\",\"attributes\":{\"name\":\"provider\",\"type\":\"submit\",\"value\":\"g\"},"
                     "\"meta\":{\"label\":{\"id\":1040003,\"text\":\"Continue\"}}}";
    const char *email = "{\"type\":\"input\",\"group\":\"default\",\"attributes\":{\"name\":\"traits.email\",\"type\":\"email\",\"required\":true,"
                        "\"value\":\"%s\"},\"messages\":[%s],\"meta\":{\"label\":{\"text\":\"E-Mail\"}}}";

    page.about = "A little is missing.";
    return kr_ui_flow_page(pool, &page, json(apr_psprintf(pool, "{\"ui\":{\"action\":\"/a\",\"nodes\":[%s,%s]}}", go,
                                                          apr_psprintf(pool, email, value, message))));
}

static void what_a_sign_up_misses_is_asked_for_with_one_button(void **state)
{
    const char *html = completing("", "{\"id\":4000002,\"type\":\"error\",\"text\":\"missing\"}");

    (void)state;
    assert_order(html, "<p>A little is missing.</p>", "name=\"traits.email\"");
    assert_shows(html, "<button class=\"button primary\" type=\"submit\" name=\"provider\" value=\"g\">Continue</button>");
    assert_hides(html, "role=\"alert\""); /* nobody left it out */
    assert_hides(html, "aria-invalid");
    assert_int_equal(times_in(html, "autofocus"), 1);
    html = completing("ana@", "{\"id\":4000001,\"type\":\"error\",\"text\":\"wrong\"}");
    assert_shows(html, "role=\"alert\"");
    assert_shows(html, "aria-invalid=\"true\"");
}

/* -- what the other site says ---------------------------------------------- */

static const char *told(const char *reason)
{
    return page_of_nodes(csrf(), apr_psprintf(pool, "{\"id\":4000001,\"type\":\"error\",\"text\":\"t\",\"context\":{\"reason\":\"%s\"}}",
                         reason));
}

static void what_the_other_site_refused_is_said_in_words(void **state)
{
    (void)state;
    assert_shows(told("the provider says: access_denied"), "<p>You did not allow it at the other site");
    assert_shows(told("the provider says: access_denied: End-User aborted: x"),
                 "<p>You did not allow it at the other site, so nothing has changed here. "
                                                                               "Try again, or take another way.</p>");
    assert_shows(told("the provider says: server_error: <b>"), "<p>The other site refused: server_error: &lt;b&gt;</p>");
    assert_shows(told("nobody says: this"), "<p>Nobody says: this.</p>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_site_has_the_mark_of_its_kind_and_others_one_that_means_anybody),
        TEST(every_mark_is_a_small_picture_by_itself),
        TEST(a_site_without_a_label_is_called_as_people_know_it),
        TEST(names_and_ids_cannot_become_markup),
        TEST(the_password_comes_before_other_sites_and_enter_means_it),
        TEST(an_owner_may_have_a_picture_of_their_own_for_a_site),
        TEST(linked_accounts_are_a_list_and_others_can_be_linked),
        TEST(an_account_that_has_to_stay_is_shown_and_says_why),
        TEST(who_signs_in_to_a_name_that_stands_there_sees_it_and_so_do_managers),
        TEST(what_a_sign_up_misses_is_asked_for_with_one_button),
        TEST(what_the_other_site_refused_is_said_in_words),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
