/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/provider: what a kind of provider is, and one conversation with a provider. */
#ifndef KR_PROVIDER_PROVIDER_H
#define KR_PROVIDER_PROVIDER_H

#include "kr_net.h"
#include "kr_provider.h"

typedef struct kr_provider_kind_t kr_provider_kind_t;

/** Where a provider is spoken to, and what it understands. */
typedef struct {
    const char *issuer; /* that its tokens name; may hold "{tenantid}", which stands for any UUID; NULL: it has none */
    const char *authorization, *token, *keys; /* "/path": below the kind's base */
    const char *person; /* what it tells of people: user info, as a rule */
    int s256;           /* it takes proof keys */
    int says_iss;       /* its callbacks carry `iss` */
    int secret_in_form; /* our secret goes into the form of the token call, not into a header */
} kr_places_t;

/** One conversation: what a request asks of a provider. Its calls have one limit of time together. */
typedef struct {
    kr_ctx_t *k;
    const kr_oidc_provider_conf_t *conf;
    const kr_provider_kind_t *kind;
    const char *base; /* what its places stand below, without a slash at its end; or NULL */
    kr_places_t at;
    apr_time_t until; /* by kr_clock_ticks; 0: no place to wait in was taken yet */
    int place;        /* of kr_share_take; -1: none */
} kr_talk_t;

/** What came for a code. Strings may be NULL. */
typedef struct {
    const json_t *answer; /* whole */
    const char *access, *id, *refresh;
} kr_tokens_t;

/** What is at hand while claims are made. */
typedef struct {
    kr_talk_t *talk;
    const kr_tokens_t *tokens;
    const kr_provider_back_t *back; /* NULL: an app brought the token */
    const json_t *said;             /* what the provider said of the person */
} kr_learning_t;

/** Completes claims by what one kind of provider says in its own way. */
typedef kr_err_t *kr_claims_fn(json_t *claims, const kr_learning_t *all);

/** What differs between the kinds of providers. Constants. */
struct kr_provider_kind_t {
    const char *name;
    const char *base;       /* where issuer_url says nothing; it may hold "{tenant}" */
    kr_places_t at;         /* what is fixed; of those that have a document the rest is found there */
    unsigned discovers : 1; /* it has such a document (OpenID Connect Discovery) */
    unsigned hosted : 1;    /* there are many of them, and issuer_url says where */
    unsigned openid : 1;    /* an ID token comes with the code, and is what counts */
    unsigned scope_openid : 1; /* the scope `openid` is asked for, though nobody set it; so it is with `openid` */
    unsigned by_userinfo : 1; /* its user info counts, whatever claims_source says */
    unsigned asks_claims : 1; /* it takes the parameter `claims` (requested_claims) */
    unsigned native : 1;    /* takes ID tokens that apps got by themselves */
    unsigned offline : 1;   /* offline_access is no scope there, but the parameter access_type */
    unsigned form_post : 1; /* it answers by POST where a scope is `email` or `name` */
    unsigned signs : 1;     /* our secret there is a token that we sign */
    unsigned trades : 1;    /* what apps have is no ID token yet: it is traded for one at the token place */
    unsigned no_nonce : 1;  /* it does not promise to give a nonce back */
    unsigned oauth1 : 1;    /* it speaks OAuth 1.0a */
    unsigned json : 1;      /* its token call is JSON in words of its own */
    enum { NONCE_WANTED, NONCE_OPTIONAL, NONCE_AS_SAID } nonce; /* of apps' tokens: as the token's nonce_supported says */
    const char *again;      /* value of `prompt` when the person is to prove it once more; NULL: it has none */
    const char *prompt;     /* and when not */
    const char *acr;        /* acr_values, where nobody asks for others */
    const char *granted;    /* what separates the scopes that it says it granted, all of which are needed; NULL: it does not say */
    const char *token_extra[2]; /* a parameter more of the token call */
    const char *header[2];  /* how the access token is shown: header, and what stands before the token; NULL: as Bearer */
    const char *claims;     /* "claim=member.of.what.it.says ..."; NULL: it speaks as OpenID Connect does */
    const char *iss;        /* of claims, where it says none; NULL: the base */
    const char *(*place)(const kr_talk_t *talk, const kr_tokens_t *tokens); /* where it tells of people, when that holds the token; or NULL */
    kr_claims_fn *complete; /* or NULL */
};

/* -- kinds.c */

/** The kind of a provider. Never NULL: the settings know no other words. */
const kr_provider_kind_t *kr_provider_kind(const kr_oidc_provider_conf_t *conf);

/** Stands for any of Microsoft's tenants in an issuer. */
#define KR_ANY_TENANT "{tenantid}"

/* -- talk.c */

/** Begin: no call is made yet. */
void kr_talk_begin(kr_talk_t *talk, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf);
/** Calls are going to be made: their time begins. @return 503 with Retry-After when too many wait for this provider already */
kr_err_t *kr_talk_enter(kr_talk_t *talk) KR_MUST_CHECK;
/** No more calls are made. At the end of every conversation, entered or not. */
void kr_talk_leave(kr_talk_t *talk);
/** A call within what is left of the conversation's time. Entered before. @return as kr_net_call */
kr_err_t *kr_talk_call(kr_net_reply_t *reply, kr_talk_t *talk, kr_net_request_t *req) KR_MUST_CHECK;
/** What its token place says to a body; `headers` has the type of that. Entered before. @return as kr_net_call */
kr_err_t *kr_talk_post(kr_net_reply_t *reply, kr_talk_t *talk, const char *body, apr_table_t *headers) KR_MUST_CHECK;
/** JSON from one of the provider's places, by the access token: an object or a list. @return 502 when it is neither */
kr_err_t *kr_talk_ask(json_t **out, kr_talk_t *talk, const char *url, const char *access_token) KR_MUST_CHECK;
/** 502: the provider did not do its part. `why` goes into the log. */
kr_err_t *kr_talk_failed(kr_talk_t *talk, const char *why) KR_NEVER_NULL;

/** Is that one of the scopes that the settings ask for? */
int kr_talk_is_asked(const kr_talk_t *talk, const char *scope);

/* -- oauth1.c */

/** The base64 of RFC 5849's HMAC-SHA1. @param fields  of kr_pair_t, all that are signed; no name twice. @param token_secret  or "" */
const char *kr_oauth1_signature(apr_pool_t *pool, const char *method, const char *url, const apr_array_header_t *fields, const char *secret,
                                const char *token_secret);
/** Where the browser goes, which takes a call. Ends the conversation. @return 502, 503 */
kr_err_t *kr_oauth1_start(const char **url, kr_talk_t *talk, const kr_provider_start_t *start) KR_MUST_CHECK;
/** Who it is, by a token and its verifier. @return 400 when somebody changed their mind, 502 */
kr_err_t *kr_oauth1_person(json_t **said, kr_talk_t *talk, const kr_provider_back_t *back) KR_MUST_CHECK;

/* -- places.c */

/** Find the places, which takes a call where its document is not at hand. @return 500 invalid_configuration when it cannot be had; 503 */
kr_err_t *kr_places_find(kr_talk_t *talk) KR_MUST_CHECK;
/** Where the document is, of a kind that has one. */
const char *kr_places_document(const kr_talk_t *talk);
/** What is wrong with a document that came from there, or NULL. */
const char *kr_places_wrong(const kr_talk_t *talk, const json_t *document);
/** Its keys, as it publishes them now: one call. @return 502 when they cannot be had, or there are none; 503 */
kr_err_t *kr_places_keys(json_t **set, kr_talk_t *talk) KR_MUST_CHECK;
/** Is that its issuer, as a token or a callback names it? */
int kr_places_is_issuer(const kr_talk_t *talk, const char *iss);

/* -- token.c */

/** What an ID token must fit, beside the provider's keys and issuer. */
typedef struct {
    const char *nonce; /* exactly; NULL: any */
    int additional;    /* 1: additional_id_token_audiences count too */
    int by_code;       /* 1: it is the provider's own answer, whose fault it is when it names nobody: looked at by who asked */
} kr_token_wanted_t;

/**
 * Verify an ID token: signature by the provider's keys, issuer, audience, times, nonce, subject.
 * @param claims  all that it says
 * @return 403, 400 when it is no token at all, or as kr_places_keys
 */
kr_err_t *kr_token_verify(json_t **claims, kr_talk_t *talk, const char *token, const kr_token_wanted_t *wanted) KR_MUST_CHECK;
/** A part of a token, unverified, as an object: 0 its header, 1 its claims. NULL: it is no token. */
json_t *kr_token_part(apr_pool_t *pool, const char *token, int part);
/** Is its audience the client, or (`additional`) one of the additional ones? */
int kr_token_is_for(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional);

/* -- signature.c */

/** Is the token signed by a key of the provider? @param why  out: what is wrong, or NULL */
kr_err_t *kr_signature_check(const char **why, kr_talk_t *talk, const char *token, const json_t *header, const json_t *claims) KR_MUST_CHECK;

/* -- claims.c */

/** Make claims, as mappers know them, of what was learnt, and the person of those. @return 502 when no subject is left */
kr_err_t *kr_claims_make(kr_provider_person_t *out, const kr_learning_t *all) KR_MUST_CHECK;

/* -- peculiar.c: what single kinds say in their own way */

kr_claims_fn kr_claims_github, kr_claims_discord, kr_claims_slack, kr_claims_facebook, kr_claims_vk, kr_claims_yandex, kr_claims_spotify,
    kr_claims_linkedin, kr_claims_microsoft, kr_claims_apple, kr_claims_x;
const char *kr_place_facebook(const kr_talk_t *talk, const kr_tokens_t *tokens);
const char *kr_place_vk(const kr_talk_t *talk, const kr_tokens_t *tokens);

#endif
