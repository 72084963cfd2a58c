/* SPDX-License-Identifier: Apache-2.0 */
/* One-time codes, as keyed hashes. They go with their flow, their address or their identity. */
#include "kr_store_budget.h"
#include "kr_store_code.h"
#include "store.h"

static const kr_query_t CODE_INSERT = {
    .name = "code_insert",
    .sql = "INSERT INTO codes (id, realm_id, flow_id, kind, address, address_id, identity_id, code_hash, attempts, "
           "used_at, "
           "expires_at, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, %lld, %lld)",
};

kr_err_t *kr_store_code_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *kind, const char *address,
                               const char *address_id, const char *identity_id, const char *code_hash,
                               apr_time_t expires_at)
{
    return kr_db_exec(NULL, k, &CODE_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(flow_id), KR_S(kind), KR_S(address),
                      KR_S(address_id), KR_S(identity_id), KR_S(code_hash), KR_I(expires_at), KR_I(k->now));
}

static const kr_query_t CODES_DROP = {
    .name = "codes_drop",
    .sql = "DELETE FROM codes WHERE flow_id = %s AND realm_id = %s",
};

static const kr_query_t CODES_OF_FLOW = {
    .name = "codes_of_flow",
    .sql = "SELECT c.id, c.kind, c.address, c.address_id, c.identity_id, c.code_hash, c.used_at, c.expires_at, i.session_epoch "
           "FROM codes c LEFT JOIN identities i ON i.id = c.identity_id WHERE c.flow_id = %s AND c.realm_id = %s",
};

static const kr_query_t CODE_USE = {
    .name = "code_use",
    .sql = "UPDATE codes SET used_at = %lld WHERE id = %s AND realm_id = %s AND used_at = 0",
};

static const kr_query_t CODES_VOID = {
    .name = "codes_void",
    .sql = "UPDATE codes SET used_at = %lld WHERE identity_id = %s AND realm_id = %s AND kind = %s AND used_at = 0",
};

kr_err_t *kr_store_codes_drop(kr_ctx_t *k, const char *flow_id)
{
    return kr_db_exec(NULL, k, &CODES_DROP, KR_S(flow_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_codes_of_flow(apr_array_header_t **out, kr_ctx_t *k, const char *flow_id)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &CODES_OF_FLOW, KR_S(flow_id), KR_S(k->realm->name)));
    *out = apr_array_make(k->pool, rows->nelts, sizeof(kr_code_row_t));
    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);

        APR_ARRAY_PUSH(*out, kr_code_row_t) = (kr_code_row_t){
            .id = row->col[0], .kind = row->col[1], .address = row->col[2], .address_id = row->col[3],
            .identity_id = row->col[4], .code_hash = row->col[5], .used_at = kr_row_int(row, 6),
            .expires_at = kr_row_int(row, 7), .epoch = kr_row_int(row, 8),
        };
    }
    return NULL;
}

kr_err_t *kr_store_code_use(int *done, kr_ctx_t *k, const char *id)
{
    apr_int64_t changed = 0;

    KR_TRY(kr_db_exec(&changed, k, &CODE_USE, KR_I(k->now), KR_S(id), KR_S(k->realm->name)));
    *done = changed == 1;
    return NULL;
}

/* `used` first: MySQL computes with what stands to the left already changed. */
#define SPEND                                                                                                          \
    "INSERT INTO code_budgets (id, realm_id, begins_at, used) VALUES (%s, %s, %lld, 1) "

static const kr_query_t BUDGET_SPEND = {
    .name = "budget_spend",
    .mysql = SPEND "ON DUPLICATE KEY UPDATE "
                   "used = CASE WHEN begins_at <= %lld THEN 1 ELSE used + 1 END, "
                   "begins_at = CASE WHEN begins_at <= %lld THEN %lld ELSE begins_at END",
    .sqlite = SPEND "ON CONFLICT (id) DO UPDATE SET "
                    "used = CASE WHEN begins_at <= %lld THEN 1 ELSE used + 1 END, "
                    "begins_at = CASE WHEN begins_at <= %lld THEN %lld ELSE begins_at END",
};

static const kr_query_t BUDGET_USED = {
    .name = "budget_used",
    .sql = "SELECT used FROM code_budgets WHERE id = %s AND realm_id = %s",
};

kr_err_t *kr_store_budget_spend(apr_int64_t *used, kr_ctx_t *k, const char *id, apr_time_t window)
{
    const apr_time_t over = k->now - window;
    kr_row_t *row;

    KR_TRY(kr_db_exec(NULL, k, &BUDGET_SPEND, KR_S(id), KR_S(k->realm->name), KR_I(k->now), KR_I(over), KR_I(over),
                      KR_I(k->now)));
    KR_TRY(kr_db_one(&row, k, &BUDGET_USED, KR_S(id), KR_S(k->realm->name)));
    *used = row ? kr_row_int(row, 0) : 0;
    return NULL;
}

#define JOIN "INSERT INTO code_budgets (id, realm_id, begins_at, used) VALUES (%s, %s, %lld, %lld) "

static const kr_query_t BUDGET_JOIN = {
    .name = "budget_join",
    .mysql = JOIN "ON DUPLICATE KEY UPDATE used = used + %lld",
    .sqlite = JOIN "ON CONFLICT (id) DO UPDATE SET used = used + %lld",
};

kr_err_t *kr_store_budget_join(apr_int64_t *all, kr_ctx_t *k, const char *id, apr_int64_t n, apr_time_t begins_at)
{
    kr_row_t *row;

    if (n) KR_TRY(kr_db_exec(NULL, k, &BUDGET_JOIN, KR_S(id), KR_S(k->realm->name), KR_I(begins_at), KR_I(n), KR_I(n)));
    KR_TRY(kr_db_one(&row, k, &BUDGET_USED, KR_S(id), KR_S(k->realm->name)));
    *all = row ? kr_row_int(row, 0) : 0;
    return NULL;
}

static const kr_query_t BUDGET_LOOK = {
    .name = "budget_look",
    .sql = "SELECT used FROM code_budgets WHERE id = %s AND realm_id = %s AND begins_at > %lld",
};

kr_err_t *kr_store_budget_look(apr_int64_t *used, kr_ctx_t *k, const char *id, apr_time_t window)
{
    kr_row_t *row;

    KR_TRY(kr_db_one(&row, k, &BUDGET_LOOK, KR_S(id), KR_S(k->realm->name), KR_I(k->now - window)));
    *used = row ? kr_row_int(row, 0) : 0;
    return NULL;
}

kr_err_t *kr_store_codes_void(kr_ctx_t *k, const char *identity_id, const char *kind)
{
    return kr_db_exec(NULL, k, &CODES_VOID, KR_I(k->now), KR_S(identity_id), KR_S(k->realm->name), KR_S(kind));
}
