/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `session`: who registers is signed in. */
#include "hook.h"
#include "kr_db.h"

kr_err_t *kr_hook_session_again(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)conf;
    return kr_session_issue(&after->session, &after->standing, k, after->identity, after->proof, NULL);
}

kr_err_t *kr_hook_session(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    KR_TRY(kr_hook_session_again(k, after, conf));
    return after->standing == KR_PROOF_HOLDS ? NULL : kr_db_raced(k); /* the account was made in this very transaction */
}
