/* SPDX-License-Identifier: Apache-2.0 */
/* How often something happened lately: exact among processes, bounded in memory, and shared with other nodes. */
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "kr_counts.h"
#include "kr_text.h"

#define WINDOW apr_time_from_sec(900)
#define NOW (100 * WINDOW + 5)

static apr_pool_t *pool;

static apr_uint32_t add(kr_counts_t *counts, apr_uint64_t what)
{
    return kr_counts_add(counts, what, NOW, WINDOW);
}

static apr_uint32_t of(kr_counts_t *counts, apr_uint64_t what)
{
    return kr_counts_of(counts, what, NOW, WINDOW);
}

static void each_thing_is_counted_by_itself(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);

    (void)state;
    assert_int_equal(of(counts, 7), 0);
    for (apr_uint32_t i = 1; i <= 5; i++) assert_int_equal(add(counts, 7), i);
    assert_int_equal(add(counts, 8), 1);
    assert_int_equal(of(counts, 7), 5);
    kr_counts_take_back(counts, 7, NOW, WINDOW);
    assert_int_equal(of(counts, 7), 4);
}

static void more_is_never_taken_back_than_there_was(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);

    (void)state;
    kr_counts_take_back(counts, 7, NOW, WINDOW);
    add(counts, 7);
    for (int i = 0; i < 3; i++) kr_counts_take_back(counts, 7, NOW, WINDOW);
    assert_int_equal(of(counts, 7), 0);
    assert_int_equal(add(counts, 7), 1);
}

static void a_new_window_begins_at_nothing(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);

    (void)state;
    for (int i = 0; i < 5; i++) add(counts, 7);
    assert_int_equal(kr_counts_of(counts, 7, NOW + WINDOW - 6, WINDOW), 5);
    assert_int_equal(kr_counts_of(counts, 7, NOW + WINDOW, WINDOW), 0);
    assert_int_equal(kr_counts_add(counts, 7, NOW + WINDOW, WINDOW), 1);
}

/* A stranger who fails under a new name each time has no way to make it forget whom they really guess at. */
static void a_flood_of_things_that_happen_once_hides_nothing(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);

    (void)state;
    for (int i = 0; i < 5; i++) add(counts, 7);
    for (apr_uint64_t what = 1000; what < 101000; what++) add(counts, what * 0x9e3779b97f4a7c15ull);
    assert_int_equal(of(counts, 7), 5);
}

static void old_windows_make_room_whatever_they_counted(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 8);

    (void)state;
    for (apr_uint64_t what = 1; what <= 8; what++)
        for (int i = 0; i < 9; i++) kr_counts_add(counts, what, NOW - WINDOW, WINDOW);
    for (apr_uint64_t what = 11; what <= 18; what++) add(counts, what);
    for (apr_uint64_t what = 11; what <= 18; what++) assert_int_equal(of(counts, what), 1);
}

static void processes_lose_nothing_between_them(void **state)
{
    enum { PROCESSES = 4, TIMES = 20000 };
    kr_counts_t *counts = kr_counts_make(pool, 64);
    pid_t pid[PROCESSES];

    (void)state;
    add(counts, 7);
    for (int i = 0; i < PROCESSES; i++)
        if (!(pid[i] = fork())) {
            for (int n = 0; n < TIMES; n++) add(counts, 7);
            _exit(0);
        }
    for (int i = 0; i < PROCESSES; i++) waitpid(pid[i], NULL, 0);
    assert_int_equal(of(counts, 7), 1 + PROCESSES * TIMES);
}

static int untold(kr_count_t *out, int most, kr_counts_t *counts, apr_uint32_t least, apr_time_t now)
{
    return kr_counts_untold(out, most, counts, least, now, WINDOW);
}

static void what_counts_is_told_and_what_others_counted_is_known(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);
    kr_count_t told[4];

    (void)state;
    for (int i = 0; i < 5; i++) add(counts, 7);
    add(counts, 8); /* of no importance */
    assert_int_equal(untold(told, 4, counts, 3, NOW), 1);
    assert_int_equal(told[0].change, 5);
    kr_counts_told(&told[0], 12);
    assert_int_equal(of(counts, 7), 12);
    assert_int_equal(add(counts, 7), 13);
    assert_int_equal(untold(told, 4, counts, 3, NOW), 1); /* it may have grown elsewhere */
    assert_int_equal(told[0].change, 1);
    kr_counts_told(&told[0], 20);
    assert_int_equal(of(counts, 7), 20);
    assert_int_equal(untold(told, 4, counts, 3, NOW + WINDOW), 0);
}

/* A network with many people has some tries under way at any moment: all good in the end, they must not add up from look to look. */
static void what_was_told_and_taken_back_is_told_as_well(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);
    apr_int64_t all = 0;
    kr_count_t told[4];

    (void)state;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 5; i++) add(counts, 7);
        for (int look = 0; look < 2; look++) {
            assert_int_equal(untold(told, 4, counts, 3, NOW), 1);
            kr_counts_told(&told[0], all += told[0].change);
            for (int i = 0; i < 5; i++) kr_counts_take_back(counts, 7, NOW, WINDOW);
        }
        assert_int_equal(all, 0);
        assert_int_equal(of(counts, 7), 0);
    }
}

static void telling_goes_on_where_it_stopped(void **state)
{
    kr_counts_t *counts = kr_counts_make(pool, 64);
    kr_count_t told[4];
    int seen = 0, n;

    (void)state;
    for (apr_uint64_t what = 1; what <= 10; what++) add(counts, what);
    do {
        n = untold(told, 4, counts, 1, NOW);
        seen += n;
    } while (n == 4);
    assert_int_equal(seen, 10);
    assert_int_equal(untold(told, 4, counts, 1, NOW), 4); /* from the beginning */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_is_counted_by_itself),
        cmocka_unit_test(more_is_never_taken_back_than_there_was),
        cmocka_unit_test(a_new_window_begins_at_nothing),
        cmocka_unit_test(a_flood_of_things_that_happen_once_hides_nothing),
        cmocka_unit_test(old_windows_make_room_whatever_they_counted),
        cmocka_unit_test(processes_lose_nothing_between_them),
        cmocka_unit_test(what_counts_is_told_and_what_others_counted_is_known),
        cmocka_unit_test(what_was_told_and_taken_back_is_told_as_well),
        cmocka_unit_test(telling_goes_on_where_it_stopped),
    };
    int rc;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return rc;
}
