/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around every page, and the simplest page of all. */
#include "kr_text.h"
#include "ui.h"

/*
 * No form-action: Chromium applies it to the redirect after a post as well, and after a login that leads to whatever
 * allowed return URL the visitor came from, often on another host. The actions themselves are ours and escaped.
 */
const char kr_ui_csp[] =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

ui_html_t *ui_page_begin(apr_pool_t *pool, const kr_page_t *page, const char *heading, int failed)
{
    ui_html_t *h = ui_html_make(pool);

    ui_add(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n");
    ui_add(h, "<title>%s%s</title>\n", failed ? "Error: " : "", heading);
    /* an empty icon keeps browsers from asking for /favicon.ico, which is not ours */
    ui_add(h, "<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"%s/style.css?v=%s\">\n", page->home,
           kr_ui_css_version(pool));
    ui_add(h, "</head>\n<body>\n<main>\n<h1>%s</h1>\n", heading);
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

const char *ui_page_end(ui_html_t *h, const kr_page_t *page)
{
    put_links(h, page->links);
    ui_add(h, "</main>\n</body>\n</html>\n");
    return h->text;
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
