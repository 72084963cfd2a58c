/* SPDX-License-Identifier: Apache-2.0 */
/* A session is found by its token, which every guarded request may ask for: one joined statement. */
#include <string.h>

#include "kr_store_session.h"
#include "store.h"
#include "rows.h"

void kr_rows_session(kr_session_row_t *s, const kr_row_t *row)
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
    s->epoch = kr_row_int(row, 17);
    s->old_aal = row->col[18];
    s->old_methods = row->col[19];
    s->old_authenticated_at = kr_row_int(row, 20);
    s->seen_at = kr_row_int(row, 21);
}

#define COLUMNS "SELECT " KR_SESSION_COLUMNS ", " KR_IDENTITY_COLUMNS ", " KR_ADDRESS_COLUMNS
#define FROM KR_SESSION_FROM "LEFT JOIN identity_addresses a ON a.identity_id = i.id "
#define WITH_IDENTITY COLUMNS FROM

static const kr_query_t SESSION_BY_TOKEN = {
    .name = "session_by_token",
    .sql = WITH_IDENTITY "WHERE s.realm_id = %s AND s.token_hash = %s",
    .lag = KR_LAG_UNLESS_MISSING,
};

static const kr_query_t SESSION_TO_REMEMBER = {
    .name = "session_to_remember",
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

/* With credentials and their identifiers: each combination of those and an address is a row. They are few, and one way to the server. */
#define WHOLE                                                                                                          \
    COLUMNS ", " KR_CREDENTIAL_COLUMNS ", d.identifier" FROM                                                           \
    "LEFT JOIN identity_credentials c ON c.identity_id = i.id AND c.realm_id = s.realm_id "                            \
    "LEFT JOIN identity_identifiers d ON d.credential_id = c.id "

static const kr_query_t SESSION_WHOLE_BY_TOKEN = {
    .name = "session_whole_by_token",
    .sql = WHOLE "WHERE s.realm_id = %s AND s.token_hash = %s",
};

static const kr_query_t SESSION_WHOLE_BY_OLD_TOKEN = {
    .name = "session_whole_by_old_token",
    .sql = WHOLE "WHERE s.realm_id = %s AND s.old_token_hash = %s",
};

static int has_address(const kr_identity_rows_t *rows, const char *id)
{
    for (int i = 0; id && i < rows->addresses->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(rows->addresses, i, kr_address_row_t).id, id) == 0) return 1;
    return 0;
}

static int has_credential(const kr_identity_rows_t *rows, const char *id)
{
    for (int i = 0; i < rows->credentials->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(rows->credentials, i, kr_credential_row_t).id, id) == 0) return 1;
    return 0;
}

static int has_identifier(const kr_identity_rows_t *rows, const char *credential_id, const char *identifier)
{
    for (int i = 0; i < rows->identifiers->nelts; i++) {
        const kr_identifier_row_t *d = &APR_ARRAY_IDX(rows->identifiers, i, kr_identifier_row_t);

        if (strcmp(d->credential_id, credential_id) == 0 && strcmp(d->identifier, identifier) == 0) return 1;
    }
    return 0;
}

static void add_whole(kr_identity_rows_t *out, const kr_row_t *row, int at)
{
    const int credential = at + KR_ADDRESS_NCOLUMNS, identifier = credential + KR_CREDENTIAL_NCOLUMNS;

    if (!has_address(out, row->col[at])) kr_rows_address(out, row, at);
    if (!row->col[credential]) return;
    if (!has_credential(out, row->col[credential])) kr_rows_credential(out, row, credential);
    if (row->col[identifier] && !has_identifier(out, row->col[credential], row->col[identifier]))
        kr_rows_identifier(out, row->col[credential], row->col[credential + 1], row->col[identifier]);
}

static kr_err_t *find(kr_session_rows_t **out, kr_ctx_t *k, const kr_query_t *q, int whole, const char *key)
{
    kr_session_rows_t *found;
    apr_array_header_t *rows;

    *out = NULL;
    KR_TRY(kr_db_rows(&rows, k, q, KR_S(k->realm->name), KR_S(key)));
    if (!rows->nelts) return NULL;
    *out = found = apr_pcalloc(k->pool, sizeof(*found));
    kr_rows_session(&found->session, &APR_ARRAY_IDX(rows, 0, kr_row_t));
    found->identity = kr_rows_identity(k->pool, &APR_ARRAY_IDX(rows, 0, kr_row_t), KR_SESSION_NCOLUMNS);
    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);

        if (whole) add_whole(found->identity, row, KR_SESSION_NCOLUMNS + KR_IDENTITY_NCOLUMNS);
        else kr_rows_address(found->identity, row, KR_SESSION_NCOLUMNS + KR_IDENTITY_NCOLUMNS);
    }
    return NULL;
}

kr_err_t *kr_store_session_find(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash, int old, int whole)
{
    static const kr_query_t *const by[2][2] = { { &SESSION_BY_TOKEN, &SESSION_WHOLE_BY_TOKEN },
                                                { &SESSION_BY_OLD_TOKEN, &SESSION_WHOLE_BY_OLD_TOKEN } };

    return find(out, k, by[old][whole], whole, token_hash);
}

kr_err_t *kr_store_session_to_remember(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash)
{
    return find(out, k, &SESSION_TO_REMEMBER, 0, token_hash);
}

kr_err_t *kr_store_session_by_id(kr_session_rows_t **out, kr_ctx_t *k, const char *id)
{
    *out = NULL;
    return kr_store_id_ok(id) ? find(out, k, &SESSION_BY_ID, 0, id) : NULL;
}
