/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OAuth2 server (Ory Hydra) has people sign in here: it sends a browser with a challenge, is asked at its admin API what that stands
 * for, and told there who has signed in; it says where the browser goes on.
 *
 * Each call waits for that server: 5 s at most, for an answer of 128 KiB at most, and gives the connection to the database back before.
 * Errors of all of them: 400 where the server refuses, as it does a challenge that it does not know, with its status and hint in the
 * details; 503 with Retry-After where it does not answer, or nothing that can be used. Nothing has happened here then.
 */
#ifndef KR_OAUTH2_H
#define KR_OAUTH2_H

#include "kr_ctx.h"

/** A sign-in that it asks for. */
typedef struct {
    json_t *shown;           /* object, pool-owned: the request as clients are shown it, 16 KiB at most */
    int skip;                /* it knows who this is: nobody is to be asked for a proof again */
    const char *request_url; /* where the browser began there; NULL: it does not say */
} kr_oauth2_login_t;

/**
 * What does a challenge stand for?
 * @param over  out: where the browser goes on when that sign-in was answered before; NULL: it waits, and *out is filled
 */
kr_err_t *kr_oauth2_login(kr_oauth2_login_t *out, const char **over, kr_ctx_t *k, const char *challenge) KR_MUST_CHECK;

/** Who has signed in. */
typedef struct {
    const char *subject;     /* id of the identity */
    const char *session_id;
    const json_t *methods;   /* array: authentication_methods of the session; their names become the `amr` */
    const char *acr;         /* what level they add up to, or NULL: it is not told */
} kr_oauth2_signed_in_t;

/** Tell it. @param to  out: where the browser goes on, an http(s) URL */
kr_err_t *kr_oauth2_accept_login(const char **to, kr_ctx_t *k, const char *challenge, const kr_oauth2_signed_in_t *who) KR_MUST_CHECK;

/** A sign-out that it asks for. */
typedef struct {
    const char *client_name; /* of the application that asked, or NULL */
} kr_oauth2_logout_t;

/** The same for the challenge of a sign-out. */
kr_err_t *kr_oauth2_logout(kr_oauth2_logout_t *out, const char **over, kr_ctx_t *k, const char *challenge) KR_MUST_CHECK;
/** They have signed out here. @param to  as of kr_oauth2_accept_login */
kr_err_t *kr_oauth2_accept_logout(const char **to, kr_ctx_t *k, const char *challenge) KR_MUST_CHECK;

#endif
