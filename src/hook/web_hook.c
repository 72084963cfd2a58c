/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hook `web_hook`: another server is told, and may have a say. When it is asked is a matter of what may come of it: before anything is
 * written where it may stop that, after it where it may not. Never within a transaction, and never with a connection in hand.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "web_hook.h"

#define TRIES 3

/* Where nothing but the session follows, an answer that fails must come before that. */
static int is_asked_first(const kr_after_flow_t *after, const kr_web_hook_conf_t *hook)
{
    switch (after->flow->kind) {
    case KR_FLOW_LOGIN:
    case KR_FLOW_RECOVERY: return 1;
    case KR_FLOW_REGISTRATION:
    case KR_FLOW_SETTINGS: return kr_web_hook_parses(hook);
    default: return 0; /* verification: the address is its person's, whatever anybody says */
    }
}

int kr_hook_web_acts(const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_conf_t *conf)
{
    const kr_web_hook_conf_t *hook = conf->own;

    if (!hook->service->body && strcmp(hook->service->method, "TRACE") != 0) return 0; /* said at start */
    if (phase == KR_HOOK_BEGIN || phase == KR_HOOK_WRITE) return hook->ignore;
    if (hook->ignore) return 0;
    if (phase == KR_HOOK_BEFORE) return 1;
    return phase == (is_asked_first(after, hook) ? KR_HOOK_ADMIT : KR_HOOK_ANSWER);
}

/* -- what was answered ------------------------------------------------------------ */

/* Before a flow there is no form to put messages on. */
static kr_err_t *no_flow(kr_ctx_t *k, const apr_array_header_t *messages)
{
    json_t *list = json_array();
    const char *first = kr_json_str(APR_ARRAY_IDX(messages, 0, kr_web_hook_message_t).message, "text");

    for (int i = 0; i < messages->nelts; i++) json_array_append(list, APR_ARRAY_IDX(messages, i, kr_web_hook_message_t).message);
    return kr_err_detail(k, kr_err(k, 400, NULL, "%s", first), "messages", list);
}

static kr_err_t *say(kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *messages)
{
    for (int i = 0; i < messages->nelts; i++) {
        const kr_web_hook_message_t *one = &APR_ARRAY_IDX(messages, i, const kr_web_hook_message_t);

        kr_node_say(k, flow, one->node, one->message);
    }
    return kr_err_show_flow(k);
}

static kr_err_t *change(kr_ctx_t *k, kr_after_flow_t *after, json_t *identity)
{
    switch (after->flow->kind) {
    case KR_FLOW_SETTINGS: APR_ARRAY_PUSH(after->changes, const json_t *) = identity; /* to be made once more, where it is written */ /* fall through */
    case KR_FLOW_REGISTRATION: return kr_web_hook_change(k, after->flow, after->identity, identity);
    default: after->shown = kr_web_hook_pretend(k, after->shown ? after->shown : after->identity, identity); return NULL;
    }
}

static kr_err_t *heed(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_web_hook_conf_t *hook, const kr_web_hook_reply_t *reply)
{
    kr_web_hook_answer_t answer;
    const char *why = kr_web_hook_read(&answer, k->pool, reply->status, reply->body, reply->len);

    if (why) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0852) "web hook %s: its answer (%d) is not usable: %s", kr_web_hook_name(hook), reply->status, why);
        return kr_err(k, 500, NULL, "a web hook of this site gave no usable answer");
    }
    if (answer.messages) return phase == KR_HOOK_BEFORE ? no_flow(k, answer.messages) : say(k, after->flow, answer.messages);
    return answer.identity && phase != KR_HOOK_BEFORE ? change(k, after, answer.identity) : NULL;
}

static kr_err_t *refused(kr_ctx_t *k, const kr_web_hook_conf_t *hook, int status)
{
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0854) "web hook %s: answered %d", kr_web_hook_name(hook), status);
    return kr_err(k, 502, "upstream_error", "a service that this server calls gave no usable answer");
}

static kr_err_t *ask(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_conf_t *conf)
{
    const kr_web_hook_conf_t *hook = conf->own;
    const kr_web_hook_asked_t asked = { .hook = hook, .ctx = kr_web_hook_context(k, after, phase), .trigger = kr_uuid(k), .tries = TRIES };
    kr_web_hook_reply_t reply;

    KR_TRY(kr_web_hook_call(&reply, k, &asked));
    if (reply.cancelled) return NULL;
    if (kr_web_hook_parses(hook)) return heed(k, after, phase, hook, &reply);
    return reply.status >= 400 ? refused(k, hook, reply.status) : NULL;
}

kr_err_t *kr_hook_web_before(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    return ask(k, after, KR_HOOK_BEFORE, conf);
}

kr_err_t *kr_hook_web_admit(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    return ask(k, after, KR_HOOK_ADMIT, conf);
}

kr_err_t *kr_hook_web_answer(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    return after->repeated ? NULL : ask(k, after, KR_HOOK_ANSWER, conf); /* the first form was told of */
}
