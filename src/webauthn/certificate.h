/* SPDX-License-Identifier: Apache-2.0 */
/* The X.509 certificates of attestation statements. There are no trust anchors: a chain is read, not followed. */
#ifndef KR_WEBAUTHN_CERTIFICATE_H
#define KR_WEBAUTHN_CERTIFICATE_H

#include <openssl/x509.h>

#include "items.h"

/**
 * Read `x5c`: 1 to 8 certificates of DER, the leaf first.
 * @param out  of X509*, the pool's
 * @return NULL, or what is wrong
 */
const char *kr_certificates_read(apr_array_header_t **out, apr_pool_t *pool, const kr_cbor_t *x5c);

/** Is it valid now? */
int kr_certificate_in_time(const X509 *certificate);
/** Is it version 3, and no CA's? */
int kr_certificate_is_leaf(const X509 *certificate);
/** Is there a part of that kind in its subject that says something (NID_commonName, ...)? */
int kr_certificate_names(const X509 *certificate, int nid);
/**
 * The value of an extension.
 * @param oid       in digits and dots
 * @param out       empty when there is none; the certificate's
 * @param critical  1: it is marked so
 * @return 1, or 0 when there are several
 */
int kr_certificate_extension(kr_bytes_t *out, int *critical, const X509 *certificate, const char *oid);
/** Is it for that very key? */
int kr_certificate_has_key(const X509 *certificate, const EVP_PKEY *key);
/** Is it a signature by the certificate's key? See kr_cose_signed. */
int kr_certificate_signed(int alg, const X509 *certificate, kr_bytes_t data, kr_bytes_t signature);

#endif
