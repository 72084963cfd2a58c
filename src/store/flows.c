/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of all kinds: one table, one row each. */
#include "kr_store_flow.h"
#include "store.h"

/* Without login_challenge, which nobody fills: one may be longer than the column (flow/waiting.c). */
#define COLUMNS                                                                                                        \
    "id, kind, type, state, active, ui, internal, request_url, csrf_hash, identity_id, schema_id, organization_id, "   \
    "refresh, requested_aal, submit_count, issued_at, expires_at, created_at, updated_at"
#define COLUMNS_READ COLUMNS ", spent"

static const kr_query_t FLOW_INSERT = {
    .name = "flow_insert",
    .sql = "INSERT INTO flows (" COLUMNS
           ", realm_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %lld, %s, "
           "%lld, %lld, %lld, %lld, %lld, %s)",
};

static const kr_query_t FLOW_BY_ID = {
    .name = "flow_by_id",
    .sql = "SELECT " COLUMNS_READ " FROM flows WHERE id = %s AND realm_id = %s AND kind = %s",
};

static const kr_query_t FLOW_UPDATE = {
    .name = "flow_update",
    .sql = "UPDATE flows SET state = %s, active = %s, ui = %s, internal = %s, identity_id = %s, csrf_hash = %s, "
           "updated_at = %lld WHERE id = %s AND realm_id = %s",
};

/* The form is by far the largest part of a row, and most of what InnoDB has to do for a change. */
static const kr_query_t FLOW_UPDATE_REST = {
    .name = "flow_update_rest",
    .sql = "UPDATE flows SET state = %s, active = %s, internal = %s, identity_id = %s, csrf_hash = %s, "
           "updated_at = %lld WHERE id = %s AND realm_id = %s",
};

kr_err_t *kr_store_flow_insert(kr_ctx_t *k, const kr_flow_row_t *f)
{
    return kr_db_exec(NULL, k, &FLOW_INSERT, KR_S(f->id), KR_S(f->kind), KR_S(f->type), KR_S(f->state), KR_S(f->active),
                      KR_S(f->ui), KR_S(f->internal), KR_S(f->request_url), KR_S(f->csrf_hash), KR_S(f->identity_id),
                      KR_S(f->schema_id), KR_S(f->organization_id), KR_I(f->refresh), KR_S(f->requested_aal),
                      KR_I(f->submit_count), KR_I(f->issued_at), KR_I(f->expires_at),
                      KR_I(f->created_at), KR_I(f->updated_at), KR_S(k->realm->name));
}

kr_err_t *kr_store_flow_load(kr_flow_row_t **out, kr_ctx_t *k, const char *kind, const char *id)
{
    kr_flow_row_t *f;
    kr_row_t *row;

    *out = NULL;
    if (!kr_store_id_ok(id)) return NULL;
    KR_TRY(kr_db_one(&row, k, &FLOW_BY_ID, KR_S(id), KR_S(k->realm->name), KR_S(kind)));
    if (!row) return NULL;
    *out = f = apr_pcalloc(k->pool, sizeof(*f));
    f->id = row->col[0];
    f->kind = row->col[1];
    f->type = row->col[2];
    f->state = row->col[3];
    f->active = row->col[4];
    f->ui = row->col[5];
    f->internal = row->col[6];
    f->request_url = row->col[7];
    f->csrf_hash = row->col[8];
    f->identity_id = row->col[9];
    f->schema_id = row->col[10];
    f->organization_id = row->col[11];
    f->refresh = (int)kr_row_int(row, 12);
    f->requested_aal = row->col[13];
    f->submit_count = (int)kr_row_int(row, 14);
    f->issued_at = kr_row_int(row, 15);
    f->expires_at = kr_row_int(row, 16);
    f->created_at = kr_row_int(row, 17);
    f->updated_at = kr_row_int(row, 18);
    f->spent = kr_row_int(row, 19);
    return NULL;
}

kr_err_t *kr_store_flow_update(kr_ctx_t *k, const kr_flow_row_t *f)
{
    if (!f->ui)
        return kr_db_exec(NULL, k, &FLOW_UPDATE_REST, KR_S(f->state), KR_S(f->active), KR_S(f->internal), KR_S(f->identity_id),
                          KR_S(f->csrf_hash), KR_I(f->updated_at), KR_S(f->id), KR_S(k->realm->name));
    return kr_db_exec(NULL, k, &FLOW_UPDATE, KR_S(f->state), KR_S(f->active), KR_S(f->ui), KR_S(f->internal),
                      KR_S(f->identity_id), KR_S(f->csrf_hash), KR_I(f->updated_at), KR_S(f->id),
                      KR_S(k->realm->name));
}

/* -- used up --------------------------------------------------------------- */

#define SPEND_FLOW                                                                                                     \
    "f.state = %s, f.active = %s, f.ui = %s, f.internal = %s, f.identity_id = %s, f.csrf_hash = %s, "                  \
    "f.updated_at = %lld, f.spent = f.spent + %lld"

#define NOT_TRIED_OFTEN                                                                                                \
    "AND NOT EXISTS (SELECT 1 FROM code_budgets b WHERE b.id = %s AND b.realm_id = %s AND b.begins_at > %lld AND b.used >= %lld)"

/* MySQL changes rows of two tables in one statement, which is one way to the server less. */
static const kr_query_t FLOW_SPEND_BOTH = {
    .name = "flow_spend_both",
    .sql = "UPDATE flows f, identity_credentials c SET " SPEND_FLOW ", c.config = %s, c.spent = %lld "
           "WHERE f.id = %s AND f.realm_id = %s AND f.spent = %lld "
           "AND c.id = %s AND c.realm_id = %s AND c.version = %lld AND c.spent = %lld " NOT_TRIED_OFTEN,
};

static const kr_query_t FLOW_SPEND = {
    .name = "flow_spend",
    .sql = "UPDATE flows SET state = %s, active = %s, ui = %s, internal = %s, identity_id = %s, csrf_hash = %s, "
           "updated_at = %lld, spent = spent + %lld WHERE id = %s AND realm_id = %s AND spent = %lld",
};

static const kr_query_t CREDENTIAL_SPEND = {
    .name = "credential_spend",
    .sql = "UPDATE identity_credentials SET config = %s, spent = %lld "
           "WHERE id = %s AND realm_id = %s AND version = %lld AND spent = %lld " NOT_TRIED_OFTEN,
};

#define FLOW_VALUES(f, once)                                                                                           \
    KR_S((f)->state), KR_S((f)->active), KR_S((f)->ui), KR_S((f)->internal), KR_S((f)->identity_id),                   \
        KR_S((f)->csrf_hash), KR_I((f)->updated_at), KR_I(once)

#define TRIES_VALUES(k, tries)                                                                                         \
    KR_S((tries) ? (tries)->id : ""), KR_S((k)->realm->name), KR_I((tries) ? (k)->now - (tries)->window : 0),          \
        KR_I((tries) ? (tries)->limit : 0)

static kr_err_t *spend_flow(int *done, kr_ctx_t *k, const kr_flow_row_t *f, int once)
{
    return kr_db_hit(done, k, &FLOW_SPEND, FLOW_VALUES(f, once), KR_S(f->id), KR_S(k->realm->name), KR_I(f->spent));
}

/** Both, for a database that takes one table at a time. */
typedef struct {
    const kr_flow_row_t *flow;
    int once;
    const kr_store_spend_t *spend;
    int done;
    kr_err_t *late; /* the transaction is rolled back with it */
} spending_t;

static kr_err_t *spend_in_turn(kr_ctx_t *k, void *baton)
{
    spending_t *s = baton;
    const kr_store_spend_t *spend = s->spend;

    KR_TRY(kr_db_hit(&s->done, k, &CREDENTIAL_SPEND, KR_S(spend->config), KR_I(spend->spent), KR_S(spend->id),
                     KR_S(k->realm->name), KR_I(spend->version), KR_I(spend->was), TRIES_VALUES(k, spend->tries)));
    if (!s->done) return NULL;
    KR_TRY(spend_flow(&s->done, k, s->flow, s->once));
    return s->done ? NULL : s->late;
}

kr_err_t *kr_store_flow_spend(int *done, kr_ctx_t *k, const kr_flow_row_t *f, int once, const kr_store_spend_t *spend)
{
    spending_t s = { .flow = f, .once = once, .spend = spend };
    kr_err_t *err;

    if (!spend->id) return spend_flow(done, k, f, once);
    if (!kr_dbpool_is_sqlite(k->realm->dbpool))
        return kr_db_hit(done, k, &FLOW_SPEND_BOTH, FLOW_VALUES(f, once), KR_S(spend->config), KR_I(spend->spent), KR_S(f->id),
                         KR_S(k->realm->name), KR_I(f->spent), KR_S(spend->id), KR_S(k->realm->name), KR_I(spend->version),
                         KR_I(spend->was), TRIES_VALUES(k, spend->tries));
    s.late = kr_err(k, 409, NULL, "another request was faster");
    err = kr_db_tx(k, spend_in_turn, &s);
    *done = s.done;
    return err == s.late ? NULL : err;
}

static const kr_query_t FLOW_CLAIM = {
    .name = "flow_claim",
    .sql = "UPDATE flows SET internal = %s, updated_at = CASE WHEN updated_at < %lld THEN %lld ELSE updated_at + 1 END "
           "WHERE id = %s AND realm_id = %s AND updated_at = %lld",
};

kr_err_t *kr_store_flow_claim(int *done, kr_ctx_t *k, const kr_flow_row_t *f)
{
    return kr_db_hit(done, k, &FLOW_CLAIM, KR_S(f->internal), KR_I(k->now), KR_I(k->now), KR_S(f->id), KR_S(k->realm->name),
                     KR_I(f->updated_at));
}

static const kr_query_t FLOW_COUNT = {
    .name = "flow_count",
    .sql = "UPDATE flows SET submit_count = submit_count + 1 WHERE id = %s AND realm_id = %s",
};

static const kr_query_t FLOW_COUNTED = {
    .name = "flow_counted",
    .sql = "SELECT submit_count FROM flows WHERE id = %s AND realm_id = %s",
};

/* The row stays locked until the transaction ends, so two tries at once count as two. */
kr_err_t *kr_store_flow_count(int *tries, kr_ctx_t *k, const char *flow_id)
{
    kr_row_t *row;

    KR_TRY(kr_db_exec(NULL, k, &FLOW_COUNT, KR_S(flow_id), KR_S(k->realm->name)));
    KR_TRY(kr_db_one(&row, k, &FLOW_COUNTED, KR_S(flow_id), KR_S(k->realm->name)));
    *tries = row ? (int)kr_row_int(row, 0) : 0;
    return NULL;
}
