/* SPDX-License-Identifier: Apache-2.0 */
/* Through the text of a page: in which tag, attribute or script are we? As HTML's tokenizer has it, where that matters.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "template.h"

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

static int is_blank(char c)
{
    return isspace((unsigned char)c);
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

/* -- one byte further, by the place where it stands ------------------------ */

static void in_text(spot_t *s, char c)
{
    if (c == '<') s->place = AFTER_LT;
}

static void after_lt(spot_t *s, char c)
{
    s->tag[0] = '\0';
    if (c == '/') s->place = IN_CLOSING;
    else if (c == '!' || c == '?') s->place = IN_DECLARATION;
    else if (isalpha((unsigned char)c)) {
        s->place = IN_TAG_NAME;
        add_to_name(s->tag, c);
    } else if (c != '<') s->place = IN_TEXT;
}

static void in_tag_name(spot_t *s, char c)
{
    if (c == '>') enter_tag_end(s);
    else if (is_blank(c) || c == '/') s->place = IN_TAG;
    else add_to_name(s->tag, c);
}

static void in_tag(spot_t *s, char c)
{
    if (c == '>') enter_tag_end(s);
    else if (!is_blank(c) && c != '/') begin_attr(s, c);
}

static void in_attr_name(spot_t *s, char c)
{
    if (c == '=') s->place = BEFORE_VALUE;
    else if (c == '>') enter_tag_end(s);
    else if (is_blank(c)) s->place = AFTER_ATTR_NAME;
    else if (c == '/') s->place = IN_TAG;
    else add_to_name(s->attr, c);
}

static void after_attr_name(spot_t *s, char c)
{
    if (c == '=') s->place = BEFORE_VALUE;
    else if (c == '>') enter_tag_end(s);
    else if (c == '/') s->place = IN_TAG;
    else if (!is_blank(c)) begin_attr(s, c);
}

static void before_value(spot_t *s, char c)
{
    if (c == '>') enter_tag_end(s);
    else if (c == '"') begin_value(s, IN_DOUBLE);
    else if (c == '\'') begin_value(s, IN_SINGLE);
    else if (!is_blank(c)) begin_value(s, IN_BARE);
}

static void in_bare(spot_t *s, char c)
{
    if (c == '>') enter_tag_end(s);
    else if (is_blank(c)) s->place = IN_TAG;
}

static void in_quotes(spot_t *s, char c)
{
    if (c == (s->place == IN_DOUBLE ? '"' : '\'')) {
        s->place = IN_TAG;
        return;
    }
    s->begun = 1;
    if (!is_blank(c)) add_to_name(s->attr, c); /* as browsers read the beginning of a URL */
}

static void in_comment(spot_t *s, char c)
{
    if (c == '>' && s->dashes >= 2) s->place = IN_TEXT;
    s->dashes = c == '-' ? s->dashes + 1 : 0;
}

static void up_to_gt(spot_t *s, char c)
{
    if (c == '>') s->place = IN_TEXT;
}

/* IN_RAW has a way of its own (step_raw). */
static void (*const STEP[])(spot_t *s, char c) = {
    [IN_TEXT] = in_text,           [AFTER_LT] = after_lt,               [IN_CLOSING] = up_to_gt,       [IN_DECLARATION] = up_to_gt,
    [IN_COMMENT] = in_comment,     [IN_TAG_NAME] = in_tag_name,         [IN_TAG] = in_tag,             [IN_ATTR_NAME] = in_attr_name,
    [AFTER_ATTR_NAME] = after_attr_name, [BEFORE_VALUE] = before_value, [IN_DOUBLE] = in_quotes,       [IN_SINGLE] = in_quotes,
    [IN_BARE] = in_bare,
};

/* Inside a title, a script ...: only its own end tag ends it. @return how many bytes were taken */
static apr_size_t step_raw(spot_t *s, const char *at)
{
    const apr_size_t len = strlen(s->tag);

    if (at[0] != '<' || at[1] != '/' || strncasecmp(at + 2, s->tag, len) != 0) return 1;
    if (at[2 + len] && !isspace((unsigned char)at[2 + len]) && !strchr("/>", at[2 + len])) return 1;
    s->place = IN_CLOSING;
    return 2 + len;
}

void kr_tmpl_follow(spot_t *s, const char *text)
{
    while (*text) {
        if (s->place == AFTER_LT && strncmp(text, "!--", 3) == 0) {
            s->place = IN_COMMENT;
            s->dashes = 0;
            text += 3;
        } else if (s->place == IN_RAW) text += step_raw(s, text);
        else STEP[s->place](s, *text++);
    }
}
