/* SPDX-License-Identifier: Apache-2.0 */
/* Security keys: a second factor, or, where the settings say so, a first one that is asked for by name. Browsers only. */
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

#define GROUP "webauthn"

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_WEBAUTHN] &&
           (kind == KR_FLOW_LOGIN || kind == KR_FLOW_SETTINGS || (kind == KR_FLOW_REGISTRATION && settings->webauthn_passwordless));
}

/* What the settings say is of new keys: those that people have already stay what they are, and confirm a sign-in as that. */
static unsigned levels(const kr_settings_t *settings)
{
    (void)settings;
    return KR_REACHES(KR_AAL2) | KR_REACHES(KR_AAL1);
}

/* Whoever signs in by a key and nothing else is asked for it only where that is meant to be. */
static int asks_nobody(kr_ctx_t *k, const kr_flow_t *flow)
{
    return flow->api || (!k->realm->settings->webauthn_passwordless && !flow->refresh);
}

static const kr_webauthn_conf_t *conf_of(kr_ctx_t *k)
{
    return &k->realm->settings->webauthn;
}

/* Which keys the flow asks for: 1 those that are first factors, 0 the others. */
static int is_first(const kr_flow_t *flow)
{
    return flow->requested_aal != KR_AAL2;
}

static const char *sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value ? value : NULL;
}

/* -- sign-in: the form ---------------------------------------------------------- */

static kr_err_t *show_known(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t choose = { .name = "method", .type = "submit", .value = GROUP, .label = 1010008 };

    if (!asks_nobody(k, flow) && !kr_node_find_value(flow, "method", GROUP)) kr_node_add(k, flow, GROUP, &choose);
    return NULL;
}

static kr_err_t *show_first(kr_ctx_t *k, kr_flow_t *flow)
{
    if (asks_nobody(k, flow)) return NULL;
    if (!kr_node_find(flow, "identifier")) kr_node_identifier(k, flow, "default", NULL);
    kr_node_set(kr_node_find(flow, "identifier"), "autocomplete", json_string("username webauthn"));
    return show_known(k, flow);
}

/* The button that asks these keys. @param label of it */
static void put_trigger(kr_ctx_t *k, kr_flow_t *flow, const kr_keyring_t *ring, int label)
{
    kr_node_spec_t trigger = { .name = "webauthn_login_trigger", .type = "button", .onclick = "oryWebAuthnLogin", .label = label };
    kr_asked_t asked;

    if (!kr_key_asked(&asked, k, flow, GROUP)) kr_key_ask(&asked, k, flow, GROUP, (kr_bytes_t){ NULL, 0 });
    trigger.value = kr_json_dump(k->pool, kr_json_own(k->pool, kr_key_request(k, conf_of(k), &asked, ring, is_first(flow))), NULL);
    kr_node_put(k, flow, GROUP, &trigger);
}

static void put_question(kr_ctx_t *k, kr_flow_t *flow, const kr_keyring_t *ring, const kr_node_spec_t *identifier, int label)
{
    static const kr_node_spec_t answer = { .name = "webauthn_login", .type = "hidden", .value = "" };

    kr_node_put(k, flow, "default", identifier);
    if (!kr_node_find(flow, "csrf_token")) kr_node_csrf(k, flow);
    kr_key_script(k, flow);
    put_trigger(k, flow, ring, label);
    kr_node_put(k, flow, GROUP, &answer);
}

static int has_any(const kr_keyring_t *ring, int passwordless)
{
    for (int i = 0; i < ring->keys->nelts; i++)
        if (APR_ARRAY_IDX(ring->keys, i, kr_held_key_t).passwordless == passwordless) return 1;
    return 0;
}

/* What clients send back beside the answer; where no trait names the key's owner, what names the account. */
static const char *identifier_of(const kr_identity_t *identity, const kr_credential_t *credential)
{
    const kr_credential_t *password = kr_identity_credential(identity, "password");

    if (credential->identifiers->nelts) return APR_ARRAY_IDX(credential->identifiers, 0, const char *);
    if (password && password->identifiers->nelts) return APR_ARRAY_IDX(password->identifiers, 0, const char *);
    return identity->id;
}

/* Of who is signed in: as a second factor, or once more as the first. */
static kr_err_t *show_own(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_node_spec_t identifier = { .name = "identifier", .type = "hidden" };
    const kr_credential_t *credential;
    kr_identity_t *identity;
    kr_session_t *session;
    kr_keyring_t ring;

    KR_TRY(kr_session_current(&session, k));
    if (flow->api || !session) return NULL;
    KR_TRY(kr_session_whole(&session, &identity, k));
    credential = kr_identity_credential(identity, GROUP);
    KR_TRY(kr_keyring_read(&ring, k, credential));
    if (!credential || !has_any(&ring, is_first(flow))) return NULL;
    identifier.value = identifier_of(identity, credential);
    put_question(k, flow, &ring, &identifier, 1010008);
    return NULL;
}

/* -- sign-in: the answer --------------------------------------------------------- */

static kr_err_t *ask_again(kr_ctx_t *k, kr_flow_t *flow);

static kr_key_form_t form_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    return (kr_key_form_t){ .id = KR_METHOD_WEBAUTHN, .field = "webauthn_login", .conf = conf_of(k), .passwordless = is_first(flow),
                            .again = ask_again };
}

/* Whom the form is for: of a first factor whoever was named, else who is signed in. */
static kr_err_t *find_owner(kr_identity_t **identity, const kr_credential_t **credential, kr_ctx_t *k, const kr_flow_t *flow,
                            const char *named)
{
    kr_session_t *session;

    *identity = NULL;
    if (!is_first(flow)) KR_TRY(kr_session_whole(&session, identity, k));
    else if (named) KR_TRY(kr_identity_by_identifier(identity, k, GROUP, named));
    *credential = *identity ? kr_identity_credential(*identity, GROUP) : NULL;
    return NULL;
}

static kr_err_t *ask_again(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *named = kr_json_str(kr_node_find(flow, "identifier"), "attributes.value");
    json_t *trigger = kr_node_find(flow, "webauthn_login_trigger");
    const json_t *label = kr_json_at(trigger, "meta.label.id");
    const kr_credential_t *credential;
    kr_identity_t *identity;
    kr_keyring_t ring;

    KR_TRY(find_owner(&identity, &credential, k, flow, named));
    KR_TRY(kr_keyring_read(&ring, k, credential));
    if (trigger && credential) put_trigger(k, flow, &ring, (int)json_integer_value(label));
    return NULL;
}

static kr_err_t *prove(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_key_form_t form = form_of(k, flow);
    const char *answer = sent(body, form.field), *named = sent(body, "identifier");
    kr_webauthn_assertion_t assertion;
    const kr_credential_t *credential;
    kr_identity_t *identity;

    if (answer && !named) {
        kr_key_forget(flow, &form);
        kr_field_missing(k, flow, "identifier");
        return kr_err_show_flow(k);
    }
    KR_TRY(kr_key_read(&assertion, k, flow, &form, answer ? answer : ""));
    KR_TRY(find_owner(&identity, &credential, k, flow, named));
    if (!credential) return kr_key_unknown(k, flow, &form, named);
    return kr_key_prove(out, k, flow, &form, identity, credential, &assertion);
}

static kr_err_t *second(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return flow->api ? kr_methods_none(k, flow) : prove(out, k, flow, body);
}

/* Who it is, was said: the form asks their keys. */
static kr_err_t *name_self(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *named)
{
    const kr_node_spec_t identifier = { .name = "identifier", .type = "hidden", .value = named, .required = 1 };
    const kr_key_form_t form = form_of(k, flow);
    const kr_credential_t *credential;
    kr_identity_t *identity;
    kr_keyring_t ring;

    KR_TRY(find_owner(&identity, &credential, k, flow, named));
    KR_TRY(kr_keyring_read(&ring, k, credential));
    if (!has_any(&ring, 1)) return kr_key_refuse(k, flow, &form, 4000015);
    flow->nodes = kr_json_own(k->pool, json_array());
    kr_key_forget_asked(flow, GROUP);
    put_question(k, flow, &ring, &identifier, 1010013);
    if (flow->refresh) kr_flow_message(k, flow, 1010003, NULL);
    kr_flow_message(k, flow, 1010012, NULL);
    return kr_outcome_go(out, kr_flow_ui_url(k, flow));
}

static kr_err_t *first(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *named = sent(body, "identifier");

    if (asks_nobody(k, flow)) return kr_methods_none(k, flow);
    if (sent(body, "webauthn_login")) return prove(out, k, flow, body);
    if (named) return name_self(out, k, flow, named);
    kr_field_missing(k, flow, "identifier");
    return kr_err_show_flow(k);
}

/* -- a new key --------------------------------------------------------------------- */

static const kr_node_spec_t NAME = { .name = "webauthn_register_displayname", .type = "text", .value = "", .label = 1050013 };
static const kr_node_spec_t MADE = { .name = "webauthn_register", .type = "hidden", .value = "" };

static void put_creation(kr_ctx_t *k, kr_flow_t *flow, const kr_asked_t *asked, const kr_keyring_t *exclude, int label)
{
    kr_node_spec_t trigger = { .name = "webauthn_register_trigger", .type = "button", .onclick = "oryWebAuthnRegistration", .label = label };

    trigger.value = kr_json_dump(k->pool, kr_json_own(k->pool, kr_key_creation(k, conf_of(k), asked, conf_of(k)->rp_name, exclude, 0)),
                                 NULL);
    kr_node_put(k, flow, GROUP, &NAME);
    kr_node_put(k, flow, GROUP, &trigger);
    kr_key_script(k, flow);
    kr_node_put(k, flow, GROUP, &MADE);
}

/* The 16 bytes of a UUID. */
static kr_bytes_t uuid_bytes(kr_ctx_t *k, const char *uuid)
{
    unsigned char *at = apr_pcalloc(k->pool, 16);
    int digits = 0;

    for (; *uuid && digits < 32; uuid++) {
        const int value = kr_is_digit(*uuid) ? *uuid - '0' : (*uuid | 0x20) - 'a' + 10;

        if (*uuid == '-') continue;
        at[digits / 2] = (unsigned char)(at[digits / 2] << 4 | (value & 15));
        digits++;
    }
    return (kr_bytes_t){ at, 16 };
}

static kr_err_t *show_credential(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_asked_t asked;

    if (flow->api) return NULL;
    if (!kr_key_asked(&asked, k, flow, GROUP)) kr_key_ask(&asked, k, flow, GROUP, uuid_bytes(k, kr_uuid(k)));
    put_creation(k, flow, &asked, NULL, 1040004);
    return NULL;
}

static kr_err_t *show_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    if (flow->api) return NULL;
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    return show_credential(k, flow);
}

static kr_err_t *sign_up(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    if (flow->api) return kr_methods_none(k, flow);
    return kr_key_register(out, k, flow, body, conf_of(k), kr_body_str(body, MADE.name), kr_body_str(body, NAME.name), KR_METHOD_WEBAUTHN);
}

/* -- settings -------------------------------------------------------------------- */

static const kr_key_change_t CHANGE = { .id = KR_METHOD_WEBAUTHN, .add = "webauthn_register", .remove = "webauthn_remove",
                                        .name = "webauthn_register_displayname", .label = 1050018 };

static kr_err_t *show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_identity_t *identity;
    kr_session_t *session;
    kr_keyring_t ring;
    kr_asked_t asked;

    if (flow->api) return NULL;
    KR_TRY(kr_session_whole(&session, &identity, k));
    KR_TRY(kr_keyring_read(&ring, k, kr_identity_credential(identity, GROUP)));
    kr_key_buttons(k, flow, &CHANGE, identity, &ring);
    kr_key_ask(&asked, k, flow, GROUP, uuid_bytes(k, identity->id));
    put_creation(k, flow, &asked, &ring, 1050012);
    return NULL;
}

static kr_err_t *change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return flow->api ? kr_methods_none(k, flow) : kr_key_change(out, k, flow, body, &CHANGE);
}

static kr_err_t *resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    return kr_key_resume(out, k, flow, parked, &CHANGE);
}

/* -- the method -------------------------------------------------------------------- */

static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *method = kr_body_str(body, "method");

    if (kind == KR_FLOW_SETTINGS) return kr_key_changes(body, &CHANGE);
    if (kind == KR_FLOW_REGISTRATION) return sent(body, MADE.name) != NULL;
    return sent(body, "webauthn_login") || (method && strcmp(method, GROUP) == 0);
}

const kr_method_t kr_method_webauthn = {
    .id = KR_METHOD_WEBAUTHN,
    .on = is_on,
    .aal = levels,
    .takes = takes,
    .show = { [KR_ASK_FIRST] = show_first, [KR_ASK_KNOWN] = show_known, [KR_ASK_REFRESH] = show_own, [KR_ASK_SECOND] = show_own,
              [KR_ASK_SIGN_UP] = show_sign_up, [KR_ASK_CREDENTIAL] = show_credential, [KR_ASK_CHANGE] = show_settings },
    .submit = { [KR_FLOW_LOGIN] = first, [KR_FLOW_REGISTRATION] = sign_up, [KR_FLOW_SETTINGS] = change },
    .second = second,
    .resume = resume,
};
