/* SPDX-License-Identifier: Apache-2.0 */
/* Login: begin, get, submit. */
#include <string.h>
#include <strings.h>

#include "api_private.h"
#include "kr_db.h"

/* -- begin ---------------------------------------------------------------- */

static kr_err_t *take_aal(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *aal = kr_query(k->req, "aal");

    if (!aal || !*aal || strcasecmp(aal, "aal1") == 0) return NULL;
    if (strcasecmp(aal, "aal2") != 0) return kr_err(k, 400, NULL, "aal names no assurance level that exists");
    flow->requested_aal = "aal2";
    return NULL;
}

static kr_err_t *already(kr_ctx_t *k)
{
    kr_err_t *err = kr_err(k, 400, "session_already_available", "a valid session was found; use refresh to confirm it");

    err->message = "you are signed in already";
    return err;
}

/* Is there anything to gain for somebody who has this session? */
static int needs_login(const kr_flow_t *flow, const kr_session_t *session)
{
    return flow->refresh || strcmp(flow->requested_aal, session->aal) > 0;
}

static kr_err_t *meet_session(int *signed_in, kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;

    *signed_in = 0;
    KR_TRY(kr_session_current(&session, k));
    if (!session) {
        flow->refresh = 0; /* there is nothing to refresh */
        if (strcmp(flow->requested_aal, "aal1") == 0) return NULL;
        return kr_err(k, 401, "session_aal1_required", "a second factor was asked for before the first");
    }
    *signed_in = !needs_login(flow, session);
    return NULL;
}

static void greet(kr_ctx_t *k, kr_flow_t *flow)
{
    if (flow->refresh) kr_flow_message(k, flow, 1010003, NULL);
    else if (strcmp(flow->requested_aal, "aal2") == 0) kr_flow_message(k, flow, 1010004, NULL);
}

static kr_err_t *create(kr_flow_t **out, int *signed_in, kr_ctx_t *k, int api)
{
    kr_flow_t *flow;

    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_LOGIN, api));
    *out = flow;
    flow->refresh = kr_query_true(k, "refresh");
    KR_TRY(take_aal(k, flow));
    KR_TRY(kr_flow_take_query(k, flow));
    KR_TRY(meet_session(signed_in, k, flow));
    if (*signed_in) return NULL;
    if (!api) KR_TRY(kr_check_sign_in_kept(k, kr_return_to_of(k, flow, -1)));
    greet(k, flow);
    KR_TRY(kr_flow_open(k, flow));
    return strcmp(flow->requested_aal, "aal2") == 0 ? kr_code_begin_second(k, flow) : NULL;
}

kr_err_t *kr_login_create_browser(kr_ctx_t *k)
{
    int signed_in = 0;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &signed_in, k, 0));
    if (!signed_in) return kr_answer_begun(k, flow);
    return k->client == KR_CLIENT_PERSON ? kr_send_back(k, kr_return_to_of(k, flow, -1)) : already(k);
}

kr_err_t *kr_login_create_native(kr_ctx_t *k)
{
    int signed_in = 0;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &signed_in, k, 1));
    if (signed_in) return already(k);
    KR_TRY(kr_flow_exchange_code(k, flow));
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_login_get(kr_ctx_t *k)
{
    return kr_flow_get(k, KR_FLOW_LOGIN);
}

/* -- submit --------------------------------------------------------------- */

static kr_err_t *locked(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0801) "login %s: identity %s is not active", flow->id, identity->id);
    kr_flow_message(k, flow, 4010011, NULL);
    return kr_err_show_flow(k);
}

static kr_err_t *check_state(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    return strcmp(identity->state, "active") == 0 ? NULL : locked(k, flow, identity);
}

/* The account was changed while the proof was looked at. A credential that was replaced is as wrong as any other. */
static kr_err_t *overtaken(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, kr_standing_e standing)
{
    if (standing == KR_PROOF_LOCKED) return locked(k, flow, done->proved.identity);
    kr_log(k, KR_LOG_INFO, KRLOGNO(0831) "login %s: identity %s was changed meanwhile", flow->id, done->proved.identity->id);
    if (standing == KR_PROOF_OVERTAKEN) return kr_overtaken(k, flow);
    kr_flow_message(k, flow, done->method == KR_METHOD_CODE ? 4010008 : 4000006, NULL);
    return kr_err_show_flow(k);
}

/** A session that begins with the proofs of another one. */
typedef struct {
    const kr_outcome_t *done;
    const kr_session_t *onto;
    kr_session_t *session;
    kr_standing_e standing;
} onto_t;

/* The other one must not have ended meanwhile: it is held until the new one is written. */
static kr_err_t *issue_onto(kr_ctx_t *k, void *baton)
{
    onto_t *o = baton;
    kr_identity_t *is;

    KR_TRY(kr_identity_lock(&is, k, o->onto->identity->id));
    KR_TRY(kr_session_hold(k, o->onto, is));
    return kr_session_issue(&o->session, &o->standing, k, o->done->proved.identity, &o->done->proved.proof, o->onto);
}

static kr_err_t *issue(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, const kr_outcome_t *done, const kr_session_t *onto)
{
    onto_t o = { .done = done, .onto = onto };

    if (!onto) return kr_session_issue(out, standing, k, done->proved.identity, &done->proved.proof, NULL);
    KR_TRY(kr_db_tx(k, issue_onto, &o));
    *out = o.session;
    *standing = o.standing;
    return NULL;
}

/*
 * A refresh or step-up of the same person keeps the session; everything else gets one of its own. So does who comes with the token
 * of before a refresh, and who is overtaken by one: what the session has become since is not theirs to take over.
 */
static kr_err_t *establish(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, const kr_flow_t *flow,
                           const kr_outcome_t *done)
{
    kr_session_t *current;
    int same;

    KR_TRY(kr_session_current(&current, k));
    same = current && strcmp(current->identity->id, done->proved.identity->id) == 0;
    if (same && needs_login(flow, current) && !current->token_is_old) {
        *out = current;
        current->identity = done->proved.identity; /* as the proof left it: a code verifies its address */
        KR_TRY(kr_session_prove(standing, k, current, &done->proved.proof, flow->api));
        if (*standing == KR_PROOF_HOLDS || !current->token_is_old) return NULL;
    }
    KR_TRY(issue(out, standing, k, done, same && strcmp(done->proved.proof.aal, "aal2") == 0 ? current : NULL));
    /* forms that were open before the sign-in must not be sent after it */
    if (!flow->api && !same && *standing == KR_PROOF_HOLDS) kr_csrf_renew_for(k, done->proved.identity->id);
    return NULL;
}

static kr_err_t *answer_signed_in(kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session, const kr_after_flow_t *after)
{
    const char *to = kr_return_to_of(k, flow, (int)after->method);
    json_t *out = kr_json_own(k->pool, json_object());
    json_t *with = kr_json_own(k->pool, json_array());

    if (!flow->api) kr_session_cookie_set(k, session);
    kr_note_sign_in(k, flow);
    if (flow->api) json_object_set_new(out, "session_token", json_string(session->token));
    else json_array_append_new(with, kr_continue_redirect(to));
    json_array_extend(with, after->continue_with);
    json_object_set(out, "session", kr_session_json(k, session));
    json_object_set_new(out, "continue_with", json_array_size(with) ? json_incref(with) : json_null());
    return kr_answer_done(k, out, after->browser_to ? after->browser_to : to); /* programs are told both */
}

static kr_err_t *refused(kr_ctx_t *k, const kr_after_flow_t *after, kr_err_t *err)
{
    if (!after->browser_to) return err;
    err->sent_as = 403; /* as clients know it: another number than in the body */
    return kr_answer_error(k, kr_err_lead(err, 303, after->browser_to));
}

static kr_err_t *write_hooks(kr_ctx_t *k, void *baton)
{
    return kr_hooks_write(k, baton);
}

static kr_err_t *take(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_body_t body;
    kr_outcome_t done;
    kr_session_t *session;
    kr_standing_e standing;
    kr_err_t *err;
    kr_after_flow_t after = { .flow = flow, .continue_with = kr_json_own(k->pool, json_array()) };

    kr_flow_clear_messages(flow);
    KR_TRY(kr_flow_body(&body, k, flow));
    KR_TRY(kr_methods_submit(&done, k, flow, &body));
    if (done.is == KR_OUTCOME_STEP) {
        if (!done.step.stored) KR_TRY(kr_flow_update(k, flow));
        return kr_answer_step(k, flow);
    }
    KR_TRY(check_state(k, flow, done.proved.identity));
    after.method = done.method;
    after.identity = done.proved.identity;
    after.proof = &done.proved.proof;
    err = kr_hooks_admit(k, &after);
    if (err) return refused(k, &after, err);
    /* in this order: a session that nobody got the token of would be worse than a flow that remembers its method in vain */
    KR_TRY(kr_flow_update(k, flow));
    KR_TRY(establish(&session, &standing, k, flow, &done));
    if (standing != KR_PROOF_HOLDS) return overtaken(k, flow, &done, standing);
    after.session = session;
    if (kr_hooks_would_write(k, KR_FLOW_LOGIN, done.method)) KR_TRY(kr_db_tx(k, write_hooks, &after));
    KR_TRY(kr_hooks_answer(k, &after));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0802) "login %s: identity %s, session %s", flow->id, done.proved.identity->id, session->id);
    return answer_signed_in(k, flow, session, &after);
}

/* Of a form that is sent once more after it let somebody in: it leads where it did then. */
static int method_of(const kr_flow_t *flow)
{
    for (int m = 0; flow->active && m < KR_METHOD_IDS; m++)
        if (strcmp(kr_method_name((kr_method_e)m), flow->active) == 0) return m;
    return -1;
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;

    KR_TRY(kr_session_current(&session, k));
    if (session && !needs_login(flow, session)) {
        /* programs know the flow as the answer; one of another browser is shown without what was typed there */
        if (!flow->api && !kr_csrf_owns(k, flow)) kr_node_set(kr_node_find(flow, "identifier"), "value", json_string(""));
        return kr_err_lead(already(k), 303, kr_return_to_of(k, flow, method_of(flow)));
    }
    if (!session && strcmp(flow->requested_aal, "aal1") != 0)
        return kr_err(k, 401, "session_aal1_required", "a second factor was sent before the first");
    if (kr_flow_expired(k, flow)) {
        if (!session) flow->refresh = 0; /* there is nothing to refresh any more: the new form must ask for everything */
        return kr_flow_replace_expired(k, flow, 4010001);
    }
    return take(k, flow);
}

kr_err_t *kr_login_submit(kr_ctx_t *k)
{
    kr_flow_t *flow;
    kr_err_t *err;

    KR_TRY(kr_flow_of_submit(&flow, k, KR_FLOW_LOGIN));
    err = submit(k, flow);
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}
