/* SPDX-License-Identifier: Apache-2.0 */
/* Forms from strangers: urlencoded and multipart, within limits. */
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"

/* Header lines of one part; browsers send about 200 bytes. */
#define MAX_PART_HEADER 8192
/* RFC 2046 section 5.1.1 */
#define MAX_BOUNDARY 70

static int add(apr_array_header_t *form, const char *name, const char *value, const char **why)
{
    kr_pair_t *pair;

    if (form->nelts >= KR_FORM_MAX_FIELDS) {
        *why = "the form has too many fields";
        return 0;
    }
    if (!kr_utf8_valid(name, strlen(name)) || !kr_utf8_valid(value, strlen(value))) {
        *why = "the form is not valid UTF-8";
        return 0;
    }
    pair = apr_array_push(form);
    pair->name = name;
    pair->value = value;
    return 1;
}

static int fits(const char *text, apr_size_t len, const char **why)
{
    if (len > KR_FORM_MAX_BYTES) {
        *why = "the form is too large";
        return 0;
    }
    if (len && memchr(text, '\0', len)) {
        *why = "the form holds a NUL byte";
        return 0;
    }
    return 1;
}

/* -- application/x-www-form-urlencoded ------------------------------------- */

static int add_field(apr_array_header_t *form, char *field, const char **why)
{
    char *equals = strchr(field, '=');
    const char *name, *value;

    if (equals) *equals = '\0';
    name = kr_url_unescape(form->pool, field, 1);
    value = equals ? kr_url_unescape(form->pool, equals + 1, 1) : "";
    if (!name || !value) {
        *why = "the form holds a broken %-escape";
        return 0;
    }
    return add(form, name, value, why);
}

apr_array_header_t *kr_form_parse(apr_pool_t *pool, const char *text, apr_size_t len, const char **why)
{
    apr_array_header_t *form = apr_array_make(pool, 8, sizeof(kr_pair_t));
    const char *ignored;
    char *field, *next;

    if (!why) why = &ignored;
    if (!fits(text, len, why)) return NULL;
    for (field = len ? apr_pstrmemdup(pool, text, len) : NULL; field; field = next) {
        next = strchr(field, '&');
        if (next) *next++ = '\0';
        if (*field && !add_field(form, field, why)) return NULL;
    }
    return form;
}

/* -- multipart/form-data --------------------------------------------------- */

/* Read one parameter value, a token or a quoted string, and step over it. @return NULL when malformed */
static const char *parameter_value(apr_pool_t *pool, const char **s)
{
    char *out, *to;
    apr_size_t n;

    if (**s != '"') {
        n = strcspn(*s, "; \t\"");
        out = apr_pstrmemdup(pool, *s, n);
        *s += n;
        return n ? out : NULL;
    }
    to = out = apr_palloc(pool, strlen(*s));
    for ((*s)++; **s && **s != '"'; (*s)++) {
        /* Only these two are escaped: a lone backslash comes from a path on someone's disk. */
        if (**s == '\\' && ((*s)[1] == '"' || (*s)[1] == '\\')) (*s)++;
        *to++ = **s;
    }
    if (**s != '"') return NULL;
    (*s)++;
    *to = '\0';
    return out;
}

/* The parameter `name` of a header value such as: form-data; name="a"; filename="b". @return NULL when it misses */
static const char *parameter(apr_pool_t *pool, const char *header, const char *name)
{
    const char *s = header + strcspn(header, ";");

    while (*s == ';') {
        const char *key, *value;
        apr_size_t len;

        s += 1 + strspn(s + 1, " \t");
        key = s;
        len = strcspn(s, "=;");
        if (s[len] != '=') {
            s += len;
            continue;
        }
        s += len + 1;
        value = parameter_value(pool, &s);
        if (!value) return NULL;
        if (len == strlen(name) && !strncasecmp(key, name, len)) return value;
        s += strspn(s, " \t");
    }
    return NULL;
}

/* "\r\n--boundary" for a multipart content type, or NULL. */
static const char *delimiter(apr_pool_t *pool, const char *content_type)
{
    static const char type[] = "multipart/form-data";
    const char *boundary;

    if (!content_type || strncasecmp(content_type, type, sizeof(type) - 1)) return NULL;
    if (!content_type[sizeof(type) - 1] || !strchr("; \t", content_type[sizeof(type) - 1])) return NULL;
    boundary = parameter(pool, content_type, "boundary");
    if (!boundary || !boundary[0] || strlen(boundary) > MAX_BOUNDARY) return NULL;
    for (const char *c = boundary; *c; c++) {
        if (*c < 0x20 || *c > 0x7e) return NULL;
    }
    return apr_pstrcat(pool, "\r\n--", boundary, NULL);
}

/* The field name in a part's header lines, or NULL. */
static const char *part_name(apr_pool_t *pool, char *headers)
{
    static const char wanted[] = "Content-Disposition:";
    char *line, *next;

    for (line = headers; line; line = next) {
        next = strstr(line, "\r\n");
        if (next) {
            *next = '\0';
            next += 2;
        }
        if (!strncasecmp(line, wanted, sizeof(wanted) - 1)) {
            line += sizeof(wanted) - 1;
            line += strspn(line, " \t");
            return strncasecmp(line, "form-data", 9) ? NULL : parameter(pool, line, "name");
        }
    }
    return NULL;
}

/* Read the part at s and step behind the delimiter that ends it. @return 0 with *why when it is broken */
static int add_part(apr_array_header_t *form, const char **s, const char *end, const char *mark, const char **why)
{
    const char *head_end = memmem(*s, (size_t)(end - *s), "\r\n\r\n", 4), *value, *value_end;
    const char *name;

    *why = "the multipart form is broken or cut short";
    if (!head_end || head_end - *s > MAX_PART_HEADER) return 0;
    name = part_name(form->pool, apr_pstrmemdup(form->pool, *s, (apr_size_t)(head_end - *s)));
    if (!name) return 0;
    /* An empty value ends at once: the blank line's own CRLF may begin the delimiter. */
    value_end = memmem(head_end + 2, (size_t)(end - head_end - 2), mark, strlen(mark));
    if (!value_end) return 0;
    *s = value_end + strlen(mark);
    value = head_end + 4;
    if (value_end < value) value_end = value;
    return add(form, name, apr_pstrmemdup(form->pool, value, (apr_size_t)(value_end - value)), why);
}

/* What stands behind the first delimiter, which may be the very beginning (without its CRLF) or follow a preamble, which means nothing. */
static const char *first_part(const char *body, apr_size_t len, const char *mark)
{
    const apr_size_t mark_len = strlen(mark);
    const char *found;

    if (len >= mark_len - 2 && !memcmp(body, mark + 2, mark_len - 2)) return body + mark_len - 2;
    found = memmem(body, len, mark, mark_len);
    return found ? found + mark_len : NULL;
}

apr_array_header_t *kr_form_parse_multipart(apr_pool_t *pool, const char *content_type, const char *body,
                                            apr_size_t len, const char **why)
{
    apr_array_header_t *form = apr_array_make(pool, 8, sizeof(kr_pair_t));
    const char *mark = delimiter(pool, content_type), *s, *end = body + len, *ignored;

    if (!why) why = &ignored;
    if (!fits(body, len, why)) return NULL;
    *why = "the multipart form has no usable boundary";
    if (!mark) return NULL;

    *why = "the multipart form is broken or cut short";
    s = first_part(body, len, mark);
    if (!s) return NULL;
    for (;;) {
        if (end - s >= 2 && !memcmp(s, "--", 2)) return form;
        while (s < end && (*s == ' ' || *s == '\t')) s++;
        if (end - s < 2 || memcmp(s, "\r\n", 2)) return NULL;
        s += 2;
        if (!add_part(form, &s, end, mark, why)) return NULL;
        *why = "the multipart form is broken or cut short";
    }
}

const char *kr_form_get(const apr_array_header_t *form, const char *name)
{
    for (int i = 0; form && i < form->nelts; i++) {
        const kr_pair_t *pair = &APR_ARRAY_IDX(form, i, kr_pair_t);

        if (!strcmp(pair->name, name)) return pair->value;
    }
    return NULL;
}
