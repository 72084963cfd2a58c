/* SPDX-License-Identifier: Apache-2.0 */
/* Which hooks run, and in which order. A new hook is one new file and one row here. */
#include <string.h>

#include "hook_private.h"
#include "kr_text.h"

typedef kr_err_t *hook_fn(kr_ctx_t *k, kr_after_flow_t *after);

/**
 * When a hook runs: before anything is done, inside the transaction, or after it. A web_hook that may stop or change what happens
 * belongs into ADMIT, one that is only told into ANSWER: in both no transaction is open, and the connection can be given back.
 */
typedef enum { ADMIT, WRITE, ANSWER, PHASES } phase_e;

/** A hook, and what it does in each phase; NULL: nothing. */
typedef struct {
    const char *name;
    hook_fn *run[PHASES];
} hook_t;

static const hook_t HOOKS[] = {
    { "notify_previous_addresses", { [WRITE] = kr_hook_notify_previous } },
    { "require_verified_address", { [ADMIT] = kr_hook_require_verified } },
    { "revoke_active_sessions", { [WRITE] = kr_hook_revoke_sessions } },
    { "show_verification_ui", { [ANSWER] = kr_hook_show_verification_ui } },
    { "verification", { [WRITE] = kr_hook_verification_login } },
};

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

const json_t *kr_hook_config(kr_ctx_t *k, const kr_after_flow_t *after, const char *name)
{
    const apr_array_header_t *list = list_of(k, after->flow->kind, after->method);

    for (int i = 0; list && i < list->nelts; i++) {
        const kr_hook_conf_t *conf = &APR_ARRAY_IDX(list, i, kr_hook_conf_t);

        if (strcmp(conf->name, name) == 0) return conf->config;
    }
    return NULL;
}

static hook_fn *hook_of(const char *name, phase_e phase)
{
    for (int i = 0; i < KR_DIM(HOOKS); i++)
        if (strcmp(HOOKS[i].name, name) == 0) return HOOKS[i].run[phase];
    return NULL;
}

static kr_err_t *run(kr_ctx_t *k, kr_after_flow_t *after, phase_e phase)
{
    const apr_array_header_t *list = list_of(k, after->flow->kind, after->method);

    for (int i = 0; list && i < list->nelts; i++) {
        hook_fn *fn = hook_of(APR_ARRAY_IDX(list, i, kr_hook_conf_t).name, phase);

        if (fn) KR_TRY(fn(k, after));
    }
    return NULL;
}

int kr_hooks_would_write(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method)
{
    const apr_array_header_t *list = list_of(k, kind, method);

    for (int i = 0; list && i < list->nelts; i++)
        if (hook_of(APR_ARRAY_IDX(list, i, kr_hook_conf_t).name, WRITE)) return 1;
    return 0;
}

kr_err_t *kr_hooks_admit(kr_ctx_t *k, kr_after_flow_t *after)
{
    return run(k, after, ADMIT);
}

/* May this flow have brought addresses that are to be verified? */
static int verifies(kr_ctx_t *k, const kr_after_flow_t *after)
{
    const kr_flow_kind_e kind = after->flow->kind;

    return (kind == KR_FLOW_REGISTRATION || kind == KR_FLOW_SETTINGS) && kr_flow_conf(k, KR_FLOW_VERIFICATION)->enabled;
}

kr_err_t *kr_hooks_write(kr_ctx_t *k, kr_after_flow_t *after)
{
    const kr_flow_kind_e kind = after->flow->kind;

    after->others_ended = 0; /* a transaction that is tried again begins anew */
    if (verifies(k, after)) KR_TRY(kr_hook_verification(k, after));
    KR_TRY(run(k, after, WRITE));
    /* last, whatever its place in the list: what comes before it may still say no */
    return kind == KR_FLOW_REGISTRATION && kr_hooks_have(k, kind, after->method, "session") ? kr_hook_session(k, after) : NULL;
}

kr_err_t *kr_hooks_repeat(kr_standing_e *standing, kr_ctx_t *k, kr_after_flow_t *after)
{
    *standing = KR_PROOF_HOLDS;
    if (verifies(k, after)) KR_TRY(kr_hook_verification_find(k, after, 1));
    if (!kr_hooks_have(k, after->flow->kind, after->method, "session")) return NULL;
    return kr_session_issue(&after->session, standing, k, after->identity, after->proof, NULL);
}

kr_err_t *kr_hooks_find_verification(kr_ctx_t *k, kr_after_flow_t *after)
{
    return verifies(k, after) ? kr_hook_verification_find(k, after, 0) : NULL;
}

kr_err_t *kr_hooks_answer(kr_ctx_t *k, kr_after_flow_t *after)
{
    if (verifies(k, after)) kr_hook_verification_sent(after);
    return run(k, after, ANSWER);
}
