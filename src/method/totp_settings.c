/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authenticator app is set up and removed in the settings. The seed is shown before it is anybody's: it waits in the flow, sealed,
 * until a code of the app has shown that it was read rightly. That code's time step is used up by it.
 */
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "kr_totp.h"
#include "method.h"

#define SEED "totp" /* in flow->internal: the URL with the seed that the form shows, sealed */
#define ACCOUNT_MAX 128 /* bytes of the name that an app shows: a picture of much more is hard to read */

/* -- the form -------------------------------------------------------------- */

static const kr_node_spec_t CODE_NODES[] = {
    { .name = "totp_code", .type = "text", .required = 1, .label = 1070006 },
    { .name = "method", .type = "submit", .value = "totp", .label = 1070003 },
};

static const kr_node_spec_t UNLINK_NODE = { .name = "totp_unlink", .type = "submit", .value = "true", .required = 1, .label = 1050004 };

/* As the app lists it: the trait that the schema names, else the account's id. */
static const char *account_of(kr_ctx_t *k, const kr_identity_t *identity)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);
    const json_t *whole = kr_json_pack(k->pool, "{s:O}", "traits", identity->traits);

    for (int i = 0; schema && i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        const char *name = leaf->totp_account_name ? json_string_value(kr_json_at(whole, leaf->path)) : NULL;

        if (name && *name && strlen(name) <= ACCOUNT_MAX) return name;
    }
    return identity->id;
}

static const char *issuer_of(kr_ctx_t *k)
{
    const kr_settings_t *conf = k->realm->settings;

    return conf->totp_issuer && *conf->totp_issuer ? conf->totp_issuer : kr_url_host_name(k->pool, conf->base_url);
}

static const char *context_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    return apr_pstrcat(k->pool, "totp of ", flow->id, NULL);
}

static void offer(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    const char *seed = kr_totp_seed(k->pool);
    const char *url = kr_totp_url(k->pool, issuer_of(k), account_of(k, identity), seed);
    const kr_node_spec_t picture = { .node = KR_NODE_IMG, .name = "totp_qr", .src = kr_qr_uri(k->pool, url), .width = KR_QR_SIZE,
                                     .height = KR_QR_SIZE, .label = 1050005 };
    const kr_node_spec_t text = { .node = KR_NODE_TEXT, .name = "totp_secret_key", .text = 1050006,
                                  .text_context = json_pack("{s:s}", "secret", seed), .label = 1050017 };

    json_object_set_new(flow->internal, SEED, json_string(kr_seal(k->pool, k->realm->keys, context_of(k, flow), url, strlen(url))));
    if (picture.src) kr_node_add(k, flow, "totp", &picture); /* else the key is typed */
    kr_node_add(k, flow, "totp", &text);
    kr_nodes_add(k, flow, "totp", CODE_NODES, KR_DIM(CODE_NODES));
}

kr_err_t *kr_totp_show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_identity_t *identity;
    kr_session_t *session;

    KR_TRY(kr_session_whole(&session, &identity, k));
    json_object_del(flow->internal, SEED); /* what the form showed before is no offer any more */
    if (kr_identity_credential(identity, "totp")) kr_node_add(k, flow, "totp", &UNLINK_NODE);
    else offer(k, flow, identity);
    return NULL;
}

/** The URL whose seed the form shows; NULL when it shows none. */
static const char *offered(kr_ctx_t *k, const kr_flow_t *flow)
{
    apr_size_t len;

    return (const char *)kr_unseal(k->pool, k->realm->keys, context_of(k, flow), kr_json_str(flow->internal, SEED), &len);
}

/* -- what becomes of the account ------------------------------------------- */

/** An app that has shown a code. */
typedef struct {
    const char *url;
    apr_int64_t step; /* of that code */
} app_t;

/* Nothing is to change, and that is done. */
static kr_err_t *leave(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    (void)out;
    (void)k;
    (void)flow;
    (void)identity;
    (void)before;
    return NULL;
}

static kr_err_t *unlink_app(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    (void)out;
    (void)k;
    (void)flow;
    (void)before;
    kr_identity_remove_credential(identity, "totp");
    return NULL;
}

/** Is it the seed that the account has? */
static int is_linked(kr_ctx_t *k, const kr_identity_t *identity, const char *url)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "totp");
    const char *seed = credential ? kr_totp_seed_of(k, identity, credential) : NULL;

    return seed && strcmp(seed, kr_totp_url_seed(k->pool, url)) == 0;
}

static kr_err_t *refuse_second(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_flow_reason(k, flow, "another authenticator app was set up meanwhile; remove it first, or use that one");
    return kr_err_show_flow(k);
}

static kr_err_t *link_app(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const app_t *app = out->changed.wanted;
    apr_array_header_t *identifiers = apr_array_make(k->pool, 1, sizeof(const char *));

    out->changed.gains = (kr_proof_t){ .method = NULL };
    if (is_linked(k, before, app->url)) return NULL; /* the same form, sent twice: its code has proved what it could */
    if (kr_identity_credential(before, "totp")) return refuse_second(k, flow);
    APR_ARRAY_PUSH(identifiers, const char *) = identity->id;
    kr_identity_add_credential(k, identity, "totp", kr_totp_config(k, identity->id, app->url), identifiers);
    ((kr_credential_t *)kr_identity_credential(identity, "totp"))->spent = app->step;
    out->changed.gains = (kr_proof_t){ .method = "totp", .aal = KR_AAL2 };
    return NULL;
}

/* -- the submit ------------------------------------------------------------ */

static kr_err_t *link_outcome(kr_outcome_t *out, kr_ctx_t *k, const char *url, apr_int64_t step)
{
    app_t *app = apr_palloc(k->pool, sizeof(*app));

    *app = (app_t){ .url = url, .step = step };
    return kr_outcome_change(out, link_app, app);
}

/* A code that fits by now need not fit when the fresh sign-in is done: what is kept of it is that it did. One that does not fit is
 * looked at then, as clients know it: who only found the session learns nothing here. */
static kr_err_t *link_by(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *typed, kr_err_t *refresh)
{
    const char *url = offered(k, flow);
    const int has_code = typed && *typed;
    apr_int64_t step = 0;

    if (url && has_code) step = kr_totp_fits(k->pool, kr_totp_url_seed(k->pool, url), kr_code_clean(k->pool, typed), k->now, 0);
    if (refresh)
        return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:s?, s:I, s:s?}", "method", "totp", "url", step ? url : NULL,
                                                 "step", (json_int_t)step, "typed", step ? NULL : typed), refresh);
    if (step) return link_outcome(out, k, url, step);
    if (has_code) kr_node_message(k, flow, "totp_code", 4000008, NULL);
    else kr_field_missing(k, flow, "totp_code");
    return kr_err_show_flow(k);
}

/* An app is linked already. A form that still shows another seed must not say that all is well: its app would be of no use. */
static kr_err_t *unlink_or_leave(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity,
                                 const kr_body_t *body, kr_err_t *refresh)
{
    const int asked = kr_body_true(body, "totp_unlink");
    const char *typed = kr_body_str(body, "totp_code"), *url = offered(k, flow);

    if (!asked && typed && *typed && url && !is_linked(k, identity, url)) return refuse_second(k, flow);
    if (refresh) return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:b}", "method", "totp", "unlink", asked), refresh);
    return kr_outcome_change(out, asked ? unlink_app : leave, NULL);
}

kr_err_t *kr_totp_change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    kr_err_t *refresh = kr_need_fresh_proof(k, flow);
    kr_identity_t *identity;
    kr_session_t *session;

    if (refresh && refresh->status != 403) return refresh;
    KR_TRY(kr_session_whole(&session, &identity, k));
    if (kr_identity_credential(identity, "totp")) return unlink_or_leave(out, k, flow, identity, body, refresh);
    return link_by(out, k, flow, kr_body_str(body, "totp_code"), refresh);
}

kr_err_t *kr_totp_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const char *url = kr_json_str(parked, "url");
    const int asked = json_is_true(json_object_get(parked, "unlink"));

    KR_TRY(kr_need_fresh_proof(k, flow));
    if (!url && !json_object_get(parked, "unlink")) return link_by(out, k, flow, kr_json_str(parked, "typed"), NULL);
    if (url) return link_outcome(out, k, url, json_integer_value(json_object_get(parked, "step")));
    return kr_outcome_change(out, asked ? unlink_app : leave, NULL);
}
