/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What codes of authenticator apps and recovery codes share. Three codes of a million fit at any moment: so wrong ones are counted for the
 * account, whatever flow and session they come by, and after too many of them the right one opens nothing either.
 */
#include "kr_db.h"
#include "kr_json.h"
#include "kr_store_budget.h"
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

kr_err_t *kr_second_wrong(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const char *method, int wrong)
{
    counting_t c = { .tries = kr_budget_second(k, method, identity->id) };

    kr_log(k, KR_LOG_INFO, KRLOGNO(0611) "login %s: identity %s, %s: not the right code", flow->id, identity->id, method);
    if (c.tries) KR_TRY(kr_db_tx(k, count, &c));
    return kr_code_refuse(k, flow, c.tries && c.used > c.tries->limit ? KR_CODE_TOO_OFTEN : KR_CODE_WRONG, wrong);
}

kr_err_t *kr_second_right(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const char *method,
                          const char *spends, apr_int64_t spent)
{
    const kr_tries_t *tries = kr_budget_second(k, method, identity->id);
    apr_int64_t used = 0;

    if (flow->again && tries) KR_TRY(kr_store_budget_look(&used, k, tries->id, tries->window));
    if (tries && used >= tries->limit) return kr_code_refuse(k, flow, KR_CODE_TOO_OFTEN, 0);
    return kr_outcome_proved(out, flow, identity,
                             (kr_proof_t){ .method = method, .credential = kr_identity_credential(identity, method),
                                           .spends = spends, .spent = spent, .tries = tries });
}
