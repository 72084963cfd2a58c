/* SPDX-License-Identifier: Apache-2.0 */
/* Records that were read from a database, kept in memory that all processes of a server share. Readers never wait, nor do writers. */
#ifndef KR_CACHE_H
#define KR_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "kr_changes.h"

typedef struct kr_cache_t kr_cache_t;

/** The least and the most that a cache may have, in bytes. */
#define KR_CACHE_LEAST (1024 * 1024)
#define KR_CACHE_MOST (4096LL * 1024 * 1024)

/** Records longer than this are not kept, in bytes. */
#define KR_CACHE_RECORD_MAX 16384

/** Nothing is believed for longer than this, in µs: what changes past all who tell of it, by hand in the database, counts after that. */
#define KR_CACHE_AGE_MAX apr_time_from_sec(60)

/**
 * Before fork. Empty.
 * @param bytes    all in all; pages count as memory once they were used
 * @param changes  by which records end
 * @return NULL when there is no memory
 */
kr_cache_t *kr_cache_make(apr_pool_t *pool, apr_size_t bytes, kr_changes_t *changes);

/** Whose changes it goes by. */
kr_changes_t *kr_cache_changes(const kr_cache_t *cache);

/** A record, copied. */
typedef struct {
    void *data;           /* aligned for anything; in the pool that was given */
    apr_size_t len;
    const char *owner;    /* likewise */
    kr_stamp_t stamp;
    apr_time_t until;     /* by kr_clock_ticks: no longer than that */
} kr_cached_t;

/**
 * @param key  compared in full, a text that nobody outside can choose (a keyed hash): it says as well where in the table to look
 * @return 0: there is none, or its owner's data has changed since, or it is too old
 */
int kr_cache_get(kr_cached_t *out, apr_pool_t *pool, const kr_cache_t *cache, const char *key);
/**
 * Keep a record; the oldest ones go.
 * @param stamp  settled, and of its owner
 * @param until  by kr_clock_ticks; KR_CACHE_AGE_MAX from when it was read at the most
 */
void kr_cache_put(kr_cache_t *cache, const char *key, const char *owner, const kr_stamp_t *stamp, apr_time_t until, const void *data,
                  apr_size_t len);

/** How many records there are, those included that nobody would believe any more. It looks at all places. */
apr_size_t kr_cache_count(const kr_cache_t *cache);

#endif
