/* SPDX-License-Identifier: Apache-2.0 */
/* Login: begin, get, submit. */
#include <string.h>

#include <apr_lib.h>

#include "api.h"
#include "kr_db.h"

#define TRIES 15 /* of a submit: of so many that use up parts of one credential at once, each gets its turn */

/* -- begin ---------------------------------------------------------------- */

static kr_err_t *take_aal(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *asked = kr_query(k->req, "aal");
    char *aal = apr_pstrdup(k->pool, asked ? asked : "");

    if (!*aal) return NULL;
    for (char *p = aal; *p; p++) *p = (char)apr_tolower(*p);
    if (kr_aal_parse(&flow->requested_aal, aal) && flow->requested_aal != KR_AAL0) return NULL;
    return kr_err(k, 400, NULL, "aal names no assurance level that exists");
}

kr_err_t *kr_already_signed_in(kr_ctx_t *k)
{
    kr_err_t *err = kr_err(k, 400, "session_already_available", "a valid session was found; use refresh to confirm it");

    err->message = "you are signed in already";
    return err;
}

/* Is there anything to gain in this login for somebody who has that session? */
static int gains(const kr_flow_t *flow, const kr_session_t *session)
{
    return flow->refresh || flow->requested_aal > session->aal;
}

int kr_login_takes(const kr_flow_t *flow, const kr_session_t *session)
{
    return gains(flow, session) || (flow->oauth2.challenge && !flow->api);
}

static kr_err_t *meet_session(int *signed_in, kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;

    *signed_in = 0;
    KR_TRY(kr_session_current(&session, k));
    if (!session) {
        flow->refresh = 0; /* there is nothing to refresh */
        if (flow->requested_aal == KR_AAL1) return NULL;
        return kr_err(k, 401, "session_aal1_required", "a second factor was asked for before the first");
    }
    if (flow->requested_aal <= session->aal && kr_fresh_for_gate(k, session)) flow->refresh = 0; /* done meanwhile, or never missing */
    *signed_in = !gains(flow, session);
    return NULL;
}

/* Who confirms a sign-in and adds the second factor by the same is told both. */
static void greet(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    if (flow->refresh) kr_flow_message(k, flow, 1010003, NULL);
    if (session && flow->requested_aal > session->aal) kr_flow_message(k, flow, 1010004, NULL);
}

static kr_err_t *create(kr_flow_t **out, int *signed_in, kr_ctx_t *k, int api)
{
    kr_waiting_t oauth2;
    kr_flow_t *flow;
    int skip;

    KR_TRY(kr_oauth2_begin(&oauth2, &skip, k, KR_FLOW_LOGIN, api));
    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_LOGIN, api));
    *out = flow;
    flow->oauth2 = oauth2;
    flow->refresh = kr_query_true(k, "refresh");
    KR_TRY(take_aal(k, flow));
    KR_TRY(kr_flow_take_query(k, flow));
    KR_TRY(meet_session(signed_in, k, flow));
    if (*signed_in) return NULL;
    if (!api) KR_TRY(kr_check_sign_in_kept(k, kr_return_to_of(k, flow, -1)));
    greet(k, flow, k->session);
    KR_TRY(kr_flow_open(k, flow));
    return flow->requested_aal == KR_AAL2 ? kr_code_begin_second(k, flow) : NULL;
}

/* Who is signed in goes on at once. A script is told that it is, and no more, as clients know it: in words it learns where. */
static kr_err_t *go_back(kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_err_t *err = kr_already_signed_in(k);
    const char *to;

    KR_TRY(kr_oauth2_skip(&to, k, flow, k->session));
    err->reason = apr_pstrcat(k->pool, err->reason, ", or go on in the browser at ", to, NULL);
    return kr_err_lead(err, 303, to);
}

kr_err_t *kr_login_create_browser(kr_ctx_t *k)
{
    int signed_in = 0;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &signed_in, k, 0));
    if (!signed_in) return kr_answer_begun(k, flow);
    if (flow->oauth2.challenge) return go_back(k, flow);
    return k->client == KR_CLIENT_PERSON ? kr_send_back(k, kr_return_to_of(k, flow, -1)) : kr_already_signed_in(k);
}

kr_err_t *kr_login_create_native(kr_ctx_t *k)
{
    int signed_in = 0;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &signed_in, k, 1));
    if (signed_in) return kr_already_signed_in(k);
    if (!k->session) KR_TRY(kr_flow_exchange_code(k, flow)); /* who has a session needs none by way of a browser */
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_login_get(kr_ctx_t *k)
{
    return kr_flow_get(k, KR_FLOW_LOGIN);
}

/* -- submit --------------------------------------------------------------- */

/* Of a form that is sent once more after it let somebody in: it leads where it did then. */
static int method_of(const kr_flow_t *flow)
{
    for (int m = 0; flow->active && m < KR_METHOD_IDS; m++)
        if (strcmp(kr_method_name((kr_method_e)m), flow->active) == 0) return m;
    return -1;
}

/* Who confirms a sign-in, or adds to it, is asked for what the account has. */
static kr_err_t *find_session(kr_session_t **out, kr_ctx_t *k, const kr_flow_t *flow)
{
    return flow->refresh || flow->requested_aal == KR_AAL2 ? kr_session_current_whole(out, k) : kr_session_current(out, k);
}

static kr_err_t *submit_once(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    kr_outcome_t done;
    kr_body_t body;
    json_t *said;

    KR_TRY(find_session(&session, k, flow));
    if (kr_oauth2_proved(flow, session)) return kr_oauth2_go_on(k, flow, session);
    if (session && !kr_login_takes(flow, session)) {
        kr_flow_clear_messages(flow);
        /* programs know the flow as the answer; one of another browser is shown without what was typed there */
        if (!flow->api && !kr_csrf_owns(k, flow)) kr_node_set(kr_node_find(flow, "identifier"), "value", json_string(""));
        return kr_err_lead(kr_already_signed_in(k), 303, kr_return_to_of(k, flow, method_of(flow)));
    }
    if (!session && flow->requested_aal != KR_AAL1)
        return kr_err(k, 401, "session_aal1_required", "a second factor was sent before the first");
    if (kr_flow_expired(k, flow)) {
        if (!session) flow->refresh = 0; /* there is nothing to refresh any more: the new form must ask for everything */
        return kr_flow_replace_expired(k, flow, 4010001);
    }
    said = kr_json_own(k->pool, json_copy(flow->messages));
    kr_flow_clear_messages(flow);
    KR_TRY(kr_flow_body(&body, k, flow));
    KR_TRY(kr_methods_submit(&done, k, flow, &body));
    if (done.is == KR_OUTCOME_PROVED) done.proved.said = said;
    return kr_finish(k, flow, &done, &body);
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_flow_submit_anew(k, flow, submit_once, TRIES);
}

kr_err_t *kr_login_submit(kr_ctx_t *k)
{
    return kr_flow_submit(k, KR_FLOW_LOGIN, submit);
}
