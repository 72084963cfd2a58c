/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of schemas: one out of text, and what it finds. */
#ifndef SCHEMA_ENV_H
#define SCHEMA_ENV_H

#include <stdlib.h>
#include <string.h>

#include "json_env.h"
#include "kr_schema.h"
#include "kr_text.h"

/** A schema; the test fails when it is refused. */
kr_validator_t *compile(const char *schema);
/** What a schema has against an instance. */
apr_array_header_t *validate(const char *schema, const char *instance);
/** The i-th of that; the test fails when there are fewer. */
const kr_violation_t *violation(const apr_array_header_t *out, int i);
/** A text n times. */
char *repeat(const char *text, int n);

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_test_pool, close_test_pool)

#endif
