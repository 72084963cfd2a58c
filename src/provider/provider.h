/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/provider: what a kind of provider is, and one conversation with a provider. */
#ifndef KR_PROVIDER_PROVIDER_H
#define KR_PROVIDER_PROVIDER_H

#include "kr_net.h"
#include "kr_provider.h"

typedef struct kr_provider_kind_t kr_provider_kind_t;

/** Where a provider is spoken to, and what it understands. */
typedef struct {
    const char *issuer; /* that its tokens must name; NULL where there are none */
    const char *authorization, *token, *userinfo, *keys;
    int s256;           /* it takes proof keys */
    int says_iss;       /* its callbacks carry `iss` */
    int secret_in_form; /* the client's secret goes into the form of the token call, not into a header */
} kr_places_t;

/** One conversation: what a request asks of a provider. Its calls have one limit of time together. */
typedef struct {
    kr_ctx_t *k;
    const kr_oidc_provider_conf_t *conf;
    const kr_provider_kind_t *kind;
    apr_time_t until; /* by kr_clock_ticks */
    kr_places_t at;
} kr_talk_t;

/** What came for a code. */
typedef struct {
    const json_t *answer;       /* of the token call, whole */
    const char *access, *id, *refresh; /* or NULL */
} kr_tokens_t;

/** What differs between the kinds of providers. Constants. */
struct kr_provider_kind_t {
    const char *name;
    const char *issuer;  /* NULL: as the settings say */
    kr_places_t at;      /* what is fixed; the rest is found by the provider's document */
    unsigned discovers : 1; /* it has such a document */
    unsigned openid : 1; /* its scope has `openid`, and an ID token comes with the code */
    unsigned native : 1; /* takes ID tokens that apps got by themselves */
};

/* -- kinds.c */

/** The kind of a provider. Never NULL: the settings know no other words. */
const kr_provider_kind_t *kr_provider_kind(const kr_oidc_provider_conf_t *conf);

/* -- talk.c */

/** Begin. Finds the places, which may take a call. @return 500 invalid_configuration when its document cannot be had */
kr_err_t *kr_talk_begin(kr_talk_t *talk, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf) KR_MUST_CHECK;
/** A call within what is left of the conversation's time. @return as kr_net_call */
kr_err_t *kr_talk_call(kr_net_reply_t *reply, kr_talk_t *talk, kr_net_request_t *req) KR_MUST_CHECK;
/** An object from one of the provider's places, by the access token. @return 502 when it is none */
kr_err_t *kr_talk_ask(json_t **out, kr_talk_t *talk, const char *url, const char *access_token) KR_MUST_CHECK;
/** 502: the provider did not do its part. `why` goes into the log. */
kr_err_t *kr_talk_failed(kr_talk_t *talk, const char *why) KR_NEVER_NULL;

/* -- token.c */

/** What an ID token must fit. */
typedef struct {
    const char *issuer;
    const char *nonce;    /* exactly; NULL: any */
    int additional;       /* 1: additional_id_token_audiences count too */
} kr_token_wanted_t;

/**
 * Verify an ID token: signature by the provider's keys, issuer, audience, times, nonce, subject.
 * @param claims  all that it says
 * @return 403, 400 when it is no token at all, or 502 when the keys cannot be had
 */
kr_err_t *kr_token_verify(json_t **claims, kr_talk_t *talk, const char *token, const kr_token_wanted_t *wanted) KR_MUST_CHECK;

/** The part of a token, unverified, as an object: 0 its header, 1 its claims. NULL: it is no token. */
json_t *kr_token_part(apr_pool_t *pool, const char *token, int part);

/** Is its audience the client, or (`additional`) one of the additional ones? */
int kr_token_is_for(const json_t *claims, const kr_oidc_provider_conf_t *conf, int additional);

/* -- claims.c */

/** Claims as mappers know them, out of what the provider said. Members of other types than those known are left out. Pool-owned. */
json_t *kr_claims_of(apr_pool_t *pool, const json_t *said);
/** Who it is, by what the provider said. */
void kr_person_put(kr_provider_person_t *out, kr_talk_t *talk, const json_t *said);

#endif
