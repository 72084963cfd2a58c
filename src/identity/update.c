/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to an identity that exists, as the difference between what it was and what it shall be. */
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_store_identity.h"
#include "kr_text.h"

kr_identity_t *kr_identity_copy(kr_ctx_t *k, const kr_identity_t *identity)
{
    kr_identity_t *copy = apr_pmemdup(k->pool, identity, sizeof(*identity));

    copy->traits = kr_json_own(k->pool, json_deep_copy(identity->traits));
    copy->addresses = apr_array_copy(k->pool, identity->addresses);
    copy->credentials = apr_array_copy(k->pool, identity->credentials);
    for (int i = 0; i < copy->credentials->nelts; i++) {
        kr_credential_t *credential = &APR_ARRAY_IDX(copy->credentials, i, kr_credential_t);

        if (credential->identifiers) credential->identifiers = apr_array_copy(k->pool, credential->identifiers);
    }
    return copy;
}

void kr_identity_remove_credential(kr_identity_t *identity, const char *type)
{
    apr_array_header_t *list = identity->credentials;
    int kept = 0;

    for (int i = 0; i < list->nelts; i++) {
        const kr_credential_t c = APR_ARRAY_IDX(list, i, kr_credential_t);

        if (strcmp(c.type, type) != 0) APR_ARRAY_IDX(list, kept++, kr_credential_t) = c;
    }
    list->nelts = kept;
}

static const char *column(apr_pool_t *pool, const json_t *json)
{
    return json ? kr_json_dump(pool, json, NULL) : NULL;
}

static const kr_address_t *address_by_id(const apr_array_header_t *list, const char *id)
{
    for (int i = 0; i < list->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(list, i, const kr_address_t);

        if (strcmp(a->id, id) == 0) return a;
    }
    return NULL;
}

static const kr_credential_t *credential_by_id(const apr_array_header_t *list, const char *id)
{
    for (int i = 0; i < list->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(list, i, const kr_credential_t);

        if (strcmp(c->id, id) == 0) return c;
    }
    return NULL;
}

static int same_texts(const apr_array_header_t *a, const apr_array_header_t *b)
{
    const int n = a ? a->nelts : 0;

    if (n != (b ? b->nelts : 0)) return 0;
    for (int i = 0; i < n; i++)
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *)) != 0) return 0;
    return 1;
}

static void add_identifiers(kr_identity_rows_t *rows, const kr_credential_t *c)
{
    for (int i = 0; c->identifiers && i < c->identifiers->nelts; i++)
        APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){
            .credential_id = c->id, .type = c->type, .identifier = APR_ARRAY_IDX(c->identifiers, i, const char *),
        };
}

/* What goes away goes first: a value may move from one credential or address to another. */
static kr_err_t *remove_old(kr_ctx_t *k, const kr_identity_t *identity, const kr_identity_t *before)
{
    for (int i = 0; i < before->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(before->addresses, i, const kr_address_t);

        if (!address_by_id(identity->addresses, a->id)) KR_TRY(kr_store_address_delete(k, a->id));
    }
    for (int i = 0; i < before->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(before->credentials, i, const kr_credential_t);
        const kr_credential_t *now = credential_by_id(identity->credentials, c->id);

        if (!now) KR_TRY(kr_store_credential_delete(k, c->id));
        else if (!same_texts(now->identifiers, c->identifiers)) KR_TRY(kr_store_identifiers_delete(k, c->id));
    }
    return NULL;
}

static kr_err_t *replace_secret(kr_ctx_t *k, const kr_credential_t *credential, const kr_credential_t *was)
{
    const kr_credential_row_t row = { .id = was->id, .version = was->version, .spent = was->spent };
    int done;

    KR_TRY(kr_store_credential_update(&done, k, &row, credential->config, credential->spent));
    return done ? NULL : kr_db_raced(k);
}

/* The keys of a credential, where they are others than before. */
static kr_err_t *replace_keys(kr_identity_rows_t *rows, kr_ctx_t *k, const kr_credential_t *credential, const kr_credential_t *was)
{
    const apr_array_header_t *keys = kr_credential_keys(k, credential);

    if (was && same_texts(keys, kr_credential_keys(k, was))) return NULL;
    if (was) KR_TRY(kr_store_keys_delete(k, was->id));
    for (int i = 0; i < keys->nelts; i++)
        APR_ARRAY_PUSH(rows->keys, kr_key_row_t) = (kr_key_row_t){ credential->id, APR_ARRAY_IDX(keys, i, const char *) };
    return NULL;
}

static kr_err_t *collect_new(kr_identity_rows_t *rows, kr_ctx_t *k, const kr_identity_t *identity, const kr_identity_t *before)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        if (!address_by_id(before->addresses, a->id))
            APR_ARRAY_PUSH(rows->addresses, kr_address_row_t) = (kr_address_row_t){
                .id = a->id, .via = a->via, .value = a->value, .status = a->status, .recovery = a->recovery,
                .verified = a->verified, .position = i, .verified_at = a->verified_at, .created_at = a->created_at,
                .updated_at = a->updated_at,
            };
    }
    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);
        const kr_credential_t *was = credential_by_id(before->credentials, c->id);

        if (!was)
            APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = (kr_credential_row_t){
                .id = c->id, .type = c->type, .config = c->config, .created_at = c->created_at, .updated_at = c->updated_at,
                .spent = c->spent,
            };
        else if (strcmp(was->config, c->config) != 0 || was->spent != c->spent) KR_TRY(replace_secret(k, c, was));
        KR_TRY(replace_keys(rows, k, c, was));
        if (!was || !same_texts(was->identifiers, c->identifiers)) add_identifiers(rows, c);
    }
    return NULL;
}

kr_err_t *kr_identity_update(kr_ctx_t *k, kr_identity_t *identity, const kr_identity_t *before)
{
    kr_identity_rows_t rows = {
        .addresses = apr_array_make(k->pool, 2, sizeof(kr_address_row_t)),
        .credentials = apr_array_make(k->pool, 2, sizeof(kr_credential_row_t)),
        .identifiers = apr_array_make(k->pool, 2, sizeof(kr_identifier_row_t)),
        .keys = apr_array_make(k->pool, 2, sizeof(kr_key_row_t)),
    };
    int done;

    identity->updated_at = k->now;
    identity->available_aal = kr_identity_aal_most(k, identity);
    rows.identity = (kr_identity_row_t){
        .id = identity->id, .schema_id = identity->schema_id, .state = identity->state, .state_changed_at = identity->state_changed_at,
        .traits = column(k->pool, identity->traits), .metadata_public = column(k->pool, identity->metadata_public),
        .metadata_admin = column(k->pool, identity->metadata_admin), .external_id = identity->external_id,
        .available_aal = kr_aal_name(identity->available_aal), .updated_at = identity->updated_at, .version = before->version,
    };
    KR_TRY(kr_store_identity_update(&done, k, &rows.identity));
    if (!done) return kr_db_raced(k);
    identity->version = before->version + 1;
    KR_TRY(remove_old(k, identity, before));
    KR_TRY(collect_new(&rows, k, identity, before));
    return kr_store_identity_add(k, &rows);
}

/* -- single facts, which follow from nothing that was read ---------------- */

kr_err_t *kr_identity_set_state(int *done, kr_ctx_t *k, const char *id, const char *state)
{
    return kr_store_identity_state(done, k, id, state);
}

kr_err_t *kr_identity_delete(int *done, kr_ctx_t *k, const char *id)
{
    return kr_store_identity_delete(done, k, id);
}

kr_err_t *kr_address_sent(kr_ctx_t *k, const char *identity_id, const char *address_id)
{
    return kr_store_address_status(k, identity_id, address_id, "sent");
}

kr_err_t *kr_address_verified(kr_ctx_t *k, const char *identity_id, const char *address_id)
{
    return kr_store_address_verified(k, identity_id, address_id);
}
