/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escapers that an author may write: html, urlquery and js, each of all its arguments printed. In a page html and
 * urlquery are the last command of a pipeline, and one with the escaping of the place (html.c).
 */
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "kr_text.h"
#include "template.h"

json_t *kr_tmpl_call_html(run_t *run, int count, json_t *const *args)
{
    return kr_tmpl_string(run, kr_html_escape(run->pool, kr_tmpl_printed(run, count, args)));
}

/* As forms have it: a blank is a plus. */
json_t *kr_tmpl_call_urlquery(run_t *run, int count, json_t *const *args)
{
    const char *escaped = kr_url_escape(run->pool, kr_tmpl_printed(run, count, args)), *from = escaped;
    char *out = apr_palloc(run->pool, strlen(escaped) + 1), *to = out;

    while (*from) {
        const int blank = strncmp(from, "%20", 3) == 0;

        *to++ = blank ? '+' : *from;
        from += blank ? 3 : 1;
    }
    *to = '\0';
    return kr_tmpl_string(run, out);
}

/* -- js --------------------------------------------------------------------------------- */

/* What shows on paper; a blank other than ASCII's does not. */
static int is_printed(ucs4_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N
                                                   | UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S);
}

/* How a character stands in a string of a program. NULL: as itself */
static const char *in_program(apr_pool_t *pool, ucs4_t c)
{
    switch (c) {
    case '\\': return "\\\\";
    case '\'': return "\\'";
    case '"': return "\\\"";
    case '<':
    case '>':
    case '&':
    case '=': break; /* an entity, or the end of the program, to the page around it */
    default:
        if (c >= ' ' && (c < 0x80 || is_printed(c))) return NULL;
    }
    return apr_psprintf(pool, "\\u%04X", (unsigned)c);
}

json_t *kr_tmpl_call_js(run_t *run, int count, json_t *const *args)
{
    const char *text = kr_tmpl_printed(run, count, args);
    char *out = apr_palloc(run->pool, 6 * strlen(text) + 1), *to = out;
    const uint8_t *at = (const uint8_t *)text, *next;
    ucs4_t c;

    for (; (next = u8_next(&c, at)); at = next) {
        const char *other = in_program(run->pool, c);
        const apr_size_t len = other ? strlen(other) : (apr_size_t)(next - at);

        memcpy(to, other ? (const void *)other : at, len);
        to += len;
    }
    *to = '\0';
    return kr_tmpl_string(run, out);
}
