/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation statements (WebAuthn section 8): what a key says of where it comes from. */
#ifndef KR_WEBAUTHN_ATTESTATION_H
#define KR_WEBAUTHN_ATTESTATION_H

#include "authdata.h"
#include "items.h"
#include "cose.h"

/** What a statement is about. */
typedef struct {
    const kr_cbor_t *statement; /* a map */
    const kr_authdata_t *auth;
    const kr_cose_t *key;       /* the credential's */
    kr_bytes_t client_hash;     /* SHA-256 of the client data */
    kr_bytes_t both;            /* authenticator data, and that hash: what most formats sign */
} kr_attestation_t;

/** Verify a statement of one format. @return NULL, or what is wrong */
typedef const char *kr_format_fn(apr_pool_t *pool, const kr_attestation_t *in);

/**
 * Verify a statement as far as it goes.
 * @param name  the format's, static; NULL unless it is one of those that are taken
 * @return NULL, or what is wrong
 */
const char *kr_attestation_verify(const char **name, apr_pool_t *pool, const kr_cbor_t *format, const kr_attestation_t *in);

/** Section 8.2. */
kr_format_fn kr_format_packed;
/** Section 8.6. */
kr_format_fn kr_format_u2f;

#endif
