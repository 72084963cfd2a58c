/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation answers becomes what this kind of client gets: JSON for programs, redirects for people, a flow shown again for both.
 * Nothing else in this room writes a status, a body or a redirect (t/unit/answers looks), but what stands before the operations.
 */
#include <string.h>

#include "api.h"
#include "kr_db.h"

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

/* -- errors --------------------------------------------------------------- */

static void send_envelope(kr_ctx_t *k, const kr_err_t *err)
{
    kr_reply_json(k, err->sent_as ? err->sent_as : err->status, envelope(k, err));
    k->reply->content_type = "application/json";
    kr_reply_header(k, "Ory-Error-Id", err->id ? err->id : "");
    if (err->retry_after) kr_reply_header(k, "Retry-After", apr_itoa(k->pool, err->retry_after));
}

/* People are sent to the error page. Where the error cannot be kept (the store itself is down), they get it as it is. */
static void send_error_page(kr_ctx_t *k, const kr_err_t *err)
{
    const char *id;

    if (err->status == 503 || kr_flow_error_keep(&id, k, inner_json(k, err))) {
        send_envelope(k, err);
        return;
    }
    kr_reply_redirect(k, 303, kr_url_with(k->pool, k->realm->settings->error_ui_url, "id", id));
}

/* Is there a way on instead of the error page? */
static int lead(kr_ctx_t *k, const kr_err_t *err)
{
    const char *told = kr_json_str(err->extra, "redirect_browser_to");

    if (err->lead_to) kr_reply_redirect(k, err->lead_status, err->lead_to);
    else if (told) kr_reply_redirect(k, 303, told);
    return err->lead_to || told;
}

kr_err_t *kr_answer_error_to(kr_ctx_t *k, kr_client_e client, const kr_err_t *err)
{
    kr_count_error(err);
    if (client != KR_CLIENT_PERSON) send_envelope(k, err);
    else if (!lead(k, err)) send_error_page(k, err);
    return KR_DONE;
}

kr_err_t *kr_answer_error(kr_ctx_t *k, const kr_err_t *err)
{
    return kr_answer_error_to(k, k->client, err);
}

/* -- flows ---------------------------------------------------------------- */

static void send_flow(kr_ctx_t *k, const kr_flow_t *flow, int status, int redirect)
{
    if (k->client == KR_CLIENT_PERSON) kr_reply_redirect(k, redirect, kr_flow_ui_url(k, flow));
    else kr_reply_json(k, status, kr_flow_json(k, flow));
}

kr_err_t *kr_answer_flow(kr_ctx_t *k, const kr_flow_t *flow)
{
    send_flow(k, flow, 200, 303);
    return KR_DONE;
}

kr_err_t *kr_answer_step(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!flow->show_transient) flow->show_transient = 1;
    send_flow(k, flow, 400, 303);
    return KR_DONE;
}

kr_err_t *kr_answer_linking(kr_ctx_t *k, kr_flow_t *flow)
{
    if (flow->in_browser) return kr_answer_app(k, flow, 0);
    if (k->client != KR_CLIENT_PERSON) return kr_answer_step(k, flow);
    return kr_answer_see(k, kr_url_with(k->pool, kr_flow_ui_url(k, flow), "no_org_ui", "true"));
}

/* The built-in pages begin a flow in place of one that they could not show, and must know the second in a row. */
static const char *page_again(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *again = kr_query(k->req, "again"), *url = kr_flow_ui_url(k, flow);

    if (!again || !*again || strlen(again) > AGAIN_MAX || again[strspn(again, "0123456789")]) return url;
    return kr_url_with(k->pool, url, "again", again);
}

kr_err_t *kr_answer_begun(kr_ctx_t *k, const kr_flow_t *flow)
{
    if (k->client == KR_CLIENT_PERSON) kr_reply_redirect(k, 303, page_again(k, flow));
    else kr_reply_json(k, 200, kr_flow_json(k, flow));
    return KR_DONE;
}

/* Who is to wait is told so by the form, if it is a person, and by the status, if it is a program. */
static int says_again(const kr_ctx_t *k, const kr_err_t *err)
{
    if (err->kind == KR_ERR_SHOW_FLOW) return 1;
    return err->kind == KR_ERR_PLAIN && (err->status == 400 || (err->status == 429 && k->client == KR_CLIENT_PERSON));
}

static kr_err_t *show_again(kr_ctx_t *k, kr_flow_t *flow, const kr_err_t *err)
{
    if (err->kind == KR_ERR_PLAIN) kr_flow_reason(k, flow, err->reason);
    kr_nodes_sort(k, flow);
    kr_messages_count(flow);
    KR_TRY(kr_flow_update(k, flow));
    if (flow->in_browser) return kr_answer_app(k, flow, 1);
    /* Kratos answers people who sign up with 302 here and 303 everywhere else; clients see the difference */
    send_flow(k, flow, 400, flow->kind == KR_FLOW_REGISTRATION ? 302 : 303);
    return KR_DONE;
}

kr_err_t *kr_answer_flow_error(kr_ctx_t *k, kr_flow_t *flow, kr_err_t *err)
{
    if (k->client == KR_CLIENT_PERSON && lead(k, err)) {
        kr_count_error(err);
        return KR_DONE;
    }
    return says_again(k, err) ? show_again(k, flow, err) : kr_answer_error(k, err);
}

kr_err_t *kr_overtaken(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_err_t *err = kr_db_raced(k);

    err->cause = APR_SUCCESS; /* nothing is done over: what was proved is over with the sessions that were ended */
    if (k->client != KR_CLIENT_PERSON) return err;
    kr_flow_reason(k, flow, err->reason);
    return kr_err_show_flow(k);
}

/* -- apps whose person comes back by a browser ------------------------------ */

/* Its own address with what we tell it, sorted as clients know it. */
static const char *back_to_app(kr_ctx_t *k, const kr_flow_t *flow, const char *a, const char *a_value, const char *b, const char *b_value)
{
    const char *to = kr_return_to_of(k, flow, (int)KR_METHOD_OIDC), *query = strchr(to, '?'), *why;
    apr_array_header_t *fields = query ? kr_form_parse(k->pool, query + 1, strlen(query + 1), &why) : NULL;

    if (!fields) fields = apr_array_make(k->pool, 2, sizeof(kr_pair_t));
    if (a_value) APR_ARRAY_PUSH(fields, kr_pair_t) = (kr_pair_t){ a, a_value };
    if (b_value) APR_ARRAY_PUSH(fields, kr_pair_t) = (kr_pair_t){ b, b_value };
    return fields->nelts ? kr_url_sorted(k->pool, to, fields) : to;
}

static kr_err_t *lead_to_app(kr_ctx_t *k, const kr_flow_t *flow, const char *session_id, int shows_flow)
{
    const char *code;

    KR_TRY(kr_exchange_fill(&code, k, flow->id, session_id));
    return kr_answer_see(k, back_to_app(k, flow, "code", code, "flow", shows_flow ? flow->id : NULL));
}

kr_err_t *kr_answer_app_session(kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    if (!session) return kr_answer_see(k, kr_return_to_of(k, flow, (int)KR_METHOD_OIDC));
    return lead_to_app(k, flow, session->id, 0);
}

kr_err_t *kr_answer_app(kr_ctx_t *k, const kr_flow_t *flow, int shown_again)
{
    if (shown_again) return lead_to_app(k, flow, NULL, flow->kind == KR_FLOW_REGISTRATION);
    return kr_answer_see(k, back_to_app(k, flow, "flow", flow->id, "no_org_ui", "true"));
}

/* -- what is done, and where to go on ------------------------------------- */

kr_err_t *kr_answer_done(kr_ctx_t *k, const json_t *json, const char *to)
{
    if (k->client == KR_CLIENT_PERSON) return kr_answer_see(k, to);
    return json ? kr_answer_data(k, 200, json) : kr_answer_nothing(k);
}

kr_err_t *kr_err_go(kr_ctx_t *k, const char *url)
{
    kr_err_t *err = kr_err(k, 422, "browser_location_change_required", "go on in the browser at %s", url);

    return kr_err_extra(k, err, "redirect_browser_to", json_string(url));
}

kr_err_t *kr_answer_go(kr_ctx_t *k, const char *url)
{
    return kr_answer_error(k, kr_err_go(k, url));
}

json_t *kr_continue_redirect(const char *url)
{
    return json_pack("{s:s, s:s}", "action", "redirect_browser_to", "redirect_browser_to", url);
}

json_t *kr_continue_token(const char *token)
{
    return json_pack("{s:s, s:s}", "action", "set_ory_session_token", "ory_session_token", token);
}

/* -- whoever asks --------------------------------------------------------- */

kr_err_t *kr_answer_see(kr_ctx_t *k, const char *url)
{
    kr_reply_redirect(k, 303, url);
    return KR_DONE;
}

kr_err_t *kr_answer_found(kr_ctx_t *k, const char *url)
{
    kr_reply_redirect(k, 302, url);
    return KR_DONE;
}

kr_err_t *kr_answer_data(kr_ctx_t *k, int status, const json_t *json)
{
    kr_reply_json(k, status, json);
    return KR_DONE;
}

kr_err_t *kr_answer_nothing(kr_ctx_t *k)
{
    k->reply->status = 204;
    return KR_DONE;
}

kr_err_t *kr_answer_file(kr_ctx_t *k, const char *type, const char *body, apr_size_t len)
{
    k->reply->status = 200;
    k->reply->content_type = type;
    k->reply->body = body;
    k->reply->body_len = len;
    return KR_DONE;
}
