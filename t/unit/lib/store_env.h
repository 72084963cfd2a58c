/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the store begin with: an empty or a migrated database, and things to put into it. Each program runs
 * on SQLite always, and on MySQL or MariaDB when KR_TEST_MYSQL holds its parameters ("sock=... user=root
 * dbname=kratos"; its tables are dropped). Run from the root of the repository.
 */
#ifndef KR_TEST_STORE_ENV_H
#define KR_TEST_STORE_ENV_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "../../../src/store/store.h"
#include "kr_realm.h"
#include "kr_store_flow.h"
#include "kr_store_identity.h"
#include "kr_store_session.h"
#include "kr_text.h"
#include "test.h"

typedef struct {
    const char *driver; /* of the group */
    const char *params;
    char folder[64];
    apr_pool_t *pool;
    kr_dbpool_t *dbpool;
    kr_realm_t realm, other;
    kr_ctx_t *k;
} env_t;

/* -- set-up --------------------------------------------------------------- */

/** A pool of `max` connections; `params` has a line for each host. @return NULL with *why */
kr_dbpool_t *pool_of(apr_pool_t *pool, const char *driver, const char *params, int max, const char **why);
/** Another context on another thread, or another process: its own pool of memory. */
kr_ctx_t *another(const kr_realm_t *realm);
/** Set-up of a test: *state, an env_t with its driver, gets a database without tables. */
int open_empty(void **state);
/** The same with all tables. */
int open_migrated(void **state);
/** And its end. */
int close_all(void **state);
/** A row of a login that somebody begins now. */
kr_flow_row_t a_flow(kr_ctx_t *k);
/** An account with a password and two addresses. */
kr_identity_rows_t *an_identity(kr_ctx_t *k, const char *email);
/** A session of that account that begins now. */
kr_session_row_t a_session(kr_ctx_t *k, const char *identity_id, const char *token_hash);
/** Keeps it. */
void stored_session(kr_ctx_t *k, const kr_session_row_t *s);
/** Keeps an_identity(). @return its id */
const char *stored_identity(kr_ctx_t *k, const char *email);

/* -- running ------------------------------------------------------------- */

#define ON(state, test)                                                                                                \
    {                                                                                                                  \
#test, test, open_migrated, close_all, state                                                                   \
    }
#define EMPTY(state, test)                                                                                             \
    {                                                                                                                  \
#test, test, open_empty, close_all, state                                                                      \
    }

/** What MySQL does not prepare (KILL, LOCK TABLES, SET GLOBAL), on a connection that stays with `k`. */
void say(kr_ctx_t *k, const char *sql);
/** The server's number of its connection. */
apr_int64_t connection_of(kr_ctx_t *k);
/** From another connection, as an operator does. */
void kill_connection(kr_ctx_t *killer, apr_int64_t id);
/** The server to test with, when there is one. */
const char *mysql_params(void);

/** The whole of such a program: first on SQLite, then on the server when there is one (`params` not NULL). @return how many failed */
int run_on_both(const struct CMUnitTest *on_sqlite, int sqlite, const char *params, const struct CMUnitTest *on_mysql, int mysql);

#endif
