/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: AES-256-GCM with a random nonce. The form is base64url(nonce, ciphertext, tag). */
#include "kr_crypto.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "kr_text.h"

#define NONCE_LEN 12
#define TAG_LEN 16
/** More than any seed, token or parked form; keeps lengths far inside OpenSSL's int. */
#define SEAL_MAX (16 * 1024 * 1024)

static apr_status_t free_cipher(void *ctx)
{
    EVP_CIPHER_CTX_free(ctx);
    return APR_SUCCESS;
}

/** A GCM context with key and nonce set and `context` authenticated. Its cleanup is the pool's. */
static EVP_CIPHER_CTX *cipher_make(apr_pool_t *pool, const unsigned char *key, const unsigned char *nonce,
                                   const char *context, int seal)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t context_len = strlen(context);
    int len;

    if (!ctx || context_len > INT_MAX) abort();
    apr_pool_cleanup_register(pool, ctx, free_cipher, apr_pool_cleanup_null);
    if (EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, seal, NULL) != 1) abort();
    if (EVP_CipherUpdate(ctx, NULL, &len, (const unsigned char *)context, (int)context_len) != 1) abort();
    return ctx;
}

const char *kr_seal(apr_pool_t *pool, const kr_keys_t *keys, const char *context, const void *data, apr_size_t len)
{
    unsigned char *sealed, *text, nonce[NONCE_LEN];
    EVP_CIPHER_CTX *ctx;
    int part = 0;

    if (len > SEAL_MAX) abort(); /* limits from outside are far lower: this is a bug of ours */
    sealed = apr_palloc(pool, NONCE_LEN + len + TAG_LEN);
    text = sealed + NONCE_LEN;
    kr_random(nonce, sizeof(nonce));
    memcpy(sealed, nonce, sizeof(nonce));
    ctx = cipher_make(pool, keys->key[0][KR_KEY_SEAL], nonce, context, 1);
    if (len && EVP_EncryptUpdate(ctx, text, &part, data, (int)len) != 1) abort();
    if (EVP_EncryptFinal_ex(ctx, text + part, &part) != 1) abort();
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + len) != 1) abort();
    apr_pool_cleanup_run(pool, ctx, free_cipher);
    return kr_base64url(pool, sealed, NONCE_LEN + len + TAG_LEN);
}

/** Open with one key. @return 1 when the tag holds; else `out` is wiped */
static int open_with(apr_pool_t *pool, const unsigned char *key, const char *context, unsigned char *box,
                     apr_size_t len, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = cipher_make(pool, key, box, context, 0);
    unsigned char *text = box + NONCE_LEN;
    int part = 0, holds;

    holds = (!len || EVP_DecryptUpdate(ctx, out, &part, text, (int)len) == 1)
         && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, text + len) == 1
         && EVP_DecryptFinal_ex(ctx, out + part, &part) == 1;
    apr_pool_cleanup_run(pool, ctx, free_cipher);
    if (!holds) kr_wipe(out, len);
    return holds;
}

unsigned char *kr_unseal(apr_pool_t *pool, const kr_keys_t *keys, const char *context, const char *sealed,
                         apr_size_t *len)
{
    unsigned char *box, *out;
    apr_size_t box_len;

    *len = 0;
    if (!sealed || strnlen(sealed, 2 * SEAL_MAX + 1) > 2 * SEAL_MAX) return NULL;
    box = kr_base64_decode(pool, sealed, &box_len);
    if (!box || box_len < NONCE_LEN + TAG_LEN || box_len > NONCE_LEN + SEAL_MAX + TAG_LEN) return NULL;

    box_len -= NONCE_LEN + TAG_LEN;
    out = apr_palloc(pool, box_len + 1);
    for (int i = 0; i < keys->count; i++) {
        if (!open_with(pool, keys->key[i][KR_KEY_SEAL], context, box, box_len, out)) continue;
        out[box_len] = '\0';
        *len = box_len;
        return out;
    }
    return NULL;
}
