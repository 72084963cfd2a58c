/* SPDX-License-Identifier: Apache-2.0 */
/* Registration: begin, get, submit. */
#include "api.h"

#define TRIES 2 /* of a submit: whatever used up what it brings has done so for good */

/* -- begin ---------------------------------------------------------------- */

static kr_err_t *already(kr_ctx_t *k)
{
    kr_err_t *err = kr_err(k, 400, "session_already_available", "a valid session was found; who is signed in cannot sign up");

    err->message = "you are signed in already";
    return err;
}

/* @param skip  out: who has a session goes on to the OAuth2 server, which waits for no proof */
static kr_err_t *create(kr_flow_t **out, kr_session_t **session, int *skip, kr_ctx_t *k, int api)
{
    kr_waiting_t oauth2;
    kr_flow_t *flow;

    *session = NULL;
    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_REGISTRATION));
    KR_TRY(kr_oauth2_begin(&oauth2, skip, k, KR_FLOW_REGISTRATION, api));
    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_REGISTRATION, api));
    *out = flow;
    flow->oauth2 = oauth2;
    KR_TRY(kr_flow_take_query(k, flow));
    KR_TRY(kr_session_current(session, k));
    if (*session) return NULL;
    return kr_flow_open(k, flow);
}

/* Who has a session has an account: an OAuth2 server hears of it at once, or once they have confirmed it. */
static kr_err_t *go_back(kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session, int skip)
{
    const char *to;

    if (!skip) return kr_err_lead(kr_err_go(k, kr_flow_waiting_url(k, flow)), 302, kr_flow_waiting_url(k, flow));
    KR_TRY(kr_oauth2_skip(&to, k, flow, session));
    return kr_answer_go(k, to);
}

kr_err_t *kr_registration_create_browser(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;
    int skip;

    KR_TRY(create(&flow, &session, &skip, k, 0));
    if (!session) return kr_answer_begun(k, flow);
    if (flow->oauth2.challenge) return go_back(k, flow, session, skip);
    if (kr_client_asking(k) != KR_CLIENT_PERSON) return already(k); /* a Content-Type counts in this alone, as clients know it */
    return kr_err_lead(already(k), 303, kr_return_to_of(k, flow, -1));
}

kr_err_t *kr_registration_create_native(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;
    int skip;

    KR_TRY(create(&flow, &session, &skip, k, 1));
    if (session) return already(k);
    KR_TRY(kr_flow_exchange_code(k, flow));
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_registration_get(kr_ctx_t *k)
{
    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_REGISTRATION));
    return kr_flow_get(k, KR_FLOW_REGISTRATION);
}

/* -- submit --------------------------------------------------------------- */

static kr_err_t *submit_once(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    kr_outcome_t done;
    kr_body_t body;

    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_REGISTRATION));
    KR_TRY(kr_session_current(&session, k));
    if (kr_oauth2_proved(flow, session)) return kr_oauth2_go_on(k, flow, session);
    if (session) {
        kr_err_t *err = already(k);

        if (k->client == KR_CLIENT_PERSON) kr_err_lead(err, 302, kr_led_to_first(k, flow, session));
        return kr_answer_error(k, err); /* not with the flow, as after a sign-in */
    }
    if (kr_flow_expired(k, flow)) return kr_flow_replace_expired(k, flow, 4040001);
    kr_flow_clear_messages(flow);
    KR_TRY(kr_flow_body(&body, k, flow));
    KR_TRY(kr_follow_first(k, flow, &body));
    KR_TRY(kr_methods_submit(&done, k, flow, &body));
    return kr_finish(k, flow, &done, &body);
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_flow_submit_anew(k, flow, submit_once, TRIES);
}

kr_err_t *kr_registration_submit(kr_ctx_t *k)
{
    return kr_flow_submit(k, KR_FLOW_REGISTRATION, submit);
}
