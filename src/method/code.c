/* SPDX-License-Identifier: Apache-2.0 */
/* The code method in verification and recovery: an address, then six digits that were mailed to it. */
#include <string.h>

#include "kr_json.h"
#include "kr_store_code.h"
#include "kr_text.h"
#include "method.h"

#define TOO_OFTEN "the code was entered too often, please begin again"

const kr_code_kind_t kr_code_recovery = { .kind = "recovery",
                                          .template_type = "recovery_code_valid",
                                          .unknown_template = "recovery_code_invalid",
                                          .field = "recovery_code" };

static const kr_node_spec_t ASK_NODES[] = {
    { .name = "email", .type = "email", .required = 1, .label = 1070007 },
    { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
};

static unsigned levels(const kr_settings_t *settings)
{
    return (settings->code_passwordless ? KR_REACHES(KR_AAL1) : 0) | (settings->code_mfa ? KR_REACHES(KR_AAL2) : 0);
}

static int is_on(const kr_settings_t *settings, kr_flow_kind_e kind)
{
    if (!settings->method_enabled[KR_METHOD_CODE]) return 0;
    if (kind == KR_FLOW_LOGIN) return levels(settings) != 0;
    if (kind == KR_FLOW_REGISTRATION) return settings->code_passwordless;
    if (kind == KR_FLOW_RECOVERY) return strcmp(settings->recovery_use, "code") == 0;
    return kind == KR_FLOW_VERIFICATION && strcmp(settings->verification_use, "code") == 0;
}

/* -- verification --------------------------------------------------------- */

/* Where text messages leave too, the one field takes both: what has an @ in it is mail. */
static kr_err_t *show_verification(kr_ctx_t *k, kr_flow_t *flow)
{
    static const kr_node_spec_t both[] = {
        { .name = "email", .type = "text", .required = 1, .label = 1070018 },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
    };
    const int phones = kr_mail_carried(&k->realm->settings->mail, "sms");

    flow->active = "code";
    kr_nodes_add(k, flow, "code", phones ? both : ASK_NODES, KR_DIM(ASK_NODES));
    if (!flow->api) kr_node_csrf(k, flow);
    return NULL;
}

static kr_err_t *send_verification(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    const char *via = kr_address_via(address);
    const char *value = kr_address_normalise(k->pool, via, address);
    const char *identity_id = NULL, *address_id = NULL;
    kr_code_kind_t kind = kr_code_verification;

    if (!k->realm->settings->verification_notify_unknown || strcmp(via, "email") != 0) kind.unknown_template = NULL;
    if (value) KR_TRY(kr_address_find(&identity_id, &address_id, k, 0, via, value));
    else kind.unknown_template = NULL; /* no address at all: nothing is sent, and nothing tells */
    kr_verification_show_sent(k, flow, via, address, "email");
    KR_TRY(kr_code_send(k, flow, identity_id ? &kr_code_verification : &kind, via, value ? value : address, identity_id, address_id));
    return kr_outcome_sent(out);
}

/* A code that did not pass: a wrong or old one may be tried again under `message`, otherwise the flow is over. */
static kr_err_t *refuse_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, kr_code_verdict_e verdict, int message)
{
    if (verdict != KR_CODE_USED) kr_audit_wrong_code(k, flow, NULL, "code", verdict); /* else perhaps by this very form */
    if (verdict == KR_CODE_WRONG || verdict == KR_CODE_EXPIRED) {
        kr_flow_message(k, flow, message, NULL);
        KR_TRY(kr_flow_update(k, flow));
        return kr_outcome_sent(out);
    }
    return kr_outcome_replace(out, 4000001, verdict == KR_CODE_TOO_OFTEN ? TOO_OFTEN : "the code was used already");
}

static kr_err_t *check_verification(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *code)
{
    kr_code_verdict_e verdict;
    kr_code_row_t row;

    KR_TRY(kr_code_check(&verdict, &row, k, flow, "verification", code));
    flow->show_transient = verdict == KR_CODE_WRONG || verdict == KR_CODE_EXPIRED;
    if (verdict == KR_CODE_USED) return kr_outcome_replace(out, 4070002, NULL); /* by another post, at the same moment: the flow has passed */
    if (verdict != KR_CODE_RIGHT) return refuse_code(out, k, flow, verdict, 4070006);
    return kr_outcome_passed(out, &row, NULL);
}

static kr_err_t *take_verification(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *code = kr_body_str(body, "code");
    const char *address = kr_body_str(body, "email");

    if (!address || !*address) address = kr_body_str(body, "sms");
    if (code && *code) return check_verification(out, k, flow, code);
    if (address && *address) return send_verification(out, k, flow, address);
    kr_field_missing(k, flow, "email");
    return kr_err_show_flow(k);
}

/* -- recovery ------------------------------------------------------------- */

static kr_err_t *show_recovery(kr_ctx_t *k, kr_flow_t *flow)
{
    if (k->realm->settings->choose_recovery_address) return kr_recovery_show_choice(k, flow);
    flow->active = "code";
    kr_node_csrf(k, flow);
    kr_nodes_add(k, flow, "code", ASK_NODES, KR_DIM(ASK_NODES));
    return NULL;
}

static void show_recovery_sent(kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    static const kr_node_spec_t nodes[] = {
        { .name = "code", .type = "text", .required = 1, .autocomplete = "one-time-code", .pattern = "[0-9]+", .maxlength = 6,
          .label = 1070010 },
        { .name = "method", .type = "hidden", .value = "code" },
        { .name = "method", .type = "submit", .value = "code", .label = 1070009 },
    };
    const kr_node_spec_t again = { .name = "email", .type = "submit", .value = address, .label = 1070008 };

    flow->nodes = kr_json_own(k->pool, json_array());
    kr_node_csrf(k, flow);
    kr_nodes_add(k, flow, "code", nodes, KR_DIM(nodes));
    kr_node_add(k, flow, "code", &again);
    kr_flow_message(k, flow, 1060003, NULL);
    flow->state = KR_STATE_SENT_EMAIL;
    flow->active = "code";
}

static kr_err_t *send_recovery(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *address)
{
    const char *value = kr_address_normalise(k->pool, "email", address);
    const char *identity_id, *address_id;
    kr_code_kind_t kind = kr_code_recovery;

    if (!value) {
        kr_node_message(k, flow, "email", 4000040, json_pack("{s:s}", "value", address));
        return kr_err_show_flow(k);
    }
    if (!k->realm->settings->recovery_notify_unknown) kind.unknown_template = NULL;
    KR_TRY(kr_address_find(&identity_id, &address_id, k, 1, "email", value));
    show_recovery_sent(k, flow, address);
    flow->show_transient = 1;
    KR_TRY(kr_code_send(k, flow, &kind, "email", value, identity_id, address_id));
    return kr_outcome_sent(out);
}

kr_err_t *kr_recovery_check_code(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const char *code)
{
    kr_code_verdict_e verdict;
    kr_code_row_t row;

    KR_TRY(kr_code_check(&verdict, &row, k, flow, "recovery", code));
    flow->show_transient = 1;
    if (verdict == KR_CODE_RIGHT) return kr_outcome_passed(out, &row, "code_recovery");
    KR_TRY(refuse_code(out, k, flow, verdict, 4060006));
    if (verdict == KR_CODE_USED) out->replace.again = 1;
    return NULL;
}

/* The step of the address, the first time and again. A code that comes along is not looked at: a new one is on its way. */
static kr_err_t *take_recovery(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *address = kr_body_str(body, "email");

    if (address && *address) return send_recovery(out, k, flow, address);
    kr_field_missing(k, flow, "email");
    return kr_err_show_flow(k);
}

const kr_method_t kr_method_code = {
    .id = KR_METHOD_CODE,
    .on = is_on,
    .aal = levels,
    .show = { [KR_ASK_FIRST] = kr_code_show_first, [KR_ASK_KNOWN] = kr_code_offer_login, [KR_ASK_REFRESH] = kr_code_show_refresh,
              [KR_ASK_SECOND] = kr_code_show_second, [KR_ASK_SIGN_UP] = kr_code_show_sign_up,
              [KR_ASK_CREDENTIAL] = kr_code_offer_sign_up, [KR_ASK_RECOVERY] = show_recovery,
              [KR_ASK_VERIFICATION] = show_verification },
    .second = kr_code_take_second,
    .submit = { [KR_FLOW_LOGIN] = kr_code_take_login, [KR_FLOW_REGISTRATION] = kr_code_take_registration,
                [KR_FLOW_RECOVERY] = take_recovery, [KR_FLOW_VERIFICATION] = take_verification },
};
