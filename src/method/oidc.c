/* SPDX-License-Identifier: Apache-2.0 */
/* The oidc method: the buttons of providers, and a press on one. */
#include <string.h>
#include <strings.h>

#include "kr_credential.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_OIDC] && kind != KR_FLOW_RECOVERY && kind != KR_FLOW_VERIFICATION;
}

const kr_oidc_provider_conf_t *kr_oidc_provider(kr_ctx_t *k, const char *id)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;

    for (int i = 0; id && providers && i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t);

        if (!p->organization_id && strcmp(p->id, id) == 0) return p;
    }
    return NULL;
}

int kr_oidc_has_button(const kr_oidc_provider_conf_t *provider)
{
    return !provider->organization_id && !provider->fedcm_alone;
}

const char *kr_oidc_label(const kr_oidc_provider_conf_t *provider)
{
    return provider->label && *provider->label ? provider->label : provider->id;
}

/* -- the buttons ----------------------------------------------------------- */

/** @param of  only those that this account has; NULL: all */
static void show_buttons(kr_ctx_t *k, kr_flow_t *flow, int label, const kr_identity_t *of)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;

    for (int i = 0; providers && i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t);
        const kr_node_spec_t button = {
            .name = "provider", .type = "submit", .value = p->id, .label = label,
            .label_context = json_pack("{s:s, s:s}", "provider", kr_oidc_label(p), "provider_id", p->id),
        };

        if (!kr_oidc_has_button(p) || (of && !kr_identity_is_linked(of, p->id))) json_decref(button.label_context);
        else kr_node_add(k, flow, KR_OIDC_GROUP, &button);
    }
}

static kr_err_t *show_login(kr_ctx_t *k, kr_flow_t *flow)
{
    show_buttons(k, flow, 1010002, NULL);
    return NULL;
}

static kr_err_t *show_refresh(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    kr_identity_t *identity;

    KR_TRY(kr_session_whole(&session, &identity, k));
    show_buttons(k, flow, 1010002, identity);
    return NULL;
}

static void forget_buttons(kr_flow_t *flow)
{
    for (size_t i = json_array_size(flow->nodes); i-- > 0;)
        if (strcmp(kr_json_str(json_array_get(flow->nodes, i), "group"), KR_OIDC_GROUP) == 0) json_array_remove(flow->nodes, i);
}

static kr_err_t *show_registration(kr_ctx_t *k, kr_flow_t *flow)
{
    forget_buttons(flow); /* those of the first screen */
    show_buttons(k, flow, 1040002, NULL);
    return NULL;
}

kr_err_t *kr_oidc_show_linked(kr_ctx_t *k, kr_flow_t *flow, const char *identifier)
{
    kr_identity_t *identity = NULL;
    const char *id = NULL;
    int owners = 0;

    if (!is_on(k->realm->settings, flow->kind)) return NULL;
    if (identifier) KR_TRY(kr_identity_owner(&id, &owners, k, identifier));
    if (id) KR_TRY(kr_identity_load(&identity, k, id, 1));
    forget_buttons(flow);
    show_buttons(k, flow, 1010002, identity);
    return NULL;
}

/* -- a press on one -------------------------------------------------------- */

static int is_sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value;
}

/* A method that there is; in settings a button counts beside any other word. */
static int is_anothers(const char *method, kr_flow_kind_e kind)
{
    if (strcasecmp(method, "oidc") == 0) return 0;
    for (int m = 0; m < KR_METHOD_IDS; m++)
        if (strcmp(kr_method_name((kr_method_e)m), method) == 0) return 1;
    return kind != KR_FLOW_SETTINGS;
}

/* The button alone is enough; a form that names another method is that one's. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *method = kr_body_str(body, "method");

    if (method && *method && is_anothers(method, kind)) return 0;
    return kind == KR_FLOW_SETTINGS ? is_sent(body, "link") || is_sent(body, "unlink") : is_sent(body, "provider");
}

/* What was typed beside the button: of a sign-up, or of a login that becomes one. NULL: nothing. */
static kr_err_t *typed_traits(const json_t **out, kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    const json_t *sent = json_object_get(body->json, "traits");
    json_t *decoded;

    *out = NULL;
    if (sent && !body->is_form && !json_is_object(sent) && !json_is_null(sent)) return kr_err(k, 400, NULL, "traits is no JSON object");
    kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), body->json, body->is_form);
    *out = json_object_get(decoded, "traits");
    return NULL;
}

/* Empty objects are what a form makes of fields that it does not have. */
static int says_something(const json_t *what)
{
    const char *name;
    json_t *value;

    if (!json_is_object(what)) return what != NULL;
    json_object_foreach((json_t *)what, name, value) if (says_something(value)) return 1;
    return 0;
}

/* @return 1 when that is something else than before */
static int remember(kr_flow_t *flow, const char *name, const json_t *what)
{
    json_t *before = json_object_get(flow->internal, name);

    if (!says_something(what)) return json_object_del(flow->internal, name) == 0;
    if (before && json_equal(before, what)) return 0;
    json_object_set_new(flow->internal, name, json_deep_copy(what));
    return 1;
}

/* An app, or a script of the provider's, has got the ID token by itself. */
static kr_err_t *take_id_token(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const kr_body_t *body)
{
    kr_provider_person_t person;
    const json_t *traits;
    kr_err_t *err;

    KR_TRY(typed_traits(&traits, k, flow, body));
    if (!kr_provider_takes_id_token(provider))
        return kr_err(k, 502, "upstream_error", "this provider takes no ID tokens that were got elsewhere");
    kr_db_release(k);
    err = kr_provider_id_token(&person, k, provider, kr_body_str(body, "id_token"), kr_body_str(body, "id_token_nonce"));
    if (err) kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "oidc", .site = provider->id, .reason = "token" });
    KR_TRY(err);
    return kr_oidc_outcome(out, k, flow, provider, &person, traits);
}

/* Nobody is sent there; but what it said may wait in a form that asks for the rest. */
static kr_err_t *take_told(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const kr_body_t *body)
{
    kr_provider_person_t person;
    const json_t *traits;

    KR_TRY(typed_traits(&traits, k, flow, body));
    KR_TRY(kr_oidc_take_told(&person, k, flow, provider));
    flow->in_round = 1;
    return kr_oidc_outcome(out, k, flow, provider, &person, traits);
}

static kr_err_t *press(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_oidc_provider_conf_t *provider = kr_oidc_provider(k, kr_body_str(body, "provider"));
    const json_t *traits;
    int changed;

    if (!provider) return kr_err(k, 404, NULL, "there is no such provider here");
    if (provider->fedcm_alone) return take_told(out, k, flow, provider, body);
    if (is_sent(body, "id_token")) return take_id_token(out, k, flow, provider, body);
    KR_TRY(typed_traits(&traits, k, flow, body));
    changed = remember(flow, KR_OIDC_TRAITS, traits);
    changed |= remember(flow, KR_OIDC_TRANSIENT, flow->transient_payload);
    KR_TRY(kr_oidc_leave(out, k, flow, provider, body));
    if (flow->kind == KR_FLOW_LOGIN) flow->active = "oidc"; /* of a registration not, as clients know it */
    /* the state has all else; that this browser has left is told by its cookie (kr_flow_load) */
    out->go.stored = !flow->api && !changed;
    return NULL;
}

const kr_method_t kr_method_oidc = {
    .id = KR_METHOD_OIDC,
    .on = is_on,
    .takes = takes,
    .aal = kr_reaches_first,
    .show = { [KR_ASK_FIRST] = show_login, [KR_ASK_IDENTIFIER] = show_login, [KR_ASK_REFRESH] = show_refresh,
              [KR_ASK_SIGN_UP] = show_registration, [KR_ASK_PROFILE] = show_registration, [KR_ASK_CREDENTIAL] = show_registration,
              [KR_ASK_CHANGE] = kr_oidc_show_settings },
    .submit = { [KR_FLOW_LOGIN] = press, [KR_FLOW_REGISTRATION] = press, [KR_FLOW_SETTINGS] = kr_oidc_change },
    .resume = kr_oidc_resume,
};
