/* SPDX-License-Identifier: Apache-2.0 */
/* All password hashes that are understood, and the reading of their fields. */
#include "formats.h"

#include <string.h>

#include <openssl/crypto.h>

#include "kr_text.h"

/**
 * Kratos' formats first, in its order, then those that people have in their password files. Each prefix ends where no
 * other can go on, so the order decides nothing.
 */
static const kr_format_t FORMATS[] = {
    { "$md5-crypt$",    "$1$",    kr_crypt_verify,      NULL },
    { "$2$",            NULL,     kr_bcrypt_verify,     kr_bcrypt_importable },
    { "$2a$",           NULL,     kr_bcrypt_verify,     kr_bcrypt_importable },
    { "$2b$",           NULL,     kr_bcrypt_verify,     kr_bcrypt_importable },
    { "$2y$",           NULL,     kr_bcrypt_verify,     kr_bcrypt_importable },
    { "$2z$",           NULL,     kr_bcrypt_verify,     kr_bcrypt_importable },
    { "$sha256-crypt$", "$5$",    kr_crypt_verify,      NULL },
    { "$sha512-crypt$", "$6$",    kr_crypt_verify,      NULL },
    { "$argon2id$",     "id",     kr_argon2_verify,     kr_argon2_importable },
    { "$argon2i$",      "i",      kr_argon2_verify,     kr_argon2_importable },
    { "$pbkdf2-sha",    NULL,     kr_pbkdf2_verify,     kr_pbkdf2_importable },
    { "$scrypt$",       NULL,     kr_scrypt_verify,     kr_scrypt_importable },
    { "$firescrypt$",   NULL,     kr_firescrypt_verify, kr_firescrypt_importable },
    { "{SSHA}",         "SHA1",   kr_ssha_verify,       NULL },
    { "{SSHA256}",      "SHA256", kr_ssha_verify,       NULL },
    { "{SSHA512}",      "SHA512", kr_ssha_verify,       NULL },
    { "{SHA}",          "SHA1",   kr_plain_sha_verify,  kr_plain_sha_importable },
    { "{CRYPT}",        "",       kr_des_crypt_verify,  kr_des_crypt_importable },
    { "$sha1$",         "SHA1",   kr_sha_verify,        NULL },
    { "$sha256$",       "SHA256", kr_sha_verify,        NULL },
    { "$sha512$",       "SHA512", kr_sha_verify,        NULL },
    { "$md5$",          "MD5",    kr_md5_verify,        NULL },
    { "$hmac-md4$",     "MD4",    kr_hmac_hash_verify,  NULL },
    { "$hmac-md5$",     "MD5",    kr_hmac_hash_verify,  NULL },
    { "$hmac-sha1$",    "SHA1",   kr_hmac_hash_verify,  NULL },
    { "$hmac-sha224$",  "SHA224", kr_hmac_hash_verify,  NULL },
    { "$hmac-sha256$",  "SHA256", kr_hmac_hash_verify,  NULL },
    { "$hmac-sha384$",  "SHA384", kr_hmac_hash_verify,  NULL },
    { "$hmac-sha512$",  "SHA512", kr_hmac_hash_verify,  NULL },
    { "$1$",            "$1$",    kr_crypt_verify,      kr_crypt_importable },
    { "$5$",            "$5$",    kr_crypt_verify,      kr_crypt_importable },
    { "$6$",            "$6$",    kr_crypt_verify,      kr_crypt_importable },
    { "$apr1$",         "$apr1$", kr_apr1_verify,       kr_crypt_importable },
};

const kr_format_t *kr_format_find(const char *phc)
{
    if (!phc || strnlen(phc, KR_PHC_MAX + 1) > KR_PHC_MAX) return NULL;
    for (int i = 0; i < KR_DIM(FORMATS); i++) {
        if (!strncmp(phc, FORMATS[i].prefix, strlen(FORMATS[i].prefix))) return &FORMATS[i];
    }
    return NULL;
}

int kr_fields_split(apr_pool_t *pool, const char *text, const char **field, int count)
{
    for (int i = 0; i < count; i++) {
        const char *end = strchr(text, '$');

        if (!end != (i == count - 1)) return 0;
        field[i] = end ? apr_pstrmemdup(pool, text, (apr_size_t)(end - text)) : text;
        if (end) text = end + 1;
    }
    return 1;
}

/** Read digits that fit 32 bits. @return where they end, or NULL */
static const char *read_number(const char *text, apr_uint32_t *out)
{
    apr_uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (apr_uint64_t)(*at - '0');
        if (value > 0xFFFFFFFFu) return NULL;
    }
    *out = (apr_uint32_t)value;
    return at > text ? at : NULL;
}

int kr_fields_numbers(const char *text, const char *const *names, apr_uint32_t *out, int count)
{
    for (int i = 0; i < count; i++) {
        size_t len = strlen(names[i]);

        if (i && *text++ != ',') return 0;
        if (strncmp(text, names[i], len) || text[len] != '=') return 0;
        text = read_number(text + len + 1, &out[i]);
        if (!text) return 0;
    }
    return !*text;
}

int kr_fields_bytes(kr_bytes_t *out, apr_pool_t *pool, const char *base64, apr_size_t min, apr_size_t max)
{
    out->data = kr_base64_decode(pool, base64, &out->len);
    return out->data && out->len >= min && out->len <= max;
}

kr_match_e kr_bytes_match(const void *a, apr_size_t a_len, const void *b, apr_size_t b_len)
{
    return a_len == b_len && a_len && !CRYPTO_memcmp(a, b, a_len) ? KR_MATCH_YES : KR_MATCH_NO;
}
