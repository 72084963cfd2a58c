/* SPDX-License-Identifier: Apache-2.0 */
/* A Require line as its two files share it: require_read.c compiles it, require.c judges by it. */
#ifndef KR_SESSION_REQUIRE_H
#define KR_SESSION_REQUIRE_H

#include "kr_pattern.h"
#include "kr_require.h"

/** A value to compare with: text, or an expression. */
typedef struct {
    const char *text;
    const kr_pattern_t *pattern; /* NULL: the text counts */
} kr_wanted_t;

struct kr_require_t {
    kr_require_kind_e kind;
    const char *path;                 /* of a trait or of metadata; email or phone; or NULL */
    const apr_array_header_t *wanted; /* of kr_wanted_t */
    kr_aal_e aal;                     /* the least that will do */
    apr_time_t max_age;               /* µs since somebody last proved who they are; 0: however long */
};

#endif
