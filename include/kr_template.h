/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of the owner's, in the part of Go's text/template that letters use (docs/mail.md has the list). Compiled at start,
 * where every mistake is found; rendered with limits, as what goes in comes from strangers.
 */
#ifndef KR_TEMPLATE_H
#define KR_TEMPLATE_H

#include "kr_ctx.h"

/** The largest source, and the largest text that one makes, in bytes. */
#define KR_TEMPLATE_MAX_BYTES ((apr_size_t)256 * 1024)

/** What a template makes. */
typedef enum {
    KR_TEMPLATE_TEXT, /* values stand as they are */
    KR_TEMPLATE_HTML  /* values are escaped by where they stand; where that cannot be safe they are refused at start */
} kr_template_kind_e;

/** One file of a template. */
typedef struct {
    const char *name;  /* for messages, and for {{ template "name" }} its last part */
    const char *text;
    apr_size_t len;
} kr_template_source_t;

/** A compiled template. Never changed: any number of threads may render it. */
typedef struct kr_template_t kr_template_t;

/**
 * Compile. The first source is what is rendered; the others are there for what they {{ define }}.
 * @return in the pool, which keeps nothing of the sources' own memory; NULL with *why: "file:line: what"
 */
kr_template_t *kr_template_make(apr_pool_t *pool, kr_template_kind_e kind, const kr_template_source_t *sources, int count,
                                const char **why);

/**
 * Render with `data`: an object whose members are known under their names in Go, too: "recovery_url" is .RecoveryURL.
 * A member that is missing is empty.
 * @return in the pool; NULL with *why ("file:line: what", without values) when a limit is hit (256 KiB of text, steps,
 *         depth, memory) or a function is given what it cannot use
 */
const char *kr_template_render(apr_pool_t *pool, const kr_template_t *tmpl, const json_t *data, const char **why);

#endif
