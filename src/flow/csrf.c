/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-CSRF: a cookie of 32 random bytes; forms carry it under a mask that is new each time (BREACH), so that a page of
 * another site can neither read nor guess it. */
#include <string.h>
#include <strings.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

#define SECRET 32
#define NONCE 8      /* bytes of the secret that name the device, ... */
#define MARK 8       /* ... and that say whose it is; the rest is the secret of this cookie alone */
#define DEVICE (NONCE + MARK)
#define MAX_AGE 31536000 /* seconds: a year */

/* The value that counts for this answer: the one that was set in it, else the one that came. */
static const char *cookie_value(kr_ctx_t *k)
{
    const char *name = k->realm->csrf_cookie_name;
    const char *value;
    apr_size_t len;
    int count;

    for (int i = 0; k->reply && i < k->reply->cookies->nelts; i++) {
        const kr_cookie_t *c = &APR_ARRAY_IDX(k->reply->cookies, i, kr_cookie_t);

        if (strcmp(c->name, name) == 0 && c->max_age) return c->value;
    }
    value = k->req ? kr_cookie(k->pool, k->req, name, &count) : NULL;
    if (!value || count != 1 || strlen(value) != 44 || strpbrk(value, "-_")) return NULL; /* spelled as we do: its hash is of the text */
    return kr_base64_decode(k->pool, value, &len) && len == SECRET ? value : NULL;
}

/* Eight characters (48 bits) that nobody can make for an account that is not theirs; guessed, they lead to nothing but an allowance. */
static void mark_of(unsigned char out[MARK], kr_ctx_t *k, int secret, const char *identity_id, const unsigned char nonce[NONCE])
{
    const char *text = apr_pstrcat(k->pool, "device ", identity_id, " ", kr_base64(k->pool, nonce, NONCE), NULL);

    memcpy(out, kr_hmac(k->pool, k->realm->keys, KR_KEY_CSRF, secret, text), MARK);
}

/* The cookie's bytes, or NULL. */
static const unsigned char *secret_of(kr_ctx_t *k)
{
    const char *value = cookie_value(k);
    apr_size_t len;

    return value ? kr_base64_decode(k->pool, value, &len) : NULL;
}

const char *kr_csrf_device(kr_ctx_t *k, const char *identity_id)
{
    const unsigned char *secret = k->req && identity_id ? secret_of(k) : NULL;
    unsigned char mark[MARK], differ;

    for (int i = 0; secret && i < k->realm->keys->count; i++) {
        mark_of(mark, k, i, identity_id, secret);
        differ = 0;
        for (int n = 0; n < MARK; n++) differ |= mark[n] ^ secret[NONCE + n];
        if (!differ) return kr_base64(k->pool, secret, NONCE);
    }
    return NULL;
}

static void set_cookie(kr_ctx_t *k, const unsigned char secret[SECRET])
{
    const kr_cookie_conf_t *conf = &k->realm->settings->csrf_cookie;
    kr_cookie_t cookie = {
        .name = k->realm->csrf_cookie_name,
        .domain = conf->domain,
        .path = conf->path,
        .same_site = conf->same_site,
        .secure = conf->secure,
        .http_only = 1,
        .max_age = MAX_AGE,
    };

    cookie.value = kr_base64(k->pool, secret, SECRET);
    kr_reply_cookie_alone(k, &cookie);
}

void kr_csrf_renew(kr_ctx_t *k)
{
    const unsigned char *before = secret_of(k);
    unsigned char secret[SECRET];

    kr_random(secret, sizeof(secret));
    if (before) memcpy(secret, before, DEVICE); /* the device stays what it was */
    set_cookie(k, secret);
}

void kr_csrf_renew_for(kr_ctx_t *k, const char *identity_id)
{
    unsigned char secret[SECRET];

    kr_random(secret, sizeof(secret));
    mark_of(secret + NONCE, k, 0, identity_id, secret);
    set_cookie(k, secret);
}

void kr_csrf_ensure(kr_ctx_t *k)
{
    if (!cookie_value(k)) kr_csrf_renew(k);
}

const char *kr_csrf_token(kr_ctx_t *k)
{
    const char *value = cookie_value(k);
    unsigned char out[2 * SECRET];
    const unsigned char *secret;
    apr_size_t len;

    if (!value) return NULL;
    secret = kr_base64_decode(k->pool, value, &len);
    kr_random(out, SECRET);
    for (int i = 0; i < SECRET; i++) out[SECRET + i] = out[i] ^ secret[i];
    return kr_base64(k->pool, out, sizeof(out));
}

/* 32 bytes out of a token: unmasked, or as they are. */
static int unmask(unsigned char out[SECRET], kr_ctx_t *k, const char *token)
{
    apr_size_t len;
    const unsigned char *raw = strlen(token) <= 128 ? kr_base64_decode(k->pool, token, &len) : NULL;

    if (!raw) return 0;
    if (len == SECRET) memcpy(out, raw, SECRET);
    else if (len == 2 * SECRET)
        for (int i = 0; i < SECRET; i++) out[i] = raw[i] ^ raw[SECRET + i];
    else return 0;
    return 1;
}

int kr_csrf_token_ok(kr_ctx_t *k, const char *token)
{
    unsigned char sent[SECRET], own[SECRET];
    const char *value = cookie_value(k);
    unsigned char differ = 0;

    if (!value || !token || !unmask(sent, k, token) || !unmask(own, k, value)) return 0;
    for (int i = 0; i < SECRET; i++) differ |= sent[i] ^ own[i];
    return differ == 0;
}

const char *kr_csrf_hash(kr_ctx_t *k)
{
    const char *value = cookie_value(k);

    return value ? kr_hmac(k->pool, k->realm->keys, KR_KEY_CSRF, 0, value) : NULL;
}

static const char *bound_text(kr_ctx_t *k, const char *text)
{
    const char *value = cookie_value(k);

    return value ? apr_pstrcat(k->pool, "bound ", value, " ", text, NULL) : NULL;
}

const char *kr_csrf_bind(kr_ctx_t *k, const char *text)
{
    const char *whole = bound_text(k, text);

    return whole ? kr_hmac(k->pool, k->realm->keys, KR_KEY_CSRF, 0, whole) : NULL;
}

int kr_csrf_is_bound(kr_ctx_t *k, const char *text, const char *tag)
{
    const char *whole = bound_text(k, text);

    return whole && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CSRF, whole, tag) >= 0;
}

int kr_csrf_token_of(kr_ctx_t *k, const char *token, const char *hash)
{
    unsigned char secret[SECRET];

    return token && hash && unmask(secret, k, token)
           && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CSRF, kr_base64(k->pool, secret, SECRET), hash) >= 0;
}

int kr_csrf_owns(kr_ctx_t *k, const kr_flow_t *flow)
{
    int count;
    const char *value = kr_cookie(k->pool, k->req, k->realm->csrf_cookie_name, &count);

    return value && count == 1 && flow->csrf_hash
           && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CSRF, value, flow->csrf_hash) >= 0;
}

/* Cookies that proxies in front of us add on their own must not make a native client look like a browser. */
static int has_browser_cookie(kr_ctx_t *k)
{
    static const char *const ignored[] = { "__cf", "_cf", "cf_" };
    char *state, *copy, *part;

    if (!k->req->cookies) return 0;
    copy = apr_pstrdup(k->pool, k->req->cookies);
    for (part = apr_strtok(copy, "; ", &state); part; part = apr_strtok(NULL, "; ", &state)) {
        int skip = 0;

        for (int i = 0; i < KR_DIM(ignored); i++) skip |= strncmp(part, ignored[i], strlen(ignored[i])) == 0;
        if (!skip) return 1;
    }
    return 0;
}

kr_err_t *kr_csrf_check(kr_ctx_t *k, const kr_flow_t *flow, const char *token)
{
    if (!flow->api) return kr_csrf_token_ok(k, token) ? NULL : kr_csrf_violation(k, token);
    if (kr_header(k->req, "Origin"))
        return kr_err(k, 400, NULL, "a flow of a native client was sent with an Origin header, as browsers do");
    if (has_browser_cookie(k))
        return kr_err(k, 400, NULL, "a flow of a native client was sent with cookies, as browsers do");
    return NULL;
}

kr_err_t *kr_csrf_violation(kr_ctx_t *k, const char *token)
{
    const char *mode = kr_header(k->req, "Sec-Fetch-Mode");
    const char *type = k->req->content_type;
    const int ajax = mode && (strcmp(mode, "cors") == 0 || strcmp(mode, "same-origin") == 0);
    const int json = type && strncasecmp(type, "application/json", 16) == 0;
    const char *why = NULL;
    kr_err_t *err = kr_err(k, 403, "security_csrf_violation", "the request does not carry the anti-CSRF token that belongs to it");

    if (!k->req->cookies) why = "the request carries no cookies at all";
    else if (!kr_cookie(k->pool, k->req, k->realm->csrf_cookie_name, NULL)) why = "the anti-CSRF cookie is missing";
    else if (json || token || kr_header(k->req, "X-CSRF-Token")) why = "the anti-CSRF cookie and token do not match";
    kr_err_detail(k, err, "docs", json_string("https://www.ory.sh/kratos/docs/debug/csrf"));
    kr_err_detail(k, err, "hint",
                  json_string(ajax ? "send the cookies with the call (credentials: include) and the flow's csrf_token in the body"
                                   : "begin the flow anew in this browser, and let it keep the cookies of this site"));
    if (why) kr_err_detail(k, err, "reject_reason", json_string(why));
    return err;
}
