/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines: "$name := .Identity.traits.name | default "you" | upper". */
#include <string.h>

#include "template.h"

#define OPERANDS_MAX 32

static int is_declared(const parser_t *p, const char *name)
{
    for (int i = p->variables->nelts; i--;) {
        if (strcmp(APR_ARRAY_IDX(p->variables, i, const char *), name) == 0) return 1;
    }
    return strcmp(name, "$") == 0;
}

/* ".a.b" right behind what stands before. */
static void take_fields(parser_t *p, operand_t *operand)
{
    while (!p->why && p->token == TOKEN_FIELD && !p->apart) {
        if (!operand->fields) operand->fields = apr_array_make(p->pool, 2, sizeof(const char *));
        APR_ARRAY_PUSH(operand->fields, const char *) = p->text;
        kr_tmpl_lex(p);
    }
}

static operand_t take_parenthesis(parser_t *p)
{
    operand_t out = { .kind = OPERAND_PIPE };

    if (++p->nesting > NESTING_MAX) kr_tmpl_parse_fail(p, "nests deeper than %d levels", NESTING_MAX);
    kr_tmpl_lex(p);
    if (!p->why) out.pipe = kr_tmpl_parse_pipe(p);
    if (!p->why && p->token != TOKEN_CLOSE_PAREN) kr_tmpl_parse_fail(p, "a parenthesis is not closed");
    kr_tmpl_lex(p);
    p->nesting--;
    return out;
}

/* @return 0: what comes is no operand */
static int take_operand(operand_t *out, parser_t *p)
{
    *out = (operand_t){ .kind = OPERAND_DOT };
    switch (p->token) {
    case TOKEN_DOT: kr_tmpl_lex(p); return 1;
    case TOKEN_FIELD:
        p->apart = 0; /* the first field has nothing before it */
        break;
    case TOKEN_VARIABLE:
        *out = (operand_t){ .kind = OPERAND_VARIABLE, .name = p->text };
        if (!is_declared(p, p->text)) kr_tmpl_parse_fail(p, "the variable %s is not declared", p->text);
        kr_tmpl_lex(p);
        break;
    case TOKEN_VALUE:
        *out = (operand_t){ .kind = OPERAND_VALUE, .value = p->value };
        kr_tmpl_lex(p);
        return 1;
    case TOKEN_OPEN_PAREN: *out = take_parenthesis(p); break;
    default: return 0;
    }
    take_fields(p, out);
    return 1;
}

static void check_arguments(parser_t *p, const command_t *command, int piped)
{
    const function_t *f = command->function;
    const int count = command->operands->nelts + piped;
    const operand_t *first = (const operand_t *)command->operands->elts;

    if (count < f->min || (f->max >= 0 && count > f->max)) {
        kr_tmpl_parse_fail(p, "\"%s\" is given %d argument(s)", f->name, count);
    } else if (strcmp(f->name, "printf") == 0 && command->operands->nelts && first->kind == OPERAND_VALUE) {
        const char *format = json_string_value(first->value),
                   *why = format ? kr_tmpl_format_wrong(format, count - 1) : NULL;

        if (why) kr_tmpl_parse_fail(p, "printf: %s", why);
    }
}

static command_t take_command(parser_t *p, int piped)
{
    command_t out = { NULL, apr_array_make(p->pool, 2, sizeof(operand_t)) };
    operand_t operand;

    if (p->token == TOKEN_WORD) {
        out.function = kr_tmpl_function(p->text);
        if (!out.function) kr_tmpl_parse_fail(p, "there is no function \"%s\"", p->text);
        kr_tmpl_lex(p);
    }
    while (!p->why && take_operand(&operand, p)) {
        APR_ARRAY_PUSH(out.operands, operand_t) = operand;
        if (out.operands->nelts > OPERANDS_MAX) kr_tmpl_parse_fail(p, "more than %d arguments", OPERANDS_MAX);
    }
    if (p->token == TOKEN_WORD) kr_tmpl_parse_fail(p, "\"%s\" as an argument needs parentheses", p->text);
    if (p->why) return out;
    if (out.function)
        check_arguments(p, &out, piped);
    else if (piped)
        kr_tmpl_parse_fail(p, "only a function can stand behind |");
    else if (out.operands->nelts == 0)
        kr_tmpl_parse_fail(p, "a value is missing");
    else if (out.operands->nelts > 1)
        kr_tmpl_parse_fail(p, "a value takes no arguments; is a function's name missing?");
    return out;
}

/* "$x := ", "$x = ", "$i, $x := " */
static void take_names(parser_t *p, pipe_t *pipe)
{
    const parser_t before = *p;
    int count = 0;

    while (p->token == TOKEN_VARIABLE && count < 2) {
        pipe->names[count++] = p->text;
        kr_tmpl_lex(p);
        if (p->token != TOKEN_COMMA || count == 2) break;
        kr_tmpl_lex(p);
    }
    if (count && !p->why && (p->token == TOKEN_DECLARE || p->token == TOKEN_ASSIGN)) {
        pipe->declares = p->token == TOKEN_DECLARE;
        for (int i = 0; i < count && !pipe->declares; i++) {
            if (!is_declared(p, pipe->names[i]))
                kr_tmpl_parse_fail(p, "the variable %s is not declared", pipe->names[i]);
        }
        kr_tmpl_lex(p);
        return;
    }
    *p = before; /* it was a value */
    pipe->names[0] = pipe->names[1] = NULL;
}

pipe_t *kr_tmpl_parse_pipe(parser_t *p)
{
    pipe_t *pipe = apr_pcalloc(p->pool, sizeof(*pipe));

    pipe->line = p->line;
    pipe->file = p->file;
    pipe->commands = apr_array_make(p->pool, 2, sizeof(command_t));
    take_names(p, pipe);
    while (!p->why) {
        const command_t command = take_command(p, pipe->commands->nelts > 0);

        APR_ARRAY_PUSH(pipe->commands, command_t) = command;
        if (p->token != TOKEN_BAR) break;
        kr_tmpl_lex(p);
    }
    for (int i = 0; i < 2 && pipe->declares && pipe->names[i]; i++) {
        APR_ARRAY_PUSH(p->variables, const char *) = pipe->names[i];
    }
    return p->why ? NULL : pipe;
}
