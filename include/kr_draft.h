/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration: one tree of settings with Kratos' own keys -> one validated struct, or what is wrong with it. */
#ifndef KR_DRAFT_H
#define KR_DRAFT_H

#include <apr_tables.h>

typedef struct kr_settings_t kr_settings_t;

/** A problem found in a configuration, or something to tell its owner. */
typedef struct {
    int fatal;                       /* 0: a warning */
    const char *text;                /* "kratos.yml: session.lifspan: unknown key; did you mean session.lifespan?" */
} kr_finding_t;

/** A configuration while it is read: a tree, and where each part came from. */
typedef struct kr_draft_t kr_draft_t;

/** An empty draft. All it makes lives in `pool`. */
kr_draft_t *kr_draft_make(apr_pool_t *pool);
/**
 * Merge a YAML or JSON file into the draft (libyaml; aliases and merges as far as they do not make a file grow far beyond its text, no tags,
 * at most 1 MiB, 64 levels). Members of objects merge, all else replaces.
 * @return NULL, or what is wrong with file and line
 */
const char *kr_draft_load(kr_draft_t *draft, const char *file);
/**
 * Set one key from its text (KratosSet): by the key's type; lists and objects are written as YAML flow or JSON.
 * @param where  "file:line" of the directive, for messages
 * @return NULL, or what is wrong
 */
const char *kr_draft_set(kr_draft_t *draft, const char *key, const char *value, const char *where);
/**
 * Check the whole draft and make settings of it: unknown keys (with the nearest known one), types, ranges, secrets, schemas,
 * URLs, hooks. Relative file:// URLs are relative to the file that named them.
 * @param allow_unbuilt  1: what is not built yet is a warning instead of an error
 * @param findings       out: array of kr_finding_t, errors first
 * @return NULL when a finding is fatal
 */
kr_settings_t *kr_draft_finish(kr_draft_t *draft, int allow_unbuilt, apr_array_header_t **findings);

/** docs/settings.md, made from the table of keys. */
const char *kr_settings_reference(apr_pool_t *pool);

#endif
