/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: an address is its person's. */
#include <string.h>

#include "finish.h"
#include "kr_db.h"

/* Where a link from the mail is followed, there the flow goes on: the browser that asked for the mail loses it. */
static void hand_over(kr_ctx_t *k, kr_flow_t *flow)
{
    if (flow->api || !kr_flow_by_mail(k, flow)) return;
    kr_csrf_renew(k);
    flow->csrf_hash = kr_csrf_hash(k);
}

/*
 * An OAuth2 server that has waited for this is told, where the one who signed up, or in, is still who is signed in. Else they do that
 * first, and it is told then; so it is when it does not answer: the address is verified whatever becomes of that.
 * @param led  out: it was told, and the browser goes on there
 */
static kr_err_t *way_on(const char **to, int *led, kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_session_t *session;

    *led = 0;
    *to = kr_return_to_of(k, flow, -1);
    if (!flow->oauth2.challenge || flow->api) return NULL;
    KR_TRY(kr_session_current(&session, k));
    *led = kr_oauth2_proved(flow, session) && !kr_oauth2_skip(to, k, flow, session);
    if (!*led) *to = kr_flow_waiting_url(k, flow);
    return NULL;
}

/* What is left of the form is a way on. */
static void show_way_on(kr_ctx_t *k, kr_flow_t *flow, const char *via, const char *to)
{
    const kr_node_spec_t on = { .node = KR_NODE_A, .name = "continue", .href = to, .text = 1070009, .label = 1070009 };

    flow->state = KR_STATE_PASSED_CHALLENGE;
    flow->nodes = kr_json_own(k->pool, json_array());
    kr_node_csrf(k, flow);
    kr_node_add(k, flow, flow->active, &on);
    kr_json_set_at(flow->internal, "continue_url", json_string(to));
    kr_flow_message(k, flow, strcmp(via, "sms") == 0 ? 1080005 : 1080002, NULL);
    hand_over(k, flow);
}

static kr_err_t *store(kr_ctx_t *k, void *after_)
{
    kr_after_flow_t *after = after_;

    KR_TRY(kr_flow_update(k, after->flow));
    return kr_hooks_write(k, after);
}

/* What hooks say changes nothing about the address. */
static kr_err_t *store_and_tell(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done)
{
    kr_after_flow_t after = { .flow = flow, .method = done->method, .continue_with = kr_json_own(k->pool, json_array()) };
    const int writes = kr_hooks_would_write(k, &after), answers = kr_hooks_would_answer(k, &after);

    if (writes || answers) KR_TRY(kr_identity_load(&after.identity, k, done->passed.identity_id, 0));
    if (!after.identity) return kr_flow_update(k, flow);
    KR_TRY(writes ? kr_db_tx(k, store, &after) : kr_flow_update(k, flow));
    return kr_hooks_answer(k, &after);
}

kr_err_t *kr_finish_verification(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    const char *to;
    int led;

    (void)body;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0808) "verification %s: passed", flow->id);
    KR_TRY(way_on(&to, &led, k, flow));
    show_way_on(k, flow, done->passed.via, to);
    KR_TRY(store_and_tell(k, flow, done));
    kr_flow_for_asker(k, flow);
    return led && k->client == KR_CLIENT_PERSON ? kr_answer_see(k, to) : kr_answer_flow(k, flow);
}

/* The mail with a code leads here: the code is put into the form, and nothing more, because mail scanners follow links too. */
static kr_err_t *prefill(kr_ctx_t *k, kr_flow_t *flow, const char *code)
{
    if (kr_flow_visit(k, flow, code)) KR_TRY(kr_flow_update(k, flow));
    return kr_answer_see(k, kr_flow_ui_url(k, flow));
}

kr_err_t *kr_finish_verification_step(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    if (done->step.fill) return prefill(k, flow, done->step.fill);
    kr_flow_for_asker(k, flow);
    return kr_answer_flow(k, flow);
}
