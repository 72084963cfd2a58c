/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation of format "tpm" (WebAuthn section 8.3): a TPM certifies the new key with a key of its own, which its maker certified. */
#include "attestation.h"
#include "certificate.h"
#include "tpm.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#define OID_ATTESTS "2.23.133.8.3"
#define OID_MAKER "2.23.133.2.1"
#define OID_MODEL "2.23.133.2.2"
#define OID_VERSION "2.23.133.2.3"

/* -- the certificate (section 8.3.1) ----------------------------------------------- */

static int may_attest(const X509 *leaf)
{
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *wanted = OBJ_txt2obj(OID_ATTESTS, 1);
    int found = 0;

    if (!wanted) abort();
    for (int i = 0; i < sk_ASN1_OBJECT_num(uses); i++) found |= !OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), wanted);
    ASN1_OBJECT_free(wanted);
    sk_ASN1_OBJECT_pop_free(uses, ASN1_OBJECT_free);
    return found;
}

static kr_bytes_t part_of(const X509_NAME *name, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const ASN1_STRING *value;
    int at;

    if (!object) abort();
    at = X509_NAME_get_index_by_OBJ(name, object, -1);
    ASN1_OBJECT_free(object);
    value = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return value ? (kr_bytes_t){ ASN1_STRING_get0_data(value), (apr_size_t)ASN1_STRING_length(value) } : (kr_bytes_t){ NULL, 0 };
}

static int names_a_tpm(const X509_NAME *name)
{
    kr_bytes_t maker = part_of(name, OID_MAKER);

    return maker.len && part_of(name, OID_MODEL).len && part_of(name, OID_VERSION).len && kr_tpm_is_maker((const char *)maker.at, maker.len);
}

/* The subject is empty: the TPM is named among the alternative names. */
static int is_for_a_tpm(const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int found = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        found |= name->type == GEN_DIRNAME && names_a_tpm(name->d.directoryName);
    }
    GENERAL_NAMES_free(names);
    return found && !X509_NAME_entry_count(X509_get_subject_name(leaf));
}

static const char *check_leaf(const X509 *leaf)
{
    if (!kr_certificate_is_leaf(leaf)) return "the certificate is not of version 3, or a CA's";
    if (!is_for_a_tpm(leaf)) return "the certificate names no TPM of a maker that is known";
    return may_attest(leaf) ? NULL : "the certificate's key is not for attestation";
}

/* -- the statement -------------------------------------------------------------------- */

/* Does the TPM certify that key, and with what was asked now? */
static const char *check_certified(const kr_attestation_t *in, int alg, kr_bytes_t area, kr_bytes_t info)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len;
    const EVP_MD *digest = kr_cose_digest(alg);
    kr_tpm_certified_t certified;

    if (!kr_tpm_is_area_of(in->key, area)) return "the TPM's public area is another key's";
    if (!kr_tpm_read_certified(&certified, info)) return "the TPM certifies nothing that can be read";
    if (!digest || EVP_Digest(in->both.at, in->both.len, hash, &len, digest, NULL) != 1) return "the statement's algorithm is not known";
    if (!kr_bytes_same(certified.extra, (kr_bytes_t){ hash, len })) return "the TPM was asked for something else";
    return kr_tpm_is_name_of(certified.name, area) ? NULL : "the TPM certifies another key";
}

const char *kr_format_tpm(apr_pool_t *pool, const kr_attestation_t *in)
{
    apr_array_header_t *chain;
    kr_bytes_t signature, area, info;
    const char *why;
    int alg;

    if (!kr_cbor_is_text(kr_cbor_named(in->statement, "ver"), "2.0")) return "the TPM is not of version 2.0";
    if (!kr_attestation_signature(&alg, &signature, in->statement)) return KR_NO_SIGNATURE;
    if (!kr_cbor_bytes(&area, kr_cbor_named(in->statement, "pubArea")) || !kr_cbor_bytes(&info, kr_cbor_named(in->statement, "certInfo")))
        return "the statement lacks what a TPM says";
    if (kr_cbor_named(in->statement, "ecdaaKeyId")) return KR_ECDAA;
    why = kr_certificates_read(&chain, pool, kr_cbor_named(in->statement, "x5c"));
    if (!why) why = check_certified(in, alg, area, info);
    if (why) return why;
    if (!kr_certificate_signed(alg, APR_ARRAY_IDX(chain, 0, X509 *), info, signature)) return KR_FOREIGN_SIGNATURE;
    return check_leaf(APR_ARRAY_IDX(chain, 0, X509 *));
}
