/* SPDX-License-Identifier: Apache-2.0 */
/* Whose data has changed since it was read: counters in memory that all processes of a server share. Nobody waits for anybody. */
#ifndef KR_CHANGES_H
#define KR_CHANGES_H

#include <apr_pools.h>
#include <stdatomic.h>

typedef struct kr_changes_t kr_changes_t;

/** The changes that something which was read rests on. */
typedef struct {
    apr_uint32_t of, all; /* of its owner, as far as they have a counter of their own; of everybody at once */
    apr_uint32_t begun;   /* changes of whomever, until it was read */
} kr_stamp_t;

/**
 * Made once in the life of a server, before its first fork: processes that outlive a graceful restart, and those that come with it, tell each
 * other by it. Never given back.
 * @param kept  what outlives restarts: NULL in it the first time
 * @return NULL when there is no memory
 */
kr_changes_t *kr_changes_make(void **kept);

/** Something of this owner has changed; after the commit. @param owner  the id of an identity */
void kr_changes_note(kr_changes_t *changes, const char *owner);
/** Anybody's may have. */
void kr_changes_note_all(kr_changes_t *changes);

/** Before something is read. */
kr_stamp_t kr_changes_begin(const kr_changes_t *changes);
/** It was read, and is this owner's. @return 0: something has changed meanwhile, what was read may be of before or after that */
int kr_changes_settle(kr_stamp_t *stamp, const kr_changes_t *changes, const char *owner);
/** Is it still as it was read? */
int kr_changes_hold(const kr_changes_t *changes, const kr_stamp_t *stamp, const char *owner);
/** How often this owner's data has changed, for whoever looks again later. Others may share the counter. */
kr_stamp_t kr_changes_now(const kr_changes_t *changes, const char *owner);

/* -- whether a node knows of the changes that others make --------------------- */

/** In shared memory. Zeros: it does not. */
typedef struct {
    atomic_llong until;   /* by kr_clock_ticks */
} kr_trust_t;

/** Does this node know of all changes, but those of the last two seconds? */
int kr_trust_holds(const kr_trust_t *trust);

#endif
