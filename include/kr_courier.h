/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and SMS: queued inside the request's transaction, sent by the background thread, claimed with a lease per message. */
#ifndef KR_COURIER_H
#define KR_COURIER_H

#include <apr_tables.h>

#include "kr_ctx.h"

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

/* -- for those who run the site ------------------------------------------- */

/** A message as the queue has it; what stands in it is sealed, and stays so. */
typedef struct {
    const char *id;
    const char *status;        /* "queued", "sent", "abandoned" */
    const char *via, *recipient, *template_type;
    int attempts;
    const char *last_error;    /* or NULL */
    apr_time_t send_after;     /* not before */
    apr_time_t created_at, updated_at;
} kr_message_t;

/**
 * Messages of the realm, the newest first: those before the id `before` (NULL: the newest), of one status and to one recipient
 * unless these are NULL. Those that are to nobody are left out. One statement.
 * @param out  array of kr_message_t, at most `limit`
 */
kr_err_t *kr_courier_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient, const char *before,
                          int limit) KR_MUST_CHECK;

/** Queue an abandoned message anew, with all its tries; all of them when `id` is NULL. One statement. @param done  how many */
kr_err_t *kr_courier_retry(apr_int64_t *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- sending -------------------------------------------------------------- */

/** Who sends. */
typedef struct {
    const char *name;          /* unique to this thread, at most 64 bytes: see kr_courier_worker_name */
    int (*stopping)(void *baton); /* or NULL; asked between two messages, and while a server keeps us waiting */
    void *baton;
} kr_courier_worker_t;

/** What one look into the queue found. */
typedef enum {
    KR_QUEUE_DONE,   /* nothing is left that is due */
    KR_QUEUE_MORE,   /* a full batch: there may be more */
    KR_QUEUE_TROUBLE /* the mail server cannot be reached: messages wait, and none of them is counted as failed */
} kr_queue_e;

/** A name for a worker: host, process, chance. */
const char *kr_courier_worker_name(apr_pool_t *pool);

/**
 * Send what is due: claim a batch with this worker's name, send each message on its own, mark it sent, put it off
 * (growing pauses) or give it up. A failing message holds up no other. No connection is held while sending.
 *
 * A message goes out twice only when its worker dies (or loses the database for longer than the lease) between the
 * server's yes and the mark: then once per such death, under the same Message-ID.
 * @param sent   how many were sent
 * @param queue  what to expect of the next look
 */
kr_err_t *kr_courier_work(int *sent, kr_queue_e *queue, kr_ctx_t *k, const kr_courier_worker_t *worker) KR_MUST_CHECK;

/** How long to leave an unreachable mail server alone. */
#define KR_COURIER_TROUBLE apr_time_from_sec(10)

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
