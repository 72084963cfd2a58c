/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens (JWT, RFC 7519) by ES256, and the keys to check them with (JWKS, RFC 7517). On cjose. */
#ifndef KR_JWT_H
#define KR_JWT_H

#include "kr_crypto.h"

/** The key pairs of a realm: one per secret, newest first. Made at start, shared read-only by all threads. */
typedef struct kr_signer_t kr_signer_t;

/**
 * Derive the pairs: nothing is stored, and every node of a realm has the same. Never NULL: without memory the process aborts.
 * @param which  what they sign: tokens of one kind are not to be taken for those of another (RFC 8725 section 3.12)
 */
kr_signer_t *kr_signer_make(apr_pool_t *pool, const kr_keys_t *keys, kr_key_e which);

/**
 * Sign with the newest key.
 * @param claims  an object; borrowed
 * @return the compact form (RFC 7515 section 7.1), in the pool; NULL when the library fails
 */
const char *kr_jwt_sign(apr_pool_t *pool, const kr_signer_t *signer, const json_t *claims);

/** The public halves as a JWK set, for whoever checks the tokens. Pool-owned. */
json_t *kr_signer_jwks(apr_pool_t *pool, const kr_signer_t *signer);

#endif
