/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request, whole and in one piece. */
#include "site.h"

#include <http_protocol.h>
#include <util_filter.h>

#include "kr_text.h"

/** A body as it grows. */
typedef struct {
    char *text;
    apr_size_t len, room, most;
} body_t;

/* Bytes into one growing buffer. @return 0 when there are too many of them */
static int append(body_t *body, apr_pool_t *pool, const char *data, apr_size_t len)
{
    if (len > body->most - body->len) return 0;
    if (body->len + len > body->room) {
        char *old = body->text;

        while (body->room < body->len + len) body->room *= 2;
        body->text = apr_palloc(pool, body->room + 1);
        memcpy(body->text, old, body->len);
        kr_wipe(old, body->len); /* it may hold a password */
    }
    memcpy(body->text + body->len, data, len);
    body->len += len;
    return 1;
}

static apr_status_t wipe_body(void *data)
{
    body_t *body = data;

    kr_wipe(body->text, body->len);
    return APR_SUCCESS;
}

/* One brigade's buckets. @return OK, or the status to answer with; *done once all has been read */
static int drain(int *done, request_rec *r, apr_bucket_brigade *brigade, body_t *body)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(brigade); b != APR_BRIGADE_SENTINEL(brigade); b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            *done = 1;
            return OK;
        }
        if (APR_BUCKET_IS_METADATA(b)) continue;
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        if (!append(body, r->pool, data, len)) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    return OK;
}

/*
 * The whole body, or the status to answer with. Brigades, because ap_get_client_block does not tell a time-out from
 * nonsense; AP_FILTER_ERROR means that the answer is out already and must be returned as it is.
 */
int kr_request_read_body(request_rec *r, kr_request_t *req, apr_size_t most)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    const char *announced = apr_table_get(r->headers_in, "Content-Length");
    body_t *body;
    int status = OK, done = 0;

    /* Refused before the client was told to go on sending. */
    if (announced && apr_strtoi64(announced, NULL, 10) > (apr_int64_t)most) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    body = apr_pcalloc(r->pool, sizeof(*body));
    body->room = 4096;
    body->most = most;
    body->text = apr_palloc(r->pool, body->room + 1);
    apr_pool_cleanup_register(r->pool, body, wipe_body, apr_pool_cleanup_null);
    while (!done && status == OK) {
        apr_status_t rv = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, HUGE_STRING_LEN);

        if (rv != APR_SUCCESS) return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        status = drain(&done, r, brigade, body);
        apr_brigade_cleanup(brigade);
    }
    body->text[body->len] = '\0';
    req->body = body->text;
    req->body_len = body->len;
    return status;
}
