/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation feed: rows that say whose sessions have changed, for nodes that remember some. The one reader is for all realms at once. */
#ifndef KR_STORE_FEED_H
#define KR_STORE_FEED_H

#include "kr_db.h"

/** More rows than this are not read at once: whoever is so far behind forgets all that they know instead. */
#define KR_STORE_FEED_MAX 10000

/**
 * How long somebody may take from writing such a row to the end of its transaction, in µs, and still be seen by readers who go by the
 * ids they saw this long ago. Who took longer writes it once more, once it is committed.
 */
#define KR_STORE_FEED_SPAN apr_time_from_sec(3)

typedef struct {
    apr_int64_t id;
    const char *identity_id; /* "": anybody's of a realm */
} kr_store_feed_row_t;

/**
 * What was told behind that id, of all realms of the database; one statement.
 * @param out  array of kr_store_feed_row_t by id, of at most KR_STORE_FEED_MAX + 1
 */
kr_err_t *kr_store_feed_read(apr_array_header_t **out, kr_ctx_t *k, apr_int64_t after) KR_MUST_CHECK;
/** The last id that there is; 0: none. */
kr_err_t *kr_store_feed_last(apr_int64_t *out, kr_ctx_t *k) KR_MUST_CHECK;

#endif
