/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go's templates take them: what is true, what is equal, what they look like. */
#include <math.h>
#include <string.h>

#include "kr_text.h"
#include "template.h"

int kr_tmpl_true(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING: return json_string_length(value) > 0;
    case JSON_OBJECT: return json_object_size(value) > 0;
    case JSON_ARRAY: return json_array_size(value) > 0;
    case JSON_INTEGER:
    case JSON_REAL: return json_number_value(value) != 0;
    default: return json_is_true(value);
    }
}

const char *kr_tmpl_text(apr_pool_t *pool, const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING: return json_string_value(value);
    case JSON_INTEGER: return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    case JSON_REAL: return apr_psprintf(pool, "%.15g", json_real_value(value));
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: return "";
    default: return kr_json_dump(pool, value, NULL); /* Go writes map[a:b]; nobody reads either */
    }
}

int kr_tmpl_compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        const json_int_t x = json_integer_value(a), y = json_integer_value(b);

        return x < y ? -1 : x > y;
    }
    if (json_is_number(a) && json_is_number(b)) {
        const double x = json_number_value(a), y = json_number_value(b);

        return x < y ? -1 : x > y;
    }
    if (json_is_string(a) && json_is_string(b)) {
        const int order = strcmp(json_string_value(a), json_string_value(b));

        return order < 0 ? -1 : order > 0;
    }
    return json_equal(a, b) ? 0 : 2;
}
