/* SPDX-License-Identifier: Apache-2.0 */
/* What a gate says to people: pages that stand alone, wherever something is guarded. */
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_session.h"
#include "kr_text.h"
#include "ui.h"

static kr_page_t page_alone(kr_ctx_t *k, const char *title)
{
    kr_page_t page = { .alone = 1, .home = "", .site = ui_site_of(k) };

    ui_choose_words(k, &page, NULL);
    page.title = ui_word(page.words, title);
    return page;
}

void kr_ui_no_second(kr_ctx_t *k, const char *settings_url)
{
    const kr_page_t page = page_alone(k, "title.second");

    ui_note(k, &page, 403, settings_url ? "second.none" : "second.nowhere", settings_url, "second.setup");
}

/* -- a form that was kept --------------------------------------------------- */

static void put_names(ui_html_t *h, const kr_kept_view_t *view)
{
    if (!view->names->nelts) return;
    ui_add(h, "<p>%s</p>\n<ul>\n", ui_word(h->words, "kept.fields"));
    for (int i = 0; i < view->names->nelts; i++) ui_add(h, "<li><code>%s</code></li>\n", APR_ARRAY_IDX(view->names, i, const char *));
    if (view->more)
        ui_add(h, "<li>%s</li>\n", ui_say(h->pool, h->words, "kept.more", kr_json_pack(h->pool, "{s:i}", "count", view->more)));
    ui_add(h, "</ul>\n");
}

/* Who was led into somebody else's account would send the form there. */
static void put_who(ui_html_t *h, kr_ctx_t *k, kr_page_t *page)
{
    const char *who;

    page->schema = kr_realm_schema(k->realm, k->session->identity->schema_id);
    who = ui_who(k->pool, page, kr_session_json(k, k->session));
    if (who) ui_add(h, "<p>%s <strong>%s</strong></p>\n", ui_word(h->words, "session.who"), who);
}

void kr_ui_kept(kr_ctx_t *k, const kr_kept_view_t *view)
{
    kr_page_t page = page_alone(k, "title.kept");
    const char *leave = ui_safe_url(k->pool, view->leave);
    ui_html_t *h = ui_page_begin(k->pool, &page, page.title, 0);

    ui_add(h, "<p class=\"lead\">%s</p>\n<p><code>%s</code></p>\n", ui_word(h->words, "kept"), view->place);
    put_names(h, view);
    if (k->session) put_who(h, k, &page);
    ui_add(h, "<form method=\"post\" action=\"%s\">\n<input type=\"hidden\" name=\"" KR_KEPT_TOKEN "\" value=\"%s\">\n", view->action,
           view->token);
    ui_add(h, "<p class=\"go\"><button class=\"button primary\" type=\"submit\">%s</button></p>\n</form>\n",
           ui_word(h->words, "kept.send"));
    if (leave) ui_link_put(h, leave, ui_word(h->words, "kept.leave"), "button");
    ui_reply(k, &page, 200, ui_page_end(h, &page));
}

void kr_ui_kept_gone(kr_ctx_t *k, const char *url)
{
    const kr_page_t page = page_alone(k, "title.kept.gone");

    ui_note(k, &page, 410, "kept.gone", url, "kept.go");
}
