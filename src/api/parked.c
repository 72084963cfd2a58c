/* SPDX-License-Identifier: Apache-2.0 */
/* A change of settings that waits for a fresh sign-in: inside its flow, sealed, for the browser that has the cookie. */
#include <string.h>

#include "api.h"

#define END_OTHERS "revoke_other_sessions"       /* in what is kept: all other sessions of theirs are to end */
#define PARKED_FOR apr_time_from_sec(15 * 60)    /* how long the change itself waits */

static kr_err_t *store(kr_ctx_t *k, kr_flow_t *flow, const json_t *what)
{
    const char *key = kr_random_alnum(k->pool, 32);
    const char *text = kr_json_dump(k->pool, what, NULL);

    kr_json_set_at(flow->internal, "parked.key", json_string(kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, key)));
    kr_json_set_at(flow->internal, "parked.until", json_integer(k->now + PARKED_FOR));
    kr_json_set_at(flow->internal, "parked.sealed", json_string(kr_seal(k->pool, k->realm->keys, flow->id, text, strlen(text))));
    kr_continuity_set(k, key);
    return kr_flow_update(k, flow);
}

kr_err_t *kr_settings_claim(int *first, kr_ctx_t *k, kr_flow_t *flow, const char *parked_id)
{
    return kr_flow_claim(first, k, flow, parked_id, 2 * PARKED_FOR);
}

json_t *kr_settings_take_parked(const char **id, kr_ctx_t *k, kr_flow_t *flow)
{
    const char *key = kr_continuity(k);
    json_t *parked = kr_json_at(flow->internal, "parked");
    const char *hash = kr_json_str(parked, "key"), *sealed = kr_json_str(parked, "sealed");
    unsigned char *text;
    apr_size_t len;
    json_t *what;

    if (!key || !hash || !sealed || kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, key, hash) < 0) return NULL;
    if (json_integer_value(json_object_get(parked, "until")) <= (json_int_t)k->now) return NULL;
    text = kr_unseal(k->pool, k->realm->keys, flow->id, sealed, &len);
    what = text ? kr_json_own(k->pool, json_loadb((const char *)text, len, 0, NULL)) : NULL;
    if (what) *id = apr_pstrcat(k->pool, "parked ", hash, NULL);
    json_object_del(flow->internal, "parked");
    return what;
}

int kr_settings_parked_ends_others(const json_t *parked)
{
    return json_is_true(json_object_get(parked, END_OTHERS));
}

void kr_settings_unpark(kr_ctx_t *k)
{
    if (kr_continuity(k)) kr_continuity_set(k, kr_random_alnum(k->pool, 32));
}

/* -- what becomes of it ---------------------------------------------------- */

static int needs_refresh(const kr_err_t *err)
{
    return err && err->id && strcmp(err->id, "session_refresh_required") == 0;
}

/* Carried out or refused, a change waits no longer; what nobody could look at goes on waiting. */
static int is_answered(const kr_err_t *err)
{
    return !err || err->status == 400;
}

/* A native client has no browser to go on in, but Kratos keeps its profile changes all the same. */
static kr_err_t *park(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done)
{
    json_t *what = done->is == KR_OUTCOME_CHANGED ? done->changed.park : NULL;

    if (!what || (flow->api && done->method != KR_METHOD_PROFILE)) return NULL;
    if (done->changed.end_others) json_object_set_new(what, END_OTHERS, json_true());
    return store(k, flow, what);
}

kr_err_t *kr_settings_wait(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, const char *resumed, kr_err_t *err)
{
    if (needs_refresh(err)) KR_TRY(park(k, flow, done)); /* the error names the place of the sign-in */
    else if (resumed && is_answered(err)) kr_settings_unpark(k);
    return err;
}
