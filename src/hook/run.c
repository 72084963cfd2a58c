/* SPDX-License-Identifier: Apache-2.0 */
/* A list of hooks in one phase, by a table of hooks. */
#include <string.h>

#include "hook.h"

const kr_hook_t *kr_hook_row(const kr_hook_t *table, const char *name)
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

static kr_err_t *run_list(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list,
                          unsigned last)
{
    for (int i = 0; i < list->nelts; i++) {
        const kr_hook_conf_t *conf = &APR_ARRAY_IDX(list, i, kr_hook_conf_t);
        const kr_hook_t *hook = kr_hook_row(table, conf->name);

        if (!hook || !hook->run[phase] || hook->last != last || (!hook->each && is_again(list, i))) continue;
        KR_TRY(hook->run[phase](k, after, conf));
    }
    return NULL;
}

kr_err_t *kr_hooks_run(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase, const kr_hook_t *table, const apr_array_header_t *list)
{
    for (const kr_hook_t *hook = table; hook->name; hook++)
        if (hook->run[phase] && hook->unasked && hook->unasked(k, after)) KR_TRY(hook->run[phase](k, after, NULL));
    if (!list) return NULL;
    KR_TRY(run_list(k, after, phase, table, list, 0));
    return run_list(k, after, phase, table, list, 1);
}
