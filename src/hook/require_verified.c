/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `require_verified_address`: nobody signs in without an address that is theirs; a code for the first one is sent.
 */
#include "hook.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"

/** What the transaction needs. */
typedef struct {
    kr_after_flow_t *after;
    const kr_address_t *address;
} asking_t;

static kr_err_t *send_code(kr_ctx_t *k, void *baton)
{
    const asking_t *asking = baton;

    asking->after->verification_flow = NULL;
    return kr_hook_verification_begin(k, asking->after, asking->address);
}

/* Programs are told where the address is to be verified, people are sent there. */
static kr_err_t *go_and_verify(kr_ctx_t *k, kr_after_flow_t *after, const kr_address_t *address)
{
    asking_t asking = { after, address };
    kr_err_t *err;

    KR_TRY(kr_db_tx(k, send_code, &asking));
    after->browser_to =
        kr_url_with(k->pool, kr_flow_conf(k, KR_FLOW_VERIFICATION)->ui_url, "flow", after->verification_flow);
    err = kr_err(k, 400, "session_verified_address_required", "the account has no verified address yet");
    return kr_err_detail(k, err, "continue_with",
                         json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "action", "show_verification_ui", "flow", "id",
                                   after->verification_flow, "verifiable_address", address->value, "url",
                                   after->browser_to));
}

kr_err_t *kr_hook_require_verified(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    const kr_address_t *first = NULL;
    int legacy = k->realm->settings->legacy_verified_login && after->method == KR_METHOD_PASSWORD;

    (void)conf;
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (address->recovery) continue;
        if (address->verified) return NULL;
        if (!first) first = address;
    }
    if (!first)
        return kr_err(k, 500, "invalid_configuration", "a verified address is required, but the schema knows none");
    if (!legacy && kr_flow_conf(k, KR_FLOW_VERIFICATION)->enabled) return go_and_verify(k, after, first);
    kr_flow_message(k, after->flow, 4000010, NULL);
    return kr_err_show_flow(k);
}
