/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An identity schema: beside validating traits it says which form asks for them, and through its extension which of
 * them are identifiers and addresses. All of it is worked out once, at start.
 */
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"

#include "schema.h"

#define MAX_LEVELS 32
#define MAX_VISITS 2000 /* a few definitions that name each other twice would be millions; forms have 512 fields at most */

typedef struct {
    apr_pool_t *pool;
    const kr_validator_t *validator;
    apr_array_header_t *leaves;
    apr_array_header_t *objects;
    const char *why;
    int level, visits;
} walk_t;

static int visit(walk_t *w, const json_t *json, const char *path, int required, int branch);

static const json_t *target(const walk_t *w, const json_t *json)
{
    const kr_node_t *node = json ? kr_validator_node(w->validator, json) : NULL;

    return node ? node->json : NULL;
}

static int is_type(const json_t *json, const char *name)
{
    const char *type = kr_leaf_type_name(json);

    return type && strcmp(type, name) == 0;
}

/* -- leaves of one path from several branches ----------------------------- */

static kr_leaf_t *find_leaf(const apr_array_header_t *leaves, const char *path)
{
    int i;

    for (i = 0; i < leaves->nelts; i++) {
        kr_leaf_t *leaf = &APR_ARRAY_IDX(leaves, i, kr_leaf_t);

        if (strcmp(leaf->path, path) == 0) return leaf;
    }
    return NULL;
}

/** What the first branch left open is taken from the next; an annotation in any branch counts. */
static void merge(kr_leaf_t *into, const kr_leaf_t *from)
{
    if (into->type == KR_LEAF_OTHER) {
        into->type = from->type;
        into->items = from->items;
        into->tuple = from->tuple;
        into->max_items = from->max_items;
        into->array_of_objects = from->array_of_objects;
        into->node = from->node;
        into->input_type = from->input_type;
    }
    if (!into->title) into->title = from->title;
    if (!into->description) into->description = from->description;
    if (!into->pattern) into->pattern = from->pattern;
    if (!into->format) into->format = from->format;
    if (!into->options) into->options = from->options;
    into->required |= from->required;
    into->password_identifier |= from->password_identifier;
    into->webauthn_identifier |= from->webauthn_identifier;
    into->code_identifier |= from->code_identifier;
    into->passkey_display_name |= from->passkey_display_name;
    into->totp_account_name |= from->totp_account_name;
    if (!into->code_via) into->code_via = from->code_via;
    if (!into->verify_via) into->verify_via = from->verify_via;
    if (!into->recover_via) into->recover_via = from->recover_via;
    kr_leaf_input(into);
}

static int add_leaf(walk_t *w, const json_t *json, const char *path, int required)
{
    kr_leaf_t leaf, *known;

    if (!kr_leaf_read(&leaf, w->pool, w->validator, json, path, &w->why)) return 0;
    leaf.required = required;
    known = find_leaf(w->leaves, path);
    if (known) merge(known, &leaf);
    else APR_ARRAY_PUSH(w->leaves, kr_leaf_t) = leaf;
    return 1;
}

/* -- the walk ------------------------------------------------------------- */

static int is_object_path(const walk_t *w, const char *path)
{
    int i;

    for (i = 0; i < w->objects->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(w->objects, i, const char *), path) == 0) return 1;
    }
    return 0;
}

static int lists(const json_t *names, const char *name)
{
    apr_size_t i;
    json_t *listed;

    json_array_foreach(names, i, listed) {
        if (strcmp(json_string_value(listed), name) == 0) return 1;
    }
    return 0;
}

static int visit_properties(walk_t *w, const json_t *json, const json_t *properties, const char *path)
{
    const json_t *required = json_object_get(json, "required");
    const char *name;
    json_t *property;

    json_object_foreach((json_t *)properties, name, property) {
        const char *child = *path ? apr_pstrcat(w->pool, path, ".", name, NULL) : apr_pstrdup(w->pool, name);

        if (!visit(w, property, child, lists(required, name), 0)) return 0;
    }
    return 1;
}

static int visit_branches(walk_t *w, const json_t *branches, const char *path)
{
    apr_size_t i;
    json_t *branch;

    json_array_foreach(branches, i, branch) {
        if (!visit(w, branch, path, 0, 1)) return 0;
    }
    return 1;
}

/** Everything inside a schema that adds to the form, in the order in which it was written. */
static int visit_inside(walk_t *w, const json_t *json, const char *path, int descend)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)json, key, value) {
        int ok = 1;

        if (strcmp(key, "properties") == 0) ok = !descend || visit_properties(w, json, value, path);
        else if (strcmp(key, "allOf") == 0 || strcmp(key, "anyOf") == 0 || strcmp(key, "oneOf") == 0) {
            ok = visit_branches(w, value, path);
        }
        else if (strcmp(key, "then") == 0 || strcmp(key, "else") == 0) ok = visit(w, value, path, 0, 1);
        if (!ok) return 0;
    }
    return 1;
}

/**
 * @param branch  it speaks of a path that was met before: an alternative, not a property of its own
 */
static int visit(walk_t *w, const json_t *json, const char *path, int required, int branch)
{
    int object, ok;

    json = target(w, json);
    object = is_type(json, "object");
    if (w->level >= MAX_LEVELS) {
        w->why = apr_psprintf(w->pool, "%s: the properties nest without end", path);
        return 0;
    }
    if (++w->visits > MAX_VISITS) {
        w->why = apr_psprintf(w->pool, "%s: more than %d properties, those behind each $ref counted wherever it stands", path, MAX_VISITS);
        return 0;
    }
    if (object && !is_object_path(w, path)) APR_ARRAY_PUSH(w->objects, const char *) = path;
    if (!object && (!branch || kr_leaf_type_name(json)) && !add_leaf(w, json, path, required)) return 0;
    w->level++;
    ok = visit_inside(w, json, path, object || (branch && is_object_path(w, path)));
    w->level--;
    return ok;
}

static int walk_document(walk_t *w)
{
    const json_t *root = w->validator->root->json;
    const json_t *traits;

    root = target(w, root);
    traits = target(w, json_object_get(json_object_get(root, "properties"), "traits"));
    if (!traits || !is_type(traits, "object")) {
        w->why = "/properties/traits: must be there, and be of type \"object\"";
        return 0;
    }
    return visit_inside(w, root, "", 1);
}

/** The extension must be well formed wherever it stands, even where no form reaches. */
static int check_extensions(walk_t *w)
{
    int i;

    for (i = 0; i < w->validator->nodes->nelts; i++) {
        const kr_node_t *node = APR_ARRAY_IDX(w->validator->nodes, i, const kr_node_t *);
        kr_leaf_t ignored;

        memset(&ignored, 0, sizeof(ignored));
        if (!kr_extension_read(w->pool, &ignored, node->json, node->where, &w->why)) return 0;
    }
    return 1;
}

/* -- the schema ----------------------------------------------------------- */

static int is_identifier(const kr_leaf_t *leaf)
{
    return leaf->password_identifier || leaf->webauthn_identifier || leaf->code_identifier ||
           leaf->passkey_display_name || leaf->totp_account_name;
}

/** With exactly one identifier, and a title for it, the login form asks for that. */
static void find_identifier(kr_schema_t *schema)
{
    const kr_leaf_t *only = NULL;
    int i, n = 0;

    for (i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);

        if (!is_identifier(leaf)) continue;
        only = leaf;
        n++;
    }
    if (n != 1 || !only->title) return;
    schema->identifier_title = only->title;
    schema->identifier_name = only->path;
}

static const kr_validator_t *read_document(apr_pool_t *pool, const char *raw, apr_size_t len, const char **why)
{
    const json_t *doc;

    if (len > KR_SCHEMA_MAX_BYTES) {
        *why = "the schema is larger than 1 MiB";
        return NULL;
    }
    doc = kr_json_parse(pool, raw, len, why);
    if (doc && !json_is_object(doc)) *why = "the schema is not a JSON object";
    return json_is_object(doc) ? kr_validator_compile(pool, doc, why) : NULL;
}

kr_schema_t *kr_schema_compile(apr_pool_t *pool, const char *id, const char *raw, apr_size_t len, const char **why)
{
    kr_schema_t *schema = apr_pcalloc(pool, sizeof(*schema));
    walk_t w = { .pool = pool };

    w.validator = read_document(pool, raw, len, why);
    if (!w.validator) return NULL;
    w.leaves = apr_array_make(pool, 16, sizeof(kr_leaf_t));
    w.objects = apr_array_make(pool, 4, sizeof(const char *));
    if (!check_extensions(&w) || !walk_document(&w)) {
        *why = w.why;
        return NULL;
    }
    schema->id = apr_pstrdup(pool, id);
    schema->url_id = kr_base64url(pool, id, strlen(id));
    schema->raw = apr_pstrmemdup(pool, raw, len);
    schema->raw_len = len;
    schema->validator = w.validator;
    schema->leaves = w.leaves;
    schema->objects = w.objects;
    find_identifier(schema);
    return schema;
}

const kr_leaf_t *kr_schema_leaf(const kr_schema_t *schema, const char *path)
{
    return find_leaf(schema->leaves, path);
}
