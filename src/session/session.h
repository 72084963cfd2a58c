/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef KR_SESSION_SESSION_H
#define KR_SESSION_SESSION_H

#include <apr_lib.h>

#include "kr_clock.h"
#include "kr_realm.h"
#include "kr_session.h"
#include "kr_store_session.h"
#include "kr_text.h"

/** Session tokens look like Kratos': this prefix and 32 of [A-Za-z0-9]. */
#define KR_TOKEN_PREFIX "ory_st_"
#define KR_TOKEN_RANDOM 32

/** Cookies of the session's name that are looked at in one request; forged ones among them cost no statement. */
#define KR_COOKIES_TRIED 4

/** Has it the shape of a session token? Saves the database from garbage. */
int kr_token_shaped(const char *token);

/**
 * The token inside a session cookie, if one of the realm's secrets made it.
 * @param secret   out: number of that secret
 * @param expires  out: µs, as the cookie says
 * @return the token, or NULL
 */
const char *kr_cookie_open(kr_ctx_t *k, const char *value, int *secret, apr_time_t *expires);

/** What a request carries, before anything is looked up. */
typedef struct {
    kr_carrier_e carrier;
    const char *text;       /* as it came */
    const char *token;      /* in it; NULL: a cookie that none of our secrets made */
    int secret;             /* the secret to try first */
    apr_time_t expires;     /* µs, as the cookie says */
} kr_carried_t;

/* -- glance.c, record.c ------------------------------------------------------ */

/** The session of the token with that hash, if that is its current one; folded, out of memory or the store. NULL: there is none. */
kr_err_t *kr_glance(kr_session_t **out, kr_ctx_t *k, const char *hash) KR_MUST_CHECK;
/** The session that the last request on this connection found, if it carried the same. @return 0: nothing is known of it */
int kr_memo_recall(kr_session_t **out, kr_ctx_t *k, const kr_carried_t *carried);
/** What kr_glance has just found was found by that. */
void kr_memo_keep(kr_ctx_t *k, const kr_carried_t *carried);

/** Remember of a session that kr_glance found when it was seen, and until when it goes; or forget it, as another process has written that. */
void kr_session_remember_seen(kr_ctx_t *k, kr_session_t *session, int written);

/**
 * Rows as one piece of memory, to be copied as it is. @param shown  what whoami says of it, or NULL
 * @param len  out: bytes
 */
void *kr_record_make(apr_size_t *len, apr_pool_t *pool, const kr_session_rows_t *rows, const char *shown);
/** Such a piece, or a copy of one, as rows again: opened once, where it lies. @return NULL: it is none */
kr_session_rows_t *kr_record_open(const char **shown, apr_pool_t *pool, void *data, apr_size_t len);

/** A session without what is JSON: kr_session_unfold reads that from the same rows. @return 500 when what is stored cannot be read */
kr_err_t *kr_session_fold(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows) KR_MUST_CHECK;
/** What the session was before its last refresh: that is all that the token of before is good for. */
kr_err_t *kr_session_show_former(kr_ctx_t *k, kr_session_t *s, const kr_session_row_t *row) KR_MUST_CHECK;

/** The session of its rows. @return 500 when what is stored cannot be read */
kr_err_t *kr_session_from_rows(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows) KR_MUST_CHECK;

/** A session of its row alone: without its identity. */
void kr_session_from_row(kr_session_t *s, kr_ctx_t *k, const kr_session_row_t *row);

/** The row of a session, its former token aside. */
kr_session_row_t kr_session_row(kr_ctx_t *k, const kr_session_t *session);

/** The device that sent k->req: fills ip_address, user_agent, location and a new device_id. */
void kr_session_device(kr_ctx_t *k, kr_session_t *session);

/** Append a proof to session->methods and compute the assurance level anew. */
void kr_session_add_proof(kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof);

#endif
