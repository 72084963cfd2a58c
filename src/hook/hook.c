/* SPDX-License-Identifier: Apache-2.0 */
/* The table of hooks, and the phases as others call them. A new hook is one new file and one row here. */
#include <string.h>

#include "web_hook.h"
#include "kr_text.h"

static const kr_hook_t HOOKS[] = {
    /* names of ours: no list may hold them */
    { .name = "factors_changed", .run = { [KR_HOOK_WRITE] = kr_hook_tell_factors }, .unasked = kr_hook_has_factors },
    { .name = "recovery_code_used", .run = { [KR_HOOK_WRITE] = kr_hook_tell_recovery_code }, .unasked = kr_hook_has_recovery_code },
    { .name = "new_addresses",
      .run = { [KR_HOOK_WRITE] = kr_hook_new_addresses, [KR_HOOK_AGAIN] = kr_hook_new_addresses_again },
      .unasked = kr_hook_has_new_addresses },
    { .name = "notify_previous_addresses", .run = { [KR_HOOK_WRITE] = kr_hook_notify_previous }, .each = 1 },
    { .name = "require_verified_address", .run = { [KR_HOOK_ADMIT] = kr_hook_require_verified } },
    { .name = "revoke_active_sessions", .run = { [KR_HOOK_WRITE] = kr_hook_revoke_sessions } },
    { .name = "session", .run = { [KR_HOOK_WRITE] = kr_hook_session, [KR_HOOK_AGAIN] = kr_hook_session_again }, .last = 1 },
    { .name = "show_verification_ui", .run = { [KR_HOOK_ANSWER] = kr_hook_show_verification_ui } },
    { .name = "verification", .run = { [KR_HOOK_WRITE] = kr_hook_verification_login } },
    { .name = "web_hook",
      .run = { [KR_HOOK_BEFORE] = kr_hook_web_before, [KR_HOOK_BEGIN] = kr_hook_web_begin, [KR_HOOK_ADMIT] = kr_hook_web_admit,
               [KR_HOOK_WRITE] = kr_hook_web_write, [KR_HOOK_ANSWER] = kr_hook_web_answer },
      .each = 1,
      .acts = kr_hook_web_acts },
    { .name = NULL }
};

/* Those of the method, or else of all: never both. */
static const apr_array_header_t *list_of(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method)
{
    const kr_flow_conf_t *conf = kr_flow_conf(k, kind);
    const apr_array_header_t *own = conf->after_method[method].hooks;

    return own && own->nelts ? own : conf->after.hooks;
}

int kr_hooks_have(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method, const char *name)
{
    const apr_array_header_t *list = list_of(k, kind, method);

    for (int i = 0; list && i < list->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(list, i, kr_hook_conf_t).name, name) == 0) return 1;
    return 0;
}

static int would(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase)
{
    return kr_hooks_would(k, after, phase, HOOKS, list_of(k, after->flow->kind, after->method));
}

static int would_begin(kr_ctx_t *k, kr_flow_kind_e kind, kr_phase_e phase)
{
    kr_flow_t flow = { .kind = kind };

    return kr_hooks_would(k, &(kr_after_flow_t){ .flow = &flow }, phase, HOOKS, kr_flow_conf(k, kind)->before);
}

int kr_hooks_would_before(kr_ctx_t *k, kr_flow_kind_e kind)
{
    return would_begin(k, kind, KR_HOOK_BEFORE);
}

int kr_hooks_would_begin(kr_ctx_t *k, kr_flow_kind_e kind)
{
    return would_begin(k, kind, KR_HOOK_BEGIN);
}

int kr_hooks_would_admit(kr_ctx_t *k, const kr_after_flow_t *after)
{
    return would(k, after, KR_HOOK_ADMIT);
}

int kr_hooks_would_write(kr_ctx_t *k, const kr_after_flow_t *after)
{
    return would(k, after, KR_HOOK_WRITE);
}

int kr_hooks_would_answer(kr_ctx_t *k, const kr_after_flow_t *after)
{
    return would(k, after, KR_HOOK_ANSWER);
}

static kr_err_t *run(kr_ctx_t *k, kr_after_flow_t *after, kr_phase_e phase)
{
    return kr_hooks_run(k, after, phase, HOOKS, list_of(k, after->flow->kind, after->method));
}

static kr_err_t *run_begun(kr_ctx_t *k, kr_flow_t *flow, kr_phase_e phase)
{
    kr_after_flow_t begun = { .flow = flow };

    return kr_hooks_run(k, &begun, phase, HOOKS, kr_flow_conf(k, flow->kind)->before);
}

kr_err_t *kr_hooks_before(kr_ctx_t *k, kr_flow_t *flow)
{
    return run_begun(k, flow, KR_HOOK_BEFORE);
}

kr_err_t *kr_hooks_begin(kr_ctx_t *k, kr_flow_t *flow)
{
    return run_begun(k, flow, KR_HOOK_BEGIN);
}

kr_err_t *kr_hooks_admit(kr_ctx_t *k, kr_after_flow_t *after)
{
    return run(k, after, KR_HOOK_ADMIT);
}

kr_err_t *kr_hooks_settle(kr_ctx_t *k, kr_after_flow_t *after)
{
    for (int i = 0; after->changes && i < after->changes->nelts; i++)
        KR_TRY(kr_web_hook_change(k, after->flow, after->identity, APR_ARRAY_IDX(after->changes, i, const json_t *)));
    return NULL;
}

kr_err_t *kr_hooks_write(kr_ctx_t *k, kr_after_flow_t *after)
{
    after->others_ended = 0; /* a transaction that is tried again begins anew */
    after->standing = KR_PROOF_HOLDS;
    return run(k, after, KR_HOOK_WRITE);
}

kr_err_t *kr_hooks_repeat(kr_ctx_t *k, kr_after_flow_t *after)
{
    after->standing = KR_PROOF_HOLDS;
    return run(k, after, KR_HOOK_AGAIN);
}

kr_err_t *kr_hooks_find_verification(kr_ctx_t *k, kr_after_flow_t *after)
{
    return kr_hook_has_new_addresses(k, after) ? kr_hook_verification_find(k, after, 0) : NULL;
}

kr_err_t *kr_hooks_answer(kr_ctx_t *k, kr_after_flow_t *after)
{
    return run(k, after, KR_HOOK_ANSWER);
}
