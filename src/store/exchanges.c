/* SPDX-License-Identifier: Apache-2.0 */
/* Session token exchanges: two codes, of which a native app holds the first and the browser brings the second. */
#include "kr_store_session.h"
#include "store.h"

static const kr_query_t EXCHANGE_INSERT = {
    .name = "exchange_insert",
    .sql = "INSERT INTO session_exchanges (id, realm_id, flow_id, init_hash, return_hash, session_id, expires_at, "
           "created_at) "
           "VALUES (%s, %s, %s, %s, %s, %s, %lld, %lld)",
};

static const kr_query_t EXCHANGE_FILL = {
    .name = "exchange_fill",
    .sql = "UPDATE session_exchanges SET return_hash = %s, session_id = %s WHERE flow_id = %s AND realm_id = %s",
};

static const kr_query_t EXCHANGE_FIND = {
    .name = "exchange_find",
    .sql =
        "SELECT id, session_id, flow_id FROM session_exchanges WHERE realm_id = %s AND init_hash = %s AND return_hash = %s AND "
        "expires_at > %lld",
};

static const kr_query_t EXCHANGE_OF_FLOW = {
    .name = "exchange_of_flow",
    .sql = "SELECT id FROM session_exchanges WHERE flow_id = %s AND realm_id = %s AND expires_at > %lld",
};

static const kr_query_t EXCHANGE_MOVE = {
    .name = "exchange_move",
    .sql = "UPDATE session_exchanges SET flow_id = %s WHERE flow_id = %s AND realm_id = %s",
};

static const kr_query_t EXCHANGE_DELETE = {
    .name = "exchange_delete",
    .sql = "DELETE FROM session_exchanges WHERE id = %s AND realm_id = %s",
};

kr_err_t *kr_store_exchange_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *init_hash,
                                   const char *return_hash, const char *session_id, apr_time_t expires_at)
{
    return kr_db_exec(NULL, k, &EXCHANGE_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(flow_id), KR_S(init_hash),
                      KR_S(return_hash), KR_S(session_id), KR_I(expires_at), KR_I(k->now));
}

kr_err_t *kr_store_exchange_fill(int *done, kr_ctx_t *k, const char *flow_id, const char *return_hash,
                                 const char *session_id)
{
    apr_int64_t changed;

    *done = 0;
    KR_TRY(kr_db_exec(&changed, k, &EXCHANGE_FILL, KR_S(return_hash), KR_S(session_id), KR_S(flow_id),
                      KR_S(k->realm->name)));
    *done = changed > 0;
    return NULL;
}

kr_err_t *kr_store_exchange_of_flow(int *waits, kr_ctx_t *k, const char *flow_id)
{
    kr_row_t *row;

    KR_TRY(kr_db_one(&row, k, &EXCHANGE_OF_FLOW, KR_S(flow_id), KR_S(k->realm->name), KR_I(k->now)));
    *waits = row != NULL;
    return NULL;
}

kr_err_t *kr_store_exchange_move(kr_ctx_t *k, const char *from, const char *to)
{
    return kr_db_exec(NULL, k, &EXCHANGE_MOVE, KR_S(to), KR_S(from), KR_S(k->realm->name));
}

kr_err_t *kr_store_exchange_take(const char **session_id, const char **flow_id, kr_ctx_t *k, const char *init_hash,
                                 const char *return_hash)
{
    apr_int64_t deleted;
    kr_row_t *row;

    *session_id = *flow_id = NULL;
    KR_TRY(kr_db_one(&row, k, &EXCHANGE_FIND, KR_S(k->realm->name), KR_S(init_hash), KR_S(return_hash), KR_I(k->now)));
    if (!row) return NULL;
    if (!row->col[1]) {
        *flow_id = row->col[2];
        return NULL;
    }
    /* of all who found it, the one whose DELETE hits has it */
    KR_TRY(kr_db_exec(&deleted, k, &EXCHANGE_DELETE, KR_S(row->col[0]), KR_S(k->realm->name)));
    if (deleted == 1) *session_id = row->col[1];
    return NULL;
}
