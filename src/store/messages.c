/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox. A message is due when its send_after has passed. Who claims it moves send_after to the end of the
 * lease, in the one statement that also writes the owner's name: no two can have it, and a worker that died loses it by
 * itself.
 */
#include <string.h>

#include "kr_store_message.h"
#include "kr_text.h"
#include "store.h"

#define DUE "realm_id = %s AND status = 'queued' AND send_after <= %lld AND via IN (%s, %s)"
#define CLAIM "UPDATE courier_messages SET lease_owner = %s, send_after = %lld, updated_at = %lld WHERE "
#define PART ((apr_size_t)48000) /* bytes: MySQL's driver reads no more than 64 KiB of a column */
#define PART_COLUMNS 4
#define HOLD apr_time_from_msec(100) /* whoever has the older message needs about that long for it */
#define COLUMNS "id, status, via, recipient, template_type, attempts, last_error, send_after, created_at, updated_at"

static const kr_query_t MESSAGE_INSERT = {
    .name = "message_insert",
    .sql = "INSERT INTO courier_messages (id, realm_id, status, via, recipient, template_type, sealed, attempts, "
           "send_after, lease_owner, last_error, created_at, updated_at) "
           "VALUES (%s, %s, 'queued', %s, %s, %s, %s, 0, %lld, NULL, NULL, %lld, %lld)",
};

/* Asked first, once a second by each process: it takes no lock. */
static const kr_query_t MESSAGE_DUE = {
    .name = "message_due",
    .sql = "SELECT 1 FROM courier_messages WHERE " DUE " LIMIT 1",
    .lag = KR_LAG_FINE,
};

static const kr_query_t MESSAGE_CLAIM = {
    .name = "message_claim",
    .mysql = CLAIM DUE " ORDER BY send_after LIMIT %lld",
    .sqlite = CLAIM "id IN (SELECT id FROM courier_messages WHERE " DUE " ORDER BY send_after LIMIT %lld)",
    .lag = KR_LAG_FINE,
};

/* The end of the lease too: what is left of an earlier claim may be somebody else's soon. */
static const kr_query_t MESSAGE_CLAIMED = {
    .name = "message_claimed",
    .sql = "SELECT " COLUMNS ", sealed FROM courier_messages WHERE realm_id = %s AND status = 'queued' AND "
           "send_after = %lld AND lease_owner = %s ORDER BY created_at, id",
    .lag = KR_LAG_FINE,
};

/*
 * Of what was claimed, what has to wait: an older message to the same recipient is not out yet. It is due, or somebody
 * else's just now, or it waits for one that is. One that failed and was put off holds up nobody.
 */
static const kr_query_t MESSAGE_EARLY = {
    .name = "message_early",
    .sql = "SELECT m.id FROM courier_messages m WHERE m.realm_id = %s AND m.status = 'queued' AND m.send_after = %lld "
           "AND m.lease_owner = %s AND EXISTS (SELECT 1 FROM courier_messages o WHERE o.realm_id = m.realm_id "
           "AND o.status = 'queued' AND o.recipient = m.recipient "
           "AND (o.created_at < m.created_at OR (o.created_at = m.created_at AND o.id < m.id)) "
           "AND (o.lease_owner IS NULL OR o.lease_owner <> m.lease_owner OR o.send_after <> m.send_after) "
           "AND (o.attempts = 0 OR o.lease_owner IS NOT NULL OR o.send_after <= %lld))",
    .lag = KR_LAG_FINE,
};

static const kr_query_t MESSAGE_HOLD = {
    .name = "message_hold",
    .sql = "UPDATE courier_messages SET lease_owner = NULL, send_after = %lld, updated_at = %lld "
           "WHERE id = %s AND realm_id = %s AND lease_owner = %s",
};

static const kr_query_t MESSAGE_SENT = {
    .name = "message_sent",
    .sql = "UPDATE courier_messages SET status = 'sent', sealed = '', attempts = attempts + 1, lease_owner = NULL, "
           "last_error = NULL, updated_at = %lld WHERE id = %s AND realm_id = %s",
};

static const kr_query_t MESSAGE_FAILED = {
    .name = "message_failed",
    .sql = "UPDATE courier_messages SET status = %s, attempts = %lld, send_after = %lld, last_error = %s, "
           "lease_owner = NULL, updated_at = %lld WHERE id = %s AND realm_id = %s AND lease_owner = %s",
};

static const kr_query_t MESSAGE_RELEASE = {
    .name = "message_release",
    .sql = "UPDATE courier_messages SET lease_owner = NULL, send_after = %lld, updated_at = %lld "
           "WHERE realm_id = %s AND status = 'queued' AND send_after > %lld AND lease_owner = %s",
};

static const kr_query_t MESSAGE_RETRY = {
    .name = "message_retry",
    .sql = "UPDATE courier_messages SET status = 'queued', attempts = 0, send_after = %lld, created_at = %lld, "
           "updated_at = %lld WHERE realm_id = %s AND status = 'abandoned' AND id = %s",
};

static const kr_query_t MESSAGE_RETRY_ALL = {
    .name = "message_retry_all",
    .sql = "UPDATE courier_messages SET status = 'queued', attempts = 0, send_after = %lld, created_at = %lld, "
           "updated_at = %lld WHERE realm_id = %s AND status = 'abandoned'",
};

/* -- what is longer than a column ------------------------------------------ */

static const kr_query_t PARTS_INSERT = {
    .name = "outbox_parts_insert",
    .sql = "INSERT INTO outbox_parts (message_id, part, realm_id, sealed) VALUES ",
    .row = "(%s, %lld, %s, %s)",
};

static const kr_query_t PARTS_FIND = {
    .name = "outbox_parts_find",
    .sql = "SELECT sealed FROM outbox_parts WHERE message_id = %s AND realm_id = %s ORDER BY part",
};

static const kr_query_t PARTS_DELETE = {
    .name = "outbox_parts_delete",
    .sql = "DELETE FROM outbox_parts WHERE message_id = %s AND realm_id = %s",
};

static kr_err_t *insert_parts(kr_ctx_t *k, const char *id, const char *sealed, apr_size_t len)
{
    kr_arg_t args[KR_STORE_MESSAGE_MAX / PART * PART_COLUMNS];
    int n = 0;

    for (apr_size_t at = 0; at < len; at += PART, n++) {
        const kr_arg_t part[PART_COLUMNS] = { KR_S(id), KR_I(n), KR_S(k->realm->name), KR_S(apr_pstrndup(k->pool, sealed + at, PART)) };

        memcpy(args + n * PART_COLUMNS, part, sizeof(part));
    }
    return kr_db_insert_many(k, &PARTS_INSERT, args, PART_COLUMNS, n);
}

static kr_err_t *join_parts(kr_ctx_t *k, kr_message_row_t *message)
{
    apr_array_header_t *rows, *parts;

    if (*message->sealed != '*') return NULL;
    KR_TRY(kr_db_rows(&rows, k, &PARTS_FIND, KR_S(message->id), KR_S(k->realm->name)));
    message->parts = (int)apr_atoi64(message->sealed + 1);
    parts = apr_array_make(k->pool, rows->nelts + 1, sizeof(const char *));
    for (int i = 0; i < rows->nelts; i++) APR_ARRAY_PUSH(parts, const char *) = APR_ARRAY_IDX(rows, i, kr_row_t).col[0];
    message->sealed = apr_array_pstrcat(k->pool, parts, 0);
    return NULL;
}

/* -- in, and out ------------------------------------------------------------ */

kr_err_t *kr_store_message_insert(kr_ctx_t *k, const char *id, const char *via, const char *recipient,
                                  const char *template_type, const char *sealed)
{
    const apr_size_t len = strlen(sealed);
    const char *column = len <= PART ? sealed : apr_psprintf(k->pool, "*%d", (int)((len + PART - 1) / PART));

    if (len > KR_STORE_MESSAGE_MAX) return kr_err_internal(k, APR_SUCCESS, "a message of %d bytes is too long to be kept", (int)len);
    KR_TRY(kr_db_exec(NULL, k, &MESSAGE_INSERT, KR_S(id), KR_S(k->realm->name), KR_S(via), KR_S(recipient), KR_S(template_type),
                      KR_S(column), KR_I(k->now), KR_I(k->now), KR_I(k->now)));
    return column == sealed ? NULL : insert_parts(k, id, sealed, len);
}

static apr_array_header_t *messages_of(apr_pool_t *pool, const apr_array_header_t *rows)
{
    apr_array_header_t *out = apr_array_make(pool, rows->nelts, sizeof(kr_message_row_t));

    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);

        APR_ARRAY_PUSH(out, kr_message_row_t) = (kr_message_row_t){
            .id = row->col[0],
            .status = row->col[1],
            .via = row->col[2],
            .recipient = row->col[3],
            .template_type = row->col[4],
            .attempts = (int)kr_row_int(row, 5),
            .last_error = row->col[6],
            .send_after = kr_row_int(row, 7),
            .created_at = kr_row_int(row, 8),
            .updated_at = kr_row_int(row, 9),
            .sealed = row->cols > 10 ? row->col[10] : NULL,
        };
    }
    return out;
}

kr_err_t *kr_store_message_claim(apr_array_header_t **out, kr_ctx_t *k, const char *via, const char *other, const char *owner,
                                 apr_time_t until, int batch)
{
    apr_array_header_t *rows;
    kr_row_t *due;

    *out = apr_array_make(k->pool, 0, sizeof(kr_message_row_t));
    KR_TRY(kr_db_one(&due, k, &MESSAGE_DUE, KR_S(k->realm->name), KR_I(k->now), KR_S(via), KR_S(other)));
    if (!due) return NULL;
    KR_TRY(kr_db_exec(NULL, k, &MESSAGE_CLAIM, KR_S(owner), KR_I(until), KR_I(k->now), KR_S(k->realm->name),
                      KR_I(k->now), KR_S(via), KR_S(other), KR_I(batch)));
    KR_TRY(kr_db_rows(&rows, k, &MESSAGE_CLAIMED, KR_S(k->realm->name), KR_I(until), KR_S(owner)));
    *out = messages_of(k->pool, rows);
    for (int i = 0; i < (*out)->nelts; i++) KR_TRY(join_parts(k, &APR_ARRAY_IDX(*out, i, kr_message_row_t)));
    return NULL;
}

static int is_early(const apr_array_header_t *early, const char *id)
{
    for (int i = 0; i < early->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(early, i, kr_row_t).col[0], id) == 0) return 1;
    }
    return 0;
}

kr_err_t *kr_store_message_in_turn(apr_array_header_t *claimed, kr_ctx_t *k, const char *owner, apr_time_t until)
{
    apr_array_header_t *early;
    int kept = 0;

    if (claimed->nelts == 0) return NULL;
    KR_TRY(kr_db_rows(&early, k, &MESSAGE_EARLY, KR_S(k->realm->name), KR_I(until), KR_S(owner), KR_I(k->now)));
    for (int i = 0; i < claimed->nelts; i++) {
        const kr_message_row_t message = APR_ARRAY_IDX(claimed, i, kr_message_row_t);

        if (is_early(early, message.id)) {
            KR_TRY(kr_db_exec(NULL, k, &MESSAGE_HOLD, KR_I(k->now + HOLD), KR_I(k->now), KR_S(message.id),
                              KR_S(k->realm->name), KR_S(owner)));
        } else APR_ARRAY_IDX(claimed, kept++, kr_message_row_t) = message;
    }
    claimed->nelts = kept;
    return NULL;
}

kr_err_t *kr_store_message_sent(kr_ctx_t *k, const kr_message_row_t *message)
{
    KR_TRY(kr_db_exec(NULL, k, &MESSAGE_SENT, KR_I(k->now), KR_S(message->id), KR_S(k->realm->name)));
    return message->parts ? kr_db_exec(NULL, k, &PARTS_DELETE, KR_S(message->id), KR_S(k->realm->name)) : NULL;
}

kr_err_t *kr_store_message_failed(kr_ctx_t *k, const char *owner, const kr_message_row_t *message)
{
    return kr_db_exec(NULL, k, &MESSAGE_FAILED, KR_S(message->status), KR_I(message->attempts),
                      KR_I(message->send_after), KR_S(message->last_error), KR_I(k->now), KR_S(message->id),
                      KR_S(k->realm->name), KR_S(owner));
}

kr_err_t *kr_store_message_release(kr_ctx_t *k, const char *owner)
{
    return kr_db_exec(NULL, k, &MESSAGE_RELEASE, KR_I(k->now), KR_I(k->now), KR_S(k->realm->name), KR_I(k->now),
                      KR_S(owner));
}

static const kr_query_t MESSAGE_PAGE = {
    .name = "message_page",
    .sql = "SELECT " COLUMNS " FROM courier_messages WHERE realm_id = %s AND recipient <> id AND id < %s AND (%s = '' OR status = %s) "
           "AND (%s = '' OR recipient = %s) ORDER BY id DESC LIMIT %lld",
};

/* Greater than any id. */
#define LAST "~"

kr_err_t *kr_store_message_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient,
                                const char *before, int limit)
{
    apr_array_header_t *rows;

    if (!status) status = "";
    if (!recipient) recipient = "";
    KR_TRY(kr_db_rows(&rows, k, &MESSAGE_PAGE, KR_S(k->realm->name), KR_S(before ? before : LAST), KR_S(status),
                      KR_S(status), KR_S(recipient), KR_S(recipient), KR_I(limit)));
    *out = messages_of(k->pool, rows);
    return NULL;
}

kr_err_t *kr_store_message_retry(apr_int64_t *done, kr_ctx_t *k, const char *id)
{
    *done = 0;
    if (!id) {
        return kr_db_exec(done, k, &MESSAGE_RETRY_ALL, KR_I(k->now), KR_I(k->now), KR_I(k->now), KR_S(k->realm->name));
    }
    if (!kr_store_id_ok(id)) return NULL;
    return kr_db_exec(done, k, &MESSAGE_RETRY, KR_I(k->now), KR_I(k->now), KR_I(k->now), KR_S(k->realm->name),
                      KR_S(id));
}

/* -- for metrics ------------------------------------------------------------ */

#define REALMS 8 /* that are looked up one by one: each costs what it has waiting */
#define WAITING(which) \
    "SELECT via, COUNT(*) FROM courier_messages WHERE " which "status = 'queued' AND recipient <> id GROUP BY via"

static const kr_query_t MESSAGES_WAITING = {
    .name = "messages_waiting",
    .sql = WAITING("realm_id IN (%s, %s, %s, %s, %s, %s, %s, %s) AND "),
};

/* The one statement that is bound to no realm, beside the sweep's: it tells nothing but numbers. */
static const kr_query_t MESSAGES_WAITING_ANYWHERE = {
    .name = "messages_waiting_anywhere",
    .sql = WAITING(""),
};

kr_err_t *kr_store_message_waiting(apr_array_header_t **out, kr_ctx_t *k, const apr_array_header_t *realms)
{
    apr_array_header_t *rows;
    kr_arg_t args[REALMS];

    *out = apr_array_make(k->pool, 4, sizeof(kr_message_count_t));
    for (int i = 0; i < REALMS; i++) args[i] = KR_S(i < realms->nelts ? APR_ARRAY_IDX(realms, i, const char *) : "");
    if (realms->nelts > REALMS) KR_TRY(kr_db_rows_(&rows, k, &MESSAGES_WAITING_ANYWHERE, NULL, 0));
    else KR_TRY(kr_db_rows_(&rows, k, &MESSAGES_WAITING, args, REALMS));
    for (int i = 0; i < rows->nelts; i++) {
        const kr_row_t *row = &APR_ARRAY_IDX(rows, i, kr_row_t);

        APR_ARRAY_PUSH(*out, kr_message_count_t) = (kr_message_count_t){ row->col[0], kr_row_int(row, 1) };
    }
    return NULL;
}
