/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web hooks whose answer nobody waits for: put into the outbox with what they tell of, and made by its thread. What is kept is what the
 * program is told, not the program, its URL or its keys: those are the settings' own when the call is made.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "web_hook.h"

#define RECIPIENT_MAX 320 /* bytes */

/* -- in ------------------------------------------------------------------------- */

/* Without what a query or a user may hold: lists show it. */
static const char *shown_url(apr_pool_t *pool, const char *url)
{
    kr_url_t parts;
    const char *shown;

    if (!kr_url_parse(&parts, pool, url) || !parts.host) return "(no host)";
    shown = apr_pstrcat(pool, parts.scheme, "://", parts.host, parts.path, NULL);
    return strlen(shown) > RECIPIENT_MAX ? apr_pstrndup(pool, shown, RECIPIENT_MAX) : shown;
}

static apr_size_t size_of(kr_ctx_t *k, const json_t *data)
{
    apr_size_t len;

    kr_json_dump(k->pool, data, &len);
    return len;
}

/* What a client may make as long as it likes goes before anything of ours does. */
static void slim(kr_ctx_t *k, const kr_web_hook_conf_t *hook, const json_t *data, json_t *ctx)
{
    static const char *const LONG[] = { "flow.transient_payload", "request_headers", "request_cookies", "flow.ui" };

    for (int i = 0; size_of(k, data) > KR_OUTBOX_MAX && i < KR_DIM(LONG); i++) {
        kr_json_set_at(ctx, LONG[i], json_object());
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0856) "web hook %s: %s is too long for the outbox, and was left out", kr_web_hook_name(hook), LONG[i]);
    }
}

static kr_err_t *put(kr_ctx_t *k, kr_after_flow_t *after, const kr_web_hook_conf_t *hook, kr_phase_e phase)
{
    json_t *ctx = kr_web_hook_context(k, after, phase), *session = json_copy(json_object_get(ctx, "session"));
    const json_t *data = kr_json_pack(k->pool, "{s:s, s:s, s:s, s:O}", "where", hook->where, "url", hook->service->url, "method",
                                      hook->service->method, "ctx", ctx);
    const char *type = apr_pstrcat(k->pool, "web_hook.", kr_flow_kind_name(after->flow->kind), phase == KR_HOOK_BEGIN ? ".before" : ".after", NULL);

    if (session) { /* the same identity stands beside it */
        json_object_del(session, "identity");
        json_object_set_new(ctx, "session", session);
    }
    slim(k, hook, data, ctx);
    return kr_outbox_put(k, &(kr_outbox_item_t){ .via = kr_sender_web_hook.via, .to = shown_url(k->pool, hook->service->url), .type = type, .data = data });
}

kr_err_t *kr_hook_web_begin(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    return put(k, after, conf->own, KR_HOOK_BEGIN);
}

kr_err_t *kr_hook_web_write(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    return put(k, after, conf->own, KR_HOOK_WRITE);
}

/* -- out ------------------------------------------------------------------------ */

static int carried(const kr_ctx_t *k)
{
    return k->realm->settings->told_hooks->nelts > 0;
}

/* The rest of the URL does not matter where its host gives no answer. */
static const char *carrier(kr_ctx_t *k, const kr_sending_t *message)
{
    kr_url_t parts;

    return kr_url_parse(&parts, k->pool, message->to) && parts.host ? parts.host : message->to;
}

static int is_it(const kr_web_hook_conf_t *hook, const json_t *data)
{
    return strcmp(hook->service->url, kr_json_str(data, "url")) == 0 && strcmp(hook->service->method, kr_json_str(data, "method")) == 0;
}

/* The one that stood there; where the lists have changed since, one that calls the same URL in the same way. */
static const kr_web_hook_conf_t *hook_of(kr_ctx_t *k, const json_t *data)
{
    const apr_array_header_t *hooks = k->realm->settings->told_hooks;
    const kr_web_hook_conf_t *same = NULL;

    if (!kr_json_str(data, "where") || !kr_json_str(data, "url") || !kr_json_str(data, "method")) return NULL;
    for (int i = 0; i < hooks->nelts; i++) {
        const kr_web_hook_conf_t *hook = APR_ARRAY_IDX(hooks, i, const kr_web_hook_conf_t *);

        if (!is_it(hook, data)) continue;
        if (strcmp(hook->where, kr_json_str(data, "where")) == 0) return hook;
        if (!same) same = hook;
    }
    return same;
}

static json_t *context_of(const json_t *data)
{
    json_t *ctx = json_object_get(data, "ctx"), *session = json_object_get(ctx, "session"), *identity = json_object_get(ctx, "identity");

    if (session && identity) json_object_set(session, "identity", identity);
    return ctx;
}

static kr_net_mailed_t became(kr_mail_fate_e fate, const char *why)
{
    return (kr_net_mailed_t){ fate, why, NULL };
}

static kr_net_mailed_t judge(kr_ctx_t *k, kr_sending_t *message, const kr_web_hook_reply_t *reply, const kr_err_t *err)
{
    const int later = reply->status == 429 || (reply->status >= 500 && reply->status != 501);

    message->slow = err && err->status == 504;
    if (err && err->status == 500) return became(KR_MAIL_LATER, "its program failed");
    if (err && reply->reached) return became(KR_MAIL_LATER, "it gave no usable answer");
    if (err) return became(KR_MAIL_UNREACHABLE, "it cannot be reached");
    if (reply->status < 400) return became(KR_MAIL_SENT, NULL);
    return became(later ? KR_MAIL_LATER : KR_MAIL_REFUSED, apr_psprintf(k->pool, "it answered %d", reply->status));
}

static kr_net_mailed_t send_call(kr_ctx_t *k, kr_sending_t *message)
{
    const kr_web_hook_asked_t asked = { .hook = hook_of(k, message->data), .ctx = context_of(message->data), .trigger = message->id, .tries = 1,
                                        .worker = message->worker };
    kr_web_hook_reply_t reply;
    kr_err_t *err;

    if (!asked.hook || !asked.ctx) return became(KR_MAIL_REFUSED, "no web hook of the settings calls that URL any more");
    err = kr_web_hook_call(&reply, k, &asked);
    if (!err && reply.cancelled) return became(KR_MAIL_SENT, NULL);
    return judge(k, message, &reply, err);
}

const kr_sender_t kr_sender_web_hook = { .via = "web_hook", .name = "a web hook", .carried = carried, .carrier = carrier, .many = 1, .send = send_call };
