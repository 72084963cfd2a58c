/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting what has expired, a stretch of an index at a time. The one place whose statements are for all realms at once.
 *
 * Each family is walked along the index that its key has. A batch asks where the next stretch ends and deletes inside it,
 * so that it looks at few rows, however many there are, and never again at the places that rows left behind: MySQL keeps
 * those until it has time.
 */
#include "kr_store_sweep.h"
#include "kr_text.h"

/* An expired flow still tells its client so (410) and offers a new one; an error page may be opened again. */
#define KEEP_FLOWS apr_time_from_sec(24 * 3600)
#define KEEP_ERRORS apr_time_from_sec(7 * 24 * 3600)
#define KEEP_MESSAGES apr_time_from_sec(7 * 24 * 3600) /* sent ones for the record, others for `kratosctl courier retry` */
#define KEEP_BUDGETS apr_time_from_sec(3600) /* the longest window */
#define KEEP_CHANGES apr_time_from_sec(600) /* nodes read them once a second */
#define KEEP_REVOKED apr_time_from_sec(24 * 3600)
/* Anybody makes as many flows as they like by asking for them: who left a form open for too long is told so this long. */
#define KEEP_IDLE_FLOWS apr_time_from_sec(600)

/* Nobody submitted it, opened it by a link, or was sent anything from it: each of these writes the row or its state. */
#define IDLE_FLOW "submit_count = 0 AND updated_at = created_at AND state <> 'sent_email' AND "

/*
 * MySQL deletes along the index with LIMIT, but would read the whole table for `id IN (SELECT ...)`; SQLite knows only
 * the latter. Where most rows are to go, MySQL would look for the end of a stretch from the beginning of the index, past all that
 * stay, unless it is told. Codes go with their flows, exchanges with their sessions.
 */
#define STRETCH(table, index, also, key)                                                                               \
    { .name = "sweep_stretch_" index,                                                                                  \
      .mysql = "SELECT " key " FROM " table " FORCE INDEX (" index ") WHERE " also key " >= %lld AND " key             \
               " < %lld ORDER BY " key " LIMIT 1 OFFSET %lld",                                                         \
      .sqlite = "SELECT " key " FROM " table " WHERE " also key " >= %lld AND " key " < %lld ORDER BY " key            \
                " LIMIT 1 OFFSET %lld",                                                                                 \
      .lag = KR_LAG_FINE }

#define REMOVE(table, index, which, key)                                                                               \
    { .name = "sweep_" index,                                                                                          \
      .mysql = "DELETE FROM " table " WHERE " which key " >= %lld AND " key " <= %lld ORDER BY " key " LIMIT %lld",    \
      .sqlite = "DELETE FROM " table " WHERE id IN (SELECT id FROM " table " WHERE " which key " >= %lld AND " key     \
                " <= %lld ORDER BY " key " LIMIT %lld)",                                                                \
      .lag = KR_LAG_FINE }

#define FAMILY(table, index, which, key)                                                                               \
    .stretch = STRETCH(table, index, which, key), .remove = REMOVE(table, index, which, key)

/* As FAMILY, when rows stay behind: the end of a stretch is counted in all rows, or it would be long to look for. */
#define FAMILY_AMONG_OTHERS(table, index, which, key)                                                                  \
    .stretch = STRETCH(table, index, "", key), .remove = REMOVE(table, index, which, key), .others_stay = 1

static const struct {
    kr_query_t stretch, remove;
    int others_stay;
    apr_time_t keep;
} FAMILIES[KR_SWEEP_FAMILIES] = {
    { FAMILY("session_exchanges", "session_exchanges_expires", "", "expires_at"), .keep = 0 },
    { FAMILY("flows", "flows_expires", "", "expires_at"), .keep = KEEP_FLOWS },
    { FAMILY_AMONG_OTHERS("flows", "flows_expires", IDLE_FLOW, "expires_at"), .keep = KEEP_IDLE_FLOWS },
    { FAMILY("sessions", "sessions_expires", "", "expires_at"), .keep = 0 },
    { FAMILY("sessions", "sessions_revoked", "active = 0 AND ", "updated_at"), .keep = KEEP_REVOKED },
    { FAMILY("courier_messages", "courier_messages_old", "", "updated_at"), .keep = KEEP_MESSAGES },
    { FAMILY("code_budgets", "code_budgets_begins", "", "begins_at"), .keep = KEEP_BUDGETS },
    { FAMILY("kept_posts", "kept_posts_expires", "", "expires_at"), .keep = 0 },
    { FAMILY("session_changes", "session_changes_created", "", "created_at"), .keep = KEEP_CHANGES },
    { FAMILY("selfservice_errors", "selfservice_errors_created", "", "created_at"), .keep = KEEP_ERRORS },
};

/* The next family. Where others stay, the walk goes on there the next time. */
static void leave_family(kr_sweep_t *sweep)
{
    if (!FAMILIES[sweep->family].others_stay) sweep->at[sweep->family] = 0;
    sweep->family++;
}

kr_err_t *kr_store_sweep(kr_sweep_t *sweep, kr_ctx_t *k, int batch)
{
    const int family = sweep->family;
    const apr_time_t from = sweep->at[family], before = k->now - FAMILIES[family].keep;
    apr_time_t last = before - 1;
    apr_int64_t gone = 0;
    kr_row_t *row;

    sweep->done = 0;
    KR_TRY(kr_db_one(&row, k, &FAMILIES[family].stretch, KR_I(from), KR_I(before), KR_I(batch - 1)));
    if (row) last = kr_row_int(row, 0);
    if (last >= from)
        KR_TRY(kr_db_exec(&gone, k, &FAMILIES[family].remove, KR_I(from), KR_I(last), KR_I(2 * batch)));
    sweep->deleted += gone;
    if (gone >= 2 * batch) return NULL; /* many rows have one key: there are more in this stretch */
    if (last >= from) sweep->at[family] = last + 1;
    if (!row) leave_family(sweep);
    if (sweep->family == KR_SWEEP_FAMILIES) {
        sweep->family = 0;
        sweep->done = 1;
    }
    return NULL;
}
