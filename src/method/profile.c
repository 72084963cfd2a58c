/* SPDX-License-Identifier: Apache-2.0 */
/* The profile method: at registration the first of two screens, which asks for the traits. */
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

#define MOMENT apr_time_from_sec(60) /* a form that is sent twice is sent within it */

static const kr_node_spec_t NEXT = { .name = "method", .type = "submit", .value = "profile", .label = 1040001 };
static const kr_node_spec_t BACK = { .name = "screen", .type = "submit", .value = "previous", .label = 1040008 };

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    if (kind == KR_FLOW_SETTINGS) return settings->method_enabled[KR_METHOD_PROFILE];
    return settings->method_enabled[KR_METHOD_PROFILE] && kind == KR_FLOW_REGISTRATION && !settings->registration_one_step;
}

static kr_err_t *show_first_screen(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    kr_node_add(k, flow, "profile", &NEXT);
    return NULL;
}

static int says(const kr_body_t *body, const char *field, const char *value)
{
    const char *sent = kr_body_str(body, field);

    return sent && strcmp(sent, value) == 0;
}

/* -- reading traits, for every method that registers ---------------------- */

static int is_missing(const kr_body_t *body, const char *field)
{
    const char *value = kr_body_str(body, field);

    return !value || !*value;
}

static kr_err_t *refuse_odd_traits(kr_ctx_t *k, const kr_body_t *body)
{
    const json_t *traits = json_object_get(body->json, "traits");

    if (traits && !body->is_form && !json_is_object(traits) && !json_is_string(traits))
        return kr_err(k, 400, NULL, "traits is no JSON object");
    return NULL;
}

/* What the traits make of the credentials. Accounts with an address for codes can sign in by code as soon as the site allows it. */
static void renew_identifiers(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema)
{
    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++) {
        kr_credential_t *c = (kr_credential_t *)kr_identity_credential(identity, kind->type);
        apr_array_header_t *identifiers;

        if (!kind->identifies || (!c && !kind->derive)) continue;
        identifiers = kr_traits_identifiers(k->pool, schema, identity->traits, kind->type);
        if (c) {
            c->identifiers = identifiers;
            if (kind->derive) c->config = kind->derive(k->pool, identifiers);
        } else if (identifiers->nelts)
            kr_identity_add_credential(k, identity, kind->type, kind->derive(k->pool, identifiers), identifiers);
    }
}

void kr_identity_reserve_names(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema)
{
    apr_array_header_t *names = kr_traits_identifiers(k->pool, schema, identity->traits, "password");

    if (names->nelts) kr_identity_add_credential(k, identity, "password", "{}", names);
}

int kr_identity_follow_traits(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema, const char **bad_path)
{
    if (!kr_traits_addresses(k, identity, schema, bad_path)) return 0;
    renew_identifiers(k, identity, schema);
    return 1;
}

kr_identity_t *kr_identity_of_traits(kr_ctx_t *k, const kr_schema_t *schema, json_t *traits, const char **bad_path)
{
    kr_identity_t *identity = apr_pcalloc(k->pool, sizeof(*identity));

    identity->id = kr_uuid(k);
    identity->schema_id = schema->id;
    identity->state = "active";
    identity->traits = traits;
    identity->addresses = apr_array_make(k->pool, 2, sizeof(kr_address_t));
    identity->credentials = apr_array_make(k->pool, 2, sizeof(kr_credential_t));
    identity->state_changed_at = identity->created_at = identity->updated_at = k->now;
    return kr_identity_follow_traits(k, identity, schema, bad_path) ? identity : NULL;
}

const char *kr_registration_id(kr_ctx_t *k, const kr_flow_t *flow, const json_t *traits, const char *type)
{
    const apr_array_header_t *identifiers = kr_traits_identifiers(k->pool, kr_flow_schema(k, flow), traits, type);
    const char *text = apr_pstrcat(k->pool, "account ", type, NULL);

    if (flow->api) return kr_uuid(k);
    for (int i = 0; i < identifiers->nelts; i++)
        text = apr_pstrcat(k->pool, text, "\n", APR_ARRAY_IDX(identifiers, i, const char *), NULL);
    return kr_flow_own_id(k, flow, text);
}

int kr_just_made(kr_ctx_t *k, const kr_identity_t *identity)
{
    return strcmp(identity->state, "active") == 0 && identity->created_at > k->now - MOMENT && identity->created_at < k->now + MOMENT;
}

kr_err_t *kr_registration_traits(kr_identity_t **out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, const char *needed)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    apr_array_header_t *violations;
    kr_identity_t *identity;
    const char *bad_path = NULL;
    json_t *decoded;
    int missing;

    KR_TRY(refuse_odd_traits(k, body));
    kr_traits_decode(&decoded, k->pool, schema, body->json, body->is_form);
    kr_nodes_fill(flow, schema, decoded);
    kr_validate(&violations, k->pool, schema->validator, decoded);
    kr_nodes_violations(k, flow, violations);
    missing = needed && is_missing(body, needed);
    if (missing) kr_field_missing(k, flow, needed);
    if (missing || violations->nelts) return kr_err_show_flow(k);

    identity = kr_identity_of_traits(k, schema, json_object_get(decoded, "traits"), &bad_path);
    if (!identity) {
        kr_node_message(k, flow, bad_path, 4000001, json_pack("{s:s}", "reason", KR_NO_ADDRESS));
        return kr_err_show_flow(k);
    }
    *out = identity;
    return NULL;
}

/* -- the two screens ------------------------------------------------------ */

static int is_trait(const char *name)
{
    return name && (strcmp(name, "csrf_token") == 0 || strncmp(name, "traits", 6) == 0);
}

static void hide_traits(kr_flow_t *flow)
{
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
        if (is_trait(kr_json_str(node, "attributes.name"))) kr_node_set(node, "type", json_string("hidden"));
}

void kr_registration_hide_traits(kr_flow_t *flow)
{
    for (size_t i = json_array_size(flow->nodes); i-- > 0;)
        if (!is_trait(kr_json_str(json_array_get(flow->nodes, i), "attributes.name"))) json_array_remove(flow->nodes, i);
    hide_traits(flow);
}

static void begin_again(kr_flow_t *flow)
{
    flow->state = KR_STATE_CHOOSE_METHOD;
    flow->active = NULL;
}

static kr_err_t *go_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *decoded)
{
    begin_again(flow);
    json_array_clear(flow->nodes);
    kr_node_csrf(k, flow);
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", decoded);
    KR_TRY(kr_methods_offer(k, flow, KR_ASK_PROFILE, NULL));
    kr_nodes_sort(k, flow);
    flow->show_transient = -1;
    return kr_outcome_step(out);
}

/* A form that began anew for a provider has lost the fields of the traits: what was sent goes on without labels, as clients know it. */
static kr_err_t *choose_credential(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *decoded)
{
    if (flow->state == KR_STATE_SENT_EMAIL) kr_registration_hide_traits(flow);
    kr_node_remove(flow, kr_node_find_value(flow, "method", "profile"));
    begin_again(flow);
    hide_traits(flow);
    kr_nodes_keep(k, flow, kr_flow_schema(k, flow), "default", decoded);
    KR_TRY(kr_methods_offer(k, flow, KR_ASK_CREDENTIAL, NULL));
    kr_node_add(k, flow, "profile", &BACK);
    kr_flow_message(k, flow, 1040009, NULL);
    kr_nodes_sort(k, flow);
    return kr_outcome_step(out);
}

/* The buttons that change the screen stand in forms of other methods too, so they count whatever method is named. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    if (kind == KR_FLOW_SETTINGS) return says(body, "method", "profile");
    return says(body, "method", "profile") || says(body, "method", "profile:back") || says(body, "screen", "previous")
           || says(body, "screen", "credential-selection");
}

/**
 * Read and validate what was sent.
 * @param decoded  {"traits": ...}
 * @param fill     1: the nodes keep it, whatever is wrong with it
 */
static kr_err_t *valid_traits(json_t **decoded, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, int fill)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    apr_array_header_t *violations;

    KR_TRY(refuse_odd_traits(k, body));
    kr_traits_decode(decoded, k->pool, schema, body->json, body->is_form);
    kr_validate(&violations, k->pool, schema->validator, *decoded);
    if (fill) kr_nodes_fill(flow, schema, *decoded);
    if (!violations->nelts) return NULL;
    kr_nodes_violations(k, flow, violations);
    return kr_err_show_flow(k);
}

static kr_err_t *first_screen(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int back = says(body, "screen", "previous") || says(body, "method", "profile:back");
    const int forth = says(body, "method", "profile") || says(body, "screen", "credential-selection");
    json_t *decoded;

    KR_TRY(valid_traits(&decoded, k, flow, body, back || forth));
    if (back) return go_back(out, k, flow, decoded);
    if (forth) return choose_credential(out, k, flow, decoded);
    kr_flow_message(k, flow, 4010003, NULL);
    return kr_err_show_flow(k);
}

/* -- settings ------------------------------------------------------------- */

static kr_err_t *show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t save = { .name = "method", .type = "submit", .value = "profile", .label = 1070003 };
    kr_session_t *session;
    json_t *decoded;

    KR_TRY(kr_session_need(&session, k, NULL));
    decoded = kr_json_pack(k->pool, "{s:O}", "traits", session->identity->traits);
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "profile", NULL);
    kr_nodes_show(k, flow, kr_flow_schema(k, flow), "profile", decoded);
    kr_node_add(k, flow, "profile", &save);
    return NULL;
}

/* A form that is shown again keeps what was typed, whatever was wrong with it. */
static void keep(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    json_t *decoded;

    if (flow->kind != KR_FLOW_SETTINGS || refuse_odd_traits(k, body)) return;
    kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), body->json, body->is_form);
    kr_nodes_show(k, flow, kr_flow_schema(k, flow), "profile", decoded);
}

/* Changes of what signs in, is verified or recovers need a fresh proof; other traits do not. */
static int touches_credentials(const kr_identity_t *identity, const kr_identity_t *before)
{
    int kept = 0;

    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *a = &APR_ARRAY_IDX(identity->credentials, i, kr_credential_t);
        const kr_credential_t *b = &APR_ARRAY_IDX(before->credentials, i, kr_credential_t);

        if (i >= before->credentials->nelts || a->identifiers->nelts != b->identifiers->nelts) return 1;
        for (int j = 0; j < a->identifiers->nelts; j++)
            if (strcmp(APR_ARRAY_IDX(a->identifiers, j, const char *), APR_ARRAY_IDX(b->identifiers, j, const char *)) != 0)
                return 1;
    }
    for (int i = 0; i < identity->addresses->nelts; i++)
        for (int j = 0; j < before->addresses->nelts; j++)
            kept += strcmp(APR_ARRAY_IDX(identity->addresses, i, kr_address_t).id,
                           APR_ARRAY_IDX(before->addresses, j, kr_address_t).id) == 0;
    return kept != identity->addresses->nelts || kept != before->addresses->nelts;
}

/* The traits that were sent, and what follows from them: addresses, and what the account is found by. */
static kr_err_t *put_traits(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    const char *bad_path;
    kr_err_t *refresh;

    identity->traits = kr_json_own(k->pool, json_deep_copy(out->changed.wanted));
    if (!kr_identity_follow_traits(k, identity, schema, &bad_path)) {
        kr_node_message(k, flow, bad_path, 4000001, json_pack("{s:s}", "reason", KR_NO_ADDRESS));
        return kr_err_show_flow(k);
    }
    if (!touches_credentials(identity, before)) return NULL;
    refresh = kr_need_fresh_proof(k, flow);
    if (refresh) out->changed.park = kr_json_pack(k->pool, "{s:s, s:O}", "method", "profile", "traits", identity->traits);
    return refresh;
}

static kr_err_t *change_traits(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    json_t *decoded;

    KR_TRY(valid_traits(&decoded, k, flow, body, 0));
    return kr_outcome_change(out, put_traits, json_object_get(decoded, "traits"));
}

static kr_err_t *resume_traits(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const json_t *traits = json_object_get(parked, "traits");

    KR_TRY(kr_need_fresh_proof(k, flow));
    return traits ? kr_outcome_change(out, put_traits, traits) : kr_err(k, 400, NULL, "there is nothing to go on with");
}

const kr_method_t kr_method_profile = {
    .id = KR_METHOD_PROFILE,
    .on = is_on,
    .takes = takes,
    .keep = keep,
    .show = { [KR_ASK_PROFILE] = show_first_screen, [KR_ASK_CHANGE] = show_settings },
    .submit = { [KR_FLOW_REGISTRATION] = first_screen, [KR_FLOW_SETTINGS] = change_traits },
    .resume = resume_traits,
};
