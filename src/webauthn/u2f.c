/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation of format "fido-u2f" (WebAuthn section 8.6), of keys that are older than WebAuthn: they sign in a form of their own. */
#include "attestation.h"
#include "bytes.h"
#include "certificate.h"

#include "kr_text.h"

#define ES256 (-7)

/* The message that such a key has signed, of which it knew nothing but hashes. */
static kr_bytes_t message_of(apr_pool_t *pool, const kr_attestation_t *in)
{
    static const unsigned char zero[] = { 0x00 }, uncompressed[] = { 0x04 };
    const kr_bytes_t parts[] = { in->auth->rp_id_hash, in->client_hash, in->auth->id, { uncompressed, 1 }, in->key->x, in->key->y };
    kr_bytes_t message = { zero, 1 };

    for (int i = 0; i < KR_DIM(parts); i++) message = kr_bytes_join(pool, message, parts[i]);
    return message;
}

static int is_p256(const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key && kr_cose_curve(key) == NID_X9_62_prime256v1;
}

const char *kr_format_u2f(apr_pool_t *pool, const kr_attestation_t *in)
{
    static const unsigned char none[KR_AAGUID_LEN];
    apr_array_header_t *chain;
    kr_bytes_t signature;
    const char *why;

    if (!kr_bytes_same(in->auth->aaguid, (kr_bytes_t){ none, sizeof(none) })) return "a U2F key has an AAGUID";
    if (in->key->alg != ES256) return "a U2F key has another algorithm than ES256";
    if (!kr_cbor_bytes(&signature, kr_cbor_named(in->statement, "sig"))) return "the statement has no signature";
    why = kr_certificates_read(&chain, pool, kr_cbor_named(in->statement, "x5c"));
    if (why) return why;
    if (chain->nelts != 1 || !is_p256(APR_ARRAY_IDX(chain, 0, X509 *))) return "a U2F key has one certificate, of P-256";
    if (!kr_certificate_signed(ES256, APR_ARRAY_IDX(chain, 0, X509 *), message_of(pool, in), signature))
        return KR_FOREIGN_SIGNATURE;
    return NULL;
}
