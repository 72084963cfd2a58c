/* SPDX-License-Identifier: Apache-2.0 */
/* One property of an identity schema as a field of a form: what it holds, and what the elements of a list are. */
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"

#include "schema.h"

#define MAX_OPTIONS 500

static const struct {
    const char *name;
    kr_leaf_e type;
    const char *input_type;
} TYPES[] = {
    { "string", KR_LEAF_STRING, "text" },       { "number", KR_LEAF_NUMBER, "number" },
    { "integer", KR_LEAF_INTEGER, "number" },   { "boolean", KR_LEAF_BOOLEAN, "checkbox" },
    { "array", KR_LEAF_ARRAY, "text" },
};

/** Formats that choose the input; the others leave what the type says. */
static const struct {
    const char *format, *input_type, *autocomplete;
} INPUTS[] = {
    { "email", "email", "email" }, { "tel", "tel", "tel" },
    { "uri", "url", "url" },       { "date", "date", NULL },
    { "regex", "text", NULL },     { "date-time", "datetime-local", NULL },
};

/** What a constant says of its type, where the schema itself says nothing. */
static const char *const_type(const json_t *value)
{
    return !value || json_is_null(value) ? NULL : kr_value_type(value);
}

const char *kr_leaf_type_name(const json_t *json)
{
    const json_t *type = json_object_get(json, "type");

    if (json_array_size(type) == 1) type = json_array_get(type, 0);
    return type ? json_string_value(type) : const_type(json_object_get(json, "const"));
}

static kr_leaf_e leaf_type(const char *name, const char **input_type)
{
    int i;

    for (i = 0; name && i < KR_DIM(TYPES); i++) {
        if (strcmp(TYPES[i].name, name) != 0) continue;
        if (input_type) *input_type = TYPES[i].input_type;
        return TYPES[i].type;
    }
    return KR_LEAF_OTHER;
}

static int is_type(const json_t *json, const char *name)
{
    const char *type = kr_leaf_type_name(json);

    return type && strcmp(type, name) == 0;
}

static const json_t *options(apr_pool_t *pool, const json_t *values)
{
    json_t *list, *value;
    apr_size_t i;

    if (!json_is_array(values)) return NULL;
    list = kr_json_own(pool, json_array());
    json_array_foreach(values, i, value) {
        if (i == MAX_OPTIONS) break;
        json_array_append_new(list, json_pack("{s:O}", "value", value));
    }
    return list;
}

void kr_leaf_input(kr_leaf_t *leaf)
{
    int i;

    /* the name is the whole path, so this is for schemas with a property beside traits */
    if (leaf->input_type && strcmp(leaf->path, "password") == 0) leaf->input_type = "password";
    for (i = 0; leaf->node && leaf->format && i < KR_DIM(INPUTS); i++) {
        if (strcmp(INPUTS[i].format, leaf->format) != 0) continue;
        leaf->input_type = INPUTS[i].input_type;
        leaf->autocomplete = INPUTS[i].autocomplete;
    }
}

static void describe(apr_pool_t *pool, kr_leaf_t *leaf, const json_t *json)
{
    leaf->type = leaf_type(kr_leaf_type_name(json), &leaf->input_type);
    leaf->title = json_string_value(json_object_get(json, "title"));
    leaf->description = json_string_value(json_object_get(json, "description"));
    leaf->pattern = json_string_value(json_object_get(json, "pattern"));
    leaf->format = json_string_value(json_object_get(json, "format"));
    leaf->options = options(pool, json_object_get(json, "enum"));
    leaf->node = leaf->type != KR_LEAF_OTHER;
}

/* -- what stands in a list ------------------------------------------------ */

static void add_item(apr_pool_t *pool, apr_array_header_t *items, const kr_leaf_t *list, const json_t *json)
{
    kr_leaf_t *item = apr_array_push(items);

    memset(item, 0, sizeof(*item));
    item->path = list->path;
    describe(pool, item, json);
    kr_leaf_input(item);
}

/** Fields can be made of scalars alone, of each position that has one. */
static int all_scalars(const apr_array_header_t *items)
{
    int i;

    for (i = 0; i < items->nelts; i++) {
        kr_leaf_e type = APR_ARRAY_IDX(items, i, kr_leaf_t).type;

        if (type == KR_LEAF_OTHER || type == KR_LEAF_ARRAY) return 0;
    }
    return items->nelts > 0;
}

static int read_items(kr_leaf_t *leaf, apr_pool_t *pool, const kr_validator_t *validator, const json_t *json, const char **why)
{
    const json_t *listed = json_object_get(json, "items");
    const kr_node_t *one = json_is_array(listed) ? NULL : kr_validator_node(validator, listed);
    apr_array_header_t *items = apr_array_make(pool, 1, sizeof(kr_leaf_t));
    apr_size_t i;
    json_t *position;

    leaf->tuple = json_is_array(listed);
    if (one) add_item(pool, items, leaf, one->json);
    if (leaf->tuple) json_array_foreach(listed, i, position)
        add_item(pool, items, leaf, kr_validator_node(validator, position)->json);
    leaf->items = items;
    leaf->max_items = json_integer_value(json_object_get(json, "maxItems"));
    leaf->array_of_objects = one && is_type(one->json, "object");
    leaf->node = all_scalars(items);
    return !one || kr_extension_read(pool, leaf, one->json, one->where, why);
}

const kr_leaf_t *kr_leaf_item(const kr_leaf_t *list, apr_size_t position)
{
    if (!list->items || !list->items->nelts) return NULL;
    if (!list->tuple) return (const kr_leaf_t *)list->items->elts;
    return position < (apr_size_t)list->items->nelts ? &APR_ARRAY_IDX(list->items, position, const kr_leaf_t) : NULL;
}

int kr_leaf_read(kr_leaf_t *leaf, apr_pool_t *pool, const kr_validator_t *validator, const json_t *json, const char *path,
                 const char **why)
{
    memset(leaf, 0, sizeof(*leaf));
    leaf->path = path;
    describe(pool, leaf, json);
    if (leaf->type == KR_LEAF_ARRAY && !read_items(leaf, pool, validator, json, why)) return 0;
    kr_leaf_input(leaf);
    return kr_extension_read(pool, leaf, json, kr_validator_node(validator, json)->where, why);
}
