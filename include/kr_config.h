/* SPDX-License-Identifier: Apache-2.0 */
/* One tree of settings with Kratos' own keys -> one immutable, validated struct per realm. */
#ifndef KR_CONFIG_H
#define KR_CONFIG_H

#include <apr_tables.h>

#include "kr_crypto.h"
#include "kr_flow_kinds.h"
#include "kr_jwt.h"
#include "kr_jsonnet.h"
#include "kr_net.h"
#include "kr_password.h"
#include "kr_schema.h"
#include "kr_template.h"

typedef struct kr_dbpool_t kr_dbpool_t;
typedef struct kr_pages_t kr_pages_t;

/** One entry of a hooks list. */
typedef struct {
    const char *name;     /* "session", "show_verification_ui", ... checked against the flow it stands in */
    const json_t *config; /* web_hook's, or NULL */
} kr_hook_conf_t;

/** What happens after a flow: globally, or for one method. */
typedef struct {
    const char *url;                 /* default_browser_return_url, or NULL */
    const apr_array_header_t *hooks; /* of kr_hook_conf_t; NULL when the key is absent */
} kr_after_t;

/** selfservice.flows.<kind> */
typedef struct {
    int enabled;                     /* login, settings: always 1 */
    const char *ui_url;
    apr_time_t lifespan;             /* µs */
    const apr_array_header_t *before; /* hooks, or NULL */
    kr_after_t after;                /* the flow-wide ones */
    kr_after_t after_method[KR_METHOD_IDS];
} kr_flow_conf_t;

/** Attributes of a cookie after session.cookie.* and cookies.* were put together. */
typedef struct {
    const char *name;                /* session cookie only */
    const char *domain;              /* or NULL */
    const char *path;
    const char *same_site;           /* "Lax", "Strict", "None" */
    int secure;
    int persistent;                  /* session cookie only */
} kr_cookie_conf_t;

/** An HTTP service that takes messages: a request_config. */
typedef struct {
    const char *url, *method;
    const apr_table_t *headers;      /* with the one that proves who calls; Content-Type is always there */
    const kr_jsonnet_t *body;        /* or NULL: what Kratos sends by default */
    apr_time_t timeout;              /* for all of its answer */
} kr_http_service_t;

/** A template of the owner's: one part of one kind of message. */
typedef struct {
    const char *type;                /* "recovery_code_valid" */
    const char *part;                /* "email.subject", "email.body.plaintext", "email.body.html", "sms.body.plaintext" */
    const kr_template_t *template;
} kr_override_t;

/** courier.*: where mail goes, and what it bears. */
typedef struct {
    int by_http;                     /* delivery_strategy: 1 is http */
    const kr_http_service_t *http;   /* takes mail; NULL unless by_http */
    const kr_http_service_t *sms;    /* takes text messages, or NULL */
    const apr_array_header_t *overrides; /* of kr_override_t; never NULL */
    const char *override_path;       /* folder with templates, or NULL */
    const char *uri;                 /* connection_uri as written: it may hold a password; or NULL */
    const kr_net_smtp_t *smtp;       /* of an smtp:// or smtps:// URI; else NULL */
    const char *folder;              /* of a file:// URI: messages become files there; else NULL */
    const char *from_address;
    const char *from_name;           /* or NULL */
    const char *local_name;          /* in EHLO */
    const json_t *headers;           /* object of text: more headers, which win over ours; or NULL */
    int retries;                     /* after the first try */
    int batch;                       /* messages claimed in one go */
    apr_time_t wait;                 /* between two looks at the queue */
} kr_mail_conf_t;

/** The validated settings of a realm. Times in µs, sizes as named; strings never NULL unless said. */
typedef struct kr_settings_t {
    /* serve */
    const char *base_url;            /* exactly as written: its hash names the anti-CSRF cookie */
    const char *admin_base_url;      /* or NULL */
    struct {
        int enabled, allow_credentials, options_passthrough;
        apr_int64_t max_age;         /* seconds */
        const apr_array_header_t *origins, *methods, *headers, *exposed; /* of const char* */
    } cors;

    /* selfservice */
    const char *default_return_url;
    const apr_array_header_t *allowed_return_urls; /* of const char* */
    kr_flow_conf_t flow[KR_FLOW_KINDS];
    const char *error_ui_url;
    const char *logout_return_url;   /* or NULL */
    int logout_clear_data;
    int registration_one_step;       /* enable_legacy_one_step or style: unified */
    int registration_login_hints;
    int registration_password_group; /* trait nodes in group password (unified style only) */
    int login_identifier_first;
    apr_time_t settings_privileged_age; /* how old a proof may be for changes of credentials */
    int settings_highest_aal;        /* settings ask for the highest assurance level the account has */
    const char *verification_use;    /* "code" or "link" */
    const char *recovery_use;        /* "code" or "link" */
    int verification_notify_unknown, recovery_notify_unknown; /* mail addresses that nobody has, to say so */

    /* methods */
    int method_enabled[KR_METHOD_IDS]; /* password, profile, code, link, totp... */
    int code_passwordless, code_mfa;
    int code_fallback;               /* sign-in by code finds accounts without a code credential too */
    struct {
        apr_int64_t min_length;      /* bytes */
        int similarity_check;
        int hibp_enabled, hibp_ignore_network_errors;
        const char *hibp_host;       /* "host[:port]", or a whole "http://host:port" for tests and mirrors */
        apr_int64_t hibp_max_breaches;
    } password;
    apr_time_t code_lifespan, link_lifespan;
    apr_int64_t code_max_submissions; /* wrong codes per flow */
    struct {
        apr_int64_t tries, sent;     /* per account (or address that nobody has) and hour, over all flows; 0: no limit */
        apr_int64_t messages;        /* per address and quarter of an hour; 0: no limit */
    } code_budget;
    int use_transitions;             /* feature_flags.use_continue_with_transitions */
    int legacy_verified_login;       /* feature_flags.legacy_require_verified_login_error */
    int choose_recovery_address;     /* feature_flags.choose_recovery_address */
    int refresh_choose_address;      /* feature_flags.refresh_login_choose_address */

    /* sessions */
    apr_time_t session_lifespan;
    kr_cookie_conf_t session_cookie, csrf_cookie;
    int whoami_highest_aal;          /* session.whoami.required_aal: highest_available */
    apr_time_t session_extend_window; /* earliest_possible_extend; 0: always */
    int cacheable_sessions;
    apr_time_t cacheable_sessions_max_age; /* 0: no bound */

    /* identity */
    const char *default_schema_id;
    const apr_array_header_t *schemas; /* of const kr_schema_t*, in the order of the file */

    /* the rest */
    kr_mail_conf_t mail;
    const apr_array_header_t *told_headers; /* of const char*: what other services may know of a request */
    kr_hasher_t hasher;
    const apr_array_header_t *secrets; /* of const char*, newest first: secrets.cookie, else secrets.default */
    int mitigate_enumeration;
    int leak_sensitive;              /* log.leak_sensitive_values */
    int dev;
    json_t *tree;                    /* the whole tree as merged, for what has no field of its own */
} kr_settings_t;

/** A tenant: immutable settings, keys, and how to reach its database. */
struct kr_realm_t {
    const char *name;                /* realm_id of its rows: 1 to 32 of [a-z0-9_-] */
    const kr_settings_t *settings;
    const kr_keys_t *keys;
    const kr_signer_t *signer;
    kr_dbpool_t *dbpool;
    const char *csrf_cookie_name;    /* csrf_token_<sha256 of base_url> */
    const char *base_path;           /* path of base_url without its last slash: "" or "/auth" */
    const char *sql_dir;             /* folder with mysql/ and sqlite/ migrations */
    int auto_migrate;
    const kr_pages_t *pages;         /* what the built-in pages are made of (kr_ui.h); NULL in tools that show none */
};

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

/** Does anything carry messages of this kind ("email", "sms")? What nothing carries waits in the queue for a while. */
int kr_mail_carried(const kr_mail_conf_t *conf, const char *via);

/** The schema with that id (or the base64url of it), or NULL. `id` NULL: the default one. */
const kr_schema_t *kr_realm_schema(const kr_realm_t *realm, const char *id);

/** A realm of finished settings: derives keys, names the cookies. dbpool, sql_dir and auto_migrate are set by the caller. */
kr_realm_t *kr_realm_make(apr_pool_t *pool, const char *name, const kr_settings_t *settings);

#endif
