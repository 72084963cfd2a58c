/* SPDX-License-Identifier: Apache-2.0 */
/* Which page a request is for, and where what it shows comes from: the API, asked in-process as the browser would. */
#include <string.h>
#include <strings.h>

#include "kr_api.h"
#include "kr_config.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** A page that shows a flow. */
typedef struct {
    const char *name;        /* last segment of the path, and kind of the flow */
    const char *title;
    const char *other;       /* kind of flow that the link under the form begins, or NULL */
    const char *other_text, *other_label;
    kr_flow_kind_e other_kind;
} flow_page_t;

static const flow_page_t FLOW_PAGES[] = {
    { "login", "Sign in", "registration", "No account yet?", "Sign up", KR_FLOW_REGISTRATION },
    { "registration", "Sign up", "login", "You have an account already?", "Sign in", KR_FLOW_LOGIN },
};

static const char *api_url(kr_ctx_t *k, const char *path)
{
    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

static const char *init_url(kr_ctx_t *k, const char *kind, const char *return_to)
{
    const char *url = api_url(k, apr_pstrcat(k->pool, "/self-service/", kind, "/browser", NULL));

    return return_to && *return_to ? kr_url_with(k->pool, url, "return_to", return_to) : url;
}

static void reply_html(kr_ctx_t *k, int status, const char *html)
{
    k->reply->status = status;
    k->reply->content_type = "text/html; charset=utf-8";
    k->reply->body = html;
    k->reply->body_len = strlen(html);
    kr_reply_header(k, "Content-Security-Policy", kr_ui_csp);
    kr_reply_header(k, "Cache-Control", "no-store");
    kr_reply_header(k, "Referrer-Policy", "same-origin");
    kr_reply_header(k, "X-Content-Type-Options", "nosniff");
    kr_reply_header(k, "X-Frame-Options", "DENY");
}

/* -- pages ---------------------------------------------------------------- */

static void show_flow(kr_ctx_t *k, const char *home, const flow_page_t *p)
{
    const char *id = kr_query(k->req, "flow");
    kr_page_t page = { .title = p->title, .home = home };
    json_t *json;
    int status;

    if (!id || !*id) { /* somebody came straight here */
        kr_reply_redirect(k, 303, init_url(k, p->name, kr_query(k->req, "return_to")));
        return;
    }
    kr_api_call(k, apr_pstrcat(k->pool, "/self-service/", p->name, "/flows?id=", kr_url_escape(k->pool, id), NULL), &status, &json);
    if (status == 200 && json) {
        if (k->realm->settings->flow[p->other_kind].enabled) {
            page.other_url = init_url(k, p->other, kr_json_str(json, "return_to"));
            page.other_text = p->other_text;
            page.other_label = p->other_label;
        }
        reply_html(k, 200, kr_ui_flow_page(k->pool, &page, json));
        return;
    }
    /* no redirect to a fresh flow: a browser that keeps no cookies would go round for ever */
    if (status == 403)
        reply_html(k, 403, kr_ui_note_page(k->pool, &page, "This form was begun in another browser, or the cookie that belongs to it "
                                           "is gone. If this comes again, please allow cookies for this site.",
                                           init_url(k, p->name, NULL), "Begin again"));
    else if (status == 404 || status == 410)
        reply_html(k, status, kr_ui_note_page(k->pool, &page, "This form is too old by now.", init_url(k, p->name, NULL), "Begin again"));
    else reply_html(k, status, kr_ui_error_page(k->pool, &page, json_object_get(json, "error")));
}

static void show_welcome(kr_ctx_t *k, const char *home)
{
    const kr_page_t page = { .title = "You are signed in", .home = home };
    json_t *session, *logout;
    const char *url = NULL;
    int status;

    kr_api_call(k, "/sessions/whoami", &status, &session);
    if (status == 401) {
        kr_reply_redirect(k, 303, init_url(k, "login", NULL));
        return;
    }
    if (status != 200) {
        reply_html(k, status, kr_ui_error_page(k->pool, &page, json_object_get(session, "error")));
        return;
    }
    kr_api_call(k, "/self-service/logout/browser", &status, &logout);
    if (status == 200) url = kr_json_str(logout, "logout_url");
    reply_html(k, 200, kr_ui_session_page(k->pool, &page, session, url));
}

static void show_error(kr_ctx_t *k, const char *home)
{
    const kr_page_t page = { .title = NULL, .home = home };
    const char *id = kr_query(k->req, "id");
    json_t *json = NULL;
    int status = 404;

    if (id && *id)
        kr_api_call(k, apr_pstrcat(k->pool, "/self-service/errors?id=", kr_url_escape(k->pool, id), NULL), &status, &json);
    reply_html(k, status, kr_ui_error_page(k->pool, &page, status == 200 ? json_object_get(json, "error") : NULL));
}

static void show_signed_out(kr_ctx_t *k, const char *home)
{
    const kr_page_t page = { .title = "Signed out", .home = home };

    reply_html(k, 200, kr_ui_note_page(k->pool, &page, "You are signed out of this browser.", init_url(k, "login", NULL), "Sign in"));
}

static void show_style(kr_ctx_t *k)
{
    const char *etag = apr_pstrcat(k->pool, "\"", kr_ui_css_version(k->pool), "\"", NULL);
    const char *known = kr_header(k->req, "If-None-Match");

    kr_reply_header(k, "ETag", etag);
    kr_reply_header(k, "Cache-Control", "public, max-age=31536000, immutable"); /* its URL carries its hash */
    kr_reply_header(k, "X-Content-Type-Options", "nosniff");
    if (known && strcmp(known, etag) == 0) {
        k->reply->status = 304;
        return;
    }
    k->reply->content_type = "text/css; charset=utf-8";
    k->reply->body = kr_ui_css(&k->reply->body_len);
}

/* -- dispatch ------------------------------------------------------------- */

void kr_ui_handle(kr_ctx_t *k)
{
    static const struct { const char *name; void (*show)(kr_ctx_t *k, const char *home); } pages[] = {
        { "welcome", show_welcome },
        { "error", show_error },
        { "signed-out", show_signed_out },
    };
    const char *slash = strrchr(k->req->path, '/');
    const char *name = slash ? slash + 1 : k->req->path;
    const char *home = apr_pstrmemdup(k->pool, k->req->path, slash ? (apr_size_t)(slash - k->req->path) : 0);

    if (!(k->req->method & (KR_GET | KR_HEAD))) {
        kr_reply_text(k, 405, "pages are for GET; forms go to the API");
        kr_reply_header(k, "Allow", "GET, HEAD");
        return;
    }
    /* "//x/login" would make x the host of every link on the page */
    if (strncmp(k->req->path, "//", 2) == 0 || strchr(k->req->path, '\\')) {
        kr_reply_text(k, 404, "there is no such page");
        return;
    }
    if (strcmp(name, "style.css") == 0) {
        show_style(k);
        return;
    }
    for (int i = 0; i < KR_DIM(FLOW_PAGES); i++)
        if (strcmp(name, FLOW_PAGES[i].name) == 0) {
            show_flow(k, home, &FLOW_PAGES[i]);
            return;
        }
    for (int i = 0; i < KR_DIM(pages); i++)
        if (strcmp(name, pages[i].name) == 0) {
            pages[i].show(k, home);
            return;
        }
    kr_reply_text(k, 404, "there is no such page");
}
