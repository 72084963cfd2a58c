/* SPDX-License-Identifier: Apache-2.0 */
/* Why a session cookie is accepted or not, for the people who run the site. */
#include "session.h"

static kr_err_t *explain(kr_shown_e *out, kr_ctx_t *k, const char *value)
{
    kr_session_t *session;
    const char *token;
    apr_time_t expires;
    int secret;

    *out = KR_SHOWN_FORGED;
    token = kr_cookie_open(k, value, &secret, &expires);
    if (!token) return NULL;
    KR_TRY(kr_session_by_token(&session, k, token));
    if (!session) *out = expires <= k->now ? KR_SHOWN_EXPIRED : KR_SHOWN_UNKNOWN;
    else if (!session->active) *out = KR_SHOWN_REVOKED;
    else if (session->expires_at <= k->now) *out = KR_SHOWN_EXPIRED;
    else *out = kr_session_usable(k, session) ? KR_SHOWN_GOOD : KR_SHOWN_INACTIVE;
    return NULL;
}

kr_err_t *kr_session_explain(kr_shown_e *out, int *count, kr_ctx_t *k)
{
    const char *name = k->realm->settings->session_cookie.name, *value;
    kr_shown_e one;

    *out = KR_SHOWN_NONE;
    (void)kr_cookie(k->pool, k->req, name, count);
    for (int n = 0; n < KR_COOKIES_TRIED && (value = kr_cookie_nth(k->pool, k->req, name, n)); n++) {
        if (!*value) continue;
        KR_TRY(explain(&one, k, value));
        if (one > *out) *out = one;
    }
    return NULL;
}
