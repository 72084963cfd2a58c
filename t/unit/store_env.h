/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the store begin with: an empty or a migrated database, and things to put into it. Each program runs
 * on SQLite always, and on MySQL or MariaDB when KR_TEST_MYSQL holds its parameters ("sock=... user=root
 * dbname=kratos"; its tables are dropped). Run from the root of the repository.
 */
#ifndef KR_TEST_STORE_ENV_H
#define KR_TEST_STORE_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "../../src/store/room.h"
#include "kr_realm.h"
#include "kr_store_flow.h"
#include "kr_text.h"

#define OK(call) must((call), __LINE__)

typedef struct {
    const char *driver; /* of the group */
    const char *params;
    char folder[64];
    apr_pool_t *pool;
    kr_dbpool_t *dbpool;
    kr_realm_t realm, other;
    kr_ctx_t *k;
} env_t;

static inline void must(const kr_err_t *err, int line)
{
    if (err) fail_msg("line %d: %d %s", line, err->status, err->reason ? err->reason : "");
}

/* -- set-up --------------------------------------------------------------- */

static inline kr_dbpool_t *pool_of(apr_pool_t *pool, const char *driver, const char *params, int max, const char **why)
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

/* Another context on another thread, or another process: its own pool of memory. */
static inline kr_ctx_t *another(const kr_realm_t *realm)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    return kr_ctx_make(pool, realm, KR_LOG_ERR);
}

static const kr_query_t DROPS[] = {
    { .name = "drop", .sql = "DROP TABLE IF EXISTS session_exchanges, codes, courier_messages, selfservice_errors, code_budgets" },
    { .name = "drop", .sql = "DROP TABLE IF EXISTS flows, sessions, identity_identifiers, identity_addresses" },
    { .name = "drop", .sql = "DROP TABLE IF EXISTS identity_credentials, identities, schema_migrations" },
};

static inline int open_empty(void **state)
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

static inline int open_migrated(void **state)
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

static inline int close_all(void **state)
{
    env_t *env = *state;
    char command[128];

    apr_pool_destroy(env->pool);
    snprintf(command, sizeof(command), "rm -rf %s", env->folder);
    return system(command);
}

static inline kr_flow_row_t a_flow(kr_ctx_t *k)
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

/* -- running ------------------------------------------------------------- */

#define ON(state, test)                                                                                                \
    {                                                                                                                  \
#test, test, open_migrated, close_all, state                                                                   \
    }
#define EMPTY(state, test)                                                                                             \
    {                                                                                                                  \
#test, test, open_empty, close_all, state                                                                      \
    }

/* What MySQL does not prepare (KILL, LOCK TABLES, SET GLOBAL), on a connection that stays with `k`. */
static inline void say(kr_ctx_t *k, const char *sql)
{
    int rc;

    OK(kr_db_acquire(k));
    if (kr_db_say(&rc, k, sql) != KR_DB_OK) fail_msg("%s: %d", sql, rc);
}

static inline apr_int64_t connection_of(kr_ctx_t *k)
{
    static const kr_query_t CONNECTION_ID = { .name = "connection", .sql = "SELECT CONNECTION_ID()" };
    kr_row_t *row;

    OK(kr_db_one_(&row, k, &CONNECTION_ID, NULL, 0));
    return kr_row_int(row, 0);
}

/* From another connection, as an operator does. */
static inline void kill_connection(kr_ctx_t *killer, apr_int64_t id)
{
    say(killer, apr_psprintf(killer->pool, "KILL CONNECTION %" APR_INT64_T_FMT, id));
}

/* The server to test with, when there is one. */
static inline const char *mysql_params(void)
{
    const char *params = getenv("KR_TEST_MYSQL");

    return params && strstr(params, "sock=") ? params : NULL;
}

#endif
