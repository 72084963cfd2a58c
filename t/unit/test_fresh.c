/* SPDX-License-Identifier: Apache-2.0 */
/* Which statements wait, on a cluster, for what other nodes have written. That they do wait is build/check galera's. */
#include <apr_general.h>

#include "../../src/store/store.h"
#include "kr_clock.h"
#include "kr_text.h"
#include "test.h"

static const kr_query_t FLOW = { .name = "flow", .sql = "SELECT 1" }, SESSION = { .name = "session", .sql = "SELECT 1", .lag = KR_LAG_UNLESS_MISSING },
                        LOOK = { .name = "look", .sql = "SELECT 1", .lag = KR_LAG_FINE };

static const struct {
    const char *what;
    kr_cluster_e cluster;
    int abreast, in_tx;
    const kr_query_t *query;
    const char *sql;
    int missed;
    int seconds; /* since the host was known to have it all */
    int waits;
} cases[] = {
    { "one server has it all", KR_ALONE, 0, 0, &FLOW, "SELECT 1", 0, 0, 0 },
    { "a flow may have been made elsewhere a moment ago", KR_GALERA, 0, 0, &FLOW, "SELECT 1", 0, 0, 1 },
    { "and what is changed, too", KR_GALERA, 0, 0, &FLOW, "UPDATE flows", 0, 0, 1 },
    { "what is only added rests on nothing", KR_GALERA, 0, 0, &FLOW, "INSERT INTO flows", 0, 0, 0 },
    { "once is enough", KR_GALERA, 1, 0, &FLOW, "SELECT 1", 0, 0, 0 },
    { "a transaction has waited when it began", KR_GALERA, 0, 1, &FLOW, "SELECT 1", 0, 0, 0 },
    { "a session is there, as a rule", KR_GALERA, 0, 0, &SESSION, "SELECT 1", 0, 0, 0 },
    { "once in a while it waits, or an end that came elsewhere would be missed", KR_GALERA, 0, 0, &SESSION, "SELECT 1", 0, 2, 1 },
    { "or else it is looked for again", KR_GALERA, 0, 0, &SESSION, "SELECT 1", 1, 0, 1 },
    { "what looks again by itself does not wait", KR_GALERA, 0, 0, &LOOK, "SELECT 1", 0, 0, 0 },
    { "likewise on Group Replication", KR_GROUP, 0, 0, &FLOW, "SELECT 1", 0, 0, 1 },
};

static void those_wait_that_may_be_about_what_another_node_just_wrote(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(cases); i++) {
        kr_dbhost_t host = { .abreast_at = (apr_uint64_t)(kr_clock_ticks() - apr_time_from_sec(cases[i].seconds)) };
        kr_dbconn_t conn = { .host = &host, .cluster = cases[i].cluster, .abreast = cases[i].abreast, .in_tx = cases[i].in_tx };
        print_message("%s\n", cases[i].what);
        assert_int_equal(kr_fresh_is_due(&conn, cases[i].query, cases[i].sql, cases[i].missed), cases[i].waits);
    }
}

static void on_galera_it_is_said_with_the_statement(void **state)
{
    kr_dbconn_t galera = { .cluster = KR_GALERA }, group = { .cluster = KR_GROUP };
    apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    assert_string_equal(kr_fresh_text(pool, &galera, "SELECT 1", 1), "SET STATEMENT wsrep_sync_wait=7 FOR SELECT 1");
    assert_string_equal(kr_fresh_text(pool, &galera, "SELECT 1", 0), "SELECT 1");
    assert_string_equal(kr_fresh_text(pool, &group, "SELECT 1", 1), "SELECT 1");
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_wait_that_may_be_about_what_another_node_just_wrote),
        cmocka_unit_test(on_galera_it_is_said_with_the_statement),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
