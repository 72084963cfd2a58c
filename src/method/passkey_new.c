/* SPDX-License-Identifier: Apache-2.0 */
/* A new passkey, at sign-up and in the settings, and what it is called there. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

#define GROUP "passkey"

static const kr_webauthn_conf_t *conf_of(kr_ctx_t *k)
{
    return &k->realm->settings->passkey;
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

/* The traits that name it: those that the schema says, else the first that has no title, as clients know it. */
static apr_array_header_t *name_fields(kr_ctx_t *k, const kr_flow_t *flow)
{
    static int (*const ways[])(const kr_leaf_t *) = { names_it, is_untitled };
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

/* What the account's own traits call it; NULL when nothing does. */
const char *kr_passkey_name(kr_ctx_t *k, const kr_identity_t *identity)
{
    const char *name = kr_traits_text(k, identity, is_named);

    return name ? name : kr_traits_text(k, identity, is_key_identifier);
}

/* -- sign-up --------------------------------------------------------------------- */

static kr_bytes_t new_handle(kr_ctx_t *k)
{
    return (kr_bytes_t){ (const unsigned char *)kr_random_alnum(k->pool, KR_PASSKEY_HANDLE), KR_PASSKEY_HANDLE };
}

kr_err_t *kr_passkey_show_credential(kr_ctx_t *k, kr_flow_t *flow)
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

kr_err_t *kr_passkey_show_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    return kr_passkey_show_credential(k, flow);
}

kr_err_t *kr_passkey_sign_up(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return kr_key_register(out, k, flow, body, conf_of(k), kr_body_str(body, "passkey_register"), NULL, KR_METHOD_PASSKEY);
}

/* -- settings -------------------------------------------------------------------- */

const kr_key_change_t kr_passkey_change = { .id = KR_METHOD_PASSKEY, .add = "passkey_settings_register", .remove = "passkey_remove",
                                        .label = 1050020 };

kr_err_t *kr_passkey_show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t trigger = { .name = "passkey_register_trigger", .type = "button", .value = "",
                                            .onclick = "oryPasskeySettingsRegistration", .label = 1050019 };
    static const kr_node_spec_t answer = { .name = "passkey_settings_register", .type = "hidden" };
    kr_node_spec_t data = { .name = "passkey_create_data", .type = "hidden" };
    kr_identity_t *identity;
    const char *name;
    kr_keyring_t ring;
    kr_asked_t asked;

    KR_TRY(kr_passkey_own(&ring, &identity, k));
    kr_key_buttons(k, flow, &kr_passkey_change, identity, &ring);
    name = kr_passkey_name(k, identity);
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

kr_err_t *kr_passkey_take_settings(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    return kr_key_change(out, k, flow, body, &kr_passkey_change);
}

kr_err_t *kr_passkey_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    return kr_key_resume(out, k, flow, parked, &kr_passkey_change);
}
