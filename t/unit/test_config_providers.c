/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner must say of each kind of provider, and what is said when they do not. */
#include "config_env.h"

#define PEM                                                                                                            \
    "\"-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmMSpEVaCB31zxk5r\\n"              \
    "279MG5sPh1FOMUWNLvYS7wW9HzyhRANCAAS128fuck33aqTpRJziVK/Kd3uiEyhI\\n"                                              \
    "YfCabM8QX1vDsA4KEihsLayobNkRT2VybMqQ24GI66idLd9C3Xy3H4nS\\n-----END PRIVATE KEY-----\\n\""
/* On P-384: no key of Apple's. */
#define OTHER_PEM \
    "\"-----BEGIN PRIVATE KEY-----\\n" \
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDC2OOAUGJ88xtFlI6qJ\\n" \
    "wkQNr/Vm0pikYJdlMk/9qUnYi/uVs9x49ybqy2udoc/6jUahZANiAAQxofTn7QiW\\n" \
    "TPv8Fgi0m0JWKnjjCo6X0Mt+zZew4/pruFClrgHaYU4UBTQp0cU+XhMH2pDhA63q\\n" \
    "u5GfIBDdDwN1dOyEOlYtCQmwzSGYquWC5fs9Gx8ya8LsXc8DFlKnrSw=\\n" \
    "-----END PRIVATE KEY-----\\n\""
#define LIST(of) "selfservice: {methods: {oidc: {config: {providers: [" of "]}}}}\n"
#define USUAL "client_id: c, client_secret: s, mapper_url: 'base64://e30='"
#define APPLE "id: a, provider: apple, client_id: c, mapper_url: 'base64://e30=', apple_team_id: T"

static const kr_oidc_provider_conf_t *only(void **state, const char *more)
{
    kr_settings_t *settings = good(*state, more);

    assert_int_equal(settings->oidc.providers->nelts, 1);
    return &APR_ARRAY_IDX(settings->oidc.providers, 0, kr_oidc_provider_conf_t);
}

static const struct {
    const char *yaml, *told;
} MISTAKES[] = {
    { LIST("{id: a, provider: google, client_secret: s, mapper_url: 'base64://e30='}"), "providers[0]: needs a member \"client_id\"" },
    { LIST("{id: a, provider: google, client_id: '', client_secret: s, mapper_url: 'base64://e30='}"), "client_id: \"\" is shorter than 1" },
    { LIST("{id: a, provider: google, client_id: c, client_secret: s}"), "needs a member \"mapper_url\"" },
    { LIST("{id: a, provider: google, client_id: c, mapper_url: 'base64://e30='}"), "needs a member \"client_secret\", as its kind is google" },
    { LIST("{id: a, provider: google, client_id: c, client_secret: '', mapper_url: 'base64://e30='}"), "needs a member \"client_secret\"" },
    { LIST("{id: a, provider: generic, " USUAL "}"), "needs a member \"issuer_url\", as its kind is generic" },
    { LIST("{id: a, provider: auth0, " USUAL "}"), "needs a member \"issuer_url\", as its kind is auth0" },
    { LIST("{id: a, provider: salesforce, " USUAL "}"), "needs a member \"issuer_url\", as its kind is salesforce" },
    { LIST("{id: a, provider: microsoft, " USUAL "}"), "needs a member \"microsoft_tenant\", as its kind is microsoft" },
    { LIST("{id: a, provider: microsoft, microsoft_tenant: 'a/b', " USUAL "}"), "microsoft_tenant: is neither common" },
    { LIST("{id: a, provider: google, microsoft_tenant: common, " USUAL "}"), "microsoft_tenant: has no place where the kind is google" },
    { LIST("{id: a, provider: google, apple_private_key: x, " USUAL "}"), "apple_private_key: has no place where the kind is google" },
    { LIST("{" APPLE ", apple_private_key_id: K}"), "needs a member \"apple_private_key\", as its kind is apple" },
    { LIST("{" APPLE ", apple_private_key: " PEM "}"), "needs a member \"apple_private_key_id\"" },
    { LIST("{id: a, provider: apple, client_id: c, mapper_url: 'base64://e30=', apple_private_key_id: K, apple_private_key: " PEM "}"), "\"apple_team_id\"" },
    { LIST("{" APPLE ", apple_private_key_id: K, apple_private_key: " PEM ", client_secret: s}"), "client_secret: has no place where the kind is apple" },
    { LIST("{" APPLE ", apple_private_key_id: K, apple_private_key: text}"), "apple_private_key: is no private key in PEM form" },
    { LIST("{" APPLE ", apple_private_key_id: K, apple_private_key: " OTHER_PEM "}"), "apple_private_key: is no key on the curve P-256" },
    { LIST("{id: a, provider: amazon, pkce: auto, " USUAL "}"), "pkce: Amazon does not say" },
    { LIST("{id: a, provider: amazon, scope: [profile, email], " USUAL "}"), "scope: \"email\" is none of Amazon's" },
    { LIST("{id: a, provider: netid, fedcm_config_url: 'https://a.example/f', " USUAL "}"), "needs a member \"net_id_token_origin_header\"" },
    { LIST("{id: a, provider: github, fedcm_config_url: 'https://a.example/f', " USUAL "}"), "fedcm_config_url: has no place where the kind is github" },
    { LIST("{id: a, provider: google, fedcm_config_url: 'http://a.example/f', " USUAL "}"), "fedcm_config_url: is not https" },
    { LIST("{id: a, provider: google, fedcm_config_url: 'https://a.example/f', client_id: c, mapper_url: 'base64://e30='}"),
      "needs a member \"client_secret\", as its kind is google" },
    { LIST("{id: a, provider: google, fedcm_config_url: 'https://a.example/f', " USUAL "}, "
           "{id: b, provider: google, fedcm_config_url: 'https://a.example/g', " USUAL "}"),
      "providers[1]: has issuer and client_id of \"a\": what a browser brings of one of them could be of either" },
    { LIST("{id: a, provider: fedcm-test, " USUAL "}"), "provider: \"fedcm-test\" is not one of: github" },
    { LIST("{id: a, provider: google, " USUAL "}, {id: a, provider: github, " USUAL "}"), "providers[1]: another provider has the id \"a\"" },
    { LIST("{id: 'a/b', provider: google, " USUAL "}"), " stands in URLs: use letters" },
    { LIST("{id: 'a b', provider: google, " USUAL "}"), " stands in URLs: use letters" },
    { LIST("{id: 'a:b', provider: google, " USUAL "}"), " stands in URLs: use letters" },
    { LIST("{id: \"\xc3\xa4\", provider: google, " USUAL "}"), " stands in URLs: use letters" },
    { LIST("{id: '..', provider: google, " USUAL "}"), "\"..\" is no name" },
    { LIST("{id: a, provider: google, requested_claims: [email], " USUAL "}"), "requested_claims: must be an object" },
    { LIST("{id: a, provider: google, client_id: c, client_secret: s, mapper_url: 'https://a.example/m'}"), "mapper_url: the Jsonnet is not usable: is not fetched by HTTP" },
    { LIST("{id: a, provider: google, client_id: c, client_secret: s, mapper_url: 'file:///nowhere'}"), "mapper_url: the Jsonnet is not usable" },
    { LIST("{id: a, provider: google, client_id: c, client_secret: s, mapper_url: 'base64://ew=='}"), "mapper_url: the Jsonnet is not usable" },
    { "mod_kratos: {oidc: {timeout: 500ms}}\n", "mod_kratos.oidc.timeout: must be between 1s and 1m" },
    { "mod_kratos: {oidc: {timeout: 61s}}\n", "mod_kratos.oidc.timeout: must be between 1s and 1m" },
    { "mod_kratos: {oidc: {max_calls: 501}}\n", "mod_kratos.oidc.max_calls: 501 is not between 0 and 500" },
};

static void test_what_a_kind_needs_is_missed(void **state)
{
    for (int i = 0; i < KR_DIM(MISTAKES); i++) refused(*state, MISTAKES[i].yaml, MISTAKES[i].told);
}

static void test_a_key_is_repeated_in_no_message(void **state)
{
    world_t *w = *state;

    refused(w, LIST("{" APPLE ", apple_private_key_id: K, apple_private_key: 'the secret key'}"), "is no private key");
    assert_false(says(w, 1, "the secret key"));
}

static void test_each_kind_starts_with_what_it_needs(void **state)
{
    static const char *const KINDS[] = { "github", "github-app", "gitlab", "google", "discord", "slack", "facebook", "vk", "yandex", "spotify", "netid", "dingtalk",
                                         "patreon", "line", "linkedin", "linkedin_v2", "lark", "amazon", "uaepass", "x" };
    world_t *w = *state;
    const kr_oidc_provider_conf_t *conf;

    for (int i = 0; i < KR_DIM(KINDS); i++) {
        conf = only(state, apr_psprintf(w->pool, LIST("{id: a, provider: %s, " USUAL "}"), KINDS[i]));
        assert_string_equal(conf->provider, KINDS[i]);
        assert_non_null(conf->mapper);
        assert_true(conf->discovery && conf->share);
        assert_string_equal(conf->pkce, !strcmp(KINDS[i], "amazon") ? "never" : !strcmp(KINDS[i], "uaepass") ? "force" : "auto");
    }
    conf = only(state, LIST("{" APPLE ", apple_private_key_id: K, apple_private_key: " PEM "}"));
    assert_non_null(conf->apple_key);
    only(state, LIST("{id: a, provider: microsoft, microsoft_tenant: contoso.onmicrosoft.com, " USUAL "}"));
    only(state, LIST("{id: a, provider: generic, issuer_url: 'https://a.example', " USUAL "}"));
    assert_string_equal(only(state, LIST("{id: a, provider: amazon, pkce: force, " USUAL "}"))->pkce, "force");
    assert_string_equal(only(state, LIST("{id: a, provider: uaepass, pkce: never, " USUAL "}"))->pkce, "never");
}

static void test_a_site_that_browsers_ask_needs_no_secret_and_is_used_in_no_other_way_then(void **state)
{
    static const char *const YAML[] = {
        LIST("{id: a, provider: generic, issuer_url: 'https://a.example', fedcm_config_url: 'https://a.example/f', client_id: c, mapper_url: 'base64://e30='}"),
        LIST("{id: a, provider: generic, issuer_url: 'https://a.example', fedcm_config_url: 'http://localhost:8080/f', " USUAL "}"),
        LIST("{id: a, provider: google, fedcm_config_url: 'https://a.example/f', " USUAL "}"),
        LIST("{id: a, provider: google, " USUAL "}"),
    };

    for (int i = 0; i < KR_DIM(YAML); i++) assert_int_equal(only(state, YAML[i])->fedcm_alone, i == 0);
}

static void test_what_has_no_effect_is_told(void **state)
{
    world_t *w = *state;

    good(w, LIST("{id: a, provider: google, issuer_url: 'https://a.example', " USUAL "}"));
    assert_true(says(w, 0, "issuer_url: has no effect"));
    good(w, LIST("{id: a, provider: generic, issuer_url: 'https://a.example', auth_url: 'https://a.example/a', token_url: 'https://a.example/t', " USUAL "}"));
    assert_true(says(w, 0, "auth_url: has no effect"));
    assert_true(says(w, 0, "token_url: has no effect"));
    good(w, LIST("{id: a, provider: generic, issuer_url: 'http://a.example', " USUAL "}"));
    assert_true(says(w, 0, "issuer_url: is not encrypted"));
    good(w, LIST("{id: a, provider: generic, issuer_url: 'http://127.0.0.1:8080', " USUAL "}"));
    assert_false(says(w, 0, "is not encrypted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_kind_needs_is_missed),
        TEST(test_a_key_is_repeated_in_no_message),
        TEST(test_each_kind_starts_with_what_it_needs),
        TEST(test_a_site_that_browsers_ask_needs_no_secret_and_is_used_in_no_other_way_then),
        TEST(test_what_has_no_effect_is_told),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("config of providers", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
