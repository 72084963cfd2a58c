/* SPDX-License-Identifier: Apache-2.0 */
/* Through the text of a page: in which tag, attribute or script are we? As HTML's tokenizer has it, where that matters.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "room.h"

static int is_one_of(const char *const *names, const char *name)
{
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) return 1;
    }
    return 0;
}

int kr_tmpl_holds_code(const char *tag)
{
    static const char *const NAMES[] = { "script", "style", "iframe", "noscript", "xmp", "noembed", "noframes", NULL };

    return is_one_of(NAMES, tag);
}

static holds_e what_holds(const char *attr)
{
    static const char *const URLS[] = { "href",       "src",      "action", "formaction", "poster",
                                        "background", "cite",     "data",   "xlink:href", "longdesc",
                                        "manifest",   "codebase", "icon",   "ping",       NULL };
    /* a refresh by <meta> is a URL behind a number */
    static const char *const CODE[] = { "style", "srcdoc", "srcset", "content", NULL };

    if (strncmp(attr, "on", 2) == 0 || !*attr) return HOLDS_CODE;
    if (is_one_of(CODE, attr)) return HOLDS_CODE;
    return is_one_of(URLS, attr) ? HOLDS_URL : HOLDS_TEXT;
}

static void add_to_name(char *name, char c)
{
    apr_size_t len = strlen(name);

    if (len == NAME_BYTES) return;
    name[len] = (char)tolower((unsigned char)c);
    name[len + 1] = '\0';
}

static void enter_tag_end(spot_t *s)
{
    s->place = kr_tmpl_holds_code(s->tag) || !strcmp(s->tag, "title") || !strcmp(s->tag, "textarea") ? IN_RAW : IN_TEXT;
}

static void begin_attr(spot_t *s, char c)
{
    s->attr[0] = '\0';
    add_to_name(s->attr, c);
    s->place = IN_ATTR_NAME;
}

/* From here on `attr` takes the beginning of the value: of a URL it matters. */
static void begin_value(spot_t *s, place_e place)
{
    s->place = place;
    s->holds = what_holds(s->attr);
    s->attr[0] = '\0';
    s->begun = 0;
}

static void step_tag(spot_t *s, char c)
{
    const int blank = isspace((unsigned char)c);

    switch (s->place) {
    case IN_TAG_NAME:
        if (c == '>')
            enter_tag_end(s);
        else if (blank || c == '/')
            s->place = IN_TAG;
        else
            add_to_name(s->tag, c);
        break;
    case IN_TAG:
        if (c == '>')
            enter_tag_end(s);
        else if (!blank && c != '/')
            begin_attr(s, c);
        break;
    case IN_ATTR_NAME:
        if (c == '=')
            s->place = BEFORE_VALUE;
        else if (c == '>')
            enter_tag_end(s);
        else if (blank || c == '/')
            s->place = blank ? AFTER_ATTR_NAME : IN_TAG;
        else
            add_to_name(s->attr, c);
        break;
    case AFTER_ATTR_NAME:
        if (c == '=')
            s->place = BEFORE_VALUE;
        else if (c == '>')
            enter_tag_end(s);
        else if (c == '/')
            s->place = IN_TAG;
        else if (!blank)
            begin_attr(s, c);
        break;
    case BEFORE_VALUE:
        if (c == '>')
            enter_tag_end(s);
        else if (c == '"')
            begin_value(s, IN_DOUBLE);
        else if (c == '\'')
            begin_value(s, IN_SINGLE);
        else if (!blank)
            begin_value(s, IN_BARE);
        break;
    default: /* IN_BARE */
        if (c == '>')
            enter_tag_end(s);
        else if (blank)
            s->place = IN_TAG;
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
        if (c == '/')
            s->place = IN_CLOSING;
        else if (c == '!' || c == '?')
            s->place = IN_DECLARATION;
        else if (isalpha((unsigned char)c)) {
            s->place = IN_TAG_NAME;
            add_to_name(s->tag, c);
        } else if (c != '<')
            s->place = IN_TEXT;
        break;
    case IN_CLOSING:
    case IN_DECLARATION:
        if (c == '>') s->place = IN_TEXT;
        break;
    case IN_DOUBLE:
    case IN_SINGLE:
        if (c == (s->place == IN_DOUBLE ? '"' : '\'')) {
            s->place = IN_TAG;
        } else {
            s->begun = 1;
            if (!isspace((unsigned char)c)) add_to_name(s->attr, c); /* as browsers read the beginning of a URL */
        }
        break;
    case IN_COMMENT:
        if (c == '>' && s->dashes >= 2) s->place = IN_TEXT;
        s->dashes = c == '-' ? s->dashes + 1 : 0;
        break;
    default: step_tag(s, c);
    }
}

void kr_tmpl_follow(spot_t *s, const char *text)
{
    while (*text) {
        if (s->place == AFTER_LT && strncmp(text, "!--", 3) == 0) {
            s->place = IN_COMMENT;
            s->dashes = 0;
            text += 3;
        } else if (s->place == IN_RAW)
            text += step_raw(s, text);
        else
            step(s, *text++);
    }
}
