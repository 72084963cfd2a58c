/* SPDX-License-Identifier: Apache-2.0 */
/* jansson with pools: parsing what strangers sent, writing what clients read. */
#include "kr_json.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "kr_text.h"

static apr_status_t release(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

json_t *kr_json_own(apr_pool_t *pool, json_t *json)
{
    if (json) apr_pool_cleanup_register(pool, json, release, apr_pool_cleanup_null);
    return json;
}

/* jansson recurses while it parses; how deep is known before it starts. Broken text is jansson's to refuse. */
static int too_deep(const char *text, apr_size_t len)
{
    int depth = 0, in_string = 0;

    for (apr_size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\') {
                i++;
            } else if (text[i] == '"') {
                in_string = 0;
            }
        } else if (text[i] == '"') {
            in_string = 1;
        } else if (text[i] == '[' || text[i] == '{') {
            if (++depth > KR_JSON_MAX_DEPTH) return 1;
        } else if (text[i] == ']' || text[i] == '}') {
            depth--;
        }
    }
    return 0;
}

/* jansson's own words quote the text around the error, which may be a password. */
static const char *plain_words(apr_pool_t *pool, const json_error_t *error)
{
    const char *what;

    switch (json_error_code(error)) {
    case json_error_premature_end_of_input: what = "it ends too early"; break;
    case json_error_end_of_input_expected: what = "something follows the value"; break;
    case json_error_invalid_utf8: what = "it is not valid UTF-8"; break;
    case json_error_duplicate_key: what = "a key appears twice in one object"; break;
    case json_error_numeric_overflow: what = "a number is too large"; break;
    case json_error_null_character:
    case json_error_null_byte_in_key: what = "a string holds a NUL character"; break;
    default: what = "the syntax is wrong"; break;
    }
    if (error->line < 1) return apr_psprintf(pool, "the JSON is not valid: %s", what);
    return apr_psprintf(pool, "the JSON is not valid: %s (line %d, column %d)", what, error->line, error->column);
}

json_t *kr_json_parse(apr_pool_t *pool, const char *text, apr_size_t len, const char **why)
{
    const char *ignored;
    json_error_t error;
    json_t *json;

    if (!why) why = &ignored;
    if (too_deep(text, len)) {
        *why = apr_psprintf(pool, "the JSON is not valid: it nests deeper than %d levels", KR_JSON_MAX_DEPTH);
        return NULL;
    }
    json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!json) *why = plain_words(pool, &error);
    return kr_json_own(pool, json);
}

json_t *kr_json_pack(apr_pool_t *pool, const char *fmt, ...)
{
    json_error_t error;
    json_t *json;
    va_list args;

    va_start(args, fmt);
    json = json_vpack_ex(&error, 0, fmt, args);
    va_end(args);
    if (!json) {
        /* A format or a text that jansson refuses is our mistake; one request is wrong then, not the whole child. */
        if (json_error_code(&error) == json_error_out_of_memory) abort();
        fprintf(stderr, KRLOGNO(0002) "json_pack \"%s\": %s\n", fmt, error.text);
        json = json_object();
        if (!json) abort();
    }
    return kr_json_own(pool, json);
}

/* Where an escape may begin; they stand only inside strings in JSON, so that one plain pass over the text is right. */
#define MAY_ESCAPE "<>&\xe2"
#define ESCAPE_LEN 6

/* How Go writes the byte or bytes at s, or NULL when they stay as they are. *width is how many bytes that covers. */
static const char *go_escape(const char *s, apr_size_t *width)
{
    *width = 1;
    switch (*s) {
    case '<': return "\\u003c";
    case '>': return "\\u003e";
    case '&': return "\\u0026";
    default: break;
    }
    if (strncmp(s, "\xe2\x80\xa8", 3) && strncmp(s, "\xe2\x80\xa9", 3)) return NULL;
    *width = 3;
    return s[2] == '\xa8' ? "\\u2028" : "\\u2029";
}

/* Write `raw` with Go's escapes to `to`, or only measure when `to` is NULL. @return its length */
static apr_size_t escape_all(char *to, const char *raw)
{
    apr_size_t size = 0, width;

    while (*raw) {
        apr_size_t run = strcspn(raw, MAY_ESCAPE);
        const char *escape;

        if (to) memcpy(to + size, raw, run);
        size += run;
        raw += run;
        if (!*raw) break;
        escape = go_escape(raw, &width);
        if (to) memcpy(to + size, escape ? escape : raw, escape ? ESCAPE_LEN : 1);
        size += escape ? ESCAPE_LEN : 1;
        raw += width;
    }
    return size;
}

const char *kr_json_dump(apr_pool_t *pool, const json_t *json, apr_size_t *len)
{
    char *raw = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT), *out;
    apr_size_t size;

    if (!raw) raw = strdup("null");
    if (!raw) abort();
    size = escape_all(NULL, raw);
    out = apr_palloc(pool, size + 1);
    escape_all(out, raw);
    out[size] = '\0';
    kr_wipe(raw, strlen(raw)); /* may hold tokens */
    free(raw);
    if (len) *len = size;
    return out;
}

json_t *kr_json_at(const json_t *obj, const char *path)
{
    json_t *found = (json_t *)obj;

    for (;;) {
        const char *dot = strchr(path, '.');

        if (!dot) return json_object_get(found, path);
        found = json_object_getn(found, path, (size_t)(dot - path));
        if (!found) return NULL;
        path = dot + 1;
    }
}

const char *kr_json_str(const json_t *obj, const char *key)
{
    return json_string_value(kr_json_at(obj, key));
}

void kr_json_set_at(json_t *obj, const char *path, json_t *value)
{
    const char *dot;

    for (int depth = 1; (dot = strchr(path, '.')); depth++) {
        size_t len = (size_t)(dot - path);
        json_t *inner = json_object_getn(obj, path, len);

        /* jansson frees by recursion: a path of a million dots from a form must not become a million levels. */
        if (depth >= KR_JSON_MAX_DEPTH) {
            json_decref(value);
            return;
        }
        if (!json_is_object(inner)) {
            inner = json_object();
            if (json_object_setn_new(obj, path, len, inner)) {
                json_decref(value);
                return;
            }
        }
        obj = inner;
        path = dot + 1;
    }
    json_object_set_new(obj, path, value);
}

json_t *kr_json_time(apr_time_t t)
{
    char text[KR_TIME_LEN + 1];

    kr_time_format(text, t);
    return json_string(text);
}

/* The text with U+FFFD for every byte that is no UTF-8. */
static json_t *mended(const char *s)
{
    size_t len = strlen(s), n = 0;
    char *text = malloc(3 * len + 1);
    json_t *json;

    if (!text) abort();
    while (len > 0) {
        ucs4_t c;
        int width = u8_mbtoucr(&c, (const uint8_t *)s, len);

        if (width > 0) {
            memcpy(text + n, s, (size_t)width);
            n += (size_t)width;
        } else {
            memcpy(text + n, "\xef\xbf\xbd", 3); /* NOLINT(bugprone-not-null-terminated-result): the end comes last */
            n += 3;
            width = 1;
        }
        s += width;
        len -= (size_t)width;
    }
    json = json_stringn(text, n);
    free(text);
    return json;
}

json_t *kr_json_string(const char *s)
{
    json_t *json;

    if (!s) return json_null();
    json = json_string(s);
    return json ? json : mended(s);
}

int kr_utf8_valid(const char *s, apr_size_t len)
{
    return !memchr(s, '\0', len) && !u8_check((const uint8_t *)s, len);
}

const char *kr_json_form(apr_pool_t *pool, const json_t *object)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(const char *));
    const char *name;
    json_t *value;

    if (!json_is_object(object)) return NULL;
    json_object_foreach((json_t *)object, name, value)
    {
        if (json_is_null(value)) continue;
        if (json_is_object(value) || json_is_array(value)) return NULL;
        if (parts->nelts) APR_ARRAY_PUSH(parts, const char *) = "&";
        APR_ARRAY_PUSH(parts, const char *) = kr_url_escape(pool, name);
        APR_ARRAY_PUSH(parts, const char *) = "=";
        APR_ARRAY_PUSH(parts, const char *) =
            kr_url_escape(pool, json_is_string(value) ? json_string_value(value) : kr_json_dump(pool, value, NULL));
    }
    return apr_array_pstrcat(pool, parts, 0);
}

/* -- for people ----------------------------------------------------------- */

static const char *plain(apr_pool_t *pool, const json_t *value)
{
    const char *out = "";
    size_t i;
    json_t *item;

    if (json_is_string(value)) return json_string_value(value);
    if (json_is_object(value)) value = json_object_get(value, "text"); /* a message within a message */
    if (json_is_string(value)) return json_string_value(value);
    if (json_is_object(value) || !value) return out;
    if (!json_is_array(value)) return kr_json_dump(pool, value, NULL);
    json_array_foreach((json_t *)value, i, item)
        if (!json_is_array(item)) out = apr_pstrcat(pool, out, i ? ", " : "", plain(pool, item), NULL);
    return out;
}

const char *kr_json_fill(apr_pool_t *pool, const char *text, const json_t *context)
{
    const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL, *key;

    if (!close) return text;
    key = apr_pstrmemdup(pool, open + 1, (apr_size_t)(close - open - 1));
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)), plain(pool, json_object_get(context, key)),
                       kr_json_fill(pool, close + 1, context), NULL);
}
