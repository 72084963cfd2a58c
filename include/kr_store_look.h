/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of a database, and of the queue in it. */
#ifndef KR_STORE_LOOK_H
#define KR_STORE_LOOK_H

#include "kr_db.h"

/** The database as it describes itself. */
typedef struct {
    const char *version;
    apr_time_t clock;          /* its own, µs; 0: unknown */
    int connections;           /* how many it allows in all; 0: it does not count them */
} kr_look_server_t;

/** The mail queue of the realm. */
typedef struct {
    apr_int64_t queued, abandoned;
    apr_time_t oldest;         /* when the oldest queued one was made, µs; 0: there is none */
} kr_look_queue_t;

/** Ask the database about itself; works before the tables are there. */
kr_err_t *kr_store_look_server(kr_look_server_t *out, kr_ctx_t *k) KR_MUST_CHECK;
/** How many migrations are applied, and the number of the last. */
kr_err_t *kr_store_look_migrations(int *applied, int *newest, kr_ctx_t *k) KR_MUST_CHECK;
/** Count the realm's messages that wait and those that were given up. */
kr_err_t *kr_store_look_queue(kr_look_queue_t *out, kr_ctx_t *k) KR_MUST_CHECK;

#endif
