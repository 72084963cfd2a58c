/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 by OpenSSL, with limits. */
#include "certificate.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "cose.h"
#include "kr_clock.h"

#define CHAIN_MAX 8
#define CERTIFICATE_MAX 16384 /* bytes */

static apr_status_t free_certificate(void *certificate)
{
    X509_free(certificate);
    return APR_SUCCESS;
}

static X509 *certificate_of(apr_pool_t *pool, const kr_cbor_t *item)
{
    kr_bytes_t der;
    const unsigned char *at;
    X509 *certificate;

    if (!kr_cbor_bytes(&der, item) || !der.len || der.len > CERTIFICATE_MAX) return NULL;
    at = der.at;
    certificate = d2i_X509(NULL, &at, (long)der.len);
    if (!certificate) return NULL;
    apr_pool_cleanup_register(pool, certificate, free_certificate, apr_pool_cleanup_null);
    return at == der.at + der.len ? certificate : NULL;
}

const char *kr_certificates_read(apr_array_header_t **out, apr_pool_t *pool, const kr_cbor_t *x5c)
{
    *out = apr_array_make(pool, CHAIN_MAX, sizeof(X509 *));
    if (!x5c || x5c->type != KR_CBOR_ARRAY || !x5c->number || x5c->number > CHAIN_MAX)
        return "the statement has no certificates, or too many";
    for (const kr_cbor_t *item = x5c->first; item; item = item->next) {
        X509 *certificate = certificate_of(pool, item);

        if (!certificate) return "a certificate of the statement cannot be read";
        APR_ARRAY_PUSH(*out, X509 *) = certificate;
    }
    return NULL;
}

int kr_certificate_in_time(const X509 *certificate)
{
    time_t now = (time_t)apr_time_sec(kr_clock_now());
    int begun = X509_cmp_time(X509_get0_notBefore(certificate), &now), ends = X509_cmp_time(X509_get0_notAfter(certificate), &now);

    return begun < 0 && ends > 0; /* 0: no time at all */
}

int kr_certificate_is_leaf(const X509 *certificate)
{
    int found, ca;
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(certificate, NID_basic_constraints, &found, NULL);

    ca = constraints ? constraints->ca : found != -1; /* -1: it has none; any other: one that cannot be read, or two */
    BASIC_CONSTRAINTS_free(constraints);
    return X509_get_version(certificate) == X509_VERSION_3 && !ca;
}

int kr_certificate_names(const X509 *certificate, int nid)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    const ASN1_STRING *value = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

    return value && ASN1_STRING_length(value) > 0;
}

int kr_certificate_extension(kr_bytes_t *out, int *critical, const X509 *certificate, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    X509_EXTENSION *extension;
    const ASN1_OCTET_STRING *value;
    int at, more;

    if (!object) abort();
    at = X509_get_ext_by_OBJ(certificate, object, -1);
    more = at < 0 ? -1 : X509_get_ext_by_OBJ(certificate, object, at);
    ASN1_OBJECT_free(object);
    *out = (kr_bytes_t){ NULL, 0 };
    *critical = 0;
    if (more >= 0) return 0;
    if (at < 0) return 1;
    extension = X509_get_ext(certificate, at);
    value = X509_EXTENSION_get_data(extension);
    *out = (kr_bytes_t){ ASN1_STRING_get0_data(value), (apr_size_t)ASN1_STRING_length(value) };
    *critical = X509_EXTENSION_get_critical(extension) > 0;
    return 1;
}

int kr_certificate_has_key(const X509 *certificate, const EVP_PKEY *key)
{
    const EVP_PKEY *own = X509_get0_pubkey(certificate);

    return own && EVP_PKEY_eq(own, key) == 1;
}

int kr_certificate_signed(int alg, const X509 *certificate, kr_bytes_t data, kr_bytes_t signature)
{
    return kr_cose_signed(alg, X509_get0_pubkey(certificate), data, signature);
}
