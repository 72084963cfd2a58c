/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: begin, get, submit, and the change that waited for a fresh sign-in. */
#include <string.h>

#include "api_private.h"
#include "kr_db.h"

/** A field of ours beside Kratos': the person wants to be signed out everywhere else once the change is made. */
#define END_OTHERS "revoke_other_sessions"

/* -- who asks ------------------------------------------------------------- */

/* Who has a second factor gives it, and comes back: to `return_to`, where a sign-in may lead there. */
static kr_err_t *need_aal(kr_ctx_t *k, const kr_session_t *session, const char *return_to)
{
    kr_err_t *err = kr_session_check_aal(k, session, k->realm->settings->settings_highest_aal);
    const char *to = err ? kr_json_str(err->extra, "redirect_browser_to") : NULL;

    if (!to || !return_to || !kr_return_to_allowed(k, return_to)) return err;
    to = kr_url_with(k->pool, to, "return_to", return_to);
    kr_err_detail(k, err, "redirect_browser_to", json_string(to));
    return kr_err_extra(k, err, "redirect_browser_to", json_string(to));
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
    KR_TRY(need_aal(k, session, this_request(k, api)));
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
    KR_TRY(need_aal(k, session, page_of(k, flow)));
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

/* -- a change that waits for a fresh sign-in ------------------------------- */

static kr_err_t *refresh_first(kr_ctx_t *k, kr_flow_t *flow, const kr_outcome_t *done, kr_err_t *err)
{
    /* a native client has no browser to go on in, but Kratos keeps its profile changes all the same */
    json_t *park = done->is == KR_OUTCOME_CHANGED ? done->changed.park : NULL;

    if (park && done->changed.end_others) json_object_set_new(park, END_OTHERS, json_true());
    if (park && (!flow->api || done->method == KR_METHOD_PROFILE)) KR_TRY(kr_settings_park(k, flow, park));
    return err; /* which names the place of the sign-in */
}

/* -- submit --------------------------------------------------------------- */

/** The change and who wants it, for the transaction. */
typedef struct {
    kr_outcome_t *done;
    kr_after_flow_t *after;
    const char *resumed; /* name of what waited in the flow for a fresh sign-in; NULL: it did not wait */
    int claimed; /* out: and this request is the one that carries it out */
} change_t;

/* The account and the session as they are now, whatever lay between the request and here; nobody changes them meanwhile. */
static kr_err_t *persist(kr_ctx_t *k, void *baton)
{
    change_t *change = baton;
    kr_after_flow_t *after = change->after;
    kr_identity_t *before;

    if (change->resumed) KR_TRY(kr_settings_claim(&change->claimed, k, after->flow, change->resumed));
    if (change->resumed && !change->claimed) return NULL;
    KR_TRY(kr_identity_lock(&before, k, after->session->identity->id));
    KR_TRY(kr_session_hold(k, after->session, before));
    after->session->identity = before; /* which may have got a second factor */
    KR_TRY(need_aal(k, after->session, kr_flow_submit_url(k, after->flow)));
    after->before = before;
    after->identity = kr_identity_copy(k, before);
    KR_TRY(change->done->changed.change(change->done, k, after->flow, after->identity, before));
    KR_TRY(kr_identity_update(k, after->identity, before));
    KR_TRY(kr_hooks_write(k, after));
    return change->done->changed.end_others && !after->others_ended ? kr_session_end_others_now(k, after->session) : NULL;
}

/* The form begins anew with what is stored now. */
static kr_err_t *show_success(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session, kr_identity_t *identity)
{
    session->identity = identity;
    flow->state = KR_STATE_SUCCESS;
    flow->nodes = kr_json_own(k->pool, json_array());
    KR_TRY(kr_methods_show(k, flow));
    kr_flow_message(k, flow, 1050001, NULL);
    KR_TRY(kr_flow_update(k, flow));
    attach_identity(k, flow, session);
    return NULL;
}

static kr_err_t *answer_changed(kr_ctx_t *k, kr_flow_t *flow, const kr_session_t *session, const kr_after_flow_t *after)
{
    const char *to = kr_return_to_of(k, flow, (int)after->method);

    kr_settings_unpark(k);
    if (!flow->api && !session->token_is_old) kr_session_cookie_set(k, session);
    flow->continue_with = after->continue_with;
    if (!flow->api) json_array_append_new(flow->continue_with, kr_continue_redirect(to));
    return kr_answer_done(k, kr_flow_json(k, flow), to); /* never to the page of a verification: clients know it so */
}

static kr_err_t *apply(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session, kr_outcome_t *done, const char *resumed)
{
    kr_after_flow_t after = { .flow = flow, .method = done->method, .identity = session->identity, .session = session,
                              .continue_with = kr_json_own(k->pool, json_array()) };
    change_t change = { .done = done, .after = &after, .resumed = resumed };
    kr_err_t *err;

    KR_TRY(kr_hooks_admit(k, &after));
    err = kr_db_tx(k, persist, &change);
    if (err && kr_db_is_duplicate(err)) {
        kr_flow_message(k, flow, 4000007, NULL);
        return kr_err_show_flow(k);
    }
    if (err) return err;
    if (resumed && !change.claimed) return kr_answer_see(k, kr_flow_ui_url(k, flow)); /* another request of this browser took it out */
    kr_log(k, KR_LOG_INFO, KRLOGNO(0807) "settings %s: identity %s changed by %s", flow->id, after.identity->id,
           kr_method_name(done->method));
    KR_TRY(kr_hooks_answer(k, &after));
    KR_TRY(show_success(k, flow, session, after.identity));
    return answer_changed(k, flow, session, &after);
}

static int ticked(const kr_body_t *body, const char *field)
{
    const char *text = kr_body_str(body, field);

    return text && (strcmp(text, "on") == 0 || kr_word_true(text)); /* "on" is what a bare checkbox sends */
}

static int needs_refresh(const kr_err_t *err)
{
    return err && err->id && strcmp(err->id, "session_refresh_required") == 0;
}

/* Carried out or refused, a change waits no longer; what nobody could look at goes on waiting. */
static int is_answered(const kr_err_t *err)
{
    return !err || err->status == 400;
}

static kr_err_t *resume(kr_outcome_t *done, kr_ctx_t *k, kr_flow_t *flow, const json_t *parked)
{
    kr_err_t *err = kr_methods_resume(done, k, flow, parked);

    if (done->is == KR_OUTCOME_CHANGED) done->changed.end_others = json_is_true(json_object_get(parked, END_OTHERS));
    return err;
}

/* People who come back from the sign-in arrive by GET: carry out what waits. */
static kr_err_t *take(kr_outcome_t *done, const char **resumed, kr_ctx_t *k, kr_flow_t *flow)
{
    const int comes_back = k->req->method == KR_GET && k->client == KR_CLIENT_PERSON;
    json_t *parked = comes_back ? kr_settings_take_parked(resumed, k, flow) : NULL;
    kr_body_t body;
    kr_err_t *err;

    memset(done, 0, sizeof(*done));
    kr_flow_clear_messages(flow);
    if (!parked) *resumed = NULL;
    if (parked) return resume(done, k, flow, parked);
    if (comes_back) return kr_err(k, 400, NULL, "no change waits here any more");
    KR_TRY(kr_body_read(&body, k));
    flow->state = KR_STATE_SHOW_FORM; /* the state follows the last step */
    err = kr_methods_submit(done, k, flow, &body);
    if (done->is == KR_OUTCOME_CHANGED) done->changed.end_others = ticked(&body, END_OTHERS);
    return err;
}

/* The flow that takes the place of an expired one is a new one, too: nothing waits beside it. */
static kr_err_t *replace(kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_err_t *err = kr_flow_replace_expired(k, flow, 4050001);

    if (err && err->kind == KR_ERR_REPLACED) kr_settings_unpark(k);
    return err;
}

static kr_err_t *submit(kr_ctx_t *k, kr_flow_t *flow, kr_session_t *session)
{
    kr_outcome_t done;
    kr_err_t *err;
    const char *resumed = NULL;

    KR_TRY(need_aal(k, session, kr_flow_submit_url(k, flow)));
    if (kr_flow_expired(k, flow)) return replace(k, flow);
    err = take(&done, &resumed, k, flow);
    if (!err) err = apply(k, flow, session, &done, resumed);
    if (needs_refresh(err)) return refresh_first(k, flow, &done, err);
    if (resumed && is_answered(err)) kr_settings_unpark(k);
    return err;
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
    attach_identity(k, flow, session);
    err = submit(k, flow, session);
    if (err && err->status == 401) return no_session(k, err); /* it ended while the change was on its way */
    if (err && flow->api) flow->csrf_hash = kr_csrf_hash(k); /* sent by a browser after all: shown with its token, as clients know it */
    return err ? kr_answer_flow_error(k, flow, err) : KR_DONE;
}
