/* SPDX-License-Identifier: Apache-2.0 */
/* A new key, and one that goes: in the settings, and at registration. */
#include <string.h>

#include <unistr.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- what an authenticator made ---------------------------------------------- */

static kr_err_t *unfit(kr_ctx_t *k, kr_flow_t *flow, const char *reason)
{
    kr_flow_reason(k, flow, reason);
    return kr_err_show_flow(k);
}

static kr_err_t *used(kr_ctx_t *k, kr_flow_t *flow)
{
    return unfit(k, flow, "this form has been used already, please begin anew");
}

/*
 * Read and verified, as the answer to what this flow asked; what is wrong is said on the flow.
 * @param again  out: 1 when a browser sent that before, whatever came of it; NULL: that is wrong, too
 */
static kr_err_t *read_made(kr_held_key_t *out, kr_asked_t *asked, int *again, kr_ctx_t *k, kr_flow_t *flow, const char *name,
                           const kr_webauthn_conf_t *conf, const char *text)
{
    kr_webauthn_expected_t expected;
    kr_webauthn_verdict_e verdict;
    const char *why, *make;

    if (again) *again = 0;
    if (!kr_key_asked(asked, k, flow, name)) {
        if (!again || flow->api || !kr_csrf_owns(k, flow) || !kr_key_answered(asked, k, flow, name)) return used(k, flow);
        *again = 1;
    }
    expected = kr_key_expected(conf, asked);
    *out = (kr_held_key_t){ .flags_known = 1 };
    verdict = kr_webauthn_register(&out->key, &why, k->pool, text, strlen(text), &expected);
    if (verdict != KR_WEBAUTHN_GOOD)
        kr_log(k, KR_LOG_INFO, KRLOGNO(0644) "%s %s: a new key was not accepted: %s", kr_flow_kind_name(flow->kind), flow->id, why);
    if (verdict == KR_WEBAUTHN_UNREADABLE) return unfit(k, flow, "the answer of the key could not be read");
    if (verdict != KR_WEBAUTHN_GOOD) return unfit(k, flow, "the key does not prove what is asked for here");
    make = kr_webauthn_make(out->key.aaguid);
    out->name = make ? make : "";
    out->user = asked->user;
    out->added_at = kr_time_rfc3339(k->pool, apr_time_from_sec(apr_time_sec(k->now)));
    return NULL;
}

/* -- the form ------------------------------------------------------------------ */

/* Names of keys come back in pages and mails. */
#define NAME_MAX_CHARACTERS 100
#define NAME_FIELD "webauthn_register_displayname" /* of a registration; it is kept there where the key does not hold */

/* @param typed  NULL: nothing */
static kr_err_t *check_name(kr_ctx_t *k, kr_flow_t *flow, const char *field, const char *typed)
{
    const int characters = typed ? (int)u8_mbsnlen((const uint8_t *)typed, strlen(typed)) : 0;

    if (characters <= NAME_MAX_CHARACTERS) return NULL;
    kr_node_message(k, flow, field, 4000017, json_pack("{s:i, s:i}", "max_length", NAME_MAX_CHARACTERS, "actual_length", characters));
    return kr_err_show_flow(k);
}

void kr_key_buttons(kr_ctx_t *k, kr_flow_t *flow, const kr_key_change_t *form, const kr_identity_t *identity, const kr_keyring_t *ring)
{
    const int last = kr_identity_first_factors(k, identity) < 2, room = kr_keyring_room(k->pool, ring);

    for (int i = 0; i < room; i++) {
        const kr_held_key_t *held = &APR_ARRAY_IDX(ring->keys, i, kr_held_key_t);
        apr_time_t added = 0;
        const kr_node_spec_t button = {
            .name = form->remove, .type = "submit", .value = kr_key_hex(k->pool, held->key.id), .disabled = held->passwordless && last,
            .label = form->label,
            .label_context = json_pack("{s:o, s:s, s:I}", "display_name", kr_json_string(kr_key_name(held)), "added_at", held->added_at,
                                       "added_at_unix", (json_int_t)(kr_time_parse(&added, held->added_at) ? apr_time_sec(added) : 0)),
        };

        kr_node_add(k, flow, kr_method_name(form->id), &button);
    }
}

static const char *sent(const kr_body_t *body, const char *field)
{
    const char *value = field ? kr_body_str(body, field) : NULL;

    return value && *value ? value : NULL;
}

int kr_key_changes(const kr_body_t *body, const kr_key_change_t *form)
{
    return sent(body, form->add) || sent(body, form->remove);
}

/* -- the change ---------------------------------------------------------------- */

/** What is wanted of the account's keys. */
typedef struct {
    const kr_key_change_t *form;
    const char *remove;     /* id in hex; NULL: one is added */
    kr_held_key_t held;
    kr_bytes_t user;        /* handle that the new one was made for */
} wanted_t;

static int has_handle(const kr_credential_t *credential, const char *handle)
{
    for (int i = 0; i < credential->identifiers->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(credential->identifiers, i, const char *), handle) == 0) return 1;
    return 0;
}

/* A passkey finds its owner by the handle that it was made for; a security key by what people type. */
static apr_array_header_t *identifiers_of(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential, const wanted_t *wanted)
{
    const char *handle = kr_key_handle(k->pool, wanted->user);
    apr_array_header_t *out;

    if (wanted->form->id == KR_METHOD_WEBAUTHN)
        return kr_traits_identifiers(k->pool, kr_realm_schema(k->realm, identity->schema_id), identity->traits, "webauthn");
    out = credential ? apr_array_copy(k->pool, credential->identifiers) : apr_array_make(k->pool, 1, sizeof(const char *));
    if (!credential || !has_handle(credential, handle)) APR_ARRAY_PUSH(out, const char *) = handle;
    return out;
}

static kr_err_t *on_node(kr_ctx_t *k, kr_flow_t *flow, const char *node, const char *reason)
{
    kr_node_message(k, flow, node, 4000001, json_pack("{s:s}", "reason", reason));
    return kr_err_show_flow(k);
}

static kr_err_t *add(kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const wanted_t *wanted)
{
    const char *type = kr_method_name(wanted->form->id);
    kr_credential_t *credential = (kr_credential_t *)kr_identity_credential(identity, type);
    apr_array_header_t *identifiers = identifiers_of(k, identity, credential, wanted);
    kr_keyring_t ring;

    KR_TRY(kr_keyring_read(&ring, k, credential));
    if (kr_keyring_find(&ring, wanted->held.key.id)) return on_node(k, flow, wanted->form->add, "this key is on the list already");
    if (wanted->held.passwordless && !identifiers->nelts) {
        kr_flow_message(k, flow, 4000009, NULL);
        return kr_err_show_flow(k);
    }
    APR_ARRAY_PUSH(ring.keys, kr_held_key_t) = wanted->held;
    if (kr_keyring_room(k->pool, &ring) < ring.keys->nelts)
        return on_node(k, flow, wanted->form->add, "there are as many keys as an account can have");
    ring.user_handle = wanted->user;
    if (!credential) {
        kr_identity_add_credential(k, identity, type, kr_keyring_config(k, &ring), identifiers);
        return NULL;
    }
    credential->config = kr_keyring_config(k, &ring);
    credential->identifiers = identifiers;
    return NULL;
}

static const kr_held_key_t *by_hex(kr_ctx_t *k, const kr_keyring_t *ring, const char *hex)
{
    for (int i = 0; i < ring->keys->nelts; i++) {
        const kr_held_key_t *held = &APR_ARRAY_IDX(ring->keys, i, kr_held_key_t);

        if (strcmp(kr_key_hex(k->pool, held->key.id), hex) == 0) return held;
    }
    return NULL;
}

static kr_err_t *drop(kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const wanted_t *wanted)
{
    const char *type = kr_method_name(wanted->form->id);
    kr_credential_t *credential = (kr_credential_t *)kr_identity_credential(identity, type);
    const kr_held_key_t *held;
    kr_keyring_t ring, rest;

    KR_TRY(kr_keyring_read(&ring, k, credential));
    held = by_hex(k, &ring, wanted->remove);
    if (!held) return unfit(k, flow, "there is no such key");
    if (held->passwordless && kr_identity_first_factors(k, identity) < 2)
        return on_node(k, flow, wanted->form->remove, "this is the only way to sign in that is left, and cannot go");
    rest = (kr_keyring_t){ .keys = apr_array_make(k->pool, ring.keys->nelts, sizeof(kr_held_key_t)), .user_handle = ring.user_handle };
    for (int i = 0; i < ring.keys->nelts; i++)
        if (&APR_ARRAY_IDX(ring.keys, i, kr_held_key_t) != held)
            APR_ARRAY_PUSH(rest.keys, kr_held_key_t) = APR_ARRAY_IDX(ring.keys, i, kr_held_key_t);
    if (!rest.keys->nelts) kr_identity_remove_credential(identity, type);
    else credential->config = kr_keyring_config(k, &rest);
    return NULL;
}

static kr_err_t *put_keys(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const wanted_t *wanted = out->changed.wanted;

    (void)before;
    return wanted->remove ? drop(k, flow, identity, wanted) : add(k, flow, identity, wanted);
}

static const kr_webauthn_conf_t *conf_of(kr_ctx_t *k, kr_method_e id)
{
    return id == KR_METHOD_PASSKEY ? &k->realm->settings->passkey : &k->realm->settings->webauthn;
}

/* One way for what is sent and for what waited. */
static kr_err_t *change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_key_change_t *form, const char *made, const char *name,
                        const char *remove)
{
    wanted_t *wanted = apr_pcalloc(k->pool, sizeof(*wanted));
    const char *method = kr_method_name(form->id);
    kr_asked_t asked;

    wanted->form = form;
    wanted->remove = remove;
    if (remove) return kr_outcome_change(out, put_keys, wanted);
    if (!made) return kr_methods_none(k, flow);
    KR_TRY(read_made(&wanted->held, &asked, NULL, k, flow, method, conf_of(k, form->id), made));
    if (name) wanted->held.name = name;
    wanted->held.passwordless = form->id == KR_METHOD_PASSKEY || k->realm->settings->webauthn_passwordless;
    wanted->user = asked.user;
    KR_TRY(kr_outcome_change(out, put_keys, wanted));
    out->changed.gains = (kr_proof_t){ .method = method, .aal = wanted->held.passwordless ? KR_AAL1 : KR_AAL2, .once = 1 };
    return NULL;
}

kr_err_t *kr_key_change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, const kr_key_change_t *form)
{
    const char *remove = sent(body, form->remove), *made = sent(body, form->add), *name = sent(body, form->name);
    kr_err_t *refresh;

    KR_TRY(check_name(k, flow, form->name, form->name ? kr_body_str(body, form->name) : NULL));
    if (made && form->name && !name) {
        kr_field_missing(k, flow, form->name);
        return kr_err_show_flow(k);
    }
    refresh = kr_need_fresh_proof(k, flow);
    if (refresh && refresh->status != 403) return refresh;
    if (refresh)
        return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:s?, s:s?, s:s?}", "method", kr_method_name(form->id), "made", made,
                                                 "name", name, "remove", remove), refresh);
    return change(out, k, flow, form, made, name, made ? NULL : remove);
}

kr_err_t *kr_key_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked, const kr_key_change_t *form)
{
    const char *made = kr_json_str(parked, "made");

    KR_TRY(kr_need_fresh_proof(k, flow));
    return change(out, k, flow, form, made, kr_json_str(parked, "name"), made ? NULL : kr_json_str(parked, "remove"));
}

/* -- registration ---------------------------------------------------------------- */

/* Traits as they were typed stay in the form, whatever is wrong with the key. */
static void keep_traits(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const kr_schema_t *schema = kr_flow_schema(k, flow);
    json_t *decoded;

    kr_traits_decode(&decoded, k->pool, schema, body->json, body->is_form);
    kr_nodes_fill(flow, schema, decoded);
}

/* A double click: this very key made the account just now, by this form with these traits. */
static kr_err_t *check_again(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const kr_held_key_t *held,
                             const char *type)
{
    const kr_credential_t *credential;
    const kr_held_key_t *first;
    kr_identity_t *made;
    kr_keyring_t ring;

    KR_TRY(kr_identity_load(&made, k, identity->id, 1));
    if (!made || !kr_just_made(k, made) || !json_equal(made->traits, identity->traits)) return used(k, flow);
    credential = kr_identity_credential(made, type);
    KR_TRY(kr_keyring_read(&ring, k, credential));
    first = kr_keyring_find(&ring, held->key.id);
    if (!first || first->key.public_key.len != held->key.public_key.len ||
        memcmp(first->key.public_key.at, held->key.public_key.at, held->key.public_key.len) != 0)
        return used(k, flow);
    KR_TRY(kr_outcome_register(out, made, (kr_proof_t){ .method = type, .credential = credential }));
    out->registers.repeated = 1;
    return NULL;
}

static kr_err_t *make_account(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_held_key_t *held,
                              kr_method_e id)
{
    const char *type = kr_method_name(id);
    kr_keyring_t ring = { .keys = apr_array_make(k->pool, 1, sizeof(kr_held_key_t)), .user_handle = held->user };
    apr_array_header_t *identifiers = apr_array_make(k->pool, 1, sizeof(const char *));

    if (id == KR_METHOD_PASSKEY) APR_ARRAY_PUSH(identifiers, const char *) = kr_key_handle(k->pool, held->user);
    else identifiers = kr_traits_identifiers(k->pool, kr_flow_schema(k, flow), identity->traits, type);
    if (!identifiers->nelts) {
        kr_flow_message(k, flow, 4000009, NULL);
        return kr_err_show_flow(k);
    }
    APR_ARRAY_PUSH(ring.keys, kr_held_key_t) = *held;
    kr_identity_add_credential(k, identity, type, kr_keyring_config(k, &ring), identifiers);
    kr_identity_reserve_names(k, identity, kr_flow_schema(k, flow));
    return kr_outcome_register(out, identity, (kr_proof_t){ .method = type, .once = 1 });
}

kr_err_t *kr_key_register(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body, const kr_webauthn_conf_t *conf,
                          const char *made, const char *name, kr_method_e id)
{
    const char *type = kr_method_name(id);
    kr_identity_t *identity;
    kr_held_key_t held = { .flags_known = 0 };
    kr_asked_t asked;
    kr_err_t *err;
    int again;

    keep_traits(k, flow, body);
    KR_TRY(check_name(k, flow, NAME_FIELD, name));
    err = read_made(&held, &asked, &again, k, flow, type, conf, made);
    if (err && name) kr_node_set(kr_node_find(flow, NAME_FIELD), "value", json_string(name));
    KR_TRY(err);
    if (name && *name) held.name = name;
    held.passwordless = 1;
    KR_TRY(kr_registration_traits(&identity, k, flow, body, NULL));
    identity->id = kr_registration_id(k, flow, identity->traits, type);
    return again ? check_again(out, k, flow, identity, &held, type) : make_account(out, k, flow, identity, &held, id);
}
