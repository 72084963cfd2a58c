/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `session`: who registers is signed in. */
#include "hook_private.h"

kr_err_t *kr_hook_session(kr_ctx_t *k, kr_after_flow_t *after)
{
    kr_standing_e standing;

    KR_TRY(kr_session_issue(&after->session, &standing, k, after->identity, after->proof, NULL));
    return standing == KR_PROOF_HOLDS ? NULL : kr_db_raced(k); /* the account was made in this very transaction */
}
