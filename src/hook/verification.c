/* SPDX-License-Identifier: Apache-2.0 */
/* The verification of a new address: a flow that waits for a code, and the mail that brings the code, queued in the same
 * transaction as the account. The queue's sender belongs to the courier. */
#include <string.h>

#include "hook_private.h"
#include "kr_courier.h"
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
    const kr_settings_t *settings = k->realm->settings;
    const char *code = kr_random_digits(k->pool, CODE_DIGITS);
    const char *hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, code);
    const char *url = kr_url_join(k->pool, settings->base_url, "/self-service/verification");
    kr_mail_t mail = { .via = address->via, .to = address->value, .template_type = "verification_code_valid" };

    url = kr_url_with(k->pool, kr_url_with(k->pool, url, "code", code), "flow", flow->id);
    mail.data = kr_json_pack(k->pool, "{s:s, s:s, s:s, s:O, s:s, s:i, s:{}}", "to", address->value, "verification_code", code,
                             "verification_url", url, "identity", kr_identity_json(k, after->identity), "request_url",
                             flow->request_url, "expires_in_minutes", (int)(settings->code_lifespan / apr_time_from_sec(60)),
                             "transient_payload");
    KR_TRY(kr_store_code_insert(k, kr_uuid(k), flow->id, "verification", address->value, address->id, after->identity->id,
                                hash, k->now + settings->code_lifespan));
    return kr_courier_queue(k, &mail);
}

static kr_err_t *begin(kr_ctx_t *k, kr_after_flow_t *after, const kr_address_t *address)
{
    kr_flow_t *flow;

    /* other tabs' forms end here: the new flow belongs to a new anti-CSRF cookie, as clients know it; flows for further
     * addresses belong to the same one */
    if (!after->flow->api && after->flow->kind == KR_FLOW_REGISTRATION && !after->verification_flow) kr_csrf_renew(k);
    flow = kr_flow_make(k, KR_FLOW_VERIFICATION, after->flow->api, after->flow->request_url);
    flow->state = "sent_email";
    flow->active = "code";
    flow->identity_id = after->identity->id;
    sent_nodes(k, flow, address);
    KR_TRY(kr_flow_insert(k, flow));
    KR_TRY(queue_code(k, flow, after, address));
    KR_TRY(kr_store_address_status(k, address->id, "sent"));
    if (!after->verification_flow) {
        after->verification_flow = flow->id;
        after->verification_address = address->value;
    }
    return NULL;
}

static int is_new(const kr_address_t *address)
{
    return !address->recovery && strcmp(address->status, "pending") == 0;
}

void kr_hook_verification_sent(kr_after_flow_t *after)
{
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (is_new(address)) address->status = "sent";
    }
}

kr_err_t *kr_hook_verification(kr_ctx_t *k, kr_after_flow_t *after)
{
    after->verification_flow = NULL; /* a transaction that is tried again begins anew */
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (is_new(address)) KR_TRY(begin(k, after, address));
    }
    return NULL;
}
