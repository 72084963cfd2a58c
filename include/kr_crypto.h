/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness, keyed hashes, sealing. Keys come from the realm's secrets: the first makes, all verify (rotation). */
#ifndef KR_CRYPTO_H
#define KR_CRYPTO_H

#include <apr_tables.h>

#include "kr_ctx.h"

/** What a key is for. Each purpose has a key of its own, derived from the secret (HKDF-SHA256, RFC 5869) at start. */
typedef enum {
    KR_KEY_TOKEN,   /* session tokens at rest, HMAC */
    KR_KEY_COOKIE,  /* the tag in the session cookie, HMAC */
    KR_KEY_LOGOUT,  /* logout tokens, HMAC */
    KR_KEY_CODE,    /* one-time codes and link tokens at rest, HMAC */
    KR_KEY_CSRF,    /* anti-CSRF values at rest, HMAC */
    KR_KEY_SEAL,    /* sealing, AES-256-GCM */
    KR_KEY_ASSERTION, /* what applications are told, signed: see kr_jwt.h */
    KR_KEY_LOOKUP,  /* recovery codes at rest, HMAC */
    KR_KEY_FEDCM,   /* the tag in the cookie of what browsers ask for other sites, HMAC */
    KR_KEY_ID_TOKEN, /* what other sites are told of who signs in there, signed */
    KR_KEY_AUDIT,   /* lines of the audit stream, and what stands there in place of what was typed, HMAC */
    KR_KEY_PURPOSES
} kr_key_e;

/** Derived keys of one realm: `count` secrets, newest first. Made at start, never changed. */
typedef struct {
    int count;
    unsigned char (*key)[KR_KEY_PURPOSES][32];
} kr_keys_t;

/**
 * Derive all keys of a realm's secrets.
 * @param secrets  array of const char*, newest first, each at least 16 bytes; at least one
 */
kr_keys_t *kr_keys_make(apr_pool_t *pool, const apr_array_header_t *secrets, const char *realm_name);

/** Fill with bytes from the system's generator (OpenSSL RAND_bytes; aborts the process if that fails, as there is no safe answer). */
void kr_random(void *out, apr_size_t len);
/** `len` characters of [A-Za-z0-9], each drawn without bias. */
const char *kr_random_alnum(apr_pool_t *pool, int len);
/** The same of [a-z0-9]. */
const char *kr_random_lower(apr_pool_t *pool, int len);
/** `len` decimal digits without bias. */
const char *kr_random_digits(apr_pool_t *pool, int len);

/** SHA-256 as 64 lower-case hex digits. */
const char *kr_sha256_hex(apr_pool_t *pool, const void *data, apr_size_t len);
/** SHA-256. */
void kr_sha256(unsigned char out[32], const void *data, apr_size_t len);
/** SHA-512. */
void kr_sha512(unsigned char out[64], const void *data, apr_size_t len);
/** SHA-1 as 40 UPPER-case hex digits: what the breach list's range API wants, and nothing else should. */
const char *kr_sha1_hex_upper(apr_pool_t *pool, const void *data, apr_size_t len);

/** HMAC-SHA256 with key `which` of secret number `i`, as 43 characters of base64url. */
const char *kr_hmac(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which, int i, const char *text);
/**
 * Which secret made `tag` over `text`?
 * @return its number (0 is the newest), or -1 when none did. Constant time per key.
 */
int kr_hmac_verify(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which, const char *text, const char *tag);

/** Seal bytes with AES-256-GCM under the newest secret; `context` is authenticated too. base64url of nonce, ciphertext, tag. */
const char *kr_seal(apr_pool_t *pool, const kr_keys_t *keys, const char *context, const void *data, apr_size_t len);
/** Open what kr_seal made, trying every secret. @return NULL when it does not hold; *len bytes, NUL added */
unsigned char *kr_unseal(apr_pool_t *pool, const kr_keys_t *keys, const char *context, const char *sealed,
                         apr_size_t *len);

#endif
