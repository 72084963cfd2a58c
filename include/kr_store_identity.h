/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of identities, with their addresses, credentials and identifiers. Every statement is bound to k->realm. */
#ifndef KR_STORE_IDENTITY_H
#define KR_STORE_IDENTITY_H

#include "kr_db.h"

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
    apr_int64_t spent;         /* how much of it is used up */
} kr_credential_row_t;

typedef struct {
    const char *credential_id, *type, *identifier;
} kr_identifier_row_t;

/** A key that only one account of the realm may have: SHA-256 of its id, in hex. */
typedef struct {
    const char *credential_id, *hash;
} kr_key_row_t;

/** An identity with what was asked for. Arrays of the row types above, never NULL. */
typedef struct kr_identity_rows_t {
    kr_identity_row_t identity;
    apr_array_header_t *addresses;   /* by position */
    apr_array_header_t *credentials;
    apr_array_header_t *identifiers;
    apr_array_header_t *keys;        /* only to be inserted; NULL: none */
} kr_identity_rows_t;

/**
 * Insert all of it: a statement each for the identity, credentials, identifiers, addresses and keys that there are.
 * KR duplicate when a key is taken.
 */
kr_err_t *kr_store_identity_insert(kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;
/** By credential type and identifier: one statement. Identity, that credential, addresses. @param out NULL when none */
kr_err_t *kr_store_identity_find(kr_identity_rows_t **out, kr_ctx_t *k, const char *type, const char *identifier) KR_MUST_CHECK;
/** By a key that one of its credentials holds (kr_key_row_t.hash): as kr_store_identity_find, without identifiers. */
kr_err_t *kr_store_identity_by_key(kr_identity_rows_t **out, kr_ctx_t *k, const char *hash) KR_MUST_CHECK;
/** By id: identity and addresses in one statement; credentials and identifiers in one more when asked. @param out NULL when none */
kr_err_t *kr_store_identity_load(kr_identity_rows_t **out, kr_ctx_t *k, const char *id, int with_credentials) KR_MUST_CHECK;
/**
 * Keep all others from changing it until the transaction ends, on other nodes of a cluster too: its row is written, the version
 * grows. @param done 0: there is none
 */
kr_err_t *kr_store_identity_lock(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;
/**
 * Write what a change of traits or metadata touches: one statement. The state is left alone.
 * @param identity  as it was read, its version included
 * @param done      0: somebody has changed it since, and nothing was written
 */
kr_err_t *kr_store_identity_update(int *done, kr_ctx_t *k, const kr_identity_row_t *identity) KR_MUST_CHECK;
/** Write available_aal alone: no change of the account, so the version stays. Nothing, when it is not of that version any more. */
kr_err_t *kr_store_identity_level(kr_ctx_t *k, const char *id, apr_int64_t version, const char *available_aal) KR_MUST_CHECK;
/** Insert more credentials, identifiers and addresses of an identity that exists: a statement for each kind that has rows. */
kr_err_t *kr_store_identity_add(kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;
/** Forget all keys of a credential. */
kr_err_t *kr_store_keys_delete(kr_ctx_t *k, const char *credential_id) KR_MUST_CHECK;
/** Forget all identifiers of a credential. */
kr_err_t *kr_store_identifiers_delete(kr_ctx_t *k, const char *credential_id) KR_MUST_CHECK;
/** Delete a credential with its identifiers. */
kr_err_t *kr_store_credential_delete(kr_ctx_t *k, const char *credential_id) KR_MUST_CHECK;
/** Delete an address; codes sent to it go too. */
kr_err_t *kr_store_address_delete(kr_ctx_t *k, const char *address_id) KR_MUST_CHECK;
/** Mark an address of that identity verified: status completed, verified_at now. */
kr_err_t *kr_store_address_verified(kr_ctx_t *k, const char *identity_id, const char *address_id) KR_MUST_CHECK;
/** The verifiable or recovery address of that value, with its identity's id. @param identity_id NULL when nobody has it */
kr_err_t *kr_store_address_find(const char **identity_id, const char **address_id, kr_ctx_t *k, int recovery, const char *via,
                                const char *value) KR_MUST_CHECK;
/**
 * Replace a credential by another secret.
 * @param was   as it was read
 * @param done  0: it is not of that version any more, or was used meanwhile, and nothing was written
 */
kr_err_t *kr_store_credential_update(int *done, kr_ctx_t *k, const kr_credential_row_t *was, const char *config,
                                     apr_int64_t spent) KR_MUST_CHECK;
/** Replace a credential's config by another form of the same secret: its version stays. @param done as with kr_store_credential_update */
kr_err_t *kr_store_credential_rehash(int *done, kr_ctx_t *k, const char *id, apr_int64_t version, const char *config) KR_MUST_CHECK;
/**
 * Which credential types does the holder of this identifier have? A password credential that only reserves the identifiers
 * (config "{}") is none. One statement; array of const char*, empty when unknown.
 */
kr_err_t *kr_store_identifier_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier) KR_MUST_CHECK;
/**
 * Set the status ("sent", ...) and updated_at of an address that is not verified yet; others stay as they are: anybody may ask for a mail.
 * Other nodes that remember its owner's sessions are not told: they show it a minute later.
 */
kr_err_t *kr_store_address_status(kr_ctx_t *k, const char *identity_id, const char *address_id, const char *status) KR_MUST_CHECK;

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

#endif
