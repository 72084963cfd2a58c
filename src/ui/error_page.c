/* SPDX-License-Identifier: Apache-2.0 */
/* The page of an error, in words for people who cannot do anything about it but go on. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** What happened, by status; a status that has no row takes the row of its hundred. */
static const struct {
    int status;
    const char *words;
} WORDS[] = {
    { 400, "Something about this request was not right." },
    { 401, "You need to sign in first." },
    { 403, "This is not allowed." },
    { 404, "There is nothing here, or it is gone." },
    { 405, "This cannot be done here." },
    { 409, "This was changed or taken in the meantime." },
    { 410, "This took too long and is no longer valid." },
    { 413, "This was too much to send at once." },
    { 422, "One more step is needed, and it has to happen in a browser." },
    { 429, "This was tried too often. Please wait a little." },
    { 500, "Something went wrong on our side. Please try again later." },
    { 501, "This is not offered here." },
    { 503, "We are very busy or being looked after. Please try again in a moment." },
};

static const char *status_words(int status)
{
    int i, hundred = status >= 500 ? 500 : 400;
    const char *words = NULL;

    for (i = 0; i < KR_DIM(WORDS); i++) {
        if (WORDS[i].status == status) return WORDS[i].words;
        if (WORDS[i].status == hundred) words = WORDS[i].words;
    }
    return words;
}

/** Reasons are written for logs, lower case and without a full stop; people read sentences. */
static const char *sentence(apr_pool_t *pool, const char *reason)
{
    apr_size_t len = strlen(reason);
    char *out;

    if (len == 0) return reason;
    out = apr_pstrcat(pool, reason, strchr(".!?", reason[len - 1]) ? "" : ".", NULL);
    if (out[0] >= 'a' && out[0] <= 'z') out[0] = (char)(out[0] - 'a' + 'A');
    return out;
}

/** For those who will be asked about it. */
static void put_details(ui_html_t *h, int status, const char *id)
{
    if (!status && !id) return;
    ui_add(h, "<p class=\"quiet small\">Error");
    if (status) ui_add(h, " %d", status);
    if (id && *id) ui_add(h, " <code>%s</code>", id);
    ui_add(h, "</p>\n");
}

const char *kr_ui_error_page(apr_pool_t *pool, const kr_page_t *page, const json_t *error)
{
    const char *reason = kr_json_str(error, "reason");
    const char *home = ui_safe_url(pool, apr_pstrcat(pool, page->home, "/welcome", NULL));
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    int status = code >= 400 && code <= 599 ? (int)code : 0;
    ui_html_t *h = ui_page_begin(pool, page, page->title ? page->title : "Something went wrong", 1);

    if (error) {
        ui_add(h, "<p class=\"lead\">%s</p>\n", status_words(status));
        if (!reason || !*reason) reason = kr_json_str(error, "message");
        if (reason && *reason) ui_add(h, "<p>%s</p>\n", sentence(pool, reason));
    }
    else {
        ui_add(h, "<p class=\"lead\">We know nothing more about this error. It may be too long ago.</p>\n");
    }
    ui_link_put(h, home ? home : "/", "Go to the start", "button primary");
    put_details(h, status, kr_json_str(error, "id"));
    return ui_page_end(h, page);
}
