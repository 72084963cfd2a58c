/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords that combine schemas, and definitions, which are only compiled. */
#include <apr_strings.h>

#include "schema.h"

static kr_built_e compile_definitions(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    const char *name;
    json_t *value;

    (void)node;
    if (!json_is_object(rule->value)) return kr_build_refuse(b, rule, "must be an object of schemas");
    json_object_foreach((json_t *)rule->value, name, value) {
        if (!kr_build_part(b, rule, value, name)) return KR_BUILD_FAILED;
    }
    return KR_BUILT;
}

static kr_built_e compile_branches(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    apr_array_header_t *branches = apr_array_make(b->pool, 2, sizeof(const kr_node_t *));
    apr_size_t i;
    json_t *value;

    (void)node;
    if (json_array_size(rule->value) == 0) return kr_build_refuse(b, rule, "must be a list of at least one schema");
    json_array_foreach(rule->value, i, value) {
        const kr_node_t *branch = kr_build_part(b, rule, value, apr_psprintf(b->pool, "%" APR_SIZE_T_FMT, i));

        if (!branch) return KR_BUILD_FAILED;
        APR_ARRAY_PUSH(branches, const kr_node_t *) = branch;
    }
    rule->arg = branches;
    return KR_BUILT;
}

static int check_all(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const apr_array_header_t *branches = rule->arg;
    int i, ok = 1;

    for (i = 0; i < branches->nelts && !kr_run_over(run, ok); i++) {
        if (!kr_run_node(run, APR_ARRAY_IDX(branches, i, const kr_node_t *), instance, at)) ok = 0;
    }
    return ok;
}

/** How many branches accept the instance, counted up to `enough`. */
static int count_accepting(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at, int enough)
{
    const apr_array_header_t *branches = rule->arg;
    int i, n = 0;

    for (i = 0; i < branches->nelts && n < enough && !run->spent; i++) {
        n += kr_run_quietly(run, APR_ARRAY_IDX(branches, i, const kr_node_t *), instance, at);
    }
    return n;
}

static int check_any(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (count_accepting(run, rule, instance, at, 1)) return 1;
    return kr_run_fail(run, at, "anyOf", NULL, "fits none of the forms that are allowed here");
}

static int check_one(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    int n = count_accepting(run, rule, instance, at, 2);

    if (n == 1) return 1;
    return kr_run_fail(run, at, "oneOf", NULL, n ? "fits more than one of the forms of which one is allowed here"
                                                 : "fits none of the forms of which one is allowed here");
}

static int check_not(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    if (!kr_run_quietly(run, rule->arg, instance, at)) return 1;
    return kr_run_fail(run, at, "not", NULL, "is what is not allowed here");
}

/** then and else are only read here; `if` applies them. */
static kr_built_e compile_then(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    node->on_true = kr_build_part(b, rule, rule->value, NULL);
    return node->on_true ? KR_BUILT : KR_BUILD_FAILED;
}

static kr_built_e compile_else(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    node->on_false = kr_build_part(b, rule, rule->value, NULL);
    return node->on_false ? KR_BUILT : KR_BUILD_FAILED;
}

static int check_if(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const kr_node_t *next = kr_run_quietly(run, rule->arg, instance, at) ? rule->node->on_true : rule->node->on_false;

    return next ? kr_run_node(run, next, instance, at) : 1;
}

const kr_keyword_t kr_keywords_logic[] = {
    { "definitions", 0, compile_definitions, NULL },
    { "allOf", KR_ON_ANY, compile_branches, check_all },
    { "anyOf", KR_ON_ANY, compile_branches, check_any },
    { "oneOf", KR_ON_ANY, compile_branches, check_one },
    { "not", KR_ON_ANY, kr_build_schema, check_not },
    { "if", KR_ON_ANY, kr_build_schema, check_if },
    { "then", 0, compile_then, NULL },
    { "else", 0, compile_else, NULL },
    { 0 },
};
