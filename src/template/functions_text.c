/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of templates that make text. */
#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "kr_text.h"
#include "template.h"

#define BLANKS " \t\r\n"

/* What has members is written out for it, each time. */
static const char *text_of(run_t *run, const json_t *value)
{
    const char *text = kr_tmpl_text(run->pool, value);

    if (json_is_array(value) || json_is_object(value)) kr_tmpl_spend(run, strlen(text));
    return text;
}

static json_t *truth(run_t *run, int is_true)
{
    return kr_json_own(run->pool, json_boolean(is_true));
}

static json_t *glued(run_t *run, int count, json_t *const *args, const char *between)
{
    apr_array_header_t *parts = apr_array_make(run->pool, 2 * count + 1, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        if (i) APR_ARRAY_PUSH(parts, const char *) = between;
        APR_ARRAY_PUSH(parts, const char *) = text_of(run, args[i]);
    }
    return kr_tmpl_string(run, apr_array_pstrcat(run->pool, parts, 0));
}

/* As Go does it: a blank between two of which neither is text. */
const char *kr_tmpl_printed(run_t *run, int count, json_t *const *args)
{
    apr_array_header_t *parts = apr_array_make(run->pool, 2 * count + 1, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        if (i && !json_is_string(args[i - 1]) && !json_is_string(args[i])) APR_ARRAY_PUSH(parts, const char *) = " ";
        APR_ARRAY_PUSH(parts, const char *) = text_of(run, args[i]);
    }
    return apr_array_pstrcat(run->pool, parts, 0);
}

json_t *kr_tmpl_call_print(run_t *run, int count, json_t *const *args)
{
    return kr_tmpl_string(run, kr_tmpl_printed(run, count, args));
}

json_t *kr_tmpl_call_join(run_t *run, int count, json_t *const *args)
{
    const size_t size = json_array_size(args[1]);
    json_t **members;

    (void)count;
    if (!json_is_array(args[1])) return kr_tmpl_fail(run, "join: the value is no list");
    if (!kr_tmpl_spend(run, sizeof(json_t *) * size)) return NULL; /* blank ones too */
    members = apr_pcalloc(run->pool, sizeof(json_t *) * (size + 1));
    for (size_t i = 0; i < size; i++) members[i] = json_array_get(args[1], i);
    return glued(run, (int)size, members, text_of(run, args[0]));
}

typedef uint8_t *case_fn(const uint8_t *, size_t, const char *, uninorm_t, uint8_t *, size_t *);

static json_t *in_case(run_t *run, const json_t *value, case_fn *convert)
{
    const char *text = text_of(run, value);
    size_t len = 0;
    uint8_t *made = convert((const uint8_t *)text, strlen(text), NULL, NULL, NULL, &len);
    const char *out = made ? apr_pstrmemdup(run->pool, (const char *)made, len) : text;

    free(made);
    return kr_tmpl_string(run, out);
}

json_t *kr_tmpl_call_lower(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return in_case(run, args[0], u8_tolower);
}

json_t *kr_tmpl_call_upper(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return in_case(run, args[0], u8_toupper);
}

json_t *kr_tmpl_call_title(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return in_case(run, args[0], u8_totitle);
}

json_t *kr_tmpl_call_trim(run_t *run, int count, json_t *const *args)
{
    const char *text = text_of(run, args[0]) + strspn(text_of(run, args[0]), BLANKS);
    apr_size_t len = strlen(text);

    (void)count;
    while (len && strchr(BLANKS, text[len - 1])) len--;
    return kr_tmpl_string(run, apr_pstrmemdup(run->pool, text, len));
}

json_t *kr_tmpl_call_quote(run_t *run, int count, json_t *const *args)
{
    const char *text = text_of(run, args[0]);
    char *out = apr_palloc(run->pool, 2 * strlen(text) + 3), *to = out;

    (void)count;
    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '"';
    *to = '\0';
    return kr_tmpl_string(run, out);
}

/* replace "old" "new" .Value */
json_t *kr_tmpl_call_replace(run_t *run, int count, json_t *const *args)
{
    const char *old = text_of(run, args[0]), *new = text_of(run, args[1]), *text = text_of(run, args[2]);
    apr_array_header_t *parts = apr_array_make(run->pool, 8, sizeof(const char *));
    const char *found;

    (void)count;
    for (; *old && (found = strstr(text, old)); text = found + strlen(old)) {
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(run->pool, text, (apr_size_t)(found - text));
        APR_ARRAY_PUSH(parts, const char *) = new;
        if (parts->nelts > 20000) return kr_tmpl_fail(run, "replace: too many places");
    }
    APR_ARRAY_PUSH(parts, const char *) = text;
    if (!kr_tmpl_spend(run, sizeof(char *) * (apr_size_t)parts->nelts)) return NULL; /* what is left may be little */
    return kr_tmpl_string(run, apr_array_pstrcat(run->pool, parts, 0));
}

json_t *kr_tmpl_call_contains(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return truth(run, strstr(text_of(run, args[1]), text_of(run, args[0])) != NULL);
}

json_t *kr_tmpl_call_has_prefix(run_t *run, int count, json_t *const *args)
{
    const char *head = text_of(run, args[0]);

    (void)count;
    return truth(run, strncmp(text_of(run, args[1]), head, strlen(head)) == 0);
}

json_t *kr_tmpl_call_has_suffix(run_t *run, int count, json_t *const *args)
{
    const char *tail = text_of(run, args[0]), *text = text_of(run, args[1]);
    const apr_size_t len = strlen(text), want = strlen(tail);

    (void)count;
    return truth(run, len >= want && strcmp(text + len - want, tail) == 0);
}

/* -- printf ------------------------------------------------------------------------------ */

/* Verbs are %s, %v, %d and %q, and %% is a percent sign. */
const char *kr_tmpl_format_wrong(const char *format, int values)
{
    for (; *format; format++) {
        if (*format != '%') continue;
        format++;
        if (!*format || !strchr("svdq%", *format)) return "of the verbs only %s %v %d %q %% are known";
        values -= *format != '%';
    }
    return values ? "the format and the number of values do not fit" : NULL;
}

json_t *kr_tmpl_call_printf(run_t *run, int count, json_t *const *args)
{
    const char *format = json_string_value(args[0]);
    apr_array_header_t *parts = apr_array_make(run->pool, 8, sizeof(const char *));
    const char *why = format ? kr_tmpl_format_wrong(format, count - 1) : "the format is no text";
    int next = 1;

    if (why) return kr_tmpl_fail(run, apr_pstrcat(run->pool, "printf: ", why, NULL));
    while (*format) {
        const apr_size_t len = strcspn(format, "%");
        json_t *value;

        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(run->pool, format, len);
        format += len;
        if (!*format) break;
        format += 2;
        if (format[-1] == '%') {
            APR_ARRAY_PUSH(parts, const char *) = "%";
            continue;
        }
        value = args[next++];
        if (format[-1] == 'd' && !json_is_integer(value)) return kr_tmpl_fail(run, "printf: %d wants a whole number");
        if (format[-1] == 'q') value = kr_tmpl_call_quote(run, 1, &value);
        if (!value) return NULL;
        APR_ARRAY_PUSH(parts, const char *) = text_of(run, value);
    }
    return kr_tmpl_string(run, apr_array_pstrcat(run->pool, parts, 0));
}
