/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/settings.md; build/docs runs it. */
#include <apr_general.h>
#include <apr_pools.h>
#include <stdio.h>

#include "kr_draft.h"

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    fputs(kr_settings_reference(pool), stdout);
    apr_terminate();
    return ferror(stdout) != 0;
}
