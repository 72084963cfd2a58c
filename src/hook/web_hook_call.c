/* SPDX-License-Identifier: Apache-2.0 */
/* The call of a web hook, made again where that may help: nobody answered, or the other side is busy or out of order. */
#include <string.h>

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_share.h"
#include "kr_text.h"
#include "web_hook.h"

#define PAUSE apr_time_from_sec(1) /* before the second try; twice as long before the third */
#define CANCEL "cancel"
#define ASK_LATER 5 /* seconds */
#define PROGRAM apr_time_from_sec(10) /* what its program may take beside the calls */

/** A call under way. */
typedef struct {
    const kr_web_hook_asked_t *asked;
    kr_net_request_t req;
    apr_time_t until;     /* by the clock that nobody sets */
    apr_time_t each;      /* of one try, at most */
} calling_t;

int kr_web_hook_parses(const kr_web_hook_conf_t *hook)
{
    return hook->parse || hook->can_interrupt;
}

const char *kr_web_hook_name(const kr_web_hook_conf_t *hook)
{
    return hook->id ? hook->id : hook->where;
}

/* -- what is sent ------------------------------------------------------------- */

static kr_err_t *program_failed(kr_ctx_t *k, const kr_web_hook_conf_t *hook, const char *why)
{
    kr_log(k, KR_LOG_ERR, KRLOGNO(0850) "web hook %s: %s: %s", kr_web_hook_name(hook), hook->service->body->name, why);
    return kr_err(k, 500, NULL, "a web hook of this site is not usable");
}

/* @param cancelled  1: the program says that nobody is to be called */
static kr_err_t *make_body(int *cancelled, kr_ctx_t *k, calling_t *calling)
{
    const kr_web_hook_conf_t *hook = calling->asked->hook;
    const json_t *made;
    const char *why;

    *cancelled = 0;
    if (!hook->service->body) return NULL;
    made = kr_jsonnet_run(k->pool, hook->service->body, calling->asked->ctx, &why);
    *cancelled = !made && !hook->form && strcmp(why, CANCEL) == 0;
    if (*cancelled) return NULL;
    if (!made) return program_failed(k, hook, why);
    if (!hook->form) {
        calling->req.body = kr_json_dump(k->pool, made, &calling->req.body_len);
        return NULL;
    }
    calling->req.body = kr_json_form(k->pool, made);
    if (!calling->req.body) return program_failed(k, hook, "it makes no flat object, as a form needs");
    calling->req.body_len = strlen(calling->req.body);
    return NULL;
}

static const apr_table_t *headers_of(kr_ctx_t *k, const calling_t *calling)
{
    const apr_table_t *said = calling->asked->hook->service->headers;
    apr_table_t *headers;

    if (!calling->asked->hook->analytics) return said;
    headers = apr_table_copy(k->pool, said);
    apr_table_setn(headers, "Ory-Webhook-Request-ID", kr_uuid(k));
    apr_table_setn(headers, "Ory-Webhook-Trigger-ID", calling->asked->trigger);
    return headers;
}

/* -- what comes back ------------------------------------------------------------ */

static int may_help(const kr_net_reply_t *reply, const kr_err_t *err)
{
    if (err) return !reply->timed_out && !reply->final;
    return reply->status == 429 || (reply->status >= 500 && reply->status != 501);
}

static kr_err_t *try_once(kr_net_reply_t *reply, kr_ctx_t *k, calling_t *calling)
{
    const apr_time_t left = calling->until - kr_clock_ticks();

    calling->req.timeout = left < calling->each ? left : calling->each;
    if (calling->req.timeout < apr_time_from_msec(1)) calling->req.timeout = apr_time_from_msec(1);
    calling->req.headers = headers_of(k, calling);
    return kr_net_call(reply, k, &calling->req);
}

static kr_err_t *try_all(kr_net_reply_t *reply, kr_ctx_t *k, calling_t *calling)
{
    kr_err_t *err = try_once(reply, k, calling);

    for (int i = 1; i < calling->asked->tries && may_help(reply, err) && !kr_leaving(k); i++) {
        const apr_time_t pause = PAUSE << (i - 1);

        if (kr_clock_ticks() + pause >= calling->until) break;
        apr_sleep(pause);
        err = try_once(reply, k, calling);
    }
    return err;
}

static kr_err_t *silent(kr_ctx_t *k, const kr_web_hook_conf_t *hook, const kr_net_reply_t *reply, kr_err_t *err)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0851) "web hook %s: %s", kr_web_hook_name(hook), reply->timed_out ? "no answer in time" : "no usable answer");
    return reply->timed_out ? kr_err(k, 504, NULL, "a service that this server calls gave no answer in time") : err;
}

static kr_err_t *call(kr_web_hook_reply_t *out, kr_ctx_t *k, calling_t *calling)
{
    kr_net_reply_t reply;
    kr_err_t *err;

    KR_TRY(make_body(&out->cancelled, k, calling));
    if (out->cancelled) return NULL;
    err = try_all(&reply, k, calling);
    *out = (kr_web_hook_reply_t){ .status = reply.status, .body = reply.body, .len = reply.body_len, .reached = reply.reached };
    return err ? silent(k, calling->asked->hook, &reply, err) : NULL;
}

/* Targets that hang take their share of the workers and no more: who comes when that is full is told so at once. */
static kr_err_t *call_in_turn(kr_web_hook_reply_t *out, kr_ctx_t *k, calling_t *calling)
{
    const kr_settings_t *conf = k->realm->settings;
    const int place = kr_share_take(conf->web_hooks.share, conf->web_hooks.max_calls, conf->web_hooks.timeout + PROGRAM);
    kr_err_t *err;

    if (place < 0) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0857) "web hook %s: too many requests wait for web hooks (mod_kratos.web_hooks.max_calls)",
               kr_web_hook_name(calling->asked->hook));
        return kr_err_unavailable(k, ASK_LATER, "too many people wait for a service that this server calls");
    }
    calling->each = conf->web_hooks.try_timeout;
    calling->until = kr_clock_ticks() + conf->web_hooks.timeout;
    err = call(out, k, calling);
    kr_share_give(conf->web_hooks.share, place);
    return err;
}

kr_err_t *kr_web_hook_call(kr_web_hook_reply_t *out, kr_ctx_t *k, const kr_web_hook_asked_t *asked)
{
    const kr_http_service_t *service = asked->hook->service;
    calling_t calling = { .asked = asked, .each = service->timeout,
                          .req = { .method = service->method, .url = service->url, .guard = &k->realm->settings->guard,
                                   .max_bytes = KR_WEB_HOOK_MAX, .status_only = !kr_web_hook_parses(asked->hook) } };

    *out = (kr_web_hook_reply_t){ .cancelled = 0 };
    kr_db_release(k);
    if (!asked->worker) return call_in_turn(out, k, &calling);
    calling.req.stopping = asked->worker->stopping; /* nobody waits but the thread that is for it */
    calling.req.baton = asked->worker->baton;
    calling.until = kr_clock_ticks() + service->timeout;
    return call(out, k, &calling);
}
