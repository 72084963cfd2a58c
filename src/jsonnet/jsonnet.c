/* SPDX-License-Identifier: Apache-2.0 */
/* Programs: read at start, and called. */
#include "jsonnet.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

/* @return what it evaluates to, or NULL with *why */
static json_t *evaluate(apr_pool_t *pool, const kr_jsonnet_work_t *work, const char **why)
{
    apr_size_t len;
    char *said = kr_jsonnet_evaluate_apart(pool, &len, work, why);
    json_t *out = said ? kr_json_parse(pool, said, len, why) : NULL;

    if (said) kr_wipe(said, len); /* codes pass through here */
    return out;
}

/* -- reading -------------------------------------------------------------------- */

static kr_jsonnet_t *take(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why)
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
    return program;
}

/* In parentheses, so that it is one expression and stays uncalled; on the first line, so that line numbers hold. */
static json_t *judge(apr_pool_t *pool, const kr_jsonnet_t *program, const char *question, const char **why)
{
    kr_jsonnet_work_t work = { .name = program->name };

    work.text = apr_pstrcat(pool, "local program = (", program->text, "\n); ", question, NULL);
    return evaluate(pool, &work, why);
}

kr_jsonnet_t *kr_jsonnet_make(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why)
{
    kr_jsonnet_t *program = take(pool, name, text, len, why);
    json_t *answer;

    if (!program) return NULL;
    answer = judge(pool, program, "std.isFunction(program) && std.length(program) == 1", why);
    if (answer && !json_is_true(answer)) *why = "is no function of one parameter: it must be function(ctx) ...";
    return json_is_true(answer) ? program : NULL;
}

kr_jsonnet_t *kr_jsonnet_make_ext(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why)
{
    kr_jsonnet_t *program = take(pool, name, text, len, why);

    return program && judge(pool, program, "true", why) ? program : NULL;
}

/* -- calling --------------------------------------------------------------------- */

json_t *kr_jsonnet_run(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *ctx, const char **why)
{
    apr_size_t len;
    char *text = (char *)kr_json_dump(pool, ctx, &len);
    kr_jsonnet_work_t work = { program->name, program->text, text };
    json_t *out = evaluate(pool, &work, why);

    kr_wipe(text, len);
    return out;
}

/* std.extVar is ours. For each variable the library's own would read its standard library once more, some 15 ms; so the
 * values stand in the program's text: JSON is Jsonnet that computes nothing. */
static const char EXT_VAR[] = "; local std = kr_std { extVar(name):: if name in kr_vars then kr_vars[name] "
                              "else error 'undefined external variable: ' + name }; (";

json_t *kr_jsonnet_run_ext(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *vars, const char **why)
{
    apr_size_t len;
    char *values = (char *)kr_json_dump(pool, vars, &len);
    char *text = apr_pstrcat(pool, "local kr_std = std, kr_vars = ", values, EXT_VAR, program->text, "\n)", NULL);
    kr_jsonnet_work_t work = { .name = program->name, .text = text };
    json_t *out = evaluate(pool, &work, why);

    kr_wipe(values, len);
    kr_wipe(text, strlen(text));
    return out;
}
