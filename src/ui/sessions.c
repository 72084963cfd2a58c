/* SPDX-License-Identifier: Apache-2.0 */
/* "Where you are signed in": the list, and the forms on it. The API ends sessions by DELETE, which no form can send. */
#include <stdlib.h>
#include <strings.h>

#include "kr_api.h"
#include "kr_config.h"
#include "kr_flow.h"
#include "kr_json.h"
#include "kr_session.h"
#include "kr_store.h"
#include "kr_text.h"
#include "ui.h"

/** So many are asked for, the newest; nobody reads more. And so many are on one page. */
#define SESSIONS_MAX "250"
#define PER_PAGE 15

/* -- anti-CSRF ------------------------------------------------------------ */

/* Bound to the session and derived, so that nothing is stored; useless to others, because theirs is another session. */
static const char *token_text(kr_ctx_t *k, const char *session_id)
{
    return apr_pstrcat(k->pool, "pages/sessions ", session_id, NULL);
}

static const char *token_of(kr_ctx_t *k, const char *session_id)
{
    return kr_hmac(k->pool, k->realm->keys, KR_KEY_CSRF, 0, token_text(k, session_id));
}

static int token_ok(kr_ctx_t *k, const char *session_id, const char *token)
{
    return token && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CSRF, token_text(k, session_id), token) >= 0;
}

/* Ours are the origin that the request came to, and the one that people see where a proxy ends TLS in front of us. */
static int our_origin(kr_ctx_t *k, const char *origin)
{
    kr_url_t base;

    if (strcasecmp(origin, apr_pstrcat(k->pool, k->req->scheme, "://", k->req->host, NULL)) == 0) return 1;
    if (!kr_url_parse(&base, k->pool, k->realm->settings->base_url) || !base.host) return 0;
    return strcasecmp(origin, apr_pstrcat(k->pool, base.scheme, "://", base.host, NULL)) == 0;
}

/* What browsers say of where a form stood. Those that say nothing still need the token. */
static int from_here(kr_ctx_t *k)
{
    const char *site = kr_header(k->req, "Sec-Fetch-Site"), *origin = kr_header(k->req, "Origin");

    if (site && strcmp(site, "same-origin") != 0) return 0;
    return !origin || our_origin(k, origin);
}

/* -- the list ------------------------------------------------------------- */

/* Somebody without a session signs in and comes back, where the settings let a browser come back. */
static void send_to_login(kr_ctx_t *k, const kr_page_t *page)
{
    const char *here = apr_pstrcat(k->pool, k->req->scheme, "://", k->req->host, page->home, "/sessions", NULL);

    kr_reply_redirect(k, 303, ui_begin_url(k, "login", kr_return_to_allowed(k, here) ? here : NULL));
}

static const char *done_words(kr_ctx_t *k, const kr_page_t *page)
{
    const char *done = kr_query(k->req, "done");

    if (!done) return NULL;
    if (strcmp(done, "one") == 0) return ui_word(page->words, "sessions.done.one");
    return strcmp(done, "others") == 0 ? ui_word(page->words, "sessions.done.others") : NULL;
}

/* The part of the list that this page shows. */
static const json_t *slice(kr_ctx_t *k, const json_t *all, int from)
{
    json_t *out = kr_json_own(k->pool, json_array());

    for (int i = from; i < from + PER_PAGE && i < (int)json_array_size(all); i++)
        json_array_append(out, json_array_get(all, (size_t)i));
    return out;
}

static void show_list(kr_ctx_t *k, kr_page_t *page, const json_t *session, const json_t *others)
{
    const char *asked = kr_query(k->req, "page");
    kr_sessions_view_t view = { .current = session, .total = (int)json_array_size(others) };

    view.pages = (view.total + PER_PAGE - 1) / PER_PAGE;
    view.page = asked && strlen(asked) < 4 ? atoi(asked) : 1;
    if (view.page > view.pages) view.page = view.pages;
    if (view.page < 1) view.page = 1;
    view.others = slice(k, others, (view.page - 1) * PER_PAGE);
    view.token = token_of(k, kr_json_str(session, "id"));
    view.done = done_words(k, page);
    ui_reply(k, page, 200, kr_ui_sessions_page(k->pool, page, &view));
}

void ui_sessions_show(kr_ctx_t *k, kr_page_t *page)
{
    json_t *session, *others;
    int status;

    page->title = ui_word(page->words, "title.sessions");
    kr_api_call(k, "/sessions/whoami", &status, &session);
    if (status == 200) kr_api_call(k, "/sessions?per_page=" SESSIONS_MAX, &status, &others);
    else others = session;
    if (status == 401) send_to_login(k, page);
    else if (status == 403 && kr_json_str(others, "redirect_browser_to"))
        kr_reply_redirect(k, 303, kr_json_str(others, "redirect_browser_to")); /* to the second factor */
    else if (status != 200) {
        page->here = NULL;
        ui_reply(k, page, status, kr_ui_error_page(k->pool, page, json_object_get(others, "error")));
    }
    else show_list(k, page, session, others);
}

/* -- ending --------------------------------------------------------------- */

/* @param done  what the list shall say afterwards */
static kr_err_t *end(const char **done, kr_ctx_t *k, const char *token, const char *which)
{
    kr_session_t *session;
    apr_int64_t count;

    KR_TRY(kr_session_need(&session, k, NULL));
    if (!from_here(k) || !token_ok(k, session->id, token))
        return kr_err(k, 403, "security_csrf_violation", "the form does not belong to this session");
    if (which && strcmp(which, "others") == 0) {
        *done = "others";
        return kr_session_end_others(&count, k, session);
    }
    if (!kr_uuid_valid(which) || strcasecmp(which, session->id) == 0)
        return kr_err(k, 400, NULL, "the form does not say which session to end");
    *done = "one"; /* one that is not there, or somebody else's, is answered like one's own: nothing to learn here */
    return kr_session_end_other(k, session, which);
}

static json_t *error_of(kr_ctx_t *k, const kr_err_t *err)
{
    return kr_json_pack(k->pool, "{s:i, s:s?, s:s?}", "code", err->status, "id", err->id, "reason", err->reason);
}

void ui_sessions_end(kr_ctx_t *k, const kr_page_t *page_)
{
    kr_page_t page = *page_;
    const char *done = NULL;
    kr_body_t body;
    kr_err_t *err = kr_body_read(&body, k);

    if (!err) err = end(&done, k, kr_body_str(&body, "token"), kr_body_str(&body, "end"));
    if (!err) kr_reply_redirect(k, 303, apr_pstrcat(k->pool, page.home, "/sessions?done=", done, NULL));
    else if (err->status == 401) send_to_login(k, &page);
    else {
        page.here = NULL;
        ui_reply(k, &page, err->status, kr_ui_error_page(k->pool, &page, error_of(k, err)));
    }
}
