/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round to a provider and back. All that it needs to come back stands in its state, sealed: a button that is pressed twice begins two
 * rounds, and whichever answer the browser follows is good. Two of them are the flow's own: one of a browser is bound to a cookie that
 * this flow alone gives, the same each time; one of an app, to the code that the app keeps. Each round is answered once.
 */
#include <string.h>

#include "kr_crypto.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

#define CONTEXT "state of a sign-in elsewhere"
#define STATE_MAX 2048
#define VERIFIER_LENGTH 64 /* of 43 to 128 (RFC 7636 section 4.1) */
#define NONCE_LENGTH 32

const char *kr_oidc_redirect_uri(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider)
{
    return kr_provider_redirect_uri(k->pool, k->realm->settings, provider);
}

/* -- there ----------------------------------------------------------------- */

/* An app has codes to sign in with; one that links in a browser's window has what browsers have. */
int kr_round_by_cookie(const kr_flow_t *flow)
{
    return !flow->api || flow->kind == KR_FLOW_SETTINGS;
}

static const char *make_state(kr_ctx_t *k, const kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const kr_provider_start_t *start,
                              int pkce)
{
    const json_t *state = kr_json_pack(k->pool, "{s:s, s:s, s:s, s:s, s:s?, s:s?}", "round", kr_random_alnum(k->pool, 16), "kind",
                                       kr_flow_kind_name(flow->kind), "flow", flow->id, "provider", provider->id, "verifier",
                                       pkce ? start->verifier : NULL, "nonce", start->nonce);
    apr_size_t len;
    const char *text = kr_json_dump(k->pool, state, &len);

    return kr_seal(k->pool, k->realm->keys, CONTEXT, text, len);
}

/* Of a form each is a field of its own: upstream_parameters.hd. */
static json_t *dotted(kr_ctx_t *k, const kr_body_t *body)
{
    static const char PREFIX[] = "upstream_parameters.";
    json_t *out = kr_json_own(k->pool, json_object());
    const char *name;
    json_t *value;

    json_object_foreach(body->json, name, value)
    {
        const char *text = strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 ? kr_body_str(body, name) : NULL;

        if (text && *text) json_object_set_new(out, name + sizeof(PREFIX) - 1, json_string(text));
    }
    return out;
}

/* Texts, as a URL has them; null says nothing. */
static kr_err_t *check_texts(kr_ctx_t *k, const json_t *upstream)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)upstream, name, value)
        if (!json_is_string(value) && !json_is_null(value)) return kr_err(k, 400, NULL, "upstream_parameters: %s is no text", name);
    return NULL;
}

static kr_err_t *upstream_of(const json_t **out, kr_ctx_t *k, const kr_body_t *body)
{
    json_t *upstream = body ? json_object_get(body->json, "upstream_parameters") : NULL;
    const char *why;

    *out = NULL;
    if (json_is_string(upstream) && *json_string_value(upstream)) {
        upstream = kr_json_parse(k->pool, json_string_value(upstream), json_string_length(upstream), &why);
        if (!upstream) return kr_err(k, 400, NULL, "upstream_parameters: %s", why);
    }
    if (!upstream && body && body->is_form) upstream = dotted(k, body);
    if (!upstream || json_is_null(upstream) || json_is_string(upstream)) return NULL;
    if (!json_is_object(upstream)) return kr_err(k, 400, NULL, "upstream_parameters is no JSON object");
    *out = upstream;
    return check_texts(k, upstream);
}

kr_err_t *kr_oidc_leave(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const kr_body_t *body)
{
    const int nonce = k->realm->settings->oidc.nonce;
    kr_provider_start_t start = {
        .redirect_uri = kr_oidc_redirect_uri(k, provider), .verifier = kr_random_alnum(k->pool, VERIFIER_LENGTH),
        .nonce = nonce ? kr_random_alnum(k->pool, NONCE_LENGTH) : NULL, .again = flow->kind == KR_FLOW_LOGIN && flow->refresh,
        .state = "-", /* it says whether the provider takes PKCE, which is known with the URL */
    };
    const char *url;
    int pkce;

    KR_TRY(upstream_of(&start.upstream, k, body));
    kr_db_release(k);
    KR_TRY(kr_provider_auth_url(&url, &pkce, k, provider, &start));
    url = kr_url_with(k->pool, url, "state", make_state(k, flow, provider, &start, pkce));
    if (kr_round_by_cookie(flow)) kr_continuity_leave(k, flow);
    kr_flow_form_stored(k, flow); /* nothing of the form was looked at: it goes on saying what it said */
    return kr_outcome_go(out, url);
}

/* -- and back -------------------------------------------------------------- */

static kr_err_t *no_state(kr_ctx_t *k)
{
    return kr_err(k, 400, NULL, "this is not the answer to a sign-in that was begun here");
}

static const json_t *unseal(kr_ctx_t *k, const char *state)
{
    apr_size_t len;
    const unsigned char *text;

    if (!state || strlen(state) > STATE_MAX) return NULL;
    text = kr_unseal(k->pool, k->realm->keys, CONTEXT, state, &len);
    return text ? kr_json_parse(k->pool, (const char *)text, len, NULL) : NULL;
}

static int read_kind(kr_flow_kind_e *out, const char *name)
{
    static const kr_flow_kind_e kinds[] = { KR_FLOW_LOGIN, KR_FLOW_REGISTRATION, KR_FLOW_SETTINGS };

    for (int i = 0; name && i < KR_DIM(kinds); i++) {
        *out = kinds[i];
        if (strcmp(kr_flow_kind_name(kinds[i]), name) == 0) return 1;
    }
    return 0;
}

kr_err_t *kr_oidc_check_on(kr_ctx_t *k)
{
    if (k->realm->settings->method_enabled[KR_METHOD_OIDC]) return NULL;
    return kr_err(k, 404, NULL, "sign-in with other sites is switched off here");
}

kr_err_t *kr_round_open(kr_round_t *out, kr_ctx_t *k, const char *state)
{
    const json_t *said = unseal(k, state);

    *out = (kr_round_t){
        .id = kr_json_str(said, "round"), .flow_id = kr_json_str(said, "flow"), .verifier = kr_json_str(said, "verifier"),
        .nonce = kr_json_str(said, "nonce"), .provider = kr_oidc_provider(k, kr_json_str(said, "provider")),
    };
    if (!said || !out->id || !out->flow_id || !read_kind(&out->kind, kr_json_str(said, "kind"))) return no_state(k);
    return out->provider ? NULL : no_state(k);
}

void kr_oidc_no_luck(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider)
{
    if (flow->kind == KR_FLOW_LOGIN) flow->active = "oidc";
    if (flow->kind == KR_FLOW_REGISTRATION) kr_oidc_form_anew(k, flow, provider, NULL);
}

/* What the person may be told stays in the flow; what is ours or the provider's fault goes to the error page. */
static kr_err_t *fails(kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round, kr_err_t *err)
{
    if (err->status == 403) err->status = 400; /* the token is not to be believed */
    if (err->status == 400 && err->kind == KR_ERR_PLAIN) kr_oidc_no_luck(k, flow, round->provider);
    return err;
}

/* What was typed beside the button; a form without any of it has the objects that its schema has. */
static const json_t *typed(kr_ctx_t *k, const kr_flow_t *flow)
{
    const json_t *traits = json_object_get(flow->internal, KR_OIDC_TRAITS);
    json_t *decoded;

    if (traits) return traits;
    kr_traits_decode(&decoded, k->pool, kr_flow_schema(k, flow), kr_json_pack(k->pool, "{}"), 1);
    return json_object_get(decoded, "traits");
}

kr_err_t *kr_oidc_come_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round, const kr_provider_back_t *back)
{
    kr_provider_person_t person;
    kr_err_t *err;

    memset(out, 0, sizeof(*out));
    out->method = KR_METHOD_OIDC;
    kr_db_release(k);
    err = kr_provider_check_iss(k, round->provider, back->iss);
    if (!err) err = kr_provider_redeem(&person, k, round->provider, back);
    if (err) return fails(k, flow, round, err);
    if (flow->kind != KR_FLOW_REGISTRATION) flow->active = "oidc";
    flow->transient_payload = json_object_get(flow->internal, KR_OIDC_TRANSIENT);
    return kr_oidc_outcome(out, k, flow, round->provider, &person, typed(k, flow));
}
