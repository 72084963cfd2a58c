/* SPDX-License-Identifier: Apache-2.0 */
/* Traits out of a submitted body: nested JSON is taken as it is, names with dots are read as fields of a form. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "kr_identity.h"
#include "kr_json.h"
#include "kr_text.h"

#define NUMBER_MAX_CHARS 64
#define EXACT_MAX 9007199254740992.0 /* 2^53: up to here every whole double is one integer */

/** What a decoding needs everywhere. */
typedef struct {
    apr_pool_t *pool;
    json_t *out; /* {"traits": {...}} as it grows */
    int is_form;
} decoding_t;

/* -- numbers -------------------------------------------------------------- */

/** 7.0 and 7 are one number: the whole ones are kept without a fraction. */
static json_t *number(double value)
{
    if (value == floor(value) && fabs(value) <= EXACT_MAX) return json_integer((json_int_t)value);
    return json_real(value);
}

/** As number(), for every number inside `value`. Steals and returns. */
static json_t *with_whole_numbers(json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t i;

    if (json_is_real(value)) {
        json_t *whole = number(json_real_value(value));

        json_decref(value);
        return whole;
    }
    json_object_foreach_safe(value, next, key, item) {
        json_object_set_new(value, key, with_whole_numbers(json_incref(item)));
    }
    json_array_foreach(value, i, item) {
        json_array_set_new(value, i, with_whole_numbers(json_incref(item)));
    }
    return value;
}

/** A decimal number as forms send it; strtod alone would also take "inf", "nan", hex and blanks. */
static int is_decimal(const char *text)
{
    const char *start = text;
    int digits = 0;

    if (*text == '+' || *text == '-') text++;
    for (; apr_isdigit(*text); text++) digits++;
    if (*text == '.') {
        for (text++; apr_isdigit(*text); text++) digits++;
    }
    if (digits && (*text == 'e' || *text == 'E')) {
        text++;
        if (*text == '+' || *text == '-') text++;
        if (!apr_isdigit(*text)) return 0;
        while (apr_isdigit(*text)) text++;
    }
    return digits && !*text && text - start <= NUMBER_MAX_CHARS;
}

/** Read a number. @return NULL when it is none that JSON can hold */
static json_t *parse_number(const char *text)
{
    apr_int64_t whole;
    locale_t plain;
    double value;
    char *end;

    if (!is_decimal(text)) return NULL;
    errno = 0;
    whole = apr_strtoi64(text, &end, 10);
    if (!*end && !errno) return json_integer(whole); /* exact where a double would not be */
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* the decimal sign is a dot whatever the process speaks */
    if (!plain) return NULL;
    value = strtod_l(text, NULL, plain);
    freelocale(plain);
    return isfinite(value) ? number(value) : NULL;
}

/* -- fields --------------------------------------------------------------- */

/** Truth as Go spells it, which is what Kratos' clients rely on. @return NULL when it is neither */
static json_t *parse_boolean(const char *text)
{
    static const char *const YES[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const NO[] = { "0", "f", "F", "false", "FALSE", "False" };

    for (int i = 0; i < KR_DIM(YES); i++) {
        if (strcmp(text, YES[i]) == 0) return json_true();
        if (strcmp(text, NO[i]) == 0) return json_false();
    }
    return NULL;
}

/** The text as the declared type has it; what does not fit stays text, for validation to complain about. */
static json_t *convert(kr_leaf_e type, const char *text)
{
    json_t *value = NULL;

    if (type == KR_LEAF_BOOLEAN) value = parse_boolean(text);
    if (type == KR_LEAF_NUMBER || type == KR_LEAF_INTEGER) value = parse_number(text);
    return value ? value : json_string(text);
}

/** The value of an empty field: forms send those for what nobody filled in. NULL: as if not sent. */
static json_t *when_empty(const kr_leaf_t *leaf)
{
    if (!leaf->required) return NULL;
    if (leaf->type == KR_LEAF_BOOLEAN) return json_false();
    if (leaf->type == KR_LEAF_NUMBER || leaf->type == KR_LEAF_INTEGER) return json_integer(0);
    return NULL;
}

/** The texts sent under one name, in order: array of const char*. */
static apr_array_header_t *texts_sent(apr_pool_t *pool, const json_t *sent)
{
    apr_array_header_t *texts = apr_array_make(pool, 1, sizeof(const char *));
    size_t i;
    json_t *item;

    if (json_is_string(sent)) APR_ARRAY_PUSH(texts, const char *) = json_string_value(sent);
    json_array_foreach(sent, i, item) {
        if (json_is_string(item)) APR_ARRAY_PUSH(texts, const char *) = json_string_value(item);
    }
    return texts;
}

/**
 * The elements of a list, each under the list's name. Empty fields are those that nobody filled in: they are no elements. Where each
 * position means something of its own, only those at the end are left out. New reference, or NULL when nothing is left.
 */
static json_t *list_value(const kr_leaf_t *leaf, const apr_array_header_t *texts)
{
    json_t *all = json_array();
    int end = texts->nelts;

    while (end > 0 && !*APR_ARRAY_IDX(texts, end - 1, const char *)) end--;
    for (int i = 0; i < end; i++) {
        const char *text = APR_ARRAY_IDX(texts, i, const char *);
        const kr_leaf_t *item = kr_leaf_item(leaf, (apr_size_t)i);

        if (*text || leaf->tuple) json_array_append_new(all, convert(item ? item->type : KR_LEAF_STRING, text));
    }
    if (json_array_size(all)) return all;
    json_decref(all);
    return NULL;
}

/** The value of a field. New reference, or NULL when it counts as not sent. */
static json_t *field_value(apr_pool_t *pool, const kr_leaf_t *leaf, const json_t *sent)
{
    apr_array_header_t *texts = texts_sent(pool, sent);
    const char *text;

    if (!texts->nelts) return NULL;
    if (leaf->type == KR_LEAF_ARRAY) return list_value(leaf, texts);
    /* a checkbox is often preceded by a hidden "false" of its name, so of booleans the last one counts */
    text = APR_ARRAY_IDX(texts, leaf->type == KR_LEAF_BOOLEAN ? texts->nelts - 1 : 0, const char *);
    return *text ? convert(leaf->type, text) : when_empty(leaf);
}

/* -- putting together ----------------------------------------------------- */

/**
 * Set the value at a path, making the objects on the way. A parent that was sent as something else stays, for
 * validation to complain about, and the value is dropped. Steals `value`.
 */
static void put(decoding_t *d, const char *path, json_t *value)
{
    const char *dot = strrchr(path, '.');

    if (dot) {
        const char *parent = apr_pstrmemdup(d->pool, path, (apr_size_t)(dot - path));

        if (!kr_json_at(d->out, parent)) put(d, parent, json_object());
        json_object_set_new(kr_json_at(d->out, parent), dot + 1, value);
    } else {
        json_object_set_new(d->out, path, value);
    }
}

/** An object path was sent: JSON is taken whole, unknown members too, since validation has a word to say on those. */
static void take_object(decoding_t *d, const char *path, const json_t *sent)
{
    json_t *value, *present = kr_json_at(d->out, path);
    const char *text;

    if (d->is_form && json_is_array(sent)) sent = json_array_get(sent, 0);
    if (!sent || json_is_null(sent)) return;
    text = json_string_value(sent);
    if (text && !*text) return;
    if (text) {
        const json_t *parsed = kr_json_parse(d->pool, text, strlen(text), NULL);

        if (parsed) sent = parsed;
    }
    value = with_whole_numbers(json_deep_copy(sent));
    if (json_is_object(present) && json_is_object(value)) {
        json_object_update_recursive(present, value);
        json_decref(value);
    } else {
        put(d, path, value);
    }
}

/** A leaf was sent under its dotted name. */
static void take_leaf(decoding_t *d, const kr_leaf_t *leaf, const json_t *sent)
{
    json_t *value;

    if (leaf->type == KR_LEAF_OTHER) return; /* no one type to read the text as: nested JSON only */
    if (d->is_form || json_is_string(sent)) {
        value = field_value(d->pool, leaf, sent);
    } else {
        value = with_whole_numbers(json_deep_copy(sent));
    }
    if (value) put(d, leaf->path, value);
}

void kr_traits_decode(json_t **out, apr_pool_t *pool, const kr_schema_t *schema, const json_t *body, int is_form)
{
    decoding_t d = { pool, kr_json_own(pool, json_object()), is_form };

    for (int i = 0; i < schema->objects->nelts; i++) {
        const char *path = APR_ARRAY_IDX(schema->objects, i, const char *);

        take_object(&d, path, json_object_get(body, path));
    }
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);
        const json_t *sent = json_object_get(body, leaf->path);

        if (sent && leaf->array_of_objects) take_object(&d, leaf->path, sent);
        else if (sent) take_leaf(&d, leaf, sent);
    }
    /* Objects nobody sent are there, empty: a Kratos client sees "name":{} and so must ours */
    for (int i = 0; i < schema->objects->nelts; i++) {
        const char *path = APR_ARRAY_IDX(schema->objects, i, const char *);

        if (!kr_json_at(d.out, path)) put(&d, path, json_object());
    }
    for (int i = 0; i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);

        if (leaf->array_of_objects && !kr_json_at(d.out, leaf->path)) put(&d, leaf->path, json_object());
    }
    *out = d.out;
}
