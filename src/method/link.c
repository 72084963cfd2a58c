/* SPDX-License-Identifier: Apache-2.0 */
/* The link method in verification and recovery: an address, then a link that was mailed to it. */
#include <string.h>

#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

static const kr_code_kind_t RECOVERY = { .kind = "recovery_link",
                                         .template_type = "recovery_valid",
                                         .unknown_template = "recovery_invalid",
                                         .field = "recovery_url",
                                         .link = 1,
                                         .alone = 1 };

static const kr_node_spec_t ASK_NODES[] = {
    { .name = "email", .type = "email", .required = 1, .label = 1070007 },
    { .name = "method", .type = "submit", .value = "link", .label = 1070009 },
};

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    if (!settings->method_enabled[KR_METHOD_LINK]) return 0;
    if (kind == KR_FLOW_RECOVERY) return strcmp(settings->recovery_use, "link") == 0;
    return kind == KR_FLOW_VERIFICATION && strcmp(settings->verification_use, "link") == 0;
}

static kr_err_t *show(kr_ctx_t *k, kr_flow_t *flow)
{
    flow->active = "link";
    kr_node_csrf(k, flow);
    kr_nodes_add(k, flow, "link", ASK_NODES, KR_DIM(ASK_NODES));
    return NULL;
}

void kr_link_show_sent(kr_ctx_t *k, kr_flow_t *flow, const char *value)
{
    if (!kr_node_find(flow, "email")) (void)show(k, flow);
    kr_node_set(kr_node_find(flow, "email"), "value", json_string(value));
    kr_flow_clear_messages(flow);
    kr_flow_message(k, flow, flow->kind == KR_FLOW_RECOVERY ? 1060002 : 1080001, NULL);
    flow->state = KR_STATE_SENT_EMAIL;
    flow->active = "link";
}

static kr_err_t *send_link(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    const int recovery = flow->kind == KR_FLOW_RECOVERY;
    const kr_settings_t *conf = k->realm->settings;
    const char *value = kr_address_normalise(k->pool, "email", address);
    const char *identity_id, *address_id;
    kr_code_kind_t kind = recovery ? RECOVERY : kr_link_verification;

    if (!value) {
        kr_node_message(k, flow, "email", 4000040, json_pack("{s:s}", "value", address));
        return kr_err_show_flow(k);
    }
    if (!(recovery ? conf->recovery_notify_unknown : conf->verification_notify_unknown)) kind.unknown_template = NULL;
    KR_TRY(kr_address_find(&identity_id, &address_id, k, recovery, "email", value));
    kr_link_show_sent(k, flow, address);
    flow->show_transient = recovery;
    KR_TRY(kr_code_send(k, flow, &kind, "email", value, identity_id, address_id));
    return kr_outcome_sent(out);
}

static kr_err_t *use_token(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *token)
{
    const int recovery = flow->kind == KR_FLOW_RECOVERY;
    kr_code_verdict_e verdict;
    kr_code_row_t row;

    KR_TRY(kr_code_check(&verdict, &row, k, flow, recovery ? "recovery_link" : "verification_link", token));
    if (verdict == KR_CODE_RIGHT) {
        KR_TRY(kr_outcome_passed(out, &row, "link_recovery"));
        out->passed.via = "email"; /* as what a link verifies is called, also one that came to a phone */
        return NULL;
    }
    kr_audit_wrong_code(k, flow, NULL, "link", verdict);
    (void)kr_outcome_replace(out, recovery ? 4060004 : 4070001, NULL);
    out->replace.visit = 1;
    if (verdict != KR_CODE_EXPIRED) return NULL;
    out->replace.message = recovery ? 4060005 : 4070005;
    out->replace.since = row.expires_at;
    return NULL;
}

static kr_err_t *take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *address = kr_body_str(body, "email");
    const char *token = kr_body_str(body, "token");

    if (token && *token) return use_token(out, k, flow, token);
    if (address && *address) return send_link(out, k, flow, address);
    kr_field_missing(k, flow, "email");
    return kr_err_show_flow(k);
}

const kr_method_t kr_method_link = {
    .id = KR_METHOD_LINK,
    .on = is_on,
    .show = { [KR_ASK_RECOVERY] = show, [KR_ASK_VERIFICATION] = show },
    .submit = { [KR_FLOW_RECOVERY] = take, [KR_FLOW_VERIFICATION] = take },
};
