/* SPDX-License-Identifier: Apache-2.0 */
/* X, which speaks OAuth 1.0a: what is signed and how, and that nobody comes in without a verifier. */
#include "../../src/provider/provider.h"
#include "provider_env.h"

#define API "https://api.twitter.com/"

static kr_provider_person_t person;

/* -- signatures ------------------------------------------------------------------------ */

static const char *signature(net_env_t *env, const char *method, const char *url, const char *const fields[][2], const char *secret, const char *token_secret)
{
    apr_array_header_t *list = apr_array_make(env->pool, 8, sizeof(kr_pair_t));

    for (int i = 0; fields[i][0]; i++) APR_ARRAY_PUSH(list, kr_pair_t) = (kr_pair_t){ fields[i][0], fields[i][1] };
    return kr_oauth1_signature(env->pool, method, url, list, secret, token_secret);
}

/* The last one of RFC 5849 1.2, and one with all that is escaped, computed by another program. */
static void signatures_are_those_of_the_standard(void **state)
{
    static const char *const FIRST[][2] = {
        { "oauth_consumer_key", "dpf43f3p2l4k3l03" }, { "oauth_token", "nnch734d00sl2jdk" }, { "oauth_signature_method", "HMAC-SHA1" },
        { "oauth_timestamp", "137131202" }, { "oauth_nonce", "chapoH" }, { "file", "vacation.jpg" }, { "size", "original" }, { NULL, NULL },
    };
    static const char *const SECOND[][2] = {
        { "status", "Hello Ladies + Gentlemen, a signed OAuth request!" }, { "include_entities", "true" }, { "oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog" },
        { "oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg" }, { "oauth_signature_method", "HMAC-SHA1" }, { "oauth_timestamp", "1318622958" },
        { "oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb" }, { "oauth_version", "1.0" }, { NULL, NULL },
    };
    net_env_t *env = *state;

    assert_string_equal(signature(env, "GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", FIRST, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00"),
                        "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    assert_string_equal(signature(env, "POST", "https://api.twitter.com/1.1/statuses/update.json?include_entities=true", SECOND,
                                  "kAcSOqF21Fu85e7zjz7ZN2U4ZRhv3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtW2YPi5kE"),
                        "PbAl9a1LeN7aGskN8IHCl2EIIYs=");
}

/* -- there ---------------------------------------------------------------------------------- */

static kr_err_t *start(net_env_t *env, const kr_oidc_provider_conf_t *conf, const char **url)
{
    const kr_provider_start_t wanted = { .state = "the state", .redirect_uri = BACK, .verifier = "v", .nonce = "n" };
    int pkce;
    kr_err_t *err = kr_provider_auth_url(url, &pkce, env->k, conf, &wanted);

    assert_false(pkce);
    return err;
}

/* A field of the header, unescaped. */
static const char *in_header(net_env_t *env, const call_t *call, const char *name)
{
    const char *header = apr_table_get(call->headers, "Authorization"), *at = strstr(header, apr_pstrcat(env->pool, name, "=\"", NULL));

    if (!at) return NULL;
    at += strlen(name) + 2;
    return kr_url_unescape(env->pool, apr_pstrmemdup(env->pool, at, strcspn(at, "\"")), 0);
}

static void a_browser_is_sent_with_a_token_that_was_asked_for(void **state)
{
    net_env_t *env = *state;
    const call_t *call;
    const char *url;

    place(env, API "oauth/request_token", 200, "oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=true");
    OK(start(env, provider(env, "x"), &url));
    assert_string_equal(url, API "oauth/authenticate?oauth_token=rt");
    call = call_to(env, API "oauth/request_token");
    assert_string_equal(call->method, "POST");
    assert_string_equal(in_header(env, call, "oauth_callback"), BACK "?state=the%20state&code=unused");
    assert_string_equal(in_header(env, call, "oauth_consumer_key"), CLIENT);
    assert_int_equal(strlen(in_header(env, call, "oauth_signature")), 28);
    assert_null(strstr(apr_table_get(call->headers, "Authorization"), SECRET));
}

static void a_token_that_does_not_come_leads_nowhere(void **state)
{
    static const struct { int status; const char *body; } ALL[] = {
        { 0, "" }, { 401, "oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=true" }, { 200, "" }, { 200, "{}" }, { 200, "oauth_token=rt&oauth_callback_confirmed=true" },
        { 200, "oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=false" }, { 200, "oauth_token=rt&oauth_token_secret=rs" }, { 200, "oauth_token=&oauth_token_secret=rs&oauth_callback_confirmed=true" },
        { 200, "oauth_token=%&oauth_token_secret=rs&oauth_callback_confirmed=true" },
    };
    net_env_t *env = *state;
    const char *url;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        place(env, API "oauth/request_token", ALL[i].status, ALL[i].body);
        not_taken(start(env, provider(env, "x"), &url), 502, "");
    }
}

static void its_start_needs_a_share_as_well(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "x");
    const char *url;
    int place_taken;

    place(env, API "oauth/request_token", 200, "oauth_token=rt&oauth_token_secret=rs&oauth_callback_confirmed=true");
    place_taken = kr_share_take(conf->share, 0, apr_time_from_sec(60));
    OK(start(env, conf, &url));
    kr_share_take(conf->share, 0, apr_time_from_sec(60));
    not_taken(start(env, conf, &url), 503, "too many");
    kr_share_give(conf->share, place_taken);
    OK(start(env, conf, &url));
}

/* -- and back --------------------------------------------------------------------------------- */

static kr_err_t *come_back(net_env_t *env, const kr_oidc_provider_conf_t *conf, const char *token, const char *verifier)
{
    const kr_provider_back_t back = { .code = "unused", .redirect_uri = BACK, .oauth_token = token, .oauth_verifier = verifier };

    return kr_provider_redeem(&person, env->k, conf, &back);
}

static void a_verifier_becomes_a_person(void **state)
{
    net_env_t *env = *state;
    kr_oidc_provider_conf_t *conf = provider(env, "x");

    scopes(env, conf, "email");
    place(env, API "oauth/access_token", 200, "oauth_token=at&oauth_token_secret=as&user_id=1&screen_name=ada");
    place(env, API "1.1/account/verify_credentials.json", 200, "{\"id\":1,\"id_str\":\"1\",\"name\":\"Ada\",\"screen_name\":\"ada\",\"url\":null,\"email\":\"ada@x.example\",\"profile_image_url_https\":\"https://a/p\"}");
    OK(come_back(env, conf, "rt", "the verifier"));
    assert_string_equal(in_header(env, call_to(env, API "oauth/access_token"), "oauth_verifier"), "the verifier");
    assert_string_equal(in_header(env, call_to(env, API "oauth/access_token"), "oauth_token"), "rt");
    assert_string_equal(in_header(env, call_to(env, API "1.1/"), "oauth_token"), "at");
    assert_non_null(strstr(call_to(env, API "1.1/")->url, "?include_email=true"));
    assert_null(in_header(env, call_to(env, API "1.1/"), "include_email"));
    assert_string_equal(person.subject, "1");
    assert_string_equal(kr_json_str(person.claims, "iss"), API "1.1/account/verify_credentials.json?include_email=true");
    assert_string_equal(kr_json_str(person.claims, "preferred_username"), "ada");
    assert_string_equal(kr_json_str(person.claims, "email"), "ada@x.example");
    assert_null(json_object_get(person.claims, "email_verified"));
    scopes(env, conf, "");
    OK(come_back(env, conf, "rt", "v"));
    assert_null(strchr(call_to(env, API "1.1/")->url, '?'));
}

static void nobody_comes_in_without_a_verifier(void **state)
{
    net_env_t *env = *state;
    const kr_oidc_provider_conf_t *conf = provider(env, "x");

    not_taken(come_back(env, conf, NULL, NULL), 400, "called off"); /* `denied` comes instead */
    not_taken(come_back(env, conf, "rt", NULL), 400, "called off");
    not_taken(come_back(env, conf, NULL, "v"), 400, "called off");
    assert_int_equal(env->calls->nelts, 0);
    place(env, API "oauth/access_token", 401, "oauth_token=at&oauth_token_secret=as");
    not_taken(come_back(env, conf, "rt", "v"), 502, "");
    place(env, API "oauth/access_token", 200, "oauth_token=at&oauth_token_secret=as");
    place(env, API "1.1/", 200, "{}");
    not_taken(come_back(env, conf, "rt", "v"), 502, "");
    place(env, API "1.1/", 200, "[]");
    not_taken(come_back(env, conf, "rt", "v"), 502, "");
    place(env, API "1.1/", 403, "{\"id_str\":\"1\"}");
    not_taken(come_back(env, conf, "rt", "v"), 502, "");
    assert_null(person.subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(signatures_are_those_of_the_standard),
        NET_TEST(a_browser_is_sent_with_a_token_that_was_asked_for),
        NET_TEST(a_token_that_does_not_come_leads_nowhere),
        NET_TEST(its_start_needs_a_share_as_well),
        NET_TEST(a_verifier_becomes_a_person),
        NET_TEST(nobody_comes_in_without_a_verifier),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("OAuth 1.0a", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
