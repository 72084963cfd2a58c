/* SPDX-License-Identifier: Apache-2.0 */
/* What is on its way out by one lane of the outbox: which realm's is due, and who comes next. */
#include "background.h"

#include "kr_clock.h"

/** What one realm has to send. */
typedef struct {
    const kr_tenant_t *tenant;
    apr_time_t due; /* when to look next */
    int trouble;    /* its server could not be reached: being woken changes nothing about that */
} postbag_t;

struct kr_postbags_t {
    apr_pool_t *pool;
    server_rec *server;
    kr_outbox_worker_t worker;
    const kr_lane_t *lane;
    int n;
    postbag_t *all;
};

static int is_sending(const kr_realm_t *realm, const kr_lane_t *lane)
{
    const kr_ctx_t k = { .realm = realm };

    return kr_outbox_carried(&k, lane);
}

int kr_postbags_any(server_rec *s, const kr_lane_t *lane)
{
    const apr_array_header_t *tenants = kr_host_of(s)->site->tenants;

    for (int i = 0; i < tenants->nelts; i++)
        if (is_sending(APR_ARRAY_IDX(tenants, i, kr_tenant_t *)->realm, lane)) return 1;
    return 0;
}

kr_postbags_t *kr_postbags_make(apr_pool_t *pool, server_rec *s, const kr_lane_t *lane, int (*leaving)(void *baton), void *baton)
{
    const apr_array_header_t *tenants = kr_host_of(s)->site->tenants;
    kr_postbags_t *bags = apr_pcalloc(pool, sizeof(*bags));

    bags->pool = pool;
    bags->server = s;
    bags->lane = lane;
    bags->worker = (kr_outbox_worker_t){ kr_outbox_worker_name(pool), leaving, baton };
    bags->all = apr_pcalloc(pool, sizeof(*bags->all) * (apr_size_t)(tenants->nelts + 1));
    for (int i = 0; i < tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(tenants, i, kr_tenant_t *);

        if (is_sending(tenant->realm, lane)) bags->all[bags->n++].tenant = tenant;
    }
    return bags;
}

static apr_time_t pause_of(const postbag_t *bag, kr_queue_e queue)
{
    const apr_time_t wait = bag->tenant->realm->settings->mail.wait;

    if (queue == KR_QUEUE_MORE) return 0;
    if (queue == KR_QUEUE_TROUBLE) return KR_OUTBOX_TROUBLE;
    return wait > apr_time_from_sec(1) ? wait : apr_time_from_sec(1);
}

/* One batch. Memory is given back after each, however long the queue is. */
static void send_some(const kr_postbags_t *bags, postbag_t *bag)
{
    kr_queue_e queue;
    apr_pool_t *pool;
    int sent;

    apr_pool_create(&pool, bags->pool);
    if (kr_outbox_work(&sent, &queue, kr_server_ctx(pool, bags->server, bag->tenant->realm), bags->lane, &bags->worker)) {
        queue = KR_QUEUE_TROUBLE; /* the database's; logged below us */
    }
    apr_pool_destroy(pool);
    bag->trouble = queue == KR_QUEUE_TROUBLE;
    bag->due = kr_clock_ticks() + pause_of(bag, queue);
}

static int is_leaving(const kr_postbags_t *bags)
{
    return bags->worker.stopping(bags->worker.baton);
}

/* Batch by batch in turn, so that a realm with much mail does not keep the others waiting. */
void kr_postbags_send(kr_postbags_t *bags, int woken)
{
    int more = 1;

    for (int i = 0; woken && i < bags->n; i++) {
        if (!bags->all[i].trouble) bags->all[i].due = 0;
    }
    while (more && !is_leaving(bags)) {
        more = 0;
        for (int i = 0; i < bags->n && !is_leaving(bags); i++) {
            postbag_t *bag = &bags->all[i];

            if (bag->due > kr_clock_ticks() || !kr_database_ready(bag->tenant->database)) continue;
            send_some(bags, bag);
            if (bag->due <= kr_clock_ticks()) more = 1;
        }
    }
}
