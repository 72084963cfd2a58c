/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of credentials there are: one row each, and everybody who treats one differently from another asks it. */
#ifndef KR_CREDENTIAL_H
#define KR_CREDENTIAL_H

#include "kr_identity.h"
#include "kr_webauthn.h"

/** What a credential can be good for; or-ed. */
enum {
    KR_FACTOR_FIRST = 1, /* it signs in */
    KR_FACTOR_SECOND = 2 /* it is asked for beside the first */
};

/** Something that an account has to sign in with, as its person knows it: of keys each by itself. */
typedef struct {
    const char *type;       /* of its credential */
    const char *key;        /* which of its type: of a key its id in lower-case hex, as forms name it, of a provider "provider:subject";
                               NULL: there is but one */
    const char *name;       /* what its person called it, of a provider its id: one line of at most 64 characters to be seen; or NULL */
    unsigned factors;       /* KR_FACTOR_...: as what it counts here and now */
    int left;               /* recovery codes that are not used yet; -1: it is no codes */
    apr_time_t added_at;    /* µs */
    const char *print;      /* what tells it from another one in its place: part of a secret's hash or seal, not to be shown; or NULL */
} kr_factor_t;

/** Append what a credential holds. @param out  array of kr_factor_t @param config  its config, read */
typedef void kr_factors_fn(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config);

/** A credential that is to be made of what an import brings. */
typedef struct {
    const char *config;
    apr_array_header_t *identifiers; /* of const char*; NULL: those that the traits name */
} kr_imported_t;

/** A kind of credentials. Constant: all that is somebody's stands in kr_credential_t. */
typedef struct {
    const char *type;            /* as in rows and on the wire */
    unsigned factors;            /* all that it can be, whatever the settings say */
    int normalised;              /* 1: identifiers are what people type (kr_identifier_normalise); 0: each means exactly what it says */
    int (*identifies)(const kr_leaf_t *leaf); /* do values of this trait become its identifiers? NULL: they are no traits */
    /** As which factors it counts in this realm, as it is set up: 0 when it is not. */
    unsigned (*counts)(kr_ctx_t *k, const kr_credential_t *credential, const json_t *config);
    /**
     * In how many ways it signs in by itself; NULL: in none. Asked of each kind, whether the account has a credential of it or not
     * (`credential` is NULL then; `config` is NULL then, too, and when it cannot be read).
     */
    int (*ways)(kr_ctx_t *k, const kr_credential_t *credential, const json_t *config);
    kr_factors_fn *list;         /* the factors in it; NULL: it is one, where it counts */
    /** Its config, of the identifiers alone: who has these traits has the credential, and neither export nor import knows more. NULL: no. */
    const char *(*derive)(apr_pool_t *pool, const apr_array_header_t *identifiers);
    int holds_keys;              /* 1: `credentials` of its config are keys, each with an `id` that no other account may have */
    /** Its config as an export carries it, with secrets: what `import` takes back. NULL: none. @return NULL: it cannot leave this realm */
    json_t *(*exported)(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential);
    /** Make a credential out of the config that an import brings. NULL: there is none. @return 400, in words for who wrote it; 503 */
    kr_err_t *(*import)(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given);
} kr_credential_kind_t;

/** Every kind there is; the row behind the last has no type. */
extern const kr_credential_kind_t kr_credential_kinds[];

/** The kind of that type; NULL when this version does not know it. */
const kr_credential_kind_t *kr_credential_kind(const char *type);

/** Do values of this trait become identifiers of any kind? */
int kr_leaf_identifies(const kr_leaf_t *leaf);

/**
 * As which factors (KR_FACTOR_...) it counts here and now. A config that cannot be read counts as all that its kind can be, as one
 * question too many is better than none; a type that is not known here counts as a first factor.
 */
unsigned kr_credential_factors(kr_ctx_t *k, const kr_credential_t *credential);

/**
 * In how many ways an account with this credential of that kind can be signed in to by the kind alone (kr_identity_first_factors sums
 * them up). @param credential  NULL when the account has none of it
 */
int kr_credential_ways(kr_ctx_t *k, const kr_credential_kind_t *kind, const kr_credential_t *credential);

/** SHA-256, in hex, of the ids of the keys that it holds: array of const char*, in the order of its config. */
apr_array_header_t *kr_credential_keys(kr_ctx_t *k, const kr_credential_t *credential);

/** Its config as JSON, pool-owned; NULL when it cannot be read. */
const json_t *kr_credential_config(kr_ctx_t *k, const kr_credential_t *credential);

/**
 * All that the account has to sign in with, in the order of its credentials, what does not count here and now included, as a key that
 * nobody is found by. A credential that cannot be read is one factor without a key. @return array of kr_factor_t
 */
apr_array_header_t *kr_identity_factors(kr_ctx_t *k, const kr_identity_t *identity);

/** What has become of a factor. */
typedef enum { KR_FACTOR_ADDED, KR_FACTOR_REMOVED, KR_FACTOR_REPLACED } kr_factor_change_e;

/** One change of what an account has to sign in with. */
typedef struct {
    kr_factor_change_e is;
    const kr_factor_t *factor; /* as it is, or (REMOVED) as it was */
} kr_factor_change_t;

/**
 * What was added, removed, or is another one in the same place (another password, recovery codes made anew) between two states of an
 * account, both with credentials. What follows from the traits alone (codes to addresses) is no change of these.
 * @return array of kr_factor_change_t, what was removed first
 */
apr_array_header_t *kr_factor_changes(kr_ctx_t *k, const kr_identity_t *before, const kr_identity_t *now);

/** Can factors of that type be taken away by kr_identity_remove_factor: keys, and what is nothing but a second factor? */
int kr_factor_removable(const char *type);
/**
 * Take factors of such a type out of a copy of an account: the one with that key, or all when `key` is NULL. A credential that is left
 * without any goes with them. What is last is not asked here (kr_identity_first_factors). @return how many
 */
int kr_identity_remove_factor(kr_ctx_t *k, kr_identity_t *identity, const char *type, const char *key);

/** What an account has at a site that its person signs in with. */
typedef struct {
    const char *provider;   /* its id in the settings: no colon in it */
    const char *subject;    /* who they are there; any text */
    const char *id_token, *access_token, *refresh_token; /* in plain, kept sealed where they are of usual size; NULL: none */
} kr_linked_t;

/** The identifier by which such an account is found: "provider:subject". It means exactly what it says. */
const char *kr_linked_identifier(apr_pool_t *pool, const char *provider, const char *subject);
/** Has the account a subject of that provider? @param identity  with its credentials */
int kr_identity_is_linked(const kr_identity_t *identity, const char *provider);
/** Add it to an account in memory: one that is being made, or a copy. Strings are kept. */
void kr_identity_link(kr_ctx_t *k, kr_identity_t *identity, const kr_linked_t *linked);
/** Take all of a provider's out of a copy of an account. What is last is not asked here. @return how many */
int kr_identity_unlink(kr_ctx_t *k, kr_identity_t *identity, const char *provider);

/** The config of an authenticator app: its URL, sealed for that identity alone with the newest secret. */
const char *kr_totp_config(kr_ctx_t *k, const char *identity_id, const char *url);
/** The URL that is sealed in it. @return NULL when no secret opens it, which the log says */
const char *kr_totp_url_of(kr_ctx_t *k, const char *identity_id, const kr_credential_t *credential);

/**
 * The keyed hash of a recovery code, bound to that identity: what is kept of it.
 * @param secret  which of the realm's secrets: 0 makes, all verify
 * @param code    as codes are, without capitals, blanks and dashes
 */
const char *kr_lookup_hash(kr_ctx_t *k, const char *identity_id, int secret, const char *code);

/** Keys of one credential, where they are of usual size. */
#define KR_KEYS_MAX 40
/** A user handle of keys as identifier: itself where it is text, else base64url. */
const char *kr_key_handle(apr_pool_t *pool, kr_bytes_t handle);

/** The config of a password with that hash: JSON text in the pool. */
const char *kr_password_config(apr_pool_t *pool, const char *hash);

#endif
