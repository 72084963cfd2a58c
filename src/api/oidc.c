/* SPDX-License-Identifier: Apache-2.0 */
/* A browser comes back from a provider: the callback of sign-in with other sites. */
#include <string.h>
#include <strings.h>

#include "api.h"
#include "kr_db.h"
#include "kr_oidc.h"

#define CALLBACK "/self-service/methods/oidc/callback"
#define ROUND_KEPT apr_time_from_sec(2 * 3600) /* how long it is remembered that a round was answered */
#define ERROR_MAX 200 /* bytes of what a provider says of an error that are repeated */
#define URL_MAX 8000  /* bytes: httpd takes no longer line */
#define FORM "application/x-www-form-urlencoded"

/* -- whose is it ------------------------------------------------------------- */

static kr_err_t *not_begun_here(kr_ctx_t *k)
{
    return kr_err(k, 400, NULL, "this browser did not begin that sign-in, or has begun another one since");
}

/* A browser proves by its cookie that it is the one that left; whoever opens an app's brings nobody in but that app. */
static kr_err_t *check_browser(kr_ctx_t *k, kr_flow_t *flow)
{
    int waits = 0;

    if (kr_round_by_cookie(flow)) return kr_continuity_left(k, flow) ? NULL : not_begun_here(k);
    KR_TRY(kr_exchange_waits(&waits, k, flow->id));
    if (!waits) return not_begun_here(k);
    kr_flow_in_browser(k, flow);
    return NULL;
}

/* The flow of settings is shown with its account. */
static kr_err_t *check_owner(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;

    if (flow->kind != KR_FLOW_SETTINGS) return NULL;
    KR_TRY(kr_session_need(&session, k, "session_inactive"));
    flow->identity = kr_identity_json(k, session->identity);
    if (flow->identity_id && strcmp(flow->identity_id, session->identity->id) == 0) return NULL;
    return kr_err(k, 403, "security_identity_mismatch", "the flow belongs to another account");
}

static kr_err_t *open_round(kr_round_t *round, kr_ctx_t *k)
{
    const char *named = kr_route_param(k, "provider");

    KR_TRY(kr_round_open(round, k, kr_query(k->req, "state")));
    if (!named || strcmp(named, round->provider->id) == 0) return NULL;
    return kr_err(k, 400, NULL, "the answer names another provider than the sign-in");
}

static kr_err_t *open_flow(kr_flow_t **flow, kr_ctx_t *k, const kr_round_t *round)
{
    KR_TRY(kr_flow_load(flow, k, round->kind, round->flow_id));
    (*flow)->in_round = 1;
    if (kr_flow_expired(k, *flow)) return kr_err(k, 410, "self_service_flow_expired", "the sign-in took too long, please begin anew");
    KR_TRY(check_owner(k, *flow));
    return check_browser(k, *flow);
}

/* -- what came ----------------------------------------------------------------- */

/** A round that is about to be answered, for the transaction. */
typedef struct {
    kr_flow_t *flow;
    const char *name;
    int first;
} claim_t;

static kr_err_t *claim(kr_ctx_t *k, void *baton)
{
    claim_t *c = baton;

    return kr_flow_claim(&c->first, k, c->flow, c->name, ROUND_KEPT);
}

/* A code is sent to the provider once: who takes a second look at a callback has a code that is used up. */
static kr_err_t *claim_round(int *first, kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round)
{
    claim_t c = { .flow = flow, .name = apr_pstrcat(k->pool, "round ", round->id, NULL) };

    KR_TRY(kr_db_tx(k, claim, &c));
    *first = c.first;
    return NULL;
}

/* Whole characters of what a provider says. */
static const char *cut(apr_pool_t *pool, const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;

    if (!len || !kr_utf8_valid(text, len)) return "";
    if (len > ERROR_MAX)
        for (len = ERROR_MAX; len && ((unsigned char)text[len] & 0xc0) == 0x80; len--) {}
    return apr_pstrmemdup(pool, text, len);
}

/* @param code  out: NULL when there is none, and the error says why */
static kr_err_t *code_of(const char **code, kr_ctx_t *k)
{
    const char *error = kr_query(k->req, "error"), *said = cut(k->pool, kr_query(k->req, "error_description"));

    *code = kr_query(k->req, "code");
    if (!*code || !**code) *code = kr_query(k->req, "authCode");
    if (error && *error) {
        *code = NULL;
        return kr_err(k, 400, NULL, "the provider says: %s%s%s", cut(k->pool, error), *said ? ": " : "", said);
    }
    if (*code && **code) return NULL;
    *code = NULL;
    return kr_err(k, 400, NULL, "the provider sent no code");
}

/* -- the way on ------------------------------------------------------------------ */

/*
 * Somebody has signed in meanwhile, or comes by this callback once more: they are where they wanted to be, or an OAuth2 server is to be
 * told of it still.
 * @param to  out: where they go on; NULL: the callback is to be looked at
 */
static kr_err_t *find_signed_in(const char **to, kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_session_t *session;

    *to = NULL;
    if (flow->kind == KR_FLOW_SETTINGS || flow->api) return NULL;
    KR_TRY(kr_session_current(&session, k));
    if (!session) return NULL;
    if (kr_oauth2_proved(flow, session)) return kr_oauth2_skip(to, k, flow, session);
    if (flow->kind == KR_FLOW_LOGIN && kr_login_takes(flow, session)) return NULL;
    *to = flow->oauth2.challenge ? kr_flow_waiting_url(k, flow) : kr_return_to_of(k, flow, (int)KR_METHOD_OIDC);
    return NULL;
}

static kr_err_t *complete(kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round, const char *code)
{
    const kr_provider_back_t back = {
        .code = code, .redirect_uri = kr_oidc_redirect_uri(k, round->provider), .verifier = round->verifier, .nonce = round->nonce,
        .iss = kr_query(k->req, "iss"), .user = kr_query(k->req, "user"),
        .oauth_token = kr_query(k->req, "oauth_token"), .oauth_verifier = kr_query(k->req, "oauth_verifier"),
    };
    kr_outcome_t done;
    kr_err_t *err;

    err = kr_oidc_come_back(&done, k, flow, round, &back);
    if (err && err->kind == KR_ERR_PLAIN)
        kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "oidc", .site = round->provider->id, .reason = "refused" });
    KR_TRY(err);
    return kr_finish(k, flow, &done, NULL);
}

static kr_err_t *without_code(kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round, kr_err_t *err)
{
    kr_flow_clear_messages(flow);
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "oidc", .site = round->provider->id, .reason = "refused_there" });
    kr_oidc_no_luck(k, flow, round->provider);
    return kr_answer_flow_error(k, flow, err);
}

static kr_err_t *come_back(kr_ctx_t *k, kr_flow_t *flow, const kr_round_t *round, const char *code)
{
    kr_err_t *err;
    int first;

    kr_flow_clear_messages(flow);
    KR_TRY(claim_round(&first, k, flow, round));
    if (!first) return kr_err(k, 400, NULL, "this sign-in has been answered already, please begin anew");
    err = complete(k, flow, round, code);
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}

static kr_err_t *take_callback(kr_ctx_t *k)
{
    const char *code, *to;
    kr_round_t round;
    kr_flow_t *flow;
    kr_err_t *err;

    KR_TRY(open_round(&round, k));
    KR_TRY(open_flow(&flow, k, &round));
    err = code_of(&code, k);
    if (err) return without_code(k, flow, &round, err);
    KR_TRY(find_signed_in(&to, k, flow));
    return to ? kr_answer_see(k, to) : come_back(k, flow, &round, code);
}

kr_err_t *kr_oidc_callback(kr_ctx_t *k)
{
    kr_err_t *err = kr_oidc_check_on(k);

    if (err) return kr_answer_error_to(k, KR_CLIENT_SCRIPT, err); /* there is nothing here for anybody */
    k->method = 1 + KR_METHOD_OIDC;
    err = take_callback(k);
    return err ? kr_answer_error(k, err) : KR_DONE;
}

/* -- posted ------------------------------------------------------------------------ */

static void take(apr_array_header_t *out, const apr_array_header_t *fields)
{
    for (int i = 0; fields && i < fields->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(fields, i, kr_pair_t);

        if (!kr_form_get(out, field->name)) APR_ARRAY_PUSH(out, kr_pair_t) = *field;
    }
}

/* Each once: that of the form, which is the answer (form_post), before that of the URL. What is no form has none. */
static apr_array_header_t *fields_of(kr_ctx_t *k)
{
    apr_array_header_t *out = apr_array_make(k->pool, 4, sizeof(kr_pair_t));
    const char *type = k->req->content_type, *why;
    const int is_form = type && strncasecmp(type, FORM, strlen(FORM)) == 0;

    if (is_form) take(out, kr_form_parse(k->pool, k->req->body, k->req->body_len, &why));
    take(out, k->req->query);
    return out;
}

/* Providers that post their answer do so from their own site, where browsers keep our cookies back: once more, as a visit. */
kr_err_t *kr_oidc_callback_post(kr_ctx_t *k)
{
    const char *named = kr_route_param(k, "provider");
    const char *path = named ? apr_pstrcat(k->pool, CALLBACK "/", kr_url_escape(k->pool, named), NULL) : CALLBACK;
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, path);
    const apr_array_header_t *fields = fields_of(k);

    if (fields->nelts) url = kr_url_sorted(k->pool, url, fields);
    if (strlen(url) > URL_MAX) return kr_err(k, 400, NULL, "the answer is longer than a URL may be");
    return kr_answer_found(k, url);
}
