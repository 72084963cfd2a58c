/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a page does a value stand? Followed through the tree at start: both branches of an if must leave the page in
 * the same place, so that the answer never depends on data. What cannot be made safe (scripts, styles, comments, names
 * of tags and attributes, values without quotes) is refused there and then.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kr_text.h"
#include "template.h"

/** One look over a template. */
typedef struct {
    apr_pool_t *pool;
    kr_template_t *template;
    const char *why;
} look_t;

/* -- through the tree ----------------------------------------------------------------- */

static void refuse(look_t *look, const node_t *node, const char *what)
{
    if (!look->why) look->why = apr_psprintf(look->pool, "%s:%d: %s", node->file, node->line, what);
}

/* Nothing that is escaped for a URL stays harmless inside a program. */
static int runs_code(const spot_t *s)
{
    static const char *const SCHEMES[] = { "javascript:", "vbscript:", "data:" };

    for (int i = 0; i < KR_DIM(SCHEMES); i++) {
        if (strncmp(s->attr, SCHEMES[i], strlen(SCHEMES[i])) == 0) return 1;
    }
    return 0;
}

static int is_predefined(const command_t *command)
{
    return command->function
           && (command->function->call == kr_tmpl_call_html || command->function->call == kr_tmpl_call_urlquery);
}

/*
 * As html/template has it: an escaper of the author's comes last, and takes its turn in what the place asks for instead of
 * escaping a second time. What came after it would undo it, or escape what is escaped.
 */
static void merge_escaper(look_t *look, node_t *node)
{
    const apr_array_header_t *commands = node->pipe->commands;
    command_t *last = &APR_ARRAY_IDX(commands, commands->nelts - 1, command_t);

    for (int i = 0; i < commands->nelts - 1; i++) {
        const command_t *command = &APR_ARRAY_IDX(commands, i, command_t);

        if (is_predefined(command))
            refuse(look, node, apr_psprintf(look->pool, "\"%s\" can only be the last command", command->function->name));
    }
    if (!is_predefined(last)) return;
    if (last->function->call == kr_tmpl_call_html)
        last->function = kr_tmpl_function("print"); /* every place escapes for HTML */
    else if (node->escape != ESCAPE_NOTHING)
        node->escape = ESCAPE_HTML; /* nothing that urlquery leaves means anything to a URL */
}

static void place_value(look_t *look, spot_t *s, node_t *node)
{
    node->escape = ESCAPE_HTML;
    switch (s->place) {
    case IN_TEXT: break;
    case IN_RAW:
        if (kr_tmpl_holds_code(s->tag)) refuse(look, node, "a value cannot stand inside a script or style");
        break;
    case IN_DOUBLE:
    case IN_SINGLE:
        if (s->holds == HOLDS_CODE)
            refuse(look, node, "a value cannot stand in an attribute that holds code or styles");
        if (s->holds == HOLDS_URL && runs_code(s))
            refuse(look, node, "a value cannot stand in a URL that holds code or data");
        if (s->holds == HOLDS_URL) node->escape = s->begun ? ESCAPE_URL_PART : ESCAPE_URL;
        s->begun = 1;
        break;
    case IN_COMMENT: refuse(look, node, "a value cannot stand inside an HTML comment"); break;
    case BEFORE_VALUE:
    case IN_BARE: refuse(look, node, "a value in an attribute needs quotes around it"); break;
    default: refuse(look, node, "a value cannot stand inside a tag, outside the quotes of an attribute");
    }
    merge_escaper(look, node);
}

/* Is it within a tag, or in what a tag has opened, so that the tag's name counts? */
static int has_tag(place_e place)
{
    return place == IN_RAW || place == IN_TAG_NAME || place == IN_TAG
           || (place >= IN_ATTR_NAME && place != IN_COMMENT && place != IN_DECLARATION);
}

static int is_same(const spot_t *a, const spot_t *b)
{
    if (a->place != b->place) return 0;
    if (has_tag(a->place) && strcmp(a->tag, b->tag) != 0) return 0;
    switch (a->place) {
    case IN_COMMENT: return a->dashes == b->dashes;
    case IN_ATTR_NAME:
    case AFTER_ATTR_NAME:
    case BEFORE_VALUE: return strcmp(a->attr, b->attr) == 0;
    case IN_DOUBLE:
    case IN_SINGLE:
    case IN_BARE: return a->holds == b->holds;
    default: return 1;
    }
}

static void walk(look_t *look, spot_t *s, node_t *node);

/* After either branch the page must be in the same place; after a range in the place where the next turn begins. */
static void walk_branches(look_t *look, spot_t *s, node_t *node)
{
    const spot_t before = *s;
    spot_t other = before;

    walk(look, s, node->body);
    walk(look, &other, node->otherwise);
    if (!is_same(s, &other) || (node->kind == NODE_RANGE && !is_same(s, &before))) {
        refuse(look, node, "its branches end in different places of the page");
    }
    s->begun = s->begun && other.begun; /* the stricter rule for what comes next */
    if (s->holds == HOLDS_URL && runs_code(&other)) memcpy(s->attr, other.attr, sizeof(s->attr));
}

static void walk(look_t *look, spot_t *s, node_t *node)
{
    for (; node && !look->why; node = node->next) {
        switch (node->kind) {
        case NODE_TEXT: kr_tmpl_follow(s, node->text); break;
        case NODE_VALUE:
            if (!node->pipe->names[0]) place_value(look, s, node);
            break;
        case NODE_TEMPLATE:
            if (s->place != IN_TEXT) refuse(look, node, "a template can only be called between tags");
            break;
        default: walk_branches(look, s, node);
        }
    }
}

const char *kr_tmpl_html_contexts(apr_pool_t *pool, kr_template_t *tmpl)
{
    look_t look = { .pool = pool, .template = tmpl };

    for (apr_hash_index_t *i = apr_hash_first(pool, tmpl->defined); i && !look.why; i = apr_hash_next(i)) {
        node_t *list = apr_hash_this_val(i);
        spot_t s = { .place = IN_TEXT };

        walk(&look, &s, list);
        if (s.place != IN_TEXT) refuse(&look, list, "a tag, attribute, comment or script is not closed at the end");
    }
    return look.why;
}

/* -- values ------------------------------------------------------------------------------ */

/* Nothing but these may be followed; "#" leads nowhere. */
static const char *safe_url(const char *url)
{
    static const char *const SCHEMES[] = { "https://", "http://", "mailto:" };

    for (int i = 0; i < KR_DIM(SCHEMES); i++) {
        if (strncasecmp(url, SCHEMES[i], strlen(SCHEMES[i])) == 0) return url;
    }
    return "#";
}

static int is_hex(char c)
{
    return isxdigit((unsigned char)c) != 0;
}

/* What has no place in a URL is written so that it has; what is escaped already stays. */
static const char *tidy_url(apr_pool_t *pool, const char *url)
{
    char *out = apr_palloc(pool, 3 * strlen(url) + 1), *to = out;

    for (; *url; url++) {
        const int plain = isalnum((unsigned char)*url) || strchr("-._~!#$&*+,/:;=?@[]", *url)
                          || (*url == '%' && is_hex(url[1]) && is_hex(url[2]));

        to += sprintf(to, plain ? "%c" : "%%%02X", (unsigned char)*url);
    }
    *to = '\0';
    return out;
}

const char *kr_tmpl_html_value(apr_pool_t *pool, escape_e escape, const char *text)
{
    switch (escape) {
    case ESCAPE_HTML: return kr_html_escape(pool, text);
    case ESCAPE_URL: return kr_html_escape(pool, *text ? tidy_url(pool, safe_url(text)) : text);
    case ESCAPE_URL_PART: return kr_url_escape(pool, text);
    default: return text;
    }
}
