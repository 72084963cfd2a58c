/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points of Ed25519 (RFC 8032 section 5.1). OpenSSL takes any 32 bytes for a key and finds out when it verifies; a key is looked at
 * when it comes, and with a point of small order anybody can sign.
 */
#include "cose.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#define LEN 32

/* y of the points of order 1, 2, 4 and 8, last byte first, each with both signs of x. Zero comes by itself. */
static const unsigned char SMALL[][LEN] = {
    { [LEN - 1] = 1 },
    { 0x05, 0xfc, 0x53, 0x6d, 0x88, 0x02, 0x38, 0xb1, 0x39, 0x33, 0xc6, 0xd3, 0x05, 0xac, 0xdf, 0xd5,
      0xf0, 0x98, 0xef, 0xf2, 0x89, 0xf4, 0xc3, 0x45, 0xb0, 0x27, 0xb2, 0xc2, 0x8f, 0x95, 0xe8, 0x26 },
};

/* d of the curve, and the prime that its numbers are counted by. */
static const char D[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
static const char P[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";

typedef struct {
    BN_CTX *ctx;
    BIGNUM *p, *d, *y, *negative, *u, *v;
} work_t;

static int is_small(const work_t *w)
{
    unsigned char y[LEN], negative[LEN];

    if (BN_is_zero(w->y)) return 1;
    if (BN_bn2binpad(w->y, y, LEN) != LEN || BN_bn2binpad(w->negative, negative, LEN) != LEN) return 1;
    for (size_t i = 0; i < sizeof(SMALL) / LEN; i++)
        if (!memcmp(y, SMALL[i], LEN) || !memcmp(negative, SMALL[i], LEN)) return 1;
    return 0;
}

/* Does y have an x: is (y^2 - 1) / (d y^2 + 1) a square? It is one when the product of the two is, and 1 / v never is 0 or infinite. */
static int has_x(const work_t *w)
{
    if (!BN_mod_sqr(w->u, w->y, w->p, w->ctx) || !BN_mod_mul(w->v, w->d, w->u, w->p, w->ctx) || !BN_add_word(w->v, 1) ||
        !BN_sub_word(w->u, 1) || !BN_mod_mul(w->u, w->u, w->v, w->p, w->ctx))
        return 0;
    return BN_kronecker(w->u, w->p, w->ctx) == 1;
}

static int is_point(work_t *w, const unsigned char key[LEN])
{
    unsigned char bytes[LEN];

    for (int i = 0; i < LEN; i++) bytes[i] = key[LEN - 1 - i];
    bytes[0] &= 0x7f; /* the sign of x */
    if (!BN_hex2bn(&w->p, P) || !BN_hex2bn(&w->d, D) || !BN_bin2bn(bytes, LEN, w->y)) return 0;
    if (BN_cmp(w->y, w->p) >= 0 || !BN_sub(w->negative, w->p, w->y)) return 0;
    return !is_small(w) && has_x(w);
}

int kr_ed25519_is_point(const unsigned char key[LEN])
{
    work_t w = { .ctx = BN_CTX_new() };
    int good;

    if (!w.ctx) abort();
    BN_CTX_start(w.ctx);
    w.p = BN_CTX_get(w.ctx);
    w.d = BN_CTX_get(w.ctx);
    w.y = BN_CTX_get(w.ctx);
    w.negative = BN_CTX_get(w.ctx);
    w.u = BN_CTX_get(w.ctx);
    w.v = BN_CTX_get(w.ctx);
    if (!w.v) abort();
    good = is_point(&w, key);
    BN_CTX_end(w.ctx);
    BN_CTX_free(w.ctx);
    return good;
}
