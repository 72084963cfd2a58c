/* SPDX-License-Identifier: Apache-2.0 */
/* Unkeyed digests. */
#include "kr_crypto.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "kr_text.h"

void kr_sha256(unsigned char out[32], const void *data, apr_size_t len)
{
    if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1) abort(); /* out of memory inside libcrypto */
}

const char *kr_sha256_hex(apr_pool_t *pool, const void *data, apr_size_t len)
{
    unsigned char digest[32];

    kr_sha256(digest, data, len);
    return kr_hex(pool, digest, sizeof(digest));
}

void kr_sha512(unsigned char out[64], const void *data, apr_size_t len)
{
    if (EVP_Digest(data, len, out, NULL, EVP_sha512(), NULL) != 1) abort();
}

const char *kr_sha1_hex_upper(apr_pool_t *pool, const void *data, apr_size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char digest[20];
    char *out = apr_palloc(pool, 2 * sizeof(digest) + 1);

    if (EVP_Digest(data, len, digest, NULL, EVP_sha1(), NULL) != 1) abort();
    for (apr_size_t i = 0; i < sizeof(digest); i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * sizeof(digest)] = '\0';
    kr_wipe(digest, sizeof(digest)); /* it is of a password, as a rule */
    return out;
}
