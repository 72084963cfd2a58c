/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What codes of authenticator apps and recovery codes share, and codes that were sent in part. Three codes of a million fit at any
 * moment: so wrong ones are counted for the account, whatever flow and session they come by, and after too many of them the right one
 * opens nothing either.
 */
#include "kr_db.h"
#include "kr_json.h"
#include "kr_store_budget.h"
#include "kr_text.h"
#include "method.h"

kr_err_t *kr_second_show(kr_ctx_t *k, kr_flow_t *flow, const char *method, const kr_node_spec_t *nodes, int count)
{
    kr_identity_t *identity;
    kr_session_t *session;

    KR_TRY(kr_session_whole(&session, &identity, k));
    if (!kr_identity_credential(identity, method)) return NULL;
    kr_node_csrf(k, flow); /* in apps, the form of mailed codes alone does without */
    kr_nodes_add(k, flow, method, nodes, count);
    return NULL;
}

void kr_second_forget(kr_flow_t *flow, const char *field)
{
    json_t *node = kr_node_find(flow, field);

    if (node) json_object_del(json_object_get(node, "attributes"), "value");
}

kr_err_t *kr_second_missing(kr_ctx_t *k, kr_flow_t *flow, int none)
{
    kr_flow_message(k, flow, none, NULL);
    return kr_err_show_flow(k);
}

/* -- a form that is clicked twice ------------------------------------------- */

#define PASSED "second" /* in flow->internal: the code that was right, and when */
#define MOMENT apr_time_from_sec(60)

/** What only this form makes, of this code, in this session. */
static kr_err_t *tag_of(const char **tag, kr_ctx_t *k, const kr_flow_t *flow, const kr_second_t *second)
{
    kr_session_t *session;

    KR_TRY(kr_session_need(&session, k, NULL));
    *tag = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0,
                   apr_pstrcat(k->pool, "second ", flow->id, " ", session->id, " ", second->method, " ", second->typed, NULL));
    return NULL;
}

kr_err_t *kr_second_remember(kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second)
{
    const char *tag;

    KR_TRY(tag_of(&tag, k, flow, second));
    json_object_set_new(flow->internal, PASSED, json_pack("{s:s, s:I}", "tag", tag, "at", (json_int_t)k->now));
    return NULL;
}

/*
 * Of somebody who looks at pages: the browser sent both with the same cookie, and shows what the second comes to. The first answer, and
 * the session's new token with it, may be lost; the old one is good for as long.
 */
kr_err_t *kr_second_twice(int *yes, kr_ctx_t *k, const kr_flow_t *flow, const kr_second_t *second)
{
    const json_t *passed = json_object_get(flow->internal, PASSED);
    const char *tag;

    *yes = 0;
    if (!passed || k->client != KR_CLIENT_PERSON || !kr_identity_credential(second->identity, second->method)) return NULL;
    KR_TRY(tag_of(&tag, k, flow, second));
    *yes = kr_equal(tag, kr_json_str(passed, "tag")) && json_integer_value(json_object_get(passed, "at")) > k->now - MOMENT;
    return NULL;
}

/* The first may have come to its end since this one began, and a third may come. */
static kr_err_t *came_before(int *yes, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second)
{
    kr_flow_t *now;

    *yes = 0;
    if (k->client != KR_CLIENT_PERSON) return NULL;
    KR_TRY(kr_flow_load(&now, k, flow->kind, flow->id));
    KR_TRY(kr_second_twice(yes, k, now, second));
    if (*yes) flow->internal = now->internal;
    return NULL;
}

/* -- wrong and right ------------------------------------------------------- */

/** A wrong try, for the transaction that counts it. */
typedef struct {
    const kr_tries_t *tries;
    apr_int64_t used;
} counting_t;

static kr_err_t *count(kr_ctx_t *k, void *baton)
{
    counting_t *c = baton;

    return kr_store_budget_spend(&c->used, k, c->tries->id, c->tries->window);
}

static kr_err_t *refuse(kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second, int wrong)
{
    counting_t c = { .tries = kr_budget_second(k, second->method, second->identity->id) };

    kr_log(k, KR_LOG_INFO, KRLOGNO(0611) "login %s: identity %s, %s: not the right code", flow->id, second->identity->id, second->method);
    kr_audit_wrong_code(k, flow, second->identity, second->method, KR_CODE_WRONG);
    if (c.tries) KR_TRY(kr_db_tx(k, count, &c));
    return kr_code_refuse(k, flow, c.tries && c.used > c.tries->limit ? KR_CODE_TOO_OFTEN : KR_CODE_WRONG, wrong);
}

static kr_proof_t proof_of(const kr_second_t *second)
{
    return (kr_proof_t){ .method = second->method, .credential = kr_identity_credential(second->identity, second->method) };
}

kr_err_t *kr_second_wrong(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second, int wrong)
{
    int twice;

    KR_TRY(came_before(&twice, k, flow, second));
    return twice ? kr_outcome_proved(out, flow, second->identity, proof_of(second)) : refuse(k, flow, second, wrong);
}

kr_err_t *kr_second_right(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second, const char *spends,
                          apr_int64_t spent)
{
    kr_proof_t proof = proof_of(second);
    apr_int64_t used = 0;

    proof.spends = spends;
    proof.spent = spent;
    proof.tries = kr_budget_second(k, second->method, second->identity->id);
    if (flow->again && proof.tries) KR_TRY(kr_store_budget_look(&used, k, proof.tries->id, proof.tries->window));
    if (proof.tries && used >= proof.tries->limit) {
        kr_audit_wrong_code(k, flow, second->identity, second->method, KR_CODE_TOO_OFTEN);
        return kr_code_refuse(k, flow, KR_CODE_TOO_OFTEN, 0);
    }
    KR_TRY(kr_second_remember(k, flow, second));
    return kr_outcome_proved(out, flow, second->identity, proof);
}
