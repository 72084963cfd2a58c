/* SPDX-License-Identifier: Apache-2.0 */
/* A session is found by what a request carries, and read. */
#include <string.h>

#include "kr_json.h"
#include "session.h"

/* -- rows ----------------------------------------------------------------- */

/* No level at all would be met by lines that ask for the opposite of one. */
static kr_err_t *read_aal(kr_aal_e *out, kr_ctx_t *k, const kr_session_row_t *row, const char *text)
{
    if (kr_aal_parse(out, text)) return NULL;
    return kr_err_internal(k, APR_SUCCESS, "session %s: what is stored of its assurance level names none", row->id);
}

kr_err_t *kr_session_from_rows(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows)
{
    kr_session_t *s = apr_palloc(k->pool, sizeof(*s));

    kr_session_from_row(s, k, &rows->session);
    KR_TRY(read_aal(&s->aal, k, &rows->session, rows->session.aal));
    KR_TRY(kr_identity_from_rows(&s->identity, k, rows->identity));
    *out = s;
    return NULL;
}

void kr_session_from_row(kr_session_t *s, kr_ctx_t *k, const kr_session_row_t *row)
{
    memset(s, 0, sizeof(*s));
    s->id = row->id;
    s->identity_id = row->identity_id;
    s->active = row->active;
    s->epoch = row->epoch;
    (void)kr_aal_parse(&s->aal, row->aal);
    s->methods = kr_json_own(k->pool, json_loads(row->methods ? row->methods : "[]", 0, NULL));
    if (!s->methods) s->methods = kr_json_own(k->pool, json_array());
    s->device_id = row->device_id;
    s->ip_address = row->ip_address;
    s->user_agent = row->user_agent;
    s->location = row->location;
    s->token_hash = row->token_hash;
    s->issued_at = row->issued_at;
    s->authenticated_at = row->authenticated_at;
    s->expires_at = row->expires_at;
    s->created_at = row->created_at;
    s->updated_at = row->updated_at;
}

/* What the session was before its last refresh: that is all that the token of before is good for. */
static kr_err_t *show_former(kr_ctx_t *k, kr_session_t *s, const kr_session_row_t *row)
{
    s->token_is_old = 1;
    s->authenticated_at = row->old_authenticated_at;
    if (strcmp(row->aal, row->old_aal) == 0) return NULL; /* the proof that was given again may be listed: clients know it so */
    KR_TRY(read_aal(&s->aal, k, row, row->old_aal));
    s->methods = kr_json_own(k->pool, json_loads(row->old_methods, 0, NULL));
    if (!s->methods) s->methods = kr_json_own(k->pool, json_array());
    return NULL;
}

kr_session_row_t kr_session_row(kr_ctx_t *k, const kr_session_t *s)
{
    return (kr_session_row_t){
        .id = s->id,
        .identity_id = s->identity->id,
        .token_hash = s->token_hash,
        .aal = kr_aal_name(s->aal),
        .methods = kr_json_dump(k->pool, s->methods, NULL),
        .active = s->active,
        .epoch = s->epoch,
        .device_id = s->device_id,
        .ip_address = s->ip_address,
        .user_agent = s->user_agent,
        .location = s->location,
        .issued_at = s->issued_at,
        .authenticated_at = s->authenticated_at,
        .expires_at = s->expires_at,
        .created_at = s->created_at,
        .updated_at = s->updated_at,
    };
}

int kr_session_usable(kr_ctx_t *k, const kr_session_t *session)
{
    return session->active && session->expires_at > k->now && strcmp(session->identity->state, "active") == 0;
}

/* -- finding -------------------------------------------------------------- */

static const char *bearer(kr_ctx_t *k)
{
    const char *header = kr_header(k->req, "Authorization");

    if (!header || strncasecmp(header, "bearer ", 7) != 0) return NULL;
    header += 7;
    return *header && !strchr(header, ' ') ? header : NULL;
}

/** What the request carries, before anything is looked up. */
typedef struct {
    kr_carrier_e carrier;
    const char *token;      /* NULL: a cookie that none of our secrets made */
    int secret;             /* the secret to try first */
    apr_time_t expires;
} credential_t;

/* The first cookie of the name that holds anything: an empty one is what some deletions leave behind. */
static const char *first_cookie(kr_ctx_t *k)
{
    const char *name = k->realm->settings->session_cookie.name, *value = "";

    for (int n = 0; value && !*value && n < KR_COOKIES_TRIED; n++) value = kr_cookie_nth(k->pool, k->req, name, n);
    return value && *value ? value : NULL;
}

static credential_t credential_of(kr_ctx_t *k)
{
    credential_t c = { KR_CARRIED_NONE, NULL, 0, 0 };
    const char *value;

    if (!k->req) return c;
    if ((value = kr_header(k->req, "X-Session-Token")) && *value) {
        c.carrier = KR_CARRIED_HEADER;
        c.token = value;
    } else if ((value = first_cookie(k))) {
        c.carrier = KR_CARRIED_COOKIE;
        c.token = kr_cookie_open(k, value, &c.secret, &c.expires);
    } else if ((value = bearer(k))) {
        c.carrier = KR_CARRIED_BEARER;
        c.token = value;
    }
    return c;
}

/* The newest secret (or the one the cookie names) finds nearly every session with one statement; the others are asked
 * after a rotation only, and the token before a refresh only when no secret finds a current one. */
static kr_err_t *find(kr_session_t **out, kr_ctx_t *k, const char *token, int first, int whole)
{
    const kr_keys_t *keys = k->realm->keys;
    kr_session_rows_t *rows;

    *out = NULL;
    for (int old = 0; old <= 1; old++)
        for (int i = 0; i < keys->count; i++) {
            const char *hash = kr_hmac(k->pool, keys, KR_KEY_TOKEN, (first + i) % keys->count, token);

            KR_TRY(kr_store_session_find(&rows, k, hash, old, whole));
            if (!rows || (old && (rows->session.old_token_until <= k->now || !rows->session.old_aal))) continue;
            KR_TRY(kr_session_from_rows(out, k, rows));
            (*out)->identity->whole = whole;
            if (old) KR_TRY(show_former(k, *out, &rows->session));
            (*out)->token = apr_pstrdup(k->pool, token);
            (*out)->carried_hash = hash;
            return NULL;
        }
    return NULL;
}

kr_err_t *kr_session_by_token(kr_session_t **out, kr_ctx_t *k, const char *token)
{
    *out = NULL;
    return token && kr_token_shaped(token) ? find(out, k, token, 0, 0) : NULL;
}

kr_err_t *kr_session_load(kr_session_t **out, kr_ctx_t *k, const char *id)
{
    kr_session_rows_t *rows;

    *out = NULL;
    if (!kr_uuid_valid(id)) return NULL;
    KR_TRY(kr_store_session_by_id(&rows, k, id));
    return rows ? kr_session_from_rows(out, k, rows) : NULL;
}

kr_carrier_e kr_session_carrier(kr_ctx_t *k)
{
    return credential_of(k).carrier;
}

kr_err_t *kr_session_former_owner(const char **identity_id, kr_ctx_t *k)
{
    const credential_t c = credential_of(k);
    kr_session_t *s = NULL;

    *identity_id = NULL;
    if (c.carrier == KR_CARRIED_COOKIE && c.token && kr_token_shaped(c.token)) KR_TRY(find(&s, k, c.token, c.secret, 0));
    if (s) *identity_id = s->identity->id;
    return NULL;
}

const char *kr_session_absence(kr_ctx_t *k)
{
    const credential_t c = credential_of(k);

    if (c.carrier == KR_CARRIED_NONE) return "none";
    if (!c.token) return "foreign";
    if (c.carrier == KR_CARRIED_COOKIE && c.expires <= k->now) return "expired";
    return "ended";
}

/* Look up one credential; a usable session becomes k->session. */
static kr_err_t *try_credential(kr_ctx_t *k, const credential_t *c, int whole)
{
    kr_session_t *s;

    if (!c->token || !kr_token_shaped(c->token)) return NULL;
    KR_TRY(find(&s, k, c->token, c->secret, whole));
    if (!s) return NULL;
    s->carrier = c->carrier;
    s->cookie_expires = c->expires;
    if (kr_session_usable(k, s)) k->session = s;
    return NULL;
}

/*
 * A browser may hold several cookies of the name: one from before the domain or path was changed, one that another host
 * of the domain set. It sends the older first; a dead one must not hide the one that lives.
 */
static kr_err_t *try_other_cookies(kr_ctx_t *k, int whole)
{
    credential_t c = { .carrier = KR_CARRIED_COOKIE };
    const char *value;

    for (int n = 1; n < KR_COOKIES_TRIED && !k->session; n++) {
        value = kr_cookie_nth(k->pool, k->req, k->realm->settings->session_cookie.name, n);
        if (!value) return NULL;
        c.token = kr_cookie_open(k, value, &c.secret, &c.expires);
        KR_TRY(try_credential(k, &c, whole));
    }
    return NULL;
}

static kr_err_t *look_up(kr_session_t **out, kr_ctx_t *k, int whole)
{
    if (!k->session_known) {
        credential_t c = credential_of(k);

        KR_TRY(try_credential(k, &c, whole));
        if (!k->session && c.carrier == KR_CARRIED_COOKIE) KR_TRY(try_other_cookies(k, whole));
        k->session_known = 1;
    }
    *out = k->session;
    return NULL;
}

kr_err_t *kr_session_current(kr_session_t **out, kr_ctx_t *k)
{
    return look_up(out, k, 0);
}

kr_err_t *kr_session_current_whole(kr_session_t **out, kr_ctx_t *k)
{
    kr_identity_t *whole;

    KR_TRY(look_up(out, k, 1));
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

/* -- life ---------------------------------------------------------------- */

kr_err_t *kr_session_extend(int *done, kr_ctx_t *k, kr_session_t *s)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_time_t until = k->now + conf->session_lifespan;

    *done = 0;
    if (conf->session_extend_window > 0 && s->expires_at - k->now > conf->session_extend_window) return NULL;
    KR_TRY(kr_store_session_extend(done, k, s->id, until));
    if (*done) s->expires_at = until;
    return NULL;
}
