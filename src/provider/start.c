/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a provider: the URL that a browser is sent to (RFC 6749 4.1.1, OpenID Connect Core 3.1.2.1, RFC 7636 4.3). */
#include "provider.h"

#include <string.h>

#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_text.h"

#define OFFLINE "offline_access"
#define CALLBACK "/self-service/methods/oidc/callback"

const char *kr_provider_redirect_uri(apr_pool_t *pool, const kr_settings_t *settings, const kr_oidc_provider_conf_t *conf)
{
    const char *base = settings->oidc.base_redirect_uri ? settings->oidc.base_redirect_uri : settings->base_url;

    /* all who must use PKCE share one, as sites that come from Kratos have told their providers */
    if (strcmp(conf->pkce, "force") == 0) return kr_url_join(pool, base, CALLBACK);
    return kr_url_join(pool, base, apr_pstrcat(pool, CALLBACK "/", conf->id, NULL));
}

static void add(const char **url, apr_pool_t *pool, const char *name, const char *value)
{
    if (value) *url = kr_url_with(pool, *url, name, value);
}

/* As the settings have it, and what is needed last. */
static const char *scope_of(apr_pool_t *pool, const kr_oidc_provider_conf_t *conf, const kr_provider_kind_t *kind)
{
    apr_array_header_t *scopes = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < conf->scope->nelts; i++) {
        const char *scope = APR_ARRAY_IDX(conf->scope, i, const char *);

        if (!kind->offline || strcmp(scope, OFFLINE) != 0) APR_ARRAY_PUSH(scopes, const char *) = scope;
    }
    if ((kind->openid || kind->scope_openid) && !kr_texts_have(scopes, "openid")) APR_ARRAY_PUSH(scopes, const char *) = "openid";
    return scopes->nelts ? apr_array_pstrcat(pool, scopes, ' ') : NULL;
}

static void add_challenge(const char **url, apr_pool_t *pool, const char *verifier)
{
    unsigned char digest[32];

    kr_sha256(digest, verifier, strlen(verifier));
    add(url, pool, "code_challenge", kr_base64url(pool, digest, sizeof(digest)));
    add(url, pool, "code_challenge_method", "S256");
}

static int sends_challenge(const kr_talk_t *talk)
{
    if (!strcmp(talk->conf->pkce, "force")) return 1;
    return strcmp(talk->conf->pkce, "never") != 0 && talk->at.s256;
}

/* What clients may ask a provider for: nothing that chooses the account, or says who we are. Who must prove it once more does. */
static void add_wishes(const char **url, const kr_talk_t *talk, const kr_provider_start_t *start)
{
    apr_pool_t *pool = talk->k->pool;
    const kr_provider_kind_t *kind = talk->kind;
    const char *acr = kr_json_str(start->upstream, "acr_values"), *prompt = kr_json_str(start->upstream, "prompt");

    if (start->again && kind->again) prompt = kind->again;
    add(url, pool, "acr_values", acr ? acr : kind->acr);
    add(url, pool, "auth_type", kr_json_str(start->upstream, "auth_type"));
    add(url, pool, "hd", kr_json_str(start->upstream, "hd"));
    add(url, pool, "prompt", prompt ? prompt : kind->prompt);
}

/* The ways of single kinds. */
static void add_ways(const char **url, const kr_talk_t *talk)
{
    apr_pool_t *pool = talk->k->pool;
    const kr_oidc_provider_conf_t *conf = talk->conf;

    if (talk->kind->offline && kr_texts_have(conf->scope, OFFLINE)) add(url, pool, "access_type", "offline");
    if (talk->kind->form_post && (kr_texts_have(conf->scope, "email") || kr_texts_have(conf->scope, "name"))) add(url, pool, "response_mode", "form_post");
    if (talk->kind->asks_claims && conf->requested_claims) add(url, pool, "claims", kr_json_dump(pool, conf->requested_claims, NULL));
}

static const char *auth_url(const kr_talk_t *talk, const kr_provider_start_t *start, int pkce)
{
    apr_pool_t *pool = talk->k->pool;
    const char *out = talk->at.authorization;

    add_ways(&out, talk);
    add(&out, pool, "client_id", talk->conf->client_id);
    if (pkce) add_challenge(&out, pool, start->verifier);
    if (talk->kind->openid && !talk->kind->no_nonce) add(&out, pool, "nonce", start->nonce);
    add(&out, pool, "redirect_uri", start->redirect_uri);
    add(&out, pool, "response_type", "code");
    add(&out, pool, "scope", scope_of(pool, talk->conf, talk->kind));
    add(&out, pool, "state", start->state);
    add_wishes(&out, talk, start);
    return out;
}

kr_err_t *kr_provider_auth_url(const char **url, int *pkce, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf,
                               const kr_provider_start_t *start)
{
    kr_talk_t talk;
    kr_err_t *err;

    *url = NULL;
    *pkce = 0;
    kr_talk_begin(&talk, k, conf);
    if (talk.kind->oauth1) return kr_oauth1_start(url, &talk, start);
    err = kr_places_find(&talk);
    kr_talk_leave(&talk);
    if (err) return err;
    *pkce = start->verifier && sends_challenge(&talk);
    *url = auth_url(&talk, start, *pkce);
    return NULL;
}

kr_err_t *kr_provider_check_iss(kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *iss)
{
    kr_talk_t talk;
    kr_err_t *err;

    kr_talk_begin(&talk, k, conf);
    err = kr_places_find(&talk);
    kr_talk_leave(&talk);
    if (err) return err;
    if (iss ? !talk.at.issuer || kr_places_is_issuer(&talk, iss) : !talk.at.says_iss) return NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0902) "provider %s: the callback names %s", conf->id, iss ? "another issuer" : "no issuer");
    return kr_err(k, 400, NULL, "the answer is not from the provider that was asked");
}
