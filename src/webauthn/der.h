/* SPDX-License-Identifier: Apache-2.0 */
/* DER, element by element: for extensions of certificates that OpenSSL knows nothing of. */
#ifndef KR_WEBAUTHN_DER_H
#define KR_WEBAUTHN_DER_H

#include "bytes.h"

/** Tags of the universal class. */
enum { KR_DER_INTEGER = 2, KR_DER_OCTETS = 4, KR_DER_SEQUENCE = 16, KR_DER_SET = 17 };

/** Cut the next element off. @return 1, or 0 when there is none, or one that is malformed; *own: its tag stands for itself: context class */
int kr_der_next(int *tag, int *own, kr_bytes_t *value, kr_bytes_t *from);
/** Cut the next element off, which must be of that universal tag. @return 1, or 0 */
int kr_der_take(kr_bytes_t *value, kr_bytes_t *from, int tag);
/**
 * What stands under a tag of its own (EXPLICIT) in a sequence, whose other elements are passed over.
 * @param out  empty: it is not there
 * @return 1, or 0 when the sequence is malformed, or has it twice
 */
int kr_der_tagged(kr_bytes_t *out, kr_bytes_t sequence, int tag);

#endif
