/* SPDX-License-Identifier: Apache-2.0 */
/* What a schema has against a value becomes messages, each on the node of the value. */
#include <string.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_text.h"

static const struct { const char *keyword; int id; } KEYWORDS[] = {
    { "required", 4000002 },   { "type", 4000026 },         { "minLength", 4000003 },        { "maxLength", 4000017 },
    { "pattern", 4000004 },    { "format:email", 4000040 }, { "format:email_loose", 4000040 }, { "format:tel", 4000041 },
    { "minimum", 4000018 },    { "exclusiveMinimum", 4000019 }, { "maximum", 4000020 },      { "exclusiveMaximum", 4000021 },
    { "multipleOf", 4000022 }, { "minItems", 4000024 },     { "maxItems", 4000023 },         { "uniqueItems", 4000025 },
};

static int message_of(const kr_violation_t *v)
{
    const char *value = kr_json_str(v->context, "value");

    /* an address that is empty is not shown as one that is wrong */
    if (value && !*value) return 4000001;
    if (strcmp(v->keyword, "const") == 0) return json_object_get(v->context, "expected") ? 4000029 : 4000030;
    for (int i = 0; i < KR_DIM(KEYWORDS); i++)
        if (strcmp(KEYWORDS[i].keyword, v->keyword) == 0) return KEYWORDS[i].id;
    return 4000001;
}

/** What the schema has at a path: a leaf, or the element of a list. */
static const kr_leaf_t *leaf_at(kr_ctx_t *k, const kr_flow_t *flow, const char *path)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    const kr_leaf_t *leaf = kr_schema_leaf(schema, path);
    const char *dot = strrchr(path, '.');

    if (leaf || !dot || !dot[1] || dot[1 + strspn(dot + 1, "0123456789")]) return leaf;
    leaf = kr_schema_leaf(schema, apr_pstrmemdup(k->pool, path, (apr_size_t)(dot - path)));
    return leaf && leaf->type == KR_LEAF_ARRAY ? kr_leaf_item(leaf, (apr_size_t)apr_atoi64(dot + 1)) : NULL;
}

/* The schema with the pattern says what it is for; where that is a branch without words, the property does. */
static void add_misfit(kr_ctx_t *k, kr_flow_t *flow, const kr_violation_t *v)
{
    const kr_leaf_t *leaf = v->title || v->description ? NULL : leaf_at(k, flow, v->path);

    kr_node_misfit(k, flow, v->path, json_copy(v->context), leaf ? leaf->title : v->title, leaf ? leaf->description : v->description);
}

void kr_nodes_violations(kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *violations)
{
    for (int i = 0; i < violations->nelts; i++) {
        const kr_violation_t *v = &APR_ARRAY_IDX(violations, i, kr_violation_t);
        const int id = message_of(v);
        json_t *context;

        if (id == 4000004) {
            add_misfit(k, flow, v);
            continue;
        }
        context = id == 4000001 ? json_pack("{s:s}", "reason", v->reason ? v->reason : "not valid")
                  : id == 4000030 ? NULL : json_copy(v->context);
        kr_node_message(k, flow, v->path, id, context);
    }
}
