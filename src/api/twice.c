/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that is sent twice: somebody clicks again while the answer is on its way, and the browser drops the first answer for the second.
 * The second ends where the first did. An account that a browser's flow makes has an id that only this flow gives to these identifiers,
 * so that it is known as the flow's own without a trace of it anywhere else. That alone lets nobody in: what proved the first time
 * proves again, with the anti-CSRF token of the form, within a minute.
 */
#include <string.h>

#include "api.h"
#include "kr_db.h"

#define MOMENT apr_time_from_sec(60) /* for which the token before a refresh is good, too */
#define RAISED "raised"              /* in flow->internal: the form that raised the session, by what, how far and when */

/* -- sign-up -------------------------------------------------------------- */

static kr_err_t *repeat(kr_ctx_t *k, void *baton)
{
    return kr_hooks_repeat(k, baton);
}

kr_err_t *kr_repeat_first(kr_ctx_t *k, kr_after_flow_t *after)
{
    KR_TRY(kr_db_tx(k, repeat, after));
    return after->standing == KR_PROOF_HOLDS ? NULL : kr_overtaken(k, after->flow);
}

/* The cookie is the one that the form was made for: the second post was sent before the first answer brought another. */
static int may_repeat(kr_ctx_t *k, const kr_after_flow_t *after)
{
    if (after->flow->api) return 0;
    return kr_csrf_owns(k, after->flow) || !kr_hooks_have(k, KR_FLOW_REGISTRATION, after->method, "session");
}

kr_err_t *kr_sent_twice(int *again, kr_ctx_t *k, kr_after_flow_t *after, const kr_body_t *body)
{
    kr_proof_t *proof = apr_pmemdup(k->pool, after->proof, sizeof(*proof));
    kr_identity_t *made;

    *again = 0;
    if (after->method != KR_METHOD_PASSWORD || !may_repeat(k, after)) return NULL;
    KR_TRY(kr_identity_load(&made, k, after->identity->id, 1));
    if (!made || !kr_just_made(k, made)) return NULL;
    KR_TRY(kr_password_proves(again, k, made, kr_body_str(body, "password")));
    if (!*again) return NULL;
    proof->credential = kr_identity_credential(made, "password");
    after->identity = made;
    after->proof = proof;
    return kr_repeat_first(k, after);
}

/* The first answer renewed the anti-CSRF cookie and gave no session. A form that gets none by this either may be sent again. */
static int may_follow(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    return !flow->api && body->is_form && kr_csrf_token(k) && !kr_csrf_owns(k, flow)
           && kr_csrf_token_of(k, kr_body_str(body, "csrf_token"), flow->csrf_hash)
           && !kr_hooks_have(k, KR_FLOW_REGISTRATION, KR_METHOD_PASSWORD, "session");
}

kr_err_t *kr_follow_first(kr_ctx_t *k, const kr_flow_t *flow, kr_body_t *body)
{
    kr_identity_t *made;
    json_t *decoded;

    if (!may_follow(k, flow, body)) return NULL;
    kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), body->json, 1);
    KR_TRY(kr_identity_load(&made, k, kr_registration_id(k, flow, json_object_get(decoded, "traits"), "password"), 0));
    if (made && kr_just_made(k, made)) json_object_set_new(body->json, "csrf_token", json_string(kr_csrf_token(k)));
    return NULL;
}

/** The method by which this flow made the account just now; -1 when it did not. */
static int made_by(kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity)
{
    static const kr_method_e methods[] = { KR_METHOD_PASSWORD, KR_METHOD_CODE, KR_METHOD_PASSKEY, KR_METHOD_WEBAUTHN };

    for (int i = 0; i < KR_DIM(methods) && !flow->api && kr_just_made(k, identity); i++)
        if (strcmp(kr_registration_id(k, flow, identity->traits, kr_method_name(methods[i])), identity->id) == 0) return (int)methods[i];
    return -1;
}

const char *kr_led_to_first(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session)
{
    const int method = made_by(k, flow, session->identity);
    kr_after_flow_t after = { .flow = flow, .method = (kr_method_e)method, .identity = session->identity };

    if (method < 0 || !kr_hooks_have(k, KR_FLOW_REGISTRATION, after.method, "show_verification_ui")
        || kr_hooks_find_verification(k, &after) || !after.verification_flow)
        return flow->oauth2.challenge ? kr_flow_waiting_url(k, flow) : kr_return_to_of(k, flow, method);
    return kr_url_with(k->pool, kr_flow_conf(k, KR_FLOW_VERIFICATION)->ui_url, "flow", after.verification_flow);
}

/* -- settings ------------------------------------------------------------- */

/** What only this form makes, with what was typed into it, in this session. */
static const char *tag_of(kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session, const kr_body_t *body)
{
    json_t *typed = kr_json_own(k->pool, json_copy(body->json));

    json_object_del(typed, "csrf_token"); /* another mask each time */
    return kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0,
                   apr_pstrcat(k->pool, "raised ", flow->id, " ", session->id, " ", kr_json_dump(k->pool, typed, NULL), NULL));
}

int kr_settings_remember(kr_ctx_t *k, const kr_after_flow_t *after, const kr_proof_t *gains, const kr_body_t *body)
{
    if (!body || k->client != KR_CLIENT_PERSON) return 0;
    json_object_set_new(after->flow->internal, RAISED,
                        json_pack("{s:s, s:s, s:s, s:i, s:I}", "tag", tag_of(k, after->flow, after->session, body), "method", gains->method,
                                  "aal", kr_aal_name(gains->aal), "as", (int)after->method, "at", (json_int_t)k->now));
    return 1;
}

/** A session that the same form raises once more. */
typedef struct {
    const kr_session_t *onto;  /* what came, which must not have ended meanwhile */
    kr_proof_t proof;
    kr_session_t *session;     /* out; NULL: the account has no more what was proved */
} raising_t;

/* What the form has proved proves again, for as long as the account has it. */
static kr_err_t *raise_again(kr_ctx_t *k, void *baton)
{
    raising_t *r = baton;
    kr_standing_e standing;
    kr_identity_t *is;

    KR_TRY(kr_identity_lock(&is, k, r->onto->identity->id));
    KR_TRY(kr_session_hold(k, r->onto, is));
    r->proof.credential = kr_identity_credential(is, r->proof.method);
    return r->proof.credential ? kr_session_issue(&r->session, &standing, k, is, &r->proof, r->onto) : NULL;
}

kr_err_t *kr_settings_raised(int *again, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session)
{
    const json_t *raised = json_object_get(flow->internal, RAISED);
    raising_t r = { .onto = session };
    kr_body_t body;

    *again = 0;
    if (!raised || !session->token_is_old || k->client != KR_CLIENT_PERSON || k->req->method != KR_POST) return NULL;
    if (json_integer_value(json_object_get(raised, "at")) <= k->now - MOMENT) return NULL;
    if (kr_body_read(&body, k) || kr_csrf_check(k, flow, kr_body_str(&body, "csrf_token"))) return NULL; /* said where it always is */
    if (!kr_equal(tag_of(k, flow, session, &body), kr_json_str(raised, "tag"))) return NULL;
    r.proof.method = kr_json_str(raised, "method");
    if (!r.proof.method || !kr_aal_parse(&r.proof.aal, kr_json_str(raised, "aal"))) return NULL;
    KR_TRY(kr_db_tx(k, raise_again, &r));
    if (!r.session) return NULL;
    *again = 1;
    kr_session_cookie_set(k, r.session);
    return kr_answer_see(k, kr_return_to_of(k, flow, (int)json_integer_value(json_object_get(raised, "as"))));
}
