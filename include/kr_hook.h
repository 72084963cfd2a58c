/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say happens after a flow. hook.c runs them in order, one file each does them. */
#ifndef KR_HOOK_H
#define KR_HOOK_H

#include "kr_method.h"

/** What hooks see and may add to. */
typedef struct {
    kr_flow_t *flow;
    kr_method_e method;
    kr_identity_t *identity;
    const kr_identity_t *before; /* settings: the identity as it was; else NULL */
    kr_session_t *session;    /* NULL where there is none (yet); the session hook makes it */
    int others_ended;      /* by a hook, in this transaction: all other sessions of theirs */
    const kr_proof_t *proof;
    json_t *continue_with;    /* array: items for the answer; pool-owned */
    const char *browser_to;   /* a hook that sends people elsewhere sets it */
    const char *verification_flow;    /* id of the flow that the verification hook made, or NULL */
    const char *verification_address; /* the address it is for */
} kr_after_flow_t;

/** Does the list that counts for this method (its own if it has one, else the flow-wide one) hold that hook? */
int kr_hooks_have(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method, const char *name);

/** Is there one in that list that writes, `session` aside? */
int kr_hooks_would_write(kr_ctx_t *k, kr_flow_kind_e kind, kr_method_e method);

/**
 * Run the hooks that may say no to a sign-in, a sign-up or a change before it begins. They store and commit what they need themselves.
 * @return what to answer; with browser_to set it is an envelope for programs (with status 403), and people go there
 */
kr_err_t *kr_hooks_admit(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * Run the hooks that write: inside the transaction that makes the change, so that there is never half of it. After registration
 * and settings first the verification of new addresses, then the configured ones in their order, `session` last.
 */
kr_err_t *kr_hooks_write(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/**
 * A registration that was sent twice, within a transaction: what the answer to the second needs. The session where registrations give
 * one, and what kr_hooks_find_verification finds, which belongs to this answer's anti-CSRF cookie from here on.
 * @param standing  of what proved it again: when it does not hold there is no session
 */
kr_err_t *kr_hooks_repeat(kr_standing_e *standing, kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Find the verification flow that the hooks of this registration made, for the answer. Without one nothing changes. */
kr_err_t *kr_hooks_find_verification(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/** Run the hooks that shape the answer, in their configured order; nothing is written. */
kr_err_t *kr_hooks_answer(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

#endif
