/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes of one server know together: memory, who may have it for how long. Made before fork; a process may be killed at any time. */
#ifndef KR_SHARED_H
#define KR_SHARED_H

#include <apr_pools.h>
#include <apr_time.h>
#include <pthread.h>
#include <stdatomic.h>

/**
 * Memory that all processes share which are forked later, of zeros. Pages count when they are written to.
 * @param pool  with it this process lets go of it; others keep what they have. NULL: never
 * @return NULL when there is none (errno)
 */
void *kr_shared_memory(apr_pool_t *pool, apr_size_t bytes);

/* -- a turn, for work that one process of a server does for all ------------ */

/** In shared memory: until when somebody has the turn, by kr_clock_ticks. Who is killed has it no longer than that. Zeros: nobody. */
typedef struct {
    atomic_llong until;
} kr_turn_t;

/**
 * Is it this process' turn, or does it become so? Who has it takes it anew with each piece of work.
 * @param mine  each process its own, zero at first: the turn that it has
 * @param most  µs that a piece of work takes at the most
 */
int kr_turn_take(kr_turn_t *turn, long long *mine, apr_time_t most);
/** Whoever has it gives it back; nobody takes it for the next `rest` µs. */
void kr_turn_end(kr_turn_t *turn, long long *mine, apr_time_t rest);

/* -- what one thread at a time can hold ------------------------------------ */

/** In shared memory. A robust mutex: when its holder's process dies, by whatever signal, the kernel passes it on. A counter could not promise that. */
typedef struct {
    pthread_mutex_t lock;
    atomic_int held; /* for kr_hold_is_held only; a killed holder leaves it set */
} kr_hold_t;

/** @return 0 or an errno */
int kr_holds_init(kr_hold_t *holds, int count);
/** Take it if it is free. @return 1: it is this thread's, which leaves it */
int kr_hold_try(kr_hold_t *hold);
/** Wait for it until then, by kr_clock_ticks. @return 1: it is this thread's; 0: the time is over */
int kr_hold_until(kr_hold_t *hold, apr_time_t until);
/** By the thread that took it. */
void kr_hold_leave(kr_hold_t *hold);
/** Does anybody hold it right now? A look never takes a free one from anyone. */
int kr_hold_is_held(kr_hold_t *hold);

#endif
