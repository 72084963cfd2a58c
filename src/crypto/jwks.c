/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the owner's that sign tokens: a JWK set, read at start. */
#include <string.h>

#include "jwt.h"
#include "kr_json.h"
#include "kr_text.h"

#define KEYS_MAX 32
#define KID_LEN 16
#define RSA_LEAST 2048 /* bits, RFC 7518 section 3.3 */

/** The algorithms, and which keys they take (RFC 7518 section 3.1). */
static const struct {
    const char *alg, *kty;
    const char *crv; /* EC: that curve */
    int least;       /* oct: as many bytes as the hash has (RFC 7518 section 3.2), or it is weaker than its name says */
} ALGS[] = {
    { "RS256", "RSA", NULL, 0 },    { "RS384", "RSA", NULL, 0 },    { "RS512", "RSA", NULL, 0 },
    { "PS256", "RSA", NULL, 0 },    { "PS384", "RSA", NULL, 0 },    { "PS512", "RSA", NULL, 0 },
    { "ES256", "EC", "P-256", 0 },  { "ES384", "EC", "P-384", 0 },  { "ES512", "EC", "P-521", 0 },
    { "HS256", "oct", NULL, 32 },   { "HS384", "oct", NULL, 48 },   { "HS512", "oct", NULL, 64 },
};

static int alg_of(const char *alg)
{
    int i = 0;

    while (i < KR_DIM(ALGS) && (!alg || strcmp(ALGS[i].alg, alg))) i++;
    return i;
}

/* -- reading --------------------------------------------------------------------- */

static int has_text(const json_t *key, const char *name)
{
    const char *text = kr_json_str(key, name);

    return text && *text;
}

static const char *unfit(const json_t *key, int alg)
{
    const char *kty = kr_json_str(key, "kty"), *crv = kr_json_str(key, "crv");

    if (!has_text(key, "alg")) return "has no \"alg\"";
    if (alg == KR_DIM(ALGS)) return "has an \"alg\" that is none of RS, PS, ES, HS with 256, 384, 512";
    if (strcmp(ALGS[alg].kty, kty)) return "is of another type (\"kty\") than its \"alg\" takes";
    if (ALGS[alg].crv && strcmp(ALGS[alg].crv, crv ? crv : "")) return "is on another curve (\"crv\") than its \"alg\" takes";
    if (strcmp(kty, "oct") && !has_text(key, "d")) return "has no private half (\"d\")";
    return NULL;
}

static int same_number(apr_pool_t *pool, const char *a, const char *b)
{
    apr_size_t a_len, b_len;
    const unsigned char *left = kr_base64_decode(pool, a, &a_len), *right = kr_base64_decode(pool, b, &b_len);

    if (!left || !right) return 0;
    for (; a_len && !*left; a_len--) left++;
    for (; b_len && !*right; b_len--) right++;
    return a_len == b_len && memcmp(left, right, a_len) == 0;
}

/* The library makes a point out of the private half, and looks no further. */
static int is_the_point_of(apr_pool_t *pool, const kr_signing_key_t *made, const json_t *key)
{
    const json_t *point = kr_signer_public(pool, made->jwk);
    const char *x = kr_json_str(key, "x"), *y = kr_json_str(key, "y");

    return x && y && same_number(pool, x, kr_json_str(point, "x")) && same_number(pool, y, kr_json_str(point, "y"));
}

/* A key whose halves do not belong together signs what nobody can check. */
static int is_a_pair(apr_pool_t *pool, const kr_signer_t *signer, const json_t *key)
{
    const char *token = kr_jwt_sign(pool, signer, kr_json_own(pool, json_object()));
    cjose_jws_t *jws = token ? cjose_jws_import(token, strlen(token), NULL) : NULL;
    int holds = jws && cjose_jws_verify(jws, signer->keys[0].jwk, NULL);

    if (holds && cjose_jwk_get_kty(signer->keys[0].jwk, NULL) == CJOSE_JWK_KTY_EC) holds = is_the_point_of(pool, &signer->keys[0], key);

    if (jws) cjose_jws_release(jws);
    return holds;
}

/* @return what is wrong with it, or NULL */
static const char *take(apr_pool_t *pool, kr_signer_t *signer, const json_t *key)
{
    const char *kid = kr_json_str(key, "kid"), *alg = kr_json_str(key, "alg"), *kty = kr_json_str(key, "kty");
    apr_size_t len;
    const char *text = kr_json_dump(pool, key, &len);
    cjose_jwk_t *jwk;

    if (!kty) return "is no JSON Web Key: it has no \"kty\"";
    if (strcmp(kty, "RSA") && strcmp(kty, "EC") && strcmp(kty, "oct")) return "has a \"kty\" that is none of RSA, EC, oct";
    jwk = cjose_jwk_import(text, len, NULL);
    kr_wipe((char *)text, len);
    if (!jwk) return "is damaged, or lacks a part";
    signer->keys[signer->count++] = (kr_signing_key_t){
        .jwk = jwk, .kid = apr_pstrdup(pool, kid ? kid : ""), .alg = alg && *alg ? apr_pstrdup(pool, alg) : NULL
    };
    return NULL;
}

static const json_t *key_at(const json_t *jwks, size_t i)
{
    const json_t *keys = json_object_get(jwks, "keys");

    return keys ? json_array_get(keys, i) : jwks; /* one key may stand for its set */
}

/* @return what is wrong with the set, or NULL */
static const char *take_all(apr_pool_t *pool, kr_signer_t *signer, const json_t *jwks)
{
    const json_t *keys = json_object_get(jwks, "keys");
    size_t count = keys ? json_array_size(keys) : 1;

    if (!json_is_object(jwks) || (keys && !json_is_array(keys))) return "is no JWK set: {\"keys\": [...]}";
    if (count > KEYS_MAX) return apr_psprintf(pool, "has more than %d keys", KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *wrong = take(pool, signer, key_at(jwks, i));

        if (wrong) return apr_psprintf(pool, "has a key, number %d, that %s", (int)i + 1, wrong);
    }
    return NULL;
}

kr_signer_t *kr_signer_read(apr_pool_t *pool, const json_t *jwks, const char **why)
{
    kr_signer_t *signer = kr_signer_alloc(pool, KEYS_MAX);
    const json_t *first = key_at(jwks, 0);

    *why = take_all(pool, signer, jwks);
    if (*why) return NULL;
    signer->unfit = signer->count ? unfit(first, alg_of(signer->keys[0].alg)) : "is missing";
    if (!signer->unfit && !is_a_pair(pool, signer, first)) signer->unfit = "has halves that are not of one pair";
    return signer;
}

/* -- judging --------------------------------------------------------------------- */

const char *kr_signer_unfit(const kr_signer_t *signer)
{
    return signer->unfit;
}

/* That of a secret is in bits, too. */
static int is_short(const kr_signing_key_t *key)
{
    int alg = alg_of(key->alg);
    size_t bits = cjose_jwk_get_keysize(key->jwk, NULL);

    if (cjose_jwk_get_kty(key->jwk, NULL) == CJOSE_JWK_KTY_RSA) return bits < RSA_LEAST;
    return alg < KR_DIM(ALGS) && bits < (size_t)ALGS[alg].least * 8;
}

static int is_twice(const kr_signer_t *signer, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(signer->keys[i].kid, signer->keys[n].kid) == 0) return 1;
    return 0;
}

const char *kr_signer_weak(apr_pool_t *pool, const kr_signer_t *signer)
{
    for (int i = 0; i < signer->count; i++) {
        if (!*signer->keys[i].kid)
            return apr_psprintf(pool, "key %d has no \"kid\": whoever checks tokens does not find it after a rotation", i + 1);
        if (is_twice(signer, i))
            return apr_psprintf(pool, "key %d has the \"kid\" of another one: whoever checks tokens takes the wrong one", i + 1);
        if (is_short(&signer->keys[i]))
            return apr_psprintf(pool, "key %d is short: RSA has 2048 bits at least, a secret as many as its hash", i + 1);
    }
    return NULL;
}

/* -- making ---------------------------------------------------------------------- */

static cjose_jwk_t *create(int alg)
{
    static const unsigned char E[] = { 1, 0, 1 };
    static const struct {
        const char *name;
        cjose_jwk_ec_curve curve;
    } CURVES[] = { { "P-256", CJOSE_JWK_EC_P_256 }, { "P-384", CJOSE_JWK_EC_P_384 }, { "P-521", CJOSE_JWK_EC_P_521 } };

    if (strcmp(ALGS[alg].kty, "RSA") == 0) return cjose_jwk_create_RSA_random(RSA_LEAST, E, sizeof(E), NULL);
    if (strcmp(ALGS[alg].kty, "oct") == 0) return cjose_jwk_create_oct_random((size_t)ALGS[alg].least * 8, NULL);
    for (int i = 0; i < KR_DIM(CURVES); i++)
        if (strcmp(CURVES[i].name, ALGS[alg].crv) == 0) return cjose_jwk_create_EC_random(CURVES[i].curve, NULL);
    return NULL;
}

json_t *kr_jwk_make(apr_pool_t *pool, const char *alg)
{
    int known = alg_of(alg);
    cjose_jwk_t *jwk = known < KR_DIM(ALGS) ? create(known) : NULL;
    char *text = jwk ? cjose_jwk_to_json(jwk, true, NULL) : NULL;
    json_t *made = text ? kr_json_own(pool, json_loads(text, 0, NULL)) : NULL;

    if (text) {
        kr_wipe(text, strlen(text));
        cjose_get_dealloc()(text);
    }
    if (jwk) cjose_jwk_release(jwk);
    if (!made) return NULL;
    json_object_set_new(made, "kid", json_string(kr_random_lower(pool, KID_LEN)));
    json_object_set_new(made, "alg", json_string(alg));
    json_object_set_new(made, "use", json_string("sig"));
    return made;
}
