/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of sites that take our word: what browsers would do nothing with stops the server, and says what to write. */
#include "config_env.h"

#define CLIENT(id, origins) "mod_kratos: {fedcm: {clients: [{client_id: " id ", origins: [" origins "]}]}}"
#define BRANDING(what) "mod_kratos: {fedcm: {branding: {" what "}}}"

static void test_nobody_takes_our_word_unless_it_is_said(void **state)
{
    const kr_settings_t *s = good(*state, "{}");

    assert_int_equal(s->fedcm.clients->nelts, 0);
    assert_null(s->fedcm.name);
}

static void test_sites_and_looks_are_read(void **state)
{
    const kr_settings_t *s = good(*state, "mod_kratos: {fedcm: {branding: {name: Club, color: white, background_color: '#1a73e8', "
                                          "icons: [{url: 'https://id.example.org/i.png', size: 40}]}, clients: ["
                                          "{client_id: shop, origins: ['https://shop.example.com', 'https://shop.example.com:8443']}, "
                                          "{client_id: news, origins: ['http://localhost:8080'], "
                                          "terms_of_service_url: 'https://news.example.net/terms'}]}}");
    const kr_fedcm_client_t *news = &APR_ARRAY_IDX(s->fedcm.clients, 1, const kr_fedcm_client_t);

    assert_int_equal(s->fedcm.clients->nelts, 2);
    assert_string_equal(news->client_id, "news");
    assert_string_equal(APR_ARRAY_IDX(news->origins, 0, const char *), "http://localhost:8080");
    assert_string_equal(news->terms_of_service_url, "https://news.example.net/terms");
    assert_null(news->privacy_policy_url);
    assert_int_equal(APR_ARRAY_IDX(s->fedcm.icons, 0, const kr_fedcm_icon_t).size, 40);
}

static const struct { const char *yaml, *told; } WRONG[] = {
    { CLIENT("shop", "'http://shop.example.com'"), "origins: element 1 \"http://shop.example.com\" is not https, and browsers have no FedCM elsewhere but on localhost" },
    { CLIENT("shop", "'https://shop.example.com/'"), "has more than scheme and host" },
    { CLIENT("shop", "'https://*.example.com'"), "is no origin: name each" },
    { CLIENT("shop", "'*'"), "is no origin: name each" },
    { CLIENT("shop", "'https://Shop.example.com'"), "has capitals" },
    { CLIENT("shop", "'https://shop.example.com:443'"), "names the port that its scheme has anyway" },
    { CLIENT("shop", "'http://localhost:80'"), "names the port that its scheme has anyway" },
    { CLIENT("shop", "shop.example.com"), "origin" },
    { CLIENT("shop", ""), "clients[0].origins: is empty" },
    { "mod_kratos: {fedcm: {clients: [{client_id: shop}]}}", "needs a member \"origins\"" },
    { "mod_kratos: {fedcm: {clients: [{origins: ['https://shop.example.com']}]}}", "needs a member \"client_id\"" },
    { CLIENT("'a shop'", "'https://shop.example.com'"), "client_id: \"a shop\" holds a blank or a character beyond ASCII" },
    { CLIENT("''", "'https://shop.example.com'"), "client_id" },
    { "mod_kratos: {fedcm: {clients: [{client_id: a, origins: ['https://a.example.com']}, "
      "{client_id: a, origins: ['https://b.example.com']}]}}", "there are two clients \"a\"" },
    { CLIENT("shop", "'https://shop.example.com', 'https://shop.example.com'"), "clients[0].origins" },
    { CLIENT("shop", "'https://shop.example.com'") "\nserve: {public: {base_url: 'http://id.example.org/auth'}}",
      "needs serve.public.base_url to be https (it is http://id.example.org/auth)" },
    { BRANDING("color: 'red; x'"), "is no colour of CSS" },
    { BRANDING("icons: [{url: 'https://id.example.org/i.png', size: 16}]"), "size" },
    { BRANDING("icons: [{url: 'https://id.example.org/i.png'}]"), "needs a member \"size\"" },
};

static void test_what_no_browser_would_take_stops_the_server(void **state)
{
    for (int i = 0; i < KR_DIM(WRONG); i++) refused(*state, WRONG[i].yaml, WRONG[i].told);
}

static void test_on_ones_own_machine_no_TLS_is_needed(void **state)
{
    static const char *const bases[] = { "http://localhost:8080/", "http://127.0.0.1:8080", "http://id.localhost" };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(bases); i++)
        good(w, apr_psprintf(w->pool, "%s\nserve: {public: {base_url: '%s'}}", CLIENT("shop", "'http://127.0.0.1:8081'"), bases[i]));
}

int main(void)
{
    const struct CMUnitTest TESTS[] = {
        TEST(test_nobody_takes_our_word_unless_it_is_said),
        TEST(test_sites_and_looks_are_read),
        TEST(test_what_no_browser_would_take_stops_the_server),
        TEST(test_on_ones_own_machine_no_TLS_is_needed),
    };

    apr_initialize();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
