/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery and verification: what of a submit is looked at, and in which order. The secret comes by mail, so the order is another
 * one than where somebody types what they know: a link is followed in any browser, verification takes a code from any, and who
 * has begun a recovery finishes it whatever they did meanwhile in another tab.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

static int is_sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value;
}

static int names(const kr_body_t *body, const char *method)
{
    const char *name = kr_body_str(body, "method");

    return name && strcmp(name, method) == 0;
}

static int is_over(const kr_flow_t *flow)
{
    return flow->state == KR_STATE_PASSED_CHALLENGE;
}

static kr_err_t *check_csrf(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    return kr_csrf_check(k, flow, kr_body_str(body, "csrf_token"));
}

static kr_err_t *nobody_takes(kr_ctx_t *k, kr_flow_t *flow)
{
    flow->active = "default";
    return kr_methods_none(k, flow);
}

/* -- recovery ------------------------------------------------------------- */

kr_err_t *kr_recovery_check_guest(kr_ctx_t *k)
{
    kr_session_t *session;

    KR_TRY(kr_session_current(&session, k));
    if (!session) return NULL;
    return kr_err(k, 400, "session_already_available", "a valid session was found; who is signed in needs no recovery");
}

/* Once something was sent, all that names no address is a try of the code: so clients know it, and no `method` is needed. */
static int is_try(const kr_flow_t *flow, const kr_body_t *body)
{
    return !kr_recovery_is_choice(flow) && flow->state != KR_STATE_CHOOSE_METHOD && !is_sent(body, "email");
}

/* A form may be sent twice. What the first time renewed the cookie, so the token of the second is looked at for itself. */
static int is_form_again(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    return kr_csrf_token_of(k, kr_body_str(body, "csrf_token"), kr_json_str(flow->internal, KR_FINISHED_BY));
}

static kr_err_t *recovery_by_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *code = kr_body_str(body, "code");

    out->method = KR_METHOD_CODE;
    flow->active = "code";
    if (!is_form_again(k, flow, body)) KR_TRY(check_csrf(k, flow, body));
    KR_TRY(kr_methods_transient(k, flow, body));
    if (is_try(flow, body)) return kr_recovery_check_code(out, k, flow, code ? code : "");
    KR_TRY(kr_recovery_check_guest(k));
    if (kr_recovery_is_choice(flow)) return kr_recovery_take_choice(out, k, flow, body);
    if (names(body, "link") && !k->realm->settings->method_enabled[KR_METHOD_LINK])
        return kr_err(k, 404, NULL, "the method link is not in use here");
    if (!names(body, "code")) return nobody_takes(k, flow);
    if (is_over(flow)) return kr_outcome_replace(out, 4060001, NULL);
    return kr_method_code.submit[KR_FLOW_RECOVERY](out, k, flow, body);
}

static kr_err_t *recovery_by_link(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int token = is_sent(body, "token");

    out->method = KR_METHOD_LINK;
    flow->active = "link";
    KR_TRY(kr_methods_transient(k, flow, body));
    /* no form of ours posts one: who does may do it in somebody else's browser */
    if (token && k->req->method != KR_GET) KR_TRY(check_csrf(k, flow, body));
    if (token) return kr_method_link.submit[KR_FLOW_RECOVERY](out, k, flow, body);
    KR_TRY(kr_recovery_check_guest(k));
    if (!names(body, "link")) return nobody_takes(k, flow);
    if (is_over(flow)) return kr_outcome_replace(out, 4060001, NULL);
    if (is_sent(body, "email")) KR_TRY(check_csrf(k, flow, body));
    return kr_method_link.submit[KR_FLOW_RECOVERY](out, k, flow, body);
}

kr_err_t *kr_recovery_take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int by_link = strcmp(k->realm->settings->recovery_use, "link") == 0;

    memset(out, 0, sizeof(*out));
    kr_flow_forget_typed(flow);
    return by_link ? recovery_by_link(out, k, flow, body) : recovery_by_code(out, k, flow, body);
}

/* -- verification --------------------------------------------------------- */

/* The form that is shown again has a field for the address, also where a button stood that sends again: one without a value
 * would send nothing, and none could correct it. */
static void show_field(kr_ctx_t *k, kr_flow_t *flow, const char *method, const char *address)
{
    const int phones = strcmp(method, "code") == 0 && kr_mail_carried(&k->realm->settings->mail, "sms");
    const kr_node_spec_t field = { .name = "email", .type = phones ? "text" : "email", .value = address ? address : "",
                                   .required = 1, .label = phones ? 1070018 : 1070007 };

    kr_node_csrf(k, flow);
    kr_node_put(k, flow, method, &field);
}

/* By code the names of the methods are checked before they are looked at; clients find the message at the field. */
static int is_unknown(const kr_body_t *body)
{
    return is_sent(body, "method") && !names(body, "code") && !names(body, "link");
}

static int takes(const kr_body_t *body, const char *method)
{
    if (names(body, method)) return 1;
    return strcmp(method, "code") == 0 && !is_sent(body, "method") && is_sent(body, "code");
}

/* A code or an address is wanted. The code needs no token of the form; it may come from another device. */
static kr_err_t *take_fields(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_method_t *m, const kr_body_t *body)
{
    const int by_code = m->id == KR_METHOD_CODE, code = by_code && is_sent(body, "code");

    if (code && k->req->method == KR_GET) { /* the mail's link; scanners of mail follow links too */
        (void)kr_outcome_step(out);
        out->step.fill = kr_body_str(body, "code");
        return NULL;
    }
    if (!code && (is_sent(body, "email") || (by_code && is_sent(body, "sms")))) KR_TRY(check_csrf(k, flow, body));
    return m->submit[KR_FLOW_VERIFICATION](out, k, flow, body);
}

kr_err_t *kr_verification_take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int by_link = strcmp(k->realm->settings->verification_use, "link") == 0;
    const kr_method_t *m = by_link ? &kr_method_link : &kr_method_code;
    const char *name = kr_method_name(m->id), *address = kr_body_str(body, "email");
    kr_err_t *err;

    memset(out, 0, sizeof(*out));
    kr_flow_forget_typed(flow);
    out->method = m->id;
    flow->active = name;
    if (by_link && is_sent(body, "token")) return m->submit[KR_FLOW_VERIFICATION](out, k, flow, body);
    if (is_over(flow)) return kr_outcome_replace(out, 4070002, NULL);
    if (!by_link && is_unknown(body)) {
        kr_node_message(k, flow, "method", 4000001, json_pack("{s:s}", "reason", "there is no such method"));
        return kr_err_show_flow(k);
    }
    KR_TRY(kr_methods_transient(k, flow, body));
    if (!takes(body, name)) {
        show_field(k, flow, name, address);
        return nobody_takes(k, flow);
    }
    err = take_fields(out, k, flow, m, body);
    if (err && err->status == 400) show_field(k, flow, name, address);
    return err;
}

/* -- a verification that follows another flow ------------------------------- */

kr_err_t *kr_verification_send(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const kr_address_t *address)
{
    const int link = strcmp(k->realm->settings->verification_use, "link") == 0;
    const kr_code_kind_t *kind = link ? &kr_link_verification : &kr_code_verification;

    flow->identity_id = identity->id;
    flow->active = link ? "link" : "code";
    if (link) kr_link_show_sent(k, flow, address->value);
    else kr_verification_show_sent(k, flow, address->via, address->value, strcmp(address->via, "sms") == 0 ? "sms" : "email");
    KR_TRY(kr_flow_insert(k, flow));
    KR_TRY(kr_code_queue(k, flow, kind, address->via, address->value, identity, address->id));
    return kr_address_sent(k, identity->id, address->id);
}
