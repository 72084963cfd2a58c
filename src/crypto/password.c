/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords against stored hashes, and new hashes. What a format is stands in formats.c. */
#include "kr_password.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uninorm.h>
#include <unistr.h>

#include "formats.h"
#include "kr_crypto.h"
#include "kr_text.h"

static apr_uint32_t clamp(apr_uint32_t value, apr_uint32_t low, apr_uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/**
 * The hasher with everything inside the bounds of verifying: Kratos' defaults (2 lanes a core, any cost up to 31) can
 * leave them on a large machine, and a hash that is never verified locks its owner out.
 */
static kr_hasher_t within_bounds(const kr_hasher_t *hasher)
{
    kr_hasher_t h = *hasher;

    h.bcrypt_cost = (int)clamp(h.bcrypt_cost > 0 ? (apr_uint32_t)h.bcrypt_cost : 0, KR_BCRYPT_COST_MIN,
                               KR_BCRYPT_COST_MAX);
    h.iterations = clamp(h.iterations, 1, KR_ARGON2_ITERATIONS_MAX);
    h.parallelism = clamp(h.parallelism, 1, KR_ARGON2_PARALLELISM_MAX);
    h.memory = clamp(h.memory, 8 * h.parallelism, KR_ARGON2_MEMORY_MAX);
    h.salt_length = clamp(h.salt_length, KR_ARGON2_SALT_MIN, KR_KEY_MAX);
    h.key_length = clamp(h.key_length, KR_KEY_MIN, KR_KEY_MAX);
    return h;
}

static int is_too_long(const char *password)
{
    return strnlen(password, KR_PASSWORD_MAX + 1) > KR_PASSWORD_MAX;
}

static kr_err_t *no_memory(kr_ctx_t *k)
{
    return kr_err_unavailable(k, 1, "no memory to compute a password hash");
}

const char *kr_password_composed(apr_pool_t *pool, const char *password)
{
    const uint8_t *raw = (const uint8_t *)password;
    size_t len = 0;
    uint8_t *made;
    char *out;

    if (is_too_long(password) || kr_ascii(password) || u8_check(raw, strlen(password))) return password;
    made = u8_normalize(UNINORM_NFC, raw, strlen(password), NULL, &len);
    out = made ? apr_pstrmemdup(pool, (const char *)made, len) : NULL;
    if (made) kr_wipe(made, len);
    free(made);
    return out && strcmp(out, password) ? out : password;
}

/* Of a password in another form than it came in: pools are not wiped. */
static void forget(const char *composed, const char *password)
{
    if (composed != password) kr_wipe((void *)composed, strlen(composed));
}

/** What kr_hash_aside is to make. */
typedef struct {
    apr_pool_t *pool;
    kr_slot_t *slot;
    const kr_hasher_t *hasher;
    const char *password, *phc;
} making_t;

static void make_hash(void *baton)
{
    making_t *m = baton;

    m->phc = m->hasher->bcrypt ? kr_bcrypt_make(m->pool, m->hasher->bcrypt_cost, m->password)
                               : kr_argon2_make(m->pool, m->slot, m->hasher, m->password);
}

static kr_err_t *make(const char **phc, kr_ctx_t *k, const kr_hasher_t *hasher, const char *password)
{
    making_t m = { .pool = k->pool, .hasher = hasher, .password = password };

    if (is_too_long(password)) {
        return kr_err(k, 400, NULL, "the password is longer than %d bytes", KR_PASSWORD_MAX);
    }
    if (hasher->bcrypt && strlen(password) > KR_BCRYPT_PASSWORD_MAX) {
        return kr_err(k, 400, NULL, "the password is longer than the %d bytes that bcrypt looks at",
                      KR_BCRYPT_PASSWORD_MAX);
    }
    KR_TRY(kr_slot_take(&m.slot, k));
    kr_hash_aside(make_hash, &m);
    kr_slot_leave(m.slot);
    *phc = m.phc;
    return *phc ? NULL : no_memory(k);
}

kr_err_t *kr_password_hash(const char **phc, kr_ctx_t *k, const kr_hasher_t *hasher, const char *password)
{
    const char *composed = kr_password_composed(k->pool, password);
    kr_hasher_t h = within_bounds(hasher);
    kr_err_t *err;

    assert(!k->db); /* a database connection must never wait for a hash */
    *phc = NULL;
    err = make(phc, k, &h, composed);
    forget(composed, password);
    return err;
}

/** What kr_hash_aside is to compare with a hash. */
typedef struct {
    const kr_format_t *format;
    kr_attempt_t attempt;
    const char *password, *composed;
    kr_match_e match;
} matching_t;

static kr_match_e try(matching_t *m, const char *password)
{
    m->attempt.password = password;
    m->attempt.password_len = strlen(password);
    return is_too_long(password) ? KR_MATCH_NO : m->format->verify(&m->attempt);
}

static void match_hash(void *baton)
{
    matching_t *m = baton;

    m->match = try(m, m->composed);
    if (m->match == KR_MATCH_NO && m->composed != m->password) m->match = try(m, m->password);
}

kr_err_t *kr_password_verify(int *ok, kr_ctx_t *k, const char *password, const char *phc)
{
    matching_t m = { .format = kr_format_find(phc), .attempt = { .pool = k->pool }, .password = password };

    assert(!k->db); /* a database connection must never wait for a hash */
    *ok = 0;
    if (!m.format || !password || is_too_long(password)) return NULL;
    m.attempt.detail = m.format->detail;
    m.attempt.hash = phc + strlen(m.format->prefix);
    KR_TRY(kr_slot_take(&m.attempt.slot, k));
    m.composed = kr_password_composed(k->pool, password);
    kr_hash_aside(match_hash, &m);
    kr_slot_leave(m.attempt.slot);
    forget(m.composed, password);
    if (m.match == KR_MATCH_FAILED) return no_memory(k);
    *ok = m.match == KR_MATCH_YES;
    return NULL;
}

kr_err_t *kr_password_burn(kr_ctx_t *k, const kr_hasher_t *hasher, const char *password)
{
    kr_hasher_t h = within_bounds(hasher);
    const char *dummy = h.bcrypt ? kr_bcrypt_dummy(k->pool, h.bcrypt_cost) : kr_argon2_dummy(k->pool, &h);
    int ignored;

    return kr_password_verify(&ignored, k, password, dummy);
}

int kr_password_outdated(const kr_hasher_t *hasher, const char *phc)
{
    const kr_format_t *format = kr_format_find(phc);
    kr_hasher_t h = within_bounds(hasher);
    apr_pool_t *pool;
    const char *rest;
    int current;

    if (!format || format->verify != (h.bcrypt ? kr_bcrypt_verify : kr_argon2_verify)) return 1;
    rest = phc + strlen(format->prefix);
    if (h.bcrypt) return kr_bcrypt_cost(rest) != h.bcrypt_cost;
    if (strcmp(format->detail, "id")) return 1; /* argon2i is not what the hasher makes */
    if (apr_pool_create(&pool, NULL)) return 0;
    current = kr_argon2_current(pool, &h, rest);
    apr_pool_destroy(pool);
    return !current;
}

int kr_password_importable(const char *phc)
{
    const kr_format_t *format = kr_format_find(phc);
    kr_attempt_t attempt = { 0 };
    int ok;

    if (!format || !format->importable) return format != NULL;
    if (apr_pool_create(&attempt.pool, NULL)) return 0;
    attempt.detail = format->detail;
    attempt.hash = phc + strlen(format->prefix);
    ok = format->importable(&attempt);
    apr_pool_destroy(attempt.pool);
    return ok;
}
