/* SPDX-License-Identifier: Apache-2.0 */
/* Which ID tokens are believed. Each that is not differs from a good one in one thing. */
#include "provider_env.h"

static kr_err_t *believe(net_env_t *env, const char *text, const char *nonce)
{
    kr_provider_person_t person;

    return kr_provider_id_token(&person, env->k, env->conf, text, nonce);
}

/* -- good ones --------------------------------------------------------------------------- */

static void a_good_token_says_who_it_is(void **state)
{
    net_env_t *env = *state;
    kr_provider_person_t person;

    OK(kr_provider_id_token(&person, env->k, env->conf, token(env, env->conf, json_pack("{s:s,s:s,s:b,s:s}", "nonce", "n", "email", "ada@example.org",
                                                                                        "email_verified", 1, "shoe", "42")), "n"));
    assert_string_equal(person.subject, "ada");
    assert_string_equal(kr_json_str(person.claims, "iss"), ISSUER);
    assert_string_equal(kr_json_str(person.claims, "email"), "ada@example.org");
    assert_true(json_is_true(json_object_get(person.claims, "email_verified")));
    assert_string_equal(kr_json_str(person.claims, "raw_claims.shoe"), "42");
    assert_null(json_object_get(person.claims, "shoe"));
}

static void every_algorithm_of_the_list_is_taken(void **state)
{
    static const struct { const char *alg; key_e key; } ALL[] = {
        { "RS256", RSA_OURS }, { "RS384", RSA_OURS }, { "RS512", RSA_OURS }, { "PS256", RSA_OURS }, { "PS384", RSA_OURS }, { "PS512", RSA_OURS },
        { "ES256", EC_256 },  { "ES384", EC_384 }, { "ES512", EC_521 },
    };
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    for (int i = 0; i < KR_DIM(ALL); i++) {
        publish(env, "k", ALL[i].key, NULL);
        OK(believe(env, signed_by(env, ALL[i].key, ALL[i].alg, "k", claims), "n"));
    }
}

static void a_token_without_a_key_id_may_be_signed_by_any_key(void **state)
{
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    publish(env, "x", RSA_OTHER, "", RSA_OURS, NULL);
    OK(believe(env, signed_by(env, RSA_OURS, "RS256", NULL, claims), "n"));
    OK(believe(env, signed_by(env, RSA_OTHER, "RS256", NULL, claims), "n"));
    not_taken(believe(env, signed_by(env, EC_256, "ES256", NULL, claims), "n"), 403, "no key");
}

/* -- claims that are not ------------------------------------------------------------------- */

static void each_claim_that_is_not_right_is_refused(void **state)
{
    net_env_t *env = *state;
    const json_int_t now = apr_time_sec(env->k->now);
    const struct { json_t *more; const char *why; } ALL[] = {
        { json_pack("{s:n}", "iss"), "issuer" },
        { json_pack("{s:s}", "iss", ISSUER "/"), "issuer" },
        { json_pack("{s:s}", "iss", "https://OP.example"), "issuer" },
        { json_pack("{s:[s]}", "iss", ISSUER), "issuer" },
        { json_pack("{s:n}", "sub"), "subject" },
        { json_pack("{s:s}", "sub", ""), "subject" },
        { json_pack("{s:i}", "sub", 7), "subject" },
        { json_pack("{s:n}", "aud"), "audience" },
        { json_pack("{s:s}", "aud", ""), "audience" },
        { json_pack("{s:[]}", "aud"), "audience" },
        { json_pack("{s:s}", "aud", "client-2"), "audience" },
        { json_pack("{s:[s,s]}", "aud", "client-2", "client-11"), "audience" },
        { json_pack("{s:[i]}", "aud", 1), "audience" },
        { json_pack("{s:{s:s}}", "aud", CLIENT, CLIENT), "audience" },
        { json_pack("{s:[s,s],s:s}", "aud", CLIENT, "x", "azp", "x"), "party" },
        { json_pack("{s:s}", "azp", "client-2"), "party" },
        { json_pack("{s:[s]}", "azp", CLIENT), "party" },
        { json_pack("{s:n}", "exp"), "when it ends" },
        { json_pack("{s:s}", "exp", "9999999999"), "when it ends" },
        { json_pack("{s:I}", "exp", now), "ended" },
        { json_pack("{s:I}", "exp", now - 1), "ended" },
        { json_pack("{s:f}", "exp", (double)env->k->now / 1e6), "ended" },
        { json_pack("{s:I}", "exp", -now), "ended" },
        { json_pack("{s:I}", "nbf", now + 62), "future" },
        { json_pack("{s:s}", "nbf", "soon"), "future" },
        { json_pack("{s:I}", "iat", now + 62), "future" },
        { json_pack("{s:I}", "iat", now + 86400), "future" },
        { json_pack("{s:s}", "iat", "now"), "future" },
        { json_pack("{s:[s]}", "nonce", "n"), "nonce" },
    };

    for (int i = 0; i < KR_DIM(ALL); i++) {
        json_t *more = json_pack("{s:s}", "nonce", "n");

        json_object_update(more, ALL[i].more);
        json_decref(ALL[i].more);
        not_taken(believe(env, token(env, env->conf, more), "n"), 403, ALL[i].why);
    }
}

static void their_neighbours_are_taken(void **state)
{
    net_env_t *env = *state;
    const json_int_t now = apr_time_sec(env->k->now);
    json_t *all[] = {
        json_pack("{s:[s,s]}", "aud", "x", CLIENT),
        json_pack("{s:[s,s],s:s}", "aud", CLIENT, "x", "azp", CLIENT),
        json_pack("{s:s}", "azp", CLIENT),
        json_pack("{s:I}", "exp", now + 1),
        json_pack("{s:I,s:I}", "nbf", now + 59, "iat", now + 59),
        json_pack("{s:n}", "iat"),
        json_pack("{s:s}", "sub", "0"),
        json_pack("{s:s}", "sub", "a:b/c%20d?e \xc3\xa9"),
    };

    for (int i = 0; i < KR_DIM(all); i++) {
        json_object_set_new(all[i], "nonce", json_string("n"));
        OK(believe(env, token(env, env->conf, all[i]), "n"));
    }
}

/* The nonce of somebody else's token is as wrong as none. */
static void a_nonce_that_nobody_gave_is_refused(void **state)
{
    net_env_t *env = *state;

    static const char *const OTHERS[] = { "", "N", "n " };

    not_taken(believe(env, token(env, env->conf, json_pack("{s:s}", "nonce", "n")), NULL), 502, "nonce");
    not_taken(believe(env, token(env, env->conf, json_pack("{s:s}", "nonce", "n")), ""), 502, "nonce");
    not_taken(believe(env, token(env, env->conf, NULL), NULL), 502, "nonce"); /* this kind of provider has one always */
    not_taken(believe(env, token(env, env->conf, NULL), "n"), 502, "nonce");
    for (int i = 0; i < KR_DIM(OTHERS); i++)
        not_taken(believe(env, token(env, env->conf, json_pack("{s:s}", "nonce", OTHERS[i])), "n"), 502, "nonce");
}

static void additional_audiences_count_for_tokens_of_apps_alone(void **state)
{
    net_env_t *env = *state;
    apr_array_header_t *more = apr_array_make(env->pool, 1, sizeof(const char *));
    kr_provider_person_t person;
    const kr_provider_back_t back = { .code = "c", .redirect_uri = BACK };

    APR_ARRAY_PUSH(more, const char *) = "telephone";
    env->conf->additional_id_token_audiences = more;
    OK(believe(env, token(env, env->conf, json_pack("{s:s,s:s}", "aud", "telephone", "nonce", "n")), "n"));
    OK(believe(env, token(env, env->conf, json_pack("{s:s,s:s,s:s}", "aud", CLIENT, "azp", "telephone", "nonce", "n")), "n"));
    next_tokens(env, ISSUER "/token", token(env, env->conf, json_pack("{s:s}", "aud", "telephone")));
    not_taken(kr_provider_redeem(&person, env->k, env->conf, &back), 403, "audience");
}

/* -- signatures that are none ------------------------------------------------------------------ */

static const char *b64(net_env_t *env, const char *text)
{
    return kr_base64url(env->pool, text, strlen(text));
}

/* A token by hand. */
static const char *by_hand(net_env_t *env, const char *header, const char *signature)
{
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    return apr_pstrcat(env->pool, b64(env, header), ".", b64(env, kr_json_dump(env->pool, claims, NULL)), ".", signature, NULL);
}

static void no_signature_is_none_however_it_is_spelled(void **state)
{
    static const char *const NAMES[] = { "none", "None", "NONE", "nOnE", "none ", "", "no\\u006ee" };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(NAMES); i++) {
        const char *header = apr_psprintf(env->pool, "{\"alg\":\"%s\",\"kid\":\"k1\"}", NAMES[i]);

        not_taken(believe(env, by_hand(env, header, "AAAA"), "n"), 403, "algorithm");
        not_taken(believe(env, by_hand(env, header, ""), "n"), 403, "algorithm");
    }
    not_taken(believe(env, by_hand(env, "{\"kid\":\"k1\"}", "AAAA"), "n"), 403, "algorithm");
    not_taken(believe(env, by_hand(env, "{\"alg\":[\"RS256\"],\"kid\":\"k1\"}", "AAAA"), "n"), 403, "algorithm");
    not_taken(believe(env, by_hand(env, "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k1\"}", "AAAA"), "n"), 403, "cannot be read");
}

/* HMAC with what everybody knows, the public key in any of its forms, or with what our client knows. */
static void hmac_is_refused_whatever_its_key(void **state)
{
    static const char *const ALGS[] = { "HS256", "HS384", "HS512" };
    net_env_t *env = *state;
    json_t *public = kr_json_own(env->pool, jwk(RSA_OURS, "k1"));
    const char *const secrets[] = { SECRET, kr_json_dump(env->pool, public, NULL), kr_json_str(public, "n"), "" };
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    for (int i = 0; i < KR_DIM(secrets); i++) {
        for (int n = 0; n < KR_DIM(ALGS); n++) {
            cjose_jwk_t *secret = cjose_jwk_create_oct_spec((const uint8_t *)secrets[i], strlen(secrets[i]) ? strlen(secrets[i]) : 1, NULL);
            cjose_header_t *header = cjose_header_new(NULL);
            const char *text = kr_json_dump(env->pool, claims, NULL), *compact;
            cjose_jws_t *jws;

            cjose_header_set(header, "alg", ALGS[n], NULL);
            cjose_header_set(header, "kid", "k1", NULL);
            jws = cjose_jws_sign(secret, header, (const uint8_t *)text, strlen(text), NULL);
            assert_true(cjose_jws_export(jws, &compact, NULL));
            not_taken(believe(env, compact, "n"), 403, "algorithm");
            cjose_jws_release(jws);
            cjose_header_release(header);
            cjose_jwk_release(secret);
        }
    }
}

/* And where the provider itself publishes such a key. */
static void a_shared_key_among_the_published_ones_verifies_nothing(void **state)
{
    net_env_t *env = *state;

    place_json(env, ISSUER "/jwks", "{s:[{s:s,s:s,s:s}]}", "keys", "kty", "oct", "kid", "k1", "k", "c2VjcmV0");
    not_taken(believe(env, token(env, env->conf, json_pack("{s:s}", "nonce", "n")), "n"), 403, "no key");
}

static void a_header_that_brings_its_key_or_wants_what_nobody_knows_is_refused(void **state)
{
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));
    const struct { json_t *more; const char *why; } ALL[] = {
        { json_pack("{s:o}", "jwk", jwk(RSA_OURS, "k1")), "header" },
        { json_pack("{s:s}", "jku", "https://evil.example/jwks"), "header" },
        { json_pack("{s:s}", "x5u", "https://evil.example/cert"), "header" },
        { json_pack("{s:[s]}", "x5c", "MIIB"), "header" },
        { json_pack("{s:[s],s:i}", "crit", "exp", "exp", 1), "header" },
        { json_pack("{s:[]}", "crit"), "header" },
        { json_pack("{s:b}", "b64", 0), "header" },
        { json_pack("{s:n}", "crit"), "header" },
        { json_pack("{s:i}", "kid", 1), "key id" },
        { json_pack("{s:s}", "typ", "at+jwt"), "type" },
        { json_pack("{s:s}", "typ", "application/logout+JWT"), "type" },
        { json_pack("{s:s}", "typ", "JWT"), NULL },
        { json_pack("{s:s}", "x5t", "anything"), NULL }, /* names a key, and brings none */
    };

    for (int i = 0; i < KR_DIM(ALL); i++) {
        json_t *header = json_pack("{s:s,s:s}", "alg", "RS256", "kid", "k1");

        json_object_update(header, ALL[i].more);
        json_decref(ALL[i].more);
        if (ALL[i].why) not_taken(believe(env, with_header(env, header, claims), "n"), 403, ALL[i].why);
        else OK(believe(env, with_header(env, header, claims), "n"));
    }
    assert_int_equal(hits(env, "https://evil.example"), 0);
}

static void a_key_that_is_not_the_providers_is_refused(void **state)
{
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));
    const char *good = signed_by(env, RSA_OURS, "RS256", "k1", claims);
    char *bent;

    not_taken(believe(env, signed_by(env, RSA_OTHER, "RS256", "k1", claims), "n"), 403, "does not hold");
    not_taken(believe(env, signed_by(env, RSA_OTHER, "RS256", NULL, claims), "n"), 403, "no key");
    not_taken(believe(env, signed_by(env, RSA_OURS, "RS256", "k9", claims), "n"), 403, "no key");
    not_taken(believe(env, signed_by(env, RSA_OURS, "RS256", "", claims), "n"), 403, "no key");
    not_taken(believe(env, signed_by(env, EC_256, "ES256", "k1", claims), "n"), 403, "no key"); /* k1 is an RSA key */
    not_taken(believe(env, apr_pstrmemdup(env->pool, good, (apr_size_t)(strrchr(good, '.') + 1 - good)), "n"), 403, "does not hold");
    bent = apr_pstrdup(env->pool, good);
    bent[strlen(bent) - 20] = bent[strlen(bent) - 20] == 'A' ? 'B' : 'A';
    not_taken(believe(env, bent, "n"), 403, "does not hold");
}

static void a_key_for_something_else_or_too_small_is_refused(void **state)
{
    static const struct { const char *member, *value; } ALL[] = { { "use", "enc" }, { "alg", "RS512" }, { "alg", "RSA-OAEP" }, { "kty", "EC" } };
    net_env_t *env = *state;
    const char *text = token(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    for (int i = 0; i < KR_DIM(ALL); i++) {
        json_t *key = jwk(RSA_OURS, "k1");

        json_object_set_new(key, ALL[i].member, json_string(ALL[i].value));
        place_json(env, ISSUER "/jwks", "{s:[o]}", "keys", key);
        not_taken(believe(env, text, "n"), 403, "no key");
    }
    publish(env, "k1", RSA_SMALL, NULL);
    not_taken(believe(env, signed_by(env, RSA_SMALL, "RS256", "k1", claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"))), "n"), 403, "does not hold");
}

static void what_is_no_token_is_not_believed(void **state)
{
    net_env_t *env = *state;
    const char *good = token(env, env->conf, json_pack("{s:s}", "nonce", "n"));
    const char *const all[] = { "", ".", "..", "...", "a..", ".b.", "a.b", "a.b.c", "not.a.token", "{}.{}.{}", apr_pstrcat(env->pool, good, ".", NULL),
                                apr_pstrcat(env->pool, good, "=", NULL), apr_pstrcat(env->pool, good, "\n", NULL),
                                apr_pstrcat(env->pool, " ", good, NULL), apr_pstrcat(env->pool, b64(env, "[]"), ".", b64(env, "{}"), ".AAAA", NULL),
                                apr_pstrcat(env->pool, b64(env, "{}"), ".", b64(env, "[]"), ".AAAA", NULL) };

    for (int i = 0; i < KR_DIM(all); i++) not_taken(believe(env, all[i], "n"), 403, "cannot be read");
    assert_int_equal(env->calls->nelts, 0); /* nobody was asked for that */
}

/* -- rotation ------------------------------------------------------------------------------------ */

static void keys_are_asked_for_each_time_so_that_a_new_one_counts_and_a_withdrawn_one_does_not(void **state)
{
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));
    const char *old = signed_by(env, RSA_OURS, "RS256", "k1", claims), *new = signed_by(env, RSA_OTHER, "RS256", "k2", claims);

    OK(believe(env, old, "n"));
    not_taken(believe(env, new, "n"), 403, "no key");
    publish(env, "k1", RSA_OURS, "k2", RSA_OTHER, NULL);
    OK(believe(env, new, "n"));
    OK(believe(env, old, "n"));
    publish(env, "k2", RSA_OTHER, NULL);
    OK(believe(env, new, "n"));
    not_taken(believe(env, old, "n"), 403, "no key");
    assert_int_equal(hits(env, ISSUER "/jwks"), 6);
}

static void a_new_key_under_an_old_id_is_found_as_well(void **state)
{
    net_env_t *env = *state;
    const json_t *claims = claims_for(env, env->conf, json_pack("{s:s}", "nonce", "n"));

    OK(believe(env, signed_by(env, RSA_OURS, "RS256", "k1", claims), "n"));
    publish(env, "k1", RSA_OTHER, NULL);
    OK(believe(env, signed_by(env, RSA_OTHER, "RS256", "k1", claims), "n"));
    not_taken(believe(env, signed_by(env, RSA_OURS, "RS256", "k1", claims), "n"), 403, "does not hold");
}

static void a_set_that_cannot_be_had_is_the_providers_fault(void **state)
{
    static const struct { int status; const char *body; } ALL[] = {
        { 0, "" }, { 404, "{}" }, { 302, "" }, { 500, "" }, { 200, "" }, { 200, "<html>" }, { 200, "[]" }, { 200, "{}" }, { 200, "{\"keys\":{}}" }, { 200, "{\"keys\":[]}" },
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        place(env, ISSUER "/jwks", ALL[i].status, ALL[i].body);
        not_taken(believe(env, token(env, env->conf, json_pack("{s:s}", "nonce", "n")), "n"), 502, "");
    }
}

/* -- whose it is ------------------------------------------------------------------------------------ */

static void a_token_belongs_to_the_one_provider_that_it_fits(void **state)
{
    net_env_t *env = *state;
    apr_array_header_t *all = apr_array_make(env->pool, 3, sizeof(kr_oidc_provider_conf_t));
    const kr_oidc_provider_conf_t *google = provider(env, "google");
    const char *mine = token(env, env->conf, json_pack("{s:s}", "nonce", "n")), *theirs = token(env, env->conf, json_pack("{s:s}", "iss", "accounts.google.com"));
    kr_oidc_provider_conf_t twin = *env->conf;

    APR_ARRAY_PUSH(all, kr_oidc_provider_conf_t) = *env->conf;
    APR_ARRAY_PUSH(all, kr_oidc_provider_conf_t) = *google;
    assert_string_equal(kr_provider_of_token(env->k, all, mine)->id, "acme");
    assert_string_equal(kr_provider_of_token(env->k, all, theirs)->id, "google");
    assert_null(kr_provider_of_token(env->k, all, token(env, env->conf, json_pack("{s:s}", "iss", "https://a.example"))));
    assert_null(kr_provider_of_token(env->k, all, token(env, env->conf, json_pack("{s:s}", "aud", "x"))));
    assert_null(kr_provider_of_token(env->k, all, "opaque"));
    twin.client_id = "client-2";
    APR_ARRAY_PUSH(all, kr_oidc_provider_conf_t) = twin;
    assert_string_equal(kr_provider_of_token(env->k, all, mine)->id, "acme");
    APR_ARRAY_PUSH(all, kr_oidc_provider_conf_t) = *env->conf;
    assert_null(kr_provider_of_token(env->k, all, mine));
    assert_string_equal(kr_provider_nonce_of(env->k, mine), "n");
    assert_null(kr_provider_nonce_of(env->k, theirs));
    assert_null(kr_provider_nonce_of(env->k, "opaque"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_good_token_says_who_it_is),
        NET_TEST(every_algorithm_of_the_list_is_taken),
        NET_TEST(a_token_without_a_key_id_may_be_signed_by_any_key),
        NET_TEST(each_claim_that_is_not_right_is_refused),
        NET_TEST(their_neighbours_are_taken),
        NET_TEST(a_nonce_that_nobody_gave_is_refused),
        NET_TEST(additional_audiences_count_for_tokens_of_apps_alone),
        NET_TEST(no_signature_is_none_however_it_is_spelled),
        NET_TEST(hmac_is_refused_whatever_its_key),
        NET_TEST(a_shared_key_among_the_published_ones_verifies_nothing),
        NET_TEST(a_header_that_brings_its_key_or_wants_what_nobody_knows_is_refused),
        NET_TEST(a_key_that_is_not_the_providers_is_refused),
        NET_TEST(a_key_for_something_else_or_too_small_is_refused),
        NET_TEST(what_is_no_token_is_not_believed),
        NET_TEST(keys_are_asked_for_each_time_so_that_a_new_one_counts_and_a_withdrawn_one_does_not),
        NET_TEST(a_new_key_under_an_old_id_is_found_as_well),
        NET_TEST(a_set_that_cannot_be_had_is_the_providers_fault),
        NET_TEST(a_token_belongs_to_the_one_provider_that_it_fits),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("ID tokens", tests, make_keys, NULL);
    apr_terminate();
    return failed;
}
