/* SPDX-License-Identifier: Apache-2.0 */
/* Registration: begin, get, submit. */
#include <string.h>

#include "api_private.h"
#include "kr_store_identity.h"

/* -- begin ---------------------------------------------------------------- */

static kr_err_t *check_enabled(kr_ctx_t *k)
{
    if (kr_flow_conf(k, KR_FLOW_REGISTRATION)->enabled) return NULL;
    return kr_err(k, 400, "self_service_flow_disabled", "signing up is switched off here");
}

static kr_err_t *already(kr_ctx_t *k)
{
    kr_err_t *err = kr_err(k, 400, "session_already_available", "a valid session was found; who is signed in cannot sign up");

    err->message = "you are signed in already";
    return err;
}

static kr_err_t *create(kr_flow_t **out, kr_session_t **session, kr_ctx_t *k, int api)
{
    kr_flow_t *flow;

    *session = NULL;
    KR_TRY(check_enabled(k));
    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_REGISTRATION, api));
    *out = flow;
    KR_TRY(kr_flow_take_query(k, flow));
    KR_TRY(kr_session_current(session, k));
    if (*session) return NULL;
    return kr_flow_open(k, flow);
}

kr_err_t *kr_registration_create_browser(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &session, k, 0));
    if (!session) return kr_answer_begun(k, flow);
    if (kr_client_asking(k) != KR_CLIENT_PERSON) return already(k); /* a Content-Type counts in this alone, as clients know it */
    return kr_err_lead(already(k), 303, kr_return_to_of(k, flow, -1));
}

kr_err_t *kr_registration_create_native(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;

    KR_TRY(create(&flow, &session, k, 1));
    if (session) return already(k);
    KR_TRY(kr_flow_exchange_code(k, flow));
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_registration_get(kr_ctx_t *k)
{
    KR_TRY(check_enabled(k));
    return kr_flow_get(k, KR_FLOW_REGISTRATION);
}

/* -- submit --------------------------------------------------------------- */

/* Account, verification and session are one change: all of it or none. */
static kr_err_t *persist(kr_ctx_t *k, void *baton)
{
    kr_after_flow_t *after = baton;

    KR_TRY(kr_identity_insert(k, after->identity));
    return kr_hooks_write(k, after);
}

static kr_err_t *hints(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    const kr_credential_t *credential = &APR_ARRAY_IDX(identity->credentials, 0, kr_credential_t);
    const kr_credential_t *password = kr_identity_credential(identity, "password");
    const char *identifier;
    apr_array_header_t *types;
    json_t *list = kr_json_own(k->pool, json_array());

    if (password) credential = password;
    identifier = APR_ARRAY_IDX(credential->identifiers, 0, const char *);
    KR_TRY(kr_store_identifier_types(&types, k, identifier));
    for (int i = 0; i < types->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(types, i, const char *), "code") != 0 || k->realm->settings->code_passwordless)
            json_array_append_new(list, json_string(APR_ARRAY_IDX(types, i, const char *)));
    kr_flow_message(k, flow, 4000028, json_pack("{s:O, s:[], s:s}", "available_credential_types", list,
                                                "available_oidc_providers", "credential_identifier_hint", identifier));
    return kr_err_show_flow(k);
}

static kr_err_t *taken(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0803) "registration %s: the identifier or an address is taken", flow->id);
    if (k->realm->settings->registration_login_hints) return hints(k, flow, identity);
    kr_flow_message(k, flow, 4000007, NULL);
    return kr_err_show_flow(k);
}

static kr_err_t *answer_registered(kr_ctx_t *k, const kr_after_flow_t *after)
{
    const kr_flow_t *flow = after->flow;
    const char *to = kr_return_to_of(k, flow, (int)after->method);
    json_t *out = kr_json_own(k->pool, json_object());
    json_t *with = kr_json_own(k->pool, json_array());

    if (after->session && !flow->api) kr_session_cookie_set(k, after->session);
    if (!flow->api) json_array_append_new(with, kr_continue_redirect(to));
    json_array_extend(with, after->continue_with);
    if (after->session) {
        json_object_set(out, "session", kr_session_json(k, after->session));
        if (flow->api) {
            json_object_set_new(out, "session_token", json_string(after->session->token));
            json_array_append_new(with, json_pack("{s:s, s:s}", "action", "set_ory_session_token", "ory_session_token",
                                                  after->session->token));
        }
    }
    json_object_set(out, "identity", kr_identity_json(k, after->identity));
    json_object_set_new(out, "continue_with", json_array_size(with) ? json_incref(with) : json_null());
    return kr_answer_done(k, out, after->browser_to ? after->browser_to : to);
}

/* The account with all that belongs to it; or the one that the very same form made a moment ago. */
static kr_err_t *make_account(kr_ctx_t *k, kr_after_flow_t *after, const kr_outcome_t *done, const kr_body_t *body)
{
    kr_err_t *err;
    int again;

    if (done->registers.repeated) return kr_answer_again(k, after);
    KR_TRY(kr_hooks_admit(k, after));
    err = kr_db_tx(k, persist, after);
    if (!err || !kr_db_is_duplicate(err)) return err;
    KR_TRY(kr_sent_twice(&again, k, after, body));
    return again ? NULL : taken(k, after->flow, done->registers.identity);
}

static kr_err_t *take(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_body_t body;
    kr_outcome_t done;
    kr_after_flow_t after = { .flow = flow, .continue_with = kr_json_own(k->pool, json_array()) };

    kr_flow_clear_messages(flow);
    KR_TRY(kr_flow_body(&body, k, flow));
    KR_TRY(kr_follow_first(k, flow, &body));
    KR_TRY(kr_methods_submit(&done, k, flow, &body));
    if (done.is == KR_OUTCOME_STEP) {
        if (!done.step.stored) KR_TRY(kr_flow_update(k, flow));
        return kr_answer_step(k, flow);
    }
    after.method = done.method;
    after.identity = done.registers.identity;
    after.proof = &done.registers.proof;
    KR_TRY(make_account(k, &after, &done, &body));
    /* forms that were open before must not be sent after; a verification flow has seen to that, and belongs to that cookie */
    if (after.session && !flow->api && !after.verification_flow) kr_csrf_renew_for(k, done.registers.identity->id);
    KR_TRY(kr_hooks_answer(k, &after));
    kr_log(k, KR_LOG_INFO, KRLOGNO(0804) "registration %s: identity %s", flow->id, after.identity->id);
    return answer_registered(k, &after);
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;

    KR_TRY(check_enabled(k));
    KR_TRY(kr_session_current(&session, k));
    if (session) {
        kr_err_t *err = already(k);

        if (k->client == KR_CLIENT_PERSON) kr_err_lead(err, 302, kr_led_to_first(k, flow, session));
        return kr_answer_error(k, err); /* not with the flow, as after a sign-in */
    }
    if (kr_flow_expired(k, flow)) return kr_flow_replace_expired(k, flow, 4040001);
    return take(k, flow);
}

kr_err_t *kr_registration_submit(kr_ctx_t *k)
{
    kr_flow_t *flow;
    kr_err_t *err;

    KR_TRY(kr_flow_of_submit(&flow, k, KR_FLOW_REGISTRATION));
    err = submit(k, flow);
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}
