/* SPDX-License-Identifier: Apache-2.0 */
/* A message leaves: rendered, and handed to the mail server, the folder or the HTTP service that the settings name. */
#include <string.h>

#include "kr_text.h"
#include "courier.h"

#define SEND apr_time_from_sec(20) /* one message takes that long at most */

static int mail_carried(const kr_ctx_t *k)
{
    return kr_mail_carried(&k->realm->settings->mail, "email");
}

static int sms_carried(const kr_ctx_t *k)
{
    return kr_mail_carried(&k->realm->settings->mail, "sms");
}

static const char *mail_carrier(kr_ctx_t *k, const kr_sending_t *message)
{
    const kr_mail_conf_t *conf = &k->realm->settings->mail;

    (void)message;
    return conf->by_http ? "mail service" : conf->folder ? "folder" : "smtp";
}

static const char *sms_carrier(kr_ctx_t *k, const kr_sending_t *message)
{
    (void)message;
    return k->realm->settings->mail.sms ? "sms service" : "folder";
}

/* By SMTP or into the folder: a message of RFC 5322. Messages of a batch share a connection. */
static kr_net_mailed_t post(kr_ctx_t *k, const kr_parcel_t *parcel, kr_sending_t *message)
{
    const kr_mail_conf_t *conf = parcel->conf;
    kr_net_mail_t mail = { .from = conf->from_address,
                           .to = parcel->to,
                           .timeout = SEND,
                           .guarded = conf->smtp_guarded,
                           .stopping = message->worker->stopping,
                           .baton = message->worker->baton };

    mail.text = kr_mime_make(&mail.len, k->pool, parcel);
    if (conf->folder) return kr_folder_drop(k->pool, conf->folder, parcel->id, mail.text, mail.len);
    if (!*message->kept) *message->kept = kr_net_mailer_make(message->batch, conf->smtp);
    return kr_net_mail(k, *message->kept, &mail);
}

static kr_net_mailed_t hand_over(kr_ctx_t *k, kr_sending_t *message, const kr_http_service_t *service)
{
    const kr_mail_t mail = { message->via, message->to, message->type, message->data };
    kr_parcel_t parcel = { .conf = &k->realm->settings->mail, .id = message->id, .to = message->to, .now = k->now };
    kr_letter_t letter;
    kr_err_t *err = kr_courier_render(&letter, k, &mail);

    if (err) return (kr_net_mailed_t){ KR_MAIL_REFUSED, err->reason ? err->reason : "it cannot be rendered", NULL };
    parcel.letter = &letter;
    return service ? kr_http_send(k, service, &parcel, &mail, message->worker) : post(k, &parcel, message);
}

static kr_net_mailed_t send_mail(kr_ctx_t *k, kr_sending_t *message)
{
    const kr_mail_conf_t *conf = &k->realm->settings->mail;

    return hand_over(k, message, conf->by_http ? conf->http : NULL);
}

static kr_net_mailed_t send_sms(kr_ctx_t *k, kr_sending_t *message)
{
    return hand_over(k, message, k->realm->settings->mail.sms);
}

const kr_sender_t kr_sender_mail = { .via = "email", .name = "mail", .carried = mail_carried, .carrier = mail_carrier, .send = send_mail };
const kr_sender_t kr_sender_sms = { .via = "sms", .name = "SMS", .carried = sms_carried, .carrier = sms_carrier, .send = send_sms };
