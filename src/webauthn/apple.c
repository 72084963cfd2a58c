/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation of format "apple" (WebAuthn section 8.8): a certificate for the new key itself, with a hash of what was asked in it. */
#include "attestation.h"
#include "certificate.h"
#include "der.h"

#include <openssl/sha.h>

#define OID_NONCE "1.2.840.113635.100.8.2"

/* SEQUENCE { [1] { OCTET STRING } }, by what there is of it: nobody has published a module. */
static int read_nonce(kr_bytes_t *out, kr_bytes_t extension)
{
    kr_bytes_t sequence, tagged;

    return kr_der_take(&sequence, &extension, KR_DER_SEQUENCE) && kr_der_tagged(&tagged, sequence, 1) &&
           kr_der_take(out, &tagged, KR_DER_OCTETS);
}

const char *kr_format_apple(apr_pool_t *pool, const kr_attestation_t *in)
{
    unsigned char hash[KR_SHA256_LEN];
    apr_array_header_t *chain;
    kr_bytes_t extension, nonce;
    const X509 *leaf;
    int critical;
    const char *why = kr_certificates_read(&chain, pool, kr_cbor_named(in->statement, "x5c"));

    if (why) return why;
    leaf = APR_ARRAY_IDX(chain, 0, X509 *);
    SHA256(in->both.at, in->both.len, hash);
    if (!kr_certificate_extension(&extension, &critical, leaf, OID_NONCE) || !read_nonce(&nonce, extension) ||
        !kr_bytes_same(nonce, (kr_bytes_t){ hash, sizeof(hash) }))
        return "the certificate was made for something else";
    return kr_certificate_has_key(leaf, in->key->pkey) ? NULL : "the certificate is another key's";
}
