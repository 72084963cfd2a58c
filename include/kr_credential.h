/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of credentials there are: one row each, and everybody who treats one differently from another asks it. */
#ifndef KR_CREDENTIAL_H
#define KR_CREDENTIAL_H

#include "kr_identity.h"

/** What a credential can be good for; or-ed. */
enum {
    KR_FACTOR_FIRST = 1, /* it signs in */
    KR_FACTOR_SECOND = 2 /* it is asked for beside the first */
};

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
    /** Its config, of the identifiers alone: who has these traits has the credential, and neither export nor import knows more. NULL: no. */
    const char *(*derive)(apr_pool_t *pool, const apr_array_header_t *identifiers);
    int holds_keys;              /* 1: `credentials` of its config are keys, each with an `id` that no other account may have */
    const char *exported;        /* the member of its config that an export carries, with secrets; NULL: none */
    /** Its config out of what an import brings. NULL: it cannot be imported. @return 400, in words for who wrote it; 503 */
    kr_err_t *(*import)(const char **config, kr_ctx_t *k, const json_t *given);
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

/** The config of a password with that hash: JSON text in the pool. */
const char *kr_password_config(apr_pool_t *pool, const char *hash);

#endif
