/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and the cookie that carries one. A cookie is "<random>.<expiry>.<tag>": the tag lets us refuse forgeries without
 * asking the database, the expiry tells whether the cookie is older than what the session became since. */
#include <string.h>

#include "kr_fedcm.h"
#include "session.h"

static int alnum_only(const char *s, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++)
        if (!apr_isalnum(s[i])) return 0;
    return 1;
}

int kr_token_shaped(const char *token)
{
    const apr_size_t prefix = sizeof(KR_TOKEN_PREFIX) - 1;

    return strlen(token) == prefix + KR_TOKEN_RANDOM && strncmp(token, KR_TOKEN_PREFIX, prefix) == 0
           && alnum_only(token + prefix, KR_TOKEN_RANDOM);
}

static const char *cookie_seal(kr_ctx_t *k, const char *token, apr_time_t expires)
{
    const char *payload = apr_psprintf(k->pool, "%s.%" APR_INT64_T_FMT, token + sizeof(KR_TOKEN_PREFIX) - 1,
                                       (apr_int64_t)apr_time_sec(expires));

    return apr_pstrcat(k->pool, payload, ".", kr_hmac(k->pool, k->realm->keys, KR_KEY_COOKIE, 0, payload), NULL);
}

const char *kr_cookie_open(kr_ctx_t *k, const char *value, int *secret, apr_time_t *expires)
{
    const char *tag, *stamp;
    char *payload;

    if (strlen(value) > 128) return NULL;
    tag = strrchr(value, '.');
    stamp = strchr(value, '.');
    if (!tag || stamp == tag || stamp - value != KR_TOKEN_RANDOM || !alnum_only(value, KR_TOKEN_RANDOM)) return NULL;
    payload = apr_pstrmemdup(k->pool, value, (apr_size_t)(tag - value));
    *secret = kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_COOKIE, payload, tag + 1);
    if (*secret < 0) return NULL;
    *expires = apr_time_from_sec(apr_atoi64(stamp + 1));
    return apr_pstrcat(k->pool, KR_TOKEN_PREFIX, apr_pstrmemdup(k->pool, value, KR_TOKEN_RANDOM), NULL);
}

void kr_session_cookie_set(kr_ctx_t *k, const kr_session_t *session)
{
    const kr_cookie_conf_t *conf = &k->realm->settings->session_cookie;
    const kr_cookie_t cookie = {
        .name = conf->name,
        .value = cookie_seal(k, session->token, session->expires_at),
        .domain = conf->domain,
        .path = conf->path,
        .same_site = conf->same_site,
        .secure = conf->secure,
        .http_only = 1,
        .max_age = conf->persistent ? apr_time_sec(session->expires_at - k->now) : -1,
        .expires = conf->persistent,
    };

    kr_reply_cookie_alone(k, &cookie);
    kr_fedcm_sign_in(k, session);
}

void kr_session_cookie_clear(kr_ctx_t *k)
{
    const kr_cookie_conf_t *conf = &k->realm->settings->session_cookie;
    const char *value = kr_cookie(k->pool, k->req, conf->name, NULL);
    apr_time_t expires;
    int secret;
    const kr_cookie_t cookie = {
        .name = conf->name,
        .value = value && kr_cookie_open(k, value, &secret, &expires) ? value : "", /* never echo what is not ours */
        .domain = conf->domain,
        .path = conf->path,
        .same_site = conf->same_site,
        .secure = conf->secure,
        .http_only = 1,
        .max_age = 0,
        .expires = 1,
    };

    kr_reply_cookie_alone(k, &cookie);
    kr_fedcm_sign_out(k);
}

/* Derived rather than stored: nothing to leak from the database, and it dies with the token. */
static const char *logout_tag(kr_ctx_t *k, const kr_session_t *session, int secret)
{
    const char *text = apr_pstrcat(k->pool, session->id, ":", session->token_hash, NULL);
    const char *hash = kr_hmac(k->pool, k->realm->keys, KR_KEY_LOGOUT, secret, text);
    char *tag = apr_palloc(k->pool, KR_TOKEN_RANDOM + 1);
    int n = 0;

    /* 32 of the 43 base64url characters; '-' and '_' become letters, so that it looks like every logout token does */
    for (; n < KR_TOKEN_RANDOM; n++) tag[n] = hash[n] == '-' ? 'x' : hash[n] == '_' ? 'X' : hash[n];
    tag[n] = '\0';
    return apr_pstrcat(k->pool, "ory_lo_", tag, NULL);
}

const char *kr_session_logout_token(kr_ctx_t *k, const kr_session_t *session)
{
    return logout_tag(k, session, 0);
}

int kr_session_logout_token_ok(kr_ctx_t *k, const kr_session_t *session, const char *token)
{
    for (int i = 0; i < k->realm->keys->count; i++)
        if (kr_equal(logout_tag(k, session, i), token)) return 1;
    return 0;
}
