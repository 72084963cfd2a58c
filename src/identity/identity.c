/* SPDX-License-Identifier: Apache-2.0 */
/* Identities to and from the rows of the store. */
#include <string.h>

#include "kr_credential.h"
#include "kr_crypto.h"
#include "kr_realm.h"
#include "kr_json.h"
#include "kr_store_identity.h"
#include "kr_text.h"

/* -- from rows ------------------------------------------------------------ */

/** Parse a JSON column. It is our own text, so the limits for strangers' JSON do not apply. NULL stays NULL. */
static kr_err_t *parse_column(json_t **out, kr_ctx_t *k, const char *id, const char *column, const char *text)
{
    *out = NULL;
    if (!text) return NULL;
    *out = kr_json_own(k->pool, json_loads(text, JSON_DECODE_ANY, NULL));
    if (!*out) return kr_err_internal(k, APR_SUCCESS, "identity %s: column \"%s\" holds no JSON", id, column);
    if (json_is_null(*out)) *out = NULL;
    return NULL;
}

static apr_array_header_t *addresses_from_rows(apr_pool_t *pool, const apr_array_header_t *rows)
{
    apr_array_header_t *addresses = apr_array_make(pool, rows->nelts, sizeof(kr_address_t));

    for (int i = 0; i < rows->nelts; i++) {
        const kr_address_row_t *row = &APR_ARRAY_IDX(rows, i, const kr_address_row_t);

        APR_ARRAY_PUSH(addresses, kr_address_t) = (kr_address_t){
            .id = row->id, .value = row->value, .via = row->via, .recovery = row->recovery, .verified = row->verified,
            .status = row->status, .verified_at = row->verified_at, .created_at = row->created_at,
            .updated_at = row->updated_at,
        };
    }
    return addresses;
}

static apr_array_header_t *identifiers_of(apr_pool_t *pool, const apr_array_header_t *rows, const char *credential_id)
{
    apr_array_header_t *identifiers = apr_array_make(pool, 2, sizeof(const char *));

    for (int i = 0; i < rows->nelts; i++) {
        const kr_identifier_row_t *row = &APR_ARRAY_IDX(rows, i, const kr_identifier_row_t);

        if (strcmp(row->credential_id, credential_id) == 0) APR_ARRAY_PUSH(identifiers, const char *) = row->identifier;
    }
    return identifiers;
}

static apr_array_header_t *credentials_from_rows(apr_pool_t *pool, const kr_identity_rows_t *rows)
{
    apr_array_header_t *credentials = apr_array_make(pool, rows->credentials->nelts, sizeof(kr_credential_t));

    for (int i = 0; i < rows->credentials->nelts; i++) {
        const kr_credential_row_t *row = &APR_ARRAY_IDX(rows->credentials, i, const kr_credential_row_t);

        APR_ARRAY_PUSH(credentials, kr_credential_t) = (kr_credential_t){
            .id = row->id, .type = row->type, .config = row->config, .created_at = row->created_at,
            .updated_at = row->updated_at, .version = row->version, .spent = row->spent,
            .identifiers = identifiers_of(pool, rows->identifiers, row->id),
        };
    }
    return credentials;
}

kr_err_t *kr_identity_plain(kr_identity_t **out, kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const kr_identity_row_t *row = &rows->identity;
    kr_identity_t *identity = apr_palloc(k->pool, sizeof(*identity));

    *identity = (kr_identity_t){
        .id = row->id, .schema_id = row->schema_id, .state = row->state, .state_changed_at = row->state_changed_at,
        .external_id = row->external_id, .created_at = row->created_at,
        .updated_at = row->updated_at, .version = row->version, .epoch = row->epoch,
    };
    *out = identity;
    /* taken for too low it would spare a second factor, for too high it would ask for one that is not there */
    if (kr_aal_parse(&identity->available_aal, row->available_aal)) return NULL;
    return kr_err_internal(k, APR_SUCCESS, "identity %s: column \"available_aal\" holds no assurance level", row->id);
}

kr_err_t *kr_identity_unfold(kr_identity_t *identity, kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    const kr_identity_row_t *row = &rows->identity;

    KR_TRY(parse_column(&identity->traits, k, row->id, "traits", row->traits));
    KR_TRY(parse_column(&identity->metadata_public, k, row->id, "metadata_public", row->metadata_public));
    KR_TRY(parse_column(&identity->metadata_admin, k, row->id, "metadata_admin", row->metadata_admin));
    if (!identity->traits) identity->traits = kr_json_own(k->pool, json_object());
    identity->addresses = addresses_from_rows(k->pool, rows->addresses);
    identity->credentials = credentials_from_rows(k->pool, rows);
    return NULL;
}

kr_err_t *kr_identity_from_rows(kr_identity_t **out, kr_ctx_t *k, const kr_identity_rows_t *rows)
{
    kr_identity_t *identity;

    *out = NULL;
    if (!rows) return NULL;
    KR_TRY(kr_identity_plain(&identity, k, rows));
    KR_TRY(kr_identity_unfold(identity, k, rows));
    *out = identity;
    return NULL;
}

kr_identity_t *kr_identity_nobody(kr_ctx_t *k, const char *via, const char *address)
{
    const char *traits = kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:s}", via, address), NULL);
    kr_identity_rows_t rows = {
        .identity = { .id = kr_uuid(k), .schema_id = k->realm->settings->default_schema_id, .state = "active", .traits = traits,
                      .available_aal = kr_aal_name(KR_AAL1), .state_changed_at = k->now, .created_at = k->now, .updated_at = k->now },
        .addresses = apr_array_make(k->pool, 2, sizeof(kr_address_row_t)),
        .credentials = apr_array_make(k->pool, 1, sizeof(kr_credential_row_t)),
        .identifiers = apr_array_make(k->pool, 1, sizeof(kr_identifier_row_t)),
    };
    kr_identity_t *identity = NULL;

    for (int recovery = 0; recovery < 2; recovery++) {
        APR_ARRAY_PUSH(rows.addresses, kr_address_row_t) =
            (kr_address_row_t){ .id = kr_uuid(k), .via = via, .value = address, .status = "completed", .recovery = recovery,
                                .verified = 1, .verified_at = k->now, .created_at = k->now, .updated_at = k->now };
    }
    return kr_identity_from_rows(&identity, k, &rows) ? NULL : identity;
}

/* -- to rows -------------------------------------------------------------- */

static const char *column(apr_pool_t *pool, const json_t *json)
{
    return json ? kr_json_dump(pool, json, NULL) : NULL;
}

/** Give a new identity the ids, times and states that its maker left open. */
static void complete(kr_ctx_t *k, kr_identity_t *identity)
{
    if (!identity->id) identity->id = kr_uuid(k);
    if (!identity->state) identity->state = "active";
    if (!identity->traits) identity->traits = kr_json_own(k->pool, json_object());
    if (!identity->addresses) identity->addresses = apr_array_make(k->pool, 1, sizeof(kr_address_t));
    if (!identity->credentials) identity->credentials = apr_array_make(k->pool, 1, sizeof(kr_credential_t));
    identity->version = 1; /* as the columns begin */
    identity->epoch = 0;
    if (!identity->created_at) identity->created_at = k->now;
    if (!identity->updated_at) identity->updated_at = k->now;
    if (!identity->state_changed_at) identity->state_changed_at = k->now;
    for (int i = 0; i < identity->credentials->nelts; i++) {
        kr_credential_t *credential = &APR_ARRAY_IDX(identity->credentials, i, kr_credential_t);

        if (!credential->id) credential->id = kr_uuid(k);
        if (!credential->config) credential->config = "{}";
        if (!credential->created_at) credential->created_at = k->now;
        if (!credential->updated_at) credential->updated_at = k->now;
        credential->version = 1;
    }
    identity->available_aal = kr_identity_aal_most(k, identity);
}

static void add_credential_rows(kr_identity_rows_t *rows, const kr_credential_t *credential)
{
    APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = (kr_credential_row_t){
        .id = credential->id, .type = credential->type, .config = credential->config,
        .created_at = credential->created_at, .updated_at = credential->updated_at, .spent = credential->spent,
    };
    for (int i = 0; credential->identifiers && i < credential->identifiers->nelts; i++) {
        APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){
            .credential_id = credential->id, .type = credential->type,
            .identifier = APR_ARRAY_IDX(credential->identifiers, i, const char *),
        };
    }
}

static void add_key_rows(kr_ctx_t *k, kr_identity_rows_t *rows, const kr_credential_t *credential)
{
    const apr_array_header_t *keys = kr_credential_keys(k, credential);

    for (int i = 0; i < keys->nelts; i++)
        APR_ARRAY_PUSH(rows->keys, kr_key_row_t) = (kr_key_row_t){ credential->id, APR_ARRAY_IDX(keys, i, const char *) };
}

static void add_address_row(kr_identity_rows_t *rows, const kr_address_t *address, int position)
{
    APR_ARRAY_PUSH(rows->addresses, kr_address_row_t) = (kr_address_row_t){
        .id = address->id, .via = address->via, .value = address->value, .status = address->status,
        .recovery = address->recovery, .verified = address->verified, .position = position,
        .verified_at = address->verified_at, .created_at = address->created_at, .updated_at = address->updated_at,
    };
}

kr_err_t *kr_identity_insert(kr_ctx_t *k, kr_identity_t *identity)
{
    kr_identity_rows_t rows;

    complete(k, identity);
    rows.identity = (kr_identity_row_t){
        .id = identity->id, .schema_id = identity->schema_id, .state = identity->state,
        .traits = column(k->pool, identity->traits), .metadata_public = column(k->pool, identity->metadata_public),
        .metadata_admin = column(k->pool, identity->metadata_admin), .external_id = identity->external_id,
        .available_aal = kr_aal_name(identity->available_aal), .state_changed_at = identity->state_changed_at,
        .created_at = identity->created_at, .updated_at = identity->updated_at,
    };
    rows.addresses = apr_array_make(k->pool, 4, sizeof(kr_address_row_t));
    rows.credentials = apr_array_make(k->pool, 2, sizeof(kr_credential_row_t));
    rows.identifiers = apr_array_make(k->pool, 4, sizeof(kr_identifier_row_t));
    rows.keys = apr_array_make(k->pool, 4, sizeof(kr_key_row_t));
    for (int i = 0; i < identity->addresses->nelts; i++) {
        add_address_row(&rows, &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t), i);
    }
    for (int i = 0; i < identity->credentials->nelts; i++) {
        add_credential_rows(&rows, &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t));
        add_key_rows(k, &rows, &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t));
    }
    return kr_store_identity_insert(k, &rows);
}

/* -- finding -------------------------------------------------------------- */

kr_err_t *kr_identity_by_identifier(kr_identity_t **out, kr_ctx_t *k, const char *type, const char *identifier)
{
    const kr_credential_kind_t *kind = kr_credential_kind(type);
    kr_identity_rows_t *rows;

    *out = NULL;
    if (kind && kind->normalised) identifier = kr_identifier_normalise(k->pool, identifier);
    if (!identifier) return NULL;
    KR_TRY(kr_store_identity_find(&rows, k, type, identifier));
    return kr_identity_from_rows(out, k, rows);
}

kr_err_t *kr_identity_by_key(kr_identity_t **out, const kr_credential_t **credential, kr_ctx_t *k, const char *key_id)
{
    kr_identity_rows_t *rows;

    *credential = NULL;
    KR_TRY(kr_store_identity_by_key(&rows, k, kr_sha256_hex(k->pool, key_id, strlen(key_id))));
    KR_TRY(kr_identity_from_rows(out, k, rows));
    if (*out) *credential = &APR_ARRAY_IDX((*out)->credentials, 0, kr_credential_t);
    return NULL;
}

kr_err_t *kr_identity_load(kr_identity_t **out, kr_ctx_t *k, const char *id, int with_credentials)
{
    kr_identity_rows_t *rows;

    *out = NULL;
    KR_TRY(kr_store_identity_load(&rows, k, id, with_credentials));
    KR_TRY(kr_identity_from_rows(out, k, rows));
    if (*out) (*out)->whole = with_credentials;
    return NULL;
}

kr_err_t *kr_identity_lock(kr_identity_t **out, kr_ctx_t *k, const char *id)
{
    int done;

    *out = NULL;
    KR_TRY(kr_store_identity_lock(&done, k, id));
    return done ? kr_identity_load(out, k, id, 1) : NULL;
}

kr_err_t *kr_credential_rehash(kr_ctx_t *k, const kr_credential_t *credential, const char *config)
{
    int done;

    return kr_store_credential_rehash(&done, k, credential->id, credential->version, config);
}

const kr_credential_t *kr_identity_credential(const kr_identity_t *identity, const char *type)
{
    for (int i = 0; identity->credentials && i < identity->credentials->nelts; i++) {
        const kr_credential_t *credential = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);

        if (strcmp(credential->type, type) == 0) return credential;
    }
    return NULL;
}
