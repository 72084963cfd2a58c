/* SPDX-License-Identifier: Apache-2.0 */
/* What `SetHandler` of ours stands for: a request is read, somebody below answers it, the answer is written. */
#include "handler.h"

#include <apr_strings.h>

#include "background.h"
#include "kr_api.h"
#include "kr_db.h"
#include "kr_text.h"
#include "kr_ui.h"

/** Who answers for a handler of ours. */
static const struct {
    void (*answer)(kr_ctx_t *k); /* NULL: it has a hook of its own */
    int mounted; /* paths are below the API's base; pages find their links from the whole path */
} HANDLERS[KR_HANDLERS] = {
    [KR_HANDLER_API] = { kr_api_handle, 1 },
    [KR_HANDLER_PAGES] = { kr_ui_handle, 0 },
};

static void reply_error(kr_ctx_t *k, const kr_err_t *err)
{
    k->reply->status = err->status;
    k->reply->content_type = "application/json";
    k->reply->body = kr_api_error_body(k, err);
    k->reply->body_len = strlen(k->reply->body);
    kr_reply_header(k, "Cache-Control", "no-store");
    if (err->retry_after) kr_reply_header(k, "Retry-After", apr_itoa(k->pool, err->retry_after));
}

/* The client may still be sending it, so the connection ends after the answer. */
static void reply_too_large(kr_ctx_t *k, request_rec *r)
{
    reply_error(k, kr_err(k, HTTP_REQUEST_ENTITY_TOO_LARGE, NULL, "the request body is larger than %d bytes", KR_BODY_MAX));
    r->connection->keepalive = AP_CONN_CLOSE;
}

/* These speak of the process and not of the data. */
static int needs_database(const kr_request_t *req)
{
    return strcmp(req->path, "/health/alive") && strcmp(req->path, "/version");
}

/* A request's pool goes when its answer is out. Woken before that, the sender would contend with it: time would tell. */
static apr_status_t wake_sender(void *server)
{
    kr_background_wake(server);
    return APR_SUCCESS;
}

static int answer(request_rec *r, kr_handler_e which)
{
    const kr_tenant_t *tenant = kr_tenant_of(r);
    kr_request_t *req;
    kr_ctx_t *k;
    int status;

    if (!tenant) return HTTP_INTERNAL_SERVER_ERROR;
    k = kr_request_ctx(r, tenant, HANDLERS[which].mounted);
    req = (kr_request_t *)k->req; /* ours, and const for everybody else */
    status = kr_request_read_body(r, req, KR_BODY_MAX);
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        reply_too_large(k, r);
    } else if (status != OK) {
        return status;
    } else if (needs_database(req) && !kr_database_await(tenant->database, r->pool, r->server)) {
        reply_error(k, kr_database_unready(k));
    } else {
        HANDLERS[which].answer(k);
        kr_reply_finish(k);
    }
    kr_db_release(k); /* before the bytes go out: a slow client must not hold a connection */
    if (k->queued) apr_pool_cleanup_register(r->pool, r->server, wake_sender, apr_pool_cleanup_null);
    apr_table_setn(r->notes, "kratos-statements",
                   apr_itoa(r->pool, (int)k->statements)); /* for logs: %{kratos-statements}n */
    return kr_reply_write(r, k->reply);
}

int kr_handler(request_rec *r)
{
    kr_handler_e which = kr_handler_named(r->handler);

    return which == KR_HANDLER_NONE || !HANDLERS[which].answer ? DECLINED : answer(r, which);
}
