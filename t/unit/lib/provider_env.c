/* SPDX-License-Identifier: Apache-2.0 */
/* An internet in an array. */
#include "provider_env.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

static net_env_t *current;

/* -- the internet --------------------------------------------------------------------- */

static place_t *place_of(const net_env_t *env, const char *url)
{
    place_t *found = NULL;

    for (int i = 0; i < env->places->nelts; i++) {
        place_t *each = &APR_ARRAY_IDX(env->places, i, place_t);

        if (!strncmp(url, each->url, strlen(each->url)) && (!found || strlen(each->url) >= strlen(found->url))) found = each;
    }
    return found;
}

kr_err_t *kr_net_call(kr_net_reply_t *out, kr_ctx_t *k, const kr_net_request_t *req)
{
    place_t *there = place_of(current, req->url);
    const call_t call = { req->method ? req->method : "GET", apr_pstrdup(current->pool, req->url),
                          req->body ? apr_pstrmemdup(current->pool, req->body, req->body_len) : NULL, req->headers, req->timeout, req->max_bytes };

    memset(out, 0, sizeof(*out));
    assert_ptr_equal(req->guard, &current->settings.guard); /* no call is left out */
    if (current->during) current->during();
    APR_ARRAY_PUSH(current->calls, call_t) = call;
    if (there) there->hits++;
    if (!there || !there->status) return kr_err(k, 502, "upstream_error", "nobody is there");
    out->status = there->status;
    out->body = apr_pstrdup(k->pool, there->body);
    out->body_len = strlen(there->body);
    return NULL;
}

void place(net_env_t *env, const char *url, int status, const char *body)
{
    place_t *there = place_of(env, url);

    if (!there || strcmp(there->url, url) != 0) {
        there = apr_array_push(env->places);
        *there = (place_t){ .url = apr_pstrdup(env->pool, url) };
    }
    there->status = status;
    there->body = apr_pstrdup(env->pool, body);
}

void place_json(net_env_t *env, const char *url, const char *fmt, ...)
{
    json_error_t error;
    json_t *made;
    va_list args;

    va_start(args, fmt);
    made = json_vpack_ex(&error, 0, fmt, args);
    va_end(args);
    if (!made) fail_msg("%s", error.text);
    place(env, url, 200, kr_json_dump(env->pool, kr_json_own(env->pool, made), NULL));
}

int hits(const net_env_t *env, const char *url)
{
    int n = 0;

    for (int i = 0; i < env->calls->nelts; i++) n += !strncmp(APR_ARRAY_IDX(env->calls, i, call_t).url, url, strlen(url));
    return n;
}

const call_t *call_to(const net_env_t *env, const char *url)
{
    for (int i = env->calls->nelts - 1; i >= 0; i--) {
        const call_t *call = &APR_ARRAY_IDX(env->calls, i, call_t);

        if (!strncmp(call->url, url, strlen(url))) return call;
    }
    fail_msg("nobody called %s", url);
    return NULL;
}

const char *field(const net_env_t *env, const call_t *call, const char *name)
{
    const char *why;

    return kr_form_get(kr_form_parse(env->pool, call->body, strlen(call->body), &why), name);
}

const char *query(net_env_t *env, const char *url, const char *name)
{
    const char *why, *begin = strchr(url, '?');

    assert_non_null(begin);
    return kr_form_get(kr_form_parse(env->pool, begin + 1, strlen(begin + 1), &why), name);
}

/* -- keys ------------------------------------------------------------------------------- */

static cjose_jwk_t *keys[KEYS];
static EVP_PKEY *rsa; /* that of RSA_OURS */

static cjose_jwk_t *jwk_of(const EVP_PKEY *key)
{
    static const char *const PARTS[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D };
    unsigned char bytes[3][256];
    int len[3];

    for (int i = 0; i < 3; i++) {
        BIGNUM *number = NULL;

        assert_int_equal(EVP_PKEY_get_bn_param(key, PARTS[i], &number), 1);
        len[i] = BN_bn2bin(number, bytes[i]);
        BN_free(number);
    }
    return cjose_jwk_create_RSA_spec(&(cjose_jwk_rsa_keyspec){ .n = bytes[0], .nlen = (size_t)len[0], .e = bytes[1], .elen = (size_t)len[1],
                                                              .d = bytes[2], .dlen = (size_t)len[2] }, NULL);
}

int make_keys(void **state)
{
    static const uint8_t E[] = { 1, 0, 1 };

    (void)state;
    rsa = EVP_RSA_gen(2048);
    keys[RSA_OURS] = jwk_of(rsa);
    keys[RSA_OTHER] = cjose_jwk_create_RSA_random(2048, E, 3, NULL);
    keys[RSA_SMALL] = cjose_jwk_create_RSA_random(1024, E, 3, NULL);
    keys[EC_256] = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
    keys[EC_384] = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_384, NULL);
    keys[EC_521] = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_521, NULL);
    return 0;
}

json_t *jwk(key_e key, const char *kid)
{
    char *text = cjose_jwk_to_json(keys[key], false, NULL);
    json_t *json = json_loads(text, 0, NULL);

    cjose_get_dealloc()(text);
    json_object_set_new(json, "use", json_string("sig"));
    if (kid) json_object_set_new(json, "kid", json_string(kid));
    return json;
}

void publish(net_env_t *env, ...)
{
    json_t *list = json_array();
    const char *kid;
    va_list args;

    va_start(args, env);
    while ((kid = va_arg(args, const char *))) {
        key_e key = (key_e)va_arg(args, int);

        json_array_append_new(list, jwk(key, *kid ? kid : NULL));
    }
    va_end(args);
    place_json(env, ISSUER "/jwks", "{s:o}", "keys", list);
}

/* -- tokens ------------------------------------------------------------------------------- */

/* A null over a member takes it away. */
static void lay_over(json_t *base, json_t *more)
{
    const char *name;
    json_t *value;

    json_object_foreach(more, name, value) {
        if (json_is_null(value)) json_object_del(base, name);
        else json_object_set(base, name, value);
    }
    json_decref(more);
}

json_t *claims_for(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *more)
{
    const json_int_t now = apr_time_sec(env->k->now);
    json_t *claims = kr_json_pack(env->pool, "{s:s,s:s,s:s,s:I,s:I}", "iss", conf->issuer_url ? conf->issuer_url : ISSUER, "aud",
                                  conf->client_id, "sub", "ada", "iat", now, "exp", now + 300);

    if (more) lay_over(claims, more);
    return claims;
}

const char *signed_by(net_env_t *env, key_e key, const char *alg, const char *kid, const json_t *claims)
{
    cjose_header_t *protected = cjose_header_new(NULL);
    const char *text = kr_json_dump(env->pool, claims, NULL), *compact;
    cjose_jws_t *jws;

    cjose_header_set(protected, "alg", alg, NULL);
    if (kid) cjose_header_set(protected, "kid", kid, NULL);
    jws = cjose_jws_sign(keys[key], protected, (const uint8_t *)text, strlen(text), NULL);
    assert_non_null(jws);
    assert_true(cjose_jws_export(jws, &compact, NULL));
    compact = apr_pstrdup(env->pool, compact);
    cjose_jws_release(jws);
    cjose_header_release(protected);
    return compact;
}

const char *with_header(net_env_t *env, json_t *header, const json_t *claims)
{
    const char *head = kr_json_dump(env->pool, kr_json_own(env->pool, header), NULL), *body = kr_json_dump(env->pool, claims, NULL);
    const char *text = apr_pstrcat(env->pool, kr_base64url(env->pool, head, strlen(head)), ".", kr_base64url(env->pool, body, strlen(body)), NULL);
    unsigned char signature[256];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    return apr_pstrcat(env->pool, text, ".", kr_base64url(env->pool, signature, len), NULL);
}

const char *token(net_env_t *env, const kr_oidc_provider_conf_t *conf, json_t *more)
{
    return signed_by(env, RSA_OURS, "RS256", "k1", claims_for(env, conf, more));
}

void next_tokens(net_env_t *env, const char *url, const char *id_token)
{
    place_json(env, url, "{s:s,s:s,s:s*}", "access_token", "at-1", "token_type", "bearer", "id_token", id_token);
}

/* -- set-up ---------------------------------------------------------------------------------- */

kr_oidc_provider_conf_t *provider(net_env_t *env, const char *kind)
{
    kr_oidc_provider_conf_t *conf = apr_pcalloc(env->pool, sizeof(*conf));
    const apr_array_header_t *none = apr_array_make(env->pool, 1, sizeof(const char *));

    *conf = (kr_oidc_provider_conf_t){
        .id = kind, .provider = kind, .client_id = CLIENT, .client_secret = SECRET, .scope = none, .additional_id_token_audiences = none,
        .aal2_acr_values = none, .aal2_amr_values = none, .claims_source = "id_token", .pkce = "auto", .subject_source = "userinfo",
        .discovery = kr_document_make(env->pool), .share = kr_share_make(env->pool),
    };
    return conf;
}

void scopes(net_env_t *env, kr_oidc_provider_conf_t *conf, const char *words)
{
    apr_array_header_t *list = apr_array_make(env->pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(env->pool, words), *word;

    while ((word = apr_strtok(rest, " ", &rest))) APR_ARRAY_PUSH(list, const char *) = word;
    conf->scope = list;
}

int open_net(void **state)
{
    apr_pool_t *pool;
    net_env_t *env;

    apr_pool_create(&pool, NULL);
    env = apr_pcalloc(pool, sizeof(*env));
    env->pool = pool;
    env->places = apr_array_make(pool, 16, sizeof(place_t));
    env->calls = apr_array_make(pool, 16, sizeof(call_t));
    env->settings.oidc.timeout = apr_time_from_sec(10);
    env->realm.settings = &env->settings;
    env->k = kr_ctx_make(pool, &env->realm, KR_LOG_ERR);
    env->conf = provider(env, "generic");
    env->conf->id = "acme";
    env->conf->issuer_url = ISSUER;
    place_json(env, ISSUER "/.well-known/openid-configuration", "{s:s,s:s,s:s,s:s,s:s,s:[s]}", "issuer", ISSUER, "authorization_endpoint",
               ISSUER "/authorize", "token_endpoint", ISSUER "/token", "userinfo_endpoint", ISSUER "/userinfo", "jwks_uri", ISSUER "/jwks",
               "code_challenge_methods_supported", "S256");
    if (keys[RSA_OURS]) publish(env, "k1", RSA_OURS, "e1", EC_256, NULL);
    current = env;
    *state = env;
    return 0;
}

int close_net(void **state)
{
    apr_pool_destroy(((net_env_t *)*state)->pool);
    return 0;
}

void not_taken(const kr_err_t *err, int status, const char *words)
{
    if (!err) fail_msg("it was taken, and is to be refused: %s", words);
    if (err->status != status || !strstr(err->reason ? err->reason : "", words)) fail_msg("%d %s instead of %d %s", err->status, err->reason, status, words);
}
