/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values held against each other: 1 and 1.0 are the same number, and 0.3 is three times 0.1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"

#include "schema.h"

/** A number as written: digits * 10^exponent, without its sign. */
typedef struct {
    apr_uint64_t digits;
    int exponent;
} decimal_t;

#define REAL_TEXT 40

/** The shortest text that reads back as the same double, in the form d.ddde+dd. */
static void print_real(char text[REAL_TEXT], double value)
{
    int precision;

    for (precision = 14; precision <= 16; precision++) {
        snprintf(text, REAL_TEXT, "%.*e", precision, value);
        if (strtod(text, NULL) == value) return;
    }
}

static decimal_t decimal_of(const json_t *number)
{
    decimal_t d = { 0, 0 };
    char text[REAL_TEXT];
    const char *p;
    int before_point = 1;

    if (json_is_integer(number)) {
        json_int_t i = json_integer_value(number);

        d.digits = i < 0 ? 0 - (apr_uint64_t)i : (apr_uint64_t)i;
        return d;
    }
    print_real(text, json_real_value(number));
    for (p = text; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') {
            d.digits = d.digits * 10 + (apr_uint64_t)(*p - '0');
            if (!before_point) d.exponent--;
        }
        else if (*p != '-') before_point = 0; /* whatever the locale calls a point */
    }
    d.exponent += atoi(p + 1);
    return d;
}

int kr_number_multiple(const json_t *a, const json_t *b)
{
    decimal_t x = decimal_of(a), y = decimal_of(b);
    int shift = x.exponent - y.exponent;

    if (x.digits == 0) return 1;
    if (y.digits == 0) return 0;
    for (; shift < 0; shift++) { /* y is coarser: x must end in that many zeros */
        if (x.digits % 10) return 0;
        x.digits /= 10;
    }
    for (x.digits %= y.digits; shift > 0; shift--) {
        x.digits = (apr_uint64_t)((unsigned __int128)x.digits * 10 % y.digits);
    }
    return x.digits % y.digits == 0;
}

static int compare_mixed(json_int_t i, double d)
{
    json_int_t whole;
    double rest;

    if (d >= 9223372036854775808.0) return -1;
    if (d < -9223372036854775808.0) return 1;
    whole = (json_int_t)d;
    if (i != whole) return i < whole ? -1 : 1;
    rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

int kr_number_compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);

        return x < y ? -1 : x > y;
    }
    if (json_is_integer(a)) return compare_mixed(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b)) return -compare_mixed(json_integer_value(b), json_real_value(a));
    return json_real_value(a) < json_real_value(b) ? -1 : json_real_value(a) > json_real_value(b);
}

int kr_number_whole(const json_t *a)
{
    return json_is_integer(a) || (json_is_real(a) && floor(json_real_value(a)) == json_real_value(a));
}

static int objects_equal(const json_t *a, const json_t *b, long *steps)
{
    const char *key;
    json_t *x;

    if (json_object_size(a) != json_object_size(b)) return 0;
    json_object_foreach((json_t *)a, key, x) {
        const json_t *y = json_object_get(b, key);

        if (!y || !kr_value_equal(x, y, steps)) return 0;
    }
    return 1;
}

static int arrays_equal(const json_t *a, const json_t *b, long *steps)
{
    apr_size_t i, n = json_array_size(a);

    if (n != json_array_size(b)) return 0;
    for (i = 0; i < n; i++) {
        if (!kr_value_equal(json_array_get(a, i), json_array_get(b, i), steps)) return 0;
    }
    return 1;
}

int kr_value_equal(const json_t *a, const json_t *b, long *steps)
{
    if (--*steps < 0) return 0;
    if (json_is_number(a) && json_is_number(b)) return kr_number_compare(a, b) == 0;
    if (json_typeof(a) != json_typeof(b)) return 0;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return objects_equal(a, b, steps);
    case JSON_ARRAY:
        return arrays_equal(a, b, steps);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    default:
        return 1;
    }
}

static const char *real_text(apr_pool_t *pool, double value)
{
    char text[REAL_TEXT];
    int precision;

    for (precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value) break;
    }
    return apr_pstrdup(pool, text);
}

const char *kr_value_text(apr_pool_t *pool, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    case JSON_REAL:
        return real_text(pool, json_real_value(value));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    default:
        return kr_json_dump(pool, value, NULL);
    }
}

const char *kr_value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_NULL:
        return "null";
    default:
        return "boolean";
    }
}
