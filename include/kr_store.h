/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table families. SQL lives behind this header and nowhere else; every statement is bound to k->realm. */
#ifndef KR_STORE_H
#define KR_STORE_H

#include "kr_db.h"

/* -- flows: one table for all five kinds ---------------------------------- */

typedef struct {
    const char *id;
    const char *kind;          /* "login", "registration", "settings", "recovery", "verification" */
    const char *type;          /* "browser" or "api" */
    const char *state;
    const char *active;        /* method, or NULL */
    const char *ui;            /* JSON {"messages":[...],"nodes":[...]} */
    const char *internal;      /* JSON object, or NULL */
    const char *request_url;
    const char *csrf_hash;     /* keyed hash of the anti-CSRF cookie's value; NULL in api flows */
    const char *identity_id;   /* settings, recovery; or NULL */
    const char *schema_id;     /* identity_schema that was asked for, or NULL */
    const char *organization_id; /* or NULL */
    const char *login_challenge; /* OAuth2, or NULL */
    int refresh;
    const char *requested_aal; /* "aal1", "aal2"; NULL outside login */
    int submit_count;
    apr_time_t issued_at, expires_at, created_at, updated_at;
} kr_flow_row_t;

/** Insert a flow: one statement. */
kr_err_t *kr_store_flow_insert(kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;
/** Load a flow of that kind: one statement. @param out NULL when there is none */
kr_err_t *kr_store_flow_load(kr_flow_row_t **out, kr_ctx_t *k, const char *kind, const char *id) KR_MUST_CHECK;
/** Write what may change: state, active, ui, internal, identity_id, csrf_hash, updated_at. The count of tries has a way of its own. */
kr_err_t *kr_store_flow_update(kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;

/** Write `internal` alone, if updated_at is still what it is in `flow`; it moves. @param done 0: it is not, and nothing was written */
kr_err_t *kr_store_flow_claim(int *done, kr_ctx_t *k, const kr_flow_row_t *flow) KR_MUST_CHECK;

/* -- identities ----------------------------------------------------------- */

/** Columns as they are stored; see kr_identity_t for their meaning. JSON columns are text. */
typedef struct {
    const char *id, *schema_id, *state, *traits, *metadata_public, *metadata_admin, *external_id, *available_aal;
    apr_time_t state_changed_at, created_at, updated_at;
    apr_int64_t version;       /* grows with every change; inserted as 1 */
    apr_int64_t epoch;         /* of its sessions: those of another are over; inserted as 0 */
} kr_identity_row_t;

typedef struct {
    const char *id, *via, *value, *status;
    int recovery, verified, position;
    apr_time_t verified_at, created_at, updated_at;
} kr_address_row_t;

typedef struct {
    const char *id, *type, *config;
    apr_time_t created_at, updated_at;
    apr_int64_t version;       /* grows when it is another secret; inserted as 1 */
} kr_credential_row_t;

typedef struct {
    const char *credential_id, *type, *identifier;
} kr_identifier_row_t;

/** An identity with what was asked for. Arrays of the row types above, never NULL. */
typedef struct {
    kr_identity_row_t identity;
    apr_array_header_t *addresses;   /* by position */
    apr_array_header_t *credentials;
    apr_array_header_t *identifiers;
} kr_identity_rows_t;

/** Insert all of it: four statements (identity, credentials, identifiers, addresses). KR duplicate when a key is taken. */
kr_err_t *kr_store_identity_insert(kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;
/** By credential type and identifier: one statement. Identity, that credential, addresses. @param out NULL when none */
kr_err_t *kr_store_identity_find(kr_identity_rows_t **out, kr_ctx_t *k, const char *type, const char *identifier) KR_MUST_CHECK;
/** By id: identity and addresses in one statement; credentials and identifiers in one more when asked. @param out NULL when none */
kr_err_t *kr_store_identity_load(kr_identity_rows_t **out, kr_ctx_t *k, const char *id, int with_credentials) KR_MUST_CHECK;
/**
 * Keep all others from changing it until the transaction ends, on other nodes of a cluster too: its row is written, the version
 * grows. @param done 0: there is none
 */
kr_err_t *kr_store_identity_lock(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/**
 * Write what a change of traits or metadata touches: one statement. State and metadata_admin are left alone.
 * @param identity  as it was read, its version included
 * @param done      0: somebody has changed it since, and nothing was written
 */
kr_err_t *kr_store_identity_update(int *done, kr_ctx_t *k, const kr_identity_row_t *identity) KR_MUST_CHECK;
/** Insert more credentials, identifiers and addresses of an identity that exists: a statement for each kind that has rows. */
kr_err_t *kr_store_identity_add(kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;
/** Forget all identifiers of a credential. */
kr_err_t *kr_store_identifiers_delete(kr_ctx_t *k, const char *credential_id) KR_MUST_CHECK;
/** Delete a credential with its identifiers. */
kr_err_t *kr_store_credential_delete(kr_ctx_t *k, const char *credential_id) KR_MUST_CHECK;
/** Delete an address; codes sent to it go too. */
kr_err_t *kr_store_address_delete(kr_ctx_t *k, const char *address_id) KR_MUST_CHECK;
/** Mark an address verified: status completed, verified_at now. */
kr_err_t *kr_store_address_verified(kr_ctx_t *k, const char *address_id) KR_MUST_CHECK;
/** The verifiable or recovery address of that value, with its identity's id. @param identity_id NULL when nobody has it */
kr_err_t *kr_store_address_find(const char **identity_id, const char **address_id, kr_ctx_t *k, int recovery, const char *via,
                                const char *value) KR_MUST_CHECK;
/** Replace a credential's config by another secret. @param done 0: it is not of that version any more, and nothing was written */
kr_err_t *kr_store_credential_update(int *done, kr_ctx_t *k, const char *id, apr_int64_t version, const char *config) KR_MUST_CHECK;
/** Replace a credential's config by another form of the same secret: its version stays. @param done as with kr_store_credential_update */
kr_err_t *kr_store_credential_rehash(int *done, kr_ctx_t *k, const char *id, apr_int64_t version, const char *config) KR_MUST_CHECK;
/**
 * Which credential types does the holder of this identifier have? A password credential that only reserves the identifiers
 * (config "{}") is none. One statement; array of const char*, empty when unknown.
 */
kr_err_t *kr_store_identifier_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier) KR_MUST_CHECK;
/** Set the status ("sent", ...) and updated_at of an address that is not verified yet; others stay as they are: anybody may ask for a mail. */
kr_err_t *kr_store_address_status(kr_ctx_t *k, const char *address_id, const char *status) KR_MUST_CHECK;

/**
 * Ids of the realm's identities in their order, which is that of their making: those after `after` (NULL: the first).
 * @param part  only those with an identifier that holds this text; or NULL
 * @param out   array of const char*, at most `limit`
 */
kr_err_t *kr_store_identity_page(apr_array_header_t **out, kr_ctx_t *k, const char *part, const char *after,
                                 int limit) KR_MUST_CHECK;
/**
 * Whose identifier is it, of whatever credential type? One statement.
 * @param identity_id  NULL when it is nobody's; of several the one whose type comes first
 * @param owners       how many accounts have it: 0, 1, or 2 for more than one
 */
kr_err_t *kr_store_identifier_owner(const char **identity_id, int *owners, kr_ctx_t *k, const char *identifier) KR_MUST_CHECK;
/** Delete an identity with its credentials, addresses, sessions, flows and codes: one statement. @param done 0: there was none */
kr_err_t *kr_store_identity_delete(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** Set an identity's state, "active" or "inactive"; its time changes only if the state does. @param done 0: there is none */
kr_err_t *kr_store_identity_state(int *done, kr_ctx_t *k, const char *id, const char *state) KR_MUST_CHECK;

/* -- sessions ------------------------------------------------------------- */

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
} kr_session_row_t;

/** A session with its identity and addresses, as whoami shows it. */
typedef struct {
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
 * @param old  1: look for the token before the last refresh
 * @param out  NULL when none
 */
kr_err_t *kr_store_session_find(kr_session_rows_t **out, kr_ctx_t *k, const char *token_hash, int old) KR_MUST_CHECK;
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
#define KR_SESSIONS_ALIVE_MAX 16
/** Which of these sessions are active, unexpired at k->now, and of an active identity: one statement. @param out  array of const char*: ids */
kr_err_t *kr_store_sessions_alive(apr_array_header_t **out, kr_ctx_t *k, const char *const *ids, int n) KR_MUST_CHECK;

/** New expiry. @param done 0 when the session is gone or inactive */
kr_err_t *kr_store_session_extend(int *done, kr_ctx_t *k, const char *id, apr_time_t expires_at) KR_MUST_CHECK;
/** Make a session inactive; of that identity only, when identity_id is not NULL. @param done how many changed; may be NULL */
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
/** Take an exchange, once: the session's id when both hashes match and it was filled, else NULL. The row is gone after. */
kr_err_t *kr_store_exchange_take(const char **session_id, kr_ctx_t *k, const char *init_hash, const char *return_hash) KR_MUST_CHECK;
/** Load a session by id with its identity (for the exchange and admin). @param out NULL when none */
kr_err_t *kr_store_session_by_id(kr_session_rows_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- self-service errors -------------------------------------------------- */

/** Keep an error for the error page: `error` is the JSON of the inner error object. */
kr_err_t *kr_store_error_insert(kr_ctx_t *k, const char *id, const char *error) KR_MUST_CHECK;
/** @param error NULL when unknown @param created µs */
kr_err_t *kr_store_error_load(const char **error, apr_time_t *created, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- codes ------------------------------------------------------------------ */

/** A one-time code or link token, as its keyed hash. */
typedef struct {
    const char *id, *kind, *address, *address_id, *identity_id, *code_hash;
    apr_time_t used_at, expires_at; /* used_at 0: not used */
    apr_int64_t epoch;              /* read: of the identity's sessions at that time; 0 without one */
} kr_code_row_t;

/** Forget the codes of a flow: a newer one takes their place. */
kr_err_t *kr_store_codes_drop(kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** All codes of a flow. @param out array of kr_code_row_t */
kr_err_t *kr_store_codes_of_flow(apr_array_header_t **out, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** Use a code, once. @param done 0: somebody was faster */
kr_err_t *kr_store_code_use(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** Use up all open codes of that kind that an identity has in any flow. */
kr_err_t *kr_store_codes_void(kr_ctx_t *k, const char *identity_id, const char *kind) KR_MUST_CHECK;
/** Count one more try of a flow, in the caller's transaction. @param tries the number it is now */
kr_err_t *kr_store_flow_count(int *tries, kr_ctx_t *k, const char *flow_id) KR_MUST_CHECK;
/** Keep the keyed hash of a one-time code that was sent for a flow to an address. */
kr_err_t *kr_store_code_insert(kr_ctx_t *k, const char *id, const char *flow_id, const char *kind, const char *address,
                               const char *address_id, const char *identity_id, const char *code_hash,
                               apr_time_t expires_at) KR_MUST_CHECK;

/**
 * Spend one of what a budget has for each window of time: two statements, in the caller's transaction.
 * @param id      at most 128 bytes: whose it is, a keyed hash
 * @param window  µs; a window begins with the first that is spent after the one before
 * @param used    how many were spent in this one, this included
 */
kr_err_t *kr_store_budget_spend(apr_int64_t *used, kr_ctx_t *k, const char *id, apr_time_t window) KR_MUST_CHECK;

/* -- the mail queue --------------------------------------------------------- */

/** A message. Status: "queued", "sent", "abandoned"; "blank": there was nobody to send it to. */
typedef struct {
    const char *id, *status, *via, *recipient, *template_type;
    const char *sealed;        /* "" once it was sent */
    int attempts;
    const char *last_error;    /* or NULL */
    apr_time_t send_after;     /* not before; while somebody sends it: the end of the lease */
    apr_time_t created_at, updated_at;
} kr_message_row_t;

/** Queue a message: `sealed` is the template data, sealed (it holds the code). */
kr_err_t *kr_store_message_insert(kr_ctx_t *k, const char *id, const char *via, const char *recipient,
                                  const char *template_type, const char *sealed) KR_MUST_CHECK;
/**
 * Claim up to `batch` due messages, oldest first, for `owner` (64 bytes at most) until `until`: nobody else is given them before.
 * One statement when there are none, else three.
 * @param out  array of kr_message_row_t
 */
kr_err_t *kr_store_message_claim(apr_array_header_t **out, kr_ctx_t *k, const char *owner, apr_time_t until, int batch) KR_MUST_CHECK;
/**
 * Messages to one recipient go out in the order they were queued, whoever claimed them: give back those that are too
 * early, due again in a moment.
 * @param claimed  what kr_store_message_claim gave with the same owner and until; those leave it
 */
kr_err_t *kr_store_message_in_turn(apr_array_header_t *claimed, kr_ctx_t *k, const char *owner, apr_time_t until) KR_MUST_CHECK;
/** It was sent. True whoever claims it by now. */
kr_err_t *kr_store_message_sent(kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/** It was not: write status ("queued" or "abandoned"), attempts, send_after, last_error, if `owner` still has the claim. */
kr_err_t *kr_store_message_failed(kr_ctx_t *k, const char *owner, const kr_message_row_t *message) KR_MUST_CHECK;
/** Give back what `owner` has claimed and not dealt with: it is due at once. */
kr_err_t *kr_store_message_release(kr_ctx_t *k, const char *owner) KR_MUST_CHECK;
/**
 * Messages of the realm, the newest first, without `sealed`: those before the id `before` (NULL: the newest), of one status
 * and to one recipient unless these are NULL. Those that are to nobody (kr_courier_queue_nothing) are left out.
 * @param out  array of kr_message_row_t, at most `limit`
 */
kr_err_t *kr_store_message_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient,
                                const char *before, int limit) KR_MUST_CHECK;
/** Queue an abandoned message anew, with all its tries; all of them when `id` is NULL. @param done how many */
kr_err_t *kr_store_message_retry(apr_int64_t *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/* -- for operators ------------------------------------------------------- */

/** The database as it describes itself. */
typedef struct {
    const char *version;
    apr_time_t clock;          /* its own, µs; 0: unknown */
    int connections;           /* how many it allows in all; 0: it does not count them */
} kr_look_server_t;

/** The mail queue of the realm. */
typedef struct {
    apr_int64_t queued, abandoned;
    apr_time_t oldest;         /* when the oldest queued one was made, µs; 0: there is none */
} kr_look_queue_t;

/** Ask the database about itself; works before the tables are there. */
kr_err_t *kr_store_look_server(kr_look_server_t *out, kr_ctx_t *k) KR_MUST_CHECK;
/** How many migrations are applied, and the number of the last. */
kr_err_t *kr_store_look_migrations(int *applied, int *newest, kr_ctx_t *k) KR_MUST_CHECK;
/** Count the realm's messages that wait and those that were given up. */
kr_err_t *kr_store_look_queue(kr_look_queue_t *out, kr_ctx_t *k) KR_MUST_CHECK;

/* -- housekeeping --------------------------------------------------------- */

/** Table families that expire. */
#define KR_SWEEP_FAMILIES 8

/** How far the cleaning of one database has come: of one process, all zero at first. */
typedef struct {
    int family;
    apr_time_t at[KR_SWEEP_FAMILIES];
    apr_int64_t deleted;       /* in all; the caller sets it back */
    int done;                  /* nothing is left that may go now; the next call begins anew */
} kr_sweep_t;

/**
 * Delete about `batch` expired rows of one table family, all realms of this database; flows and sessions by expires_at,
 * revoked sessions, messages and errors by age. Flows that nobody submitted go minutes after they expire, all others a day
 * after. Two small statements, no transaction: call it until sweep->done.
 */
kr_err_t *kr_store_sweep(kr_sweep_t *sweep, kr_ctx_t *k, int batch) KR_MUST_CHECK;

#endif
