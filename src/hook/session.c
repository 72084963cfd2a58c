/* SPDX-License-Identifier: Apache-2.0 */
/* Hook `session`: who registers is signed in. */
#include "hook_private.h"

kr_err_t *kr_hook_session(kr_ctx_t *k, kr_after_flow_t *after)
{
    return kr_session_issue(&after->session, k, after->identity, after->proof);
}
