/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery by code where people choose among their addresses (feature_flags.choose_recovery_address): they name one,
 * pick the one that they can read, type that in full, and enter the code. The state of the flow says which step it is.
 * What the flow remembers is the address that was named first; whose it is, is asked anew at each step.
 */
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

/** In the flow: the address that was named first. */
#define NAMED "recovery_address"

/** What is typed in full, and the button that sends again where the code is awaited: what misses there is said on it. */
#define AGAIN "recovery_confirm_address"

#define CHOICES_MAX 10

static const kr_node_spec_t SUBMIT = { .name = "method", .type = "submit", .value = "code", .label = 1070009 };
static const kr_node_spec_t METHOD = { .name = "method", .type = "hidden", .value = "code" };
static const kr_node_spec_t BACK = { .name = "screen", .type = "submit", .value = "previous", .label = 1060007 };

int kr_recovery_is_choice(const kr_flow_t *flow)
{
    return flow->state >= KR_STATE_RECOVERY_ADDRESS && flow->state <= KR_STATE_RECOVERY_CODE;
}

/* -- addresses ------------------------------------------------------------ */

static int is_rest(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80; /* within a UTF-8 character */
}

/* The first `count` characters, or NULL when there are fewer. */
static const char *head(apr_pool_t *pool, const char *text, apr_size_t len, int count)
{
    apr_size_t at = 0;

    for (int i = 0; i < count; i++) {
        if (at >= len) return NULL;
        for (at++; at < len && is_rest(text[at]); at++) continue;
    }
    return apr_pstrmemdup(pool, text, at);
}

/* Enough to recognise one's own, too little to learn somebody else's. */
static const char *masked(apr_pool_t *pool, const char *value)
{
    const char *address = kr_address_shown(pool, value), *at = strrchr(address, '@'), *begin;
    const apr_size_t len = strlen(address);

    if (at) {
        begin = head(pool, address, (apr_size_t)(at - address), 2);
        return begin ? apr_pstrcat(pool, begin, "****", at, NULL) : address;
    }
    if (len < 6) return address;
    begin = head(pool, address, len, 3);
    return begin ? apr_pstrcat(pool, begin, "****", address + len - 2, NULL) : address;
}

/* What stands for an address in the form: base64 of its SHA-256, as clients know it. */
static const char *token_of(apr_pool_t *pool, const char *address)
{
    const char *hex = kr_sha256_hex(pool, address, strlen(address));
    unsigned char raw[32];

    for (int i = 0; i < KR_DIM(raw); i++) {
        const char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

        raw[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return kr_base64(pool, raw, sizeof(raw));
}

static const char *normal(kr_ctx_t *k, const char *address)
{
    return kr_address_normalise(k->pool, kr_address_via(address), address);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The recovery addresses of whoever has `address`, sorted; none when nobody has it. */
static kr_err_t *addresses_with(apr_array_header_t **out, kr_ctx_t *k, const char *address)
{
    const char *identity_id = NULL, *address_id, *value = normal(k, address);
    kr_identity_t *identity = NULL;

    *out = apr_array_make(k->pool, 4, sizeof(const char *));
    if (value) KR_TRY(kr_address_find(&identity_id, &address_id, k, 1, kr_address_via(value), value));
    /* nobody's is looked for as well: time must not tell */
    KR_TRY(kr_identity_load(&identity, k, identity_id ? identity_id : kr_uuid(k), 0));
    for (int i = 0; identity && i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);

        if (a->recovery) APR_ARRAY_PUSH(*out, const char *) = a->value;
    }
    if ((*out)->nelts > 1) qsort((*out)->elts, (size_t)(*out)->nelts, sizeof(const char *), by_text);
    if ((*out)->nelts > CHOICES_MAX) (*out)->nelts = CHOICES_MAX;
    return NULL;
}

/* -- the steps as forms --------------------------------------------------- */

static const char *named(const kr_flow_t *flow)
{
    const char *address = kr_json_str(flow->internal, NAMED);

    return address ? address : "";
}

static void begin_form(kr_ctx_t *k, kr_flow_t *flow, kr_state_e state)
{
    flow->state = state;
    flow->active = "code";
    flow->nodes = kr_json_own(k->pool, json_array());
    kr_flow_clear_messages(flow);
    kr_node_csrf(k, flow);
}

static void add_named(kr_ctx_t *k, kr_flow_t *flow)
{
    const kr_node_spec_t node = { .name = "recovery_address", .type = "hidden", .value = named(flow) };

    kr_node_add(k, flow, "code", &node);
}

kr_err_t *kr_recovery_show_choice(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t field = { .name = "recovery_address", .type = "text", .required = 1, .label = 1070016 };

    begin_form(k, flow, KR_STATE_RECOVERY_ADDRESS);
    kr_node_add(k, flow, "code", &field);
    kr_node_add(k, flow, "code", &SUBMIT);
    return NULL;
}

/* A step that sends nothing. */
static kr_err_t *store_step(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow)
{
    flow->show_transient = 1;
    KR_TRY(kr_flow_update(k, flow));
    return kr_outcome_sent(out);
}

static kr_err_t *show_addresses(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const apr_array_header_t *addresses)
{
    begin_form(k, flow, KR_STATE_RECOVERY_CHOICE);
    for (int i = 0; i < addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(addresses, i, const char *);
        const kr_node_spec_t spec = { .name = "recovery_select_address",
                                      .type = "submit",
                                      .value = token_of(k->pool, address) };
        json_t *node = kr_node_add(k, flow, "code", &spec);

        /* the one label that is no text of ours */
        kr_json_set_at(node, "meta.label",
                       json_pack("{s:i, s:s, s:s}", "id", 1070000, "text", masked(k->pool, address), "type", "info"));
    }
    kr_node_add(k, flow, "code", &METHOD);
    add_named(k, flow);
    kr_flow_message(k, flow, 1060006, NULL);
    return store_step(out, k, flow);
}

static kr_err_t *show_confirm(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    const int phone = strchr(address, '@') == NULL;
    const kr_node_spec_t field = { .name = "recovery_confirm_address",
                                   .type = phone ? "tel" : "email",
                                   .value = "",
                                   .required = 1,
                                   .label = phone ? 1070017 : 1070007 };

    begin_form(k, flow, KR_STATE_RECOVERY_CONFIRM);
    kr_node_add(k, flow, "code", &field);
    add_named(k, flow);
    kr_node_add(k, flow, "code", &SUBMIT);
    kr_node_add(k, flow, "code", &METHOD);
    kr_node_add(k, flow, "code", &BACK);
    kr_flow_message(k, flow, 1060005, NULL);
    return store_step(out, k, flow);
}

static void show_code(kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    static const kr_node_spec_t field = { .name = "code",
                                          .type = "text",
                                          .required = 1,
                                          .autocomplete = "one-time-code",
                                          .pattern = "[0-9]+",
                                          .maxlength = 6,
                                          .label = 1070010 };
    const kr_node_spec_t again = {
        .name = "recovery_confirm_address", .type = "submit", .value = address, .label = 1070008
    };

    begin_form(k, flow, KR_STATE_RECOVERY_CODE);
    kr_node_add(k, flow, "code", &field);
    kr_node_add(k, flow, "code", &SUBMIT);
    kr_node_add(k, flow, "code", &METHOD);
    kr_node_add(k, flow, "code", &again);
    add_named(k, flow);
    kr_node_add(k, flow, "code", &BACK);
    kr_flow_message(k, flow, 1060004, json_pack("{s:s}", "masked_address", masked(k->pool, address)));
}

/* -- the steps ------------------------------------------------------------ */

static kr_err_t *lacks(kr_ctx_t *k, kr_flow_t *flow, const char *field)
{
    kr_field_missing(k, flow, field);
    return kr_err_show_flow(k);
}

/* An address that nobody has gets the same answer, and no code. */
static kr_err_t *send_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address, const char *field)
{
    const char *via = kr_address_via(address), *value = normal(k, address);
    const char *identity_id, *address_id;
    kr_code_kind_t kind = kr_code_recovery;

    if (!value) {
        kr_node_message(k, flow, field, 4000040, json_pack("{s:s}", "value", address));
        return kr_err_show_flow(k);
    }
    if (!k->realm->settings->recovery_notify_unknown || strcmp(via, "email") != 0) kind.unknown_template = NULL;
    KR_TRY(kr_address_find(&identity_id, &address_id, k, 1, via, value));
    show_code(k, flow, address);
    flow->show_transient = 1;
    KR_TRY(kr_code_send(k, flow, &kind, via, value, identity_id, address_id));
    return kr_outcome_sent(out);
}

static kr_err_t *take_address(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    apr_array_header_t *addresses;

    if (!address || !*address) return lacks(k, flow, "recovery_address");
    kr_json_set_at(flow->internal, NAMED, json_string(address));
    KR_TRY(addresses_with(&addresses, k, address));
    if (addresses->nelts > 1) return show_addresses(out, k, flow, addresses);
    return send_code(out, k, flow, address, "recovery_address");
}

static kr_err_t *take_choice(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *choice)
{
    const char *own = normal(k, named(flow));
    apr_array_header_t *addresses;

    if (!choice || !*choice) return lacks(k, flow, "recovery_select_address");
    if (own && strcmp(token_of(k->pool, own), choice) == 0)
        return send_code(out, k, flow, named(flow), "recovery_select_address");
    KR_TRY(addresses_with(&addresses, k, named(flow)));
    for (int i = 0; i < addresses->nelts; i++) {
        const char *address = APR_ARRAY_IDX(addresses, i, const char *);

        if (strcmp(token_of(k->pool, address), choice) == 0) return show_confirm(out, k, flow, address);
    }
    return kr_err(k, 400, NULL, "this is none of the addresses to choose from");
}

static kr_err_t *take_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *code = kr_body_str(body, "code"), *again = kr_body_str(body, AGAIN);
    kr_err_t *err;

    if (!code || !*code) return again && *again ? send_code(out, k, flow, again, AGAIN) : lacks(k, flow, AGAIN);
    err = kr_recovery_check_code(out, k, flow, code);
    flow->show_transient = 0;
    return err;
}

static kr_err_t *go_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow)
{
    apr_array_header_t *addresses;

    KR_TRY(addresses_with(&addresses, k, named(flow)));
    if (addresses->nelts > 1) return show_addresses(out, k, flow, addresses);
    KR_TRY(kr_recovery_show_choice(k, flow));
    return store_step(out, k, flow);
}

kr_err_t *kr_recovery_take_choice(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *screen = kr_body_str(body, "screen"), *confirmed = kr_body_str(body, AGAIN);

    if (screen && strcmp(screen, "previous") == 0) return go_back(out, k, flow);
    if (flow->state == KR_STATE_RECOVERY_CHOICE)
        return take_choice(out, k, flow, kr_body_str(body, "recovery_select_address"));
    if (flow->state == KR_STATE_RECOVERY_CODE) return take_code(out, k, flow, body);
    if (flow->state == KR_STATE_RECOVERY_ADDRESS) return take_address(out, k, flow, kr_body_str(body, "recovery_address"));
    if (!confirmed || !*confirmed) return lacks(k, flow, AGAIN);
    return send_code(out, k, flow, confirmed, AGAIN);
}
