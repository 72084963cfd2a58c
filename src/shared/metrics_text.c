/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as text: OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec) and, for those who know nothing else, Prometheus' text
 * format 0.0.4. What stands between quotes comes from our tables, in which nothing needs to be escaped.
 */
#include "metrics.h"

#include <apr_strings.h>
#include <string.h>

#include "kr_text.h"

#define FIRST 16384   /* bytes; it is doubled as often as it takes */
#define LINE_MAX_ 512
#define LABELS_MAX 256

typedef struct {
    apr_pool_t *pool;
    char *text;
    apr_size_t len, room;
    int openmetrics;
} writer_t;

static void put(writer_t *w, const char *fmt, ...) KR_PRINTF(2, 3);

static void put(writer_t *w, const char *fmt, ...)
{
    va_list args;

    if (w->room - w->len < LINE_MAX_) {
        char *more = apr_palloc(w->pool, w->room * 2);

        memcpy(more, w->text, w->len);
        w->text = more;
        w->room *= 2;
    }
    va_start(args, fmt);
    w->len += (apr_size_t)apr_vsnprintf(w->text + w->len, LINE_MAX_, fmt, args);
    va_end(args);
}

static const char *const TYPES[] = { [KR_COUNTER] = "counter", [KR_GAUGE] = "gauge", [KR_GAUGE_EACH] = "gauge", [KR_HISTOGRAM] = "histogram" };

/* The older format calls a counter as its samples are called. */
static void put_head(writer_t *w, const kr_metric_row_t *row)
{
    const char *suffix = row->kind == KR_COUNTER && !w->openmetrics ? "_total" : "";

    put(w, "# HELP %s%s %s.\n", row->name, suffix, row->help);
    put(w, "# TYPE %s%s %s\n", row->name, suffix, TYPES[row->kind]);
    if (row->unit && w->openmetrics) put(w, "# UNIT %s %s\n", row->name, row->unit);
}

/* a="1",b="2" */
static void labels_of(char *out, const kr_metric_row_t *row, kr_series_t series)
{
    apr_size_t len = 0;

    *out = '\0';
    for (int i = 0; i < KR_DIM(row->label) && row->label[i]; i++)
        len += (apr_size_t)apr_snprintf(out + len, LABELS_MAX - len, "%s%s=\"%s\"", len ? "," : "", row->label[i]->name,
                                        row->label[i]->values[series.of[i]]);
}

static void put_seconds(writer_t *w, apr_int64_t us)
{
    put(w, "%" APR_INT64_T_FMT ".%06d\n", us / APR_USEC_PER_SEC, (int)(us % APR_USEC_PER_SEC));
}

static void put_histogram(writer_t *w, kr_metric_e metric, kr_series_t series, const char *labels)
{
    const char *name = kr_metric_row(metric)->name, *comma = *labels ? "," : "";
    apr_int64_t count = 0;

    for (unsigned i = 0; i < KR_METRIC_BUCKETS; i++) {
        count += kr_metric_number(metric, series, i);
        put(w, "%s_bucket{%s%sle=\"%s\"} %" APR_INT64_T_FMT "\n", name, labels, comma, kr_metric_buckets[i].le, count);
    }
    put(w, "%s_count{%s} %" APR_INT64_T_FMT "\n%s_sum{%s} ", name, labels, count, name, labels);
    put_seconds(w, kr_metric_number(metric, series, KR_METRIC_BUCKETS));
}

static void put_series(writer_t *w, kr_metric_e metric, kr_series_t series)
{
    const kr_metric_row_t *row = kr_metric_row(metric);
    const apr_int64_t value = kr_metric_value(metric, series);
    char labels[LABELS_MAX];

    if (!value && row->sparse) return;
    labels_of(labels, row, series);
    if (row->kind == KR_HISTOGRAM) {
        put_histogram(w, metric, series, labels);
        return;
    }
    put(w, "%s%s%s%s%s ", row->name, row->kind == KR_COUNTER ? "_total" : "", *labels ? "{" : "", labels, *labels ? "}" : "");
    if (row->unit) put_seconds(w, value);
    else put(w, "%" APR_INT64_T_FMT "\n", value);
}

static void put_metric(writer_t *w, kr_metric_e metric)
{
    kr_series_t series = KR_SERIES_ONE;

    put_head(w, kr_metric_row(metric));
    do put_series(w, metric, series);
    while (kr_metric_next(&series, metric));
}

const char *kr_metrics_text(apr_size_t *len, apr_pool_t *pool, int openmetrics)
{
    writer_t w = { .pool = pool, .text = apr_palloc(pool, FIRST), .room = FIRST, .openmetrics = openmetrics };

    for (int i = 0; i < KR_METRICS; i++) put_metric(&w, (kr_metric_e)i);
    if (openmetrics) put(&w, "# EOF\n");
    *len = w.len;
    return w.text;
}
