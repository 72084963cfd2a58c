/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a realm, and tags made with them. */
#include "kr_crypto.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include "kr_text.h"

/** The `info` of each key. Never change one: all that was made with the key would be void. */
static const char *const PURPOSE[KR_KEY_PURPOSES] = {
    [KR_KEY_TOKEN] = "session token", [KR_KEY_COOKIE] = "session cookie", [KR_KEY_LOGOUT] = "logout token",
    [KR_KEY_CODE] = "code",           [KR_KEY_CSRF] = "anti-csrf",        [KR_KEY_SEAL] = "seal",
    [KR_KEY_ASSERTION] = "assertion", [KR_KEY_LOOKUP] = "recovery code",
    [KR_KEY_FEDCM] = "fedcm cookie",  [KR_KEY_ID_TOKEN] = "id token",
    [KR_KEY_AUDIT] = "audit stream",
};

/** HKDF-SHA256 (RFC 5869). Fails only without memory, at start: then there is nothing to serve with. */
static void derive(unsigned char out[32], const char *secret, const char *salt, const char *info)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, strlen(secret)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, strlen(salt)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };

    if (!ctx || EVP_KDF_derive(ctx, out, 32, params) != 1) abort();
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static apr_status_t forget(void *data)
{
    kr_keys_t *keys = data;

    kr_wipe(keys->key, (apr_size_t)keys->count * sizeof(keys->key[0]));
    return APR_SUCCESS;
}

kr_keys_t *kr_keys_make(apr_pool_t *pool, const apr_array_header_t *secrets, const char *realm_name)
{
    kr_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));
    const char *salt = apr_pstrcat(pool, "mod_kratos realm ", realm_name, NULL);

    keys->count = secrets->nelts;
    keys->key = apr_pcalloc(pool, (apr_size_t)secrets->nelts * sizeof(keys->key[0]));
    apr_pool_cleanup_register(pool, keys, forget, apr_pool_cleanup_null);
    for (int i = 0; i < secrets->nelts; i++) {
        for (int which = 0; which < KR_KEY_PURPOSES; which++) {
            derive(keys->key[i][which], APR_ARRAY_IDX(secrets, i, const char *), salt, PURPOSE[which]);
        }
    }
    return keys;
}

const char *kr_hmac(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which, int i, const char *text)
{
    const unsigned char *key = keys->key[i][which];
    unsigned char tag[32];

    if (!HMAC(EVP_sha256(), key, sizeof(keys->key[i][which]), (const unsigned char *)text, strlen(text), tag, NULL)) {
        abort(); /* out of memory inside libcrypto; a made-up tag would be no answer */
    }
    return kr_base64url(pool, tag, sizeof(tag));
}

int kr_hmac_verify(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which, const char *text, const char *tag)
{
    for (int i = 0; i < keys->count; i++) {
        if (kr_equal(kr_hmac(pool, keys, which, i, text), tag)) return i;
    }
    return -1;
}
