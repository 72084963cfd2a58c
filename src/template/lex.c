/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of an action: what stands between {{ and }}. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"

#define NUMBER_MAX 32

void kr_tmpl_parse_fail(parser_t *p, const char *fmt, ...)
{
    va_list ap;

    p->token = TOKEN_BROKEN;
    if (p->why) return;
    va_start(ap, fmt);
    p->why = apr_psprintf(p->pool, "%s:%d: %s", p->file, p->line, apr_pvsprintf(p->pool, fmt, ap));
    va_end(ap);
}

static int looks_at(const parser_t *p, const char *what)
{
    apr_size_t len = strlen(what);

    return (apr_size_t)(p->end - p->at) >= len && memcmp(p->at, what, len) == 0;
}

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* @return the word at p->at, which moves on; "" when there is none */
static const char *take_word(parser_t *p)
{
    const char *begin = p->at;

    while (p->at < p->end && is_word(*p->at)) p->at++;
    return apr_pstrmemdup(p->pool, begin, (apr_size_t)(p->at - begin));
}

static void skip_blanks(parser_t *p)
{
    p->apart = 0;
    for (; p->at < p->end && isspace((unsigned char)*p->at); p->at++) {
        if (*p->at == '\n') p->line++;
        p->apart = 1;
    }
}

/* -- values --------------------------------------------------------------------- */

static void take_string(parser_t *p, const char *text, apr_size_t len)
{
    p->token = TOKEN_VALUE;
    p->value = kr_utf8_valid(text, len) ? kr_json_own(p->pool, json_stringn(text, len)) : NULL;
    if (!p->value) kr_tmpl_parse_fail(p, "a string is not valid UTF-8");
}

/* `like this`, over several lines too */
static void lex_raw(parser_t *p)
{
    const char *begin = ++p->at, *close = memchr(begin, '`', (size_t)(p->end - begin));

    if (!close) {
        kr_tmpl_parse_fail(p, "a string is not closed");
        return;
    }
    for (; p->at < close; p->at++) p->line += *p->at == '\n';
    p->at++;
    take_string(p, begin, (apr_size_t)(close - begin));
}

static int unescaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '"':
    case '\'':
    case '\\': return c;
    default: return -1;
    }
}

static void lex_string(parser_t *p)
{
    const char *line_end = memchr(p->at, '\n', (size_t)(p->end - p->at)); /* it goes no further */
    char *text = apr_palloc(p->pool, (apr_size_t)((line_end ? line_end : p->end) - p->at)), *to = text;

    for (p->at++; p->at < p->end && *p->at != '"' && *p->at != '\n'; p->at++) {
        int c = (unsigned char)*p->at;

        if (c == '\\') {
            if (++p->at == p->end) break;
            c = unescaped(*p->at);
            if (c < 0) {
                kr_tmpl_parse_fail(p, "a string holds an escape that is not known; \\n \\t \\r \\\" \\\\ are");
                return;
            }
        }
        *to++ = (char)c;
    }
    if (p->at >= p->end || *p->at != '"') {
        kr_tmpl_parse_fail(p, "a string is not closed");
        return;
    }
    p->at++;
    take_string(p, text, (apr_size_t)(to - text));
}

static void lex_number(parser_t *p)
{
    char text[NUMBER_MAX + 1];
    apr_size_t len = 0;
    int real = 0;
    char *end;

    while (p->at < p->end && len < NUMBER_MAX && (is_word(*p->at) || *p->at == '.' || (!len && strchr("+-", *p->at)))) {
        real |= *p->at == '.';
        text[len++] = *p->at++;
    }
    text[len] = '\0';
    p->token = TOKEN_VALUE;
    p->value = kr_json_own(p->pool, real ? json_real(strtod(text, &end)) : json_integer(strtoll(text, &end, 10)));
    if (!p->value || *end || len == NUMBER_MAX) kr_tmpl_parse_fail(p, "\"%s\" is no number", text);
}

/* -- the rest --------------------------------------------------------------------- */

static void lex_word(parser_t *p)
{
    p->token = TOKEN_WORD;
    p->text = take_word(p);
    if (strcmp(p->text, "true") == 0 || strcmp(p->text, "false") == 0) {
        p->token = TOKEN_VALUE;
        p->value = kr_json_own(p->pool, json_boolean(*p->text == 't'));
    } else if (strcmp(p->text, "nil") == 0) {
        p->token = TOKEN_VALUE;
        p->value = kr_json_own(p->pool, json_null());
    }
}

static void lex_sign(parser_t *p)
{
    static const struct {
        char sign;
        token_e token;
    } SIGNS[] = {
        { '(', TOKEN_OPEN_PAREN }, { ')', TOKEN_CLOSE_PAREN }, { '|', TOKEN_BAR },
        { '=', TOKEN_ASSIGN },     { ',', TOKEN_COMMA },
    };

    for (int i = 0; i < (int)(sizeof(SIGNS) / sizeof(*SIGNS)); i++) {
        if (*p->at != SIGNS[i].sign) continue;
        p->token = SIGNS[i].token;
        p->at++;
        return;
    }
    if (isprint((unsigned char)*p->at))
        kr_tmpl_parse_fail(p, "'%c' has no place in an action", *p->at);
    else
        kr_tmpl_parse_fail(p, "an action holds a byte that has no place there");
}

/* "}}", or "-}}" after a blank */
static int lex_close(parser_t *p)
{
    const int trims = p->apart && looks_at(p, "-}}");

    if (!trims && !looks_at(p, "}}")) return 0;
    p->trim_next = trims;
    p->at += trims ? 3 : 2;
    p->token = TOKEN_CLOSE;
    return 1;
}

void kr_tmpl_lex(parser_t *p)
{
    if (p->why) return;
    skip_blanks(p);
    if (p->at == p->end)
        kr_tmpl_parse_fail(p, "an action is not closed");
    else if (lex_close(p))
        return;
    else if (*p->at == '"')
        lex_string(p);
    else if (*p->at == '`')
        lex_raw(p);
    else if (isdigit((unsigned char)*p->at) ||
             ((*p->at == '-' || *p->at == '+') && p->at + 1 < p->end && isdigit((unsigned char)p->at[1])))
        lex_number(p);
    else if (*p->at == '.') {
        p->at++;
        p->text = take_word(p);
        p->token = *p->text ? TOKEN_FIELD : TOKEN_DOT;
    } else if (*p->at == '$') {
        p->at++;
        p->text = apr_pstrcat(p->pool, "$", take_word(p), NULL);
        p->token = TOKEN_VARIABLE;
    } else if (looks_at(p, ":=")) {
        p->at += 2;
        p->token = TOKEN_DECLARE;
    } else if (is_word(*p->at))
        lex_word(p);
    else
        lex_sign(p);
}
