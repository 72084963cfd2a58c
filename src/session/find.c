/* SPDX-License-Identifier: Apache-2.0 */
/* A session is found by what a request carries. */
#include <string.h>

#include "session.h"

/* -- what it carries ------------------------------------------------------ */

static const char *bearer(kr_ctx_t *k)
{
    const char *header = kr_header(k->req, "Authorization");

    if (!header || strncasecmp(header, "bearer ", 7) != 0) return NULL;
    header += 7;
    return *header && !strchr(header, ' ') ? header : NULL;
}

/* The first cookie of the name that holds anything: an empty one is what some deletions leave behind. */
static const char *first_cookie(kr_ctx_t *k)
{
    const char *name = k->realm->settings->session_cookie.name, *value = "";

    for (int n = 0; value && !*value && n < KR_COOKIES_TRIED; n++) value = kr_cookie_nth(k->pool, k->req, name, n);
    return value && *value ? value : NULL;
}

static kr_carried_t carried_by(kr_ctx_t *k)
{
    kr_carried_t c = { .carrier = KR_CARRIED_NONE };

    if (!k->req) return c;
    if ((c.text = kr_header(k->req, "X-Session-Token")) && *c.text) c.carrier = KR_CARRIED_HEADER;
    else if ((c.text = first_cookie(k))) c.carrier = KR_CARRIED_COOKIE;
    else if ((c.text = bearer(k))) c.carrier = KR_CARRIED_BEARER;
    return c;
}

static void open_carried(kr_carried_t *c, kr_ctx_t *k)
{
    c->token = c->carrier == KR_CARRIED_COOKIE ? kr_cookie_open(k, c->text, &c->secret, &c->expires) : c->text;
}

static kr_carried_t opened(kr_ctx_t *k)
{
    kr_carried_t c = carried_by(k);

    if (c.carrier != KR_CARRIED_NONE) open_carried(&c, k);
    return c;
}

kr_carrier_e kr_session_carrier(kr_ctx_t *k)
{
    return carried_by(k).carrier;
}

const char *kr_session_absence(kr_ctx_t *k)
{
    const kr_carried_t c = opened(k);

    if (c.carrier == KR_CARRIED_NONE) return "none";
    if (!c.token) return "foreign";
    if (c.carrier == KR_CARRIED_COOKIE && c.expires <= k->now) return "expired";
    return "ended";
}

/* -- whose it is ---------------------------------------------------------- */

/** What is enough for the one who asks. */
typedef enum {
    NOW,     /* what the store says */
    WHOLE,   /* the same, with the credentials of the identity */
    GLANCE   /* what was known two seconds ago; folded */
} look_e;

static kr_err_t *former(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows)
{
    if (rows->session.old_token_until <= k->now || !rows->session.old_aal) return NULL;
    KR_TRY(kr_session_from_rows(out, k, rows));
    return kr_session_show_former(k, *out, &rows->session);
}

static kr_err_t *by_hash(kr_session_t **out, kr_ctx_t *k, const char *hash, int old, look_e look)
{
    kr_session_rows_t *rows;

    *out = NULL;
    if (look == GLANCE && !old) return kr_glance(out, k, hash);
    KR_TRY(kr_store_session_find(&rows, k, hash, old, look == WHOLE));
    if (!rows) return NULL;
    KR_TRY(old ? former(out, k, rows) : kr_session_from_rows(out, k, rows));
    if (*out) (*out)->identity->whole = look == WHOLE;
    return NULL;
}

/* The newest secret (or the one the cookie names) finds nearly every session with one statement; the others are asked
 * after a rotation only, and the token before a refresh only when no secret finds a current one. */
static kr_err_t *find(kr_session_t **out, kr_ctx_t *k, const char *token, int first, look_e look)
{
    const kr_keys_t *keys = k->realm->keys;

    *out = NULL;
    for (int old = 0; old <= 1; old++)
        for (int i = 0; i < keys->count; i++) {
            const char *hash = kr_hmac(k->pool, keys, KR_KEY_TOKEN, (first + i) % keys->count, token);

            KR_TRY(by_hash(out, k, hash, old, look));
            if (!*out) continue;
            (*out)->token = apr_pstrdup(k->pool, token);
            (*out)->carried_hash = hash;
            return NULL;
        }
    return NULL;
}

kr_err_t *kr_session_by_token(kr_session_t **out, kr_ctx_t *k, const char *token)
{
    *out = NULL;
    return token && kr_token_shaped(token) ? find(out, k, token, 0, NOW) : NULL;
}

kr_err_t *kr_session_load(kr_session_t **out, kr_ctx_t *k, const char *id)
{
    kr_session_rows_t *rows;

    *out = NULL;
    if (!kr_uuid_valid(id)) return NULL;
    KR_TRY(kr_store_session_by_id(&rows, k, id));
    return rows ? kr_session_from_rows(out, k, rows) : NULL;
}

kr_err_t *kr_session_former_owner(const char **identity_id, kr_ctx_t *k)
{
    const kr_carried_t c = opened(k);
    kr_session_t *s = NULL;

    *identity_id = NULL;
    if (c.carrier == KR_CARRIED_COOKIE && c.token && kr_token_shaped(c.token)) KR_TRY(find(&s, k, c.token, c.secret, NOW));
    if (s) *identity_id = s->identity->id;
    return NULL;
}

/* @param out  NULL unless it is usable */
static kr_err_t *try_carried(kr_session_t **out, kr_ctx_t *k, const kr_carried_t *c, look_e look)
{
    kr_session_t *s;

    *out = NULL;
    if (!c->token || !kr_token_shaped(c->token)) return NULL;
    KR_TRY(find(&s, k, c->token, c->secret, look));
    if (!s) return NULL;
    s->carrier = c->carrier;
    s->cookie_expires = c->expires;
    if (kr_session_usable(k, s)) *out = s;
    return NULL;
}

/*
 * A browser may hold several cookies of the name: one from before the domain or path was changed, one that another host
 * of the domain set. It sends the older first; a dead one must not hide the one that lives.
 */
static kr_err_t *try_other_cookies(kr_session_t **out, kr_ctx_t *k, look_e look)
{
    kr_carried_t c = { .carrier = KR_CARRIED_COOKIE };

    for (int n = 1; n < KR_COOKIES_TRIED && !*out; n++) {
        c.text = kr_cookie_nth(k->pool, k->req, k->realm->settings->session_cookie.name, n);
        if (!c.text) return NULL;
        open_carried(&c, k);
        KR_TRY(try_carried(out, k, &c, look));
    }
    return NULL;
}

static kr_err_t *find_carried(kr_session_t **out, kr_ctx_t *k, look_e look)
{
    kr_carried_t c = carried_by(k);

    *out = NULL;
    if (c.carrier == KR_CARRIED_NONE) return NULL;
    if (look == GLANCE && kr_memo_recall(out, k, &c)) return NULL;
    open_carried(&c, k);
    KR_TRY(try_carried(out, k, &c, look));
    if (*out && look == GLANCE) kr_memo_keep(k, &c);
    return !*out && c.carrier == KR_CARRIED_COOKIE ? try_other_cookies(out, k, look) : NULL;
}

/* What was only recalled is for those who glance at it. */
static kr_err_t *look_up(kr_session_t **out, kr_ctx_t *k, look_e look)
{
    if (!k->session_known) {
        KR_TRY(find_carried(out, k, look));
        if (*out && (*out)->recalled) return NULL;
        k->session = *out;
        k->session_known = 1;
    }
    *out = k->session;
    return *out && look != GLANCE ? kr_session_unfold(k, *out) : NULL;
}

kr_err_t *kr_session_current(kr_session_t **out, kr_ctx_t *k)
{
    return look_up(out, k, NOW);
}

kr_err_t *kr_session_glance(kr_session_t **out, kr_ctx_t *k)
{
    return look_up(out, k, GLANCE);
}

kr_err_t *kr_session_current_whole(kr_session_t **out, kr_ctx_t *k)
{
    kr_identity_t *whole;

    KR_TRY(look_up(out, k, WHOLE));
    if (!*out || (*out)->identity->whole) return NULL;
    KR_TRY(kr_identity_load(&whole, k, (*out)->identity->id, 1));
    if (!whole) return kr_err(k, 401, NULL, "the account is gone");
    (*out)->identity = whole;
    return NULL;
}

kr_err_t *kr_session_whole(kr_session_t **out, kr_identity_t **identity, kr_ctx_t *k)
{
    *identity = NULL;
    KR_TRY(kr_session_current_whole(out, k));
    if (!*out) return kr_session_need(out, k, NULL);
    *identity = (*out)->identity;
    return NULL;
}

kr_err_t *kr_session_need(kr_session_t **out, kr_ctx_t *k, const char *id)
{
    KR_TRY(kr_session_current(out, k));
    if (*out) return NULL;
    return kr_err(k, 401, id, "no active session was found in this request");
}
