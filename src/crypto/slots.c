/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many password hashes run at once over all processes of the server.
 *
 * Shared memory, made before fork, has `count` slots and `queue` places to wait in. Each is something that one thread holds
 * (kr_hold_t), so that neither a slot nor a place is ever lost.
 *
 * A graceful restart makes a new mapping for the new children. Old ones finish with theirs, so for that short time
 * twice as many hashes may run.
 */
#include "slots.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kr_clock.h"
#include "kr_metrics.h"
#include "kr_shared.h"

#define SLOTS_MAX 1024
#define QUEUE_MAX 65536

/** How long a waiter stays with one slot before it looks at all of them again, µs. */
#define LOOK_AGAIN (20 * 1000)

struct kr_slot_t {
    kr_hold_t hold;
    unsigned char *memory; /* at the same address in every child, as the mapping is older than they are */
    size_t bytes;
};

/** The head of the mapping. */
typedef struct {
    int count;
    int queue;
    apr_time_t wait;
    atomic_uint ticket;  /* where the next one begins to look, so that slots wear evenly */
    atomic_uint refused;
    kr_slot_t *slot;
    kr_hold_t *place;
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
    int rv = kr_holds_init(all->place, all->queue);

    for (int i = 0; !rv && i < all->count; i++) rv = kr_holds_init(&all->slot[i].hold, 1);
    return rv;
}

static apr_status_t forget(void *data)
{
    if (current == data) current = NULL;
    return APR_SUCCESS;
}

apr_status_t kr_slots_make(apr_pool_t *pconf, int slots, apr_uint32_t memory, apr_time_t wait, int queue)
{
    int count = between(slots > 0 ? slots : sysconf(_SC_NPROCESSORS_ONLN), 1, SLOTS_MAX);
    int places = between(queue, 0, QUEUE_MAX);
    size_t places_at = sizeof(slots_t) + (size_t)count * sizeof(kr_slot_t);
    size_t head = (size_t)whole_pages(places_at + (size_t)places * sizeof(kr_hold_t));
    apr_uint64_t each = whole_pages((apr_uint64_t)memory * 1024);
    size_t arenas = (size_t)(each * (apr_uint64_t)count);
    unsigned char *map;
    slots_t *all;
    int rv;

    if (each > (SIZE_MAX - head) / (size_t)count) return APR_ENOMEM;
    map = kr_shared_memory(pconf, head + arenas);
    if (!map) return errno;

    all = (slots_t *)(void *)map;
    all->count = count;
    all->queue = places;
    all->wait = wait;
    all->slot = (kr_slot_t *)(void *)(map + sizeof(slots_t));
    all->place = (kr_hold_t *)(void *)(map + places_at);
    for (int i = 0; i < count; i++) {
        all->slot[i].memory = map + head + (size_t)i * (size_t)each;
        all->slot[i].bytes = (size_t)memory * 1024;
    }
    if (arenas) { /* both are wishes: less work for the page tables, and no passwords' traces in core dumps */
        (void)madvise(map + head, arenas, MADV_HUGEPAGE);
        (void)madvise(map + head, arenas, MADV_DONTDUMP);
    }
    rv = holds_init(all);
    if (rv) return rv;
    current = all;
    apr_pool_cleanup_register(pconf, all, forget, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

/* -- holding -------------------------------------------------------------- */

static kr_slot_t *any_free(slots_t *all, unsigned first)
{
    for (unsigned i = 0; i < (unsigned)all->count; i++) {
        kr_slot_t *slot = &all->slot[(first + i) % (unsigned)all->count];

        if (kr_hold_try(&slot->hold)) return slot;
    }
    return NULL;
}

static kr_hold_t *any_place(slots_t *all)
{
    for (int i = 0; i < all->queue; i++) {
        if (kr_hold_try(&all->place[i])) return &all->place[i];
    }
    return NULL;
}

/** Sleep on one slot after the other, as the one that comes free first need not be the one slept on. */
static kr_slot_t *wait_for_any(slots_t *all, unsigned first)
{
    apr_time_t now = kr_clock_ticks(), deadline = now + all->wait;

    for (unsigned turn = first; now < deadline; turn++, now = kr_clock_ticks()) {
        kr_slot_t *slot = &all->slot[turn % (unsigned)all->count];
        apr_time_t until = now + LOOK_AGAIN < deadline ? now + LOOK_AGAIN : deadline;

        if (kr_hold_until(&slot->hold, until)) return slot;
        slot = any_free(all, turn);
        if (slot) return slot;
    }
    return NULL;
}

static kr_err_t *refuse(kr_ctx_t *k, slots_t *all)
{
    atomic_fetch_add(&all->refused, 1);
    kr_metric_count(KR_METRIC_HASHES_SHED, KR_SERIES_ONE);
    return kr_err_unavailable(k, 1, "too many passwords are being checked at once");
}

kr_err_t *kr_slot_take(kr_slot_t **slot, kr_ctx_t *k)
{
    slots_t *all = current;
    kr_hold_t *place;
    unsigned first;

    *slot = NULL;
    if (!all) return NULL;
    first = atomic_fetch_add(&all->ticket, 1);
    *slot = any_free(all, first);
    if (*slot) return NULL;

    place = any_place(all);
    if (!place) return refuse(k, all);
    *slot = wait_for_any(all, first);
    kr_hold_leave(place);
    return *slot ? NULL : refuse(k, all);
}

void kr_slot_leave(kr_slot_t *slot)
{
    if (slot) kr_hold_leave(&slot->hold);
}

unsigned char *kr_slot_memory(kr_slot_t *slot, size_t bytes)
{
    return slot && bytes <= slot->bytes ? slot->memory : NULL;
}

/* -- figures -------------------------------------------------------------- */

void kr_slots_stats(unsigned *running, unsigned *waiting, unsigned *refused)
{
    slots_t *all = current;

    *running = *waiting = *refused = 0;
    if (!all) return;
    for (int i = 0; i < all->count; i++) *running += (unsigned)kr_hold_is_held(&all->slot[i].hold);
    for (int i = 0; i < all->queue; i++) *waiting += (unsigned)kr_hold_is_held(&all->place[i]);
    *refused = atomic_load(&all->refused);
}
