/* SPDX-License-Identifier: Apache-2.0 */
/* A pool per test program, for tests that need nothing else. */
#ifndef POOL_ENV_H
#define POOL_ENV_H

#include <apr_general.h>
#include <apr_pools.h>

static int open_pool(void **state)
{
    apr_initialize();
    return apr_pool_create((apr_pool_t **)state, NULL);
}

static int close_pool(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

#endif
