/* SPDX-License-Identifier: Apache-2.0 */
/* UI nodes: described by tables, kept as JSON, because that is how they are stored and shown. */
#include <string.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- making and finding --------------------------------------------------- */

json_t *kr_node_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *spec)
{
    json_t *attributes = json_object();
    json_t *meta = json_object();
    json_t *node;

    json_object_set_new(attributes, "name", json_string(spec->name));
    json_object_set_new(attributes, "type", json_string(spec->type));
    if (spec->value) json_object_set_new(attributes, "value", json_string(spec->value));
    if (spec->required) json_object_set_new(attributes, "required", json_true());
    if (spec->autocomplete) json_object_set_new(attributes, "autocomplete", json_string(spec->autocomplete));
    if (spec->pattern) json_object_set_new(attributes, "pattern", json_string(spec->pattern));
    json_object_set_new(attributes, "disabled", json_false());
    if (spec->maxlength) json_object_set_new(attributes, "maxlength", json_integer(spec->maxlength));
    json_object_set_new(attributes, "node_type", json_string("input"));
    if (spec->label) json_object_set(meta, "label", kr_message(k, spec->label, spec->label_context));
    node = json_pack("{s:s, s:s, s:o, s:[], s:o}", "type", "input", "group", group, "attributes", attributes, "messages",
                     "meta", meta);
    json_array_append_new(flow->nodes, node);
    return node;
}

void kr_nodes_add(kr_ctx_t *k, kr_flow_t *flow, const char *group, const kr_node_spec_t *specs, int count)
{
    for (int i = 0; i < count; i++) kr_node_add(k, flow, group, &specs[i]);
}

static const char *node_id(const json_t *node)
{
    const json_t *attributes = json_object_get(node, "attributes");
    const char *name = kr_json_str(attributes, "name");

    if (!name) name = kr_json_str(attributes, "id");
    return name ? name : "";
}

json_t *kr_node_find_value(const kr_flow_t *flow, const char *name, const char *value)
{
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *v = kr_json_str(json_object_get(node, "attributes"), "value");

        if (strcmp(node_id(node), name) == 0 && (!value || (v && strcmp(v, value) == 0))) return node;
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
                                .autocomplete = leaf->autocomplete, .pattern = leaf->pattern };
        json_t *node, *value;

        if (!leaf->node || kr_node_find(flow, leaf->path)) continue;
        if (leaf->title) {
            spec.label = 1070002;
            spec.label_context = json_pack("{s:s, s:s}", "title", leaf->title, "name", leaf->path);
        }
        node = kr_node_add(k, flow, group, &spec);
        /* a deep copy: the schema is shared by threads, and jansson's counts are not made for that */
        if (leaf->options) kr_node_set(node, "options", json_deep_copy(leaf->options));
        value = traits ? kr_json_at(traits, leaf->path) : NULL;
        if (value) kr_node_set(node, "value", json_incref(value));
    }
}

void kr_nodes_fill(kr_flow_t *flow, const kr_schema_t *schema, const json_t *decoded)
{
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        json_t *value = kr_json_at(decoded, leaf->path);
        json_t *node = kr_node_find(flow, leaf->path);

        if (value && node) kr_node_set(node, "value", json_incref(value));
    }
}

/* Leaves of `value` that no node stands for. The depth is bounded by kr_json_parse. */
static void add_unmatched(kr_ctx_t *k, kr_flow_t *flow, const char *group, const char *path, json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach(value, key, child)
            add_unmatched(k, flow, group, *path ? apr_pstrcat(k->pool, path, ".", key, NULL) : key, child);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child)
            add_unmatched(k, flow, group, apr_psprintf(k->pool, "%s.%u", path, (unsigned)i), child);
    } else if (!kr_node_find(flow, path)) {
        kr_node_set(kr_node_add(k, flow, group, &(kr_node_spec_t){ .name = path, .type = "text" }), "value", json_incref(value));
    }
}

/* The elements that a list had when it was shown before: it may be shorter by now. */
static void forget_elements(kr_flow_t *flow, const char *list)
{
    const size_t len = strlen(list);

    for (size_t i = json_array_size(flow->nodes); i-- > 0;) {
        const char *name = node_id(json_array_get(flow->nodes, i));

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
    kr_nodes_fill(flow, schema, decoded);
    add_unmatched(k, flow, group, "", (json_t *)decoded);
}

/* -- order ---------------------------------------------------------------- */

/** How the nodes of a kind are ordered (nodes.md section 1). "$first" and "$traits" stand for the schema's keys. */
typedef struct {
    const char *groups[16];
    const char *keys[16];
} order_t;

static const order_t ORDER[KR_FLOW_KINDS] = {
    [KR_FLOW_LOGIN] = {
        { "oidc", "default", "webauthn", "passkey", "code", "password", "totp", "lookup_secret" },
        { "csrf_token", "identifier", "password" },
    },
    [KR_FLOW_REGISTRATION] = {
        { "oidc", "saml", "default", "webauthn", "passkey", "code", "password", "captcha", "profile" },
        { "csrf_token", "$first", "password", "$traits", "webauthn_remove", "webauthn_register_displayname",
          "webauthn_register" },
    },
    [KR_FLOW_SETTINGS] = {
        { "default", "profile", "password", "oidc", "lookup_secret", "webauthn", "passkey", "totp" },
        { "$traits", "lookup_secret_reveal", "lookup_secret_regenerate", "lookup_secret_codes", "lookup_secret_confirm",
          "webauthn_remove", "webauthn_register_displayname", "webauthn_register", "passkey_remove", "passkey_register",
          "totp_qr", "totp_secret_key", "totp_unlink", "totp_code" },
    },
};

#define LAST 1000000

static int group_rank(const order_t *order, const json_t *node)
{
    const char *group = kr_json_str(node, "group");

    for (int i = 0; i < KR_DIM(order->groups) && order->groups[i]; i++)
        if (strcmp(order->groups[i], group) == 0) return i;
    return -1; /* groups that Kratos forgot in its list come first there, and so they do here */
}

static int leaf_rank(const kr_schema_t *schema, const char *id, int from, int to)
{
    for (int i = from; i < to && i < schema->leaves->nelts; i++) {
        const char *path = APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t).path;

        if (strncmp(path, id, strlen(path)) == 0) return i;
    }
    return -1;
}

static int key_rank(const order_t *order, const kr_schema_t *schema, const char *id)
{
    if (strcmp(id, "method") == 0) return LAST + 1;
    for (int i = 0; i < KR_DIM(order->keys) && order->keys[i]; i++) {
        const char *key = order->keys[i];
        int n;

        if (strcmp(key, "$first") == 0) n = leaf_rank(schema, id, 0, 1);
        else if (strcmp(key, "$traits") == 0) n = leaf_rank(schema, id, 0, LAST);
        else n = strncmp(key, id, strlen(key)) == 0 ? 0 : -1;
        if (n >= 0) return i * 1000 + n;
    }
    return LAST;
}

static int same_block(const char *a, const char *b)
{
    const int mixed = (strcmp(a, "default") == 0 && strcmp(b, "password") == 0)
                      || (strcmp(a, "password") == 0 && strcmp(b, "default") == 0);

    return strcmp(a, b) == 0 || mixed;
}

static const char *value_text(apr_pool_t *pool, const kr_flow_t *flow, const json_t *node)
{
    const json_t *v = json_object_get(json_object_get(node, "attributes"), "value");

    /* its value is filled in when the flow is shown, and begins with a letter nearly always */
    if (!flow->api && strcmp(node_id(node), "csrf_token") == 0) return "token";
    if (!v) return "<nil>";
    return json_is_string(v) ? json_string_value(v) : kr_json_dump(pool, v, NULL);
}

typedef struct {
    json_t *node;
    const char *group, *value;
    int group_rank, key_rank;
} sortable_t;

static int before_by_group(const sortable_t *a, const sortable_t *b)
{
    return a->group_rank < b->group_rank;
}

static int before_by_key(const sortable_t *a, const sortable_t *b)
{
    if (!same_block(a->group, b->group)) return 0;
    if (a->key_rank != b->key_rank) return a->key_rank < b->key_rank;
    return strcmp(a->value, b->value) < 0;
}

/* Insertion sort: stable, and right for an order that compares neighbours only where they are comparable. */
static void insertion_sort(sortable_t *s, int n, int (*before)(const sortable_t *, const sortable_t *))
{
    for (int i = 1; i < n; i++) {
        const sortable_t x = s[i];
        int j = i;

        for (; j > 0 && before(&x, &s[j - 1]); j--) s[j] = s[j - 1];
        s[j] = x;
    }
}

void kr_nodes_sort(kr_ctx_t *k, kr_flow_t *flow)
{
    const order_t *order = &ORDER[flow->kind];
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    const int n = (int)json_array_size(flow->nodes);
    sortable_t *s;
    json_t *sorted;

    if (!order->groups[0] || n < 2) return; /* recovery and verification keep the order they were made in */
    s = apr_palloc(k->pool, sizeof(*s) * (apr_size_t)n);
    for (int i = 0; i < n; i++) {
        json_t *node = json_array_get(flow->nodes, (size_t)i);

        s[i] = (sortable_t){ node, kr_json_str(node, "group"), value_text(k->pool, flow, node), group_rank(order, node),
                             key_rank(order, schema, node_id(node)) };
    }
    insertion_sort(s, n, before_by_group);
    insertion_sort(s, n, before_by_key);
    sorted = json_array();
    for (int i = 0; i < n; i++) json_array_append(sorted, s[i].node);
    flow->nodes = kr_json_own(k->pool, sorted);
}
