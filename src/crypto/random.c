/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes, letters and digits. */
#include "kr_crypto.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/rand.h>

#include "kr_text.h"

void kr_random(void *out, apr_size_t len)
{
    unsigned char *at = out;

    while (len) {
        int part = len > INT_MAX ? INT_MAX : (int)len;

        if (RAND_bytes(at, part) != 1) abort(); /* a token that can be guessed is worse than no server */
        at += part;
        len -= (apr_size_t)part;
    }
}

/**
 * `len` letters of an alphabet. A byte is used when it falls below the largest multiple of the alphabet's size, else
 * it is thrown away: a plain remainder would draw the first letters more often.
 */
static const char *draw(apr_pool_t *pool, const char *alphabet, unsigned size, int len)
{
    unsigned usable = 256 - 256 % size;
    apr_size_t want = len > 0 ? (apr_size_t)len : 0;
    char *out = apr_palloc(pool, want + 1);
    unsigned char bytes[64];
    apr_size_t have = 0;

    while (have < want) {
        kr_random(bytes, sizeof(bytes));
        for (apr_size_t i = 0; i < sizeof(bytes) && have < want; i++) {
            if (bytes[i] < usable) out[have++] = alphabet[bytes[i] % size];
        }
    }
    out[want] = '\0';
    kr_wipe(bytes, sizeof(bytes));
    return out;
}

const char *kr_random_alnum(apr_pool_t *pool, int len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    return draw(pool, letters, sizeof(letters) - 1, len);
}

const char *kr_random_lower(apr_pool_t *pool, int len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    return draw(pool, letters, sizeof(letters) - 1, len);
}

const char *kr_random_digits(apr_pool_t *pool, int len)
{
    return draw(pool, "0123456789", 10, len);
}
