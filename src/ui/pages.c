/* SPDX-License-Identifier: Apache-2.0 */
/* Which page a request is for, and where what it shows comes from: the API, asked in-process as the browser would. */
#include <string.h>
#include <strings.h>

#include "kr_api.h"
#include "kr_config.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** Where a link leads: to a flow that begins, if the site has that kind, or to a page of ours. */
typedef struct {
    const char *text, *label;
    const char *page;        /* NULL: `kind` counts */
    kr_flow_kind_e kind;
} way_t;

/** A page that shows a flow. */
typedef struct {
    kr_flow_kind_e kind;     /* its name is the last segment of the path */
    const char *title;
    way_t ways[KR_PAGE_LINKS];
} flow_page_t;

#define NO_ACCOUNT { "No account yet?", "Sign up", NULL, KR_FLOW_REGISTRATION }
#define CANNOT_SIGN_IN { "Cannot sign in?", "Get back in", NULL, KR_FLOW_RECOVERY }
#define TO_SIGN_IN(text) { text, "Sign in", NULL, KR_FLOW_LOGIN }
#define TO_ACCOUNT(label) { NULL, label, "/welcome", KR_FLOW_LOGIN }

static const flow_page_t FLOW_PAGES[] = {
    { KR_FLOW_LOGIN, "Sign in", { NO_ACCOUNT, CANNOT_SIGN_IN } },
    { KR_FLOW_REGISTRATION, "Sign up", { TO_SIGN_IN("You have an account already?") } },
    { KR_FLOW_SETTINGS, "Your settings", { TO_ACCOUNT("Back to your account") } },
    { KR_FLOW_VERIFICATION, "Verify your address", { TO_ACCOUNT("Go to your account") } },
    { KR_FLOW_RECOVERY, "Recover your account", { TO_SIGN_IN("You know your password?") } },
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

/* Somebody who is signed in and only proves it again has an account, and no use for recovery. */
static void put_ways(kr_ctx_t *k, kr_page_t *page, const flow_page_t *p, const json_t *flow)
{
    const int again = p->kind == KR_FLOW_LOGIN && json_is_true(json_object_get(flow, "refresh"));

    for (int i = 0; i < KR_PAGE_LINKS && p->ways[i].label && !again; i++) {
        const way_t *way = &p->ways[i];
        const char *url = NULL;

        if (way->page) url = apr_pstrcat(k->pool, page->home, way->page, NULL);
        else if (k->realm->settings->flow[way->kind].enabled)
            url = init_url(k, kr_flow_kind_name(way->kind), kr_json_str(flow, "return_to"));
        page->links[i] = (kr_page_link_t){ way->text, url, way->label };
    }
}

/* No redirect to a fresh flow: a browser that keeps no cookies would go round for ever. */
static void show_no_flow(kr_ctx_t *k, const kr_page_t *page, const flow_page_t *p, int status, const json_t *json)
{
    const char *begin = init_url(k, kr_flow_kind_name(p->kind), NULL);
    const char *elsewhere = kr_json_str(json, "redirect_browser_to");

    if (status == 401) kr_reply_redirect(k, 303, init_url(k, "login", NULL));
    else if (status == 403 && elsewhere) kr_reply_redirect(k, 303, elsewhere); /* to the second factor */
    else if (status == 403)
        reply_html(k, 403, kr_ui_note_page(k->pool, page, "This form was begun in another browser or by another account, or the "
                                           "cookie that belongs to it is gone. If this comes again, please allow cookies for "
                                           "this site.", begin, "Begin again"));
    else if (status == 404 || status == 410)
        reply_html(k, status, kr_ui_note_page(k->pool, page, "This form is too old by now.", begin, "Begin again"));
    else reply_html(k, status, kr_ui_error_page(k->pool, page, json_object_get(json, "error")));
}

static void show_flow(kr_ctx_t *k, const char *home, const flow_page_t *p)
{
    const char *name = kr_flow_kind_name(p->kind), *id = kr_query(k->req, "flow");
    kr_page_t page = { .title = p->title, .home = home };
    json_t *json;
    int status;

    if (!id || !*id) { /* somebody came straight here */
        kr_reply_redirect(k, 303, init_url(k, name, kr_query(k->req, "return_to")));
        return;
    }
    kr_api_call(k, apr_pstrcat(k->pool, "/self-service/", name, "/flows?id=", kr_url_escape(k->pool, id), NULL), &status, &json);
    if (status != 200 || !json) {
        show_no_flow(k, &page, p, status, json);
        return;
    }
    put_ways(k, &page, p, json);
    reply_html(k, 200, kr_ui_flow_page(k->pool, &page, json));
}

static void show_welcome(kr_ctx_t *k, const char *home)
{
    const kr_page_t page = { .title = "You are signed in", .home = home,
                             .links = { { NULL, init_url(k, "settings", NULL), "Change your profile or your password" } } };
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
        if (strcmp(name, kr_flow_kind_name(FLOW_PAGES[i].kind)) == 0) {
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
