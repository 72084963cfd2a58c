/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around every page, and the simplest page of all. */
#include <apr_base64.h>

#include "kr_text.h"
#include "ui.h"

/*
 * No form-action: Chromium applies it to the redirect after a post as well, and after a login that leads to whatever
 * allowed return URL the visitor came from, often on another host. The actions themselves are ours and escaped.
 */
#define CSP "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"

const char kr_ui_csp[] = CSP;
const char kr_ui_csp_alone[] = "default-src 'none'; style-src data:; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/* -- between the pages of an account -------------------------------------- */

static void put_way(ui_html_t *h, const char *url, const char *key, int here)
{
    ui_add(h, "<li><a href=\"%s\"", url);
    if (here) ui_add(h, " aria-current=\"page\"");
    ui_add(h, ">%s</a></li>\n", ui_word(h->words, key));
}

static void put_account_ways(ui_html_t *h, const kr_page_t *page)
{
    const char *settings = ui_safe_url(h->pool, page->settings_url), *logout = ui_safe_url(h->pool, page->logout_url);

    ui_add(h, "<nav aria-label=\"%s\">\n<ul>\n", ui_word(h->words, "nav"));
    put_way(h, apr_pstrcat(h->pool, page->home, "/welcome", NULL), "nav.welcome", strcmp(page->here, "welcome") == 0);
    if (settings) put_way(h, settings, "nav.settings", strcmp(page->here, "settings") == 0);
    put_way(h, apr_pstrcat(h->pool, page->home, "/sessions", NULL), "nav.sessions", strcmp(page->here, "sessions") == 0);
    if (logout) put_way(h, logout, "signout", 0);
    ui_add(h, "</ul>\n</nav>\n");
}

/* -- the frame ------------------------------------------------------------ */

static const char *site_of(const ui_html_t *h, const kr_page_t *page)
{
    const char *own = ui_word_or_null(h->words, "site");

    return own && *own ? own : page->site;
}

ui_html_t *ui_page_begin(apr_pool_t *pool, const kr_page_t *page, const char *heading, int failed)
{
    ui_html_t *h = ui_html_make(pool, page->words);

    h->title = heading;
    h->site = site_of(h, page);
    if (failed) h->title = apr_pstrcat(pool, ui_word(h->words, "title.failed"), " ", heading, NULL);
    ui_add(h, page->here || page->wide ? "<div class=\"account\">\n" : "<div class=\"card\">\n");
    if (page->here) put_account_ways(h, page);
    ui_add(h, "<h1>%s</h1>\n", heading);
    return h;
}

void ui_link_put(ui_html_t *h, const char *url, const char *label, const char *css_class)
{
    ui_add(h, "<p class=\"go\"><a class=\"%s\" href=\"%s\">%s</a></p>\n", css_class, url, label);
}

static void put_links(ui_html_t *h, const kr_page_link_t *links)
{
    for (int i = 0; i < KR_PAGE_LINKS; i++) {
        const char *url = ui_safe_url(h->pool, links[i].url);

        if (!url) continue;
        ui_add(h, "<p class=\"other\">");
        if (links[i].text) ui_add(h, "%s ", links[i].text);
        ui_add(h, "<a href=\"%s\">%s</a></p>\n", url, links[i].label ? links[i].label : url);
    }
}

/* A page that stands where no style sheet of ours is served brings it along. */
static const char *style_of(const ui_html_t *h, const kr_page_t *page)
{
    const kr_pages_t *pages = page->words->pages;
    char *text;

    if (!page->alone) return apr_pstrcat(h->pool, page->home, "/style.css?v=", pages->css_version, NULL);
    text = apr_palloc(h->pool, (apr_size_t)apr_base64_encode_len((int)pages->css_len));
    apr_base64_encode(text, pages->css, (int)pages->css_len);
    return apr_pstrcat(h->pool, "data:text/css;charset=utf-8;base64,", text, NULL);
}

const char *ui_page_end(ui_html_t *h, const kr_page_t *page)
{
    const kr_pages_t *pages = page->words->pages;
    ui_html_t *whole = ui_html_make(h->pool, h->words);

    put_links(h, page->links);
    ui_add(h, "</div>");
    for (int i = 0; i < pages->layout->nelts; i++) {
        const ui_piece_t *piece = &APR_ARRAY_IDX(pages->layout, i, ui_piece_t);

        switch (piece->kind) {
        case UI_MARKUP: ui_add_markup(whole, piece->text, piece->len); break;
        case UI_CONTENT: ui_add_markup(whole, h->text, h->len); break;
        case UI_LANG: ui_add(whole, "%s", h->words->lang); break;
        case UI_TITLE: ui_add(whole, "%s", h->title); break;
        case UI_STYLE: ui_add(whole, "%s", style_of(h, page)); break;
        case UI_SITE: ui_add(whole, "%s", h->site); break;
        }
    }
    return whole->text;
}

const char *kr_ui_note_page(apr_pool_t *pool, const kr_page_t *page, const char *text, const char *url,
                            const char *label)
{
    ui_html_t *h = ui_page_begin(pool, page, page->title, 0);

    ui_add(h, "<p>%s</p>\n", text);
    url = ui_safe_url(pool, url);
    if (url) ui_link_put(h, url, label ? label : url, "button primary");
    return ui_page_end(h, page);
}

const char *kr_ui_page_around(apr_pool_t *pool, const kr_page_t *page, const char *verdict, const char *markup)
{
    ui_html_t *h = ui_page_begin(pool, page, page->title, 0);

    if (verdict) h->title = apr_pstrcat(pool, verdict, ": ", page->title, NULL);
    ui_add_markup(h, markup, strlen(markup));
    return ui_page_end(h, page);
}
