/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of flows, sessions and the API begin with: a realm out of an inline kratos.yml, an SQLite database in
 * a folder of its own, and clients that send requests to kr_api_handle and keep their cookies. Run from the root of the
 * repository.
 */
#ifndef KR_TEST_API_ENV_H
#define KR_TEST_API_ENV_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "kr_api.h"
#include "kr_draft.h"
#include "kr_realm.h"
#include "kr_db.h"
#include "kr_flow.h"
#include "kr_json.h"
#include "kr_session.h"
#include "kr_text.h"
#include "test.h"

#define BASE "https://id.example.org/auth"
#define ANA "ana@example.org"
#define APP "https://app.example.org/"
#define SESSION "ory_kratos_session"
#define GOOD "correct horse battery"
#define NIL "00000000-0000-4000-8000-000000000000"
#define SECOND apr_time_from_sec(1)

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

/** The schema of its identities. */
extern const char PERSON[];

typedef struct {
    char folder[64];
    apr_pool_t *pool;
    kr_settings_t *settings;
    kr_dbpool_t *dbpool;
    kr_realm_t *realm;
    apr_time_t now;          /* what the clock of all requests says */
} env_t;

/** Somebody who sends requests. */
typedef struct {
    env_t *env;
    const kr_realm_t *realm;
    apr_table_t *jar;        /* cookies; NULL: a native client, which has none */
    apr_table_t *headers;    /* sent with every request */
} client_t;

/** For count_of: how many there are of each. Mails to nobody (an address without an account) do not count. */
extern const kr_query_t IDENTITIES;
extern const kr_query_t MAILS;
extern const kr_query_t VERIFIED;

/* -- set-up --------------------------------------------------------------- */

/** A file in the folder of the test, written anew. @return its path */
const char *write_file(env_t *env, const char *name, const char *text);
/** A realm with settings of its own on the database of the test. */
kr_realm_t *realm_with(env_t *env, const char *name, const char *more);
/** A context for work in that realm, at the time of the test. */
kr_ctx_t *context(env_t *env, const kr_realm_t *realm);
/** The realm of the test anew, with `more` over the base file. */
void change(env_t *env, const char *more);
/** Set-up of a test: *state is an env_t, with a migrated database and a realm of the base file. */
int open_env(void **state);
/** And its end: the folder goes. */
int close_env(void **state);

#define TEST(test) { #test, test, open_env, close_env, NULL }

/* -- requests ------------------------------------------------------------- */

/** 1: a browser that people look at, 2: a script in a page, 0: an app. */
client_t *client(env_t *env, int browser);
/** A browser that people look at. */
client_t *person(env_t *env);
/** A script in a page. */
client_t *spa(env_t *env);
/** An app: no cookies. */
client_t *native(env_t *env);

/** What httpd would hand in for that; `url` is a path and its query. */
kr_request_t *request(client_t *c, const char *method, const char *url, const char *type, const char *body);
/** A context that carries a request, for what stands below the API. */
kr_ctx_t *carrying(client_t *c, const char *method, const char *url, const char *type, const char *body);
/** Into the jar, or out of it. An app that gets a session cookie fails the test. */
void keep_cookies(client_t *c, const kr_ctx_t *k);
/** Send a request to the API. Cookies are kept as a browser would; the reply's own list stays as it was. */
kr_ctx_t *ask(client_t *c, const char *method, const char *url, const char *type, const char *body);
/** A GET. */
kr_ctx_t *get(client_t *c, const char *url);

/* -- replies -------------------------------------------------------------- */

/** The body as JSON; the test fails when it is none. */
json_t *said(const kr_ctx_t *k);
/** A member of the reply by its path, "" when it is not there or no string. */
const char *word(const kr_ctx_t *k, const char *path);
/** A header of the reply, "" when it is not there. */
const char *header(const kr_ctx_t *k, const char *name);
/** The cookie of that name that the reply sets, or NULL. */
const kr_cookie_t *cookie_set(const kr_ctx_t *k, const char *name);
/** See assert_status. */
void must_status(const kr_ctx_t *k, int status, int line);

#define assert_status(k, status) must_status((k), (status), __LINE__)

/** The node of a flow whose attributes have that name, or NULL. */
json_t *node_of(const json_t *flow, const char *name);
/** Id of the first message of the flow (name NULL) or of a node; 0 when there is none. */
int message_at(const json_t *flow, const char *name);
/** Its value, "" when there is none. */
const char *value_of(const json_t *flow, const char *name);

/* -- bodies --------------------------------------------------------------- */

/** The body of a sign-in. */
json_t *by_password(const char *email, const char *password);
/** The body of a sign-up by password. */
json_t *new_account(const char *email, const char *password);
/** A code that is not the right one. */
const char *wrong(env_t *env, const char *code);

/* -- stories -------------------------------------------------------------- */

/** Begin a flow. @return it, with the URL for its submits in *to */
json_t *begin_flow(client_t *c, const char *kind, const char *query, const char **to);
/** Submit JSON to a flow; for browsers with the flow's token. */
kr_ctx_t *submit(client_t *c, const char *to, const json_t *flow, json_t *body);
/** A flow of registration from its beginning to its submit. */
kr_ctx_t *register_as(client_t *c, const char *email, const char *password);
/** A flow of login from its beginning to its submit; `query` begins with a question mark, or is "". */
kr_ctx_t *login_as(client_t *c, const char *email, const char *password, const char *query);
/** A native client that is signed in: its token goes with every request. */
client_t *signed_in_app(env_t *env, const char *email);
/** A script in a browser that is signed in by cookie. */
client_t *signed_in_spa(env_t *env, const char *email);
/** One number out of the database. */
int count_of(env_t *env, const kr_query_t *q);
/** Change something that the API has no call for. */
void change_rows(env_t *env, const kr_query_t *q);

#endif
