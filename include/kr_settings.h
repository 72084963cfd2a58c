/* SPDX-License-Identifier: Apache-2.0 */
/* The validated settings of a realm: everything that can be set, in one immutable struct. */
#ifndef KR_SETTINGS_H
#define KR_SETTINGS_H

#include "kr_counts.h"
#include "kr_fedcm_conf.h"
#include "kr_flow_conf.h"
#include "kr_jwt.h"
#include "kr_mail_conf.h"
#include "kr_oidc_conf.h"
#include "kr_password.h"
#include "kr_schema.h"
#include "kr_webauthn_conf.h"

/** Attributes of a cookie after session.cookie.* and cookies.* were put together. */
typedef struct {
    const char *name;                /* session cookie only */
    const char *domain;              /* or NULL */
    const char *path;
    const char *same_site;           /* "Lax", "Strict", "None" */
    int secure;
    int persistent;                  /* session cookie only */
} kr_cookie_conf_t;

/** One of identity.schemas. */
typedef struct {
    const char *id;
    const char *url;                 /* file:// or base64:// */
    int selectable;
    const kr_schema_t *schema;       /* compiled */
} kr_schema_conf_t;

/** One of session.whoami.tokenizer.templates: what a session becomes as a signed token. */
typedef struct {
    const char *name;
    const char *jwks_url;            /* of the keys that sign it */
    apr_time_t ttl;
    const char *claims_mapper_url;   /* of a Jsonnet program, or NULL */
    const char *subject_source;      /* "id", "external_id" */

    /* made of these */
    const kr_signer_t *signer;
    const kr_jsonnet_t *mapper;      /* or NULL */
} kr_tokenizer_conf_t;

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
        apr_int64_t min_characters;  /* code points; 0: any number */
        int similarity_check;
        const apr_array_header_t *words; /* const char*: no password may be like one of these, as it may not be like an identifier */
        int hibp_enabled, hibp_ignore_network_errors;
        const char *hibp_host;       /* "host[:port]", or a whole "http://host:port" for tests and mirrors */
        apr_int64_t hibp_max_breaches;
    } password;
    const char *totp_issuer;         /* or NULL */
    kr_webauthn_conf_t webauthn, passkey;
    int webauthn_passwordless;       /* security keys that are added are first factors; else second ones */
    const char *webauthn_copies;     /* of a key whose counter went back: "refuse", "report" */
    const char *webauthn_origin;     /* the one origin that older versions know; it is in webauthn.origins as well */
    apr_time_t code_lifespan, link_lifespan;
    apr_int64_t code_max_submissions; /* wrong codes per flow */
    struct {
        apr_int64_t tries, sent;     /* per account (or address that nobody has) and hour, over all flows; 0: no limit */
        apr_int64_t messages;        /* per address and quarter of an hour; 0: no limit */
    } code_budget;
    struct {
        int on;
        apr_time_t window;           /* µs in which failed tries are counted; windows begin at its multiples */
        apr_uint32_t identifier;     /* failed sign-ins under one identifier, and from one browser that was in before */
        apr_uint32_t network;        /* what fails, and codes that are asked for, from one address (IPv6: /64); 0: any number */
        apr_uint32_t overall;        /* the same from everywhere; 0: any number */
        kr_counts_t *counts;         /* shared by all processes; NULL: off */
    } throttle;
    int tell_factors, tell_recovery_code; /* mod_kratos.letters: of changes of factors, of sign-ins with a recovery code */
    struct {
        const char *base_redirect_uri;       /* or NULL */
        const apr_array_header_t *providers; /* of kr_oidc_provider_conf_t */
        int nonce;                           /* mod_kratos.oidc.nonce: one goes to the provider, and is wanted back in the ID token */
        apr_time_t timeout;                  /* µs that somebody waits for a provider at most, all its calls together */
        int max_calls;                       /* how many wait for one provider at once; 0: an eighth of the workers */
    } oidc;
    struct {
        const char *url;                     /* of the OAuth2 server's admin API, or NULL: there is none */
        const apr_table_t *headers;          /* of calls to it */
        int override_return_to;              /* a sign-in that it asks for leads back to it, whatever return_to says */
        struct kr_share_t *share;            /* of the workers: how many may wait for it at once; NULL where there is no such server */
        int max_calls;                       /* mod_kratos.oauth2.max_calls: so many; 0: an eighth of the workers */
        int acr;                             /* mod_kratos.oauth2.acr: it is told the level of a session */
    } oauth2;
    kr_fedcm_conf_t fedcm;           /* other sites that take our word for who somebody is */
    int use_transitions;             /* feature_flags.use_continue_with_transitions */
    int legacy_verified_login;       /* feature_flags.legacy_require_verified_login_error */
    int legacy_oidc_group;           /* feature_flags.legacy_oidc_registration_node_group */
    int choose_recovery_address;     /* feature_flags.choose_recovery_address */
    int refresh_choose_address;      /* feature_flags.refresh_login_choose_address */

    /* sessions */
    apr_time_t session_lifespan;
    int session_sliding;             /* mod_kratos.session: what is used ends a lifespan after that */
    apr_time_t session_longest;      /* but this after its last proof */
    apr_time_t session_seen_every;   /* how often at most it is written down that it is used */
    kr_cookie_conf_t session_cookie, csrf_cookie;
    const apr_array_header_t *tokenizers; /* of kr_tokenizer_conf_t */
    int whoami_highest_aal;          /* session.whoami.required_aal: highest_available */
    apr_time_t session_extend_window; /* earliest_possible_extend; 0: always */
    int cacheable_sessions;
    apr_time_t cacheable_sessions_max_age; /* 0: no bound */

    /* identity */
    const char *default_schema_id;
    const apr_array_header_t *schema_confs; /* of kr_schema_conf_t */
    const apr_array_header_t *schemas; /* of const kr_schema_t*, in the order of the file */

    /* the rest */
    kr_mail_conf_t mail;
    struct {
        apr_time_t try_timeout, timeout; /* of those that are waited for: of one try, and of all together */
        int max_calls;               /* that may be waited for at once; 0: an eighth of the workers */
        kr_share_t *share;           /* places to wait in */
    } web_hooks;
    const apr_array_header_t *told_hooks; /* of const kr_web_hook_conf_t*: web hooks whose answers are ignored, of all lists; never NULL */
    kr_net_guard_t guard;            /* of outgoing calls */
    const apr_array_header_t *told_headers; /* of const char*: what other services may know of a request */
    kr_hasher_t hasher;
    const apr_array_header_t *secrets; /* of const char*, newest first: secrets.cookie, else secrets.default */
    int mitigate_enumeration;
    int leak_sensitive;              /* log.leak_sensitive_values: see kr_log_personal */
    int dev;
} kr_settings_t;

#endif
