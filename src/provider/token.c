/* SPDX-License-Identifier: Apache-2.0 */
/* Is an ID token to be believed (OpenID Connect Core 3.1.3.7, RFC 8725)? Signatures by libcjose, everything else here. */
#include "provider.h"

#include <cjose/cjose.h>
#include <string.h>

#include "kr_document.h"
#include "kr_json.h"
#include "kr_text.h"

/* What is signed ahead of our clock by more than this is of a clock that is wrong, or of no use yet. */
#define AHEAD_AT_MOST 60
#define TOKEN_MAX ((apr_size_t)256 * 1024)
#define RSA_LEAST 2048

/* -- its form ------------------------------------------------------------------------------ */

/* Three parts of base64url without padding (RFC 7515 7.1), so that no two readers see different ones. */
static int is_compact(const char *token)
{
    static const char PART[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (int part = 0; part < 3; part++) {
        apr_size_t len = strspn(token, PART);

        if (!len || token[len] != (part < 2 ? '.' : '\0')) return 0;
        token += len + (part < 2);
    }
    return 1;
}

json_t *kr_token_part(apr_pool_t *pool, const char *token, int part)
{
    const char *begin = token, *text;
    apr_size_t len;
    json_t *json;

    if (strlen(token) > TOKEN_MAX || !is_compact(token)) return NULL;
    for (; part; part--) begin = strchr(begin, '.') + 1;
    text = (const char *)kr_base64_decode(pool, apr_pstrmemdup(pool, begin, strcspn(begin, ".")), &len);
    json = text ? kr_json_parse(pool, text, len, NULL) : NULL;
    return json_is_object(json) ? json : NULL;
}

/* -- its signature --------------------------------------------------------------------------- */

/* With which keys: an algorithm that is not here is none, whatever the library could do (RFC 8725 3.1). */
static const struct {
    const char *alg, *kty, *crv;
} ALGORITHMS[] = {
    { "RS256", "RSA", NULL }, { "RS384", "RSA", NULL }, { "RS512", "RSA", NULL },
    { "PS256", "RSA", NULL }, { "PS384", "RSA", NULL }, { "PS512", "RSA", NULL },
    { "ES256", "EC", "P-256" }, { "ES384", "EC", "P-384" }, { "ES512", "EC", "P-521" },
};

static int algorithm(const char *alg)
{
    for (int i = 0; alg && i < KR_DIM(ALGORITHMS); i++) {
        if (!strcmp(ALGORITHMS[i].alg, alg)) return i;
    }
    return -1;
}

static int is_or_misses(const json_t *object, const char *member, const char *value)
{
    const json_t *said = json_object_get(object, member);

    return !said || (json_is_string(said) && !strcmp(json_string_value(said), value));
}

/* A header that brings its key along, or wants what nobody here knows, is refused as it is. */
static const char *wrong_header(const json_t *header)
{
    static const char *const REFUSED[] = { "crit", "jwk", "jku", "x5u", "x5c", "b64" };

    for (int i = 0; i < KR_DIM(REFUSED); i++) {
        if (json_object_get(header, REFUSED[i])) return "its header has a member that is not taken";
    }
    if (algorithm(kr_json_str(header, "alg")) < 0) return "its algorithm is not taken";
    if (json_object_get(header, "kid") && !kr_json_str(header, "kid")) return "its key id is no text";
    return NULL;
}

static int key_fits(const json_t *key, int alg, const char *kid)
{
    const char *kty = kr_json_str(key, "kty"), *crv = kr_json_str(key, "crv"), *id = kr_json_str(key, "kid");

    if (!kty || strcmp(kty, ALGORITHMS[alg].kty)) return 0;
    if (ALGORITHMS[alg].crv && (!crv || strcmp(crv, ALGORITHMS[alg].crv))) return 0;
    if (!is_or_misses(key, "use", "sig") || !is_or_misses(key, "alg", ALGORITHMS[alg].alg)) return 0;
    return !kid || (id && !strcmp(id, kid));
}

/* Its public half alone, of the members that are known. */
static cjose_jwk_t *import_key(const json_t *key)
{
    static const char *const MEMBERS[] = { "kty", "n", "e", "crv", "x", "y" };
    json_t *half = json_object();
    cjose_jwk_t *jwk = NULL;
    char *text;

    for (int i = 0; i < KR_DIM(MEMBERS); i++) {
        const json_t *value = json_object_get(key, MEMBERS[i]);

        if (json_is_string(value)) json_object_set_new(half, MEMBERS[i], json_string(json_string_value(value)));
    }
    text = json_dumps(half, JSON_COMPACT);
    if (text) jwk = cjose_jwk_import(text, strlen(text), NULL);
    free(text);
    json_decref(half);
    if (jwk && cjose_jwk_get_kty(jwk, NULL) == CJOSE_JWK_KTY_RSA && cjose_jwk_get_keysize(jwk, NULL) < RSA_LEAST) {
        cjose_jwk_release(jwk);
        return NULL;
    }
    return jwk;
}

static int holds_by(const char *token, const json_t *key)
{
    cjose_jws_t *jws = cjose_jws_import(token, strlen(token), NULL);
    cjose_jwk_t *jwk = jws ? import_key(key) : NULL;
    int holds = jwk && cjose_jws_verify(jws, jwk, NULL);

    if (jwk) cjose_jwk_release(jwk);
    if (jws) cjose_jws_release(jws);
    return holds;
}

/**
 * @param known  out: 1 when a key of that id is in the set
 * @return 1: signed by one of them
 */
static int holds_by_any(int *known, const json_t *set, const char *token, const json_t *header)
{
    const int alg = algorithm(kr_json_str(header, "alg"));
    const char *kid = kr_json_str(header, "kid");
    const json_t *key;
    size_t i;

    *known = 0;
    json_array_foreach(json_object_get(set, "keys"), i, key) {
        if (!key_fits(key, alg, kid)) continue;
        *known |= kid != NULL;
        if (holds_by(token, key)) return 1;
    }
    return 0;
}

static const char *wrong_set(apr_pool_t *pool, const json_t *set, const void *baton)
{
    (void)pool;
    (void)baton;
    return json_array_size(json_object_get(set, "keys")) ? NULL : "it holds no keys";
}

static kr_err_t *get_keys(json_t **set, kr_talk_t *talk, int again)
{
    const kr_document_wanted_t wanted = { .url = talk->at.keys, .until = talk->until, .wrong = wrong_set, .again = again };

    return kr_document_get(set, talk->k, talk->conf->keys, &wanted);
}

static kr_err_t *check_signature(const char **why, kr_talk_t *talk, const char *token)
{
    const json_t *header = kr_token_part(talk->k->pool, token, 0);
    json_t *set;
    int known;

    *why = wrong_header(header);
    if (*why) return NULL;
    KR_TRY(get_keys(&set, talk, 0));
    if (holds_by_any(&known, set, token, header)) return NULL;
    *why = "its signature does not hold";
    if (known) return NULL;
    *why = "no key of the provider signed it";
    KR_TRY(get_keys(&set, talk, 1)); /* the provider may have a new one */
    if (holds_by_any(&known, set, token, header)) *why = NULL;
    return NULL;
}

/* -- what it says --------------------------------------------------------------------------------- */

static int is_ours(const kr_oidc_provider_conf_t *conf, const char *audience, int additional)
{
    if (!audience) return 0;
    if (!strcmp(audience, conf->client_id)) return 1;
    for (int i = 0; additional && i < conf->additional_id_token_audiences->nelts; i++) {
        if (!strcmp(audience, APR_ARRAY_IDX(conf->additional_id_token_audiences, i, const char *))) return 1;
    }
    return 0;
}

int kr_token_is_for(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional)
{
    const json_t *aud = json_object_get(claims, "aud"), *each;
    int ours = is_ours(conf, json_string_value(aud), additional);
    size_t i;

    json_array_foreach(aud, i, each) ours |= is_ours(conf, json_string_value(each), additional);
    return ours;
}

/* It was made for whoever `azp` names, if it does; others are told of it only. */
static const char *wrong_audience(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional)
{
    const json_t *azp = json_object_get(claims, "azp");

    if (!kr_token_is_for(claims, conf, additional)) return "it is for another audience";
    return azp && !is_ours(conf, json_string_value(azp), additional) ? "it was made for another party" : NULL;
}

/* Seconds since 1970 as JSON has them; a time that is no number is none. */
static int time_of(double *out, const json_t *claims, const char *member)
{
    const json_t *value = json_object_get(claims, member);

    *out = json_number_value(value);
    return json_is_number(value);
}

static const char *wrong_times(const json_t *claims, apr_time_t now)
{
    static const char *const AHEAD[] = { "nbf", "iat" };
    const double seconds = (double)now / 1e6;
    double at;

    if (!time_of(&at, claims, "exp")) return "it does not say when it ends";
    if (at <= seconds) return "it has ended";
    for (int i = 0; i < KR_DIM(AHEAD); i++) {
        if (!json_object_get(claims, AHEAD[i])) continue;
        if (!time_of(&at, claims, AHEAD[i]) || at > seconds + AHEAD_AT_MOST) return "it is from the future";
    }
    return NULL;
}

static const char *wrong_nonce(const json_t *claims, const char *wanted)
{
    const json_t *nonce = json_object_get(claims, "nonce");

    if (!wanted) return NULL;
    if (!*wanted) return nonce ? "it has a nonce that nobody gave" : NULL;
    return json_is_string(nonce) && kr_equal(json_string_value(nonce), wanted) ? NULL : "its nonce is another";
}

static const char *wrong_claims(kr_talk_t *talk, const json_t *claims, const kr_token_wanted_t *wanted)
{
    const char *iss = kr_json_str(claims, "iss"), *sub = kr_json_str(claims, "sub"), *why;

    if (!iss || !wanted->issuer || strcmp(iss, wanted->issuer)) return "it is of another issuer";
    if (!sub || !*sub) return "it names no subject";
    why = wrong_audience(claims, talk->conf, wanted->additional);
    if (!why) why = wrong_times(claims, talk->k->now);
    return why ? why : wrong_nonce(claims, wanted->nonce);
}

kr_err_t *kr_token_verify(json_t **claims, kr_talk_t *talk, const char *token, const kr_token_wanted_t *wanted)
{
    kr_ctx_t *k = talk->k;
    const char *why;

    *claims = kr_token_part(k->pool, token, 1);
    if (!*claims || !kr_token_part(k->pool, token, 0)) return kr_err(k, 400, NULL, "the ID token cannot be read");
    KR_TRY(check_signature(&why, talk, token));
    if (!why) why = wrong_claims(talk, *claims, wanted);
    if (!why) return NULL;
    *claims = NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0904) "provider %s: an ID token is not believed: %s", talk->conf->id, why);
    return kr_err(k, 403, NULL, "the ID token is not to be believed: %s", why);
}
