/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: issue, find, check, refresh, revoke; the cookie and the tokens that carry them. */
#ifndef KR_SESSION_H
#define KR_SESSION_H

#include "kr_http.h"
#include "kr_identity.h"

/** How a session came with a request. */
typedef enum { KR_CARRIED_NONE, KR_CARRIED_COOKIE, KR_CARRIED_HEADER, KR_CARRIED_BEARER } kr_carrier_e;

/** What was found for a connection, and for a session (glance.c). */
typedef struct kr_memo_t kr_memo_t;
typedef struct kr_glanced_t kr_glanced_t;

struct kr_session_t {
    const char *id;
    const char *identity_id;
    kr_identity_t *identity;   /* with its addresses, without credentials; NULL in what kr_session_page gives */
    int active;                /* the stored flag; see kr_session_usable */
    kr_aal_e aal;
    json_t *methods;           /* authentication_methods, as shown */
    const char *device_id, *ip_address, *user_agent, *location; /* user_agent may be NULL */
    json_t *former_device;     /* shown beside the device in the answer of a refresh; or NULL */
    apr_int64_t epoch;         /* of the identity when it was proved */
    const char *token_hash;    /* of its current token */
    const char *carried_hash;  /* of the token that the request carried, or that was just made */
    const char *token;         /* plain, only in the request that issued it, and of the request that carried it */
    kr_carrier_e carrier;
    int token_is_old;          /* the request carried the token before a refresh: it must not be handed out again, and aal, methods
                                  and authenticated_at are those of before the refresh */
    apr_time_t cookie_expires; /* what the cookie said, 0 if it was no cookie */
    const struct kr_session_rows_t *folded; /* not NULL: `methods`, and what of the identity is JSON or a list, is not there before kr_session_unfold */
    int recalled;              /* it was not read for this request: what it says may be two seconds old */
    const char *shown;         /* of one that was recalled: what whoami says of it; or NULL */
    const struct kr_glanced_t *glanced; /* not NULL: it may be remembered (glance.c) */
    apr_time_t issued_at, authenticated_at, expires_at, created_at, updated_at; /* µs */
    apr_time_t seen_at;        /* when it was last used, as far as that was written down; 0: not known */
};

/** One thing that was proved: joins authentication_methods. */
typedef struct {
    const char *method;        /* "password", "code", ... */
    kr_aal_e aal;              /* KR_AAL1 or KR_AAL2 */
    const kr_credential_t *credential; /* what was verified, as it was read; NULL: no credential */
    const char *address;       /* where the code or link was sent, normalised; NULL: nowhere */
    int recovery;              /* 1: it has to be a recovery address */
    const char *spends;        /* the config of `credential` once it was used; NULL: nothing of it is used up */
    apr_int64_t spent;         /* and what its `spent` becomes; compared, and written, before the session is (kr_flow_spend) */
    const kr_tries_t *tries;   /* of `credential`, asked again when it is used up; NULL: nobody counts */
    int once;                  /* 1: it answers a challenge of its flow, which is used up */
    const char *identifier;    /* of `credential`: that it has this one is all that counts, whatever else of it is new; NULL: all of it counts */
    const json_t *details;     /* object: further members of its entry (provider, upstream_acr); or NULL */
    int afresh;                /* 1: it stands in place of the first factors that the session had */
    const json_t *also;        /* array: entries of what was linked by it, without their times; or NULL */
    const kr_session_t *planned; /* the session that begins with it as somebody was told of it: it keeps its ids; NULL: nobody was */
} kr_proof_t;

/** What has become of a proof since the account was read: a hash, a mail or another request lies between. */
typedef enum {
    KR_PROOF_HOLDS,
    KR_PROOF_LOCKED,    /* the account is not active */
    KR_PROOF_VOID,      /* the account is gone, the credential is another one, or the address is not theirs any more */
    KR_PROOF_OVERTAKEN  /* all sessions of the account were ended meanwhile: one that begins is ended with them */
} kr_standing_e;

/** Does it still hold? @param was the account as it was read for the proof @param is as it is now, with credentials; NULL: gone */
kr_standing_e kr_proof_standing(const kr_proof_t *proof, const kr_identity_t *was, const kr_identity_t *is);

/**
 * The session that the request carries: X-Session-Token, else the cookie, else Authorization: Bearer. Looked up once per
 * request and kept in k->session. One statement for a token that is current; for an unknown one two for each secret of the
 * realm; none when the cookie is forged.
 * @param out  NULL when there is none that is active, unexpired and of an active identity
 * @return 503 when the store cannot say: never a pass
 */
kr_err_t *kr_session_current(kr_session_t **out, kr_ctx_t *k) KR_MUST_CHECK;

/**
 * The session that the request carries, for whom it is enough to know what it was two seconds ago: gates and whoami. Out of memory where it is
 * remembered there, and then there is no statement, or as kr_session_current finds it. It may be folded. Memory only ever knows of sessions
 * that are good: who is about to refuse one because of what it says (recalled) looks with kr_session_current again.
 */
kr_err_t *kr_session_glance(kr_session_t **out, kr_ctx_t *k) KR_MUST_CHECK;

/** What whoami says of a session that kr_session_glance found, for the next one who asks: JSON, as it is sent. */
void kr_session_shown(kr_ctx_t *k, const kr_session_t *session, const char *text);

/** Read what is folded. @return 500 when what is stored is no JSON */
kr_err_t *kr_session_unfold(kr_ctx_t *k, const kr_session_t *session) KR_MUST_CHECK;

/** A memory of one session, for a client that asks with the same again. @param pool  of the connection; one request at a time uses it (k->memo) */
kr_memo_t *kr_memo_make(apr_pool_t *pool);

/**
 * As kr_session_current, with the credentials of the identity: still one statement where the session was not looked up yet, else one
 * for what is missing. Who asks for a second factor, or for the first once more, needs both.
 */
kr_err_t *kr_session_current_whole(kr_session_t **out, kr_ctx_t *k) KR_MUST_CHECK;

/** kr_session_need with kr_session_current_whole. @param identity  of the session, with its credentials */
kr_err_t *kr_session_whole(kr_session_t **out, kr_identity_t **identity, kr_ctx_t *k) KR_MUST_CHECK;

/** Did the request carry any session credential, good or bad? */
kr_carrier_e kr_session_carrier(kr_ctx_t *k);

/**
 * Why kr_session_current found none: "none" (nothing came), "foreign" (a cookie that no secret of this realm made), "expired" (by
 * the cookie's own word), "ended" (the store knows no such session, or not any more). Static.
 */
const char *kr_session_absence(kr_ctx_t *k);

/**
 * Whose session the cookie of the request once was, over or not, as far as the store still knows: NULL when nobody can say. It opens
 * nothing. Statements as for kr_session_current.
 */
kr_err_t *kr_session_former_owner(const char **identity_id, kr_ctx_t *k) KR_MUST_CHECK;

/** What became of a session cookie. Of several the highest counts. */
typedef enum {
    KR_SHOWN_NONE,     /* there is none */
    KR_SHOWN_FORGED,   /* none of the realm's secrets made it */
    KR_SHOWN_UNKNOWN,  /* well made, but the database knows no such session: ended long ago, or another database */
    KR_SHOWN_REVOKED,
    KR_SHOWN_EXPIRED,
    KR_SHOWN_INACTIVE, /* the identity is not active */
    KR_SHOWN_GOOD
} kr_shown_e;

/**
 * Explain the session cookie of k->req, for those who run the site; it opens nothing.
 * @param count  how many cookies of that name came
 */
kr_err_t *kr_session_explain(kr_shown_e *out, int *count, kr_ctx_t *k) KR_MUST_CHECK;

/** As kr_session_current, but having none is a 401 with `id` (a static string or NULL). */
kr_err_t *kr_session_need(kr_session_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/** Who asks for a level, and for which. */
typedef enum {
    KR_DEMAND_WHOAMI,   /* session.whoami.required_aal: whoami, the list of sessions, every gate, the answer of a sign-in */
    KR_DEMAND_SETTINGS, /* selfservice.flows.settings.required_aal */
    KR_DEMAND_SECOND    /* a second factor, whatever the settings say: Require kratos-aal aal2 */
} kr_demand_e;

/**
 * The one judge of levels: does the session reach what is asked for? No statement where it does by itself, or where the account's row
 * says that it has no second factor; else its credentials are read, and what it can show with the methods that are on now is counted.
 * @param return_to  where the second factor leads back to, if a sign-in may lead there (kr_return_to_allowed); or NULL
 * @return NULL, or 403: session_aal2_required with redirect_browser_to, beside the error and in its details; without an id where
 *         KR_DEMAND_SECOND is asked of an account that has none
 */
kr_err_t *kr_session_check_aal(kr_ctx_t *k, const kr_session_t *session, kr_demand_e demand, const char *return_to) KR_MUST_CHECK;

/** Has the account a second factor that it can show now? Statements as for kr_session_check_aal, whatever the session has reached. */
kr_err_t *kr_session_has_second(int *out, kr_ctx_t *k, const kr_session_t *session) KR_MUST_CHECK;

/**
 * The same of somebody who has just signed in (KR_DEMAND_WHOAMI): that they are but half in is no error then.
 * @param to  where the second factor is shown; NULL: they are in
 */
kr_err_t *kr_session_half_in(const char **to, kr_ctx_t *k, const kr_session_t *session, const char *return_to) KR_MUST_CHECK;

/**
 * Start a session for `identity`, if the proof still holds: that is asked in the statement that writes the session, which is one
 * statement unless somebody has changed the account since it was read. The token is always new (session fixation).
 * @param out       lives in k->pool; out->token is shown once, only its keyed hash is stored. NULL when the proof holds no more
 * @param standing  why not
 * @param identity  as it was when the proof was given
 * @param onto      a session whose proofs it begins with (its token is an old one, so that it cannot be proved again); or NULL
 */
kr_err_t *kr_session_issue(kr_session_t **out, kr_standing_e *standing, kr_ctx_t *k, kr_identity_t *identity,
                           const kr_proof_t *proof, const kr_session_t *onto) KR_MUST_CHECK;

/**
 * The session as kr_session_issue, or kr_session_prove, would write it, for those who are told of it before: nothing is stored, and it
 * has no token. One that begins keeps its ids where the proof has it as `planned`.
 * @param current  to which the proof would be added; NULL: a new one begins
 * @param onto     as in kr_session_issue
 */
kr_session_t *kr_session_plan(kr_ctx_t *k, kr_identity_t *identity, const kr_proof_t *proof, const kr_session_t *current,
                              const kr_session_t *onto);

/**
 * Add a proof to a session: refresh or step-up. Keeps the id, renews authenticated_at and expires_at. A browser gets a new token;
 * the former one is good for KR_OLD_TOKEN_GRACE more, for requests that are on their way, and shows what the session was before.
 * An app keeps its token, as apps made for Kratos expect. One statement, unless somebody was faster.
 * @param session   whose token is the current one, with the identity as it was when the proof was given
 * @param standing  KR_PROOF_HOLDS: it was done; else why not. A session that has ended meanwhile is KR_PROOF_OVERTAKEN, and one that
 *                  was proved by another request: then session->token_is_old is set
 */
kr_err_t *kr_session_prove(kr_standing_e *standing, kr_ctx_t *k, kr_session_t *session, const kr_proof_t *proof,
                           int keep_token) KR_MUST_CHECK;

/** How long the token before a refresh still works: 60 s. */
#define KR_OLD_TOKEN_GRACE apr_time_from_sec(60)

/** Give the session a new token without a proof, for the token exchange: one statement. @param done 0: it has ended, or got one */
kr_err_t *kr_session_retoken(int *done, kr_ctx_t *k, kr_session_t *session) KR_MUST_CHECK;

/* -- what somebody does with a session that may have ended by now ---------- */

/**
 * Is the session still what it was when the request came? Asked in the transaction that writes what its person wants: it is kept as
 * it is until that ends.
 * @param identity  its identity, locked (kr_identity_lock)
 * @return 401 when it has ended, is of another epoch, its token is no longer good, or the account is locked
 */
kr_err_t *kr_session_hold(kr_ctx_t *k, const kr_session_t *session, const kr_identity_t *identity) KR_MUST_CHECK;

/** End one session, whose owner asks with it: sign out. */
kr_err_t *kr_session_end(kr_ctx_t *k, const kr_session_t *session) KR_MUST_CHECK;

/** End another session of the same person's. One that is not there, or somebody else's, is no error. @return 401 when `session` has ended */
kr_err_t *kr_session_end_other(kr_ctx_t *k, kr_session_t *session, const char *id) KR_MUST_CHECK;

/**
 * End all other sessions of the person, those included that are about to begin.
 * @param count  how many session rows there are: Kratos counts ended ones too
 * @return 401 when `session` has ended
 */
kr_err_t *kr_session_end_others(apr_int64_t *count, kr_ctx_t *k, kr_session_t *session) KR_MUST_CHECK;

/** The same inside the caller's transaction, uncounted; once in it, as `session` is told its new epoch when that is
 * committed. @return 409 when `session` has ended */
kr_err_t *kr_session_end_others_now(kr_ctx_t *k, kr_session_t *session) KR_MUST_CHECK;

/** End all sessions of an identity, those included that are about to begin. @param count those that were usable; may be NULL */
kr_err_t *kr_sessions_end(apr_int64_t *count, kr_ctx_t *k, const char *identity_id) KR_MUST_CHECK;

/** The same for all identities of the realm whose ids come after `after` ("": from the first), up to `last`. */
kr_err_t *kr_sessions_end_range(apr_int64_t *count, kr_ctx_t *k, const char *after, const char *last) KR_MUST_CHECK;

/** The same inside the caller's transaction, for one identity, uncounted. @param done  0: there is no such identity */
kr_err_t *kr_sessions_end_now(int *done, kr_ctx_t *k, const char *identity_id) KR_MUST_CHECK;

/** End a session by its id, whoever's it is: for those who run the site. @param done 0: it had ended @return 404 when there is none */
kr_err_t *kr_session_revoke(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- several at once ------------------------------------------------------ */

/**
 * The other usable sessions of the same person's, the newest first: two statements.
 * @param out    array of kr_session_t, with the identity of `session`
 * @param total  how many there are
 */
kr_err_t *kr_session_others(apr_array_header_t **out, apr_int64_t *total, kr_ctx_t *k, const kr_session_t *session, int limit,
                            int offset) KR_MUST_CHECK;

/**
 * Sessions of the realm by id, which is the order of their making: those after `after` (NULL: the first), of one identity unless
 * identity_id is NULL, only active and unexpired ones when `active`. One statement.
 * @param out  array of kr_session_t without their identities, at most `limit`
 */
kr_err_t *kr_session_page(apr_array_header_t **out, kr_ctx_t *k, const char *identity_id, int active, const char *after,
                          int limit) KR_MUST_CHECK;

/** How many sessions kr_sessions_alive takes at once. */
#define KR_SESSIONS_ALIVE_MAX 16
/** Which of these sessions are usable? One statement. @param out  array of const char*: their ids */
kr_err_t *kr_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n) KR_MUST_CHECK;

/* -- codes for a token ---------------------------------------------------- */

/**
 * Remember that an app waits for the session of a flow: whoever brings this code and the one that the flow's end gives gets it.
 * One statement.
 * @param code  to be given to the app; only its keyed hash is stored
 */
kr_err_t *kr_exchange_begin(const char **code, kr_ctx_t *k, const char *flow_id, apr_time_t expires_at) KR_MUST_CHECK;

/** Does an app wait for the session of this flow? */
kr_err_t *kr_exchange_waits(int *waits, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** It waits for that of another flow from now on, which has taken the place of the first. */
kr_err_t *kr_exchange_move(kr_ctx_t *k, const char *from, const char *to) KR_MUST_CHECK;
/**
 * A browser has come back with the flow of an app.
 * @param session_id  that it came to; NULL: to none yet
 * @param code        out: what leads back to the app, the same each time for one flow; NULL when no app waits for it
 */
kr_err_t *kr_exchange_fill(const char **code, kr_ctx_t *k, const char *flow_id, const char *session_id) KR_MUST_CHECK;

/**
 * Take the session that waits for these two codes, once, with a token that is made now, so that it never had to be stored.
 * @param out      NULL when none waits for them, or it has ended
 * @param flow_id  out: of the flow that the codes belong to, when it has come to no session yet; else NULL
 */
kr_err_t *kr_exchange_take(kr_session_t **out, const char **flow_id, kr_ctx_t *k, const char *init, const char *back) KR_MUST_CHECK;

/* -- one ------------------------------------------------------------------ */

/** Load by id; out NULL when none. Whether it is usable is another question. */
kr_err_t *kr_session_load(kr_session_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/** Active, unexpired at k->now, identity active. */
int kr_session_usable(kr_ctx_t *k, const kr_session_t *session);

/**
 * The session is used: that is written down if it is time to (mod_kratos.session.seen_every), and where the settings have it slide, it ends later. A
 * failure is no fault of the request: it is logged, and the next one tries. One statement then, else none.
 * @param session  as kr_session_glance gave it
 */
void kr_session_seen(kr_ctx_t *k, kr_session_t *session);

/**
 * Has the session of a cookie moved on, so that its browser should have another one? Not for each of many requests that come with the same one
 * at the same time: they are given it when the cookie is behind by more than what is written down at a time.
 */
int kr_session_cookie_lags(kr_ctx_t *k, const kr_session_t *session);

/** Move expiry to now + session.lifespan if the settings' window allows it. @param done 0: too early or gone */
kr_err_t *kr_session_extend(int *done, kr_ctx_t *k, kr_session_t *session) KR_MUST_CHECK;

/** The session as the API shows it, identity and devices included. Pool-owned. */
json_t *kr_session_json(kr_ctx_t *k, const kr_session_t *session);

/** The same with an identity that is rendered already, for lists: it is shared, not copied. NULL: null. */
json_t *kr_session_json_with(kr_ctx_t *k, const kr_session_t *session, json_t *identity);

/** Set the session cookie for it on k->reply; its token must be known. */
void kr_session_cookie_set(kr_ctx_t *k, const kr_session_t *session);
/** Delete the session cookie: the same value, Max-Age 0. */
void kr_session_cookie_clear(kr_ctx_t *k);

/** The logout token of a session that came by cookie: derived, stored nowhere. */
const char *kr_session_logout_token(kr_ctx_t *k, const kr_session_t *session);
/** Is it the session's? Any secret of the realm may have made it. */
int kr_session_logout_token_ok(kr_ctx_t *k, const kr_session_t *session, const char *token);

/** Find by a plain session token (native logout, introspection). out NULL when unknown; usable or not. */
kr_err_t *kr_session_by_token(kr_session_t **out, kr_ctx_t *k, const char *token) KR_MUST_CHECK;

/** Where a person goes to sign in and come back: <base_url>/self-service/login/browser?return_to=... */
const char *kr_session_login_url(kr_ctx_t *k, const char *return_to);

/**
 * What the gate hands to the app, by name: id, identity (id of the identity), aal, schema, authenticated_at, age (seconds since
 * that), issued_at, expires_at, traits.PATH and metadata.PATH (public metadata; members by dots; what is no text comes as JSON). NULL
 * when there is no such thing, or when it holds control bytes, which neither a header nor a variable can carry. UTF-8.
 */
const char *kr_session_field(kr_ctx_t *k, const kr_session_t *session, const char *field);
/** Is it a name that kr_session_field knows? */
int kr_session_has_field(const char *field);

#endif
