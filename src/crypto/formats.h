/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto: the table of hash formats, what each row does, and how their fields are read. */
#ifndef KR_CRYPTO_FORMATS_H
#define KR_CRYPTO_FORMATS_H

#include <apr_pools.h>

#include "kr_password.h"
#include "slots.h"

/** The longest stored hash that is looked at, in bytes. */
#define KR_PHC_MAX 4096

/* Bounds of what is verified. New hashes keep inside them as well, or nobody could log in. */
#define KR_BCRYPT_COST_MIN 4
#define KR_BCRYPT_COST_MAX 15
#define KR_BCRYPT_PASSWORD_MAX 72
#define KR_ARGON2_MEMORY_MAX (1024 * 1024) /* KiB */
#define KR_ARGON2_ITERATIONS_MAX 10
#define KR_ARGON2_PARALLELISM_MAX 16
#define KR_ARGON2_SALT_MIN 8 /* libargon2's own */
#define KR_KEY_MIN 8         /* bytes of a derived key; ours: less could be met by chance, and none by anything */
#define KR_KEY_MAX 512

/** One password against one stored hash. */
typedef struct {
    apr_pool_t *pool;
    kr_slot_t *slot;      /* may be NULL */
    const char *password; /* NULL when only the hash is looked at */
    size_t password_len;
    const char *detail;   /* from the row of the table */
    const char *hash;     /* what follows the row's prefix */
} kr_attempt_t;

typedef enum {
    KR_MATCH_FAILED = -1, /* could not be computed: no memory */
    KR_MATCH_NO = 0,
    KR_MATCH_YES = 1
} kr_match_e;

/** A format: all hashes that begin with `prefix`. */
typedef struct {
    const char *prefix;
    const char *detail; /* what `verify` needs to know besides: a digest, another prefix */
    kr_match_e (*verify)(const kr_attempt_t *attempt);
    int (*importable)(const kr_attempt_t *attempt); /* NULL: the prefix is enough */
} kr_format_t;

/** The row for a stored hash, or NULL. NULL and overlong hashes have none. */
const kr_format_t *kr_format_find(const char *phc);

/* -- rows ----------------------------------------------------------------- */

kr_match_e kr_bcrypt_verify(const kr_attempt_t *attempt);
int kr_bcrypt_importable(const kr_attempt_t *attempt);
kr_match_e kr_argon2_verify(const kr_attempt_t *attempt);
int kr_argon2_importable(const kr_attempt_t *attempt);
kr_match_e kr_crypt_verify(const kr_attempt_t *attempt);
int kr_crypt_importable(const kr_attempt_t *attempt);
kr_match_e kr_apr1_verify(const kr_attempt_t *attempt);
kr_match_e kr_pbkdf2_verify(const kr_attempt_t *attempt);
int kr_pbkdf2_importable(const kr_attempt_t *attempt);
kr_match_e kr_scrypt_verify(const kr_attempt_t *attempt);
int kr_scrypt_importable(const kr_attempt_t *attempt);
kr_match_e kr_firescrypt_verify(const kr_attempt_t *attempt);
int kr_firescrypt_importable(const kr_attempt_t *attempt);
kr_match_e kr_ssha_verify(const kr_attempt_t *attempt);
kr_match_e kr_plain_sha_verify(const kr_attempt_t *attempt);
int kr_plain_sha_importable(const kr_attempt_t *attempt);
kr_match_e kr_des_crypt_verify(const kr_attempt_t *attempt);
int kr_des_crypt_importable(const kr_attempt_t *attempt);
kr_match_e kr_sha_verify(const kr_attempt_t *attempt);
kr_match_e kr_md5_verify(const kr_attempt_t *attempt);
kr_match_e kr_hmac_hash_verify(const kr_attempt_t *attempt);

/* -- the two that make new hashes ------------------------------------------ */

/** @return the hash, or NULL when there was no memory for it */
const char *kr_bcrypt_make(apr_pool_t *pool, int cost, const char *password);
/** A well-formed hash of nothing, of that cost. */
const char *kr_bcrypt_dummy(apr_pool_t *pool, int cost);
/** The cost of `hash` (after its prefix), or -1 when malformed. */
int kr_bcrypt_cost(const char *hash);

/** @return the hash, or NULL when there was no memory for it */
const char *kr_argon2_make(apr_pool_t *pool, kr_slot_t *slot, const kr_hasher_t *hasher, const char *password);
const char *kr_argon2_dummy(apr_pool_t *pool, const kr_hasher_t *hasher);
/** Does `hash` (after its prefix) have exactly the hasher's parameters? */
int kr_argon2_current(apr_pool_t *pool, const kr_hasher_t *hasher, const char *hash);

/* -- fields ---------------------------------------------------------------- */

typedef struct {
    unsigned char *data; /* NUL follows */
    apr_size_t len;
} kr_bytes_t;

/** Split at '$' into exactly `count` fields. @return 1, or 0 when there are more or fewer */
int kr_fields_split(apr_pool_t *pool, const char *text, const char **field, int count);
/** Read "a=1,b=2": these names in this order, decimal digits only, nothing else. @return 1 or 0 */
int kr_fields_numbers(const char *text, const char *const *names, apr_uint32_t *out, int count);
/** Decode base64 of `min` to `max` bytes. @return 1 or 0 */
int kr_fields_bytes(kr_bytes_t *out, apr_pool_t *pool, const char *base64, apr_size_t min, apr_size_t max);
/** Constant-time comparison. */
kr_match_e kr_bytes_match(const void *a, apr_size_t a_len, const void *b, apr_size_t b_len);

#endif
