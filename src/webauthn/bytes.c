/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as values, and as the text that pages send and get. */
#include "bytes.h"

#include <string.h>

#include "kr_text.h"

kr_bytes_t kr_bytes_join(apr_pool_t *pool, kr_bytes_t a, kr_bytes_t b)
{
    unsigned char *both = apr_palloc(pool, a.len + b.len);

    if (a.len) memcpy(both, a.at, a.len);
    if (b.len) memcpy(both + a.len, b.at, b.len);
    return (kr_bytes_t){ both, a.len + b.len };
}

int kr_bytes_same(kr_bytes_t a, kr_bytes_t b)
{
    return a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len));
}

const char *kr_webauthn_b64(apr_pool_t *pool, kr_bytes_t bytes)
{
    return kr_base64url(pool, bytes.at, bytes.len);
}

int kr_webauthn_unb64(kr_bytes_t *out, apr_pool_t *pool, const char *text, int padded)
{
    *out = (kr_bytes_t){ NULL, 0 };
    if (!text || strpbrk(text, padded ? "+/" : "+/=")) return 0;
    out->at = kr_base64_decode(pool, text, &out->len);
    return out->at != NULL;
}
