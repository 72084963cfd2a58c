/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a flow's row that whoever reads the database must not see. Nodes that hold a secret: the seed of an authenticator app,
 * as text and as picture, and recovery codes: whoever asked for them sees them as often as the form is shown; at rest each stands in its
 * place as a text, sealed. And what waits there for a later request, under a name.
 */
#include <string.h>

#include "flow.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

static const char *const SECRET[] = { "totp_qr", "totp_secret_key", "lookup_secret_codes" };

static int is_secret(const json_t *node)
{
    const char *id = kr_node_id(node);

    for (int i = 0; i < KR_DIM(SECRET); i++)
        if (strcmp(SECRET[i], id) == 0) return 1;
    return 0;
}

static const char *context_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    return apr_pstrcat(k->pool, "node ", flow->id, NULL); /* sealed for this flow's form, and opened as nothing else */
}

json_t *kr_nodes_seal(kr_ctx_t *k, const kr_flow_t *flow)
{
    json_t *out = NULL, *node;
    size_t i;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *text;

        if (!is_secret(node)) continue;
        if (!out) out = kr_json_own(k->pool, json_copy(flow->nodes));
        text = kr_json_dump(k->pool, node, NULL);
        json_array_set_new(out, i, json_string(kr_seal(k->pool, k->realm->keys, context_of(k, flow), text, strlen(text))));
    }
    return out ? out : flow->nodes;
}

void kr_nodes_unseal(kr_ctx_t *k, kr_flow_t *flow)
{
    for (size_t i = json_array_size(flow->nodes); i-- > 0;) {
        const char *sealed = json_string_value(json_array_get(flow->nodes, i));
        apr_size_t len = 0;
        unsigned char *text = sealed ? kr_unseal(k->pool, k->realm->keys, context_of(k, flow), sealed, &len) : NULL;
        json_t *node = text ? json_loadb((const char *)text, len, 0, NULL) : NULL;

        if (!sealed) continue;
        if (node) json_array_set_new(flow->nodes, i, node);
        else json_array_remove(flow->nodes, i); /* the secret that sealed it is gone */
    }
}

/* -- under a name -------------------------------------------------------------- */

static const char *context_named(kr_ctx_t *k, const kr_flow_t *flow, const char *name)
{
    return apr_pstrcat(k->pool, name, " in ", flow->id, NULL);
}

int kr_flow_hide(kr_ctx_t *k, kr_flow_t *flow, const char *name, const json_t *value, apr_size_t max)
{
    apr_size_t len;
    const char *text = kr_json_dump(k->pool, value, &len);

    if (max && len > max) return 0;
    json_object_set_new(flow->internal, name,
                        json_string(kr_seal(k->pool, k->realm->keys, context_named(k, flow, name), text, len)));
    return 1;
}

json_t *kr_flow_hidden(kr_ctx_t *k, const kr_flow_t *flow, const char *name)
{
    const char *sealed = kr_json_str(flow->internal, name);
    apr_size_t len;
    const unsigned char *text = sealed ? kr_unseal(k->pool, k->realm->keys, context_named(k, flow, name), sealed, &len) : NULL;

    return text ? kr_json_parse(k->pool, (const char *)text, len, NULL) : NULL;
}
