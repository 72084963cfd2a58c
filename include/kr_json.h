/* SPDX-License-Identifier: Apache-2.0 */
/* jansson with pools: whatever these return is released with the pool, unless it says that it is borrowed. */
#ifndef KR_JSON_H
#define KR_JSON_H

#include "kr_ctx.h"

/** Limits for JSON from outside. jansson itself stops at 2048 levels; we stop long before. */
#define KR_JSON_MAX_DEPTH 32

/**
 * Tie a json_t to a pool: it is decref'd when the pool goes.
 * @param json  a reference that is stolen; NULL stays NULL
 * @return the same value, now borrowed from the pool
 */
json_t *kr_json_own(apr_pool_t *pool, json_t *json);

/**
 * Parse text from outside: any JSON value, valid UTF-8, no NUL in strings, no duplicate keys, at most KR_JSON_MAX_DEPTH deep.
 * @param why  on failure, what is wrong, in words fit for the client; may be NULL
 * @return pool-owned, or NULL
 */
json_t *kr_json_parse(apr_pool_t *pool, const char *text, apr_size_t len, const char **why);

/**
 * An object in the pool, built with jansson's json_pack format. Never NULL: out of memory aborts, as in APR. Text from
 * outside must have passed kr_utf8_valid or go in as kr_json_string ("o"): what jansson refuses yields {} and a
 * line on stderr.
 */
json_t *kr_json_pack(apr_pool_t *pool, const char *fmt, ...);

/**
 * Serialise compactly, keys in insertion order, with <, > and & as \u003c \u003e \u0026 (as Go's encoder does), no newline.
 * @param len  length in bytes without the final NUL; may be NULL
 */
const char *kr_json_dump(apr_pool_t *pool, const json_t *json, apr_size_t *len);

/** A member's string, or NULL when absent or no string. Borrowed from `obj`. `key` may be a path "a.b" of object members. */
const char *kr_json_str(const json_t *obj, const char *key);

/** As kr_json_str for any value: borrowed, NULL when absent. */
json_t *kr_json_at(const json_t *obj, const char *path);

/**
 * Set `path` ("a.b.c") in nested objects, making those that miss (and replacing members that are no objects). Steals `value`.
 * A path of more than KR_JSON_MAX_DEPTH members is ignored.
 */
void kr_json_set_at(json_t *obj, const char *path, json_t *value);

/**
 * A sentence with each {key} replaced by that member of `context` as people write it: scalars, lists with commas; objects, and what is
 * not there, say nothing.
 */
const char *kr_json_fill(apr_pool_t *pool, const char *text, const json_t *context);

/** A time as JSON string: RFC 3339 UTC with Z, up to 6 fraction digits, trailing zeros trimmed. New reference. */
json_t *kr_json_time(apr_time_t t);

/** The string, or JSON null for NULL; bytes that are no UTF-8 become U+FFFD. Never fails. New reference. */
json_t *kr_json_string(const char *s);

/**
 * A flat object of text, numbers and truths as application/x-www-form-urlencoded; what is null is left out.
 * @return NULL: it is no object, or not flat
 */
const char *kr_json_form(apr_pool_t *pool, const json_t *object);

/** Is it valid UTF-8 without NUL? For text from forms, headers and queries before it may enter a json_t or the database. */
int kr_utf8_valid(const char *s, apr_size_t len);

#endif
