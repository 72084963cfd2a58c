/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as values. */
#ifndef KR_WEBAUTHN_BYTES_H
#define KR_WEBAUTHN_BYTES_H

#include "kr_webauthn.h"

/** Both one after the other. */
kr_bytes_t kr_bytes_join(apr_pool_t *pool, kr_bytes_t a, kr_bytes_t b);
/** Are they the same? Not for secrets. */
int kr_bytes_same(kr_bytes_t a, kr_bytes_t b);

#endif
