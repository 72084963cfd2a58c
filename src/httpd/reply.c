/* SPDX-License-Identifier: Apache-2.0 */
/* An answer onto the wire. */
#include "handler.h"

#include <http_protocol.h>

static int add_header(void *headers, const char *name, const char *value)
{
    apr_table_add(headers, name, value);
    return 1;
}

static int bodyless(int status)
{
    return status == HTTP_NO_CONTENT || status == HTTP_NOT_MODIFIED;
}

int kr_reply_write(request_rec *r, const kr_reply_t *reply)
{
    r->status = reply->status;
    r->status_line = NULL;
    /* A cookie that was set while the request came in (mod_usertrack, mod_session) stays: table_add. */
    apr_table_do(add_header, r->headers_out, reply->headers, NULL);
    if (reply->content_type) ap_set_content_type(r, reply->content_type);
    apr_table_unset(r->headers_in, "Range"); /* answers are whole: half a flow is no flow */
    if (bodyless(reply->status)) {
        if (reply->content_type) apr_table_setn(r->err_headers_out, "Content-Type", reply->content_type);
        return OK;
    }
    ap_set_content_length(r, reply->body ? (apr_off_t)reply->body_len : 0);
    if (reply->body && reply->body_len && !r->header_only) ap_rwrite(reply->body, (int)reply->body_len, r);
    return OK;
}
