/* SPDX-License-Identifier: Apache-2.0 */
/* One request through a set of routes: its guard, the operation, errors. */
#include "api.h"
#include "kr_clock.h"

static void reply_method_not_allowed(kr_ctx_t *k, int methods)
{
    static const struct { int bit; const char *name; } names[] = {
        { KR_GET, "GET" },     { KR_HEAD, "HEAD" }, { KR_POST, "POST" },     { KR_PUT, "PUT" },
        { KR_PATCH, "PATCH" }, { KR_DELETE, "DELETE" }, { KR_OPTIONS, "OPTIONS" },
    };
    const char *allow = NULL;

    for (int i = 0; i < KR_DIM(names); i++)
        if (methods & names[i].bit) allow = allow ? apr_pstrcat(k->pool, allow, ", ", names[i].name, NULL) : names[i].name;
    kr_reply_text(k, 405, "this path does not take that method");
    kr_reply_header(k, "Allow", allow);
}

kr_err_t *kr_not_here(kr_ctx_t *k)
{
    kr_reply_text(k, 404, "there is nothing at this path");
    return KR_DONE;
}

/* -- for whom ------------------------------------------------------------- */

kr_client_e kr_client_asking(kr_ctx_t *k)
{
    return kr_wants_json(k->req, 1) ? KR_CLIENT_SCRIPT : KR_CLIENT_PERSON;
}

static kr_client_e client_of(kr_ctx_t *k, kr_for_e whom)
{
    switch (whom) {
    case KR_FOR_ACCEPT: return kr_wants_json(k->req, 0) ? KR_CLIENT_SCRIPT : KR_CLIENT_PERSON;
    case KR_FOR_REQUEST: return kr_client_asking(k);
    case KR_FOR_APPS: return KR_CLIENT_NATIVE;
    default: return KR_CLIENT_SCRIPT;
    }
}

/* -- the way through ------------------------------------------------------ */

static void run_route(kr_ctx_t *k, const kr_route_t *route)
{
    kr_err_t *err;

    k->client = client_of(k, route->answers);
    err = route->run(k);
    if (err) kr_answer_error_to(k, client_of(k, route->errors), err);
}

static void run(kr_ctx_t *k)
{
    const kr_found_t *found = k->found;

    if (!found->known) kr_not_here(k);
    else if (!found->route) reply_method_not_allowed(k, found->methods);
    else if (k->req->query_bad && !(found->route->flags & KR_ROUTE_ANY_QUERY))
        kr_answer_error_to(k, KR_CLIENT_SCRIPT, kr_err(k, 400, NULL, "the query of the URL cannot be read"));
    else run_route(k, found->route);
}

void kr_api_serve(kr_ctx_t *k, const kr_route_set_t *set)
{
    const apr_time_t began = kr_clock_ticks();

    if (!k->reply) k->reply = kr_reply_make(k->pool);
    k->method = 0;
    k->found = kr_route_find(k, set->routes);
    if (!set->guard || !set->guard(k, k->found->flags)) run(k);
    if (k->req->method == KR_GET && !apr_table_get(k->reply->headers, "Cache-Control")) /* but for what says that it may be kept */
        kr_reply_header(k, "Cache-Control", "private, no-cache, no-store, must-revalidate");
    kr_count_operation(k, set, kr_clock_ticks() - began);
}

void kr_api_handle(kr_ctx_t *k)
{
    kr_api_serve(k, &kr_public);
}
