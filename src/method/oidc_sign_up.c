/* SPDX-License-Identifier: Apache-2.0 */
/* A sign-up by what a provider says: the owner's mapper makes an identity of it, and what it leaves open the person is asked for. */
#include <string.h>

#include "kr_credential.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

/* -- the form --------------------------------------------------------------- */

void kr_oidc_form_anew(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider, const json_t *decoded)
{
    const kr_node_spec_t go_on = { .name = "provider", .type = "submit", .value = provider->id, .label = 1040003 };
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    const char *group = k->realm->settings->legacy_oidc_group ? KR_OIDC_GROUP : "default";

    json_array_clear(flow->nodes);
    kr_node_add(k, flow, KR_OIDC_GROUP, &go_on);
    kr_node_csrf(k, flow);
    if (!decoded) return;
    flow->active = "oidc";
    kr_nodes_schema(k, flow, schema, group, NULL);
    kr_nodes_keep(k, flow, schema, group, decoded);
}

/* -- traits ------------------------------------------------------------------ */

/* What the person says of themselves counts, a box that is not ticked and a field that was emptied too. */
static json_t *merged(kr_ctx_t *k, const json_t *mapped, const json_t *typed)
{
    json_t *traits = kr_json_own(k->pool, json_deep_copy(mapped));

    if (json_is_object(typed)) json_object_update_recursive(traits, kr_json_own(k->pool, json_deep_copy(typed)));
    return traits;
}

int kr_oidc_vouch(kr_ctx_t *k, kr_identity_t *identity, const json_t *verified)
{
    int vouched = 0;
    size_t n;
    json_t *said;

    json_array_foreach(verified, n, said)
    {
        const char *via = kr_json_str(said, "via"), *raw = kr_json_str(said, "value");
        const char *value = via && raw ? kr_address_normalise(k->pool, via, raw) : NULL;

        for (int i = 0; value && i < identity->addresses->nelts; i++) {
            kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

            if (a->recovery || a->verified || strcmp(a->via, via) != 0 || strcmp(a->value, value) != 0) continue;
            a->verified = 1;
            a->status = "completed";
            a->verified_at = a->updated_at = k->now;
            vouched++;
        }
    }
    return vouched;
}

/* -- the account -------------------------------------------------------------- */

static kr_identity_t *make(const char **bad_path, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, const kr_mapped_t *mapped,
                           json_t *traits)
{
    const kr_linked_t linked = { who->provider->id, who->person.subject, who->person.id_token, who->person.access_token,
                                 who->person.refresh_token };
    kr_identity_t *identity = kr_identity_of_traits(k, kr_flow_schema(k, flow), traits, bad_path);

    if (!identity) return NULL;
    identity->metadata_public = mapped->metadata_public;
    identity->metadata_admin = mapped->metadata_admin;
    kr_oidc_vouch(k, identity, mapped->verified_addresses);
    kr_identity_link(k, identity, &linked);
    kr_identity_reserve_names(k, identity, kr_flow_schema(k, flow));
    return identity;
}

kr_identity_t *kr_oidc_would_be(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who)
{
    const char *bad_path;
    kr_mapped_t mapped;

    kr_db_release(k);
    if (kr_provider_map(&mapped, k, who->provider, who->person.claims, NULL)) return NULL;
    return make(&bad_path, k, flow, who, &mapped, merged(k, mapped.traits, who->traits));
}

static int is_another(const char *owner, const char *but)
{
    return owner && !(but && strcmp(owner, but) == 0);
}

static kr_err_t *addresses_taken(const char **taken, kr_ctx_t *k, const kr_identity_t *identity, const char *but)
{
    for (int i = 0; !*taken && i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);
        const char *owner, *address;

        KR_TRY(kr_address_find(&owner, &address, k, a->recovery, a->via, a->value));
        if (is_another(owner, but)) *taken = a->value;
    }
    return NULL;
}

/* Whatever an account is found by, but the subjects at providers themselves. The traits of one person are few. */
kr_err_t *kr_oidc_taken(const char **taken, kr_ctx_t *k, const kr_identity_t *identity, const char *but)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);
    const apr_array_header_t *names = kr_traits_identifiers(k->pool, schema, identity->traits, "password");

    *taken = NULL;
    for (int i = 0; !*taken && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *), *owner;
        int owners;

        KR_TRY(kr_identity_owner(&owner, &owners, k, name));
        if (is_another(owner, but)) *taken = name;
    }
    return *taken ? NULL : addresses_taken(taken, k, identity, but);
}

/* What misses, or does not fit, is asked for; it comes back by the provider once more. */
static kr_err_t *ask(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, json_t *decoded, const apr_array_header_t *violations,
                     const char *bad_path)
{
    const int at_hand = !flow->in_round && who->person.id_token; /* who sent the token has a form of their own */

    kr_oidc_form_anew(k, flow, who->provider, at_hand ? NULL : decoded);
    if (who->provider->fedcm_alone) kr_oidc_keep_told(k, flow, who);
    if (violations) kr_nodes_violations(k, flow, violations);
    if (bad_path && json_is_string(kr_json_at(decoded, bad_path)))
        kr_node_message(k, flow, bad_path, 4000001, json_pack("{s:s}", "reason", KR_NO_ADDRESS));
    return kr_err_show_flow(k);
}

static kr_err_t *no_account(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, kr_err_t *err)
{
    kr_oidc_form_anew(k, flow, who->provider, NULL);
    flow->active = "oidc";
    return err;
}

kr_err_t *kr_oidc_sign_up(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who)
{
    apr_array_header_t *violations;
    const char *bad_path = NULL;
    kr_identity_t *identity;
    kr_mapped_t mapped;
    json_t *decoded;
    kr_err_t *err;

    kr_db_release(k);
    err = kr_provider_map(&mapped, k, who->provider, who->person.claims, NULL);
    if (err) return no_account(k, flow, who, err);
    decoded = kr_json_pack(k->pool, "{s:O}", "traits", merged(k, mapped.traits, who->traits));
    kr_validate(&violations, k->pool, kr_flow_schema(k, flow)->validator, decoded);
    if (violations->nelts) {
        identity = kr_identity_of_traits(k, kr_flow_schema(k, flow), kr_json_own(k->pool, json_deep_copy(json_object_get(decoded, "traits"))),
                                         &bad_path);
        return ask(k, flow, who, decoded, violations, identity ? NULL : bad_path);
    }
    identity = make(&bad_path, k, flow, who, &mapped, json_object_get(decoded, "traits"));
    if (!identity) return ask(k, flow, who, decoded, NULL, bad_path);
    KR_TRY(kr_outcome_register(out, identity, (kr_proof_t){ .method = "oidc", .details = kr_oidc_details(k, who->provider, &who->person) }));
    out->registers.proof.aal = kr_oidc_level(who->provider, &who->person);
    out->registers.by = who;
    return NULL;
}
