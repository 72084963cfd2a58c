/* SPDX-License-Identifier: Apache-2.0 */
/* `SetHandler kratos-metrics`: what all processes have counted, and what is asked for when somebody looks. */
#include "background.h"
#include "metrics.h"

#include <http_protocol.h>

#include "kr_db.h"
#include "kr_hook.h"
#include "kr_metrics.h"
#include "kr_password.h"
#include "kr_shared.h"
#include "kr_text.h"

#define OPENMETRICS "application/openmetrics-text"
#define REST apr_time_from_sec(10)     /* for so long what a database said is good enough, however many ask */
#define LONGEST apr_time_from_sec(30)  /* nobody asks them for longer */

/** Shared. */
typedef struct kr_scrape_t {
    kr_turn_t turn; /* to ask databases */
} kr_scrape_t;

int kr_metrics_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    if (site) site->scrape = kr_shared_memory(pconf, sizeof(*site->scrape));
    return OK;
}

/* -- what is asked for ------------------------------------------------------ */

static const apr_array_header_t *realms_of(apr_pool_t *pool, const kr_site_t *site, const kr_database_t *database)
{
    apr_array_header_t *realms = apr_array_make(pool, 8, sizeof(const char *));

    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        if (tenant->database == database) APR_ARRAY_PUSH(realms, const char *) = tenant->realm->name;
    }
    return realms;
}

/* @return 0: a database does not answer, and what it said last stays */
static int ask_databases(apr_int64_t *waiting, request_rec *r, const kr_site_t *site)
{
    int all = 1;

    for (int i = 0; i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);
        kr_ctx_t *k = kr_server_ctx(r->pool, r->server, database->realm);

        if (!kr_database_await(database, r->pool, r->server) ||
            kr_outbox_waiting(waiting, k, kr_lanes, KR_LANES, realms_of(r->pool, site, database)))
            all = 0;
        kr_db_release(k);
    }
    return all;
}

void kr_metrics_look(request_rec *r)
{
    kr_site_t *site = kr_host_of(r->server)->site;
    apr_int64_t waiting[KR_LANES] = { 0 };
    unsigned running, queued, refused;
    long long mine = 0; /* of this request: two threads of a process do not share a turn */

    kr_slots_stats(&running, &queued, &refused);
    kr_metric_set(KR_METRIC_HASHES, KR_SERIES(KR_HASH_RUNNING), running);
    kr_metric_set(KR_METRIC_HASHES, KR_SERIES(KR_HASH_WAITING), queued);
    kr_metric_set(KR_METRIC_HASH_SLOTS, KR_SERIES_ONE, site->hashing.slots);
    if (site->cache) kr_metric_set(KR_METRIC_CACHE_SESSIONS, KR_SERIES_ONE, (long long)kr_cache_count(site->cache));
    kr_metric_set(KR_METRIC_FEED_LAG, KR_SERIES_ONE, kr_feed_lag(site));
    if (!site->scrape || !kr_turn_take(&site->scrape->turn, &mine, LONGEST)) return;
    if (ask_databases(waiting, r, site))
        for (unsigned lane = 0; lane < KR_LANES; lane++) kr_metric_set(KR_METRIC_OUTBOX_WAITING, KR_SERIES(kr_lanes[lane].metric), waiting[lane]);
    kr_turn_end(&site->scrape->turn, &mine, REST);
}

/* -- for whom --------------------------------------------------------------- */

static int is_range(const char *range, apr_size_t len, const char *type)
{
    return len == strlen(type) && !strncasecmp(range, type, len);
}

/* Of several ranges of one type the one that they like best; old ones know 0.0.1 of OpenMetrics alone, which is another format. */
static int weight_of(const char *accept, const char *type)
{
    int best = 0;

    for (const char *s = accept, *end; s && *s; s = *end ? end + 1 : end) {
        int q;

        end = s + strcspn(s, ",");
        s += strspn(s, " \t");
        if (s >= end || !is_range(s, strcspn(s, ",; \t"), type)) continue;
        if (ap_strstr_c(s, "version=0.0.1") && ap_strstr_c(s, "version=0.0.1") < end) continue;
        q = kr_weight(s, end);
        if (q > best) best = q;
    }
    return best;
}

/* Who does not ask for OpenMetrics is old, or a browser. */
static int wants_openmetrics(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    const int weight = weight_of(accept, OPENMETRICS);

    return weight > 0 && weight >= weight_of(accept, "text/plain");
}

int kr_metrics_handler(request_rec *r)
{
    apr_size_t len;
    const char *text;
    int openmetrics;

    if (kr_handler_named(r->handler) != KR_HANDLER_METRICS) return DECLINED;
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) return HTTP_METHOD_NOT_ALLOWED;
    kr_metrics_look(r);
    openmetrics = wants_openmetrics(r);
    text = kr_metrics_text(&len, r->pool, openmetrics);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    apr_table_unset(r->headers_in, "Range");
    ap_set_content_type(r, openmetrics ? OPENMETRICS "; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)len);
    if (!r->header_only) ap_rwrite(text, (int)len, r);
    return OK;
}
