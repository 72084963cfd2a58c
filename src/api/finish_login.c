/* SPDX-License-Identifier: Apache-2.0 */
/* Login: it is proved who it is. A session begins, or the one that there is has one more proof. */
#include <string.h>

#include "finish.h"
#include "kr_audit.h"
#include "kr_db.h"
#include "kr_oidc.h"

static void tell_failed(kr_ctx_t *k, const kr_flow_t *flow, const kr_outcome_t *done, const char *reason)
{
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(done->method), .identity = done->proved.identity, .reason = reason });
}

static kr_err_t *locked(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0801) "login %s: identity %s is not active", flow->id, identity->id);
    kr_flow_message(k, flow, 4010011, NULL);
    return kr_err_show_flow(k);
}

static kr_err_t *check_state(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done)
{
    if (strcmp(done->proved.identity->state, "active") == 0) return NULL;
    tell_failed(k, flow, done, "inactive");
    return locked(k, flow, done->proved.identity);
}

/* The account was changed while the proof was looked at. A credential that was replaced is as wrong as any other. */
static kr_err_t *overtaken(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, kr_standing_e standing)
{
    tell_failed(k, flow, done, standing == KR_PROOF_LOCKED ? "inactive" : "changed");
    if (standing == KR_PROOF_LOCKED) return locked(k, flow, done->proved.identity);
    kr_log(k, KR_LOG_INFO, KRLOGNO(0831) "login %s: identity %s was changed meanwhile", flow->id, done->proved.identity->id);
    if (standing == KR_PROOF_OVERTAKEN) return kr_overtaken(k, flow);
    kr_flow_message(k, flow, done->method == KR_METHOD_CODE ? 4010008 : 4000006, NULL);
    return kr_err_show_flow(k);
}

/** A session that is written together with something else: a change of the account, or a session whose proofs it begins with. */
typedef struct {
    kr_outcome_t *done;
    kr_flow_t *flow;
    const kr_session_t *onto;  /* or NULL */
    const kr_session_t *again; /* that is proved again, as it came with the request; NULL: a new one */
    kr_session_t *session;     /* out */
    kr_standing_e standing;    /* out */
} together_t;

/* What changes with the sign-in, in the account as it is now. @param who  out: as it is then; NULL when the proof holds no more */
static kr_err_t *change(kr_identity_t **who, together_t *t, kr_ctx_t *k, kr_identity_t *is)
{
    kr_outcome_t *done = t->done;
    const kr_told_t told = { .payload = t->flow->transient_payload };

    *who = NULL;
    t->standing = kr_proof_standing(&done->proved.proof, done->proved.identity, is);
    if (t->standing != KR_PROOF_HOLDS) return NULL;
    *who = kr_identity_copy(k, is);
    KR_TRY(done->proved.change(done, k, t->flow, *who, is));
    KR_TRY(kr_identity_update(k, *who, is));
    kr_audit_changes(k, *who, is, NULL, t->flow->id);
    return kr_tell_factors(k, *who, is, &told);
}

/* The other session must not have ended meanwhile: it is held until the new one is written. */
static kr_err_t *write_together(kr_ctx_t *k, void *baton)
{
    together_t *t = baton;
    kr_identity_t *is, *who = t->done->proved.identity;

    KR_TRY(kr_identity_lock(&is, k, who->id));
    if (t->onto) KR_TRY(kr_session_hold(k, t->onto, is));
    if (t->done->proved.change) KR_TRY(change(&who, t, k, is));
    if (!who) return NULL;
    if (!t->again) return kr_session_issue(&t->session, &t->standing, k, who, &t->done->proved.proof, t->onto);
    *t->session = *t->again;
    t->session->identity = who;
    return kr_session_prove(&t->standing, k, t->session, &t->done->proved.proof, t->flow->api);
}

static kr_err_t *issue(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_session_t *onto)
{
    together_t t = { .done = done, .flow = flow, .onto = onto };

    if (!onto && !done->proved.change) return kr_session_issue(out, standing, k, done->proved.identity, &done->proved.proof, NULL);
    KR_TRY(kr_db_tx(k, write_together, &t));
    *out = t.session;
    *standing = t.standing;
    return NULL;
}

static kr_err_t *prove(kr_standing_e *standing, kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, kr_session_t *session)
{
    together_t t = { .done = done, .flow = flow, .session = session, .again = apr_pmemdup(k->pool, session, sizeof(*session)) };

    session->identity = done->proved.identity; /* as the proof left it: a code verifies its address */
    if (!done->proved.change) return kr_session_prove(standing, k, session, &done->proved.proof, flow->api);
    KR_TRY(kr_db_tx(k, write_together, &t));
    *standing = t.standing;
    return NULL;
}

/** The session that the request came with. */
typedef struct {
    int same;            /* it is the same person's */
    kr_session_t *keeps; /* that is proved again; NULL: a new one begins */
    kr_session_t *onto;  /* whose proofs a new one begins with, or NULL */
} there_t;

static kr_err_t *look(there_t *out, kr_ctx_t *k, const kr_flow_t *flow, const kr_outcome_t *done)
{
    kr_session_t *current;

    KR_TRY(kr_session_current(&current, k));
    out->same = current && strcmp(current->identity->id, done->proved.identity->id) == 0;
    out->keeps = out->same && kr_login_takes(flow, current) && !current->token_is_old ? current : NULL;
    out->onto = out->same && done->proved.proof.aal == KR_AAL2 ? current : NULL;
    return NULL;
}

/*
 * A refresh or step-up of the same person keeps the session; everything else gets one of its own. So does who comes with the token
 * of before a refresh, and who is overtaken by one: what the session has become since is not theirs to take over.
 */
static kr_err_t *establish(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done)
{
    there_t there;

    KR_TRY(look(&there, k, flow, done));
    if (there.keeps) {
        *out = there.keeps;
        KR_TRY(prove(standing, k, flow, done, there.keeps));
        if (*standing == KR_PROOF_HOLDS || !there.keeps->token_is_old) return NULL;
    }
    KR_TRY(issue(out, standing, k, flow, done, there.onto));
    /* forms that were open before the sign-in must not be sent after it */
    if (!flow->api && !there.same && *standing == KR_PROOF_HOLDS) kr_csrf_renew_for(k, done->proved.identity->id);
    return NULL;
}

/*
 * Who is but half in goes on to the second factor, and from there to where they wanted. Apps are told so by an identity that is left out:
 * who has only the password, as somebody who made up a form of ours may have, does not learn whose it is.
 */
static kr_err_t *check_half_in(const char **second, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    KR_TRY(kr_oauth2_half_in(second, k, flow, session));
    /* it was read for that; the next who ask need not, where its row says too much since the settings were changed */
    return session->identity->whole ? kr_identity_keep_aal(k, session->identity) : NULL;
}

/* What is to be linked waits in the flow of the second factor, which begins here, so that it can be handed on. */
static kr_err_t *go_on_second(kr_ctx_t *k, const kr_flow_t *flow, kr_session_t *session, const char *url)
{
    kr_flow_t *next = kr_flow_make(k, KR_FLOW_LOGIN, flow->api, url);

    next->requested_aal = KR_AAL2;
    k->session = session; /* whose factors it asks for */
    k->session_known = 1;
    kr_flow_message(k, next, 1010004, NULL);
    kr_flow_hand_on(next, flow);
    kr_oidc_hand_on(k, flow, next);
    KR_TRY(kr_flow_open(k, next));
    return kr_answer_flow(k, next);
}

static kr_err_t *tell_oauth2(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    const char *to;
    kr_err_t *err = kr_oauth2_tell(&to, k, flow, session);

    return err ? kr_answer_error(k, err) : kr_answer_go(k, to); /* the form has done its work */
}

static kr_err_t *answer_signed_in(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session, const kr_after_flow_t *after)
{
    const char *to = kr_return_to_of(k, flow, (int)after->method), *second;
    json_t *out = kr_json_own(k->pool, json_object());
    json_t *with = kr_json_own(k->pool, json_array());

    KR_TRY(check_half_in(&second, k, flow, session));
    if (!flow->api) kr_session_cookie_set(k, session);
    kr_note_sign_in(k, flow);
    if (flow->in_browser) return kr_answer_app_session(k, flow, session);
    if (second && after->links_later) return go_on_second(k, flow, session, second);
    if (second && !flow->api) return kr_answer_go(k, second);
    if (flow->oauth2.challenge && !flow->api) return tell_oauth2(k, flow, session);
    if (flow->api) json_object_set_new(out, "session_token", json_string(session->token));
    else json_array_append_new(with, kr_continue_redirect(to));
    json_array_extend(with, after->continue_with);
    json_object_set(out, "session", kr_session_json_with(k, session, second ? NULL : kr_identity_json(k, after->shown ? after->shown : session->identity)));
    json_object_set_new(out, "continue_with", json_array_size(with) ? json_incref(with) : json_null());
    return kr_answer_done(k, out, after->browser_to ? after->browser_to : to); /* programs are told both */
}

static kr_err_t *refused(kr_ctx_t *k, const kr_after_flow_t *after, kr_err_t *err)
{
    if (!after->browser_to) return err;
    err->sent_as = 403; /* as clients know it: another number than in the body */
    return kr_answer_error(k, kr_err_lead(err, 303, after->browser_to));
}

/* What is good once is used up before anything rests on it. Of several requests that bring the same, all but one are looked at anew. */
static kr_err_t *spend(kr_ctx_t *k, kr_flow_t *flow, const kr_proof_t *proof)
{
    int done;

    if (!(proof->spends || proof->once)) return kr_flow_update(k, flow);
    KR_TRY(kr_flow_spend(&done, k, flow, proof));
    return done ? NULL : kr_flow_lost(k, flow);
}

/* A form that let somebody in says what it said when it was sent, as clients know it. */
static kr_err_t *store(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done)
{
    json_t *now = flow->messages;
    kr_err_t *err;

    if (done->proved.said && !json_array_size(now)) flow->messages = done->proved.said;
    err = spend(k, flow, &done->proved.proof);
    flow->messages = now;
    return err;
}

static kr_err_t *write_hooks(kr_ctx_t *k, void *baton)
{
    return kr_hooks_write(k, baton);
}

/* Somebody else was faster in linking the same account of a provider. */
static kr_err_t *taken(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_flow_message(k, flow, 4000007, NULL);
    return kr_err_show_flow(k);
}

/* Hooks that may still say no are told of the session as it will be. */
static kr_err_t *plan(kr_ctx_t *k, kr_after_flow_t *after, kr_outcome_t *done)
{
    there_t there;

    if (!kr_hooks_would_admit(k, after)) return NULL;
    KR_TRY(look(&there, k, after->flow, done));
    after->session = kr_session_plan(k, done->proved.identity, &done->proved.proof, there.keeps, there.onto);
    if (!there.keeps) done->proved.proof.planned = after->session;
    return NULL;
}

/* Who confirmed a sign-in goes on with the session that came with the request. */
static void tell_signed_in(kr_ctx_t *k, const kr_flow_t *flow, const kr_outcome_t *done, const kr_session_t *session)
{
    const kr_audit_e first = session == k->session ? KR_AUDIT_CONFIRMED : KR_AUDIT_SIGNED_IN;

    kr_audit(k, &(kr_audit_t){ .what = flow->requested_aal == KR_AAL2 ? KR_AUDIT_SECOND : first, .identity_id = session->identity->id,
                               .session_id = session->id, .flow_id = flow->id, .method = kr_method_name(done->method),
                               .aal = kr_aal_name(session->aal), .site = kr_json_str(done->proved.proof.details, "provider") });
}

kr_err_t *kr_finish_login(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    kr_after_flow_t after = { .flow = flow, .method = done->method, .identity = done->proved.identity, .proof = &done->proved.proof,
                              .continue_with = kr_json_own(k->pool, json_array()) };
    kr_standing_e standing;
    kr_err_t *err;

    (void)body;
    KR_TRY(check_state(k, flow, done));
    KR_TRY(kr_oidc_join(&after.links_later, done, k, flow));
    KR_TRY(plan(k, &after, done));
    err = kr_hooks_admit(k, &after);
    if (err) tell_failed(k, flow, done, "hook");
    if (err) return refused(k, &after, err);
    if (!after.links_later) kr_oidc_joined(flow);
    /* in this order: a session that nobody got the token of would be worse than a flow that remembers its method in vain */
    KR_TRY(store(k, flow, done));
    err = establish(&after.session, &standing, k, flow, done);
    if (err && kr_db_is_duplicate(err)) return taken(k, flow);
    if (err) return err;
    if (standing != KR_PROOF_HOLDS) return overtaken(k, flow, done, standing);
    after.identity = after.session->identity;
    tell_signed_in(k, flow, done, after.session);
    if (kr_hooks_would_write(k, &after)) KR_TRY(kr_db_tx(k, write_hooks, &after));
    KR_TRY(kr_hooks_answer(k, &after));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0802) "login %s: identity %s, session %s", flow->id, after.identity->id, after.session->id);
    return answer_signed_in(k, flow, after.session, &after);
}
