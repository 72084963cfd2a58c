/* SPDX-License-Identifier: Apache-2.0 */
/* A code becomes tokens (RFC 6749 4.1.3), and tokens a person. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

static void add(apr_pool_t *pool, const char **form, const char *name, const char *value)
{
    if (value) *form = apr_pstrcat(pool, *form, **form ? "&" : "", name, "=", kr_url_escape(pool, value), NULL);
}

/* RFC 6749 2.3.1: both are escaped before they become one. */
static const char *basic(apr_pool_t *pool, const kr_oidc_provider_conf_t *conf)
{
    const char *both = apr_pstrcat(pool, kr_url_escape(pool, conf->client_id), ":",
                                   kr_url_escape(pool, conf->client_secret ? conf->client_secret : ""), NULL);

    return apr_pstrcat(pool, "Basic ", kr_base64(pool, both, strlen(both)), NULL);
}

static void prove_who_we_are(kr_talk_t *talk, const char **form, apr_table_t *headers)
{
    apr_pool_t *pool = talk->k->pool;

    if (!talk->at.secret_in_form) {
        apr_table_set(headers, "Authorization", basic(pool, talk->conf));
        return;
    }
    add(pool, form, "client_id", talk->conf->client_id);
    add(pool, form, "client_secret", talk->conf->client_secret);
}

/* Its word for what is wrong goes into the log, as far as it is one (RFC 6749 5.2). */
static kr_err_t *refused(kr_talk_t *talk, const kr_net_reply_t *reply, const json_t *answer)
{
    const char *error = kr_json_str(answer, "error");

    if (!error || strspn(error, "abcdefghijklmnopqrstuvwxyz_") != strlen(error) || strlen(error) > 64) error = "no reason";
    return kr_talk_failed(talk, apr_psprintf(talk->k->pool, "the code was refused with status %d, %s", reply->status, error));
}

static kr_err_t *read_tokens(kr_tokens_t *out, kr_talk_t *talk, const kr_net_reply_t *reply)
{
    json_t *answer = kr_json_parse(talk->k->pool, reply->body, reply->body_len, NULL);

    if (reply->status != 200 || kr_json_str(answer, "error")) return refused(talk, reply, answer);
    if (!json_is_object(answer)) return kr_talk_failed(talk, "what came for the code is no object");
    out->answer = answer;
    out->access = kr_json_str(answer, "access_token");
    out->id = kr_json_str(answer, "id_token");
    out->refresh = kr_json_str(answer, "refresh_token");
    return NULL;
}

/* Once, whatever comes of it: a code that is seen twice counts as stolen. */
static kr_err_t *exchange(kr_tokens_t *out, kr_talk_t *talk, const kr_provider_back_t *back)
{
    apr_pool_t *pool = talk->k->pool;
    apr_table_t *headers = apr_table_make(pool, 3);
    kr_net_request_t req = { .method = "POST", .url = talk->at.token, .headers = headers };
    const char *form = "";
    kr_net_reply_t reply;

    apr_table_set(headers, "Content-Type", "application/x-www-form-urlencoded");
    apr_table_set(headers, "Accept", "application/json");
    add(pool, &form, "grant_type", "authorization_code");
    add(pool, &form, "code", back->code);
    add(pool, &form, "redirect_uri", back->redirect_uri);
    add(pool, &form, "code_verifier", back->verifier);
    prove_who_we_are(talk, &form, headers);
    req.body = form;
    req.body_len = strlen(form);
    KR_TRY(kr_talk_call(&reply, talk, &req));
    return read_tokens(out, talk, &reply);
}

/* -- who it is ------------------------------------------------------------------------ */

/* Core 5.3.2: what user info says is of the person of the ID token, or of no use. */
static kr_err_t *ask_userinfo(json_t **said, kr_talk_t *talk, const kr_tokens_t *tokens, const json_t *id_claims)
{
    const char *sub;

    if (!talk->at.userinfo) return kr_talk_failed(talk, "its document names no userinfo_endpoint");
    KR_TRY(kr_talk_ask(said, talk, talk->at.userinfo, tokens->access));
    sub = kr_json_str(*said, "sub");
    if (sub && !strcmp(sub, kr_json_str(id_claims, "sub"))) return NULL;
    kr_log(talk->k, KR_LOG_WARNING, KRLOGNO(0903) "provider %s: its user info is of another subject than its ID token", talk->conf->id);
    return kr_err(talk->k, 403, NULL, "what the provider says of this person does not fit together");
}

static kr_err_t *learn(kr_provider_person_t *out, kr_talk_t *talk, const kr_tokens_t *tokens, const kr_provider_back_t *back)
{
    const kr_token_wanted_t wanted = { .issuer = talk->at.issuer, .nonce = back->nonce };
    json_t *claims, *said;

    if (!tokens->id) return kr_talk_failed(talk, "no ID token came for the code");
    KR_TRY(kr_token_verify(&claims, talk, tokens->id, &wanted));
    said = claims;
    if (!strcmp(talk->conf->claims_source, "userinfo")) KR_TRY(ask_userinfo(&said, talk, tokens, claims));
    kr_person_put(out, talk, said);
    return NULL;
}

kr_err_t *kr_provider_redeem(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const kr_provider_back_t *back)
{
    kr_tokens_t tokens = { 0 };
    kr_talk_t talk;

    memset(out, 0, sizeof(*out));
    KR_TRY(kr_talk_begin(&talk, k, conf));
    KR_TRY(exchange(&tokens, &talk, back));
    KR_TRY(learn(out, &talk, &tokens, back));
    out->id_token = tokens.id;
    out->access_token = tokens.access;
    out->refresh_token = tokens.refresh;
    return NULL;
}
