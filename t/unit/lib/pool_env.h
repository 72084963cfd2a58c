/* SPDX-License-Identifier: Apache-2.0 */
/* A pool per test program, for tests that need nothing else. */
#ifndef POOL_ENV_H
#define POOL_ENV_H

#include <apr_general.h>
#include <apr_pools.h>

#include "test.h"

/** Set-up of a group: *state is a pool. */
int open_pool(void **state);
/** And its end. */
int close_pool(void **state);

#endif
