/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed a token (RFC 7515, RFC 7517, RFC 8725)? By libcjose, with what it is not asked about decided before. */
#include "provider.h"

#include <cjose/cjose.h>
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"

#define RSA_LEAST 2048

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

/* "at+jwt", "logout+jwt": whoever says so says that it is no ID token (RFC 8725 3.11). */
static int is_of_another_type(const char *typ)
{
    apr_size_t len = typ ? strlen(typ) : 0;

    return len > 4 && !strcasecmp(typ + len - 4, "+jwt");
}

/* A header that brings its key along, or wants what nobody here knows, is refused as it is. */
static const char *wrong_header(const json_t *header)
{
    static const char *const REFUSED[] = { "crit", "jwk", "jku", "x5u", "x5c", "b64" };

    for (int i = 0; i < KR_DIM(REFUSED); i++) {
        if (json_object_get(header, REFUSED[i])) return "its header has a member that is not taken";
    }
    if (is_of_another_type(kr_json_str(header, "typ"))) return "it is of another type";
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

/* What is looked at. */
typedef struct {
    const char *token;
    const json_t *header, *claims;
} signed_t;

/* Keys of Microsoft's say whose they are: one tenant's, or "{tenantid}" for any. One must not sign for another. */
static int key_is_of_issuer(const json_t *key, const kr_talk_t *talk, const json_t *claims)
{
    const char *issuer = kr_json_str(key, "issuer"), *iss = kr_json_str(claims, "iss");

    if (!issuer || !talk->at.issuer || !strstr(talk->at.issuer, KR_ANY_TENANT)) return 1;
    return iss && (!strcmp(issuer, talk->at.issuer) || !strcmp(issuer, iss));
}

/**
 * @param known  out: 1 when a key of that id is in the set
 * @return 1: signed by one of them
 */
static int holds_by_any(int *known, const json_t *set, const kr_talk_t *talk, const signed_t *it)
{
    const int alg = algorithm(kr_json_str(it->header, "alg"));
    const char *kid = kr_json_str(it->header, "kid");
    const json_t *key;
    size_t i;

    *known = 0;
    json_array_foreach(json_object_get(set, "keys"), i, key) {
        if (!key_fits(key, alg, kid) || !key_is_of_issuer(key, talk, it->claims)) continue;
        *known |= kid != NULL;
        if (holds_by(it->token, key)) return 1;
    }
    return 0;
}

kr_err_t *kr_signature_check(const char **why, kr_talk_t *talk, const char *token, const json_t *header, const json_t *claims)
{
    const signed_t it = { token, header, claims };
    json_t *set;
    int known;

    *why = wrong_header(it.header);
    if (*why) return NULL;
    KR_TRY(kr_places_keys(&set, talk));
    if (!holds_by_any(&known, set, talk, &it)) *why = known ? "its signature does not hold" : "no key of the provider signed it";
    return NULL;
}
