/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of makers that do not exist. */
#include "webauthn_certificates.h"

#include <openssl/x509v3.h>

certificate_t leaf_of(EVP_PKEY *key)
{
    return (certificate_t){ .key = key, .version = 2, .country = "AT", .organization = "Nobody", .name = "A Key", .constraints = "critical,CA:FALSE",
                            .begins = -3600, .ends = 3600 };
}

void extend(certificate_t *certificate, const char *oid, int critical, kr_bytes_t value)
{
    int at = certificate->count++;

    assert_in_range(at, 0, EXTENSIONS_MAX - 1);
    certificate->extensions[at].oid = oid;
    certificate->extensions[at].critical = critical;
    certificate->extensions[at].value = value;
}

static void add_extension(X509 *x, const char *oid, int critical, kr_bytes_t value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    ASN1_OCTET_STRING_set(octets, value.at, (int)value.len);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void add_name(X509 *x, int nid, const char *value)
{
    if (value) X509_NAME_add_entry_by_NID(X509_get_subject_name(x), nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0);
}

kr_bytes_t der_of(const certificate_t *in)
{
    X509 *x = X509_new();
    EVP_PKEY *ca = new_key("P-256");
    unsigned char *out = NULL;
    kr_bytes_t made;
    int len;

    X509_set_version(x, in->version);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), in->begins);
    X509_gmtime_adj(X509_getm_notAfter(x), in->ends);
    X509_set_pubkey(x, in->key);
    add_name(x, NID_countryName, in->country);
    add_name(x, NID_organizationName, in->organization);
    add_name(x, NID_commonName, in->name);
    if (in->constraints) {
        X509_EXTENSION *constraints = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, in->constraints);

        X509_add_ext(x, constraints, -1);
        X509_EXTENSION_free(constraints);
    }
    for (int i = 0; i < in->count; i++) add_extension(x, in->extensions[i].oid, in->extensions[i].critical, in->extensions[i].value);
    assert_int_not_equal(X509_sign(x, ca, EVP_sha256()), 0);
    len = i2d_X509(x, &out);
    assert_in_range(len, 1, 65535);
    made = first((kr_bytes_t){ out, (size_t)len }, (size_t)len);
    OPENSSL_free(out);
    X509_free(x);
    return made;
}

kr_bytes_t der(int tag, kr_bytes_t value)
{
    unsigned char head[4] = { (unsigned char)tag, (unsigned char)value.len };

    if (value.len < 0x80) return ALL({ head, 2 }, value);
    head[1] = 0x82;
    head[2] = (unsigned char)(value.len >> 8);
    head[3] = (unsigned char)value.len;
    if (value.len < 0x100) return ALL(first((kr_bytes_t){ head, 1 }, 1), hex("81"), { head + 3, 1 }, value);
    return ALL({ head, 4 }, value);
}
