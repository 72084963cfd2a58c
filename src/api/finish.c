/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a flow is completed here, whether it came from a submit, a provider's callback, a change that waited or a link from a
 * mail: who fills an outcome in need not know what follows from it. What a kind of flow cannot come to has no function in the table.
 */
#include "finish.h"

/* Another screen of the flow: people see its page, programs get it as what is still to be done. */
static kr_err_t *step(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    if (!done->step.stored) KR_TRY(kr_flow_update(k, flow));
    return done->step.linking ? kr_answer_linking(k, flow) : kr_answer_step(k, flow);
}

/* Another screen of the settings, which to programs is a success. */
static kr_err_t *settings_step(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    if (!done->step.stored) KR_TRY(kr_flow_update(k, flow));
    if (!flow->show_transient) flow->show_transient = 1;
    return kr_answer_flow(k, flow);
}

/* Something is on its way, which to programs is a success. */
static kr_err_t *sent(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    if (!done->step.stored) KR_TRY(kr_flow_update(k, flow));
    return kr_answer_flow(k, flow);
}

static kr_err_t *replace(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    return kr_flow_retry(k, flow, done);
}

/* The flow waits for the browser to come back. An app's goes on in a browser, too: in the one that sent its form, where that was one. */
static kr_err_t *go(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    (void)body;
    if (!done->go.stored) KR_TRY(kr_flow_update(k, flow));
    if (flow->api) kr_flow_for_asker(k, flow);
    return kr_answer_go(k, done->go.url);
}

/* Where the first flow leads, the second does; an app that waits for the one waits for the other. */
static kr_err_t *make_other(kr_flow_t **out, kr_ctx_t *k, const kr_flow_t *flow, kr_flow_kind_e kind)
{
    kr_flow_t *next = kr_flow_make(k, kind, flow->api, flow->request_url);

    next->schema_id = flow->schema_id;
    next->in_round = flow->in_round;
    next->in_browser = flow->in_browser;
    kr_flow_hand_on(next, flow);
    KR_TRY(kr_flow_open(k, next));
    if (flow->api) KR_TRY(kr_exchange_move(k, flow->id, next->id));
    *out = next;
    return NULL;
}

/* What goes wrong from here on is shown in the second flow. */
static kr_err_t *other(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    kr_outcome_t then = { .is = KR_OUTCOME_NONE };
    kr_flow_t *next;
    kr_err_t *err;

    (void)body;
    KR_TRY(make_other(&next, k, flow, done->other.kind));
    err = done->other.go_on(&then, k, next, done->other.baton);
    if (!err) err = kr_finish(k, next, &then, NULL);
    if (!err) err = kr_oauth2_proved_beside(k, flow, next);
    return err ? kr_answer_flow_error(k, next, err) : KR_DONE;
}

static kr_finish_fn *const FINISH[KR_OUTCOMES][KR_FLOW_KINDS] = {
    [KR_OUTCOME_STEP] = { [KR_FLOW_LOGIN] = step, [KR_FLOW_REGISTRATION] = step, [KR_FLOW_SETTINGS] = settings_step, [KR_FLOW_RECOVERY] = sent,
                          [KR_FLOW_VERIFICATION] = kr_finish_verification_step },
    [KR_OUTCOME_PROVED] = { [KR_FLOW_LOGIN] = kr_finish_login },
    [KR_OUTCOME_REGISTER] = { [KR_FLOW_REGISTRATION] = kr_finish_registration },
    [KR_OUTCOME_CHANGED] = { [KR_FLOW_SETTINGS] = kr_finish_settings },
    [KR_OUTCOME_PASSED] = { [KR_FLOW_RECOVERY] = kr_finish_recovery, [KR_FLOW_VERIFICATION] = kr_finish_verification },
    [KR_OUTCOME_REPLACE] = { [KR_FLOW_RECOVERY] = kr_finish_recovery_again, [KR_FLOW_VERIFICATION] = replace },
    [KR_OUTCOME_OTHER] = { [KR_FLOW_LOGIN] = other, [KR_FLOW_REGISTRATION] = other },
    [KR_OUTCOME_GO] = { [KR_FLOW_LOGIN] = go, [KR_FLOW_REGISTRATION] = go, [KR_FLOW_SETTINGS] = go },
};

kr_err_t *kr_finish(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    kr_finish_fn *finish = FINISH[done->is][flow->kind];

    if (finish) return finish(k, flow, done, body);
    kr_log(k, KR_LOG_ERR, KRLOGNO(0811) "%s flow %s: method %s came to an outcome (%d) that its kind does not have",
           kr_flow_kind_name(flow->kind), flow->id, kr_method_name(done->method), (int)done->is);
    return kr_err(k, 500, NULL, "the flow cannot end like this");
}
