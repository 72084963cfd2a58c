/* SPDX-License-Identifier: Apache-2.0 */
/* How many programs run at once in one process of the server: each may take memory. */
#include <pthread.h>
#include <time.h>

#include "jsonnet.h"
#include "kr_clock.h"

#define AT_ONCE 4
#define TURN_MAX (5 * APR_USEC_PER_SEC)

/** One who waits, on its own stack; who came first is the first of the queue. */
typedef struct waiter_t {
    struct waiter_t *next;
} waiter_t;

/* Mutable statics, as an exception: the limit is the process's, whichever realm's program it is. */
static pthread_mutex_t turns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turns_moved = PTHREAD_COND_INITIALIZER;
static waiter_t *queue;
static int running;

/* The place in the queue that points to `one`, or behind the last for NULL. */
static waiter_t **place_of(const waiter_t *one)
{
    waiter_t **at = &queue;

    while (*at != one) at = &(*at)->next;
    return at;
}

int kr_jsonnet_take_turn(void)
{
    apr_time_t end = kr_clock_ticks() + TURN_MAX;
    struct timespec until = { (time_t)apr_time_sec(end), (long)apr_time_usec(end) * 1000 };
    waiter_t self = { NULL };
    int got, rv = 0;

    pthread_mutex_lock(&turns_lock);
    *place_of(NULL) = &self;
    while (!(got = queue == &self && running < AT_ONCE) && rv == 0) {
        rv = pthread_cond_clockwait(&turns_moved, &turns_lock, CLOCK_MONOTONIC, &until);
    }
    *place_of(&self) = self.next;
    running += got;
    pthread_cond_broadcast(&turns_moved);
    pthread_mutex_unlock(&turns_lock);
    return got;
}

void kr_jsonnet_leave_turn(void)
{
    pthread_mutex_lock(&turns_lock);
    running--;
    pthread_cond_broadcast(&turns_moved);
    pthread_mutex_unlock(&turns_lock);
}
