/* SPDX-License-Identifier: Apache-2.0 */
/* ID tokens that somebody else got: an app on a telephone, or a browser by FedCM. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

int kr_provider_takes_id_token(const kr_oidc_provider_conf_t *conf)
{
    return kr_provider_kind(conf)->native;
}

/* netID's browsers have a token that only its own token place can read. */
static kr_err_t *trade(const char **token, kr_talk_t *talk)
{
    apr_pool_t *pool = talk->k->pool;
    apr_table_t *headers = apr_table_make(pool, 3);
    const char *body = apr_pstrcat(pool, "grant_type=netid_fedcm&fedcm_token=", kr_url_escape(pool, *token), NULL);
    kr_net_reply_t reply;

    apr_table_set(headers, "Content-Type", "application/x-www-form-urlencoded");
    if (talk->conf->net_id_token_origin_header) apr_table_set(headers, "Origin", talk->conf->net_id_token_origin_header);
    KR_TRY(kr_talk_enter(talk));
    KR_TRY(kr_talk_post(&reply, talk, body, headers));
    *token = kr_json_str(kr_json_parse(pool, reply.body, reply.body_len, NULL), "id_token");
    if (*token) return NULL;
    return kr_err(talk->k, 403, NULL, "the provider does not know that token");
}

/* 502, as clients know it: the token is good, and somebody else's. */
static kr_err_t *wrong_nonce(kr_talk_t *talk, const char *why)
{
    kr_log(talk->k, KR_LOG_INFO, KRLOGNO(0904) "provider %s: an ID token is not believed: %s", talk->conf->id, why);
    return kr_err(talk->k, 502, "upstream_error", "the ID token is not to be believed: %s", why);
}

/* Some SDKs cannot send a nonce on. Apple says in the token whether one could. */
static kr_err_t *check_absent_nonce(kr_talk_t *talk, const json_t *claims)
{
    const json_t *supported = json_object_get(claims, "nonce_supported");
    const int could = json_is_true(supported) || (json_is_string(supported) && !strcmp(json_string_value(supported), "true"));

    if (talk->kind->nonce == NONCE_OPTIONAL || (talk->kind->nonce == NONCE_AS_SAID && !could)) return NULL;
    return wrong_nonce(talk, "it has no nonce");
}

/* The nonce of the app, exactly; of a token that says none, as its kind has it. */
static kr_err_t *check_nonce(kr_talk_t *talk, const json_t *claims, const char *wanted)
{
    const json_t *said = json_object_get(claims, "nonce");

    if (said && !json_is_null(said) && !json_is_string(said)) return kr_err(talk->k, 403, NULL, "the ID token is not to be believed: its nonce is no text");
    if (!wanted || !*wanted) return said ? wrong_nonce(talk, "it has a nonce that nobody gave") : check_absent_nonce(talk, claims);
    return json_is_string(said) && kr_equal(json_string_value(said), wanted) ? NULL : wrong_nonce(talk, "its nonce is another");
}

static kr_err_t *read_token(kr_provider_person_t *out, kr_talk_t *talk, const char *token, const char *nonce)
{
    const kr_token_wanted_t wanted = { .additional = 1 };
    kr_learning_t all = { .talk = talk };
    json_t *claims;

    if (!talk->kind->openid) return kr_talk_failed(talk, "this kind of provider has no ID tokens");
    if (talk->kind->trades) KR_TRY(trade(&token, talk));
    KR_TRY(kr_token_verify(&claims, talk, token, &wanted));
    KR_TRY(check_nonce(talk, claims, nonce));
    all.said = claims;
    KR_TRY(kr_claims_make(out, &all));
    out->id_token = apr_pstrdup(talk->k->pool, token);
    return NULL;
}

kr_err_t *kr_provider_id_token(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *token,
                               const char *nonce)
{
    kr_talk_t talk;
    kr_err_t *err;

    memset(out, 0, sizeof(*out));
    kr_talk_begin(&talk, k, conf);
    err = read_token(out, &talk, token, nonce);
    if (err && err->status == 400) err->status = 403; /* whoever sent it had it elsewhere: it is not to be believed */
    kr_talk_leave(&talk);
    return err;
}

/* -- whose it is ------------------------------------------------------------------------ */

static int fits(kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const json_t *claims)
{
    kr_talk_t talk;

    kr_talk_begin(&talk, k, conf);
    if (!claims) return talk.kind->trades;
    return kr_places_is_issuer(&talk, kr_json_str(claims, "iss")) && kr_token_is_for(claims, conf, 1);
}

const kr_oidc_provider_conf_t *kr_provider_of_token(kr_ctx_t *k, const apr_array_header_t *among, const char *token)
{
    const json_t *claims = kr_token_part(k->pool, token, 1);
    const kr_oidc_provider_conf_t *found = NULL;

    for (int i = 0; i < among->nelts; i++) {
        const kr_oidc_provider_conf_t *conf = &APR_ARRAY_IDX(among, i, kr_oidc_provider_conf_t);

        if (!fits(k, conf, claims)) continue;
        if (found) return NULL;
        found = conf;
    }
    return found;
}

const char *kr_provider_nonce_of(kr_ctx_t *k, const char *token)
{
    return kr_json_str(kr_token_part(k->pool, token, 1), "nonce");
}
