/* SPDX-License-Identifier: Apache-2.0 */
/* The verification of a new address: a flow that waits for a code, and the mail that brings the code, queued in the same
 * transaction as the account. The queue's sender belongs to the courier. */
#include <string.h>

#include "hook.h"
#include "kr_db.h"
#include "kr_text.h"

/* People go on to after_verification_return_to from there; where the first flow leads is its own business. */
static const char *request_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *query = strchr(flow->request_url, '?');
    const char *why, *to;
    apr_array_header_t *fields = query ? kr_form_parse(k->pool, query + 1, strlen(query + 1), &why) : NULL;
    const char *url;

    to = fields ? kr_form_get(fields, "after_verification_return_to") : NULL;
    if (!to || !*to) return flow->request_url;
    url = apr_pstrmemdup(k->pool, flow->request_url, (apr_size_t)(query - flow->request_url));
    for (int i = 0; i < fields->nelts; i++) {
        const kr_pair_t *f = &APR_ARRAY_IDX(fields, i, kr_pair_t);

        if (strcmp(f->name, "after_verification_return_to") != 0 && strcmp(f->name, "return_to") != 0)
            url = kr_url_with(k->pool, url, f->name, f->value);
    }
    return kr_url_with(k->pool, url, "return_to", to);
}

/* Of a browser's registration it is the same each time: a form that is sent twice finds it. */
static const char *id_of(kr_ctx_t *k, const kr_flow_t *flow, const kr_address_t *address)
{
    if (flow->api || flow->kind != KR_FLOW_REGISTRATION) return kr_uuid(k);
    return kr_flow_own_id(k, flow, apr_pstrcat(k->pool, "verification ", address->value, NULL));
}

/* Are they led to its page before anything else? A sign-in that is let through leads on by itself. */
static int leads_there(kr_ctx_t *k, const kr_after_flow_t *after)
{
    if (after->verification_flow) return 0; /* to that one */
    if (after->flow->kind == KR_FLOW_LOGIN) return !after->session;
    return kr_hooks_have(k, after->flow->kind, after->method, "show_verification_ui");
}

/* Whoever signs up, or in, has proved who they are by now: an OAuth2 server that waits need only be told. */
static void hand_on(kr_ctx_t *k, kr_flow_t *flow, const kr_after_flow_t *after)
{
    kr_flow_hand_on(flow, after->flow);
    flow->oauth2.identity_id = after->identity->id;
    flow->oauth2.since = k->now;
}

kr_err_t *kr_hook_verification_begin(kr_ctx_t *k, kr_after_flow_t *after, const kr_address_t *address)
{
    kr_flow_t *flow;

    /* other tabs' forms end here: the new flow belongs to a new anti-CSRF cookie, as clients know it; flows for further
     * addresses belong to the same one */
    if (!after->flow->api && after->flow->kind == KR_FLOW_REGISTRATION && !after->verification_flow)
        kr_csrf_renew_for(k, after->identity->id);
    flow = kr_flow_make(k, KR_FLOW_VERIFICATION, after->flow->api, request_url(k, after->flow));
    flow->id = id_of(k, after->flow, address);
    if (leads_there(k, after)) hand_on(k, flow, after);
    KR_TRY(kr_verification_send(k, flow, after->identity, address));
    if (!after->verification_flow) {
        after->verification_flow = flow->id;
        after->verification_address = address->value;
    }
    return NULL;
}

static kr_err_t *find_one(kr_flow_t **out, kr_ctx_t *k, const kr_after_flow_t *after, const kr_address_t *address)
{
    kr_err_t *err = kr_flow_load(out, k, KR_FLOW_VERIFICATION, id_of(k, after->flow, address));

    if (err) *out = NULL;
    return err && err->status != 404 ? err : NULL;
}

/* The browser dropped the answer with the cookie that the flow belonged to. */
static kr_err_t *take_over(kr_ctx_t *k, kr_flow_t *flow, int first)
{
    if (first) kr_csrf_renew(k);
    flow->csrf_hash = kr_csrf_hash(k);
    return kr_flow_update(k, flow);
}

kr_err_t *kr_hook_verification_find(kr_ctx_t *k, kr_after_flow_t *after, int take)
{
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);
        kr_flow_t *flow = NULL;

        if (!address->recovery) KR_TRY(find_one(&flow, k, after, address));
        if (!flow) continue;
        if (take) KR_TRY(take_over(k, flow, !after->verification_flow));
        if (after->verification_flow) continue;
        after->verification_flow = flow->id;
        after->verification_address = address->value;
    }
    return NULL;
}

kr_err_t *kr_hook_new_addresses_again(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)conf;
    return kr_hook_verification_find(k, after, 1);
}

int kr_hook_has_new_addresses(kr_ctx_t *k, const kr_after_flow_t *after)
{
    const kr_flow_kind_e kind = after->flow->kind;

    return (kind == KR_FLOW_REGISTRATION || kind == KR_FLOW_SETTINGS) && kr_flow_conf(k, KR_FLOW_VERIFICATION)->enabled;
}

static int is_new(const kr_address_t *address)
{
    return !address->recovery && strcmp(address->status, "pending") == 0;
}

/* They are shown as they are once the transaction holds. */
static void show_sent(kr_ctx_t *k, void *baton)
{
    kr_after_flow_t *after = baton;

    (void)k;
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (is_new(address)) address->status = "sent";
    }
}

kr_err_t *kr_hook_new_addresses(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)conf;
    after->verification_flow = NULL; /* a transaction that is tried again begins anew */
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (is_new(address)) KR_TRY(kr_hook_verification_begin(k, after, address));
    }
    kr_db_after_commit(k, show_sent, after);
    return NULL;
}

kr_err_t *kr_hook_verification_login(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)conf;
    after->verification_flow = NULL;
    if (after->flow->requested_aal != KR_AAL1 || !kr_flow_conf(k, KR_FLOW_VERIFICATION)->enabled) return NULL;
    for (int i = 0; i < after->identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(after->identity->addresses, i, kr_address_t);

        if (!address->recovery && !address->verified) return kr_hook_verification_begin(k, after, address);
    }
    return NULL;
}
