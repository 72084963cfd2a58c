/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery and verification are not built yet: what can be told without them (switched off) is told as
 * Kratos does, the rest is 501 in words. The configuration refuses to switch them on, see config/keys.c. */
#include "api_private.h"

static kr_err_t *unbuilt(kr_ctx_t *k, const char *what)
{
    return kr_err(k, 501, NULL, "%s is not supported yet", what);
}

/* -- recovery and verification -------------------------------------------- */

static kr_err_t *off_or_unbuilt(kr_ctx_t *k, kr_flow_kind_e kind, const char *what)
{
    if (!kr_flow_conf(k, kind)->enabled) return kr_err(k, 400, NULL, "%s is switched off here", what);
    return unbuilt(k, what);
}

/* A submit names its flow before it says anything else. */
static kr_err_t *no_flow(kr_ctx_t *k, kr_flow_kind_e kind)
{
    kr_flow_t *flow;
    kr_err_t *err = kr_flow_of_submit(&flow, k, kind);

    if (err && err->status == 404) err->reason = "there is no such flow";
    return err;
}

kr_err_t *kr_recovery_create(kr_ctx_t *k)
{
    return off_or_unbuilt(k, KR_FLOW_RECOVERY, "account recovery");
}

kr_err_t *kr_recovery_get(kr_ctx_t *k)
{
    if (kr_flow_conf(k, KR_FLOW_RECOVERY)->enabled) return kr_flow_get(k, KR_FLOW_RECOVERY);
    return off_or_unbuilt(k, KR_FLOW_RECOVERY, "account recovery");
}

kr_err_t *kr_recovery_submit(kr_ctx_t *k)
{
    KR_TRY(no_flow(k, KR_FLOW_RECOVERY));
    return off_or_unbuilt(k, KR_FLOW_RECOVERY, "account recovery");
}

kr_err_t *kr_verification_create(kr_ctx_t *k)
{
    return off_or_unbuilt(k, KR_FLOW_VERIFICATION, "verification of addresses");
}

kr_err_t *kr_verification_get(kr_ctx_t *k)
{
    if (kr_flow_conf(k, KR_FLOW_VERIFICATION)->enabled) return kr_flow_get(k, KR_FLOW_VERIFICATION);
    return off_or_unbuilt(k, KR_FLOW_VERIFICATION, "verification of addresses");
}

kr_err_t *kr_verification_submit(kr_ctx_t *k)
{
    KR_TRY(no_flow(k, KR_FLOW_VERIFICATION));
    return off_or_unbuilt(k, KR_FLOW_VERIFICATION, "verification of addresses");
}
