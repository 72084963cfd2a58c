/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions of owners, run against strangers' values: PCRE2 in UTF mode, with limits on time, depth and memory. */
#ifndef KR_PATTERN_H
#define KR_PATTERN_H

#include <apr_pools.h>

typedef struct kr_pattern_t kr_pattern_t;

/** Compile a regular expression. @return NULL with *why */
kr_pattern_t *kr_pattern_make(apr_pool_t *pool, const char *text, const char **why);
/** Does it match anywhere? @return 1 yes, 0 no, -1 too much work to tell */
int kr_pattern_find(const kr_pattern_t *pattern, const char *subject, apr_size_t len);
/** Would kr_pattern_make take it? */
int kr_pattern_valid(const char *text);

#endif
