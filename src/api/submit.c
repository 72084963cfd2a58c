/* SPDX-License-Identifier: Apache-2.0 */
/* A submit, as far as every kind of flow takes it the same way: which flow it is for, from whom, with which fields. */
#include <assert.h>
#include <string.h>

#include "api.h"
#include "kr_db.h"

#define VISIT_MAX 1024 /* bytes of a mail link's query that are kept; ours are shorter */

kr_err_t *kr_flow_of_submit(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind)
{
    const char *id = kr_query(k->req, "flow");

    if (!kr_uuid_valid(id)) return kr_err(k, 400, NULL, "the query parameter flow is missing or malformed");
    KR_TRY(kr_flow_load(out, k, kind, id));
    if ((*out)->api) k->client = KR_CLIENT_NATIVE;
    return NULL;
}

void kr_flow_for_asker(kr_ctx_t *k, const kr_flow_t *flow)
{
    const int by_link = flow->kind == KR_FLOW_RECOVERY && kr_flow_by_mail(k, flow);

    k->client = by_link ? KR_CLIENT_PERSON : kr_client_asking(k);
}

void kr_flow_in_browser(kr_ctx_t *k, kr_flow_t *flow)
{
    flow->in_browser = 1;
    k->client = KR_CLIENT_NATIVE;
}

int kr_flow_just_looking(kr_ctx_t *k, const kr_flow_t *flow)
{
    if (k->req->method != KR_HEAD) return 0;
    kr_answer_see(k, kr_flow_ui_url(k, flow));
    return 1;
}

kr_err_t *kr_flow_body(kr_body_t *out, kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_err_t *err = kr_body_read(out, k);

    return err && !flow->api && !kr_csrf_owns(k, flow) ? kr_csrf_violation(k, NULL) : err;
}

kr_err_t *kr_flow_fields(kr_body_t *out, kr_ctx_t *k, const kr_flow_t *flow)
{
    if (k->req->method != KR_GET) KR_TRY(kr_flow_body(out, k, flow));
    else *out = (kr_body_t){ .json = kr_json_own(k->pool, json_object()), .is_form = 1 };
    for (int i = 0; i < k->req->query->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(k->req->query, i, kr_pair_t);

        if (!json_object_get(out->json, field->name)) json_object_set_new(out->json, field->name, json_string(field->value));
    }
    return NULL;
}

const char *kr_flow_submit_url(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *query = kr_flow_by_mail(k, flow) ? k->req->raw_query : NULL;
    const char *path;

    if (!query || strlen(query) > VISIT_MAX || !kr_utf8_valid(query, strlen(query)))
        query = apr_pstrcat(k->pool, "flow=", flow->id, NULL);
    path = apr_pstrcat(k->pool, "/self-service/", kr_flow_kind_name(flow->kind), "?", query, NULL);
    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

/*
 * A recovery or verification comes by mail, later: to who comes too late, or to a closed door, that is said, and not by a form.
 */
static kr_err_t *flow_by_mail(kr_flow_t **out, kr_ctx_t *k, kr_flow_kind_e kind)
{
    kr_err_t *err = kr_flow_of_submit(out, k, kind);

    if (err && err->status == 404) err->reason = "there is no such flow";
    return err ? err : kr_flow_check_enabled(k, kind);
}

/* Whoever fails, or asks for a code, is not to do so without end. */
static int is_counted(const kr_flow_t *flow, const kr_err_t *err)
{
    return err ? err->status < 500 : flow->state == KR_STATE_SENT_EMAIL;
}

static kr_err_t *submit_counted(kr_ctx_t *k, kr_flow_t *flow, kr_flow_submit_fn *submit)
{
    kr_throttle_t counted;
    kr_err_t *err = kr_throttle_enter(&counted, k, flow);

    if (err) {
        kr_flow_clear_messages(flow);
        return err;
    }
    err = submit(k, flow);
    if (!is_counted(flow, err)) kr_throttle_leave(&counted, k);
    return err;
}

kr_err_t *kr_flow_submit(kr_ctx_t *k, kr_flow_kind_e kind, kr_flow_submit_fn *submit)
{
    const int mailed = kind == KR_FLOW_RECOVERY || kind == KR_FLOW_VERIFICATION;
    kr_flow_t *flow = NULL;
    kr_err_t *err;

    KR_TRY(mailed ? flow_by_mail(&flow, k, kind) : kr_flow_of_submit(&flow, k, kind));
    assert(flow); /* or there was an error */
    err = submit_counted(k, flow, submit);
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}

kr_err_t *kr_flow_lost(kr_ctx_t *k, kr_flow_t *flow)
{
    flow->lost = 1;
    return kr_err_unavailable(k, 1, "others use the same form or sign-in at this moment");
}

kr_err_t *kr_flow_submit_anew(kr_ctx_t *k, kr_flow_t *flow, kr_flow_submit_fn *submit, int most)
{
    kr_err_t *err = submit(k, flow);

    for (int tries = 1; tries < most && flow->lost; tries++) {
        kr_flow_t *now;

        k->session = NULL;
        k->session_known = 0;
        KR_TRY(kr_flow_load(&now, k, flow->kind, flow->id));
        *flow = *now;
        flow->again = 1;
        err = submit(k, flow);
    }
    return err;
}
