/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that somebody sent to a guarded place, and that waits for them to sign in. It is sealed, and is given back once: to the browser
 * that sent it, to the account that it was sent with where one was known, for the place it was sent to.
 */
#ifndef KR_KEPT_H
#define KR_KEPT_H

#include "kr_session.h"

/** The largest body, and how long it waits. */
#define KR_KEPT_MAX (256 * 1024)
#define KR_KEPT_FOR apr_time_from_sec(15 * 60)

/** What was sent. No text of it may hold a line end. */
typedef struct {
    const char *url;     /* of the place, as its client sees it */
    const char *type;    /* Content-Type */
    const char *referer; /* or "" */
    const char *body;
    apr_size_t len;      /* at most KR_KEPT_MAX */
} kr_kept_t;

/**
 * Keep it: five statements. The browser gets a cookie (k->reply) that alone finds it again.
 * @param identity_id  whose it is, where that is known; else NULL: whoever signs in with that browser
 * @param id   out: what it waits under; NULL when this account, or this client's address, or all clients of the realm together have sent
 *             more than may wait: 20 and 1000 in a quarter of an hour
 */
kr_err_t *kr_kept_put(const char **id, kr_ctx_t *k, const kr_kept_t *post, const char *identity_id) KR_MUST_CHECK;

/**
 * Look at what waits under an id, for the session of the request: one statement.
 * @param out  NULL when nothing waits, or not for this browser, this account, this place
 */
kr_err_t *kr_kept_look(kr_kept_t **out, kr_ctx_t *k, const kr_session_t *session, const char *id, const char *url) KR_MUST_CHECK;

/** The same, and it waits no longer: two statements. Of several at once one gets it. */
kr_err_t *kr_kept_take(kr_kept_t **out, kr_ctx_t *k, const kr_session_t *session, const char *id, const char *url) KR_MUST_CHECK;

/** What the page that asks about it sends back: good for this browser, this session and this form. NULL without the cookie. */
const char *kr_kept_token(kr_ctx_t *k, const kr_session_t *session, const char *id);
/** Is it that? */
int kr_kept_token_ok(kr_ctx_t *k, const kr_session_t *session, const char *id, const char *token);

/** The URL of a place with the mark of what waits for it. */
const char *kr_kept_mark(apr_pool_t *pool, const char *url, const char *id);
/**
 * Read the mark of a query, and take it out.
 * @param query  NULL: there is none
 * @param id     out: what waits; NULL: there is no mark, and the query is given back as it is
 */
const char *kr_kept_unmark(apr_pool_t *pool, const char *query, const char **id);

#endif
