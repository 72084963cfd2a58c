/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters about how somebody signs in: a factor came or went, a recovery code was used. Who took an account over must not be able to set
 * up a way back into it without a word, so the letter goes to the addresses that the account had before, in the transaction that writes.
 */
#include <string.h>

#include "hook.h"
#include "kr_courier.h"
#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"

#define ADDRESSES_MAX 5 /* that get a letter */
#define CHANGES_MAX 20  /* that it lists */

static const char *const CHANGES[] = { [KR_FACTOR_ADDED] = "added", [KR_FACTOR_REMOVED] = "removed", [KR_FACTOR_REPLACED] = "replaced" };

/* -- to whom ----------------------------------------------------------------------- */

/** How well an address is known to be the person's; those of the best sort that there is are told. */
typedef enum { PROVED_MAIL, PROVED_PHONE, CLAIMED_MAIL, NEVER } sort_e;

static sort_e sort_of(kr_ctx_t *k, const kr_address_t *address)
{
    const int mail = strcmp(address->via, "email") == 0;

    if (!kr_mail_carried(&k->realm->settings->mail, address->via)) return NEVER;
    if (!address->recovery && address->verified) return mail ? PROVED_MAIL : PROVED_PHONE;
    return mail ? CLAIMED_MAIL : NEVER; /* text messages cost, and go to nobody who did not ask */
}

/* An address may be there twice, to be verified and to recover by. */
static int is_listed(const apr_array_header_t *list, const kr_address_t *address)
{
    for (int i = 0; i < list->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(list, i, const kr_address_t *)->value, address->value) == 0) return 1;
    return 0;
}

static const apr_array_header_t *told(sort_e *sort, kr_ctx_t *k, const kr_identity_t *identity)
{
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(const kr_address_t *));

    *sort = NEVER;
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const sort_e is = sort_of(k, &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t));

        if (is < *sort) *sort = is;
    }
    for (int i = 0; *sort != NEVER && i < identity->addresses->nelts && out->nelts < ADDRESSES_MAX; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        if (sort_of(k, address) == *sort && !is_listed(out, address)) APR_ARRAY_PUSH(out, const kr_address_t *) = address;
    }
    return out;
}

static kr_err_t *tell(kr_ctx_t *k, const char *type, const kr_address_t *address, const json_t *data)
{
    json_t *own = kr_json_own(k->pool, json_copy((json_t *)data));
    const kr_mail_t mail = { address->via, address->value, type, own };
    int over = 0;

    json_object_set_new(own, "to", json_string(address->value));
    if (!address->verified) KR_TRY(kr_budget_letter(&over, k, address->value));
    return over ? NULL : kr_courier_queue(k, &mail);
}

static kr_err_t *tell_all(kr_ctx_t *k, const char *type, const apr_array_header_t *addresses, const json_t *data)
{
    for (int i = 0; i < addresses->nelts; i++) KR_TRY(tell(k, type, APR_ARRAY_IDX(addresses, i, const kr_address_t *), data));
    return NULL;
}

static json_t *data_of(kr_ctx_t *k, const kr_identity_t *identity, const json_t *payload)
{
    const char *settings = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/settings/browser");

    return kr_json_pack(k->pool, "{s:O, s:s, s:o}", "identity", kr_identity_json(k, identity), "settings_url", settings,
                        "transient_payload", payload ? json_incref((json_t *)payload) : json_object());
}

/* -- what came and went --------------------------------------------------------------- */

/* What stands in a letter to an address that nobody proved may be a stranger's text: names are left out then. */
static json_t *changes_of(const apr_array_header_t *changes, int named)
{
    json_t *out = json_array();

    for (int i = 0; i < changes->nelts && i < CHANGES_MAX; i++) {
        const kr_factor_change_t *change = &APR_ARRAY_IDX(changes, i, const kr_factor_change_t);
        json_t *one = json_pack("{s:s, s:s}", "change", CHANGES[change->is], "factor", change->factor->type);

        if (named && change->factor->name) json_object_set_new(one, "name", kr_json_string(change->factor->name));
        json_array_append_new(out, one);
    }
    return out;
}

kr_err_t *kr_tell_factors(kr_ctx_t *k, const kr_identity_t *now, const kr_identity_t *before, const kr_told_t *told_of)
{
    const apr_array_header_t *changes, *addresses;
    json_t *data;
    sort_e sort;

    if (!k->realm->settings->tell_factors) return NULL;
    changes = kr_factor_changes(k, before, now);
    addresses = changes->nelts ? told(&sort, k, before) : NULL;
    if (!addresses || !addresses->nelts) return NULL;
    data = data_of(k, now, told_of->payload);
    json_object_set_new(data, "changes", changes_of(changes, sort != CLAIMED_MAIL));
    json_object_set_new(data, "more", json_integer(changes->nelts > CHANGES_MAX ? changes->nelts - CHANGES_MAX : 0));
    json_object_set_new(data, "changed_at", kr_json_time(k->now));
    json_object_set_new(data, "by_owner", json_boolean(told_of->by_owner));
    return tell_all(k, "factor_changed", addresses, data);
}

int kr_hook_has_factors(kr_ctx_t *k, const kr_after_flow_t *after)
{
    return after->flow->kind == KR_FLOW_SETTINGS && k->realm->settings->tell_factors;
}

kr_err_t *kr_hook_tell_factors(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    const kr_told_t told_of = { .payload = after->flow->transient_payload };

    (void)conf;
    return kr_tell_factors(k, after->identity, after->before, &told_of);
}

/* -- a recovery code was used -------------------------------------------------------------- */

int kr_hook_has_recovery_code(kr_ctx_t *k, const kr_after_flow_t *after)
{
    const int used = after->flow->kind == KR_FLOW_LOGIN && after->method == KR_METHOD_LOOKUP_SECRET && after->proof->spends;

    return used && k->realm->settings->tell_recovery_code; /* a form that is sent twice has used one code */
}

/* As they are now that the proof has used one up. @return -1: that cannot be told */
static int left_after(kr_ctx_t *k, const kr_proof_t *proof)
{
    const apr_array_header_t *factors;
    kr_identity_t holder = { .credentials = apr_array_make(k->pool, 1, sizeof(kr_credential_t)) };
    kr_credential_t *used;

    if (!proof->credential || !proof->spends) return -1;
    used = apr_array_push(holder.credentials);
    *used = *proof->credential;
    used->config = proof->spends;
    factors = kr_identity_factors(k, &holder);
    return factors->nelts ? APR_ARRAY_IDX(factors, 0, const kr_factor_t).left : -1;
}

kr_err_t *kr_hook_tell_recovery_code(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    sort_e sort;
    const apr_array_header_t *addresses = told(&sort, k, after->identity);
    const int left = left_after(k, after->proof);
    json_t *data;

    (void)conf;
    if (!addresses->nelts) return NULL;
    data = data_of(k, after->identity, after->flow->transient_payload);
    json_object_set_new(data, "used_at", kr_json_time(k->now));
    if (left >= 0) json_object_set_new(data, "codes_left", json_integer(left));
    return tell_all(k, "recovery_code_used", addresses, data);
}
