/* SPDX-License-Identifier: Apache-2.0 */
/* One validation: walk schema and instance together, collect what is wrong, within bounds. */
#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_clock.h"
#include "kr_json.h"

#include "schema.h"

#define MAX_SHOWN 60

/** "traits.tags.0": from the end of the list to its begin. */
static const char *print_path(apr_pool_t *pool, const kr_at_t *at)
{
    const char *path = NULL;

    for (; at && at->up; at = at->up) {
        const char *name = at->name ? at->name : apr_psprintf(pool, "%" APR_SIZE_T_FMT, at->index);

        path = path ? apr_pstrcat(pool, name, ".", path, NULL) : name;
    }
    return path ? apr_pstrdup(pool, path) : "";
}

const char *kr_run_shown(kr_run_t *run, const char *text)
{
    apr_size_t n = MAX_SHOWN;

    if (strlen(text) <= n) return text;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    return apr_pstrcat(run->pool, apr_pstrmemdup(run->pool, text, n), "...", NULL);
}

/** The same complaint may come from two branches of an allOf. */
static int known(const kr_run_t *run, const kr_violation_t *v)
{
    int i;

    for (i = 0; i < run->out->nelts; i++) {
        const kr_violation_t *other = &APR_ARRAY_IDX(run->out, i, kr_violation_t);

        if (strcmp(v->path, other->path) == 0 && strcmp(v->keyword, other->keyword) == 0 &&
            strcmp(v->reason, other->reason) == 0) return 1;
    }
    return 0;
}

int kr_run_fail(kr_run_t *run, const kr_at_t *at, const char *keyword, json_t *context, const char *fmt, ...)
{
    kr_violation_t v;
    va_list ap;

    if (run->quiet || run->full || run->spent) {
        json_decref(context);
        return 0;
    }
    va_start(ap, fmt);
    v.reason = apr_pvsprintf(run->pool, fmt, ap);
    va_end(ap);
    v.path = print_path(run->pool, at);
    v.keyword = keyword;
    v.context = kr_json_own(run->pool, context ? context : json_object());
    v.title = run->node ? json_string_value(json_object_get(run->node->json, "title")) : NULL;
    v.description = run->node ? json_string_value(json_object_get(run->node->json, "description")) : NULL;
    if (!known(run, &v)) APR_ARRAY_PUSH(run->out, kr_violation_t) = v;
    run->full = run->out->nelts >= KR_SCHEMA_MAX_VIOLATIONS;
    return 0;
}

int kr_run_over(const kr_run_t *run, int ok)
{
    return run->full || run->spent || (run->quiet && !ok);
}

int kr_run_match(kr_run_t *run, const kr_pattern_t *pattern, const char *text, apr_size_t len)
{
    const apr_time_t begun = kr_clock_worked();
    int found;

    if (run->matched > KR_SCHEMA_MAX_MATCHING) run->spent = 1;
    if (run->spent) return -1;
    found = kr_pattern_find(pattern, text, len);
    run->matched += kr_clock_worked() - begun;
    return found;
}

static int apply_rules(kr_run_t *run, const kr_node_t *node, const json_t *instance, const kr_at_t *at)
{
    unsigned kind = KR_ON(json_typeof(instance));
    int i, ok = 1;

    for (i = 0; i < node->rules->nelts && !kr_run_over(run, ok); i++) {
        const kr_rule_t *rule = &APR_ARRAY_IDX(node->rules, i, kr_rule_t);

        if ((rule->keyword->on & kind) && !rule->keyword->check(run, rule, instance, at)) ok = 0;
    }
    return ok && !run->spent;
}

int kr_run_node(kr_run_t *run, const kr_node_t *node, const json_t *instance, const kr_at_t *at)
{
    const kr_node_t *outer = run->node;
    int ok;

    node = kr_node_target(node);
    if (--run->steps < 0 || run->depth >= KR_SCHEMA_MAX_DEPTH) run->spent = 1;
    if (run->spent) return 0;
    if (node->verdict == KR_NODE_TRUE) return 1;
    if (node->verdict == KR_NODE_FALSE) return kr_run_fail(run, at, "false", NULL, "nothing is allowed here");
    run->depth++;
    run->node = node;
    ok = apply_rules(run, node, instance, at);
    run->node = outer;
    run->depth--;
    return ok;
}

int kr_run_quietly(kr_run_t *run, const kr_node_t *node, const json_t *instance, const kr_at_t *at)
{
    int ok;

    run->quiet++;
    ok = kr_run_node(run, node, instance, at);
    run->quiet--;
    return ok;
}

void kr_validate(apr_array_header_t **out, apr_pool_t *pool, const kr_validator_t *validator, const json_t *instance)
{
    kr_run_t run = { .pool = pool, .steps = KR_SCHEMA_MAX_STEPS };
    const kr_at_t top = { NULL, NULL, 0 };

    run.out = apr_array_make(pool, 4, sizeof(kr_violation_t));
    kr_run_node(&run, validator->root, instance, &top);
    /* a `not` may have turned "could not tell" into "valid": whatever came out, refuse */
    if (run.spent) {
        run.spent = 0;
        kr_run_fail(&run, &top, "limit", NULL, "the value is too deep or too large to be checked");
    }
    *out = run.out;
}
