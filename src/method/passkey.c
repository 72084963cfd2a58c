/* SPDX-License-Identifier: Apache-2.0 */
/* Passkeys: the authenticator keeps them and finds them without a name. Making and removing them: passkey_new.c. */
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

#define GROUP "passkey"

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_PASSKEY] &&
           (kind == KR_FLOW_LOGIN || kind == KR_FLOW_REGISTRATION || kind == KR_FLOW_SETTINGS);
}

static const kr_webauthn_conf_t *conf_of(kr_ctx_t *k)
{
    return &k->realm->settings->passkey;
}

static const char *sent(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return value && *value ? value : NULL;
}

/* -- sign-in: the form ---------------------------------------------------------- */

static void put_challenge(kr_ctx_t *k, kr_flow_t *flow, const kr_keyring_t *ring)
{
    kr_node_spec_t node = { .name = "passkey_challenge", .type = "hidden" };
    kr_asked_t asked;

    if (!kr_key_asked(&asked, k, flow, GROUP)) kr_key_ask(&asked, k, flow, GROUP, (kr_bytes_t){ NULL, 0 });
    node.value = kr_json_dump(k->pool, kr_json_own(k->pool, kr_key_request(k, conf_of(k), &asked, ring, -1)), NULL);
    kr_node_put(k, flow, GROUP, &node);
}

static void put_answer(kr_ctx_t *k, kr_flow_t *flow, int waits)
{
    const kr_node_spec_t node = { .name = "passkey_login", .type = "hidden", .onload = waits ? "oryPasskeyLoginAutocompleteInit" : NULL };

    kr_node_put(k, flow, GROUP, &node);
}

static kr_err_t *put_trigger(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t trigger = { .name = "passkey_login_trigger", .type = "button", .value = "", .onclick = "oryPasskeyLogin",
                                            .label = 1010021 };

    kr_node_put(k, flow, GROUP, &trigger);
    return NULL;
}

/* What waits in the autocompletion of the field where people type who they are. */
static kr_err_t *show_waiting(kr_ctx_t *k, kr_flow_t *flow)
{
    json_t *identifier = kr_node_find(flow, "identifier");

    if (identifier) kr_node_set(identifier, "autocomplete", json_string("username webauthn"));
    put_challenge(k, flow, NULL);
    kr_key_script(k, flow);
    put_answer(k, flow, 1);
    return NULL;
}

static kr_err_t *show_first(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!kr_node_find(flow, "identifier")) kr_node_identifier(k, flow, "default", NULL);
    KR_TRY(show_waiting(k, flow));
    return put_trigger(k, flow);
}

kr_err_t *kr_passkey_own(kr_keyring_t *ring, kr_identity_t **identity, kr_ctx_t *k)
{
    kr_session_t *session;

    KR_TRY(kr_session_whole(&session, identity, k));
    return kr_keyring_read(ring, k, kr_identity_credential(*identity, GROUP));
}

static kr_err_t *show_refresh(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_node_spec_t identifier = { .name = "identifier", .type = "hidden" };
    kr_identity_t *identity;
    kr_session_t *session;
    kr_keyring_t ring;
    const char *name;

    KR_TRY(kr_session_current(&session, k));
    if (!session) return NULL;
    KR_TRY(kr_passkey_own(&ring, &identity, k));
    name = kr_passkey_name(k, identity);
    identifier.value = name ? name : "";
    if (!ring.keys->nelts) return NULL;
    put_challenge(k, flow, &ring);
    kr_key_script(k, flow);
    put_answer(k, flow, 0);
    kr_node_put(k, flow, "default", &identifier);
    return put_trigger(k, flow);
}

/* -- sign-in: the answer --------------------------------------------------------- */

static kr_err_t *ask_again(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    kr_identity_t *identity;
    kr_keyring_t ring;

    KR_TRY(kr_session_current(&session, k));
    if (!flow->refresh || !session) {
        put_challenge(k, flow, NULL);
        return NULL;
    }
    KR_TRY(kr_passkey_own(&ring, &identity, k));
    put_challenge(k, flow, &ring);
    return NULL;
}

/* The button without an answer, as where no script runs: browsers see the form once more, an app has none. */
static kr_err_t *begin(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow)
{
    if (!flow->api) {
        if (flow->refresh) kr_flow_message(k, flow, 1010003, NULL);
        return kr_outcome_go(out, kr_flow_ui_url(k, flow));
    }
    kr_field_missing(k, flow, "passkey_login");
    return kr_err_show_flow(k);
}

/* By the handle that the passkey was made for; a security key that knows a handle signs in here, too, and is found by itself. */
static kr_err_t *find_owner(kr_identity_t **out, const kr_credential_t **credential, kr_ctx_t *k, const kr_webauthn_assertion_t *assertion)
{
    const kr_bytes_t named = assertion->user_handle;
    const kr_held_key_t *held;
    kr_keyring_t ring;
    kr_bytes_t owner;

    *out = NULL;
    if (!named.len || named.len > KR_PASSKEY_HANDLE) return NULL;
    KR_TRY(kr_identity_by_identifier(out, k, GROUP, kr_key_handle(k->pool, named)));
    if (*out) {
        *credential = kr_identity_credential(*out, GROUP);
        return NULL;
    }
    KR_TRY(kr_identity_by_key(out, credential, k, kr_base64(k->pool, assertion->id.at, assertion->id.len)));
    if (!*out) return NULL;
    KR_TRY(kr_keyring_read(&ring, k, *credential));
    held = kr_keyring_find(&ring, assertion->id);
    owner = held ? kr_key_made_for(&ring, held) : ring.user_handle;
    if (owner.len != named.len || memcmp(owner.at, named.at, owner.len) != 0) *out = NULL;
    return NULL;
}

static kr_err_t *take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_key_form_t form = { .id = KR_METHOD_PASSKEY, .field = "passkey_login", .conf = conf_of(k), .passwordless = 1,
                                 .again = ask_again };
    const kr_credential_t *credential = NULL;
    kr_webauthn_assertion_t assertion;
    kr_identity_t *identity;

    if (!sent(body, form.field)) return begin(out, k, flow);
    KR_TRY(kr_key_read(&assertion, k, flow, &form, kr_body_str(body, form.field)));
    KR_TRY(find_owner(&identity, &credential, k, &assertion));
    if (!identity) return kr_key_unknown(k, flow, &form, NULL);
    return kr_key_prove(out, k, flow, &form, identity, credential, &assertion);
}

/* -- the method -------------------------------------------------------------------- */

/* By its fields, whatever `method` says: scripts send the form without a button. "true" is what a React form sends for an empty one. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *method = kr_body_str(body, "method"), *made = sent(body, "passkey_register");

    if (kind == KR_FLOW_SETTINGS) return kr_key_changes(body, &kr_passkey_change);
    if (kind == KR_FLOW_REGISTRATION) return made && strcmp(made, "true") != 0;
    return sent(body, "passkey_login") || (method && strcmp(method, GROUP) == 0);
}

const kr_method_t kr_method_passkey = {
    .id = KR_METHOD_PASSKEY,
    .on = is_on,
    .aal = kr_reaches_first,
    .takes = takes,
    .show = { [KR_ASK_FIRST] = show_first, [KR_ASK_IDENTIFIER] = show_waiting, [KR_ASK_KNOWN] = put_trigger, [KR_ASK_REFRESH] = show_refresh,
              [KR_ASK_SIGN_UP] = kr_passkey_show_sign_up, [KR_ASK_CREDENTIAL] = kr_passkey_show_credential,
              [KR_ASK_CHANGE] = kr_passkey_show_settings },
    .submit = { [KR_FLOW_LOGIN] = take, [KR_FLOW_REGISTRATION] = kr_passkey_sign_up, [KR_FLOW_SETTINGS] = kr_passkey_take_settings },
    .resume = kr_passkey_resume,
};
