/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the API: one request in, one reply out. */
#ifndef KR_API_H
#define KR_API_H

#include "kr_http.h"

/** An operation. Fills k->reply, or returns an error that answer.c turns into one. */
typedef kr_err_t *kr_operation_fn(kr_ctx_t *k);

/** For whom an operation answers: the rule by which k->client is found. */
typedef enum {
    KR_FOR_SCRIPTS, /* JSON, whoever asks */
    KR_FOR_ACCEPT,  /* a person or a script, as Accept says: flows that begin */
    KR_FOR_REQUEST, /* the same, but a Content-Type of JSON makes a script, too: submits; an app, once it names the flow of one */
    KR_FOR_APPS     /* an app, whatever it says */
} kr_for_e;

/** One row of the table of routes. */
typedef struct {
    const char *id;       /* operationId of the OpenAPI document, or NULL for what Kratos serves beside it */
    int methods;          /* kr_http_method_e, or-ed; HEAD comes with GET */
    const char *path;     /* "{name}" stands for a whole segment that is not empty, in any place: "/a/{id}/b/{type}" */
    kr_operation_fn *run;
    int flags;            /* KR_ROUTE_* */
    kr_for_e answers;     /* for whom its answers are */
    kr_for_e errors;      /* for whom an error is that it returns, rather than answers; judged anew then, as no flow is looked at */
} kr_route_t;

#define KR_ROUTE_NO_CSRF 1   /* no anti-CSRF cookie is set, no token is asked for by the layer */
#define KR_ROUTE_ANY_QUERY 2 /* a query that cannot be read is as good as none */

#define KR_ROUTE_PARAMS 4    /* so many names a path may have */

/**
 * What stands before the operations of a set; runs for each request, whether or not there is a route for it.
 * @param flags  KR_ROUTE_* of all routes that have this path, or-ed; 0 where none has
 * @return 1: k->reply is complete, and no operation runs
 */
typedef int kr_guard_fn(kr_ctx_t *k, int flags);

/** Routes that are reached in one way, and what guards them. */
typedef struct {
    const kr_route_t *routes; /* ended by a row without path; of two that have a path and a method, the first counts */
    kr_guard_fn *guard;       /* NULL: httpd's Require lines are all there is */
} kr_route_set_t;

/** What anybody may ask: behind CORS and the anti-CSRF layer. */
extern const kr_route_set_t kr_public;

/** At start: name operations, errors and messages for metrics. @param pool  lives as long as metrics are written */
void kr_api_name_metrics(apr_pool_t *pool);

/** Answer k->req from a set: guard, routing, the operation, errors. Always leaves a complete k->reply; kr_reply_finish is the caller's. */
void kr_api_serve(kr_ctx_t *k, const kr_route_set_t *set);
/** The same from kr_public. */
void kr_api_handle(kr_ctx_t *k);

/** The segment that stood for "{name}" in the path, decoded; NULL when the route has no such name. Lives as long as k->pool. */
const char *kr_route_param(const kr_ctx_t *k, const char *name);

/** What the API said to a call from inside. All lives as long as k->pool. */
typedef struct {
    int status;
    const json_t *json;         /* the body by value: as the operation made it, so nobody changes it; NULL: there is none,
                                 * or it is a file (a schema, a script) */
    const apr_table_t *headers; /* but cookies */
} kr_api_answer_t;

/**
 * Call the API from inside the process, as the browser that sent k->req would: same cookies, Accept: application/json. For the pages.
 * What comes and goes is never text. Cookies that the operation sets go to that browser with k->reply.
 *
 * An unsafe method comes from a form of a page, so that the `csrf_token` in `body` is asked for, whether or not the route asks clients
 * of the outside for one; without it, and with one of another browser, the answer is a 403.
 * @param path  with query: "/self-service/login/flows?id=..."
 * @param body  an object, as it would be sent as JSON; or NULL. Read only
 */
void kr_api_call(kr_api_answer_t *out, kr_ctx_t *k, kr_http_method_e method, const char *path, const json_t *body);

/** Is the answer to an error for the gate: envelope JSON text of `err`, newline included. */
const char *kr_api_error_body(kr_ctx_t *k, const kr_err_t *err);

#endif
