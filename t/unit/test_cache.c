/* SPDX-License-Identifier: Apache-2.0 */
/* Records in shared memory: what comes out is what was put in, whole and not out of date, whoever else writes or dies meanwhile. */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "kr_cache.h"
#include "kr_clock.h"

static apr_pool_t *pool;

static kr_changes_t *changes_of_its_own(void)
{
    void *kept = NULL;

    return kr_changes_make(&kept);
}

static kr_cache_t *small(void)
{
    return kr_cache_make(pool, KR_CACHE_LEAST, changes_of_its_own());
}

static void put(kr_cache_t *cache, const char *key, const char *owner, const char *text)
{
    kr_stamp_t stamp = kr_changes_begin(kr_cache_changes(cache));

    assert_true(kr_changes_settle(&stamp, kr_cache_changes(cache), owner));
    kr_cache_put(cache, key, owner, &stamp, kr_clock_ticks() + KR_CACHE_AGE_MAX, text, strlen(text) + 1);
}

static const char *get(kr_cache_t *cache, const char *key)
{
    kr_cached_t found;

    return kr_cache_get(&found, pool, cache, key) ? found.data : NULL;
}

static void what_was_put_in_comes_out(void **state)
{
    kr_cache_t *cache = small();
    kr_cached_t found;

    (void)state;
    assert_null(get(cache, "a"));
    put(cache, "a", "ana", "first");
    put(cache, "b", "ben", "second");
    assert_string_equal(get(cache, "a"), "first");
    assert_string_equal(get(cache, "b"), "second");
    assert_null(get(cache, "c"));
    put(cache, "a", "ana", "another, and longer");
    assert_true(kr_cache_get(&found, pool, cache, "a"));
    assert_string_equal(found.data, "another, and longer");
    assert_int_equal(found.len, sizeof("another, and longer"));
    assert_string_equal(found.owner, "ana");
}

static void a_change_ends_what_its_owner_has(void **state)
{
    kr_cache_t *cache = small();
    kr_changes_t *changes = kr_cache_changes(cache);

    (void)state;
    put(cache, "a", "ana", "x");
    put(cache, "b", "ben", "y");
    kr_changes_note(changes, "ana");
    assert_null(get(cache, "a"));
    assert_string_equal(get(cache, "b"), "y");
    put(cache, "a", "ana", "new");
    assert_string_equal(get(cache, "a"), "new");
    kr_changes_note_all(changes);
    assert_null(get(cache, "a"));
    assert_null(get(cache, "b"));
}

static void what_was_read_while_something_changed_is_not_settled(void **state)
{
    kr_changes_t *changes = changes_of_its_own();
    kr_stamp_t stamp = kr_changes_begin(changes);

    (void)state;
    kr_changes_note(changes, "somebody");
    assert_false(kr_changes_settle(&stamp, changes, "ana"));
    stamp = kr_changes_begin(changes);
    assert_true(kr_changes_settle(&stamp, changes, "ana"));
    assert_true(kr_changes_hold(changes, &stamp, "ana"));
}

static void changes_are_the_same_for_a_server_that_starts_again(void **state)
{
    void *kept = NULL;
    kr_changes_t *changes = kr_changes_make(&kept);
    const kr_stamp_t stamp = kr_changes_now(changes, "ana");

    (void)state;
    kr_changes_note(kr_changes_make(&kept), "ana");
    assert_false(kr_changes_hold(changes, &stamp, "ana"));
}

static void the_oldest_go_and_the_latest_stay(void **state)
{
    kr_cache_t *cache = small();
    char text[4000] = { 0 };

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 5000; i++) put(cache, apr_psprintf(pool, "key %d", i), "ana", text);
    assert_null(get(cache, "key 0"));
    for (int i = 4900; i < 5000; i++) assert_string_equal(get(cache, apr_psprintf(pool, "key %d", i)), text);
}

static void what_is_too_old_is_not_believed(void **state)
{
    kr_cache_t *cache = small();
    const kr_stamp_t stamp = kr_changes_now(kr_cache_changes(cache), "ana");

    (void)state;
    kr_cache_put(cache, "a", "ana", &stamp, kr_clock_ticks() + 20000, "x", 2);
    assert_string_equal(get(cache, "a"), "x");
    usleep(21000);
    assert_null(get(cache, "a"));
}

static void what_is_too_long_is_not_kept(void **state)
{
    kr_cache_t *cache = small();
    char *text = apr_pcalloc(pool, KR_CACHE_RECORD_MAX + 1);

    (void)state;
    memset(text, 'x', KR_CACHE_RECORD_MAX);
    put(cache, "a", "ana", text);
    assert_null(get(cache, "a"));
    text[KR_CACHE_RECORD_MAX - 1] = '\0';
    put(cache, "a", "ana", text);
    assert_string_equal(get(cache, "a"), text);
}

/* -- many processes ----------------------------------------------------------- */

#define KEYS 64
#define ROUNDS 20000

/* A record that can be judged by itself: its key's number over and over, in a length of its own. */
static void put_judgeable(kr_cache_t *cache, int key, int salt)
{
    const apr_size_t words = 20 + (apr_size_t)(key * 7 + salt * 13) % 400;
    int *record = malloc(words * sizeof(int));
    kr_stamp_t stamp = kr_changes_now(kr_cache_changes(cache), "owner");
    char name[16];

    for (apr_size_t i = 0; i < words; i++) record[i] = key;
    apr_snprintf(name, sizeof(name), "key %d", key);
    kr_cache_put(cache, name, "owner", &stamp, kr_clock_ticks() + KR_CACHE_AGE_MAX, record, words * sizeof(int));
    free(record);
}

static int is_whole(const kr_cached_t *found, int key)
{
    for (apr_size_t i = 0; i < found->len / sizeof(int); i++)
        if (((const int *)found->data)[i] != key) return 0;
    return found->len >= 20 * sizeof(int);
}

/* @return how many were found; -1: one was broken */
static int look(kr_cache_t *cache, int key)
{
    kr_cached_t found;
    apr_pool_t *own;
    int there, whole;

    apr_pool_create(&own, pool);
    there = kr_cache_get(&found, own, cache, apr_psprintf(own, "key %d", key));
    whole = !there || is_whole(&found, key);
    apr_pool_destroy(own);
    return whole ? there : -1;
}

static void work(kr_cache_t *cache, int seed)
{
    int found = 0, there = 0;

    for (int i = 0; i < ROUNDS && there >= 0; i++, found += there) {
        const int key = (i * 31 + seed * 17) % KEYS;

        if (i % 3 == seed % 3) put_judgeable(cache, key, i);
        there = look(cache, key);
    }
    _exit(there < 0 ? 1 : found > ROUNDS / 10 ? 0 : 2);
}

static void processes_that_write_at_once_break_no_record(void **state)
{
    kr_cache_t *cache = kr_cache_make(pool, KR_CACHE_LEAST / 16, changes_of_its_own()); /* it comes round all the time */
    int status;

    (void)state;
    for (int i = 0; i < 4; i++)
        if (fork() == 0) work(cache, i);
    for (int i = 0; i < 4; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

static void who_is_killed_in_the_middle_leaves_it_usable(void **state)
{
    kr_cache_t *cache = kr_cache_make(pool, KR_CACHE_LEAST / 16, changes_of_its_own());

    (void)state;
    for (int n = 0; n < 20; n++) {
        const pid_t child = fork();

        if (child == 0)
            for (int i = 0;; i++) put_judgeable(cache, i % KEYS, i);
        usleep(2000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        for (int key = 0; key < KEYS; key++) assert_true(look(cache, key) >= 0);
    }
    put(cache, "a", "ana", "still");
    assert_string_equal(get(cache, "a"), "still");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out),
        cmocka_unit_test(a_change_ends_what_its_owner_has),
        cmocka_unit_test(what_was_read_while_something_changed_is_not_settled),
        cmocka_unit_test(changes_are_the_same_for_a_server_that_starts_again),
        cmocka_unit_test(the_oldest_go_and_the_latest_stay),
        cmocka_unit_test(what_is_too_old_is_not_believed),
        cmocka_unit_test(what_is_too_long_is_not_kept),
        cmocka_unit_test(processes_that_write_at_once_break_no_record),
        cmocka_unit_test(who_is_killed_in_the_middle_leaves_it_usable),
    };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
