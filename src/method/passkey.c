/* SPDX-License-Identifier: Apache-2.0 */
/* Passkeys: the authenticator keeps them and finds them without a name. Sign-in, sign-up, and what the settings offer. */
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

#define GROUP "passkey"
#define HANDLE 64 /* characters of a user handle; section 5.4.3 allows 64 bytes */

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

/* -- what it is called -------------------------------------------------------- */

static int names_it(const kr_leaf_t *leaf)
{
    return leaf->passkey_display_name || leaf->webauthn_identifier;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Where the schema names no trait for it: what people sign in by is known to them, too. */
static int is_identifier(const kr_leaf_t *leaf)
{
    return leaf->password_identifier || leaf->code_identifier;
}

static int is_untitled(const kr_leaf_t *leaf)
{
    return !leaf->title;
}

static int is_named(const kr_leaf_t *leaf)
{
    return leaf->passkey_display_name;
}

static int is_key_identifier(const kr_leaf_t *leaf)
{
    return leaf->webauthn_identifier;
}

static int any_names_it(const kr_schema_t *schema)
{
    for (int i = 0; i < schema->leaves->nelts; i++)
        if (names_it(&APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t))) return 1;
    return 0;
}

/* The traits that name it: those that the schema says, else the first that has no title, as clients know it. */
static apr_array_header_t *name_fields(kr_ctx_t *k, const kr_flow_t *flow)
{
    static int (*const ways[])(const kr_leaf_t *) = { names_it, is_untitled, is_identifier };
    const apr_array_header_t *leaves = kr_flow_schema(k, flow)->leaves;
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(const char *));

    for (int way = 0; way < KR_DIM(ways) && !out->nelts; way++)
        for (int i = 0; i < leaves->nelts && !(way && out->nelts); i++) {
            const kr_leaf_t *leaf = &APR_ARRAY_IDX(leaves, i, const kr_leaf_t);

            if (ways[way](leaf)) APR_ARRAY_PUSH(out, const char *) = leaf->path;
        }
    if (out->nelts > 1) qsort(out->elts, (size_t)out->nelts, sizeof(const char *), by_text);
    return out;
}

/* The first value that such a trait has. */
static const char *value_of(const kr_schema_t *schema, const kr_identity_t *identity, int (*counts)(const kr_leaf_t *))
{
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);
        const char *value = counts(leaf) && strncmp(leaf->path, "traits.", 7) == 0 ? kr_json_str(identity->traits, leaf->path + 7) : NULL;

        if (value && *value) return value;
    }
    return NULL;
}

/* What the account's own traits call it; NULL when nothing does. */
static const char *display_name(kr_ctx_t *k, const kr_identity_t *identity)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);
    const char *name;

    if (!schema) return NULL;
    if (!any_names_it(schema)) return value_of(schema, identity, is_identifier);
    name = value_of(schema, identity, is_named);
    return name ? name : value_of(schema, identity, is_key_identifier);
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

static kr_err_t *own_keys(kr_keyring_t *ring, kr_identity_t **identity, kr_ctx_t *k)
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
    KR_TRY(own_keys(&ring, &identity, k));
    name = display_name(k, identity);
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
    KR_TRY(own_keys(&ring, &identity, k));
    put_challenge(k, flow, &ring);
    return NULL;
}

/* The button without an answer, as where no script runs: browsers see the form once more, an app has none. */
static kr_err_t *begin(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow)
{
    if (!flow->api) return kr_outcome_go(out, kr_flow_ui_url(k, flow));
    kr_field_missing(k, flow, "passkey_login");
    return kr_err_show_flow(k);
}

/* By the handle that the passkey was made for; a security key that knows a handle signs in here, too, and is found by itself. */
static kr_err_t *find_owner(kr_identity_t **out, const kr_credential_t **credential, kr_ctx_t *k, const kr_webauthn_assertion_t *assertion)
{
    kr_keyring_t ring;

    *out = NULL;
    if (!assertion->user_handle.len || assertion->user_handle.len > HANDLE) return NULL;
    KR_TRY(kr_identity_by_identifier(out, k, GROUP, kr_key_handle(k->pool, assertion->user_handle)));
    if (*out) {
        *credential = kr_identity_credential(*out, GROUP);
        return NULL;
    }
    KR_TRY(kr_identity_by_key(out, credential, k, kr_base64(k->pool, assertion->id.at, assertion->id.len)));
    if (!*out) return NULL;
    KR_TRY(kr_keyring_read(&ring, k, *credential));
    if (ring.user_handle.len != assertion->user_handle.len ||
        memcmp(ring.user_handle.at, assertion->user_handle.at, ring.user_handle.len) != 0)
        *out = NULL;
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
    if (!identity) return kr_key_refuse(k, flow, &form, 4000015);
    return kr_key_prove(out, k, flow, &form, identity, credential, &assertion);
}

/* -- sign-up --------------------------------------------------------------------- */

static kr_bytes_t new_handle(kr_ctx_t *k)
{
    return (kr_bytes_t){ (const unsigned char *)kr_random_alnum(k->pool, HANDLE), HANDLE };
}

static kr_err_t *show_credential(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t trigger = { .name = "passkey_register_trigger", .type = "button", .onclick = "oryPasskeyRegistration",
                                            .label = 1040007 };
    static const kr_node_spec_t answer = { .name = "passkey_register", .type = "hidden" };
    kr_node_spec_t data = { .name = "passkey_create_data", .type = "hidden" };
    const apr_array_header_t *fields = name_fields(k, flow);
    json_t *names = kr_json_own(k->pool, json_array());
    kr_asked_t asked;

    if (!fields->nelts) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0645) "registration %s: no trait of the schema names a passkey, so none is offered", flow->id);
        return NULL;
    }
    for (int i = 0; i < fields->nelts; i++) json_array_append_new(names, json_string(APR_ARRAY_IDX(fields, i, const char *)));
    if (!kr_key_asked(&asked, k, flow, GROUP)) kr_key_ask(&asked, k, flow, GROUP, new_handle(k));
    data.value = kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:o, s:s, s:O}", "credentialOptions",
                                                    kr_key_creation(k, conf_of(k), &asked, conf_of(k)->rp_name, NULL, 1),
                                                    "displayNameFieldName", APR_ARRAY_IDX(fields, 0, const char *),
                                                    "displayNameFieldNames", names), NULL);
    kr_node_put(k, flow, GROUP, &data);
    kr_node_put(k, flow, GROUP, &trigger);
    kr_key_script(k, flow);
    kr_node_put(k, flow, GROUP, &answer);
    return NULL;
}

static kr_err_t *show_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    return show_credential(k, flow);
}

static kr_err_t *sign_up(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return kr_key_register(out, k, flow, body, conf_of(k), kr_body_str(body, "passkey_register"), NULL, KR_METHOD_PASSKEY);
}

/* -- settings -------------------------------------------------------------------- */

static const kr_key_change_t CHANGE = { .id = KR_METHOD_PASSKEY, .add = "passkey_settings_register", .remove = "passkey_remove",
                                        .label = 1050020 };

static kr_err_t *show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t trigger = { .name = "passkey_register_trigger", .type = "button", .value = "",
                                            .onclick = "oryPasskeySettingsRegistration", .label = 1050019 };
    static const kr_node_spec_t answer = { .name = "passkey_settings_register", .type = "hidden" };
    kr_node_spec_t data = { .name = "passkey_create_data", .type = "hidden" };
    kr_identity_t *identity;
    const char *name;
    kr_keyring_t ring;
    kr_asked_t asked;

    KR_TRY(own_keys(&ring, &identity, k));
    kr_key_buttons(k, flow, &CHANGE, identity, &ring);
    name = display_name(k, identity);
    if (!name) {
        kr_flow_message(k, flow, 4000009, NULL);
        return NULL;
    }
    kr_key_ask(&asked, k, flow, GROUP, new_handle(k));
    data.value = kr_json_dump(k->pool, kr_json_own(k->pool, kr_key_creation(k, conf_of(k), &asked, name, &ring, 1)), NULL);
    kr_key_script(k, flow);
    kr_node_put(k, flow, GROUP, &trigger);
    kr_node_put(k, flow, GROUP, &answer);
    kr_node_put(k, flow, GROUP, &data);
    return NULL;
}

static kr_err_t *change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return kr_key_change(out, k, flow, body, &CHANGE);
}

static kr_err_t *resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    return kr_key_resume(out, k, flow, parked, &CHANGE);
}

/* -- the method -------------------------------------------------------------------- */

/* By its fields, whatever `method` says: scripts send the form without a button. "true" is what a React form sends for an empty one. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *method = kr_body_str(body, "method"), *made = sent(body, "passkey_register");

    if (kind == KR_FLOW_SETTINGS) return kr_key_changes(body, &CHANGE);
    if (kind == KR_FLOW_REGISTRATION) return made && strcmp(made, "true") != 0;
    return sent(body, "passkey_login") || (method && strcmp(method, GROUP) == 0);
}

const kr_method_t kr_method_passkey = {
    .id = KR_METHOD_PASSKEY,
    .on = is_on,
    .aal = kr_reaches_first,
    .takes = takes,
    .show = { [KR_ASK_FIRST] = show_first, [KR_ASK_IDENTIFIER] = show_waiting, [KR_ASK_KNOWN] = put_trigger, [KR_ASK_REFRESH] = show_refresh,
              [KR_ASK_SIGN_UP] = show_sign_up, [KR_ASK_CREDENTIAL] = show_credential, [KR_ASK_CHANGE] = show_settings },
    .submit = { [KR_FLOW_LOGIN] = take, [KR_FLOW_REGISTRATION] = sign_up, [KR_FLOW_SETTINGS] = change },
    .resume = resume,
};
