/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: traits, credentials, addresses. Loading and saving them, and reading traits out of a submitted form. */
#ifndef KR_IDENTITY_H
#define KR_IDENTITY_H

#include "kr_aal.h"
#include "kr_schema.h"

/* rows of the store: whoever has some includes kr_store_identity.h */
typedef struct kr_identity_rows_t kr_identity_rows_t;
/* wrong tries: kr_db.h */
typedef struct kr_tries_t kr_tries_t;

/** An address that can be verified or that helps to recover. */
typedef struct {
    const char *id;
    const char *value;      /* normalised */
    const char *via;        /* "email" or "sms" */
    int recovery;           /* 1: recovery address, 0: verifiable address */
    int verified;
    const char *status;     /* "pending", "sent", "completed"; verifiable addresses only */
    apr_time_t verified_at; /* µs, 0 for never */
    apr_time_t created_at, updated_at;
} kr_address_t;

/** One credential: a type, its configuration, the identifiers that find it. */
typedef struct {
    const char *id;
    const char *type;               /* "password", "code", ... */
    const char *config;             /* JSON text; what is secret in it is hashed or sealed */
    apr_array_header_t *identifiers; /* of const char*, normalised */
    apr_time_t created_at, updated_at;
    apr_int64_t version;            /* grows when it becomes another secret, not when that is hashed anew */
    apr_int64_t spent;              /* how much of it is used up, as its kind counts: a time step, a number of uses; 0: nothing */
} kr_credential_t;

typedef struct {
    const char *id;
    const char *schema_id;
    const char *state;              /* "active" or "inactive" */
    apr_time_t state_changed_at;
    json_t *traits;
    json_t *metadata_public;        /* NULL: null */
    json_t *metadata_admin;         /* NULL: null; only loaded where it is needed */
    const char *external_id;        /* or NULL */
    kr_aal_e available_aal;         /* what its credentials reach at most (kr_identity_aal_most) */
    apr_array_header_t *addresses;   /* of kr_address_t */
    apr_array_header_t *credentials; /* of kr_credential_t; empty unless asked for */
    int whole;                       /* 1: its credentials are there, all of them */
    apr_time_t created_at, updated_at;
    apr_int64_t version;             /* as it was read: grows with every change */
    apr_int64_t epoch;               /* as it was read: sessions of another one are over */
} kr_identity_t;

/** The identity as the public API shows it. New reference, pool-owned. */
json_t *kr_identity_json(kr_ctx_t *k, const kr_identity_t *identity);

/**
 * Normalise a password, code or webauthn identifier for writing and looking up: e-mail addresses and user names trimmed,
 * width-folded, NFKC, lower-cased, without control and bidi characters, an internationalised domain in its ASCII form (RFC 5890);
 * phone numbers in international form to E.164.
 * @return NULL when nothing is left or it is longer than 255 characters
 */
const char *kr_identifier_normalise(apr_pool_t *pool, const char *raw);

/** A valid address for `via`, normalised; NULL when it is none (email: <= 254 bytes; sms: E.164). */
const char *kr_address_normalise(apr_pool_t *pool, const char *via, const char *raw);

/** A normalised address as people know it: the ASCII form of a domain back in its letters. For words alone, never for values. */
const char *kr_address_shown(apr_pool_t *pool, const char *address);

/**
 * How what somebody typed, or what is stored, would be reached: "email" when there is an @ in it (a wide one, too: it becomes one),
 * as no phone number has one and every e-mail address must; else "sms". "+ana@example.org" is an e-mail address.
 */
const char *kr_address_via(const char *address);

/**
 * Read a schema's paths out of a submitted body.
 * @param out     {"traits": {...}} with every object path of the schema present
 * @param body    the decoded body: JSON object as sent, or of a form {"name": "value" | ["v1","v2"]} with dotted names
 * @param is_form 1 when the body came as a form: values are strings and get coerced
 */
void kr_traits_decode(json_t **out, apr_pool_t *pool, const kr_schema_t *schema, const json_t *body, int is_form);

/**
 * The identifiers a credential of `type` gets from the traits ("password", "code", "webauthn"), normalised, no doubles.
 * @return array of const char*
 */
apr_array_header_t *kr_traits_identifiers(apr_pool_t *pool, const kr_schema_t *schema, const json_t *traits,
                                          const char *type);

/** Does a leaf of the schema count for something? */
typedef int kr_leaf_counts_fn(const kr_leaf_t *leaf);
/** The first text that is not empty among the traits that count; NULL when there is none. Borrowed. */
const char *kr_traits_text(kr_ctx_t *k, const kr_identity_t *identity, kr_leaf_counts_fn *counts);

/**
 * Give `identity` the addresses its traits call for: kept values keep id and state, new ones begin unverified, others go.
 * Also rewrites phone traits to E.164.
 * @return 1, or 0 with *bad_path naming a trait that is no address for its `via`
 */
int kr_traits_addresses(kr_ctx_t *k, kr_identity_t *identity, const kr_schema_t *schema, const char **bad_path);

/* -- keeping them --------------------------------------------------------- */

/**
 * Write a new identity with its credentials, identifiers and addresses: four statements, inside the caller's transaction.
 * @return 409 "duplicate" (id NULL) when an identifier or address is taken; the caller rolls back
 */
kr_err_t *kr_identity_insert(kr_ctx_t *k, kr_identity_t *identity) KR_MUST_CHECK;

/**
 * Find by identifier and credential type: one statement; identity with that credential and its addresses.
 * @param out  NULL when nobody has it
 */
kr_err_t *kr_identity_by_identifier(kr_identity_t **out, kr_ctx_t *k, const char *type, const char *identifier) KR_MUST_CHECK;

/**
 * Find by the id of a security key or passkey, as its credential's config has it: one statement; identity with that credential, whose
 * identifiers are not read, and its addresses.
 * @param out         NULL when nobody has it
 * @param credential  that holds it; of `out`
 */
kr_err_t *kr_identity_by_key(kr_identity_t **out, const kr_credential_t **credential, kr_ctx_t *k, const char *key_id) KR_MUST_CHECK;

/** Load by id with addresses and, when asked, credentials. @param out NULL when there is none in this realm */
kr_err_t *kr_identity_load(kr_identity_t **out, kr_ctx_t *k, const char *id, int with_credentials) KR_MUST_CHECK;

/** Is there one of that id in this realm, whatever it holds? @param id  as it is stored; NULL when there is none */
kr_err_t *kr_identity_known(const char **id, kr_ctx_t *k, const char *asked) KR_MUST_CHECK;

/**
 * Whose identifier is it, of whatever credential type? Normalised; one statement.
 * @param id      NULL when it is nobody's; of several the one whose type comes first
 * @param owners  how many accounts have it: 0, 1, or 2 for more than one
 */
kr_err_t *kr_identity_owner(const char **id, int *owners, kr_ctx_t *k, const char *identifier) KR_MUST_CHECK;

/**
 * Which credential types does the holder of this identifier have? Normalised. A password that only reserves the identifiers is none.
 * One statement; array of const char*, empty when nobody has it.
 */
kr_err_t *kr_identity_types(apr_array_header_t **types, kr_ctx_t *k, const char *identifier) KR_MUST_CHECK;

/** Whose address is it, a verifiable or a recovery one? Normalised; one statement. @param identity_id  NULL when nobody has it */
kr_err_t *kr_address_find(const char **identity_id, const char **address_id, kr_ctx_t *k, int recovery, const char *via,
                          const char *value) KR_MUST_CHECK;

/**
 * Ids of the realm's identities in the order of their making, those after `after` (NULL: the first). One statement.
 * @param part  only those with an identifier that holds this text; or NULL
 * @param out   array of const char*, at most `limit`
 */
kr_err_t *kr_identity_page(apr_array_header_t **out, kr_ctx_t *k, const char *part, const char *after, int limit) KR_MUST_CHECK;

/**
 * Somebody whom there is not, made as an identity from the store is: for work that must take as long for nobody as for
 * somebody. It is never stored, and nothing of it is sent.
 * @param via  "email" or "sms", of `address`
 */
kr_identity_t *kr_identity_nobody(kr_ctx_t *k, const char *via, const char *address);

/**
 * All of an identity that is no JSON and no list, out of rows that came with something else (a session); the rest is not there until
 * kr_identity_unfold, with the same rows.
 */
kr_err_t *kr_identity_plain(kr_identity_t **out, kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;
/** The rest. @return 500 when what is stored is no JSON */
kr_err_t *kr_identity_unfold(kr_identity_t *identity, kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;

/** An identity out of rows that came with something else (a session). @param out NULL when `rows` is NULL */
kr_err_t *kr_identity_from_rows(kr_identity_t **out, kr_ctx_t *k, const kr_identity_rows_t *rows) KR_MUST_CHECK;

/**
 * Take an identity for a change, inside the caller's transaction: nobody else changes it until that ends, on other nodes of a
 * cluster either. Whoever read it before finds its version grown.
 * @param out  as it is now, with credentials; NULL when there is none
 */
kr_err_t *kr_identity_lock(kr_identity_t **out, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/**
 * Write what distinguishes `identity` from `before` (the same one as kr_identity_lock gave it): traits, metadata, state, addresses,
 * credentials and their identifiers, and the level that it can reach with them. An address that is another has another id. Inside the caller's transaction.
 * @return 409 duplicate when an identifier or address is taken; the caller rolls back
 */
kr_err_t *kr_identity_update(kr_ctx_t *k, kr_identity_t *identity, const kr_identity_t *before) KR_MUST_CHECK;

/**
 * Let somebody in again, or no more: "active" or "inactive". It follows from nothing that was read, so it takes no lock; who changes
 * the account at the same moment, or signs in to it, finds its version grown. One statement. @param done  0: there is no such identity
 */
kr_err_t *kr_identity_set_state(int *done, kr_ctx_t *k, const char *id, const char *state) KR_MUST_CHECK;

/** Delete an identity with all that belongs to it, its sessions among it. One statement. @param done  0: there is none of that id */
kr_err_t *kr_identity_delete(int *done, kr_ctx_t *k, const char *id) KR_MUST_CHECK;

/** A message to an address of somebody's is queued: its status is "sent", if it is not verified yet. In the caller's transaction. */
kr_err_t *kr_address_sent(kr_ctx_t *k, const char *identity_id, const char *address_id) KR_MUST_CHECK;

/** Somebody has proved that an address is theirs: it is verified from now on. In the caller's transaction. */
kr_err_t *kr_address_verified(kr_ctx_t *k, const char *identity_id, const char *address_id) KR_MUST_CHECK;

/** The level that the account reaches with its credentials, by the methods that are switched on: as it stands in `identity`, here and now. */
kr_aal_e kr_identity_aal(kr_ctx_t *k, const kr_identity_t *identity);

/**
 * The level that it reaches at most, once all methods are on that its credentials are of: what the column available_aal keeps. Settings
 * change without the account being written, so it says only whom nobody need ask for a second factor. Codes count as the settings have
 * it when it is written: for whom they may count later, traits say.
 */
kr_aal_e kr_identity_aal_most(kr_ctx_t *k, const kr_identity_t *identity);

/**
 * The settings may have changed since the account was written: have its row keep the level of now, which spares requests a look at its
 * credentials. One statement, if it keeps another; nothing is written when somebody has changed the account since it was read.
 * @param identity  with its credentials
 */
kr_err_t *kr_identity_keep_aal(kr_ctx_t *k, kr_identity_t *identity) KR_MUST_CHECK;

/**
 * In how many ways the account can be signed in to as it stands in `identity` (with its credentials), by methods that are on,
 * counted as Kratos does: what would leave none is refused, so that nobody shuts themselves out. Keys and providers count one by one; a
 * config that cannot be read, and a type that is not known here, counts as none.
 */
int kr_identity_first_factors(kr_ctx_t *k, const kr_identity_t *identity);

/** A copy whose traits, addresses and credentials may be changed without touching the original. */
kr_identity_t *kr_identity_copy(kr_ctx_t *k, const kr_identity_t *identity);

/** Take the credential of that type, if there is one, out of a copy. */
void kr_identity_remove_credential(kr_identity_t *identity, const char *type);

/** The same secret, hashed anew (at login). Nothing is written when the credential has become another one since it was read. */
kr_err_t *kr_credential_rehash(kr_ctx_t *k, const kr_credential_t *credential, const char *config) KR_MUST_CHECK;

/** The credential of that type, or NULL. */
const kr_credential_t *kr_identity_credential(const kr_identity_t *identity, const char *type);

#endif
