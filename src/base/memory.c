/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that stand apart from httpd's. */
#include "kr_memory.h"

#include <apr_allocator.h>
#include <apr_thread_mutex.h>

apr_status_t kr_pool_apart(apr_pool_t **out, apr_size_t keep)
{
    apr_allocator_t *allocator;
    apr_thread_mutex_t *mutex;
    apr_pool_t *pool;
    apr_status_t rv = apr_allocator_create(&allocator);

    if (rv != APR_SUCCESS) return rv;
    if (keep) apr_allocator_max_free_set(allocator, keep);
    rv = apr_pool_create_ex(&pool, NULL, NULL, allocator);
    if (rv != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return rv;
    }
    apr_allocator_owner_set(allocator, pool);
    /* The mutex lies in the pool that it guards; APR lets go of it before the pool's memory goes. */
    rv = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    apr_allocator_mutex_set(allocator, mutex);
    *out = pool;
    return APR_SUCCESS;
}
