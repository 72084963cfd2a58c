/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of this room, one file each. */
#ifndef HOOK_PRIVATE_H
#define HOOK_PRIVATE_H

#include "kr_hook.h"

/** Start the session of somebody who just registered. */
kr_err_t *kr_hook_session(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Make a verification flow for the first unverified address, and queue its mail. */
kr_err_t *kr_hook_verification(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** One such flow for one address, inside the caller's transaction. */
kr_err_t *kr_hook_verification_begin(kr_ctx_t *k, kr_after_flow_t *after, const kr_address_t *address) KR_MUST_CHECK;
/** Find what kr_hook_verification made for a registration of a browser. @param take  1: it belongs to this answer's cookie now */
kr_err_t *kr_hook_verification_find(kr_ctx_t *k, kr_after_flow_t *after, int take) KR_MUST_CHECK;
/** After a sign-in: the same for the first address that is not verified yet. */
kr_err_t *kr_hook_verification_login(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Refuse a sign-in without a verified address. */
kr_err_t *kr_hook_require_verified(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** End all other sessions of the identity. */
kr_err_t *kr_hook_revoke_sessions(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Show the addresses as they are once the transaction holds: it may be tried again, so nothing in memory changes inside it. */
void kr_hook_verification_sent(kr_after_flow_t *after);
/** Tell programs of that flow and send people to its page. */
kr_err_t *kr_hook_show_verification_ui(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;
/** Tell the addresses that the account had of a change of its addresses. */
kr_err_t *kr_hook_notify_previous(kr_ctx_t *k, kr_after_flow_t *after) KR_MUST_CHECK;

/** The `config` of the hook of that name in the list that counts, or NULL. */
const json_t *kr_hook_config(kr_ctx_t *k, const kr_after_flow_t *after, const char *name);

#endif
