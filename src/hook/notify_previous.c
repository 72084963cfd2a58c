/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `notify_previous_addresses`: whoever takes an account over cannot change its address without a word to the old
 * one. */
#include <string.h>

#include "hook.h"
#include "kr_courier.h"
#include "kr_json.h"

static int has(const kr_identity_t *identity, const kr_address_t *wanted)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (!a->recovery && strcmp(a->via, wanted->via) == 0 && strcmp(a->value, wanted->value) == 0) return 1;
    }
    return 0;
}

static int is_told(const char *recipients, const kr_address_t *address, int gone)
{
    if (strcmp(recipients, "all") == 0) return 1;
    return strcmp(recipients, "all_verified") == 0 ? address->verified : gone;
}

static kr_err_t *tell(kr_ctx_t *k, const kr_after_flow_t *after, const kr_address_t *address)
{
    json_t *payload = after->flow->transient_payload;
    json_t *data = kr_json_pack(k->pool, "{s:s, s:O, s:o, s:o}", "to", address->value, "identity",
                                kr_identity_json(k, after->identity), "changed_at", kr_json_time(k->now),
                                "transient_payload", payload ? json_incref(payload) : json_object());
    const kr_mail_t mail = { address->via, address->value, "verifiable_address_changed", data };

    return kr_courier_queue(k, &mail);
}

kr_err_t *kr_hook_notify_previous(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    const kr_notify_conf_t *own = conf->own;
    int gone = 0;

    if (!after->before) return NULL;
    for (int i = 0; i < after->before->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(after->before->addresses, i, kr_address_t);

        gone += !a->recovery && !has(after->identity, a);
    }
    for (int i = 0; gone && i < after->before->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(after->before->addresses, i, kr_address_t);

        if (a->recovery || !is_told(own->recipients, a, !has(after->identity, a))) continue;
        KR_TRY(tell(k, after, a));
    }
    return NULL;
}
