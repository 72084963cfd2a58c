/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the outbox share. Not for other rooms. */
#ifndef KR_OUTBOX_OUTBOX_H
#define KR_OUTBOX_OUTBOX_H

#include "kr_outbox.h"
#include "kr_store_message.h"

/** What kr_seal binds a message's data to. It is older than this room. */
#define KR_SEAL_CONTEXT "courier"

/** Is it to nobody? Such a message is addressed to its own id. */
int kr_outbox_is_nothing(const kr_message_row_t *message);

#endif
