/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of addresses: begin, get, submit, and the visit from the mail. */
#include "api.h"

/* -- begin and get -------------------------------------------------------- */

static kr_err_t *begin(kr_flow_t **out, kr_ctx_t *k, int api)
{
    kr_flow_t *flow;

    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_VERIFICATION, api));
    *out = flow;
    return kr_flow_open(k, flow);
}

static kr_err_t *create(kr_ctx_t *k, int api)
{
    kr_flow_t *flow;
    kr_err_t *err;

    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_VERIFICATION));
    err = begin(&flow, k, api);
    if (err) return kr_answer_error_to(k, KR_CLIENT_SCRIPT, err); /* whoever asks: so clients know it */
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_verification_create_browser(kr_ctx_t *k)
{
    return create(k, 0);
}

kr_err_t *kr_verification_create_native(kr_ctx_t *k)
{
    return create(k, 1);
}

kr_err_t *kr_verification_get(kr_ctx_t *k)
{
    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_VERIFICATION));
    return kr_flow_get(k, KR_FLOW_VERIFICATION);
}

/* -- submit --------------------------------------------------------------- */

/* What the form said before stays, and what a wrong submit adds comes after it. Clients know it so; each is said once. */
static void say_after(kr_ctx_t *k, kr_flow_t *flow, json_t *before)
{
    json_t *said = kr_json_own(k->pool, json_array()), *message, *other;
    size_t i, j;

    json_array_foreach(before, i, message) {
        int again = 0;

        json_array_foreach(flow->messages, j, other)
            again |= json_equal(json_object_get(message, "id"), json_object_get(other, "id"));
        if (!again) json_array_append(said, message);
    }
    json_array_extend(said, flow->messages);
    flow->messages = said;
}

/*
 * Somebody signed in, in another tab, while this form was open: that renewed the cookie. The form's token still tells whose it is, so
 * the flow goes on with the new one. For people who are signed in alone: no other site can send a form in their name.
 */
static kr_err_t *follow_sign_in(kr_ctx_t *k, kr_flow_t *flow, kr_body_t *body)
{
    kr_session_t *session;

    if (k->client != KR_CLIENT_PERSON || kr_csrf_owns(k, flow)) return NULL;
    if (!kr_csrf_token_of(k, kr_body_str(body, "csrf_token"), flow->csrf_hash)) return NULL;
    KR_TRY(kr_session_current(&session, k));
    if (!session) return NULL;
    kr_csrf_ensure(k);
    flow->csrf_hash = kr_csrf_hash(k);
    json_object_set_new(body->json, "csrf_token", json_string(kr_csrf_token(k)));
    return NULL;
}

static kr_err_t *take(kr_outcome_t *done, kr_ctx_t *k, kr_flow_t *flow)
{
    json_t *before = kr_json_own(k->pool, json_copy(flow->messages));
    kr_body_t body;
    kr_err_t *err;

    flow->active = k->realm->settings->verification_use;
    json_object_del(flow->internal, KR_INSTEAD);
    kr_flow_clear_messages(flow);
    err = kr_flow_fields(&body, k, flow);
    if (!err) err = follow_sign_in(k, flow, &body);
    if (!err) err = kr_verification_take(done, k, flow, &body);
    if (!err && done->is == KR_OUTCOME_STEP && done->step.fill) flow->messages = before; /* nothing was tried, nothing is said */
    if (!err || err->status != 400) return err;
    if (err->kind == KR_ERR_PLAIN) {
        kr_flow_reason(k, flow, err->reason);
        err = kr_err_show_flow(k);
    }
    say_after(k, flow, before);
    return err;
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_outcome_t done;

    if (kr_flow_just_looking(k, flow)) return KR_DONE;
    if (kr_flow_expired(k, flow)) return kr_flow_retry_expired(k, flow, 4070005);
    KR_TRY(take(&done, k, flow));
    return kr_finish(k, flow, &done, NULL);
}

kr_err_t *kr_verification_submit(kr_ctx_t *k)
{
    return kr_flow_submit(k, KR_FLOW_VERIFICATION, submit);
}
