/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that wait for the error page to fetch them. */
#include "kr_store_error.h"
#include "store.h"

static const kr_query_t ERROR_INSERT = {
    .name = "error_insert",
    .sql = "INSERT INTO selfservice_errors (id, realm_id, error, created_at) VALUES (%s, %s, %s, %lld)",
};

static const kr_query_t ERROR_BY_ID = {
    .name = "error_by_id",
    .sql = "SELECT error, created_at FROM selfservice_errors WHERE id = %s AND realm_id = %s",
};

kr_err_t *kr_store_error_insert(kr_ctx_t *k, const char *id, const char *error)
{
    return kr_db_exec(NULL, k, &ERROR_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(error), KR_I(k->now));
}

kr_err_t *kr_store_error_load(const char **error, apr_time_t *created, kr_ctx_t *k, const char *id)
{
    kr_row_t *row;

    *error = NULL;
    *created = 0;
    if (!kr_store_id_ok(id)) return NULL;
    KR_TRY(kr_db_one(&row, k, &ERROR_BY_ID, KR_S(id), KR_S(k->realm->name)));
    if (!row) return NULL;
    *error = row->col[0];
    *created = kr_row_int(row, 1);
    return NULL;
}
