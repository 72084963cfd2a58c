/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome becomes what this kind of client gets: JSON for programs, redirects for people, a flow shown again for both. */
#include <string.h>

#include "api_private.h"
#include "kr_store_error.h"

#define REQUEST_ID_MAX 128
#define AGAIN_MAX 12 /* digits of a time in seconds */

/* -- the envelope --------------------------------------------------------- */

static const char *request_id(kr_ctx_t *k)
{
    const char *id = k->req ? kr_header(k->req, "X-Request-ID") : NULL;

    return id && strlen(id) <= REQUEST_ID_MAX && kr_utf8_valid(id, strlen(id)) ? id : NULL;
}

static json_t *inner_json(kr_ctx_t *k, const kr_err_t *err)
{
    json_t *e = kr_json_own(k->pool, json_object());
    const char *id = request_id(k);

    if (err->id) json_object_set_new(e, "id", json_string(err->id));
    json_object_set_new(e, "code", json_integer(err->status));
    json_object_set_new(e, "status", json_string(kr_err_status_text(err->status)));
    if (id) json_object_set_new(e, "request", json_string(id));
    if (err->reason) json_object_set_new(e, "reason", json_string(err->reason));
    if (err->details && json_object_size(err->details)) json_object_set(e, "details", err->details);
    json_object_set_new(e, "message", json_string(err->message ? err->message : kr_err_message(err->status)));
    return e;
}

static json_t *envelope(kr_ctx_t *k, const kr_err_t *err)
{
    json_t *out = kr_json_pack(k->pool, "{s:O}", "error", inner_json(k, err));

    if (err->extra) json_object_update(out, err->extra);
    return out;
}

const char *kr_api_error_body(kr_ctx_t *k, const kr_err_t *err)
{
    return apr_pstrcat(k->pool, kr_json_dump(k->pool, envelope(k, err), NULL), "\n", NULL);
}

static void reply_envelope(kr_ctx_t *k, const kr_err_t *err)
{
    kr_reply_json(k, err->status, envelope(k, err));
    k->reply->content_type = "application/json";
    kr_reply_header(k, "Ory-Error-Id", err->id ? err->id : "");
    if (err->retry_after) kr_reply_header(k, "Retry-After", apr_itoa(k->pool, err->retry_after));
}

/* People are sent to the error page. Where the error cannot be kept (the store itself is down), they get it as it is. */
static void reply_error_page(kr_ctx_t *k, const kr_err_t *err)
{
    const char *id = kr_uuid(k);
    const char *json = kr_json_dump(k->pool, inner_json(k, err), NULL);

    if (err->status == 503 || kr_store_error_insert(k, id, json)) {
        reply_envelope(k, err);
        return;
    }
    kr_reply_redirect(k, 303, kr_url_with(k->pool, k->realm->settings->error_ui_url, "id", id));
}

void kr_respond_error(kr_ctx_t *k, const kr_err_t *err, int json)
{
    if (json) reply_envelope(k, err);
    else reply_error_page(k, err);
}

/* -- flows ---------------------------------------------------------------- */

static int flow_wants_json(kr_ctx_t *k, const kr_flow_t *flow)
{
    return flow->api || kr_wants_json(k->req, 1);
}

static int says_again(const kr_err_t *err)
{
    return err->kind == KR_ERR_SHOW_FLOW || (err->kind == KR_ERR_PLAIN && err->status == 400);
}

static kr_err_t *show_again(kr_ctx_t *k, kr_flow_t *flow, const kr_err_t *err)
{
    /* Kratos answers people who sign up with 302 here and 303 everywhere else; clients see the difference */
    const int redirect = flow->kind == KR_FLOW_REGISTRATION ? 302 : 303;

    if (err->kind == KR_ERR_PLAIN) kr_flow_reason(k, flow, err->reason);
    kr_nodes_sort(k, flow);
    KR_TRY(kr_flow_update(k, flow));
    if (flow_wants_json(k, flow)) kr_reply_json(k, 400, kr_flow_json(k, flow));
    else kr_reply_redirect(k, redirect, kr_flow_ui_url(k, flow));
    return KR_DONE;
}

kr_err_t *kr_overtaken(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_err_t *err = kr_db_raced(k);

    if (flow_wants_json(k, flow)) return err;
    kr_flow_reason(k, flow, err->reason);
    return kr_err_show_flow(k);
}

kr_err_t *kr_respond_flow_error(kr_ctx_t *k, kr_flow_t *flow, kr_err_t *err)
{
    if (says_again(err)) return show_again(k, flow, err);
    if (err->kind == KR_ERR_REPLACED && !flow_wants_json(k, flow))
        kr_reply_redirect(k, 303, kr_url_with(k->pool, kr_flow_conf(k, flow->kind)->ui_url, "flow", err->use_flow));
    else kr_respond_error(k, err, flow_wants_json(k, flow));
    return KR_DONE;
}

void kr_respond_flow_step(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!flow_wants_json(k, flow)) {
        kr_reply_redirect(k, 303, kr_flow_ui_url(k, flow));
        return;
    }
    if (!flow->show_transient) flow->show_transient = 1;
    kr_reply_json(k, 400, kr_flow_json(k, flow));
}

/* The built-in pages begin a flow in place of one that they could not show, and must know the second in a row. */
static const char *page_again(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *again = kr_query(k->req, "again"), *url = kr_flow_ui_url(k, flow);

    if (!again || !*again || strlen(again) > AGAIN_MAX || again[strspn(again, "0123456789")]) return url;
    return kr_url_with(k->pool, url, "again", again);
}

void kr_respond_flow(kr_ctx_t *k, const kr_flow_t *flow, int json)
{
    if (json) kr_reply_json(k, 200, kr_flow_json(k, flow));
    else kr_reply_redirect(k, 303, page_again(k, flow));
}

json_t *kr_continue_redirect(const char *url)
{
    return json_pack("{s:s, s:s}", "action", "redirect_browser_to", "redirect_browser_to", url);
}
