/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery: begin, get, submit, the visit from the mail, and the session and settings it ends in. */
#include <string.h>

#include "api.h"

static int is_signed_in(const kr_err_t *err)
{
    return err && err->id && strcmp(err->id, "session_already_available") == 0;
}

/* Programs are told; people are led to where who is signed in belongs. */
static kr_err_t *answer_signed_in(kr_ctx_t *k, kr_err_t *err)
{
    return kr_answer_error(k, kr_err_lead(err, 302, k->realm->settings->default_return_url));
}

/* -- begin and get -------------------------------------------------------- */

static kr_err_t *create(kr_ctx_t *k, int api)
{
    kr_flow_t *flow;
    kr_err_t *err;

    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_RECOVERY));
    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_RECOVERY, api));
    err = kr_recovery_check_guest(k);
    if (is_signed_in(err)) return answer_signed_in(k, err);
    if (err) return err;
    KR_TRY(kr_flow_open(k, flow));
    return kr_answer_begun(k, flow);
}

kr_err_t *kr_recovery_create_browser(kr_ctx_t *k)
{
    return create(k, 0);
}

/* Apps have no page of errors, whatever their Accept says; that recovery is off is said to people, as clients know it. */
kr_err_t *kr_recovery_create_native(kr_ctx_t *k)
{
    kr_err_t *err;

    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_RECOVERY));
    err = create(k, 1);
    return err ? kr_answer_error(k, err) : KR_DONE;
}

kr_err_t *kr_recovery_get(kr_ctx_t *k)
{
    KR_TRY(kr_flow_check_enabled(k, KR_FLOW_RECOVERY));
    return kr_flow_get(k, KR_FLOW_RECOVERY);
}

/* -- submit --------------------------------------------------------------- */

/* A code is typed into a form, and a GET types nothing, but a link brings its token as one. */
static kr_err_t *take(kr_outcome_t *done, kr_body_t *body, kr_ctx_t *k, kr_flow_t *flow)
{
    const int by_link = strcmp(k->realm->settings->recovery_use, "link") == 0;
    kr_err_t *err;

    flow->active = k->realm->settings->recovery_use;
    kr_flow_clear_messages(flow);
    if (!by_link && k->req->method == KR_GET) KR_TRY(kr_flow_body(body, k, flow)); /* which says that there is none */
    else KR_TRY(kr_flow_fields(body, k, flow));
    err = kr_recovery_take(done, k, flow, body);
    /* as clients know it: a form with a wrong token ends all open forms */
    if (!by_link && err && err->id && strcmp(err->id, "security_csrf_violation") == 0) kr_csrf_renew(k);
    return err;
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_outcome_t done;
    kr_body_t body;
    kr_err_t *err;

    if (kr_flow_just_looking(k, flow)) return KR_DONE;
    if (kr_flow_expired(k, flow)) return kr_flow_retry_expired(k, flow, 4060005);
    err = take(&done, &body, k, flow);
    if (is_signed_in(err)) return answer_signed_in(k, err);
    return err ? err : kr_finish(k, flow, &done, &body);
}

kr_err_t *kr_recovery_submit(kr_ctx_t *k)
{
    return kr_flow_submit(k, KR_FLOW_RECOVERY, submit);
}
