/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie by which a browser that leaves a flow, to sign in once more or to a provider, is known again when it comes back. */
#include "kr_flow.h"
#include "kr_realm.h"

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
