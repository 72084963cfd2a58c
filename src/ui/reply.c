/* SPDX-License-Identifier: Apache-2.0 */
/* What a page's request is answered with: a page with its headers, a file, or the way to where somebody has to go first. */
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "ui.h"

/* -- pages ---------------------------------------------------------------- */

static const char *policy_of(kr_ctx_t *k, const kr_page_t *page)
{
    return page->alone ? kr_ui_csp_alone : ui_policy(k->pool, page);
}

void ui_reply(kr_ctx_t *k, const kr_page_t *page, int status, const char *html)
{
    k->reply->status = status;
    k->reply->content_type = "text/html; charset=utf-8";
    k->reply->body = html;
    k->reply->body_len = strlen(html);
    kr_reply_header(k, "Content-Language", page->words->lang);
    kr_reply_header(k, "Vary", "Accept-Language, Cookie");
    kr_reply_header(k, "Content-Security-Policy", policy_of(k, page));
    kr_reply_header(k, "Cache-Control", "no-store");
    kr_reply_header(k, "Referrer-Policy", "same-origin");
    kr_reply_header(k, "X-Content-Type-Options", "nosniff");
    kr_reply_header(k, "X-Frame-Options", "DENY");
}

void ui_note(kr_ctx_t *k, const kr_page_t *page, int status, const char *text, const char *url, const char *label)
{
    ui_reply(k, page, status, kr_ui_note_page(k->pool, page, ui_word(page->words, text), url, ui_word(page->words, label)));
}

/* -- elsewhere ------------------------------------------------------------ */

static const char *api_url(kr_ctx_t *k, const char *path)
{
    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

const char *ui_begin_url(kr_ctx_t *k, const char *kind, const char *return_to)
{
    const char *url = api_url(k, apr_pstrcat(k->pool, "/self-service/", kind, "/browser", NULL));

    return return_to && *return_to ? kr_url_with(k->pool, url, "return_to", return_to) : url;
}

const char *ui_logout_url(kr_ctx_t *k)
{
    kr_api_answer_t got;

    kr_api_call(&got, k, KR_GET, "/self-service/logout/browser", NULL);
    return kr_json_str(got.json, "logout_url");
}

void ui_refused(kr_ctx_t *k, const kr_page_t *page, const kr_api_answer_t *got, const char *back)
{
    const char *elsewhere = kr_json_str(got->json, "redirect_browser_to");
    kr_page_t alone = *page;

    alone.here = NULL;
    if (got->status == 401) kr_reply_redirect(k, 303, ui_begin_url(k, "login", back));
    else if (got->status == 403 && elsewhere) /* to the second factor */
        kr_reply_redirect(k, 303, back ? kr_url_with(k->pool, elsewhere, "return_to", back) : elsewhere);
    else ui_reply(k, &alone, got->status, kr_ui_error_page(k->pool, &alone, json_object_get(got->json, "error")));
}

/* -- files ---------------------------------------------------------------- */

/* @param keep  Cache-Control */
static void show_file(kr_ctx_t *k, const ui_file_t *file, const char *keep)
{
    const char *known = kr_header(k->req, "If-None-Match");

    kr_reply_header(k, "ETag", file->etag);
    kr_reply_header(k, "Cache-Control", keep);
    kr_reply_header(k, "X-Content-Type-Options", "nosniff");
    if (known && strstr(known, apr_pstrmemdup(k->pool, file->etag + 1, strlen(file->etag) - 2))) { /* mod_deflate adds to it */
        k->reply->status = 304;
        return;
    }
    k->reply->content_type = file->type;
    k->reply->body = file->body;
    k->reply->body_len = file->len;
}

void ui_style_show(kr_ctx_t *k)
{
    const kr_pages_t *pages = k->realm->pages;
    const ui_file_t css = { .type = "text/css; charset=utf-8", .body = pages->css, .len = pages->css_len,
                            .etag = apr_pstrcat(k->pool, "\"", pages->css_version, "\"", NULL) };

    show_file(k, &css, "public, max-age=31536000, immutable"); /* its URL carries its hash */
}

/* A picture that is opened by itself (an SVG is a document) runs nothing and reaches nothing. */
void ui_file_show(kr_ctx_t *k, const ui_file_t *file)
{
    show_file(k, file, "public, max-age=3600");
    kr_reply_header(k, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
}
