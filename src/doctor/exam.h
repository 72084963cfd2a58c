/* SPDX-License-Identifier: Apache-2.0 */
/* What the examinations share: the servers as their lines describe them, and a place for advice. */
#ifndef KR_DOCTOR_EXAM_H
#define KR_DOCTOR_EXAM_H

#include "doctor.h"
#include "kr_require.h"

/** What of ours a place has. */
typedef enum { KR_HAS_API, KR_HAS_PAGES, KR_HAS_GUARD, KR_HAS_KEEPER, KR_HAS_METRICS } kr_has_e; /* a keeper: KratosKeepPost */

/** One SetHandler or Require line of ours. */
typedef struct {
    kr_has_e has;
    const char *prefix;        /* of the paths it is for: <Location>; NULL: `regex`, or nobody knows (a Directory, an If) */
    const ap_regex_t *regex;   /* <LocationMatch> */
    const char *realm;         /* KratosRealm around it, or NULL: the server's own */
    const kr_require_t *rule;  /* of KR_HAS_GUARD: Require kratos-..., read; NULL: AuthType Kratos, or a line that httpd refuses */
    int programs;              /* KratosUnauthenticated 401 around it: nobody is sent to sign in */
    const ap_directive_t *line;
    const char *where;         /* "file:line" of that */
} kr_spot_t;

/** A server or virtual host. */
typedef struct {
    server_rec *s;
    const kr_host_t *host;
    const kr_tenant_t *tenant; /* the realm of places that name none; NULL: several, and none is at home here */
    const char *where;         /* "file:line" of its <VirtualHost>, or "the main server" */
    const char *name;          /* ServerName without port; NULL: it has none of its own */
    apr_array_header_t *ports; /* of int; 0 is any */
    apr_array_header_t *spots; /* of kr_spot_t, those of the main server included */
    int tls;                   /* speaks TLS */
    int steers;                /* RewriteCond lines look at the name: aliases may be led elsewhere */
    const char *cache;         /* "file:line" of CacheEnable, or NULL */
    int cache_late;            /* CacheQuickHandler Off: the cache waits for the gate */
    int slashes;               /* AllowEncodedSlashes On or NoDecode */
} kr_scene_t;

/** One examination. */
typedef struct {
    apr_pool_t *pool;          /* of the configuration: advice lives there */
    apr_pool_t *ptemp;
    const kr_site_t *site;
    kr_doctor_t *doctor;
    server_rec *main_server;
    apr_array_header_t *scenes; /* of kr_scene_t: the servers that answer requests */
    int remoteip;              /* mod_remoteip is there and told what to do */
    int wrong;                 /* how often kr_forbid was called */
} kr_exam_t;

/* -- lines.c -------------------------------------------------------------- */

/**
 * Read lines into a scene.
 * @param tls  what those around them say: 1 or 0: that TLS is spoken, or not; -1: nothing
 * @return the same, by these lines
 */
int kr_lines_read(kr_exam_t *exam, kr_scene_t *scene, const ap_directive_t *lines, int tls);

/** Is it a line of that name? Sections are called "<Location". */
int kr_line_is(const ap_directive_t *line, const char *name);
/** "file:line" of it. */
const char *kr_line_where(apr_pool_t *pool, const ap_directive_t *line);

/* -- scenes.c ------------------------------------------------------------- */

/** Read the servers out of httpd's tree of directives into exam->scenes. */
void kr_exam_scenes(kr_exam_t *exam);

/** The lines of a virtual host; NULL when its module made it in another way. */
const ap_directive_t *kr_scene_lines(const server_rec *s);

/** The realm of a spot; NULL: nobody knows. */
const kr_tenant_t *kr_spot_tenant(const kr_exam_t *exam, const kr_scene_t *scene, const kr_spot_t *spot);
/** May the spot answer for that path? 1 when nobody knows. */
int kr_spot_covers(const kr_spot_t *spot, const char *path);
/** Is it a name of that server: ServerName or ServerAlias? */
int kr_scene_named(const kr_scene_t *scene, const char *name);
/** Does the server listen on that port? */
int kr_scene_listens(const kr_scene_t *scene, int port);
/** Does it stand behind a proxy, with names, ports and TLS of its own? */
int kr_scene_behind_proxy(const kr_scene_t *scene);

/** What the Require lines for a path come to, for somebody without a session. */
typedef enum {
    KR_RULE_NONE,              /* nothing is said */
    KR_RULE_OPEN,              /* Require all granted */
    KR_RULE_SHUT,              /* Require all denied */
    KR_RULE_GATED,             /* Require kratos-..., and no other way */
    KR_RULE_UNSURE             /* who knows: addresses, expressions, other logins */
} kr_rule_e;

/** What the lines of a server say about a path. */
typedef struct {
    kr_rule_e rule;
    const char *where;         /* "file:line" of the section that decides */
    const char *realm;         /* KratosRealm, or NULL: the server's own */
    const char *auth_type;     /* AuthType, or NULL */
    const char *auth_where;    /* "file:line" of that */
} kr_ruling_t;

/** Look up what holds for a path of a server (rules.c). What stands in .htaccess files is not seen. */
void kr_rules_for(kr_ruling_t *ruling, const kr_exam_t *exam, const kr_scene_t *scene, const char *path);

/** What the Require lines that stand around a line come to: those of the innermost section that has any (rules.c). */
kr_rule_e kr_rules_around(apr_pool_t *pool, const ap_directive_t *line);

/** A guarded place with a plain path. */
typedef struct {
    const char *path;          /* as its server is asked for it */
    const char *file;          /* where that is on disk, by the DocumentRoot; NULL: something else answers there */
    const char *where;         /* "file:line" of the section */
} kr_guarded_t;

/**
 * The places that nobody enters without a session, as sections of this server say (rules.c).
 * @param all  1: those outside of virtual hosts, too, which hold for all of them
 * @return array of kr_guarded_t
 */
const apr_array_header_t *kr_rules_guarded(const kr_exam_t *exam, const kr_scene_t *scene, int all);
/** Where a ProxyPass or Redirect stands that takes that path, whatever handler is set for it: "file:line"; NULL: none does. */
const char *kr_rules_taken(const kr_exam_t *exam, const kr_scene_t *scene, const char *path);
/** Does something else than the DocumentRoot answer for that path: Alias, ProxyPass? */
int kr_rules_mapped(const kr_exam_t *exam, const kr_scene_t *scene, const char *path);

/** Note what can never work: it is said at once, and httpd does not start. The parameters are those of kr_advise. */
void kr_forbid(kr_exam_t *exam, const char *id, const char *where, const char *fmt, ...) KR_PRINTF(4, 5);

/**
 * Note a piece of advice: what is wrong, what comes of it, what to do.
 * @param id     KRLOGNO(...)
 * @param where  "file:line", or NULL
 */
void kr_advise(kr_exam_t *exam, const char *id, const char *where, const char *fmt, ...) KR_PRINTF(4, 5);

/** Is the realm's API where its base URL says, and do browsers find its pages? */
void kr_exam_api(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Can those whom a gate sends to sign in get there, past every gate of the realm? */
void kr_exam_way_in(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Does another server give away what one guards? Is somebody else's login left over at a gate? */
void kr_exam_places(kr_exam_t *exam);
/** Do the cookie and the way back reach what the realm guards? */
void kr_exam_guard(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Do realms take each other's cookie away? */
void kr_exam_neighbours(kr_exam_t *exam);
/** Can people of the realm give what its gates ask for, and in the time that they have? */
void kr_exam_asked(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Do keys and passkeys work under the names of the servers that have the realm's pages? */
void kr_exam_keys(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Do browsers that come back from a site that people sign in with arrive at the realm? */
void kr_exam_callback(kr_exam_t *exam, const kr_tenant_t *tenant);
/** Are forms to be kept where nobody is stopped? */
void kr_exam_keepers(kr_exam_t *exam);
/** May anybody see the metrics? */
void kr_exam_metrics(kr_exam_t *exam);
/** Secrets that stand in httpd's configuration, where mod_info shows it. */
void kr_exam_shown(kr_exam_t *exam);
/** Sizes: connections, memory, and what the machine is like. */
void kr_exam_machine(kr_exam_t *exam);

#endif
