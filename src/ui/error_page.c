/* SPDX-License-Identifier: Apache-2.0 */
/* The page of an error, in words for people who cannot do anything about it but go on. */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** What happened, by status; one that has no words of its own takes those of its hundred. */
static const char *status_words(apr_pool_t *pool, const kr_words_t *words, int status)
{
    const char *own = ui_word_of(pool, words, "status.", apr_itoa(pool, status));

    return own ? own : ui_word(words, status >= 500 ? "status.500" : "status.400");
}

/** The site's own words for this error, else the reason that came with it, else what HTTP calls it. */
static const char *reason_words(apr_pool_t *pool, const kr_words_t *words, const json_t *error)
{
    const char *reason = kr_json_str(error, "reason");
    const char *own = ui_word_of(pool, words, "error:", kr_json_str(error, "id"));

    if (own) return own;
    if (!reason || !*reason) reason = kr_json_str(error, "message");
    return reason && *reason ? ui_reason(pool, words, reason) : NULL;
}

/** Somebody whom a gate and the login sent to and fro: what was found there says why. @return NULL when it is no such error */
static const char *bounce_words(apr_pool_t *pool, const kr_words_t *words, const json_t *error)
{
    return ui_word_of(pool, words, "bounce.", kr_json_str(error, "details.gate"));
}

static const char *bounce_host(apr_pool_t *pool, const json_t *error)
{
    const char *to = kr_json_str(error, "details.return_to");
    kr_url_t url;

    return to && kr_url_parse(&url, pool, to) && url.host ? url.host : "";
}

static void put_bounce(ui_html_t *h, const json_t *error, const char *why)
{
    const json_t *host = kr_json_pack(h->pool, "{s:s}", "host", bounce_host(h->pool, error));
    const char *lead = ui_word_of(h->pool, h->words, "bounce.lead.", kr_json_str(error, "details.gate"));

    ui_add(h, "<p class=\"lead\">%s</p>\n<p>%s</p>\n", lead ? lead : ui_say(h->pool, h->words, "bounce", host), why);
}

static void put_words(ui_html_t *h, const json_t *error, int status)
{
    const char *bounce = bounce_words(h->pool, h->words, error), *reason = reason_words(h->pool, h->words, error);

    if (!error) {
        ui_add(h, "<p class=\"lead\">%s</p>\n", ui_word(h->words, "error.unknown"));
    }
    else if (bounce) {
        put_bounce(h, error, bounce);
    }
    else {
        ui_add(h, "<p class=\"lead\">%s</p>\n", status_words(h->pool, h->words, status));
        if (reason) ui_add(h, "<p>%s</p>\n", reason);
    }
}

/** For those who will be asked about it. */
static void put_details(ui_html_t *h, int status, const char *id)
{
    if (!status && !id) return;
    ui_add(h, "<p class=\"quiet small\">%s", ui_word(h->words, "error.code"));
    if (status) ui_add(h, " %d", status);
    if (id && *id) ui_add(h, " <code>%s</code>", id);
    ui_add(h, "</p>\n");
}

static const char *retry_url(apr_pool_t *pool, const json_t *error)
{
    const char *url = ui_safe_url(pool, kr_json_str(error, "details.retry_url"));

    return url ? url : ui_safe_url(pool, kr_json_str(error, "details.return_to"));
}

const char *kr_ui_error_page(apr_pool_t *pool, const kr_page_t *page, const json_t *error)
{
    const char *home = ui_safe_url(pool, apr_pstrcat(pool, page->home, "/welcome", NULL)), *retry = retry_url(pool, error);
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    int status = code >= 400 && code <= 599 ? (int)code : 0;
    ui_html_t *h = ui_page_begin(pool, page, page->title ? page->title : ui_word(page->words, "title.error"), 1);

    put_words(h, error, status);
    if (retry) ui_link_put(h, retry, ui_word(h->words, "error.retry"), "button primary");
    ui_link_put(h, home ? home : "/", ui_word(h->words, "error.home"), retry ? "button" : "button primary");
    put_details(h, status, kr_json_str(error, "id"));
    return ui_page_end(h, page);
}
