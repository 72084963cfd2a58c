/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords about values of any kind and about numbers, and those that only describe. */
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"

#include "schema.h"

/* -- type, const, enum ---------------------------------------------------- */

/** Bit beside those of the JSON kinds: a real without fraction is an integer too. */
#define WHOLE (1u << 8)

static const struct {
    const char *name;
    unsigned kinds;
} TYPES[] = {
    { "null", KR_ON(JSON_NULL) },       { "boolean", KR_ON(JSON_TRUE) | KR_ON(JSON_FALSE) },
    { "object", KR_ON(JSON_OBJECT) },   { "array", KR_ON(JSON_ARRAY) },
    { "number", KR_ON_NUMBER | WHOLE }, { "string", KR_ON(JSON_STRING) },
    { "integer", KR_ON(JSON_INTEGER) | WHOLE },
};

static unsigned type_kinds(const json_t *name)
{
    const char *s = json_string_value(name);
    int i;

    for (i = 0; s && i < KR_DIM(TYPES); i++) {
        if (strcmp(TYPES[i].name, s) == 0) return TYPES[i].kinds;
    }
    return 0;
}

static kr_built_e compile_type(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    apr_size_t i;
    json_t *name;
    unsigned kinds;

    (void)node;
    if (!json_is_array(rule->value)) rule->count = (apr_int64_t)type_kinds(rule->value);
    json_array_foreach(rule->value, i, name) {
        kinds = type_kinds(name);
        if (!kinds) return kr_build_refuse(b, rule, "element %d is not the name of a type", (int)i);
        rule->count |= (apr_int64_t)kinds;
    }
    if (!rule->count) return kr_build_refuse(b, rule, "must be the name of a type, or a list of such names");
    return KR_BUILT;
}

static const char *type_names(apr_pool_t *pool, const json_t *value)
{
    const char *names = json_string_value(value);
    apr_size_t i;
    json_t *name;

    json_array_foreach(value, i, name) {
        names = names ? apr_pstrcat(pool, names, " or ", json_string_value(name), NULL) : json_string_value(name);
    }
    return names;
}

static int check_type(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    unsigned kinds = (unsigned)rule->count;
    const char *actual = kr_value_type(instance);
    json_t *allowed;

    if (kinds & KR_ON(json_typeof(instance))) return 1;
    if ((kinds & WHOLE) && json_is_real(instance) && kr_number_whole(instance)) return 1;
    if (run->quiet) return 0;
    allowed = json_is_array(rule->value) ? json_deep_copy(rule->value)
                                         : json_pack("[s]", json_string_value(rule->value));
    return kr_run_fail(run, at, "type", json_pack("{s:o,s:s}", "allowed_types", allowed, "actual_type", actual),
                       "must be of type %s, not %s", type_names(run->pool, rule->value), actual);
}

static kr_built_e compile_any(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)b, (void)node, (void)rule;
    return KR_BUILT;
}

/** Equality within the bounds of the run. */
static int equal(kr_run_t *run, const json_t *a, const json_t *b)
{
    int same = kr_value_equal(a, b, &run->steps);

    if (run->steps < 0) run->spent = 1;
    return same;
}

static int check_const(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const char *text;

    if (equal(run, instance, rule->value)) return 1;
    if (run->quiet) return 0;
    if (json_is_object(rule->value) || json_is_array(rule->value)) {
        return kr_run_fail(run, at, "const", NULL, "must be the one value that is allowed");
    }
    text = kr_value_text(run->pool, rule->value);
    return kr_run_fail(run, at, "const", json_pack("{s:s}", "expected", text), "must be equal to \"%s\"", text);
}

#define MAX_LISTED 12

static kr_built_e compile_enum(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    const char *list = NULL;
    apr_size_t i;
    json_t *value;

    (void)node;
    if (!json_is_array(rule->value)) return kr_build_refuse(b, rule, "must be a list of values");
    json_array_foreach(rule->value, i, value) {
        const char *text = i == MAX_LISTED ? "..." : apr_psprintf(b->pool, "\"%s\"", kr_value_text(b->pool, value));

        list = list ? apr_pstrcat(b->pool, list, ", ", text, NULL) : text;
        if (i == MAX_LISTED) break;
    }
    rule->arg = list ? list : "nothing";
    return KR_BUILT;
}

static int check_enum(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_size_t i;
    json_t *value;

    json_array_foreach(rule->value, i, value) {
        if (equal(run, instance, value)) return 1;
    }
    return kr_run_fail(run, at, "enum", NULL, "must be one of %s", (const char *)rule->arg);
}

/* -- numbers -------------------------------------------------------------- */

static kr_built_e compile_number(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    if (!json_is_number(rule->value)) return kr_build_refuse(b, rule, "must be a number");
    return KR_BUILT;
}

static kr_built_e compile_positive(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    if (!json_is_number(rule->value) || !(json_number_value(rule->value) > 0)) {
        return kr_build_refuse(b, rule, "must be a number above 0");
    }
    return KR_BUILT;
}

/** In draft 4 it is a boolean that sharpens the limit beside it. */
static kr_built_e compile_exclusive(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    if (b->draft4 && json_is_boolean(rule->value)) {
        int upper = strcmp(rule->keyword->name, "exclusiveMaximum") == 0;

        if (json_is_false(rule->value)) return KR_BUILT_NOTHING;
        rule->value = json_object_get(node->json, upper ? "maximum" : "minimum");
        if (!rule->value) return KR_BUILT_NOTHING;
    }
    return compile_number(b, node, rule);
}

static int refuse_number(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at,
                         const char *key, const char *words)
{
    if (run->quiet) return 0;
    return kr_run_fail(run, at, rule->keyword->name,
                       json_pack("{s:o,s:o}", key, json_copy((json_t *)rule->value), "actual",
                                 json_copy((json_t *)instance)),
                       "must be %s %s, not %s", words, kr_value_text(run->pool, rule->value),
                       kr_value_text(run->pool, instance));
}

static int check_minimum(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (kr_number_compare(instance, rule->value) >= 0) return 1;
    return refuse_number(run, rule, instance, at, "minimum", "at least");
}

static int check_exclusive_minimum(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (kr_number_compare(instance, rule->value) > 0) return 1;
    return refuse_number(run, rule, instance, at, "minimum", "above");
}

static int check_maximum(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (kr_number_compare(instance, rule->value) <= 0) return 1;
    return refuse_number(run, rule, instance, at, "maximum", "at most");
}

static int check_exclusive_maximum(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (kr_number_compare(instance, rule->value) < 0) return 1;
    return refuse_number(run, rule, instance, at, "maximum", "below");
}

static int check_multiple(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (kr_number_multiple(instance, rule->value)) return 1;
    return refuse_number(run, rule, instance, at, "base", "a multiple of");
}

/* -- words ---------------------------------------------------------------- */

static kr_built_e compile_list(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    if (!json_is_array(rule->value)) return kr_build_refuse(b, rule, "must be a list");
    return KR_BUILT;
}

const kr_keyword_t kr_keywords_value[] = {
    { "$schema", 0, kr_build_text, NULL },
    { "$comment", 0, kr_build_text, NULL },
    { "title", 0, kr_build_text, NULL },
    { "description", 0, kr_build_text, NULL },
    { "readOnly", 0, kr_build_boolean, NULL },
    { "examples", 0, compile_list, NULL },
    { "type", KR_ON_ANY, compile_type, check_type },
    { "const", KR_ON_ANY, compile_any, check_const },
    { "enum", KR_ON_ANY, compile_enum, check_enum },
    { "minimum", KR_ON_NUMBER, compile_number, check_minimum },
    { "exclusiveMinimum", KR_ON_NUMBER, compile_exclusive, check_exclusive_minimum },
    { "maximum", KR_ON_NUMBER, compile_number, check_maximum },
    { "exclusiveMaximum", KR_ON_NUMBER, compile_exclusive, check_exclusive_maximum },
    { "multipleOf", KR_ON_NUMBER, compile_positive, check_multiple },
    { 0 },
};
