/* SPDX-License-Identifier: Apache-2.0 */
/* DER by OpenSSL's reader of heads. */
#include "der.h"

#include <openssl/asn1.h>

/* What ASN1_get_object says: malformed or longer than the bytes; of an indefinite length, which is no DER. */
#define BROKEN 0x80
#define INDEFINITE 0x01

int kr_der_next(int *tag, int *own, kr_bytes_t *value, kr_bytes_t *from)
{
    const unsigned char *at = from->at;
    long len;
    int class, said;

    if (!from->len || from->len > 0xffff) return 0;
    said = ASN1_get_object(&at, &len, tag, &class, (long)from->len);
    if (said & (BROKEN | INDEFINITE)) return 0;
    *own = class == V_ASN1_CONTEXT_SPECIFIC;
    *value = (kr_bytes_t){ at, (apr_size_t)len };
    from->len -= (apr_size_t)(at + len - from->at);
    from->at = at + len;
    return 1;
}

int kr_der_take(kr_bytes_t *value, kr_bytes_t *from, int tag)
{
    int found, own;

    return kr_der_next(&found, &own, value, from) && !own && found == tag;
}

int kr_der_tagged(kr_bytes_t *out, kr_bytes_t sequence, int tag)
{
    int found, own;
    kr_bytes_t value;

    *out = (kr_bytes_t){ NULL, 0 };
    while (sequence.len) {
        if (!kr_der_next(&found, &own, &value, &sequence)) return 0;
        if (!own || found != tag) continue;
        if (out->at) return 0;
        *out = value;
    }
    return 1;
}
