/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords about arrays. */
#include <string.h>

#include <apr_strings.h>

#include "schema.h"

static int check_element(kr_run_t *run, const kr_node_t *node, const json_t *array, apr_size_t i, const kr_at_t *up)
{
    kr_at_t at = { up, NULL, i };

    return kr_run_node(run, node, json_array_get(array, i), &at);
}

static int check_min_items(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    json_int_t n = (json_int_t)json_array_size(instance), limit = (json_int_t)rule->count;

    if (n >= limit) return 1;
    return kr_run_fail(run, at, "minItems", json_pack("{s:I,s:I}", "min_items", limit, "actual_items", n),
                       "must have at least %" APR_INT64_T_FMT " items", rule->count);
}

static int check_max_items(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    json_int_t n = (json_int_t)json_array_size(instance), limit = (json_int_t)rule->count;

    if (n <= limit) return 1;
    return kr_run_fail(run, at, "maxItems", json_pack("{s:I,s:I}", "max_items", limit, "actual_items", n),
                       "must have at most %" APR_INT64_T_FMT " items", rule->count);
}

/** Every pair is compared; the steps of the run bound it to some two thousand items. */
static int check_unique(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_size_t i, j, n = json_array_size(instance);

    if (json_is_false(rule->value)) return 1;
    for (j = 1; j < n; j++) {
        for (i = 0; i < j; i++) {
            int same = kr_value_equal(json_array_get(instance, i), json_array_get(instance, j), &run->steps);

            if (run->steps < 0) run->spent = 1;
            if (run->spent) return 0;
            if (!same) continue;
            return kr_run_fail(run, at, "uniqueItems",
                               json_pack("{s:I,s:I}", "index_a", (json_int_t)i, "index_b", (json_int_t)j),
                               "the items at %" APR_SIZE_T_FMT " and %" APR_SIZE_T_FMT " are equal", i, j);
        }
    }
    return 1;
}

/* -- items, additionalItems, contains ------------------------------------- */

static kr_built_e compile_items(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    apr_array_header_t *tuple;
    apr_size_t i;
    json_t *value;

    if (!json_is_array(rule->value)) return kr_build_schema(b, node, rule);
    tuple = apr_array_make(b->pool, (int)json_array_size(rule->value), sizeof(const kr_node_t *));
    json_array_foreach(rule->value, i, value) {
        const kr_node_t *part = kr_build_part(b, rule, value, apr_psprintf(b->pool, "%" APR_SIZE_T_FMT, i));

        if (!part) return KR_BUILD_FAILED;
        APR_ARRAY_PUSH(tuple, const kr_node_t *) = part;
    }
    node->tuple = tuple;
    return KR_BUILT;
}

static int check_from(kr_run_t *run, const kr_node_t *node, const json_t *instance, apr_size_t first, const kr_at_t *at)
{
    apr_size_t i;
    int ok = 1;

    for (i = first; i < json_array_size(instance) && !kr_run_over(run, ok); i++) {
        if (!check_element(run, node, instance, i, at)) ok = 0;
    }
    return ok;
}

static int check_items(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const apr_array_header_t *tuple = rule->node->tuple;
    int i, ok = 1;

    if (!tuple) return check_from(run, rule->arg, instance, 0, at);
    for (i = 0; i < tuple->nelts && (apr_size_t)i < json_array_size(instance) && !kr_run_over(run, ok); i++) {
        if (!check_element(run, APR_ARRAY_IDX(tuple, i, const kr_node_t *), instance, (apr_size_t)i, at)) ok = 0;
    }
    return ok;
}

static int check_additional(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const kr_node_t *node = rule->arg;
    const apr_array_header_t *tuple = rule->node->tuple;

    if (!tuple) return 1; /* items speaks of all elements, or none does */
    if (node->verdict != KR_NODE_FALSE) return check_from(run, node, instance, (apr_size_t)tuple->nelts, at);
    if (json_array_size(instance) <= (apr_size_t)tuple->nelts) return 1;
    return kr_run_fail(run, at, "additionalItems", NULL, "must have at most %d items", tuple->nelts);
}

static int check_contains(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_size_t i;
    int found = 0;

    run->quiet++;
    for (i = 0; i < json_array_size(instance) && !found && !run->spent; i++) {
        found = check_element(run, rule->arg, instance, i, at);
    }
    run->quiet--;
    return found ? 1 : kr_run_fail(run, at, "contains", NULL, "none of the items is of the kind that is needed");
}

const kr_keyword_t kr_keywords_array[] = {
    { "minItems", KR_ON(JSON_ARRAY), kr_build_count, check_min_items },
    { "maxItems", KR_ON(JSON_ARRAY), kr_build_count, check_max_items },
    { "items", KR_ON(JSON_ARRAY), compile_items, check_items },
    { "additionalItems", KR_ON(JSON_ARRAY), kr_build_schema, check_additional },
    { "contains", KR_ON(JSON_ARRAY), kr_build_schema, check_contains },
    { "uniqueItems", KR_ON(JSON_ARRAY), kr_build_boolean, check_unique },
    { 0 },
};
