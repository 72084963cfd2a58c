/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting. The numbers lie in memory that is made once and kept over restarts, so that counters only ever grow. Each processor has all of
 * them for itself (a shard), or shares them with few: adding is one instruction on a line of memory that nobody else is writing, and whoever
 * reads adds up. Pages of what never happens are never touched.
 *
 * A gauge of each process lies in a record that the process holds for as long as it lives (kr_hold_t): the kernel says when it is killed.
 */
#include "metrics.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "kr_shared.h"
#include "kr_text.h"

#define LINE 64          /* bytes that a processor owns at a time */
#define SHARDS_MAX 16u
#define PROCESSES 512
#define EACH 8           /* numbers of a process */
#define NUMBERS (LINE / sizeof(atomic_llong))

/** Where the numbers of a metric lie. */
typedef struct {
    unsigned values[4];  /* how many its labels have */
    unsigned width;      /* numbers of a series */
    unsigned first;      /* in a shard; of a gauge of each process in its record */
} place_t;

/** How the memory is laid out. */
typedef struct {
    apr_uint64_t stamp;  /* of the tables that the places were made of */
    unsigned shards;     /* a power of two */
    unsigned numbers;    /* of a shard, whole lines */
    place_t place[KR_METRICS];
} plan_t;

/** What one process has. */
typedef struct {
    _Alignas(LINE) kr_hold_t hold;
    atomic_llong number[EACH];
} process_t;

/** The head of the memory; behind it, on a line of its own, the shards. */
typedef struct {
    plan_t plan;
    process_t process[PROCESSES];
} memory_t;

/* Mutable, as in slots.c: set once before fork, and once in each child. What is counted is the server's, so no context carries it. */
static memory_t *current;
static process_t *mine;

/* -- counting --------------------------------------------------------------- */

static atomic_llong *shard(memory_t *all, unsigned which)
{
    return (atomic_llong *)(void *)(all + 1) + (apr_size_t)which * all->plan.numbers;
}

static unsigned number_of(const place_t *place, kr_series_t series)
{
    unsigned n = 0;

    for (int i = 0; i < KR_DIM(series.of); i++) n = n * place->values[i] + (series.of[i] < place->values[i] ? series.of[i] : 0);
    return place->first + n * place->width;
}

/* A thread may be moved to another processor the moment after: then two write to one line for once. */
static void add(unsigned number, long long n)
{
    atomic_fetch_add_explicit(shard(current, (unsigned)sched_getcpu() & (current->plan.shards - 1)) + number, n, memory_order_relaxed);
}

void kr_metric_add(kr_metric_e metric, kr_series_t series, apr_uint64_t n)
{
    if (current) add(number_of(&current->plan.place[metric], series), (long long)n);
}

void kr_metric_count(kr_metric_e metric, kr_series_t series)
{
    kr_metric_add(metric, series, 1);
}

void kr_metric_observe(kr_metric_e metric, kr_series_t series, apr_time_t took)
{
    unsigned first, bucket = 0;

    if (!current) return;
    first = number_of(&current->plan.place[metric], series);
    while (took > kr_metric_buckets[bucket].most) bucket++;
    add(first + bucket, 1);
    add(first + KR_METRIC_BUCKETS, took);
}

/* In the first shard, whatever processor says it. */
void kr_metric_set(kr_metric_e metric, kr_series_t series, apr_int64_t value)
{
    if (current) atomic_store_explicit(shard(current, 0) + number_of(&current->plan.place[metric], series), value, memory_order_relaxed);
}

void kr_metric_grow(kr_metric_e metric, kr_series_t series, apr_int64_t by)
{
    if (current && mine) atomic_fetch_add_explicit(&mine->number[number_of(&current->plan.place[metric], series)], by, memory_order_relaxed);
}

/* -- reading ---------------------------------------------------------------- */

static apr_int64_t sum_of_processes(memory_t *all, unsigned number)
{
    apr_int64_t sum = 0;

    for (int i = 0; i < PROCESSES; i++) {
        process_t *process = &all->process[i];
        const apr_int64_t has = atomic_load_explicit(&process->number[number], memory_order_relaxed);

        if (has && (process == mine || kr_hold_is_held(&process->hold))) sum += has;
    }
    return sum;
}

apr_int64_t kr_metric_number(kr_metric_e metric, kr_series_t series, unsigned number)
{
    apr_int64_t sum = 0;

    if (!current) return 0;
    number += number_of(&current->plan.place[metric], series);
    if (kr_metric_row(metric)->kind == KR_GAUGE_EACH) return sum_of_processes(current, number);
    for (unsigned i = 0; i < current->plan.shards; i++) sum += atomic_load_explicit(shard(current, i) + number, memory_order_relaxed);
    return sum;
}

apr_int64_t kr_metric_value(kr_metric_e metric, kr_series_t series)
{
    apr_int64_t sum = 0;

    if (kr_metric_row(metric)->kind != KR_HISTOGRAM) return kr_metric_number(metric, series, 0);
    for (unsigned i = 0; i < KR_METRIC_BUCKETS; i++) sum += kr_metric_number(metric, series, i);
    return sum;
}

int kr_metric_next(kr_series_t *series, kr_metric_e metric)
{
    for (unsigned i = KR_METRIC_LABELS; i-- > 0;) {
        if (++series->of[i] < kr_metric_values(metric, i)) return 1;
        series->of[i] = 0;
    }
    return 0;
}

apr_int64_t kr_metric_total(kr_metric_e metric)
{
    kr_series_t series = KR_SERIES_ONE;
    apr_int64_t sum = 0;

    do sum += kr_metric_value(metric, series);
    while (kr_metric_next(&series, metric));
    return sum;
}

/* -- making ----------------------------------------------------------------- */

/* FNV-1a: whether the tables are what they were is all that it is asked for. */
static void stamp(apr_uint64_t *hash, const char *text)
{
    do *hash = (*hash ^ (unsigned char)*text) * 0x100000001b3ull;
    while (*text++);
}

static void stamp_metric(apr_uint64_t *hash, kr_metric_e metric)
{
    const kr_metric_row_t *row = kr_metric_row(metric);

    stamp(hash, row->name);
    stamp(hash, (const char[]){ (char)('0' + row->kind), '\0' });
    for (int i = 0; i < KR_DIM(row->label); i++)
        for (unsigned v = 0; row->label[i] && row->label[i]->values[v]; v++) stamp(hash, row->label[i]->values[v]);
}

/* @return how many numbers it needs */
static unsigned lay_out(place_t *place, kr_metric_e metric, unsigned first)
{
    unsigned series = 1;

    place->first = first;
    place->width = kr_metric_row(metric)->kind == KR_HISTOGRAM ? KR_METRIC_BUCKETS + 1 : 1;
    for (unsigned i = 0; i < KR_DIM(place->values); i++) series *= place->values[i] = kr_metric_values(metric, i);
    return series * place->width;
}

static unsigned shards(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_CONF);
    unsigned n = 1;

    while (n < SHARDS_MAX && (long)n < processors) n *= 2;
    return n;
}

/* @return what is wrong with the tables, or NULL */
static const char *make_plan(plan_t *all)
{
    unsigned each = 0;

    all->stamp = 0xcbf29ce484222325ull;
    all->shards = shards();
    for (int i = 0; i < KR_METRICS; i++) {
        unsigned *next = kr_metric_row((kr_metric_e)i)->kind == KR_GAUGE_EACH ? &each : &all->numbers;

        stamp_metric(&all->stamp, (kr_metric_e)i);
        *next += lay_out(&all->place[i], (kr_metric_e)i, *next);
    }
    all->numbers = (unsigned)((all->numbers + NUMBERS - 1) / NUMBERS * NUMBERS);
    return each > EACH ? "there are too many gauges of processes" : NULL;
}

/* @return NULL without memory */
static memory_t *make(const plan_t *plan)
{
    memory_t *made = kr_shared_memory(NULL, sizeof(*made) + (apr_size_t)plan->shards * plan->numbers * sizeof(atomic_llong));

    if (!made) return NULL;
    made->plan = *plan;
    for (int i = 0; i < PROCESSES; i++)
        if (kr_holds_init(&made->process[i].hold, 1)) return NULL;
    return made;
}

/* Memory of other tables stays with the children of before, which go on with it. */
const char *kr_metrics_make(void **kept)
{
    plan_t plan = { .numbers = 0 };
    const char *why = make_plan(&plan);

    current = NULL;
    if (why) return why;
    current = *kept;
    if (!current || current->plan.stamp != plan.stamp || current->plan.shards != plan.shards) current = make(&plan);
    if (!current) return "there is no memory for metrics";
    *kept = current;
    return NULL;
}

void kr_metrics_child(void)
{
    mine = NULL;
    for (int i = 0; current && !mine && i < PROCESSES; i++)
        if (kr_hold_try(&current->process[i].hold)) mine = &current->process[i];
    for (int i = 0; mine && i < EACH; i++) atomic_store(&mine->number[i], 0); /* of one that was killed */
}
