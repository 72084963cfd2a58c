/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: one call, and how its answer is judged. */
#ifndef KR_OAUTH2_OAUTH2_H
#define KR_OAUTH2_OAUTH2_H

#include "kr_oauth2.h"

/** A call about one challenge. */
typedef struct {
    const char *method;  /* "GET", "PUT" */
    const char *path;    /* below the admin API */
    const char *name;    /* of the query parameter that takes the challenge */
    const char *challenge;
    const json_t *body;  /* or NULL */
} kr_oauth2_call_t;

/**
 * Make a call.
 * @param out   out: the object that came; never NULL where *over is
 * @param over  out: where the browser goes on, as the request was answered before (410, 409); else NULL. NULL: the answer is no such
 */
kr_err_t *kr_oauth2_call(const json_t **out, const char **over, kr_ctx_t *k, const kr_oauth2_call_t *call) KR_MUST_CHECK;
/** A 503, and a line in the log: what came cannot be used. */
kr_err_t *kr_oauth2_unusable(kr_ctx_t *k, const char *what);
/** Its `redirect_to`, if a browser can be led there; else NULL. */
const char *kr_oauth2_redirect(kr_ctx_t *k, const json_t *answer);

#endif
