/* SPDX-License-Identifier: Apache-2.0 */
/* Which host of a database is used: how long one that fails is left alone, and how connections go back to it. */
#include <apr_general.h>

#include "../../src/store/store.h"
#include "kr_clock.h"
#include "kr_text.h"
#include "test.h"

typedef struct {
    apr_pool_t *pool;
    kr_dbpool_t dbpool;
    kr_dbhost_t host[3];
    kr_dbconn_t conn;
} hosts_t;

static int set_up(void **state)
{
    apr_pool_t *pool;
    hosts_t *h;

    apr_pool_create(&pool, NULL);
    h = apr_pcalloc(pool, sizeof(*h));
    h->pool = pool;
    h->dbpool.nhosts = KR_DIM(h->host);
    h->dbpool.host = h->host;
    for (int i = 0; i < KR_DIM(h->host); i++) h->host[i].params = "host=db.example user=u pass=s3cret";
    h->conn = (kr_dbconn_t){ .owner = &h->dbpool, .host = &h->host[0], .opened = kr_clock_ticks() - apr_time_from_sec(60) };
    *state = h;
    return apr_thread_mutex_create(&h->dbpool.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
}

static int end(void **state)
{
    apr_pool_destroy(((hosts_t *)*state)->pool);
    return 0;
}

/* As if it were over. */
static void end_rest(kr_dbhost_t *host)
{
    host->retry_at = kr_clock_ticks();
}

static void a_host_that_fails_again_is_left_alone_for_longer_each_time(void **state)
{
    static const int SECONDS[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    hosts_t *h = *state;

    for (int i = 0; i < KR_DIM(SECONDS); i++) {
        kr_host_failed(&h->dbpool, h->host);
        assert_true(kr_host_is_asked_last(&h->dbpool, h->host));
        assert_int_equal(h->host->retry_at - h->host->failed_at, apr_time_from_sec(SECONDS[i]));
        end_rest(h->host);
        assert_false(kr_host_is_asked_last(&h->dbpool, h->host));
    }
    h->host->failed_at -= apr_time_from_sec(181); /* it was well for three minutes */
    kr_host_failed(&h->dbpool, h->host);
    assert_int_equal(h->host->retry_at - h->host->failed_at, apr_time_from_sec(1));
}

static void of_many_connections_that_break_at_once_one_counts(void **state)
{
    hosts_t *h = *state;

    for (int i = 0; i < 50; i++) kr_host_failed(&h->dbpool, h->host);
    assert_int_equal(h->host->retry_at - h->host->failed_at, apr_time_from_sec(1));
    assert_int_equal(h->host->failures, 1);
}

static void the_connections_to_a_host_that_failed_are_given_up(void **state)
{
    hosts_t *h = *state;

    assert_false(kr_host_is_left(&h->conn));
    kr_host_failed(&h->dbpool, h->host);
    assert_true(kr_host_is_left(&h->conn));
}

static void the_only_host_is_used_whatever_it_says(void **state)
{
    hosts_t *h = *state;

    h->dbpool.nhosts = 1;
    kr_host_failed(&h->dbpool, h->host);
    assert_false(kr_host_is_left(&h->conn));
    assert_false(kr_host_is_asked_last(&h->dbpool, h->host));
}

static void connections_go_back_to_a_host_before_theirs_one_at_a_time(void **state)
{
    hosts_t *h = *state;

    kr_host_failed(&h->dbpool, &h->host[0]);
    h->conn.host = &h->host[2];
    h->host[1].down = 1;
    h->host[1].retry_at = kr_clock_ticks() + apr_time_from_sec(60);
    assert_false(kr_host_is_left(&h->conn)); /* none of them is well yet */
    end_rest(&h->host[0]);
    h->conn.opened = kr_clock_ticks();
    assert_false(kr_host_is_left(&h->conn)); /* it has only just come here */
    h->conn.opened -= apr_time_from_sec(60);
    assert_true(kr_host_is_left(&h->conn));
    assert_false(kr_host_is_left(&h->conn)); /* another one just went */
    h->dbpool.moved -= apr_time_from_sec(1);
    assert_true(kr_host_is_left(&h->conn));
    h->conn.host = &h->host[0];
    h->conn.left = h->host[0].left;
    h->dbpool.moved -= apr_time_from_sec(1);
    assert_false(kr_host_is_left(&h->conn)); /* there is nothing better */
}

static void what_hung_is_gone_back_to_once_those_who_watch_heard_of_it(void **state)
{
    hosts_t *h = *state;

    kr_host_hangs(h->host);
    end_rest(h->host);
    assert_false(kr_host_is_asked_last(&h->dbpool, h->host)); /* nobody watches: a request must try */
    h->dbpool.watched = 1;
    assert_true(kr_host_is_asked_last(&h->dbpool, h->host));
    h->host->heard = 1;
    assert_false(kr_host_is_asked_last(&h->dbpool, h->host));
}

static void while_one_thread_finds_out_the_others_go_elsewhere(void **state)
{
    hosts_t *h = *state;

    kr_host_failed(&h->dbpool, h->host);
    end_rest(h->host);
    assert_true(kr_host_may_try(&h->dbpool, h->host));
    assert_true(kr_host_is_asked_last(&h->dbpool, h->host));
    kr_host_was_tried(&h->dbpool, h->host, kr_clock_ticks(), 1);
    assert_false(kr_host_is_asked_last(&h->dbpool, h->host));
}

static void where_somebody_always_connects_nothing_hangs_as_long_as_they_succeed(void **state)
{
    hosts_t *h = *state;

    assert_true(kr_host_may_try(&h->dbpool, h->host));
    assert_true(kr_host_may_try(&h->dbpool, h->host)); /* begins before the first one ends, and so on */
    h->host->since -= apr_time_from_sec(2);
    assert_false(kr_host_may_try(&h->dbpool, h->host));
    kr_host_was_tried(&h->dbpool, h->host, kr_clock_ticks(), 1);
    assert_true(kr_host_may_try(&h->dbpool, h->host));
}

/* max_connect_errors: a greeting that nobody answers counts until a good connection comes. */
static void a_greeting_that_was_only_heard_is_followed_by_a_good_connection(void **state)
{
    hosts_t *h = *state;

    h->host->owed = 1;
    assert_true(kr_host_is_left(&h->conn));
    assert_false(kr_host_is_left(&h->conn));
}

static void a_host_is_named_without_what_is_secret(void **state)
{
    hosts_t *h = *state;

    assert_string_equal(kr_host_label(h->pool, &h->dbpool, 1), "host 2 of 3 (db.example)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_host_that_fails_again_is_left_alone_for_longer_each_time, set_up, end),
        cmocka_unit_test_setup_teardown(of_many_connections_that_break_at_once_one_counts, set_up, end),
        cmocka_unit_test_setup_teardown(the_connections_to_a_host_that_failed_are_given_up, set_up, end),
        cmocka_unit_test_setup_teardown(the_only_host_is_used_whatever_it_says, set_up, end),
        cmocka_unit_test_setup_teardown(connections_go_back_to_a_host_before_theirs_one_at_a_time, set_up, end),
        cmocka_unit_test_setup_teardown(what_hung_is_gone_back_to_once_those_who_watch_heard_of_it, set_up, end),
        cmocka_unit_test_setup_teardown(while_one_thread_finds_out_the_others_go_elsewhere, set_up, end),
        cmocka_unit_test_setup_teardown(where_somebody_always_connects_nothing_hangs_as_long_as_they_succeed, set_up, end),
        cmocka_unit_test_setup_teardown(a_greeting_that_was_only_heard_is_followed_by_a_good_connection, set_up, end),
        cmocka_unit_test_setup_teardown(a_host_is_named_without_what_is_secret, set_up, end),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
