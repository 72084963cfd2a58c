/* SPDX-License-Identifier: Apache-2.0 */
/* Realms: made of what the directives said, checked at start and by configtest, found for each request. */
#include "site.h"

#include <apr_strings.h>
#include <unixd.h>

#include "kr_clock.h"
#include "kr_net.h"
#include "kr_password.h"
#include "kr_text.h"
#include "kr_ui.h"

/* -- reading the configuration -------------------------------------------- */

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

static const kr_tenant_t *tenant_named(const kr_site_t *site, const char *name)
{
    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_tenant_t *tenant = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *);

        if (!strcmp(tenant->realm->name, name)) return tenant;
    }
    return NULL;
}

static int same_params(const apr_array_header_t *a, const apr_array_header_t *b)
{
    if (a->nelts != b->nelts) return 0;
    for (int i = 0; i < a->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *))) return 0;
    return 1;
}

static kr_dbconf_t dbconf_of(const kr_host_t *host)
{
    static const int standard[] = { KR_POOL_DEFAULTS };
    kr_dbconf_t conf = { .driver = host->driver, .params = host->params, .wait = KR_POOL_WAIT };

    conf.min = host->pool_set ? host->min : standard[0];
    conf.keep = host->pool_set ? host->keep : standard[1];
    conf.max = host->pool_set ? host->max : standard[2];
    conf.expire = apr_time_from_sec(host->pool_set ? host->expire : standard[3]);
    return conf;
}

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
    const kr_tenant_t *twin = tenant_named(reading->site, realm_name(host));
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
        host->tenant = tenant_named(reading->site, host->realm);
        if (!host->tenant)
            complain(reading, host->where,
                     apr_psprintf(reading->pool, "KratosRealm %s: no server has KratosConfig or KratosSet lines for it",
                                  host->realm));
    }
    if (!host->tenant) host->tenant = kr_host_of(main_server)->tenant;
    for (int i = 0; i < host->mentions->nelts; i++) {
        const kr_mention_t *mention = &APR_ARRAY_IDX(host->mentions, i, kr_mention_t);

        if (!tenant_named(reading->site, mention->realm))
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

/* -- starting ------------------------------------------------------------- */

static void log_to_server(void *baton, kr_level_e level, const char *line)
{
    ap_log_error(APLOG_MARK, (int)level, 0, (server_rec *)baton, "%s", line);
}

kr_ctx_t *kr_server_ctx(apr_pool_t *pool, server_rec *s, const kr_realm_t *realm)
{
    int level = ap_get_server_module_loglevel(s, APLOG_MODULE_INDEX);
    kr_ctx_t *k = kr_ctx_make(pool, realm, level > KR_LOG_DEBUG ? KR_LOG_DEBUG : (kr_level_e)level);

    k->log = log_to_server;
    k->log_baton = s;
    return k;
}

static apr_uint32_t most_memory(const kr_site_t *site)
{
    apr_uint32_t most = 0;

    for (int i = 0; i < site->tenants->nelts; i++) {
        const kr_hasher_t *hasher = &APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *)->realm->settings->hasher;

        if (!hasher->bcrypt && hasher->memory > most) most = hasher->memory;
    }
    return most;
}

int kr_site_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_host_t *host = kr_host_of(s);
    kr_site_t *site = host->site;
    apr_status_t rv;

    (void)plog;
    /* httpd reads its configuration twice at start; only the second reading is going to serve. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || site->tenants->nelts == 0) return OK;
    for (int i = 0; i < site->warnings->nelts; i++)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, KRLOGNO(1202) "%s",
                     APR_ARRAY_IDX(site->warnings, i, const char *));
    kr_diagnose_start(pconf, s);
    rv = kr_slots_make(pconf, host->slots < 0 ? 0 : host->slots, most_memory(site),
                       apr_time_from_sec(host->slot_wait < 0 ? KR_SLOT_WAIT : host->slot_wait),
                       host->slot_queue < 0 ? KR_SLOT_QUEUE : host->slot_queue);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, KRLOGNO(1209) "no memory for hashing passwords (KratosHashing)");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (int i = 0; i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);

        database->sweeper = kr_sweeper_make(pconf);
        rv = kr_database_start(database, ptemp, s);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, KRLOGNO(1204) "cannot change to %s and back",
                         ap_unixd_config.user_name);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

void kr_site_child(apr_pool_t *pchild, server_rec *s)
{
    const kr_site_t *site = kr_host_of(s)->site;

    if (site->tenants->nelts == 0) return;
    kr_net_init();
    ((kr_site_t *)site)->tunnels = kr_tunnels_make(pchild);
    for (int i = 0; i < site->databases->nelts; i++) {
        kr_database_t *database = APR_ARRAY_IDX(site->databases, i, kr_database_t *);
        apr_status_t rv = kr_dbpool_open(database->pool, pchild);

        database->opened = kr_clock_ticks();
        if (rv != APR_SUCCESS)
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, KRLOGNO(1210) "realm %s: the database's pool cannot be opened",
                         database->realm->name);
    }
}

/* -- finding -------------------------------------------------------------- */

const kr_tenant_t *kr_tenant_if_any(request_rec *r)
{
    const kr_place_t *place = ap_get_module_config(r->per_dir_config, &kratos_module);
    const kr_host_t *host = kr_host_of(r->server);
    const kr_site_t *site = host->site;

    if (place->realm) return tenant_named(site, place->realm);
    if (host->tenant) return host->tenant;
    return site->tenants->nelts == 1 ? APR_ARRAY_IDX(site->tenants, 0, kr_tenant_t *) : NULL;
}

const kr_tenant_t *kr_tenant_of(request_rec *r)
{
    const kr_tenant_t *tenant = kr_tenant_if_any(r);

    if (tenant) return tenant;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, KRLOGNO(1211) "%s",
                  kr_host_of(r->server)->site->tenants->nelts
                      ? "several realms, and nothing says which one is meant here: a KratosRealm line is missing"
                      : "no realm: KratosDatabase and KratosConfig (or KratosSet) lines are missing");
    return NULL;
}
