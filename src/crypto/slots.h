/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/crypto: a slot is the right to compute one password hash now. See slots.c. */
#ifndef KR_CRYPTO_SLOTS_H
#define KR_CRYPTO_SLOTS_H

#include "kr_password.h"

typedef struct kr_slot_t kr_slot_t;

/**
 * Take a slot, waiting as long as the settings allow. Take one at a time, and leave it in the same thread.
 * @param slot  NULL when kr_slots_make was never called: then there is no limit
 * @return 503 when the time was up or the queue was full
 */
kr_err_t *kr_slot_take(kr_slot_t **slot, kr_ctx_t *k) KR_MUST_CHECK;

/** Give it back. NULL is fine. */
void kr_slot_leave(kr_slot_t *slot);

/** The slot's own memory when it holds `bytes`, else NULL. Only for as long as the slot is held. */
unsigned char *kr_slot_memory(kr_slot_t *slot, size_t bytes);

/**
 * Compute a hash, or whatever else keeps a core busy: in a thread of its own that stands back behind all others, while this one waits
 * (aside.c). Where there is no thread to be had, here and now.
 */
void kr_hash_aside(void (*work)(void *baton), void *baton);

#endif
