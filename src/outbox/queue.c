/* SPDX-License-Identifier: Apache-2.0 */
/* Into the outbox: the data sealed, in the transaction of whatever it tells of. The request has better things to do than to send. */
#include <string.h>

#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "outbox.h"

static kr_err_t *sealed_data(const char **out, kr_ctx_t *k, const json_t *data)
{
    apr_size_t len;
    char *text = (char *)kr_json_dump(k->pool, data, &len);

    *out = len <= KR_OUTBOX_MAX ? kr_seal(k->pool, k->realm->keys, KR_SEAL_CONTEXT, text, len) : "";
    kr_wipe(text, len); /* there is a code in it */
    return **out ? NULL : kr_err_internal(k, APR_SUCCESS, "%d bytes are too many for the outbox", (int)len);
}

/* What is not committed is nobody's to send. */
static void note_queued(kr_ctx_t *k, void *baton)
{
    (void)baton;
    k->queued++;
}

static kr_err_t *put(kr_ctx_t *k, const kr_outbox_item_t *item, const char *id, const char *to, const char *sealed)
{
    KR_TRY(kr_store_message_insert(k, id, item->via, to, item->type, sealed));
    kr_db_after_commit(k, note_queued, NULL);
    return NULL;
}

kr_err_t *kr_outbox_put(kr_ctx_t *k, const kr_outbox_item_t *item)
{
    const char *sealed;

    KR_TRY(sealed_data(&sealed, k, item->data));
    return put(k, item, kr_uuid(k), item->to, sealed);
}

kr_err_t *kr_outbox_put_nothing(kr_ctx_t *k, const kr_outbox_item_t *item)
{
    const char *id = kr_uuid(k), *sealed;

    KR_TRY(sealed_data(&sealed, k, item->data)); /* made like any other, and stored as dashes */
    memset((char *)sealed, '-', strlen(sealed));
    return put(k, item, id, id, sealed);
}

int kr_outbox_is_nothing(const kr_message_row_t *message)
{
    return strcmp(message->recipient, message->id) == 0;
}

/* -- for those who run the site ------------------------------------------- */

kr_err_t *kr_outbox_page(apr_array_header_t **out, kr_ctx_t *k, const char *status, const char *recipient, const char *before,
                         int limit)
{
    apr_array_header_t *rows;

    KR_TRY(kr_store_message_page(&rows, k, status, recipient, before, limit));
    *out = apr_array_make(k->pool, rows->nelts, sizeof(kr_message_t));
    for (int i = 0; i < rows->nelts; i++) {
        const kr_message_row_t *row = &APR_ARRAY_IDX(rows, i, kr_message_row_t);

        APR_ARRAY_PUSH(*out, kr_message_t) = (kr_message_t){
            .id = row->id, .status = row->status, .via = row->via, .recipient = row->recipient,
            .template_type = row->template_type, .attempts = row->attempts, .last_error = row->last_error,
            .send_after = row->send_after, .created_at = row->created_at, .updated_at = row->updated_at,
        };
    }
    return NULL;
}

kr_err_t *kr_outbox_retry(apr_int64_t *done, kr_ctx_t *k, const char *id)
{
    return kr_store_message_retry(done, k, id);
}

static int leaves_by(const kr_lane_t *lane, const char *via)
{
    int i = 0;

    while (lane->senders[i] && strcmp(lane->senders[i]->via, via) != 0) i++;
    return lane->senders[i] != NULL;
}

kr_err_t *kr_outbox_waiting(apr_int64_t *out, kr_ctx_t *k, const kr_lane_t *lanes, int count, const apr_array_header_t *realms)
{
    apr_array_header_t *found;

    KR_TRY(kr_store_message_waiting(&found, k, realms));
    for (int i = 0; i < found->nelts; i++) {
        const kr_message_count_t *one = &APR_ARRAY_IDX(found, i, kr_message_count_t);

        for (int lane = 0; lane < count; lane++)
            if (leaves_by(&lanes[lane], one->via)) out[lane] += one->count;
    }
    return NULL;
}
