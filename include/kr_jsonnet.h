/* SPDX-License-Identifier: Apache-2.0 */
/* Jsonnet: the owner's small programs that make JSON for another service. Nothing is imported, nothing is fetched. */
#ifndef KR_JSONNET_H
#define KR_JSONNET_H

#include "kr_ctx.h"

/** The largest program, in bytes. */
#define KR_JSONNET_MAX_BYTES ((apr_size_t)256 * 1024)

/**
 * A program: made at start, never changed, used by any number of threads at once. Either of the form function(ctx) ...
 * (kr_jsonnet_make and kr_jsonnet_run) or one that takes what it needs by std.extVar (kr_jsonnet_make_ext and
 * kr_jsonnet_run_ext).
 *
 * Whatever a program does, it does in a process of its own, forked for the call: 2 seconds of CPU and 10 by
 * the wall, 64 MiB, 200 calls deep, 1 MiB of JSON; four at once in each process of the server, others waiting their turn
 * for up to 5 seconds. Beyond, it ends with a *why: "takes too long", "needs too much memory". What std.trace says is
 * seen by nobody.
 *
 * A call costs some 30 ms of CPU, as the library reads its own standard library each time, and the fork is less than one
 * more. So a call is a wait: give the connection back before (kr_db_release).
 */
typedef struct {
    const char *name;   /* for messages: its file */
    const char *text;
} kr_jsonnet_t;

/** *why of a call that never began, as too many programs ran: this very pointer. It says nothing of the program. */
extern const char kr_jsonnet_busy[];

/**
 * Parse a program: is it Jsonnet, and a function with the one parameter `ctx`? It is not called.
 * @param name  for messages; copied, as `text` is
 * @return NULL with *why in words with line and column, fit for a log
 */
kr_jsonnet_t *kr_jsonnet_make(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why);

/** kr_jsonnet_make or kr_jsonnet_make_ext. */
typedef kr_jsonnet_t *kr_jsonnet_make_fn(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why);

/**
 * Call a program with `ctx`. What it makes must be JSON by the limits of kr_json_parse.
 * @return pool-owned; NULL with *why, one line: of `error "word"` in the program it is the word
 */
json_t *kr_jsonnet_run(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *ctx, const char **why);

/**
 * Parse a program with external variables. It is not evaluated: whether it knows its variables is seen when it runs.
 * @return as kr_jsonnet_make
 */
kr_jsonnet_t *kr_jsonnet_make_ext(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why);

/**
 * Evaluate a program with external variables.
 * @param vars  an object; each member is what std.extVar gives for its name: a value, no text of one
 * @return as kr_jsonnet_run
 */
json_t *kr_jsonnet_run_ext(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *vars, const char **why);

#endif
