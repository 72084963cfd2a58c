/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's templates, where there are any. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "courier.h"

static const kr_template_t *find(const apr_array_header_t *overrides, const char *type, const char *part)
{
    for (int i = 0; overrides && i < overrides->nelts; i++) {
        const kr_override_t *o = &APR_ARRAY_IDX(overrides, i, kr_override_t);

        if (strcmp(o->type, type) == 0 && strcmp(o->part, part) == 0) return o->template;
    }
    return NULL;
}

/* Files from other systems end their lines otherwise; mime.c writes line ends itself. */
static const char *without_cr(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text), *to = out;

    for (const char *p = out; *p; p++) {
        if (*p != '\r') *to++ = *p;
    }
    *to = '\0';
    return out;
}

/* @return NULL: there is none, or it failed, and what is built in stays */
static const char *made(kr_ctx_t *k, const kr_mail_t *mail, const json_t *data, const char *part)
{
    const kr_template_t *tmpl = find(k->realm->settings->mail.overrides, mail->template_type, part);
    const char *text, *why;

    if (!tmpl) return NULL;
    text = kr_template_render(k->pool, tmpl, data, &why);
    if (!text) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0506) "the template %s of %s failed, the built-in text is used: %s", part,
               mail->template_type, why);
    }
    return text ? without_cr(k->pool, text) : NULL;
}

/* A subject is one line, and begins and ends with something to see. */
static const char *subject_of(apr_pool_t *pool, const char *text)
{
    char *out = apr_pstrdup(pool, text);
    apr_size_t len;

    for (char *p = out; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
    out += strspn(out, " ");
    for (len = strlen(out); len && out[len - 1] == ' '; len--) out[len - 1] = '\0';
    return out;
}

/* What is ours in the data is not the templates' business. */
static const json_t *data_of(apr_pool_t *pool, const json_t *data)
{
    json_t *out = kr_json_own(pool, data ? json_copy((json_t *)data) : json_object());

    json_object_del(out, KR_DATA_HEADERS);
    json_object_del(out, KR_DATA_LANGUAGE);
    return out;
}

void kr_letter_override(kr_letter_t *letter, kr_ctx_t *k, const kr_mail_t *mail)
{
    const json_t *data;
    const char *subject, *text, *html;

    if (!k->realm->settings->mail.overrides || !k->realm->settings->mail.overrides->nelts) return;
    data = data_of(k->pool, mail->data);
    if (strcmp(mail->via, "sms") == 0) {
        text = made(k, mail, data, "sms.body.plaintext");
        if (text) letter->text = text;
        return;
    }
    subject = made(k, mail, data, "email.subject");
    text = made(k, mail, data, "email.body.plaintext");
    html = made(k, mail, data, "email.body.html");
    if (subject) letter->subject = subject_of(k->pool, subject);
    if (text) letter->text = text;
    if (html) letter->html = html;
}
