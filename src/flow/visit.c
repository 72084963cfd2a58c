/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verification flow that was visited by the link of its mail. Mail scanners visit too, and who asked for the mail need not be
 * who reads it. So the visit takes nothing from the browser that began the flow, and the code that came with it is shown to the
 * visitor alone: an app or a browser that only asked for the mail must not read it out of the form.
 */
#include <string.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

#define CODE_MAX 64 /* bytes; what is longer is no code of ours */

static int is_visitor(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *value = kr_cookie(k->pool, k->req, k->realm->csrf_cookie_name, NULL);
    const char *hash = kr_json_str(flow->internal, "visit.owner");

    return value && hash && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CSRF, value, hash) >= 0;
}

int kr_flow_visitor(kr_ctx_t *k, const kr_flow_t *flow)
{
    return kr_csrf_owns(k, flow) || is_visitor(k, flow);
}

int kr_flow_visit(kr_ctx_t *k, kr_flow_t *flow, const char *code)
{
    if (flow->state != KR_STATE_SENT_EMAIL || strlen(code) > CODE_MAX) return 0;
    kr_csrf_ensure(k);
    kr_json_set_at(flow->internal, "visit.owner", json_string(kr_csrf_hash(k)));
    kr_json_set_at(flow->internal, "visit.code", json_string(kr_seal(k->pool, k->realm->keys, flow->id, code, strlen(code))));
    return 1;
}

void kr_flow_fill_visit(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *sealed = kr_json_str(flow->internal, "visit.code");
    unsigned char *code;
    apr_size_t len;

    if (!sealed || !is_visitor(k, flow)) return;
    code = kr_unseal(k->pool, k->realm->keys, flow->id, sealed, &len);
    if (code) kr_node_set(kr_node_find(flow, "code"), "value", json_stringn((const char *)code, len));
}

void kr_flow_forget_visit(kr_flow_t *flow)
{
    json_object_del(json_object_get(flow->internal, "visit"), "code");
}
