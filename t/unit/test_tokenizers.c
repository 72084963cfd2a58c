/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of tokens, and the keys of their owners: what stops the server, what is warned of, and what is published. */
#include "config_env.h"

#include "kr_jwt.h"

#define X "\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"8RqO4fdNpN4vuRrn1mNcC_HBFSiAqveHrYwx8Qd6tyw\", "
#define Y "\"y\": \"eUtLTmXB5h6b-tBXfBV_JWT--tNfAtosh927p1CIVkc\""
#define D "\"d\": \"ib6gGM7kLn0wkT69TOLNjLKXBmbBhnH8Ldkg034TRtM\""
#define OTHER_D "\"d\": \"CjEC_q0SCFoRgdvwsXqQECFE_AJYJcwZ3pmPAdatWeM\""
#define ES "\"alg\": \"ES256\", \"kid\": \"a\""
#define GOOD "{" X Y ", " D ", " ES "}"
#define SECRET(alg, k) "{\"kty\": \"oct\", \"alg\": \"" alg "\", \"kid\": \"h\", \"k\": \"" k "\"}"
#define RSA_1024                                                                                                       \
    "{\"kty\": \"RSA\", \"alg\": \"RS256\", \"kid\": \"r\", \"n\": \"z2d3cCg5FxF2HIYlmvXUw_uh3bQO9DPrMcEopJHCDzPo9O7bOuvVDwEn0Uk"  \
    "YYYTS1OqspOv6V5t-D0WMlRL_6ZXnSQhRUWWxK68CDtHGS_FWv05Nn3U62F-dt9njf3CnAvtfO36LXzpQh-vJDKi-lAS4qpxGLTIb2NjphQcMhwU\", "   \
    "\"e\": \"AQAB\", \"d\": \"kGbMTKVkokABCPkJI6u22EDRQOfFZZbkUL7YikQFZcpRjn7i2lIqBAlc7KTEudjdZWqCi0zU_rv-96kHqR8SVxBb9ZGgr"  \
    "4uySu8fRKIfWfRv94MS4hX78pUX2TYWQfclQjvmcT38hIf8cowo48ht2dwm7vWesVfPzpbyq-qz1n0\", \"p\": \"_FnJ8olT6mvsxfXhTGlr7ScJzRV6"  \
    "LXZCQwUKpyIJKnJR7qYBcogc0f6N8klz7s_hhBkv9994tx0V2jTHdsfSIw\", \"q\": \"0mdIsDU4KMT8p20pZpKYSDglve7-1pIpdByVITWK0rf9wU8"  \
    "4xsw5Mqlt7xargiNsPhbvvxHXXn4-_7V1mgJwtw\"}"
#define SET(keys) "{\"keys\": [" keys "]}"

static const char *with_set(world_t *w, const char *jwks, const char *more)
{
    put_file(w, "broken.json", jwks);
    return apr_psprintf(w->pool, "session: {whoami: {tokenizer: {templates: {shop: {jwks_url: 'file://./broken.json'%s}}}}}", more);
}

static const struct {
    const char *jwks, *more, *told;
} REFUSED[] = {
    { "{", "", "templates.shop.jwks_url: the JWK set is not usable" },
    { "[]", "", "is no JWK set" },
    { "{}", "", "has a key, number 1, that is no JSON Web Key" },
    { "{\"keys\": {}}", "", "is no JWK set" },
    { SET("1"), "", "is no JSON Web Key" },
    { SET(GOOD ", {\"kty\": \"EC\"}"), "", "has a key, number 2, that is damaged" },
    { SET(GOOD ", {\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"AA\"}"), "", "none of RSA, EC, oct" },
    { SET("{" X "\"y\": \"AAAA\", " D "}"), "", "is damaged" },
    { SET(GOOD), ", claims_mapper_url: 'base64://e30gfQ=='", "templates.shop.claims_mapper_url: the Jsonnet is not usable: base64:1:" },
    { SET(GOOD), ", claims_mapper_url: 'http://a/b'", "is not fetched by HTTP" },
    { SET(GOOD), ", claims_mapper_url: 'file:///nowhere.jsonnet'", "cannot be read" },
    { SET(GOOD), ", subject_source: email", "subject_source" },
};

static void what_cannot_be_read_stops_the_server(void **state)
{
    for (int i = 0; i < KR_DIM(REFUSED); i++) refused(*state, with_set(*state, REFUSED[i].jwks, REFUSED[i].more), REFUSED[i].told);
    refused(*state, "session: {whoami: {tokenizer: {templates: {a: {ttl: 1m}}}}}", "templates.a: needs a member \"jwks_url\"");
    refused(*state, "session: {whoami: {tokenizer: {templates: {a: {jwks_url: 'https://a/b'}}}}}", "is not fetched by HTTP");
}

/* Each is warned of; `signs` says whether it signs all the same. */
static const struct {
    const char *jwks, *told;
    int signs;
} WARNED[] = {
    { SET(""), "the first key is missing", 0 },
    { SET("{" X Y ", " D ", \"kid\": \"a\"}"), "has no \"alg\"", 0 },
    { SET("{" X Y ", " D ", \"alg\": \"none\"}"), "that is none of RS, PS, ES, HS", 0 },
    { SET("{" X Y ", " D ", \"alg\": \"HS256\"}"), "of another type", 0 },
    { SET("{" X Y ", " D ", \"alg\": \"ES384\"}"), "on another curve", 0 },
    { SET("{" X Y ", " ES "}, " GOOD), "has no private half", 0 },
    { SET("{" X Y ", " OTHER_D ", " ES "}"), "not of one pair", 0 },
    { SET("{" X Y ", " D ", \"alg\": \"ES256\"}"), "key 1 has no \"kid\"", 1 },
    { SET(GOOD ", {" X Y ", " ES "}"), "key 2 has the \"kid\" of another one", 1 },
    { SET(SECRET("HS256", "c2hvcnQ")), "key 1 is short", 1 },
    { SET(SECRET("HS512", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODk")), "key 1 is short", 1 },
    { SET(RSA_1024), "key 1 is short", 1 },
};

static void what_cannot_sign_or_not_well_is_warned_of(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(WARNED); i++) {
        const kr_settings_t *s = good(w, with_set(w, WARNED[i].jwks, ", ttl: 1m"));
        const kr_signer_t *signer = APR_ARRAY_IDX(s->tokenizers, 0, kr_tokenizer_conf_t).signer;
        const char *token = kr_jwt_sign(w->pool, signer, kr_json_own(w->pool, json_object()));

        if (!says(w, 0, WARNED[i].told)) fail_msg("%s\ntold %s", WARNED[i].jwks, all_findings(w));
        if ((token != NULL) != WARNED[i].signs) fail_msg("%s: %s", WARNED[i].jwks, token ? token : "no token");
        assert_int_equal(kr_signer_unfit(signer) == NULL, WARNED[i].signs);
    }
}

static const char *const QUIET[] = {
    SET(GOOD), GOOD, SET(GOOD ", {" X Y ", \"kid\": \"b\"}"), SET(SECRET("HS256", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODk")),
};

static void good_keys_are_not_commented_on(void **state)
{
    for (int i = 0; i < KR_DIM(QUIET); i++) {
        good(*state, with_set(*state, QUIET[i], ", ttl: 1m"));
        if (says(*state, 0, "templates")) fail_msg("%s\ntold %s", QUIET[i], all_findings(*state));
    }
}

static void a_token_without_a_lifetime_is_warned_of(void **state)
{
    good(*state, with_set(*state, GOOD, ""));
    assert_true(says(*state, 0, "templates.shop.ttl: is missing or 0"));
    good(*state, with_set(*state, GOOD, ", ttl: 0s"));
    assert_true(says(*state, 0, "templates.shop.ttl: is missing or 0"));
}

static void public_halves_are_published_and_nothing_else(void **state)
{
    world_t *w = *state;
    const kr_settings_t *s = good(w, with_set(w, SET(GOOD ", " SECRET("HS256", "c2hvcnQ") ", " RSA_1024), ", ttl: 1m"));
    const kr_signer_t *signer = APR_ARRAY_IDX(s->tokenizers, 0, kr_tokenizer_conf_t).signer;
    const char *text = kr_json_dump(w->pool, kr_signer_jwks(w->pool, signer), NULL);

    assert_int_equal(json_array_size(json_object_get(kr_signer_jwks(w->pool, signer), "keys")), 2);
    assert_non_null(strstr(text, "8RqO4fdNpN4vuRrn1mNcC_HBFSiAqveHrYwx8Qd6tyw"));
    assert_non_null(strstr(text, "\"kid\":\"r\""));
    assert_null(strstr(text, "\"d\""));
    assert_null(strstr(text, "\"p\""));
    assert_null(strstr(text, "c2hvcnQ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_read_stops_the_server),
        TEST(what_cannot_sign_or_not_well_is_warned_of),
        TEST(good_keys_are_not_commented_on),
        TEST(a_token_without_a_lifetime_is_warned_of),
        TEST(public_halves_are_published_and_nothing_else),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("tokenizers", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
