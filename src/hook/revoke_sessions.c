/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `revoke_active_sessions`: all other sessions of the identity end, those included that are about to begin. */
#include "hook.h"

kr_err_t *kr_hook_revoke_sessions(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)conf;
    if (!after->session || after->others_ended) return NULL;
    KR_TRY(kr_session_end_others_now(k, after->session));
    after->others_ended = 1;
    return NULL;
}
