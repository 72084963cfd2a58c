/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticator data (WebAuthn section 6.1): what an authenticator signs, besides the hash of the client data. */
#ifndef KR_WEBAUTHN_AUTHDATA_H
#define KR_WEBAUTHN_AUTHDATA_H

#include "kr_webauthn.h"

#define KR_SHA256_LEN 32
#define KR_AAGUID_LEN 16

/** Bits of its flags. */
enum {
    KR_FLAG_PRESENT = 0x01,
    KR_FLAG_VERIFIED = 0x04,
    KR_FLAG_BACKUP_ELIGIBLE = 0x08,
    KR_FLAG_BACKUP_STATE = 0x10,
    KR_FLAG_ATTESTED = 0x40,  /* a credential follows */
    KR_FLAG_EXTENSIONS = 0x80 /* a map of extensions comes last */
};

/** Its parts, which point into `raw`. */
typedef struct {
    kr_bytes_t raw;
    kr_bytes_t rp_id_hash;
    int flags;
    apr_uint32_t sign_count;
    kr_bytes_t aaguid, id, public_key; /* empty where nothing is attested */
} kr_authdata_t;

/**
 * Take it apart: lengths, the CBOR in it and its end.
 * @return NULL, or what is wrong
 */
const char *kr_authdata_read(kr_authdata_t *out, apr_pool_t *pool, kr_bytes_t raw);

/**
 * Is it for this RP, and do its flags hold (7.1 steps 13 to 17, 7.2 steps 15 to 18)?
 * @return NULL, or why not
 */
const char *kr_authdata_check(const kr_authdata_t *auth, const kr_webauthn_expected_t *expected);

#endif
