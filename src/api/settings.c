/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: begin, get, submit, and the change that waited for a fresh sign-in. */
#include <string.h>

#include "api.h"

#define TRIES 3 /* of a submit: of one that is clicked twice the other may come to its end meanwhile */

/* -- who asks ------------------------------------------------------------- */

kr_err_t *kr_settings_need_aal(kr_ctx_t *k, const kr_session_t *session, const char *return_to)
{
    if (return_to && !kr_return_to_allowed(k, return_to)) return_to = NULL;
    return kr_session_check_aal(k, session, KR_DEMAND_SETTINGS, return_to);
}

/* The request for settings, to be made again; NULL when it says nothing that a plain one would not. */
static const char *this_request(kr_ctx_t *k, int api)
{
    const char *return_to = kr_query(k->req, "return_to");
    const char *url = kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/settings/browser");

    return api || !return_to || !*return_to ? NULL : kr_url_with(k->pool, url, "return_to", return_to);
}

/* The page of a flow; a site's own page may be where no sign-in leads, then its successor. */
static const char *page_of(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *page = kr_flow_ui_url(k, flow);

    if (kr_return_to_allowed(k, page)) return page;
    return kr_url_join(k->pool, k->realm->settings->base_url, "/self-service/settings/browser");
}

static void attach_identity(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session)
{
    flow->identity = kr_identity_json(k, session->identity);
}

/* -- begin ---------------------------------------------------------------- */

static kr_err_t *create(kr_flow_t **out, kr_ctx_t *k, int api)
{
    kr_session_t *session;
    kr_flow_t *flow;

    KR_TRY(kr_session_need(&session, k, "session_inactive"));
    KR_TRY(kr_settings_need_aal(k, session, this_request(k, api)));
    KR_TRY(kr_flow_begin(&flow, k, KR_FLOW_SETTINGS, api));
    flow->identity_id = session->identity->id;
    flow->schema_id = session->identity->schema_id;
    KR_TRY(kr_flow_open(k, flow));
    kr_settings_unpark(k);
    attach_identity(k, flow, session);
    *out = flow;
    return NULL;
}

/* People without a session sign in first; people with half of one go on to its second half, which the error names. */
static kr_err_t *sign_in_first(kr_ctx_t *k, kr_err_t *err)
{
    const char *return_to = kr_query(k->req, "return_to");

    if (err->status != 401) return err;
    kr_err_extra(k, err, "CredentialsMissing", json_false());
    return kr_err_lead(err, 303, kr_session_login_url(k, return_to && *return_to ? return_to : NULL));
}

kr_err_t *kr_settings_create_browser(kr_ctx_t *k)
{
    kr_flow_t *flow;
    kr_err_t *err = create(&flow, k, 0);

    return err ? sign_in_first(k, err) : kr_answer_begun(k, flow);
}

kr_err_t *kr_settings_create_native(kr_ctx_t *k)
{
    kr_flow_t *flow;

    KR_TRY(create(&flow, k, 1));
    return kr_answer_begun(k, flow);
}

/* -- get ------------------------------------------------------------------ */

static kr_err_t *check_own(kr_ctx_t *k, const kr_session_t *session, const kr_flow_t *flow)
{
    if (flow->identity_id && strcmp(flow->identity_id, session->identity->id) == 0) return NULL;
    return kr_err(k, 403, "security_identity_mismatch", "the flow belongs to another account");
}

static kr_err_t *get(kr_ctx_t *k, const kr_session_t *session)
{
    kr_flow_t *flow;

    KR_TRY(kr_flow_load(&flow, k, KR_FLOW_SETTINGS, kr_query(k->req, "id")));
    KR_TRY(check_own(k, session, flow));
    KR_TRY(kr_settings_need_aal(k, session, page_of(k, flow)));
    if (kr_flow_expired(k, flow)) return kr_flow_gone(k, flow);
    attach_identity(k, flow, session);
    if (k->inside) kr_flow_fill_typed(k, flow);
    return kr_answer_flow(k, flow);
}

/* Without a session: programs get 401, people the login page. */
static kr_err_t *no_session(kr_ctx_t *k, kr_err_t *err)
{
    return err->status == 401 ? kr_err_lead(err, 302, kr_flow_conf(k, KR_FLOW_LOGIN)->ui_url) : err;
}

kr_err_t *kr_settings_get(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_err_t *err = kr_session_need(&session, k, NULL);

    if (err) return no_session(k, err);
    err = get(k, session);
    return err ? kr_answer_error(k, err) : KR_DONE;
}

/* -- submit --------------------------------------------------------------- */

/* A field of ours beside Kratos': the person wants to be signed out everywhere else once the change is made. */
static int ticked(const kr_body_t *body, const char *field)
{
    const char *text = kr_body_str(body, field);

    return text && (strcmp(text, "on") == 0 || kr_word_true(text)); /* "on" is what a bare checkbox sends */
}

/* People who come back from the sign-in arrive by GET: what waits is to be carried out. */
static kr_err_t *resume(kr_outcome_t *done, const char **id, kr_ctx_t *k, kr_flow_t *flow)
{
    json_t *parked = kr_settings_take_parked(id, k, flow);

    kr_flow_clear_messages(flow);
    if (!parked) return kr_err(k, 400, NULL, "no change waits here any more");
    KR_TRY(kr_methods_resume(done, k, flow, parked));
    if (done->is != KR_OUTCOME_CHANGED) return NULL;
    done->changed.resumed = *id;
    done->changed.end_others = kr_settings_parked_ends_others(parked);
    return NULL;
}

static kr_err_t *take(kr_outcome_t *done, kr_body_t *body, kr_ctx_t *k, kr_flow_t *flow)
{
    kr_err_t *err;

    kr_flow_clear_messages(flow);
    KR_TRY(kr_body_read(body, k));
    err = kr_methods_submit(done, k, flow, body);
    if (done->is == KR_OUTCOME_CHANGED) done->changed.end_others = ticked(body, "revoke_other_sessions");
    return err;
}

/* The flow that takes the place of an expired one is a new one, too: nothing waits beside it. */
static kr_err_t *replace(kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_err_t *err = kr_flow_replace_expired(k, flow, 4050001);

    if (err && err->kind == KR_ERR_REPLACED) kr_settings_unpark(k);
    return err;
}

static int is_resumed(kr_ctx_t *k)
{
    return k->req->method == KR_GET && k->client == KR_CLIENT_PERSON;
}

static kr_err_t *look(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_outcome_t done = { .is = KR_OUTCOME_NONE };
    kr_body_t body = { .json = NULL };
    const char *resumed = NULL;
    kr_err_t *err;

    if (is_resumed(k)) err = resume(&done, &resumed, k, flow);
    else err = take(&done, &body, k, flow);
    if (!err) err = kr_finish(k, flow, &done, body.json ? &body : NULL);
    return kr_settings_wait(k, flow, &done, resumed, err);
}

static kr_err_t *submit_once(kr_ctx_t *k, kr_flow_t *flow)
{
    kr_session_t *session;
    int again;

    KR_TRY(kr_session_need(&session, k, NULL));
    attach_identity(k, flow, session);
    KR_TRY(kr_settings_raised(&again, k, flow, session));
    if (again) return KR_DONE;
    KR_TRY(kr_settings_need_aal(k, session, kr_flow_submit_url(k, flow)));
    return kr_flow_expired(k, flow) ? replace(k, flow) : look(k, flow);
}

kr_err_t *kr_settings_submit(kr_ctx_t *k)
{
    kr_session_t *session;
    kr_flow_t *flow;
    kr_err_t *err = kr_session_need(&session, k, NULL);

    if (err) return no_session(k, err);
    err = kr_flow_of_submit(&flow, k, KR_FLOW_SETTINGS);
    if (err && err->status == 404) err->reason = "there is no such flow; it was made long ago, or never";
    if (err) return err;
    KR_TRY(check_own(k, session, flow));
    err = kr_flow_submit_anew(k, flow, submit_once, TRIES);
    if (err && err->status == 401) return no_session(k, err); /* it ended while the change was on its way */
    if (err && flow->api) flow->csrf_hash = kr_csrf_hash(k); /* sent by a browser after all: shown with its token, as clients know it */
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}
