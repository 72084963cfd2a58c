/* SPDX-License-Identifier: Apache-2.0 */
/* What processes share: memory, turns, and what a killed one leaves of them. Slots and their queue have test_slots.c. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "kr_shared.h"
#include "kr_text.h"

#define LONG apr_time_from_sec(60)
#define SHORT apr_time_from_msec(50)

static apr_pool_t *pool;

/** Whether another process gets the turn now, and is killed with it. */
static int another_takes(kr_turn_t *turn, apr_time_t most)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        long long mine = 0;

        if (kr_turn_take(turn, &mine, most)) kill(getpid(), SIGKILL);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static void one_process_has_the_turn_until_it_gives_it_back(void **state)
{
    kr_turn_t *turn = kr_shared_memory(pool, sizeof(*turn));
    long long mine = 0;

    (void)state;
    assert_true(kr_turn_take(turn, &mine, LONG));
    assert_true(kr_turn_take(turn, &mine, LONG)); /* the next piece of work */
    assert_false(another_takes(turn, LONG));
    kr_turn_end(turn, &mine, 0);
    assert_true(another_takes(turn, LONG));
    assert_false(kr_turn_take(turn, &mine, LONG));
}

static void nobody_takes_a_turn_that_rests(void **state)
{
    kr_turn_t *turn = kr_shared_memory(pool, sizeof(*turn));
    long long mine = 0;

    (void)state;
    assert_true(kr_turn_take(turn, &mine, LONG));
    kr_turn_end(turn, &mine, LONG);
    assert_false(kr_turn_take(turn, &mine, LONG));
    assert_false(another_takes(turn, LONG));
}

static void the_turn_of_a_killed_process_runs_out(void **state)
{
    kr_turn_t *turn = kr_shared_memory(pool, sizeof(*turn));
    long long mine = 0;

    (void)state;
    assert_true(another_takes(turn, SHORT));
    for (int i = 0; i < 1000 && !kr_turn_take(turn, &mine, LONG); i++) apr_sleep(1000); /* this is the asking */
    assert_int_not_equal(mine, 0);
}

static void who_was_too_slow_takes_nobodys_turn_away(void **state)
{
    kr_turn_t *turn = kr_shared_memory(pool, sizeof(*turn));
    long long slow = 0, quick = 0;

    (void)state;
    assert_true(kr_turn_take(turn, &slow, 0)); /* over as it begins */
    apr_sleep(1000);
    assert_true(kr_turn_take(turn, &quick, LONG));
    kr_turn_end(turn, &slow, 0);
    assert_false(kr_turn_take(turn, &slow, LONG));
    assert_true(kr_turn_take(turn, &quick, LONG));
}

static void what_a_killed_process_held_can_be_taken(void **state)
{
    kr_hold_t *hold = kr_shared_memory(pool, sizeof(*hold));
    pid_t pid;

    (void)state;
    assert_int_equal(kr_holds_init(hold, 1), 0);
    pid = fork();
    if (!pid) {
        (void)kr_hold_try(hold);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
    assert_false(kr_hold_is_held(hold));
    assert_true(kr_hold_try(hold));
    assert_true(kr_hold_is_held(hold));
    kr_hold_leave(hold);
    assert_false(kr_hold_is_held(hold));
}

static void memory_is_of_zeros_and_everybody_sees_it(void **state)
{
    volatile unsigned char *bytes = kr_shared_memory(pool, 100000);
    pid_t pid;

    (void)state;
    assert_int_equal(bytes[99999], 0);
    pid = fork();
    if (!pid) {
        bytes[99999] = 7;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(bytes[99999], 7);
    assert_null(kr_shared_memory(pool, (apr_size_t)1 << 60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_has_the_turn_until_it_gives_it_back),
        cmocka_unit_test(nobody_takes_a_turn_that_rests),
        cmocka_unit_test(the_turn_of_a_killed_process_runs_out),
        cmocka_unit_test(who_was_too_slow_takes_nobodys_turn_away),
        cmocka_unit_test(what_a_killed_process_held_can_be_taken),
        cmocka_unit_test(memory_is_of_zeros_and_everybody_sees_it),
    };
    int rc;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return rc;
}
