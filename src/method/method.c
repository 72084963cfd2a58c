/* SPDX-License-Identifier: Apache-2.0 */
/* The list of methods, and what they share. A new method is one new file and one line here. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

const kr_method_t *const kr_methods[] = {
    &kr_method_profile,
    &kr_method_password,
    &kr_method_oidc,
    &kr_method_code,
    &kr_method_link,
    &kr_method_totp,
    &kr_method_passkey,
    &kr_method_webauthn,
    &kr_method_lookup,
    &kr_method_identifier_first,
    NULL,
};

/* The message of a submit that no method takes. */
static const int NO_STRATEGY[KR_FLOW_KINDS] = {
    [KR_FLOW_LOGIN] = 4010002,
    [KR_FLOW_REGISTRATION] = 4010003,
    [KR_FLOW_SETTINGS] = 4010004,
    [KR_FLOW_RECOVERY] = 4010005,
    [KR_FLOW_VERIFICATION] = 4010006,
};

/* -- what is asked, and who answers ---------------------------------------- */

static int is_second(const kr_flow_t *flow)
{
    return flow->requested_aal == KR_AAL2;
}

kr_ask_e kr_ask_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    static const kr_ask_e others[KR_FLOW_KINDS] = {
        [KR_FLOW_SETTINGS] = KR_ASK_CHANGE, [KR_FLOW_RECOVERY] = KR_ASK_RECOVERY, [KR_FLOW_VERIFICATION] = KR_ASK_VERIFICATION,
    };
    const kr_settings_t *conf = k->realm->settings;

    if (flow->kind == KR_FLOW_REGISTRATION) return kr_method_profile.on(conf, flow->kind) ? KR_ASK_PROFILE : KR_ASK_SIGN_UP;
    if (flow->kind != KR_FLOW_LOGIN) return others[flow->kind];
    if (is_second(flow)) return KR_ASK_SECOND;
    if (flow->refresh) return KR_ASK_REFRESH;
    return conf->login_identifier_first ? KR_ASK_IDENTIFIER : KR_ASK_FIRST;
}

unsigned kr_reaches_first(const kr_settings_t *settings)
{
    (void)settings;
    return KR_REACHES(KR_AAL1);
}

unsigned kr_reaches_second(const kr_settings_t *settings)
{
    (void)settings;
    return KR_REACHES(KR_AAL2);
}

/* May it answer to a login at this level? What proves nothing, as the question who it is, goes before the first. */
static int reaches(kr_ctx_t *k, const kr_method_t *m, const kr_flow_t *flow)
{
    const unsigned levels = m->aal ? m->aal(k->realm->settings) : KR_REACHES(KR_AAL1);

    return flow->kind != KR_FLOW_LOGIN || (levels & KR_REACHES(is_second(flow) ? KR_AAL2 : KR_AAL1));
}

int kr_methods_answer(kr_ctx_t *k, const kr_flow_t *flow, kr_ask_e ask)
{
    for (int i = 0; kr_methods[i]; i++)
        if (kr_methods[i]->show[ask] && kr_methods[i]->on(k->realm->settings, flow->kind) && reaches(k, kr_methods[i], flow)) return 1;
    return 0;
}

kr_err_t *kr_methods_offer(kr_ctx_t *k, kr_flow_t *flow, kr_ask_e ask, const apr_array_header_t *types)
{
    for (int i = 0; kr_methods[i]; i++) {
        const kr_method_t *m = kr_methods[i];

        if (!m->show[ask] || !m->on(k->realm->settings, flow->kind) || !reaches(k, m, flow)) continue;
        if (types && !kr_texts_have(types, kr_method_name(m->id))) continue;
        KR_TRY(m->show[ask](k, flow));
    }
    return NULL;
}

/* Elsewhere the method puts the anti-CSRF token where it belongs; an app's form of second factors has it with one of them or not at all. */
static int has_token_first(const kr_flow_t *flow)
{
    if (flow->kind == KR_FLOW_LOGIN) return !flow->api || !is_second(flow);
    return flow->kind == KR_FLOW_REGISTRATION || flow->kind == KR_FLOW_SETTINGS;
}

kr_err_t *kr_methods_show(kr_ctx_t *k, kr_flow_t *flow)
{
    /* a flow for an organisation offers that organisation's sign-in and nothing else; we have none */
    if (flow->organization_id) {
        if (!flow->api) kr_node_csrf(k, flow);
        return NULL;
    }
    if (has_token_first(flow)) kr_node_csrf(k, flow);
    KR_TRY(kr_methods_offer(k, flow, kr_ask_of(k, flow), NULL));
    kr_nodes_sort(k, flow);
    return NULL;
}

/* -- who takes a submit ---------------------------------------------------- */

static int is_sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value;
}

/* Of a login that no method took by its name: the button of an address is code's, whatever else is the first screen's. */
static const kr_method_t *method_of_login(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    const kr_settings_t *conf = k->realm->settings;

    if (is_sent(body, "address") && kr_method_code.on(conf, flow->kind) && kr_code_by_address(k, flow)) return &kr_method_code;
    return kr_method_identifier_first.on(conf, flow->kind) ? &kr_method_identifier_first : NULL;
}

static const kr_method_t *method_of(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    const char *name = kr_body_str(body, "method");

    for (int i = 0; kr_methods[i]; i++) {
        const kr_method_t *m = kr_methods[i];

        if (!m->submit[flow->kind] || !m->on(k->realm->settings, flow->kind) || !reaches(k, m, flow)) continue;
        if (m->takes ? m->takes(body, flow->kind) : name && strcmp(name, kr_method_name(m->id)) == 0) return m;
    }
    if (flow->kind == KR_FLOW_LOGIN) return method_of_login(k, flow, body);
    /* what misses in the profile is said before anything else, also to who names no method that there is */
    if (flow->kind == KR_FLOW_REGISTRATION && kr_method_profile.on(k->realm->settings, flow->kind)) return &kr_method_profile;
    return NULL;
}

kr_err_t *kr_methods_none(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_flow_message(k, flow, NO_STRATEGY[flow->kind], NULL);
    return kr_err_show_flow(k);
}

/* Stored as sent, shown once, handed to hooks; an object or nothing. */
kr_err_t *kr_methods_transient(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    json_t *payload = json_object_get(body->json, "transient_payload");
    const char *why;

    if (body->is_form && json_is_string(payload) && *json_string_value(payload)) {
        payload = kr_json_parse(k->pool, json_string_value(payload), json_string_length(payload), &why);
        if (!payload) return kr_err(k, 400, NULL, "transient_payload: %s", why);
    }
    if (payload && !json_is_null(payload) && !json_is_object(payload) && !body->is_form)
        return kr_err(k, 400, NULL, "transient_payload is no JSON object");
    flow->transient_payload = json_is_object(payload) ? payload : NULL;
    return NULL;
}

static kr_err_t *switched_off(kr_ctx_t *k, kr_method_e id)
{
    return kr_err(k, 404, NULL, "the method %s is switched off here", kr_method_name(id));
}

/* What goes by its fields need not be named. A new security key is asked for its name first, and apps have none, as clients know it. */
static kr_err_t *refuse_fields(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    for (int i = 0; kr_methods[i]; i++) {
        const kr_method_t *m = kr_methods[i];

        if (!m->takes || !m->submit[flow->kind] || m->on(k->realm->settings, flow->kind) || !m->takes(body, flow->kind)) continue;
        if (m->id != KR_METHOD_WEBAUTHN) return switched_off(k, m->id);
        if (flow->api) continue;
        if (is_sent(body, "webauthn_register") && !is_sent(body, "webauthn_register_displayname")) {
            kr_field_missing(k, flow, "webauthn_register_displayname");
            return kr_err_show_flow(k);
        }
        return switched_off(k, m->id);
    }
    return NULL;
}

/* Settings, and a sign-in that asks for a second factor, tell a method that is switched off from one that does not exist. */
static kr_err_t *refuse_disabled(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    static const kr_method_e of_settings[] = { KR_METHOD_OIDC, KR_METHOD_TOTP, KR_METHOD_PASSKEY,
                                               KR_METHOD_LOOKUP_SECRET, KR_METHOD_PASSWORD, KR_METHOD_PROFILE };
    static const kr_method_e of_second[] = { KR_METHOD_TOTP, KR_METHOD_LOOKUP_SECRET };
    const int settings = flow->kind == KR_FLOW_SETTINGS;
    const kr_method_e *methods = settings ? of_settings : of_second;
    const int n = settings ? KR_DIM(of_settings) : is_second(flow) ? KR_DIM(of_second) : 0;
    const char *name = kr_body_str(body, "method");

    for (int i = 0; name && i < n; i++)
        if (strcmp(name, kr_method_name(methods[i])) == 0 && !k->realm->settings->method_enabled[methods[i]]) return switched_off(k, methods[i]);
    return settings ? refuse_fields(k, flow, body) : NULL;
}

/* Who presses the button of a provider is told that there are none, whatever else the form could be taken for. */
static kr_err_t *refuse_button(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    const kr_method_t *m = &kr_method_oidc;

    if (flow->kind != KR_FLOW_LOGIN && flow->kind != KR_FLOW_REGISTRATION) return NULL;
    return m->on(k->realm->settings, flow->kind) || !m->takes(body, flow->kind) ? NULL : switched_off(k, m->id);
}

kr_err_t *kr_methods_submit(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_method_t *m;
    kr_submit_fn *submit;

    memset(out, 0, sizeof(*out));
    kr_flow_forget_typed(flow);
    m = flow->organization_id ? NULL : method_of(k, flow, body);
    if (m && m->keep) m->keep(k, flow, body);
    KR_TRY(kr_csrf_check(k, flow, kr_body_str(body, "csrf_token")));
    KR_TRY(kr_methods_transient(k, flow, body));
    KR_TRY(refuse_button(k, flow, body));
    if (!m) KR_TRY(refuse_disabled(k, flow, body));
    submit = !m || !reaches(k, m, flow) ? NULL : is_second(flow) ? m->second : m->submit[flow->kind];
    if (!submit) return kr_methods_none(k, flow);
    out->method = m->id;
    k->method = 1 + (unsigned)m->id;
    return submit(out, k, flow, body);
}

kr_err_t *kr_methods_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const char *name = kr_json_str(parked, "method");

    memset(out, 0, sizeof(*out));
    for (int i = 0; name && kr_methods[i]; i++) {
        const kr_method_t *m = kr_methods[i];

        if (!m->resume || !m->on(k->realm->settings, flow->kind) || strcmp(name, kr_method_name(m->id)) != 0) continue;
        out->method = m->id;
        k->method = 1 + (unsigned)m->id;
        return m->resume(out, k, flow, parked);
    }
    return kr_err(k, 400, NULL, "there is nothing to go on with");
}

kr_err_t *kr_need_fresh_proof(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *base = k->realm->settings->base_url;
    const char *submit = kr_url_join(k->pool, base, apr_pstrcat(k->pool, "/self-service/settings?flow=", flow->id, NULL));
    const char *to = kr_url_join(k->pool, base, "/self-service/login/browser?refresh=true");
    kr_session_t *session;
    kr_err_t *err;

    KR_TRY(kr_session_need(&session, k, NULL));
    if (session->authenticated_at + k->realm->settings->settings_privileged_age > k->now) return NULL;
    err = kr_err(k, 403, "session_refresh_required", "the sign-in is too long ago for this change, please confirm it");
    return kr_err_extra(k, err, "redirect_browser_to", json_string(kr_url_with(k->pool, to, "return_to", submit)));
}

/* -- shared by methods ---------------------------------------------------- */

void kr_field_missing(kr_ctx_t *k, kr_flow_t *flow, const char *field)
{
    kr_node_message(k, flow, field, 4000002, json_pack("{s:s}", "property", field));
}

json_t *kr_node_identifier(kr_ctx_t *k, kr_flow_t *flow, const char *group, const char *autocomplete)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    kr_node_spec_t spec = { .name = "identifier", .type = "text", .value = "", .required = 1,
                            .autocomplete = autocomplete, .label = 1070004 };

    if (schema->identifier_title) {
        spec.label = 1070002;
        spec.label_context = json_pack("{s:s, s:s}", "title", schema->identifier_title, "name", schema->identifier_name);
    }
    return kr_node_add(k, flow, group, &spec);
}

void kr_identity_add_credential(kr_ctx_t *k, kr_identity_t *identity, const char *type, const char *config,
                                apr_array_header_t *identifiers)
{
    kr_credential_t *c = apr_array_push(identity->credentials);

    *c = (kr_credential_t){ .id = kr_uuid(k), .type = type, .config = config, .identifiers = identifiers,
                            .created_at = k->now, .updated_at = k->now };
}
