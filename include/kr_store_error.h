/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the errors that the error page shows. Every statement is bound to k->realm. */
#ifndef KR_STORE_ERROR_H
#define KR_STORE_ERROR_H

#include "kr_db.h"

/** Keep an error for the error page: `error` is the JSON of the inner error object. */
kr_err_t *kr_store_error_insert(kr_ctx_t *k, const char *id, const char *error) KR_MUST_CHECK;
/** @param error NULL when unknown @param created µs */
kr_err_t *kr_store_error_load(const char **error, apr_time_t *created, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

#endif
