/* SPDX-License-Identifier: Apache-2.0 */
/* A session out of its rows, and into them. */
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

static json_t *methods_of(kr_ctx_t *k, const char *text)
{
    json_t *methods = kr_json_own(k->pool, json_loads(text ? text : "[]", 0, NULL));

    return methods ? methods : kr_json_own(k->pool, json_array());
}

static void read_plain(kr_session_t *s, const kr_session_row_t *row)
{
    memset(s, 0, sizeof(*s));
    s->id = row->id;
    s->identity_id = row->identity_id;
    s->active = row->active;
    s->epoch = row->epoch;
    (void)kr_aal_parse(&s->aal, row->aal);
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
    s->seen_at = row->seen_at;
}

kr_err_t *kr_session_fold(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows)
{
    kr_session_t *s = apr_palloc(k->pool, sizeof(*s));

    read_plain(s, &rows->session);
    KR_TRY(read_aal(&s->aal, k, &rows->session, rows->session.aal));
    KR_TRY(kr_identity_plain(&s->identity, k, rows->identity));
    s->folded = rows;
    *out = s;
    return NULL;
}

kr_err_t *kr_session_unfold(kr_ctx_t *k, const kr_session_t *session)
{
    kr_session_t *s = (kr_session_t *)session; /* nothing of it becomes another: it only stood elsewhere */

    if (!s->folded) return NULL;
    KR_TRY(kr_identity_unfold(s->identity, k, s->folded->identity));
    s->methods = methods_of(k, s->folded->session.methods);
    s->folded = NULL;
    return NULL;
}

kr_err_t *kr_session_from_rows(kr_session_t **out, kr_ctx_t *k, const kr_session_rows_t *rows)
{
    KR_TRY(kr_session_fold(out, k, rows));
    return kr_session_unfold(k, *out);
}

void kr_session_from_row(kr_session_t *s, kr_ctx_t *k, const kr_session_row_t *row)
{
    read_plain(s, row);
    s->methods = methods_of(k, row->methods);
}

kr_err_t *kr_session_show_former(kr_ctx_t *k, kr_session_t *s, const kr_session_row_t *row)
{
    s->token_is_old = 1;
    s->authenticated_at = row->old_authenticated_at;
    if (strcmp(row->aal, row->old_aal) == 0) return NULL; /* the proof that was given again may be listed: clients know it so */
    KR_TRY(read_aal(&s->aal, k, row, row->old_aal));
    s->methods = methods_of(k, row->old_methods);
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

/* -- life ---------------------------------------------------------------- */

kr_err_t *kr_session_extend(int *done, kr_ctx_t *k, kr_session_t *s)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_time_t until = k->now + conf->session_lifespan;

    *done = 0;
    if (conf->session_extend_window > 0 && s->expires_at - k->now > conf->session_extend_window) return NULL;
    KR_TRY(kr_store_session_extend(done, k, s->id, s->identity_id, until));
    if (*done) s->expires_at = until;
    return NULL;
}

/* No later than that, however much it is used; and a session that was prolonged by its owner keeps what it has. */
static apr_time_t slides_to(kr_ctx_t *k, const kr_session_t *s)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_time_t to = k->now + conf->session_lifespan, most = s->authenticated_at + conf->session_longest;

    return !conf->session_sliding ? 0 : to < most ? to : most;
}

void kr_session_seen(kr_ctx_t *k, kr_session_t *s)
{
    const apr_time_t before = k->now - k->realm->settings->session_seen_every, until = slides_to(k, s);
    const kr_session_row_t row = { .id = s->id, .epoch = s->epoch };
    int done;

    if (s->token_is_old || s->seen_at > before || kr_store_session_seen(&done, k, &row, before, until)) return;
    if (done) {
        s->seen_at = k->now;
        if (until > s->expires_at) s->expires_at = until;
    }
    kr_session_remember_seen(k, s, done);
}

int kr_session_cookie_lags(kr_ctx_t *k, const kr_session_t *s)
{
    if (s->token_is_old || s->carrier != KR_CARRIED_COOKIE) return 0;
    return s->cookie_expires + k->realm->settings->session_seen_every <= s->expires_at;
}
