/* SPDX-License-Identifier: Apache-2.0 */
/* What people take along from a page: the key that an authenticator app is given, and backup codes, on paper or as a file. */
#include <apr_lib.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

#define GROUP 4 /* letters of a key that stand together: people type them one group after the other */

/* -- the key of an app ------------------------------------------------------ */

/* The gaps are drawn and no part of the text: who copies it copies the key. */
static void put_key(ui_html_t *h, const char *secret)
{
    ui_add(h, "<p><code class=\"key\">");
    for (apr_size_t len = strlen(secret), at = 0; at < len; at += GROUP)
        ui_add(h, "<span>%s</span>", apr_pstrndup(h->pool, secret + at, GROUP));
    ui_add(h, "</code></p>\n");
}

/* -- backup codes ----------------------------------------------------------- */

/** Codes that are hidden by now, and how many of them were not used. */
typedef struct {
    int shown, left, count;
} codes_t;

/* What stands for a hidden code has no letter of one. */
static int is_readable(const char *code)
{
    for (; code && *code; code++)
        if (apr_isalnum(*code)) return 1;
    return 0;
}

static codes_t count_codes(const json_t *secrets)
{
    codes_t out = { .count = (int)json_array_size(secrets) };
    size_t i;
    json_t *secret;

    json_array_foreach(secrets, i, secret) {
        out.shown += is_readable(kr_json_str(secret, "context.secret")) || (!json_object_get(secret, "context") && kr_json_str(secret, "text"));
        out.left += !kr_json_str(secret, "context.used_at");
    }
    return out;
}

static const char *file_of(ui_html_t *h, const char *heading, const json_t *secrets)
{
    const char *text = apr_pstrcat(h->pool, heading, "\r\n\r\n", NULL);
    size_t i;
    json_t *secret;

    json_array_foreach(secrets, i, secret) {
        text = apr_pstrcat(h->pool, text, ui_message(h->pool, h->words, secret), "\r\n", NULL);
    }
    return apr_pstrcat(h->pool, "data:text/plain;charset=utf-8,", kr_url_escape(h->pool, text), NULL);
}

static void put_list(ui_html_t *h, const json_t *secrets)
{
    size_t i;
    json_t *secret;

    ui_add(h, "<ul class=\"codes\">\n");
    json_array_foreach(secrets, i, secret) {
        ui_add(h, "<li><code>%s</code></li>\n", ui_message(h->pool, h->words, secret));
    }
    ui_add(h, "</ul>\n");
}

/* A paper that is found years later should say what it is good for; the file is in the link itself, so no script makes it. */
static void put_codes(ui_html_t *h, const json_t *secrets)
{
    const json_t *whose = kr_json_pack(h->pool, "{s:s, s:s}", "who", ui_or_else(h->who, ""), "site", ui_or_else(h->site, ""));
    const char *heading = ui_say(h->pool, h->words, h->who && *h->who ? "codes.of" : "codes.at", whose);

    ui_add(h, "<p class=\"paper\">%s</p>\n", heading);
    put_list(h, secrets);
    ui_add(h, "<p class=\"hint\">%s</p>\n", ui_word(h->words, "codes.keep"));
    ui_add(h, "<p class=\"go\"><a class=\"button\" download=\"%s\" href=\"%s\">%s</a></p>\n", ui_word(h->words, "codes.file"),
           file_of(h, heading, secrets), ui_word(h->words, "codes.save"));
}

static void put_secrets(ui_html_t *h, const json_t *secrets)
{
    const codes_t codes = count_codes(secrets);
    const json_t *numbers = kr_json_pack(h->pool, "{s:i, s:i}", "left", codes.left, "count", codes.count);

    if (codes.shown) put_codes(h, secrets);
    else ui_add(h, "<p>%s</p>\n", ui_say(h->pool, h->words, "codes.hidden", numbers));
}

/* -- any text --------------------------------------------------------------- */

void ui_text_put(ui_html_t *h, const ui_node_t *n)
{
    const json_t *secrets = kr_json_at(n->attributes, "text.context.secrets");
    const char *secret = kr_json_str(n->attributes, "text.context.secret");

    /* a page that shows codes is about them: it opens where they are */
    ui_add(h, json_array_size(secrets) > 0 ? "<div class=\"field\" tabindex=\"-1\" autofocus>\n" : "<div class=\"field\">\n");
    if (*n->label) ui_add(h, "<p class=\"label\">%s</p>\n", n->label);
    if (json_array_size(secrets) > 0) put_secrets(h, secrets);
    else if (secret) put_key(h, secret);
    else ui_add(h, "<p><code>%s</code></p>\n", ui_message(h->pool, h->words, json_object_get(n->attributes, "text")));
    ui_add(h, "</div>\n");
}
