/* SPDX-License-Identifier: Apache-2.0 */
/* argon2id and argon2i as PHC strings, through libargon2. */
#include "formats.h"

#include <argon2.h>
#include <stdlib.h>
#include <string.h>

#include "kr_crypto.h"
#include "kr_text.h"

/** What stands in "v=19$m=KiB,t=N,p=N$salt$hash". */
typedef struct {
    apr_uint32_t memory, iterations, parallelism;
    kr_bytes_t salt, key;
} argon2_hash_t;

/*
 * The exception to "no mutable file statics": libargon2's allocator callbacks get no argument of ours, so the slot
 * whose memory they should use is left here for the length of one call, per thread.
 */
static _Thread_local kr_slot_t *slot_of_call;

static int allocate(uint8_t **memory, size_t bytes)
{
    *memory = kr_slot_memory(slot_of_call, bytes);
    if (!*memory) *memory = malloc(bytes);
    return *memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

/** libargon2 has wiped it already. */
static void release(uint8_t *memory, size_t bytes)
{
    if (memory != kr_slot_memory(slot_of_call, bytes)) free(memory);
}

/**
 * Compute out->key.len bytes into `key`. One thread does all lanes: a slot stands for one core, and lanes are the same
 * amount of work however many threads share them.
 */
static int run(unsigned char *key, const argon2_hash_t *with, argon2_type type, kr_slot_t *slot, const char *password)
{
    argon2_context ctx = {
        .out = key,
        .outlen = (uint32_t)with->key.len,
        .pwd = (uint8_t *)password, /* not written to: ARGON2_FLAG_CLEAR_PASSWORD is off */
        .pwdlen = (uint32_t)strlen(password),
        .salt = with->salt.data,
        .saltlen = (uint32_t)with->salt.len,
        .t_cost = with->iterations,
        .m_cost = with->memory,
        .lanes = with->parallelism,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = allocate,
        .free_cbk = release,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int rv;

    slot_of_call = slot;
    rv = argon2_ctx(&ctx, type);
    slot_of_call = NULL;
    return rv;
}

/** @return 1 when well-formed and within bounds, libargon2's included */
static int parse(argon2_hash_t *out, apr_pool_t *pool, const char *text)
{
    static const char *const names[] = { "m", "t", "p" };
    const char *field[4];
    apr_uint32_t number[3];

    if (!kr_fields_split(pool, text, field, 4) || strcmp(field[0], "v=19")) return 0;
    if (!kr_fields_numbers(field[1], names, number, 3)) return 0;
    out->memory = number[0];
    out->iterations = number[1];
    out->parallelism = number[2];
    if (!out->iterations || out->iterations > KR_ARGON2_ITERATIONS_MAX) return 0;
    if (!out->parallelism || out->parallelism > KR_ARGON2_PARALLELISM_MAX) return 0;
    if (out->memory < 8 * out->parallelism || out->memory > KR_ARGON2_MEMORY_MAX) return 0;
    return kr_fields_bytes(&out->salt, pool, field[2], KR_ARGON2_SALT_MIN, KR_KEY_MAX)
        && kr_fields_bytes(&out->key, pool, field[3], KR_KEY_MIN, KR_KEY_MAX);
}

kr_match_e kr_argon2_verify(const kr_attempt_t *attempt)
{
    argon2_type type = strcmp(attempt->detail, "id") ? Argon2_i : Argon2_id;
    unsigned char key[KR_KEY_MAX];
    kr_match_e match;
    argon2_hash_t hash;

    if (!parse(&hash, attempt->pool, attempt->hash)) return KR_MATCH_NO;
    if (run(key, &hash, type, attempt->slot, attempt->password)) return KR_MATCH_FAILED;
    match = kr_bytes_match(key, hash.key.len, hash.key.data, hash.key.len);
    kr_wipe(key, sizeof(key));
    return match;
}

int kr_argon2_importable(const kr_attempt_t *attempt)
{
    argon2_hash_t hash;

    return parse(&hash, attempt->pool, attempt->hash);
}

/** PHC strings want base64 without padding. */
static const char *unpadded(apr_pool_t *pool, const unsigned char *data, apr_size_t len)
{
    const char *text = kr_base64(pool, data, len);

    return apr_pstrmemdup(pool, text, strcspn(text, "="));
}

static const char *phc_make(apr_pool_t *pool, const argon2_hash_t *hash, const unsigned char *key)
{
    return apr_psprintf(pool, "$argon2id$v=19$m=%u,t=%u,p=%u$%s$%s", hash->memory, hash->iterations,
                        hash->parallelism, unpadded(pool, hash->salt.data, hash->salt.len),
                        unpadded(pool, key, hash->key.len));
}

/** The hasher's parameters with a fresh salt, and room for the key. */
static argon2_hash_t begin(apr_pool_t *pool, const kr_hasher_t *hasher)
{
    argon2_hash_t hash = {
        .memory = hasher->memory,
        .iterations = hasher->iterations,
        .parallelism = hasher->parallelism,
        .salt = { apr_palloc(pool, hasher->salt_length), hasher->salt_length },
        .key = { apr_palloc(pool, hasher->key_length), hasher->key_length },
    };

    kr_random(hash.salt.data, hash.salt.len);
    return hash;
}

const char *kr_argon2_make(apr_pool_t *pool, kr_slot_t *slot, const kr_hasher_t *hasher, const char *password)
{
    argon2_hash_t hash = begin(pool, hasher);

    return run(hash.key.data, &hash, Argon2_id, slot, password) ? NULL : phc_make(pool, &hash, hash.key.data);
}

const char *kr_argon2_dummy(apr_pool_t *pool, const kr_hasher_t *hasher)
{
    argon2_hash_t hash = begin(pool, hasher);

    kr_random(hash.key.data, hash.key.len); /* a match of it would be a preimage */
    return phc_make(pool, &hash, hash.key.data);
}

int kr_argon2_current(apr_pool_t *pool, const kr_hasher_t *hasher, const char *text)
{
    argon2_hash_t hash;

    return parse(&hash, pool, text) && hash.memory == hasher->memory && hash.iterations == hasher->iterations
        && hash.parallelism == hasher->parallelism && hash.salt.len == hasher->salt_length
        && hash.key.len == hasher->key_length;
}
