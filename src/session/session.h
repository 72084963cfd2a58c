/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef KR_SESSION_SESSION_H
#define KR_SESSION_SESSION_H

#include <apr_lib.h>

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
