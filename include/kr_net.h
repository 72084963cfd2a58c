/* SPDX-License-Identifier: Apache-2.0 */
/* The one outbound HTTP client, on libcurl: limits and time-outs on everything. */
#ifndef KR_NET_H
#define KR_NET_H

#include <apr_tables.h>

#include "kr_ctx.h"

/** One outgoing call. Zero-initialise, then set what differs. */
typedef struct {
    const char *method;       /* NULL: GET */
    const char *url;          /* http or https only; no redirects are followed */
    const apr_table_t *headers; /* NULL for none */
    const char *body;         /* NULL for none */
    apr_size_t body_len;
    apr_time_t timeout;       /* µs for the whole call; 0: 5 s. Connecting takes at most half of it */
    apr_size_t max_bytes;     /* of the answer's body; 0: 1 MiB. More is an error */
} kr_net_request_t;

typedef struct {
    int status;               /* HTTP status */
    const char *body;         /* NUL-terminated, in the pool */
    apr_size_t body_len;
} kr_net_reply_t;

/** Once per process, before threads: curl_global_init. */
void kr_net_init(void);

/**
 * Make the call. No database handle may be held (asserted).
 * @return 502 upstream_error when there is no answer in time or it breaks a limit; any HTTP status is a success here
 */
kr_err_t *kr_net_call(kr_net_reply_t *out, kr_ctx_t *k, const kr_net_request_t *req) KR_MUST_CHECK;

#endif
