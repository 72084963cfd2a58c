/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: a template as a tree, and the state of one rendering. Not for other rooms. */
#ifndef KR_TEMPLATE_TEMPLATE_H
#define KR_TEMPLATE_TEMPLATE_H

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "kr_json.h"
#include "kr_template.h"

#define NESTING_MAX 64                       /* blocks and parentheses within each other */
#define STEPS_MAX 100000                     /* nodes and functions of one rendering */
#define CALLS_MAX 32                         /* templates within templates */
#define MADE_MAX (4 * KR_TEMPLATE_MAX_BYTES) /* bytes that functions take in one rendering */

typedef struct node_t node_t;
typedef struct pipe_t pipe_t;
typedef struct run_t run_t;

/** A function. `args` are borrowed. @return borrowed from the pool, or NULL after run_fail */
typedef json_t *function_fn(run_t *run, int count, json_t *const *args);

typedef struct {
    const char *name;
    int min, max; /* arguments; max -1: any number */
    function_fn *call;
} function_t;

typedef enum { OPERAND_DOT, OPERAND_VARIABLE, OPERAND_VALUE, OPERAND_PIPE } operand_e;

/** What a command consists of: ".Identity.traits", "$x.name", "text", (len .A). */
typedef struct {
    operand_e kind;
    const char *name; /* of the variable, with its $ */
    json_t *value;
    const pipe_t *pipe;
    apr_array_header_t *fields; /* of const char*: what is asked of it; or NULL */
} operand_t;

/** A function with its arguments, or one operand. */
typedef struct {
    const function_t *function;   /* or NULL */
    apr_array_header_t *operands; /* of operand_t */
} command_t;

struct pipe_t {
    int line;
    const char *file;
    const char *names[2];         /* variables that take the value: names[1] for the members of a range */
    int declares;                 /* := rather than = */
    apr_array_header_t *commands; /* of command_t */
};

/** How a value is escaped where it stands. */
typedef enum { ESCAPE_NOTHING, ESCAPE_HTML, ESCAPE_URL, ESCAPE_URL_PART } escape_e;

typedef enum { NODE_TEXT, NODE_VALUE, NODE_IF, NODE_WITH, NODE_RANGE, NODE_TEMPLATE } node_e;

struct node_t {
    node_e kind;
    int line;
    const char *file;
    node_t *next;
    const char *text; /* NODE_TEXT: text; NODE_TEMPLATE: name */
    pipe_t *pipe;
    node_t *body, *otherwise;
    escape_e escape; /* NODE_VALUE */
};

struct kr_template_t {
    kr_template_kind_e kind;
    const char *main;
    apr_hash_t *defined; /* name -> node_t*, the first of a list; an empty list is an empty text node */
};

/* -- parse.c, lex.c ------------------------------------------------------------ */

typedef enum {
    TOKEN_CLOSE,
    TOKEN_DOT,
    TOKEN_FIELD,
    TOKEN_VARIABLE,
    TOKEN_WORD,
    TOKEN_VALUE,
    TOKEN_OPEN_PAREN,
    TOKEN_CLOSE_PAREN,
    TOKEN_BAR,
    TOKEN_DECLARE,
    TOKEN_ASSIGN,
    TOKEN_COMMA,
    TOKEN_BROKEN
} token_e;

/** A source while it is read. The first thing that is wrong stays in `why`, and ends everything. */
typedef struct {
    apr_pool_t *pool;
    kr_template_t *template;
    const char *file, *at, *end;
    int line, nesting;
    int trim_next;                 /* the last action ended in -}} */
    apr_array_header_t *variables; /* of const char*: what is declared here */
    const char *why;
    token_e token;    /* the current one */
    int apart;        /* a blank stood before it */
    const char *text; /* of a field, variable or word */
    json_t *value;
} parser_t;

/** Read the next token of an action. */
void kr_tmpl_lex(parser_t *p);
/** Note what is wrong, with file and line. The first one counts. */
void kr_tmpl_parse_fail(parser_t *p, const char *fmt, ...) KR_PRINTF(2, 3);
/** Read a pipeline up to what ends it; the token after it is current. NULL after a failure. */
pipe_t *kr_tmpl_parse_pipe(parser_t *p);
/** Read one source into the template's definitions. `name`: of what is outside all definitions. */
void kr_tmpl_parse_source(parser_t *p, const char *name);

/* -- place.c --------------------------------------------------------------------- */

#define NAME_BYTES 24

typedef enum {
    IN_TEXT,
    AFTER_LT,
    IN_CLOSING,
    IN_TAG_NAME,
    IN_TAG,
    IN_ATTR_NAME,
    AFTER_ATTR_NAME,
    BEFORE_VALUE,
    IN_DOUBLE,
    IN_SINGLE,
    IN_BARE,
    IN_COMMENT,
    IN_DECLARATION,
    IN_RAW
} place_e;

/** What an attribute holds. */
typedef enum { HOLDS_TEXT, HOLDS_URL, HOLDS_CODE } holds_e;

/** A place in a page. */
typedef struct {
    place_e place;
    char tag[NAME_BYTES + 1];  /* lower case; of a longer name its beginning, which is none that counts */
    char attr[NAME_BYTES + 1]; /* the same; inside a value, how that begins */
    holds_e holds;
    int begun;  /* the attribute's value has something in it already */
    int dashes; /* seen at the end of a comment */
} spot_t;

/** Go through text of a page. */
void kr_tmpl_follow(spot_t *s, const char *text);
/** Is the content of such an element no text that could be escaped? */
int kr_tmpl_holds_code(const char *tag);

/* -- html.c --------------------------------------------------------------------- */

/** Find out how each value is escaped. @return NULL, or what is wrong: "file:line: ..." */
const char *kr_tmpl_html_contexts(apr_pool_t *pool, kr_template_t *tmpl);
/** A value as it may stand there. */
const char *kr_tmpl_html_value(apr_pool_t *pool, escape_e escape, const char *text);

/* -- template.c -------------------------------------------------------------------- */

/** The data of a message under the names that its members have in Go as well. */
json_t *kr_tmpl_data(apr_pool_t *pool, const json_t *data);

/* -- functions*.c, values.c ------------------------------------------------------- */

/** The function of that name, or NULL. */
const function_t *kr_tmpl_function(const char *name);
/** What is wrong with a format for that many values, or NULL. */
const char *kr_tmpl_format_wrong(const char *format, int values);
/** As Go has it: false, 0, "", null and what has no members are not. */
int kr_tmpl_true(const json_t *value);
/** A value as text. */
const char *kr_tmpl_text(apr_pool_t *pool, const json_t *value);
/** Compare by value. @return -1, 0, 1; 2: different but in no order; both kinds of numbers are one */
int kr_tmpl_compare(const json_t *a, const json_t *b);

/** Values as one text. */
const char *kr_tmpl_printed(run_t *run, int count, json_t *const *args);

/* Of functions_text.c and functions_escape.c, for the table. */
function_fn kr_tmpl_call_print, kr_tmpl_call_printf, kr_tmpl_call_lower, kr_tmpl_call_upper, kr_tmpl_call_title,
    kr_tmpl_call_trim, kr_tmpl_call_quote, kr_tmpl_call_join, kr_tmpl_call_replace, kr_tmpl_call_contains,
    kr_tmpl_call_has_prefix, kr_tmpl_call_has_suffix, kr_tmpl_call_html, kr_tmpl_call_urlquery, kr_tmpl_call_js;

/* -- run.c ------------------------------------------------------------------------ */

/** The state of one rendering. */
struct run_t {
    apr_pool_t *pool;
    const kr_template_t *template;
    json_t *dot;
    apr_array_header_t *variables; /* of variable_t */
    char *out;
    apr_size_t len, room;
    apr_size_t made;
    int steps, calls;
    const char *file; /* of what is being done */
    int line;
    const char *why;
};

/** Note what is wrong; the first one counts. @return NULL */
json_t *kr_tmpl_fail(run_t *run, const char *what);
/** Count `bytes` that a function takes to make something. @return 0 after too many of them */
int kr_tmpl_spend(run_t *run, apr_size_t bytes);
/** A string made by a function; counts against the limit. @return NULL when that is hit */
json_t *kr_tmpl_string(run_t *run, const char *text);

#endif
