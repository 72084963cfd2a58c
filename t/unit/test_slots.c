/* SPDX-License-Identifier: Apache-2.0 */
/* The limit on how many password hashes run at once, with real processes that wait, finish and are killed. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_time.h>

#include "kr_password.h"
#include "kr_text.h"

static apr_pool_t *pool;
static kr_ctx_t *k;

static const kr_hasher_t ARGON2 = {
    .memory = 8192, .iterations = 1, .parallelism = 2, .salt_length = 16, .key_length = 32
};
static const kr_hasher_t BCRYPT = { .bcrypt = 1, .bcrypt_cost = 4 };
/** Seconds of work: what keeps a slot busy until it is killed. */
static const kr_hasher_t ENDLESS = { .bcrypt = 1, .bcrypt_cost = 15 };

/* From libargon2's and crypt_blowfish' own test programs. */
static const char ARGON2ID_OF_PASSWORD[] =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
static const char ARGON2I_OF_PASSWORD[] =
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
static const char BCRYPT_OF_U_U[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

static int matches(const char *password, const char *phc)
{
    int ok = -1;

    assert_null(kr_password_verify(&ok, k, password, phc));
    return ok;
}

/** Burn a password in a process of its own. Its exit code is the error's status / 100, or 0. */
static pid_t burn_elsewhere(const kr_hasher_t *hasher)
{
    pid_t pid = fork();

    if (!pid) {
        kr_err_t *err = kr_password_burn(k, hasher, "correct horse");

        _exit(err ? err->status / 100 : 0);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int result_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** Until that many run and wait, at most 5 seconds. */
static void await(unsigned running, unsigned waiting)
{
    unsigned runs = 0, waits = 0, refused;

    for (int i = 0; i < 1000; i++) {
        kr_slots_stats(&runs, &waits, &refused);
        if (runs == running && waits == waiting) return;
        apr_sleep(5000); /* this is the asking */
    }
    fail_msg("%u run and %u wait", runs, waits);
}

static unsigned refusals(void)
{
    unsigned running, waiting, refused;

    kr_slots_stats(&running, &waiting, &refused);
    return refused;
}

/** A pool that holds a set of slots; destroying it is what a new configuration does. */
static apr_pool_t *with_slots(int slots, apr_uint32_t memory, int ms, int queue)
{
    apr_pool_t *pconf;

    apr_pool_create(&pconf, NULL);
    assert_int_equal(kr_slots_make(pconf, slots, memory, apr_time_from_msec(ms), queue), APR_SUCCESS);
    return pconf;
}

static void one_slot_serves_one_process_after_the_other(void **state)
{
    apr_pool_t *pconf = with_slots(1, 8192, 10000, 8);
    pid_t pid[4];

    (void)state;
    for (int i = 0; i < KR_DIM(pid); i++) pid[i] = burn_elsewhere(&ARGON2);
    for (int i = 0; i < KR_DIM(pid); i++) assert_int_equal(result_of(pid[i]), 0);
    await(0, 0);
    assert_int_equal(refusals(), 0);
    apr_pool_destroy(pconf);
}

static void two_slots_let_two_processes_run_at_once(void **state)
{
    apr_pool_t *pconf = with_slots(2, 8192, 10000, 8);
    pid_t a = burn_elsewhere(&ENDLESS), b = burn_elsewhere(&ENDLESS), c;

    (void)state;
    await(2, 0);
    c = burn_elsewhere(&ENDLESS);
    await(2, 1);
    end(a);
    await(2, 0);
    end(b);
    end(c);
    await(0, 0);
    apr_pool_destroy(pconf);
}

static void when_the_time_is_up_the_answer_is_503_with_retry_after(void **state)
{
    apr_pool_t *pconf = with_slots(1, 0, 100, 1);
    pid_t holder = burn_elsewhere(&ENDLESS);
    apr_time_t begin;
    kr_err_t *err;
    int ok = 1;

    (void)state;
    await(1, 0);
    begin = apr_time_now();
    err = kr_password_verify(&ok, k, "U*U", BCRYPT_OF_U_U);
    assert_true(apr_time_now() - begin >= apr_time_from_msec(90));
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_int_equal(err->retry_after, 1);
    assert_int_equal(ok, 0);
    assert_int_equal(refusals(), 1);
    await(1, 0); /* the place in the queue is free again */
    end(holder);
    apr_pool_destroy(pconf);
}

static void a_full_queue_turns_away_at_once(void **state)
{
    apr_pool_t *pconf = with_slots(1, 0, 30000, 1);
    pid_t holder = burn_elsewhere(&ENDLESS), waiter;
    apr_time_t begin;
    kr_err_t *err;

    (void)state;
    await(1, 0);
    waiter = burn_elsewhere(&BCRYPT);
    await(1, 1);
    begin = apr_time_now();
    err = kr_password_burn(k, &BCRYPT, "x");
    assert_true(apr_time_now() - begin < apr_time_from_sec(5));
    assert_int_equal(err->status, 503);
    end(waiter); /* a killed waiter gives its place back */
    waiter = burn_elsewhere(&BCRYPT);
    await(1, 1);
    end(holder); /* and a killed holder its slot */
    assert_int_equal(result_of(waiter), 0);
    assert_int_equal(matches("U*U", BCRYPT_OF_U_U), 1);
    await(0, 0);
    apr_pool_destroy(pconf);
}

static void a_new_configuration_starts_with_free_slots(void **state)
{
    apr_pool_t *before = with_slots(1, 0, 50, 0), *after;
    pid_t draining = burn_elsewhere(&ENDLESS);

    (void)state;
    await(1, 0);
    after = with_slots(1, 0, 50, 0);
    await(0, 0);
    apr_pool_destroy(before); /* in whichever order: the new slots stay */
    assert_int_equal(matches("U*U", BCRYPT_OF_U_U), 1);
    assert_int_equal(waitpid(draining, NULL, WNOHANG), 0); /* and the old child works on in its own */
    end(draining);
    apr_pool_destroy(after);
    assert_int_equal(matches("U*U", BCRYPT_OF_U_U), 1); /* without slots there is no limit */
}

static void the_memory_of_a_slot_changes_no_result(void **state)
{
    static const apr_uint32_t sizes[] = { 0, 8, 255, 256, 8192 };

    (void)state;
    for (int i = 0; i < KR_DIM(sizes); i++) {
        apr_pool_t *pconf = with_slots(0, sizes[i], 50, 0);
        const char *phc;

        for (int round = 0; round < 2; round++) { /* the second meets what the first left */
            assert_int_equal(matches("password", ARGON2ID_OF_PASSWORD), 1);
            assert_int_equal(matches("password", ARGON2I_OF_PASSWORD), 1);
            assert_null(kr_password_hash(&phc, k, &ARGON2, "x"));
            assert_int_equal(matches("x", phc), 1);
        }
        apr_pool_destroy(pconf);
    }
}

static void impossible_sizes_are_refused_at_start(void **state)
{
    (void)state;
    assert_int_not_equal(kr_slots_make(pool, 1024, 0xFFFFFFFFu, 0, 0), APR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slot_serves_one_process_after_the_other),
        cmocka_unit_test(two_slots_let_two_processes_run_at_once),
        cmocka_unit_test(when_the_time_is_up_the_answer_is_503_with_retry_after),
        cmocka_unit_test(a_full_queue_turns_away_at_once),
        cmocka_unit_test(a_new_configuration_starts_with_free_slots),
        cmocka_unit_test(the_memory_of_a_slot_changes_no_result),
        cmocka_unit_test(impossible_sizes_are_refused_at_start),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    k = kr_ctx_make(pool, NULL, KR_LOG_ERR);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
