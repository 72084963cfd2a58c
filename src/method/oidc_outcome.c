/* SPDX-License-Identifier: Apache-2.0 */
/* It is known who somebody is at a provider: who are they here? */
#include <string.h>

#include "kr_audit.h"
#include "kr_credential.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

#define IDENTIFIER_MAX 255 /* characters of an identifier that the store keeps */
#define SUBJECT_MAX 2000   /* bytes */

/* -- what it is worth ---------------------------------------------------------- */

kr_aal_e kr_oidc_level(const kr_oidc_provider_conf_t *provider, const kr_provider_person_t *person)
{
    size_t i;
    json_t *amr;

    if (kr_texts_have(provider->aal2_acr_values, person->acr)) return KR_AAL2;
    json_array_foreach((json_t *)person->amr, i, amr) if (kr_texts_have(provider->aal2_amr_values, json_string_value(amr))) return KR_AAL2;
    return KR_AAL1;
}

const json_t *kr_oidc_details(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider, const kr_provider_person_t *person)
{
    json_t *out = kr_json_pack(k->pool, "{s:s}", "provider", provider->id);

    if (person->acr && *person->acr) json_object_set_new(out, "upstream_acr", kr_json_string(person->acr));
    if (json_array_size(person->amr)) json_object_set_new(out, "upstream_amr", json_deep_copy(person->amr));
    return out;
}

/* -- renewed at each sign-in ----------------------------------------------------- */

/** What the mapper says now of an account as it was read. */
typedef struct {
    const json_t *was; /* all that the mapper was told of it */
    kr_mapped_t mapped;
    json_t *traits; /* with those that it does not speak of */
} renewal_t;

static kr_err_t *mark_verified(kr_ctx_t *k, const kr_identity_t *identity, const kr_address_t *address)
{
    KR_TRY(kr_address_verified(k, identity->id, address->id));
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_VERIFIED, .identity_id = identity->id, .identifier = address->value, .method = "oidc" });
    return NULL;
}

/* Of an address that the account had; a new one is written as it is. */
static kr_err_t *keep_verified(kr_ctx_t *k, const kr_identity_t *identity, const kr_identity_t *before)
{
    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        for (int j = 0; a->verified && j < before->addresses->nelts; j++) {
            const kr_address_t *was = &APR_ARRAY_IDX(before->addresses, j, const kr_address_t);

            if (!was->verified && strcmp(was->id, a->id) == 0) KR_TRY(mark_verified(k, identity, a));
        }
    }
    return NULL;
}

/* As mappers are told of an account that was read whole. */
static json_t *as_it_is(kr_ctx_t *k, const kr_identity_t *identity)
{
    json_t *out = kr_json_pack(k->pool, "{s:O}", "traits", identity->traits);

    json_object_set(out, "metadata_public", identity->metadata_public ? identity->metadata_public : json_null());
    json_object_set(out, "metadata_admin", identity->metadata_admin ? identity->metadata_admin : json_null());
    return out;
}

/* Where somebody has changed the account meanwhile it stays as it is: the next sign-in renews it. */
static kr_err_t *renew(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const renewal_t *r = out->proved.wanted;
    const kr_schema_t *schema = kr_realm_schema(k->realm, before->schema_id);
    const char *bad_path;

    (void)flow;
    if (!json_equal(as_it_is(k, before), r->was)) return NULL;
    identity->traits = r->traits;
    if (!kr_identity_follow_traits(k, identity, schema, &bad_path)) {
        identity->traits = before->traits;
        return NULL;
    }
    if (r->mapped.metadata_public) identity->metadata_public = r->mapped.metadata_public;
    if (r->mapped.metadata_admin) identity->metadata_admin = r->mapped.metadata_admin;
    return kr_oidc_vouch(k, identity, r->mapped.verified_addresses) ? keep_verified(k, identity, before) : NULL;
}

/* Is somebody else found by what they would be found by? */
static kr_err_t *find_taken(int *taken, kr_ctx_t *k, const kr_identity_t *identity, json_t *traits)
{
    const char *bad_path, *by = NULL;
    kr_identity_t *would_be = kr_identity_of_traits(k, kr_realm_schema(k->realm, identity->schema_id), traits, &bad_path);

    if (would_be) KR_TRY(kr_oidc_taken(&by, k, would_be, identity->id));
    *taken = by != NULL;
    return NULL;
}

/* A mapper that fails, or makes what the schema does not take, keeps nobody out: the account stays as it is. */
static kr_err_t *plan_renewal(kr_outcome_t *out, kr_ctx_t *k, const kr_oidc_who_t *who, const char *id)
{
    renewal_t *r = apr_pcalloc(k->pool, sizeof(*r));
    const kr_schema_t *schema;
    kr_identity_t *identity;
    apr_array_header_t *violations;
    int taken = 0;
    kr_err_t *err;

    KR_TRY(kr_identity_load(&identity, k, id, 0)); /* who is found by an identifier has no admin's metadata with them */
    if (!identity) return NULL;
    schema = kr_realm_schema(k->realm, identity->schema_id);
    r->was = as_it_is(k, identity);
    kr_db_release(k);
    err = kr_provider_map(&r->mapped, k, who->provider, who->person.claims, r->was);
    if (err) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0650) "identity %s: its mapper fails, so that provider %s renews nothing: %s", identity->id,
               who->provider->id, err->reason ? err->reason : "no reason given");
        return NULL;
    }
    r->traits = kr_json_own(k->pool, json_deep_copy(identity->traits));
    json_object_update_recursive(r->traits, kr_json_own(k->pool, json_deep_copy(r->mapped.traits)));
    kr_validate(&violations, k->pool, schema->validator, kr_json_pack(k->pool, "{s:O}", "traits", r->traits));
    if (!violations->nelts) KR_TRY(find_taken(&taken, k, identity, r->traits));
    if (violations->nelts || taken) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0651) "identity %s: what provider %s says now %s, and renews nothing", identity->id,
               who->provider->id, taken ? "belongs to another" : "does not fit its schema");
        return NULL;
    }
    out->proved.change = renew;
    out->proved.wanted = r;
    return NULL;
}

/* -- known here ------------------------------------------------------------------ */

static kr_err_t *find(kr_identity_t **out, kr_ctx_t *k, const kr_oidc_who_t *who)
{
    return kr_identity_by_identifier(out, k, "oidc", who->identifier);
}

static kr_err_t *sign_in(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who, kr_identity_t *identity)
{
    flow->active = "oidc";
    KR_TRY(kr_outcome_proved(out, flow, identity, (kr_proof_t){ .method = "oidc", .identifier = who->identifier,
                                                                .credential = kr_identity_credential(identity, "oidc"),
                                                                .details = kr_oidc_details(k, who->provider, &who->person) }));
    out->proved.proof.aal = kr_oidc_level(who->provider, &who->person);
    out->proved.proof.afresh = flow->refresh;
    return strcmp(who->provider->update_identity_on_login, "automatic") == 0 ? plan_renewal(out, k, who, identity->id) : NULL;
}

/* In a new flow: what was read for the first one is read again. */
static kr_err_t *go_on_login(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const void *baton)
{
    const kr_oidc_who_t *who = baton;
    kr_identity_t *identity;

    out->method = KR_METHOD_OIDC;
    flow->transient_payload = (json_t *)who->transient;
    KR_TRY(find(&identity, k, who));
    return identity ? sign_in(out, k, flow, who, identity) : kr_err(k, 400, NULL, "the account has been changed meanwhile, please try again");
}

static kr_err_t *go_on_registration(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const void *baton)
{
    const kr_oidc_who_t *who = baton;

    out->method = KR_METHOD_OIDC;
    flow->active = "oidc";
    flow->in_round = 1;
    flow->transient_payload = (json_t *)who->transient;
    return kr_oidc_sign_up(out, k, flow, who);
}

/* -- unknown here ------------------------------------------------------------------ */

/* Nobody new is taken in, but who has an account may link it. */
static kr_err_t *meet_closed_door(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who)
{
    const kr_identity_t *identity = kr_oidc_would_be(k, flow, who);
    const char *taken = NULL;

    if (identity) KR_TRY(kr_oidc_taken(&taken, k, identity, NULL));
    if (taken) return kr_oidc_begin_linking(out, k, who, taken);
    return kr_err(k, 400, NULL, "nobody here is known by that account, and signing up is switched off");
}

static kr_err_t *unknown(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who)
{
    if (flow->kind == KR_FLOW_REGISTRATION) return kr_oidc_sign_up(out, k, flow, who);
    if (!kr_flow_conf(k, KR_FLOW_REGISTRATION)->enabled) return meet_closed_door(out, k, flow, who);
    return kr_outcome_other(out, KR_FLOW_REGISTRATION, go_on_registration, who);
}

/* -- all of it ---------------------------------------------------------------------- */

kr_err_t *kr_oidc_outcome(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider,
                          const kr_provider_person_t *person, const json_t *traits)
{
    kr_oidc_who_t *who = apr_pcalloc(k->pool, sizeof(*who));
    kr_identity_t *identity;

    *who = (kr_oidc_who_t){ .provider = provider, .person = *person, .traits = traits, .transient = flow->transient_payload,
                            .identifier = kr_linked_identifier(k->pool, provider->id, person->subject) };
    if (strlen(person->subject) > SUBJECT_MAX || strlen(who->identifier) > IDENTIFIER_MAX)
        return kr_err(k, 502, "upstream_error", "the provider names the person by more characters than can be kept");
    KR_TRY(find(&identity, k, who));
    if (flow->kind == KR_FLOW_SETTINGS) return kr_oidc_link_own(out, k, flow, who, identity);
    if (!identity) return unknown(out, k, flow, who);
    if (flow->kind == KR_FLOW_LOGIN) return sign_in(out, k, flow, who, identity);
    return kr_outcome_other(out, KR_FLOW_LOGIN, go_on_login, who);
}
