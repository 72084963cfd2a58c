/* SPDX-License-Identifier: Apache-2.0 */
/* A proof that was none, for the audit stream: which event that is depends on what it was to open. */
#include "kr_audit.h"
#include "method.h"

static kr_audit_e event_of(const kr_flow_t *flow)
{
    static const kr_audit_e EVENTS[KR_FLOW_KINDS] = {
        [KR_FLOW_LOGIN] = KR_AUDIT_SIGN_IN_FAILED, [KR_FLOW_REGISTRATION] = KR_AUDIT_REGISTRATION_FAILED,
        [KR_FLOW_RECOVERY] = KR_AUDIT_RECOVERY_FAILED, [KR_FLOW_VERIFICATION] = KR_AUDIT_VERIFICATION_FAILED,
    };

    return flow->kind == KR_FLOW_LOGIN && flow->requested_aal == KR_AAL2 ? KR_AUDIT_SECOND_FAILED : EVENTS[flow->kind];
}

void kr_audit_wrong(kr_ctx_t *k, const kr_flow_t *flow, const kr_wrong_t *wrong)
{
    const kr_audit_t event = { .what = event_of(flow), .identity_id = wrong->identity ? wrong->identity->id : NULL, .flow_id = flow->id,
                               .method = wrong->method, .reason = wrong->reason, .identifier = wrong->typed, .site = wrong->site };

    if (event.what) kr_audit(k, &event); /* whoever changes settings is known, and proves nothing by it */
}

void kr_audit_wrong_code(kr_ctx_t *k, const kr_flow_t *flow, const kr_identity_t *identity, const char *method, kr_code_verdict_e verdict)
{
    static const char *const REASONS[] = { [KR_CODE_RIGHT] = "stale", [KR_CODE_WRONG] = "wrong", [KR_CODE_EXPIRED] = "expired",
                                           [KR_CODE_USED] = "used", [KR_CODE_TOO_OFTEN] = "too_often" };

    kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = method, .identity = identity, .reason = REASONS[verdict] });
}
