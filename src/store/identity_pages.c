/* SPDX-License-Identifier: Apache-2.0 */
/* Identities one page after the other, or by a part of an identifier: what an owner asks, and no request does. */
#include "kr_store_identity.h"
#include "store.h"

static const kr_query_t IDENTITY_PAGE = {
    .name = "identity_page",
    .sql = "SELECT id FROM identities WHERE realm_id = %s AND id > %s ORDER BY id LIMIT %lld",
};

static const kr_query_t IDENTITY_PAGE_LIKE = {
    .name = "identity_page_like",
    .sql = "SELECT i.id FROM identities i WHERE i.realm_id = %s AND i.id > %s AND EXISTS (SELECT 1 "
           "FROM identity_credentials c JOIN identity_identifiers d ON d.credential_id = c.id "
           "WHERE c.identity_id = i.id AND INSTR(d.identifier, %s) > 0) ORDER BY i.id LIMIT %lld",
};

kr_err_t *kr_store_identity_page(apr_array_header_t **out, kr_ctx_t *k, const char *part, const char *after, int limit)
{
    apr_array_header_t *rows;

    if (!after) after = "";
    if (part) {
        KR_TRY(kr_db_rows(&rows, k, &IDENTITY_PAGE_LIKE, KR_S(k->realm->name), KR_S(after), KR_S(part), KR_I(limit)));
    } else {
        KR_TRY(kr_db_rows(&rows, k, &IDENTITY_PAGE, KR_S(k->realm->name), KR_S(after), KR_I(limit)));
    }
    *out = apr_array_make(k->pool, rows->nelts, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) {
        APR_ARRAY_PUSH(*out, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    }
    return NULL;
}
