/* SPDX-License-Identifier: Apache-2.0 */
/* From a kind of message and its data to a letter: subject, text, HTML. */
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"
#include "courier.h"

#define TEXT_WIDTH 72

/** One letter while it is written. */
typedef struct {
    apr_pool_t *pool;
    const kr_letter_kind_t *template;
    const kr_words_t *words;
    const kr_phrases_t *phrases;
    const char *site;  /* host of serve.public.base_url */
    const char *code;  /* or NULL */
    const char *url;   /* or NULL */
    const char *valid; /* for how long; or NULL */
    const apr_array_header_t *facts; /* of const char*; empty: none */
} writing_t;

/* -- the language ----------------------------------------------------------- */

int kr_language_of(const char *text)
{
    static const char *const TAGS[] = { [KR_ENGLISH] = "en", [KR_GERMAN] = "de" };

    for (int i = 0; text && i < KR_LANGUAGES; i++) {
        if (strncasecmp(text, TAGS[i], 2) == 0 && !strchr("abcdefghijklmnopqrstuvwxyz", text[2] | 0x20)) return i;
    }
    return -1;
}

/* The person's own choice, or else what their browser asked for when the message was queued. */
kr_language_e kr_language(const json_t *data)
{
    static const char *const PLACES[] = {
        "identity.traits.locale",
        "identity.traits.language",
        "identity.traits.lang",
        "traits.locale",
        "traits.language",
        "traits.lang",
        "language",
    };

    for (int i = 0; i < KR_DIM(PLACES); i++) {
        int found = kr_language_of(kr_json_str(data, PLACES[i]));

        if (found >= 0) return (kr_language_e)found;
    }
    return KR_ENGLISH;
}

/* -- the parts ---------------------------------------------------------------- */

/* Data goes into the text as it is, but it makes no lines of its own. */
static const char *one_line(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text);

    for (char *p = out; p && *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
    return out;
}

static const char *valid_for(apr_pool_t *pool, const kr_phrases_t *phrases, json_int_t minutes)
{
    int n = minutes > 1000000 ? 1000000 : (int)minutes;

    if (n <= 0) return NULL;
    if (n == 1) return phrases->minute;
    if (n < 120) return apr_psprintf(pool, phrases->minutes, n);
    if (n < 48 * 60) return apr_psprintf(pool, phrases->hours, n / 60);
    return apr_psprintf(pool, phrases->days, n / (24 * 60));
}

static const char *all_facts(const writing_t *w)
{
    const char *out = "";

    for (int i = 0; i < w->facts->nelts; i++)
        out = apr_pstrcat(w->pool, out, i ? "; " : "", APR_ARRAY_IDX(w->facts, i, const char *), NULL);
    return out;
}

static const char *place(const writing_t *w, const char *name)
{
    if (strncmp(name, "{code}", 6) == 0) return w->code ? w->code : "";
    return strncmp(name, "{facts}", 7) == 0 ? all_facts(w) : w->site;
}

/* {site}, {code} and {facts} */
static const char *fill(const writing_t *w, const char *text)
{
    const char *out = "";

    for (const char *p = text; *p;) {
        apr_size_t n = strcspn(p, "{");

        out = apr_pstrcat(w->pool, out, apr_pstrmemdup(w->pool, p, n), NULL);
        p += n;
        if (!*p) break;
        out = apr_pstrcat(w->pool, out, place(w, p), NULL);
        p += strcspn(p, "}") + 1; /* our own table: every brace is closed */
    }
    return out;
}

/* A paragraph in lines of a width that every reader shows. */
static const char *wrap(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text);
    apr_size_t column = 0, blank = 0;

    for (apr_size_t i = 0; out[i]; i++) {
        if (out[i] == ' ') blank = i;
        if ((out[i] & 0xc0) != 0x80) column++;
        if (column <= TEXT_WIDTH || !blank) continue;
        out[blank] = '\n';
        column = i - blank;
        blank = 0;
    }
    return out;
}

/* -- the letter --------------------------------------------------------------- */

/* Code and link each stand alone on a line: programs and tired people find them. */
static const char *mail_text(const writing_t *w)
{
    const char *out = apr_pstrcat(w->pool, wrap(w->pool, fill(w, w->words->intro)), "\n\n", NULL);

    for (int i = 0; i < w->facts->nelts; i++)
        out = apr_pstrcat(w->pool, out, APR_ARRAY_IDX(w->facts, i, const char *), i + 1 < w->facts->nelts ? "\n" : "\n\n", NULL);
    if (w->code) out = apr_pstrcat(w->pool, out, w->code, "\n\n", NULL);
    if (w->url) out = apr_pstrcat(w->pool, out, w->words->link, "\n\n", w->url, "\n\n", NULL);
    if (w->valid) out = apr_pstrcat(w->pool, out, w->valid, "\n\n", NULL);
    return apr_pstrcat(w->pool, out, wrap(w->pool, fill(w, w->words->outro)), "\n", NULL);
}

static const char *paragraph(const writing_t *w, const char *text)
{
    return text ? apr_pstrcat(w->pool, "<p>", kr_html_escape(w->pool, text), "</p>\n", NULL) : "";
}

static const char *list_html(const writing_t *w)
{
    const char *out = "";

    for (int i = 0; i < w->facts->nelts; i++)
        out = apr_pstrcat(w->pool, out, "<li>", kr_html_escape(w->pool, APR_ARRAY_IDX(w->facts, i, const char *)), "</li>\n", NULL);
    return *out ? apr_pstrcat(w->pool, "<ul>\n", out, "</ul>\n", NULL) : "";
}

static const char *mail_html(const writing_t *w, const char *subject)
{
    const char *code = "", *link = "";

    if (w->code) {
        code = apr_pstrcat(w->pool, "<p style=\"font-size:1.8em;font-weight:bold;letter-spacing:0.1em\">",
                           kr_html_escape(w->pool, w->code), "</p>\n", NULL);
    }
    if (w->url) {
        const char *url = kr_html_escape(w->pool, w->url);

        link = apr_pstrcat(w->pool, paragraph(w, w->words->link), "<p style=\"word-break:break-all\"><a href=\"", url,
                           "\">", url, "</a></p>\n", NULL);
    }
    return apr_pstrcat(w->pool, "<!DOCTYPE html>\n<html lang=\"", w->phrases->tag,
                       "\">\n<head>\n<meta charset=\"utf-8\">\n<title>", kr_html_escape(w->pool, subject),
                       "</title>\n</head>\n<body style=\"font-family:sans-serif;line-height:1.5\">\n",
                       paragraph(w, fill(w, w->words->intro)), list_html(w), code, link, paragraph(w, w->valid),
                       paragraph(w, fill(w, w->words->outro)), "</body>\n</html>\n", NULL);
}

/* The last line lets phones offer the code to the site it belongs to, and to no other (WICG, origin-bound one-time
 * codes). */
static const char *sms_text(const writing_t *w)
{
    const char *text = fill(w, w->words->sms ? w->words->sms : w->words->intro);

    return w->code ? apr_pstrcat(w->pool, text, "\n\n@", w->site, " #", w->code, NULL) : text;
}

static const apr_array_header_t *facts_of(const writing_t *w, kr_language_e which, const json_t *data)
{
    apr_array_header_t *facts;

    if (!w->template->facts) return apr_array_make(w->pool, 1, sizeof(const char *));
    facts = w->template->facts(w->pool, which, data);
    for (int i = 0; i < facts->nelts; i++)
        APR_ARRAY_IDX(facts, i, const char *) = one_line(w->pool, APR_ARRAY_IDX(facts, i, const char *));
    return facts;
}

static const char *member(const writing_t *w, const json_t *data, const char *name)
{
    const char *text = name ? kr_json_str(data, name) : NULL;

    return text && *text ? one_line(w->pool, text) : NULL;
}

kr_err_t *kr_courier_render(kr_letter_t *out, kr_ctx_t *k, const kr_mail_t *mail)
{
    const kr_letter_kind_t *template = kr_letter_kind(mail->template_type);
    const kr_language_e which = kr_language(mail->data);
    writing_t w = { .pool = k->pool, .template = template, .phrases = &kr_phrases[which] };

    memset(out, 0, sizeof(*out));
    if (!template) return kr_err(k, 500, NULL, "there is no template \"%.64s\"", mail->template_type);
    w.words = &template->words[which];
    w.site = kr_url_host_name(k->pool, k->realm->settings->base_url);
    w.code = member(&w, mail->data, template->code);
    w.url = member(&w, mail->data, template->url);
    w.valid = valid_for(k->pool, w.phrases, json_integer_value(json_object_get(mail->data, "expires_in_minutes")));
    w.facts = facts_of(&w, which, mail->data);
    if (template->code && !w.code) return kr_err(k, 500, NULL, "the data has no %s", template->code);
    if (template->url && !template->code && !w.url) return kr_err(k, 500, NULL, "the data has no %s", template->url);

    out->subject = fill(&w, w.words->subject);
    if (strcmp(mail->via, "sms") == 0) {
        out->text = sms_text(&w);
    } else {
        out->text = mail_text(&w);
        out->html = mail_html(&w, out->subject);
    }
    kr_letter_override(out, k, mail);
    return NULL;
}
