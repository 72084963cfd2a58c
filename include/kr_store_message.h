/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the outbox: mail, text messages, calls of web hooks. Every statement is bound to k->realm. */
#ifndef KR_STORE_MESSAGE_H
#define KR_STORE_MESSAGE_H

#include "kr_db.h"

/** A message. Status: "queued", "sent", "abandoned"; "blank": there was nobody to send it to. */
typedef struct {
    const char *id, *status, *via, *recipient, *template_type;
    const char *sealed;        /* "" once it was sent */
    int parts;                 /* rows beside its own that hold it; 0: none */
    int attempts;
    const char *last_error;    /* or NULL */
    apr_time_t send_after;     /* not before; while somebody sends it: the end of the lease */
    apr_time_t created_at, updated_at;
} kr_message_row_t;

/** Longest `sealed`: 16 parts, which go into one statement. */
#define KR_STORE_MESSAGE_MAX ((apr_size_t)16 * 48000)

/** Queue a message: `sealed` is its data, sealed (it holds the code). One statement, two for what is longer than a column. */
kr_err_t *kr_store_message_insert(kr_ctx_t *k, const char *id, const char *via, const char *recipient,
                                  const char *template_type, const char *sealed) KR_MUST_CHECK;
/**
 * Claim up to `batch` due messages, oldest first, for `owner` (64 bytes at most) until `until`: nobody else is given them before.
 * One statement when there are none, else three, and one for each that has parts.
 * @param via, other  whose: messages of these two kinds; the same twice for one
 * @param out  array of kr_message_row_t
 */
kr_err_t *kr_store_message_claim(apr_array_header_t **out, kr_ctx_t *k, const char *via, const char *other, const char *owner,
                                 apr_time_t until, int batch) KR_MUST_CHECK;
/**
 * Messages to one recipient go out in the order they were queued, whoever claimed them: give back those that are too
 * early, due again in a moment.
 * @param claimed  what kr_store_message_claim gave with the same owner and until; those leave it
 */
kr_err_t *kr_store_message_in_turn(apr_array_header_t *claimed, kr_ctx_t *k, const char *owner, apr_time_t until) KR_MUST_CHECK;
/** It was sent. True whoever claims it by now. */
kr_err_t *kr_store_message_sent(kr_ctx_t *k, const kr_message_row_t *message) KR_MUST_CHECK;
/** It was not: write status ("queued" or "abandoned"), attempts, send_after, last_error, if `owner` still has the claim. */
kr_err_t *kr_store_message_failed(kr_ctx_t *k, const char *owner, const kr_message_row_t *message) KR_MUST_CHECK;
/** Give back what `owner` has claimed and not dealt with: it is due at once. */
kr_err_t *kr_store_message_release(kr_ctx_t *k, const char *owner) KR_MUST_CHECK;
/**
 * Messages of the realm, the newest first, without `sealed`: those before the id `before` (NULL: the newest), of one status
 * and to one recipient unless these are NULL. Those that are to nobody (kr_outbox_put_nothing) are left out.
 * @param out  array of kr_message_row_t, at most `limit`
 */
kr_err_t *kr_store_message_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient,
                                const char *before, int limit) KR_MUST_CHECK;
/** How many messages of one kind wait. */
typedef struct {
    const char *via;
    apr_int64_t count;
} kr_message_count_t;

/**
 * How many messages wait, of some realms of the database or, where these are many, of all of it; those to nobody do not count. One statement.
 * @param realms  of const char*
 * @param out     array of kr_message_count_t
 */
kr_err_t *kr_store_message_waiting(apr_array_header_t **out, kr_ctx_t *k, const apr_array_header_t *realms) KR_MUST_CHECK;
/** Queue an abandoned message anew, with all its tries; all of them when `id` is NULL. @param done how many */
kr_err_t *kr_store_message_retry(apr_int64_t *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

#endif
