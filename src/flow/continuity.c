/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookie by which a browser that leaves a flow, to sign in once more or to a provider, is known again when it comes back. It has a part
 * for each, so that who is to sign in once more may do so by a provider.
 */
#include <string.h>

#include "kr_crypto.h"
#include "kr_flow.h"
#include "kr_realm.h"
#include "kr_text.h"

#define COOKIE "ory_kratos_continuity"
#define MAX_AGE 2592000 /* seconds the cookie lives: Kratos' own number */
#define BEHIND "~"      /* between the two parts; neither can have it */
#define ROUND "round."  /* the part for providers begins like that */

/** "key", "round.mac" or "key~round.mac" */
typedef struct {
    const char *key, *round; /* or NULL */
} parts_t;

/* As this answer sets it, else as it came. */
static const char *value_of(kr_ctx_t *k)
{
    for (int i = k->reply ? k->reply->cookies->nelts : 0; i-- > 0;) {
        const kr_cookie_t *set = &APR_ARRAY_IDX(k->reply->cookies, i, kr_cookie_t);

        if (strcmp(set->name, COOKIE) == 0) return set->value;
    }
    return k->req ? kr_cookie(k->pool, k->req, COOKIE, NULL) : NULL;
}

static parts_t parts_of(kr_ctx_t *k)
{
    const char *value = value_of(k), *behind = value ? strstr(value, BEHIND) : NULL;

    if (!value || !*value) return (parts_t){ NULL, NULL };
    if (behind) return (parts_t){ apr_pstrmemdup(k->pool, value, (apr_size_t)(behind - value)), behind + strlen(BEHIND) };
    return strncmp(value, ROUND, strlen(ROUND)) == 0 ? (parts_t){ NULL, value } : (parts_t){ value, NULL };
}

static void set(kr_ctx_t *k, parts_t parts)
{
    const int both = parts.key && parts.round;
    const kr_cookie_t cookie = {
        .name = COOKIE, .value = apr_pstrcat(k->pool, parts.key ? parts.key : "", both ? BEHIND : "", parts.round ? parts.round : "", NULL),
        .path = "/", .same_site = "Lax", .secure = k->realm->settings->csrf_cookie.secure, .http_only = 1, .max_age = MAX_AGE, .expires = 1,
    };

    kr_reply_cookie(k, &cookie);
}

const char *kr_continuity(kr_ctx_t *k)
{
    return parts_of(k).key;
}

void kr_continuity_set(kr_ctx_t *k, const char *key)
{
    set(k, (parts_t){ key, parts_of(k).round });
}

/* -- for a provider -------------------------------------------------------- */

/* @param hash  of the anti-CSRF cookie that the form was made for */
static const char *leaves(kr_ctx_t *k, const kr_flow_t *flow, const char *hash)
{
    return apr_pstrcat(k->pool, "leaves ", flow->id, " ", hash ? hash : "", NULL);
}

static int left_by(kr_ctx_t *k, const kr_flow_t *flow, const char *hash, const char *key)
{
    return kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, leaves(k, flow, hash), key) >= 0;
}

void kr_continuity_leave(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *mac = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, leaves(k, flow, flow->csrf_hash));

    set(k, (parts_t){ parts_of(k).key, apr_pstrcat(k->pool, ROUND, mac, NULL) });
}

int kr_continuity_left(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *round = parts_of(k).round;

    if (!round || strncmp(round, ROUND, strlen(ROUND)) != 0) return 0;
    round += strlen(ROUND);
    return left_by(k, flow, flow->csrf_hash, round) || (flow->oauth2.form && left_by(k, flow, flow->oauth2.form, round));
}
