/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that would start and give something away, or never work: secrets, placeholders, CORS, mail, identifiers. */
#include "config_env.h"

/* -- secrets ----------------------------------------------------------------------------- */

/* Each is long enough; each is known to everybody, or as good as. */
static const char *const WELL_KNOWN[] = {
    "change-me-before-anybody-signs-in",
    "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE",
    "please_change_me_i_am_very_insecure",
    "Please Change Me, I am very insecure!",
    "32-LONG-SECRET-NOT-SECURE-AT-ALL",
    "youReallyNeedToChangeThis",
    "CHANGEME-CHANGEME",
    "replace-me-with-a-long-secret",
    "your-secret-goes-here",
    "${KRATOS_COOKIE_SECRET}",
    "prefix-${SECRET:-unset-secret}",
    "$(openssl rand -base64 24)",
    "<32 random characters>",
    "{{ kratos_cookie_secret }}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "0000000000000000",
    "                        ",
    "abababababababababab",
    "12341234123412341234",
    "12345678901234567890123456789012",
};

static void test_secrets_that_everybody_knows_stop_the_server(void **state)
{
    static const char *const KEYS[] = { "default", "cookie" };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(WELL_KNOWN); i++)
        for (int j = 0; j < KR_DIM(KEYS); j++) {
            refused(w, apr_psprintf(w->pool, "secrets: {%s: [fine-k7Qm2x9vT4wZ-fine, '%s']}", KEYS[j], WELL_KNOWN[i]),
                    apr_psprintf(w->pool, "secrets.%s: element 2", KEYS[j]));
            if (*WELL_KNOWN[i] != ' ') assert_null(strstr(all_findings(w), WELL_KNOWN[i]));
            assert_non_null(strstr(all_findings(w), "openssl rand -hex 16"));
        }
}

static void test_so_do_those_of_other_uses(void **state)
{
    refused(*state, "secrets: {cipher: ['32-LONG-SECRET-NOT-SECURE-AT-ALL']}", "secrets.cipher: element 1");
    refused(*state, "secrets: {cipher: ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']}", "secrets.cipher: element 1");
    refused(*state, "secrets: {pagination: ['${PAGINATION_SECRET}']}", "secrets.pagination: element 1");
}

static void test_secrets_of_chance_are_taken(void **state)
{
    static const char *const FINE[] = {
        "OmZ7p0Vq2hPpxzAe/0yX9m+S4vb1pLtQ", "9f86d081884c7d659a2feaa0c55ad015", "31415926535897932384",
        "k$9{x(Q)<2>}w!Zr#8pL", "correct horse battery staple", "xk<}>q$${z9)(R!mPw",
    };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(FINE); i++)
        good(w, apr_psprintf(w->pool, "secrets: {cookie: ['%s']}", FINE[i]));
}

/* -- placeholders ------------------------------------------------------------------------ */

static const struct {
    const char *yaml, *key;
} UNFILLED[] = {
    { "serve: {public: {base_url: '${PUBLIC_URL}'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://${HOST}/auth/'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://$(HOST)/auth/'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://$HOST/auth/'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://<your-domain>/'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://{{ .Values.host }}/'}}", "serve.public.base_url" },
    { "serve: {public: {base_url: 'https://auth.example.org/<path>/'}}", "serve.public.base_url" },
    { "selfservice: {default_browser_return_url: '${UI_URL}/welcome'}", "selfservice.default_browser_return_url" },
    { "selfservice: {default_browser_return_url: '$UI_URL/welcome'}", "selfservice.default_browser_return_url" },
    { "selfservice: {flows: {login: {ui_url: '${UI_URL}/login'}}}", "selfservice.flows.login.ui_url" },
    { "selfservice: {flows: {login: {ui_url: '$(UI_URL)/login'}}}", "selfservice.flows.login.ui_url" },
    { "selfservice: {flows: {error: {ui_url: '/<page>'}}}", "selfservice.flows.error.ui_url" },
    { "selfservice: {flows: {login: {after: {default_browser_return_url: 'https://x.example/${A}'}}}}",
      "selfservice.flows.login.after.default_browser_return_url" },
    { "selfservice: {allowed_return_urls: ['https://ok.example/', 'https://<your-domain>/']}",
      "selfservice.allowed_return_urls" },
    { "selfservice: {allowed_return_urls: ['${UI_URL}']}", "selfservice.allowed_return_urls" },
    { "serve: {public: {cors: {enabled: true, allowed_origins: ['https://${HOST}']}}}",
      "serve.public.cors.allowed_origins" },
    { "courier: {smtp: {connection_uri: 'smtps://user:pass@${SMTP_HOST}:465/'}}", "courier.smtp.connection_uri" },
    { "courier: {smtp: {connection_uri: 'smtps://<user>:<password>@mail.example.org/'}}", "courier.smtp.connection_uri" },
    { "courier: {smtp: {connection_uri: 'smtps://user:$(PASSWORD)@mail.example.org/'}}", "courier.smtp.connection_uri" },
    { "courier: {delivery_strategy: http, http: {request_config: {url: 'https://$(MAIL_HOST)/send'}}}",
      "courier.http.request_config.url" },
    { "identity: {schemas: [{id: person, url: 'file://${SCHEMAS}/person.json'}]}", "identity.schemas[0].url" },
};

static void test_a_url_with_an_unfilled_placeholder_stops_the_server(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(UNFILLED); i++) {
        refused(w, UNFILLED[i].yaml, UNFILLED[i].key);
        if (!says(w, 1, "placeholder")) fail_msg("%s: %s", UNFILLED[i].yaml, all_findings(w));
        assert_non_null(strstr(all_findings(w), "kratos.yml:1: "));
    }
    assert_non_null(strstr(kr_draft_set(kr_draft_make(w->pool), "serve.public.base_url", "https://${HOST}/", "a.conf:7"),
                           "placeholder"));
}

static void test_so_does_a_password_for_other_services(void **state)
{
#define SERVICE(auth) "courier: {delivery_strategy: http, http: {request_config: {url: 'https://mail.example.org/', " auth "}}}"
    world_t *w = *state;

    refused(w, SERVICE("auth: {type: api_key, config: {name: X-Key, value: '${MAIL_KEY}'}}"), "auth.config.value: the value is a placeholder");
    refused(w, SERVICE("auth: {type: basic_auth, config: {user: u, password: '<password>'}}"), "auth.config.password: the value is a");
    refused(w, SERVICE("headers: {Authorization: 'Bearer $(TOKEN)'}"), "headers: \"Authorization\" is a placeholder");
    good(w, SERVICE("headers: {X-A: 'a <b> $c'}, auth: {type: api_key, config: {name: X-Key, value: 'k$(9'}}"));
}

static void test_dollars_that_are_no_placeholder_are_taken(void **state)
{
    good(*state, "selfservice: {flows: {login: {ui_url: 'https://a.example/(x)/$1/a$'}}}\n"
                 "courier: {smtp: {connection_uri: 'smtps://user:pa$Word(1)@mail.example.org/'}}\n");
}

/* -- CORS -------------------------------------------------------------------------------- */

#define CORS(origins, more) "serve: {public: {cors: {enabled: true, allowed_origins: [" origins "]" more "}}}"
#define ORIGINS "serve.public.cors.allowed_origins"

static void test_no_list_of_origins_gives_every_origin_credentials(void **state)
{
    static const struct {
        const char *yaml, *told;
    } cases[] = {
        { CORS("'*', 'https://app.example.org'", ""), ORIGINS "[0]: \"*\" beside other origins" },
        { CORS("'https://app.example.org', '*'", ", allow_credentials: true"), ORIGINS "[1]: \"*\" beside other origins" },
        { CORS("'*'", ", allow_credentials: true"), ORIGINS "[0]: \"*\" with allow_credentials" },
        { CORS("'https://*'", ""), ORIGINS "[0]: \"https://*\"" },
        { CORS("'http://*', 'https://app.example.org'", ""), ORIGINS "[0]: \"http://*\"" },
        { CORS("'https://*.org'", ""), ORIGINS "[0]: \"https://*.org\"" },
        { CORS("'https://*.co.uk'", ""), ORIGINS "[0]: \"https://*.co.uk\"" },
        { CORS("'https://*example.org'", ""), ORIGINS "[0]: \"https://*example.org\"" },
        { CORS("'https://app.*'", ""), ORIGINS "[0]: \"https://app.*\"" },
        { CORS("'https://app.*.org'", ""), ORIGINS "[0]: \"https://app.*.org\"" },
        { CORS("'https://*.*.example.org'", ""), ORIGINS "[0]: \"https://*.*.example.org\"" },
        { CORS("'*', '*'", ""), ORIGINS ": has the same element twice" },
    };

    for (int i = 0; i < KR_DIM(cases); i++) refused(*state, cases[i].yaml, cases[i].told);
}

static void test_origins_that_are_safe_are_taken(void **state)
{
    world_t *w = *state;
    static const char *const FINE[] = {
        CORS("'https://app.example.org', 'https://*.example.org'", ""),
        CORS("'https://*.example.org:8443', 'http://localhost:3000'", ", allow_credentials: true"),
        CORS("'*', 'https://app.example.org'", ", allow_credentials: false"),
        CORS("'*'", ", allow_credentials: false"), CORS("'https://*'", ", allow_credentials: false"),
        "serve: {public: {cors: {enabled: false, allowed_origins: ['*', 'https://app.example.org']}}}",
    };

    for (int i = 0; i < KR_DIM(FINE); i++) {
        good(w, FINE[i]);
        if (says(w, 0, ORIGINS)) fail_msg("%s: %s", FINE[i], all_findings(w));
    }
}

static void test_a_star_alone_is_for_what_needs_no_cookie_and_says_so(void **state)
{
    good(*state, "serve: {public: {cors: {enabled: true}}}");
    assert_true(says(*state, 0, ORIGINS ": every site may read what needs no cookie"));
    assert_true(says(*state, 0, "name your own origins"));
}

/* -- what nobody could use ----------------------------------------------------------------- */

#define PASSWORD "\"credentials\": {\"password\": {\"identifier\": true}}"
#define CODE(via) "\"credentials\": {\"code\": {\"identifier\": true, \"via\": \"" via "\"}}"
#define MAIL "courier: {smtp: {connection_uri: 'smtp://mail.example.org/'}}\n"
#define BOTH(via) "\"credentials\": {\"password\": {\"identifier\": true}, \"code\": {\"identifier\": true, \"via\": \"" via "\"}}"
#define SECOND "selfservice: {methods: {code: {mfa_enabled: true}}"
#define ENDS "}\n"
#define RECOVERY ", flows: {recovery: {enabled: true}}"
#define PASSWORDLESS "selfservice: {methods: {code: {passwordless_enabled: true}}}\n"

#define PASSKEYS "selfservice: {methods: {passkey: {enabled: true}}}\n"
#define KEYS_FIRST "selfservice: {methods: {webauthn: {enabled: true, config: {passwordless: true}}}}\n"

/** Settings with a schema that has this. */
static const char *with_schema(world_t *w, const char *extension, const char *more)
{
    const char *text = apr_pstrcat(w->pool, "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
                                            "\"email\":{\"type\":\"string\",\"ory.sh/kratos\":{", extension, "}}}}}}", NULL);

    return apr_pstrcat(w->pool, "identity: {schemas: [{id: person, url: 'base64://",
                       kr_base64(w->pool, text, strlen(text)), "'}]}\n", more, NULL);
}

static const struct {
    const char *extension, *more, *told; /* told NULL: nothing is said */
} PEOPLE[] = {
    { PASSWORD, "", NULL },
    { "", "", "selfservice.methods.password.enabled: no identity schema says what people sign in with" },
    { CODE("email"), MAIL PASSWORDLESS, "selfservice.methods.password.enabled: no identity schema" },
    { CODE("email"), MAIL "selfservice: {methods: {code: {passwordless_enabled: true}, password: {enabled: false}}}", NULL },
    { PASSWORD, MAIL PASSWORDLESS, "selfservice.methods.code.passwordless_enabled: no identity schema says where codes go" },
    { PASSWORD ", \"recovery\": {\"via\": \"email\"}", MAIL
      "selfservice: {methods: {code: {passwordless_enabled: true, config: {missing_credential_fallback_enabled: true}}}}", NULL },
    { PASSWORD ", \"recovery\": {\"via\": \"email\"}", "selfservice: {flows: {recovery: {enabled: true}}}",
      "selfservice.flows.recovery.enabled: recovery goes by mail, and nothing carries it" },
    { PASSWORD ", \"recovery\": {\"via\": \"email\"}", MAIL "selfservice: {flows: {recovery: {enabled: true}}}", NULL },
    { PASSWORD ", \"recovery\": {\"via\": \"email\"}", "courier: {smtp: {connection_uri: 'file:///var/mail'}}\n"
      "selfservice: {flows: {recovery: {enabled: true}}}", NULL },
    { PASSWORD ", \"recovery\": {\"via\": \"email\"}",
      "courier: {delivery_strategy: http, http: {request_config: {url: 'http://127.0.0.1:1/'}}}\n"
      "selfservice: {flows: {recovery: {enabled: true}}}", NULL },
    { PASSWORD, MAIL "selfservice: {flows: {recovery: {enabled: true}}}",
      "selfservice.flows.recovery.enabled: no identity schema has an address for it" },
    { PASSWORD ", \"verification\": {\"via\": \"email\"}", "selfservice: {flows: {verification: {enabled: true}}}",
      "selfservice.flows.verification.enabled: verification goes by mail" },
    { PASSWORD ", \"verification\": {\"via\": \"sms\"}", MAIL "selfservice: {flows: {verification: {enabled: true}}}",
      "selfservice.flows.verification.enabled: verification goes by text message" },
    { PASSWORD, MAIL "selfservice: {flows: {verification: {enabled: true}}}", "selfservice.flows.verification.enabled: no identity" },
    { CODE("email"), PASSWORDLESS, "selfservice.methods.code.passwordless_enabled: the code goes by mail" },
    { BOTH("email"), SECOND ENDS, "selfservice.methods.code.mfa_enabled: the code goes by mail" },
    { BOTH("sms"), MAIL SECOND ENDS, "selfservice.methods.code.mfa_enabled: the code goes by text message" },
    { BOTH("email"), MAIL SECOND ENDS, NULL },
    { BOTH("email") ", \"recovery\": {\"via\": \"email\"}", MAIL SECOND ENDS, NULL },
    { BOTH("email") ", \"recovery\": {\"via\": \"email\"}", MAIL SECOND RECOVERY ENDS,
      "selfservice.methods.code.mfa_enabled: with selfservice.flows.recovery.enabled one mailbox is both factors" },
    { CODE("sms"), MAIL PASSWORDLESS, "selfservice.methods.code.passwordless_enabled: the code goes by text message" },
    { PASSWORD, PASSKEYS, "selfservice.methods.passkey.enabled: no identity schema says what a passkey is called after" },
    { "\"credentials\": {\"password\": {\"identifier\": true}, \"passkey\": {\"display_name\": true}}", PASSKEYS, NULL },
    { PASSWORD, KEYS_FIRST, "selfservice.methods.webauthn.config.passwordless: no identity schema says by which name" },
};

static void test_what_is_on_and_nobody_could_use_is_told(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(PEOPLE); i++) {
        good(w, with_schema(w, PEOPLE[i].extension, PEOPLE[i].more));
        if (PEOPLE[i].told ? !says(w, 0, PEOPLE[i].told) : w->findings->nelts != 0)
            fail_msg("%s, %s: %s", PEOPLE[i].extension, PEOPLE[i].more, all_findings(w));
    }
}

static void test_a_port_that_begins_otherwise_is_told(void **state)
{
    static const struct {
        const char *uri, *told;
    } cases[] = {
        { "smtps://u:hidden@mail.example.org:587/", "write smtp://" },
        { "smtps://mail.example.org:25/", "write smtp://" },
        { "smtp://u:hidden@mail.example.org:465/", "write smtps://" },
        { "smtp://mail.example.org:465/?disable_starttls=true", "write smtps://" },
        { "smtp://mail.example.org:587/", NULL },
        { "smtp://mail.example.org/", NULL },
        { "smtps://mail.example.org/", NULL },
        { "smtps://mail.example.org:465/", NULL },
        { "smtps://mail.example.org:8465/", NULL },
    };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(cases); i++) {
        good(w, apr_psprintf(w->pool, "courier: {smtp: {connection_uri: '%s'}}", cases[i].uri));
        if (cases[i].told ? !says(w, 0, cases[i].told) : w->findings->nelts != 0) fail_msg("%s: %s", cases[i].uri, all_findings(w));
        assert_null(strstr(all_findings(w), "hidden"));
    }
}

static void test_a_star_is_no_wildcard_in_a_path_or_a_page(void **state)
{
    world_t *w = *state;

    good(w, "selfservice: {allowed_return_urls: ['https://a.example/*', 'https://b.example/x/*', 'https://*.c.example/']}");
    assert_true(says(w, 0, "allowed_return_urls[0]: \"https://a.example/*\": a * in a path is a star and no wildcard"));
    assert_true(says(w, 0, "write https://a.example/, which allows"));
    assert_true(says(w, 0, "write https://b.example/x/, which allows"));
    assert_false(says(w, 0, "c.example"));
    refused(w, "selfservice: {flows: {login: {ui_url: 'https://*.example.org/login'}}}", "has a * in its host");
    refused(w, "serve: {public: {base_url: 'https://*.example.org/'}}", "has a * in its host");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_secrets_that_everybody_knows_stop_the_server),
        TEST(test_so_do_those_of_other_uses),
        TEST(test_secrets_of_chance_are_taken),
        TEST(test_a_url_with_an_unfilled_placeholder_stops_the_server),
        TEST(test_so_does_a_password_for_other_services),
        TEST(test_dollars_that_are_no_placeholder_are_taken),
        TEST(test_no_list_of_origins_gives_every_origin_credentials),
        TEST(test_origins_that_are_safe_are_taken),
        TEST(test_what_is_on_and_nobody_could_use_is_told),
        TEST(test_a_port_that_begins_otherwise_is_told),
        TEST(test_a_star_is_no_wildcard_in_a_path_or_a_page),
        TEST(test_a_star_alone_is_for_what_needs_no_cookie_and_says_so),
    };

    apr_initialize();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
