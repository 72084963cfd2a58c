/* SPDX-License-Identifier: Apache-2.0 */
/* What the API counts for metrics: operations by the rows of its routes, errors by their ids. What comes in with a request names nothing. */
#include <string.h>

#include "api.h"
#include "kr_metrics.h"

/* Whose operations are named. */
static const kr_route_set_t *const SETS[] = { &kr_public };

/* All ids that errors have here; t/unit/answers looks for others. */
static const char *const ERRORS[] = {
    "", /* of those without */
    "browser_location_change_required",
    "invalid_configuration",
    "security_csrf_violation",
    "security_identity_mismatch",
    "self_service_flow_expired",
    "self_service_flow_replaced",
    "self_service_flow_return_to_forbidden",
    "session_aal1_required",
    "session_aal2_required",
    "session_already_available",
    "session_inactive",
    "session_refresh_required",
    "session_verified_address_required",
    "upstream_error",
    NULL,
};

static int is_same(const kr_route_t *a, const kr_route_t *b)
{
    return a->id || b->id ? a == b : !strcmp(a->path, b->path);
}

/* Rows that are called alike, as GET and POST of one path are, count as the first of them. */
static unsigned place_of(const kr_route_t *routes, const kr_route_t *route)
{
    unsigned i = 0;

    while (!is_same(&routes[i], route)) i++;
    return i;
}

static unsigned length_of(const kr_route_t *routes)
{
    unsigned n = 0;

    while (routes[n].path) n++;
    return n;
}

/* 0 is a path or method that no route has, or a set that is not named. */
static unsigned number_of(const kr_route_set_t *set, const kr_route_t *route)
{
    unsigned first = 1;

    for (int i = 0; route && i < KR_DIM(SETS); i++) {
        if (SETS[i] == set) return first + place_of(set->routes, route);
        first += length_of(SETS[i]->routes);
    }
    return 0;
}

void kr_count_operation(kr_ctx_t *k, const kr_route_set_t *set, apr_time_t took)
{
    const unsigned operation = number_of(set, k->found->route), client = k->inside ? 3 : (unsigned)k->client;

    kr_metric_count(KR_METRIC_OPERATIONS, KR_SERIES(operation, k->method, client, (unsigned)k->reply->status / 100));
    kr_metric_observe(KR_METRIC_OPERATION_TIME, KR_SERIES(operation, k->method), took);
}

void kr_count_error(const kr_err_t *err)
{
    unsigned i = 0;

    while (err->id && ERRORS[i] && strcmp(ERRORS[i], err->id)) i++;
    kr_metric_count(KR_METRIC_ERRORS, KR_SERIES(i, kr_metric_status(err->sent_as ? err->sent_as : err->status)));
}

void kr_api_name_metrics(apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 64, sizeof(const char *));

    APR_ARRAY_PUSH(names, const char *) = "";
    for (int i = 0; i < KR_DIM(SETS); i++)
        for (const kr_route_t *route = SETS[i]->routes; route->path; route++)
            APR_ARRAY_PUSH(names, const char *) = route->id ? route->id : route->path;
    APR_ARRAY_PUSH(names, const char *) = NULL;
    kr_metrics_name(KR_LABEL_OPERATION, (const char *const *)names->elts);
    kr_metrics_name(KR_LABEL_ERROR, ERRORS);
    kr_messages_name(pool);
}
