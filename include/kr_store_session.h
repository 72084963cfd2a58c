/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of sessions, and of the codes that apps exchange for one. Every statement is bound to k->realm. */
#ifndef KR_STORE_SESSION_H
#define KR_STORE_SESSION_H

#include "kr_store_identity.h"

typedef struct {
    const char *id, *identity_id;
    const char *token_hash;     /* keyed hash of the token */
    const char *old_token_hash; /* the token before the last refresh, good until old_token_until; or NULL */
    apr_time_t old_token_until;
    const char *aal;            /* "aal0", "aal1", "aal2" */
    const char *methods;        /* JSON array: authentication_methods */
    const char *old_aal, *old_methods; /* what it was with that token, which shows nothing else; NULL without one */
    apr_time_t old_authenticated_at;
    int active;                /* read: the flag, and of its identity's epoch */
    apr_int64_t epoch;         /* of the identity when it was proved */
    const char *device_id, *ip_address, *user_agent, *location; /* the device; user_agent may be NULL */
    apr_time_t issued_at, authenticated_at, expires_at, created_at, updated_at;
    apr_time_t seen_at;         /* when it was last used, as far as that was written down; 0: not known. Not part of what a proof changes */
} kr_session_row_t;

/** A session with its identity and addresses, as whoami shows it. */
typedef struct kr_session_rows_t {
    kr_session_row_t session;
    kr_identity_rows_t *identity;
} kr_session_rows_t;

/**
 * Insert, if the identity is active, of that version and of the session's epoch: one statement.
 * @param done  0: it is not (or there is none), and nothing was written
 */
kr_err_t *kr_store_session_insert(int *done, kr_ctx_t *k, const kr_session_row_t *session, apr_int64_t version) KR_MUST_CHECK;
/**
 * By the hash of a token: one joined statement. Inactive and expired ones are found too, the caller decides.
 * @param old    1: look for the token before the last refresh
 * @param whole  1: with the credentials of the identity, in the same statement
 * @param out  NULL when none
 */
kr_err_t *kr_store_session_find(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash, int old,
                                   int whole) KR_MUST_CHECK;
/**
 * By the hash of its current token, for who is going to remember it: a member of a cluster that is behind the others waits until it is not, as
 * what it says now would be believed long after.
 */
kr_err_t *kr_store_session_to_remember(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash) KR_MUST_CHECK;
/** Load a session by id with its identity. @param out NULL when none */
kr_err_t *kr_store_session_by_id(kr_session_rows_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/**
 * Write what a refresh or step-up changes: token hashes, aal, methods, authenticated_at, expires_at, device, updated_at; if the
 * session is usable and as it was read, and the identity as with kr_store_session_insert. One statement.
 * @param read  the same session as it was read: token_hash and updated_at count
 * @param done  0: something is another, and nothing was written
 */
kr_err_t *kr_store_session_update(int *done, kr_ctx_t *k, const kr_session_row_t *session, const kr_session_row_t *read,
                                  apr_int64_t version) KR_MUST_CHECK;
/**
 * Keep all others from changing a session until the transaction ends, as kr_store_identity_lock does: its updated_at moves.
 * @param epoch       that of its identity, which is locked already
 * @param token_hash  of the token that the request came with: the current one, or that before a refresh
 * @param done        0: it has ended, or has another token
 */
kr_err_t *kr_store_session_lock(int *done, kr_ctx_t *k, const char *id, apr_int64_t epoch, const char *token_hash) KR_MUST_CHECK;
/** How many sessions kr_store_sessions_alive takes at once. */
#define KR_STORE_ALIVE_MAX 16
/** Which of these sessions are active, unexpired at k->now, and of an active identity: one statement. @param out  array of const char*: ids */
kr_err_t *kr_store_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n) KR_MUST_CHECK;

/** New expiry. @param done 0 when the session is gone or inactive */
kr_err_t *kr_store_session_extend(int *done, kr_ctx_t *k, const char *id, const char *identity_id, apr_time_t expires_at) KR_MUST_CHECK;
/**
 * Write down that a session is used: one statement, which moves neither updated_at nor anything that somebody compares.
 * @param session     as it was read; it must not have been seen since `before`
 * @param expires_at  new expiry, if that is later
 * @param done        0: somebody else has just written it, or it has ended
 */
kr_err_t *kr_store_session_seen(int *done, kr_ctx_t *k, const kr_session_row_t *session, apr_time_t before, apr_time_t expires_at) KR_MUST_CHECK;
/** Make a session of that identity inactive. @param done how many changed; may be NULL */
kr_err_t *kr_store_session_revoke(apr_int64_t *done, kr_ctx_t *k, const char *id, const char *identity_id) KR_MUST_CHECK;
/** End all sessions of the identity, those included that somebody is about to begin: its epoch is raised. @param done 0: there is none */
kr_err_t *kr_store_sessions_end(int *done, kr_ctx_t *k, const char *identity_id) KR_MUST_CHECK;
/** As kr_store_sessions_end for all identities of the realm with ids after `after` ("": from the first) up to `last`. */
kr_err_t *kr_store_sessions_end_range(kr_ctx_t *k, const char *after, const char *last) KR_MUST_CHECK;
/**
 * End all sessions of the identity but `keep_id`: two statements, inside the caller's transaction.
 * @param epoch  of that session, as it was read; it is the next one when this is done
 * @param done   0: that session has ended, the caller rolls back
 */
kr_err_t *kr_store_sessions_end_others(int *done, kr_ctx_t *k, const char *identity_id, const char *keep_id,
                                       apr_int64_t epoch) KR_MUST_CHECK;
/** How many usable sessions the identities of such a range have. */
kr_err_t *kr_store_session_count_range(apr_int64_t *out, kr_ctx_t *k, const char *after, const char *last) KR_MUST_CHECK;
/** How many session rows the identity has but `except_id` (NULL: all); only usable ones when `active`. One statement. */
kr_err_t *kr_store_session_count(apr_int64_t *out, kr_ctx_t *k, const char *identity_id, const char *except_id, int active) KR_MUST_CHECK;
/**
 * The identity's active, unexpired sessions but `except_id`, newest first, with the total number: two statements.
 * @param out  array of kr_session_row_t
 */
kr_err_t *kr_store_session_list(apr_array_header_t **out, apr_int64_t *total, kr_ctx_t *k, const char *identity_id,
                                const char *except_id, int limit, int offset) KR_MUST_CHECK;

/**
 * Sessions of the realm by id, which is the order of their making: those after `after` (NULL: the first), of one identity
 * unless identity_id is NULL, only usable ones when `active`.
 * @param out  array of kr_session_row_t, at most `limit`
 */
kr_err_t *kr_store_session_page(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id, int active,
                                const char *after, int limit) KR_MUST_CHECK;

/* -- session token exchange ----------------------------------------------- */

/** Remember the codes of a native flow; return_hash and session_id come later (social login). */
kr_err_t *kr_store_exchange_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *init_hash,
                                   const char *return_hash, const char *session_id, apr_time_t expires_at) KR_MUST_CHECK;
/** Fill an exchange when its flow succeeded. @param done 0 when there is none for the flow */
kr_err_t *kr_store_exchange_fill(int *done, kr_ctx_t *k, const char *flow_id, const char *return_hash, const char *session_id) KR_MUST_CHECK;
/** Does an app wait for the session of this flow? */
kr_err_t *kr_store_exchange_of_flow(int *waits, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** What waits for one flow waits for another from now on. */
kr_err_t *kr_store_exchange_move(kr_ctx_t *k, const char *from, const char *to) KR_MUST_CHECK;
/**
 * Take an exchange, once.
 * @param session_id  out: when both hashes match and there is a session; the row is gone then. Else NULL
 * @param flow_id     out: when both match and the flow has not come to one yet. Else NULL
 */
kr_err_t *kr_store_exchange_take(const char **session_id, const char **flow_id, kr_ctx_t *k, const char *init_hash,
                                 const char *return_hash) KR_MUST_CHECK;

#endif
