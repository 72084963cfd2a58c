/* SPDX-License-Identifier: Apache-2.0 */
/* One file for each kind of flow completes what a submit to it came to; finish.c says which. */
#ifndef KR_API_FINISH_H
#define KR_API_FINISH_H

#include "api.h"

/**
 * Complete one outcome of one kind of flow, and answer.
 * @param body  of a submit; NULL where the outcome came from elsewhere
 * @return KR_DONE, or the error that the flow answers with
 */
typedef kr_err_t *kr_finish_fn(kr_ctx_t *k, kr_flow_t *flow, kr_outcome_t *done, const kr_body_t *body);

kr_finish_fn kr_finish_login;                                      /* PROVED */
kr_finish_fn kr_finish_registration;                               /* REGISTER */
kr_finish_fn kr_finish_settings;                                   /* CHANGED */
kr_finish_fn kr_finish_recovery, kr_finish_recovery_again;         /* PASSED; REPLACE, where the form may have come twice */
kr_finish_fn kr_finish_verification, kr_finish_verification_step;  /* PASSED; STEP, also of a link that was only followed */

#endif
