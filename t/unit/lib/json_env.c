/* SPDX-License-Identifier: Apache-2.0 */
/* A pool for each test, and JSON in it. */
#include "json_env.h"

apr_pool_t *pool;

int open_test_pool(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

int close_test_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

json_t *json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value) fail_msg("%s: %s", text, error.text);
    return kr_json_own(pool, value);
}
