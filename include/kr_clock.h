/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that reads clocks: the time that is stored and compared with what is stored, and the time that passes. */
#ifndef KR_CLOCK_H
#define KR_CLOCK_H

#include <apr_pools.h>
#include <apr_time.h>

/**
 * What time it is, in µs since 1970 UTC: for all that is stored, shown or compared with what is stored. Within a piece of
 * work `k->now` is the time; this is for whoever begins one. Tests can move it.
 */
apr_time_t kr_clock_now(void);

/**
 * µs on a clock that nobody sets, and no test moves: how long something takes, until when to wait for it. The same clock in
 * all processes of a machine (CLOCK_MONOTONIC); it begins with the machine.
 */
apr_time_t kr_clock_ticks(void);

/** µs of a processor that this thread has had: how much work something is, so that a busy machine refuses nobody. */
apr_time_t kr_clock_worked(void);

/** For unit tests: from now on kr_clock_now is that many µs ahead of the machine's clock. 0: as it is. */
void kr_clock_shift(apr_time_t ahead);

/**
 * For tests of a whole server: kr_clock_now is as far ahead as a file says, whenever it is changed: a number of µs, 8 bytes
 * in the machine's own order. Processes that are forked afterwards follow it too.
 * @param pool  when it ends, so does that
 * @return why the file cannot be mapped (missing, or shorter than that); the clock stays as it was then
 */
apr_status_t kr_clock_follow(const char *file, apr_pool_t *pool);

#endif
