/* SPDX-License-Identifier: Apache-2.0 */
/* A pool per test program. */
#include "pool_env.h"

int open_pool(void **state)
{
    apr_initialize();
    return apr_pool_create((apr_pool_t **)state, NULL);
}

int close_pool(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}
