/* SPDX-License-Identifier: Apache-2.0 */
/* What an account has become, for the audit stream: one event for each thing that is another one. */
#include <string.h>

#include "hook.h"
#include "kr_audit.h"
#include "kr_credential.h"

static kr_audit_e event_of(const kr_factor_change_t *change)
{
    static const kr_audit_e FACTOR[] = { [KR_FACTOR_ADDED] = KR_AUDIT_FACTOR_ADDED, [KR_FACTOR_REMOVED] = KR_AUDIT_FACTOR_REMOVED,
                                         [KR_FACTOR_REPLACED] = KR_AUDIT_FACTOR_REPLACED };

    if (change->is == KR_FACTOR_REPLACED && strcmp(change->factor->type, "password") == 0) return KR_AUDIT_PASSWORD_CHANGED;
    if (strcmp(change->factor->type, "oidc") != 0) return FACTOR[change->is];
    return change->is == KR_FACTOR_REMOVED ? KR_AUDIT_UNLINKED : KR_AUDIT_LINKED;
}

/* Of an account elsewhere its provider is said, and not who they are there. */
static void tell_factor(kr_ctx_t *k, kr_audit_t event, const kr_factor_change_t *change)
{
    event.what = event_of(change);
    event.factor = change->factor->type;
    if (strcmp(change->factor->type, "oidc") == 0) event.site = change->factor->name;
    kr_audit(k, &event);
}

void kr_audit_changes(kr_ctx_t *k, const kr_identity_t *now, const kr_identity_t *before, const char *session_id, const char *flow_id)
{
    kr_audit_t event = { .identity_id = now->id, .session_id = session_id, .flow_id = flow_id };
    const apr_array_header_t *changes = k->realm->audit ? kr_factor_changes(k, before, now) : NULL;

    if (!changes) return;
    for (int i = 0; i < changes->nelts; i++) tell_factor(k, event, &APR_ARRAY_IDX(changes, i, const kr_factor_change_t));
    event.what = KR_AUDIT_CHANGED;
    if (!json_equal(now->traits, before->traits)) kr_audit(k, &event);
}
