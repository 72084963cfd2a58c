/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes tell each other of those who fail: sums of what each has counted, in the database. */
#include "kr_db.h"
#include "kr_realm.h"
#include "kr_store_budget.h"
#include "kr_text.h"
#include "method.h"

#define BATCH 64
#define OF_LIMIT 3 /* what reached this part of the limit of an identifier is told */

typedef struct {
    kr_count_t count[BATCH];
    apr_int64_t all[BATCH];
    int n;
    apr_time_t begins_at;
} batch_t;

static kr_err_t *join(kr_ctx_t *k, void *baton)
{
    batch_t *batch = baton;

    for (int i = 0; i < batch->n; i++) {
        const char *id = apr_psprintf(k->pool, "failed %016" APR_UINT64_T_HEX_FMT " %s", batch->count[i].key, k->realm->name);

        KR_TRY(kr_store_budget_join(&batch->all[i], k, id, batch->count[i].change, batch->begins_at));
    }
    return NULL;
}

kr_err_t *kr_throttle_tell(kr_ctx_t *k)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_uint32_t least = conf->throttle.identifier / OF_LIMIT;
    batch_t batch = { .begins_at = k->now - k->now % conf->throttle.window };

    batch.n = kr_counts_untold(batch.count, BATCH, conf->throttle.counts, least ? least : 1, k->now, conf->throttle.window);
    if (!batch.n) return NULL;
    KR_TRY(kr_db_tx(k, join, &batch));
    for (int i = 0; i < batch.n; i++) kr_counts_told(&batch.count[i], batch.all[i]);
    return NULL;
}
