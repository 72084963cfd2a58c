/* SPDX-License-Identifier: Apache-2.0 */
/* Signing, and keys that follow from the realm's secrets. */
#include "jwt.h"

#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

#define KEY_LEN 32
#define KID_LEN 16

static apr_status_t release_keys(void *data)
{
    kr_signer_t *signer = data;

    for (int i = 0; i < signer->count; i++) cjose_jwk_release(signer->keys[i].jwk);
    return APR_SUCCESS;
}

kr_signer_t *kr_signer_alloc(apr_pool_t *pool, int room)
{
    kr_signer_t *signer = apr_pcalloc(pool, sizeof(*signer));

    signer->keys = apr_pcalloc(pool, (apr_size_t)room * sizeof(*signer->keys));
    apr_pool_cleanup_register(pool, signer, release_keys, apr_pool_cleanup_null);
    return signer;
}

/*
 * 256 bits, the first of them cleared: a private key of P-256 is any number from 1 to one less than the group's order, which
 * begins with 32 set bits, and half of them are as good as all.
 */
static cjose_jwk_t *pair_of(const unsigned char key[KEY_LEN])
{
    unsigned char d[KEY_LEN];
    cjose_jwk_ec_keyspec spec = { .crv = CJOSE_JWK_EC_P_256, .d = d, .dlen = KEY_LEN };
    cjose_jwk_t *jwk;

    memcpy(d, key, KEY_LEN);
    d[0] &= 0x7f;
    jwk = cjose_jwk_create_EC_spec(&spec, NULL);
    kr_wipe(d, KEY_LEN);
    if (!jwk) abort();
    return jwk;
}

json_t *kr_signer_public(apr_pool_t *pool, const cjose_jwk_t *jwk)
{
    char *text = cjose_jwk_to_json(jwk, false, NULL);
    json_t *json = text ? kr_json_own(pool, json_loads(text, 0, NULL)) : NULL;

    if (!json) abort();
    cjose_get_dealloc()(text);
    return json;
}

/* Of the public half, so that it tells nothing: RFC 7638 in spirit, and short. */
static const char *name_of(apr_pool_t *pool, const cjose_jwk_t *jwk)
{
    const char *x = kr_json_str(kr_signer_public(pool, jwk), "x");

    return apr_pstrmemdup(pool, kr_sha256_hex(pool, x, strlen(x)), KID_LEN);
}

kr_signer_t *kr_signer_make(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which)
{
    kr_signer_t *signer = kr_signer_alloc(pool, keys->count);

    for (; signer->count < keys->count; signer->count++) {
        cjose_jwk_t *jwk = pair_of(keys->key[signer->count][which]);

        signer->keys[signer->count] = (kr_signing_key_t){ jwk, name_of(pool, jwk), CJOSE_HDR_ALG_ES256 };
    }
    return signer;
}

/* -- signing ---------------------------------------------------------------------- */

static cjose_header_t *header_of(const kr_signing_key_t *key)
{
    cjose_header_t *header = cjose_header_new(NULL);

    if (header && cjose_header_set(header, CJOSE_HDR_ALG, key->alg, NULL) &&
        cjose_header_set(header, CJOSE_HDR_KID, key->kid, NULL) && cjose_header_set(header, "typ", "JWT", NULL))
        return header;
    cjose_header_release(header);
    return NULL;
}

const char *kr_jwt_sign(apr_pool_t *pool, const kr_signer_t *signer, const json_t *claims)
{
    apr_size_t len;
    const char *text = kr_json_dump(pool, claims, &len), *compact = NULL, *out = NULL;
    cjose_header_t *header = signer->unfit ? NULL : header_of(&signer->keys[0]);
    cjose_jws_t *jws = header ? cjose_jws_sign(signer->keys[0].jwk, header, (const uint8_t *)text, len, NULL) : NULL;

    if (jws && cjose_jws_export(jws, &compact, NULL)) out = apr_pstrdup(pool, compact);
    if (jws) cjose_jws_release(jws);
    if (header) cjose_header_release(header);
    return out;
}

/* -- publishing ------------------------------------------------------------------- */

json_t *kr_signer_jwks(apr_pool_t *pool, const kr_signer_t *signer)
{
    json_t *keys = json_array();

    for (int i = 0; i < signer->count; i++) {
        const kr_signing_key_t *key = &signer->keys[i];
        json_t *shown;

        if (cjose_jwk_get_kty(key->jwk, NULL) == CJOSE_JWK_KTY_OCT) continue; /* who could check could sign */
        shown = kr_signer_public(pool, key->jwk);
        if (*key->kid) json_object_set_new(shown, "kid", json_string(key->kid));
        json_object_set_new(shown, "use", json_string("sig"));
        if (key->alg) json_object_set_new(shown, "alg", json_string(key->alg));
        json_array_append(keys, shown);
    }
    return kr_json_pack(pool, "{s:o}", "keys", keys);
}
