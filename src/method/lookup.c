/* SPDX-License-Identifier: Apache-2.0 */
/* A recovery code as second factor: for who has lost the others. Making and showing them: lookup_settings.c. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

static const kr_node_spec_t LOGIN_NODES[] = {
    { .name = "lookup_secret", .type = "text", .value = "", .required = 1, .label = 1010007 },
    { .name = "method", .type = "submit", .value = "lookup_secret", .label = 1010010 },
};

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    return settings->method_enabled[KR_METHOD_LOOKUP_SECRET] && (kind == KR_FLOW_LOGIN || kind == KR_FLOW_SETTINGS);
}

/* Settings have a button for each thing to do, and name no method. */
static int takes(const kr_body_t *body, kr_flow_kind_e kind)
{
    const char *name = kr_body_str(body, "method");

    if (kind != KR_FLOW_SETTINGS) return name && strcmp(name, "lookup_secret") == 0;
    return kr_body_true(body, "lookup_secret_confirm") || kr_body_true(body, "lookup_secret_reveal")
           || kr_body_true(body, "lookup_secret_disable") || kr_body_true(body, "lookup_secret_regenerate");
}

/* Offered although all of them are used: an account does not become easier to enter by the last one. */
static kr_err_t *show_second(kr_ctx_t *k, kr_flow_t *flow)
{
    return kr_second_show(k, flow, "lookup_secret", LOGIN_NODES, KR_DIM(LOGIN_NODES));
}

static void keep(kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    (void)k;
    (void)body;
    if (flow->kind == KR_FLOW_LOGIN) kr_second_forget(flow, "lookup_secret");
}

static kr_err_t *prove(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    kr_second_t second = { .method = "lookup_secret", .typed = kr_body_str(body, "lookup_secret") };
    const kr_credential_t *credential;
    kr_session_t *session;
    json_t *stored;
    int index;

    if (!second.typed || !*second.typed) {
        kr_field_missing(k, flow, "lookup_secret");
        return kr_err_show_flow(k);
    }
    KR_TRY(kr_session_whole(&session, &second.identity, k));
    credential = kr_identity_credential(second.identity, "lookup_secret");
    if (!credential) return kr_second_missing(k, flow, 4000014);
    stored = kr_lookup_stored(k, credential);
    index = kr_lookup_find(k, second.identity->id, stored, second.typed);
    if (index < 0) return kr_second_wrong(out, k, flow, &second, 4000016);
    if (kr_json_str(json_array_get(stored, (size_t)index), "used_at")) return kr_second_wrong(out, k, flow, &second, 4000012);
    return kr_second_right(out, k, flow, &second, kr_lookup_used(k, credential, index), credential->spent + 1);
}

const kr_method_t kr_method_lookup = {
    .id = KR_METHOD_LOOKUP_SECRET,
    .on = is_on,
    .aal = kr_reaches_second,
    .takes = takes,
    .keep = keep,
    .show = { [KR_ASK_SECOND] = show_second, [KR_ASK_CHANGE] = kr_lookup_show_settings },
    .submit = { [KR_FLOW_LOGIN] = prove, [KR_FLOW_SETTINGS] = kr_lookup_change },
    .second = prove,
    .resume = kr_lookup_resume,
};
