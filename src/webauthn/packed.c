/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation of format "packed" (WebAuthn section 8.2): signed by the new key itself, or by a certified key of its maker's. */
#include "attestation.h"
#include "bytes.h"
#include "certificate.h"

#define OID_AAGUID "1.3.6.1.4.1.45724.1.1.4"
#define OCTET_STRING 0x04

/* An AAGUID in the certificate is an OCTET STRING in the extension's own, and must be the authenticator's. */
static const char *check_aaguid(const X509 *leaf, kr_bytes_t aaguid)
{
    kr_bytes_t value;
    int critical;

    if (!kr_certificate_extension(&value, &critical, leaf, OID_AAGUID)) return "the certificate has its AAGUID twice";
    if (!value.len) return NULL;
    if (critical) return "the certificate's AAGUID is marked as critical";
    if (value.len != 2 + KR_AAGUID_LEN || value.at[0] != OCTET_STRING || value.at[1] != KR_AAGUID_LEN ||
        !kr_bytes_same((kr_bytes_t){ value.at + 2, KR_AAGUID_LEN }, aaguid))
        return "the certificate's AAGUID is not the authenticator's";
    return NULL;
}

/* Section 8.2.1, but for the unit in the subject, which makers fill in as they please. */
static const char *check_leaf(const X509 *leaf, kr_bytes_t aaguid)
{
    if (!kr_certificate_is_leaf(leaf)) return "the certificate is not of version 3, or a CA's";
    if (!kr_certificate_names(leaf, NID_countryName) || !kr_certificate_names(leaf, NID_organizationName) ||
        !kr_certificate_names(leaf, NID_commonName))
        return "the certificate's subject has no country, organization or name";
    return check_aaguid(leaf, aaguid);
}

static const char *by_certificate(apr_pool_t *pool, const kr_attestation_t *in, const kr_cbor_t *x5c, int alg, kr_bytes_t signature)
{
    apr_array_header_t *chain;
    const char *why = kr_certificates_read(&chain, pool, x5c);

    if (why) return why;
    for (int i = 0; i < chain->nelts; i++)
        if (!kr_certificate_in_time(APR_ARRAY_IDX(chain, i, X509 *))) return "a certificate of the statement is not valid now";
    if (!kr_certificate_signed(alg, APR_ARRAY_IDX(chain, 0, X509 *), in->both, signature))
        return KR_FOREIGN_SIGNATURE;
    return check_leaf(APR_ARRAY_IDX(chain, 0, X509 *), in->auth->aaguid);
}

const char *kr_format_packed(apr_pool_t *pool, const kr_attestation_t *in)
{
    const kr_cbor_t *x5c = kr_cbor_named(in->statement, "x5c");
    kr_bytes_t signature;
    int alg;

    if (!kr_attestation_signature(&alg, &signature, in->statement)) return KR_NO_SIGNATURE;
    if (x5c) return by_certificate(pool, in, x5c, alg, signature);
    if (kr_cbor_named(in->statement, "ecdaaKeyId")) return KR_ECDAA;
    if (alg != in->key->alg) return "the statement's algorithm is not the key's";
    return kr_cose_signed(alg, in->key->pkey, in->both, signature) ? NULL : "the statement's signature is not the key's";
}
