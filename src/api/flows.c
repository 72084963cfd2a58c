/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of flow does the same way: begin, get, give way to another one. What they do with a submit is submit.c. */
#include <string.h>

#include "api.h"
#include "kr_db.h"

#define OVER "this flow is over, go on with the one that took its place"

int kr_query_true(kr_ctx_t *k, const char *name)
{
    const char *value = kr_query(k->req, name);

    return value && kr_word_true(value);
}

kr_err_t *kr_flow_take_query(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *schema_id = kr_query(k->req, "identity_schema");
    const char *organization = kr_query(k->req, "organization");

    if (schema_id && *schema_id && flow->requested_aal != KR_AAL2) { /* who is asked is known then */
        const kr_schema_t *schema = kr_realm_schema(k->realm, schema_id);

        if (!schema || !schema->selectable || strcmp(schema->id, schema_id) != 0)
            return kr_err(k, 400, NULL, "identity_schema names a schema that cannot be chosen");
        flow->schema_id = schema->id;
    }
    if (organization && kr_uuid_valid(organization)) flow->organization_id = organization;
    return NULL;
}

kr_err_t *kr_flow_check_enabled(kr_ctx_t *k, kr_flow_kind_e kind)
{
    static const struct { const char *id, *reason; } OFF[KR_FLOW_KINDS] = {
        [KR_FLOW_REGISTRATION] = { "self_service_flow_disabled", "signing up is switched off here" },
        [KR_FLOW_RECOVERY] = { NULL, "account recovery is switched off here" },
        [KR_FLOW_VERIFICATION] = { NULL, "verification of addresses is switched off here" },
    };

    return kr_flow_conf(k, kind)->enabled ? NULL : kr_err(k, 400, OFF[kind].id, "%s", OFF[kind].reason);
}

static kr_err_t *insert_with_hooks(kr_ctx_t *k, void *flow)
{
    KR_TRY(kr_hooks_begin(k, flow));
    return kr_flow_insert(k, flow);
}

/* It has its form: who is asked first is asked, and it is stored with what others are told of it. */
static kr_err_t *begin(kr_ctx_t *k, kr_flow_t *flow)
{
    KR_TRY(kr_hooks_before(k, flow));
    return kr_hooks_would_begin(k, flow->kind) ? kr_db_tx(k, insert_with_hooks, flow) : kr_flow_insert(k, flow);
}

kr_err_t *kr_flow_open(kr_ctx_t *k, kr_flow_t *flow)
{
    KR_TRY(kr_methods_show(k, flow));
    return begin(k, flow);
}

static const char *init_path(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *path = apr_pstrcat(k->pool, "/self-service/", kr_flow_kind_name(flow->kind), flow->api ? "/api" : "/browser",
                                   NULL);

    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

/* What the client should do instead stands in the details. Login and registration have an id for it. */
kr_err_t *kr_flow_gone(kr_ctx_t *k, const kr_flow_t *flow)
{
    const int named = flow->kind == KR_FLOW_LOGIN || flow->kind == KR_FLOW_REGISTRATION
                      || (flow->kind == KR_FLOW_RECOVERY && flow->api);
    const char *init = init_path(k, flow);
    kr_err_t *err = kr_err(k, 410, named ? "self_service_flow_expired" : NULL, "the flow has expired, begin a new one");

    if (flow->api) return kr_err_detail(k, err, "api", json_string(init));
    if (flow->oauth2.challenge) init = kr_url_with(k->pool, init, "login_challenge", flow->oauth2.challenge);
    if (flow->return_to) init = kr_url_with(k->pool, init, "return_to", flow->return_to);
    kr_err_detail(k, err, "redirect_to", json_string(init));
    return kr_err_detail(k, err, "return_to", json_string(flow->return_to ? flow->return_to : ""));
}

/* Who sent the form of a verification twice gets a new flow, as clients know it. The built-in pages show what the first post has come to. */
static void show_first(kr_flow_t **flow, kr_ctx_t *k)
{
    const char *id = kr_json_str((*flow)->internal, KR_INSTEAD);
    kr_flow_t *first;

    if (!id || !k->inside || kr_flow_load(&first, k, (*flow)->kind, id)) return; /* gone since: then the new one */
    if (first->state == KR_STATE_PASSED_CHALLENGE && !kr_flow_expired(k, first)) *flow = first;
}

kr_err_t *kr_flow_get(kr_ctx_t *k, kr_flow_kind_e kind)
{
    const char *id = kr_query(k->req, "id");
    kr_flow_t *flow;
    kr_err_t *err = kr_flow_load(&flow, k, kind, id);

    if (!err && !flow->api && !kr_flow_visitor(k, flow)) err = kr_csrf_violation(k, NULL);
    if (!err && kr_flow_expired(k, flow)) err = kr_flow_gone(k, flow);
    if (!err) show_first(&flow, k);
    if (!err) kr_flow_fill_visit(k, flow);
    if (!err && k->inside) kr_flow_fill_typed(k, flow);
    return err ? kr_answer_error(k, err) : kr_answer_flow(k, flow);
}

/* -- flows that give way -------------------------------------------------- */

static json_t *expiry(kr_ctx_t *k, apr_time_t since)
{
    return json_pack("{s:s, s:I}", "expired_at", kr_time_rfc3339(k->pool, since), "expired_at_unix",
                     (json_int_t)apr_time_sec(since));
}

/* The 410 of a flow whose place `flow` has taken. */
static kr_err_t *replaced(kr_ctx_t *k, const kr_flow_t *old, const kr_flow_t *flow)
{
    kr_err_t *err = kr_err(k, 410, "self_service_flow_expired", "the flow has expired, go on with the one that took its place");

    kr_err_extra(k, err, "expired_at", json_string(kr_time_rfc3339(k->pool, old->expires_at)));
    kr_err_extra(k, err, "since", json_integer((json_int_t)(k->now - old->expires_at) * 1000));
    return kr_err_extra(k, err, "use_flow_id", json_string(flow->id));
}

kr_err_t *kr_flow_replace_expired(kr_ctx_t *k, const kr_flow_t *old, int message)
{
    kr_flow_t *flow = kr_flow_make(k, old->kind, old->api, old->request_url);
    kr_err_t *err;

    flow->schema_id = old->schema_id;
    flow->organization_id = old->organization_id;
    flow->refresh = old->refresh;
    flow->requested_aal = old->requested_aal;
    flow->identity_id = old->identity_id;
    kr_flow_hand_on(flow, old);
    KR_TRY(kr_methods_show(k, flow));
    kr_flow_message(k, flow, message, expiry(k, old->expires_at));
    kr_flow_keep_typed(k, flow, old);
    KR_TRY(begin(k, flow));
    err = replaced(k, old, flow);
    err->kind = KR_ERR_REPLACED;
    return kr_err_lead(err, 303, kr_flow_ui_url(k, flow));
}

/* Kratos reads it in two ways: a registration's is "true", in so many letters. */
static int wants_exchange_code(kr_ctx_t *k, const kr_flow_t *flow)
{
    static const char NAME[] = "return_session_token_exchange_code";
    const char *value = kr_query(k->req, NAME);

    if (flow->kind == KR_FLOW_REGISTRATION) return value && strcmp(value, "true") == 0;
    return kr_query_true(k, NAME);
}

kr_err_t *kr_flow_exchange_code(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!wants_exchange_code(k, flow)) return NULL;
    return kr_exchange_begin(&flow->exchange_code, k, flow->id, flow->expires_at);
}

/* -- recovery and verification that begin anew ---------------------------- */

/* Forms of other tabs end with the flow: the new one belongs to a new cookie. Kratos renews it for native clients too. */
static kr_err_t *begin_again(kr_flow_t **out, kr_ctx_t *k, const kr_flow_t *old, int api, const char *request_url, int renew)
{
    if (renew) kr_csrf_renew(k);
    *out = kr_flow_make(k, old->kind, api, request_url);
    kr_flow_hand_on(*out, old);
    if (renew && old->kind == KR_FLOW_RECOVERY) (*out)->csrf_hash = kr_csrf_hash(k);
    return kr_methods_show(k, *out);
}

static const char *flow_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    return kr_url_join(k->pool, k->realm->settings->base_url,
                       apr_pstrcat(k->pool, "/self-service/", kr_flow_kind_name(flow->kind), "/flows?id=", flow->id, NULL));
}

static kr_err_t *answer_transition(kr_ctx_t *k, const kr_flow_t *flow, kr_err_t *err)
{
    json_t *with = json_pack("[{s:s, s:{s:s}}]", "action", "show_recovery_ui", "flow", "id", flow->id);

    return kr_answer_error(k, kr_err_detail(k, err, "continue_with", with));
}

/* Where the new flow is: people are sent to its page, programs are told in the way of its kind and method. */
static kr_err_t *answer_retry(kr_ctx_t *k, const kr_flow_t *flow, const kr_outcome_t *why)
{
    const int by_link = why->method == KR_METHOD_LINK;

    if (why->replace.visit || (by_link && !flow->api) || kr_client_asking(k) == KR_CLIENT_PERSON)
        return kr_answer_see(k, kr_flow_ui_url(k, flow));
    if (by_link || (flow->kind == KR_FLOW_RECOVERY && !k->realm->settings->use_transitions))
        return kr_answer_see(k, flow_url(k, flow));
    if (flow->kind == KR_FLOW_RECOVERY)
        return answer_transition(k, flow, kr_err(k, 400, NULL, "%s", why->replace.reason ? why->replace.reason : OVER));
    return kr_answer_error(k, kr_err_extra(k, kr_err(k, 410, "self_service_flow_replaced", OVER), "use_flow_id",
                                           json_string(flow->id)));
}

kr_err_t *kr_flow_retry(kr_ctx_t *k, const kr_flow_t *old, const kr_outcome_t *why)
{
    kr_flow_t *flow;

    KR_TRY(begin_again(&flow, k, old, old->api && !why->replace.visit, kr_flow_submit_url(k, old), 1));
    if (why->replace.reason) kr_flow_reason(k, flow, why->replace.reason);
    else kr_flow_message(k, flow, why->replace.message, why->replace.since ? expiry(k, why->replace.since) : NULL);
    if (why->replace.message == 4070002 && kr_csrf_owns(k, old)) kr_json_set_at(flow->internal, KR_INSTEAD, json_string(old->id));
    KR_TRY(kr_flow_insert(k, flow));
    return answer_retry(k, flow, why);
}

kr_err_t *kr_flow_retry_expired(kr_ctx_t *k, const kr_flow_t *old, int message)
{
    kr_flow_t *flow;

    KR_TRY(begin_again(&flow, k, old, old->api && !kr_flow_by_mail(k, old), old->request_url, old->kind == KR_FLOW_VERIFICATION));
    kr_flow_message(k, flow, message, expiry(k, old->expires_at));
    kr_flow_keep_typed(k, flow, old);
    KR_TRY(kr_flow_insert(k, flow));
    if (kr_flow_by_mail(k, old) || k->client == KR_CLIENT_PERSON) return kr_answer_see(k, kr_flow_ui_url(k, flow));
    if (old->kind != KR_FLOW_RECOVERY || !old->api || !k->realm->settings->use_transitions)
        return kr_answer_see(k, flow_url(k, flow));
    return answer_transition(k, flow, replaced(k, old, flow));
}
