/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords about objects. */
#include <string.h>

#include <apr_strings.h>

#include "schema.h"

#define MAX_NAMED 8

static int check_member(kr_run_t *run, const kr_node_t *node, const json_t *value, const char *name, const kr_at_t *up)
{
    kr_at_t at = { up, name, 0 };

    return kr_run_node(run, node, value, &at);
}

/* -- required, counts ----------------------------------------------------- */

static int is_list_of_names(const json_t *value)
{
    apr_size_t i;
    json_t *name;

    json_array_foreach(value, i, name) {
        if (!json_is_string(name)) return 0;
    }
    return json_is_array(value);
}

static kr_built_e compile_required(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    return is_list_of_names(rule->value) ? KR_BUILT : kr_build_refuse(b, rule, "must be a list of names");
}

static int check_required(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_size_t i;
    json_t *member;
    int ok = 1;

    json_array_foreach(rule->value, i, member) {
        const char *name = json_string_value(member);
        kr_at_t missing = { at, name, 0 };

        if (json_object_get(instance, name)) continue;
        ok = 0;
        if (kr_run_over(run, ok)) break;
        kr_run_fail(run, &missing, "required", json_pack("{s:s}", "property", name), "\"%s\" is missing", name);
    }
    return ok;
}

static int check_min_properties(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if ((apr_int64_t)json_object_size(instance) >= rule->count) return 1;
    return kr_run_fail(run, at, "minProperties", NULL, "must have at least %" APR_INT64_T_FMT " properties",
                       rule->count);
}

static int check_max_properties(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if ((apr_int64_t)json_object_size(instance) <= rule->count) return 1;
    return kr_run_fail(run, at, "maxProperties", NULL, "must have at most %" APR_INT64_T_FMT " properties",
                       rule->count);
}

/* -- members -------------------------------------------------------------- */

/** Compile an object of schemas into an array of kr_member_t. @return NULL after kr_build_fail */
static apr_array_header_t *compile_members(kr_build_t *b, const kr_rule_t *rule)
{
    apr_array_header_t *members = apr_array_make(b->pool, (int)json_object_size(rule->value), sizeof(kr_member_t));
    const char *name;
    json_t *value;

    if (!json_is_object(rule->value)) {
        kr_build_refuse(b, rule, "must be an object of schemas");
        return NULL;
    }
    json_object_foreach((json_t *)rule->value, name, value) {
        kr_member_t *member = apr_array_push(members);

        memset(member, 0, sizeof(*member));
        member->name = name;
        member->node = kr_build_part(b, rule, value, name);
        if (!member->node) return NULL;
    }
    return members;
}

static kr_built_e compile_properties(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    (void)node;
    rule->arg = compile_members(b, rule);
    return rule->arg ? KR_BUILT : KR_BUILD_FAILED;
}

typedef int check_one_fn(kr_run_t *run, const kr_member_t *member, const json_t *instance, const kr_at_t *at);

/* All that the keyword names and the instance has. */
static int check_named(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at, check_one_fn *check)
{
    const apr_array_header_t *members = rule->arg;
    int i, ok = 1;

    for (i = 0; i < members->nelts && !kr_run_over(run, ok); i++) {
        const kr_member_t *member = &APR_ARRAY_IDX(members, i, kr_member_t);

        if (json_object_get(instance, member->name) && !check(run, member, instance, at)) ok = 0;
    }
    return ok;
}

static int check_property(kr_run_t *run, const kr_member_t *member, const json_t *instance, const kr_at_t *at)
{
    return check_member(run, member->node, json_object_get(instance, member->name), member->name, at);
}

static int check_properties(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    return check_named(run, rule, instance, at, check_property);
}

static kr_built_e compile_patterns(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    apr_array_header_t *members = compile_members(b, rule);
    const char *why;
    int i;

    if (!members) return KR_BUILD_FAILED;
    for (i = 0; i < members->nelts; i++) {
        kr_member_t *member = &APR_ARRAY_IDX(members, i, kr_member_t);

        member->pattern = kr_pattern_make(b->pool, member->name, &why);
        if (member->pattern) continue;
        return kr_build_refuse(b, rule, "\"%s\" is not a regular expression: %s", member->name, why);
    }
    rule->arg = node->patterns = members;
    return KR_BUILT;
}

/** Does the name of a member match? A pattern that explodes ends the run: the answer could go either way. */
static int name_matches(kr_run_t *run, const kr_member_t *member, const char *name)
{
    int found = kr_run_match(run, member->pattern, name, strlen(name));

    if (found < 0 || --run->steps < 0) run->spent = 1;
    return found == 1;
}

static int check_patterns(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const apr_array_header_t *members = rule->arg;
    const char *name;
    json_t *value;
    int i, ok = 1;

    json_object_foreach((json_t *)instance, name, value) {
        for (i = 0; i < members->nelts && !kr_run_over(run, ok); i++) {
            const kr_member_t *member = &APR_ARRAY_IDX(members, i, kr_member_t);

            if (name_matches(run, member, name) && !check_member(run, member->node, value, name, at)) ok = 0;
        }
        if (kr_run_over(run, ok)) break;
    }
    return ok;
}

/** Is it a member that neither properties nor patternProperties speak of? */
static int is_additional(kr_run_t *run, const kr_rule_t *rule, const char *name)
{
    const apr_array_header_t *patterns = rule->node->patterns;
    int i;

    if (json_object_get(json_object_get(rule->node->json, "properties"), name)) return 0;
    for (i = 0; patterns && i < patterns->nelts; i++) {
        if (name_matches(run, &APR_ARRAY_IDX(patterns, i, kr_member_t), name)) return 0;
    }
    return 1;
}

/** additionalProperties: false complains once, naming the first few. */
static int check_nothing_additional(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const char *name, *list = NULL;
    json_t *value;
    int n = 0;

    json_object_foreach((json_t *)instance, name, value) {
        if (run->spent) return 0;
        if (!is_additional(run, rule, name)) continue;
        if (run->quiet) return 0;
        if (++n > MAX_NAMED) break;
        list = apr_psprintf(run->pool, "%s%s\"%s\"", list ? list : "", list ? ", " : "", kr_run_shown(run, name));
    }
    if (!list) return 1;
    return kr_run_fail(run, at, "additionalProperties", NULL, "%s%s: no such property is allowed", list,
                       n > MAX_NAMED ? " and others" : "");
}

static int check_additional(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const kr_node_t *node = rule->arg;
    const char *name;
    json_t *value;
    int ok = 1;

    if (node->verdict == KR_NODE_FALSE) return check_nothing_additional(run, rule, instance, at);
    json_object_foreach((json_t *)instance, name, value) {
        if (kr_run_over(run, ok)) break;
        if (is_additional(run, rule, name) && !check_member(run, node, value, name, at)) ok = 0;
    }
    return ok;
}

/* -- propertyNames, dependencies ------------------------------------------ */

static int check_names(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)instance, name, value) {
        json_t *text = json_string(name);
        int ok = text && kr_run_quietly(run, rule->arg, text, at);

        json_decref(text);
        if (ok) continue;
        return kr_run_fail(run, at, "propertyNames", NULL, "\"%s\" is not an allowed name", kr_run_shown(run, name));
    }
    return 1;
}

static kr_built_e compile_dependencies(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    apr_array_header_t *members = apr_array_make(b->pool, 2, sizeof(kr_member_t));
    const char *name;
    json_t *value;

    (void)node;
    if (!json_is_object(rule->value)) return kr_build_refuse(b, rule, "must be an object");
    json_object_foreach((json_t *)rule->value, name, value) {
        kr_member_t *member = apr_array_push(members);

        memset(member, 0, sizeof(*member));
        member->name = name;
        if (is_list_of_names(value)) member->names = value;
        else if (!(member->node = kr_build_part(b, rule, value, name))) return KR_BUILD_FAILED;
    }
    rule->arg = members;
    return KR_BUILT;
}

static int check_companions(kr_run_t *run, const kr_member_t *member, const json_t *instance, const kr_at_t *at)
{
    apr_size_t i;
    json_t *name;

    json_array_foreach(member->names, i, name) {
        if (json_object_get(instance, json_string_value(name))) continue;
        return kr_run_fail(run, at, "dependencies", NULL, "\"%s\" is needed because \"%s\" is given",
                           json_string_value(name), member->name);
    }
    return 1;
}

static int check_dependency(kr_run_t *run, const kr_member_t *member, const json_t *instance, const kr_at_t *at)
{
    return member->names ? check_companions(run, member, instance, at) : kr_run_node(run, member->node, instance, at);
}

static int check_dependencies(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    return check_named(run, rule, instance, at, check_dependency);
}

const kr_keyword_t kr_keywords_object[] = {
    { "required", KR_ON(JSON_OBJECT), compile_required, check_required },
    { "minProperties", KR_ON(JSON_OBJECT), kr_build_count, check_min_properties },
    { "maxProperties", KR_ON(JSON_OBJECT), kr_build_count, check_max_properties },
    { "properties", KR_ON(JSON_OBJECT), compile_properties, check_properties },
    { "patternProperties", KR_ON(JSON_OBJECT), compile_patterns, check_patterns },
    { "additionalProperties", KR_ON(JSON_OBJECT), kr_build_schema, check_additional },
    { "propertyNames", KR_ON(JSON_OBJECT), kr_build_schema, check_names },
    { "dependencies", KR_ON(JSON_OBJECT), compile_dependencies, check_dependencies },
    { 0 },
};
