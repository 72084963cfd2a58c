/* SPDX-License-Identifier: Apache-2.0 */
/* A code as second factor: one of the addresses of who is signed in, then the digits that were sent to it. */
#include <string.h>

#include "kr_db.h"
#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

static const kr_code_kind_t SECOND = { .kind = "second_factor", .template_type = "login_code_valid", .field = "login_code" };

/* -- the addresses -------------------------------------------------------- */

static int is_among(const apr_array_header_t *addresses, const char *address)
{
    for (int i = 0; address && i < addresses->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(addresses, i, const char *), address) == 0) return 1;
    return 0;
}

/* Of the code credential; where the settings want it, of an account without one those that are to be verified. */
static apr_array_header_t *candidates_of(kr_ctx_t *k, const kr_identity_t *identity)
{
    const kr_credential_t *credential = kr_identity_credential(identity, "code");
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(const char *));

    if (credential) return kr_code_addresses(k->pool, credential->identifiers);
    for (int i = 0; k->realm->settings->code_fallback && i < identity->addresses->nelts; i++) {
        const kr_address_t *address = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (!address->recovery) APR_ARRAY_PUSH(out, const char *) = address->value;
    }
    return out;
}

static kr_err_t *load(kr_identity_t **identity, apr_array_header_t **addresses, kr_ctx_t *k)
{
    kr_session_t *session;

    *addresses = apr_array_make(k->pool, 1, sizeof(const char *)); /* none, until all went well */
    *identity = NULL;
    KR_TRY(kr_session_need(&session, k, NULL));
    KR_TRY(kr_identity_load(identity, k, session->identity->id, 1));
    if (!*identity) return kr_err(k, 401, NULL, "the account is gone");
    *addresses = candidates_of(k, *identity);
    return NULL;
}

/* `via` names a trait: only the address in it is offered. */
static kr_err_t *restrict_to(apr_array_header_t *addresses, kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity)
{
    const char *via = kr_flow_url_param(k, flow->request_url, "via");
    const char *value = via ? kr_json_str(identity->traits, via) : NULL;
    const char *address = value ? kr_identifier_normalise(k->pool, value) : NULL;

    if (!via) return NULL;
    if (!is_among(addresses, address)) return kr_err(k, 400, NULL, "via names no trait with an address that codes can be sent to");
    addresses->nelts = 0;
    APR_ARRAY_PUSH(addresses, const char *) = address;
    return NULL;
}

/* -- the form ------------------------------------------------------------- */

static void offer(kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *addresses)
{
    for (int i = 0; i < addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(addresses, i, const char *);
        const kr_node_spec_t choice = { .name = "address", .type = "submit", .value = address, .label = 1010023,
                                        .label_context = json_pack("{s:s, s:s}", "address", kr_address_shown(k->pool, address), "channel",
                                                                   kr_address_via(address)) };

        kr_node_add(k, flow, "code", &choice);
    }
}

kr_err_t *kr_code_show_own(kr_ctx_t *k, kr_flow_t *flow)
{
    apr_array_header_t *addresses;
    kr_identity_t *identity;

    KR_TRY(load(&identity, &addresses, k));
    offer(k, flow, addresses);
    return NULL;
}

kr_err_t *kr_code_show_second(kr_ctx_t *k, kr_flow_t *flow)
{
    apr_array_header_t *addresses;
    kr_identity_t *identity;

    KR_TRY(load(&identity, &addresses, k));
    KR_TRY(restrict_to(addresses, k, flow, identity));
    offer(k, flow, addresses);
    if (flow->api && addresses->nelts) kr_node_remove(flow, kr_node_find(flow, "csrf_token")); /* as clients know this form */
    return NULL;
}

static kr_err_t *send_to(kr_ctx_t *k, kr_flow_t *flow, const kr_identity_t *identity, const char *address)
{
    apr_array_header_t *one = apr_array_make(k->pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(one, const char *) = address;
    kr_code_show_login_sent(k, flow, address, 1010025);
    json_object_set_new(flow->internal, KR_CODE_WHOSE, json_string(identity->id));
    return kr_code_send_all(k, flow, &SECOND, one, identity, NULL);
}

/* The one thing that the form can be used for. */
static const char *only_choice(const kr_flow_t *flow)
{
    const char *address = NULL;
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *name = kr_json_str(node, "attributes.name");

        if (name && strcmp(name, "csrf_token") == 0) continue;
        if (address || !name || strcmp(name, "address") != 0) return NULL;
        address = kr_json_str(node, "attributes.value");
    }
    return address;
}

kr_err_t *kr_code_begin_second(kr_ctx_t *k, kr_flow_t *flow)
{
    const char *address = only_choice(flow);
    apr_array_header_t *addresses;
    kr_identity_t *identity;

    if (!address) return NULL;
    KR_TRY(load(&identity, &addresses, k));
    kr_flow_clear_messages(flow);
    return send_to(k, flow, identity, apr_pstrdup(k->pool, address));
}

/* -- the two steps -------------------------------------------------------- */

/* The flow may have been begun by somebody else: their codes are no proof of this person's. Nor is one to an address that was given
 * up meanwhile. */
static int is_proof(const kr_code_row_t *row, const kr_identity_t *identity, const apr_array_header_t *addresses)
{
    return row->identity_id && strcmp(row->identity_id, identity->id) == 0 && is_among(addresses, row->address);
}

#define WAIT apr_time_from_msec(40) /* ten times at most */

/*
 * The code was used before: by this very form, clicked twice? The first post has used it up and is about to write what follows from that,
 * or is done. @param yes  1: and `flow` is as the first has left it
 */
static kr_err_t *was_used_by_this_form(int *yes, kr_ctx_t *k, kr_flow_t *flow, const kr_second_t *second)
{
    *yes = 0;
    for (int i = 0; i < 10 && k->client == KR_CLIENT_PERSON; i++) {
        kr_flow_t *now;

        KR_TRY(kr_flow_load(&now, k, KR_FLOW_LOGIN, flow->id));
        KR_TRY(kr_second_twice(yes, k, now, second));
        if (*yes) *flow = *now;
        if (*yes) return NULL;
        kr_db_release(k); /* nobody shall wait for a connection meanwhile, the first post least of all */
        apr_sleep(WAIT);
    }
    return NULL;
}

/* What is wrong with a code, unless it was right before. */
static kr_err_t *refuse(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_code_verdict_e verdict, const kr_second_t *second)
{
    const kr_credential_t *credential = kr_identity_credential(second->identity, second->method);
    int twice = 0;

    if (verdict == KR_CODE_USED) KR_TRY(was_used_by_this_form(&twice, k, flow, second));
    if (!twice) kr_audit_wrong_code(k, flow, second->identity, "code", verdict);
    if (!twice) return kr_code_refuse(k, flow, verdict, 4010008);
    return kr_outcome_proved(out, flow, second->identity, (kr_proof_t){ .method = "code", .credential = credential });
}

static kr_err_t *check(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *identity, const apr_array_header_t *addresses,
                       const char *code)
{
    const char *whose = kr_json_str(flow->internal, KR_CODE_WHOSE);
    const int theirs = whose && strcmp(whose, identity->id) == 0;
    const kr_second_t second = { .method = "code", .typed = code, .identity = identity };
    kr_code_verdict_e verdict;
    kr_code_row_t row;

    /* a code of somebody else's counts as a try, and is not used up: no code is empty */
    KR_TRY(kr_code_check(&verdict, &row, k, flow, SECOND.kind, theirs ? code : ""));
    if (verdict == KR_CODE_RIGHT && !is_proof(&row, identity, addresses)) verdict = KR_CODE_WRONG;
    if (verdict != KR_CODE_RIGHT) return refuse(out, k, flow, verdict, &second);
    kr_code_verified(k, identity, row.address);
    KR_TRY(kr_second_remember(k, flow, &second));
    flow->state = KR_STATE_PASSED_CHALLENGE;
    return kr_outcome_proved(out, flow, identity, (kr_proof_t){ .method = "code", .address = row.address });
}

kr_err_t *kr_code_prove_second(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const int sent = !kr_code_again(body) && (flow->state == KR_STATE_SENT_EMAIL || flow->state == KR_STATE_PASSED_CHALLENGE);
    const char *typed = kr_code_identifier(k, flow, body), *code = kr_body_str(body, "code");
    apr_array_header_t *addresses;
    kr_identity_t *identity;
    const char *address;

    /* who is asked for a code is known by the session: the address need not come again */
    if (sent ? kr_code_misses(k, flow, "code", code) : kr_code_misses(k, flow, "identifier", typed)) return kr_err_show_flow(k);
    KR_TRY(load(&identity, &addresses, k));
    address = kr_identifier_normalise(k->pool, typed);
    if (*typed && !is_among(addresses, address)) {
        kr_flow_message(k, flow, 4000035, NULL);
        return kr_err_show_flow(k);
    }
    if (sent) return check(out, k, flow, identity, addresses, code);
    KR_TRY(send_to(k, flow, identity, address));
    return kr_outcome_sent(out);
}
