/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of forms that wait for their person to sign in. Every statement is bound to k->realm. */
#ifndef KR_STORE_KEPT_H
#define KR_STORE_KEPT_H

#include "kr_db.h"

/** A form, in one piece. */
typedef struct {
    const char *id;
    const char *owner;       /* keyed hash of whose browser it is */
    const char *identity_id; /* or NULL */
    const char *sealed;
    apr_time_t expires_at;
} kr_kept_row_t;

/** Longest `sealed`: 16 parts, which go into one statement. */
#define KR_STORE_KEPT_MAX (16 * 48000)

/** Write one: one statement. */
kr_err_t *kr_store_kept_insert(kr_ctx_t *k, const kr_kept_row_t *row) KR_MUST_CHECK;
/** Read one that has not expired; out NULL when there is none. */
kr_err_t *kr_store_kept_find(kr_kept_row_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** Take one away, as it was read. @param done  0: somebody was faster */
kr_err_t *kr_store_kept_take(int *done, kr_ctx_t *k, const kr_kept_row_t *row) KR_MUST_CHECK;

#endif
