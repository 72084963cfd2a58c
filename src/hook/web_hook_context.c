/* SPDX-License-Identifier: Apache-2.0 */
/* What the program of a web hook is told. Names and shapes are Kratos', as programs are written for them. */
#include "kr_json.h"
#include "kr_realm.h"
#include "web_hook.h"

/*
 * The form as it is once what was sent is done: a sign-in and a sign-up leave it as it was, settings and verifications show another one,
 * which the flow has by then.
 */
static json_t *flow_json(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase)
{
    const int begins = phase == KR_HOOK_BEFORE || phase == KR_HOOK_BEGIN;
    kr_flow_t shown = *after->flow;

    shown.exchange_code = NULL; /* half of the way to a session: the app's alone */
    shown.continue_with = NULL;
    if (!begins && after->method == KR_METHOD_OIDC) shown.active = kr_method_name(after->method); /* of a sign-up, too */
    /* where nothing was sent it is an empty object to all but settings, as programs know it */
    shown.show_transient = !begins && (shown.kind != KR_FLOW_SETTINGS || shown.transient_payload);
    if (!begins && shown.kind != KR_FLOW_VERIFICATION && (phase != KR_HOOK_ANSWER || shown.kind == KR_FLOW_REGISTRATION))
        kr_flow_form_stored(k, &shown);
    if (phase == KR_HOOK_WRITE && shown.kind == KR_FLOW_SETTINGS) shown.state = KR_STATE_SUCCESS; /* as it will be, and its form is not yet */
    return json_deep_copy(kr_flow_json(k, &shown)); /* its nodes are the flow's, and change with it */
}

json_t *kr_web_hook_context(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase)
{
    const kr_identity_t *whose = after->shown ? after->shown : after->identity;
    const int in_session = after->flow->kind == KR_FLOW_LOGIN || after->flow->kind == KR_FLOW_SETTINGS;
    json_t *ctx = kr_json_own(k->pool, json_object());
    json_t *identity = whose ? kr_identity_json(k, whose) : NULL;

    json_object_set_new(ctx, "flow", flow_json(k, after, phase));
    if (identity) json_object_set(ctx, "identity", identity);
    if (after->session && in_session) json_object_set(ctx, "session", kr_session_json_with(k, after->session, identity));
    json_object_set_new(ctx, "request_headers", kr_headers_json(k->pool, k->req, k->realm->settings->told_headers));
    json_object_set_new(ctx, "request_cookies", kr_cookies_json(k->pool, k->req));
    json_object_set_new(ctx, "request_method", kr_json_string(k->req->method_name));
    json_object_set_new(ctx, "request_url", kr_json_string(kr_flow_this_url(k)));
    return ctx;
}
