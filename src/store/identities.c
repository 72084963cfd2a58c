/* SPDX-License-Identifier: Apache-2.0 */
/* Identities with what belongs to them: credentials, the identifiers that find those, addresses. */
#include <string.h>

#include "kr_text.h"
#include "store.h"
#include "rows.h"

/* -- writing -------------------------------------------------------------- */

static const kr_query_t IDENTITY_INSERT = {
    .name = "identity_insert",
    .sql =
        "INSERT INTO identities (id, realm_id, schema_id, state, traits, metadata_public, metadata_admin, external_id, "
        "available_aal, state_changed_at, created_at, updated_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %lld, %lld, %lld)",
};

static const kr_query_t CREDENTIALS_INSERT = {
    .name = "credentials_insert",
    .sql = "INSERT INTO identity_credentials (id, realm_id, identity_id, type, config, created_at, updated_at, spent) VALUES",
    .row = "(%s, %s, %s, %s, %s, %lld, %lld, %lld)",
};

static const kr_query_t IDENTIFIERS_INSERT = {
    .name = "identifiers_insert",
    .sql = "INSERT INTO identity_identifiers (realm_id, type, identifier, credential_id) VALUES",
    .row = "(%s, %s, %s, %s)",
};

static const kr_query_t KEYS_INSERT = {
    .name = "keys_insert",
    .sql = "INSERT INTO identity_keys (realm_id, key_hash, credential_id) VALUES",
    .row = "(%s, %s, %s)",
};

static const kr_query_t ADDRESSES_INSERT = {
    .name = "addresses_insert",
    .sql =
        "INSERT INTO identity_addresses (id, realm_id, identity_id, recovery, via, value, status, verified, position, "
        "verified_at, created_at, updated_at) VALUES",
    .row = "(%s, %s, %s, %lld, %s, %s, %s, %lld, %lld, %lld, %lld, %lld)",
};

static const kr_query_t ADDRESS_STATUS = {
    .name = "address_status",
    .sql = "UPDATE identity_addresses SET status = %s, updated_at = %lld WHERE id = %s AND realm_id = %s AND verified = 0",
};

static kr_err_t *insert_credentials(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const int per_row = 8, n = rows->credentials->nelts;
    kr_arg_t *args = apr_palloc(k->pool, sizeof(*args) * (apr_size_t)(per_row * n + 1)), *arg = args;

    for (int i = 0; i < n; i++) {
        const kr_credential_row_t *c = &APR_ARRAY_IDX(rows->credentials, i, kr_credential_row_t);
        *arg++ = KR_S(c->id);
        *arg++ = KR_S(k->realm->name);
        *arg++ = KR_S(rows->identity.id);
        *arg++ = KR_S(c->type);
        *arg++ = KR_S(c->config);
        *arg++ = KR_I(c->created_at);
        *arg++ = KR_I(c->updated_at);
        *arg++ = KR_I(c->spent);
    }
    return kr_db_insert_many(k, &CREDENTIALS_INSERT, args, per_row, n);
}

static kr_err_t *insert_identifiers(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const int per_row = 4, n = rows->identifiers->nelts;
    kr_arg_t *args = apr_palloc(k->pool, sizeof(*args) * (apr_size_t)(per_row * n + 1)), *arg = args;

    for (int i = 0; i < n; i++) {
        const kr_identifier_row_t *d = &APR_ARRAY_IDX(rows->identifiers, i, kr_identifier_row_t);
        *arg++ = KR_S(k->realm->name);
        *arg++ = KR_S(d->type);
        *arg++ = KR_S(d->identifier);
        *arg++ = KR_S(d->credential_id);
    }
    return kr_db_insert_many(k, &IDENTIFIERS_INSERT, args, per_row, n);
}

static kr_err_t *insert_keys(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const int per_row = 3, n = rows->keys ? rows->keys->nelts : 0;
    kr_arg_t *args = apr_palloc(k->pool, sizeof(*args) * (apr_size_t)(per_row * n + 1)), *arg = args;

    for (int i = 0; i < n; i++) {
        const kr_key_row_t *key = &APR_ARRAY_IDX(rows->keys, i, kr_key_row_t);
        *arg++ = KR_S(k->realm->name);
        *arg++ = KR_S(key->hash);
        *arg++ = KR_S(key->credential_id);
    }
    return kr_db_insert_many(k, &KEYS_INSERT, args, per_row, n);
}

static kr_err_t *insert_addresses(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const int per_row = 12, n = rows->addresses->nelts;
    kr_arg_t *args = apr_palloc(k->pool, sizeof(*args) * (apr_size_t)(per_row * n + 1)), *arg = args;

    for (int i = 0; i < n; i++) {
        const kr_address_row_t *a = &APR_ARRAY_IDX(rows->addresses, i, kr_address_row_t);
        *arg++ = KR_S(a->id);
        *arg++ = KR_S(k->realm->name);
        *arg++ = KR_S(rows->identity.id);
        *arg++ = KR_I(a->recovery);
        *arg++ = KR_S(a->via);
        *arg++ = KR_S(a->value);
        *arg++ = KR_S(a->status);
        *arg++ = KR_I(a->verified);
        *arg++ = KR_I(a->position);
        *arg++ = KR_I(a->verified_at);
        *arg++ = KR_I(a->created_at);
        *arg++ = KR_I(a->updated_at);
    }
    return kr_db_insert_many(k, &ADDRESSES_INSERT, args, per_row, n);
}

kr_err_t *kr_store_identity_insert(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const kr_identity_row_t *i = &rows->identity;

    KR_TRY(kr_db_exec(NULL, k, &IDENTITY_INSERT, KR_S(i->id), KR_S(k->realm->name), KR_S(i->schema_id), KR_S(i->state),
                      KR_S(i->traits), KR_S(i->metadata_public), KR_S(i->metadata_admin), KR_S(i->external_id),
                      KR_S(i->available_aal), KR_I(i->state_changed_at), KR_I(i->created_at), KR_I(i->updated_at)));
    return kr_store_identity_add(k, rows);
}

static void note_status(kr_ctx_t *k, void *baton)
{
    kr_feed_note(k, baton);
}

kr_err_t *kr_store_address_status(kr_ctx_t *k, const char *identity_id, const char *address_id, const char *status)
{
    KR_TRY(kr_db_exec(NULL, k, &ADDRESS_STATUS, KR_S(status), KR_I(k->now), KR_S(address_id), KR_S(k->realm->name)));
    kr_db_after_commit(k, note_status, (void *)identity_id);
    return NULL;
}

kr_err_t *kr_store_identity_add(kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    KR_TRY(insert_credentials(k, rows));
    KR_TRY(insert_identifiers(k, rows));
    KR_TRY(insert_keys(k, rows));
    return insert_addresses(k, rows);
}

/* -- reading -------------------------------------------------------------- */

int kr_store_id_ok(const char *id)
{
    apr_size_t len = id ? strnlen(id, KR_UUID_LEN + 1) : 0;

    if (len == 0 || len > KR_UUID_LEN) return 0;
    for (apr_size_t i = 0; i < len; i++) {
        if (id[i] <= ' ' || id[i] > '~') return 0;
    }
    return 1;
}

kr_identity_rows_t *kr_rows_identity(apr_pool_t *pool, const kr_row_t *row, int at)
{
    kr_identity_rows_t *out = apr_pcalloc(pool, sizeof(*out));
    kr_identity_row_t *i = &out->identity;

    i->id = row->col[at];
    i->schema_id = row->col[at + 1];
    i->state = row->col[at + 2];
    i->traits = row->col[at + 3];
    i->metadata_public = row->col[at + 4];
    i->external_id = row->col[at + 5];
    i->available_aal = row->col[at + 6];
    i->state_changed_at = kr_row_int(row, at + 7);
    i->created_at = kr_row_int(row, at + 8);
    i->updated_at = kr_row_int(row, at + 9);
    i->version = kr_row_int(row, at + 10);
    i->epoch = kr_row_int(row, at + 11);
    out->addresses = apr_array_make(pool, 2, sizeof(kr_address_row_t));
    out->credentials = apr_array_make(pool, 1, sizeof(kr_credential_row_t));
    out->identifiers = apr_array_make(pool, 1, sizeof(kr_identifier_row_t));
    return out;
}

/* Put the last of the addresses where it belongs. They are few, and MySQL would need a temporary table for ORDER BY. */
static void sort_in(apr_array_header_t *addresses)
{
    kr_address_row_t *all = (kr_address_row_t *)addresses->elts, last = all[addresses->nelts - 1];
    int i = addresses->nelts - 1;

    for (; i > 0 && (all[i - 1].position > last.position ||
                     (all[i - 1].position == last.position && strcmp(all[i - 1].id, last.id) > 0));
         i--) {
        all[i] = all[i - 1];
    }
    all[i] = last;
}

void kr_rows_address(kr_identity_rows_t *out, const kr_row_t *row, int at)
{
    kr_address_row_t *a;

    if (!row->col[at]) return;
    a = apr_array_push(out->addresses);
    a->id = row->col[at];
    a->via = row->col[at + 1];
    a->value = row->col[at + 2];
    a->status = row->col[at + 3];
    a->recovery = (int)kr_row_int(row, at + 4);
    a->verified = (int)kr_row_int(row, at + 5);
    a->position = (int)kr_row_int(row, at + 6);
    a->verified_at = kr_row_int(row, at + 7);
    a->created_at = kr_row_int(row, at + 8);
    a->updated_at = kr_row_int(row, at + 9);
    sort_in(out->addresses);
}

void kr_rows_credential(kr_identity_rows_t *out, const kr_row_t *row, int at)
{
    kr_credential_row_t *c = apr_array_push(out->credentials);

    c->id = row->col[at];
    c->type = row->col[at + 1];
    c->config = row->col[at + 2];
    c->created_at = kr_row_int(row, at + 3);
    c->updated_at = kr_row_int(row, at + 4);
    c->version = kr_row_int(row, at + 5);
    c->spent = kr_row_int(row, at + 6);
}

void kr_rows_identifier(kr_identity_rows_t *out, const char *credential_id, const char *type, const char *identifier)
{
    kr_identifier_row_t *d = apr_array_push(out->identifiers);

    d->credential_id = credential_id;
    d->type = type;
    d->identifier = identifier;
}

static const kr_query_t IDENTITY_BY_IDENTIFIER = {
    .name = "identity_by_identifier",
    .sql = "SELECT " KR_IDENTITY_COLUMNS ", " KR_CREDENTIAL_COLUMNS ", " KR_ADDRESS_COLUMNS " FROM identity_identifiers d "
           "JOIN identity_credentials c ON c.id = d.credential_id JOIN identities i ON i.id = c.identity_id "
           "LEFT JOIN identity_addresses a ON a.identity_id = i.id "
           "WHERE d.realm_id = %s AND d.identifier = %s AND d.type = %s",
};

static const kr_query_t IDENTITY_BY_KEY = {
    .name = "identity_by_key",
    .sql = "SELECT " KR_IDENTITY_COLUMNS ", " KR_CREDENTIAL_COLUMNS ", " KR_ADDRESS_COLUMNS " FROM identity_keys d "
           "JOIN identity_credentials c ON c.id = d.credential_id JOIN identities i ON i.id = c.identity_id "
           "LEFT JOIN identity_addresses a ON a.identity_id = i.id "
           "WHERE d.realm_id = %s AND d.key_hash = %s",
};

/* One credential, and its identity as often as that has addresses. */
static kr_identity_rows_t *with_credential(kr_ctx_t *k, const apr_array_header_t *rows)
{
    kr_identity_rows_t *out;
    const kr_row_t *first;

    if (!rows->nelts) return NULL;
    first = &APR_ARRAY_IDX(rows, 0, kr_row_t);
    out = kr_rows_identity(k->pool, first, 0);
    kr_rows_credential(out, first, KR_IDENTITY_NCOLUMNS);
    for (int i = 0; i < rows->nelts; i++) {
        kr_rows_address(out, &APR_ARRAY_IDX(rows, i, kr_row_t), KR_IDENTITY_NCOLUMNS + KR_CREDENTIAL_NCOLUMNS);
    }
    return out;
}

kr_err_t *kr_store_identity_find(kr_identity_rows_t **out, kr_ctx_t *k, const char *type, const char *identifier)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &IDENTITY_BY_IDENTIFIER, KR_S(k->realm->name), KR_S(identifier), KR_S(type)));
    *out = with_credential(k, rows);
    if (*out) kr_rows_identifier(*out, APR_ARRAY_IDX((*out)->credentials, 0, kr_credential_row_t).id, type, identifier);
    return NULL;
}

kr_err_t *kr_store_identity_by_key(kr_identity_rows_t **out, kr_ctx_t *k, const char *hash)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &IDENTITY_BY_KEY, KR_S(k->realm->name), KR_S(hash)));
    *out = with_credential(k, rows);
    return NULL;
}

static const kr_query_t IDENTITY_BY_ID = {
    .name = "identity_by_id",
    .sql = "SELECT " KR_IDENTITY_COLUMNS ", i.metadata_admin, " KR_ADDRESS_COLUMNS " FROM identities i "
           "LEFT JOIN identity_addresses a ON a.identity_id = i.id "
           "WHERE i.id = %s AND i.realm_id = %s",
};

static const kr_query_t CREDENTIALS_OF_IDENTITY = {
    .name = "credentials_of_identity",
    .sql = "SELECT " KR_CREDENTIAL_COLUMNS ", d.identifier FROM identity_credentials c "
           "LEFT JOIN identity_identifiers d ON d.credential_id = c.id "
           "WHERE c.identity_id = %s AND c.realm_id = %s ORDER BY c.created_at, c.id, d.identifier",
};

static void add_credentials(kr_identity_rows_t *out, const apr_array_header_t *rows)
{
    const char *last = "";

    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);
        if (strcmp(last, row->col[0]) != 0) kr_rows_credential(out, row, 0);
        last = row->col[0];
        if (row->col[KR_CREDENTIAL_NCOLUMNS]) kr_rows_identifier(out, last, row->col[1], row->col[KR_CREDENTIAL_NCOLUMNS]);
    }
}

kr_err_t *kr_store_identity_load(kr_identity_rows_t **out, kr_ctx_t *k, const char *id, int with_credentials)
{
    apr_array_header_t *rows, *credentials = NULL;
    kr_identity_rows_t *found;

    *out = NULL;
    if (!kr_store_id_ok(id)) return NULL;
    KR_TRY(kr_db_rows(&rows, k, &IDENTITY_BY_ID, KR_S(id), KR_S(k->realm->name)));
    /* of nobody, too: how many statements there are must not tell who has an account */
    if (with_credentials) KR_TRY(kr_db_rows(&credentials, k, &CREDENTIALS_OF_IDENTITY, KR_S(id), KR_S(k->realm->name)));
    if (!rows->nelts) return NULL;
    found = kr_rows_identity(k->pool, &APR_ARRAY_IDX(rows, 0, kr_row_t), 0);
    found->identity.metadata_admin = APR_ARRAY_IDX(rows, 0, kr_row_t).col[KR_IDENTITY_NCOLUMNS];
    for (int i = 0; i < rows->nelts; i++) {
        kr_rows_address(found, &APR_ARRAY_IDX(rows, i, kr_row_t), KR_IDENTITY_NCOLUMNS + 1);
    }
    if (credentials) add_credentials(found, credentials);
    *out = found;
    return NULL;
}

static const kr_query_t TYPES_BY_IDENTIFIER = {
    .name = "types_by_identifier",
    .sql =
        "SELECT DISTINCT other.type FROM identity_identifiers d JOIN identity_credentials c ON c.id = d.credential_id "
        "JOIN identity_credentials other ON other.identity_id = c.identity_id "
        "WHERE d.realm_id = %s AND d.identifier = %s AND NOT (other.type = 'password' AND other.config = '{}') "
        "ORDER BY other.type",
};

kr_err_t *kr_store_identifier_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier)
{
    apr_array_header_t *rows;

    *types = apr_array_make(k->pool, 2, sizeof(const char *));
    KR_TRY(kr_db_rows(&rows, k, &TYPES_BY_IDENTIFIER, KR_S(k->realm->name), KR_S(identifier)));
    for (int i = 0; i < rows->nelts; i++) {
        APR_ARRAY_PUSH(*types, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    }
    return NULL;
}
