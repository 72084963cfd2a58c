/* SPDX-License-Identifier: Apache-2.0 */
/* What people let other sites know of them. */
#include "kr_store_grant.h"
#include "kr_text.h"
#include "store.h"

/* Of an identity that is still there: its rows go with it. */
#define ADD                                                                                                            \
    "INSERT INTO fedcm_grants (identity_id, client_id, realm_id, fields, created_at) "                                 \
    "SELECT id, %s, realm_id, %lld, %lld FROM identities WHERE id = %s AND realm_id = %s "

static const kr_query_t GRANT_ADD = {
    .name = "grant_add",
    .mysql = ADD "ON DUPLICATE KEY UPDATE fields = fedcm_grants.fields | %lld",
    .sqlite = ADD "ON CONFLICT (identity_id, client_id) DO UPDATE SET fields = fedcm_grants.fields | %lld",
};

static const kr_query_t GRANT_FIND = {
    .name = "grant_find",
    .sql = "SELECT fields FROM fedcm_grants WHERE identity_id = %s AND client_id = %s AND realm_id = %s",
};

static const kr_query_t GRANT_LIST = {
    .name = "grant_list",
    .sql = "SELECT client_id FROM fedcm_grants WHERE identity_id = %s AND realm_id = %s AND fields <> 0",
};

static const kr_query_t GRANT_REMOVE = {
    .name = "grant_remove",
    .sql = "DELETE FROM fedcm_grants WHERE identity_id = %s AND client_id = %s AND realm_id = %s",
};

kr_err_t *kr_store_grant_add(kr_ctx_t *k, const char *identity_id, const char *client_id, int fields)
{
    return kr_db_exec(NULL, k, &GRANT_ADD, KR_S(client_id), KR_I(fields), KR_I(k->now), KR_S(identity_id), KR_S(k->realm->name),
                      KR_I(fields));
}

kr_err_t *kr_store_grant_find(int *fields, kr_ctx_t *k, const char *identity_id, const char *client_id)
{
    kr_row_t *row;

    KR_TRY(kr_db_one(&row, k, &GRANT_FIND, KR_S(identity_id), KR_S(client_id), KR_S(k->realm->name)));
    *fields = row ? (int)kr_row_int(row, 0) : 0;
    return NULL;
}

kr_err_t *kr_store_grant_list(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &GRANT_LIST, KR_S(identity_id), KR_S(k->realm->name)));
    *out = apr_array_make(k->pool, rows->nelts, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) APR_ARRAY_PUSH(*out, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    return NULL;
}

kr_err_t *kr_store_grant_remove(kr_ctx_t *k, const char *identity_id, const char *client_id)
{
    return kr_db_exec(NULL, k, &GRANT_REMOVE, KR_S(identity_id), KR_S(client_id), KR_S(k->realm->name));
}
