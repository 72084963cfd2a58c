/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms of httpd share with each other and with mod_kratos.c: the module's records and its hooks. */
#ifndef KR_SITE_H
#define KR_SITE_H

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_expr.h>

#include "kr_api.h"
#include "kr_draft.h"
#include "kr_realm.h"
#include "kr_db.h"
#include "kr_store_sweep.h"

extern module AP_MODULE_DECLARE_DATA kratos_module;
APLOG_USE_MODULE(kratos);

/* -- what the directives said --------------------------------------------- */

/** How the gate answers those who have no session: KratosUnauthenticated. */
typedef enum { KR_UNAUTH_UNSET, KR_UNAUTH_AUTO, KR_UNAUTH_REDIRECT, KR_UNAUTH_401 } kr_unauth_e;

/** A Directory or Location. */
typedef struct {
    const char *realm;           /* KratosRealm, or NULL: the virtual host's own */
    kr_unauth_e unauthenticated;
    apr_array_header_t *exports; /* KratosExport, of kr_export_t; NULL: what is standard */
    const char *user_field;      /* KratosExport user=FIELD; NULL: the identity's id */
    int token;                   /* KratosExportToken; KR_UNSET, 0 or 1 */
    const char *audience;        /* of that token, or NULL */
    int hide_cookie;             /* KratosHideCookie; KR_UNSET: from proxied applications */
    int upgrade_check;           /* KratosUpgradeCheck, seconds; 0: never; KR_UNSET: KR_UPGRADE_CHECK */
    int diagnose;                /* KratosDiagnose: KR_UNSET: whoever has the key; 0 or 1 */
} kr_place_t;

/** Of numbers and flags that nobody set. */
#define KR_UNSET (-1)
/** KratosUpgradeCheck: seconds. */
#define KR_UPGRADE_CHECK 10

/** One use of KratosRealm in a Directory or Location, to be checked once all realms are known. */
typedef struct {
    const char *realm;
    const char *where;           /* "file:line" */
} kr_mention_t;

typedef struct kr_site_t kr_site_t;
typedef struct kr_tenant_t kr_tenant_t;

/** A server or virtual host: what its lines said, and what became of them. Unset numbers are -1. */
typedef struct {
    const char *realm;           /* KratosRealm, or NULL */
    kr_draft_t *draft;           /* its KratosConfig and KratosSet lines; NULL: it has none */
    const char *where;           /* "file:line" of the first line that is about a realm, or NULL */
    const char *driver;          /* KratosDatabase, or NULL */
    const apr_array_header_t *params; /* of const char* */
    int pool_set;
    int min, keep, max, expire;  /* KratosDatabasePool */
    const char *sql_dir;
    const char *pages_dir;       /* KratosPages, or NULL */
    int auto_migrate, allow_unbuilt, trust_forwarded;
    int slots, slot_wait, slot_queue; /* KratosHashing; main server only */
    apr_array_header_t *mentions; /* of kr_mention_t */
    kr_site_t *site;             /* set once the configuration has been read */
    const kr_tenant_t *tenant;   /* the realm that is at home here, or NULL */
} kr_host_t;

/** What pools are like unless KratosDatabasePool says otherwise: min, keep, max, seconds. */
#define KR_POOL_DEFAULTS 0, 4, 16, 300
/** How long a request waits for a connection when all of them are busy. */
#define KR_POOL_WAIT apr_time_from_sec(5)
/** KratosHashing: seconds of waiting, length of the queue. */
#define KR_SLOT_WAIT 10
#define KR_SLOT_QUEUE 64

/** Where the migrations are, unless KratosSqlDir says otherwise. */
#ifndef KR_SQL_DIR
#define KR_SQL_DIR "/usr/share/kratos/sql"
#endif

/* -- what became of them -------------------------------------------------- */

/** What the children of a node share about cleaning one database. */
typedef struct kr_sweeper_t kr_sweeper_t;

/** One database: realms that name the same one share it. */
typedef struct {
    kr_dbpool_t *pool;
    const char *driver;
    const apr_array_header_t *params;
    const char *where;           /* "file:line" of the first realm that named it */
    const char *sql_dir;
    int auto_migrate;
    const kr_realm_t *realm;     /* one of its realms, for work that is about the database itself */
    unsigned tries;              /* of the background thread, while it is not ready */
    apr_uint32_t complained;     /* atomic, each process its own: the second when the gate last logged that it is not */
    apr_uint32_t ready;          /* atomic, each process its own: its tables are as this module wants them */
    kr_sweeper_t *sweeper;       /* made before the fork; NULL: each child cleans for itself */
    kr_sweep_t sweep;            /* each process its own: how far its cleaning has come */
    long long sweep_until;       /* the lease that it has; 0: none */
    apr_uint32_t look;           /* atomic, each process its own: whether somebody looked for the first time, database.c */
    apr_time_t opened;           /* when this process began */
} kr_database_t;

/** A realm as httpd sees it. */
struct kr_tenant_t {
    kr_realm_t *realm;
    kr_database_t *database;
    const char *where;           /* "file:line" */
};

/** A child's own thread. */
typedef struct kr_background_t kr_background_t;
/** A child's list of upgraded connections. */
typedef struct kr_tunnels_t kr_tunnels_t;

/** All of it: one per configuration, reached from every kr_host_t. */
struct kr_site_t {
    apr_array_header_t *tenants;   /* of kr_tenant_t* */
    apr_array_header_t *databases; /* of kr_database_t* */
    apr_array_header_t *warnings;  /* of const char* */
    kr_tunnels_t *tunnels;         /* each process its own, from child_init on; NULL: they are not watched */
    apr_array_header_t *advice;    /* of const char*, numbered lines: doctor.c */
    int diagnosable;               /* some place has the page for owners: scenes.c */
    const char *diagnose_key;      /* of this start, the same in all children; NULL until post_config */
    kr_background_t *background;   /* each process its own, from child_init on; NULL: it did not start */
};

/** The directives' table. */
extern const command_rec kr_directives[];
void *kr_host_create(apr_pool_t *pool, server_rec *s);
void *kr_host_merge(apr_pool_t *pool, void *base, void *add);
void *kr_place_create(apr_pool_t *pool, char *dir);
void *kr_place_merge(apr_pool_t *pool, void *base, void *add);
kr_host_t *kr_host_of(const server_rec *s);

/* -- realm.c -------------------------------------------------------------- */

/** check_config: make realms of what the directives said; says what is wrong and stops httpd, and configtest. */
int kr_site_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** post_config: migrate what is a file here, make what all processes share. */
int kr_site_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** post_config: let tests move the clock, and warn of it. Without KRATOS_TEST_CLOCK in the environment: nothing. */
int kr_test_clock_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** child_init: open the pools. */
void kr_site_child(apr_pool_t *pchild, server_rec *s);

/* -- sweep.c -------------------------------------------------------------- */

/** Make what the children share; before the fork. NULL when there is no memory. */
kr_sweeper_t *kr_sweeper_make(apr_pool_t *pconf);
/**
 * Delete one batch of expired rows, if it is this child's turn to. Background thread only.
 * @return after how many µs to call it again; 0: nothing is left to do, or somebody else does it
 */
apr_interval_time_t kr_sweeper_run(kr_database_t *database, kr_ctx_t *k);

/* -- doctor.c ------------------------------------------------------------- */

/** check_config, after all others: advice about what would start and yet not work; configtest shows it. */
int kr_doctor_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** post_config: the same into the error log. */
int kr_doctor_tell(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* -- diagnose.c ----------------------------------------------------------- */

/**
 * Content handler of the page for owners: `SetHandler kratos-diagnose`, or `diagnose` among the built-in pages.
 * @return DECLINED where the request is for something else, or may not know that there is such a page
 */
int kr_diagnose(request_rec *r);

/** post_config: the key of that page for this start, and the line in the error log that tells it. */
void kr_diagnose_start(apr_pool_t *pconf, server_rec *s);

/** A context for work that no request asked for; it logs into the server's error log. */
kr_ctx_t *kr_server_ctx(apr_pool_t *pool, server_rec *s, const kr_realm_t *realm);
/** The realm of a request: the place's, the virtual host's own, or the only one there is. NULL is logged. */
const kr_tenant_t *kr_tenant_of(request_rec *r);
/** The same, where it is no mistake that there is none: nothing is logged. */
const kr_tenant_t *kr_tenant_if_any(request_rec *r);

/* -- database.c ----------------------------------------------------------- */

/**
 * post_config: make a file ready, as the user that children run as. A server is left to them.
 * @return whether that user could be taken on and left again; a file that cannot be used is in the log, and no failure
 */
apr_status_t kr_database_start(kr_database_t *database, apr_pool_t *ptemp, server_rec *s);
/**
 * Look whether a database has its tables, and make them if it may.
 * @return NULL when it is ready from now on
 */
kr_err_t *kr_database_prepare(kr_database_t *database, kr_ctx_t *k);
/** Is it ready? */
int kr_database_ready(kr_database_t *database);
/** The process' first look at it, unless somebody else has begun that; says why it is not usable. @param k  of its realm */
void kr_database_look(kr_database_t *database, kr_ctx_t *k, server_rec *s);
/** Is it ready? For requests: while a process is young, its first look is waited for. */
int kr_database_await(kr_database_t *database, apr_pool_t *pool, server_rec *s);
/** 503 for a request that came before it was. */
kr_err_t *kr_database_unready(kr_ctx_t *k);

struct stat;
/** May the user that children run as write there? */
int kr_may_write(const struct stat *st);

/* -- handler.c ------------------------------------------------------------ */

/**
 * A context for the work of a request, with k->req filled but for its body.
 * @param mounted  1: k->req->path is what follows the API's mount; 0: the whole path
 */
kr_ctx_t *kr_request_ctx(request_rec *r, const kr_tenant_t *tenant, int mounted);
/** The URL of a request as its client sees it. */
const char *kr_request_url(request_rec *r, const kr_request_t *req);
/** The content handler: `SetHandler kratos` and `kratos-ui`. */
int kr_handler(request_rec *r);

/* -- gate.c --------------------------------------------------------------- */

/** pre_config: register the providers of `Require kratos-...`. */
void kr_gate_register(apr_pool_t *pool);
/** check_authn: AuthType Kratos, and the answer to those who have no session. */
int kr_gate_authn(request_rec *r);
/** check_authz, before everybody else: asks them, and answers those who have a session but no right. */
int kr_gate_authz(request_rec *r);

/* -- private.c ------------------------------------------------------------- */

/** Register the filter of kr_gate_filter. */
void kr_gate_register_filter(void);
/** insert_filter, insert_error_filter: shared caches do not keep what only some may see. */
void kr_gate_filter(request_rec *r);

/* -- export.c -------------------------------------------------------------- */

/** One argument of KratosExport into the place. @return what is wrong with it, or NULL */
const char *kr_export_read(kr_place_t *place, apr_pool_t *pool, const char *text);
/** fixups: tell the app who is here. */
int kr_gate_export(request_rec *r);
/** fixups, after everybody else: keep the session's cookie and token from the app. */
int kr_gate_hide(request_rec *r);

/* -- expr.c ---------------------------------------------------------------- */

/** expr_lookup: the function kratos() of httpd's expressions. */
int kr_expr_lookup(ap_expr_lookup_parms *parms);

/* -- upgrade.c ------------------------------------------------------------- */

/** child_init: an empty list. NULL when there is no memory for its mutex. */
kr_tunnels_t *kr_tunnels_make(apr_pool_t *pchild);
/** Is there any connection to look after? */
int kr_tunnels_any(kr_tunnels_t *list);
/** Close the connections of this realm whose session has ended, as far as it is time to look. Statements: one per 16 of them. */
void kr_tunnels_check(kr_tunnels_t *list, const kr_tenant_t *tenant, kr_ctx_t *k);

/* -- strip.c -------------------------------------------------------------- */

/** post_read_request: take away what a client must not say about itself. */
int kr_gate_strip(request_rec *r);

/* -- background.c --------------------------------------------------------- */

/** child_init: start the child's own thread. */
void kr_background_start(apr_pool_t *pchild, server_rec *s);
/**
 * child_stopping: tell it to end; it is waited for when the child's pool goes. After a graceful restart it looks after upgraded
 * connections until then, which may be hours.
 */
void kr_background_stop(apr_pool_t *pchild, int graceful);
/** A request queued messages: they are sent at once, and not at the next look into the queue. */
void kr_background_wake(server_rec *s);

#endif
