/* SPDX-License-Identifier: Apache-2.0 */
/* The layer over apr_dbd: transactions, connections that break, databases that are down, migrations. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_env.h"
#include "kr_store_message.h"

/* -- statements ----------------------------------------------------------- */

static const kr_query_t MANY = {
    .name = "many",
    .sql = "INSERT INTO selfservice_errors (id, realm_id, error, created_at) VALUES",
    .row = "(%s, %s, '100%%', %lld)",
};
static const kr_query_t COUNT_ERRORS = { .name = "count",
                                         .sql = "SELECT COUNT(*) FROM selfservice_errors WHERE error = %s" };

static void forty_rows_are_three_statements(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_arg_t args[40 * 3];
    kr_row_t *row;

    for (int i = 0; i < 40; i++) {
        args[3 * i] = KR_S(kr_uuid(k));
        args[3 * i + 1] = KR_S("main");
        args[3 * i + 2] = KR_I(i);
    }
    OK(kr_db_insert_many(k, &MANY, args, 3, 40));
    assert_int_equal(k->statements, 3);
    OK(kr_db_one(&row, k, &COUNT_ERRORS, KR_S("100%")));
    assert_int_equal(kr_row_int(row, 0), 40);
    OK(kr_db_insert_many(k, &MANY, args, 3, 0));
    assert_int_equal(k->statements, 4);
}

/* -- transactions --------------------------------------------------------- */

static kr_err_t *insert_and_fail(kr_ctx_t *k, void *baton)
{
    KR_TRY(kr_store_flow_insert(k, baton));
    return kr_err(k, 418, NULL, "no");
}

static kr_err_t *insert_flow(kr_ctx_t *k, void *baton)
{
    return kr_store_flow_insert(k, baton);
}

static void an_error_inside_a_transaction_rolls_back_and_comes_out(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k), *out;
    kr_err_t *err = kr_db_tx(k, insert_and_fail, &f);

    assert_int_equal(err->status, 418);
    assert_int_equal(k->statements, 3);
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_null(out);
    k->statements = 0;
    OK(kr_db_tx(k, insert_flow, &f));
    assert_int_equal(k->statements, 3); /* BEGIN, INSERT, COMMIT */
    kr_db_release(k);
    kr_db_release(k);
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_non_null(out);
}

static const kr_query_t NONSENSE = { .name = "nonsense", .sql = "UPDATE no_such_table SET a = %lld" };

static kr_err_t *shrug_off(kr_ctx_t *k, void *baton)
{
    KR_TRY(kr_store_flow_insert(k, baton));
    if (kr_db_exec(NULL, k, &NONSENSE, KR_I(1))) return NULL;
    return NULL;
}

static void a_failure_that_was_shrugged_off_is_not_committed(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k), *out;
    kr_err_t *err;

    k->log_level = 0;
    err = kr_db_tx(k, shrug_off, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 500);
    OK(kr_store_flow_load(&out, k, "login", f.id));
    assert_null(out);
}

static kr_err_t *jump_out(kr_ctx_t *k, void *baton)
{
    jmp_buf *back = ((void **)baton)[1];

    KR_TRY(kr_store_flow_insert(k, ((void **)baton)[0]));
    longjmp(*back, 1);
}

static void a_pool_that_dies_inside_a_transaction_rolls_back(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), *out;
    jmp_buf back;
    void *baton[2] = { &f, &back };
    kr_ctx_t *volatile k = another(&env->realm);

    if (setjmp(back) == 0) (void)!kr_db_tx(k, jump_out, baton);
    apr_pool_destroy(k->pool);
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_null(out);
    OK(kr_store_flow_insert(env->k, &f)); /* neither a lock nor a connection is stuck */
}

static const kr_query_t BUMP = { .name = "bump",
                                 .sql = "UPDATE flows SET submit_count = submit_count + 1 WHERE id = %s" };

typedef struct {
    const kr_realm_t *realm;
    const char *first, *second;
    int failed;
} bumper_t;

static kr_err_t *bump_both(kr_ctx_t *k, void *baton)
{
    const bumper_t *b = baton;

    KR_TRY(kr_db_exec(NULL, k, &BUMP, KR_S(b->first)));
    return kr_db_exec(NULL, k, &BUMP, KR_S(b->second));
}

static void bump_often(bumper_t *b, int times)
{
    kr_ctx_t *k = another(b->realm);

    for (int i = 0; i < times; i++) {
        if (kr_db_tx(k, bump_both, b)) b->failed++;
    }
    apr_pool_destroy(k->pool);
}

static void *APR_THREAD_FUNC bump_thread(apr_thread_t *thread, void *data)
{
    (void)thread;
    bump_often(data, 40);
    return NULL;
}

static void transactions_that_deadlock_are_tried_again_until_all_are_done(void **state)
{
    env_t *env = *state;
    kr_flow_row_t a = a_flow(env->k), b = a_flow(env->k), *out;
    bumper_t bumpers[4];
    apr_thread_t *threads[4];
    apr_status_t rv;
    int failed = 0;

    OK(kr_store_flow_insert(env->k, &a));
    OK(kr_store_flow_insert(env->k, &b));
    for (int i = 0; i < 4; i++) {
        bumpers[i] = (bumper_t){ &env->realm, i % 2 ? a.id : b.id, i % 2 ? b.id : a.id, 0 };
        apr_thread_create(&threads[i], NULL, bump_thread, &bumpers[i], env->pool);
    }
    for (int i = 0; i < 4; i++) {
        apr_thread_join(&rv, threads[i]);
        failed += bumpers[i].failed;
    }
    assert_int_equal(failed, 0);
    OK(kr_store_flow_load(&out, env->k, "login", a.id));
    assert_int_equal(out->submit_count, 160);
    OK(kr_store_flow_load(&out, env->k, "login", b.id));
    assert_int_equal(out->submit_count, 160);
}

/* A process of its own opens the pool for itself, as a child of httpd does. */
static kr_realm_t *realm_of_child(const env_t *env)
{
    kr_realm_t *realm;
    const char *why;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    realm = apr_pcalloc(pool, sizeof(*realm));
    realm->name = "main";
    realm->dbpool = pool_of(pool, env->driver, env->params, 8, &why);
    if (!realm->dbpool || kr_dbpool_open(realm->dbpool, pool) != APR_SUCCESS) _exit(9);
    return realm;
}

static int all_children_ended_well(int n)
{
    int well = 0, status;

    for (int i = 0; i < n; i++) {
        if (wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) well++;
    }
    return well == n;
}

static void processes_write_at_once_without_losing_anything(void **state)
{
    env_t *env = *state;
    kr_flow_row_t a = a_flow(env->k), b = a_flow(env->k), *out;

    OK(kr_store_flow_insert(env->k, &a));
    OK(kr_store_flow_insert(env->k, &b));
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            bumper_t bumper = { realm_of_child(env), a.id, b.id, 0 };
            bump_often(&bumper, 40);
            _exit(bumper.failed ? 1 : 0);
        }
    }
    assert_true(all_children_ended_well(3));
    OK(kr_store_flow_load(&out, env->k, "login", a.id));
    assert_int_equal(out->submit_count, 120);
}

/* -- connections ---------------------------------------------------------- */

static void when_all_connections_are_busy_the_answer_is_503_after_the_wait(void **state)
{
    env_t *env = *state;
    const char *why;
    kr_realm_t narrow = { .name = "main", .dbpool = pool_of(env->pool, env->driver, env->params, 1, &why) };
    kr_ctx_t *one = kr_ctx_make(env->pool, &narrow, 0), *two = kr_ctx_make(env->pool, &narrow, 0);
    apr_time_t began;
    kr_err_t *err;

    assert_int_equal(kr_dbpool_open(narrow.dbpool, env->pool), APR_SUCCESS);
    OK(kr_db_ping(one));
    began = apr_time_now();
    err = kr_db_ping(two);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_true(err->retry_after >= 1);
    assert_in_range(apr_time_now() - began, apr_time_from_msec(250), apr_time_from_sec(3));
    kr_db_release(one);
    OK(kr_db_ping(two));
    kr_db_release(two);
}

static void a_connection_of_its_own_can_change_the_schema_without_breaking_others(void **state)
{
    static const kr_query_t INDEX = { .name = "ddl", .sql = "CREATE INDEX extra ON flows (kind)" };
    env_t *env = *state;
    kr_ctx_t *k2 = kr_ctx_make(env->pool, &env->realm, KR_LOG_ERR);
    kr_flow_row_t f = a_flow(env->k), *out;

    OK(kr_store_flow_insert(env->k, &f));
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    OK(kr_db_exec_(NULL, k2, &INDEX, NULL, 0));
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_non_null(out);
    f.id = kr_uuid(env->k);
    kr_db_release(k2);
    OK(kr_db_tx(env->k, insert_flow, &f));
    OK(kr_store_flow_load(&out, k2, "login", f.id));
    assert_non_null(out);
    kr_db_release(k2);
}

static void a_wrong_number_or_kind_of_arguments_is_an_error_and_no_crash(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_err_t *err;
    kr_row_t *row;

    k->log_level = 0;
    err = kr_db_one(&row, k, &COUNT_ERRORS, KR_S("a"), KR_S("b"));
    assert_int_equal(err->status, 500);
    err = kr_db_one(&row, k, &COUNT_ERRORS, KR_I(1));
    assert_int_equal(err->status, 500);
    OK(kr_db_one(&row, k, &COUNT_ERRORS, KR_S("a")));
}

/* -- migrations ----------------------------------------------------------- */

static void looking_for_migrations_changes_nothing(void **state)
{
    kr_ctx_t *k = ((env_t *)*state)->k;
    kr_flow_row_t f = a_flow(k);
    int pending;

    OK(kr_db_migrate(&pending, k, "sql", 0));
    assert_true(pending >= 1);
    k->log_level = 0;
    assert_non_null(kr_store_flow_insert(k, &f));
    OK(kr_db_migrate(&pending, k, "sql", 1));
    assert_true(pending >= 1);
    OK(kr_db_migrate(&pending, k, "sql", 1));
    assert_int_equal(pending, 0);
    OK(kr_store_flow_insert(k, &f));
}

static void a_migration_that_stopped_half_way_goes_on(void **state)
{
    static const kr_query_t UNDO[] = {
        { .name = "forget", .sql = "DELETE FROM schema_migrations" },
        { .name = "drop", .sql = "DROP TABLE outbox_parts" },
        { .name = "drop", .sql = "DROP TABLE courier_messages" },
    };
    kr_ctx_t *k = ((env_t *)*state)->k;
    int pending;

    OK(kr_db_migrate(&pending, k, "sql", 1));
    for (int i = 0; i < KR_DIM(UNDO); i++) OK(kr_db_exec_(NULL, k, &UNDO[i], NULL, 0));
    OK(kr_db_migrate(&pending, k, "sql", 1));
    assert_true(pending >= 1);
    OK(kr_store_message_insert(k, kr_uuid(k), "email", "ana@x.example", "t", "sealed"));
}

static void ten_servers_may_migrate_at_once(void **state)
{
    env_t *env = *state;
    int pending;

    kr_db_release(env->k);
    for (int i = 0; i < 10; i++) {
        if (fork() == 0) {
            kr_ctx_t *k = another(realm_of_child(env));
            kr_flow_row_t f = a_flow(k);
            if (kr_db_migrate(&pending, k, "sql", 1)) _exit(1);
            _exit(kr_store_flow_insert(k, &f) ? 2 : 0);
        }
    }
    assert_true(all_children_ended_well(10));
    OK(kr_db_migrate(&pending, env->k, "sql", 0));
    assert_int_equal(pending, 0);
}

/* -- rolling upgrades ------------------------------------------------------ */

/* A folder with the migrations of a version to come: what there is, and these. The same text does for both databases. */
static const char *later_version(const env_t *env, const char *name, const char *text)
{
    const char *kind = env->dbpool->sqlite ? "sqlite" : "mysql";
    const char *folder = apr_pstrcat(env->pool, env->folder, "/", kind, NULL);
    FILE *file;

    if (access(folder, F_OK) != 0 && system(apr_psprintf(env->pool, "cp -r sql/%s %s/", kind, env->folder)) != 0) fail();
    file = fopen(apr_pstrcat(env->pool, folder, "/", name, NULL), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return env->folder;
}

#define EXPAND "ALTER TABLE flows ADD COLUMN remark VARCHAR(20) NOT NULL DEFAULT 'none';\nCREATE TABLE remarks (id INTEGER);\n"
#define CONTRACT "-- compatible since: 9001\nDROP TABLE remarks;\n"

static kr_err_t *migrate(const env_t *env, const char *folder, int apply)
{
    kr_ctx_t *k = another(&env->realm);
    int pending;
    kr_err_t *err;

    k->log_level = 0;
    err = kr_db_migrate(&pending, k, folder, apply);
    kr_db_release(k);
    return err;
}

static void what_a_newer_version_adds_does_not_disturb_the_one_before(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), g = a_flow(env->k), *out;

    OK(kr_store_flow_insert(env->k, &f)); /* prepared before the columns change */
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    kr_db_release(env->k);
    OK(migrate(env, later_version(env, "9001_expand.sql", EXPAND), 1));
    OK(migrate(env, "sql", 0));
    OK(kr_store_flow_insert(env->k, &g));
    OK(kr_store_flow_load(&out, env->k, "login", g.id));
    assert_non_null(out);
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_non_null(out);
}

static void what_a_newer_version_takes_away_stops_those_only_that_need_it(void **state)
{
    env_t *env = *state;
    const char *folder = later_version(env, "9001_expand.sql", EXPAND);
    kr_err_t *err;

    OK(migrate(env, folder, 1));
    later_version(env, "9002_contract.sql", CONTRACT);
    OK(migrate(env, folder, 1));
    err = migrate(env, "sql", 0);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    assert_true(kr_db_is_too_new(err));
    assert_non_null(migrate(env, "sql", 1)); /* nor does it try to mend that */
    remove(apr_pstrcat(env->pool, folder, env->dbpool->sqlite ? "/sqlite" : "/mysql", "/9002_contract.sql", NULL));
    OK(migrate(env, folder, 0)); /* the version that knows 9001 */
}

static void a_database_from_before_that_rule_is_read_and_gets_its_column(void **state)
{
    static const kr_query_t OLD[] = {
        { .name = "old", .sql = "CREATE TABLE schema_migrations (version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(128) NOT NULL, "
                                "applied_at BIGINT NOT NULL)" },
        { .name = "old", .sql = "INSERT INTO schema_migrations VALUES (9000, '9000_future.sql', 1)" },
    };
    static const kr_query_t ALL = { .name = "all", .sql = "SELECT COUNT(*) FROM schema_migrations WHERE compatible_since = 0" };
    env_t *env = *state;
    kr_row_t *row;

    for (int i = 0; i < KR_DIM(OLD); i++) OK(kr_db_exec_(NULL, env->k, &OLD[i], NULL, 0));
    kr_db_discard(env->k);
    OK(migrate(env, "sql", 1));
    OK(kr_db_one_(&row, env->k, &ALL, NULL, 0));
    assert_true(kr_row_int(row, 0) > 1);
}

/* -- SQLite only ---------------------------------------------------------- */

static void a_writer_that_never_ends_makes_others_wait_but_not_for_ever(void **state)
{
    env_t *env = *state;
    int fd = open(apr_pstrcat(env->pool, env->params, "-lock", NULL), O_RDWR);
    kr_flow_row_t f = a_flow(env->k), *out;
    kr_err_t *err;

    env->k->log_level = 0;
    assert_int_equal(flock(fd, LOCK_EX), 0); /* as another process would */
    err = kr_store_flow_insert(env->k, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    err = kr_db_tx(env->k, insert_flow, &f);
    assert_non_null(err);
    assert_int_equal(err->status, 503);
    OK(kr_store_flow_load(&out, env->k, "login", f.id)); /* reading goes on */
    close(fd);
    OK(kr_store_flow_insert(env->k, &f));
}

/* Would another process find the file locked? SQLite's readers lock 510 bytes from 0x40000002 on. */
static int is_locked(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510 };
        int fd = open(path, O_RDWR);

        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 ? lock.l_type != F_UNLCK : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/*
 * Without it, another process that closes the database takes itself for the last, and deletes the log under those who
 * still read it.
 */
static void a_process_keeps_its_lock_on_the_file_however_many_connections_it_opens(void **state)
{
    env_t *env = *state;
    kr_ctx_t *first = another(&env->realm), *second = another(&env->realm);
    int with_one, with_two;
    kr_row_t *row;

    OK(kr_db_one(&row, first, &COUNT_ERRORS, KR_S("")));
    with_one = is_locked(env->params);
    OK(kr_db_one(&row, second, &COUNT_ERRORS, KR_S("")));
    with_two = is_locked(env->params);
    apr_pool_destroy(first->pool);
    apr_pool_destroy(second->pool);
    assert_int_equal(with_one, 1);
    assert_int_equal(with_two, 1);
}

static void the_files_are_for_their_owner_only(void **state)
{
    env_t *env = *state;
    struct stat st;

    OK(kr_db_ping(env->k));
    assert_int_equal(stat(env->params, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(stat(apr_pstrcat(env->pool, env->params, "-wal", NULL), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
}

/* -- MySQL only ----------------------------------------------------------- */

static void killed_connections_are_replaced_without_the_caller_noticing(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k[5];
    apr_int64_t id[5];
    kr_flow_row_t f = a_flow(env->k), g = a_flow(env->k), *out;

    for (int i = 0; i < 5; i++) {
        k[i] = kr_ctx_make(env->pool, &env->realm, 0);
        id[i] = connection_of(k[i]);
    }
    for (int i = 1; i < 5; i++) kr_db_release(k[i]); /* these die while nobody uses them */
    for (int i = 1; i < 5; i++) kill_connection(k[0], id[i]);
    kr_db_release(env->k);
    env->k->log_level = 0;
    OK(kr_store_flow_insert(env->k, &f)); /* a write, as the first thing on such a connection */
    kr_db_release(env->k);
    OK(kr_db_tx(env->k, insert_flow, &g));
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_non_null(out);
    kr_db_release(k[0]);
}

typedef struct {
    kr_ctx_t *killer;
    kr_flow_row_t *flow;
    int runs;
} killed_t;

static kr_err_t *die_once(kr_ctx_t *k, void *baton)
{
    killed_t *b = baton;

    if (b->runs++ == 0) kill_connection(b->killer, connection_of(k));
    return kr_store_flow_insert(k, b->flow);
}

static void a_transaction_whose_connection_dies_runs_again(void **state)
{
    env_t *env = *state;
    kr_flow_row_t f = a_flow(env->k), *out;
    killed_t b = { kr_ctx_make(env->pool, &env->realm, 0), &f, 0 };

    env->k->log_level = 0;
    OK(kr_db_tx(env->k, die_once, &b));
    assert_int_equal(b.runs, 2);
    OK(kr_store_flow_load(&out, env->k, "login", f.id));
    assert_non_null(out);
    kr_db_release(b.killer);
}

/* The parameters of the group with another socket in place of its own. */
static const char *with_socket(const env_t *env, const char *sock)
{
    const char *rest = strchr(strstr(env->params, "sock="), ' ');

    return apr_psprintf(env->pool, "sock=%s%s", sock, rest ? rest : "");
}

static void a_database_that_is_down_gives_503_at_once_and_is_found_when_it_is_back(void **state)
{
    env_t *env = *state;
    const char *link = apr_psprintf(env->pool, "%s/sock", env->folder), *why;
    const char *real = apr_pstrdup(env->pool, strstr(env->params, "sock=") + 5);
    kr_realm_t realm = { .name = "main", .dbpool = pool_of(env->pool, env->driver, with_socket(env, link), 4, &why) };
    kr_ctx_t *k = kr_ctx_make(env->pool, &realm, 0);
    apr_time_t began = apr_time_now();
    kr_err_t *err;

    assert_int_equal(kr_dbpool_open(realm.dbpool, env->pool), APR_SUCCESS);
    for (int i = 0; i < 20; i++) {
        err = kr_db_ping(k);
        assert_non_null(err);
        assert_int_equal(err->status, 503);
        assert_true(err->retry_after >= 1);
    }
    assert_true(apr_time_now() - began < apr_time_from_sec(1));
    *(strchr(real, ' ') ? strchr(real, ' ') : (char *)real + strlen(real)) = '\0';
    assert_int_equal(symlink(real, link), 0);
    OK(kr_db_ping(k));
    kr_db_release(k);
}

static void the_next_host_is_used_when_the_first_is_down(void **state)
{
    env_t *env = *state;
    const char *why, *both = apr_pstrcat(env->pool, with_socket(env, "/nonexistent/sock"), "\n", env->params, NULL);
    kr_realm_t realm = { .name = "main", .dbpool = pool_of(env->pool, env->driver, both, 4, &why) };
    kr_ctx_t *k = kr_ctx_make(env->pool, &realm, 0);

    assert_int_equal(kr_dbpool_open(realm.dbpool, env->pool), APR_SUCCESS);
    OK(kr_db_ping(k));
    kr_db_release(k);
}

/* -- parameters ----------------------------------------------------------- */

static void parameters_that_cannot_work_are_refused_at_start(void **state)
{
    static const struct {
        const char *driver, *params;
        int max, ok;
    } cases[] = {
        { "mysql", "host=127.0.0.1 user=u pass=p dbname=d", 4, 1 },
        { "mysql", "host=127.0.0.1,user=u;reconnect=0|fldsz=65536", 4, 1 },
        { "mysql", "host=a\nhost=b", 4, 1 },
        { "mysql", "host=127.0.0.1 reconnect=1", 4, 0 },
        { "mysql", "host=127.0.0.1 fldsz=1048575", 4, 0 },
        { "mysql", "host=127.0.0.1 p=secret", 4, 0 }, /* the driver would take any prefix */
        { "mysql", "host=127.0.0.1 secret", 4, 0 },
        { "mysql", "host=127.0.0.1", 0, 0 },
        { "sqlite3", "/tmp/x.db", 4, 1 },
        { "sqlite3", ":memory:", 4, 0 },
        { "sqlite3", "/tmp/x.db\n/tmp/y.db", 4, 0 },
        { "pgsql", "host=127.0.0.1", 4, 0 },
    };
    apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    for (int i = 0; i < KR_DIM(cases); i++) {
        const char *why = NULL;
        kr_dbpool_t *dbpool = pool_of(pool, cases[i].driver, cases[i].params, cases[i].max, &why);
        if ((dbpool != NULL) != cases[i].ok) fail_msg("case %d: %s", i, why ? why : "taken");
        if (!cases[i].ok) assert_non_null(why);
        if (why) assert_null(strstr(why, "secret"));
    }
    apr_pool_destroy(pool);
}

#define BOTH(s)                                                                                                        \
    ON(s, forty_rows_are_three_statements), ON(s, an_error_inside_a_transaction_rolls_back_and_comes_out),             \
        ON(s, a_failure_that_was_shrugged_off_is_not_committed),                                                       \
        ON(s, a_pool_that_dies_inside_a_transaction_rolls_back),                                                       \
        ON(s, transactions_that_deadlock_are_tried_again_until_all_are_done),                                          \
        ON(s, processes_write_at_once_without_losing_anything),                                                        \
        ON(s, when_all_connections_are_busy_the_answer_is_503_after_the_wait),                                         \
        ON(s, a_connection_of_its_own_can_change_the_schema_without_breaking_others),                                  \
        ON(s, a_wrong_number_or_kind_of_arguments_is_an_error_and_no_crash),                                           \
        ON(s, what_a_newer_version_adds_does_not_disturb_the_one_before),                                              \
        ON(s, what_a_newer_version_takes_away_stops_those_only_that_need_it),                                          \
        EMPTY(s, a_database_from_before_that_rule_is_read_and_gets_its_column),                                        \
        EMPTY(s, looking_for_migrations_changes_nothing), EMPTY(s, a_migration_that_stopped_half_way_goes_on),         \
        EMPTY(s, ten_servers_may_migrate_at_once)

int main(void)
{
    env_t sqlite = { .driver = "sqlite3" }, mysql = { .driver = "mysql", .params = mysql_params() };
    const struct CMUnitTest on_sqlite[] = {
        cmocka_unit_test(parameters_that_cannot_work_are_refused_at_start),
        BOTH(&sqlite),
        ON(&sqlite, a_writer_that_never_ends_makes_others_wait_but_not_for_ever),
        ON(&sqlite, the_files_are_for_their_owner_only),
        ON(&sqlite, a_process_keeps_its_lock_on_the_file_however_many_connections_it_opens),
    };
    const struct CMUnitTest on_mysql[] = {
        BOTH(&mysql),
        ON(&mysql, killed_connections_are_replaced_without_the_caller_noticing),
        ON(&mysql, a_transaction_whose_connection_dies_runs_again),
        ON(&mysql, a_database_that_is_down_gives_503_at_once_and_is_found_when_it_is_back),
        ON(&mysql, the_next_host_is_used_when_the_first_is_down),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(on_sqlite, NULL, NULL);
    if (mysql.params) failed += cmocka_run_group_tests(on_mysql, NULL, NULL);
    return failed;
}
