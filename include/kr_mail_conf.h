/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of messages: where they go, and whose words they bear. */
#ifndef KR_MAIL_CONF_H
#define KR_MAIL_CONF_H

#include <apr_tables.h>
#include <jansson.h>

#include "kr_net.h"
#include "kr_request_conf.h"
#include "kr_template.h"

/** Another way for messages to leave. */
typedef struct {
    const char *id;                  /* what it carries: "sms" */
    const char *type;                /* "http" */
    kr_request_conf_t request;       /* as written */
    const kr_http_service_t *service; /* the same, ready to be called */
} kr_channel_conf_t;

/** Where the owner's templates of one kind of message are: file:// or base64:// URLs, or NULL. */
typedef struct {
    const char *name;                /* "recovery_code.valid" */
    const char *subject, *plaintext, *html, *sms;
} kr_letter_conf_t;

/** A template of the owner's: one part of one kind of message. */
typedef struct {
    const char *type;                /* "recovery_code_valid" */
    const char *part;                /* "email.subject", "email.body.plaintext", "email.body.html", "sms.body.plaintext" */
    const kr_template_t *template;
} kr_override_t;

/** courier.*: where mail goes, and what it bears. */
typedef struct {
    int by_http;                     /* delivery_strategy: 1 is http */
    const kr_http_service_t *http;   /* takes mail; NULL unless by_http */
    const kr_http_service_t *sms;    /* takes text messages, or NULL */
    kr_request_conf_t request;       /* courier.http, as written */
    const apr_array_header_t *channels; /* of kr_channel_conf_t */
    const apr_array_header_t *letters;  /* of kr_letter_conf_t, as written: what `overrides` is made of, with override_path */
    const apr_array_header_t *overrides; /* of kr_override_t; never NULL */
    const char *override_path;       /* folder with templates, or NULL */
    const char *uri;                 /* connection_uri as written: it may hold a password; or NULL */
    int smtp_guarded;                /* clients.smtp.disallow_private_ip_ranges */
    const kr_net_smtp_t *smtp;       /* of an smtp:// or smtps:// URI; else NULL */
    const char *folder;              /* of a file:// URI: messages become files there; else NULL */
    const char *from_address;
    const char *from_name;           /* or NULL */
    const char *local_name;          /* in EHLO */
    const apr_table_t *headers;      /* more headers, which win over ours; or NULL */
    int retries;                     /* after the first try */
    int batch;                       /* messages claimed in one go */
    apr_time_t wait;                 /* between two looks at the queue */
} kr_mail_conf_t;

/** Does anything carry messages of this kind ("email", "sms")? What nothing carries waits in the queue for a while. */
int kr_mail_carried(const kr_mail_conf_t *conf, const char *via);

#endif
