/* SPDX-License-Identifier: Apache-2.0 */
/* An input as the library meets it: text with a NUL behind it, a pool, a realm, a request. */
#ifndef KR_FUZZ_INPUT_H
#define KR_FUZZ_INPUT_H

#include "fuzz.h"

#include <apr_tables.h>

#include "kr_http.h"
#include "kr_realm.h"

#define FUZZ_NOW apr_time_from_sec(1700000000)

/** An input while it is looked at. */
typedef struct {
    apr_pool_t *pool;
    char *text;      /* of its own, so that a sanitizer sees who reads behind it; a NUL follows */
    size_t len;      /* of all of it, NULs that are in it included */
    apr_table_t *headers; /* of the request; empty */
    kr_request_t req; /* GET / */
    kr_ctx_t k;      /* of fuzz_realm(), with that request and an empty reply */
} fuzz_input_t;

/** Begin. It is `in`'s own until fuzz_end. */
void fuzz_begin(fuzz_input_t *in, const uint8_t *data, size_t size);
/** Free all of it. @return 0, as a target has to */
int fuzz_end(fuzz_input_t *in);

/** The text up to the next line's end, which is taken off it; `*rest` is what follows, "" behind the last one. */
char *fuzz_line(char **rest);

/**
 * What is made from here to fuzz_kept_ends() stays for good: leak checkers cannot see what pools hold on to.
 * @return a pool for it
 */
apr_pool_t *fuzz_kept_begins(void);
void fuzz_kept_ends(void);

/** A realm with two secrets and a few settings, made once, as deriving keys takes longer than all the rest. */
const kr_realm_t *fuzz_realm(void);

#endif
