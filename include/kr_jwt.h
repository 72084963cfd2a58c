/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens (JWT, RFC 7519), and the keys to check them with (JWKS, RFC 7517). On cjose. */
#ifndef KR_JWT_H
#define KR_JWT_H

#include "kr_crypto.h"

/** Keys, of which the first signs and all are published. Made at start, shared read-only by all threads. */
typedef struct kr_signer_t kr_signer_t;

/**
 * The key pairs of a realm, for ES256: one per secret, newest first. Derived: nothing is stored, and every node of a realm
 * has the same. Never NULL: without memory the process aborts.
 * @param which  what they sign: tokens of one kind are not to be taken for those of another (RFC 8725 section 3.12)
 */
kr_signer_t *kr_signer_make(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which);

/**
 * The keys of a JWK set of the owner's, or of a single JWK: of type RSA, EC or oct, 32 at most. That the first of them can
 * sign is not needed here: see kr_signer_unfit.
 * @param jwks  borrowed
 * @return NULL with *why, which quotes no key
 */
kr_signer_t *kr_signer_read(apr_pool_t *pool, const json_t *jwks, const char **why);

/**
 * A new key for that algorithm (RS256, ES512, HS256 ...), with both halves, as a JWK of its own name.
 * @return pool-owned; NULL: there is no such algorithm
 */
json_t *kr_jwk_make(apr_pool_t *pool, const char *alg);

/** Why it cannot sign ("has no \"alg\""), said of its first key; NULL: it can, which was tried. */
const char *kr_signer_unfit(const kr_signer_t *signer);

/** What is wrong with keys that work, the first such thing: short, or hard to tell apart for whoever checks tokens; or NULL. */
const char *kr_signer_weak(apr_pool_t *pool, const kr_signer_t *signer);

/**
 * Sign with the first key, by its algorithm.
 * @param claims  an object; borrowed
 * @return the compact form (RFC 7515 section 7.1), in the pool; NULL when it is unfit, or when the library fails
 */
const char *kr_jwt_sign(apr_pool_t *pool, const kr_signer_t *signer, const json_t *claims);

/** The public halves as a JWK set, for whoever checks the tokens; keys without (HS256) are left out. Pool-owned. */
json_t *kr_signer_jwks(apr_pool_t *pool, const kr_signer_t *signer);

#endif
