/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attestation of format "android-key" (WebAuthn section 8.4): a certificate for the new key itself, which says what the phone's
 * keystore lets it be used for, and by whom.
 */
#include "attestation.h"
#include "certificate.h"
#include "der.h"

#define OID_DESCRIPTION "1.3.6.1.4.1.11129.2.1.17"

/* Tags of an authorization list, and the values of Keymaster that are wanted there. */
enum { PURPOSE = 1, ALL_APPLICATIONS = 600, ORIGIN = 702 };
enum { PURPOSE_SIGN = 2, ORIGIN_GENERATED = 0 };

typedef struct {
    kr_bytes_t challenge;
    kr_bytes_t lists[2]; /* what the software enforces, and what the hardware does */
} description_t;

/* KeyDescription: two versions with their security levels, a challenge, an id, two lists. */
static int read_description(description_t *out, kr_bytes_t extension)
{
    kr_bytes_t sequence, ignored;
    int tag, own;

    if (!kr_der_take(&sequence, &extension, KR_DER_SEQUENCE)) return 0;
    for (int i = 0; i < 4; i++)
        if (!kr_der_next(&tag, &own, &ignored, &sequence)) return 0;
    return kr_der_take(&out->challenge, &sequence, KR_DER_OCTETS) && kr_der_take(&ignored, &sequence, KR_DER_OCTETS) &&
           kr_der_take(&out->lists[0], &sequence, KR_DER_SEQUENCE) && kr_der_take(&out->lists[1], &sequence, KR_DER_SEQUENCE);
}

static int is_number(kr_bytes_t value, int number)
{
    return value.len == 1 && value.at[0] == number;
}

/* Is signing one of the purposes in this list? -1: it cannot be read. */
static int may_sign(kr_bytes_t list)
{
    kr_bytes_t tagged, set, purpose;
    int found = 0;

    if (!kr_der_tagged(&tagged, list, PURPOSE)) return -1;
    if (!tagged.at) return 0;
    if (!kr_der_take(&set, &tagged, KR_DER_SET)) return -1;
    while (set.len) {
        if (!kr_der_take(&purpose, &set, KR_DER_INTEGER)) return -1;
        found |= is_number(purpose, PURPOSE_SIGN);
    }
    return found;
}

/* Where a list says nothing of an origin, the other one does. */
static int is_of_the_phone(kr_bytes_t list)
{
    kr_bytes_t all, origin, number;

    if (!kr_der_tagged(&all, list, ALL_APPLICATIONS) || all.at || !kr_der_tagged(&origin, list, ORIGIN)) return 0;
    return !origin.at || (kr_der_take(&number, &origin, KR_DER_INTEGER) && is_number(number, ORIGIN_GENERATED));
}

static const char *check_description(const X509 *leaf, kr_bytes_t client_hash)
{
    kr_bytes_t extension;
    description_t key;
    int critical, software, hardware;

    if (!kr_certificate_extension(&extension, &critical, leaf, OID_DESCRIPTION) || !read_description(&key, extension))
        return "the certificate does not describe its key";
    if (!kr_bytes_same(key.challenge, client_hash)) return "the certificate was made for something else";
    if (!is_of_the_phone(key.lists[0]) || !is_of_the_phone(key.lists[1])) return "the key is for all applications, or was not made in the phone";
    software = may_sign(key.lists[0]);
    hardware = may_sign(key.lists[1]);
    return software >= 0 && hardware >= 0 && (software || hardware) ? NULL : "the key is not for signing";
}

const char *kr_format_android(apr_pool_t *pool, const kr_attestation_t *in)
{
    apr_array_header_t *chain;
    kr_bytes_t signature;
    const X509 *leaf;
    const char *why;
    int alg;

    if (!kr_attestation_signature(&alg, &signature, in->statement)) return KR_NO_SIGNATURE;
    why = kr_certificates_read(&chain, pool, kr_cbor_named(in->statement, "x5c"));
    if (why) return why;
    leaf = APR_ARRAY_IDX(chain, 0, X509 *);
    if (!kr_certificate_signed(alg, leaf, in->both, signature)) return KR_FOREIGN_SIGNATURE;
    if (!kr_certificate_has_key(leaf, in->key->pkey)) return "the certificate is another key's";
    return check_description(leaf, in->client_hash);
}
