/* SPDX-License-Identifier: Apache-2.0 */
/* How often something happened lately, in memory that all processes of the server share: a table of fixed size that never waits. */
#ifndef KR_COUNTS_H
#define KR_COUNTS_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct kr_counts_t kr_counts_t;

/**
 * Before fork. Nothing is counted yet.
 * @param entries  how many things it counts at once, rounded up; 32 bytes each, of which only those count as memory that were used. When
 *                 there are more, those with the lowest counts are forgotten
 * @return NULL when there is no memory
 */
kr_counts_t *kr_counts_make(apr_pool_t *pool, apr_size_t entries);

/**
 * Count one more of `what` in the window of time that `now` is in. Safe in any number of processes and threads at once.
 * @param what    a keyed hash of what is counted: nobody can choose which entries meet
 * @param now     µs since 1970
 * @param window  µs; windows begin at its multiples, the same for all processes and nodes
 * @return how many there are now, this one and those of other nodes included
 */
apr_uint32_t kr_counts_add(kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window);
/** One less, of those that were added here: it was not what it seemed to be. */
void kr_counts_take_back(kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window);
/** How many there are. */
apr_uint32_t kr_counts_of(const kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window);

/* -- with other nodes ------------------------------------------------------- */

/** Something that was counted here, for the other nodes. */
typedef struct {
    apr_uint64_t key;     /* what, in its window: the same on all nodes */
    apr_uint32_t own;     /* as counted here */
    apr_int64_t change;   /* of that since it was told; below 0 when more was taken back than was added */
    void *entry;          /* for kr_counts_told */
} kr_count_t;

/**
 * What has been counted `least` times or more here in this window, or was told before and may have grown elsewhere. Each call goes on where
 * the one before stopped, and ends with the table: for one process at a time.
 * @return how many of `out` were filled, at most `most`
 */
int kr_counts_untold(kr_count_t *out, int most, kr_counts_t *counts, apr_uint32_t least, apr_time_t now, apr_time_t window);
/** The others know of its change. @param all  what all nodes together have told */
void kr_counts_told(const kr_count_t *count, apr_int64_t all);

#endif
