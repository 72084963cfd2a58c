/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anonymous shared mappings. A graceful restart makes new ones for the new children; old ones finish with theirs.
 */
#include "kr_shared.h"

#include <errno.h>
#include <sys/mman.h>

typedef struct {
    void *map;
    apr_size_t bytes;
} mapped_t;

/* Only unmapped: whatever is in it, children that still drain may be using it. */
static apr_status_t unmap(void *data)
{
    const mapped_t *it = data;

    return munmap(it->map, it->bytes) ? errno : APR_SUCCESS;
}

void *kr_shared_memory(apr_pool_t *pool, apr_size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED) return NULL;
    if (pool) {
        mapped_t *it = apr_palloc(pool, sizeof(*it));

        *it = (mapped_t){ map, bytes };
        apr_pool_cleanup_register(pool, it, unmap, apr_pool_cleanup_null);
    }
    return map;
}
