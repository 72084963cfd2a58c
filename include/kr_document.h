/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents of other services, kept in the process: fetched by one thread at a time, renewed, used on while their server is down. */
#ifndef KR_DOCUMENT_H
#define KR_DOCUMENT_H

#include "kr_net.h"

/** The largest document that is kept, in bytes. */
#define KR_DOCUMENT_MAX ((apr_size_t)1024 * 1024)

/** What is kept of one address. Each process has its own after a fork; any number of threads may ask at once. */
typedef struct kr_document_t kr_document_t;

/** Nothing is kept yet, and nothing fetched. Before threads; what is kept later is freed with the pool. Never NULL. */
kr_document_t *kr_document_make(apr_pool_t *pool);

/** Looks at a document before it is kept. @return what is wrong with it, in words fit for a log, or NULL */
typedef const char *kr_document_fn(apr_pool_t *pool, const json_t *document, const void *baton);

/** What is asked for. */
typedef struct {
    const char *url;
    const kr_net_guard_t *guard; /* as of any call */
    apr_time_t until;      /* by kr_clock_ticks: whoever asks waits no longer; 0: not at all, what is kept must do */
    kr_document_fn *wrong; /* or NULL */
    const void *baton;
} kr_document_wanted_t;

/** Can it be had without waiting for its server? */
int kr_document_at_hand(kr_document_t *document, const char *url);

/**
 * Have a document: as it is kept for an hour, then fetched anew. One that is older is used for a day while its server fails; it is asked
 * less often meanwhile, from a second up to a minute. Where nothing is kept it may be asked once a second. No redirects are followed. No
 * database handle may be held (asserted by kr_net_call).
 * @param out  the caller's own, in k->pool
 * @return 502 upstream_error when it cannot be had in time, or is wrong
 */
kr_err_t *kr_document_get(json_t **out, kr_ctx_t *k, kr_document_t *document, const kr_document_wanted_t *wanted) KR_MUST_CHECK;

/** For unit tests: all that happened to it was that many µs earlier. */
void kr_document_age(kr_document_t *document, apr_time_t by);

#endif
