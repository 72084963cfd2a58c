/* SPDX-License-Identifier: Apache-2.0 */
/* The order of nodes, as clients rely on it: by group, then by key within one. */
#include <string.h>

#include "flow.h"
#include "kr_json.h"
#include "kr_text.h"

/** How the nodes of a kind are ordered. "$first" and "$traits" stand for the schema's keys. */
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

/* Of a node without a value what it leads to or shows counts. */
static const json_t *value_of(const json_t *node)
{
    static const char *const names[] = { "value", "src", "href" };
    const json_t *attributes = json_object_get(node, "attributes"), *value = NULL;

    for (int i = 0; i < KR_DIM(names) && !value; i++) value = json_object_get(attributes, names[i]);
    return value;
}

static const char *value_text(apr_pool_t *pool, const kr_flow_t *flow, const json_t *node)
{
    const json_t *v = value_of(node);

    /* its value is filled in when the flow is shown, and begins with a letter nearly always */
    if (!flow->api && strcmp(kr_node_id(node), "csrf_token") == 0) return "token";
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
                             key_rank(order, schema, kr_node_id(node)) };
    }
    insertion_sort(s, n, before_by_group);
    insertion_sort(s, n, before_by_key);
    sorted = json_array();
    for (int i = 0; i < n; i++) json_array_append(sorted, s[i].node);
    flow->nodes = kr_json_own(k->pool, sorted);
}
