/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM writes (TPM 2.0 library, part 2), as far as attestation needs it. */
#ifndef KR_WEBAUTHN_TPM_H
#define KR_WEBAUTHN_TPM_H

#include "bytes.h"
#include "cose.h"

/** Is that the public area (TPMT_PUBLIC) of this very key? */
int kr_tpm_is_area_of(const kr_cose_t *key, kr_bytes_t area);

/** Of TPMS_ATTEST, by which a TPM certifies that it has a key. */
typedef struct {
    kr_bytes_t extra; /* what was asked with it */
    kr_bytes_t name;  /* of the key: an algorithm, and the digest of its public area */
} kr_tpm_certified_t;

/** Read it. @return 1, or 0 when it is of another type, or malformed */
int kr_tpm_read_certified(kr_tpm_certified_t *out, kr_bytes_t info);

/** Is that the name of what has this public area? */
int kr_tpm_is_name_of(kr_bytes_t name, kr_bytes_t area);

/** Does the TCG know that maker of TPMs: "id:" and 8 hex digits? */
int kr_tpm_is_maker(const char *id, apr_size_t len);

#endif
