/* SPDX-License-Identifier: Apache-2.0 */
/* Registration: an account is to be made, with all that belongs to it. */
#include <string.h>

#include "finish.h"
#include "kr_audit.h"
#include "kr_db.h"
#include "kr_oidc.h"

/** The account and all that belongs to it, for the transaction. */
typedef struct {
    kr_after_flow_t *after;
    int late; /* out: another request answered the challenge of the form first */
} making_t;

/* A new key answers one challenge, and makes one account. */
static kr_err_t *use_challenge(kr_ctx_t *k, making_t *making)
{
    kr_flow_t now = *making->after->flow; /* as it is if all of this holds */
    int done;

    KR_TRY(kr_flow_spend(&done, k, &now, &(kr_proof_t){ .once = 1 }));
    making->late = !done;
    return done ? NULL : kr_err(k, 400, NULL, "this form has been used already");
}

static int is_active(const kr_identity_t *identity)
{
    return strcmp(identity->state, "active") == 0;
}

/* Account, verification and session are one change: all of it or none. What a hook made inactive is nobody's to use, and has neither. */
static kr_err_t *persist(kr_ctx_t *k, void *baton)
{
    making_t *making = baton;
    kr_after_flow_t *after = making->after;

    if (after->proof->once) KR_TRY(use_challenge(k, making));
    KR_TRY(kr_identity_insert(k, after->identity));
    return is_active(after->identity) ? kr_hooks_write(k, after) : NULL;
}

/* Of a form that is clicked twice the account is one, and the sessions are two. */
static void tell_registered(kr_ctx_t *k, const kr_after_flow_t *after)
{
    kr_audit_t event = { .what = KR_AUDIT_REGISTERED, .identity_id = after->identity->id, .flow_id = after->flow->id,
                         .method = kr_method_name(after->method), .reason = is_active(after->identity) ? NULL : "inactive" };

    if (!after->repeated) kr_audit(k, &event);
    if (!after->session) return;
    event.what = KR_AUDIT_SIGNED_IN;
    event.session_id = after->session->id;
    event.aal = kr_aal_name(after->session->aal);
    kr_audit(k, &event);
}

static kr_err_t *inactive(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0855) "registration %s: identity %s, not active as a hook has it", flow->id, identity->id);
    kr_flow_message(k, flow, 4010011, NULL);
    return kr_err_show_flow(k);
}

static kr_err_t *hints(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    const kr_credential_t *credential = &APR_ARRAY_IDX(identity->credentials, 0, kr_credential_t);
    const kr_credential_t *password = kr_identity_credential(identity, "password");
    const char *identifier;
    apr_array_header_t *types;
    json_t *list = kr_json_own(k->pool, json_array()), *linked;

    if (password) credential = password;
    identifier = APR_ARRAY_IDX(credential->identifiers, 0, const char *);
    KR_TRY(kr_identity_types(&types, k, identifier));
    KR_TRY(kr_oidc_linked_of(&linked, k, identifier));
    for (int i = 0; i < types->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(types, i, const char *), "code") != 0 || k->realm->settings->method_enabled[KR_METHOD_CODE])
            json_array_append_new(list, json_string(APR_ARRAY_IDX(types, i, const char *)));
    kr_flow_message(k, flow, 4000028, json_pack("{s:O, s:O, s:s}", "available_credential_types", list,
                                                "available_oidc_providers", linked, "credential_identifier_hint", identifier));
    return kr_err_show_flow(k);
}

static kr_err_t *taken(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0803) "registration %s: the identifier or an address is taken", flow->id);
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(done->method), .reason = "taken" });
    if (k->realm->settings->registration_login_hints && done->method != KR_METHOD_OIDC) return hints(k, flow, done->registers.identity);
    kr_flow_message(k, flow, 4000007, NULL);
    return kr_err_show_flow(k);
}

/* An OAuth2 server that waits is told now; once their address is verified, where they are led to that; else when they have signed in. */
static kr_err_t *way_on(const char **to, kr_ctx_t *k, const kr_after_flow_t *after)
{
    kr_flow_t *flow = after->flow;

    *to = kr_return_to_of(k, flow, (int)after->method);
    if (!flow->oauth2.challenge || flow->api) return NULL;
    *to = NULL;
    if (after->session && !after->browser_to) {
        KR_TRY(kr_oauth2_half_in(to, k, flow, after->session));
        return *to ? NULL : kr_oauth2_tell(to, k, flow, after->session);
    }
    *to = kr_flow_waiting_url(k, flow);
    return NULL;
}

static kr_err_t *answer_registered(kr_ctx_t *k, const kr_after_flow_t *after)
{
    const kr_flow_t *flow = after->flow;
    json_t *out = kr_json_own(k->pool, json_object());
    json_t *with = kr_json_own(k->pool, json_array());
    const char *to;
    kr_err_t *err;

    if (flow->in_browser) return kr_answer_app_session(k, flow, after->session);
    if (after->session && !flow->api) kr_session_cookie_set(k, after->session);
    err = way_on(&to, k, after);
    if (err) return kr_answer_error(k, err); /* the account is made */
    if (!flow->api) json_array_append_new(with, kr_continue_redirect(to));
    json_array_extend(with, after->continue_with);
    if (after->session) {
        json_object_set(out, "session", kr_session_json(k, after->session));
        if (flow->api) {
            json_object_set_new(out, "session_token", json_string(after->session->token));
            json_array_append_new(with, kr_continue_token(after->session->token));
        }
    }
    json_object_set(out, "identity", kr_identity_json(k, after->identity));
    json_object_set_new(out, "continue_with", json_array_size(with) ? json_incref(with) : json_null());
    return kr_answer_done(k, out, after->browser_to ? after->browser_to : to);
}

/* The account with all that belongs to it; or the one that the very same form made a moment ago. */
static kr_err_t *make_account(kr_ctx_t *k, kr_after_flow_t *after, const kr_outcome_t *done, const kr_body_t *body)
{
    making_t making = { .after = after };
    kr_err_t *err;
    int again;

    after->repeated = done->registers.repeated;
    if (after->repeated) return kr_repeat_first(k, after);
    KR_TRY(kr_hooks_admit(k, after));
    err = kr_db_tx(k, persist, &making);
    if (making.late) return kr_flow_lost(k, after->flow);
    if (!err || !kr_db_is_duplicate(err)) return err;
    KR_TRY(kr_sent_twice(&again, k, after, body));
    after->repeated = again;
    return again ? NULL : taken(k, after->flow, done);
}

/* Whose account it collided with is proved in a login flow; where it is gone by now, the form says what was wrong. */
static kr_err_t *go_on_linking(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, kr_err_t *err)
{
    kr_outcome_t then;
    int collided;

    KR_TRY(kr_oidc_collided(&then, k, done, &collided));
    if (!collided) return err;
    kr_flow_clear_messages(flow);
    return kr_finish(k, flow, &then, NULL);
}

kr_err_t *kr_finish_registration(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    kr_after_flow_t after = { .flow = flow, .method = done->method, .identity = done->registers.identity, .proof = &done->registers.proof,
                              .continue_with = kr_json_own(k->pool, json_array()) };
    kr_err_t *err;

    err = make_account(k, &after, done, body);
    if (err && err->kind == KR_ERR_SHOW_FLOW && done->registers.by) return go_on_linking(k, flow, done, err);
    if (err) return err;
    tell_registered(k, &after);
    if (!is_active(after.identity)) return inactive(k, flow, after.identity);
    /* forms that were open before must not be sent after; a verification flow has seen to that, and belongs to that cookie */
    if (after.session && !flow->api && !after.verification_flow) kr_csrf_renew_for(k, done->registers.identity->id);
    KR_TRY(kr_hooks_answer(k, &after));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0804) "registration %s: identity %s", flow->id, after.identity->id);
    return answer_registered(k, &after);
}
