/* SPDX-License-Identifier: Apache-2.0 */
/* Single digests and HMACs of old user databases. Weak as they are, a login replaces them. */
#include "formats.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "kr_text.h"

/** How often a template may name the password or the salt: it multiplies what 4 KiB of password cost. */
#define TEMPLATE_PARTS_MAX 64

static const char PASSWORD[] = "{PASSWORD}";
static const char SALT[] = "{SALT}";

/** digest(text) == stored? A digest that this OpenSSL lacks (FIPS) never matches. */
static kr_match_e match_digest(const char *digest, const void *text, apr_size_t len, const kr_bytes_t *stored)
{
    unsigned char got[EVP_MAX_MD_SIZE];
    size_t got_len;
    kr_match_e match;

    if (EVP_Q_digest(NULL, digest, NULL, text, len, got, &got_len) != 1) return KR_MATCH_NO;
    match = kr_bytes_match(got, got_len, stored->data, stored->len);
    kr_wipe(got, sizeof(got));
    return match;
}

/* -- {SSHA} --------------------------------------------------------------- */

/** base64 of digest(password, salt) and salt. */
kr_match_e kr_ssha_verify(const kr_attempt_t *attempt)
{
    apr_size_t size = !strcmp(attempt->detail, "SHA1") ? 20 : !strcmp(attempt->detail, "SHA256") ? 32 : 64;
    kr_bytes_t stored;
    unsigned char *text;
    apr_size_t salt_len;
    kr_match_e match;

    if (!kr_fields_bytes(&stored, attempt->pool, attempt->hash, size + 1, size + KR_KEY_MAX)) return KR_MATCH_NO;
    salt_len = stored.len - size;
    text = apr_palloc(attempt->pool, attempt->password_len + salt_len);
    memcpy(text, attempt->password, attempt->password_len);
    memcpy(text + attempt->password_len, stored.data + size, salt_len);
    stored.len = size;
    match = match_digest(attempt->detail, text, attempt->password_len + salt_len, &stored);
    kr_wipe(text, attempt->password_len + salt_len);
    return match;
}

/* -- {SHA} of htpasswd ---------------------------------------------------- */

#define SHA1_LEN 20

int kr_plain_sha_importable(const kr_attempt_t *attempt)
{
    kr_bytes_t stored;

    return kr_fields_bytes(&stored, attempt->pool, attempt->hash, SHA1_LEN, SHA1_LEN);
}

/** base64 of the bare digest of the password. */
kr_match_e kr_plain_sha_verify(const kr_attempt_t *attempt)
{
    kr_bytes_t stored;

    if (!kr_fields_bytes(&stored, attempt->pool, attempt->hash, SHA1_LEN, SHA1_LEN)) return KR_MATCH_NO;
    return match_digest(attempt->detail, attempt->password, attempt->password_len, &stored);
}

/* -- sha1, sha256, sha512, md5 with a template ---------------------------- */

static int starts(const char *text, const char *word)
{
    return !strncmp(text, word, strlen(word));
}

/** Append `len` bytes at *at, or only count them while `out` is NULL. */
static void put(unsigned char *out, apr_size_t *at, const void *data, apr_size_t len)
{
    if (out && len) memcpy(out + *at, data, len);
    *at += len;
}

/**
 * Fill in a template: every {PASSWORD} and {SALT}, in one pass, so that a password which reads "{SALT}" stays itself.
 * @param out        NULL to learn the length only
 * @param passwords  how often the template names the password
 * @return the length, or 0 when it has too many parts
 */
static apr_size_t fill(unsigned char *out, const char *template, const kr_attempt_t *attempt, const kr_bytes_t *salt,
                       int *passwords)
{
    apr_size_t len = 0;
    int parts = 0;

    *passwords = 0;
    while (*template) {
        if (starts(template, PASSWORD)) {
            put(out, &len, attempt->password, attempt->password_len);
            template += sizeof(PASSWORD) - 1;
            ++*passwords;
            parts++;
        } else if (starts(template, SALT)) {
            put(out, &len, salt->data, salt->len);
            template += sizeof(SALT) - 1;
            parts++;
        } else {
            put(out, &len, template++, 1);
        }
    }
    return parts <= TEMPLATE_PARTS_MAX ? len : 0;
}

/** "pf=TEMPLATE$salt$hash". A template without a password in it would match any: such a hash is none. */
static kr_match_e match_template(const kr_attempt_t *attempt)
{
    kr_bytes_t template, salt, stored;
    const char *field[3];
    unsigned char *text;
    apr_size_t len;
    int passwords;
    kr_match_e match;

    if (!kr_fields_split(attempt->pool, attempt->hash, field, 3) || !starts(field[0], "pf=")) return KR_MATCH_NO;
    if (!kr_fields_bytes(&template, attempt->pool, field[0] + 3, 1, KR_KEY_MAX)
        || !kr_fields_bytes(&salt, attempt->pool, field[1], 0, KR_KEY_MAX)
        || !kr_fields_bytes(&stored, attempt->pool, field[2], 1, EVP_MAX_MD_SIZE)
        || memchr(template.data, '\0', template.len)) {
        return KR_MATCH_NO;
    }
    len = fill(NULL, (const char *)template.data, attempt, &salt, &passwords);
    if (!len || !passwords) return KR_MATCH_NO;
    text = apr_palloc(attempt->pool, len);
    fill(text, (const char *)template.data, attempt, &salt, &passwords);
    match = match_digest(attempt->detail, text, len, &stored);
    kr_wipe(text, len);
    return match;
}

kr_match_e kr_sha_verify(const kr_attempt_t *attempt)
{
    return match_template(attempt);
}

/** "$md5$" comes with a template, or with the bare digest of the password. */
kr_match_e kr_md5_verify(const kr_attempt_t *attempt)
{
    kr_bytes_t stored;

    if (starts(attempt->hash, "pf=")) return match_template(attempt);
    if (!kr_fields_bytes(&stored, attempt->pool, attempt->hash, 16, 16)) return KR_MATCH_NO;
    return match_digest(attempt->detail, attempt->password, attempt->password_len, &stored);
}

/* -- hmac ----------------------------------------------------------------- */

static apr_status_t free_libctx(void *libctx)
{
    OSSL_LIB_CTX_free(libctx);
    return APR_SUCCESS;
}

static apr_status_t unload(void *provider)
{
    OSSL_PROVIDER_unload(provider);
    return APR_SUCCESS;
}

/**
 * A world of its own in which OpenSSL has MD4: the legacy provider must not become visible to the rest of the server.
 * Loading it costs a moment; hashes that need it are rare and gone after one login.
 * @return NULL when the provider is not installed
 */
static OSSL_LIB_CTX *legacy_world(apr_pool_t *pool)
{
    static const char *const names[] = { "default", "legacy" };
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();

    if (!libctx) return NULL;
    apr_pool_cleanup_register(pool, libctx, free_libctx, apr_pool_cleanup_null);
    for (int i = 0; i < KR_DIM(names); i++) {
        OSSL_PROVIDER *provider = OSSL_PROVIDER_load(libctx, names[i]);

        if (!provider) return NULL;
        apr_pool_cleanup_register(pool, provider, unload, apr_pool_cleanup_null);
    }
    return libctx;
}

/** "hash$key" where hash is base64 of the *hex text* of the MAC. */
kr_match_e kr_hmac_hash_verify(const kr_attempt_t *attempt)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    OSSL_LIB_CTX *world = NULL;
    kr_bytes_t stored, key;
    const char *field[2];
    const char *hex;
    size_t len;

    if (!kr_fields_split(attempt->pool, attempt->hash, field, 2)
        || !kr_fields_bytes(&stored, attempt->pool, field[0], 1, 2 * EVP_MAX_MD_SIZE)
        || !kr_fields_bytes(&key, attempt->pool, field[1], 1, KR_PHC_MAX)) {
        return KR_MATCH_NO;
    }
    if (!strcmp(attempt->detail, "MD4") && !(world = legacy_world(attempt->pool))) return KR_MATCH_NO;
    if (!EVP_Q_mac(world, "HMAC", NULL, attempt->detail, NULL, key.data, key.len,
                   (const unsigned char *)attempt->password, attempt->password_len, mac, sizeof(mac), &len)) {
        return KR_MATCH_NO;
    }
    hex = kr_hex(attempt->pool, mac, len);
    return kr_bytes_match(hex, 2 * len, stored.data, stored.len);
}
