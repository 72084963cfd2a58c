/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys out of PEM files, and what is signed by them. */
#include "kr_pem.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <cjose/cjose.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "kr_json.h"
#include "kr_text.h"

#define D_LEN 32

struct kr_pem_key_t {
    cjose_jwk_t *jwk;
    const char *kid;
};

static apr_status_t release(void *data)
{
    cjose_jwk_release(((kr_pem_key_t *)data)->jwk);
    return APR_SUCCESS;
}

/* Nobody is asked for a password: a server starts without anybody before it. */
static int no_password(char *buf, int size, int writing, void *baton)
{
    (void)buf, (void)size, (void)writing, (void)baton;
    return -1;
}

static EVP_PKEY *read_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return key;
}

static int is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;

    return EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 && !strcmp(group, "prime256v1");
}

static cjose_jwk_t *jwk_of(const EVP_PKEY *key)
{
    unsigned char d[D_LEN];
    cjose_jwk_ec_keyspec spec = { .crv = CJOSE_JWK_EC_P_256, .d = d, .dlen = D_LEN };
    cjose_jwk_t *jwk = NULL;
    BIGNUM *number = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 && BN_bn2binpad(number, d, D_LEN) == D_LEN)
        jwk = cjose_jwk_create_EC_spec(&spec, NULL);
    BN_clear_free(number);
    kr_wipe(d, sizeof(d));
    return jwk;
}

kr_pem_key_t *kr_pem_key_make(apr_pool_t *pool, const char *pem, const char *kid, const char **why)
{
    kr_pem_key_t *key = apr_pcalloc(pool, sizeof(*key));
    EVP_PKEY *read = read_pem(pem);

    *why = "is no private key in PEM form";
    if (read && !is_p256(read)) *why = "is no key on the curve P-256";
    if (read && is_p256(read)) key->jwk = jwk_of(read);
    EVP_PKEY_free(read);
    if (!key->jwk) return NULL;
    key->kid = apr_pstrdup(pool, kid);
    apr_pool_cleanup_register(pool, key, release, apr_pool_cleanup_null);
    return key;
}

const char *kr_pem_sign(apr_pool_t *pool, const kr_pem_key_t *key, const json_t *claims)
{
    apr_size_t len;
    const char *text = kr_json_dump(pool, claims, &len), *compact = NULL, *out = NULL;
    cjose_header_t *header = cjose_header_new(NULL);
    cjose_jws_t *jws = NULL;

    if (header && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, NULL) && cjose_header_set(header, CJOSE_HDR_KID, key->kid, NULL))
        jws = cjose_jws_sign(key->jwk, header, (const uint8_t *)text, len, NULL);
    if (jws && cjose_jws_export(jws, &compact, NULL)) out = apr_pstrdup(pool, compact);
    if (jws) cjose_jws_release(jws);
    if (header) cjose_header_release(header);
    return out;
}
