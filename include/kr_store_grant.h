/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what people let other sites know of them. Every statement is bound to k->realm. */
#ifndef KR_STORE_GRANT_H
#define KR_STORE_GRANT_H

#include "kr_db.h"

/** Add to what a site may know; nothing happens when the identity is gone. One statement. @param fields  bits */
kr_err_t *kr_store_grant_add(kr_ctx_t *k, const char *identity_id, const char *client_id, int fields) KR_MUST_CHECK;
/** What a site may know: 0 where nothing was granted. One statement. */
kr_err_t *kr_store_grant_find(int *fields, kr_ctx_t *k, const char *identity_id, const char *client_id) KR_MUST_CHECK;
/** Of which sites is there something? One statement. @param out  array of const char*: client ids */
kr_err_t *kr_store_grant_list(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id) KR_MUST_CHECK;
/** Take it back. One statement. */
kr_err_t *kr_store_grant_remove(kr_ctx_t *k, const char *identity_id, const char *client_id) KR_MUST_CHECK;

#endif
