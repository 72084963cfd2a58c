/* SPDX-License-Identifier: Apache-2.0 */
/* What metrics are and where their numbers lie: for those who count them and those who write them. */
#ifndef KR_SHARED_METRICS_H
#define KR_SHARED_METRICS_H

#include "kr_metrics.h"

#define KR_METRIC_LABELS KR_DIM(((kr_series_t *)0)->of)

typedef enum {
    KR_COUNTER,
    KR_GAUGE,      /* of the server */
    KR_GAUGE_EACH, /* of each process */
    KR_HISTOGRAM   /* of time */
} kr_metric_kind_e;

/** A label: its name, and the names of its values. */
typedef struct {
    const char *name;
    const char *const *values; /* ended by NULL */
} kr_metric_label_t;

/** A metric. */
typedef struct {
    const char *name;          /* without the _total of counters */
    kr_metric_kind_e kind;
    const char *unit;          /* "seconds": its numbers are µs; NULL: they are what they are */
    const char *help;
    const kr_metric_label_t *label[4];
    int sparse;                /* series that never were anything are not written */
} kr_metric_row_t;

/** The row of a metric. */
const kr_metric_row_t *kr_metric_row(kr_metric_e metric);
/** How many values its label of that number has; 1 where there is none. */
unsigned kr_metric_values(kr_metric_e metric, unsigned label);

#define KR_METRIC_BUCKETS 15 /* of histograms; the last has no limit */
/** Up to how much each takes, itself included. */
extern const struct kr_metric_bucket_t {
    apr_time_t most;  /* µs */
    const char *le;   /* in seconds, as OpenMetrics writes it */
} kr_metric_buckets[KR_METRIC_BUCKETS];

/** The next combination of values of its labels. @return 0: there is none, and it is the first again */
int kr_metric_next(kr_series_t *series, kr_metric_e metric);
/** One number of a series: of a histogram that of a bucket, and behind them the sum in µs; else 0 is all there is. */
apr_int64_t kr_metric_number(kr_metric_e metric, kr_series_t series, unsigned number);

#endif
