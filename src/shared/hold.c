/* SPDX-License-Identifier: Apache-2.0 */
/* Robust mutexes across processes. */
#include <errno.h>
#include <time.h>

#include "kr_shared.h"

int kr_holds_init(kr_hold_t *holds, int count)
{
    pthread_mutexattr_t attr;
    int rv = pthread_mutexattr_init(&attr);

    if (rv) return rv;
    rv = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (!rv) rv = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; !rv && i < count; i++) rv = pthread_mutex_init(&holds[i].lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return rv;
}

/** `rv` is what a lock call said. @return 1 when the lock is ours now */
static int is_ours(kr_hold_t *hold, int rv)
{
    if (rv == EOWNERDEAD) rv = pthread_mutex_consistent(&hold->lock); /* the holder died; nothing of it is needed */
    if (rv) return 0;
    atomic_store(&hold->held, 1);
    return 1;
}

int kr_hold_try(kr_hold_t *hold)
{
    return is_ours(hold, pthread_mutex_trylock(&hold->lock));
}

int kr_hold_until(kr_hold_t *hold, apr_time_t until)
{
    struct timespec ts = { .tv_sec = apr_time_sec(until), .tv_nsec = apr_time_usec(until) * 1000 };

    return is_ours(hold, pthread_mutex_clocklock(&hold->lock, CLOCK_MONOTONIC, &ts));
}

void kr_hold_leave(kr_hold_t *hold)
{
    atomic_store(&hold->held, 0);
    pthread_mutex_unlock(&hold->lock);
}

/* The lock is tried only where it says "held". */
int kr_hold_is_held(kr_hold_t *hold)
{
    if (!atomic_load(&hold->held)) return 0;
    if (!kr_hold_try(hold)) return 1;
    kr_hold_leave(hold); /* the holder had died */
    return 0;
}
