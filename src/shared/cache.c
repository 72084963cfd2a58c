/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of records, each written behind the one before, and a table of places in it. A place is the number of words that were ever written
 * before the record: so it tells, too, whether the ring has come round since, and the record is gone. The oldest ones go first; whoever
 * is in use is read again from the database now and then anyway.
 *
 * Nobody locks. A writer takes its part of the ring by moving the head, writes, and only then names the place in the table. A record
 * is believed when its key is the one that was asked for and its sum is right: so one that was overwritten while it was read is none, nor is
 * one into which a process wrote that had slept while the ring came round.
 */
#include "kr_cache.h"

#include <stdatomic.h>
#include <string.h>

#include "kr_clock.h"
#include "kr_shared.h"
#include "kr_text.h"

/* Records are moved word by word, whatever they are made of. */
typedef apr_uint64_t __attribute__((may_alias)) word_t;

#define WAYS 8
#define TAG_BITS 16                     /* of an entry of the table: a part of the key; the rest is the place */
#define PLACE_MASK ((1ull << (64 - TAG_BITS)) - 1)
#define BYTES_PER_ENTRY 512             /* there are as many entries as records of this size */
#define KEY_MAX 128

/** What comes before key, owner and data. */
typedef struct {
    word_t sum;           /* of all that follows */
    apr_uint32_t words;   /* of the whole record */
    apr_uint16_t key_len, owner_len; /* with their NUL */
    apr_uint32_t len;     /* of the data */
    apr_uint32_t of, all; /* the stamp */
    apr_uint32_t unused;
    apr_time_t until;     /* by kr_clock_ticks */
} head_t;

#define HEAD_WORDS (sizeof(head_t) / sizeof(word_t))
#define RECORD_WORDS (HEAD_WORDS + (KR_CACHE_RECORD_MAX + KEY_MAX + 64) / sizeof(word_t))

struct kr_cache_t {
    kr_changes_t *changes;
    apr_size_t sets;         /* of the table: a power of two */
    word_t words;            /* of the ring */
    atomic_ullong *table;    /* 0: nothing yet */
    word_t *ring;            /* read and written by relaxed atomic operations alone */
    atomic_ullong head;      /* words that were ever taken; begins at 1, so that no place is 0 */
};

kr_cache_t *kr_cache_make(apr_pool_t *pool, apr_size_t bytes, kr_changes_t *changes)
{
    kr_cache_t *cache;
    apr_size_t sets = 1;

    while (sets * WAYS * BYTES_PER_ENTRY < bytes) sets *= 2;
    cache = kr_shared_memory(pool, sizeof(*cache) + sets * WAYS * sizeof(*cache->table) + bytes);
    if (!cache) return NULL;
    cache->changes = changes;
    cache->sets = sets;
    cache->words = bytes / sizeof(word_t);
    cache->table = (atomic_ullong *)(cache + 1);
    cache->ring = (word_t *)(cache->table + sets * WAYS);
    atomic_store(&cache->head, 1);
    return cache;
}

kr_changes_t *kr_cache_changes(const kr_cache_t *cache)
{
    return cache->changes;
}

/* -- sums ------------------------------------------------------------------- */

/* Against accidents, not against people: nobody but this module writes here. Multiply and rotate, as xxHash does, a word at a time. */
static word_t mix(word_t sum, word_t word)
{
    sum ^= word * 0x9e3779b97f4a7c15ull;
    return (sum << 31 | sum >> 33) * 0xc2b2ae3d27d4eb4full;
}

static word_t sum_of(const word_t *record, apr_size_t words)
{
    word_t sum = words;

    for (apr_size_t i = 1; i < words; i++) sum = mix(sum, record[i]);
    return sum;
}

static word_t hash_of(const char *key, apr_size_t len)
{
    word_t hash = len, word;

    for (apr_size_t i = 0; i < len; i += sizeof(word)) {
        word = 0;
        memcpy(&word, key + i, len - i < sizeof(word) ? len - i : sizeof(word));
        hash = mix(hash, word);
    }
    return hash ^ hash >> 29;
}

/* -- the ring --------------------------------------------------------------- */

/* An entry has room for 48 bits of a place. They come round after two petabytes: some records are lost then, as none fits its sum. */
static word_t offset_of(const kr_cache_t *cache, word_t place)
{
    return (place & PLACE_MASK) % cache->words;
}

static void copy_out(word_t *to, const kr_cache_t *cache, word_t place, apr_size_t words)
{
    const word_t *from = cache->ring + offset_of(cache, place);

    for (apr_size_t i = 0; i < words; i++) to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static void copy_in(kr_cache_t *cache, word_t place, const word_t *from, apr_size_t words)
{
    word_t *to = cache->ring + offset_of(cache, place);

    for (apr_size_t i = 0; i < words; i++) __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

/* Has the ring not come round since? */
static int is_there(const kr_cache_t *cache, word_t place)
{
    return place && ((atomic_load(&cache->head) - place) & PLACE_MASK) <= cache->words;
}

/* A part of the ring that does not go over its end. */
static word_t take_place(kr_cache_t *cache, apr_size_t words)
{
    unsigned long long head = atomic_load(&cache->head), place;

    do {
        const word_t left = cache->words - offset_of(cache, head);

        place = left < words ? head + left : head;
    } while (!atomic_compare_exchange_weak(&cache->head, &head, place + words));
    return place;
}

/* -- reading ---------------------------------------------------------------- */

static int parts_fit(const head_t *head)
{
    const apr_size_t bytes = sizeof(*head) + head->key_len + head->owner_len + (apr_size_t)head->len;

    return head->key_len && head->owner_len && head->words <= RECORD_WORDS && bytes <= head->words * sizeof(word_t);
}

/* The data first, behind the head, where it is aligned; owner and key behind it. */
static const char *owner_in(const head_t *head)
{
    return (const char *)(head + 1) + head->len;
}

static const char *key_in(const head_t *head)
{
    return owner_in(head) + head->owner_len;
}

static int is_asked_for(const kr_cache_t *cache, const head_t *head, const char *key, apr_size_t key_len)
{
    const kr_stamp_t stamp = { .of = head->of, .all = head->all };

    if (head->key_len != key_len || memcmp(key_in(head), key, key_len)) return 0;
    return head->until > kr_clock_ticks() && kr_changes_hold(cache->changes, &stamp, owner_in(head));
}

/* @return the record at that place, in the pool; NULL when it is another one, or none any more */
static const head_t *read_record(const kr_cache_t *cache, apr_pool_t *pool, word_t place, const char *key, apr_size_t key_len)
{
    head_t head = { 0 }, *record;

    copy_out((word_t *)&head, cache, place, HEAD_WORDS);
    if (head.key_len != key_len || !parts_fit(&head) || offset_of(cache, place) + head.words > cache->words) return NULL;
    record = apr_palloc(pool, head.words * sizeof(word_t));
    copy_out((word_t *)record, cache, place, head.words);
    if (record->words != head.words || !parts_fit(record) || record->sum != sum_of((const word_t *)record, record->words)) return NULL;
    return is_asked_for(cache, record, key, key_len) ? record : NULL;
}

int kr_cache_get(kr_cached_t *out, apr_pool_t *pool, const kr_cache_t *cache, const char *key)
{
    const apr_size_t key_len = strlen(key) + 1;
    const word_t hash = hash_of(key, key_len);
    const atomic_ullong *set = cache->table + (hash & (cache->sets - 1)) * WAYS;

    for (int i = 0; i < WAYS; i++) {
        const word_t entry = atomic_load(&set[i]);
        const head_t *record;

        if ((entry ^ hash) & ~PLACE_MASK || !is_there(cache, entry & PLACE_MASK)) continue;
        record = read_record(cache, pool, entry & PLACE_MASK, key, key_len);
        if (!record) continue;
        *out = (kr_cached_t){ .data = (void *)(record + 1), .len = record->len, .owner = owner_in(record),
                              .stamp = { .of = record->of, .all = record->all }, .until = record->until };
        return 1;
    }
    return 0;
}

/* -- writing ---------------------------------------------------------------- */

/* The entry that has a record of this key's tag, one whose record is gone, or that of the oldest. */
static atomic_ullong *entry_for(kr_cache_t *cache, word_t hash)
{
    atomic_ullong *set = cache->table + (hash & (cache->sets - 1)) * WAYS, *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        const word_t entry = atomic_load(&set[i]);

        if (!((entry ^ hash) & ~PLACE_MASK) || !is_there(cache, entry & PLACE_MASK)) return &set[i];
        if ((entry & PLACE_MASK) < (atomic_load(oldest) & PLACE_MASK)) oldest = &set[i];
    }
    return oldest;
}

void kr_cache_put(kr_cache_t *cache, const char *key, const char *owner, const kr_stamp_t *stamp, apr_time_t until, const void *data,
                  apr_size_t len)
{
    const apr_size_t key_len = strlen(key) + 1, owner_len = strlen(owner) + 1, bytes = sizeof(head_t) + len + owner_len + key_len;
    const apr_size_t words = (bytes + sizeof(word_t) - 1) / sizeof(word_t);
    word_t record[RECORD_WORDS], place, hash = hash_of(key, key_len);
    head_t *head = (head_t *)record;

    if (len > KR_CACHE_RECORD_MAX || key_len > KEY_MAX || words > RECORD_WORDS) return;
    record[words - 1] = 0;
    *head = (head_t){ .words = (apr_uint32_t)words, .key_len = (apr_uint16_t)key_len, .owner_len = (apr_uint16_t)owner_len,
                      .len = (apr_uint32_t)len, .of = stamp->of, .all = stamp->all, .until = until };
    memcpy(head + 1, data, len);
    memcpy((char *)(head + 1) + len, owner, owner_len);
    memcpy((char *)(head + 1) + len + owner_len, key, key_len);
    head->sum = sum_of(record, words);
    place = take_place(cache, words);
    copy_in(cache, place, record, words);
    atomic_store(entry_for(cache, hash), (hash & ~PLACE_MASK) | (place & PLACE_MASK));
}

apr_size_t kr_cache_count(const kr_cache_t *cache)
{
    apr_size_t n = 0;

    for (apr_size_t i = 0; i < cache->sets * WAYS; i++) n += (apr_size_t)is_there(cache, atomic_load(&cache->table[i]) & PLACE_MASK);
    return n;
}
