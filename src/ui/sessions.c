/* SPDX-License-Identifier: Apache-2.0 */
/* "Where you are signed in": the list, and the forms on it. The API ends sessions by DELETE, which no form can send. */
#include <stdlib.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** So many are asked for, the newest; nobody reads more. And so many are on one page. */
#define SESSIONS_MAX "250"
#define PER_PAGE 15

/* -- the list ------------------------------------------------------------- */

/* Somebody without a session signs in and comes back, where the settings let a browser come back. */
static const char *back_here(kr_ctx_t *k, const kr_page_t *page)
{
    const char *here = apr_pstrcat(k->pool, k->req->scheme, "://", k->req->host, page->home, "/sessions", NULL);

    return kr_return_to_allowed(k, here) ? here : NULL;
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
    kr_csrf_ensure(k);
    view.token = kr_csrf_token(k);
    view.done = done_words(k, page);
    page->logout_url = ui_logout_url(k);
    ui_reply(k, page, 200, kr_ui_sessions_page(k->pool, page, &view));
}

void ui_sessions_show(kr_ctx_t *k, kr_page_t *page)
{
    kr_api_answer_t session, others;

    page->title = ui_word(page->words, "title.sessions");
    kr_api_call(&session, k, KR_GET, "/sessions/whoami", NULL);
    others = session;
    if (session.status == 200) kr_api_call(&others, k, KR_GET, "/sessions?per_page=" SESSIONS_MAX, NULL);
    if (others.status != 200) ui_refused(k, page, &others, back_here(k, page));
    else show_list(k, page, session.json, others.json);
}

/* -- ending --------------------------------------------------------------- */

/* @param done  what the list shall say afterwards */
static kr_err_t *end(kr_api_answer_t *out, const char **done, kr_ctx_t *k)
{
    const char *which;
    kr_body_t form;

    KR_TRY(ui_form_read(&form, k));
    which = kr_body_str(&form, "end");
    if (which && strcmp(which, "others") == 0) {
        *done = "others";
        kr_api_call(out, k, KR_DELETE, "/sessions", form.json);
        return NULL;
    }
    if (!kr_uuid_valid(which)) return kr_err(k, 400, NULL, "the form does not say which session to end");
    *done = "one";
    kr_api_call(out, k, KR_DELETE, apr_pstrcat(k->pool, "/sessions/", which, NULL), form.json);
    return NULL;
}

/* Who signed out meanwhile, here or in another window, signs in first, whatever is wrong with the form. */
static void refused(kr_ctx_t *k, const kr_page_t *page, const kr_api_answer_t *got)
{
    kr_api_answer_t session;

    kr_api_call(&session, k, KR_GET, "/sessions/whoami", NULL);
    ui_refused(k, page, session.status == 401 ? &session : got, back_here(k, page));
}

void ui_sessions_end(kr_ctx_t *k, const kr_page_t *page)
{
    kr_api_answer_t got = { 0 };
    const char *done = NULL;
    kr_err_t *err = end(&got, &done, k);

    if (err) got = ui_answer_of(k, err);
    if (got.status < 300) kr_reply_redirect(k, 303, apr_pstrcat(k->pool, page->home, "/sessions?done=", done, NULL));
    else refused(k, page, &got);
}
