/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as authenticators write them (COSE_Key, RFC 9053 and RFC 8230), and signatures by the algorithms of COSE. */
#ifndef KR_WEBAUTHN_COSE_H
#define KR_WEBAUTHN_COSE_H

#include <openssl/evp.h>

#include "kr_webauthn.h"

/** Kinds of keys, as COSE numbers them. */
typedef enum { KR_KTY_OKP = 1, KR_KTY_EC = 2, KR_KTY_RSA = 3 } kr_kty_e;

/** A key of an algorithm that is offered, looked at. */
typedef struct {
    int alg;
    kr_kty_e kty;
    int curve;         /* of OKP and EC, as COSE numbers them */
    kr_bytes_t x, y;   /* of EC; OKP has x only */
    kr_bytes_t n, e;   /* of RSA */
    EVP_PKEY *pkey;    /* the pool's */
} kr_cose_t;

/**
 * Read a key: `alg` is among those offered, type and curve are that algorithm's, the point is one of the curve, and sizes are sensible.
 * @return NULL, or what is wrong
 */
const char *kr_cose_read(kr_cose_t *out, apr_pool_t *pool, kr_bytes_t bytes);

/**
 * Is that a signature over `data`? Those of ES* must be DER to the letter; whether s or its mirror image is sent is all one.
 * @param alg  one that is offered; or -65535 (RSA with SHA-1), which statements of TPMs still use
 * @param key  any: of another type than the algorithm's it has signed nothing
 */
int kr_cose_signed(int alg, EVP_PKEY *key, kr_bytes_t data, kr_bytes_t signature);

/** OpenSSL's number of the curve that a key is on; NID_undef: of none with a name, or no such key. */
int kr_cose_curve(const EVP_PKEY *key);

/** The digest of an algorithm; NULL: it has none of its own (-8), or is not known. */
const EVP_MD *kr_cose_digest(int alg);

/** Is it a point of Ed25519 that a key may be: on the curve, in its shortest form, and not of small order? 32 bytes. */
int kr_ed25519_is_point(const unsigned char key[32]);

#endif
