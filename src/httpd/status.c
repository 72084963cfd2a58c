/* SPDX-License-Identifier: Apache-2.0 */
/* A section of mod_status' page: the few numbers that tell how the server fares. All of them are the metrics' page's. */
#include "metrics.h"

#include <http_protocol.h>
#include <mod_status.h>

#include "kr_metrics.h"
#include "kr_text.h"

#define ALL (~0u) /* of its series together */

/** A line: of one label's value, or of all series of a metric. */
static const struct {
    const char *name; /* for ?auto, behind "Kratos" */
    const char *words;
    kr_metric_e metric;
    unsigned of;
} LINES[] = {
    { "Operations", "Operations of the API", KR_METRIC_OPERATIONS, ALL },
    { "Errors", "Errors answered", KR_METRIC_ERRORS, ALL },
    { "GateGranted", "Requests that gates let through", KR_METRIC_VERDICTS, KR_VERDICT_GRANTED },
    { "GateNoSession", "Requests that gates sent to sign in", KR_METRIC_VERDICTS, KR_VERDICT_NO_SESSION },
    { "GateUnavailable", "Requests that gates could not judge", KR_METRIC_VERDICTS, KR_VERDICT_UNAVAILABLE },
    { "HashesRunning", "Password hashes that are computed", KR_METRIC_HASHES, KR_HASH_RUNNING },
    { "HashesWaiting", "Password hashes that wait", KR_METRIC_HASHES, KR_HASH_WAITING },
    { "HashesShed", "Password hashes refused", KR_METRIC_HASHES_SHED, ALL },
    { "Throttled", "Tries refused, as too many failed", KR_METRIC_THROTTLED, ALL },
    { "CacheHits", "Sessions found in the cache", KR_METRIC_CACHE_LOOKUPS, KR_CACHE_HIT },
    { "CacheMisses", "Sessions not found there", KR_METRIC_CACHE_LOOKUPS, KR_CACHE_MISS },
    { "DatabaseOpen", "Connections to databases", KR_METRIC_DB_CONNECTIONS, KR_DB_USE_OPEN },
    { "DatabaseBusy", "Of these in use", KR_METRIC_DB_CONNECTIONS, KR_DB_USE_BUSY },
    { "DatabaseWaits", "Times that a connection was waited for", KR_METRIC_DB_WAITS, ALL },
    { "DatabaseLost", "Connections lost", KR_METRIC_DB_LOST, ALL },
    { "OutboxWaiting", "Messages that wait", KR_METRIC_OUTBOX_WAITING, ALL },
};

static apr_int64_t value_of(int line)
{
    return LINES[line].of == ALL ? kr_metric_total(LINES[line].metric) : kr_metric_value(LINES[line].metric, KR_SERIES(LINES[line].of));
}

/* The page's own way of writing: a rule, a heading, and no table where it has none itself. */
static void write_page(request_rec *r)
{
    ap_rputs("<hr />\n<h1>mod_kratos</h1>\n<dl>\n", r);
    for (int i = 0; i < KR_DIM(LINES); i++)
        ap_rprintf(r, "<dt>%s: %" APR_INT64_T_FMT "</dt>\n", LINES[i].words, value_of(i));
    ap_rputs("</dl>\n", r);
}

int kr_metrics_status(request_rec *r, int flags)
{
    if (!kr_host_of(r->server)->site->tenants->nelts) return DECLINED;
    kr_metrics_look(r);
    if (!(flags & AP_STATUS_SHORT)) write_page(r);
    for (int i = 0; (flags & AP_STATUS_SHORT) && i < KR_DIM(LINES); i++)
        ap_rprintf(r, "Kratos%s: %" APR_INT64_T_FMT "\n", LINES[i].name, value_of(i));
    return OK;
}
