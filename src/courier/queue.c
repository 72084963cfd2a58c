/* SPDX-License-Identifier: Apache-2.0 */
/* Into the queue: one statement, the data sealed. Nothing is rendered here; the request has better things to do. */
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

/* Large traits are not worth losing the message for: its column holds 60 KiB of sealed text. */
static void slim(json_t *data)
{
    static const char *const LARGE[] = { "identity", "traits", "transient_payload", KR_DATA_HEADERS };

    json_object_set_new(data, KR_DATA_LANGUAGE, json_string(kr_phrases[kr_language(data)].tag));
    for (int i = 0; i < KR_DIM(LARGE); i++) json_object_del(data, LARGE[i]);
}

static const char *sealed_data(kr_ctx_t *k, const kr_mail_t *mail)
{
    const char *language = asked_language(k->req), *sealed;
    json_t *data = kr_json_own(k->pool, mail->data ? json_copy(mail->data) : json_object());
    apr_size_t len;
    char *text;

    if (language && !json_object_get(data, KR_DATA_LANGUAGE)) {
        json_object_set_new(data, KR_DATA_LANGUAGE, json_string(language));
    }
    json_object_set_new(data, KR_DATA_HEADERS, k->req ? kr_headers_json(k->pool, k->req, k->realm->settings->told_headers) : json_object());
    text = (char *)kr_json_dump(k->pool, data, &len);
    if (len > DATA_MAX) {
        kr_wipe(text, len);
        slim(data);
        text = (char *)kr_json_dump(k->pool, data, &len);
    }
    sealed = kr_seal(k->pool, k->realm->keys, KR_SEAL_CONTEXT, text, len);
    kr_wipe(text, len); /* there is a code in it */
    return sealed;
}

/* What is not committed is nobody's to send. */
static void note_queued(kr_ctx_t *k, void *baton)
{
    (void)baton;
    k->queued++;
}

static kr_err_t *queue(kr_ctx_t *k, const kr_mail_t *mail, const char *id, const char *to, const char *sealed)
{
    KR_TRY(kr_store_message_insert(k, id, mail->via, to, mail->template_type, sealed));
    kr_db_after_commit(k, note_queued, NULL);
    if (!kr_mail_carried(&k->realm->settings->mail, mail->via)) {
        kr_log(k, KR_LOG_INFO, KRLOGNO(0501) "message %s waits: nothing carries %s; see courier.smtp, courier.http and "
                                             "courier.channels", id, mail->via);
    }
    return NULL;
}

kr_err_t *kr_courier_queue(kr_ctx_t *k, const kr_mail_t *mail)
{
    if (!can_be_written_to(mail)) return kr_err(k, 400, NULL, "a message cannot be sent to this address");
    return queue(k, mail, kr_uuid(k), mail->to, sealed_data(k, mail));
}

kr_err_t *kr_courier_queue_nothing(kr_ctx_t *k, const kr_mail_t *mail)
{
    const char *id = kr_uuid(k);
    char *sealed;

    if (!can_be_written_to(mail)) return NULL;
    sealed = (char *)sealed_data(k, mail); /* made like any other, and stored as dashes */
    memset(sealed, '-', strlen(sealed));
    return queue(k, mail, id, id, sealed);
}

int kr_courier_is_nothing(const kr_message_row_t *message)
{
    return strcmp(message->recipient, message->id) == 0;
}

/* -- for those who run the site ------------------------------------------- */

kr_err_t *kr_courier_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient, const char *before,
                          int limit)
{
    apr_array_header_t *rows;

    KR_TRY(kr_store_message_page(&rows, k, status, recipient, before, limit));
    *out = apr_array_make(k->pool, rows->nelts, sizeof(kr_message_t));
    for (int i = 0; i < rows->nelts; i++) {
        const kr_message_row_t *row = &APR_ARRAY_IDX(rows, i, kr_message_row_t);

        APR_ARRAY_PUSH(*out, kr_message_t) = (kr_message_t){
            .id = row->id, .status = row->status, .via = row->via, .recipient = row->recipient,
            .template_type = row->template_type, .attempts = row->attempts, .last_error = row->last_error,
            .send_after = row->send_after, .created_at = row->created_at, .updated_at = row->updated_at,
        };
    }
    return NULL;
}

kr_err_t *kr_courier_retry(apr_int64_t *done, kr_ctx_t *k, const char *id)
{
    return kr_store_message_retry(done, k, id);
}
