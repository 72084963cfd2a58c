/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server counts for those who run it: numbers in memory that all processes share and that outlives a restart. Counting takes no lock,
 * no memory and no system call. The rows of METRICS in src/shared/metrics.c say what there is; a metric has as many series as the values of
 * its labels allow, and those come from tables alone: nothing of a request ever becomes one.
 */
#ifndef KR_METRICS_H
#define KR_METRICS_H

#include <apr_pools.h>
#include <apr_time.h>

/** The metrics: a row of METRICS for each, where its name and labels stand. */
typedef enum {
    KR_METRIC_OPERATIONS,       /* counter: operation, method, client, status class */
    KR_METRIC_OPERATION_TIME,   /* histogram: operation, method */
    KR_METRIC_ERRORS,           /* counter: error id, kr_metric_status */
    KR_METRIC_MESSAGES,         /* counter: message id */
    KR_METRIC_HASHES,           /* gauge: kr_hash_state_e */
    KR_METRIC_HASH_SLOTS,       /* gauge */
    KR_METRIC_HASHES_SHED,      /* counter */
    KR_METRIC_CACHE_LOOKUPS,    /* counter: kr_cache_lookup_e */
    KR_METRIC_CACHE_FILLS,      /* counter */
    KR_METRIC_CACHE_SESSIONS,   /* gauge */
    KR_METRIC_FEED_LAG,         /* gauge, µs */
    KR_METRIC_FEED_POLLS,       /* counter */
    KR_METRIC_DB_CONNECTIONS,   /* gauge of each process: kr_db_use_e */
    KR_METRIC_DB_WAITS,         /* counter */
    KR_METRIC_DB_BUSY,          /* counter */
    KR_METRIC_DB_REDONE,        /* counter */
    KR_METRIC_DB_LOST,          /* counter */
    KR_METRIC_THROTTLED,        /* counter: kr_throttled_e */
    KR_METRIC_OUTBOX_WAITING,   /* gauge: lane */
    KR_METRIC_OUTBOX_TRIES,     /* counter: lane, kr_outbox_fate_e */
    KR_METRIC_VERDICTS,         /* counter: kr_gate_verdict_e */
    KR_METRIC_AUDIT_LINES,      /* counter */
    KR_METRIC_AUDIT_LOST,       /* counter */
    KR_METRICS
} kr_metric_e;

/** Values of labels that belong to nobody else. */
typedef enum { KR_HASH_RUNNING, KR_HASH_WAITING } kr_hash_state_e;
typedef enum { KR_CACHE_HIT, KR_CACHE_MISS } kr_cache_lookup_e;
typedef enum { KR_DB_USE_OPEN, KR_DB_USE_BUSY } kr_db_use_e;
typedef enum { KR_THROTTLED_IDENTIFIER, KR_THROTTLED_NETWORK, KR_THROTTLED_SITE } kr_throttled_e;
typedef enum { KR_FATE_SENT, KR_FATE_FAILED, KR_FATE_GIVEN_UP } kr_outbox_fate_e;
/** What a gate says, as in the notes for the access log. */
typedef enum { KR_VERDICT_GRANTED, KR_VERDICT_NO_SESSION, KR_VERDICT_FORBIDDEN, KR_VERDICT_STEP_UP, KR_VERDICT_UNAVAILABLE } kr_gate_verdict_e;

/** The number of an error's HTTP status among those that are told apart. */
unsigned kr_metric_status(int status);
/** The name of a verdict: "no-session". */
const char *kr_gate_verdict_name(kr_gate_verdict_e verdict);

/** Which of a metric's series: the number of each label's value, in the order of its row. A number that its label has not is 0. */
typedef struct {
    unsigned of[4];
} kr_series_t;

#define KR_SERIES(...) ((kr_series_t){ { __VA_ARGS__ } })
/** Of a metric without labels. */
#define KR_SERIES_ONE KR_SERIES(0)

/* -- counting: from any process and thread; without kr_metrics_make nothing is counted ---- */

/** One more. */
void kr_metric_count(kr_metric_e metric, kr_series_t series);
/** So many more, of a counter. */
void kr_metric_add(kr_metric_e metric, kr_series_t series, apr_uint64_t n);
/** Something took that long, of a histogram. */
void kr_metric_observe(kr_metric_e metric, kr_series_t series, apr_time_t took);
/** It is this now, of a gauge of the whole server; of a gauge of time: µs. Whoever says it last counts. */
void kr_metric_set(kr_metric_e metric, kr_series_t series, apr_int64_t value);
/** It grew by this, or shrank, of a gauge of each process: the sum of what the living ones have is shown. What a killed one had goes with it. */
void kr_metric_grow(kr_metric_e metric, kr_series_t series, apr_int64_t by);

/** All series of it together. */
apr_int64_t kr_metric_total(kr_metric_e metric);
/** What it has come to: all processes together, also those that ended; of a histogram how many there were. 0 for what is not counted. */
apr_int64_t kr_metric_value(kr_metric_e metric, kr_series_t series);

/* -- making ----------------------------------------------------------------- */

/** Labels whose values other rooms own. */
typedef enum {
    KR_LABEL_OPERATION,
    KR_LABEL_ERROR,
    KR_LABEL_MESSAGE,
    KR_LABELS_GIVEN
} kr_label_e;

/**
 * Name the values of a label, before kr_metrics_make. The first stands for none, and is written "".
 * @param names  static, ended by NULL; as many as fit count
 */
void kr_metrics_name(kr_label_e label, const char *const *names);

/**
 * Before fork: memory for all of it. What was counted before a restart goes on, unless the tables have changed since (another version).
 * @param kept  what outlives restarts: NULL in it the first time
 * @return NULL; or why there is none (static), and nothing is counted
 */
const char *kr_metrics_make(void **kept);
/** In each process, by the thread that lives as long as it: from now on its gauges count. Beyond 512 processes some have none. */
void kr_metrics_child(void);

/* -- writing ---------------------------------------------------------------- */

/**
 * All of it as text for a monitoring system. Of what has many labels, series that never were anything are left out.
 * @param openmetrics  1: OpenMetrics 1.0; 0: Prometheus' text format 0.0.4
 * @param len          bytes, without the NUL behind
 */
const char *kr_metrics_text(apr_size_t *len, apr_pool_t *pool, int openmetrics);

#endif
