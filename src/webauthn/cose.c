/* SPDX-License-Identifier: Apache-2.0 */
/* One table of algorithms: what a key of each must look like, and how its signatures are made. */
#include "cose.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "items.h"
#include "kr_text.h"

/* Labels of COSE_Key; those below 0 mean another thing in each type. */
enum { LABEL_KTY = 1, LABEL_ALG = 3, LABEL_CRV = -1, LABEL_X = -2, LABEL_Y = -3, LABEL_N = -1, LABEL_E = -2 };

#define RS1 (-65535)
#define KEY_MAX 2048 /* bytes of a COSE_Key: one of RSA with 8192 bits has 1040 */
#define POINT_MAX 66 /* bytes of a coordinate */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define EXPONENT_MAX 4 /* bytes */

typedef struct {
    int alg;
    kr_kty_e kty;
    int curve;          /* as COSE numbers it */
    const char *group;  /* as OpenSSL names it */
    apr_size_t size;    /* bytes of a coordinate, or of the key */
    const EVP_MD *(*digest)(void);
    int padding;        /* of RSA */
} algorithm_t;

static const algorithm_t ALGORITHMS[] = {
    { -7, KR_KTY_EC, 1, "P-256", 32, EVP_sha256, 0 },
    { -35, KR_KTY_EC, 2, "P-384", 48, EVP_sha384, 0 },
    { -36, KR_KTY_EC, 3, "P-521", 66, EVP_sha512, 0 },
    { -257, KR_KTY_RSA, 0, NULL, 0, EVP_sha256, RSA_PKCS1_PADDING },
    { -258, KR_KTY_RSA, 0, NULL, 0, EVP_sha384, RSA_PKCS1_PADDING },
    { -259, KR_KTY_RSA, 0, NULL, 0, EVP_sha512, RSA_PKCS1_PADDING },
    { -37, KR_KTY_RSA, 0, NULL, 0, EVP_sha256, RSA_PKCS1_PSS_PADDING },
    { -38, KR_KTY_RSA, 0, NULL, 0, EVP_sha384, RSA_PKCS1_PSS_PADDING },
    { -39, KR_KTY_RSA, 0, NULL, 0, EVP_sha512, RSA_PKCS1_PSS_PADDING },
    { -8, KR_KTY_OKP, 6, "ED25519", 32, NULL, 0 },
};

/* In the order of the table, which is the order in which they are offered. */
const int kr_webauthn_algorithms[] = { -7, -35, -36, -257, -258, -259, -37, -38, -39, -8, 0 };

/* No key has it, and no client is offered it. */
static const algorithm_t OF_STATEMENTS = { RS1, KR_KTY_RSA, 0, NULL, 0, EVP_sha1, RSA_PKCS1_PADDING };

static const algorithm_t *offered(int alg)
{
    for (int i = 0; i < KR_DIM(ALGORITHMS); i++)
        if (ALGORITHMS[i].alg == alg) return &ALGORITHMS[i];
    return NULL;
}

static const algorithm_t *known(int alg)
{
    return alg == RS1 ? &OF_STATEMENTS : offered(alg);
}

/* -- keys ------------------------------------------------------------------- */

static apr_status_t free_key(void *key)
{
    EVP_PKEY_free(key);
    return APR_SUCCESS;
}

/* What OpenSSL makes of these numbers; NULL: nothing. */
static EVP_PKEY *key_of(apr_pool_t *pool, const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!ctx || !params) abort(); /* no memory */
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) key = NULL;
    EVP_PKEY_CTX_free(ctx);
    if (key) apr_pool_cleanup_register(pool, key, free_key, apr_pool_cleanup_null);
    return key;
}

static const char *read_ec(kr_cose_t *out, apr_pool_t *pool, const algorithm_t *alg, const kr_cbor_t *map)
{
    unsigned char point[1 + 2 * POINT_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)alg->group, 0),
                            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * alg->size), OSSL_PARAM_END };

    if (!kr_cbor_int(&out->curve, kr_cbor_labelled(map, LABEL_CRV)) || out->curve != alg->curve) return "the curve is not the algorithm's";
    if (!kr_cbor_bytes(&out->x, kr_cbor_labelled(map, LABEL_X)) || !kr_cbor_bytes(&out->y, kr_cbor_labelled(map, LABEL_Y)) ||
        out->x.len != alg->size || out->y.len != alg->size)
        return "a coordinate has another size than the curve's";
    memcpy(point + 1, out->x.at, alg->size);
    memcpy(point + 1 + alg->size, out->y.at, alg->size);
    /* Curves of a prime order: every point on them is good, and infinity cannot be written like that. */
    out->pkey = key_of(pool, "EC", params);
    return out->pkey ? NULL : "the point is not on the curve";
}

static const char *read_okp(kr_cose_t *out, apr_pool_t *pool, const algorithm_t *alg, const kr_cbor_t *map)
{
    OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

    if (!kr_cbor_int(&out->curve, kr_cbor_labelled(map, LABEL_CRV)) || out->curve != alg->curve) return "the curve is not the algorithm's";
    if (!kr_cbor_bytes(&out->x, kr_cbor_labelled(map, LABEL_X)) || out->x.len != alg->size) return "the key has another size than the curve's";
    if (!kr_ed25519_is_point(out->x.at)) return "the point is not on the curve, or of small order";
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)out->x.at, out->x.len);
    out->pkey = key_of(pool, alg->group, params);
    return out->pkey ? NULL : "the key is none";
}

/* Without zeros in front (RFC 8230 section 4), and odd, as both numbers of RSA are. */
static int is_plain_odd(kr_bytes_t number)
{
    return number.len && number.at[0] && number.at[number.len - 1] & 1;
}

static int bits_of(kr_bytes_t number)
{
    int bits = 8 * (int)number.len;

    for (int first = number.at[0]; first < 0x80; first *= 2) bits--;
    return bits;
}

static EVP_PKEY *rsa_key(apr_pool_t *pool, const kr_cose_t *key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(key->n.at, (int)key->n.len, NULL), *e = BN_bin2bn(key->e.at, (int)key->e.len, NULL);
    OSSL_PARAM *params;
    EVP_PKEY *pkey;

    if (!build || !n || !e || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        abort();
    params = OSSL_PARAM_BLD_to_param(build);
    pkey = key_of(pool, "RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return pkey;
}

static const char *read_rsa(kr_cose_t *out, apr_pool_t *pool, const algorithm_t *alg, const kr_cbor_t *map)
{
    (void)alg;
    if (!kr_cbor_bytes(&out->n, kr_cbor_labelled(map, LABEL_N)) || !kr_cbor_bytes(&out->e, kr_cbor_labelled(map, LABEL_E)))
        return "the key has no modulus or no exponent";
    if (!is_plain_odd(out->n) || bits_of(out->n) < RSA_BITS_MIN || bits_of(out->n) > RSA_BITS_MAX)
        return "the modulus is even, or not of 2048 to 8192 bits";
    /* With 1 every number is its own signature. */
    if (!is_plain_odd(out->e) || out->e.len > EXPONENT_MAX || (out->e.len == 1 && out->e.at[0] == 1))
        return "the exponent is 1, even, or too large";
    out->pkey = rsa_key(pool, out);
    return out->pkey ? NULL : "the key is none";
}

const char *kr_cose_read(kr_cose_t *out, apr_pool_t *pool, kr_bytes_t bytes)
{
    const kr_cbor_t *map = bytes.len <= KEY_MAX ? kr_cbor_read(pool, bytes, NULL) : NULL;
    const algorithm_t *alg;
    int kty;

    memset(out, 0, sizeof(*out));
    if (!map || map->type != KR_CBOR_MAP) return "the public key is no map of CBOR, or too large";
    alg = kr_cbor_int(&out->alg, kr_cbor_labelled(map, LABEL_ALG)) ? offered(out->alg) : NULL;
    if (!alg) return "the public key's algorithm was not offered";
    if (!kr_cbor_int(&kty, kr_cbor_labelled(map, LABEL_KTY)) || kty != (int)alg->kty) return "the public key's type is not its algorithm's";
    out->kty = alg->kty;
    switch (alg->kty) {
    case KR_KTY_EC: return read_ec(out, pool, alg, map);
    case KR_KTY_OKP: return read_okp(out, pool, alg, map);
    default: return read_rsa(out, pool, alg, map);
    }
}

/* -- signatures ---------------------------------------------------------------- */

int kr_cose_curve(const EVP_PKEY *key)
{
    char group[32];

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 ? OBJ_sn2nid(group) : NID_undef;
}

static int is_on_nist_curve(const EVP_PKEY *key)
{
    int curve = kr_cose_curve(key);

    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1 || curve == NID_secp224r1;
}

/* Keys of certificates come here, too: those of makers may be on another curve than the algorithm's, but on no curve of their own. */
static int is_of(const EVP_PKEY *key, const algorithm_t *alg)
{
    switch (alg->kty) {
    case KR_KTY_EC: return is_on_nist_curve(key);
    case KR_KTY_OKP: return EVP_PKEY_is_a(key, alg->group);
    default: return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
    }
}

int kr_cose_signed(int alg, EVP_PKEY *key, kr_bytes_t data, kr_bytes_t signature)
{
    const algorithm_t *how = known(alg);
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *work;
    int holds;

    if (!how || !key || !is_of(key, how) || !signature.len) return 0;
    work = EVP_MD_CTX_new();
    if (!work) abort();
    holds = EVP_DigestVerifyInit(work, &ctx, how->digest ? how->digest() : NULL, NULL, key) == 1 &&
            (!how->padding || EVP_PKEY_CTX_set_rsa_padding(ctx, how->padding) == 1) &&
            EVP_DigestVerify(work, signature.at, signature.len, data.at, data.len) == 1;
    EVP_MD_CTX_free(work);
    return holds;
}

const EVP_MD *kr_cose_digest(int alg)
{
    const algorithm_t *how = known(alg);

    return how && how->digest ? how->digest() : NULL;
}

int kr_webauthn_key_usable(apr_pool_t *pool, kr_bytes_t public_key)
{
    kr_cose_t key;
    const int usable = kr_cose_read(&key, pool, public_key) == NULL;

    ERR_clear_error(); /* of a key that is none */
    return usable;
}
