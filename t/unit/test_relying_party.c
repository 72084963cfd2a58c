/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of security keys and passkeys: the domain that keys are bound to, the origins of the pages, and what follows where they are not said. */
#include "config_env.h"

#define ON(method, config) "selfservice: {methods: {" method ": {enabled: true, config: {" config "}}}}"
#define PASSKEY(config) ON("passkey", config)
#define PAGES(page, rest) "selfservice: {flows: {login: {ui_url: '" page "'}, registration: {ui_url: '" page "'}, settings: {ui_url: '" page "'}}, " \
                          "methods: {passkey: {enabled: true, config: {" rest "}}}}"

static const char *texts(world_t *w, const apr_array_header_t *list)
{
    return apr_array_pstrcat(w->pool, list, ' ');
}

/* -- what is not said ------------------------------------------------------------------------ */

static void test_without_settings_keys_are_bound_to_the_host_of_the_base_url(void **state)
{
    world_t *w = *state;
    const kr_settings_t *s = good(w, PASSKEY(""));

    assert_string_equal(s->passkey.rp_id, "id.example.org");
    assert_string_equal(s->passkey.rp_name, "id.example.org");
    assert_string_equal(texts(w, s->passkey.origins), "https://id.example.org");
    assert_string_equal(s->passkey.resident_key, "required");
    assert_string_equal(s->passkey.user_verification, "preferred");
    assert_string_equal(s->passkey.attestation, "none");
    assert_null(s->passkey.attachment);
    assert_int_equal(s->passkey.registration_timeout, apr_time_from_sec(300));
    assert_int_equal(s->passkey.login_timeout, apr_time_from_sec(300));
}

static void test_security_keys_ask_as_Kratos_does(void **state)
{
    world_t *w = *state;
    const kr_settings_t *s = good(w, ON("webauthn", "rp: {id: example.org, display_name: Shop}"));

    assert_string_equal(s->webauthn.rp_id, "example.org");
    assert_string_equal(s->webauthn.rp_name, "Shop");
    assert_string_equal(s->webauthn.user_verification, "discouraged");
    assert_string_equal(s->webauthn.attestation, "none");
    assert_int_equal(s->webauthn.registration_timeout, apr_time_from_sec(120));
    assert_int_equal(s->webauthn.login_timeout, apr_time_from_sec(120));
    assert_int_equal(s->webauthn_passwordless, 0);
    assert_string_equal(s->webauthn_copies, "refuse");
}

static void test_a_method_that_is_off_is_not_looked_at(void **state)
{
    const kr_settings_t *s = good(*state, "selfservice: {methods: {passkey: {enabled: false, config: {rp: {origins: ['https://other.example']}}}}}");

    assert_null(s->passkey.rp_id);
    assert_null(good(*state, "{}")->webauthn.rp_id);
}

/** Origins that follow from where the pages are. */
static const struct {
    const char *yaml, *origins;
} USUAL[] = {
    { PAGES("https://id.example.org/ui/login", ""), "https://id.example.org" },
    { PAGES("https://www.example.org/login", "rp: {id: example.org}"),
      "https://example.org https://id.example.org https://www.example.org" },
    { PAGES("https://www.example.org:443/login", "rp: {id: example.org}"),
      "https://example.org https://id.example.org https://www.example.org" },
    { PAGES("https://www.example.org:8443/login", "rp: {id: example.org}"),
      "https://example.org https://id.example.org https://www.example.org:8443" },
    { PAGES("https://WWW.Example.ORG/login", "rp: {id: example.org}"),
      "https://example.org https://id.example.org https://www.example.org" },
    { PAGES("https://example.org/login", "rp: {id: example.org}"), "https://example.org https://id.example.org" },
    { PAGES("https://notexample.org/login", "rp: {id: example.org}"), "https://example.org https://id.example.org" },
    { PAGES("https://id.example.org/login", "rp: {origins: ['https://app.id.example.org']}"), "https://app.id.example.org" },
};

static void test_origins_follow_from_where_the_pages_are(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(USUAL); i++) assert_string_equal(texts(w, good(w, USUAL[i].yaml)->passkey.origins), USUAL[i].origins);
}

static void test_on_ones_own_machine_no_TLS_is_needed(void **state)
{
    world_t *w = *state;
    const char *local = "serve: {public: {base_url: 'http://localhost:4433/'}}\n" PASSKEY("");

    assert_string_equal(texts(w, good(w, local)->passkey.origins), "http://localhost http://localhost:4433");
    good(w, "serve: {public: {base_url: 'http://app.localhost/'}}\n" PASSKEY(""));
    refused(w, "serve: {public: {base_url: 'http://id.example.org/'}}\n" PASSKEY(""), "is not https");
}

static void test_the_one_origin_of_older_files(void **state)
{
    world_t *w = *state;
    const char *one = ON("webauthn", "rp: {id: example.org, origin: 'https://www.example.org'}");

    assert_string_equal(texts(w, good(w, one)->webauthn.origins), "https://www.example.org");
    refused(w, ON("webauthn", "rp: {origin: 'https://id.example.org', origins: ['https://id.example.org']}"), "stands beside rp.origins");
}

/* -- what is wrong ----------------------------------------------------------------------------- */

static const struct {
    const char *config, *told;
} WRONG[] = {
    { "rp: {id: 'https://example.org'}", "is a URL: write the domain alone" },
    { "rp: {id: 'example.org/login'}", "is a URL: write the domain alone" },
    { "rp: {id: 'id.example.org:443'}", "has a port" },
    { "rp: {id: 'Example.org'}", "has capitals" },
    { "rp: {id: 'ex ample.org'}", "is no domain" },
    { "rp: {id: 'bücher.example'}", "xn--" },
    { "rp: {id: '192.0.2.1'}", "is an address" },
    { "rp: {id: '.example.org'}", "is no domain" },
    { "rp: {id: 'example.org.'}", "is no domain" },
    { "rp: {id: 'example..org'}", "is no domain" },
    { "rp: {id: '${DOMAIN}'}", "config.rp.id" },
    { "rp: {id: ['example.org']}", "config.rp.id" },
    { "rp: {id: example.org, display_name: \"a\\nb\"}", "config.rp.display_name" },
    { "rp: {id: example.org, display_name: ''}", "config.rp.display_name" },
    { "rp: {id: example.org, origins: ['*']}", "name each" },
    { "rp: {id: example.org, origins: ['https://www.example.org/']}", "config.rp.origins" },
    { "rp: {id: example.org, origins: ['https://www.example.org/login']}", "config.rp.origins" },
    { "rp: {id: example.org, origins: ['www.example.org']}", "config.rp.origins" },
    { "rp: {id: example.org, origins: ['https://*.example.org']}", "config.rp.origins" },
    { "rp: {id: example.org, origins: ['https://WWW.example.org']}", "has capitals" },
    { "rp: {id: example.org, origins: ['ftp://www.example.org']}", "begins neither" },
    { "rp: {id: example.org, origins: ['http://www.example.org']}", "is not https" },
    { "rp: {id: example.org, origins: ['https://www.example.net']}", "is not below the domain example.org" },
    { "rp: {id: example.org, origins: ['https://notexample.org']}", "is not below the domain example.org" },
    { "rp: {id: www.example.org, origins: ['https://example.org']}", "is not below the domain www.example.org" },
    { "rp: {id: example.org, origins: 'https://www.example.org'}", "config.rp.origins" },
    { "rp: {id: example.org, origins: [1]}", "config.rp.origins" },
    { "authenticator_selection: {resident_key: maybe}", "resident_key" },
    { "authenticator_selection: {user_verification: always}", "user_verification" },
    { "authenticator_selection: {attachment: usb}", "attachment" },
    { "attestation: {preference: some}", "preference" },
    { "timeouts: {login: 5}", "timeouts.login" },
};

static void test_what_no_browser_would_take_stops_the_server(void **state)
{
    for (int i = 0; i < KR_DIM(WRONG); i++) {
        world_t *w = *state;

        refused(w, apr_pstrcat(w->pool, "selfservice: {methods: {passkey: {enabled: true, config: {", WRONG[i].config, "}}}}", NULL),
                WRONG[i].told);
    }
}

static void test_an_address_as_base_url_needs_a_domain_beside_it(void **state)
{
    world_t *w = *state;

    refused(w, "serve: {public: {base_url: 'https://192.0.2.1/'}}\n" PASSKEY(""), "is needed, as the host of serve.public.base_url");
    refused(w, "serve: {public: {base_url: 'https://[2001:db8::1]/'}}\n" PASSKEY(""), "is needed, as the host of serve.public.base_url");
    assert_string_equal(good(w, "serve: {public: {base_url: 'https://192.0.2.1/'}}\n" PASSKEY("rp: {id: example.org}"))->passkey.rp_id,
                        "example.org");
}

/* -- what is odd -------------------------------------------------------------------------------- */

/** Warnings; with NULL there is none about keys. */
static const struct {
    const char *yaml, *told;
} ODD[] = {
    { PASSKEY("rp: {id: org}"), "below which names of many owners stand" },
    { PASSKEY("rp: {id: co.uk}"), "below which names of many owners stand" },
    { PASSKEY("authenticator_selection: {resident_key: preferred}"), "finds nobody at sign-in" },
    { PAGES("https://www.example.net/login", "rp: {id: example.org}"), "selfservice.flows.login.ui_url: https://www.example.net/login is not below" },
    { PAGES("https://notexample.org/login", "rp: {id: example.org}"), "is not below the domain example.org" },
    { PAGES("https://www.example.org/login", "rp: {id: example.org, origins: ['https://id.example.org']}"),
      "lacks \"https://www.example.org\", where the login page is" },
    { PAGES("https://www.example.org:8443/login", "rp: {id: example.org, origins: ['https://www.example.org']}"),
      "lacks \"https://www.example.org:8443\"" },
    { PAGES("https://www.example.org/login", "rp: {id: example.org, origins: ['https://www.example.org']}"), NULL },
    { PAGES("https://WWW.example.org:443/login", "rp: {id: example.org, origins: ['https://www.example.org']}"), NULL },
    { PAGES("https://id.example.org/login", ""), NULL },
    { "selfservice: {flows: {registration: {ui_url: 'https://join.example.net/'}}, methods: {webauthn: {enabled: true}}}", NULL },
    { "selfservice: {flows: {registration: {ui_url: 'https://join.example.net/'}}, "
      "methods: {webauthn: {enabled: true, config: {passwordless: true}}}}", "selfservice.flows.registration.ui_url" },
    { "selfservice: {flows: {registration: {enabled: false, ui_url: 'https://join.example.net/'}}, "
      "methods: {webauthn: {enabled: true, config: {passwordless: true}}}}", NULL },
};

static void test_what_would_not_work_for_everybody_is_said(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(ODD); i++) {
        good(w, ODD[i].yaml);
        if (ODD[i].told) assert_true(says(w, 0, ODD[i].told));
        else if (strstr(all_findings(w), "ui_url") || strstr(all_findings(w), "rp.")) fail_msg("%s\n%s", ODD[i].yaml, all_findings(w));
    }
}

int main(void)
{
    const struct CMUnitTest TESTS[] = {
        TEST(test_without_settings_keys_are_bound_to_the_host_of_the_base_url),
        TEST(test_security_keys_ask_as_Kratos_does),
        TEST(test_a_method_that_is_off_is_not_looked_at),
        TEST(test_origins_follow_from_where_the_pages_are),
        TEST(test_on_ones_own_machine_no_TLS_is_needed),
        TEST(test_the_one_origin_of_older_files),
        TEST(test_what_no_browser_would_take_stops_the_server),
        TEST(test_an_address_as_base_url_needs_a_domain_beside_it),
        TEST(test_what_would_not_work_for_everybody_is_said),
    };

    apr_initialize();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
