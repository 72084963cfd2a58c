/* SPDX-License-Identifier: Apache-2.0 */
/* HTML that escapes by itself, and which URLs may stand in it. */
#include <stdarg.h>
#include <stdlib.h>

#include "kr_text.h"
#include "ui.h"

ui_html_t *ui_html_make(apr_pool_t *pool, const kr_words_t *words)
{
    ui_html_t *h = apr_pcalloc(pool, sizeof(*h));

    h->pool = pool;
    h->words = words;
    h->size = 4096;
    h->text = apr_palloc(pool, h->size);
    h->text[0] = '\0';
    return h;
}

void ui_add_markup(ui_html_t *h, const char *s, apr_size_t len)
{
    if (h->size - h->len <= len) {
        char *bigger;

        h->size = 2 * h->size + len;
        bigger = apr_palloc(h->pool, h->size);
        memcpy(bigger, h->text, h->len);
        h->text = bigger;
    }
    memcpy(h->text + h->len, s, len);
    h->len += len;
    h->text[h->len] = '\0';
}

static void append_escaped(ui_html_t *h, const char *s)
{
    if (!s) return;
    s = kr_html_escape(h->pool, s);
    ui_add_markup(h, s, strlen(s));
}

void ui_add(ui_html_t *h, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    while (*fmt) {
        apr_size_t plain = strcspn(fmt, "%");

        ui_add_markup(h, fmt, plain);
        fmt += plain;
        if (!*fmt) break;
        switch (*++fmt) {
        case 's': append_escaped(h, va_arg(args, const char *)); break;
        case 'd': append_escaped(h, apr_itoa(h->pool, va_arg(args, int))); break;
        case '%': ui_add_markup(h, "%", 1); break;
        default: abort(); /* a format of our own that nobody ever ran */
        }
        fmt++;
    }
    va_end(args);
}

const char *ui_safe_url(apr_pool_t *pool, const char *url)
{
    kr_url_t parts;

    if (!url || !kr_url_parse(&parts, pool, url)) return NULL;
    if (!parts.scheme) return url;
    if (!parts.host || !*parts.host) return NULL;
    return strcmp(parts.scheme, "https") == 0 || strcmp(parts.scheme, "http") == 0 ? url : NULL;
}

const char *ui_safe_image(apr_pool_t *pool, const char *url)
{
    if (url && strncmp(url, "data:image/", 11) == 0) return url;
    return ui_safe_url(pool, url);
}
