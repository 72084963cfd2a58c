/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows libjsonnet. */
#include <libjsonnet.h>
#include <string.h>

#include "jsonnet.h"

#define STACK_MAX 200

/* -- imports ------------------------------------------------------------------ */

static const char NO_IMPORT[] = "a program of this server imports nothing";

static char *refusal(struct JsonnetVm *vm)
{
    return strcpy(jsonnet_realloc(vm, NULL, sizeof(NO_IMPORT)), NO_IMPORT);
}

/* The library's callback has two forms: up to version 0.18 it returns the text, later a flag. Both are here, and the
 * header's type says which of them it wants. */
typedef char *old_import_fn(void *, const char *, const char *, char **, int *);

static char *refuse_import_old(void *vm, const char *base, const char *rel, char **found, int *success)
{
    (void)base, (void)rel, (void)found;
    *success = 0;
    return refusal(vm);
}

static int refuse_import_new(void *vm, const char *base, const char *rel, char **found, char **text, size_t *len)
{
    (void)base, (void)rel, (void)found;
    *text = refusal(vm);
    *len = strlen(*text);
    return 1;
}

typedef void any_fn(void);

static JsonnetImportCallback *refuse_import(void)
{
    any_fn *chosen = __builtin_types_compatible_p(JsonnetImportCallback, old_import_fn) ? (any_fn *)refuse_import_old
                                                                                        : (any_fn *)refuse_import_new;

    return (JsonnetImportCallback *)chosen;
}

/* -- the machine ---------------------------------------------------------------- */

const char *kr_jsonnet_evaluate(int *failed, const kr_jsonnet_work_t *work)
{
    struct JsonnetVm *vm = jsonnet_make();

    *failed = 1;
    if (!vm) return NULL;
    jsonnet_max_stack(vm, STACK_MAX);
    jsonnet_max_trace(vm, 1);
    jsonnet_import_callback(vm, refuse_import(), vm);
    if (work->ctx) jsonnet_tla_code(vm, "ctx", work->ctx); /* JSON is Jsonnet that computes nothing */
    return jsonnet_evaluate_snippet(vm, work->name, work->text, failed);
}
