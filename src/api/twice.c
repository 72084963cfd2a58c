/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that is sent twice: somebody clicks again while the answer is on its way, and the browser drops the first answer for the second.
 * The second ends where the first did. An account that a browser's flow makes has an id that only this flow gives to these identifiers,
 * so that it is known as the flow's own without a trace of it anywhere else. That alone lets nobody in: what proved the first time
 * proves again, with the anti-CSRF token of the form, within a minute.
 */
#include <string.h>

#include "api_private.h"

#define MOMENT apr_time_from_sec(60)

static int just_made(kr_ctx_t *k, const kr_identity_t *identity)
{
    return identity->created_at > k->now - MOMENT && identity->created_at < k->now + MOMENT;
}

static kr_err_t *repeat(kr_ctx_t *k, void *baton)
{
    return kr_hooks_repeat(k, baton);
}

/* The cookie is the one that the form was made for: the second post was sent before the first answer brought another. */
static int may_repeat(kr_ctx_t *k, const kr_after_flow_t *after)
{
    if (after->flow->api) return 0;
    return kr_csrf_owns(k, after->flow) || !kr_hooks_have(k, KR_FLOW_REGISTRATION, after->method, "session");
}

kr_err_t *kr_sent_twice(int *again, kr_ctx_t *k, kr_after_flow_t *after, const kr_body_t *body)
{
    kr_identity_t *made;

    *again = 0;
    if (after->method != KR_METHOD_PASSWORD || !may_repeat(k, after)) return NULL;
    KR_TRY(kr_identity_load(&made, k, after->identity->id, 1));
    if (!made || !just_made(k, made) || strcmp(made->state, "active") != 0) return NULL;
    KR_TRY(kr_password_proves(again, k, made, kr_body_str(body, "password")));
    if (!*again) return NULL;
    after->identity = made;
    return kr_db_tx(k, repeat, after);
}

/* The first answer renewed the anti-CSRF cookie and gave no session. A form that gets none by this either may be sent again. */
static int may_follow(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    return !flow->api && body->is_form && kr_csrf_token(k) && !kr_csrf_owns(k, flow)
           && kr_csrf_is_of(k, flow, kr_body_str(body, "csrf_token"))
           && !kr_hooks_have(k, KR_FLOW_REGISTRATION, KR_METHOD_PASSWORD, "session");
}

kr_err_t *kr_follow_first(kr_ctx_t *k, const kr_flow_t *flow, kr_body_t *body)
{
    kr_identity_t *made;
    json_t *decoded;

    if (!may_follow(k, flow, body)) return NULL;
    kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), body->json, 1);
    KR_TRY(kr_identity_load(&made, k, kr_registration_id(k, flow, json_object_get(decoded, "traits"), "password"), 0));
    if (made && just_made(k, made)) json_object_set_new(body->json, "csrf_token", json_string(kr_csrf_token(k)));
    return NULL;
}

const char *kr_led_to_first(kr_ctx_t *k, const kr_flow_t *flow, kr_session_t *session)
{
    kr_after_flow_t after = { .flow = (kr_flow_t *)flow, .method = KR_METHOD_PASSWORD, .identity = session->identity,
                              .continue_with = kr_json_own(k->pool, json_array()) };
    const char *id = kr_registration_id(k, flow, session->identity->traits, "password");

    if (flow->api || strcmp(id, session->identity->id) != 0 || !just_made(k, session->identity)) return kr_return_to_of(k, flow, -1);
    if (!kr_hooks_have(k, KR_FLOW_REGISTRATION, KR_METHOD_PASSWORD, "show_verification_ui") || kr_hooks_find_verification(k, &after)
        || !after.verification_flow)
        return kr_return_to_of(k, flow, KR_METHOD_PASSWORD);
    return kr_url_with(k->pool, kr_flow_conf(k, KR_FLOW_VERIFICATION)->ui_url, "flow", after.verification_flow);
}
