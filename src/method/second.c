/* SPDX-License-Identifier: Apache-2.0 */
/* What codes of authenticator apps and recovery codes share: how they are refused. */
#include "kr_json.h"
#include "method.h"

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

kr_err_t *kr_second_wrong(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const char *method, int wrong)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0611) "login %s: identity %s, %s: not the right code", flow->id, identity->id, method);
    kr_flow_message(k, flow, wrong, NULL);
    return kr_err_show_flow(k);
}
