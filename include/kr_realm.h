/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant as requests meet it: its settings, its keys, its place in the database. */
#ifndef KR_REALM_H
#define KR_REALM_H

#include "kr_cache.h"
#include "kr_crypto.h"
#include "kr_jwt.h"
#include "kr_schema.h"
#include "kr_settings.h"

typedef struct kr_dbpool_t kr_dbpool_t;
typedef struct kr_pages_t kr_pages_t;

/** A tenant: immutable settings, keys, and how to reach its database. */
struct kr_realm_t {
    const char *name;                /* realm_id of its rows: 1 to 32 of [a-z0-9_-] */
    const kr_settings_t *settings;
    const kr_keys_t *keys;
    const kr_signer_t *signer;
    const kr_signer_t *id_signer;    /* of ID tokens; NULL where no other site takes any */
    kr_dbpool_t *dbpool;
    const char *csrf_cookie_name;    /* csrf_token_<sha256 of base_url> */
    const char *base_path;           /* path of base_url without its last slash: "" or "/auth" */
    const char *sql_dir;             /* folder with mysql/ and sqlite/ migrations */
    int auto_migrate;
    struct kr_audit_stream_t *audit; /* where its events are written (kr_audit.h); NULL: nowhere */
    kr_changes_t *changes;           /* whose sessions have changed, for this server's processes; NULL in tools */
    kr_cache_t *cache;               /* of sessions; NULL: none are remembered */
    const kr_trust_t *trust;         /* in the feed of its database, without which the cache is not asked; NULL as `cache` */
    const kr_pages_t *pages;         /* what the built-in pages are made of (kr_ui.h); NULL in tools that show none */
};

/** The schema with that id (or the base64url of it), or NULL. `id` NULL: the default one. */
const kr_schema_t *kr_realm_schema(const kr_realm_t *realm, const char *id);

/**
 * What somebody typed, or is reached at, for the end of a log line: ` ("ana@example.org")` where the settings let personal data into
 * the log (log.leak_sensitive_values), else "". Never for passwords, codes and tokens.
 * @param value  or NULL: nothing
 */
const char *kr_log_personal(kr_ctx_t *k, const char *value);

/** A realm of finished settings: derives keys, names the cookies. dbpool, sql_dir and auto_migrate are set by the caller. */
kr_realm_t *kr_realm_make(apr_pool_t *pool, const char *name, const kr_settings_t *settings);

#endif
