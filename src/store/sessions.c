/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions. Finding one by its token is what every guarded request may ask for: one joined statement. */
#include "room.h"
#include "rows.h"

#define COLUMNS                                                                                                        \
    "s.id, s.identity_id, s.token_hash, s.old_token_hash, s.old_token_until, s.aal, s.methods, s.active, "             \
    "s.device_id, "                                                                                                    \
    "s.ip_address, s.user_agent, s.location, s.issued_at, s.authenticated_at, s.expires_at, s.created_at, "            \
    "s.updated_at"
#define NCOLUMNS 17

static void session_from_row(kr_session_row_t *s, const kr_row_t *row)
{
    s->id = row->col[0];
    s->identity_id = row->col[1];
    s->token_hash = row->col[2];
    s->old_token_hash = row->col[3];
    s->old_token_until = kr_row_int(row, 4);
    s->aal = row->col[5];
    s->methods = row->col[6];
    s->active = (int)kr_row_int(row, 7);
    s->device_id = row->col[8];
    s->ip_address = row->col[9];
    s->user_agent = row->col[10];
    s->location = row->col[11];
    s->issued_at = kr_row_int(row, 12);
    s->authenticated_at = kr_row_int(row, 13);
    s->expires_at = kr_row_int(row, 14);
    s->created_at = kr_row_int(row, 15);
    s->updated_at = kr_row_int(row, 16);
}

/* -- finding -------------------------------------------------------------- */

#define WITH_IDENTITY                                                                                                  \
    "SELECT " COLUMNS ", " KR_IDENTITY_COLUMNS ", " KR_ADDRESS_COLUMNS " FROM sessions s "                             \
    "JOIN identities i ON i.id = s.identity_id LEFT JOIN identity_addresses a ON a.identity_id = i.id "

static const kr_query_t SESSION_BY_TOKEN = {
    .name = "session_by_token",
    .sql = WITH_IDENTITY "WHERE s.realm_id = %s AND s.token_hash = %s",
};

static const kr_query_t SESSION_BY_OLD_TOKEN = {
    .name = "session_by_old_token",
    .sql = WITH_IDENTITY "WHERE s.realm_id = %s AND s.old_token_hash = %s",
};

static const kr_query_t SESSION_BY_ID = {
    .name = "session_by_id",
    .sql = WITH_IDENTITY "WHERE s.realm_id = %s AND s.id = %s",
};

static kr_err_t *find(kr_session_rows_t **out, kr_ctx_t *k, const kr_query_t *q, const char *key)
{
    kr_session_rows_t *found;
    apr_array_header_t *rows;

    *out = NULL;
    KR_TRY(kr_db_rows(&rows, k, q, KR_S(k->realm->name), KR_S(key)));
    if (!rows->nelts) return NULL;
    *out = found = apr_pcalloc(k->pool, sizeof(*found));
    session_from_row(&found->session, &APR_ARRAY_IDX(rows, 0, kr_row_t));
    found->identity = kr_rows_identity(k->pool, &APR_ARRAY_IDX(rows, 0, kr_row_t), NCOLUMNS);
    for (int i = 0; i < rows->nelts; i++) {
        kr_rows_address(found->identity, &APR_ARRAY_IDX(rows, i, kr_row_t), NCOLUMNS + KR_IDENTITY_NCOLUMNS);
    }
    return NULL;
}

kr_err_t *kr_store_session_find(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash, int old)
{
    return find(out, k, old ? &SESSION_BY_OLD_TOKEN : &SESSION_BY_TOKEN, token_hash);
}

kr_err_t *kr_store_session_by_id(kr_session_rows_t **out, kr_ctx_t *k, const char *id)
{
    *out = NULL;
    return kr_store_id_ok(id) ? find(out, k, &SESSION_BY_ID, id) : NULL;
}

static const kr_query_t SESSIONS_COUNT = {
    .name = "sessions_count",
    .sql = "SELECT COUNT(*) FROM sessions WHERE identity_id = %s AND realm_id = %s AND active = 1 AND expires_at > "
           "%lld AND "
           "id <> %s",
};

static const kr_query_t SESSIONS_LIST = {
    .name = "sessions_list",
    .sql = "SELECT " COLUMNS " FROM sessions s WHERE s.identity_id = %s AND s.realm_id = %s AND s.active = 1 AND "
           "s.expires_at > %lld AND s.id <> %s ORDER BY s.created_at DESC, s.id DESC LIMIT %lld OFFSET %lld",
};

kr_err_t *kr_store_session_list(apr_array_header_t **out, apr_int64_t *total, kr_ctx_t *k, const char *identity_id,
                                const char *except_id, int limit, int offset)
{
    const char *except = kr_store_id_ok(except_id) ? except_id : "";
    apr_array_header_t *rows;
    kr_row_t *count;

    *out = apr_array_make(k->pool, 4, sizeof(kr_session_row_t));
    *total = 0;
    KR_TRY(kr_db_one(&count, k, &SESSIONS_COUNT, KR_S(identity_id), KR_S(k->realm->name), KR_I(k->now), KR_S(except)));
    if (count) *total = kr_row_int(count, 0);
    KR_TRY(kr_db_rows(&rows, k, &SESSIONS_LIST, KR_S(identity_id), KR_S(k->realm->name), KR_I(k->now), KR_S(except),
                      KR_I(limit < 0 ? 0 : limit), KR_I(offset < 0 ? 0 : offset)));
    for (int i = 0; i < rows->nelts; i++) session_from_row(apr_array_push(*out), &APR_ARRAY_IDX(rows, i, kr_row_t));
    return NULL;
}

#define SLOTS16 "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s"

static const kr_query_t SESSIONS_ALIVE = {
    .name = "sessions_alive",
    .sql = "SELECT s.id FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.realm_id = %s AND s.active = 1 AND "
           "s.expires_at > %lld AND i.state = 'active' AND s.id IN (" SLOTS16 ")",
};

kr_err_t *kr_store_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n)
{
    kr_arg_t args[2 + KR_SESSIONS_ALIVE_MAX] = { KR_S(k->realm->name), KR_I(k->now) };
    apr_array_header_t *rows;

    for (int i = 0; i < KR_SESSIONS_ALIVE_MAX; i++) args[2 + i] = KR_S(i < n ? ids[i] : "");
    KR_TRY(kr_db_rows_(&rows, k, &SESSIONS_ALIVE, args, 2 + KR_SESSIONS_ALIVE_MAX));
    *out = apr_array_make(k->pool, rows->nelts + 1, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) APR_ARRAY_PUSH(*out, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    return NULL;
}

/* -- changing ------------------------------------------------------------- */

static const kr_query_t SESSION_INSERT = {
    .name = "session_insert",
    .sql =
        "INSERT INTO sessions (id, identity_id, token_hash, old_token_hash, old_token_until, aal, methods, active, "
        "device_id, ip_address, user_agent, location, issued_at, authenticated_at, expires_at, created_at, updated_at, "
        "realm_id) VALUES (%s, %s, %s, %s, %lld, %s, %s, %lld, %s, %s, %s, %s, %lld, %lld, %lld, %lld, %lld, %s)",
};

static const kr_query_t SESSION_UPDATE = {
    .name = "session_update",
    .sql =
        "UPDATE sessions SET token_hash = %s, old_token_hash = %s, old_token_until = %lld, aal = %s, methods = %s, "
        "authenticated_at = %lld, expires_at = %lld, device_id = %s, ip_address = %s, user_agent = %s, location = %s, "
        "updated_at = %lld WHERE id = %s AND realm_id = %s",
};

static const kr_query_t SESSION_EXTEND = {
    .name = "session_extend",
    .sql = "UPDATE sessions SET expires_at = %lld, updated_at = %lld WHERE id = %s AND realm_id = %s AND active = 1",
};

static const kr_query_t SESSION_REVOKE = {
    .name = "session_revoke",
    .sql = "UPDATE sessions SET active = 0, updated_at = %lld WHERE id = %s AND realm_id = %s AND active = 1",
};

static const kr_query_t SESSION_REVOKE_OF = {
    .name = "session_revoke_of",
    .sql = "UPDATE sessions SET active = 0, updated_at = %lld WHERE id = %s AND realm_id = %s AND active = 1 AND "
           "identity_id = %s",
};

static const kr_query_t SESSIONS_REVOKE_OTHERS = {
    .name = "sessions_revoke_others",
    /* those that had ended before count, but keep the time of their end, from which the sweep counts */
    .sql = "UPDATE sessions SET updated_at = CASE WHEN active = 1 THEN %lld ELSE updated_at END, active = 0 "
           "WHERE identity_id = %s AND realm_id = %s AND id <> %s",
};

kr_err_t *kr_store_session_insert(kr_ctx_t *k, const kr_session_row_t *s)
{
    return kr_db_exec(NULL, k, &SESSION_INSERT, KR_S(s->id), KR_S(s->identity_id), KR_S(s->token_hash),
                      KR_S(s->old_token_hash), KR_I(s->old_token_until), KR_S(s->aal), KR_S(s->methods),
                      KR_I(s->active), KR_S(s->device_id), KR_S(s->ip_address), KR_S(s->user_agent), KR_S(s->location),
                      KR_I(s->issued_at), KR_I(s->authenticated_at), KR_I(s->expires_at), KR_I(s->created_at),
                      KR_I(s->updated_at), KR_S(k->realm->name));
}

kr_err_t *kr_store_session_update(kr_ctx_t *k, const kr_session_row_t *s)
{
    return kr_db_exec(NULL, k, &SESSION_UPDATE, KR_S(s->token_hash), KR_S(s->old_token_hash), KR_I(s->old_token_until),
                      KR_S(s->aal), KR_S(s->methods), KR_I(s->authenticated_at), KR_I(s->expires_at),
                      KR_S(s->device_id), KR_S(s->ip_address), KR_S(s->user_agent), KR_S(s->location),
                      KR_I(s->updated_at), KR_S(s->id), KR_S(k->realm->name));
}

kr_err_t *kr_store_session_extend(int *done, kr_ctx_t *k, const char *id, apr_time_t expires_at)
{
    apr_int64_t changed = 0;

    *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    KR_TRY(kr_db_exec(&changed, k, &SESSION_EXTEND, KR_I(expires_at), KR_I(k->now), KR_S(id), KR_S(k->realm->name)));
    *done = changed > 0;
    return NULL;
}

kr_err_t *kr_store_session_revoke(apr_int64_t *done, kr_ctx_t *k, const char *id, const char *identity_id)
{
    if (done) *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    if (!identity_id) return kr_db_exec(done, k, &SESSION_REVOKE, KR_I(k->now), KR_S(id), KR_S(k->realm->name));
    return kr_db_exec(done, k, &SESSION_REVOKE_OF, KR_I(k->now), KR_S(id), KR_S(k->realm->name), KR_S(identity_id));
}

kr_err_t *kr_store_session_revoke_others(apr_int64_t *done, kr_ctx_t *k, const char *identity_id, const char *except_id)
{
    return kr_db_exec(done, k, &SESSIONS_REVOKE_OTHERS, KR_I(k->now), KR_S(identity_id), KR_S(k->realm->name),
                      KR_S(kr_store_id_ok(except_id) ? except_id : ""));
}

/* -- for the owner of the site ---------------------------------------------- */

static const kr_query_t SESSION_PAGE = {
    .name = "session_page",
    .sql = "SELECT " COLUMNS " FROM sessions s WHERE s.realm_id = %s AND s.id > %s AND s.active >= %lld AND "
           "s.expires_at > %lld ORDER BY s.id LIMIT %lld",
};

static const kr_query_t SESSION_PAGE_OF = {
    .name = "session_page_of",
    .sql = "SELECT " COLUMNS " FROM sessions s WHERE s.realm_id = %s AND s.id > %s AND s.active >= %lld AND "
           "s.expires_at > %lld AND s.identity_id = %s ORDER BY s.id LIMIT %lld",
};

kr_err_t *kr_store_session_page(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id, int active,
                                const char *after, int limit)
{
    const apr_time_t alive = active ? k->now : 0;
    apr_array_header_t *rows;

    if (!after) after = "";
    if (identity_id) {
        KR_TRY(kr_db_rows(&rows, k, &SESSION_PAGE_OF, KR_S(k->realm->name), KR_S(after), KR_I(active), KR_I(alive),
                          KR_S(identity_id), KR_I(limit)));
    } else {
        KR_TRY(kr_db_rows(&rows, k, &SESSION_PAGE, KR_S(k->realm->name), KR_S(after), KR_I(active), KR_I(alive),
                          KR_I(limit)));
    }
    *out = apr_array_make(k->pool, rows->nelts, sizeof(kr_session_row_t));
    for (int i = 0; i < rows->nelts; i++) session_from_row(apr_array_push(*out), &APR_ARRAY_IDX(rows, i, kr_row_t));
    return NULL;
}
