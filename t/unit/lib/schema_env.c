/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas out of text. */
#include "schema_env.h"

kr_validator_t *compile(const char *schema)
{
    const char *why = "no reason";
    kr_validator_t *validator = kr_validator_compile(pool, json(schema), &why);

    if (!validator) fail_msg("%s: %s", schema, why);
    return validator;
}

apr_array_header_t *validate(const char *schema, const char *instance)
{
    apr_array_header_t *out;

    kr_validate(&out, pool, compile(schema), json(instance));
    return out;
}

const kr_violation_t *violation(const apr_array_header_t *out, int i)
{
    assert_true(out->nelts > i);
    return &APR_ARRAY_IDX(out, i, kr_violation_t);
}

char *repeat(const char *text, int n)
{
    char *out = apr_palloc(pool, strlen(text) * (apr_size_t)n + 1), *to = out;

    for (*to = '\0'; n > 0; n--) to = apr_cpystrn(to, text, strlen(text) + 1);
    return out;
}
