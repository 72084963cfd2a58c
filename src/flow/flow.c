/* SPDX-License-Identifier: Apache-2.0 */
/* The flow object: made, stored, loaded. */
#include <string.h>

#include "flow.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_store_budget.h"
#include "kr_store_flow.h"
#include "kr_text.h"

#define REQUEST_URL_MAX 2048

const kr_flow_conf_t *kr_flow_conf(kr_ctx_t *k, kr_flow_kind_e kind)
{
    return &k->realm->settings->flow[kind];
}

const kr_schema_t *kr_flow_schema(kr_ctx_t *k, const kr_flow_t *flow)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, flow->schema_id);

    return schema ? schema : kr_realm_schema(k->realm, NULL);
}

/* -- making --------------------------------------------------------------- */

const char *kr_flow_url_param(kr_ctx_t *k, const char *request_url, const char *name)
{
    const char *query = strchr(request_url, '?');
    const char *why, *value;
    apr_array_header_t *fields;

    if (!query) return NULL;
    fields = kr_form_parse(k->pool, query + 1, strlen(query + 1), &why);
    value = fields ? kr_form_get(fields, name) : NULL;
    return value && *value ? value : NULL;
}

static const char *begin_path(kr_ctx_t *k, kr_flow_kind_e kind, int api)
{
    return apr_pstrcat(k->pool, "/self-service/", kr_flow_kind_name(kind), api ? "/api" : "/browser", NULL);
}

static int ends_with(const char *text, const char *end)
{
    apr_size_t len = strlen(text), n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

/* The path is looked up among our own and not copied. A hook's flow has the request URL of the flow before it. */
const char *kr_flow_told_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *path = apr_pstrmemdup(k->pool, flow->request_url, strcspn(flow->request_url, "?#"));
    const char *told = begin_path(k, flow->kind, flow->api);

    for (int i = 0; i < KR_FLOW_KINDS * 2; i++) {
        const char *known = begin_path(k, (kr_flow_kind_e)(i / 2), i % 2);

        if (ends_with(path, known)) told = known;
    }
    return kr_url_join(k->pool, k->realm->settings->base_url, told);
}

kr_flow_t *kr_flow_make(kr_ctx_t *k, kr_flow_kind_e kind, int api, const char *request_url)
{
    kr_flow_t *flow = apr_pcalloc(k->pool, sizeof(*flow));

    flow->kind = kind;
    flow->api = api;
    flow->id = kr_uuid(k);
    flow->state = flow->stored_state = kr_state_first(kind);
    flow->request_url = request_url;
    flow->return_to = kr_flow_url_param(k, request_url, "return_to");
    flow->csrf_hash = api ? NULL : kr_csrf_hash(k);
    flow->requested_aal = kind == KR_FLOW_LOGIN ? KR_AAL1 : KR_AAL0;
    flow->messages = kr_json_own(k->pool, json_array());
    flow->nodes = kr_json_own(k->pool, json_array());
    flow->internal = kr_json_own(k->pool, json_object());
    flow->issued_at = flow->created_at = flow->updated_at = k->now;
    flow->expires_at = k->now + kr_flow_conf(k, kind)->lifespan;
    return flow;
}

const char *kr_flow_this_url(kr_ctx_t *k)
{
    const kr_request_t *req = k->req;

    return apr_pstrcat(k->pool, req->scheme, "://", req->host, k->realm->base_path, req->raw_path, req->raw_query ? "?" : "",
                       req->raw_query ? req->raw_query : "", NULL);
}

/* Of these a challenge is kept by itself. */
static int takes_challenge(kr_flow_kind_e kind)
{
    return kind == KR_FLOW_LOGIN || kind == KR_FLOW_REGISTRATION;
}

kr_err_t *kr_flow_begin(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind, int api)
{
    const char *url = kr_flow_this_url(k);

    KR_TRY(kr_return_to_check(k, kr_query(k->req, "return_to")));
    if (strlen(takes_challenge(kind) ? kr_flow_url_cut(k->pool, url) : url) > REQUEST_URL_MAX)
        return kr_err(k, 400, NULL, "the URL of the request is longer than %d bytes", REQUEST_URL_MAX);
    if (!kr_utf8_valid(url, strlen(url))) return kr_err(k, 400, NULL, "the URL of the request is not valid UTF-8");
    *out = kr_flow_make(k, kind, api, url);
    return NULL;
}

const char *kr_flow_own_id(kr_ctx_t *k, const kr_flow_t *flow, const char *text)
{
    const char *what = apr_pstrcat(k->pool, "own ", flow->id, " ", text, NULL);
    const char *tag = kr_hmac(k->pool, k->realm->keys, KR_KEY_CSRF, 0, what);
    const char *hex = kr_sha256_hex(k->pool, tag, strlen(tag));

    /* the time is the flow's; four and the letter say that the rest is random, which it is to all others */
    return apr_psprintf(k->pool, "%.13s-4%.3s-a%.3s-%.12s", flow->id, hex, hex + 3, hex + 6);
}

/* -- storing -------------------------------------------------------------- */

static kr_flow_row_t row_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    json_t *ui = kr_json_pack(k->pool, "{s:O, s:O}", "messages", flow->messages, "nodes", kr_nodes_seal(k, flow));
    const json_t *internal = kr_flow_internal_with(k, flow);

    return (kr_flow_row_t){
        .id = flow->id,
        .kind = kr_flow_kind_name(flow->kind),
        .type = flow->api ? "api" : "browser",
        .state = kr_state_name(flow->state),
        .active = flow->active,
        .ui = kr_json_dump(k->pool, ui, NULL),
        .internal = json_object_size(internal) ? kr_json_dump(k->pool, internal, NULL) : NULL,
        .request_url = flow->oauth2.challenge ? kr_flow_url_cut(k->pool, flow->request_url) : flow->request_url,
        .csrf_hash = flow->csrf_hash,
        .identity_id = flow->identity_id,
        .schema_id = flow->schema_id,
        .organization_id = flow->organization_id,
        .refresh = flow->refresh,
        .requested_aal = flow->kind == KR_FLOW_LOGIN ? kr_aal_name(flow->requested_aal) : NULL,
        .submit_count = flow->submit_count,
        .spent = flow->spent,
        .issued_at = flow->issued_at,
        .expires_at = flow->expires_at,
        .created_at = flow->created_at,
        .updated_at = flow->updated_at,
    };
}

/* A step that the kind of flow does not have is a fault of ours: better no answer than a flow that nobody can go on with. */
static kr_err_t *check_step(kr_ctx_t *k, const kr_flow_t *flow)
{
    if (kr_state_may_follow(flow->kind, flow->stored_state, flow->state)) return NULL;
    kr_log(k, KR_LOG_ERR, KRLOGNO(0710) "%s flow %s: %s does not follow on %s", kr_flow_kind_name(flow->kind), flow->id,
           kr_state_name(flow->state), kr_state_name(flow->stored_state));
    return kr_err(k, 500, NULL, "the flow cannot take this step");
}

kr_err_t *kr_flow_insert(kr_ctx_t *k, kr_flow_t *flow)
{
    const kr_flow_row_t row = row_of(k, flow);

    flow->stored_state = flow->state; /* a flow may begin with a later step */
    KR_TRY(check_step(k, flow));
    return kr_store_flow_insert(k, &row);
}

/* What is stored of it now. */
static kr_err_t *take_step(kr_flow_row_t *row, kr_ctx_t *k, kr_flow_t *flow)
{
    KR_TRY(check_step(k, flow));
    flow->stored_state = flow->state;
    flow->updated_at = k->now;
    flow->ui_known = 0; /* whether this is committed is not known here */
    *row = row_of(k, flow);
    return NULL;
}

kr_err_t *kr_flow_update(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *stored = flow->ui_known ? flow->stored_ui : NULL;
    kr_flow_row_t row;

    KR_TRY(take_step(&row, k, flow));
    if (stored && strcmp(row.ui, stored) == 0) row.ui = NULL;
    return kr_store_flow_update(k, &row);
}

kr_err_t *kr_flow_spend(int *done, kr_ctx_t *k, kr_flow_t *flow, const kr_proof_t *proof)
{
    const kr_credential_t *credential = proof->spends ? proof->credential : NULL;
    kr_store_spend_t spend = { .id = NULL };
    kr_flow_row_t row;

    *done = 0;
    if (credential)
        spend = (kr_store_spend_t){ .id = credential->id, .version = credential->version, .was = credential->spent,
                                    .config = proof->spends, .spent = proof->spent, .tries = proof->tries };
    KR_TRY(take_step(&row, k, flow));
    KR_TRY(kr_store_flow_spend(done, k, &row, proof->once, &spend));
    if (*done) flow->spent += proof->once;
    return NULL;
}

kr_err_t *kr_flow_claim(int *done, kr_ctx_t *k, kr_flow_t *flow, const char *name, apr_time_t keep)
{
    const kr_flow_row_t row = row_of(k, flow);
    apr_int64_t times;

    *done = 0;
    KR_TRY(kr_store_budget_spend(&times, k, name, keep));
    return times == 1 ? kr_store_flow_claim(done, k, &row) : NULL;
}

kr_err_t *kr_flow_count_try(int *tries, kr_ctx_t *k, const kr_flow_t *flow)
{
    return kr_store_flow_count(tries, k, flow->id);
}

static json_t *parsed(kr_ctx_t *k, const char *text, json_t *otherwise)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;

    if (json) json_decref(otherwise);
    return kr_json_own(k->pool, json ? json : otherwise);
}

static json_t *member(kr_ctx_t *k, json_t *obj, const char *key)
{
    json_t *array = json_object_get(obj, key);

    return json_is_array(array) ? array : kr_json_own(k->pool, json_array());
}

/* Another version of this module, on another node, may know states that this one does not. */
static kr_err_t *take_state(kr_ctx_t *k, kr_flow_t *flow, kr_flow_kind_e kind, const kr_flow_row_t *row)
{
    if (!kr_state_parse(&flow->state, kind, row->state)) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0711) "%s flow %s: its state %s is not known here", kr_flow_kind_name(kind), row->id, row->state);
        return kr_err(k, 404, NULL, NULL);
    }
    flow->stored_state = flow->state;
    return NULL;
}

/* The same of the level that a login asks for: taken for another one it would end with too little. */
static kr_err_t *take_aal(kr_ctx_t *k, kr_flow_t *flow, kr_flow_kind_e kind, const kr_flow_row_t *row)
{
    if (kr_aal_parse(&flow->requested_aal, row->requested_aal) || kind != KR_FLOW_LOGIN) return NULL;
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0712) "login flow %s: its level %s is not known here", row->id,
           row->requested_aal ? row->requested_aal : "(none)");
    return kr_err(k, 404, NULL, NULL);
}

static void take_ui(kr_ctx_t *k, kr_flow_t *flow)
{
    json_t *ui = parsed(k, flow->stored_ui, json_object());

    flow->messages = member(k, ui, "messages");
    flow->nodes = member(k, ui, "nodes");
    kr_nodes_unseal(k, flow);
}

void kr_flow_form_stored(kr_ctx_t *k, kr_flow_t *flow)
{
    if (flow->stored_ui) take_ui(k, flow);
}

kr_err_t *kr_flow_load(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind, const char *id)
{
    kr_flow_row_t *row = NULL;
    kr_flow_t *flow;

    if (kr_uuid_valid(id)) KR_TRY(kr_store_flow_load(&row, k, kr_flow_kind_name(kind), id));
    if (!row) return kr_err(k, 404, NULL, NULL);
    flow = apr_pcalloc(k->pool, sizeof(*flow));
    KR_TRY(take_state(k, flow, kind, row));
    KR_TRY(take_aal(k, flow, kind, row));
    flow->kind = kind;
    flow->api = strcmp(row->type, "api") == 0;
    flow->id = row->id;
    flow->active = row->active;
    flow->stored_ui = row->ui;
    flow->internal = parsed(k, row->internal, json_object());
    kr_flow_take_waiting(flow);
    flow->request_url = kr_flow_url_whole(k->pool, row->request_url, flow->oauth2.challenge);
    flow->return_to = kr_flow_url_param(k, row->request_url, "return_to");
    flow->csrf_hash = row->csrf_hash;
    flow->identity_id = row->identity_id;
    flow->schema_id = row->schema_id;
    flow->organization_id = row->organization_id;
    flow->refresh = row->refresh;
    flow->submit_count = row->submit_count;
    flow->spent = row->spent;
    flow->ui_known = 1;
    take_ui(k, flow);
    if (kind == KR_FLOW_LOGIN && !flow->active && kr_continuity_left(k, flow)) flow->active = kr_method_name(KR_METHOD_OIDC);
    flow->issued_at = row->issued_at;
    flow->expires_at = row->expires_at;
    flow->created_at = row->created_at;
    flow->updated_at = row->updated_at;
    *out = flow;
    return NULL;
}

int kr_flow_by_mail(kr_ctx_t *k, const kr_flow_t *flow)
{
    return k->req->method == KR_GET && (flow->kind == KR_FLOW_RECOVERY || flow->kind == KR_FLOW_VERIFICATION);
}

int kr_flow_expired(kr_ctx_t *k, const kr_flow_t *flow)
{
    return flow->expires_at <= k->now;
}
