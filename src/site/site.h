/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the site, for the rooms above it and for mod_kratos.c: what httpd's lines said, the realms and databases made
 * of it, and the context of a request.
 */
#ifndef KR_SITE_SITE_H
#define KR_SITE_SITE_H

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "kr_cache.h"
#include "kr_db.h"
#include "kr_draft.h"
#include "kr_http.h"
#include "kr_realm.h"

extern module AP_MODULE_DECLARE_DATA kratos_module;
APLOG_USE_MODULE(kratos);

/* -- what the lines said -------------------------------------------------- */

/** Of numbers and flags that nobody set. */
#define KR_UNSET (-1)

/** How the gate answers those who have no session: KratosUnauthenticated. */
typedef enum { KR_UNAUTH_UNSET, KR_UNAUTH_AUTO, KR_UNAUTH_REDIRECT, KR_UNAUTH_401 } kr_unauth_e;

/** A field of a session under the names that applications know it by. */
typedef struct {
    const char *field;           /* as kr_session_field has it */
    const char *variable;        /* KRATOS_... */
    const char *header;          /* X-Kratos-... */
    apr_uint32_t *complained;    /* atomic, each process its own: somebody's value was too long; NULL: it never is */
} kr_export_t;

/** A Directory or Location. */
typedef struct {
    const char *realm;           /* KratosRealm, or NULL: the virtual host's own */
    kr_unauth_e unauthenticated;
    apr_array_header_t *exports; /* KratosExport, of kr_export_t; NULL: what is standard */
    const char *user_field;      /* KratosExport user=FIELD; NULL: the identity's id */
    int token;                   /* KratosExportToken; KR_UNSET, 0 or 1 */
    const char *audience;        /* of that token, or NULL */
    int hide_cookie;             /* KratosHideCookie; KR_UNSET: from proxied applications */
    int upgrade_check;           /* KratosUpgradeCheck, seconds; 0: never; KR_UNSET: as the gate likes */
    int keep_post;               /* KratosKeepPost, bytes; 0: off; KR_UNSET */
    int diagnose;                /* KratosDiagnose: KR_UNSET: whoever has the key; 0 or 1 */
} kr_place_t;

/** One use of KratosRealm in a Directory or Location, to be checked once all realms are known. */
typedef struct {
    const char *realm;
    const char *where;           /* "file:line" */
} kr_mention_t;

/** How many requests may hash a password at once, and wait for that, of how many workers: KratosHashing, and what it leaves open. */
typedef struct {
    int slots, queue, workers;
} kr_hashing_t;

typedef struct kr_site_t kr_site_t;
typedef struct kr_tenant_t kr_tenant_t;

/** A server or virtual host: what its lines said, and what became of them. Unset numbers are KR_UNSET. */
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
    const char *audit;           /* KratosAudit: a path; "" is off, NULL that nothing was said */
    int auto_migrate, allow_unbuilt, trust_forwarded;
    int slots, slot_wait, slot_queue; /* KratosHashing; main server only */
    apr_int64_t session_cache;   /* KratosSessionCache, bytes; 0: off; main server only */
    apr_array_header_t *mentions; /* of kr_mention_t */
    kr_site_t *site;             /* set once the configuration has been read */
    const kr_tenant_t *tenant;   /* the realm that is at home here, or NULL */
} kr_host_t;

/** KratosHashing: seconds of waiting. */
#define KR_SLOT_WAIT 10

/** The directives' table (directives.c). */
extern const command_rec kr_directives[];

/* records.c */
void *kr_host_create(apr_pool_t *pool, server_rec *s);
void *kr_host_merge(apr_pool_t *pool, void *base, void *add);
void *kr_place_create(apr_pool_t *pool, char *dir);
void *kr_place_merge(apr_pool_t *pool, void *base, void *add);
/** The record of a server; one of the main server's, where it has no line of ours. */
kr_host_t *kr_host_of(const server_rec *s);
/** The record of the place that a request is for. */
const kr_place_t *kr_place_of(const request_rec *r);

/* exports.c */
/** One argument of KratosExport into the place. @return what is wrong with it, or NULL */
const char *kr_export_read(kr_place_t *place, apr_pool_t *pool, const char *text);
/** What the applications of a place are told: `n` of them. */
const kr_export_t *kr_exports_of(int *n, const kr_place_t *place);

/** What `SetHandler` of ours may name: the rows of handlers_table.h. */
typedef enum { KR_HANDLER_API, KR_HANDLER_PAGES, KR_HANDLER_OWNERS, KR_HANDLER_METRICS, KR_HANDLERS, KR_HANDLER_NONE = KR_HANDLERS } kr_handler_e;

/** Which of them is it? `name` may be NULL. (handlers.c) */
kr_handler_e kr_handler_named(const char *name);

/* -- what became of them -------------------------------------------------- */

/** One database: realms that name the same one share it. */
typedef struct {
    kr_dbpool_t *pool;
    const char *driver;
    const apr_array_header_t *params;
    const char *where;           /* "file:line" of the first realm that named it */
    const char *sql_dir;
    int auto_migrate;
    const kr_realm_t *realm;     /* one of its realms, for work that is about the database itself */
    unsigned tries;              /* of kr_database_retry */
    apr_time_t looked_at;        /* of kr_database_retry: when it was last looked at once it was ready */
    apr_uint32_t complained;     /* of kr_database_may_complain */
    apr_uint32_t ready;          /* atomic, each process its own: its tables are as this module wants them */
    apr_uint32_t look;           /* atomic, each process its own: whether somebody looked for the first time, database.c */
    apr_time_t opened;           /* when this process began */
    struct kr_sweeper_t *sweeper; /* of httpd/sweep.c */
    struct kr_feeder_t *feeder;  /* of httpd/feed.c; NULL: no sessions are remembered */
    struct kr_teller_t *teller;  /* of httpd/tell.c; NULL: there are no other nodes */
} kr_database_t;

/** A realm as httpd sees it. */
struct kr_tenant_t {
    kr_realm_t *realm;
    kr_database_t *database;
    const char *where;           /* "file:line" */
    const char *audit;           /* KratosAudit, or NULL */
};

/** All of it: one per configuration, reached from every kr_host_t. */
struct kr_site_t {
    apr_array_header_t *tenants;   /* of kr_tenant_t* */
    apr_array_header_t *databases; /* of kr_database_t* */
    apr_array_header_t *warnings;  /* of const char* */
    kr_hashing_t hashing;          /* from post_config on */
    kr_changes_t *changes;         /* likewise; shared with the configuration before a graceful restart, and the one after */
    kr_cache_t *cache;             /* likewise, of sessions; NULL: none */
    /* What the rooms above keep here, each its own and nobody else's. */
    struct kr_doctor_t *doctor;    /* from check_config on */
    struct kr_tunnels_t *tunnels;  /* the gate's: each process its own, from child_init on; NULL: they are not watched */
    struct kr_background_t *background; /* httpd's: likewise; NULL: it did not start */
    struct kr_scrape_t *scrape;    /* httpd's, of metrics.c: shared, from post_config on; NULL: there is no memory for it */
};

/** check_config: make realms of what the directives said; says what is wrong and stops httpd, and configtest (realms.c). */
int kr_site_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* -- clock.c -------------------------------------------------------------- */

/** post_config: let tests move the clock, and warn of it. Without KRATOS_TEST_CLOCK in the environment: nothing. */
int kr_test_clock_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* -- start.c -------------------------------------------------------------- */

/** For hooks of post_config. @return NULL when nothing is going to be served with what was read */
kr_site_t *kr_site_to_serve(const server_rec *s);
/** KratosSessionCache, unless it is said: bytes. */
#define KR_SESSION_CACHE (32 * 1024 * 1024)

/** Once the MPM's lines are read. @param host  the main server's */
kr_hashing_t kr_site_hashing(const kr_host_t *host);

/** post_config: migrate what is a file here, make what all processes share. */
int kr_site_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
/** child_init: open the pools, and watch over those of servers. */
void kr_site_child(apr_pool_t *pchild, server_rec *s);
/** child_stopping: nobody waits long for a database that says nothing any more. */
void kr_site_stop(apr_pool_t *pchild, int graceful);

/* -- audit.c -------------------------------------------------------------- */

/** post_config: open the streams of KratosAudit lines. @return 0: one cannot be, and httpd is not to start; that has been said */
int kr_site_open_audit(kr_site_t *site, apr_pool_t *pconf, server_rec *s);
/** And say in each realm's that it begins, once nothing can go wrong any more. */
void kr_site_tell_start(const kr_site_t *site, apr_pool_t *ptemp, server_rec *s);

/* -- tenants.c ------------------------------------------------------------ */

/** The realm of that name; NULL: there is none. */
const kr_tenant_t *kr_tenant_named(const kr_site_t *site, const char *name);
/** The realm of a request: the place's, the virtual host's own, or the only one there is. NULL is logged. */
const kr_tenant_t *kr_tenant_of(request_rec *r);
/** The same, where it is no mistake that there is none: nothing is logged. */
const kr_tenant_t *kr_tenant_if_any(request_rec *r);
/** A context for work that no request asked for; it logs into the server's error log. */
kr_ctx_t *kr_server_ctx(apr_pool_t *pool, server_rec *s, const kr_realm_t *realm);

/* -- request.c ------------------------------------------------------------ */

/**
 * A context for the work of a request, with k->req filled but for its body.
 * @param mounted  1: k->req->path is what follows the API's mount; 0: the whole path
 */
kr_ctx_t *kr_request_ctx(request_rec *r, const kr_tenant_t *tenant, int mounted);
/** As kr_request_ctx, with nothing of the request but what finds its session: there is no reply yet, and of k->req headers and cookies alone. */
kr_ctx_t *kr_glance_ctx(request_rec *r, const kr_tenant_t *tenant);
/** Make of that what kr_request_ctx gives, unless it is that already. */
void kr_request_fill(kr_ctx_t *k, request_rec *r, int mounted);
/** The URL of a request as its client sees it. */
const char *kr_request_url(request_rec *r, const kr_request_t *req);

/* -- body.c --------------------------------------------------------------- */

/**
 * Read the whole body of a request into req. It is wiped when the request ends.
 * @param most  bytes
 * @return OK, or the status to answer with; 413 is left to the caller's words, all else is httpd's business
 */
int kr_request_read_body(request_rec *r, kr_request_t *req, apr_size_t most);

/* -- database.c ----------------------------------------------------------- */

/**
 * post_config: make a file ready, as the user that children run as. A server is left to them.
 * @return whether that user could be taken on and left again; a file that cannot be used is in the log, and no failure
 */
apr_status_t kr_database_start(kr_database_t *database, apr_pool_t *ptemp, server_rec *s);
/** Is it ready? */
int kr_database_ready(kr_database_t *database);
/** The process' first look at it, unless somebody else has begun that; says why it is not usable. @param k  of its realm */
void kr_database_look(kr_database_t *database, kr_ctx_t *k, server_rec *s);
/** A job: one that was down at start, or not migrated, is looked at again. @return 0 */
apr_interval_time_t kr_database_retry(kr_database_t *database, kr_ctx_t *k, server_rec *s);
/** Is it ready? For requests: while a process is young, its first look is waited for. */
int kr_database_await(kr_database_t *database, apr_pool_t *pool, server_rec *s);
/** 503 for a request that came before it was. */
kr_err_t *kr_database_unready(kr_ctx_t *k);
/** While it is down every request has the same to say: one line a second and process says as much. @return 1: say it */
int kr_database_may_complain(kr_database_t *database);

struct stat;
/** May the user that children run as write there? */
int kr_may_write(const struct stat *st);

/* -- jobs ----------------------------------------------------------------- */

/** What each child does over and over, once for each database: rows of mod_kratos.c, run by its background thread. */
typedef struct {
    int every;      /* seconds */
    int to_the_end; /* after a graceful restart, too, as long as anybody is still connected to this child */
    int apart;      /* must not wait for mail or for other work: has a thread with others of its kind */
    int breaks_off; /* of no use to a process that leaves; all else is finished */
    /** @param k  of one of the database's realms. @return not 0: go on after that many µs */
    apr_interval_time_t (*run)(kr_database_t *database, kr_ctx_t *k, server_rec *s);
} kr_job_t;

#endif
