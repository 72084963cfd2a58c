/* SPDX-License-Identifier: Apache-2.0 */
/* The flow as the API shows it. What differs between the kinds is a row in KINDS. */
#include <string.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

/** What distinguishes one kind of flow from another. */
typedef struct {
    int shows_times;        /* created_at, updated_at */
    int shows_organization; /* organization_id, null mostly */
    int shows_login;        /* refresh, requested_aal */
    int shows_schema;       /* identity_schema, when one was asked for */
    int shows_oauth2;       /* oauth2_login_challenge and _request, where an OAuth2 server waits */
} kind_t;

static const kind_t KINDS[KR_FLOW_KINDS] = {
    [KR_FLOW_LOGIN] = { 1, 1, 1, 1, 1 },
    [KR_FLOW_REGISTRATION] = { 0, 1, 0, 1, 1 },
    [KR_FLOW_SETTINGS] = { 0, 1, 0, 0, 0 },
    [KR_FLOW_RECOVERY] = { 0, 0, 0, 0, 0 },
    [KR_FLOW_VERIFICATION] = { 0, 0, 0, 0, 0 },
};

static json_t *ui_json(kr_ctx_t *k, const kr_flow_t *flow)
{
    json_t *ui = json_object();
    const char *action = apr_pstrcat(k->pool, kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/"),
                                     kr_flow_kind_name(flow->kind), "?flow=", flow->id, NULL);
    /* a native flow that a browser took part in has a token, as clients know it */
    const char *token = flow->api && !flow->csrf_hash ? "" : kr_csrf_token(k);
    const char *leads_to = kr_json_str(flow->internal, "continue_url"); /* a form that is done leads on */

    kr_node_set(kr_node_find(flow, "csrf_token"), "value", json_string(token ? token : ""));
    json_object_set_new(ui, "action", json_string(leads_to ? leads_to : action));
    json_object_set_new(ui, "method", json_string(leads_to ? "GET" : "POST"));
    if (json_array_size(flow->nodes)) json_object_set(ui, "nodes", flow->nodes);
    else json_object_set_new(ui, "nodes", json_null());
    if (json_array_size(flow->messages)) json_object_set(ui, "messages", flow->messages);
    return ui;
}

json_t *kr_flow_json(kr_ctx_t *k, const kr_flow_t *flow)
{
    const kind_t *kind = &KINDS[flow->kind];
    json_t *out = kr_json_own(k->pool, json_object());

    json_object_set_new(out, "id", json_string(flow->id));
    if (kind->shows_organization) json_object_set_new(out, "organization_id", kr_json_string(flow->organization_id));
    json_object_set_new(out, "type", json_string(flow->api ? "api" : "browser"));
    json_object_set_new(out, "expires_at", kr_json_time(flow->expires_at));
    json_object_set_new(out, "issued_at", kr_json_time(flow->issued_at));
    json_object_set_new(out, "request_url", json_string(flow->request_url));
    if (flow->return_to) json_object_set_new(out, "return_to", json_string(flow->return_to));
    if (flow->active) json_object_set_new(out, "active", json_string(flow->active));
    json_object_set_new(out, "ui", ui_json(k, flow));
    if (kind->shows_times) {
        json_object_set_new(out, "created_at", kr_json_time(flow->created_at));
        json_object_set_new(out, "updated_at", kr_json_time(flow->updated_at));
    }
    if (kind->shows_login) {
        json_object_set_new(out, "refresh", json_boolean(flow->refresh));
        json_object_set_new(out, "requested_aal", json_string(kr_aal_name(flow->requested_aal)));
    }
    if (flow->exchange_code) json_object_set_new(out, "session_token_exchange_code", json_string(flow->exchange_code));
    if (flow->schema_id && kind->shows_schema) json_object_set_new(out, "identity_schema", json_string(flow->schema_id));
    if (flow->oauth2.challenge && kind->shows_oauth2) {
        json_object_set_new(out, "oauth2_login_challenge", json_string(flow->oauth2.challenge));
        if (flow->oauth2.request) json_object_set(out, "oauth2_login_request", flow->oauth2.request);
    }
    json_object_set_new(out, "state", json_string(kr_state_name(flow->state)));
    if (flow->identity) json_object_set(out, "identity", flow->identity);
    if (flow->continue_with && json_array_size(flow->continue_with)) json_object_set(out, "continue_with", flow->continue_with);
    if (flow->show_transient > 0)
        json_object_set_new(out, "transient_payload",
                            flow->transient_payload ? json_incref(flow->transient_payload) : json_object());
    return out;
}

const char *kr_flow_ui_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    return kr_url_with(k->pool, kr_flow_conf(k, flow->kind)->ui_url, "flow", flow->id);
}
