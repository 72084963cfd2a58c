/* SPDX-License-Identifier: Apache-2.0 */
/* A code becomes tokens (RFC 6749 4.1.3), and tokens a person. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"
#include "kr_pem.h"
#include "kr_text.h"

#define SIGNED_FOR 300 /* seconds */

/* -- the token call ---------------------------------------------------------------------- */

static void add(apr_pool_t *pool, const char **form, const char *name, const char *value)
{
    if (value) *form = apr_pstrcat(pool, *form, **form ? "&" : "", name, "=", kr_url_escape(pool, value), NULL);
}

/* RFC 6749 2.3.1: both are escaped before they become one. */
static const char *basic(apr_pool_t *pool, const kr_oidc_provider_conf_t *conf)
{
    const char *both = apr_pstrcat(pool, kr_url_escape(pool, conf->client_id), ":", kr_url_escape(pool, conf->client_secret), NULL);

    return apr_pstrcat(pool, "Basic ", kr_base64(pool, both, strlen(both)), NULL);
}

/* Apple's: who signs it has the key. */
static const char *signed_secret(const kr_talk_t *talk)
{
    const json_int_t now = (json_int_t)apr_time_sec(talk->k->now), end = now + SIGNED_FOR;
    const json_t *claims = kr_json_pack(talk->k->pool, "{s:s,s:I,s:I,s:s,s:s}", "iss", talk->conf->apple_team_id, "iat", now, "exp", end, "aud",
                                        talk->at.issuer, "sub", talk->conf->client_id);

    return kr_pem_sign(talk->k->pool, talk->conf->apple_key, claims);
}

static void prove_who_we_are(kr_talk_t *talk, const char **form, apr_table_t *headers)
{
    apr_pool_t *pool = talk->k->pool;

    if (!talk->at.secret_in_form) {
        apr_table_set(headers, "Authorization", basic(pool, talk->conf));
        return;
    }
    add(pool, form, "client_id", talk->conf->client_id);
    add(pool, form, "client_secret", talk->kind->signs ? signed_secret(talk) : talk->conf->client_secret);
}

static const char *form_of(kr_talk_t *talk, const kr_provider_back_t *back, apr_table_t *headers)
{
    apr_pool_t *pool = talk->k->pool;
    const char *form = "";

    apr_table_set(headers, "Content-Type", "application/x-www-form-urlencoded");
    add(pool, &form, "grant_type", "authorization_code");
    add(pool, &form, "code", back->code);
    add(pool, &form, "redirect_uri", back->redirect_uri);
    add(pool, &form, "code_verifier", back->verifier);
    if (talk->kind->token_extra[0]) add(pool, &form, talk->kind->token_extra[0], talk->kind->token_extra[1]);
    prove_who_we_are(talk, &form, headers);
    return form;
}

/* DingTalk's. */
static const char *json_of(const kr_talk_t *talk, const kr_provider_back_t *back, apr_table_t *headers)
{
    json_t *body = kr_json_pack(talk->k->pool, "{s:o,s:o,s:o,s:s}", "clientId", kr_json_string(talk->conf->client_id), "clientSecret",
                                kr_json_string(talk->conf->client_secret), "code", kr_json_string(back->code), "grantType",
                                "authorization_code");

    apr_table_set(headers, "Content-Type", "application/json");
    return kr_json_dump(talk->k->pool, body, NULL);
}

/* Its word for what is wrong goes into the log, as far as it is one (RFC 6749 5.2). */
static kr_err_t *refused(kr_talk_t *talk, const kr_net_reply_t *reply, const json_t *answer)
{
    const char *error = kr_json_str(answer, "error");

    if (!error || strspn(error, "abcdefghijklmnopqrstuvwxyz_") != strlen(error) || strlen(error) > 64) error = "no reason";
    return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "the code was refused with status %d, %s", reply->status, error));
}

static const char *text(const json_t *answer, const char *member)
{
    const char *said = kr_json_str(answer, member);

    return said && *said ? said : NULL;
}

static kr_err_t *read_tokens(kr_tokens_t *out, kr_talk_t *talk, const kr_net_reply_t *reply)
{
    json_t *answer = kr_json_parse(talk->k->pool, reply->body, reply->body_len, NULL);

    if (reply->status != 200 || kr_json_str(answer, "error")) return refused(talk, reply, answer);
    if (!json_is_object(answer)) return kr_talk_failed(talk, "what came for the code is no object");
    out->answer = answer;
    out->access = text(answer, talk->kind->json ? "accessToken" : "access_token");
    out->id = text(answer, "id_token");
    out->refresh = text(answer, talk->kind->json ? "refreshToken" : "refresh_token");
    return NULL;
}

/* Once, whatever comes of it: a code that is seen twice counts as stolen. */
static kr_err_t *exchange(kr_tokens_t *out, kr_talk_t *talk, const kr_provider_back_t *back)
{
    apr_table_t *headers = apr_table_make(talk->k->pool, 4);
    kr_net_reply_t reply;

    KR_TRY(kr_talk_post(&reply, talk, talk->kind->json ? json_of(talk, back, headers) : form_of(talk, back, headers), headers));
    return read_tokens(out, talk, &reply);
}

/* -- who it is ------------------------------------------------------------------------ */

/* Every scope that was asked for must be among those that it says. */
static kr_err_t *check_granted(kr_talk_t *talk, const kr_tokens_t *tokens)
{
    const apr_array_header_t *wanted = talk->conf->scope;
    const char *scope = kr_json_str(tokens->answer, "scope"), *word;
    apr_table_t *granted = apr_table_make(talk->k->pool, 4);
    char *rest = apr_pstrdup(talk->k->pool, scope ? scope : "");

    if (!talk->kind->granted) return NULL;
    while ((word = apr_strtok(rest, talk->kind->granted, &rest))) apr_table_setn(granted, word, word);
    for (int i = 0; i < wanted->nelts; i++) {
        if (!apr_table_get(granted, APR_ARRAY_IDX(wanted, i, const char *)))
            return kr_err(talk->k, 400, NULL, "not everything that is needed was granted; try again and grant all of it");
    }
    return NULL;
}

/* Core 5.3.2: what user info says is of the person of the ID token, or of no use. How somebody signed in the ID token alone says. */
static kr_err_t *ask_userinfo(json_t **said, kr_talk_t *talk, const kr_tokens_t *tokens)
{
    static const char *const OF_TOKEN[] = { "iss", "acr", "amr" };
    const json_t *token = *said;
    const char *sub;

    if (!talk->at.person) return kr_talk_failed(talk, "its document names no userinfo_endpoint");
    KR_TRY(kr_talk_ask(said, talk, talk->at.person, tokens->access));
    sub = kr_json_str(*said, "sub");
    if (!sub || strcmp(sub, kr_json_str(token, "sub")) != 0) {
        kr_log(talk->k, KR_LOG_WARNING, KRLOGNO(0903) "provider %s: its user info is of another subject than its ID token", talk->conf->id);
        return kr_err(talk->k, 403, NULL, "what the provider says of this person does not fit together");
    }
    for (int i = 0; i < KR_DIM(OF_TOKEN); i++) {
        json_t *value = json_object_get(token, OF_TOKEN[i]);

        if (value) json_object_set(*said, OF_TOKEN[i], value);
        else json_object_del(*said, OF_TOKEN[i]);
    }
    return NULL;
}

static kr_err_t *by_id_token(json_t **said, kr_talk_t *talk, const kr_tokens_t *tokens, const kr_provider_back_t *back)
{
    const kr_token_wanted_t wanted = { .nonce = talk->kind->no_nonce ? NULL : back->nonce, .by_code = 1 };
    const json_t *sub;

    if (!tokens->id) return kr_err(talk->k, 400, NULL, "the provider did not say who this is; try again and grant all that it asks for");
    KR_TRY(kr_token_verify(said, talk, tokens->id, &wanted));
    sub = json_object_get(*said, "sub");
    if (!sub || json_is_null(sub) || (json_is_string(sub) && !json_string_length(sub))) return kr_talk_failed(talk, "its ID token names no subject");
    if (!json_is_string(sub)) return kr_err(talk->k, 400, NULL, "the provider names the person by something else than a text");
    return talk->kind->by_userinfo || !strcmp(talk->conf->claims_source, "userinfo") ? ask_userinfo(said, talk, tokens) : NULL;
}

static kr_err_t *by_access_token(json_t **said, kr_talk_t *talk, const kr_tokens_t *tokens)
{
    const char *place = talk->at.person;

    KR_TRY(check_granted(talk, tokens));
    if (talk->kind->place && tokens->access) place = talk->kind->place(talk, tokens);
    return kr_talk_ask(said, talk, place, tokens->access);
}

static kr_err_t *learn(kr_provider_person_t *out, kr_talk_t *talk, const kr_tokens_t *tokens, const kr_provider_back_t *back)
{
    kr_learning_t all = { .talk = talk, .tokens = tokens, .back = back };
    json_t *said = NULL;

    if (talk->kind->oauth1) KR_TRY(kr_oauth1_person(&said, talk, back));
    else if (talk->kind->openid) KR_TRY(by_id_token(&said, talk, tokens, back));
    else KR_TRY(by_access_token(&said, talk, tokens));
    all.said = said;
    return kr_claims_make(out, &all);
}

static kr_err_t *redeem(kr_provider_person_t *out, kr_talk_t *talk, const kr_provider_back_t *back)
{
    kr_tokens_t tokens = { 0 };

    KR_TRY(kr_talk_enter(talk));
    KR_TRY(kr_places_find(talk));
    if (!talk->kind->oauth1) KR_TRY(exchange(&tokens, talk, back));
    KR_TRY(learn(out, talk, &tokens, back));
    out->id_token = tokens.id;
    out->access_token = tokens.access;
    out->refresh_token = tokens.refresh;
    return NULL;
}

kr_err_t *kr_provider_redeem(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const kr_provider_back_t *back)
{
    kr_talk_t talk;
    kr_err_t *err;

    memset(out, 0, sizeof(*out));
    kr_talk_begin(&talk, k, conf);
    err = redeem(out, &talk, back);
    kr_talk_leave(&talk);
    return err;
}
