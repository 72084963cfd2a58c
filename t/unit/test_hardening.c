/* SPDX-License-Identifier: Apache-2.0 */
/* What the store promises when others behave badly: silent databases, greedy processes, connections that break. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <apr_network_io.h>

#include "kr_memory.h"
#include "store_env.h"

/* -- a database that takes connections and says nothing --------------------- */

/* Nobody accepts: the kernel takes the connection, and that is all. */
static apr_port_t silent_port(apr_pool_t *pool)
{
    apr_sockaddr_t *addr;
    apr_socket_t *sock;

    assert_int_equal(apr_sockaddr_info_get(&addr, "127.0.0.1", APR_INET, 0, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_socket_create(&sock, APR_INET, SOCK_STREAM, APR_PROTO_TCP, pool), APR_SUCCESS);
    assert_int_equal(apr_socket_bind(sock, addr), APR_SUCCESS);
    assert_int_equal(apr_socket_listen(sock, 20), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&addr, APR_LOCAL, sock), APR_SUCCESS);
    return addr->port;
}

static const char *silent_params(apr_pool_t *pool)
{
    return apr_psprintf(pool, "host=127.0.0.1 port=%d user=nobody dbname=nothing", silent_port(pool));
}

static kr_ctx_t *open_database(kr_realm_t *realm, apr_pool_t *pool, const char *params)
{
    const char *why = NULL;

    *realm = (kr_realm_t){ .name = "main", .dbpool = pool_of(pool, "mysql", params, 4, &why) };
    if (!realm->dbpool) fail_msg("%s", why);
    assert_int_equal(kr_dbpool_open(realm->dbpool, pool), APR_SUCCESS);
    return kr_ctx_make(pool, realm, 0);
}

static void a_database_that_says_nothing_is_given_up_after_two_seconds(void **state)
{
    kr_realm_t realm;
    apr_time_t began;
    apr_pool_t *pool;
    kr_err_t *err;
    kr_ctx_t *k;

    (void)state;
    apr_pool_create(&pool, NULL);
    k = open_database(&realm, pool, silent_params(pool));
    began = apr_time_now();
    err = kr_db_ping(k);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_in_range(apr_time_now() - began, apr_time_from_sec(1), apr_time_from_sec(4));
    began = apr_time_now();
    err = kr_db_ping(k); /* and nobody waits for it again so soon */
    assert_int_equal(err->status, 503);
    assert_in_range(apr_time_now() - began, 0, apr_time_from_msec(500));
    apr_pool_destroy(pool);
}

static void the_next_host_is_used_when_the_first_says_nothing(void **state)
{
    kr_realm_t realm;
    apr_pool_t *pool;
    kr_ctx_t *k;

    (void)state;
    if (!mysql_params()) skip();
    apr_pool_create(&pool, NULL);
    k = open_database(&realm, pool, apr_pstrcat(pool, silent_params(pool), "\n", mysql_params(), NULL));
    OK(kr_db_ping(k));
    kr_db_release(k);
    apr_pool_destroy(pool);
}

/* -- taking turns ------------------------------------------------------------ */

#define PROCESSES 2
#define THREADS 8
#define WORK apr_time_from_sec(2)

typedef struct {
    apr_uint32_t takes;
    apr_time_t longest;
} share_t;

typedef struct {
    kr_filelock_t lock;
    apr_time_t until;
    share_t share[THREADS];
} crowd_t;

typedef struct {
    crowd_t *crowd;
    share_t *share;
} member_t;

/* As a busy writer: some 200 µs of work under the lock, and at once the next. */
static void *APR_THREAD_FUNC take_and_give(apr_thread_t *thread, void *data)
{
    member_t *m = data;

    (void)thread;
    while (apr_time_now() < m->crowd->until) {
        apr_time_t asked = apr_time_now(), got;

        if (kr_filelock_take(&m->crowd->lock, apr_time_from_sec(5)) != APR_SUCCESS) break;
        got = apr_time_now();
        if (got - asked > m->share->longest) m->share->longest = got - asked;
        m->share->takes++;
        while (apr_time_now() - got < 200) continue;
        kr_filelock_give(&m->crowd->lock);
    }
    return NULL;
}

static void run_process(const char *path, apr_time_t until, share_t *out)
{
    crowd_t *crowd = calloc(1, sizeof(*crowd));
    apr_thread_t *threads[THREADS];
    member_t members[THREADS];
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, NULL);
    crowd->until = until;
    if (kr_filelock_open(&crowd->lock, pool, path) != APR_SUCCESS) _exit(1);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (member_t){ crowd, &crowd->share[i] };
        apr_thread_create(&threads[i], NULL, take_and_give, &members[i], pool);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        out->takes += crowd->share[i].takes;
        if (crowd->share[i].longest > out->longest) out->longest = crowd->share[i].longest;
    }
    apr_pool_destroy(pool);
    free(crowd);
}

static void a_busy_process_does_not_keep_the_write_lock_from_another(void **state)
{
    char folder[] = "/tmp/kr-test-turns-XXXXXX";
    share_t *share = mmap(NULL, sizeof(*share) * PROCESSES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apr_time_t until = apr_time_now() + WORK;
    char *path, command[64];
    int status;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&path, "%s/lock", folder) > 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            run_process(path, until, &share[i]);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < PROCESSES; i++)
        print_message("process %d: %u takes, longest wait %d ms\n", i, share[i].takes,
                      (int)apr_time_as_msec(share[i].longest));
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(share[i].takes * 4 > share[1 - i].takes);
        assert_true(share[i].longest < WORK); /* nobody starves; how long a turn takes is the machine's business */
    }
    free(path);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    munmap(share, sizeof(*share) * PROCESSES);
}

/* -- a write is not done twice ------------------------------------------------ */

/* The id of a connection on which the insert has been prepared. */
static apr_int64_t prepared(kr_ctx_t *k)
{
    kr_flow_row_t f = a_flow(k);

    OK(kr_store_flow_insert(k, &f));
    return connection_of(k);
}

static void a_write_goes_on_over_a_connection_that_was_lost_while_unused(void **state)
{
    env_t *env = *state;
    kr_ctx_t *killer = kr_ctx_make(env->pool, &env->realm, 0);
    kr_flow_row_t f = a_flow(env->k), *out;

    env->k->log_level = 0;
    kill_connection(killer, prepared(env->k));
    kr_db_release(killer);
    kr_db_release(env->k);
    apr_sleep(apr_time_from_msec(1200)); /* unused for a second, on a clock that nobody moves (db.c) */
    OK(kr_store_flow_insert(env->k, &f));
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_non_null(out);
}

typedef struct {
    kr_ctx_t *k;
    apr_int64_t victim;
} killer_t;

/*
 * Lets the statement hang for a while, cuts its connection, and opens the way once the server has done that. Neither can be
 * asked for without getting into the way of the statement.
 */
static void *APR_THREAD_FUNC kill_and_unlock(apr_thread_t *thread, void *data)
{
    killer_t *killer = data;

    (void)thread;
    apr_sleep(apr_time_from_msec(400));
    kill_connection(killer->k, killer->victim);
    apr_sleep(apr_time_from_msec(100));
    say(killer->k, "UNLOCK TABLES");
    return NULL;
}

static void a_write_whose_connection_breaks_under_it_is_not_sent_again(void **state)
{
    env_t *env = *state;
    killer_t killer = { another(&env->realm), 0 };
    kr_flow_row_t f = a_flow(env->k), *out;
    apr_thread_t *thread;
    apr_status_t rv;
    kr_err_t *err;

    env->k->log_level = 0;
    killer.victim = prepared(env->k);
    say(killer.k, "LOCK TABLES flows WRITE");
    assert_int_equal(apr_thread_create(&thread, NULL, kill_and_unlock, &killer, env->pool), APR_SUCCESS);
    err = kr_store_flow_insert(env->k, &f);
    apr_thread_join(&rv, thread);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_null(out);
    kr_db_release(killer.k);
    apr_pool_destroy(killer.k->pool);
}

/* -- memory ------------------------------------------------------------------- */

static void a_pool_that_stands_apart_has_an_allocator_of_its_own_with_a_mutex(void **state)
{
    apr_pool_t *pool, *child;

    (void)state;
    assert_int_equal(kr_pool_apart(&pool, 0), APR_SUCCESS);
    apr_pool_create(&child, pool);
    assert_non_null(apr_allocator_mutex_get(apr_pool_allocator_get(pool)));
    assert_ptr_equal(apr_pool_allocator_get(child), apr_pool_allocator_get(pool));
    assert_ptr_equal(apr_allocator_owner_get(apr_pool_allocator_get(pool)), pool);
    assert_non_null(apr_palloc(child, 100000));
    apr_pool_destroy(pool);
}

static void connections_are_closed_with_the_childs_pool_unless_somebody_hangs_in_one(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;
    apr_pool_t *pchild;

    apr_pool_create(&pchild, NULL);
    assert_int_equal(kr_dbpool_open(env->dbpool, pchild), APR_SUCCESS);
    k = another(&env->realm);
    OK(kr_db_ping(k));
    kr_dbpool_abandon(env->dbpool);
    apr_pool_destroy(pchild);
    OK(kr_db_ping(k)); /* what hangs in a statement still finds all that it needs */
    kr_db_release(k);

    apr_pool_create(&pchild, NULL);
    assert_int_equal(kr_dbpool_open(env->dbpool, pchild), APR_SUCCESS);
    OK(kr_db_ping(k));
    kr_db_release(k);
    apr_pool_destroy(pchild);
    k->log_level = 0;
    assert_int_equal(kr_db_ping(k)->status, 500);
    apr_pool_destroy(k->pool);
}

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_database_that_says_nothing_is_given_up_after_two_seconds),
        cmocka_unit_test(the_next_host_is_used_when_the_first_says_nothing),
        cmocka_unit_test(a_busy_process_does_not_keep_the_write_lock_from_another),
        cmocka_unit_test(a_pool_that_stands_apart_has_an_allocator_of_its_own_with_a_mutex),
        ON(&sqlite, connections_are_closed_with_the_childs_pool_unless_somebody_hangs_in_one),
    };
    const struct CMUnitTest on_mysql[] = {
        ON(&mysql, a_write_goes_on_over_a_connection_that_was_lost_while_unused),
        ON(&mysql, a_write_whose_connection_breaks_under_it_is_not_sent_again),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(always, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests(on_mysql, NULL, NULL);
    return failed;
}
