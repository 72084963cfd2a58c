/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in with other sites by the browser itself (W3C FedCM): what a page asks the browser for, and what the browser was given. */
#include <string.h>

#include "api.h"
#include "kr_json.h"
#include "kr_oidc.h"

/* -- what to ask for ------------------------------------------------------------ */

/* Browsers want it beside the rest or among the parameters, by their age: pages give both. */
static json_t *offer_of(kr_ctx_t *k, const kr_oidc_provider_conf_t *p)
{
    const char *nonce = kr_oidc_fedcm_nonce(k, p);

    return json_pack("{s:s, s:s, s:s, s:{s:s}}", "config_url", p->fedcm_config_url, "client_id", p->client_id, "nonce", nonce, "parameters",
                     "nonce", nonce);
}

kr_err_t *kr_fedcm_create(kr_ctx_t *k)
{
    const apr_array_header_t *providers = kr_oidc_fedcm_providers(k);
    json_t *offers = kr_json_own(k->pool, json_array());
    kr_session_t *session;

    KR_TRY(kr_session_current(&session, k));
    if (session) return kr_already_signed_in(k);
    for (int i = 0; i < providers->nelts; i++)
        json_array_append_new(offers, offer_of(k, &APR_ARRAY_IDX(providers, i, kr_oidc_provider_conf_t)));
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s, s:O}", "csrf_token", kr_csrf_token(k), "providers", offers));
}

/* -- who sends it ------------------------------------------------------------------ */

static int same_origin(kr_ctx_t *k, const kr_url_t *origin, const char *page)
{
    kr_url_t url;

    if (!page || !kr_url_parse(&url, k->pool, page) || !url.scheme || !url.host || strcmp(url.scheme, origin->scheme) != 0) return 0;
    return kr_host_port(url.host, url.scheme) == kr_host_port(origin->host, origin->scheme)
           && strcmp(kr_host_name(k->pool, url.host), kr_host_name(k->pool, origin->host)) == 0;
}

/* The API's own, those of the pages that sign people in, and whom CORS lets call. */
static int is_ours(kr_ctx_t *k, const char *origin)
{
    kr_url_t url;

    if (!kr_url_parse(&url, k->pool, origin) || !url.scheme || !url.host) return 0;
    if (same_origin(k, &url, k->realm->settings->base_url) || same_origin(k, &url, kr_flow_conf(k, KR_FLOW_LOGIN)->ui_url)) return 1;
    return same_origin(k, &url, kr_flow_conf(k, KR_FLOW_REGISTRATION)->ui_url) || kr_cors_names(k, origin);
}

/*
 * It signs somebody in: a page of another site must not have its visitors signed in as whom it likes. Who sends what cannot be read has sent
 * no token.
 */
static kr_err_t *read_body(kr_body_t *body, kr_ctx_t *k)
{
    const char *token = kr_body_read(body, k) ? NULL : kr_body_str(body, "csrf_token"), *origin = kr_header(k->req, "Origin");

    if (!kr_csrf_token_ok(k, token)) {
        kr_csrf_ensure(k);
        return kr_csrf_violation(k, token);
    }
    if (!origin || is_ours(k, origin)) return NULL;
    return kr_err(k, 403, "security_csrf_violation", "the request comes from a page of another site");
}

/* -- the flow ------------------------------------------------------------------------ */

/* What clients know for an expired one, each kind with its own message. */
static kr_err_t *check_open(kr_ctx_t *k, const kr_flow_t *flow)
{
    if (flow->api || !kr_csrf_owns(k, flow)) return kr_csrf_violation(k, NULL);
    if (flow->requested_aal == KR_AAL2) return kr_err(k, 401, "session_aal1_required", "a second factor was asked for before the first");
    if (!kr_flow_expired(k, flow)) return NULL;
    return kr_flow_replace_expired(k, flow, flow->kind == KR_FLOW_LOGIN ? 4010001 : 4040001);
}

/* The page of a flow names it (?flow=), so that what waits behind its sign-in comes after this one; else there is none yet. */
static kr_err_t *find_flow(kr_flow_t **flow, kr_ctx_t *k)
{
    const char *id = kr_query(k->req, "flow");
    kr_err_t *err;

    if (id && *id) {
        err = kr_flow_load(flow, k, KR_FLOW_LOGIN, id);
        if (err && err->status == 404) err = kr_flow_load(flow, k, KR_FLOW_REGISTRATION, id);
        if (!err) err = check_open(k, *flow);
        if (!err) (*flow)->refresh = 0; /* there is nothing to refresh any more */
        return err;
    }
    KR_TRY(kr_flow_begin(flow, k, KR_FLOW_LOGIN, 0));
    return kr_flow_open(k, *flow);
}

/* -- what it comes to ----------------------------------------------------------------- */

/* People see the form again, with the reason in it; programs are told where to begin anew. */
static kr_err_t *took_too_long(kr_ctx_t *k, kr_flow_t *flow, const kr_err_t *why)
{
    kr_flow_reason(k, flow, why->reason);
    KR_TRY(kr_flow_update(k, flow));
    return kr_answer_error(k, kr_err_lead(kr_flow_gone(k, flow), 303, kr_flow_ui_url(k, flow)));
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    kr_outcome_t done;
    kr_err_t *err;

    kr_flow_clear_messages(flow);
    flow->in_round = 1;
    err = kr_oidc_fedcm_come_back(&done, k, flow, body);
    if (err && err->status == 410) return took_too_long(k, flow, err);
    return err ? err : kr_finish(k, flow, &done, NULL);
}

kr_err_t *kr_fedcm_update(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;
    kr_body_t body;
    kr_err_t *err;

    KR_TRY(read_body(&body, k));
    KR_TRY(kr_session_current(&session, k));
    if (session) return kr_err_lead(kr_already_signed_in(k), 303, k->realm->settings->default_return_url);
    if (!kr_oidc_fedcm_providers(k)->nelts) return kr_err(k, 404, NULL, "no site is signed in with here by the browser");
    KR_TRY(find_flow(&flow, k));
    err = submit(k, flow, &body);
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}

/* -- the script of pages ----------------------------------------------------------------- */

kr_err_t *kr_fedcm_javascript(kr_ctx_t *k)
{
    apr_size_t len;
    const char *script = kr_fedcm_script(&len);

    return kr_answer_file(k, "text/javascript; charset=UTF-8", script, len);
}
