/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all that is counted, and of what its labels can say. A new metric is a name in kr_metrics.h and a row here. */
#include "metrics.h"

#include <stdlib.h>

#include "kr_flow_kinds.h"
#include "kr_text.h"

/* -- labels ----------------------------------------------------------------- */

/* What no method has a part in is none's. */
static const char *const METHODS[] = { "", "profile", "password", "oidc", "code", "link", "totp", "passkey", "webauthn", "lookup_secret",
                                       "identifier_first", NULL };
_Static_assert(KR_DIM(METHODS) == KR_METHOD_IDS + 2, "each method has a name here");

static const char *const CLIENTS[] = { "person", "script", "native", "page", NULL };
static const char *const CLASSES[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx", NULL };
/* Those that errors have; another one counts as none. */
static const char *const STATUSES[] = { "",    "400", "401", "402", "403", "404", "405", "406", "408", "409", "410", "413", "414", "415",
                                        "422", "423", "429", "431", "500", "501", "502", "503", "504", NULL };
static const char *const HASH_STATES[] = { [KR_HASH_RUNNING] = "running", [KR_HASH_WAITING] = "waiting", NULL };
static const char *const LOOKUPS[] = { [KR_CACHE_HIT] = "hit", [KR_CACHE_MISS] = "miss", NULL };
static const char *const DB_USES[] = { [KR_DB_USE_OPEN] = "open", [KR_DB_USE_BUSY] = "busy", NULL };
static const char *const THROTTLED[] = { [KR_THROTTLED_IDENTIFIER] = "identifier", [KR_THROTTLED_NETWORK] = "network", [KR_THROTTLED_SITE] = "site",
                                         NULL };
static const char *const LANES[] = { "messages", "web_hooks", NULL }; /* kr_lane_e */
static const char *const FATES[] = { [KR_FATE_SENT] = "sent", [KR_FATE_FAILED] = "failed", [KR_FATE_GIVEN_UP] = "given_up", NULL };
static const char *const VERDICTS[] = {
    [KR_VERDICT_GRANTED] = "granted",  [KR_VERDICT_NO_SESSION] = "no-session",   [KR_VERDICT_FORBIDDEN] = "forbidden",
    [KR_VERDICT_STEP_UP] = "step-up",  [KR_VERDICT_UNAVAILABLE] = "unavailable", NULL,
};

static const char *const NONE[] = { "", NULL };

/* Mutable, as other rooms name their values at start: before fork, and only read by the children. */
static kr_metric_label_t given[KR_LABELS_GIVEN] = {
    [KR_LABEL_OPERATION] = { "operation", NONE },
    [KR_LABEL_ERROR] = { "error", NONE },
    [KR_LABEL_MESSAGE] = { "message", NONE },
};

static const kr_metric_label_t METHOD = { "method", METHODS }, CLIENT = { "client", CLIENTS }, CLASS = { "status", CLASSES }, STATUS = { "status", STATUSES },
                               HASH_STATE = { "state", HASH_STATES }, RESULT = { "result", LOOKUPS }, DB_USE = { "state", DB_USES },
                               KIND = { "kind", THROTTLED }, LANE = { "lane", LANES }, FATE = { "result", FATES },
                               VERDICT = { "verdict", VERDICTS };

/* -- metrics ---------------------------------------------------------------- */

#define OPERATION (&given[KR_LABEL_OPERATION])
#define ERROR_ID (&given[KR_LABEL_ERROR])
#define MESSAGE (&given[KR_LABEL_MESSAGE])

static const kr_metric_row_t METRICS[KR_METRICS] = {
    [KR_METRIC_OPERATIONS] = { "kratos_operations", KR_COUNTER, NULL, "Operations of the API that were answered",
                               { OPERATION, &METHOD, &CLIENT, &CLASS }, 1 },
    [KR_METRIC_OPERATION_TIME] = { "kratos_operation_duration_seconds", KR_HISTOGRAM, "seconds", "How long operations of the API took",
                                   { OPERATION, &METHOD }, 1 },
    [KR_METRIC_ERRORS] = { "kratos_errors", KR_COUNTER, NULL, "Errors that were answered, by their id", { ERROR_ID, &STATUS }, 1 },
    [KR_METRIC_MESSAGES] = { "kratos_error_messages", KR_COUNTER, NULL, "Error messages that forms were shown with, by their id", { MESSAGE }, 1 },
    [KR_METRIC_HASHES] = { "kratos_hashes", KR_GAUGE, NULL, "Password hashes that are computed or wait for that", { &HASH_STATE }, 0 },
    [KR_METRIC_HASH_SLOTS] = { "kratos_hash_slots", KR_GAUGE, NULL, "Password hashes that may be computed at once", { NULL }, 0 },
    [KR_METRIC_HASHES_SHED] = { "kratos_hashes_shed", KR_COUNTER, NULL, "Password hashes that were refused, as too many waited", { NULL }, 0 },
    [KR_METRIC_CACHE_LOOKUPS] = { "kratos_session_cache_lookups", KR_COUNTER, NULL, "Sessions that were looked for in the cache", { &RESULT }, 0 },
    [KR_METRIC_CACHE_FILLS] = { "kratos_session_cache_fills", KR_COUNTER, NULL, "Sessions that were put into the cache", { NULL }, 0 },
    [KR_METRIC_CACHE_SESSIONS] = { "kratos_session_cache_sessions", KR_GAUGE, NULL, "Sessions in the cache", { NULL }, 0 },
    [KR_METRIC_FEED_LAG] = { "kratos_session_feed_lag_seconds", KR_GAUGE, "seconds", "Age of what is known of sessions that ended elsewhere",
                             { NULL }, 0 },
    [KR_METRIC_FEED_POLLS] = { "kratos_session_feed_polls", KR_COUNTER, NULL, "Questions to the database which sessions ended elsewhere", { NULL }, 0 },
    [KR_METRIC_DB_CONNECTIONS] = { "kratos_database_connections", KR_GAUGE_EACH, NULL, "Connections to databases", { &DB_USE }, 0 },
    [KR_METRIC_DB_WAITS] = { "kratos_database_waits", KR_COUNTER, NULL, "Times that all connections of a process were busy", { NULL }, 0 },
    [KR_METRIC_DB_BUSY] = { "kratos_database_refused", KR_COUNTER, NULL, "Requests that found no free connection in time", { NULL }, 0 },
    [KR_METRIC_DB_REDONE] = { "kratos_database_redone", KR_COUNTER, NULL, "Statements and transactions done anew, as others were in the way",
                              { NULL }, 0 },
    [KR_METRIC_DB_LOST] = { "kratos_database_lost", KR_COUNTER, NULL, "Connections that the database ended", { NULL }, 0 },
    [KR_METRIC_THROTTLED] = { "kratos_throttle_refused", KR_COUNTER, NULL, "Tries that were refused, as too many failed", { &KIND }, 0 },
    [KR_METRIC_OUTBOX_WAITING] = { "kratos_outbox_waiting", KR_GAUGE, NULL, "Messages that are to be sent; the same on all nodes", { &LANE }, 0 },
    [KR_METRIC_OUTBOX_TRIES] = { "kratos_outbox_tries", KR_COUNTER, NULL, "Tries to send a message, by what came of them", { &LANE, &FATE }, 0 },
    [KR_METRIC_AUDIT_LINES] = { "kratos_audit_lines", KR_COUNTER, NULL, "Lines of audit streams", { NULL }, 0 },
    [KR_METRIC_AUDIT_LOST] = { "kratos_audit_lines_lost", KR_COUNTER, NULL, "Those that could not be written", { NULL }, 0 },
    [KR_METRIC_VERDICTS] = { "kratos_gate_verdicts", KR_COUNTER, NULL, "Requests that gates judged", { &VERDICT }, 0 },
};

const struct kr_metric_bucket_t kr_metric_buckets[KR_METRIC_BUCKETS] = {
    { 500, "0.0005" },  { 1000, "0.001" },  { 2500, "0.0025" },  { 5000, "0.005" }, { 10000, "0.01" },
    { 25000, "0.025" }, { 50000, "0.05" },  { 100000, "0.1" },   { 250000, "0.25" }, { 500000, "0.5" },
    { 1000000, "1.0" }, { 2500000, "2.5" }, { 5000000, "5.0" }, { 10000000, "10.0" }, { APR_INT64_MAX, "+Inf" },
};

const kr_metric_row_t *kr_metric_row(kr_metric_e metric)
{
    return &METRICS[metric];
}

unsigned kr_metric_values(kr_metric_e metric, unsigned label)
{
    const kr_metric_label_t *it = METRICS[metric].label[label];
    unsigned n = 0;

    while (it && it->values[n]) n++;
    return it ? n : 1;
}

void kr_metrics_name(kr_label_e label, const char *const *names)
{
    given[label].values = names;
}

unsigned kr_metric_status(int status)
{
    for (unsigned i = 1; STATUSES[i]; i++)
        if (atoi(STATUSES[i]) == status) return i;
    return 0;
}

const char *kr_gate_verdict_name(kr_gate_verdict_e verdict)
{
    return VERDICTS[verdict];
}
