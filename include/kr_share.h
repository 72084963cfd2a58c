/* SPDX-License-Identifier: Apache-2.0 */
/* How many workers of the server may wait for one service at once: one that hangs must not take them all. */
#ifndef KR_SHARE_H
#define KR_SHARE_H

#include <apr_pools.h>
#include <apr_time.h>

/** Places to wait in, shared by all processes that are forked after it was made. */
typedef struct kr_share_t kr_share_t;

/** There are no more places than this, whatever a setting says. */
#define KR_SHARE_MAX 500

/** Before fork. Never NULL: without memory the process aborts. */
kr_share_t *kr_share_make(apr_pool_t *pool);

/** How many workers there are, over all processes; before fork. Said by nobody it is 16. */
void kr_share_workers(int workers);

/**
 * Take a place, without waiting for one.
 * @param most     how many there are; 0: an eighth of the workers, 2 at least
 * @param longest  µs: a place that nobody gave back is free again after that, as its process was killed
 * @return the place, or -1: all are taken
 */
int kr_share_take(kr_share_t *share, int most, apr_time_t longest);
/** Give it back. -1 is none. */
void kr_share_give(kr_share_t *share, int place);

#endif
