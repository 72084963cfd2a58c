/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of somebody who is signed in: who this is, and where else. From what whoami and the list of sessions show. */
#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** How deep a trait may stand to be taken for a name. */
#define TRAIT_DEPTH 4

/* -- who ------------------------------------------------------------------ */

/** The first text in a value: of a list its first element. */
static const char *first_string(const json_t *value, int depth)
{
    const char *key, *found = NULL;
    json_t *child;
    size_t i;

    if (json_is_string(value)) return *json_string_value(value) ? json_string_value(value) : NULL;
    if (depth == 0) return NULL;
    json_object_foreach((json_t *)value, key, child) {
        if ((found = first_string(child, depth - 1)) != NULL) return found;
    }
    json_array_foreach(value, i, child) {
        if ((found = first_string(child, depth - 1)) != NULL) return found;
    }
    return NULL;
}

/** What one signs in with, as it was typed: numbers may be that, too. */
static const char *first_identifier(apr_pool_t *pool, const kr_schema_t *schema, const json_t *holder)
{
    for (int i = 0; schema && i < schema->leaves->nelts; i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);
        const json_t *value = kr_leaf_identifies(leaf) ? kr_json_at(kr_json_at(holder, "identity"), leaf->path) : NULL;

        if (json_is_array(value)) value = json_array_get(value, 0);
        if (json_is_number(value)) return kr_json_dump(pool, value, NULL);
        if (json_is_string(value) && *json_string_value(value)) return json_string_value(value);
    }
    return NULL;
}

const char *ui_who(apr_pool_t *pool, const kr_page_t *page, const json_t *holder)
{
    static const char *const names[] = { "email", "username" };
    const json_t *traits = kr_json_at(holder, "identity.traits");
    const char *name = first_identifier(pool, page->schema, holder);
    int i;

    for (i = 0; !name && i < KR_DIM(names); i++) name = first_string(json_object_get(traits, names[i]), 1);
    if (!name) name = first_string(traits, TRAIT_DEPTH);
    return name;
}

/* -- parts ---------------------------------------------------------------- */

static void put_time(ui_html_t *h, const char *key, const char *when)
{
    if (!when || !*when) return;
    ui_add(h, "<div>\n<dt>%s</dt>\n<dd><time datetime=\"%s\">%s</time></dd>\n</div>\n", ui_word(h->words, key), when,
           ui_time(h->pool, h->words, when));
}

static const char *method_words(ui_html_t *h, const json_t *method)
{
    const char *name = kr_json_str(method, "method"), *provider = kr_json_str(method, "provider");
    const char *own = ui_word_of(h->pool, h->words, "method.", name);

    return provider && *provider ? provider : own ? own : name;
}

static void put_methods(ui_html_t *h, const json_t *session)
{
    const json_t *methods = json_object_get(session, "authentication_methods");
    size_t i;
    json_t *method;

    if (json_array_size(methods) == 0) return;
    ui_add(h, "<div>\n<dt>%s</dt>\n<dd>", ui_word(h->words, "session.methods"));
    json_array_foreach(methods, i, method) ui_add(h, i ? ", %s" : "%s", method_words(h, method));
    ui_add(h, "</dd>\n</div>\n");
}

/** The device of the sign-in; after a step-up a second one is listed, and the last is the one at hand. */
static const json_t *device_of(const json_t *session)
{
    const json_t *devices = json_object_get(session, "devices");

    return json_array_get(devices, json_array_size(devices) - 1);
}

static const char *device_words(ui_html_t *h, const json_t *session)
{
    return ui_device(h->pool, h->words, kr_json_str(device_of(session), "user_agent"));
}

static void put_device(ui_html_t *h, const json_t *session)
{
    const json_t *device = device_of(session);
    const char *ip = kr_json_str(device, "ip_address"), *place = kr_json_str(device, "location");

    if (!device) return;
    ui_add(h, "<div>\n<dt>%s</dt>\n<dd>%s", ui_word(h->words, "session.device"), device_words(h, session));
    if (ip && *ip) ui_add(h, "<br>\n<span class=\"quiet\">%s</span>", ui_address(h->pool, ip));
    if (place && *place) ui_add(h, "<br>\n<span class=\"quiet\">%s</span>", place);
    ui_add(h, "</dd>\n</div>\n");
}

/* -- this session --------------------------------------------------------- */

static const char *since_of(const json_t *session)
{
    const char *since = kr_json_str(session, "authenticated_at");

    return since ? since : kr_json_str(session, "issued_at");
}

const char *kr_ui_session_page(apr_pool_t *pool, const kr_page_t *page, const json_t *session, const char *logout_url)
{
    ui_html_t *h = ui_page_begin(pool, page, page->title, 0);

    ui_add(h, "<div class=\"card\">\n<p class=\"lead\">%s <strong>%s</strong></p>\n<dl>\n", ui_word(h->words, "session.who"),
           ui_or_else(ui_who(pool, page, session), ui_word(h->words, "session.somebody")));
    put_time(h, "session.since", since_of(session));
    put_time(h, "session.until", kr_json_str(session, "expires_at"));
    put_methods(h, session);
    put_device(h, session);
    ui_add(h, "</dl>\n");
    logout_url = ui_safe_url(pool, logout_url);
    if (logout_url) ui_link_put(h, logout_url, ui_word(h->words, "signout"), "button");
    ui_add(h, "</div>\n");
    return ui_page_end(h, page);
}

/* -- all of them ---------------------------------------------------------- */

static void put_session(ui_html_t *h, const json_t *session, const char *badge)
{
    const json_t *device = device_of(session);
    const char *ip = kr_json_str(device, "ip_address"), *place = kr_json_str(device, "location"), *since = since_of(session);
    const char *seen = kr_json_str(session, "seen_at");

    ui_add(h, "<div class=\"what\">\n<p><strong>%s</strong>", device_words(h, session));
    if (badge) ui_add(h, " <span class=\"badge\">%s</span>", badge);
    ui_add(h, "</p>\n<p class=\"quiet\">");
    if (since) ui_add(h, "%s <time datetime=\"%s\">%s</time>", ui_word(h->words, "sessions.since"), since, ui_time(h->pool, h->words, since));
    if (seen) ui_add(h, "<br>\n%s <time datetime=\"%s\">%s</time>", ui_word(h->words, "sessions.seen"), seen, ui_time(h->pool, h->words, seen));
    if ((place && *place) || (ip && *ip)) ui_add(h, "<br>\n");
    if (place && *place) ui_add(h, "%s", place);
    if (place && *place && ip && *ip) ui_add(h, ", ");
    if (ip && *ip) ui_add(h, "%s", ui_address(h->pool, ip));
    ui_add(h, "</p>\n</div>\n");
}

static void open_form(ui_html_t *h, const kr_page_t *page, const kr_sessions_view_t *view)
{
    ui_add(h, "<form method=\"post\" action=\"%s/sessions\">\n<input type=\"hidden\" name=\"csrf_token\" value=\"%s\">\n", page->home,
           view->token);
}

/** Buttons that look alike differ in what is read aloud. */
static void put_end_button(ui_html_t *h, const kr_page_t *page, const kr_sessions_view_t *view, const json_t *session)
{
    open_form(h, page, view);
    ui_add(h, "<button class=\"button\" type=\"submit\" name=\"end\" value=\"%s\">%s<span class=\"aside\">: %s</span></button>\n</form>\n",
           kr_json_str(session, "id"), ui_word(h->words, "sessions.end"), device_words(h, session));
}

static void put_pager(ui_html_t *h, const kr_page_t *page, const kr_sessions_view_t *view)
{
    if (view->pages < 2) return;
    ui_add(h, "<nav class=\"pager\" aria-label=\"%s\">\n", ui_word(h->words, "sessions.pages"));
    if (view->page > 1) ui_add(h, "<a href=\"%s/sessions?page=%d\">%s</a>\n", page->home, view->page - 1, ui_word(h->words, "sessions.newer"));
    ui_add(h, "<span class=\"quiet\">%d / %d</span>\n", view->page, view->pages);
    if (view->page < view->pages)
        ui_add(h, "<a href=\"%s/sessions?page=%d\">%s</a>\n", page->home, view->page + 1, ui_word(h->words, "sessions.older"));
    ui_add(h, "</nav>\n");
}

static void put_others(ui_html_t *h, const kr_page_t *page, const kr_sessions_view_t *view)
{
    size_t i;
    json_t *session;

    ui_add(h, "<ul class=\"list\">\n");
    json_array_foreach(view->others, i, session) {
        ui_add(h, "<li>\n");
        put_session(h, session, NULL);
        put_end_button(h, page, view, session);
        ui_add(h, "</li>\n");
    }
    ui_add(h, "</ul>\n");
    put_pager(h, page, view);
    open_form(h, page, view);
    ui_add(h, "<button class=\"button danger\" type=\"submit\" name=\"end\" value=\"others\">%s</button>\n</form>\n",
           ui_word(h->words, "sessions.end.others"));
}

static void open_section(ui_html_t *h, const char *id, const char *title, const char *about)
{
    ui_add(h, "<section aria-labelledby=\"%s\">\n<div class=\"about\">\n<h2 id=\"%s\">%s</h2>\n", id, id, ui_word(h->words, title));
    ui_add(h, "<p class=\"quiet\">%s</p>\n</div>\n<div class=\"card\">\n", ui_word(h->words, about));
}

const char *kr_ui_sessions_page(apr_pool_t *pool, const kr_page_t *page, const kr_sessions_view_t *view)
{
    ui_html_t *h = ui_page_begin(pool, page, page->title, 0);

    if (view->done) ui_add(h, "<div class=\"message success\" role=\"status\">\n<p>%s</p>\n</div>\n", view->done);
    open_section(h, "this", "sessions.this", "sessions.this.about");
    put_session(h, view->current, ui_word(h->words, "sessions.badge"));
    ui_add(h, "</div>\n</section>\n");
    open_section(h, "others", "sessions.others", "sessions.others.about");
    if (view->total > 0) put_others(h, page, view);
    else ui_add(h, "<p>%s</p>\n", ui_word(h->words, "sessions.none"));
    ui_add(h, "</div>\n</section>\n");
    return ui_page_end(h, page);
}
