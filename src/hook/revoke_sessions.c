/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `revoke_active_sessions`: all other sessions of the identity end. */
#include "hook_private.h"
#include "kr_store.h"

kr_err_t *kr_hook_revoke_sessions(kr_ctx_t *k, kr_after_flow_t *after)
{
    return kr_store_session_revoke_others(NULL, k, after->identity->id, after->session ? after->session->id : "");
}
