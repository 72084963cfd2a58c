/* SPDX-License-Identifier: Apache-2.0 */
/* PBKDF2, scrypt, and Firebase's scrypt, through OpenSSL. */
#include "formats.h"

#include <string.h>

#include <openssl/evp.h>

#include "kr_text.h"

#define PBKDF2_ITERATIONS_MAX 10000000
#define SCRYPT_N_MAX 131072
#define SCRYPT_R_MAX 8
#define SCRYPT_P_MAX 10

/** 128 * N * r for the table at its largest, and some for the rest. */
#define SCRYPT_MEMORY_MAX ((apr_uint64_t)160 * 1024 * 1024)

/* -- pbkdf2 --------------------------------------------------------------- */

/** What stands in "256$i=N,l=LEN$salt$hash". `other` is a second reading of the digest's name, or NULL. */
typedef struct {
    const EVP_MD *digest, *other;
    apr_uint32_t iterations;
    kr_bytes_t salt, key;
} pbkdf2_hash_t;

/**
 * "sha224" and "sha384" mean SHA-3 to Kratos and SHA-2 to everyone else: either may have made the hash. Numbers that
 * name no digest mean sha256 to Kratos.
 */
static int digest_of(pbkdf2_hash_t *out, const char *number)
{
    size_t len = strlen(number);

    if (!len || len > 3 || strspn(number, "0123456789") != len) return 0;
    out->digest = EVP_sha256();
    out->other = NULL;
    if (!strcmp(number, "1")) out->digest = EVP_sha1();
    if (!strcmp(number, "512")) out->digest = EVP_sha512();
    if (!strcmp(number, "224")) out->digest = EVP_sha3_224(), out->other = EVP_sha224();
    if (!strcmp(number, "384")) out->digest = EVP_sha3_384(), out->other = EVP_sha384();
    return 1;
}

/** The "l=" is only read: the decoded hash says how long the key is. */
static int parse_pbkdf2(pbkdf2_hash_t *out, const kr_attempt_t *attempt)
{
    static const char *const names[] = { "i", "l" };
    const char *field[4];
    apr_uint32_t number[2];

    if (!kr_fields_split(attempt->pool, attempt->hash, field, 4)) return 0;
    if (!digest_of(out, field[0]) || !kr_fields_numbers(field[1], names, number, 2)) return 0;
    out->iterations = number[0];
    return out->iterations && out->iterations <= PBKDF2_ITERATIONS_MAX
        && kr_fields_bytes(&out->salt, attempt->pool, field[2], 0, KR_KEY_MAX)
        && kr_fields_bytes(&out->key, attempt->pool, field[3], KR_KEY_MIN, KR_KEY_MAX);
}

static kr_match_e match_pbkdf2(const kr_attempt_t *attempt, const pbkdf2_hash_t *hash, const EVP_MD *digest)
{
    unsigned char key[KR_KEY_MAX];
    kr_match_e match;

    if (PKCS5_PBKDF2_HMAC(attempt->password, (int)attempt->password_len, hash->salt.data, (int)hash->salt.len,
                          (int)hash->iterations, digest, (int)hash->key.len, key) != 1) {
        return KR_MATCH_FAILED;
    }
    match = kr_bytes_match(key, hash->key.len, hash->key.data, hash->key.len);
    kr_wipe(key, sizeof(key));
    return match;
}

kr_match_e kr_pbkdf2_verify(const kr_attempt_t *attempt)
{
    pbkdf2_hash_t hash;
    kr_match_e match;

    if (!parse_pbkdf2(&hash, attempt)) return KR_MATCH_NO;
    match = match_pbkdf2(attempt, &hash, hash.digest);
    return match == KR_MATCH_NO && hash.other ? match_pbkdf2(attempt, &hash, hash.other) : match;
}

int kr_pbkdf2_importable(const kr_attempt_t *attempt)
{
    pbkdf2_hash_t hash;

    return parse_pbkdf2(&hash, attempt);
}

/* -- scrypt --------------------------------------------------------------- */

typedef struct {
    apr_uint64_t n;
    apr_uint32_t r, p;
    kr_bytes_t salt, key;
} scrypt_hash_t;

/** "ln=..,r=..,p=..". In Kratos' own format `ln` is N itself, in Firebase's its logarithm. */
static int parse_scrypt_numbers(scrypt_hash_t *out, const char *text, int is_log)
{
    static const char *const names[] = { "ln", "r", "p" };
    apr_uint32_t number[3];

    if (!kr_fields_numbers(text, names, number, 3)) return 0;
    if (is_log && number[0] > 17) return 0;
    out->n = is_log ? (apr_uint64_t)1 << number[0] : number[0];
    out->r = number[1];
    out->p = number[2];
    return out->n > 1 && out->n <= SCRYPT_N_MAX && !(out->n & (out->n - 1))
        && out->r && out->r <= SCRYPT_R_MAX && out->p && out->p <= SCRYPT_P_MAX;
}

static int run_scrypt(unsigned char *key, apr_size_t key_len, const kr_attempt_t *attempt, const scrypt_hash_t *hash,
                      const kr_bytes_t *salt)
{
    return EVP_PBE_scrypt(attempt->password, attempt->password_len, salt->data, salt->len, hash->n, hash->r, hash->p,
                          SCRYPT_MEMORY_MAX, key, key_len) == 1;
}

static int parse_scrypt(scrypt_hash_t *out, const kr_attempt_t *attempt)
{
    const char *field[3];

    return kr_fields_split(attempt->pool, attempt->hash, field, 3) && parse_scrypt_numbers(out, field[0], 0)
        && kr_fields_bytes(&out->salt, attempt->pool, field[1], 0, KR_KEY_MAX)
        && kr_fields_bytes(&out->key, attempt->pool, field[2], KR_KEY_MIN, KR_KEY_MAX);
}

kr_match_e kr_scrypt_verify(const kr_attempt_t *attempt)
{
    unsigned char key[KR_KEY_MAX];
    scrypt_hash_t hash;
    kr_match_e match;

    if (!parse_scrypt(&hash, attempt)) return KR_MATCH_NO;
    if (!run_scrypt(key, hash.key.len, attempt, &hash, &hash.salt)) return KR_MATCH_FAILED;
    match = kr_bytes_match(key, hash.key.len, hash.key.data, hash.key.len);
    kr_wipe(key, sizeof(key));
    return match;
}

int kr_scrypt_importable(const kr_attempt_t *attempt)
{
    scrypt_hash_t hash;

    return parse_scrypt(&hash, attempt);
}

/* -- firebase ------------------------------------------------------------- */

/** "ln=L,r=R,p=P$salt$hash$separator$signer key". */
static int parse_firescrypt(scrypt_hash_t *out, kr_bytes_t *salt, kr_bytes_t *signer, const kr_attempt_t *attempt)
{
    apr_pool_t *pool = attempt->pool;
    kr_bytes_t separator;
    const char *field[5];

    if (!kr_fields_split(pool, attempt->hash, field, 5) || !parse_scrypt_numbers(out, field[0], 1)) return 0;
    if (!kr_fields_bytes(&out->salt, pool, field[1], 0, KR_KEY_MAX)
        || !kr_fields_bytes(&out->key, pool, field[2], KR_KEY_MIN, KR_KEY_MAX)
        || !kr_fields_bytes(&separator, pool, field[3], 0, KR_KEY_MAX)
        || !kr_fields_bytes(signer, pool, field[4], KR_KEY_MIN, KR_KEY_MAX)) {
        return 0;
    }
    salt->len = out->salt.len + separator.len;
    salt->data = apr_palloc(pool, salt->len + 1);
    memcpy(salt->data, out->salt.data, out->salt.len);
    memcpy(salt->data + out->salt.len, separator.data, separator.len);
    return signer->len == out->key.len; /* the hash is the signer key, encrypted */
}

/** AES-256 in counter mode from zero. @return 1 or 0 */
static int encrypt(unsigned char *out, const unsigned char key[32], const kr_bytes_t *text)
{
    static const unsigned char zero[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len, ok;

    ok = ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_ctr(), key, zero, NULL) == 1
      && EVP_EncryptUpdate(ctx, out, &len, text->data, (int)text->len) == 1 && len == (int)text->len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

kr_match_e kr_firescrypt_verify(const kr_attempt_t *attempt)
{
    unsigned char key[32], sealed[KR_KEY_MAX];
    kr_match_e match = KR_MATCH_FAILED;
    kr_bytes_t salt, signer;
    scrypt_hash_t hash;

    if (!parse_firescrypt(&hash, &salt, &signer, attempt)) return KR_MATCH_NO;
    if (run_scrypt(key, sizeof(key), attempt, &hash, &salt) && encrypt(sealed, key, &signer)) {
        match = kr_bytes_match(sealed, signer.len, hash.key.data, hash.key.len);
    }
    kr_wipe(key, sizeof(key));
    kr_wipe(sealed, sizeof(sealed));
    return match;
}

int kr_firescrypt_importable(const kr_attempt_t *attempt)
{
    kr_bytes_t salt, signer;
    scrypt_hash_t hash;

    return parse_firescrypt(&hash, &salt, &signer, attempt);
}
