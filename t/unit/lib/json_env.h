/* SPDX-License-Identifier: Apache-2.0 */
/* A pool for each test, and JSON in it. */
#ifndef JSON_ENV_H
#define JSON_ENV_H

#include <apr_general.h>
#include <apr_pools.h>

#include "kr_json.h"
#include "test.h"

/** Of the test that runs. */
extern apr_pool_t *pool;

/** Set-up of a test. */
int open_test_pool(void **state);
/** And its end. */
int close_test_pool(void **state);
/** JSON; the test fails when it is none. */
json_t *json(const char *text);

#endif
