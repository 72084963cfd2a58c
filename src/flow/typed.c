/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody typed into a form whose time was over. The flow that takes its place keeps it for the built-in pages alone: clients know
 * such a flow as an empty one. Secrets are typed again.
 */
#include <string.h>

#include "kr_flow.h"
#include "kr_identity.h"
#include "kr_json.h"
#include "kr_text.h"

#define TYPED_MAX 16384 /* bytes; nobody types more */

static const char *const FIELDS[] = { "identifier", "email", "recovery_address" };

static int has_traits(kr_flow_kind_e kind)
{
    return kind == KR_FLOW_REGISTRATION || kind == KR_FLOW_SETTINGS;
}

/* A form of settings sends the profile or something else. */
static int sends_traits(const kr_body_t *body)
{
    const char *name;
    json_t *value;

    json_object_foreach(body->json, name, value)
        if (strncmp(name, "traits", 6) == 0) return 1;
    return 0;
}

void kr_flow_keep_typed(kr_ctx_t *k, kr_flow_t *flow, const kr_flow_t *old)
{
    json_t *typed = kr_json_own(k->pool, json_object()), *decoded;
    kr_body_t body;
    apr_size_t len;

    if (flow->api || k->req->method != KR_POST || kr_body_read(&body, k) || !body.is_form) return;
    /* no other site fills in forms here */
    if (!kr_csrf_owns(k, old) || !kr_csrf_token_of(k, kr_body_str(&body, "csrf_token"), old->csrf_hash)) return;
    for (int i = 0; i < KR_DIM(FIELDS); i++) {
        const char *value = kr_body_str(&body, FIELDS[i]);

        if (value && *value) json_object_set_new(typed, FIELDS[i], json_string(value));
    }
    if (has_traits(flow->kind) && sends_traits(&body)) {
        kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), body.json, 1);
        json_object_set(typed, "traits", json_object_get(decoded, "traits"));
    }
    kr_json_dump(k->pool, typed, &len);
    if (json_object_size(typed) && len <= TYPED_MAX) json_object_set(flow->internal, "typed", typed);
}

static int is_field(const json_t *node)
{
    const char *type = kr_json_str(node, "attributes.type");

    return type && strcmp(type, "submit") != 0 && strcmp(type, "hidden") != 0;
}

void kr_flow_fill_typed(kr_ctx_t *k, kr_flow_t *flow)
{
    const json_t *typed = json_object_get(flow->internal, "typed");
    json_t *traits = json_object_get(typed, "traits"), *decoded;

    for (int i = 0; i < KR_DIM(FIELDS); i++) {
        json_t *value = json_object_get(typed, FIELDS[i]), *node = kr_node_find(flow, FIELDS[i]);

        if (value && node && is_field(node)) kr_node_set(node, "value", json_incref(value));
    }
    if (!traits) return;
    decoded = kr_json_pack(k->pool, "{s:O}", "traits", traits);
    if (flow->kind == KR_FLOW_SETTINGS) kr_nodes_show(k, flow, kr_flow_schema(k, flow), "profile", decoded);
    else kr_nodes_fill(flow, kr_flow_schema(k, flow), decoded);
    kr_nodes_sort(k, flow);
}

void kr_flow_forget_typed(kr_flow_t *flow)
{
    json_object_del(flow->internal, "typed");
}
