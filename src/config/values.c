/* SPDX-License-Identifier: Apache-2.0 */
/* Values by the type of their key: out of text, checked, and into their field. */
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

static int is_string_type(kr_type_e type)
{
    switch (type) {
    case KR_TEXT:
    case KR_WORD:
    case KR_CHOICE:
    case KR_DURATION:
    case KR_SIZE:
    case KR_URL:
    case KR_PAGE:
    case KR_SOURCE: return 1;
    default: return 0;
    }
}

const char *kr_value_shape(apr_pool_t *pool, const kr_key_t *key)
{
    switch (key->type) {
    case KR_BOOL: return "true or false";
    case KR_INT: return "a whole number";
    case KR_TEXT: return "text";
    case KR_WORD:
    case KR_CHOICE: return kr_words_listed(pool, key->words);
    case KR_DURATION: return "a duration such as 1h30m";
    case KR_SIZE: return "a size such as 128MB";
    case KR_URL: return "an http(s) URL";
    case KR_PAGE: return "a URL or path";
    case KR_SOURCE: return "a file:// or base64:// URL";
    case KR_TEXTS: return "a list of text";
    case KR_HOOKS: return "a list of hooks";
    case KR_OBJECTS: return "a list of objects";
    case KR_MAP: return "an object of text";
    case KR_OBJECT:
    case KR_MEMBERS: return "an object";
    case KR_ANY: return "anything";
    }
    return "";
}

/** The value as it may stand in a message: short, and only where it is no secret. */
static const char *shown(apr_pool_t *pool, const kr_key_t *key, const char *value)
{
    if (key->secret) return "the value";
    if (strlen(value) > 80) return apr_psprintf(pool, "\"%.77s...\"", value);
    return apr_psprintf(pool, "\"%s\"", value);
}

/* -- one string ------------------------------------------------------------------ */

/** "128MB" in KiB, units of 1024. @return -1: malformed or too much */
static apr_int64_t parse_size(const char *s)
{
    static const char *const UNITS[] = { "B", "KB", "MB", "GB" };
    apr_size_t digits = strspn(s, "0123456789");
    apr_int64_t n;

    if (!digits || digits > 12) return -1;
    n = apr_atoi64(s);
    for (int i = 0; i < KR_DIM(UNITS); i++) {
        if (strcmp(s + digits, UNITS[i])) continue;
        for (int up = 0; up < i; up++) n *= 1024;
        return n / 1024;
    }
    return -1;
}

static const char *check_source(apr_pool_t *pool, const char *s)
{
    static const char *const SCHEMES[] = { "file://", "base64://", "http://", "https://" };

    for (int i = 0; i < KR_DIM(SCHEMES); i++) {
        apr_size_t len = strlen(SCHEMES[i]);

        if (strncmp(s, SCHEMES[i], len) == 0 && s[len]) return kr_unfilled(pool, s);
    }
    return "begins with none of file://, base64://, http://, https://";
}

static const char *check_length(apr_pool_t *pool, const kr_key_t *key, const char *s)
{
    apr_int64_t len = (apr_int64_t)strlen(s);

    if (len < key->min) return apr_psprintf(pool, "is shorter than %" APR_INT64_T_FMT " bytes", key->min);
    if (key->max && len > key->max) return apr_psprintf(pool, "is longer than %" APR_INT64_T_FMT " bytes", key->max);
    return NULL;
}

/** What is wrong with a string, without its subject. `number` is what durations, sizes and choices come to. */
static const char *check_string(apr_pool_t *pool, const kr_key_t *key, const char *s, apr_int64_t *number)
{
    const char *why = NULL;

    switch (key->type) {
    case KR_WORD:
    case KR_CHOICE:
        *number = kr_word_index(key->words, s);
        if (*number < 0) why = apr_psprintf(pool, "is not one of: %s", kr_words_listed(pool, key->words));
        break;
    case KR_DURATION:
        *number = kr_duration_parse(s);
        if (*number < 0) why = "is no duration such as 30s, 15m or 24h";
        break;
    case KR_SIZE:
        *number = parse_size(s);
        if (*number < 0) why = "is no size such as 64MB or 1GB";
        else if (*number < 8 || *number > 1024 * 1024) why = "is not between 8KB and 1GB";
        break;
    case KR_URL: why = kr_url_wrong(pool, s); break;
    case KR_PAGE: why = kr_page_wrong(pool, s); break;
    case KR_SOURCE: why = check_source(pool, s); break;
    default: why = check_length(pool, key, s);
    }
    if (!why && key->check) why = key->check(pool, s);
    return why;
}

static const char *read_string(void *out, apr_pool_t *pool, const kr_key_t *key, const char *s)
{
    apr_int64_t number = 0;
    const char *why = check_string(pool, key, s, &number);

    if (why) return apr_pstrcat(pool, shown(pool, key, s), " ", why, NULL);
    if (!out) return NULL;
    switch (key->type) {
    case KR_CHOICE: *(int *)out = (int)number; break;
    case KR_DURATION: *(apr_time_t *)out = number; break;
    case KR_SIZE: *(apr_uint32_t *)out = (apr_uint32_t)number; break;
    default: *(const char **)out = apr_pstrdup(pool, s);
    }
    return NULL;
}

/* -- the other types --------------------------------------------------------------- */

static const char *read_int(void *out, apr_pool_t *pool, const kr_key_t *key, const json_t *value)
{
    json_int_t n = json_integer_value(value);

    if (n < key->min && !key->max) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " is less than %" APR_INT64_T_FMT, (apr_int64_t)n, key->min);
    }
    if (n < key->min || (key->max && n > key->max)) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " is not between %" APR_INT64_T_FMT " and %" APR_INT64_T_FMT,
                            (apr_int64_t)n, key->min, key->max);
    }
    if (!out) return NULL;
    if (key->size == sizeof(apr_int64_t)) *(apr_int64_t *)out = n;
    else *(apr_uint32_t *)out = (apr_uint32_t)n; /* int fields too: the ranges of the table fit both */
    return NULL;
}

static const char *check_twins(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        for (size_t j = 0; j < i; j++) {
            if (json_equal(json_array_get(list, i), json_array_get(list, j))) return "has the same element twice";
        }
    }
    return NULL;
}

static const char *check_element(apr_pool_t *pool, const kr_key_t *key, const json_t *element)
{
    const char *s = json_string_value(element), *why;

    if (!s) return "is not text";
    if (kr_is_secret_file(key, s)) return NULL; /* what is in it is looked at when it has been read */
    why = check_length(pool, key, s);
    if (!why && key->words && kr_word_index(key->words, s) < 0) {
        why = apr_psprintf(pool, "is not one of: %s", kr_words_listed(pool, key->words));
    }
    if (!why && key->check) why = key->check(pool, s);
    return why && !key->secret ? apr_psprintf(pool, "%s %s", shown(pool, key, s), why) : why;
}

static const char *read_texts(void *out, apr_pool_t *pool, const kr_key_t *key, const json_t *list)
{
    apr_array_header_t *texts;
    size_t i;
    json_t *element;

    if (json_array_size(list) > KR_LIST_MAX) return "has more than 1000 elements";
    if (key->needed && !json_array_size(list)) return "is empty";
    json_array_foreach(list, i, element) {
        const char *why = check_element(pool, key, element);

        if (why) return apr_psprintf(pool, "element %d %s", (int)i + 1, why);
    }
    if (key->unique && check_twins(list)) return check_twins(list);
    if (!out) return NULL;
    texts = apr_array_make(pool, (int)json_array_size(list), sizeof(const char *));
    json_array_foreach(list, i, element) {
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrdup(pool, json_string_value(element));
    }
    *(const apr_array_header_t **)out = texts;
    return NULL;
}

static const char *read_map(void *out, apr_pool_t *pool, const kr_key_t *key, const json_t *object)
{
    apr_table_t *table = apr_table_make(pool, 4);
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)object, name, member) {
        const char *text = json_string_value(member);

        if (!text) return apr_psprintf(pool, "\"%s\" is not text", name);
        if (key->secret && kr_check_filled(pool, text)) return apr_psprintf(pool, "\"%s\" %s", name, kr_check_filled(pool, text));
        apr_table_add(table, name, text);
    }
    if (out) *(const apr_table_t **)out = table;
    return NULL;
}

/* What is in it is read by itself: fill.c. */
static const char *check_list(const kr_key_t *key, const json_t *list)
{
    if (json_array_size(list) > KR_LIST_MAX) return "has more than 1000 elements";
    if ((apr_int64_t)json_array_size(list) < key->min) return "is empty";
    if (key->type == KR_HOOKS && check_twins(list)) return check_twins(list);
    return NULL;
}

static int has_type(const kr_key_t *key, const json_t *value)
{
    switch (key->type) {
    case KR_BOOL: return json_is_boolean(value);
    case KR_INT: return json_is_integer(value);
    case KR_TEXTS:
    case KR_HOOKS:
    case KR_OBJECTS: return json_is_array(value);
    case KR_MAP:
    case KR_OBJECT:
    case KR_MEMBERS: return json_is_object(value);
    case KR_ANY: return 1;
    default: return json_is_string(value);
    }
}

const char *kr_value_read(void *out, apr_pool_t *pool, const kr_key_t *key, json_t *value)
{
    if (!has_type(key, value)) return apr_psprintf(pool, "must be %s", kr_value_shape(pool, key));
    switch (key->type) {
    case KR_BOOL:
        if (out) *(int *)out = json_is_true(value);
        return NULL;
    case KR_INT: return read_int(out, pool, key, value);
    case KR_TEXTS: return read_texts(out, pool, key, value);
    case KR_HOOKS:
    case KR_OBJECTS: return check_list(key, value);
    case KR_MAP: return read_map(out, pool, key, value);
    case KR_ANY:
        if (out) *(const json_t **)out = value;
        return NULL;
    default: return read_string(out, pool, key, json_string_value(value));
    }
}

/* -- text to value, and numbers back to text ------------------------------------------ */

json_t *kr_value_parse(kr_draft_t *draft, const kr_key_t *key, const char *path, const char *text,
                       const kr_origin_t *where, const char **why)
{
    json_t *out = NULL;

    *why = apr_psprintf(draft->pool, "must be %s", kr_value_shape(draft->pool, key));
    if (is_string_type(key->type)) {
        out = kr_utf8_valid(text, strlen(text)) ? json_string(text) : NULL;
        if (!out) *why = "is not valid UTF-8";
    }
    else if (key->type == KR_BOOL) {
        if (strcmp(text, "true") == 0) out = json_true();
        if (strcmp(text, "false") == 0) out = json_false();
    }
    else if (key->type == KR_INT) {
        apr_size_t len = strlen(text);

        if (len && len <= 15 && strspn(text, "0123456789") == len) out = json_integer(apr_atoi64(text));
    }
    else {
        out = kr_yaml_read(draft, path, where->file, where->line ? where->line : 1, text, strlen(text), why);
    }
    return out;
}

/** A number as it was written. */
static json_t *as_text(const kr_draft_t *draft, const char *path, const json_t *value)
{
    const kr_origin_t *origin;

    if (!json_is_number(value)) return NULL;
    origin = apr_hash_get(draft->origins, path, APR_HASH_KEY_STRING);
    return origin && origin->text ? json_string(origin->text) : NULL;
}

static json_t *settle_members(const kr_draft_t *draft, const char *path, json_t *value)
{
    const char *name;
    size_t i;
    json_t *member;

    json_array_foreach(value, i, member) {
        json_t *text = as_text(draft, kr_path_element(draft->pool, path, i), member);

        if (text) json_array_set_new(value, i, text);
    }
    json_object_foreach(value, name, member) {
        json_t *text = as_text(draft, kr_path_member(draft->pool, path, name), member);

        if (text) json_object_set_new(value, name, text);
    }
    return NULL;
}

json_t *kr_value_settle(const kr_draft_t *draft, const kr_key_t *key, const char *path, json_t *value)
{
    if (is_string_type(key->type)) return as_text(draft, path, value);
    if (key->type == KR_TEXTS || key->type == KR_MAP) return settle_members(draft, path, value);
    if (key->type == KR_BOOL && key->words && json_is_string(value)) {
        int which = kr_word_index(key->words, json_string_value(value));

        return which < 0 ? NULL : json_boolean(which);
    }
    return NULL;
}
