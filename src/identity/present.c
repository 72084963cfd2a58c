/* SPDX-License-Identifier: Apache-2.0 */
/* The identity as its owner sees it: no credentials, no admin metadata. */
#include <string.h>

#include "kr_realm.h"
#include "kr_identity.h"
#include "kr_json.h"
#include "kr_text.h"

static void set(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value);
}

static json_t *verifiable_json(const kr_address_t *address)
{
    json_t *obj = json_object();

    set(obj, "id", kr_json_string(address->id));
    set(obj, "value", kr_json_string(address->value));
    set(obj, "verified", json_boolean(address->verified));
    set(obj, "via", kr_json_string(address->via));
    set(obj, "status", kr_json_string(address->status));
    if (address->verified_at) set(obj, "verified_at", kr_json_time(address->verified_at));
    set(obj, "created_at", kr_json_time(address->created_at));
    set(obj, "updated_at", kr_json_time(address->updated_at));
    return obj;
}

static json_t *recovery_json(const kr_address_t *address)
{
    json_t *obj = json_object();

    set(obj, "id", kr_json_string(address->id));
    set(obj, "value", kr_json_string(address->value));
    set(obj, "via", kr_json_string(address->via));
    set(obj, "created_at", kr_json_time(address->created_at));
    set(obj, "updated_at", kr_json_time(address->updated_at));
    return obj;
}

/** Set `key` to the addresses of one sort; without any, the key is absent rather than an empty list. */
static void set_addresses(json_t *obj, const char *key, const apr_array_header_t *addresses, int recovery)
{
    json_t *list = json_array();

    for (int i = 0; addresses && i < addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(addresses, i, const kr_address_t);

        if (address->recovery != recovery) continue;
        json_array_append_new(list, recovery ? recovery_json(address) : verifiable_json(address));
    }
    if (json_array_size(list)) json_object_set(obj, key, list);
    json_decref(list);
}

static const char *schema_url(kr_ctx_t *k, const char *schema_id)
{
    const char *url_id = kr_base64url(k->pool, schema_id, strlen(schema_id));

    return kr_url_join(k->pool, k->realm->settings->base_url, apr_pstrcat(k->pool, "/schemas/", url_id, NULL));
}

json_t *kr_identity_json(kr_ctx_t *k, const kr_identity_t *identity)
{
    json_t *obj = kr_json_own(k->pool, json_object());

    set(obj, "id", kr_json_string(identity->id));
    if (identity->external_id) set(obj, "external_id", kr_json_string(identity->external_id));
    set(obj, "schema_id", kr_json_string(identity->schema_id));
    set(obj, "schema_url", kr_json_string(schema_url(k, identity->schema_id)));
    set(obj, "state", kr_json_string(identity->state));
    if (identity->state_changed_at) set(obj, "state_changed_at", kr_json_time(identity->state_changed_at));
    set(obj, "traits", json_incref(identity->traits));
    set_addresses(obj, "verifiable_addresses", identity->addresses, 0);
    set_addresses(obj, "recovery_addresses", identity->addresses, 1);
    set(obj, "metadata_public", identity->metadata_public ? json_incref(identity->metadata_public) : json_null());
    set(obj, "created_at", kr_json_time(identity->created_at));
    set(obj, "updated_at", kr_json_time(identity->updated_at));
    set(obj, "organization_id", json_null());
    return obj;
}

/* -- what the traits say ------------------------------------------------------ */

const char *kr_traits_text(kr_ctx_t *k, const kr_identity_t *identity, kr_leaf_counts_fn *counts)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);

    for (int i = 0; schema && i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, const kr_leaf_t);
        const char *value = counts(leaf) && strncmp(leaf->path, "traits.", 7) == 0 ? kr_json_str(identity->traits, leaf->path + 7) : NULL;

        if (value && *value) return value;
    }
    return NULL;
}
