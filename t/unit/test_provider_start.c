/* SPDX-License-Identifier: Apache-2.0 */
/* Where browsers are sent, and by whom they may be sent back. */
#include "provider_env.h"

#define DOCUMENT ISSUER "/.well-known/openid-configuration"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* RFC 7636, appendix B */

static int pkce;

/* The URL; `upstream` is stolen. */
static const char *leads_to(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *upstream, int again)
{
    const kr_provider_start_t start = { .state = "the state", .redirect_uri = BACK, .nonce = "the nonce", .upstream = kr_json_own(env->pool, upstream),
                                        .again = again, .verifier = VERIFIER };
    const char *url;

    OK(kr_provider_auth_url(&url, &pkce, env->k, conf, &start));
    return url;
}

static void is(net_env_t *env, const char *url, const char *name, const char *value)
{
    const char *got = query(env, url, name);

    if (!value && got) fail_msg("%s is %s in %s", name, got, url);
    if (value && (!got || strcmp(got, value) != 0)) fail_msg("%s is %s and not %s in %s", name, got, value, url);
}

/* The document with more in it; `more` is stolen. */
static void document(net_env_t *env, json_t *more)
{
    json_t *all = json_pack("{s:s,s:s,s:s,s:s,s:s}", "issuer", ISSUER, "authorization_endpoint", ISSUER "/authorize", "token_endpoint",
                            ISSUER "/token", "userinfo_endpoint", ISSUER "/userinfo", "jwks_uri", ISSUER "/jwks");

    json_object_update(all, more);
    json_decref(more);
    env->conf->discovery = kr_document_make(env->pool);
    place(env, DOCUMENT, 200, kr_json_dump(env->pool, kr_json_own(env->pool, all), NULL));
}

/* -- the URL ------------------------------------------------------------------------------ */

static void a_browser_is_sent_with_all_that_the_provider_needs(void **state)
{
    net_env_t *env = *state;
    const char *url;

    scopes(env, env->conf, "email profile");
    url = leads_to(env, env->conf, NULL, 0);
    assert_int_equal(strncmp(url, ISSUER "/authorize?", strlen(ISSUER "/authorize?")), 0);
    is(env, url, "client_id", CLIENT);
    is(env, url, "redirect_uri", BACK);
    is(env, url, "response_type", "code");
    is(env, url, "scope", "email profile openid");
    is(env, url, "state", "the state");
    is(env, url, "nonce", "the nonce");
    is(env, url, "code_challenge", CHALLENGE);
    is(env, url, "code_challenge_method", "S256");
    is(env, url, "prompt", NULL);
    is(env, url, "claims", NULL);
    is(env, url, "client_secret", NULL);
    assert_true(pkce);
}

static void a_scope_that_is_there_is_not_added(void **state)
{
    net_env_t *env = *state;

    scopes(env, env->conf, "openid email");
    is(env, leads_to(env, env->conf, NULL, 0), "scope", "openid email");
    scopes(env, env->conf, "");
    is(env, leads_to(env, env->conf, NULL, 0), "scope", "openid");
}

/* What an authorization endpoint carries of its own stays (RFC 6749 3.1). */
static void a_place_with_a_query_keeps_it(void **state)
{
    net_env_t *env = *state;
    const char *url;

    document(env, json_pack("{s:s}", "authorization_endpoint", ISSUER "/authorize?p=B2C_1_signin"));
    url = leads_to(env, env->conf, NULL, 0);
    is(env, url, "p", "B2C_1_signin");
    is(env, url, "client_id", CLIENT);
}

static void claims_are_asked_for_as_they_are_written(void **state)
{
    net_env_t *env = *state;

    env->conf->requested_claims = kr_json_pack(env->pool, "{s:{s:n}}", "id_token", "email");
    is(env, leads_to(env, env->conf, NULL, 0), "claims", "{\"id_token\":{\"email\":null}}");
}

/* -- what clients wish ------------------------------------------------------------------- */

static void wishes_are_handed_on_but_for_what_decides(void **state)
{
    static const char *const DROPPED[] = { "login_hint", "redirect_uri", "client_id", "state", "code_challenge", "response_type", "scope", "nonce", "claims", "request" };
    net_env_t *env = *state;
    json_t *wishes = json_pack("{s:s,s:s,s:s,s:s}", "hd", "a.example", "prompt", "select_account", "auth_type", "reauthenticate", "acr_values", "gold silver");
    const char *url;

    for (int i = 0; i < KR_DIM(DROPPED); i++) json_object_set_new(wishes, DROPPED[i], json_string("evil"));
    url = leads_to(env, env->conf, wishes, 0);
    assert_null(strstr(url, "evil"));
    is(env, url, "hd", "a.example");
    is(env, url, "prompt", "select_account");
    is(env, url, "auth_type", "reauthenticate");
    is(env, url, "acr_values", "gold silver");
}

static void wishes_that_are_no_text_are_none(void **state)
{
    net_env_t *env = *state;

    is(env, leads_to(env, env->conf, json_pack("{s:[s]}", "prompt", "none"), 0), "prompt", NULL);
    is(env, leads_to(env, env->conf, json_pack("[s]", "prompt"), 0), "prompt", NULL);
}

static void who_is_to_prove_it_once_more_does_whatever_they_wish(void **state)
{
    net_env_t *env = *state;

    is(env, leads_to(env, env->conf, NULL, 1), "prompt", "login");
    is(env, leads_to(env, env->conf, json_pack("{s:s}", "prompt", "none"), 1), "prompt", "login");
}

/* -- proof keys --------------------------------------------------------------------------------- */

static void proof_keys_are_sent_as_settings_and_document_say(void **state)
{
    static const struct { const char *setting, *method; int sent; } ALL[] = {
        { "auto", "S256", 1 }, { "auto", "plain", 0 }, { "force", "plain", 1 }, { "never", "S256", 0 },
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        document(env, json_pack("{s:[s]}", "code_challenge_methods_supported", ALL[i].method));
        env->conf->pkce = ALL[i].setting;
        is(env, leads_to(env, env->conf, NULL, 0), "code_challenge", ALL[i].sent ? CHALLENGE : NULL);
        assert_int_equal(pkce, ALL[i].sent);
    }
}

/* -- its document ------------------------------------------------------------------------------------ */

static void a_document_that_is_wrong_leads_nowhere(void **state)
{
    net_env_t *env = *state;
    const kr_provider_start_t start = { .state = "s", .redirect_uri = BACK };
    json_t *all[] = {
        json_pack("{s:s}", "issuer", ISSUER "/"), json_pack("{s:s}", "issuer", "https://evil.example"), json_pack("{s:n}", "issuer"),
        json_pack("{s:n}", "authorization_endpoint"), json_pack("{s:s}", "authorization_endpoint", "javascript:alert(1)"),
        json_pack("{s:s}", "token_endpoint", "file:///etc/passwd"), json_pack("{s:s}", "jwks_uri", "/jwks"), json_pack("{s:i}", "jwks_uri", 1),
        json_pack("{s:s}", "userinfo_endpoint", "ftp://op.example/"),
    };
    const char *url;
    kr_err_t *err;

    for (int i = 0; i < KR_DIM(all); i++) {
        document(env, all[i]);
        err = kr_provider_auth_url(&url, &pkce, env->k, env->conf, &start);
        not_taken(err, 500, "acme");
        assert_string_equal(err->id, "invalid_configuration");
        assert_null(url);
    }
}

static void an_issuer_with_a_slash_at_its_end_has_one_document(void **state)
{
    net_env_t *env = *state;

    env->conf->issuer_url = ISSUER "/";
    document(env, json_pack("{s:s}", "issuer", ISSUER "/"));
    leads_to(env, env->conf, NULL, 0);
    assert_int_equal(hits(env, DOCUMENT), 1);
}

/* -- iss of callbacks ---------------------------------------------------------------------------------- */

static void an_answer_names_its_issuer_rightly_or_not_at_all(void **state)
{
    net_env_t *env = *state;

    OK(kr_provider_check_iss(env->k, env->conf, NULL));
    OK(kr_provider_check_iss(env->k, env->conf, ISSUER));
    not_taken(kr_provider_check_iss(env->k, env->conf, "https://evil.example"), 400, "provider that was asked");
    not_taken(kr_provider_check_iss(env->k, env->conf, ISSUER "/"), 400, "provider that was asked");
    not_taken(kr_provider_check_iss(env->k, env->conf, ""), 400, "provider that was asked");
    document(env, json_pack("{s:b}", "authorization_response_iss_parameter_supported", 1));
    OK(kr_provider_check_iss(env->k, env->conf, ISSUER));
    not_taken(kr_provider_check_iss(env->k, env->conf, NULL), 400, "provider that was asked");
}

/* Of a provider that has no issuer nothing can be compared. */
static void what_has_no_issuer_may_name_any(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *microsoft = provider(env, "microsoft");

    OK(kr_provider_check_iss(env->k, provider(env, "github"), "https://github.com/login/oauth"));
    microsoft->microsoft_tenant = "common";
    OK(kr_provider_check_iss(env->k, microsoft, "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"));
    not_taken(kr_provider_check_iss(env->k, microsoft, "https://login.microsoftonline.com/common/v2.0"), 400, "");
    not_taken(kr_provider_check_iss(env->k, microsoft, "https://evil.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"), 400, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_browser_is_sent_with_all_that_the_provider_needs),
        NET_TEST(a_scope_that_is_there_is_not_added),
        NET_TEST(a_place_with_a_query_keeps_it),
        NET_TEST(claims_are_asked_for_as_they_are_written),
        NET_TEST(wishes_are_handed_on_but_for_what_decides),
        NET_TEST(wishes_that_are_no_text_are_none),
        NET_TEST(who_is_to_prove_it_once_more_does_whatever_they_wish),
        NET_TEST(proof_keys_are_sent_as_settings_and_document_say),
        NET_TEST(a_document_that_is_wrong_leads_nowhere),
        NET_TEST(an_issuer_with_a_slash_at_its_end_has_one_document),
        NET_TEST(an_answer_names_its_issuer_rightly_or_not_at_all),
        NET_TEST(what_has_no_issuer_may_name_any),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("ways to a provider", tests, make_keys, NULL);
    apr_terminate();
    return failed;
}
