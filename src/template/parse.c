/* SPDX-License-Identifier: Apache-2.0 */
/* A source as a tree: text, values, and the blocks around them. */
#include <ctype.h>
#include <string.h>

#include "kr_text.h"
#include "template.h"

/** What ended a list of nodes. */
typedef enum { ENDED_BY_SOURCE, ENDED_BY_END, ENDED_BY_ELSE } ended_e;

static node_t *parse_list(parser_t *p, ended_e *ended);

static node_t *make_node(parser_t *p, node_e kind)
{
    node_t *node = apr_pcalloc(p->pool, sizeof(*node));

    node->kind = kind;
    node->line = p->line;
    node->file = p->file;
    return node;
}

static void close_action(parser_t *p)
{
    if (!p->why && p->token != TOKEN_CLOSE) kr_tmpl_parse_fail(p, "something stands where the action should end");
}

/* -- text ------------------------------------------------------------------------ */

static const char *find_action(const parser_t *p)
{
    for (const char *at = p->at; at + 1 < p->end; at++) {
        if (at[0] == '{' && at[1] == '{') return at;
    }
    return NULL;
}

/* An action that holds nothing but a comment in C's style. @return 0: it is none */
static int skip_comment(parser_t *p)
{
    const char *at = p->at;
    parser_t ahead = *p;

    while (at < p->end && isspace((unsigned char)*at)) at++;
    if (p->end - at < 2 || at[0] != '/' || at[1] != '*') return 0;
    for (at += 2; at + 1 < p->end && !(at[0] == '*' && at[1] == '/'); at++) ahead.line += *at == '\n';
    if (at + 1 >= p->end) {
        kr_tmpl_parse_fail(p, "a comment is not closed");
        return 1;
    }
    ahead.at = at + 2;
    kr_tmpl_lex(&ahead);
    if (!ahead.why && ahead.token != TOKEN_CLOSE) kr_tmpl_parse_fail(&ahead, "a comment must be all of its action");
    *p = ahead;
    return 1;
}

/* Text up to the next action, and into it. @return NULL: no text is left between them */
static node_t *take_text(parser_t *p, int *more)
{
    const char *open = find_action(p), *end = open ? open : p->end, *begin = p->at;
    int trims = open && open + 3 < p->end && open[2] == '-' && isspace((unsigned char)open[3]);
    node_t *node;

    if (p->trim_next) {
        while (begin < end && isspace((unsigned char)*begin)) begin++;
    }
    p->trim_next = 0;
    node = make_node(p, NODE_TEXT);
    for (; p->at < end; p->at++) p->line += *p->at == '\n';
    if (open) p->at = open + 2 + trims;
    while (trims && end > begin && isspace((unsigned char)end[-1])) end--;
    node->text = apr_pstrmemdup(p->pool, begin, (apr_size_t)(end - begin));
    *more = open != NULL;
    return *node->text ? node : NULL;
}

/* -- blocks ------------------------------------------------------------------------ */

static node_t *parse_branch(parser_t *p, node_e kind);

/* Behind {{ else: another condition, which takes the end of both, or a list of its own. @return how that ended */
static ended_e parse_otherwise(parser_t *p, node_t *node)
{
    ended_e ended = ENDED_BY_END;

    if (p->token == TOKEN_WORD && (strcmp(p->text, "if") == 0 || strcmp(p->text, "with") == 0)) {
        node->otherwise = parse_branch(p, *p->text == 'i' ? NODE_IF : NODE_WITH);
        return ended;
    }
    close_action(p);
    if (!p->why) node->otherwise = parse_list(p, &ended);
    if (!p->why && ended == ENDED_BY_ELSE) kr_tmpl_parse_fail(p, "a second else");
    return ended;
}

/* {{ if }}, {{ with }}, {{ range }}: what they begin is theirs up to {{ end }}. The word is current. */
static node_t *parse_branch(parser_t *p, node_e kind)
{
    const int variables = p->variables->nelts;
    node_t *node = make_node(p, kind);
    ended_e ended = ENDED_BY_SOURCE;

    if (++p->nesting > NESTING_MAX) kr_tmpl_parse_fail(p, "nests deeper than %d levels", NESTING_MAX);
    kr_tmpl_lex(p);
    if (!p->why) node->pipe = kr_tmpl_parse_pipe(p);
    close_action(p);
    if (!p->why && node->pipe->names[1] && kind != NODE_RANGE) kr_tmpl_parse_fail(p, "only a range has two variables");
    if (!p->why) node->body = parse_list(p, &ended);
    if (!p->why && ended == ENDED_BY_ELSE) ended = parse_otherwise(p, node);
    if (!p->why && ended == ENDED_BY_SOURCE) {
        p->line = node->line;
        kr_tmpl_parse_fail(p, "a block is not closed: {{ end }} is missing");
    }
    p->nesting--;
    p->variables->nelts = variables;
    return node;
}

static const char *take_name(parser_t *p)
{
    const char *name;

    kr_tmpl_lex(p);
    name = p->token == TOKEN_VALUE ? json_string_value(p->value) : NULL;
    if (!name && !p->why) kr_tmpl_parse_fail(p, "a template's name in quotes is missing");
    kr_tmpl_lex(p);
    return name ? name : "";
}

static void define(parser_t *p, const char *name, node_t *list)
{
    if (!list) {
        list = make_node(p, NODE_TEXT);
        list->text = "";
    }
    apr_hash_set(p->template->defined, apr_pstrdup(p->pool, name), APR_HASH_KEY_STRING, list);
}

/* What is defined sees no variables from around it. */
static void parse_definition(parser_t *p, const char *name)
{
    apr_array_header_t *variables = p->variables;
    const int line = p->line;
    ended_e ended = ENDED_BY_SOURCE;
    node_t *list = NULL;

    close_action(p);
    if (p->nesting) kr_tmpl_parse_fail(p, "a definition inside a block");
    p->nesting++;
    p->variables = apr_array_make(p->pool, 4, sizeof(const char *));
    if (!p->why) list = parse_list(p, &ended);
    if (!p->why && ended != ENDED_BY_END) {
        p->line = line;
        kr_tmpl_parse_fail(p, "a definition is not closed: {{ end }} is missing");
    }
    p->variables = variables;
    p->nesting--;
    if (!p->why) define(p, name, list);
}

static node_t *parse_call(parser_t *p)
{
    node_t *node = make_node(p, NODE_TEMPLATE);

    node->text = take_name(p);
    if (!p->why && p->token != TOKEN_CLOSE) node->pipe = kr_tmpl_parse_pipe(p);
    close_action(p);
    return node;
}

/* -- actions ------------------------------------------------------------------------ */

static node_t *parse_value(parser_t *p)
{
    node_t *node = make_node(p, NODE_VALUE);

    node->pipe = kr_tmpl_parse_pipe(p);
    close_action(p);
    if (!p->why && node->pipe->names[1]) kr_tmpl_parse_fail(p, "only a range has two variables");
    return node;
}

/* The node that an action is, or NULL: it is none, or it ended the list. */
static node_t *parse_action(parser_t *p, ended_e *ended, int *goes_on)
{
    static const struct {
        const char *word;
        node_e kind;
    } BRANCHES[] = {
        { "if", NODE_IF },
        { "with", NODE_WITH },
        { "range", NODE_RANGE },
    };

    kr_tmpl_lex(p);
    if (p->why) return NULL;
    if (p->token != TOKEN_WORD) return parse_value(p);
    for (int i = 0; i < KR_DIM(BRANCHES); i++) {
        if (strcmp(p->text, BRANCHES[i].word) == 0) return parse_branch(p, BRANCHES[i].kind);
    }
    if (strcmp(p->text, "template") == 0) return parse_call(p);
    if (strcmp(p->text, "define") == 0) {
        parse_definition(p, take_name(p));
        return NULL;
    }
    if (strcmp(p->text, "end") == 0 || strcmp(p->text, "else") == 0) {
        *goes_on = 0;
        *ended = p->text[1] == 'n' ? ENDED_BY_END : ENDED_BY_ELSE;
        kr_tmpl_lex(p);
        if (*ended == ENDED_BY_END) close_action(p);
        return NULL;
    }
    return parse_value(p);
}

static node_t *parse_list(parser_t *p, ended_e *ended)
{
    node_t *first = NULL, **last = &first;
    int goes_on = 1;

    *ended = ENDED_BY_SOURCE;
    while (goes_on && !p->why) {
        int more;
        node_t *node = take_text(p, &more);

        if (node) {
            *last = node;
            last = &node->next;
        }
        if (!more) break;
        if (skip_comment(p)) continue;
        node = parse_action(p, ended, &goes_on);
        if (!node) continue;
        *last = node;
        last = &node->next;
    }
    return first;
}

void kr_tmpl_parse_source(parser_t *p, const char *name)
{
    ended_e ended;
    node_t *list = parse_list(p, &ended);

    if (!p->why && ended != ENDED_BY_SOURCE) {
        kr_tmpl_parse_fail(p, "{{ %s }} without a block", ended == ENDED_BY_END ? "end" : "else");
    }
    if (!p->why) define(p, name, list);
}
