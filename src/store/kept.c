/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that wait, in as many rows as they need: MySQL's driver reads no more than 64 KiB of a column. */
#include "kr_store_kept.h"
#include "kr_text.h"
#include "store.h"

#define PART 48000 /* bytes */
#define PARTS (KR_STORE_KEPT_MAX / PART)
#define COLUMNS 8

static const kr_query_t KEPT_INSERT = {
    .name = "kept_insert",
    .sql = "INSERT INTO kept_posts (id, part, realm_id, owner, identity_id, sealed, expires_at, created_at) VALUES ",
    .row = "(%s, %lld, %s, %s, %s, %s, %lld, %lld)",
};

static const kr_query_t KEPT_FIND = {
    .name = "kept_find",
    .sql = "SELECT owner, identity_id, sealed, expires_at FROM kept_posts WHERE id = %s AND realm_id = %s AND expires_at > %lld "
           "ORDER BY part",
};

static const kr_query_t KEPT_TAKE = {
    .name = "kept_take",
    .sql = "DELETE FROM kept_posts WHERE id = %s AND realm_id = %s AND owner = %s AND expires_at > %lld",
};

kr_err_t *kr_store_kept_insert(kr_ctx_t *k, const kr_kept_row_t *row)
{
    const apr_size_t len = strlen(row->sealed);
    kr_arg_t args[PARTS * COLUMNS];
    int n = 0;

    if (len > KR_STORE_KEPT_MAX) return kr_err_internal(k, APR_SUCCESS, "a form of %d bytes is too long to be kept", (int)len);
    for (apr_size_t at = 0; at < len; at += PART, n++) {
        const kr_arg_t part[COLUMNS] = { KR_S(row->id), KR_I(n), KR_S(k->realm->name), KR_S(row->owner), KR_S(row->identity_id),
                                         KR_S(apr_pstrndup(k->pool, row->sealed + at, PART)), KR_I(row->expires_at), KR_I(k->now) };

        memcpy(args + n * COLUMNS, part, sizeof(part));
    }
    return kr_db_insert_many(k, &KEPT_INSERT, args, COLUMNS, n);
}

kr_err_t *kr_store_kept_find(kr_kept_row_t **out, kr_ctx_t *k, const char *id)
{
    apr_array_header_t *rows, *parts;
    const kr_row_t *first;

    *out = NULL;
    if (!kr_store_id_ok(id)) return NULL;
    KR_TRY(kr_db_rows(&rows, k, &KEPT_FIND, KR_S(id), KR_S(k->realm->name), KR_I(k->now)));
    if (!rows->nelts) return NULL;
    parts = apr_array_make(k->pool, rows->nelts, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) APR_ARRAY_PUSH(parts, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[2];
    first = &APR_ARRAY_IDX(rows, 0, kr_row_t);
    *out = apr_palloc(k->pool, sizeof(**out));
    **out = (kr_kept_row_t){ .id = apr_pstrdup(k->pool, id), .owner = first->col[0], .identity_id = first->col[1],
                             .sealed = apr_array_pstrcat(k->pool, parts, 0), .expires_at = kr_row_int(first, 3) };
    return NULL;
}

kr_err_t *kr_store_kept_take(int *done, kr_ctx_t *k, const kr_kept_row_t *row)
{
    apr_int64_t gone = 0;

    KR_TRY(kr_db_exec(&gone, k, &KEPT_TAKE, KR_S(row->id), KR_S(k->realm->name), KR_S(row->owner), KR_I(k->now)));
    *done = gone > 0;
    return NULL;
}
