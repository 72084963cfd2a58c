/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one-time codes. Every statement is bound to k->realm. */
#ifndef KR_STORE_CODE_H
#define KR_STORE_CODE_H

#include "kr_db.h"

/** A one-time code or link token, as its keyed hash. */
typedef struct kr_code_row_t {
    const char *id, *kind, *address, *address_id, *identity_id, *code_hash;
    apr_time_t used_at, expires_at; /* used_at 0: not used */
    apr_int64_t epoch;              /* read: of the identity's sessions at that time; 0 without one */
} kr_code_row_t;

/** Forget the codes of a flow: a newer one takes their place. */
kr_err_t *kr_store_codes_drop(kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** All codes of a flow. @param out array of kr_code_row_t */
kr_err_t *kr_store_codes_of_flow(apr_array_header_t **out, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** Use a code, once. @param done 0: somebody was faster */
kr_err_t *kr_store_code_use(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** Use up all open codes of that kind that an identity has in any flow. */
kr_err_t *kr_store_codes_void(kr_ctx_t *k, const char *identity_id, const char *kind) KR_MUST_CHECK;
/** Keep the keyed hash of a one-time code that was sent for a flow to an address. */
kr_err_t *kr_store_code_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *kind, const char *address,
                               const char *address_id, const char *identity_id, const char *code_hash,
                               apr_time_t expires_at) KR_MUST_CHECK;

#endif
