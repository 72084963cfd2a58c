/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery codes are made, shown and given up in the settings. New ones wait in the flow that made them, sealed, until the person says that
 * they are kept. From then on the account has hashes of them; the flow has them as long as it lives, for the session that made them, so
 * that who asks again at once is shown them again. Later they are hidden, and only which of them were used is told.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

#define MADE "lookup"          /* in flow->internal: what was made here */
#define HIDDEN "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2" /* eight bullets */

static const kr_node_spec_t REVEAL = { .name = "lookup_secret_reveal", .type = "submit", .value = "true", .label = 1050007 };
static const kr_node_spec_t REGENERATE = { .name = "lookup_secret_regenerate", .type = "submit", .value = "true", .label = 1050008 };
static const kr_node_spec_t CONFIRM = { .name = "lookup_secret_confirm", .type = "submit", .value = "true", .label = 1050011 };
static const kr_node_spec_t DISABLE = { .name = "lookup_secret_disable", .type = "submit", .value = "true", .label = 1050016 };

#define CODES_NODE "lookup_secret_codes"

/* -- codes that the flow has ----------------------------------------------- */

static const char *context_of(kr_ctx_t *k, const char *flow_id)
{
    return apr_pstrcat(k->pool, "recovery codes of ", flow_id, NULL);
}

static void keep_codes(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session, const json_t *codes)
{
    const char *text = kr_json_dump(k->pool, codes, NULL);
    const char *sealed = kr_seal(k->pool, k->realm->keys, context_of(k, flow->id), text, strlen(text));

    json_object_set_new(flow->internal, MADE, json_pack("{s:s, s:s, s:b}", "sealed", sealed, "session", session->id, "pending", 1));
}

/** The codes that were made in that flow; NULL when there are none, or they cannot be opened. */
static json_t *kept_codes(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *sealed = kr_json_str(json_object_get(flow->internal, MADE), "sealed");
    apr_size_t len;
    unsigned char *text = kr_unseal(k->pool, k->realm->keys, context_of(k, flow->id), sealed, &len);

    return text ? kr_json_own(k->pool, json_loadb((const char *)text, len, 0, NULL)) : NULL;
}

/** Those that wait for the person's word. */
static json_t *pending_codes(kr_ctx_t *k, const kr_flow_t *flow)
{
    const json_t *made = json_object_get(flow->internal, MADE);

    return json_is_true(json_object_get(made, "pending")) ? kept_codes(k, flow) : NULL;
}

static int is_stored(kr_ctx_t *k, const kr_identity_t *identity, const json_t *codes)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "lookup_secret");
    const char *first = json_string_value(json_array_get(codes, 0));

    return credential && first && kr_lookup_find(k, identity->id, kr_lookup_stored(k, credential), first) >= 0;
}

/* What is stored by now waits no longer. */
static void settle(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    const json_t *codes = pending_codes(k, flow);

    if (codes && is_stored(k, identity, codes)) json_object_del(json_object_get(flow->internal, MADE), "pending");
}

/* -- the form -------------------------------------------------------------- */

static json_t *used_message(kr_ctx_t *k, const char *used_at)
{
    apr_time_t t = 0;

    (void)kr_time_parse(&t, used_at);
    return kr_message(k, 1050014, json_pack("{s:s, s:I}", "used_at", used_at, "used_at_unix", (json_int_t)apr_time_sec(t)));
}

/**
 * The node with all codes. @param plain  as they are; NULL: hidden
 * @param stored  in the same order; NULL: none is used
 */
static void show_codes(kr_ctx_t *k, kr_flow_t *flow, const json_t *plain, const json_t *stored)
{
    json_t *secrets = kr_json_own(k->pool, json_array());
    const size_t n = json_array_size(plain ? plain : stored);
    kr_node_spec_t node = { .node = KR_NODE_TEXT, .name = CODES_NODE, .text = 1050015, .label = 1050010 };

    for (size_t i = 0; i < n; i++) {
        const char *used_at = kr_json_str(json_array_get(stored, i), "used_at");
        const char *code = json_string_value(json_array_get(plain, i));

        json_array_append(secrets, used_at ? used_message(k, used_at)
                                           : kr_message(k, 1050009, json_pack("{s:s}", "secret", code ? code : HIDDEN)));
    }
    node.text_context = json_pack("{s:O}", "secrets", secrets);
    kr_node_add(k, flow, "lookup_secret", &node);
}

static void remove_nodes(kr_flow_t *flow)
{
    const char *const names[] = { REVEAL.name, REGENERATE.name, CONFIRM.name, DISABLE.name, CODES_NODE };

    for (int i = 0; i < KR_DIM(names); i++) kr_node_remove(flow, kr_node_find(flow, names[i]));
}

kr_err_t *kr_lookup_show_settings(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_identity_t *identity;
    kr_session_t *session;

    KR_TRY(kr_session_whole(&session, &identity, k));
    settle(k, flow, identity);
    if (kr_identity_credential(identity, "lookup_secret")) {
        kr_node_add(k, flow, "lookup_secret", &REVEAL);
        kr_node_add(k, flow, "lookup_secret", &DISABLE);
    } else kr_node_add(k, flow, "lookup_secret", &REGENERATE);
    return NULL;
}

/* -- another screen -------------------------------------------------------- */

static kr_err_t *regenerate(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    json_t *codes = kr_lookup_make(k);

    keep_codes(k, flow, session, codes);
    remove_nodes(flow);
    show_codes(k, flow, codes, NULL);
    kr_node_add(k, flow, "lookup_secret", &CONFIRM);
    flow->state = KR_STATE_SHOW_FORM;
    return kr_outcome_step(out);
}

/** The codes of a credential as they are, while the flow that made them lives, and in the session that made them; else NULL. */
static kr_err_t *plain_codes(json_t **out, kr_ctx_t *k, const kr_flow_t *flow, const kr_session_t *session,
                             const kr_credential_t *credential)
{
    const json_t *config = kr_json_own(k->pool, json_loads(credential->config, 0, NULL));
    const char *made_in = kr_json_str(config, "made_in"), *by;
    kr_flow_t *made = (kr_flow_t *)flow;

    *out = NULL;
    if (!made_in) return NULL;
    if (strcmp(made_in, flow->id) != 0) {
        kr_err_t *err = kr_flow_load(&made, k, KR_FLOW_SETTINGS, made_in);

        if (err) return err->status == 404 ? NULL : err;
    }
    by = kr_json_str(json_object_get(made->internal, MADE), "session");
    if (!kr_flow_expired(k, made) && by && strcmp(by, session->id) == 0) *out = kept_codes(k, made);
    return NULL;
}

static kr_err_t *reveal(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session, const kr_identity_t *identity)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "lookup_secret");
    json_t *plain;

    if (!credential) return kr_err(k, 400, NULL, "there are no backup codes to show; make some first");
    KR_TRY(plain_codes(&plain, k, flow, session, credential));
    if (plain && !is_stored(k, identity, plain)) plain = NULL; /* others were made there since, and not kept */
    remove_nodes(flow);
    show_codes(k, flow, plain, kr_lookup_stored(k, credential));
    kr_node_add(k, flow, "lookup_secret", &DISABLE);
    kr_node_add(k, flow, "lookup_secret", &REGENERATE);
    return kr_outcome_step(out); /* it changes nothing: what the form said of the last change holds */
}

/* -- what becomes of the account ------------------------------------------- */

static kr_err_t *put_codes(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    const json_t *codes = out->changed.wanted;
    apr_array_header_t *identifiers = apr_array_make(k->pool, 1, sizeof(const char *));

    out->changed.gains = (kr_proof_t){ .method = NULL };
    if (is_stored(k, before, codes)) return NULL; /* the same form, sent twice: what was used since stays used */
    APR_ARRAY_PUSH(identifiers, const char *) = identity->id;
    kr_identity_remove_credential(identity, "lookup_secret");
    kr_identity_add_credential(k, identity, "lookup_secret", kr_lookup_config(k, identity->id, codes, flow->id), identifiers);
    out->changed.gains = (kr_proof_t){ .method = "lookup_secret", .aal = KR_AAL2 };
    return NULL;
}

static kr_err_t *remove_codes(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const kr_identity_t *before)
{
    (void)out;
    (void)k;
    (void)flow;
    (void)before;
    kr_identity_remove_credential(identity, "lookup_secret");
    return NULL;
}

/* People may click twice: what is kept already is to be kept. Programs are told, as they know it. */
static int is_kept(kr_ctx_t *k, const kr_identity_t *identity, const json_t *codes)
{
    return codes && k->client == KR_CLIENT_PERSON && is_stored(k, identity, codes);
}

static kr_err_t *confirm(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity)
{
    const json_t *codes = kept_codes(k, flow);

    if (!pending_codes(k, flow) && !is_kept(k, identity, codes))
        return kr_err(k, 400, NULL, "no new backup codes wait here; make some first");
    return kr_outcome_change(out, put_codes, codes);
}

/* -- the submit ------------------------------------------------------------ */

static kr_err_t *act(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *what)
{
    kr_identity_t *identity;
    kr_session_t *session;

    KR_TRY(kr_session_whole(&session, &identity, k));
    if (strcmp(what, "confirm") == 0) return confirm(out, k, flow, identity);
    if (strcmp(what, "reveal") == 0) return reveal(out, k, flow, session, identity);
    if (strcmp(what, "disable") == 0) return kr_outcome_change(out, remove_codes, NULL);
    return regenerate(out, k, flow, session);
}

kr_err_t *kr_lookup_change(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    static const char *const DEEDS[] = { "confirm", "reveal", "disable", "regenerate" }; /* of several the first, as clients know it */
    kr_err_t *refresh = kr_need_fresh_proof(k, flow);
    int i = 0;

    while (i < KR_DIM(DEEDS) - 1 && !kr_body_true(body, apr_pstrcat(k->pool, "lookup_secret_", DEEDS[i], NULL))) i++;
    if (refresh && refresh->status == 403)
        return kr_outcome_park(out, kr_json_pack(k->pool, "{s:s, s:s}", "method", "lookup_secret", "do", DEEDS[i]), refresh);
    return refresh ? refresh : act(out, k, flow, DEEDS[i]);
}

kr_err_t *kr_lookup_resume(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    const char *what = kr_json_str(parked, "do");

    KR_TRY(kr_need_fresh_proof(k, flow));
    return act(out, k, flow, what ? what : "");
}
