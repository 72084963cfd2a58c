/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows libjsonnet. A virtual machine serves one call: it is cheap, and no two threads may share
 * one. */
#include <libjsonnet.h>
#include <string.h>

#include "kr_json.h"
#include "kr_jsonnet.h"
#include "kr_text.h"

#define STACK_MAX 200
#define OUTPUT_MAX ((apr_size_t)1024 * 1024)
#define WHY_MAX 300

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

static struct JsonnetVm *machine(void)
{
    struct JsonnetVm *vm = jsonnet_make();

    if (!vm) return NULL;
    jsonnet_max_stack(vm, STACK_MAX);
    jsonnet_max_trace(vm, 1);
    jsonnet_import_callback(vm, refuse_import(), vm);
    return vm;
}

/* "RUNTIME ERROR: what\n\ttrace" -> "what", without controls. */
static const char *first_line(apr_pool_t *pool, const char *said)
{
    static const char *const HEADS[] = { "RUNTIME ERROR: ", "STATIC ERROR: " };
    char *out;

    for (int i = 0; i < KR_DIM(HEADS); i++) {
        if (strncmp(said, HEADS[i], strlen(HEADS[i])) == 0) said += strlen(HEADS[i]);
    }
    out = apr_pstrmemdup(pool, said, strnlen(said, WHY_MAX));
    out[strcspn(out, "\n")] = '\0';
    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
    return out;
}

/* @return what it evaluates to, or NULL with *why */
static json_t *evaluate(apr_pool_t *pool, struct JsonnetVm *vm, const char *name, const char *text, const char **why)
{
    int failed = 0;
    char *said = jsonnet_evaluate_snippet(vm, name, text, &failed);
    apr_size_t len = said ? strlen(said) : 0;
    json_t *out = NULL;

    if (!said)
        *why = "out of memory";
    else if (failed)
        *why = first_line(pool, said);
    else if (len > OUTPUT_MAX)
        *why = "it makes more than 1 MiB";
    else
        out = kr_json_parse(pool, said, len, why);
    if (said) {
        kr_wipe(said, len); /* codes pass through here */
        jsonnet_realloc(vm, said, 0);
    }
    return out;
}

/* -- the door ------------------------------------------------------------------- */

/* In parentheses, so that it is one expression and stays uncalled; on the first line, so that line numbers hold. */
static int is_function(apr_pool_t *pool, const kr_jsonnet_t *program, const char **why)
{
    struct JsonnetVm *vm = machine();
    const char *asked = apr_pstrcat(pool, "local program = (", program->text,
                                    "\n); std.isFunction(program) && std.length(program) == 1", NULL);
    json_t *answer;

    *why = "out of memory";
    if (!vm) return 0;
    answer = evaluate(pool, vm, program->name, asked, why);
    jsonnet_destroy(vm);
    if (answer && !json_is_true(answer)) *why = "is no function of one parameter: it must be function(ctx) ...";
    return json_is_true(answer);
}

kr_jsonnet_t *kr_jsonnet_make(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why)
{
    kr_jsonnet_t *program = apr_palloc(pool, sizeof(*program));

    if (len > KR_JSONNET_MAX_BYTES) {
        *why = "is larger than 256 KiB";
        return NULL;
    }
    if (!kr_utf8_valid(text, len)) { /* a NUL would end it early, too */
        *why = "is not valid UTF-8";
        return NULL;
    }
    *program = (kr_jsonnet_t){ apr_pstrdup(pool, name), apr_pstrmemdup(pool, text, len) };
    return is_function(pool, program, why) ? program : NULL;
}

json_t *kr_jsonnet_run(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *ctx, const char **why)
{
    struct JsonnetVm *vm = machine();
    apr_size_t len;
    char *text;
    json_t *out;

    *why = "out of memory";
    if (!vm) return NULL;
    text = (char *)kr_json_dump(pool, ctx, &len);
    jsonnet_tla_code(vm, "ctx", text); /* JSON is Jsonnet that computes nothing */
    kr_wipe(text, len);
    out = evaluate(pool, vm, program->name, program->text, why);
    jsonnet_destroy(vm);
    return out;
}
