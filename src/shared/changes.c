/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads takes the number of all changes before, and compares it behind; who changes something raises that number first, then the
 * owner's own. So what was read before a change never carries the owner's number of after it.
 */
#include "kr_changes.h"

#include "kr_clock.h"
#include "kr_shared.h"

/* Owners who share a counter only forget what is known of each other: 256 KiB make that rare. A power of two. */
#define OWNERS 65536

/* Another layout or meaning has another number: a graceful restart may bring another build of the module. */
#define LAYOUT 0x6b72636800000001ull

struct kr_changes_t {
    apr_uint64_t layout;
    atomic_uint told;        /* of whomever */
    atomic_uint all;         /* of everybody at once */
    atomic_uint of[OWNERS];
};

kr_changes_t *kr_changes_make(void **kept)
{
    kr_changes_t *changes = *kept;

    if (changes && changes->layout == LAYOUT) return changes;
    *kept = changes = kr_shared_memory(NULL, sizeof(*changes));
    if (changes) changes->layout = LAYOUT;
    return changes;
}

/* FNV-1a: ids are random, nobody chooses who shares a counter. */
static apr_size_t counter_of(const char *owner)
{
    apr_uint64_t hash = 14695981039346656037ull;

    for (; *owner; owner++) hash = (hash ^ (unsigned char)*owner) * 1099511628211ull;
    return (apr_size_t)((hash ^ hash >> 32) % OWNERS);
}

void kr_changes_note(kr_changes_t *changes, const char *owner)
{
    atomic_fetch_add(&changes->told, 1);
    atomic_fetch_add(&changes->of[counter_of(owner)], 1);
}

void kr_changes_note_all(kr_changes_t *changes)
{
    atomic_fetch_add(&changes->told, 1);
    atomic_fetch_add(&changes->all, 1);
}

kr_stamp_t kr_changes_begin(const kr_changes_t *changes)
{
    return (kr_stamp_t){ .begun = atomic_load(&changes->told) };
}

int kr_changes_settle(kr_stamp_t *stamp, const kr_changes_t *changes, const char *owner)
{
    stamp->of = atomic_load(&changes->of[counter_of(owner)]);
    stamp->all = atomic_load(&changes->all);
    return atomic_load(&changes->told) == stamp->begun;
}

int kr_changes_hold(const kr_changes_t *changes, const kr_stamp_t *stamp, const char *owner)
{
    return atomic_load(&changes->of[counter_of(owner)]) == stamp->of && atomic_load(&changes->all) == stamp->all;
}

kr_stamp_t kr_changes_now(const kr_changes_t *changes, const char *owner)
{
    kr_stamp_t stamp = kr_changes_begin(changes);

    (void)kr_changes_settle(&stamp, changes, owner);
    return stamp;
}

int kr_trust_holds(const kr_trust_t *trust)
{
    return trust && kr_clock_ticks() < atomic_load_explicit(&trust->until, memory_order_relaxed);
}
