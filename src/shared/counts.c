/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of sets of eight entries. An entry belongs to one thing in one window of time, and is taken over by another when its window
 * is past, or when all eight of its set are of this window and its count is the lowest: whoever floods the table with things that
 * happened once makes it forget others that happened once, never those that matter.
 *
 * Nobody locks. An entry is taken over by exchanging its key; a count that two processes meet in just then may be one too low.
 */
#include "kr_counts.h"

#include <stdatomic.h>

#include "kr_shared.h"

#define WAYS 8

typedef struct {
    atomic_ullong key;    /* what, mixed with the window; 0: free */
    atomic_uint window;   /* its number: how old it is */
    atomic_uint own;      /* counted on this node */
    atomic_uint told;     /* how many of these the other nodes know of */
    atomic_uint others;   /* counted there, as far as this node knows */
} entry_t;

struct kr_counts_t {
    apr_size_t sets;      /* a power of two */
    atomic_uint latest;   /* the last window in which something was counted: who looks at many tables need not look through this one */
    apr_size_t next;      /* entry that is told next */
    entry_t entry[];
};

kr_counts_t *kr_counts_make(apr_pool_t *pool, apr_size_t entries)
{
    apr_size_t sets = 1;
    kr_counts_t *counts;

    while (sets * WAYS < entries) sets *= 2;
    counts = kr_shared_memory(pool, sizeof(*counts) + sets * WAYS * sizeof(entry_t));
    if (counts) counts->sets = sets;
    return counts;
}

/** What is looked for. */
typedef struct {
    unsigned long long key;
    unsigned window;
    apr_size_t first; /* entry of its set */
} place_t;

static place_t place_of(const kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window)
{
    place_t p = { .window = (unsigned)(now / window) };

    p.first = (apr_size_t)(what % counts->sets) * WAYS;
    p.key = what ^ ((unsigned long long)p.window * 0x9e3779b97f4a7c15ull);
    if (!p.key) p.key = 1;
    return p;
}

static unsigned count_of(const entry_t *entry)
{
    return atomic_load(&entry->own) + atomic_load(&entry->others);
}

/* One that is free, is of another window, or counts least. */
static entry_t *one_to_take(kr_counts_t *counts, const place_t *p)
{
    entry_t *least = &counts->entry[p->first];

    for (apr_size_t i = p->first; i < p->first + WAYS; i++) {
        entry_t *entry = &counts->entry[i];

        if (!atomic_load(&entry->key) || atomic_load(&entry->window) != p->window) return entry;
        if (count_of(entry) < count_of(least)) least = entry;
    }
    return least;
}

static const entry_t *find(const kr_counts_t *counts, const place_t *p)
{
    for (apr_size_t i = p->first; i < p->first + WAYS; i++)
        if (atomic_load(&counts->entry[i].key) == p->key) return &counts->entry[i];
    return NULL;
}

static entry_t *find_or_take(kr_counts_t *counts, const place_t *p)
{
    for (;;) {
        entry_t *entry = (entry_t *)find(counts, p);
        unsigned long long before;

        if (entry) return entry;
        entry = one_to_take(counts, p);
        before = atomic_load(&entry->key);
        if (before == p->key) return entry;
        if (!atomic_compare_exchange_strong(&entry->key, &before, p->key)) continue; /* somebody was faster; perhaps for the same thing */
        atomic_store(&entry->own, 0);
        atomic_store(&entry->told, 0);
        atomic_store(&entry->others, 0);
        atomic_store(&entry->window, p->window);
        return entry;
    }
}

apr_uint32_t kr_counts_add(kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window)
{
    const place_t p = place_of(counts, what, now, window);
    entry_t *entry = find_or_take(counts, &p);

    if (atomic_load(&counts->latest) != p.window) atomic_store(&counts->latest, p.window);
    return atomic_fetch_add(&entry->own, 1) + 1 + atomic_load(&entry->others);
}

void kr_counts_take_back(kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window)
{
    const place_t p = place_of(counts, what, now, window);
    entry_t *entry = (entry_t *)find(counts, &p);
    unsigned own = entry ? atomic_load(&entry->own) : 0;

    while (own && !atomic_compare_exchange_weak(&entry->own, &own, own - 1)) continue;
}

apr_uint32_t kr_counts_of(const kr_counts_t *counts, apr_uint64_t what, apr_time_t now, apr_time_t window)
{
    const place_t p = place_of(counts, what, now, window);
    const entry_t *entry = find(counts, &p);

    return entry ? count_of(entry) : 0;
}

/* -- with other nodes ------------------------------------------------------- */

int kr_counts_untold(kr_count_t *out, int most, kr_counts_t *counts, apr_uint32_t least, apr_time_t now, apr_time_t window)
{
    const unsigned number = (unsigned)(now / window);
    const apr_size_t entries = counts->sets * WAYS;
    int n = 0;

    if (atomic_load(&counts->latest) != number) return 0;
    for (; counts->next < entries && n < most; counts->next++) {
        entry_t *entry = &counts->entry[counts->next];
        unsigned own, told;

        if (!atomic_load(&entry->key) || atomic_load(&entry->window) != number) continue;
        own = atomic_load(&entry->own);
        told = atomic_load(&entry->told);
        if (own < least && !told) continue;
        out[n++] = (kr_count_t){ .key = atomic_load(&entry->key), .own = own, .change = (apr_int64_t)own - told, .entry = entry };
    }
    if (counts->next == entries) counts->next = 0;
    return n;
}

void kr_counts_told(const kr_count_t *count, apr_int64_t all)
{
    entry_t *entry = count->entry;

    if (atomic_load(&entry->key) != count->key) return; /* it is something else's by now */
    atomic_store(&entry->told, count->own);
    atomic_store(&entry->others, all > count->own ? (unsigned)(all - count->own) : 0);
}
