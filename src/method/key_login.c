/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a key at login: read, found among those that the account has, verified, and its counter kept. */
#include <string.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

/* Of answers that did not hold. The challenge is no secret, and who has no key cannot answer it; clients send the right answer after a wrong
 * one with the form that they have. */
#define FAILED_MAX 5

void kr_key_forget(kr_flow_t *flow, const kr_key_form_t *form)
{
    json_t *field = kr_node_find(flow, form->field);

    if (field) json_object_del(json_object_get(field, "attributes"), "value");
}

kr_err_t *kr_key_refuse(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, int message)
{
    kr_key_forget(flow, form);
    kr_flow_message(k, flow, message, NULL);
    return kr_err_show_flow(k);
}

kr_err_t *kr_key_unknown(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *typed)
{
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(form->id), .typed = typed, .reason = "unknown" });
    return kr_key_refuse(k, flow, form, 4000015);
}

kr_err_t *kr_key_unfit(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *reason)
{
    kr_key_forget(flow, form);
    kr_flow_reason(k, flow, reason);
    return kr_err_show_flow(k);
}

kr_err_t *kr_key_read(kr_webauthn_assertion_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const char *text)
{
    const char *why;

    if (kr_webauthn_read(out, &why, k->pool, text, strlen(text)) == KR_WEBAUTHN_GOOD) return NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0640) "login %s: the answer of a key cannot be read: %s", flow->id, why);
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(form->id), .reason = "unreadable" });
    return kr_key_unfit(k, flow, form, "the answer of the key could not be read");
}

/* The challenge that was shown is answered too often, or used: the form asks another one. */
static kr_err_t *ask_again(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form)
{
    kr_key_forget_asked(flow, kr_method_name(form->id));
    return form->again(k, flow);
}

static kr_err_t *wrong(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const kr_identity_t *identity, const char *why)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0641) "login %s: identity %s, the key was not accepted: %s", flow->id, identity->id, why);
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(form->id), .identity = identity, .reason = "wrong" });
    if (kr_key_failed(flow, kr_method_name(form->id)) >= FAILED_MAX) KR_TRY(ask_again(k, flow, form));
    return kr_key_refuse(k, flow, form, 4000043);
}

static const kr_held_key_t *find(const kr_keyring_t *ring, const kr_key_form_t *form, kr_bytes_t id)
{
    const kr_held_key_t *held = kr_keyring_find(ring, id);

    return held && (form->passwordless < 0 || held->passwordless == form->passwordless) ? held : NULL;
}

/* Whoever names somebody names the one that the key was made for (section 7.2, step 6). */
static int is_theirs(const kr_keyring_t *ring, const kr_held_key_t *held, kr_bytes_t handle)
{
    const kr_bytes_t made_for = kr_key_made_for(ring, held);

    return !handle.len || !made_for.len || (handle.len == made_for.len && memcmp(handle.at, made_for.at, handle.len) == 0);
}

/* What is kept of the key from now on. @return 1: it differs */
static int keep(kr_held_key_t *held, const kr_webauthn_proof_t *said)
{
    const kr_held_key_t was = *held;
    kr_webauthn_key_t *key = &held->key;

    if (said->sign_count > key->sign_count) key->sign_count = said->sign_count;
    if (said->fell) held->clone_warning = 1;
    key->user_present = 1;
    key->user_verified = said->user_verified;
    key->backup_eligible = said->backup_eligible;
    key->backup_state = said->backup_state;
    held->flags_known = 1;
    return key->sign_count != was.key.sign_count || held->clone_warning != was.clone_warning || !was.flags_known ||
           key->user_verified != was.key.user_verified || key->backup_state != was.key.backup_state;
}

/* Its counter went back: perhaps there are two of it. That is noted with the key, and the answer is used up. */
static kr_err_t *fallen(kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, const kr_identity_t *identity,
                        const kr_credential_t *credential, const kr_keyring_t *ring)
{
    int done;

    KR_TRY(kr_flow_spend(&done, k, flow, &(kr_proof_t){ .once = 1, .credential = credential, .spends = kr_keyring_config(k, ring),
                                                        .spent = credential->spent + 1 }));
    if (!done) return kr_key_refuse(k, flow, form, 4000043);
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0642) "identity %s: the counter of a key went back, so there may be a copy of it; the sign-in was "
                                            "refused", identity->id);
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = kr_method_name(form->id), .identity = identity, .reason = "copied" });
    KR_TRY(ask_again(k, flow, form));
    return kr_key_refuse(k, flow, form, 4000043);
}

/* Who confirms a sign-in was asked for their own keys. */
static kr_err_t *is_asked(int *out, kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity)
{
    kr_session_t *session;

    KR_TRY(kr_session_current(&session, k));
    *out = !flow->refresh || !session || strcmp(session->identity->id, identity->id) == 0;
    return NULL;
}

kr_err_t *kr_key_prove(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_key_form_t *form, kr_identity_t *identity,
                       const kr_credential_t *credential, const kr_webauthn_assertion_t *assertion)
{
    const char *method = kr_method_name(form->id), *why = "no key of this account has that id";
    kr_proof_t proof = { .method = method, .credential = credential, .once = 1 };
    kr_webauthn_expected_t expected;
    kr_webauthn_proof_t said;
    kr_keyring_t ring;
    kr_asked_t asked;
    kr_held_key_t *held;
    int theirs;

    KR_TRY(kr_keyring_read(&ring, k, credential));
    KR_TRY(is_asked(&theirs, k, flow, identity));
    if (!theirs) return wrong(k, flow, form, identity, "the sign-in that is confirmed is another account's");
    if (!kr_key_asked(&asked, k, flow, method)) {
        KR_TRY(ask_again(k, flow, form));
        return kr_key_unfit(k, flow, form, "the key was asked for already, please use it once more");
    }
    held = (kr_held_key_t *)find(&ring, form, assertion->id);
    expected = kr_key_expected(form->conf, &asked);
    if (held && !is_theirs(&ring, held, assertion->user_handle)) return wrong(k, flow, form, identity, "it names somebody else");
    if (!held || kr_webauthn_verify(&said, &why, k->pool, assertion, &held->key, held->flags_known, &expected) != KR_WEBAUTHN_GOOD)
        return wrong(k, flow, form, identity, why);
    if (keep(held, &said)) {
        proof.spends = kr_keyring_config(k, &ring);
        proof.spent = credential->spent + 1;
    }
    if (said.fell && strcmp(k->realm->settings->webauthn_copies, "refuse") == 0) return fallen(k, flow, form, identity, credential, &ring);
    if (said.fell)
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0643) "identity %s: the counter of a key went back, so there may be a copy of it", identity->id);
    kr_key_forget_asked(flow, method);
    flow->active = method;
    return kr_outcome_proved(out, flow, identity, proof);
}
