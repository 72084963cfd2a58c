/* SPDX-License-Identifier: Apache-2.0 */
/* What was spent of a budget, and what was done once and shall not be again. Every statement is bound to k->realm. */
#ifndef KR_STORE_BUDGET_H
#define KR_STORE_BUDGET_H

#include "kr_db.h"

/**
 * Spend one of what a budget has for each window of time: two statements, in the caller's transaction.
 * @param id      at most 128 bytes: whose it is, a keyed hash
 * @param window  µs; a window begins with the first that is spent after the one before
 * @param used    how many were spent in this one, this included
 */
kr_err_t *kr_store_budget_spend(apr_int64_t *used, kr_ctx_t *k, const char *id, apr_time_t window) KR_MUST_CHECK;

/**
 * Add what this node has counted to what all nodes count together, in a window that begins at the same time everywhere: a statement for
 * each of both, unless n is 0.
 * @param n    below 0: so much less than before
 * @param all  how many there are now
 */
kr_err_t *kr_store_budget_join(apr_int64_t *all, kr_ctx_t *k, const char *id, apr_int64_t n, apr_time_t begins_at) KR_MUST_CHECK;

/** How many were spent in this window. One statement. */
kr_err_t *kr_store_budget_look(apr_int64_t *used, kr_ctx_t *k, const char *id, apr_time_t window) KR_MUST_CHECK;

#endif
