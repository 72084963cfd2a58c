/* SPDX-License-Identifier: Apache-2.0 */
/* The password method: its nodes, the check at login, the new credential at registration. */
#include <string.h>

#include "kr_db.h"
#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

static const kr_node_spec_t LOGIN_NODES[] = {
    { .name = "password", .type = "password", .required = 1, .autocomplete = "current-password", .label = 1070001 },
    { .name = "method", .type = "submit", .value = "password", .label = 1010022 },
};

static const kr_node_spec_t REFRESH_NODES[] = {
    { .name = "password", .type = "password", .required = 1, .autocomplete = "current-password", .label = 1070001 },
    { .name = "method", .type = "submit", .value = "password", .label = 1010001 },
};

static const kr_node_spec_t REGISTRATION_NODES[] = {
    { .name = "password", .type = "password", .required = 1, .autocomplete = "new-password", .label = 1070001 },
    { .name = "method", .type = "submit", .value = "password", .label = 1040001 },
};

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_PASSWORD] && kind != KR_FLOW_RECOVERY && kind != KR_FLOW_VERIFICATION;
}

/* -- login ---------------------------------------------------------------- */

static const char *hash_of(kr_ctx_t *k, const kr_identity_t *identity)
{
    const kr_credential_t *credential = identity ? kr_identity_credential(identity, "password") : NULL;
    const json_t *config = credential && credential->config
                               ? kr_json_own(k->pool, json_loads(credential->config, 0, NULL)) : NULL;

    return config ? kr_json_str(config, "hashed_password") : NULL;
}

/* Who signs in again is known: the identifier is shown as a hidden field, if there is a password at all. */
static kr_err_t *show_refresh(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    kr_identity_t *identity;
    const kr_credential_t *credential;
    kr_node_spec_t identifier = { .name = "identifier", .type = "hidden" };

    KR_TRY(kr_session_current(&session, k));
    if (!session) return NULL;
    KR_TRY(kr_identity_load(&identity, k, session->identity->id, 1));
    credential = identity ? kr_identity_credential(identity, "password") : NULL;
    if (!hash_of(k, identity) || !credential->identifiers->nelts) return NULL;
    identifier.value = APR_ARRAY_IDX(credential->identifiers, 0, const char *);
    kr_node_add(k, flow, "default", &identifier);
    kr_nodes_add(k, flow, "password", REFRESH_NODES, KR_DIM(REFRESH_NODES));
    return NULL;
}

/* Shown once, whatever screens came before. */
static kr_err_t *ask(kr_ctx_t *k, kr_flow_t *flow, const kr_node_spec_t nodes[2])
{
    if (!kr_node_find(flow, "password")) kr_nodes_add(k, flow, "password", nodes, 2);
    return NULL;
}

static kr_err_t *show_known(kr_ctx_t *k, kr_flow_t *flow)
{
    return ask(k, flow, LOGIN_NODES);
}

static kr_err_t *show_first(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_node_identifier(k, flow, "default", NULL);
    return show_known(k, flow);
}

/* The same work whether or not anybody has the identifier: time must not tell. */
static kr_err_t *verify(int *ok, kr_ctx_t *k, const char *password, const char *hash)
{
    *ok = 0;
    kr_db_release(k);
    if (!hash) return kr_password_burn(k, &k->realm->settings->hasher, password);
    KR_TRY(kr_password_verify(ok, k, password, hash));
    /* imported hashes of cheap kinds are told by their speed, unless a wrong password costs what it does everywhere */
    if (!*ok && strncmp(hash, "$2", 2) != 0 && strncmp(hash, "$argon2", 7) != 0)
        return kr_password_burn(k, &k->realm->settings->hasher, password);
    return NULL;
}

kr_err_t *kr_password_proves(int *ok, kr_ctx_t *k, const kr_identity_t *identity, const char *password)
{
    return verify(ok, k, password ? password : "", hash_of(k, identity));
}

/* Best effort: who gave the right password gets in even if the better hash cannot be made or stored just now. */
static void rehash(kr_ctx_t *k, const kr_identity_t *identity, const char *password, const char *old)
{
    const kr_hasher_t *hasher = &k->realm->settings->hasher;
    const kr_credential_t *credential = kr_identity_credential(identity, "password");
    const char *hash;
    kr_err_t *err;

    if (!kr_password_outdated(hasher, old) || (hasher->bcrypt && strlen(password) > 72)) return;
    err = kr_password_hash(&hash, k, hasher, password);
    if (!err) err = kr_credential_rehash(k, credential, kr_password_config(k->pool, hash));
    if (err)
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0601) "identity %s: the password could not be hashed anew: %s", identity->id,
               err->reason ? err->reason : "no reason given");
}

/* "password_identifier" is what old clients call it. */
const char *kr_identifier_of(const kr_body_t *body)
{
    const char *identifier = kr_body_str(body, "identifier");

    return identifier && *identifier ? identifier : kr_body_str(body, "password_identifier");
}

static void keep(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_identifier_of(body);

    (void)k;
    if (flow->kind == KR_FLOW_LOGIN && identifier && *identifier)
        kr_node_set(kr_node_find(flow, "identifier"), "value", json_string(identifier));
}

static kr_err_t *check_password(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_identifier_of(body);
    const char *password = kr_body_str(body, "password");
    const char *normal, *hash;
    kr_identity_t *identity = NULL;
    kr_throttle_t counted;
    kr_err_t *err;
    int ok;

    if (!identifier || !*identifier) kr_field_missing(k, flow, "identifier");
    if (!password || !*password) kr_field_missing(k, flow, "password");
    if (!identifier || !*identifier || !password || !*password) return kr_err_show_flow(k);

    normal = kr_identifier_normalise(k->pool, identifier);
    if (normal) KR_TRY(kr_identity_by_identifier(&identity, k, "password", normal));
    KR_TRY(kr_throttle_password(&counted, k, normal, identity));
    hash = hash_of(k, identity);
    err = verify(&ok, k, password, hash);
    if (err || ok) kr_throttle_leave(&counted, k); /* what nobody could look at was not wrong */
    if (err) return err;
    if (!ok) {
        kr_log(k, KR_LOG_INFO, KRLOGNO(0602) "login %s: identifier or password did not match%s", flow->id,
               kr_log_personal(k, identifier));
        kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "password", .identity = identity, .typed = normal ? normal : identifier,
                                               .reason = "wrong" });
        kr_flow_message(k, flow, 4000006, NULL);
        return kr_err_show_flow(k);
    }
    rehash(k, identity, password, hash);
    flow->active = "password";
    return kr_outcome_proved(out, flow, identity,
                             (kr_proof_t){ .method = "password", .credential = kr_identity_credential(identity, "password") });
}

/* -- registration --------------------------------------------------------- */

static kr_err_t *show_credential(kr_ctx_t *k, kr_flow_t *flow)
{
    return ask(k, flow, REGISTRATION_NODES);
}

static kr_err_t *show_sign_up(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *group = k->realm->settings->registration_password_group ? "password" : "default";

    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), group, NULL);
    return show_credential(k, flow);
}

static kr_err_t *new_password(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *password = kr_body_str(body, "password");
    apr_array_header_t *identifiers;
    kr_identity_t *identity;
    const char *hash;

    KR_TRY(kr_registration_traits(&identity, k, flow, body, "password"));
    identifiers = kr_traits_identifiers(k->pool, kr_flow_schema(k, flow), identity->traits, "password");
    if (!identifiers->nelts) {
        kr_flow_message(k, flow, 4000009, NULL);
        return kr_err_show_flow(k);
    }
    KR_TRY(kr_password_policy(k, flow, password, identifiers));
    kr_db_release(k);
    KR_TRY(kr_password_hash(&hash, k, &k->realm->settings->hasher, password));
    kr_identity_add_credential(k, identity, "password", kr_password_config(k->pool, hash), identifiers);
    identity->id = kr_registration_id(k, flow, identity->traits, "password");
    return kr_outcome_register(out, identity, (kr_proof_t){ .method = "password" });
}

/* -- settings ------------------------------------------------------------- */

static const kr_node_spec_t SETTINGS_NODES[] = {
    { .name = "password", .type = "password", .required = 1, .autocomplete = "new-password", .label = 1070001 },
    { .name = "method", .type = "submit", .value = "password", .label = 1070003 },
};

static kr_err_t *show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_nodes_add(k, flow, "password", SETTINGS_NODES, KR_DIM(SETTINGS_NODES));
    return NULL;
}

/* The new hash, in the credential that the account has or in a new one. */
static kr_err_t *put_hash(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, before->schema_id);
    apr_array_header_t *identifiers = kr_traits_identifiers(k->pool, schema, identity->traits, "password");
    kr_credential_t *credential = (kr_credential_t *)kr_identity_credential(identity, "password");
    const char *hash = out->changed.wanted;

    if (!identifiers->nelts) {
        kr_flow_message(k, flow, 4000009, NULL);
        return kr_err_show_flow(k);
    }
    if (credential) credential->config = kr_password_config(k->pool, hash);
    else kr_identity_add_credential(k, identity, "password", kr_password_config(k->pool, hash), identifiers);
    return NULL;
}

static kr_err_t *load_self(const kr_identity_t **out, kr_ctx_t *k)
{
    kr_session_t *session;
    kr_identity_t *identity;

    KR_TRY(kr_session_need(&session, k, NULL));
    KR_TRY(kr_identity_load(&identity, k, session->identity->id, 1));
    *out = identity;
    return identity ? NULL : kr_err(k, 401, NULL, "the account is gone");
}

/* What waits for a fresh proof is the hash, never the password; and what the policy says to it, said then. Whether it is the
 * old one is not looked at before: who has an old session only must not be able to try passwords here. */
static kr_err_t *park_password(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *password, kr_err_t *refresh)
{
    kr_flow_t *scratch = kr_flow_make(k, KR_FLOW_SETTINGS, flow->api, flow->request_url);
    const kr_identity_t *identity;
    const char *hash;
    kr_err_t *err;

    KR_TRY(load_self(&identity, k));
    kr_nodes_add(k, scratch, "password", SETTINGS_NODES, KR_DIM(SETTINGS_NODES));
    err = kr_password_policy(k, scratch, password,
                             kr_traits_identifiers(k->pool, kr_flow_schema(k, flow), identity->traits, "password"));
    if (err && err->kind != KR_ERR_SHOW_FLOW) return err;
    if (err)
        return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:O}", "method", "password", "messages",
                                                 json_object_get(kr_node_find(scratch, "password"), "messages")), refresh);
    kr_db_release(k);
    KR_TRY(kr_password_hash(&hash, k, &k->realm->settings->hasher, password));
    return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:s}", "method", "password", "hash", hash), refresh);
}

static kr_err_t *resume_password(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const char *hash = kr_json_str(parked, "hash");

    KR_TRY(kr_need_fresh_proof(k, flow));
    if (!hash) {
        json_array_extend(json_object_get(kr_node_find(flow, "password"), "messages"), json_object_get(parked, "messages"));
        return kr_err_show_flow(k);
    }
    return kr_outcome_change(out, put_hash, hash);
}

static kr_err_t *change_password(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *password = kr_body_str(body, "password");
    const kr_identity_t *before;
    const char *old, *hash;
    int same = 0;
    kr_err_t *refresh;

    if (!password || !*password) {
        kr_field_missing(k, flow, "password");
        return kr_err_show_flow(k);
    }
    refresh = kr_need_fresh_proof(k, flow);
    if (refresh) return refresh->status == 403 ? park_password(out, k, flow, password, refresh) : refresh;
    KR_TRY(load_self(&before, k));
    KR_TRY(kr_password_policy(k, flow, password,
                              kr_traits_identifiers(k->pool, kr_flow_schema(k, flow), before->traits, "password")));
    old = hash_of(k, before);
    kr_db_release(k);
    if (old) KR_TRY(kr_password_verify(&same, k, password, old));
    if (same) {
        kr_node_message(k, flow, "password", 4000039, NULL);
        return kr_err_show_flow(k);
    }
    KR_TRY(kr_password_hash(&hash, k, &k->realm->settings->hasher, password));
    return kr_outcome_change(out, put_hash, hash);
}

const kr_method_t kr_method_password = {
    .id = KR_METHOD_PASSWORD,
    .on = is_on,
    .keep = keep,
    .aal = kr_reaches_first,
    .show = { [KR_ASK_FIRST] = show_first, [KR_ASK_KNOWN] = show_known, [KR_ASK_REFRESH] = show_refresh,
              [KR_ASK_SIGN_UP] = show_sign_up, [KR_ASK_CREDENTIAL] = show_credential, [KR_ASK_CHANGE] = show_settings },
    .submit = { [KR_FLOW_LOGIN] = check_password, [KR_FLOW_REGISTRATION] = new_password,
                [KR_FLOW_SETTINGS] = change_password },
    .resume = resume_password,
};
