/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and SMS: what goes into the outbox, and what becomes of it on its way out. */
#ifndef KR_COURIER_H
#define KR_COURIER_H

#include "kr_outbox.h"

/** A message to queue. */
typedef struct {
    const char *via;           /* "email" or "sms" */
    const char *to;            /* normalised address */
    const char *template_type; /* "verification_code_valid", "recovery_valid", ... as in Kratos' courier */
    json_t *data;              /* what the template needs: {"to", "verification_code", "verification_url", "identity", ...}; borrowed */
} kr_mail_t;

/**
 * Queue a message: one statement, inside the caller's transaction if there is one. The data is sealed at rest. It counts in
 * k->queued once it is committed, so that httpd wakes the sender when the answer is out.
 * @return 400 when the address cannot be written to (CR/LF, longer than 320 bytes, no address)
 */
kr_err_t *kr_courier_queue(kr_ctx_t *k, const kr_mail_t *mail) KR_MUST_CHECK;

/**
 * As kr_courier_queue, when nobody has the address: the same work now and at the sender, so that time does not tell, but no
 * message comes of it. What is stored holds neither address nor code; the sender marks it "blank".
 */
kr_err_t *kr_courier_queue_nothing(kr_ctx_t *k, const kr_mail_t *mail) KR_MUST_CHECK;

/* -- sending -------------------------------------------------------------- */

/** Mail, and text messages, as the outbox sends them. */
extern const kr_sender_t kr_sender_mail, kr_sender_sms;

/** A message as it would be sent: for tests, `kratosctl courier list` and previews. */
typedef struct {
    const char *subject; /* one line */
    const char *text;    /* plain text */
    const char *html;    /* or NULL: SMS */
} kr_letter_t;

/**
 * Render a template by type with its data, in the language (English, German) of the identity's trait locale, language
 * or lang, else of the browser that had it queued (member "language" of the data). The letter lives in k->pool.
 */
kr_err_t *kr_courier_render(kr_letter_t *out, kr_ctx_t *k, const kr_mail_t *mail) KR_MUST_CHECK;

#endif
