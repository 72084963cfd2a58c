/* SPDX-License-Identifier: Apache-2.0 */
/* From a schema document to an immutable tree: every schema in it, used or not, so that mistakes show at start. */
#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"

#include "schema.h"

/** A chain of $ref to $ref; longer than this is a loop or might as well be. */
#define MAX_HOPS 64

static const kr_keyword_t *const FAMILIES[] = {
    kr_keywords_value, kr_keywords_string, kr_keywords_object, kr_keywords_array, kr_keywords_logic,
};

#define N_FAMILIES (sizeof(FAMILIES) / sizeof(FAMILIES[0]))

static void note(kr_build_t *b, const char *where, const char *fmt, va_list ap)
{
    const char *what = apr_pvsprintf(b->pool, fmt, ap);

    if (!b->why) b->why = apr_psprintf(b->pool, "%s: %s", *where ? where : "/", what); /* the first is the cause */
}

kr_built_e kr_build_fail(kr_build_t *b, const char *where, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note(b, where, fmt, ap);
    va_end(ap);
    return KR_BUILD_FAILED;
}

kr_built_e kr_build_refuse(kr_build_t *b, const kr_rule_t *rule, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note(b, kr_ref_pointer(b->pool, rule->node->where, rule->keyword->name), fmt, ap);
    va_end(ap);
    return KR_BUILD_FAILED;
}

kr_node_t *kr_build_part(kr_build_t *b, const kr_rule_t *rule, const json_t *json, const char *name)
{
    const char *where = kr_ref_pointer(b->pool, rule->node->where, rule->keyword->name);

    return kr_build_node(b, json, rule->node->base, name ? kr_ref_pointer(b->pool, where, name) : where);
}

kr_built_e kr_build_count(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    double n = json_number_value(rule->value);

    (void)node;
    if (!json_is_number(rule->value) || !kr_number_whole(rule->value) || n < 0 || n > 9e15) {
        return kr_build_refuse(b, rule, "must be a whole number of at least 0");
    }
    rule->count = (apr_int64_t)n;
    return KR_BUILT;
}

kr_built_e kr_build_text(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    return json_is_string(rule->value) ? KR_BUILT : kr_build_refuse(b, rule, "must be a string");
}

kr_built_e kr_build_boolean(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    return json_is_boolean(rule->value) ? KR_BUILT : kr_build_refuse(b, rule, "must be true or false");
}

kr_built_e kr_build_schema(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    rule->arg = kr_build_part(b, rule, rule->value, NULL);
    return rule->arg ? KR_BUILT : KR_BUILD_FAILED;
}

/** Make a URI, or a document's own #name, known to $ref. The first one of a name counts. */
static void know(kr_build_t *b, const char *uri, const kr_node_t *node)
{
    kr_place_t *place;

    if (apr_hash_get(b->places, uri, APR_HASH_KEY_STRING)) return;
    place = apr_pcalloc(b->pool, sizeof(*place));
    place->json = node->json;
    place->base = node->base;
    place->where = node->where;
    apr_hash_set(b->places, uri, APR_HASH_KEY_STRING, place);
}

static kr_built_e read_id(kr_build_t *b, kr_node_t *node)
{
    const char *key = b->draft4 && !json_object_get(node->json, "$id") ? "id" : "$id";
    const json_t *id = json_object_get(node->json, key);
    const char *uri;

    if (!id) return KR_BUILT;
    if (!json_is_string(id)) return kr_build_fail(b, node->where, "\"%s\" must be a string", key);
    uri = kr_ref_resolve(b->pool, node->base, json_string_value(id));
    if (!strchr(uri, '#')) node->base = uri; /* else it only names a spot */
    know(b, uri, node);
    return KR_BUILT;
}

/** A $ref stands for the whole schema in draft-07; only definitions beside it may be meant for others. */
static kr_built_e read_ref(kr_build_t *b, kr_node_t *node, const json_t *ref)
{
    const json_t *definitions = json_object_get(node->json, "definitions");
    const char *where = kr_ref_pointer(b->pool, node->where, "definitions"), *name;
    json_t *part;

    if (!json_is_string(ref)) return kr_build_fail(b, node->where, "\"$ref\" must be a string");
    APR_ARRAY_PUSH(b->pending, kr_node_t *) = node;
    json_object_foreach((json_t *)definitions, name, part) {
        if (!kr_build_node(b, part, node->base, kr_ref_pointer(b->pool, where, name))) return KR_BUILD_FAILED;
    }
    return KR_BUILT;
}

static kr_built_e read_keyword(kr_build_t *b, kr_node_t *node, const kr_keyword_t *keyword)
{
    kr_rule_t *rule;
    kr_built_e built;
    const json_t *value = json_object_get(node->json, keyword->name);

    if (!value) return KR_BUILT_NOTHING;
    rule = apr_pcalloc(b->pool, sizeof(*rule));
    rule->keyword = keyword;
    rule->node = node;
    rule->value = value;
    built = keyword->compile(b, node, rule);
    if (built == KR_BUILT && keyword->check) APR_ARRAY_PUSH(node->rules, kr_rule_t) = *rule;
    return built;
}

static kr_built_e read_keywords(kr_build_t *b, kr_node_t *node)
{
    const json_t *ref = json_object_get(node->json, "$ref");
    apr_size_t family;
    const kr_keyword_t *keyword;

    if (ref) return read_ref(b, node, ref);
    if (read_id(b, node) == KR_BUILD_FAILED) return KR_BUILD_FAILED;
    for (family = 0; family < N_FAMILIES; family++) {
        for (keyword = FAMILIES[family]; keyword->name; keyword++) {
            if (read_keyword(b, node, keyword) == KR_BUILD_FAILED) return KR_BUILD_FAILED;
        }
    }
    return KR_BUILT;
}

kr_node_t *kr_build_node(kr_build_t *b, const json_t *json, const char *base, const char *where)
{
    kr_node_t *node = apr_hash_get(b->validator->by_json, &json, sizeof(json));
    kr_built_e built;

    if (node) return node;
    if (b->depth >= KR_SCHEMA_MAX_DEPTH) {
        kr_build_fail(b, where, "schemas nest deeper than %d", KR_SCHEMA_MAX_DEPTH);
        return NULL;
    }
    if (!json_is_object(json) && !json_is_boolean(json)) {
        kr_build_fail(b, where, "a schema must be an object, true or false");
        return NULL;
    }
    node = apr_pcalloc(b->pool, sizeof(*node));
    node->json = json;
    node->where = where;
    node->base = base;
    node->rules = apr_array_make(b->pool, 4, sizeof(kr_rule_t));
    node->verdict = json_is_true(json) ? KR_NODE_TRUE : json_is_false(json) ? KR_NODE_FALSE : KR_NODE_RULES;
    /* known before its parts are read: they may refer back to it */
    apr_hash_set(b->validator->by_json, &node->json, sizeof(node->json), node);
    APR_ARRAY_PUSH(b->nodes, const kr_node_t *) = node;
    if (node->verdict != KR_NODE_RULES) return node;
    b->depth++;
    built = read_keywords(b, node);
    b->depth--;
    return built == KR_BUILD_FAILED ? NULL : node;
}

/** Look up every $ref. That may compile places nobody called a schema before, with more of them. */
static int resolve_refs(kr_build_t *b)
{
    int i;

    for (i = 0; i < b->pending->nelts; i++) {
        kr_node_t *node = APR_ARRAY_IDX(b->pending, i, kr_node_t *);
        kr_place_t place;

        if (!kr_ref_find(b, &place, node, json_string_value(json_object_get(node->json, "$ref")))) return 0;
        node->ref = kr_build_node(b, place.json, place.base, place.where);
        if (!node->ref) return 0;
    }
    return 1;
}

static int refuse_loops(kr_build_t *b)
{
    int i;

    for (i = 0; i < b->pending->nelts; i++) {
        const kr_node_t *start = APR_ARRAY_IDX(b->pending, i, const kr_node_t *), *node = start;
        int hops = 0;

        while (node->ref && hops++ < MAX_HOPS) node = node->ref;
        if (!node->ref) continue;
        kr_build_fail(b, kr_ref_pointer(b->pool, start->where, "$ref"), "leads back to itself");
        return 0;
    }
    return 1;
}

/** Drafts 4, 6 and 7 are near enough; the later ones mean other things with the same words. */
static int read_draft(kr_build_t *b, const json_t *doc)
{
    static const char *const drafts[] = { "4", "6", "7" };
    const json_t *schema = json_object_get(doc, "$schema");
    const char *uri = json_string_value(schema);
    apr_size_t i;

    if (!schema) return 1;
    for (i = 0; uri && i < sizeof(drafts) / sizeof(drafts[0]); i++) {
        const char *known = apr_pstrcat(b->pool, "://json-schema.org/draft-0", drafts[i], "/schema", NULL);
        const char *found = strstr(uri, known);

        if (!found || (strncmp(uri, "http:", 5) != 0 && strncmp(uri, "https:", 6) != 0)) continue;
        found += strlen(known);
        b->draft4 = i == 0;
        if (*found == '\0' || strcmp(found, "#") == 0) return 1;
    }
    kr_build_fail(b, "/$schema", "only the drafts 4, 6 and 7 are supported (http://json-schema.org/draft-07/schema#)");
    return 0;
}

static int build(kr_build_t *b, const json_t *doc)
{
    kr_node_t *root;

    if (!read_draft(b, doc)) return 0;
    root = kr_build_node(b, doc, "", "");
    if (!root) return 0;
    know(b, "", root);
    if (!resolve_refs(b) || !refuse_loops(b)) return 0;
    b->validator->root = root;
    b->validator->nodes = b->nodes;
    return 1;
}

kr_validator_t *kr_validator_compile(apr_pool_t *pool, const json_t *doc, const char **why)
{
    kr_build_t b = { .pool = pool };
    kr_validator_t *validator = apr_pcalloc(pool, sizeof(*validator));

    if (json_dumpb(doc, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > KR_SCHEMA_MAX_BYTES) {
        *why = "the schema is larger than 1 MiB";
        return NULL;
    }
    validator->doc = kr_json_own(pool, json_deep_copy(doc));
    validator->by_json = apr_hash_make(pool);
    b.validator = validator;
    b.nodes = apr_array_make(pool, 64, sizeof(const kr_node_t *));
    b.places = apr_hash_make(pool);
    b.pending = apr_array_make(pool, 8, sizeof(kr_node_t *));
    if (build(&b, validator->doc)) return validator;
    *why = b.why;
    return NULL;
}

const kr_node_t *kr_node_target(const kr_node_t *node)
{
    while (node->ref) node = node->ref;
    return node;
}

const kr_node_t *kr_validator_node(const kr_validator_t *validator, const json_t *json)
{
    const kr_node_t *node = apr_hash_get(validator->by_json, &json, sizeof(json));

    return node ? kr_node_target(node) : NULL;
}
