/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the courier share. Not for other rooms. */
#ifndef KR_COURIER_COURIER_H
#define KR_COURIER_COURIER_H

#include "kr_realm.h"
#include "kr_courier.h"

/* Members of a message's data that are ours: they are no part of what templates and services know. */
#define KR_DATA_LANGUAGE "language"       /* of the browser that had it queued */
#define KR_DATA_HEADERS "request_headers" /* of that request: name -> list of values */

/* -- words.c ---------------------------------------------------------------- */

/** The languages that messages are written in. */
typedef enum { KR_ENGLISH, KR_GERMAN, KR_LANGUAGES } kr_language_e;

/** The words of one message in one language. {site}, {code} and {facts} (one after the other) are filled in. */
typedef struct {
    const char *subject;
    const char *intro;    /* the paragraph before facts, code or link */
    const char *link;     /* what the link does; NULL where there is none */
    const char *outro;    /* what to do if it was somebody else */
    const char *sms;      /* all of a text message; NULL: the intro */
} kr_words_t;

/** Lines about what has happened, each for itself. @return array of const char*; never NULL */
typedef apr_array_header_t *kr_facts_fn(apr_pool_t *pool, kr_language_e language, const json_t *data);

/** A kind of message. */
typedef struct {
    const char *type;     /* as in Kratos' courier */
    const char *code;     /* member of the data that holds the code, or NULL */
    const char *url;      /* member of the data that holds the link, or NULL */
    kr_facts_fn *facts;   /* or NULL: there is nothing to tell but the words */
    kr_words_t words[KR_LANGUAGES];
} kr_letter_kind_t;

/** Words that all messages of a language share. */
typedef struct {
    const char *tag;      /* of the language, for HTML */
    const char *minutes, *hours, *days; /* how long it is good for; %d */
    const char *minute;
} kr_phrases_t;

/** The template of that type, or NULL. */
const kr_letter_kind_t *kr_letter_kind(const char *type);
/** By language. */
extern const kr_phrases_t kr_phrases[KR_LANGUAGES];

/* -- facts.c -------------------------------------------------------------------- */

/** What was added to, removed from and replaced on an account, when, and by whom if it was not its person. */
kr_facts_fn kr_facts_of_factors;
/** When a recovery code was used, and how many are left. */
kr_facts_fn kr_facts_of_recovery_code;

/* -- render.c --------------------------------------------------------------- */

/** The language that a text names ("de", "de-AT", "de_CH.UTF-8"), or -1. */
int kr_language_of(const char *text);
/** The language of a message with that data. */
kr_language_e kr_language(const json_t *data);

/* -- mime.c ----------------------------------------------------------------- */

/** A letter with its envelope. */
typedef struct {
    const kr_mail_conf_t *conf;
    const char *id;       /* of the message: the same at each try, so that who gets it twice can tell */
    const char *to;
    const kr_letter_t *letter;
    apr_time_t now;
} kr_parcel_t;

/** A whole message by RFC 5322 and MIME: head, text, and HTML beside it; CRLF lines, nothing but ASCII. */
const char *kr_mime_make(apr_size_t *len, apr_pool_t *pool, const kr_parcel_t *parcel);
/** A header's value: printable ASCII as it is, all else as RFC 2047's encoded words; controls become blanks; folded. */
const char *kr_mime_value(apr_pool_t *pool, const char *name, const char *text);

/* -- http.c ----------------------------------------------------------------- */

/** Hand a message to an HTTP service; 2xx is success. No database handle may be held. */
kr_net_mailed_t kr_http_send(kr_ctx_t *k, const kr_http_service_t *service, const kr_parcel_t *parcel,
                             const kr_mail_t *mail, const kr_outbox_worker_t *worker);

/* -- override.c ------------------------------------------------------------- */

/** Put the owner's templates in place of ours, part by part. Where one fails, ours stays and the log says why. */
void kr_letter_override(kr_letter_t *letter, kr_ctx_t *k, const kr_mail_t *mail);

/* -- folder.c --------------------------------------------------------------- */

/** Put a message into a folder as <id>.eml: whole or not at all. */
kr_net_mailed_t kr_folder_drop(apr_pool_t *pool, const char *folder, const char *id, const char *text, apr_size_t len);

#endif
