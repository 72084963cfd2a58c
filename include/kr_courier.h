/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and SMS: queued inside the request's transaction, sent by the background thread, claimed with a lease per message. */
#ifndef KR_COURIER_H
#define KR_COURIER_H

#include "kr_ctx.h"

/** A message to queue. */
typedef struct {
    const char *via;           /* "email" or "sms" */
    const char *to;            /* normalised address */
    const char *template_type; /* "verification_code_valid", "recovery_valid", ... as in Kratos' courier */
    json_t *data;              /* what the template needs: {"to", "verification_code", "verification_url", "identity", ...}; borrowed */
} kr_mail_t;

/**
 * Queue a message: one statement, inside the caller's transaction if there is one. The data is sealed at rest. Sets k->queued,
 * so that httpd wakes the sender once the answer is out.
 * @return 400 when the address cannot be written to (CR/LF, longer than 320 bytes, no address)
 */
kr_err_t *kr_courier_queue(kr_ctx_t *k, const kr_mail_t *mail) KR_MUST_CHECK;

/**
 * Send what is due: claim a batch for `lease` with this worker's name, send each message on its own, mark it sent, put it
 * off (growing pauses) or give it up. A failing message holds up no other. No connection is held while sending.
 * @param worker  a name unique to this thread: host, pid and a random part
 * @param sent    how many were sent; handled: how many were claimed: when it equals the batch there may be more
 */
kr_err_t *kr_courier_work(int *sent, int *handled, kr_ctx_t *k, const char *worker) KR_MUST_CHECK;

/** A message as it would be sent: for tests, `kratosctl courier list` and previews. */
typedef struct {
    const char *subject; /* one line */
    const char *text;    /* plain text */
    const char *html;    /* or NULL: SMS */
} kr_letter_t;

/** Render a template by type with its data, in the language of the identity's locale trait (English, German). */
kr_err_t *kr_courier_render(kr_letter_t *out, kr_ctx_t *k, const kr_mail_t *mail) KR_MUST_CHECK;

#endif
