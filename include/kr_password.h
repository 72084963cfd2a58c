/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes: making, verifying, and the limit on how many run at once across all processes of the server. */
#ifndef KR_PASSWORD_H
#define KR_PASSWORD_H

#include "kr_ctx.h"

/** How new passwords are hashed; part of the realm's settings (hashers.*). */
typedef struct {
    int bcrypt;             /* 1: bcrypt, 0: argon2id */
    int bcrypt_cost;        /* log2 of rounds */
    apr_uint32_t memory;    /* argon2: KiB */
    apr_uint32_t iterations;
    apr_uint32_t parallelism;
    apr_uint32_t salt_length; /* bytes */
    apr_uint32_t key_length;  /* bytes */
} kr_hasher_t;

/** The longest password that is looked at, in bytes; more is answered as a wrong password, or refused when set. */
#define KR_PASSWORD_MAX 4096

/**
 * Make the node-wide slots: before fork, once per configuration. Memory for argon2 is kept per slot in shared pages, so
 * that a hash does not spend half its time in page faults.
 * @param slots   how many hashes may run at once over all processes; 0: number of online cores
 * @param memory  KiB kept per slot; hashes that need more use memory of their own
 * @param wait    µs a request may wait for a slot before it is answered 503
 * @param queue   how many may wait at once; beyond it 503 at once
 */
apr_status_t kr_slots_make(apr_pool_t *pconf, int slots, apr_uint32_t memory, apr_time_t wait, int queue);

/**
 * A password in NFC: the same letters come composed from one keyboard and decomposed from another. Itself when it is so already,
 * is no UTF-8, or too long to be looked at.
 */
const char *kr_password_composed(apr_pool_t *pool, const char *password);

/**
 * Hash a new password, in NFC, as `hasher` (the realm's settings) says.
 * @param phc  the PHC (or crypt) string, in k->pool
 * Parameters beyond what kr_password_verify takes are moved inside: such a hash would lock its owner out.
 * @return 400 when the password is longer than KR_PASSWORD_MAX, or than the 72 bytes bcrypt looks at; 503 with
 *         Retry-After when no slot came free in time. No database handle may be held (asserted)
 */
kr_err_t *kr_password_hash(const char **phc, kr_ctx_t *k, const kr_hasher_t *hasher, const char *password) KR_MUST_CHECK;

/**
 * Does the password match, in NFC or, when that is something else, as it was typed (imported hashes were made of bytes)? A password
 * that is not in NFC costs up to two hashes, whoever tries it. Formats: those that Kratos imports, plus $1$ $5$ $6$ $apr1$ {SHA} and
 * {CRYPT} (DES); unknown and malformed hashes, and parameters out of bounds, never match.
 * @param ok  1 or 0
 * @return 503 as kr_password_hash
 */
kr_err_t *kr_password_verify(int *ok, kr_ctx_t *k, const char *password, const char *phc) KR_MUST_CHECK;

/** Do the same work as verifying a hash made by `hasher`, for identifiers that nobody has. */
kr_err_t *kr_password_burn(kr_ctx_t *k, const kr_hasher_t *hasher, const char *password) KR_MUST_CHECK;

/** Should a password that just matched `phc` be hashed anew: other algorithm or other parameters than the settings say? */
int kr_password_outdated(const kr_hasher_t *hasher, const char *phc);

/** Is it a hash that kr_password_verify understands, within bounds? For imports. */
int kr_password_importable(const char *phc);

/** How many hashes run and how many wait right now, and how many were turned away since start (tests, status page). */
void kr_slots_stats(unsigned *running, unsigned *waiting, unsigned *refused);

#endif
