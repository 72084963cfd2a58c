/* SPDX-License-Identifier: Apache-2.0 */
/* The API asked from inside the process: a request that nobody sent, and its answer before it is text. */
#include <string.h>

#include "api.h"
#include "kr_db.h"

static const char *name_of(kr_http_method_e method)
{
    static const struct { kr_http_method_e method; const char *name; } names[] = {
        { KR_GET, "GET" }, { KR_POST, "POST" }, { KR_PUT, "PUT" }, { KR_PATCH, "PATCH" }, { KR_DELETE, "DELETE" },
    };

    for (int i = 0; i < KR_DIM(names); i++)
        if (names[i].method == method) return names[i].name;
    return "";
}

/* Not what the page was asked with, but what it asks with. */
static const apr_table_t *headers_of(kr_ctx_t *k)
{
    apr_table_t *headers = apr_table_copy(k->pool, k->req->headers);

    apr_table_set(headers, "Accept", "application/json");
    apr_table_unset(headers, "Origin");
    apr_table_unset(headers, "Content-Type");
    apr_table_unset(headers, "X-CSRF-Token"); /* the token stands in the form */
    return headers;
}

static void put_target(kr_request_t *req, kr_ctx_t *k, const char *path)
{
    const char *query = strchr(path, '?'), *why;

    req->raw_path = req->path = query ? apr_pstrmemdup(k->pool, path, (apr_size_t)(query - path)) : path;
    req->raw_query = query ? query + 1 : NULL;
    req->query = query ? kr_form_parse(k->pool, query + 1, strlen(query + 1), &why) : NULL;
    req->query_bad = query && !req->query;
    if (!req->query) req->query = apr_array_make(k->pool, 1, sizeof(kr_pair_t));
}

/* The session that was found, the connection and all counts stay with the context; what belongs to one request is lent to it. */
void kr_api_call(kr_api_answer_t *out, kr_ctx_t *k, kr_http_method_e method, const char *path, const json_t *body)
{
    const kr_ctx_t page = *k;
    kr_request_t *req = apr_pmemdup(k->pool, k->req, sizeof(*req));
    kr_reply_t *reply = kr_reply_make(k->pool);

    req->method = method;
    req->method_name = name_of(method);
    put_target(req, k, path);
    req->headers = headers_of(k);
    req->content_type = NULL;
    req->body = "";
    req->body_len = 0;
    req->json = body ? body : method == KR_GET ? NULL : kr_json_own(k->pool, json_object());
    k->req = req;
    k->reply = reply;
    k->inside = 1;
    kr_api_handle(k);
    kr_db_release(k); /* pages are made without one */
    k->req = page.req;
    k->reply = page.reply;
    k->client = page.client;
    k->found = page.found;
    k->inside = page.inside;
    /* cookies belong to the browser that asked for the page */
    for (int i = 0; i < reply->cookies->nelts; i++) kr_reply_cookie(k, &APR_ARRAY_IDX(reply->cookies, i, kr_cookie_t));
    *out = (kr_api_answer_t){ .status = reply->status, .json = reply->json, .headers = reply->headers };
}
