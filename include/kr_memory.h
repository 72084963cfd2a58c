/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that more than one thread has to do with. */
#ifndef KR_MEMORY_H
#define KR_MEMORY_H

#include <apr_pools.h>

/**
 * Make a pool that shares nothing with any other: its allocator is its own and has a mutex, as the allocator of httpd's
 * pool for a child has none under the prefork MPM. It has no parent, so whoever makes it destroys it.
 * @param keep  bytes that its allocator keeps of what was given back; 0: all
 */
apr_status_t kr_pool_apart(apr_pool_t **out, apr_size_t keep);

#endif
