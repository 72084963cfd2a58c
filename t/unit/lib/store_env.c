/* SPDX-License-Identifier: Apache-2.0 */
/* A database, empty or migrated, and what goes into it. */
#include "store_env.h"

kr_dbpool_t *pool_of(apr_pool_t *pool, const char *driver, const char *params, int max, const char **why)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));
    kr_dbconf_t conf = { .driver = driver,
                         .params = list,
                         .keep = max > 4 ? 4 : max,
                         .max = max,
                         .expire = apr_time_from_sec(60),
                         .wait = apr_time_from_msec(300) };
    char *rest = apr_pstrdup(pool, params), *last;

    for (char *host = apr_strtok(rest, "\n", &last); host; host = apr_strtok(NULL, "\n", &last)) {
        APR_ARRAY_PUSH(list, const char *) = host;
    }
    return kr_dbpool_make(pool, &conf, NULL, why);
}

kr_ctx_t *another(const kr_realm_t *realm)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    return kr_ctx_make(pool, realm, KR_LOG_ERR);
}

static const kr_query_t DROPS[] = {
    { .name = "drop", .sql = "DROP TABLE IF EXISTS session_exchanges, codes, outbox_parts, courier_messages, selfservice_errors, code_budgets, kept_posts, fedcm_grants, session_changes" },
    { .name = "drop", .sql = "DROP TABLE IF EXISTS flows, sessions, identity_identifiers, identity_keys, identity_addresses" },
    { .name = "drop", .sql = "DROP TABLE IF EXISTS identity_credentials, identities, schema_migrations, remarks" },
};

int open_empty(void **state)
{
    env_t *env = *state;
    const char *why = NULL;

    apr_pool_create(&env->pool, NULL);
    strcpy(env->folder, "/tmp/kr-test-store-XXXXXX");
    assert_non_null(mkdtemp(env->folder));
    if (!strcmp(env->driver, "sqlite3")) env->params = apr_psprintf(env->pool, "%s/kratos.db", env->folder);
    env->dbpool = pool_of(env->pool, env->driver, env->params, 8, &why);
    if (!env->dbpool) fail_msg("%s", why);
    assert_int_equal(kr_dbpool_open(env->dbpool, env->pool), APR_SUCCESS);
    env->realm = (kr_realm_t){ .name = "main", .dbpool = env->dbpool };
    env->other = (kr_realm_t){ .name = "other", .dbpool = env->dbpool };
    env->k = kr_ctx_make(env->pool, &env->realm, KR_LOG_ERR);
    if (strcmp(env->driver, "sqlite3") != 0) {
        for (int i = 0; i < KR_DIM(DROPS); i++) OK(kr_db_exec_(NULL, env->k, &DROPS[i], NULL, 0));
    }
    return 0;
}

int open_migrated(void **state)
{
    env_t *env;
    int pending;

    open_empty(state);
    env = *state;
    OK(kr_db_migrate(&pending, env->k, "sql", 1));
    assert_true(pending >= 1);
    env->k->statements = 0;
    return 0;
}

int close_all(void **state)
{
    env_t *env = *state;

    apr_pool_destroy(env->pool);
    return remove_folder(env->folder);
}

kr_flow_row_t a_flow(kr_ctx_t *k)
{
    return (kr_flow_row_t){ .id = kr_uuid(k),
                            .kind = "login",
                            .type = "browser",
                            .state = "choose_method",
                            .ui = "{\"nodes\":[]}",
                            .request_url = "http://x.example/self-service/login/browser",
                            .csrf_hash = "hash",
                            .requested_aal = "aal1",
                            .issued_at = k->now,
                            .expires_at = k->now + apr_time_from_sec(600),
                            .created_at = k->now,
                            .updated_at = k->now };
}

void say(kr_ctx_t *k, const char *sql)
{
    int rc;

    OK(kr_db_acquire(k));
    if (kr_db_say(&rc, k, sql) != KR_DB_OK) fail_msg("%s: %d", sql, rc);
}

apr_int64_t connection_of(kr_ctx_t *k)
{
    static const kr_query_t CONNECTION_ID = { .name = "connection", .sql = "SELECT CONNECTION_ID()" };
    kr_row_t *row;

    OK(kr_db_one_(&row, k, &CONNECTION_ID, NULL, 0));
    return kr_row_int(row, 0);
}

void kill_connection(kr_ctx_t *killer, apr_int64_t id)
{
    say(killer, apr_psprintf(killer->pool, "KILL CONNECTION %" APR_INT64_T_FMT, id));
}

const char *mysql_params(void)
{
    const char *params = getenv("KR_TEST_MYSQL");

    return params && strstr(params, "sock=") ? params : NULL;
}

kr_identity_rows_t *an_identity(kr_ctx_t *k, const char *email)
{
    kr_identity_rows_t *rows = apr_pcalloc(k->pool, sizeof(*rows));
    kr_credential_row_t password = { kr_uuid(k), "password", "{\"hashed_password\":\"x\"}", k->now, k->now, 0, 0 };
    kr_address_row_t address = {
        .via = "email", .value = email, .status = "pending", .created_at = k->now, .updated_at = k->now
    };

    rows->identity = (kr_identity_row_t){ .id = kr_uuid(k),
                                          .schema_id = "default",
                                          .state = "active",
                                          .available_aal = "aal1",
                                          .traits = apr_psprintf(k->pool, "{\"email\":\"%s\"}", email),
                                          .metadata_public = "{\"a\":1}",
                                          .metadata_admin = "{\"b\":2}",
                                          .state_changed_at = k->now,
                                          .created_at = k->now,
                                          .updated_at = k->now };
    rows->credentials = apr_array_make(k->pool, 1, sizeof(password));
    APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = password;
    rows->identifiers = apr_array_make(k->pool, 1, sizeof(kr_identifier_row_t));
    APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){ password.id, "password", email };
    rows->addresses = apr_array_make(k->pool, 2, sizeof(address));
    for (int i = 1; i >= 0; i--) { /* the last one first: the store puts them in order */
        address.id = kr_uuid(k);
        address.recovery = address.position = i;
        APR_ARRAY_PUSH(rows->addresses, kr_address_row_t) = address;
    }
    return rows;
}

kr_session_row_t a_session(kr_ctx_t *k, const char *identity_id, const char *token_hash)
{
    return (kr_session_row_t){ .id = kr_uuid(k),
                               .identity_id = identity_id,
                               .token_hash = token_hash,
                               .aal = "aal1",
                               .methods = "[]",
                               .active = 1,
                               .device_id = kr_uuid(k),
                               .ip_address = "127.0.0.1:4711",
                               .location = "",
                               .issued_at = k->now,
                               .authenticated_at = k->now,
                               .expires_at = k->now + apr_time_from_sec(3600),
                               .created_at = k->now,
                               .updated_at = k->now };
}

void stored_session(kr_ctx_t *k, const kr_session_row_t *s)
{
    int done;

    OK(kr_store_session_insert(&done, k, s, 1));
    assert_int_equal(done, 1);
}

const char *stored_identity(kr_ctx_t *k, const char *email)
{
    kr_identity_rows_t *rows = an_identity(k, email);

    OK(kr_store_identity_insert(k, rows));
    return rows->identity.id;
}

/* What cmocka_run_group_tests makes of an array. */
static int run(const char *name, const struct CMUnitTest *tests, int count)
{
    return _cmocka_run_group_tests(name, tests, (size_t)count, NULL, NULL);
}

int run_on_both(const struct CMUnitTest *on_sqlite, int sqlite, const char *params, const struct CMUnitTest *on_mysql, int mysql)
{
    int failed;

    apr_initialize();
    failed = run("on_sqlite", on_sqlite, sqlite);
    if (params) failed += run("on_mysql", on_mysql, mysql);
    return failed;
}
