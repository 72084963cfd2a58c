/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of a flow as forms need them. The API shows a list as one node, and its elements as further ones; it shows values that no
 * form of it can send. With the schema at hand the elements come together again, and what no field stands for goes along unseen:
 * a profile is saved whole, so that what a form leaves out would be lost.
 */
#include <stdlib.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"
#include "ui.h"

#define DIGITS_MAX 9

/** An element of a list that a node of its own stands for. */
typedef struct {
    apr_size_t position;
    json_t *node;
} element_t;

static const char *name_of(const json_t *node)
{
    return ui_or_else(kr_json_str(node, "attributes.name"), "");
}

static int is_trait(const char *name)
{
    return strcmp(name, "traits") == 0 || strncmp(name, "traits.", 7) == 0;
}

/* -- elements ------------------------------------------------------------- */

/** The list that "traits.emails.10" is an element of, and where it stands there; or NULL. */
static const kr_leaf_t *list_of(apr_pool_t *pool, const kr_schema_t *schema, const char *name, apr_size_t *position)
{
    const char *dot = strrchr(name, '.');
    const kr_leaf_t *leaf;

    if (!dot || !dot[1] || strlen(dot + 1) > DIGITS_MAX || dot[1 + strspn(dot + 1, "0123456789")]) return NULL;
    leaf = kr_schema_leaf(schema, apr_pstrmemdup(pool, name, (apr_size_t)(dot - name)));
    *position = (apr_size_t)atol(dot + 1);
    return leaf && leaf->type == KR_LEAF_ARRAY ? leaf : NULL;
}

static int by_position(const void *a, const void *b)
{
    const element_t *x = a, *y = b;

    return (x->position > y->position) - (x->position < y->position);
}

/* By number, not by name: the tenth comes after the second. */
static apr_array_header_t *elements_of(apr_pool_t *pool, const kr_schema_t *schema, const kr_leaf_t *list, const json_t *nodes)
{
    apr_array_header_t *elements = apr_array_make(pool, 4, sizeof(element_t));
    element_t element;
    size_t i;

    json_array_foreach(nodes, i, element.node)
        if (list_of(pool, schema, name_of(element.node), &element.position) == list) APR_ARRAY_PUSH(elements, element_t) = element;
    qsort(elements->elts, (size_t)elements->nelts, sizeof(element_t), by_position);
    return elements;
}

/* -- what a value must look like ------------------------------------------- */

/* New reference: messages that say that a pattern does not fit get what the schema says of the value, for words of any language. */
static json_t *explained(const json_t *messages, const kr_leaf_t *leaf)
{
    json_t *out = json_deep_copy(messages), *message;
    size_t i;

    json_array_foreach(out, i, message) {
        json_t *context = json_object_get(message, "context");

        if (json_integer_value(json_object_get(message, "id")) != UI_MISFIT || !leaf || !context) continue;
        if (leaf->title) json_object_set_new(context, "title", json_string(leaf->title));
        if (leaf->description) json_object_set_new(context, "description", json_string(leaf->description));
    }
    return out;
}

static json_t *field_node(apr_pool_t *pool, json_t *node, const kr_leaf_t *leaf)
{
    const char *says = leaf->description ? leaf->description : leaf->title;
    json_t *out;

    if (!leaf->pattern && !json_array_size(json_object_get(node, "messages"))) return node;
    out = kr_json_own(pool, json_deep_copy(node));
    if (says) json_object_set_new(json_object_get(out, "attributes"), "says", json_string(says));
    json_object_set_new(out, "messages", explained(json_object_get(node, "messages"), leaf));
    return out;
}

/* -- lists ---------------------------------------------------------------- */

/** Can fields hold it, so that it comes back as it is? */
static int fits_fields(const kr_leaf_t *leaf, const json_t *value)
{
    size_t i;
    json_t *element;

    if (!leaf->node) return 0;
    if (leaf->type != KR_LEAF_ARRAY || !json_is_array(value)) return 1;
    json_array_foreach(value, i, element)
        if (json_is_object(element) || json_is_array(element) || json_is_null(element) || !kr_leaf_item(leaf, i)) return 0;
    return 1;
}

/** New reference: the value of the node, else what the nodes of its elements hold. */
static json_t *list_value(json_t *node, const apr_array_header_t *elements)
{
    json_t *value = kr_json_at(node, "attributes.value"), *out;

    if (json_is_array(value)) return json_incref(value);
    if (value && !json_is_null(value)) return json_pack("[O]", value);
    out = json_array();
    for (int i = 0; i < elements->nelts; i++) {
        value = kr_json_at(APR_ARRAY_IDX(elements, i, element_t).node, "attributes.value");
        if (value) json_array_append(out, value);
    }
    return out;
}

/* New reference: {"position": messages} */
static json_t *element_messages(apr_pool_t *pool, const kr_leaf_t *list, const apr_array_header_t *elements)
{
    json_t *out = json_object();

    for (int i = 0; i < elements->nelts; i++) {
        const element_t *element = &APR_ARRAY_IDX(elements, i, element_t);
        json_t *messages = json_object_get(element->node, "messages");

        if (json_array_size(messages))
            json_object_set_new(out, apr_psprintf(pool, "%" APR_SIZE_T_FMT, element->position),
                                explained(messages, kr_leaf_item(list, element->position)));
    }
    return out;
}

/* A list with its elements in it. One that fields cannot hold is not asked for; what was wrong with it is said all the same. */
static json_t *list_node(apr_pool_t *pool, const kr_schema_t *schema, const kr_leaf_t *list, json_t *node, const json_t *nodes)
{
    const apr_array_header_t *elements = elements_of(pool, schema, list, nodes);
    json_t *out = kr_json_own(pool, json_deep_copy(node)), *value = list_value(node, elements);

    json_object_set_new(json_object_get(out, "attributes"), "value", value);
    json_object_set_new(out, "elements", element_messages(pool, list, elements));
    if (fits_fields(list, value)) return out;
    json_object_set_new(out, "type", json_string("stray"));
    for (int i = 0; i < elements->nelts; i++)
        json_array_extend(json_object_get(out, "messages"), json_object_get(APR_ARRAY_IDX(elements, i, element_t).node, "messages"));
    return out;
}

/* -- what no field stands for --------------------------------------------- */

static int is_object_path(const kr_schema_t *schema, const char *path)
{
    for (int i = 0; i < schema->objects->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(schema->objects, i, const char *), path) == 0) return 1;
    return 0;
}

/**
 * New reference: of the value at a path, what a form would lose; NULL when it loses nothing. An empty list is such a thing: empty
 * fields say that there is none.
 * @param extras  1: members that the schema does not know, too
 */
static json_t *rest_of(apr_pool_t *pool, const kr_schema_t *schema, const char *path, json_t *value, int extras)
{
    const kr_leaf_t *leaf = kr_schema_leaf(schema, path);
    const char *key;
    json_t *child, *rest, *out;

    if (leaf && leaf->type == KR_LEAF_ARRAY && json_is_array(value) && !json_array_size(value)) return json_deep_copy(value);
    if (leaf) return fits_fields(leaf, value) ? NULL : json_deep_copy(value);
    if (!json_is_object(value) || !is_object_path(schema, path)) return extras ? json_deep_copy(value) : NULL;
    out = json_object();
    json_object_foreach(value, key, child) {
        rest = rest_of(pool, schema, apr_pstrcat(pool, path, ".", key, NULL), child, extras);
        if (rest) json_object_set_new(out, key, rest);
    }
    if (json_object_size(out)) return out;
    json_decref(out);
    return NULL;
}

/* Members that the schema no longer allows would be in the way of every change: they are left behind. */
static int is_valid(apr_pool_t *pool, const kr_schema_t *schema, json_t *traits)
{
    apr_array_header_t *violations;

    kr_validate(&violations, pool, schema->validator, kr_json_pack(pool, "{s:O}", "traits", traits));
    return violations->nelts == 0;
}

static void add_rest(apr_pool_t *pool, json_t *out, const kr_schema_t *schema, json_t *traits, const char *group)
{
    json_t *rest = rest_of(pool, schema, "traits", traits, is_valid(pool, schema, traits));

    if (!rest) return;
    kr_json_own(pool, rest);
    json_array_append_new(out, json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:[]}", "type", "input", "group", group, "attributes", "name",
                                         "traits", "type", "hidden", "value", kr_json_dump(pool, rest, NULL), "messages"));
}

/* -- all of them ---------------------------------------------------------- */

/** A node that nobody can answer: only its messages are of use. NULL when it has none. */
static json_t *stray(apr_pool_t *pool, json_t *node)
{
    json_t *out;

    if (json_array_size(json_object_get(node, "messages")) == 0) return NULL;
    out = kr_json_own(pool, json_copy(node));
    json_object_set_new(out, "type", json_string("stray"));
    return out;
}

static json_t *gathered(apr_pool_t *pool, const kr_schema_t *schema, json_t *node, const json_t *nodes)
{
    const char *name = name_of(node);
    const kr_leaf_t *leaf = kr_schema_leaf(schema, name), *list;
    apr_size_t position;

    if (!is_trait(name)) return node;
    if (leaf && leaf->node) return leaf->type == KR_LEAF_ARRAY ? list_node(pool, schema, leaf, node, nodes) : field_node(pool, node, leaf);
    list = list_of(pool, schema, name, &position);
    return list && list->node ? NULL : stray(pool, node);
}

const json_t *ui_nodes_gather(apr_pool_t *pool, const kr_schema_t *schema, const json_t *flow)
{
    const json_t *nodes = kr_json_at(flow, "ui.nodes");
    json_t *out = kr_json_own(pool, json_array()), *traits = kr_json_at(flow, "identity.traits"), *node;
    const char *group = "default";
    size_t i;

    if (!schema) return nodes;
    json_array_foreach(nodes, i, node) {
        json_t *one = gathered(pool, schema, node, nodes);

        if (one) json_array_append(out, one);
        if (is_trait(name_of(node))) group = ui_or_else(kr_json_str(node, "group"), group);
    }
    if (traits) add_rest(pool, out, schema, traits, group);
    return out;
}
