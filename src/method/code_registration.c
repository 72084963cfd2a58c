/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-up by code: the profile, then the digits that were sent to its addresses. No password is needed. */
#include <string.h>

#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

/** In the flow: the traits that the codes were sent for. The account is made of these and no others. */
#define TRAITS "code_for"

static const kr_code_kind_t REGISTRATION = { .kind = "registration",
                                             .template_type = "registration_code_valid",
                                             .field = "registration_code" };

static const kr_node_spec_t CHOOSE = { .name = "method", .type = "submit", .value = "code", .label = 1040006 };

/* -- the form ------------------------------------------------------------- */

static int has_two_screens(kr_ctx_t *k)
{
    return kr_method_profile.on(k->realm->settings, KR_FLOW_REGISTRATION);
}

kr_err_t *kr_code_offer_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!kr_node_find_value(flow, "method", "code")) kr_node_add(k, flow, "code", &CHOOSE);
    return NULL;
}

kr_err_t *kr_code_show_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    return kr_code_offer_sign_up(k, flow);
}

static void show_sent(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t nodes[] = {
        { .name = "method", .type = "hidden", .value = "code" },
        { .name = "code", .type = "text", .required = 1, .autocomplete = "one-time-code", .label = 1070012 },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
        { .name = "resend", .type = "submit", .value = "code", .label = 1070008 },
    };
    static const kr_node_spec_t back = { .name = "screen", .type = "submit", .value = "credential-selection",
                                         .label = 1040008 };

    kr_registration_hide_traits(flow);
    kr_nodes_add(k, flow, "code", nodes, KR_DIM(nodes));
    if (has_two_screens(k)) kr_node_add(k, flow, "profile", &back);
    kr_flow_message(k, flow, 1040005, NULL);
    flow->state = KR_STATE_SENT_EMAIL;
    flow->active = "code";
}

/* -- the two steps -------------------------------------------------------- */

static kr_err_t *begin(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_credential_t *credential;
    apr_array_header_t *addresses;
    kr_identity_t *identity;

    KR_TRY(kr_registration_traits(&identity, k, flow, body, NULL));
    credential = kr_identity_credential(identity, "code");
    addresses = credential ? kr_code_addresses(k->pool, credential->identifiers) : NULL;
    if (!addresses || !addresses->nelts) {
        kr_flow_message(k, flow, 4000009, NULL);
        return kr_err_show_flow(k);
    }
    json_object_set(flow->internal, TRAITS, identity->traits);
    show_sent(k, flow);
    KR_TRY(kr_code_send_all(k, flow, &REGISTRATION, addresses, NULL, identity->traits));
    return kr_outcome_sent(out);
}

/* The form shows again what the codes were sent for, so that it can be sent as it is. */
static kr_err_t *refuse_change(kr_ctx_t *k, kr_flow_t *flow)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);

    for (int i = 0; i < schema->leaves->nelts; i++) {
        json_t *node = kr_node_find(flow, APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t).path);

        if (node) json_object_del(json_object_get(node, "attributes"), "value");
    }
    kr_nodes_fill(flow, schema, kr_json_pack(k->pool, "{s:O}", "traits", json_object_get(flow->internal, TRAITS)));
    kr_flow_message(k, flow, 4000036, NULL);
    return kr_err_show_flow(k);
}

/* The flow was read before the code was looked at: somebody may have had one sent for other traits meanwhile. */
static int is_address_of(const kr_identity_t *identity, const char *address)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "code");

    for (int i = 0; address && credential && i < credential->identifiers->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(credential->identifiers, i, const char *), address) == 0) return 1;
    return 0;
}

/* A double click: the code is used up because this form was sent before, by this browser, and made the account of these traits. */
static kr_err_t *check_again(kr_outcome_t *out, kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity, const char *address)
{
    kr_identity_t *made;

    if (flow->api || !kr_csrf_owns(k, flow)) return NULL;
    KR_TRY(kr_identity_load(&made, k, identity->id, 0));
    if (!made || !kr_just_made(k, made)) return NULL;
    (void)kr_outcome_register(out, made, (kr_proof_t){ .method = "code", .address = address });
    out->registers.repeated = 1;
    return NULL;
}

static kr_err_t *check(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    kr_identity_t *identity;
    kr_code_verdict_e verdict;
    kr_code_row_t row;

    KR_TRY(kr_registration_traits(&identity, k, flow, body, "code"));
    if (!json_equal(identity->traits, json_object_get(flow->internal, TRAITS))) return refuse_change(k, flow);
    identity->id = kr_registration_id(k, flow, identity->traits, "code");
    KR_TRY(kr_code_check(&verdict, &row, k, flow, REGISTRATION.kind, kr_body_str(body, "code")));
    if (verdict == KR_CODE_RIGHT && !is_address_of(identity, row.address)) verdict = KR_CODE_WRONG;
    if (verdict == KR_CODE_USED) KR_TRY(check_again(out, k, flow, identity, row.address));
    if (out->is == KR_OUTCOME_REGISTER) return NULL;
    if (verdict != KR_CODE_RIGHT) {
        kr_audit_wrong_code(k, flow, NULL, "code", verdict);
        return kr_code_refuse(k, flow, verdict, 4040003);
    }
    kr_code_verified(k, identity, row.address);
    flow->state = KR_STATE_PASSED_CHALLENGE;
    return kr_outcome_register(out, identity, (kr_proof_t){ .method = "code" });
}

kr_err_t *kr_code_take_registration(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    if (kr_code_again(body)) return begin(out, k, flow, body);
    if (flow->state == KR_STATE_PASSED_CHALLENGE) {
        kr_flow_message(k, flow, 4010003, NULL);
        return kr_err_show_flow(k);
    }
    return flow->state == KR_STATE_SENT_EMAIL ? check(out, k, flow, body) : begin(out, k, flow, body);
}
