/* SPDX-License-Identifier: Apache-2.0 */
/* UI nodes: described by tables, kept as JSON, because that is how they are stored and shown. */
#include <stddef.h>
#include <string.h>

#include "flow.h"
#include "kr_json.h"
#include "kr_text.h"

#define UNMATCHED_MAX 200 /* fields of a form beyond those of its schema: elements of lists, and what nobody asked for */

/* -- what there is in a node ---------------------------------------------- */

/** How an attribute comes out of a description. */
typedef enum { AS_TEXT, AS_FLAG, AS_NUMBER, AS_JSON, AS_MESSAGE, AS_CALL } as_e;

typedef struct {
    const char *name;
    as_e as;
    size_t at;     /* where in kr_node_spec_t */
    int always;    /* 1: clients find it there even when it is empty, false or 0 */
} attribute_t;

#define AT(field) offsetof(kr_node_spec_t, field)
#define ALWAYS 1

/* In Kratos' order: two that share a name are two ways to describe it. */
static const attribute_t INPUT[] = {
    { "name", AS_TEXT, AT(name), ALWAYS },
    { "type", AS_TEXT, AT(type), ALWAYS },
    { "value", AS_TEXT, AT(value), 0 },
    { "value", AS_JSON, AT(held), 0 },
    { "required", AS_FLAG, AT(required), 0 },
    { "autocomplete", AS_TEXT, AT(autocomplete), 0 },
    { "pattern", AS_TEXT, AT(pattern), 0 },
    { "disabled", AS_FLAG, AT(disabled), ALWAYS },
    { "onclick", AS_CALL, AT(onclick), 0 },
    { "onclickTrigger", AS_TEXT, AT(onclick), 0 },
    { "onload", AS_CALL, AT(onload), 0 },
    { "onloadTrigger", AS_TEXT, AT(onload), 0 },
    { "maxlength", AS_NUMBER, AT(maxlength), 0 },
    { "options", AS_JSON, AT(options), 0 },
    { NULL, AS_TEXT, 0, 0 }
};

static const attribute_t IMG[] = {
    { "src", AS_TEXT, AT(src), ALWAYS },
    { "id", AS_TEXT, AT(name), ALWAYS },
    { "width", AS_NUMBER, AT(width), ALWAYS },
    { "height", AS_NUMBER, AT(height), ALWAYS },
    { NULL, AS_TEXT, 0, 0 }
};

static const attribute_t TEXT[] = {
    { "text", AS_MESSAGE, AT(text), ALWAYS },
    { "id", AS_TEXT, AT(name), ALWAYS },
    { NULL, AS_TEXT, 0, 0 }
};

static const attribute_t LINK[] = {
    { "href", AS_TEXT, AT(href), ALWAYS },
    { "title", AS_MESSAGE, AT(text), ALWAYS },
    { "id", AS_TEXT, AT(name), ALWAYS },
    { NULL, AS_TEXT, 0, 0 }
};

static const attribute_t SCRIPT[] = {
    { "src", AS_TEXT, AT(src), ALWAYS },
    { "async", AS_FLAG, AT(async), ALWAYS },
    { "referrerpolicy", AS_TEXT, AT(referrerpolicy), ALWAYS },
    { "crossorigin", AS_TEXT, AT(crossorigin), ALWAYS },
    { "integrity", AS_TEXT, AT(integrity), ALWAYS },
    { "type", AS_TEXT, AT(type), ALWAYS },
    { "id", AS_TEXT, AT(name), ALWAYS },
    { "nonce", AS_TEXT, AT(nonce), ALWAYS },
    { NULL, AS_TEXT, 0, 0 }
};

static const struct {
    const char *name;
    const char *id;    /* the attribute that a node of this type is found by */
    const attribute_t *attributes;
} TYPES[KR_NODE_TYPES] = {
    [KR_NODE_INPUT] = { "input", "name", INPUT },
    [KR_NODE_IMG] = { "img", "id", IMG },
    [KR_NODE_TEXT] = { "text", "id", TEXT },
    [KR_NODE_A] = { "a", "id", LINK },
    [KR_NODE_SCRIPT] = { "script", "id", SCRIPT },
};

/* -- making --------------------------------------------------------------- */

static json_t *text_of(const char *text, int always)
{
    return text || always ? json_string(text ? text : "") : NULL;
}

/* Scripts of pages call it; an app has none, and is told the name alone. */
static json_t *call_of(kr_ctx_t *k, const kr_flow_t *flow, const kr_node_spec_t *spec, const char *function)
{
    if (!function || flow->api) return NULL;
    return json_string(apr_pstrcat(k->pool, "window.", function, "(", spec->value ? spec->value : "", ")", NULL));
}

/* New reference; NULL: this node has no such attribute. */
static json_t *attribute_of(kr_ctx_t *k, const kr_flow_t *flow, const kr_node_spec_t *spec, const attribute_t *a)
{
    const void *at = (const char *)spec + a->at;
    const int number = a->as == AS_FLAG || a->as == AS_NUMBER ? *(const int *)at : 0;

    switch (a->as) {
    case AS_TEXT: return text_of(*(const char *const *)at, a->always);
    case AS_FLAG: return number || a->always ? json_boolean(number) : NULL;
    case AS_NUMBER: return number || a->always ? json_integer(number) : NULL;
    case AS_JSON: return json_deep_copy(*(json_t *const *)at);
    case AS_MESSAGE: return json_incref(kr_message(k, *(const int *)at, spec->text_context));
    case AS_CALL: return call_of(k, flow, spec, *(const char *const *)at);
    }
    return NULL;
}

json_t *kr_node_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *spec)
{
    const char *type = TYPES[spec->node].name;
    json_t *attributes = json_object();
    json_t *meta = json_object();
    json_t *node;

    for (const attribute_t *a = TYPES[spec->node].attributes; a->name; a++) {
        json_t *value = attribute_of(k, flow, spec, a);

        if (value) json_object_set_new(attributes, a->name, value);
    }
    json_object_set_new(attributes, "node_type", json_string(type));
    if (spec->label) json_object_set(meta, "label", kr_message(k, spec->label, spec->label_context));
    node = json_pack("{s:s, s:s, s:o, s:[], s:o}", "type", type, "group", group, "attributes", attributes, "messages", "meta", meta);
    json_array_append_new(flow->nodes, node);
    return node;
}

void kr_nodes_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *specs, int count)
{
    for (int i = 0; i < count; i++) kr_node_add(k, flow, group, &specs[i]);
}

/* -- finding and changing ------------------------------------------------- */

const char *kr_node_id(const json_t *node)
{
    const char *type = kr_json_str(node, "type"), *id = NULL;

    for (int i = 0; type && i < KR_NODE_TYPES && !id; i++)
        if (strcmp(TYPES[i].name, type) == 0) id = kr_json_str(json_object_get(node, "attributes"), TYPES[i].id);
    return id ? id : "";
}

json_t *kr_node_find_value(const kr_flow_t *flow, const char *name, const char *value)
{
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *v = kr_json_str(json_object_get(node, "attributes"), "value");

        if (strcmp(kr_node_id(node), name) == 0 && (!value || (v && strcmp(v, value) == 0))) return node;
    }
    return NULL;
}

json_t *kr_node_find(const kr_flow_t *flow, const char *name)
{
    return kr_node_find_value(flow, name, NULL);
}

void kr_node_remove(kr_flow_t *flow, const json_t *node)
{
    for (size_t i = 0; i < json_array_size(flow->nodes); i++)
        if (json_array_get(flow->nodes, i) == node) {
            json_array_remove(flow->nodes, i);
            return;
        }
}

void kr_node_put(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *spec)
{
    json_t *old = kr_node_find(flow, spec->name);
    json_t *node = kr_node_add(k, flow, group, spec);

    if (!old) return;
    json_object_set(node, "messages", json_object_get(old, "messages"));
    json_object_update(old, node);
    json_array_remove(flow->nodes, json_array_size(flow->nodes) - 1);
}

void kr_node_set(json_t *node, const char *attribute, json_t *value)
{
    if (node) json_object_set_new(json_object_get(node, "attributes"), attribute, value);
    else json_decref(value);
}

void kr_node_csrf(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t CSRF = { .name = "csrf_token", .type = "hidden", .value = "", .required = 1 };

    if (!kr_node_find(flow, CSRF.name)) kr_node_add(k, flow, "default", &CSRF);
}

/* -- nodes of an identity schema ------------------------------------------ */

void kr_nodes_schema(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *traits)
{
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        kr_node_spec_t spec = { .name = leaf->path, .type = leaf->input_type, .required = leaf->required,
                                .autocomplete = leaf->autocomplete, .pattern = leaf->pattern, .options = leaf->options,
                                .held = traits ? kr_json_at(traits, leaf->path) : NULL };

        if (!leaf->node || kr_node_find(flow, leaf->path)) continue;
        if (leaf->title) {
            spec.label = 1070002;
            spec.label_context = json_pack("{s:s, s:s}", "title", leaf->title, "name", leaf->path);
        }
        kr_node_add(k, flow, group, &spec);
    }
}

/* null is no value. */
static void show_value(json_t *node, json_t *value)
{
    if (json_is_null(value)) json_object_del(json_object_get(node, "attributes"), "value");
    else kr_node_set(node, "value", json_incref(value));
}

void kr_nodes_fill(kr_flow_t *flow, const kr_schema_t *schema, const json_t *decoded)
{
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        json_t *value = kr_json_at(decoded, leaf->path);
        json_t *node = kr_node_find(flow, leaf->path);

        if (value && node) show_value(node, value);
    }
}

/* Of fields that no schema describes. */
static const char *type_of(const json_t *value)
{
    return json_is_number(value) ? "number" : json_is_boolean(value) ? "checkbox" : "text";
}

/** Values that no node stands for get nodes of their own. */
typedef struct {
    kr_ctx_t *k;
    kr_flow_t *flow;
    const char *group;
    int left; /* so many more at most: they are of whoever sent them */
} adding_t;

static void add_leaf(adding_t *a, const char *path, json_t *value)
{
    if (kr_node_find(a->flow, path) || a->left-- <= 0) return;
    show_value(kr_node_add(a->k, a->flow, a->group, &(kr_node_spec_t){ .name = path, .type = type_of(value) }), value);
}

/* The depth is bounded by kr_json_parse. */
static void add_leaves(adding_t *a, const char *path, json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach(value, key, child) add_leaves(a, *path ? apr_pstrcat(a->k->pool, path, ".", key, NULL) : key, child);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child) add_leaves(a, apr_psprintf(a->k->pool, "%s.%u", path, (unsigned)i), child);
    } else {
        add_leaf(a, path, value);
    }
}

void kr_nodes_keep(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *decoded)
{
    adding_t a = { k, flow, group, UNMATCHED_MAX };

    kr_nodes_fill(flow, schema, decoded);
    if (decoded) add_leaves(&a, "", (json_t *)decoded);
}

/* The elements that a list had when it was shown before: it may be shorter by now. */
static void forget_elements(kr_flow_t *flow, const char *list)
{
    const size_t len = strlen(list);

    for (size_t i = json_array_size(flow->nodes); i-- > 0;) {
        const char *name = kr_node_id(json_array_get(flow->nodes, i));

        if (strncmp(name, list, len) == 0 && name[len] == '.') json_array_remove(flow->nodes, i);
    }
}

void kr_nodes_show(kr_ctx_t *k, kr_flow_t *flow, const kr_schema_t *schema, const char *group, const json_t *decoded)
{
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        json_t *node = kr_node_find(flow, leaf->path);

        if (leaf->type == KR_LEAF_ARRAY) forget_elements(flow, leaf->path);
        if (node) json_object_del(json_object_get(node, "attributes"), "value");
    }
    kr_nodes_keep(k, flow, schema, group, decoded);
}
