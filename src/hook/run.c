/* SPDX-License-Identifier: Apache-2.0 */
/* A list of hooks in one phase, by a table of hooks. */
#include <string.h>

#include "hook.h"

static const kr_hook_t *row_of(const kr_hook_t *table, const char *name)
{
    for (const kr_hook_t *hook = table; hook->name; hook++)
        if (strcmp(hook->name, name) == 0) return hook;
    return NULL;
}

/* Does an entry before this one have its name? */
static int is_again(const apr_array_header_t *list, int entry)
{
    const char *name = APR_ARRAY_IDX(list, entry, kr_hook_conf_t).name;

    for (int i = 0; i < entry; i++)
        if (strcmp(APR_ARRAY_IDX(list, i, kr_hook_conf_t).name, name) == 0) return 1;
    return 0;
}

/* The row of an entry that has something to do in that phase, or NULL. */
static const kr_hook_t *acting(const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list, int entry)
{
    const kr_hook_conf_t *conf = &APR_ARRAY_IDX(list, entry, kr_hook_conf_t);
    const kr_hook_t *hook = row_of(table, conf->name);

    if (!hook || !hook->run[phase] || (!hook->each && is_again(list, entry))) return NULL;
    return !hook->acts || hook->acts(after, phase, conf) ? hook : NULL;
}

static kr_err_t *run_list(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list,
                          unsigned last)
{
    for (int i = 0; i < list->nelts; i++) {
        const kr_hook_t *hook = acting(after, phase, table, list, i);

        if (hook && hook->last == last) KR_TRY(hook->run[phase](k, after, &APR_ARRAY_IDX(list, i, kr_hook_conf_t)));
    }
    return NULL;
}

int kr_hooks_would(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list)
{
    for (const kr_hook_t *hook = table; hook->name; hook++)
        if (hook->run[phase] && hook->unasked && hook->unasked(k, after)) return 1;
    for (int i = 0; list && i < list->nelts; i++)
        if (acting(after, phase, table, list, i)) return 1;
    return 0;
}

kr_err_t *kr_hooks_run(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list)
{
    for (const kr_hook_t *hook = table; hook->name; hook++)
        if (hook->run[phase] && hook->unasked && hook->unasked(k, after)) KR_TRY(hook->run[phase](k, after, NULL));
    if (!list) return NULL;
    KR_TRY(run_list(k, after, phase, table, list, 0));
    return run_list(k, after, phase, table, list, 1);
}
