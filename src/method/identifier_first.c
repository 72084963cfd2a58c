/* SPDX-License-Identifier: Apache-2.0 */
/* The first screen of identifier-first login: who are you? Then every method that this account has offers itself. Where a code is
 * the only way in, it is sent at once; with mitigation, that is to say for everybody, and nothing tells who gets one. */
#include <string.h>

#include "kr_json.h"
#include "kr_oidc.h"
#include "kr_text.h"
#include "method.h"

static const kr_node_spec_t NEXT = { .name = "method", .type = "submit", .value = "identifier_first", .label = 1070009 };

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return kind == KR_FLOW_LOGIN && settings->login_identifier_first;
}

static kr_err_t *show(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_node_identifier(k, flow, "identifier_first", "username webauthn");
    kr_node_add(k, flow, "identifier_first", &NEXT);
    return NULL;
}

/* It takes what no other method does, whatever that names (method.c). */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    (void)body;
    (void)kind;
    return 0;
}

/* What no button offers stays: a passkey of whomever waits in the autocompletion, whoever was named. */
static int is_button(const json_t *node)
{
    const char *group = kr_json_str(node, "group"), *type = kr_json_str(node, "attributes.type");

    if (strcmp(group, "passkey") != 0 && strcmp(group, "webauthn") != 0) return 1;
    return type && (strcmp(type, "button") == 0 || strcmp(type, "submit") == 0);
}

/* Does it belong to a method that an account offers? */
static int is_offer(const json_t *node)
{
    const char *group = kr_json_str(node, "group");

    for (int i = 0; kr_methods[i]; i++)
        if (kr_methods[i]->show[KR_ASK_KNOWN] && strcmp(group, kr_method_name(kr_methods[i]->id)) == 0) return is_button(node);
    return 0;
}

/* What an earlier step offered may be another account's. */
static void forget_offers(kr_flow_t *flow)
{
    for (size_t i = json_array_size(flow->nodes); i-- > 0;)
        if (is_offer(json_array_get(flow->nodes, i))) json_array_remove(flow->nodes, i);
}

/* Buttons of providers stand there from the beginning: they count where the account has such a link. */
static int offers_any(const kr_flow_t *flow, int linked)
{
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node) if (is_offer(node)) return 1;
    return linked && kr_node_find(flow, "provider");
}

/* Does the form ask for nothing but a code? */
static int only_code(const kr_flow_t *flow)
{
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *group = kr_json_str(node, "group");

        if (strcmp(group, "code") != 0 && strcmp(group, "default") != 0 && strcmp(group, "identifier_first") != 0) return 0;
    }
    return kr_node_find_value(flow, "method", "code") != NULL;
}

/* The credentials found under a name. Where the settings want it, a code goes to whoever is known by an e-mail address. */
static kr_err_t *find_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier)
{
    const char *normal = kr_identifier_normalise(k->pool, identifier);

    *types = apr_array_make(k->pool, 1, sizeof(const char *));
    if (!normal) return NULL;
    KR_TRY(kr_identity_types(types, k, normal));
    if ((*types)->nelts && k->realm->settings->code_fallback && kr_address_normalise(k->pool, "email", normal))
        APR_ARRAY_PUSH(*types, const char *) = "code";
    return NULL;
}

static kr_err_t *nobody(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_node_message(k, flow, "identifier", 4000037, NULL);
    return kr_err_show_flow(k);
}

static kr_err_t *find_account(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_body_str(body, "identifier");
    const int mitigate = k->realm->settings->mitigate_enumeration;
    json_t *node = kr_node_find(flow, "identifier");
    apr_array_header_t *types;

    if (!identifier || !*identifier) {
        kr_field_missing(k, flow, "identifier");
        return kr_err_show_flow(k);
    }
    kr_node_set(node, "value", json_string(identifier));
    /* looked up even where the answer does not depend on it, so that time does not tell */
    KR_TRY(find_types(&types, k, identifier));
    if (!mitigate && !types->nelts) return nobody(k, flow);
    kr_node_set(node, "type", json_string("hidden"));
    kr_node_remove(flow, kr_node_find_value(flow, "method", "identifier_first"));
    forget_offers(flow);
    kr_node_csrf(k, flow); /* apps' forms that ask for a code have none */
    KR_TRY(kr_oidc_show_linked(k, flow, mitigate ? NULL : kr_identifier_normalise(k->pool, identifier)));
    KR_TRY(kr_methods_offer(k, flow, KR_ASK_KNOWN, mitigate ? NULL : types));
    flow->state = KR_STATE_CHOOSE_METHOD;
    if (!offers_any(flow, !mitigate && kr_texts_have(types, "oidc"))) { /* what this account has is switched off: the first screen again */
        kr_node_set(node, "type", json_string("text"));
        kr_node_add(k, flow, "identifier_first", &NEXT);
        return nobody(k, flow);
    }
    if (only_code(flow)) return kr_code_begin_login(out, k, flow, identifier);
    flow->active = "identifier_first";
    return kr_outcome_step(out);
}

const kr_method_t kr_method_identifier_first = {
    .id = KR_METHOD_IDENTIFIER_FIRST,
    .on = is_on,
    .takes = takes,
    .show = { [KR_ASK_IDENTIFIER] = show },
    .submit = { [KR_FLOW_LOGIN] = find_account },
};
