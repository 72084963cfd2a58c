/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in by code: an identifier, then the digits that were sent to its owner's addresses. */
#include <string.h>
#include <strings.h>

#include <apr_lib.h>

#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

static const kr_code_kind_t LOGIN = { .kind = "login", .template_type = "login_code_valid", .field = "login_code" };

static const kr_node_spec_t CHOOSE = { .name = "method", .type = "submit", .value = "code", .label = 1010015 };

/* -- shared with registration --------------------------------------------- */

int kr_code_again(const kr_body_t *body)
{
    const char *again = kr_body_str(body, "resend");

    return again && strcasecmp(again, "code") == 0;
}

kr_err_t *kr_code_refuse(kr_ctx_t *k, kr_flow_t *flow, kr_code_verdict_e verdict, int wrong)
{
    if (verdict == KR_CODE_TOO_OFTEN) kr_flow_reason(k, flow, "the code was entered too often, please begin again");
    else kr_flow_message(k, flow, wrong, NULL);
    return kr_err_show_flow(k);
}

apr_array_header_t *kr_code_addresses(apr_pool_t *pool, const apr_array_header_t *identifiers)
{
    apr_array_header_t *out = apr_array_make(pool, identifiers->nelts, sizeof(const char *));

    for (int i = 0; i < identifiers->nelts; i++) {
        const char *address = APR_ARRAY_IDX(identifiers, i, const char *);

        if (kr_address_normalise(pool, kr_address_via(address), address)) APR_ARRAY_PUSH(out, const char *) = address;
    }
    return out;
}

/* -- the form ------------------------------------------------------------- */

kr_err_t *kr_code_offer_login(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!kr_node_find_value(flow, "method", "code")) kr_node_add(k, flow, "code", &CHOOSE);
    return NULL;
}

kr_err_t *kr_code_show_first(kr_ctx_t *k, kr_flow_t *flow)
{
    if (!kr_node_find(flow, "identifier")) kr_node_identifier(k, flow, "default", NULL);
    return kr_code_offer_login(k, flow);
}

kr_err_t *kr_code_show_refresh(kr_ctx_t *k, kr_flow_t *flow)
{
    if (k->realm->settings->refresh_choose_address) return kr_code_show_own(k, flow);
    /* the name that signs in by password, shown hidden, need not be an address that codes go to */
    kr_node_remove(flow, kr_node_find(flow, "identifier"));
    return kr_code_show_first(k, flow);
}

/* The field that says who: the address that was chosen, while the others go, or what was typed into. */
static json_t *field_of(kr_ctx_t *k, kr_flow_t *flow, const char *identifier)
{
    json_t *field = kr_node_find_value(flow, "address", identifier);

    if (field) kr_node_set(field, "name", json_string("identifier"));
    else field = kr_node_find(flow, "identifier");
    return field ? field : kr_node_identifier(k, flow, "default", NULL);
}

void kr_code_show_login_sent(kr_ctx_t *k, kr_flow_t *flow, const char *identifier, int message)
{
    static const kr_node_spec_t nodes[] = {
        { .name = "method", .type = "hidden", .value = "code" },
        { .name = "code", .type = "text", .required = 1, .autocomplete = "one-time-code", .label = 1070013 },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
        { .name = "resend", .type = "submit", .value = "code", .label = 1070008 },
    };
    json_t *field = field_of(k, flow, identifier);

    kr_node_set(field, "type", json_string("hidden"));
    kr_node_set(field, "value", json_string(identifier));
    flow->nodes = kr_json_pack(k->pool, "[O]", field);
    kr_nodes_add(k, flow, "code", nodes, KR_DIM(nodes));
    if (!flow->api) kr_node_csrf(k, flow);
    kr_flow_message(k, flow, message, NULL);
    flow->state = KR_STATE_SENT_EMAIL;
    flow->active = "code";
}

/* Shown again, a form that asks for the code has the bare field, with what is to be said of it. */
static void show_bare(kr_ctx_t *k, kr_flow_t *flow, const char *identifier)
{
    const kr_node_spec_t bare = { .name = "identifier", .type = "hidden", .value = identifier };
    json_t *field = kr_node_find(flow, "identifier");
    json_t *said = json_incref(json_object_get(field, "messages"));

    kr_node_remove(flow, field);
    field = kr_node_add(k, flow, "default", &bare);
    if (said) json_object_set_new(field, "messages", said);
}

/* -- whose identifier is it? ---------------------------------------------- */

/* As it is shown again. Looking it up does more (kr_identifier_normalise). */
static const char *lowered(apr_pool_t *pool, const char *identifier)
{
    char *out = apr_pstrdup(pool, identifier);

    if (!strchr(out, '@')) return out;
    for (char *p = out; *p; p++) *p = (char)apr_tolower(*p);
    return out;
}

const char *kr_code_identifier(kr_ctx_t *k, const kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_body_str(body, "identifier"), *address = kr_body_str(body, "address");
    const int sent = flow->state == KR_STATE_SENT_EMAIL;

    /* a button that was pressed says more than the field that the form has for another method */
    if (address && *address && (!identifier || !*identifier || sent || kr_node_find_value(flow, "address", address)))
        identifier = address;
    return identifier ? lowered(k->pool, identifier) : "";
}

int kr_code_by_address(kr_ctx_t *k, const kr_flow_t *flow)
{
    const kr_settings_t *conf = k->realm->settings;

    if (flow->requested_aal != KR_AAL1) return conf->code_mfa;
    return flow->refresh && conf->code_passwordless && conf->refresh_choose_address;
}

/* Where the settings want it: whoever has the e-mail address in any way, though without a credential for codes. */
static kr_err_t *find_without_credential(kr_identity_t **out, kr_ctx_t *k, const char *normal)
{
    const char *address = kr_address_normalise(k->pool, "email", normal), *id, *owner, *address_id;
    int owners;

    *out = NULL;
    if (!k->realm->settings->code_fallback || !address) return NULL;
    KR_TRY(kr_address_find(&id, &address_id, k, 0, "email", address));
    KR_TRY(kr_identity_owner(&owner, &owners, k, address));
    if (!id) id = owner;
    return kr_identity_load(out, k, id ? id : kr_uuid(k), 1); /* nobody's is looked for as well: time must not tell */
}

/* The address that was typed, if it is one. */
static apr_array_header_t *typed(kr_ctx_t *k, const char *identifier)
{
    apr_array_header_t *identifiers = apr_array_make(k->pool, 1, sizeof(const char *));
    const char *normal = kr_identifier_normalise(k->pool, identifier);

    if (normal) APR_ARRAY_PUSH(identifiers, const char *) = normal;
    return kr_code_addresses(k->pool, identifiers);
}

/* Where codes for it go: of several addresses the one that was typed, as the credential was found by that. */
static apr_array_header_t *addresses_of(kr_ctx_t *k, const kr_identity_t *identity, const char *identifier)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "code");

    return credential ? kr_code_addresses(k->pool, credential->identifiers) : typed(k, identifier);
}

/* With its code credential; NULL when nobody has it or, to confirm a session, when it is somebody else's. */
static kr_err_t *find(kr_identity_t **out, kr_ctx_t *k, const kr_flow_t *flow, const char *identifier)
{
    const char *normal = kr_identifier_normalise(k->pool, identifier);
    kr_identity_t *other = NULL;
    kr_session_t *session;

    *out = NULL;
    if (!normal) return NULL;
    KR_TRY(kr_identity_by_identifier(out, k, "code", normal));
    if (!*out || k->realm->settings->mitigate_enumeration) KR_TRY(find_without_credential(&other, k, normal));
    if (!*out) *out = other;
    if (!*out || !flow->refresh) return NULL;
    KR_TRY(kr_session_current(&session, k));
    if (session && strcmp(session->identity->id, (*out)->id) != 0) *out = NULL;
    return NULL;
}

int kr_code_misses(kr_ctx_t *k, kr_flow_t *flow, const char *field, const char *value)
{
    if (value && *value) return 0;
    kr_field_missing(k, flow, field);
    return 1;
}

/* -- the two steps -------------------------------------------------------- */

static kr_err_t *unknown(kr_ctx_t *k, kr_flow_t *flow, const char *identifier)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0604) "login %s: nobody signs in by code under that identifier%s", flow->id,
           kr_log_personal(k, identifier));
    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "code", .typed = identifier, .reason = "unknown" });
    kr_node_set(kr_node_find(flow, "identifier"), "value", json_string(identifier));
    kr_flow_message(k, flow, 4000035, NULL);
    return kr_err_show_flow(k);
}

kr_err_t *kr_code_begin_login(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *as_typed)
{
    const char *identifier = lowered(k->pool, as_typed);
    apr_array_header_t *addresses = NULL;
    kr_identity_t *identity;

    KR_TRY(find(&identity, k, flow, identifier));
    if (identity) addresses = addresses_of(k, identity, identifier);
    if (addresses && !addresses->nelts) identity = NULL;
    if (!identity && !k->realm->settings->mitigate_enumeration) return unknown(k, flow, identifier);
    kr_code_show_login_sent(k, flow, identifier, flow->refresh ? 1010025 : 1010014);
    /* to nobody nothing is sent, and nothing tells */
    if (identity) json_object_set_new(flow->internal, KR_CODE_WHOSE, json_string(identity->id));
    else json_object_del(flow->internal, KR_CODE_WHOSE);
    KR_TRY(kr_code_send_all(k, flow, &LOGIN, identity ? addresses : typed(k, identifier), identity, NULL));
    return kr_outcome_sent(out);
}

#define MOMENT apr_time_from_sec(60)

/* A double click of somebody who looks at pages: the browser has the cookie that the form was made for, the first answer brings another. */
static int may_come_twice(kr_ctx_t *k, const kr_flow_t *flow)
{
    return k->client == KR_CLIENT_PERSON && kr_csrf_owns(k, flow);
}

static int was_used_by_this_form(kr_ctx_t *k, const kr_flow_t *flow, const kr_code_row_t *row)
{
    return may_come_twice(k, flow) && (!row->used_at || row->used_at > k->now - MOMENT);
}

static kr_err_t *refuse(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, kr_code_verdict_e verdict)
{
    kr_audit_wrong_code(k, flow, identity, "code", verdict);
    return kr_code_refuse(k, flow, verdict, 4010008);
}

static kr_err_t *check(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *identifier, const char *code)
{
    const char *whose = kr_json_str(flow->internal, KR_CODE_WHOSE);
    kr_identity_t *identity;
    kr_code_verdict_e verdict;
    kr_code_row_t row;
    int theirs;

    KR_TRY(find(&identity, k, flow, identifier));
    if (!identity && !k->realm->settings->mitigate_enumeration) return unknown(k, flow, identifier);
    theirs = identity && whose && strcmp(whose, identity->id) == 0;
    /* a code of somebody else's counts as a try, and is not used up: no code is empty */
    KR_TRY(kr_code_check(&verdict, &row, k, flow, LOGIN.kind, theirs ? code : ""));
    if (verdict == KR_CODE_USED && was_used_by_this_form(k, flow, &row)) verdict = KR_CODE_RIGHT;
    if (verdict != KR_CODE_RIGHT) return refuse(k, flow, identity, verdict);
    /* loaded anew: the address is verified now; one that was given up meanwhile proves nothing any more */
    KR_TRY(find(&identity, k, flow, row.address));
    if (!identity || !whose || strcmp(identity->id, whose) != 0) return refuse(k, flow, identity, KR_CODE_WRONG);
    flow->state = KR_STATE_PASSED_CHALLENGE;
    identity->epoch = row.epoch; /* what ended the sessions since the code was right ends this one too */
    return kr_outcome_proved(out, flow, identity, (kr_proof_t){ .method = "code", .address = row.address });
}

static kr_err_t *take(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int again = kr_code_again(body);
    const int passed = !again && flow->state == KR_STATE_PASSED_CHALLENGE;
    const int sent = !again && (passed || flow->state == KR_STATE_SENT_EMAIL);
    const char *identifier = kr_code_identifier(k, flow, body);
    const char *code = kr_body_str(body, "code");

    if (passed && !may_come_twice(k, flow)) return kr_methods_none(k, flow); /* not after the right code */
    if (sent && kr_code_misses(k, flow, "code", code)) return kr_err_show_flow(k);
    if (kr_code_misses(k, flow, "identifier", identifier)) return kr_err_show_flow(k);
    return sent ? check(out, k, flow, identifier, code) : kr_code_begin_login(out, k, flow, identifier);
}

/* What shows the form again, whatever was wrong with it. */
static kr_err_t *shown_again(kr_ctx_t *k, kr_flow_t *flow, int sent, const char *identifier, kr_err_t *err)
{
    if (err && sent) show_bare(k, flow, identifier);
    if (err) kr_node_csrf(k, flow);
    return err;
}

kr_err_t *kr_code_take_login(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_code_identifier(k, flow, body);
    const int sent = flow->state == KR_STATE_SENT_EMAIL;

    return shown_again(k, flow, sent, identifier, take(out, k, flow, body));
}

kr_err_t *kr_code_take_second(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *identifier = kr_code_identifier(k, flow, body);
    const int sent = flow->state == KR_STATE_SENT_EMAIL;
    /* not after the right code, unless it is the form of somebody who clicked twice */
    const int over = flow->state == KR_STATE_PASSED_CHALLENGE && !kr_code_again(body) && k->client != KR_CLIENT_PERSON;

    return shown_again(k, flow, sent, identifier, over ? kr_methods_none(k, flow) : kr_code_prove_second(out, k, flow, body));
}
