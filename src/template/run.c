/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering: through the tree with a budget. Data comes from strangers, and a loop over it may be long. */
#include <string.h>

#include "kr_text.h"
#include "template.h"

/** A variable while its block runs. */
typedef struct {
    const char *name;
    json_t *value;
} variable_t;

static void run_list(run_t *run, const node_t *node);
static json_t *run_pipe(run_t *run, const pipe_t *pipe);

json_t *kr_tmpl_fail(run_t *run, const char *what)
{
    if (!run->why) run->why = apr_psprintf(run->pool, "%s:%d: %s", run->file, run->line, what);
    return NULL;
}

int kr_tmpl_spend(run_t *run, apr_size_t bytes)
{
    run->made += bytes;
    if (run->made > MADE_MAX) kr_tmpl_fail(run, "its functions make too much text");
    return run->made <= MADE_MAX;
}

json_t *kr_tmpl_string(run_t *run, const char *text)
{
    const apr_size_t len = strlen(text);

    if (!kr_tmpl_spend(run, len)) return NULL;
    if (len > KR_TEMPLATE_MAX_BYTES) return kr_tmpl_fail(run, "its functions make too much text");
    return kr_json_own(run->pool, json_stringn(text, len));
}

static int is_spent(run_t *run)
{
    if (++run->steps > STEPS_MAX) kr_tmpl_fail(run, "it takes too many steps");
    return run->why != NULL;
}

static void write_text(run_t *run, const char *text)
{
    const apr_size_t len = strlen(text);

    if (len > KR_TEMPLATE_MAX_BYTES - run->len) {
        kr_tmpl_fail(run, "it makes more than 256 KiB");
        return;
    }
    if (run->len + len >= run->room) {
        char *larger;

        run->room = 2 * (run->len + len) + 256;
        larger = apr_palloc(run->pool, run->room);
        if (run->len) memcpy(larger, run->out, run->len);
        run->out = larger;
    }
    memcpy(run->out + run->len, text, len);
    run->len += len;
}

/* -- values --------------------------------------------------------------------- */

static variable_t *find_variable(run_t *run, const char *name)
{
    for (int i = run->variables->nelts; i--;) {
        variable_t *v = &APR_ARRAY_IDX(run->variables, i, variable_t);

        if (strcmp(v->name, name) == 0) return v;
    }
    return NULL;
}

static void set_variable(run_t *run, const char *name, json_t *value, int declares)
{
    variable_t *v = declares ? NULL : find_variable(run, name);

    if (!v) {
        v = apr_array_push(run->variables);
        v->name = name;
    }
    v->value = value;
}

static json_t *run_operand(run_t *run, const operand_t *operand)
{
    const variable_t *v;
    json_t *at = run->dot;

    if (operand->kind == OPERAND_VALUE) return operand->value;
    if (operand->kind == OPERAND_PIPE) at = run_pipe(run, operand->pipe);
    if (operand->kind == OPERAND_VARIABLE) {
        v = find_variable(run, operand->name);
        at = v ? v->value : NULL;
    }
    for (int i = 0; at && operand->fields && i < operand->fields->nelts; i++) {
        at = json_object_get(at, APR_ARRAY_IDX(operand->fields, i, const char *));
    }
    return at || run->why ? at : kr_json_own(run->pool, json_null());
}

static json_t *run_command(run_t *run, const command_t *command, json_t *piped)
{
    const int own = command->operands->nelts, count = own + (piped != NULL);
    json_t **args = apr_palloc(run->pool, sizeof(json_t *) * (apr_size_t)(count + 1));

    if (is_spent(run)) return NULL;
    for (int i = 0; i < own; i++) {
        args[i] = run_operand(run, &APR_ARRAY_IDX(command->operands, i, operand_t));
        if (!args[i]) return NULL;
    }
    if (piped) args[own] = piped;
    return command->function ? command->function->call(run, count, args) : args[0];
}

/* Variables are left to the caller: those of a range take its members. */
static json_t *run_commands(run_t *run, const pipe_t *pipe)
{
    json_t *value = NULL;

    run->file = pipe->file;
    run->line = pipe->line;
    for (int i = 0; i < pipe->commands->nelts && !run->why; i++) {
        value = run_command(run, &APR_ARRAY_IDX(pipe->commands, i, command_t), value);
    }
    return run->why ? NULL : value;
}

static json_t *run_pipe(run_t *run, const pipe_t *pipe)
{
    json_t *value = run_commands(run, pipe);

    if (value && pipe->names[0]) set_variable(run, pipe->names[0], value, pipe->declares);
    return value;
}

/* -- blocks ----------------------------------------------------------------------- */

static void run_turn(run_t *run, const node_t *node, json_t *key, json_t *member)
{
    const pipe_t *pipe = node->pipe;
    const int variables = run->variables->nelts;

    if (pipe->names[1]) {
        set_variable(run, pipe->names[0], key, pipe->declares);
        set_variable(run, pipe->names[1], member, pipe->declares);
    } else if (pipe->names[0]) {
        set_variable(run, pipe->names[0], member, pipe->declares);
    }
    run->dot = member;
    run_list(run, node->body);
    run->variables->nelts = variables;
}

/* @return how many turns were made */
static size_t run_turns(run_t *run, const node_t *node, json_t *over)
{
    const char *name;
    json_t *member;
    size_t i;

    json_array_foreach(over, i, member)
    {
        if (is_spent(run)) break;
        run_turn(run, node, kr_json_own(run->pool, json_integer((json_int_t)i)), member);
    }
    json_object_foreach(over, name, member)
    {
        if (is_spent(run)) break;
        run_turn(run, node, kr_json_own(run->pool, json_string(name)), member);
    }
    if (!json_is_array(over) && !json_is_object(over) && !json_is_null(over))
        kr_tmpl_fail(run, "range: the value is no list");
    return json_is_array(over) ? json_array_size(over) : json_object_size(over);
}

static void run_range(run_t *run, const node_t *node)
{
    json_t *over = run_commands(run, node->pipe);

    if (over && !run_turns(run, node, over)) run_list(run, node->otherwise);
}

static void run_if(run_t *run, const node_t *node)
{
    json_t *value = run_pipe(run, node->pipe);

    if (!value) return;
    if (!kr_tmpl_true(value)) {
        run_list(run, node->otherwise);
        return;
    }
    if (node->kind == NODE_WITH) run->dot = value;
    run_list(run, node->body);
}

static void run_template(run_t *run, const node_t *node)
{
    apr_array_header_t *variables = run->variables;
    json_t *dot = node->pipe ? run_pipe(run, node->pipe) : kr_json_own(run->pool, json_null());

    if (!dot) return;
    run->file = node->file;
    run->line = node->line;
    if (++run->calls > CALLS_MAX) kr_tmpl_fail(run, "templates call each other too deeply");
    run->variables = apr_array_make(run->pool, 4, sizeof(variable_t));
    run->dot = dot;
    set_variable(run, "$", dot, 1);
    run_list(run, apr_hash_get(run->template->defined, node->text, APR_HASH_KEY_STRING));
    run->variables = variables;
    run->calls--;
}

/* Dot and variables are the block's own. */
static void run_block(run_t *run, const node_t *node)
{
    const int variables = run->variables->nelts;
    json_t *dot = run->dot;

    switch (node->kind) {
    case NODE_RANGE: run_range(run, node); break;
    case NODE_TEMPLATE: run_template(run, node); break;
    default: run_if(run, node);
    }
    run->dot = dot;
    run->variables->nelts = variables;
}

static void run_value(run_t *run, const node_t *node)
{
    json_t *value = run_pipe(run, node->pipe);

    if (value && !node->pipe->names[0])
        write_text(run, kr_tmpl_html_value(run->pool, node->escape, kr_tmpl_text(run->pool, value)));
}

static void run_list(run_t *run, const node_t *node)
{
    for (; node && !is_spent(run); node = node->next) {
        if (node->kind == NODE_TEXT)
            write_text(run, node->text);
        else if (node->kind == NODE_VALUE)
            run_value(run, node);
        else
            run_block(run, node);
    }
}

const char *kr_template_render(apr_pool_t *pool, const kr_template_t *tmpl, const json_t *data, const char **why)
{
    run_t run = { .pool = pool, .template = tmpl, .file = tmpl->main, .line = 1 };

    run.variables = apr_array_make(pool, 8, sizeof(variable_t));
    run.dot = kr_tmpl_data(pool, data);
    set_variable(&run, "$", run.dot, 1);
    run_list(&run, apr_hash_get(tmpl->defined, tmpl->main, APR_HASH_KEY_STRING));
    write_text(&run, "");
    *why = run.why;
    if (run.why) return NULL;
    run.out[run.len] = '\0';
    return run.out;
}
