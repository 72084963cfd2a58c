/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sites that people sign in with: where a browser is sent, what comes back, and what of it is to be believed (OpenID Connect Core 1.0,
 * RFC 6749, RFC 7636, RFC 9207, RFC 9700). Knows no flow and no account.
 *
 * What differs between kinds of providers is a row of one table (src/provider/kinds.c). Discovery documents are kept in the process,
 * refreshed in time, and asked for less often the longer they fail; key sets are asked for each time.
 */
#ifndef KR_PROVIDER_H
#define KR_PROVIDER_H

#include "kr_ctx.h"
#include "kr_oidc_conf.h"
#include "kr_settings.h"

/** A way to the provider that is about to begin. */
typedef struct {
    const char *state;        /* opaque to the provider */
    const char *redirect_uri; /* exactly as it is going to be sent when the code is redeemed */
    const char *nonce;        /* wanted back in the ID token; NULL: none is sent */
    const json_t *upstream;   /* what the client asks to be handed on: members hd, prompt, auth_type, acr_values; others are dropped; or NULL */
    int again;                /* 1: the person is to prove it once more, though they be signed in there */
    const char *verifier;     /* of PKCE; sent as its S256 challenge where the provider takes that */
} kr_provider_start_t;

/**
 * Where the browser goes.
 * @param pkce  out: 1 when the challenge was sent, and the verifier is wanted with the code
 * @return 500 invalid_configuration when the provider's document cannot be had or read, 503 with Retry-After when too many wait for it
 */
kr_err_t *kr_provider_auth_url(const char **url, int *pkce, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf,
                               const kr_provider_start_t *start) KR_MUST_CHECK;

/** Where the provider sends the browser back to: what has to be entered there, to the letter. */
const char *kr_provider_redirect_uri(apr_pool_t *pool, const kr_settings_t *settings, const kr_oidc_provider_conf_t *conf);

/** What those who run the site want to know of a provider. */
typedef struct {
    const char *asked; /* URL of its document or its keys; NULL: its kind has neither */
    const char *wrong; /* what is wrong with it, in words for them; NULL: nothing */
    apr_time_t clock;  /* what it says it is; 0: it does not say */
    apr_time_t here;   /* and what it was here then */
} kr_provider_looked_t;

/**
 * Ask a provider, past all that is kept: its document, or where its kind has none, its keys. No database handle may be held.
 * @param until  by kr_clock_ticks: it waits no longer
 */
void kr_provider_look(kr_provider_looked_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, apr_time_t until);

/** What the browser brought back. */
typedef struct {
    const char *code;
    const char *redirect_uri; /* of the start */
    const char *verifier;     /* of the start, or NULL */
    const char *nonce;        /* of the start, or NULL: then an ID token may have any */
    const char *iss;          /* of the callback's query (RFC 9207), or NULL */
    const char *user;         /* Apple's form field `user`, JSON, or NULL */
    const char *oauth_token, *oauth_verifier; /* X's, which has those instead of a code, or NULL */
} kr_provider_back_t;

/** Who it is, as the provider says. Strings in k->pool. */
typedef struct {
    const char *subject;      /* never empty */
    json_t *claims;           /* as mappers see them: iss, sub, name, ..., raw_claims; pool-owned */
    const char *id_token, *access_token, *refresh_token; /* or NULL */
    const char *acr;          /* or NULL */
    const json_t *amr;        /* array, or NULL */
} kr_provider_person_t;

/**
 * Is `iss` of a callback what this provider sends? Asked before the code goes anywhere.
 * @return 400 when it is another's, or missing though the provider's document announces it
 */
kr_err_t *kr_provider_check_iss(kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *iss) KR_MUST_CHECK;

/**
 * Redeem a code, once, and learn who it is: by the ID token, by user info, or by what the kind of provider has instead. No database handle
 * may be held.
 * @return 400 with a reason for the person where the provider did not grant what is needed; 403 for an ID token that is not to be
 *         believed; 502 upstream_error where the provider fails or refuses the code; 503 with Retry-After when too many wait for it
 */
kr_err_t *kr_provider_redeem(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf,
                             const kr_provider_back_t *back) KR_MUST_CHECK;

/** Does this kind of provider take ID tokens that an app got by itself? */
int kr_provider_takes_id_token(const kr_oidc_provider_conf_t *conf);

/**
 * Verify an ID token that an app or a browser got by itself. Its audience is the client id, or one of the additional ones.
 * @param nonce  that it must have, exactly; NULL or "": the token must have none
 * @return 403 for a token that is not to be believed, or none; 502 upstream_error for another nonce; 502, 503 as kr_provider_redeem
 */
kr_err_t *kr_provider_id_token(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *token,
                               const char *nonce) KR_MUST_CHECK;

/**
 * Whose token is it? By the `iss` and `aud` that it claims, unverified: to choose the provider whose keys it is then verified with.
 * @param among  of kr_oidc_provider_conf_t
 * @return NULL when none fits, or more than one
 */
const kr_oidc_provider_conf_t *kr_provider_of_token(kr_ctx_t *k, const apr_array_header_t *among, const char *token);
/** The nonce that a token claims, unverified, or NULL. */
const char *kr_provider_nonce_of(kr_ctx_t *k, const char *token);

/** What the owner's mapper made of the claims. Pool-owned; what it did not say is NULL. */
typedef struct {
    json_t *traits;              /* object, never NULL */
    json_t *metadata_public, *metadata_admin; /* objects */
    json_t *verified_addresses;  /* array of {"value","via"}; e-mail addresses lower-cased and trimmed */
} kr_mapped_t;

/**
 * Run the mapper, within its limits of time and memory.
 * @param identity  {"traits","metadata_public","metadata_admin"} of the account as it is; NULL: there is none yet
 * @return 400 with a reason when it fails, takes too long, or makes what is no identity
 */
kr_err_t *kr_provider_map(kr_mapped_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const json_t *claims,
                          const json_t *identity) KR_MUST_CHECK;

#endif
