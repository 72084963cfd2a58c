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

/** What "alg" and "sig" say in most formats. @return 1, or 0 when one is missing */
int kr_attestation_signature(int *alg, kr_bytes_t *signature, const kr_cbor_t *statement);
#define KR_NO_SIGNATURE "the statement has no algorithm or no signature"
#define KR_FOREIGN_SIGNATURE "the statement's signature is not its certificate's"
/* Gone since Level 2, and never seen; as if it were not there such a statement would be taken for another kind. */
#define KR_ECDAA "the statement is of ECDAA, which is not verified"

/** Section 8.2. */
kr_format_fn kr_format_packed;
/** Section 8.3. */
kr_format_fn kr_format_tpm;
/** Section 8.4. */
kr_format_fn kr_format_android;
/** Section 8.6. */
kr_format_fn kr_format_u2f;
/** Section 8.8. */
kr_format_fn kr_format_apple;

#endif
