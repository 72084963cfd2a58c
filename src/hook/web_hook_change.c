/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer of a web hook makes of an account. It may set whatever its owner could, and nothing that the schema forbids. */
#include <string.h>

#include "kr_db.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "web_hook.h"

static const json_t *given(const json_t *identity, const char *key)
{
    const json_t *value = json_object_get(identity, key);

    return json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ? NULL : value;
}

/* -- addresses -------------------------------------------------------------------- */

static const kr_address_t *known(const apr_array_header_t *addresses, const char *via, const char *value, int recovery)
{
    for (int i = 0; i < addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(addresses, i, const kr_address_t);

        if (a->recovery == recovery && strcmp(a->via, via) == 0 && strcmp(a->value, value) == 0) return a;
    }
    return NULL;
}

static int is_same(const kr_address_t *a, const kr_address_t *b)
{
    return a->verified == b->verified && strcmp(a->status ? a->status : "", b->status ? b->status : "") == 0;
}

/* An address of which something is another is another: one that is stored is never changed in its place. */
static void take_address(kr_ctx_t *k, apr_array_header_t *out, const apr_array_header_t *before, const json_t *given_address, int recovery)
{
    const char *via = kr_json_str(given_address, "via"), *status = kr_json_str(given_address, "status");
    const char *at = kr_json_str(given_address, "verified_at");
    const char *value = kr_address_normalise(k->pool, via, kr_json_str(given_address, "value"));
    const kr_address_t *was = value ? known(before, via, value, recovery) : NULL;
    kr_address_t now = { .via = via, .value = value, .recovery = recovery, .created_at = k->now, .updated_at = k->now };

    if (!value || known(out, via, value, recovery)) return;
    if (!recovery) {
        now.verified = json_is_true(json_object_get(given_address, "verified"));
        now.status = status && *status ? status : now.verified ? "completed" : "pending";
        if (now.verified && (!at || !kr_time_parse(&now.verified_at, at))) now.verified_at = k->now;
    }
    if (was && is_same(was, &now)) now = *was;
    if (!now.id) now.id = kr_uuid(k);
    APR_ARRAY_PUSH(out, kr_address_t) = now;
}

/* A list that is not empty takes the place of the one that there was; the other sort stays. */
static void take_addresses(kr_ctx_t *k, kr_identity_t *self, const json_t *identity, const char *key, int recovery)
{
    const json_t *list = json_object_get(identity, key), *one;
    const apr_array_header_t *before = self->addresses;
    apr_array_header_t *out;
    size_t i;

    if (!json_array_size(list)) return;
    out = apr_array_make(k->pool, before->nelts + 1, sizeof(kr_address_t));
    for (int j = 0; j < before->nelts; j++)
        if (APR_ARRAY_IDX(before, j, kr_address_t).recovery != recovery) APR_ARRAY_PUSH(out, kr_address_t) = APR_ARRAY_IDX(before, j, kr_address_t);
    json_array_foreach(list, i, one) take_address(k, out, before, one, recovery);
    self->addresses = out;
}

/* -- the rest ------------------------------------------------------------------------ */

static json_t *metadata(kr_ctx_t *k, const json_t *value)
{
    return json_is_null(value) ? NULL : kr_json_own(k->pool, json_deep_copy(value));
}

static void take_members(kr_ctx_t *k, kr_identity_t *self, const json_t *identity)
{
    const json_t *traits = given(identity, "traits"), *open = json_object_get(identity, "metadata_public"),
                 *closed = json_object_get(identity, "metadata_admin"), *external_id = json_object_get(identity, "external_id");
    const char *state = json_string_value(given(identity, "state"));

    if (traits) self->traits = kr_json_own(k->pool, json_deep_copy(traits));
    if (state && strcmp(state, self->state) != 0) {
        self->state = apr_pstrdup(k->pool, state);
        self->state_changed_at = k->now;
    }
    if (open) self->metadata_public = metadata(k, open);
    if (closed) self->metadata_admin = metadata(k, closed);
    if (external_id) self->external_id = json_string_length(external_id) ? json_string_value(external_id) : NULL;
    take_addresses(k, self, identity, "verifiable_addresses", 0);
    take_addresses(k, self, identity, "recovery_addresses", 1);
}

kr_identity_t *kr_web_hook_pretend(kr_ctx_t *k, const kr_identity_t *self, const json_t *identity)
{
    kr_identity_t *shown = kr_identity_copy(k, self);
    const char *schema_id = json_string_value(given(identity, "schema_id"));

    take_members(k, shown, identity);
    if (schema_id) shown->schema_id = schema_id;
    return shown;
}

/* -- what follows ------------------------------------------------------------------- */

static kr_err_t *check_traits(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *self, const kr_schema_t *schema)
{
    const json_t *whole = kr_json_pack(k->pool, "{s:O}", "traits", self->traits);
    apr_array_header_t *violations;

    kr_validate(&violations, k->pool, schema->validator, whole);
    kr_nodes_violations(k, flow, violations);
    return violations->nelts ? kr_err_show_flow(k) : NULL;
}

/* A password that nobody could be asked for is of no use. */
static kr_err_t *check_identifiers(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *self)
{
    const kr_credential_t *password = kr_identity_credential(self, "password");

    if (!password || (password->identifiers && password->identifiers->nelts)) return NULL;
    kr_flow_message(k, flow, 4000009, NULL);
    return kr_err_show_flow(k);
}

kr_err_t *kr_web_hook_change(kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *self, const json_t *identity)
{
    const char *schema_id = json_string_value(given(identity, "schema_id")), *bad_path;
    const kr_schema_t *schema = kr_realm_schema(k->realm, schema_id ? schema_id : self->schema_id);

    if (!schema) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0853) "flow %s: a web hook asks for a schema that there is not, \"%.64s\"", flow->id,
               schema_id ? schema_id : self->schema_id);
        return kr_err(k, 500, NULL, "a web hook of this site gave no usable answer");
    }
    self->schema_id = schema->id;
    take_members(k, self, identity);
    KR_TRY(check_traits(k, flow, self, schema));
    if (!kr_identity_follow_traits(k, self, schema, &bad_path)) {
        kr_node_message(k, flow, bad_path, 4000001, json_pack("{s:s}", "reason", KR_NO_ADDRESS));
        return kr_err_show_flow(k);
    }
    return check_identifiers(k, flow, self);
}
