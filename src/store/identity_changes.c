/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to an identity that exists: what its owner, a code or an administrator did. */
#include "kr_store_identity.h"
#include "store.h"

/* A write, not a lock that a read takes: those are not known to the other nodes of a cluster. */
static const kr_query_t IDENTITY_LOCK = {
    .name = "identity_lock",
    .sql = "UPDATE identities SET version = version + 1 WHERE id = %s AND realm_id = %s",
};

static const kr_query_t IDENTITY_UPDATE = {
    .name = "identity_update",
    .sql = "UPDATE identities SET schema_id = %s, state = %s, state_changed_at = %lld, traits = %s, metadata_public = %s, "
           "metadata_admin = %s, external_id = %s, available_aal = %s, updated_at = %lld, version = version + 1 "
           "WHERE id = %s AND realm_id = %s AND version = %lld",
};

static const kr_query_t IDENTITY_LEVEL = {
    .name = "identity_level",
    .sql = "UPDATE identities SET available_aal = %s WHERE id = %s AND realm_id = %s AND version = %lld",
};

static const kr_query_t CREDENTIAL_UPDATE = {
    .name = "credential_update",
    .sql = "UPDATE identity_credentials SET config = %s, spent = %lld, updated_at = %lld, version = version + 1 "
           "WHERE id = %s AND realm_id = %s AND version = %lld AND spent = %lld",
};

/* The same secret in another form: no other credential, so the version stays. */
static const kr_query_t CREDENTIAL_REHASH = {
    .name = "credential_rehash",
    .sql = "UPDATE identity_credentials SET config = %s WHERE id = %s AND realm_id = %s AND version = %lld",
};

static const kr_query_t IDENTIFIERS_DELETE = {
    .name = "identifiers_delete",
    .sql = "DELETE FROM identity_identifiers WHERE credential_id = %s AND realm_id = %s",
};

static const kr_query_t KEYS_DELETE = {
    .name = "keys_delete",
    .sql = "DELETE FROM identity_keys WHERE credential_id = %s AND realm_id = %s",
};

static const kr_query_t CREDENTIAL_DELETE = {
    .name = "credential_delete",
    .sql = "DELETE FROM identity_credentials WHERE id = %s AND realm_id = %s",
};

static const kr_query_t ADDRESS_DELETE = {
    .name = "address_delete",
    .sql = "DELETE FROM identity_addresses WHERE id = %s AND realm_id = %s",
};

static const kr_query_t ADDRESS_VERIFIED = {
    .name = "address_verified",
    .sql = "UPDATE identity_addresses SET status = 'completed', verified = 1, verified_at = %lld, updated_at = %lld "
           "WHERE id = %s AND realm_id = %s",
};

static const kr_query_t ADDRESS_FIND = {
    .name = "address_find",
    .sql = "SELECT identity_id, id FROM identity_addresses WHERE realm_id = %s AND recovery = %lld AND via = %s AND value = %s",
};

kr_err_t *kr_store_identity_lock(int *done, kr_ctx_t *k, const char *id)
{
    *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    return kr_feed_hit(done, k, id, &IDENTITY_LOCK, KR_S(id), KR_S(k->realm->name));
}

kr_err_t *kr_store_identity_update(int *done, kr_ctx_t *k, const kr_identity_row_t *i)
{
    return kr_feed_hit(done, k, i->id, &IDENTITY_UPDATE, KR_S(i->schema_id), KR_S(i->state), KR_I(i->state_changed_at),
                       KR_S(i->traits), KR_S(i->metadata_public), KR_S(i->metadata_admin), KR_S(i->external_id),
                       KR_S(i->available_aal), KR_I(i->updated_at), KR_S(i->id), KR_S(k->realm->name), KR_I(i->version));
}

kr_err_t *kr_store_identity_level(kr_ctx_t *k, const char *id, apr_int64_t version, const char *available_aal)
{
    return kr_feed_exec(NULL, k, id, &IDENTITY_LEVEL, KR_S(available_aal), KR_S(id), KR_S(k->realm->name), KR_I(version));
}

kr_err_t *kr_store_credential_update(int *done, kr_ctx_t *k, const kr_credential_row_t *was, const char *config, apr_int64_t spent)
{
    return kr_db_hit(done, k, &CREDENTIAL_UPDATE, KR_S(config), KR_I(spent), KR_I(k->now), KR_S(was->id), KR_S(k->realm->name),
                     KR_I(was->version), KR_I(was->spent));
}

kr_err_t *kr_store_credential_rehash(int *done, kr_ctx_t *k, const char *id, apr_int64_t version, const char *config)
{
    return kr_db_hit(done, k, &CREDENTIAL_REHASH, KR_S(config), KR_S(id), KR_S(k->realm->name), KR_I(version));
}

kr_err_t *kr_store_identifiers_delete(kr_ctx_t *k, const char *credential_id)
{
    return kr_db_exec(NULL, k, &IDENTIFIERS_DELETE, KR_S(credential_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_keys_delete(kr_ctx_t *k, const char *credential_id)
{
    return kr_db_exec(NULL, k, &KEYS_DELETE, KR_S(credential_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_credential_delete(kr_ctx_t *k, const char *credential_id)
{
    return kr_db_exec(NULL, k, &CREDENTIAL_DELETE, KR_S(credential_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_address_delete(kr_ctx_t *k, const char *address_id)
{
    return kr_db_exec(NULL, k, &ADDRESS_DELETE, KR_S(address_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_address_verified(kr_ctx_t *k, const char *identity_id, const char *address_id)
{
    return kr_feed_exec(NULL, k, identity_id, &ADDRESS_VERIFIED, KR_I(k->now), KR_I(k->now), KR_S(address_id), KR_S(k->realm->name));
}

kr_err_t *kr_store_address_find(const char **identity_id, const char **address_id, kr_ctx_t *k, int recovery,
                                const char *via, const char *value)
{
    kr_row_t *row;

    *identity_id = *address_id = NULL;
    KR_TRY(kr_db_one(&row, k, &ADDRESS_FIND, KR_S(k->realm->name), KR_I(recovery), KR_S(via), KR_S(value)));
    if (!row) return NULL;
    *identity_id = row->col[0];
    *address_id = row->col[1];
    return NULL;
}

/* An identifier is unique among the credentials of a type; of different types two accounts may have it. */
static const kr_query_t IDENTIFIER_OWNER = {
    .name = "identifier_owner",
    .sql = "SELECT c.identity_id FROM identity_identifiers d JOIN identity_credentials c ON c.id = d.credential_id "
           "WHERE d.realm_id = %s AND d.identifier = %s GROUP BY c.identity_id ORDER BY MIN(d.type) LIMIT 2",
};

kr_err_t *kr_store_identifier_owner(const char **identity_id, int *owners, kr_ctx_t *k, const char *identifier)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &IDENTIFIER_OWNER, KR_S(k->realm->name), KR_S(identifier)));
    *owners = rows->nelts;
    *identity_id = rows->nelts ? APR_ARRAY_IDX(rows, 0, kr_row_t).col[0] : NULL;
    return NULL;
}

/* -- by the owner of the site ----------------------------------------------- */

/* The foreign keys take along all that belongs to it, in the same statement. */
static const kr_query_t IDENTITY_DELETE = {
    .name = "identity_delete",
    .sql = "DELETE FROM identities WHERE id = %s AND realm_id = %s",
};

static const kr_query_t IDENTITY_STATE = {
    .name = "identity_state",
    /* state last: MySQL computes with what stands to the left already changed */
    .sql = "UPDATE identities SET state_changed_at = CASE WHEN state = %s THEN state_changed_at ELSE %lld END, "
           "updated_at = %lld, version = version + 1, state = %s WHERE id = %s AND realm_id = %s",
};

kr_err_t *kr_store_identity_delete(int *done, kr_ctx_t *k, const char *id)
{
    *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    return kr_feed_hit(done, k, id, &IDENTITY_DELETE, KR_S(id), KR_S(k->realm->name));
}

kr_err_t *kr_store_identity_state(int *done, kr_ctx_t *k, const char *id, const char *state)
{
    *done = 0;
    if (!kr_store_id_ok(id)) return NULL;
    return kr_feed_hit(done, k, id, &IDENTITY_STATE, KR_S(state), KR_I(k->now), KR_I(k->now), KR_S(state), KR_S(id),
                       KR_S(k->realm->name));
}
