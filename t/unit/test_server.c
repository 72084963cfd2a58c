/* SPDX-License-Identifier: Apache-2.0 */
/* What the store makes of a database server's own settings, of other people's locks on its tables, and of its errors. */
#include <sys/stat.h>

#include "store_env.h"

/* -- error numbers ---------------------------------------------------------- */

static const struct {
    int rc;
    kr_db_class_e class;
    int undone_at_once, undone_after_silence;
    int leaves; /* the host, and not only the connection */
} numbers[] = {
    { 1062, KR_DB_TAKEN, 0, 0, 0 },
    { 1020, KR_DB_AGAIN, 0, 0, 0 }, /* the row changed since it was read */
    { 1047, KR_DB_GONE, 1, 1, 1 },  /* Galera: no quorum */
    { 1053, KR_DB_GONE, 0, 0, 1 },  /* shuts down */
    { 1180, KR_DB_GONE, 0, 0, 1 },  /* Galera: quorum lost during COMMIT */
    { 1205, KR_DB_AGAIN, 0, 0, 0 }, /* lock wait */
    { 1213, KR_DB_AGAIN, 0, 0, 0 }, /* deadlock, Galera's lost certification */
    { 1290, KR_DB_GONE, 1, 1, 1 },  /* read-only */
    { 1792, KR_DB_GONE, 1, 1, 1 },
    { 1836, KR_DB_GONE, 1, 1, 1 },
    { 1927, KR_DB_GONE, 0, 0, 0 },  /* killed */
    { 2006, KR_DB_GONE, 1, 1, 0 },
    { 2013, KR_DB_GONE, 0, 1, 0 },  /* broken while the answer was awaited */
    { 2026, KR_DB_GONE, 0, 1, 0 },  /* the same under TLS */
    { 3092, KR_DB_GONE, 0, 0, 1 },  /* Group Replication: no member */
    { 3100, KR_DB_GONE, 0, 0, 1 },  /* Group Replication: COMMIT could not be sent to the group */
    { 3101, KR_DB_AGAIN, 0, 0, 0 }, /* Group Replication: another was first */
    { 4031, KR_DB_GONE, 1, 1, 0 },
    { 1064, KR_DB_BROKEN, 0, 0, 0 },
};

static void an_error_number_means_the_same_whoever_reports_it(void **state)
{
    kr_dbpool_t dbpool = { 0 };
    kr_dbconn_t conn = { .owner = &dbpool };

    (void)state;
    for (int i = 0; i < KR_DIM(numbers); i++) {
        print_message("%d\n", numbers[i].rc);
        assert_int_equal(kr_db_classify(&conn, numbers[i].rc), numbers[i].class);
        assert_int_equal(kr_db_was_undone(&conn, numbers[i].rc, 0, 0), numbers[i].undone_at_once);
        assert_int_equal(kr_db_was_undone(&conn, numbers[i].rc, apr_time_from_sec(2), 0), numbers[i].undone_after_silence);
        assert_int_equal(kr_db_leaves_host(&conn, numbers[i].rc), numbers[i].leaves);
    }
}

/* A host that was frozen for so long that the connection was cut may wake up, and do what it finds in its socket. */
static void what_was_cut_after_a_wait_may_have_been_done(void **state)
{
    kr_dbpool_t dbpool = { 0 };
    kr_dbconn_t conn = { .owner = &dbpool };

    (void)state;
    assert_int_equal(kr_db_was_undone(&conn, 2013, apr_time_from_sec(60), apr_time_from_sec(3)), 0);
    assert_int_equal(kr_db_was_undone(&conn, 2026, apr_time_from_sec(60), apr_time_from_sec(3)), 0);
}

/* -- all hosts are down ------------------------------------------------------- */

static void when_no_host_answers_the_log_names_each_with_its_reason(void **state)
{
    kr_realm_t realm = { .name = "main" };
    char said[2048] = "";
    const char *why;
    apr_pool_t *pool;
    kr_ctx_t *k;
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    (void)state;
    apr_pool_create(&pool, NULL);
    realm.dbpool = pool_of(pool, "mysql",
                           "sock=/nonexistent/one user=u pass=s3cret\nhost=127.0.0.1 port=1 user=u pass=s3cret\n"
                           "sock=/nonexistent/three user=u", 4, &why);
    assert_int_equal(kr_dbpool_open(realm.dbpool, pool), APR_SUCCESS);
    k = kr_ctx_make(pool, &realm, KR_LOG_ERR);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    assert_int_equal(kr_db_ping(k)->status, 503);
    assert_int_equal(kr_db_ping(k)->status, 503); /* said once a second */
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(said, "host 1 of 3 (/nonexistent/one): "));
    assert_non_null(strstr(said, "host 2 of 3 (127.0.0.1): "));
    assert_non_null(strstr(said, "host 3 of 3 (/nonexistent/three): "));
    assert_null(strstr(said, "s3cret"));
    assert_ptr_equal(strchr(said, '\n'), strrchr(said, '\n'));
    apr_pool_destroy(pool);
}

/* -- tables that somebody has locked ------------------------------------------ */

static kr_err_t *insert_flow(kr_ctx_t *k, void *baton)
{
    return kr_store_flow_insert(k, baton);
}

/* Several tries of three seconds each. */
static void assert_given_up(const kr_err_t *err, apr_time_t began)
{
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_true(err->retry_after >= 1);
    assert_in_range(apr_time_now() - began, apr_time_from_sec(2), apr_time_from_sec(20));
}

/* The lock goes: so it does for us. */
static void assert_opens_again(env_t *env, kr_ctx_t *other, kr_flow_row_t *f)
{
    kr_flow_row_t *out;

    say(other, "UNLOCK TABLES");
    OK(kr_db_tx(env->k, insert_flow, f));
    OK(kr_store_flow_load(&out, env->k, "login", f->id));
    assert_non_null(out);
    apr_pool_destroy(other->pool);
}

static void nobody_waits_without_end_for_a_table_that_is_being_changed(void **state)
{
    env_t *env = *state;
    kr_ctx_t *other = another(&env->realm);
    kr_flow_row_t f = a_flow(env->k), *out;
    apr_time_t began = apr_time_now();

    env->k->log_level = 0;
    say(other, "LOCK TABLES flows WRITE");
    assert_given_up(kr_store_flow_insert(env->k, &f), began);
    began = apr_time_now();
    assert_given_up(kr_store_flow_load(&out, env->k, "login", f.id), began);
    assert_opens_again(env, other, &f);
}

static void nobody_waits_without_end_for_a_backup(void **state)
{
    env_t *env = *state;
    kr_ctx_t *other = another(&env->realm);
    kr_flow_row_t f = a_flow(env->k), *out;
    apr_time_t began = apr_time_now();

    env->k->log_level = 0;
    say(other, "FLUSH TABLES WITH READ LOCK");
    assert_given_up(kr_db_tx(env->k, insert_flow, &f), began);
    OK(kr_store_flow_load(&out, env->k, "login", f.id)); /* reading goes on */
    assert_opens_again(env, other, &f);
}

static void *APR_THREAD_FUNC unlock_later(apr_thread_t *thread, void *data)
{
    (void)thread;
    apr_sleep(apr_time_from_sec(4)); /* longer than a request would wait for it */
    say(data, "UNLOCK TABLES");
    return NULL;
}

/* A folder with one migration, which needs a table for itself. */
static void write_migration(const env_t *env)
{
    const char *folder = apr_pstrcat(env->pool, env->folder, "/mysql", NULL);
    FILE *file;

    assert_int_equal(mkdir(folder, 0700), 0);
    file = fopen(apr_pstrcat(env->pool, folder, "/9001_remark.sql", NULL), "w");
    assert_non_null(file);
    fputs("ALTER TABLE flows COMMENT = 'a remark';\n", file);
    fclose(file);
}

static void migrations_wait_for_a_table_as_long_as_it_takes(void **state)
{
    env_t *env = *state;
    kr_ctx_t *other = another(&env->realm);
    apr_time_t began, took;
    apr_thread_t *thread;
    apr_status_t rv;
    int pending;

    write_migration(env);
    kr_db_release(env->k);
    say(other, "LOCK TABLES flows WRITE");
    began = apr_time_now();
    assert_int_equal(apr_thread_create(&thread, NULL, unlock_later, other, env->pool), APR_SUCCESS);
    OK(kr_db_migrate(&pending, env->k, env->folder, 1));
    took = apr_time_now() - began;
    apr_thread_join(&rv, thread);
    assert_int_equal(pending, 1);
    assert_true(took >= apr_time_from_sec(4));
    apr_pool_destroy(other->pool);
}

/* -- the server's own settings -------------------------------------------------- */

static void set_global(env_t *env, const char *setting)
{
    kr_ctx_t *k = another(&env->realm);

    say(k, apr_pstrcat(k->pool, "SET GLOBAL ", setting, NULL));
    kr_db_discard(k);
    apr_pool_destroy(k->pool);
}

static int restore(void **state)
{
    set_global(*state, "autocommit=1");
    set_global(*state, "read_only=0");
    return close_all(state);
}

#define RESTORED(state, test)                                                                                          \
    {                                                                                                                  \
#test, test, open_migrated, restore, state                                                                     \
    }

/* As a child of httpd that starts now. */
static kr_ctx_t *fresh(kr_realm_t *realm, const env_t *env, const char *params)
{
    const char *why = NULL;

    *realm = (kr_realm_t){ .name = "main", .dbpool = pool_of(env->pool, "mysql", params, 4, &why) };
    if (!realm->dbpool) fail_msg("%s", why);
    assert_int_equal(kr_dbpool_open(realm->dbpool, env->pool), APR_SUCCESS);
    return kr_ctx_make(env->pool, realm, 0);
}

static void what_is_written_stays_on_a_server_that_does_not_commit_by_itself(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), *out;
    kr_realm_t realm;
    kr_ctx_t *k;

    set_global(env, "autocommit=0");
    k = fresh(&realm, env, env->params);
    OK(kr_store_flow_insert(k, &f));
    OK(kr_store_flow_load(&out, env->k, "login", f.id)); /* over another connection */
    assert_non_null(out);
}

/* root may write to a server that is read-only. */
static const char *as_plain_user(env_t *env)
{
    const char *rest = strstr(env->params, "user=root");

    say(env->k, "CREATE USER IF NOT EXISTS plain@localhost IDENTIFIED BY 'plain'");
    say(env->k, "GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO plain@localhost");
    kr_db_release(env->k);
    if (!rest) fail_msg("KR_TEST_MYSQL should name root");
    return apr_pstrcat(env->pool, apr_pstrndup(env->pool, env->params, (size_t)(rest - env->params)),
                       "user=plain pass=plain", rest + strlen("user=root"), NULL);
}

static void a_server_that_takes_no_changes_is_called_that(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), *out;
    kr_realm_t realm;
    kr_err_t *err;
    kr_ctx_t *k = fresh(&realm, env, as_plain_user(env));

    OK(kr_store_flow_insert(k, &f));
    set_global(env, "read_only=1");
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_non_null(out);
    f.id = kr_uuid(k);
    err = kr_store_flow_insert(k, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_string_equal(err->reason, "the database takes no changes at the moment");
    OK(kr_store_flow_load(&out, k, "login", f.id)); /* reading goes on */
    assert_null(out);
    set_global(env, "read_only=0");
    OK(kr_store_flow_insert(k, &f));
}

/* As after a failover: the first host is a replica now. Here both are one server, which lets root write. */
static void changes_go_to_the_next_host_when_the_first_takes_none(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), g = a_flow(env->k), *out;
    kr_realm_t realm;
    kr_ctx_t *k = fresh(&realm, env, apr_pstrcat(env->pool, as_plain_user(env), "\n", env->params, NULL));

    OK(kr_db_ping(k)); /* connected to the first */
    kr_db_release(k);
    set_global(env, "read_only=1");
    OK(kr_store_flow_insert(k, &f));
    OK(kr_db_tx(k, insert_flow, &g));
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_non_null(out);
    kr_db_release(k);
}

int main(void)
{
    env_t mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest always[] = {
        cmocka_unit_test(an_error_number_means_the_same_whoever_reports_it),
        cmocka_unit_test(what_was_cut_after_a_wait_may_have_been_done),
        cmocka_unit_test(when_no_host_answers_the_log_names_each_with_its_reason),
    };
    const struct CMUnitTest on_mysql[] = {
        ON(&mysql, nobody_waits_without_end_for_a_table_that_is_being_changed),
        ON(&mysql, nobody_waits_without_end_for_a_backup),
        ON(&mysql, migrations_wait_for_a_table_as_long_as_it_takes),
        RESTORED(&mysql, what_is_written_stays_on_a_server_that_does_not_commit_by_itself),
        RESTORED(&mysql, a_server_that_takes_no_changes_is_called_that),
        RESTORED(&mysql, changes_go_to_the_next_host_when_the_first_takes_none),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(always, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests(on_mysql, NULL, NULL);
    return failed;
}
