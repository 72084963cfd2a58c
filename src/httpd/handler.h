/* SPDX-License-Identifier: Apache-2.0 */
/* The door of this room for requests, and what its files share: a body in, a reply out. */
#ifndef KR_HTTPD_HANDLER_H
#define KR_HTTPD_HANDLER_H

#include "../site/site.h"

/** The content handler: `SetHandler kratos` and `kratos-ui`. */
int kr_handler(request_rec *r);

/** Write an answer (reply.c). @return OK */
int kr_reply_write(request_rec *r, const kr_reply_t *reply);

#endif
