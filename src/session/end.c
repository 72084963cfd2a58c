/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions end, and what a person does with one that ended meanwhile is not done. All of a person's sessions end by one number: the
 * epoch of the identity, which each session must have (include/kr_session.h).
 */
#include <string.h>

#include "kr_audit.h"
#include "session.h"

static kr_err_t *over(kr_ctx_t *k)
{
    return kr_err(k, 401, "session_inactive", "the session has ended meanwhile");
}

kr_err_t *kr_session_hold(kr_ctx_t *k, const kr_session_t *session, const kr_identity_t *identity)
{
    int done = 0;

    if (identity && strcmp(identity->state, "active") == 0 && session->epoch == identity->epoch)
        KR_TRY(kr_store_session_lock(&done, k, session->id, session->epoch, session->carried_hash));
    return done ? NULL : over(k);
}

kr_err_t *kr_session_end(kr_ctx_t *k, const kr_session_t *session)
{
    apr_int64_t ended;

    KR_TRY(kr_store_session_revoke(&ended, k, session->id, session->identity_id));
    if (!ended) return NULL; /* by another request, just now */
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_SIGNED_OUT, .identity_id = session->identity_id, .session_id = session->id });
    return NULL;
}

/** One session ends another, or all others. */
typedef struct {
    kr_session_t *by;
    const char *id;
    apr_int64_t *count;
} ending_t;

/* Two such requests of one session are both right: the epoch is the one that the session has by now, as long as it is usable. */
static kr_err_t *hold_now(kr_ctx_t *k, kr_session_t *by)
{
    kr_identity_t *identity;
    kr_session_t *is;

    KR_TRY(kr_identity_lock(&identity, k, by->identity->id));
    KR_TRY(kr_session_load(&is, k, by->id));
    if (!identity || !is || !kr_session_usable(k, is)) return over(k);
    by->epoch = is->epoch;
    return kr_session_hold(k, by, identity);
}

static kr_err_t *end_other(kr_ctx_t *k, void *baton)
{
    const ending_t *ending = baton;
    apr_int64_t ended;

    KR_TRY(hold_now(k, ending->by));
    KR_TRY(kr_store_session_revoke(&ended, k, ending->id, ending->by->identity->id));
    if (ended)
        kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_REVOKED, .identity_id = ending->by->identity->id, .session_id = ending->id,
                                   .by_session_id = ending->by->id });
    return NULL;
}

kr_err_t *kr_session_end_other(kr_ctx_t *k, kr_session_t *session, const char *id)
{
    ending_t ending = { .by = session, .id = id };

    return kr_db_tx(k, end_other, &ending);
}

static void moves_along(kr_ctx_t *k, void *baton)
{
    kr_session_t *session = baton;

    (void)k;
    session->epoch++;
}

kr_err_t *kr_session_end_others_now(kr_ctx_t *k, kr_session_t *session)
{
    int done;

    KR_TRY(kr_store_sessions_end_others(&done, k, session->identity->id, session->id, session->epoch));
    if (!done) return kr_db_raced(k);
    kr_db_after_commit(k, moves_along, session);
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_ALL_REVOKED, .identity_id = session->identity->id, .by_session_id = session->id });
    return NULL;
}

static kr_err_t *end_others(kr_ctx_t *k, void *baton)
{
    const ending_t *ending = baton;
    kr_session_t *by = ending->by;

    KR_TRY(hold_now(k, by));
    KR_TRY(kr_session_end_others_now(k, by));
    return kr_store_session_count(ending->count, k, by->identity->id, by->id, 0);
}

kr_err_t *kr_session_end_others(apr_int64_t *count, kr_ctx_t *k, kr_session_t *session)
{
    ending_t ending = { .by = session, .count = count };

    return kr_db_tx(k, end_others, &ending);
}

/* No session asked for it. */
static void tell_all_ended(kr_ctx_t *k, const char *identity_id, apr_int64_t count)
{
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_ALL_REVOKED, .identity_id = identity_id, .count = count });
}

/** All sessions of one identity. */
typedef struct {
    const char *identity_id;
    apr_int64_t count;
} all_t;

static kr_err_t *end_all(kr_ctx_t *k, void *baton)
{
    all_t *all = baton;
    int done;

    KR_TRY(kr_store_session_count(&all->count, k, all->identity_id, NULL, 1));
    KR_TRY(kr_store_sessions_end(&done, k, all->identity_id));
    if (done) tell_all_ended(k, all->identity_id, all->count);
    return NULL;
}

/** Those of a range of identities. */
typedef struct {
    const char *after, *last;
    apr_int64_t count;
} some_t;

static kr_err_t *end_range(kr_ctx_t *k, void *baton)
{
    some_t *some = baton;

    KR_TRY(kr_store_session_count_range(&some->count, k, some->after, some->last));
    KR_TRY(kr_store_sessions_end_range(k, some->after, some->last));
    tell_all_ended(k, NULL, some->count);
    return NULL;
}

kr_err_t *kr_sessions_end_range(apr_int64_t *count, kr_ctx_t *k, const char *after, const char *last)
{
    some_t some = { .after = after, .last = last };

    KR_TRY(kr_db_tx(k, end_range, &some));
    *count = some.count;
    return NULL;
}

kr_err_t *kr_sessions_end(apr_int64_t *count, kr_ctx_t *k, const char *identity_id)
{
    all_t all = { .identity_id = identity_id };

    KR_TRY(kr_db_tx(k, end_all, &all));
    if (count) *count = all.count;
    return NULL;
}

kr_err_t *kr_sessions_end_now(int *done, kr_ctx_t *k, const char *identity_id)
{
    KR_TRY(kr_store_sessions_end(done, k, identity_id));
    if (*done) tell_all_ended(k, identity_id, 0);
    return NULL;
}

kr_err_t *kr_session_revoke(int *done, kr_ctx_t *k, const char *id)
{
    kr_session_rows_t *rows;
    apr_int64_t ended;

    *done = 0;
    KR_TRY(kr_store_session_by_id(&rows, k, id));
    if (!rows) return kr_err(k, 404, NULL, "there is no such session");
    KR_TRY(kr_store_session_revoke(&ended, k, id, rows->session.identity_id));
    *done = ended > 0;
    if (*done) kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_REVOKED, .identity_id = rows->session.identity_id, .session_id = id });
    return NULL;
}
