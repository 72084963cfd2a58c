/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator wants to know of the database and of the mail queue. Rarely asked, never by a visitor. */
#include "kr_store_look.h"
#include "store.h"

static const kr_query_t LOOK_SERVER = {
    .name = "look_server",
    .mysql = "SELECT VERSION(), CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED), @@max_connections",
    .sqlite = "SELECT sqlite_version(), CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER), 0",
    .lag = KR_LAG_FINE,
};

static const kr_query_t LOOK_MIGRATIONS = {
    .name = "look_migrations",
    .sql = "SELECT COUNT(*), MAX(version) FROM schema_migrations",
    .lag = KR_LAG_FINE,
};

static const kr_query_t LOOK_QUEUE = {
    .name = "look_queue",
    .sql = "SELECT COUNT(*), MIN(created_at) FROM courier_messages WHERE realm_id = %s AND status = %s AND recipient <> id",
    .lag = KR_LAG_FINE,
};

kr_err_t *kr_store_look_server(kr_look_server_t *out, kr_ctx_t *k)
{
    kr_row_t *row;

    *out = (kr_look_server_t){ .version = "unknown" };
    KR_TRY(kr_db_one_(&row, k, &LOOK_SERVER, NULL, 0));
    if (!row) return NULL;
    if (row->col[0]) out->version = row->col[0];
    out->clock = kr_row_int(row, 1);
    out->connections = (int)kr_row_int(row, 2);
    return NULL;
}

kr_err_t *kr_store_look_migrations(int *applied, int *newest, kr_ctx_t *k)
{
    kr_row_t *row;

    *applied = *newest = 0;
    KR_TRY(kr_db_one_(&row, k, &LOOK_MIGRATIONS, NULL, 0));
    if (!row) return NULL;
    *applied = (int)kr_row_int(row, 0);
    *newest = (int)kr_row_int(row, 1);
    return NULL;
}

kr_err_t *kr_store_look_queue(kr_look_queue_t *out, kr_ctx_t *k)
{
    kr_row_t *row;

    *out = (kr_look_queue_t){ 0 };
    KR_TRY(kr_db_one(&row, k, &LOOK_QUEUE, KR_S(k->realm->name), KR_S("queued")));
    if (row) {
        out->queued = kr_row_int(row, 0);
        out->oldest = kr_row_int(row, 1);
    }
    KR_TRY(kr_db_one(&row, k, &LOOK_QUEUE, KR_S(k->realm->name), KR_S("abandoned")));
    if (row) out->abandoned = kr_row_int(row, 0);
    return NULL;
}
