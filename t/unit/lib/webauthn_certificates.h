/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for attestation statements of an authenticator in software: good ones, of which a test bends one part. */
#ifndef WEBAUTHN_CERTIFICATES_H
#define WEBAUTHN_CERTIFICATES_H

#include <openssl/x509.h>

#include "webauthn_env.h"

#define EXTENSIONS_MAX 6

/** What is in one. */
typedef struct {
    EVP_PKEY *key;
    long version;                                /* 2 is version 3 */
    const char *country, *organization, *name;   /* NULL: not there */
    const char *constraints;                     /* as openssl.cnf has them; NULL: no such extension */
    long begins, ends;                           /* seconds from now */
    struct { const char *oid; int critical; kr_bytes_t value; } extensions[EXTENSIONS_MAX];
    int count;
} certificate_t;

/** A good leaf with that key. */
certificate_t leaf_of(EVP_PKEY *key);
/** Add an extension. */
void extend(certificate_t *certificate, const char *oid, int critical, kr_bytes_t value);
/** Its DER, signed by nobody whom anybody knows. */
kr_bytes_t der_of(const certificate_t *certificate);
/** DER of a value with that tag; as long as a length of two bytes says. */
kr_bytes_t der(int tag, kr_bytes_t value);

#endif
