/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie by which a browser that leaves a flow, to sign in once more or to a provider, is known again when it comes back. */
#include <string.h>

#include "kr_crypto.h"
#include "kr_flow.h"
#include "kr_realm.h"
#include "kr_text.h"

#define COOKIE "ory_kratos_continuity"
#define MAX_AGE 2592000 /* seconds the cookie lives: Kratos' own number */

const char *kr_continuity(kr_ctx_t *k)
{
    return kr_cookie(k->pool, k->req, COOKIE, NULL);
}

void kr_continuity_set(kr_ctx_t *k, const char *key)
{
    const kr_cookie_t cookie = {
        .name = COOKIE, .value = key, .path = "/", .same_site = "Lax", .secure = k->realm->settings->csrf_cookie.secure,
        .http_only = 1, .max_age = MAX_AGE, .expires = 1,
    };

    kr_reply_cookie(k, &cookie);
}

/* -- for a provider -------------------------------------------------------- */

/* @param hash  of the anti-CSRF cookie that the form was made for */
static const char *leaves(kr_ctx_t *k, const kr_flow_t *flow, const char *hash)
{
    return apr_pstrcat(k->pool, "leaves ", flow->id, " ", hash, NULL);
}

static int left_by(kr_ctx_t *k, const kr_flow_t *flow, const char *hash, const char *key)
{
    return hash && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, leaves(k, flow, hash), key) >= 0;
}

void kr_continuity_leave(kr_ctx_t *k, const kr_flow_t *flow)
{
    kr_continuity_set(k, apr_pstrcat(k->pool, KR_CONTINUITY_ROUND, kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, leaves(k, flow, flow->csrf_hash)), NULL));
}

int kr_continuity_left(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *key = k->req ? kr_continuity(k) : NULL;

    if (!key || strncmp(key, KR_CONTINUITY_ROUND, strlen(KR_CONTINUITY_ROUND)) != 0) return 0;
    key += strlen(KR_CONTINUITY_ROUND);
    return left_by(k, flow, flow->csrf_hash, key) || left_by(k, flow, flow->oauth2.form, key);
}
