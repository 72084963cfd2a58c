/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody comes by a provider whom the site does not know, and whose address has an account here. Whoever owns that account proves it,
 * in a login flow of its own in which what the provider said waits, sealed; the sign-in links it. An account is never linked by an
 * address alone.
 */
#include <string.h>

#include "kr_credential.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

#define WAITS "oidc_waits" /* in flow->internal: sealed */

/** What waits to be linked. */
typedef struct {
    kr_linked_t linked;
    const char *taken; /* the identifier or address by which the account was found */
} waiting_t;

/* -- waiting ------------------------------------------------------------------ */

static const waiting_t *waiting_in(kr_ctx_t *k, const kr_flow_t *flow)
{
    const json_t *said = kr_flow_hidden(k, flow, WAITS);
    waiting_t *w = apr_pcalloc(k->pool, sizeof(*w));

    if (!said) return NULL;
    w->linked = (kr_linked_t){ kr_json_str(said, "provider"), kr_json_str(said, "subject"), kr_json_str(said, "id_token"),
                               kr_json_str(said, "access_token"), kr_json_str(said, "refresh_token") };
    w->taken = kr_json_str(said, "taken");
    return w->linked.provider && w->linked.subject && w->taken ? w : NULL;
}

void kr_oidc_hand_on(kr_ctx_t *k, const kr_flow_t *from, kr_flow_t *to)
{
    const json_t *waiting = kr_flow_hidden(k, from, WAITS);

    if (waiting) kr_flow_hide(k, to, WAITS, waiting, 0);
}

/* -- the form ------------------------------------------------------------------ */

/** What a flow begins with that shall link. */
typedef struct {
    const kr_oidc_who_t *who;
    const char *taken;
} linking_t;

/* By an identifier or an address. @param owner  out: NULL when it is nobody's */
static kr_err_t *find_owner(kr_identity_t **owner, kr_ctx_t *k, const char *taken)
{
    const char *id, *address;
    int owners;

    *owner = NULL;
    KR_TRY(kr_identity_owner(&id, &owners, k, taken));
    if (!id) KR_TRY(kr_address_find(&id, &address, k, 0, kr_address_via(taken), taken));
    if (!id) KR_TRY(kr_address_find(&id, &address, k, 1, kr_address_via(taken), taken));
    return id ? kr_identity_load(owner, k, id, 1) : NULL;
}

static json_t *linked_of(kr_ctx_t *k, const kr_identity_t *owner)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;
    json_t *out = kr_json_own(k->pool, json_array());

    for (int i = 0; owner && providers && i < providers->nelts; i++) {
        const char *id = APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t).id;

        if (kr_identity_is_linked(owner, id)) json_array_append_new(out, json_string(id));
    }
    return out;
}

kr_err_t *kr_oidc_linked_of(json_t **out, kr_ctx_t *k, const char *taken)
{
    kr_identity_t *owner;

    KR_TRY(find_owner(&owner, k, taken));
    *out = linked_of(k, owner);
    return NULL;
}

/* What the account can be signed in to with, where the settings want that to be told. */
static kr_err_t *find_hints(apr_array_header_t **types, kr_identity_t **owner, kr_ctx_t *k, const char *taken)
{
    *types = NULL;
    *owner = NULL;
    if (!k->realm->settings->registration_login_hints) return NULL;
    KR_TRY(kr_identity_types(types, k, taken));
    return find_owner(owner, k, taken);
}

static json_t *texts(const apr_array_header_t *list)
{
    json_t *out = json_array();

    for (int i = 0; list && i < list->nelts; i++) json_array_append_new(out, json_string(APR_ARRAY_IDX(list, i, const char *)));
    return out;
}

/* Those of the others by which it may be proved. */
static void show_other_providers(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *used, const kr_identity_t *owner)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;

    for (int i = 0; i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t);
        kr_node_spec_t button = { .name = "provider", .type = "submit", .value = p->id, .label = 1010018 };

        if (!kr_oidc_has_button(p) || p == used) continue;
        if (k->realm->settings->registration_login_hints && !(owner && kr_identity_is_linked(owner, p->id))) continue;
        button.label_context = json_pack("{s:s}", "provider", kr_oidc_label(p));
        kr_node_add(k, flow, KR_OIDC_GROUP, &button);
    }
}

/* That of the account, for who is asked for a password or the like. */
static void show_identifier(kr_ctx_t *k, kr_flow_t *flow, const char *taken)
{
    json_t *identifier = kr_node_find(flow, "identifier");

    if (!identifier) identifier = kr_node_identifier(k, flow, "default", NULL);
    kr_node_set(identifier, "type", json_string("hidden"));
    kr_node_set(identifier, "value", json_string(taken));
}

/* The first factors of the account that is known. A passkey's question comes with the first screen elsewhere. */
static kr_err_t *show_proofs(kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *types)
{
    const kr_method_t *passkey = &kr_method_passkey;

    if (passkey->on(k->realm->settings, flow->kind) && (!types || kr_texts_have(types, "passkey"))) KR_TRY(passkey->show[KR_ASK_IDENTIFIER](k, flow));
    return kr_methods_offer(k, flow, KR_ASK_KNOWN, types);
}

static kr_err_t *show(kr_ctx_t *k, kr_flow_t *flow, const linking_t *linking)
{
    const kr_oidc_provider_conf_t *provider = linking->who->provider;
    const char *page = kr_flow_conf(k, KR_FLOW_LOGIN)->ui_url;
    apr_array_header_t *types;
    kr_identity_t *owner;

    KR_TRY(find_hints(&types, &owner, k, linking->taken));
    json_array_clear(flow->nodes);
    json_array_clear(flow->messages);
    show_other_providers(k, flow, provider, owner);
    kr_node_csrf(k, flow);
    if (kr_methods_answer(k, flow, KR_ASK_KNOWN)) show_identifier(k, flow, linking->taken);
    KR_TRY(show_proofs(k, flow, types && kr_texts_have(types, "oidc") && types->nelts == 1 ? NULL : types));
    kr_nodes_sort(k, flow);
    kr_flow_message(k, flow, 1010016, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:O}", "duplicateIdentifier", linking->taken,
                                                "duplicate_identifier", linking->taken, "provider",
                                                provider->label && *provider->label ? provider->label : provider->provider, "newLoginUrl", page,
                                                "new_login_url", page, "available_credential_types", texts(types), "available_providers",
                                                linked_of(k, owner)));
    return NULL;
}

static kr_err_t *go_on_linking(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const void *baton)
{
    const linking_t *linking = baton;
    const kr_oidc_who_t *who = linking->who;

    out->method = KR_METHOD_OIDC;
    flow->active = "oidc";
    flow->transient_payload = (json_t *)who->transient;
    kr_flow_hide(k, flow, WAITS,
                 kr_json_pack(k->pool, "{s:s, s:o, s:s?, s:s?, s:s?, s:s}", "provider", who->provider->id, "subject",
                              kr_json_string(who->person.subject), "id_token", who->person.id_token, "access_token",
                              who->person.access_token, "refresh_token", who->person.refresh_token, "taken", linking->taken), 0);
    KR_TRY(show(k, flow, linking));
    KR_TRY(kr_outcome_step(out));
    out->step.linking = 1;
    return NULL;
}

kr_err_t *kr_oidc_begin_linking(kr_outcome_t *out, kr_ctx_t *k, const kr_oidc_who_t *who, const char *taken)
{
    linking_t *linking = apr_palloc(k->pool, sizeof(*linking));

    *linking = (linking_t){ who, taken };
    return kr_outcome_other(out, KR_FLOW_LOGIN, go_on_linking, linking);
}

kr_err_t *kr_oidc_collided(kr_outcome_t *out, kr_ctx_t *k, const kr_outcome_t *done, int *collided)
{
    const kr_oidc_who_t *who = done->method == KR_METHOD_OIDC ? done->registers.by : NULL;
    const char *taken = NULL;

    *collided = 0;
    if (!who) return NULL;
    KR_TRY(kr_oidc_taken(&taken, k, done->registers.identity, NULL));
    if (!taken) return NULL;
    *collided = 1;
    memset(out, 0, sizeof(*out));
    out->method = KR_METHOD_OIDC;
    return kr_oidc_begin_linking(out, k, who, taken);
}

/* -- the link -------------------------------------------------------------------- */

static int owns(const kr_identity_t *identity, const char *taken)
{
    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);

        if (c->identifiers && kr_texts_have(c->identifiers, taken)) return 1;
    }
    for (int i = 0; i < identity->addresses->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(identity->addresses, i, const kr_address_t).value, taken) == 0) return 1;
    return 0;
}

static kr_err_t *not_theirs(kr_ctx_t *k, kr_flow_t *flow, const char *taken)
{
    if (kr_node_find(flow, "identifier")) show_identifier(k, flow, taken); /* the next try is for that account again */
    kr_flow_message(k, flow, 4010009, NULL);
    return kr_err_show_flow(k);
}

/* Of the account as it is now: what it was found by may have moved to another one. */
static kr_err_t *put_link(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const waiting_t *w = out->proved.wanted;
    const kr_credential_t *linked = kr_identity_credential(before, "oidc");

    if (!owns(before, w->taken)) return not_theirs(k, flow, w->taken);
    if (linked && kr_texts_have(linked->identifiers, kr_linked_identifier(k->pool, w->linked.provider, w->linked.subject))) return NULL; /* sent twice */
    kr_identity_link(k, identity, &w->linked);
    return NULL;
}

void kr_oidc_joined(kr_flow_t *flow)
{
    json_object_del(flow->internal, WAITS);
}

kr_err_t *kr_oidc_join(int *later, kr_outcome_t *proved, kr_ctx_t *k, kr_flow_t *flow)
{
    const waiting_t *w = waiting_in(k, flow);
    kr_identity_t *whole;

    *later = 0;
    if (!w) return NULL;
    KR_TRY(kr_identity_load(&whole, k, proved->proved.identity->id, 1));
    if (!whole || !owns(whole, w->taken)) return not_theirs(k, flow, w->taken);
    *later = proved->proved.proof.aal < KR_AAL2 && k->realm->settings->whoami_highest_aal && kr_identity_aal(k, whole) == KR_AAL2;
    if (*later) return NULL;
    proved->proved.change = put_link;
    proved->proved.wanted = w;
    /* whatever it was worth there, it was before the account was proved */
    proved->proved.proof.also = kr_json_pack(k->pool, "[{s:s, s:s, s:s}]", "method", "oidc", "aal", "aal1", "provider", w->linked.provider);
    return NULL;
}
