/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the account becomes another. */
#include <string.h>

#include "finish.h"
#include "kr_audit.h"
#include "kr_db.h"

/** The change and who wants it, for the transaction. */
typedef struct {
    kr_outcome_t *done;
    kr_after_flow_t *after;
    const kr_body_t *body;
    const kr_session_t *asked; /* the session as it came with the request: each try begins with it */
    int claimed; /* out: and this request is the one that carries it out */
    apr_int64_t tried_on; /* version of the account that hooks were shown the change of; 0: none were */
    int outdated; /* out: it is another one by now */
} change_t;

#define TRIES 3

static void count_challenge(kr_ctx_t *k, void *baton)
{
    (void)k;
    ((kr_flow_t *)baton)->spent++;
}

/* A new key answers one challenge of the form, and is added once. */
static kr_err_t *use_challenge(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_flow_t now = *flow;
    int done;

    KR_TRY(kr_flow_spend(&done, k, &now, &(kr_proof_t){ .once = 1 }));
    if (!done) {
        kr_flow_reason(k, flow, "this form has been used already, please begin anew");
        return kr_err_show_flow(k);
    }
    kr_db_after_commit(k, count_challenge, flow); /* the form that follows asks anew */
    return NULL;
}

/* Who has just set up a factor has shown it. */
static kr_err_t *raise_session(kr_ctx_t *k, kr_after_flow_t *after, const kr_proof_t *gains, const kr_body_t *body)
{
    kr_standing_e standing;
    int remembered;

    if (!gains->method) return NULL;
    remembered = kr_settings_remember(k, after, gains, body);
    if (gains->once) KR_TRY(use_challenge(k, after->flow));
    else if (remembered) KR_TRY(kr_flow_update(k, after->flow));
    after->session->identity = after->identity;
    KR_TRY(kr_session_prove(&standing, k, after->session, gains, after->flow->api || after->session->token_is_old));
    return standing == KR_PROOF_HOLDS ? NULL : kr_db_raced(k); /* both were held: nobody else can have been faster */
}

/*
 * Another request may have raised the session since this one began, as the same form does that is clicked twice: what this one brings
 * is looked at anew, by who then comes with the token of before.
 */
static kr_err_t *not_raised(kr_ctx_t *k, const change_t *change, const kr_identity_t *before)
{
    const kr_session_t *asked = change->asked;
    kr_session_t *now;

    if (k->client != KR_CLIENT_PERSON || asked->token_is_old || before->version == asked->identity->version) return NULL;
    KR_TRY(kr_session_load(&now, k, asked->id));
    return now && strcmp(now->token_hash, asked->token_hash) != 0 ? kr_flow_lost(k, change->after->flow) : NULL;
}

/*
 * Hooks that may say no are shown the account as the change would leave it. What they make of it is made once more where it is written, of
 * the very account that they were shown.
 */
static kr_err_t *admit(kr_ctx_t *k, change_t *change)
{
    kr_after_flow_t *after = change->after;
    kr_identity_t *is;

    change->outdated = 0;
    if (!kr_hooks_would_admit(k, after)) return NULL;
    KR_TRY(kr_identity_load(&is, k, change->asked->identity->id, 1));
    if (!is) return kr_err(k, 401, NULL, "the account is gone");
    after->changes = apr_array_make(k->pool, 1, sizeof(const json_t *));
    after->identity = kr_identity_copy(k, is);
    change->tried_on = is->version;
    KR_TRY(change->done->changed.change(change->done, k, after->flow, after->identity, is));
    return kr_hooks_admit(k, after);
}

/* To take the account raises its version by one. */
static kr_err_t *check_version(kr_ctx_t *k, change_t *change, const kr_identity_t *before)
{
    change->outdated = change->tried_on && before->version != change->tried_on + 1;
    return change->outdated ? kr_err(k, 409, NULL, "the account was changed at the same moment, please try again") : NULL;
}

static void tell(kr_ctx_t *k, const change_t *change)
{
    const kr_after_flow_t *after = change->after;

    if (change->done->changed.resumed)
        kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_RESUMED, .identity_id = after->identity->id, .session_id = after->session->id,
                                   .flow_id = after->flow->id, .method = kr_method_name(after->method) });
    kr_audit_changes(k, after->identity, after->before, after->session->id, after->flow->id);
}

/* The account and the session as they are now, whatever lay between the request and here; nobody changes them meanwhile. */
static kr_err_t *persist(kr_ctx_t *k, void *baton)
{
    change_t *change = baton;
    kr_after_flow_t *after = change->after;
    kr_identity_t *before;

    *after->session = *change->asked;
    if (change->done->changed.resumed) KR_TRY(kr_settings_claim(&change->claimed, k, after->flow, change->done->changed.resumed));
    if (change->done->changed.resumed && !change->claimed) return NULL;
    KR_TRY(kr_identity_lock(&before, k, after->session->identity->id));
    KR_TRY(kr_session_hold(k, after->session, before));
    KR_TRY(not_raised(k, change, before));
    KR_TRY(check_version(k, change, before));
    after->session->identity = before; /* which may have got a second factor */
    KR_TRY(kr_settings_need_aal(k, after->session, kr_flow_submit_url(k, after->flow)));
    after->before = before;
    after->identity = kr_identity_copy(k, before);
    KR_TRY(change->done->changed.change(change->done, k, after->flow, after->identity, before));
    KR_TRY(kr_hooks_settle(k, after));
    KR_TRY(kr_identity_update(k, after->identity, before));
    KR_TRY(raise_session(k, after, &change->done->changed.gains, change->body));
    KR_TRY(kr_hooks_write(k, after));
    tell(k, change);
    return change->done->changed.end_others && !after->others_ended ? kr_session_end_others_now(k, after->session) : NULL;
}

/* The form begins anew with what is stored now. */
static kr_err_t *show_success(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session, kr_identity_t *identity)
{
    session->identity = identity;
    flow->state = KR_STATE_SUCCESS;
    flow->nodes = kr_json_own(k->pool, json_array());
    KR_TRY(kr_methods_show(k, flow));
    kr_flow_message(k, flow, 1050001, NULL);
    KR_TRY(kr_flow_update(k, flow));
    flow->identity = kr_identity_json(k, identity);
    return NULL;
}

static kr_err_t *answer_changed(kr_ctx_t *k, kr_flow_t *flow, const kr_after_flow_t *after)
{
    const char *to = kr_return_to_of(k, flow, (int)after->method);

    kr_settings_unpark(k);
    flow->continue_with = after->continue_with;
    if (!flow->api) json_array_append_new(flow->continue_with, kr_continue_redirect(to));
    return kr_answer_done(k, kr_flow_json(k, flow), to); /* never to the page of a verification: clients know it so */
}

kr_err_t *kr_finish_settings(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    kr_after_flow_t after = { .flow = flow, .method = done->method, .continue_with = kr_json_own(k->pool, json_array()) };
    change_t change = { .done = done, .after = &after, .body = body };
    kr_err_t *err = NULL;

    KR_TRY(kr_session_need(&after.session, k, NULL));
    change.asked = apr_pmemdup(k->pool, after.session, sizeof(*after.session));
    after.identity = after.session->identity;
    for (int tries = 0; !tries || (change.outdated && tries < TRIES); tries++) {
        KR_TRY(admit(k, &change));
        err = kr_db_tx(k, persist, &change);
    }
    if (err && kr_db_is_duplicate(err)) {
        kr_flow_message(k, flow, 4000007, NULL);
        return kr_err_show_flow(k);
    }
    if (err) return err;
    /* another request of this browser took it out */
    if (done->changed.resumed && !change.claimed) return kr_answer_see(k, kr_flow_ui_url(k, flow));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0807) "settings %s: identity %s changed by %s", flow->id, after.identity->id,
           kr_method_name(done->method));
    /* whatever follows: the change is made, and the session has another token */
    if (!flow->api && !after.session->token_is_old) kr_session_cookie_set(k, after.session);
    KR_TRY(show_success(k, flow, after.session, after.identity));
    KR_TRY(kr_hooks_answer(k, &after));
    return answer_changed(k, flow, &after);
}
