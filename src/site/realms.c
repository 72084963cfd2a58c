/* SPDX-License-Identifier: Apache-2.0 */
/* Realms: made of what the directives said, and checked, at start and by configtest. */
#include "site.h"

#include <apr_strings.h>

#include "kr_text.h"
#include "kr_ui.h"

/** The work of kr_site_check: what it makes, and how many things are wrong. */
typedef struct {
    apr_pool_t *pool;
    kr_site_t *site;
    int wrong;
} reading_t;

/* To stderr, and with no server on purpose: its own log is not open yet, and configtest must show this. */
static void complain(reading_t *reading, const char *where, const char *text)
{
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_CRIT, 0, NULL, KRLOGNO(1201) "%s%s%s", where ? where : "",
                 where ? ": " : "", text);
    reading->wrong++;
}

static int same_params(const apr_array_header_t *a, const apr_array_header_t *b)
{
    if (a->nelts != b->nelts) return 0;
    for (int i = 0; i < a->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *))) return 0;
    return 1;
}

/* What pools are like unless KratosDatabasePool says otherwise: min, keep, max, seconds. */
static const int POOL_DEFAULTS[] = { 0, 4, 16, 300 };

/* How long a request waits for a connection when all of them are busy. */
#define POOL_WAIT apr_time_from_sec(5)

static kr_dbconf_t dbconf_of(const kr_host_t *host)
{
    kr_dbconf_t conf = { .driver = host->driver, .params = host->params, .wait = POOL_WAIT };

    conf.min = host->pool_set ? host->min : POOL_DEFAULTS[0];
    conf.keep = host->pool_set ? host->keep : POOL_DEFAULTS[1];
    conf.max = host->pool_set ? host->max : POOL_DEFAULTS[2];
    conf.expire = apr_time_from_sec(host->pool_set ? host->expire : POOL_DEFAULTS[3]);
    return conf;
}

/* Where the migrations are, unless KratosSqlDir says otherwise. */
#ifndef KR_SQL_DIR
#define KR_SQL_DIR "/usr/share/kratos/sql"
#endif

/* The database of a host: one that another realm brought already, or a new one. NULL when its line is wrong. */
static kr_database_t *database_of(reading_t *reading, const kr_host_t *host)
{
    kr_dbconf_t conf = dbconf_of(host);
    const char *why = NULL;
    kr_database_t *database;

    for (int i = 0; i < reading->site->databases->nelts; i++) {
        database = APR_ARRAY_IDX(reading->site->databases, i, kr_database_t *);
        if (!strcmp(database->driver, host->driver) && same_params(database->params, host->params)) return database;
    }
    database = apr_pcalloc(reading->pool, sizeof(*database));
    /* No folder for the lock: it stands beside the database, where children may write anyway. */
    database->pool = kr_dbpool_make(reading->pool, &conf, NULL, &why);
    if (!database->pool) {
        complain(reading, host->where, apr_pstrcat(reading->pool, "KratosDatabase: ", why, NULL));
        return NULL;
    }
    database->where = host->where;
    database->driver = host->driver;
    database->params = host->params;
    database->sql_dir = host->sql_dir ? host->sql_dir : KR_SQL_DIR;
    APR_ARRAY_PUSH(reading->site->databases, kr_database_t *) = database;
    return database;
}

/* The settings of a host; NULL when something in them is wrong, and then it has been said. */
static const kr_settings_t *settings_of(reading_t *reading, const kr_host_t *host)
{
    apr_array_header_t *findings = NULL;
    kr_draft_t *draft = host->draft ? host->draft : kr_draft_make(reading->pool);
    const kr_settings_t *settings = kr_draft_finish(draft, host->allow_unbuilt == 1, &findings);

    for (int i = 0; findings && i < findings->nelts; i++) {
        const kr_finding_t *finding = &APR_ARRAY_IDX(findings, i, kr_finding_t);

        if (finding->fatal)
            complain(reading, NULL, finding->text);
        else
            APR_ARRAY_PUSH(reading->site->warnings, const char *) = finding->text;
    }
    return settings;
}

/*
 * httpd gives a virtual host without a line of ours no record, but the main server's very own. What stands there is the
 * main server's and counts once.
 */
static int has_record(const server_rec *main_server, const server_rec *s)
{
    return s == main_server || kr_host_of(s) != kr_host_of(main_server);
}

/* Does a host bring a realm, or does it only name one that is at home elsewhere? */
static int brings_realm(const kr_host_t *host)
{
    return host->draft != NULL;
}

static const char *realm_name(const kr_host_t *host)
{
    return host->realm ? host->realm : "default";
}

/* The pages that a realm shows; NULL when a file of the owner's is wrong, and then it has been said. */
static const kr_pages_t *pages_of(reading_t *reading, const kr_host_t *host)
{
    const kr_pages_t *pages;
    const char *why = kr_pages_load(&pages, reading->pool, host->pages_dir);

    if (why) complain(reading, host->where, apr_pstrcat(reading->pool, "KratosPages: ", why, NULL));
    return pages;
}

static void add_tenant(reading_t *reading, kr_host_t *host)
{
    const kr_tenant_t *twin = kr_tenant_named(reading->site, realm_name(host));
    const kr_settings_t *settings;
    const kr_pages_t *pages;
    kr_database_t *database;
    kr_tenant_t *tenant;

    if (twin) {
        complain(reading, host->where,
                 apr_psprintf(reading->pool,
                              "the realm \"%s\" has settings at %s already; give this one another name with "
                              "KratosRealm, or leave its KratosConfig and KratosSet out to share that one",
                              realm_name(host), twin->where));
        return;
    }
    settings = settings_of(reading, host);
    pages = pages_of(reading, host);
    if (!host->driver) {
        complain(reading, host->where,
                 apr_psprintf(reading->pool, "the realm \"%s\" has no KratosDatabase", realm_name(host)));
        return;
    }
    database = database_of(reading, host);
    if (!settings || !database || !pages) return;

    tenant = apr_pcalloc(reading->pool, sizeof(*tenant));
    tenant->where = host->where;
    tenant->audit = host->audit && *host->audit ? host->audit : NULL;
    tenant->database = database;
    tenant->realm = kr_realm_make(reading->pool, realm_name(host), settings);
    tenant->realm->dbpool = database->pool;
    tenant->realm->sql_dir = database->sql_dir;
    tenant->realm->pages = pages;
    tenant->realm->auto_migrate = host->auto_migrate != 0;
    database->auto_migrate |= tenant->realm->auto_migrate;
    database->realm = tenant->realm;
    APR_ARRAY_PUSH(reading->site->tenants, kr_tenant_t *) = tenant;
    host->tenant = tenant;
}

/* Hosts that only name a realm, and places that do. */
static void resolve_names(reading_t *reading, server_rec *main_server, server_rec *s)
{
    kr_host_t *host = kr_host_of(s);

    if (!host->tenant && host->realm) {
        host->tenant = kr_tenant_named(reading->site, host->realm);
        if (!host->tenant)
            complain(reading, host->where,
                     apr_psprintf(reading->pool, "KratosRealm %s: no server has KratosConfig or KratosSet lines for it",
                                  host->realm));
    }
    if (!host->tenant) host->tenant = kr_host_of(main_server)->tenant;
    for (int i = 0; i < host->mentions->nelts; i++) {
        const kr_mention_t *mention = &APR_ARRAY_IDX(host->mentions, i, kr_mention_t);

        if (!kr_tenant_named(reading->site, mention->realm))
            complain(reading, mention->where,
                     apr_psprintf(reading->pool, "KratosRealm %s: there is no such realm", mention->realm));
    }
}

/* Trailers come when the gate has looked at the headers already: merged, they could say who somebody is. */
static void refuse_merged_trailers(reading_t *reading, const server_rec *s)
{
    const core_server_config *core = ap_get_core_module_config(s->module_config);

    if (core->merge_trailers == AP_MERGE_TRAILERS_ENABLE)
        complain(reading, s->defn_name, "MergeTrailers On would let clients send X-Kratos-* headers past the gate: take the line away");
}

int kr_site_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
    reading_t reading = { .pool = pconf, .site = apr_pcalloc(pconf, sizeof(kr_site_t)) };
    server_rec *s;

    (void)plog;
    (void)ptemp;
    reading.site->tenants = apr_array_make(pconf, 4, sizeof(kr_tenant_t *));
    reading.site->databases = apr_array_make(pconf, 4, sizeof(kr_database_t *));
    reading.site->warnings = apr_array_make(pconf, 4, sizeof(const char *));
    for (s = main_server; s; s = s->next) {
        kr_host_of(s)->site = reading.site;
        if (has_record(main_server, s) && brings_realm(kr_host_of(s))) add_tenant(&reading, kr_host_of(s));
    }
    /* A name that leads nowhere because its realm is broken would only hide the one message that counts. */
    for (s = main_server; s && !reading.wrong; s = s->next)
        if (has_record(main_server, s)) resolve_names(&reading, main_server, s);
    for (s = main_server; s && reading.site->tenants->nelts; s = s->next) refuse_merged_trailers(&reading, s);

    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST)
        for (int i = 0; i < reading.site->warnings->nelts; i++)
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, NULL, KRLOGNO(1202) "%s",
                         APR_ARRAY_IDX(reading.site->warnings, i, const char *));
    return reading.wrong ? !OK : OK;
}
