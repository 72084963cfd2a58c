/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many password hashes run at once over all processes of the server.
 *
 * One anonymous shared mapping, made before fork, holds `count` slots and `queue` places to wait in. Each is a robust
 * mutex that its holder keeps locked: when a process dies, by whatever signal, the kernel passes its mutexes on, so
 * that neither a slot nor a place is ever lost. A counter could not promise that.
 *
 * A graceful restart makes a new mapping for the new children. Old ones finish with theirs, so for that short time
 * twice as many hashes may run.
 */
#include "slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kr_clock.h"

#define SLOTS_MAX 1024
#define QUEUE_MAX 65536

/** How long a waiter stays with one slot before it looks at all of them again, µs. */
#define LOOK_AGAIN (20 * 1000)

/** Something one thread at a time can hold. */
typedef struct {
    pthread_mutex_t lock;
    atomic_int held; /* for kr_slots_stats only; a killed holder leaves it set */
} hold_t;

struct kr_slot_t {
    hold_t hold;
    unsigned char *memory; /* at the same address in every child, as the mapping is older than they are */
    size_t bytes;
};

/** The head of the mapping. */
typedef struct {
    size_t mapped; /* bytes of the whole mapping */
    int count;
    int queue;
    apr_time_t wait;
    atomic_uint ticket;  /* where the next one begins to look, so that slots wear evenly */
    atomic_uint refused;
    kr_slot_t *slot;
    hold_t *place;
} slots_t;

/*
 * The exception to "no mutable file statics": set once before fork, and only read by the children. The limit is the
 * server's, not a realm's, so it has no place in kr_ctx_t.
 */
static slots_t *current;

/* -- making --------------------------------------------------------------- */

static apr_uint64_t whole_pages(apr_uint64_t bytes)
{
    apr_uint64_t page = (apr_uint64_t)sysconf(_SC_PAGESIZE);

    return (bytes + page - 1) / page * page;
}

static int between(long value, int low, int high)
{
    return value < low ? low : value > high ? high : (int)value;
}

/** @return 0 or an errno */
static int holds_init(slots_t *all)
{
    pthread_mutexattr_t attr;
    int rv = pthread_mutexattr_init(&attr);

    if (rv) return rv;
    rv = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (!rv) rv = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; !rv && i < all->count; i++) rv = pthread_mutex_init(&all->slot[i].hold.lock, &attr);
    for (int i = 0; !rv && i < all->queue; i++) rv = pthread_mutex_init(&all->place[i].lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return rv;
}

/** Only unmaps: destroying the mutexes would pull them from under children that still drain. */
static apr_status_t unmap(void *data)
{
    slots_t *all = data;

    if (current == all) current = NULL;
    return munmap(all, all->mapped) ? errno : APR_SUCCESS;
}

apr_status_t kr_slots_make(apr_pool_t *pconf, int slots, apr_uint32_t memory, apr_time_t wait, int queue)
{
    int count = between(slots > 0 ? slots : sysconf(_SC_NPROCESSORS_ONLN), 1, SLOTS_MAX);
    int places = between(queue, 0, QUEUE_MAX);
    size_t places_at = sizeof(slots_t) + (size_t)count * sizeof(kr_slot_t);
    size_t head = (size_t)whole_pages(places_at + (size_t)places * sizeof(hold_t));
    apr_uint64_t each = whole_pages((apr_uint64_t)memory * 1024);
    size_t arenas = (size_t)(each * (apr_uint64_t)count);
    unsigned char *map;
    slots_t *all;
    int rv;

    if (each > (SIZE_MAX - head) / (size_t)count) return APR_ENOMEM;
    map = mmap(NULL, head + arenas, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return errno;

    all = (slots_t *)(void *)map;
    all->mapped = head + arenas;
    all->count = count;
    all->queue = places;
    all->wait = wait;
    all->slot = (kr_slot_t *)(void *)(map + sizeof(slots_t));
    all->place = (hold_t *)(void *)(map + places_at);
    for (int i = 0; i < count; i++) {
        all->slot[i].memory = map + head + (size_t)i * (size_t)each;
        all->slot[i].bytes = (size_t)memory * 1024;
    }
    if (arenas) { /* both are wishes: less work for the page tables, and no passwords' traces in core dumps */
        (void)madvise(map + head, arenas, MADV_HUGEPAGE);
        (void)madvise(map + head, arenas, MADV_DONTDUMP);
    }
    rv = holds_init(all);
    if (rv) {
        munmap(map, all->mapped);
        return rv;
    }
    current = all;
    apr_pool_cleanup_register(pconf, all, unmap, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

/* -- holding -------------------------------------------------------------- */

/** `rv` is what a lock call said. @return 1 when the lock is ours now */
static int is_ours(hold_t *hold, int rv)
{
    if (rv == EOWNERDEAD) rv = pthread_mutex_consistent(&hold->lock); /* the holder died; nothing of it is needed */
    if (rv) return 0;
    atomic_store(&hold->held, 1);
    return 1;
}

static int try_hold(hold_t *hold)
{
    return is_ours(hold, pthread_mutex_trylock(&hold->lock));
}

static void leave(hold_t *hold)
{
    atomic_store(&hold->held, 0);
    pthread_mutex_unlock(&hold->lock);
}

static kr_slot_t *any_free(slots_t *all, unsigned first)
{
    for (unsigned i = 0; i < (unsigned)all->count; i++) {
        kr_slot_t *slot = &all->slot[(first + i) % (unsigned)all->count];

        if (try_hold(&slot->hold)) return slot;
    }
    return NULL;
}

static hold_t *any_place(slots_t *all)
{
    for (int i = 0; i < all->queue; i++) {
        if (try_hold(&all->place[i])) return &all->place[i];
    }
    return NULL;
}

static int lock_until(hold_t *hold, apr_time_t until)
{
    struct timespec ts = { .tv_sec = apr_time_sec(until), .tv_nsec = apr_time_usec(until) * 1000 };

    return is_ours(hold, pthread_mutex_clocklock(&hold->lock, CLOCK_MONOTONIC, &ts));
}

/** Sleep on one slot after the other, as the one that comes free first need not be the one slept on. */
static kr_slot_t *wait_for_any(slots_t *all, unsigned first)
{
    apr_time_t now = kr_clock_ticks(), deadline = now + all->wait;

    for (unsigned turn = first; now < deadline; turn++, now = kr_clock_ticks()) {
        kr_slot_t *slot = &all->slot[turn % (unsigned)all->count];
        apr_time_t until = now + LOOK_AGAIN < deadline ? now + LOOK_AGAIN : deadline;

        if (lock_until(&slot->hold, until)) return slot;
        slot = any_free(all, turn);
        if (slot) return slot;
    }
    return NULL;
}

static kr_err_t *refuse(kr_ctx_t *k, slots_t *all)
{
    atomic_fetch_add(&all->refused, 1);
    return kr_err_unavailable(k, 1, "too many passwords are being checked at once");
}

kr_err_t *kr_slot_take(kr_slot_t **slot, kr_ctx_t *k)
{
    slots_t *all = current;
    hold_t *place;
    unsigned first;

    *slot = NULL;
    if (!all) return NULL;
    first = atomic_fetch_add(&all->ticket, 1);
    *slot = any_free(all, first);
    if (*slot) return NULL;

    place = any_place(all);
    if (!place) return refuse(k, all);
    *slot = wait_for_any(all, first);
    leave(place);
    return *slot ? NULL : refuse(k, all);
}

void kr_slot_leave(kr_slot_t *slot)
{
    if (slot) leave(&slot->hold);
}

unsigned char *kr_slot_memory(kr_slot_t *slot, size_t bytes)
{
    return slot && bytes <= slot->bytes ? slot->memory : NULL;
}

/* -- figures -------------------------------------------------------------- */

/** Held right now? The lock is tried only where it says "held", so that a look never takes a free slot from anyone. */
static unsigned is_held(hold_t *hold)
{
    if (!atomic_load(&hold->held)) return 0;
    if (!try_hold(hold)) return 1;
    leave(hold); /* the holder had died */
    return 0;
}

void kr_slots_stats(unsigned *running, unsigned *waiting, unsigned *refused)
{
    slots_t *all = current;

    *running = *waiting = *refused = 0;
    if (!all) return;
    for (int i = 0; i < all->count; i++) *running += is_held(&all->slot[i].hold);
    for (int i = 0; i < all->queue; i++) *waiting += is_held(&all->place[i]);
    *refused = atomic_load(&all->refused);
}
