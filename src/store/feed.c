/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes remember sessions. Each change that ends one, or makes it another, writes whose it is into a table, in its own transaction; the
 * processes of this node are told once that is committed, before anybody gets an answer, and other nodes read the table.
 */
#include "kr_store_feed.h"

#include <string.h>

#include <apr_strings.h>

#include "kr_changes.h"
#include "kr_clock.h"
#include "store.h"

static const kr_query_t FEED_TELL = {
    .name = "feed_tell",
    .sql = "INSERT INTO session_changes (realm_id, identity_id, created_at) VALUES (%s, %s, %lld)",
};

static const kr_query_t FEED_READ = {
    .name = "feed_read",
    .sql = "SELECT id, identity_id FROM session_changes WHERE id > %lld ORDER BY id LIMIT %lld",
};

static const kr_query_t FEED_LAST = {
    .name = "feed_last",
    .sql = "SELECT MAX(id) FROM session_changes",
};

/* -- telling ---------------------------------------------------------------- */

/** Whose sessions have changed, and when that was written. */
typedef struct {
    const char *identity_id;
    apr_time_t written;   /* by kr_clock_ticks */
} news_t;

static kr_err_t *write_news(kr_ctx_t *k, const news_t *news)
{
    return kr_db_exec(NULL, k, &FEED_TELL, KR_S(k->realm->name), KR_S(news->identity_id), KR_I(k->now));
}

void kr_feed_note(kr_ctx_t *k, const char *identity_id)
{
    kr_changes_t *changes = k->realm->changes;

    if (!changes) return;
    if (*identity_id) kr_changes_note(changes, identity_id);
    else kr_changes_note_all(changes);
}

/* Well before readers would miss it: they may be late themselves. When this fails, copies on other nodes live until they are too old. */
static void committed(kr_ctx_t *k, void *baton)
{
    const news_t *news = baton;
    kr_err_t *err = NULL;

    kr_feed_note(k, news->identity_id);
    if (kr_clock_ticks() - news->written > KR_STORE_FEED_SPAN / 3) err = write_news(k, news);
    (void)err; /* logged below us */
}

/* A transaction changes an account in several statements. */
static int is_told(const kr_ctx_t *k, const char *identity_id)
{
    const apr_array_header_t *after = k->db ? k->db->after : NULL;

    for (int i = 0; after && i < after->nelts; i++) {
        const kr_follow_t *next = &APR_ARRAY_IDX(after, i, const kr_follow_t);

        if (next->fn == committed && !strcmp(((const news_t *)next->baton)->identity_id, identity_id)) return 1;
    }
    return 0;
}

kr_err_t *kr_feed_tell(kr_ctx_t *k, const char *identity_id)
{
    news_t *news;

    if (is_told(k, identity_id)) return NULL;
    news = apr_palloc(k->pool, sizeof(*news));
    *news = (news_t){ .identity_id = apr_pstrdup(k->pool, identity_id), .written = kr_clock_ticks() };
    KR_TRY(write_news(k, news));
    kr_db_after_commit(k, committed, news);
    return NULL;
}

/** A statement that changes what somebody's sessions are, and whose. */
typedef struct {
    apr_int64_t hits;
    const kr_query_t *query;
    const kr_arg_t *args;
    int nargs;
    const char *identity_id;
} change_t;

static kr_err_t *change(kr_ctx_t *k, void *baton)
{
    change_t *c = baton;

    KR_TRY(kr_db_exec_(&c->hits, k, c->query, c->args, c->nargs));
    return c->hits ? kr_feed_tell(k, c->identity_id) : NULL;
}

kr_err_t *kr_feed_exec_(apr_int64_t *affected, kr_ctx_t *k, const char *identity_id, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    change_t c = { .query = q, .args = args, .nargs = nargs, .identity_id = identity_id };
    kr_err_t *err = k->db && k->db->in_tx ? change(k, &c) : kr_db_tx(k, change, &c);

    if (affected) *affected = err ? 0 : c.hits;
    return err;
}

kr_err_t *kr_feed_hit_(int *done, kr_ctx_t *k, const char *identity_id, const kr_query_t *q, const kr_arg_t *args, int nargs)
{
    apr_int64_t hits;
    kr_err_t *err = kr_feed_exec_(&hits, k, identity_id, q, args, nargs);

    *done = hits > 0;
    return err;
}

/* -- reading ---------------------------------------------------------------- */

kr_err_t *kr_store_feed_read(apr_array_header_t **out, kr_ctx_t *k, apr_int64_t after)
{
    apr_array_header_t *rows;

    KR_TRY(kr_db_rows(&rows, k, &FEED_READ, KR_I(after), KR_I(KR_STORE_FEED_MAX + 1)));
    *out = apr_array_make(k->pool, rows->nelts, sizeof(kr_store_feed_row_t));
    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, const kr_row_t);

        APR_ARRAY_PUSH(*out, kr_store_feed_row_t) = (kr_store_feed_row_t){ .id = kr_row_int(row, 0), .identity_id = row->col[1] };
    }
    return NULL;
}

kr_err_t *kr_store_feed_last(apr_int64_t *out, kr_ctx_t *k)
{
    kr_row_t *row;

    *out = 0;
    KR_TRY(kr_db_one_(&row, k, &FEED_LAST, NULL, 0));
    if (row) *out = kr_row_int(row, 0);
    return NULL;
}
