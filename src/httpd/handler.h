/* SPDX-License-Identifier: Apache-2.0 */
/* The door of this room for requests, and what its files share: a body in, a reply out. */
#ifndef KR_HTTPD_HANDLER_H
#define KR_HTTPD_HANDLER_H

#include "../site/site.h"

/** The content handler: `SetHandler kratos` and `kratos-ui`. */
int kr_handler(request_rec *r);

/**
 * Read the whole body of a request into req (body.c). It is wiped when the request ends.
 * @return OK, or the status to answer with; 413 is left to the caller's words, all else is httpd's business
 */
int kr_request_read_body(request_rec *r, kr_request_t *req);

/** Write an answer (reply.c). @return OK */
int kr_reply_write(request_rec *r, const kr_reply_t *reply);

#endif
