/* SPDX-License-Identifier: Apache-2.0 */
/* The verification of a new address: a flow that waits for a code, and the mail that brings the code, queued in the same
 * transaction as the account. The queue's sender belongs to the courier. */
#include <string.h>

#include "hook_private.h"
#include "kr_json.h"
#include "kr_store.h"
#include "kr_text.h"

#define CODE_DIGITS 6

static void sent_nodes(kr_ctx_t *k, kr_flow_t *flow, const kr_address_t *address)
{
    const int email = strcmp(address->via, "email") == 0;
    const kr_node_spec_t nodes[] = {
        { .name = "method", .type = "hidden", .value = "code" },
        { .name = "code", .type = "text", .required = 1, .autocomplete = "one-time-code", .label = 1070011 },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
    };
    const kr_node_spec_t resend = { .name = email ? "email" : "sms", .type = "submit", .value = address->value,
                                    .label = 1070008 };

    kr_nodes_add(k, flow, "code", nodes, KR_DIM(nodes));
    if (!flow->api) kr_node_csrf(k, flow);
    kr_node_add(k, flow, "code", &resend);
    kr_flow_message(k, flow, email ? 1080003 : 1080004, NULL);
}

/* The code stands in the message only, and there sealed; what the flow is checked against is a keyed hash. */
static kr_err_t *queue_code(kr_ctx_t *k, const kr_flow_t *flow, const kr_after_flow_t *after, const kr_address_t *address)
{
    const char *code = kr_random_digits(k->pool, CODE_DIGITS);
    const char *data = kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:s, s:s, s:s}", "verification_code", code, "to",
                                                          address->value, "flow", flow->id), NULL);
    const char *sealed = kr_seal(k->pool, k->realm->keys, "courier", data, strlen(data));
    const char *hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, code);

    KR_TRY(kr_store_code_insert(k, kr_uuid(k), flow->id, "verification", address->value, address->id, after->identity->id,
                                hash, k->now + k->realm->settings->code_lifespan));
    return kr_store_message_insert(k, kr_uuid(k), address->via, address->value, "verification_code_valid", sealed);
}

static kr_err_t *begin(kr_ctx_t *k, kr_after_flow_t *after, kr_address_t *address)
{
    kr_flow_t *flow;

    /* other tabs' forms end here: the new flow belongs to a new anti-CSRF cookie, as clients know it */
    if (!after->flow->api) kr_csrf_renew(k);
    flow = kr_flow_make(k, KR_FLOW_VERIFICATION, after->flow->api, after->flow->request_url);
    flow->state = "sent_email";
    flow->active = "code";
    flow->identity_id = after->identity->id;
    sent_nodes(k, flow, address);
    KR_TRY(kr_flow_insert(k, flow));
    KR_TRY(queue_code(k, flow, after, address));
    KR_TRY(kr_store_address_status(k, address->id, "sent"));
    address->status = "sent";
    if (!after->verification_flow) {
        after->verification_flow = flow->id;
        after->verification_address = address->value;
    }
    return NULL;
}

kr_err_t *kr_hook_verification(kr_ctx_t *k, kr_after_flow_t *after)
{
    after->verification_flow = NULL; /* a transaction that is tried again begins anew */
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (!address->recovery && !address->verified) KR_TRY(begin(k, after, address));
    }
    return NULL;
}
