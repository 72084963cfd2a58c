/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of sessions: in memory that all processes of the server share, by the keyed hash of a token, and on each connection, by
 * what the last request there carried. Only of sessions that are good, and only as long as this node knows of all changes
 * (kr_changes.h): whenever memory says nothing, the store is asked.
 */
#include <string.h>

#include <apr_strings.h>

#include "kr_metrics.h"
#include "session.h"

/* -- the connection's memory ---------------------------------------------- */

#define TEXT_MAX 160  /* of a cookie or token that is remembered */
#define LEAST_ROOM 2048

struct kr_memo_t {
    apr_pool_t *pool;
    const kr_realm_t *realm;   /* NULL: nothing is remembered */
    kr_carried_t carried;      /* its text and token lie here: */
    char text[TEXT_MAX], token[TEXT_MAX];
    int staged;                /* a record lies here that this request has found; what by is not known yet */
    void *record;
    apr_size_t room, len;
    kr_stamp_t stamp;
    apr_time_t until;          /* by kr_clock_ticks */
};

kr_memo_t *kr_memo_make(apr_pool_t *pool)
{
    kr_memo_t *memo = apr_pcalloc(pool, sizeof(*memo));

    memo->pool = pool;
    return memo;
}

/* A proxy's connection carries one person's requests after another's: room is made a few times, and then it is enough. */
static void stage(kr_memo_t *memo, const void *record, apr_size_t len, const kr_stamp_t *stamp, apr_time_t until)
{
    if (!memo) return;
    memo->realm = NULL;
    while (memo->room < len) {
        memo->room = memo->room ? 2 * memo->room : LEAST_ROOM;
        memo->record = NULL;
    }
    if (!memo->record) memo->record = apr_palloc(memo->pool, memo->room);
    memcpy(memo->record, record, len);
    memo->len = len;
    memo->stamp = *stamp;
    memo->until = until;
    memo->staged = 1;
}

void kr_memo_keep(kr_ctx_t *k, const kr_carried_t *carried)
{
    kr_memo_t *memo = k->memo;

    if (!memo || !memo->staged || strlen(carried->text) >= TEXT_MAX || strlen(carried->token) >= TEXT_MAX) return;
    memo->carried = *carried;
    apr_cpystrn(memo->text, carried->text, TEXT_MAX);
    apr_cpystrn(memo->token, carried->token, TEXT_MAX);
    memo->carried.text = memo->text;
    memo->carried.token = memo->token;
    memo->realm = k->realm;
    memo->staged = 0;
}

/** By what a session was found that may be remembered once more. */
struct kr_glanced_t {
    const kr_session_rows_t *rows;
    kr_stamp_t stamp;
    apr_time_t until;
};

static const kr_glanced_t *glanced(kr_ctx_t *k, const kr_session_rows_t *rows, const kr_stamp_t *stamp, apr_time_t until)
{
    kr_glanced_t *out = apr_palloc(k->pool, sizeof(*out));

    *out = (kr_glanced_t){ .rows = rows, .stamp = *stamp, .until = until };
    return out;
}

/* -- out of memory -------------------------------------------------------- */

/* What is remembered is good for whoever may glance, if the account has not changed since and the session has not come to its end. */
static int recall(kr_session_t **out, kr_ctx_t *k, void *record, apr_size_t len, const kr_stamp_t *stamp, apr_time_t until)
{
    const char *shown;
    const kr_session_rows_t *rows = kr_record_open(&shown, k->pool, record, len);

    if (!rows || rows->session.expires_at <= k->now || kr_session_fold(out, k, rows)) return 0;
    (*out)->recalled = 1;
    (*out)->shown = shown;
    (*out)->carried_hash = rows->session.token_hash;
    (*out)->glanced = glanced(k, rows, stamp, until);
    return 1;
}

int kr_memo_recall(kr_session_t **out, kr_ctx_t *k, const kr_carried_t *carried)
{
    kr_memo_t *memo = k->memo;
    void *record;

    if (!memo) return 0;
    memo->staged = 0;
    if (memo->realm != k->realm || memo->carried.carrier != carried->carrier || !kr_equal(memo->text, carried->text)) return 0;
    if (!kr_trust_holds(k->realm->trust) || memo->until <= kr_clock_ticks()) return 0;
    record = apr_pmemdup(k->pool, memo->record, memo->len);
    if (!recall(out, k, record, memo->len, &memo->stamp, memo->until) || !kr_changes_hold(k->realm->changes, &memo->stamp, (*out)->identity_id)) {
        *out = NULL;
        return 0;
    }
    kr_metric_count(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(KR_CACHE_HIT));
    (*out)->carrier = carried->carrier;
    (*out)->cookie_expires = memo->carried.expires;
    (*out)->token = apr_pstrdup(k->pool, memo->token);
    return 1;
}

/* -- or out of the store -------------------------------------------------- */

static const char *key_of(kr_ctx_t *k, const char *hash)
{
    return apr_pstrcat(k->pool, k->realm->name, " ", hash, NULL);
}

static void put(kr_ctx_t *k, const kr_glanced_t *g, const char *shown)
{
    apr_size_t len;
    const void *record = kr_record_make(&len, k->pool, g->rows, shown);

    kr_metric_count(KR_METRIC_CACHE_FILLS, KR_SERIES_ONE);
    kr_cache_put(k->realm->cache, key_of(k, g->rows->session.token_hash), g->rows->session.identity_id, &g->stamp, g->until, record, len);
    stage(k->memo, record, len, &g->stamp, g->until);
}

/* What was read is remembered if nothing changed meanwhile, and if there is nothing about it that somebody might have to be refused for. */
static void remember(kr_ctx_t *k, kr_session_t *s, const kr_session_rows_t *rows, kr_stamp_t *stamp)
{
    if (!kr_session_usable(k, s)) return;
    if (!kr_changes_settle(stamp, k->realm->changes, s->identity_id)) return;
    s->glanced = glanced(k, rows, stamp, kr_clock_ticks() + KR_CACHE_AGE_MAX);
    put(k, s->glanced, NULL);
}

void kr_session_remember_seen(kr_ctx_t *k, kr_session_t *s, int written)
{
    kr_session_rows_t *rows;
    kr_glanced_t *g;

    if (!s->glanced) return;
    if (!written) {
        kr_changes_note(k->realm->changes, s->identity_id);
        return;
    }
    rows = apr_pmemdup(k->pool, s->glanced->rows, sizeof(*rows));
    rows->session.seen_at = s->seen_at;
    rows->session.expires_at = s->expires_at;
    g = apr_pmemdup(k->pool, s->glanced, sizeof(*g));
    g->rows = rows;
    s->glanced = g;
    s->shown = NULL;
    put(k, g, NULL);
}

void kr_session_shown(kr_ctx_t *k, const kr_session_t *session, const char *text)
{
    if (session->glanced && !session->shown) put(k, session->glanced, text);
}

static int recall_shared(kr_session_t **out, kr_ctx_t *k, const char *hash)
{
    kr_cached_t found;

    if (!kr_cache_get(&found, k->pool, k->realm->cache, key_of(k, hash))) return 0;
    stage(k->memo, found.data, found.len, &found.stamp, found.until);
    return recall(out, k, found.data, found.len, &found.stamp, found.until);
}

static kr_err_t *read_and_remember(kr_session_t **out, kr_ctx_t *k, const char *hash)
{
    kr_stamp_t stamp = kr_changes_begin(k->realm->changes);
    kr_session_rows_t *rows;

    KR_TRY(kr_store_session_to_remember(&rows, k, hash));
    if (!rows) return NULL;
    KR_TRY(kr_session_fold(out, k, rows));
    remember(k, *out, rows, &stamp);
    return NULL;
}

static kr_err_t *read_only(kr_session_t **out, kr_ctx_t *k, const char *hash)
{
    kr_session_rows_t *rows;

    KR_TRY(kr_store_session_find(&rows, k, hash, 0, 0));
    return rows ? kr_session_fold(out, k, rows) : NULL;
}

kr_err_t *kr_glance(kr_session_t **out, kr_ctx_t *k, const char *hash)
{
    const int trusted = k->realm->cache && kr_trust_holds(k->realm->trust);
    const int hit = trusted && recall_shared(out, k, hash);

    if (k->realm->cache) kr_metric_count(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(hit ? KR_CACHE_HIT : KR_CACHE_MISS));
    if (hit) return NULL;
    *out = NULL;
    return trusted ? read_and_remember(out, k, hash) : read_only(out, k, hash);
}
