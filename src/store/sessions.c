/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: counted, listed, written. */
#include <string.h>

#include "kr_cache.h"
#include "kr_store_session.h"
#include "kr_text.h"
#include "store.h"
#include "rows.h"

static const kr_query_t SESSIONS_COUNT = {
    .name = "sessions_count",
    .sql = "SELECT COUNT(*)" KR_SESSION_FROM "WHERE s.identity_id = %s AND s.realm_id = %s AND s.id <> %s AND " KR_SESSION_ACTIVE " >= %lld AND "
           "s.expires_at > %lld",
};

kr_err_t *kr_store_session_count(apr_int64_t *out, kr_ctx_t *k, const char *identity_id, const char *except_id, int active)
{
    kr_row_t *row;

    KR_TRY(kr_db_one(&row, k, &SESSIONS_COUNT, KR_S(identity_id), KR_S(k->realm->name),
                     KR_S(kr_store_id_ok(except_id) ? except_id : ""), KR_I(active ? 1 : 0), KR_I(active ? k->now : 0)));
    *out = row ? kr_row_int(row, 0) : 0;
    return NULL;
}

static const kr_query_t SESSIONS_COUNT_RANGE = {
    .name = "sessions_count_range",
    .sql = "SELECT COUNT(*) FROM identities i JOIN sessions s ON s.identity_id = i.id WHERE i.realm_id = %s AND i.id > %s AND "
           "i.id <= %s AND " KR_SESSION_ACTIVE " AND s.expires_at > %lld",
};

kr_err_t *kr_store_session_count_range(apr_int64_t *out, kr_ctx_t *k, const char *after, const char *last)
{
    kr_row_t *row;

    KR_TRY(kr_db_one(&row, k, &SESSIONS_COUNT_RANGE, KR_S(k->realm->name), KR_S(after), KR_S(last), KR_I(k->now)));
    *out = row ? kr_row_int(row, 0) : 0;
    return NULL;
}

static const kr_query_t SESSIONS_LIST = {
    .name = "sessions_list",
    .sql = "SELECT " KR_SESSION_COLUMNS KR_SESSION_FROM "WHERE s.identity_id = %s AND s.realm_id = %s AND " KR_SESSION_ACTIVE " AND "
           "s.expires_at > %lld AND s.id <> %s ORDER BY s.created_at DESC, s.id DESC LIMIT %lld OFFSET %lld",
};

kr_err_t *kr_store_session_list(apr_array_header_t **out, apr_int64_t *total, kr_ctx_t *k, const char *identity_id,
                                const char *except_id, int limit, int offset)
{
    const char *except = kr_store_id_ok(except_id) ? except_id : "";
    apr_array_header_t *rows;

    *out = apr_array_make(k->pool, 4, sizeof(kr_session_row_t));
    KR_TRY(kr_store_session_count(total, k, identity_id, except, 1));
    KR_TRY(kr_db_rows(&rows, k, &SESSIONS_LIST, KR_S(identity_id), KR_S(k->realm->name), KR_I(k->now), KR_S(except),
                      KR_I(limit < 0 ? 0 : limit), KR_I(offset < 0 ? 0 : offset)));
    for (int i = 0; i < rows->nelts; i++) kr_rows_session(apr_array_push(*out), &APR_ARRAY_IDX(rows, i, kr_row_t));
    return NULL;
}

#define SLOTS16 "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s"

static const kr_query_t SESSIONS_ALIVE = {
    .name = "sessions_alive",
    .sql = "SELECT s.id" KR_SESSION_FROM "WHERE s.realm_id = %s AND " KR_SESSION_ACTIVE " AND "
           "s.expires_at > %lld AND i.state = 'active' AND s.id IN (" SLOTS16 ")",
    .lag = KR_LAG_FINE,
};

kr_err_t *kr_store_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n)
{
    kr_arg_t args[2 + KR_STORE_ALIVE_MAX] = { KR_S(k->realm->name), KR_I(k->now) };
    apr_array_header_t *rows;

    for (int i = 0; i < KR_STORE_ALIVE_MAX; i++) args[2 + i] = KR_S(i < n ? ids[i] : "");
    KR_TRY(kr_db_rows_(&rows, k, &SESSIONS_ALIVE, args, 2 + KR_STORE_ALIVE_MAX));
    *out = apr_array_make(k->pool, rows->nelts + 1, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) APR_ARRAY_PUSH(*out, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    return NULL;
}

/* -- changing ------------------------------------------------------------- */

/*
 * Reading the identity and writing the session are one statement, so that a proof which is not good any more makes no session.
 * Who is faster by less than that made the session before the change: then the epoch says whether it lives on.
 */
#define INSERT                                                                                                         \
    "INSERT INTO sessions (id, identity_id, token_hash, old_token_hash, old_token_until, aal, methods, active, "       \
    "device_id, ip_address, user_agent, location, issued_at, authenticated_at, expires_at, created_at, updated_at, "   \
    "epoch, seen_at, realm_id) SELECT %s, i.id, %s, NULL, 0, %s, %s, 1, %s, %s, %s, %s, %lld, %lld, %lld, %lld, %lld, "  \
    "%lld, %lld, %s "                                                                                                  \
    "FROM identities i WHERE i.id = %s AND i.realm_id = %s AND i.state = 'active' AND i.session_epoch = %lld AND "     \
    "i.version = %lld"

static const kr_query_t SESSION_INSERT = {
    .name = "session_insert",
    .sqlite = INSERT,
    .mysql = INSERT " LOCK IN SHARE MODE", /* which the foreign key takes anyway */
};

static const kr_query_t SESSION_UPDATE = {
    .name = "session_update",
    .sql =
        "UPDATE sessions SET token_hash = %s, old_token_hash = %s, old_token_until = %lld, aal = %s, methods = %s, "
        "authenticated_at = %lld, expires_at = %lld, device_id = %s, ip_address = %s, user_agent = %s, location = %s, "
        "updated_at = %lld, old_aal = %s, old_methods = %s, old_authenticated_at = %lld "
        "WHERE id = %s AND realm_id = %s AND active = 1 AND expires_at > %lld AND token_hash = %s AND updated_at = %lld AND "
        "epoch = %lld AND EXISTS "
        "(SELECT 1 FROM identities i WHERE i.id = %s AND i.state = 'active' AND i.session_epoch = %lld AND i.version = %lld)",
};

/* It has to be another value: what an UPDATE leaves as it was is not told to the other nodes of a cluster. */
static const kr_query_t SESSION_LOCK = {
    .name = "session_lock",
    .sql = "UPDATE sessions SET updated_at = CASE WHEN updated_at < %lld THEN %lld ELSE updated_at + 1 END "
           "WHERE id = %s AND realm_id = %s AND active = 1 AND expires_at > %lld AND epoch = %lld AND "
           "(token_hash = %s OR (old_token_hash = %s AND old_token_until > %lld))",
};

static const kr_query_t SESSION_EXTEND = {
    .name = "session_extend",
    .sql = "UPDATE sessions SET expires_at = %lld, updated_at = %lld WHERE id = %s AND realm_id = %s AND active = 1",
};

static const kr_query_t SESSION_SEEN = {
    .name = "session_seen",
    .sql = "UPDATE sessions SET seen_at = %lld, expires_at = CASE WHEN expires_at < %lld THEN %lld ELSE expires_at END "
           "WHERE id = %s AND realm_id = %s AND active = 1 AND expires_at > %lld AND epoch = %lld AND seen_at <= %lld",
};

static const kr_query_t SESSION_REVOKE = {
    .name = "session_revoke",
    .sql = "UPDATE sessions SET active = 0, updated_at = %lld WHERE id = %s AND realm_id = %s AND active = 1 AND "
           "identity_id = %s",
};

static const kr_query_t SESSIONS_END = {
    .name = "sessions_end",
    .sql = "UPDATE identities SET session_epoch = session_epoch + 1 WHERE id = %s AND realm_id = %s",
};

static const kr_query_t SESSIONS_END_RANGE = {
    .name = "sessions_end_range",
    .sql = "UPDATE identities SET session_epoch = session_epoch + 1 WHERE realm_id = %s AND id > %s AND id <= %s",
};

static const kr_query_t SESSIONS_END_OF_EPOCH = {
    .name = "sessions_end_of_epoch",
    .sql = "UPDATE identities SET session_epoch = session_epoch + 1 WHERE id = %s AND realm_id = %s AND session_epoch = %lld",
};

static const kr_query_t SESSION_FOLLOW = {
    .name = "session_follow",
    .sql = "UPDATE sessions SET epoch = epoch + 1 WHERE id = %s AND realm_id = %s AND identity_id = %s AND active = 1 AND "
           "expires_at > %lld AND epoch = %lld",
};

kr_err_t *kr_store_session_insert(int *done, kr_ctx_t *k, const kr_session_row_t *s, apr_int64_t version)
{
    return kr_db_hit(done, k, &SESSION_INSERT, KR_S(s->id), KR_S(s->token_hash), KR_S(s->aal), KR_S(s->methods),
                     KR_S(s->device_id), KR_S(s->ip_address), KR_S(s->user_agent), KR_S(s->location), KR_I(s->issued_at),
                     KR_I(s->authenticated_at), KR_I(s->expires_at), KR_I(s->created_at), KR_I(s->updated_at),
                     KR_I(s->epoch), KR_I(s->issued_at), KR_S(k->realm->name), KR_S(s->identity_id), KR_S(k->realm->name),
                     KR_I(s->epoch), KR_I(version));
}

/* One that has another token from now on is remembered by that of before: as it was then, which is what it shows until that ends, too. */
static int outlives_memory(const kr_session_row_t *s, const kr_session_row_t *read)
{
    return s->old_token_hash && strcmp(s->old_token_hash, read->token_hash) == 0 && s->old_token_until >= s->updated_at + KR_CACHE_AGE_MAX;
}

kr_err_t *kr_store_session_update(int *done, kr_ctx_t *k, const kr_session_row_t *s, const kr_session_row_t *read,
                                  apr_int64_t version)
{
    const kr_arg_t args[] = {
        KR_S(s->token_hash), KR_S(s->old_token_hash), KR_I(s->old_token_until), KR_S(s->aal), KR_S(s->methods),
        KR_I(s->authenticated_at), KR_I(s->expires_at), KR_S(s->device_id), KR_S(s->ip_address), KR_S(s->user_agent),
        KR_S(s->location), KR_I(s->updated_at), KR_S(s->old_aal), KR_S(s->old_methods), KR_I(s->old_authenticated_at), KR_S(s->id),
        KR_S(k->realm->name), KR_I(k->now), KR_S(read->token_hash), KR_I(read->updated_at), KR_I(s->epoch), KR_S(s->identity_id),
        KR_I(s->epoch), KR_I(version),
    };

    if (outlives_memory(s, read)) return kr_db_hit_(done, k, &SESSION_UPDATE, args, KR_DIM(args));
    return kr_feed_hit_(done, k, s->identity_id, &SESSION_UPDATE, args, KR_DIM(args));
}

kr_err_t *kr_store_session_lock(int *done, kr_ctx_t *k, const char *id, apr_int64_t epoch, const char *token_hash)
{
    return kr_db_hit(done, k, &SESSION_LOCK, KR_I(k->now), KR_I(k->now), KR_S(id), KR_S(k->realm->name), KR_I(k->now),
                     KR_I(epoch), KR_S(token_hash), KR_S(token_hash), KR_I(k->now));
}

kr_err_t *kr_store_session_extend(int *done, kr_ctx_t *k, const char *id, const char *identity_id, apr_time_t expires_at)
{
    *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    return kr_feed_hit(done, k, identity_id, &SESSION_EXTEND, KR_I(expires_at), KR_I(k->now), KR_S(id), KR_S(k->realm->name));
}

kr_err_t *kr_store_session_seen(int *done, kr_ctx_t *k, const kr_session_row_t *s, apr_time_t before, apr_time_t expires_at)
{
    return kr_db_hit(done, k, &SESSION_SEEN, KR_I(k->now), KR_I(expires_at), KR_I(expires_at), KR_S(s->id), KR_S(k->realm->name),
                     KR_I(k->now), KR_I(s->epoch), KR_I(before));
}

kr_err_t *kr_store_session_revoke(apr_int64_t *done, kr_ctx_t *k, const char *id, const char *identity_id)
{
    if (done) *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    return kr_feed_exec(done, k, identity_id, &SESSION_REVOKE, KR_I(k->now), KR_S(id), KR_S(k->realm->name), KR_S(identity_id));
}

kr_err_t *kr_store_sessions_end(int *done, kr_ctx_t *k, const char *identity_id)
{
    *done = 0;
    if (!kr_store_id_ok(identity_id)) return NULL;
    return kr_feed_hit(done, k, identity_id, &SESSIONS_END, KR_S(identity_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_sessions_end_range(kr_ctx_t *k, const char *after, const char *last)
{
    return kr_feed_exec(NULL, k, "", &SESSIONS_END_RANGE, KR_S(k->realm->name), KR_S(after), KR_S(last));
}

/* The identity first, as everywhere: who takes locks in one order does not wait in a circle. */
kr_err_t *kr_store_sessions_end_others(int *done, kr_ctx_t *k, const char *identity_id, const char *keep_id,
                                       apr_int64_t epoch)
{
    KR_TRY(kr_feed_hit(done, k, identity_id, &SESSIONS_END_OF_EPOCH, KR_S(identity_id), KR_S(k->realm->name), KR_I(epoch)));
    if (!*done) return NULL;
    return kr_db_hit(done, k, &SESSION_FOLLOW, KR_S(keep_id), KR_S(k->realm->name), KR_S(identity_id), KR_I(k->now),
                     KR_I(epoch));
}

/* -- for the owner of the site ---------------------------------------------- */

static const kr_query_t SESSION_PAGE = {
    .name = "session_page",
    .sql = "SELECT " KR_SESSION_COLUMNS KR_SESSION_FROM "WHERE s.realm_id = %s AND s.id > %s AND " KR_SESSION_ACTIVE " >= %lld AND "
           "s.expires_at > %lld ORDER BY s.id LIMIT %lld",
};

static const kr_query_t SESSION_PAGE_OF = {
    .name = "session_page_of",
    .sql = "SELECT " KR_SESSION_COLUMNS KR_SESSION_FROM "WHERE s.realm_id = %s AND s.id > %s AND " KR_SESSION_ACTIVE " >= %lld AND "
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
    for (int i = 0; i < rows->nelts; i++) kr_rows_session(apr_array_push(*out), &APR_ARRAY_IDX(rows, i, kr_row_t));
    return NULL;
}
