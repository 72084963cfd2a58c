/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of signed tokens share. */
#ifndef KR_CRYPTO_JWT_H
#define KR_CRYPTO_JWT_H

#include <cjose/cjose.h>

#include "kr_jwt.h"

/** One key. */
typedef struct {
    cjose_jwk_t *jwk;
    const char *kid; /* "" when it has none */
    const char *alg; /* or NULL: it does not say for which one it is */
} kr_signing_key_t;

struct kr_signer_t {
    int count;
    kr_signing_key_t *keys; /* the first of them signs */
    const char *unfit;      /* why it cannot, or NULL */
};

/** Without keys, with room for `room`, whose jwk the pool releases. */
kr_signer_t *kr_signer_alloc(apr_pool_t *pool, int room);
/** The public half. Pool-owned. */
json_t *kr_signer_public(apr_pool_t *pool, const cjose_jwk_t *jwk);

#endif
