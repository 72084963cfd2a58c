/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OAuth 1.0a (RFC 5849), which X still speaks: every call is signed with our secret there, and one is made before a browser is sent. What
 * comes back is a verifier instead of a code; the state travels in the redirect URI, since there is no parameter for it.
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- signatures (RFC 5849 3.4) ---------------------------------------------------------- */

const char *kr_oauth1_signature(apr_pool_t *pool, const char *method, const char *url, const apr_array_header_t *fields, const char *secret,
                                const char *token_secret)
{
    const char *key = apr_pstrcat(pool, kr_url_escape(pool, secret), "&", kr_url_escape(pool, token_secret), NULL);
    const char *place = apr_pstrmemdup(pool, url, strcspn(url, "?"));
    const char *all = kr_url_sorted(pool, "", fields) + 1; /* 3.4.1.3.2, without the "?": there is always a field */
    const char *text = apr_pstrcat(pool, method, "&", kr_url_escape(pool, place), "&", kr_url_escape(pool, all), NULL);
    unsigned char tag[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!HMAC(EVP_sha1(), key, (int)strlen(key), (const unsigned char *)text, strlen(text), tag, &len)) abort();
    return kr_base64(pool, tag, len);
}

static void add(apr_array_header_t *fields, const char *name, const char *value)
{
    const kr_pair_t field = { name, value };

    if (value) APR_ARRAY_PUSH(fields, kr_pair_t) = field;
}

/* 3.5.1 */
static const char *header_of(apr_pool_t *pool, const apr_array_header_t *fields)
{
    const char *out = "OAuth ";

    for (int i = 0; i < fields->nelts; i++) {
        const kr_pair_t *field = &APR_ARRAY_IDX(fields, i, kr_pair_t);

        out = apr_pstrcat(pool, out, i ? ", " : "", field->name, "=\"", kr_url_escape(pool, field->value), "\"", NULL);
    }
    return out;
}

/* -- calls ---------------------------------------------------------------------------------- */

/* What one call is made of. */
typedef struct {
    const char *method, *url;
    kr_pair_t more[2];                 /* fields of its own, or names NULL */
    const char *token, *token_secret;  /* or NULL */
} signed_call_t;

static const char *authorization(const kr_talk_t *talk, const signed_call_t *call)
{
    apr_pool_t *pool = talk->k->pool;
    apr_array_header_t *fields = apr_array_make(pool, 10, sizeof(kr_pair_t)), *signed_fields;
    const char *why, *query = strchr(call->url, '?');

    for (int i = 0; i < KR_DIM(call->more); i++) add(fields, call->more[i].name, call->more[i].value);
    add(fields, "oauth_consumer_key", talk->conf->client_id);
    add(fields, "oauth_nonce", kr_random_alnum(pool, 32));
    add(fields, "oauth_signature_method", "HMAC-SHA1");
    add(fields, "oauth_timestamp", apr_psprintf(pool, "%" APR_INT64_T_FMT, apr_time_sec(talk->k->now)));
    add(fields, "oauth_token", call->token);
    add(fields, "oauth_version", "1.0");
    signed_fields = query ? apr_array_append(pool, fields, kr_form_parse(pool, query + 1, strlen(query + 1), &why)) : fields;
    add(fields, "oauth_signature", kr_oauth1_signature(pool, call->method, call->url, signed_fields, talk->conf->client_secret,
                                                       call->token_secret ? call->token_secret : ""));
    return header_of(pool, fields);
}

static kr_err_t *make_call(kr_net_reply_t *reply, kr_talk_t *talk, const signed_call_t *call)
{
    apr_table_t *headers = apr_table_make(talk->k->pool, 1);
    kr_net_request_t req = { .method = call->method, .url = call->url, .headers = headers };

    apr_table_set(headers, "Authorization", authorization(talk, call));
    KR_TRY(kr_talk_call(reply, talk, &req));
    if (reply->status == 200) return NULL;
    return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "a signed call is answered %d", reply->status));
}

/* Tokens come as a form: oauth_token=...&oauth_token_secret=... */
static kr_err_t *ask_token(const apr_array_header_t **form, kr_talk_t *talk, const signed_call_t *call)
{
    kr_net_reply_t reply;
    const char *why, *token;

    KR_TRY(make_call(&reply, talk, call));
    *form = kr_form_parse(talk->k->pool, reply.body, reply.body_len, &why);
    token = *form ? kr_form_get(*form, "oauth_token") : NULL;
    if (token && *token && kr_form_get(*form, "oauth_token_secret")) return NULL;
    return kr_talk_failed(talk, "a token is not what came");
}

/* -- there and back --------------------------------------------------------------------------- */

static kr_err_t *ask_way(const char **url, kr_talk_t *talk, const kr_provider_start_t *start)
{
    apr_pool_t *pool = talk->k->pool;
    const char *back = kr_url_with(pool, kr_url_with(pool, start->redirect_uri, "state", start->state), "code", "unused");
    const signed_call_t call = { .method = "POST", .url = "https://api.twitter.com/oauth/request_token", .more = { { "oauth_callback", back } } };
    const apr_array_header_t *form;
    const char *confirmed;

    KR_TRY(kr_talk_enter(talk));
    KR_TRY(ask_token(&form, talk, &call));
    confirmed = kr_form_get(form, "oauth_callback_confirmed");
    if (!confirmed || strcmp(confirmed, "true") != 0) return kr_talk_failed(talk, "it does not confirm where people come back to");
    *url = kr_url_with(pool, talk->at.authorization, "oauth_token", kr_form_get(form, "oauth_token"));
    return NULL;
}

kr_err_t *kr_oauth1_start(const char **url, kr_talk_t *talk, const kr_provider_start_t *start)
{
    kr_err_t *err = ask_way(url, talk, start);

    kr_talk_leave(talk);
    return err;
}

kr_err_t *kr_oauth1_person(json_t **said, kr_talk_t *talk, const kr_provider_back_t *back)
{
    const signed_call_t redeem = {
        .method = "POST", .url = talk->at.token, .more = { { "oauth_verifier", back->oauth_verifier } }, .token = back->oauth_token,
    };
    signed_call_t look = { .method = "GET", .url = talk->at.person };
    const apr_array_header_t *form;
    kr_net_reply_t reply;

    if (!back->oauth_token || !back->oauth_verifier) return kr_err(talk->k, 400, NULL, "the sign-in was called off at the provider");
    KR_TRY(ask_token(&form, talk, &redeem));
    look.token = kr_form_get(form, "oauth_token");
    look.token_secret = kr_form_get(form, "oauth_token_secret");
    if (kr_talk_is_asked(talk, "email")) look.url = apr_pstrcat(talk->k->pool, look.url, "?include_email=true", NULL);
    KR_TRY(make_call(&reply, talk, &look));
    *said = kr_json_parse(talk->k->pool, reply.body, reply.body_len, NULL);
    return json_is_object(*said) ? NULL : kr_talk_failed(talk, "what it knows of a person is no object");
}
