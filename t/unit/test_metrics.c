/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: what processes count together, what a restart and a killed process leave of it, and how it is written. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "kr_metrics.h"
#include "kr_text.h"

static apr_pool_t *pool;
static void *kept;

static const char *const OPERATIONS[] = { "", "toSession", "updateLoginFlow", NULL };
static const char *const MORE_OPERATIONS[] = { "", "toSession", "updateLoginFlow", "another", NULL };

static int begin(void **state)
{
    (void)state;
    kept = NULL; /* as if the server began */
    kr_metrics_name(KR_LABEL_OPERATION, OPERATIONS);
    assert_null(kr_metrics_make(&kept));
    return 0;
}

static const char *text_of(int openmetrics)
{
    apr_size_t len;
    const char *text = kr_metrics_text(&len, pool, openmetrics);

    return apr_pstrmemdup(pool, text, len);
}

static void assert_has(const char *text, const char *line)
{
    if (!strstr(text, apr_pstrcat(pool, "\n", line, "\n", NULL))) fail_msg("no line \"%s\" in:\n%s", line, text);
}

/* -- counting --------------------------------------------------------------- */

static void all_processes_count_together(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        if (!fork()) {
            for (int n = 0; n < 10000; n++) kr_metric_count(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(KR_CACHE_HIT));
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
    kr_metric_add(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(KR_CACHE_MISS), 7);
    assert_int_equal(kr_metric_value(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(KR_CACHE_HIT)), 40000);
    assert_int_equal(kr_metric_value(KR_METRIC_CACHE_LOOKUPS, KR_SERIES(KR_CACHE_MISS)), 7);
    assert_int_equal(kr_metric_value(KR_METRIC_CACHE_FILLS, KR_SERIES_ONE), 0);
}

static void each_series_is_its_own(void **state)
{
    (void)state;
    for (unsigned op = 0; op < 3; op++)
        for (unsigned method = 0; method < 11; method++)
            for (unsigned client = 0; client < 4; client++)
                for (unsigned class = 0; class < 6; class++)
                    kr_metric_add(KR_METRIC_OPERATIONS, KR_SERIES(op, method, client, class), 1 + op + 10 * method + 1000 * client + 10000 * class);
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATIONS, KR_SERIES(0, 0, 0, 0)), 1);
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATIONS, KR_SERIES(2, 10, 3, 5)), 53103);
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATIONS, KR_SERIES(1, 0, 2, 4)), 42002);
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATION_TIME, KR_SERIES(0, 0)), 0); /* its neighbours in memory */
    assert_int_equal(kr_metric_value(KR_METRIC_ERRORS, KR_SERIES_ONE), 0);
}

/* Whatever number comes along, it is never a place outside of the metric's own. */
static void a_value_that_no_table_has_counts_as_none(void **state)
{
    (void)state;
    kr_metric_count(KR_METRIC_OPERATIONS, KR_SERIES(3, 99, 4, 6));
    kr_metric_count(KR_METRIC_MESSAGES, KR_SERIES(~0u));
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATIONS, KR_SERIES(0, 0, 0, 0)), 1);
    assert_int_equal(kr_metric_value(KR_METRIC_MESSAGES, KR_SERIES_ONE), 1);
}

static void what_was_set_last_is_what_a_gauge_shows(void **state)
{
    (void)state;
    kr_metric_set(KR_METRIC_CACHE_SESSIONS, KR_SERIES_ONE, 100000);
    kr_metric_set(KR_METRIC_CACHE_SESSIONS, KR_SERIES_ONE, 3);
    assert_int_equal(kr_metric_value(KR_METRIC_CACHE_SESSIONS, KR_SERIES_ONE), 3);
}

/* -- what is left ----------------------------------------------------------- */

static void a_restart_goes_on_counting(void **state)
{
    (void)state;
    kr_metric_count(KR_METRIC_HASHES_SHED, KR_SERIES_ONE);
    assert_null(kr_metrics_make(&kept));
    kr_metric_count(KR_METRIC_HASHES_SHED, KR_SERIES_ONE);
    assert_int_equal(kr_metric_value(KR_METRIC_HASHES_SHED, KR_SERIES_ONE), 2);
}

/* Numbers must not change their names when another version is loaded. */
static void other_tables_begin_anew(void **state)
{
    (void)state;
    kr_metric_count(KR_METRIC_HASHES_SHED, KR_SERIES_ONE);
    kr_metrics_name(KR_LABEL_OPERATION, MORE_OPERATIONS);
    assert_null(kr_metrics_make(&kept));
    assert_int_equal(kr_metric_value(KR_METRIC_HASHES_SHED, KR_SERIES_ONE), 0);
    kr_metric_count(KR_METRIC_OPERATIONS, KR_SERIES(3));
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATIONS, KR_SERIES(3)), 1);
}

/** A process with so many connections; it tells when it has them, and waits for its end. */
static pid_t with_connections(int n)
{
    int told[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(told), 0);
    pid = fork();
    if (!pid) {
        kr_metrics_child();
        kr_metric_grow(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN), n + 1);
        kr_metric_grow(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN), -1);
        _exit(write(told[1], "", 1) == 1 ? (pause(), 0) : 1);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void what_a_killed_process_had_is_gone(void **state)
{
    const pid_t two = with_connections(2), five = with_connections(5);
    pid_t three;

    (void)state;
    assert_int_equal(kr_metric_value(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN)), 7);
    assert_int_equal(kr_metric_value(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_BUSY)), 0);
    end(two);
    assert_int_equal(kr_metric_value(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN)), 5);
    three = with_connections(3); /* in the record that the first one left */
    assert_int_equal(kr_metric_value(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN)), 8);
    end(five);
    end(three);
    assert_int_equal(kr_metric_value(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_OPEN)), 0);
}

/* -- writing ---------------------------------------------------------------- */

static void openmetrics_is_written_as_its_page_says(void **state)
{
    const char *text;

    (void)state;
    kr_metric_count(KR_METRIC_OPERATIONS, KR_SERIES(2, 2, 1, 4));
    kr_metric_set(KR_METRIC_FEED_LAG, KR_SERIES_ONE, 1050007);
    text = text_of(1);
    assert_has(text, "# TYPE kratos_operations counter");
    assert_has(text, "kratos_operations_total{operation=\"updateLoginFlow\",method=\"password\",client=\"script\",status=\"4xx\"} 1");
    assert_has(text, "# UNIT kratos_session_feed_lag_seconds seconds");
    assert_has(text, "kratos_session_feed_lag_seconds 1.050007");
    assert_has(text, "kratos_hashes_shed_total 0"); /* what may be waited for is there before it happens */
    assert_null(strstr(text, "toSession"));         /* what never happened is left out where there is much of it */
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void the_older_format_names_counters_by_their_samples(void **state)
{
    const char *text = text_of(0);

    (void)state;
    assert_has(text, "# TYPE kratos_hashes_shed_total counter");
    assert_has(text, "kratos_hashes_shed_total 0");
    assert_null(strstr(text, "# UNIT"));
    assert_null(strstr(text, "# EOF"));
}

static void a_histogram_counts_up(void **state)
{
    const char *text;

    (void)state;
    kr_metric_observe(KR_METRIC_OPERATION_TIME, KR_SERIES(1), 0);
    kr_metric_observe(KR_METRIC_OPERATION_TIME, KR_SERIES(1), 500);
    kr_metric_observe(KR_METRIC_OPERATION_TIME, KR_SERIES(1), 501);
    kr_metric_observe(KR_METRIC_OPERATION_TIME, KR_SERIES(1), apr_time_from_sec(60));
    assert_int_equal(kr_metric_value(KR_METRIC_OPERATION_TIME, KR_SERIES(1)), 4);
    text = text_of(1);
    assert_has(text, "kratos_operation_duration_seconds_bucket{operation=\"toSession\",method=\"\",le=\"0.0005\"} 2");
    assert_has(text, "kratos_operation_duration_seconds_bucket{operation=\"toSession\",method=\"\",le=\"0.001\"} 3");
    assert_has(text, "kratos_operation_duration_seconds_bucket{operation=\"toSession\",method=\"\",le=\"10.0\"} 3");
    assert_has(text, "kratos_operation_duration_seconds_bucket{operation=\"toSession\",method=\"\",le=\"+Inf\"} 4");
    assert_has(text, "kratos_operation_duration_seconds_count{operation=\"toSession\",method=\"\"} 4");
    assert_has(text, "kratos_operation_duration_seconds_sum{operation=\"toSession\",method=\"\"} 60.001001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_processes_count_together, begin),
        cmocka_unit_test_setup(each_series_is_its_own, begin),
        cmocka_unit_test_setup(a_value_that_no_table_has_counts_as_none, begin),
        cmocka_unit_test_setup(what_was_set_last_is_what_a_gauge_shows, begin),
        cmocka_unit_test_setup(a_restart_goes_on_counting, begin),
        cmocka_unit_test_setup(other_tables_begin_anew, begin),
        cmocka_unit_test_setup(what_a_killed_process_had_is_gone, begin),
        cmocka_unit_test_setup(openmetrics_is_written_as_its_page_says, begin),
        cmocka_unit_test_setup(the_older_format_names_counters_by_their_samples, begin),
        cmocka_unit_test_setup(a_histogram_counts_up, begin),
    };
    int rc;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return rc;
}
