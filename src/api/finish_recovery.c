/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery: the code or link was the right one. A session, and the settings flow in which a new password is set. */
#include <string.h>

#include "finish.h"
#include "kr_audit.h"
#include "kr_db.h"

/* -- the way back in ------------------------------------------------------ */

static int skips_settings(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *value = kr_flow_url_param(k, flow->request_url, "skip_settings");

    return value && strcmp(value, "true") == 0;
}

/* The settings flow in which a new password is set; it says how long the session is good for that. Not stored yet. */
static kr_err_t *draft_settings(kr_flow_t **out, kr_ctx_t *k, const kr_flow_t *recovery, kr_session_t *session)
{
    const char *base = kr_flow_submit_url(k, recovery);
    const char *to = recovery->return_to ? recovery->return_to : kr_flow_conf(k, KR_FLOW_RECOVERY)->after.url;
    const apr_time_t until = session->authenticated_at + k->realm->settings->settings_privileged_age;
    const char *when = kr_time_rfc3339(k->pool, until);
    kr_flow_t *flow;

    if (to) base = kr_url_with(k->pool, base, "return_to", to);
    flow = kr_flow_make(k, KR_FLOW_SETTINGS, recovery->api && !kr_flow_by_mail(k, recovery), base);
    flow->identity_id = session->identity->id;
    flow->schema_id = session->identity->schema_id;
    KR_TRY(kr_methods_show(k, flow));
    kr_flow_message(k, flow, 1060001, json_pack("{s:s, s:s, s:I}", "privilegedSessionExpiresAt", when,
                                                "privileged_session_expires_at", when, "privileged_session_expires_at_unix",
                                                (json_int_t)apr_time_sec(until)));
    *out = flow;
    return NULL;
}

/** What the transaction of a recovery makes. */
typedef struct {
    kr_flow_t *flow;
    kr_outcome_t *done;
    kr_identity_t *identity; /* as it was when the code was right */
    kr_standing_e standing;
    kr_session_t *session;
    kr_flow_t *settings; /* NULL when skipped */
    const char *settings_id; /* of that flow, as hooks know it already; NULL: none does */
    const char *form;    /* hash of the cookie whose form did it; NULL: it was no form */
} recovered_t;

/* For who sends the same form again. */
static void remember(const recovered_t *r)
{
    if (!r->form) return;
    kr_json_set_at(r->flow->internal, KR_FINISHED_BY, json_string(r->form));
    kr_json_set_at(r->flow->internal, "finished.session", json_string(r->session->id));
    if (r->settings) kr_json_set_at(r->flow->internal, "finished.settings", json_string(r->settings->id));
}

static kr_after_flow_t after_of(kr_ctx_t *k, const recovered_t *r)
{
    return (kr_after_flow_t){ .flow = r->flow, .method = r->done->method, .identity = r->identity, .proof = &r->done->passed.proof,
                              .continue_with = kr_json_own(k->pool, json_array()) };
}

static kr_err_t *make_settings(kr_ctx_t *k, recovered_t *r)
{
    KR_TRY(draft_settings(&r->settings, k, r->flow, r->session));
    if (r->settings_id) r->settings->id = r->settings_id;
    KR_TRY(kr_hooks_begin(k, r->settings));
    return kr_flow_insert(k, r->settings);
}

/* Hooks before settings are asked about the flow that is to come, while nothing is locked. Their no is one to all of it. */
static kr_err_t *ask_before_settings(kr_ctx_t *k, recovered_t *r)
{
    kr_session_t *current = k->session;
    const int known = k->session_known;
    kr_flow_t *draft = NULL;
    kr_err_t *err;

    if (skips_settings(k, r->flow) || !kr_hooks_would_before(k, KR_FLOW_SETTINGS)) return NULL;
    k->session = kr_session_plan(k, r->identity, &r->done->passed.proof, NULL, NULL);
    k->session_known = 1;
    err = draft_settings(&draft, k, r->flow, k->session);
    if (!err) err = kr_hooks_before(k, draft);
    k->session = current;
    k->session_known = known;
    r->settings_id = draft ? draft->id : NULL;
    return err;
}

/* The code was the right one: that is what hooks are told, and what a no does not change. */
static kr_err_t *admit(kr_ctx_t *k, recovered_t *r)
{
    kr_after_flow_t after = after_of(k, r);
    const kr_state_e before = r->flow->state;
    kr_err_t *err;

    r->flow->state = KR_STATE_PASSED_CHALLENGE;
    err = kr_hooks_admit(k, &after);
    if (!err) err = ask_before_settings(k, r);
    r->flow->state = before;
    return err;
}

static kr_err_t *persist(kr_ctx_t *k, void *baton)
{
    recovered_t *r = baton;
    kr_after_flow_t after = after_of(k, r);

    KR_TRY(kr_identity_lock(&after.identity, k, r->identity->id));
    r->standing = kr_proof_standing(&r->done->passed.proof, r->identity, after.identity);
    if (r->standing == KR_PROOF_HOLDS)
        KR_TRY(kr_session_issue(&r->session, &r->standing, k, after.identity, &r->done->passed.proof, NULL));
    if (r->standing != KR_PROOF_HOLDS) return NULL; /* nothing is written but that it was looked at */
    after.session = r->session;
    k->session = r->session; /* the settings flow is shown to who is in now */
    k->session_known = 1;
    if (!skips_settings(k, r->flow)) KR_TRY(make_settings(k, r));
    KR_TRY(kr_hooks_write(k, &after));
    remember(r);
    return kr_flow_update(k, r->flow);
}

static void continue_with(json_t *with, kr_ctx_t *k, const recovered_t *r)
{
    if (r->flow->api && r->session) json_array_append_new(with, kr_continue_token(r->session->token));
    if (r->settings)
        json_array_append_new(with, json_pack("{s:s, s:{s:s, s:s}}", "action", "show_settings_ui", "flow", "id", r->settings->id,
                                              "url", kr_flow_ui_url(k, r->settings)));
}

static kr_err_t *answer_recovered(kr_ctx_t *k, const recovered_t *r)
{
    const char *ui = r->settings ? kr_flow_ui_url(k, r->settings) : kr_return_to_of(k, r->flow, -1);
    const int by_mail = kr_flow_by_mail(k, r->flow);

    kr_flow_for_asker(k, r->flow);
    if (r->session && r->settings) kr_settings_unpark(k);
    if (r->session && (!r->flow->api || by_mail)) kr_session_cookie_set(k, r->session);
    if (r->settings && !k->realm->settings->use_transitions) return kr_answer_go(k, ui);
    r->flow->continue_with = kr_json_own(k->pool, json_array());
    continue_with(r->flow->continue_with, k, r);
    return kr_answer_done(k, kr_flow_json(k, r->flow), ui);
}

/* The account was changed between the code and the session: the code is used, the flow is over. */
static kr_err_t *stale(kr_ctx_t *k, const recovered_t *r)
{
    const kr_outcome_t why = { .is = KR_OUTCOME_REPLACE, .method = r->done->method, .replace.message = 4000001,
                               .replace.visit = kr_flow_by_mail(k, r->flow),
                               .replace.reason = "the account was changed at the same moment, please begin again" };

    kr_audit_wrong(k, r->flow, &(kr_wrong_t){ .method = kr_method_name(r->done->method), .identity = r->identity, .reason = "changed" });
    k->session = NULL;
    if (r->standing != KR_PROOF_LOCKED) return kr_flow_retry(k, r->flow, &why);
    kr_flow_message(k, r->flow, 4010011, NULL);
    return kr_err_show_flow(k);
}

kr_err_t *kr_finish_recovery(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    recovered_t r = { .flow = flow, .done = done, .form = flow->api || kr_flow_by_mail(k, flow) ? NULL : kr_csrf_hash(k) };

    (void)body;
    KR_TRY(kr_identity_load(&r.identity, k, done->passed.identity_id, 1));
    if (!r.identity || strcmp(r.identity->state, "active") != 0) {
        kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(done->method), .identity = r.identity, .reason = "inactive" });
        kr_flow_message(k, flow, 4010011, NULL);
        return kr_err_show_flow(k);
    }
    KR_TRY(admit(k, &r));
    r.identity->epoch = done->passed.epoch; /* what ended the sessions since then ends this one too */
    flow->state = KR_STATE_PASSED_CHALLENGE;
    flow->identity_id = r.identity->id;
    if (!flow->api || kr_flow_by_mail(k, flow)) { /* forms of before end here; what follows belongs to the new cookie */
        kr_csrf_renew_for(k, r.identity->id);
        flow->csrf_hash = kr_csrf_hash(k);
    }
    KR_TRY(kr_db_tx(k, persist, &r));
    if (r.standing != KR_PROOF_HOLDS) return stale(k, &r);
    kr_log(k, KR_LOG_INFO, KRLOGNO(0809) "recovery %s: identity %s, session %s", flow->id, r.identity->id, r.session->id);
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_RECOVERED, .identity_id = r.identity->id, .session_id = r.session->id, .flow_id = flow->id,
                               .method = kr_method_name(done->method), .aal = kr_aal_name(r.session->aal) });
    return answer_recovered(k, &r);
}

/* -- the same form again -------------------------------------------------- */

#define TWICE apr_time_from_sec(30) /* after the first; a reload later than that is no double click */
#define WAIT apr_time_from_msec(40) /* ten times at most */

/* As the first post has left it. That one has used the code and is about to write what follows from it, or is done. */
static kr_err_t *load_finished(kr_flow_t **out, kr_ctx_t *k, const char *flow_id)
{
    for (int i = 0; i < 10; i++) {
        KR_TRY(kr_flow_load(out, k, KR_FLOW_RECOVERY, flow_id));
        if (kr_json_str((*out)->internal, KR_FINISHED_BY)) return NULL;
        kr_db_release(k); /* nobody shall wait for a connection meanwhile, the first post least of all */
        apr_sleep(WAIT);
    }
    return NULL;
}

/*
 * Of two posts at once the browser shows the answer to the second, and may have thrown away that to the first, cookie and all. So that
 * session gets another token; the code is not used again, and there is no session if the first one has ended.
 * @param session  of the first post
 * @param done     0: it has ended meanwhile, or a third post was faster
 */
static kr_err_t *take_over(int *done, recovered_t *r, kr_ctx_t *k, kr_session_t *session)
{
    KR_TRY(kr_session_retoken(done, k, session));
    if (!*done) return NULL;
    kr_csrf_renew(k);
    r->session = session;
    return NULL;
}

/*
 * The code was used before: by this very form? Then its person ends where the first post did, and not at a form that says that it was
 * used. A script keeps the cookies of both answers and needs none here.
 */
static kr_err_t *answer_again(int *done, kr_ctx_t *k, const char *flow_id, const char *token)
{
    recovered_t r = { 0 };
    kr_session_t *first, *current;
    int still = 1;

    *done = 0;
    KR_TRY(load_finished(&r.flow, k, flow_id));
    if (!kr_csrf_token_of(k, token, kr_json_str(r.flow->internal, KR_FINISHED_BY))) return NULL;
    KR_TRY(kr_session_load(&first, k, kr_json_str(r.flow->internal, "finished.session")));
    if (!first || !kr_session_usable(k, first)) return NULL;
    KR_TRY(kr_session_current(&current, k));
    if (!current || strcmp(current->id, first->id) != 0) {
        if (!kr_csrf_token_ok(k, token) || first->issued_at + TWICE <= k->now) return NULL;
        if (k->client == KR_CLIENT_PERSON) KR_TRY(take_over(&still, &r, k, first));
        if (!still) return NULL;
    }
    if (!skips_settings(k, r.flow))
        KR_TRY(kr_flow_load(&r.settings, k, KR_FLOW_SETTINGS, kr_json_str(r.flow->internal, "finished.settings")));
    *done = 1;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0830) "recovery %s: its form came twice, session %s", flow_id, first->id);
    return answer_recovered(k, &r);
}

kr_err_t *kr_finish_recovery_again(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body)
{
    int answered = 0;

    if (done->replace.again && !flow->api) KR_TRY(answer_again(&answered, k, flow->id, kr_body_str(body, "csrf_token")));
    return answered ? KR_DONE : kr_flow_retry(k, flow, done);
}
