/* SPDX-License-Identifier: Apache-2.0 */
/* Into the outbox: nothing is rendered here; the request has better things to do. */
#include <string.h>

#include "kr_http.h"
#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"
#include "courier.h"

#define DATA_MAX ((apr_size_t)40 * 1024)

/* Addresses were checked when they became somebody's; whoever asks for a message to a strange one is checked here. */
static int can_be_written_to(const kr_mail_t *mail)
{
    if (!mail->to || strlen(mail->to) > 320) return 0;
    return kr_ascii(mail->to) && kr_format_valid(strcmp(mail->via, "sms") == 0 ? "tel" : "email", mail->to);
}

/* The first of our languages in the browser's list; browsers send it in order. */
static const char *asked_language(const kr_request_t *req)
{
    const char *list = req ? kr_header(req, "Accept-Language") : NULL;

    while (list && *list) {
        int found = kr_language_of(list);

        if (found >= 0) return kr_phrases[found].tag;
        list += strcspn(list, ",");
        list += strspn(list, ", \t");
    }
    return NULL;
}

/* Large traits are not worth storing with each message. */
static void slim(json_t *data)
{
    static const char *const LARGE[] = { "identity", "traits", "transient_payload", KR_DATA_HEADERS };

    json_object_set_new(data, KR_DATA_LANGUAGE, json_string(kr_phrases[kr_language(data)].tag));
    for (int i = 0; i < KR_DIM(LARGE); i++) json_object_del(data, LARGE[i]);
}

/* What is stored of it. */
static json_t *data_of(kr_ctx_t *k, const kr_mail_t *mail)
{
    const char *language = asked_language(k->req);
    json_t *data = kr_json_own(k->pool, mail->data ? json_copy(mail->data) : json_object());
    apr_size_t len;
    char *text;

    if (language && !json_object_get(data, KR_DATA_LANGUAGE)) {
        json_object_set_new(data, KR_DATA_LANGUAGE, json_string(language));
    }
    json_object_set_new(data, KR_DATA_HEADERS,
                        k->req ? kr_headers_json(k->pool, k->req, k->realm->settings->told_headers) : json_object());
    text = (char *)kr_json_dump(k->pool, data, &len);
    kr_wipe(text, len);
    if (len > DATA_MAX) slim(data);
    return data;
}

static kr_outbox_item_t item_of(kr_ctx_t *k, const kr_mail_t *mail)
{
    return (kr_outbox_item_t){ .via = mail->via, .to = mail->to, .type = mail->template_type, .data = data_of(k, mail) };
}

static void note_waiting(kr_ctx_t *k, const kr_mail_t *mail)
{
    if (!kr_mail_carried(&k->realm->settings->mail, mail->via))
        kr_log(k, KR_LOG_INFO, KRLOGNO(0501) "a message waits: nothing carries %s; see courier.smtp, courier.http and courier.channels",
               mail->via);
}

kr_err_t *kr_courier_queue(kr_ctx_t *k, const kr_mail_t *mail)
{
    kr_outbox_item_t item;

    if (!can_be_written_to(mail)) return kr_err(k, 400, NULL, "a message cannot be sent to this address");
    item = item_of(k, mail);
    KR_TRY(kr_outbox_put(k, &item));
    note_waiting(k, mail);
    return NULL;
}

kr_err_t *kr_courier_queue_nothing(kr_ctx_t *k, const kr_mail_t *mail)
{
    kr_outbox_item_t item;

    if (!can_be_written_to(mail)) return NULL;
    item = item_of(k, mail);
    KR_TRY(kr_outbox_put_nothing(k, &item));
    note_waiting(k, mail);
    return NULL;
}
