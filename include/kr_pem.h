/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens by a private key that somebody gave us in a PEM file: ES256 (RFC 7518 3.4), on P-256. */
#ifndef KR_PEM_H
#define KR_PEM_H

#include <apr_pools.h>
#include <jansson.h>

/** A private key. Made at start, shared read-only by all threads. */
typedef struct kr_pem_key_t kr_pem_key_t;

/**
 * Read "-----BEGIN PRIVATE KEY-----" (PKCS #8) or "-----BEGIN EC PRIVATE KEY-----", without a password.
 * @param kid  its id, for the header of what it signs; copied
 * @return NULL with *why, which repeats nothing of the key
 */
kr_pem_key_t *kr_pem_key_make(apr_pool_t *pool, const char *pem, const char *kid, const char **why);

/**
 * Sign a JWT.
 * @param claims  an object; borrowed
 * @return the compact form, in the pool; NULL when the library fails
 */
const char *kr_pem_sign(apr_pool_t *pool, const kr_pem_key_t *key, const json_t *claims);

#endif
