/* SPDX-License-Identifier: Apache-2.0 */
/* Jsonnet: the owner's small programs that make JSON for another service. Nothing is imported, nothing is fetched. */
#ifndef KR_JSONNET_H
#define KR_JSONNET_H

#include "kr_ctx.h"

/** The largest program, in bytes. */
#define KR_JSONNET_MAX_BYTES ((apr_size_t)256 * 1024)

/** A program of the form function(ctx) ...: made at start, never changed, used by any number of threads at once. */
typedef struct {
    const char *name;   /* for messages: its file */
    const char *text;
} kr_jsonnet_t;

/**
 * Parse a program: is it Jsonnet, and a function with the one parameter `ctx`? It is not called.
 * @param name  for messages; copied, as `text` is
 * @return NULL with *why in words with line and column, fit for a log
 */
kr_jsonnet_t *kr_jsonnet_make(apr_pool_t *pool, const char *name, const char *text, apr_size_t len, const char **why);

/**
 * Call a program with `ctx`. What it makes must be JSON by the limits of kr_json_parse and of 1 MiB at most. The depth of
 * its calls is bounded; the library bounds neither time nor memory: programs are their owner's, strangers choose values
 * only. A call costs some 30 ms of CPU, as the library reads its own standard library each time.
 * @return pool-owned; NULL with *why, one line: of `error "word"` in the program it is the word
 */
json_t *kr_jsonnet_run(apr_pool_t *pool, const kr_jsonnet_t *program, const json_t *ctx, const char **why);

#endif
