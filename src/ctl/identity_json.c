/* SPDX-License-Identifier: Apache-2.0 */
/* Identities to and from the JSON of Kratos' admin API: what `get` shows, `export` writes and `import` reads. */
#include <string.h>

#include "ctl.h"
#include "kr_credential.h"
#include "kr_json.h"
#include "kr_method.h"

/* -- showing ------------------------------------------------------------------- */

static json_t *texts(const apr_array_header_t *list)
{
    json_t *out = json_array();

    for (int i = 0; list && i < list->nelts; i++)
        json_array_append_new(out, kr_json_string(APR_ARRAY_IDX(list, i, const char *)));
    return out;
}

json_t *ctl_identity_json(kr_ctx_t *k, const kr_identity_t *identity)
{
    json_t *out = kr_identity_json(k, identity), *credentials = json_object();

    json_object_set_new(out, "metadata_admin",
                        identity->metadata_admin ? json_incref(identity->metadata_admin) : json_null());
    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, kr_credential_t);

        json_object_set_new(credentials, c->type,
                            json_pack("{s:s, s:o, s:o, s:o}", "type", c->type, "identifiers", texts(c->identifiers),
                                      "created_at", kr_json_time(c->created_at), "updated_at",
                                      kr_json_time(c->updated_at)));
    }
    json_object_set_new(out, "credentials", credentials);
    return out;
}

/* -- writing ------------------------------------------------------------------- */

static json_t *addresses(const kr_identity_t *identity, int recovery)
{
    json_t *out = json_array();

    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);
        json_t *one;

        if (a->recovery != recovery) continue;
        one = json_pack("{s:s, s:s}", "value", a->value, "via", a->via);
        if (!recovery) {
            json_object_set_new(one, "verified", json_boolean(a->verified));
            json_object_set_new(one, "status", kr_json_string(a->status));
            if (a->verified_at) json_object_set_new(one, "verified_at", kr_json_time(a->verified_at));
        }
        json_array_append_new(out, one);
    }
    return out;
}

static void set_if(json_t *obj, const char *key, json_t *value)
{
    if (value) json_object_set(obj, key, value);
}

/* What an import takes back; NULL when there is nothing. */
static json_t *credentials_of(kr_ctx_t *k, const kr_identity_t *identity)
{
    json_t *out = kr_json_own(k->pool, json_object());

    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, kr_credential_t);
        const kr_credential_kind_t *kind = kr_credential_kind(c->type);
        json_t *config = kind && kind->exported ? kind->exported(k, identity, c) : NULL;

        if (config) json_object_set_new(out, c->type, json_pack("{s:O}", "config", config));
    }
    return json_object_size(out) ? out : NULL;
}

json_t *ctl_identity_document(kr_ctx_t *k, const kr_identity_t *identity, int with_credentials)
{
    json_t *out = kr_json_own(k->pool, json_object());

    json_object_set_new(out, "id", json_string(identity->id));
    json_object_set_new(out, "schema_id", json_string(identity->schema_id));
    json_object_set_new(out, "state", json_string(identity->state));
    json_object_set(out, "traits", identity->traits);
    set_if(out, "metadata_public", identity->metadata_public);
    set_if(out, "metadata_admin", identity->metadata_admin);
    if (identity->external_id) json_object_set_new(out, "external_id", json_string(identity->external_id));
    json_object_set_new(out, "verifiable_addresses", addresses(identity, 0));
    json_object_set_new(out, "recovery_addresses", addresses(identity, 1));
    if (with_credentials) set_if(out, "credentials", credentials_of(k, identity));
    return out;
}

/* -- reading ------------------------------------------------------------------- */

/** Members of a document: what is read, and what an export holds besides and a new identity has its own of. */
static const char *const MEMBERS[] = {
    "schema_id", "state", "traits", "metadata_public", "metadata_admin", "external_id", "credentials",
    "verifiable_addresses", "recovery_addresses", "id", "schema_url", "created_at", "updated_at", "state_changed_at",
    "organization_id",
};

static kr_err_t *wrong(kr_ctx_t *k, const char *member, const char *what)
{
    return kr_err(k, 400, NULL, "%s: %s", member, what);
}

/* A typing error must not lose what it stands for. */
static kr_err_t *check_members(kr_ctx_t *k, const json_t *doc)
{
    const char *name;
    json_t *value;

    if (!json_is_object(doc)) return kr_err(k, 400, NULL, "an identity is a JSON object");
    json_object_foreach((json_t *)doc, name, value) {
        int known = 0;

        for (int i = 0; i < KR_DIM(MEMBERS); i++) known |= strcmp(MEMBERS[i], name) == 0;
        if (!known) return wrong(k, name, "unknown member");
    }
    return NULL;
}

/* Text or absent (or null). */
static kr_err_t *text_member(const char **out, kr_ctx_t *k, const json_t *doc, const char *name)
{
    const json_t *value = json_object_get(doc, name);

    *out = json_string_value(value);
    return value && !json_is_null(value) && !*out ? wrong(k, name, "must be a string") : NULL;
}

static kr_err_t *check_traits(json_t **traits, kr_ctx_t *k, const kr_schema_t *schema, const json_t *doc)
{
    apr_array_header_t *violations;
    const char *words = NULL;
    json_t *whole;

    *traits = json_object_get(doc, "traits");
    if (!json_is_object(*traits)) return wrong(k, "traits", "an object is needed");
    whole = kr_json_pack(k->pool, "{s:O}", "traits", *traits);
    kr_validate(&violations, k->pool, schema->validator, whole);
    for (int i = 0; i < violations->nelts; i++) {
        const kr_violation_t *v = &APR_ARRAY_IDX(violations, i, kr_violation_t);

        words = apr_pstrcat(k->pool, words ? words : "", words ? "; " : "", v->path, ": ", v->reason, NULL);
    }
    return words ? kr_err(k, 400, NULL, "%s", words) : NULL;
}

/* What an entry of the document says of the address that it is about. */
static kr_err_t *take_address(kr_ctx_t *k, kr_address_t *address, const json_t *item)
{
    const char *when = kr_json_str(item, "verified_at");

    if (!json_is_true(json_object_get(item, "verified"))) return NULL;
    address->verified = 1;
    address->status = "completed";
    address->verified_at = k->now;
    if (when && !kr_time_parse(&address->verified_at, when))
        return wrong(k, "verifiable_addresses.verified_at", "must be a time as in RFC 3339");
    return NULL;
}

/* Addresses that the traits do not call for are left out, as Kratos does. */
static kr_err_t *take_addresses(kr_ctx_t *k, kr_identity_t *identity, const json_t *list)
{
    json_t *item;
    size_t n;

    if (list && !json_is_null(list) && !json_is_array(list)) return wrong(k, "verifiable_addresses", "must be a list");
    json_array_foreach((json_t *)list, n, item) {
        const char *via = kr_json_str(item, "via"), *raw = kr_json_str(item, "value"), *value;

        if (!via || !raw) return wrong(k, "verifiable_addresses", "each needs value and via");
        value = kr_address_normalise(k->pool, via, raw);
        for (int i = 0; value && i < identity->addresses->nelts; i++) {
            kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

            if (!a->recovery && strcmp(a->via, via) == 0 && strcmp(a->value, value) == 0)
                KR_TRY(take_address(k, a, item));
        }
    }
    return NULL;
}

static kr_err_t *take_credential(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema, const char *type, const json_t *given)
{
    const kr_credential_kind_t *kind = kr_credential_kind(type);
    const char *where = apr_pstrcat(k->pool, "credentials.", type, NULL);
    kr_imported_t made = { NULL };

    if (kind && kind->derive) return NULL; /* the traits have made it, if they do */
    if (!kind || !kind->import) return wrong(k, where, "cannot be imported");
    KR_TRY(kind->import(&made, k, identity, json_object_get(given, "config")));
    if (!made.identifiers) {
        made.identifiers = kr_traits_identifiers(k->pool, schema, identity->traits, kind->type);
        if (!made.identifiers->nelts) return wrong(k, where, "no trait names the account");
    }
    kr_identity_add_credential(k, identity, kind->type, made.config, made.identifiers);
    return NULL;
}

static kr_err_t *take_credentials(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema,
                                  const json_t *credentials)
{
    const char *type;
    json_t *value;

    if (!credentials || json_is_null(credentials)) return NULL;
    if (!json_is_object(credentials)) return wrong(k, "credentials", "must be an object");
    json_object_foreach((json_t *)credentials, type, value) KR_TRY(take_credential(k, identity, schema, type, value));
    return NULL;
}

void ctl_identity_finish(kr_ctx_t *k, kr_identity_t *identity)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);
    apr_array_header_t *identifiers = kr_traits_identifiers(k->pool, schema, identity->traits, "password");

    if (identifiers->nelts && !kr_identity_credential(identity, "password"))
        kr_identity_add_credential(k, identity, "password", "{}", identifiers);
}

static json_t *not_null(json_t *value)
{
    return json_is_null(value) ? NULL : value;
}

static kr_err_t *take_members(kr_ctx_t *k, kr_identity_t *identity, const json_t *doc, int keep_id)
{
    const char *state, *id;

    KR_TRY(text_member(&state, k, doc, "state"));
    KR_TRY(text_member(&identity->external_id, k, doc, "external_id"));
    KR_TRY(text_member(&id, k, doc, "id"));
    if (state && strcmp(state, "active") != 0 && strcmp(state, "inactive") != 0)
        return wrong(k, "state", "must be active or inactive");
    if (keep_id && !kr_uuid_valid(id)) return wrong(k, "id", "must be a UUID, as ids are to be kept");
    if (state) identity->state = state;
    if (keep_id) identity->id = id;
    identity->metadata_public = not_null(json_object_get(doc, "metadata_public"));
    identity->metadata_admin = not_null(json_object_get(doc, "metadata_admin"));
    return take_addresses(k, identity, json_object_get(doc, "verifiable_addresses"));
}

kr_err_t *ctl_identity_read(kr_identity_t **out, kr_ctx_t *k, const json_t *doc, const char *schema_id, int keep_id)
{
    const char *named, *bad_path;
    const kr_schema_t *schema;
    kr_identity_t *identity;
    json_t *traits;

    KR_TRY(check_members(k, doc));
    KR_TRY(text_member(&named, k, doc, "schema_id"));
    schema = kr_realm_schema(k->realm, named ? named : schema_id);
    if (!schema) return kr_err(k, 400, NULL, "schema_id: there is no identity schema %s", named ? named : schema_id);
    KR_TRY(check_traits(&traits, k, schema, doc));
    identity = kr_identity_of_traits(k, schema, traits, &bad_path);
    if (!identity) return wrong(k, bad_path, KR_NO_ADDRESS);
    KR_TRY(take_members(k, identity, doc, keep_id));
    KR_TRY(take_credentials(k, identity, schema, json_object_get(doc, "credentials")));
    ctl_identity_finish(k, identity);
    *out = identity;
    return NULL;
}
