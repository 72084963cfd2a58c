/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a page does a value stand? Followed through the tree at start: both branches of an if must leave the page in the
 * same place, so that the answer never depends on data. What cannot be made safe (scripts, styles, comments, names of tags
 * and attributes, values without quotes) is refused there and then.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "kr_text.h"
#include "room.h"

typedef enum { IN_TEXT, AFTER_LT, IN_CLOSING, IN_TAG_NAME, IN_TAG, IN_ATTR_NAME, AFTER_ATTR_NAME, BEFORE_VALUE, IN_DOUBLE,
               IN_SINGLE, IN_BARE, IN_COMMENT, IN_DECLARATION, IN_RAW } place_e;

/** What an attribute holds. */
typedef enum { HOLDS_TEXT, HOLDS_URL, HOLDS_CODE } holds_e;

#define NAME_BYTES 24

/** A place in a page. */
typedef struct {
    place_e place;
    char tag[NAME_BYTES + 1], attr[NAME_BYTES + 1]; /* lower case; too long a name is none that counts */
    holds_e holds;
    int begun;                                  /* the attribute's value has something in it already */
    int dashes;                                 /* seen at the end of a comment */
} spot_t;

/** One look over a template. */
typedef struct {
    apr_pool_t *pool;
    kr_template_t *template;
    const char *why;
} look_t;

/* -- through text ------------------------------------------------------------------- */

static int is_one_of(const char *const *names, const char *name)
{
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) return 1;
    }
    return 0;
}

static int holds_code(const char *tag)
{
    static const char *const NAMES[] = { "script", "style", "iframe", "noscript", "xmp", "noembed", "noframes", NULL };

    return is_one_of(NAMES, tag);
}

static holds_e what_holds(const char *attr)
{
    static const char *const URLS[] = { "href", "src", "action", "formaction", "poster", "background", "cite", "data",
                                        "xlink:href", "longdesc", "manifest", "codebase", "icon", "ping", NULL };

    if (strncmp(attr, "on", 2) == 0 || !*attr) return HOLDS_CODE;
    if (strcmp(attr, "style") == 0 || strcmp(attr, "srcdoc") == 0 || strcmp(attr, "srcset") == 0) return HOLDS_CODE;
    return is_one_of(URLS, attr) ? HOLDS_URL : HOLDS_TEXT;
}

static void add_to_name(char *name, char c)
{
    apr_size_t len = strlen(name);

    if (len < NAME_BYTES) name[len] = (char)tolower((unsigned char)c);
    else name[0] = '\0';
}

static void enter_tag_end(spot_t *s)
{
    s->place = holds_code(s->tag) || !strcmp(s->tag, "title") || !strcmp(s->tag, "textarea") ? IN_RAW : IN_TEXT;
}

static void begin_attr(spot_t *s, char c)
{
    s->attr[0] = '\0';
    add_to_name(s->attr, c);
    s->place = IN_ATTR_NAME;
}

static void begin_value(spot_t *s, place_e place)
{
    s->place = place;
    s->holds = what_holds(s->attr);
    s->begun = 0;
}

static void step_tag(spot_t *s, char c)
{
    const int blank = isspace((unsigned char)c);

    switch (s->place) {
    case IN_TAG_NAME:
        if (c == '>') enter_tag_end(s);
        else if (blank || c == '/') s->place = IN_TAG;
        else add_to_name(s->tag, c);
        break;
    case IN_TAG:
        if (c == '>') enter_tag_end(s);
        else if (!blank && c != '/') begin_attr(s, c);
        break;
    case IN_ATTR_NAME:
        if (c == '=') s->place = BEFORE_VALUE;
        else if (c == '>') enter_tag_end(s);
        else if (blank || c == '/') s->place = blank ? AFTER_ATTR_NAME : IN_TAG;
        else add_to_name(s->attr, c);
        break;
    case AFTER_ATTR_NAME:
        if (c == '=') s->place = BEFORE_VALUE;
        else if (c == '>') enter_tag_end(s);
        else if (c == '/') s->place = IN_TAG;
        else if (!blank) begin_attr(s, c);
        break;
    case BEFORE_VALUE:
        if (c == '>') enter_tag_end(s);
        else if (c == '"') begin_value(s, IN_DOUBLE);
        else if (c == '\'') begin_value(s, IN_SINGLE);
        else if (!blank) begin_value(s, IN_BARE);
        break;
    default: /* IN_BARE */
        if (c == '>') enter_tag_end(s);
        else if (blank) s->place = IN_TAG;
    }
}

/* Inside a title, a script ...: only its own end tag ends it. @return how many bytes were taken */
static apr_size_t step_raw(spot_t *s, const char *at)
{
    const apr_size_t len = strlen(s->tag);

    if (at[0] != '<' || at[1] != '/' || strncasecmp(at + 2, s->tag, len) != 0) return 1;
    if (at[2 + len] && !isspace((unsigned char)at[2 + len]) && !strchr("/>", at[2 + len])) return 1;
    s->place = IN_CLOSING;
    return 2 + len;
}

static void step(spot_t *s, char c)
{
    switch (s->place) {
    case IN_TEXT:
        if (c == '<') s->place = AFTER_LT;
        break;
    case AFTER_LT:
        s->tag[0] = '\0';
        if (c == '/') s->place = IN_CLOSING;
        else if (c == '!' || c == '?') s->place = IN_DECLARATION;
        else if (isalpha((unsigned char)c)) {
            s->place = IN_TAG_NAME;
            add_to_name(s->tag, c);
        } else if (c != '<') s->place = IN_TEXT;
        break;
    case IN_CLOSING:
    case IN_DECLARATION:
        if (c == '>') s->place = IN_TEXT;
        break;
    case IN_DOUBLE:
    case IN_SINGLE:
        if (c == (s->place == IN_DOUBLE ? '"' : '\'')) s->place = IN_TAG;
        else s->begun = 1;
        break;
    case IN_COMMENT:
        if (c == '>' && s->dashes >= 2) s->place = IN_TEXT;
        s->dashes = c == '-' ? s->dashes + 1 : 0;
        break;
    default: step_tag(s, c);
    }
}

static void follow(spot_t *s, const char *text)
{
    while (*text) {
        if (s->place == AFTER_LT && strncmp(text, "!--", 3) == 0) {
            s->place = IN_COMMENT;
            s->dashes = 0;
            text += 3;
        } else if (s->place == IN_RAW) text += step_raw(s, text);
        else step(s, *text++);
    }
}

/* -- through the tree ----------------------------------------------------------------- */

static void refuse(look_t *look, const node_t *node, const char *what)
{
    if (!look->why) look->why = apr_psprintf(look->pool, "%s:%d: %s", node->file, node->line, what);
}

static void place_value(look_t *look, spot_t *s, node_t *node)
{
    node->escape = ESCAPE_HTML;
    switch (s->place) {
    case IN_TEXT: break;
    case IN_RAW:
        if (holds_code(s->tag)) refuse(look, node, "a value cannot stand inside a script or style");
        break;
    case IN_DOUBLE:
    case IN_SINGLE:
        if (s->holds == HOLDS_CODE) refuse(look, node, "a value cannot stand in an attribute that holds code or styles");
        if (s->holds == HOLDS_URL) node->escape = s->begun ? ESCAPE_URL_PART : ESCAPE_URL;
        s->begun = 1;
        break;
    case IN_COMMENT: refuse(look, node, "a value cannot stand inside an HTML comment"); break;
    case BEFORE_VALUE:
    case IN_BARE: refuse(look, node, "a value in an attribute needs quotes around it"); break;
    default: refuse(look, node, "a value cannot stand inside a tag, outside the quotes of an attribute");
    }
}

static int is_same(const spot_t *a, const spot_t *b)
{
    if (a->place != b->place || (a->place == IN_COMMENT && a->dashes != b->dashes)) return 0;
    if (a->place == IN_RAW || a->place == IN_TAG_NAME || a->place == IN_TAG || a->place >= IN_ATTR_NAME) {
        if (strcmp(a->tag, b->tag) != 0 && a->place != IN_COMMENT && a->place != IN_DECLARATION) return 0;
    }
    if (a->place == IN_ATTR_NAME || a->place == AFTER_ATTR_NAME || a->place == BEFORE_VALUE) {
        return strcmp(a->attr, b->attr) == 0;
    }
    if (a->place == IN_DOUBLE || a->place == IN_SINGLE || a->place == IN_BARE) return a->holds == b->holds;
    return 1;
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
}

static void walk(look_t *look, spot_t *s, node_t *node)
{
    for (; node && !look->why; node = node->next) {
        switch (node->kind) {
        case NODE_TEXT: follow(s, node->text); break;
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

const char *kr_tmpl_html_value(apr_pool_t *pool, escape_e escape, const char *text)
{
    switch (escape) {
    case ESCAPE_HTML: return kr_html_escape(pool, text);
    case ESCAPE_URL: return kr_html_escape(pool, *text ? safe_url(text) : text);
    case ESCAPE_URL_PART: return kr_url_escape(pool, text);
    default: return text;
    }
}
