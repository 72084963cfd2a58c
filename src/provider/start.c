/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a provider: the URL that a browser is sent to (RFC 6749 4.1.1, OpenID Connect Core 3.1.2.1, RFC 7636 4.3). */
#include "provider.h"

#include <string.h>

#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_text.h"

static void add(const char **url, apr_pool_t *pool, const char *name, const char *value)
{
    if (value) *url = kr_url_with(pool, *url, name, value);
}

static const char *scope_of(apr_pool_t *pool, const kr_oidc_provider_conf_t *conf, const kr_provider_kind_t *kind)
{
    apr_array_header_t *scopes = apr_array_make(pool, 4, sizeof(const char *));
    int openid = 0;

    for (int i = 0; i < conf->scope->nelts; i++) {
        const char *scope = APR_ARRAY_IDX(conf->scope, i, const char *);

        openid |= !strcmp(scope, "openid");
        APR_ARRAY_PUSH(scopes, const char *) = scope;
    }
    if (kind->openid && !openid) APR_ARRAY_PUSH(scopes, const char *) = "openid";
    return apr_array_pstrcat(pool, scopes, ' ');
}

/* What clients may ask a provider for: nothing that chooses the account, or says who we are. */
static void add_upstream(const char **url, apr_pool_t *pool, const json_t *upstream)
{
    static const char *const ALLOWED[] = { "acr_values", "auth_type", "hd", "prompt" };

    for (int i = 0; i < KR_DIM(ALLOWED); i++) add(url, pool, ALLOWED[i], kr_json_str(upstream, ALLOWED[i]));
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

kr_err_t *kr_provider_auth_url(const char **url, int *pkce, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf,
                               const kr_provider_start_t *start)
{
    kr_talk_t talk;
    const char *out;

    KR_TRY(kr_talk_begin(&talk, k, conf));
    out = talk.at.authorization;
    *pkce = start->verifier && sends_challenge(&talk);
    if (conf->requested_claims) add(&out, k->pool, "claims", kr_json_dump(k->pool, conf->requested_claims, NULL));
    add(&out, k->pool, "client_id", conf->client_id);
    if (*pkce) add_challenge(&out, k->pool, start->verifier);
    add(&out, k->pool, "nonce", start->nonce);
    add(&out, k->pool, "redirect_uri", start->redirect_uri);
    add(&out, k->pool, "response_type", "code");
    add(&out, k->pool, "scope", scope_of(k->pool, conf, talk.kind));
    add(&out, k->pool, "state", start->state);
    add_upstream(&out, k->pool, start->upstream);
    if (start->again) add(&out, k->pool, "prompt", "login");
    *url = out;
    return NULL;
}

kr_err_t *kr_provider_check_iss(kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *iss)
{
    kr_talk_t talk;

    KR_TRY(kr_talk_begin(&talk, k, conf));
    if (iss ? talk.at.issuer && !strcmp(iss, talk.at.issuer) : !talk.at.says_iss) return NULL;
    kr_log(k, KR_LOG_INFO, KRLOGNO(0902) "provider %s: the callback names %s", conf->id, iss ? "another issuer" : "no issuer");
    return kr_err(k, 400, NULL, "the answer is not from the provider that was asked");
}
