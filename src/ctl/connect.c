/* SPDX-License-Identifier: Apache-2.0 */
/* The realm that a command works in: its settings as httpd reads them, and its database. */
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>

#include "ctl.h"
#include "kr_audit.h"
#include "kr_db.h"

#ifndef KR_SQL_DIR
#define KR_SQL_DIR "/usr/share/kratos/sql"
#endif

/* A value from the environment stands in for an option that is not given. */
static const char *option_or_env(const ctl_t *ctl, const char *option, const char *env)
{
    const char *value = ctl_option(ctl, option);

    if (!value) value = getenv(env);
    return value && *value ? value : NULL;
}

const char *ctl_sql_dir(const ctl_t *ctl)
{
    const char *dir = ctl_option(ctl, "--sql");

    return dir ? dir : KR_SQL_DIR;
}

/* -- settings ------------------------------------------------------------------ */

/* One --set. @return NULL, or what is wrong */
static const char *set_one(ctl_t *ctl, kr_draft_t *draft, const char *text)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text) return "--set wants KEY=VALUE";
    return kr_draft_set(draft, apr_pstrmemdup(ctl->pool, text, (apr_size_t)(equals - text)), equals + 1, "--set");
}

static const char *read_draft(ctl_t *ctl, kr_draft_t *draft)
{
    const char *why = NULL, *env = getenv("KRATOS_CONFIG");

    if (!ctl_flag(ctl, "--config")) {
        if (!env || !*env) return "which realm? --config (or KRATOS_CONFIG in the environment) names its kratos.yml";
        why = kr_draft_load(draft, env);
    }
    for (int i = 0; !why && i < ctl->given->nelts; i++) {
        const ctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i, ctl_given_t);

        if (strcmp(given->option->name, "--config") == 0) why = kr_draft_load(draft, given->value);
        if (strcmp(given->option->name, "--set") == 0) why = set_one(ctl, draft, given->value);
    }
    return why;
}

static int is_realm_name(const char *name)
{
    const size_t len = strlen(name);

    return len >= 1 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

int ctl_settings(ctl_t *ctl)
{
    const char *name = option_or_env(ctl, "--realm", "KRATOS_REALM"), *why;
    kr_draft_t *draft = kr_draft_make(ctl->pool);
    apr_array_header_t *findings = NULL;
    const kr_settings_t *settings;

    if (!name) name = "default";
    if (!is_realm_name(name)) return ctl_fail(ctl, "--realm: 1 to 32 of a-z, 0-9, _ and - make a name");
    if ((why = read_draft(ctl, draft))) return ctl_fail(ctl, "%s", why);
    settings = kr_draft_finish(draft, ctl_flag(ctl, "--allow-unbuilt"), &findings);
    for (int i = 0; !settings && i < findings->nelts; i++) {
        const kr_finding_t *finding = &APR_ARRAY_IDX(findings, i, kr_finding_t);

        if (finding->fatal) ctl_fail(ctl, "%s", finding->text);
    }
    if (!settings) return CTL_FAILED;
    ctl->realm = kr_realm_make(ctl->pool, name, settings);
    return CTL_FINE;
}

/* -- database ------------------------------------------------------------------ */

kr_dbpool_t *ctl_pool(ctl_t *ctl, const char *driver, const apr_array_header_t *params)
{
    const kr_dbconf_t conf = { .driver = driver, .params = params, .keep = 1, .max = 1, .wait = apr_time_from_sec(5) };
    const char *why = NULL;
    kr_dbpool_t *dbpool = kr_dbpool_make(ctl->pool, &conf, NULL, &why);

    if (dbpool && kr_dbpool_open(dbpool, ctl->pool) == APR_SUCCESS) return dbpool;
    ctl_fail(ctl, "--database: %s", why ? why : "the pool cannot be opened");
    return NULL;
}

/* A typing error must not make an empty database. */
static int sqlite_file_is_there(ctl_t *ctl, const char *file)
{
    apr_finfo_t info;

    if (apr_stat(&info, file, APR_FINFO_TYPE, ctl->pool) == APR_SUCCESS) return 1;
    ctl_fail(ctl, "--database: there is no file %s; `kratosctl migrate sqlite3 FILE` makes one", file);
    return 0;
}

static int check_migrated(ctl_t *ctl)
{
    kr_ctx_t *k = ctl_work(ctl);
    int pending, status = CTL_FINE;
    kr_err_t *err = kr_db_migrate(&pending, k, ctl_sql_dir(ctl), 0);

    if (err)
        status = ctl_error(ctl, err, "the database cannot be used");
    else if (pending)
        status = ctl_fail(
            ctl, "the database is not migrated, %d file(s) of %s are pending; `kratosctl migrate` applies them",
            pending, ctl_sql_dir(ctl));
    apr_pool_destroy(k->pool);
    return status;
}

/* One host of the database, as KratosDatabase names it. The driver is said with each. */
static int add_host(ctl_t *ctl, const char **driver, apr_array_header_t *params, const char *text)
{
    const char *blank = strchr(text, ' '), *word;

    if (!blank) return ctl_fail(ctl, "--database wants the driver and its parameters in one word: 'sqlite3 /some/file'");
    word = apr_pstrmemdup(ctl->pool, text, (apr_size_t)(blank - text));
    if (**driver && strcmp(*driver, word) != 0)
        return ctl_fail(ctl, "--database: hosts of one database have one driver: %s, and not %s", *driver, word);
    *driver = word;
    APR_ARRAY_PUSH(params, const char *) = blank + strspn(blank, " ");
    return CTL_FINE;
}

static int read_hosts(ctl_t *ctl, const char **driver, apr_array_header_t *params)
{
    const char *env = getenv("KRATOS_DATABASE");
    int status = CTL_FINE;

    if (!ctl_flag(ctl, "--database") && env && *env) return add_host(ctl, driver, params, env);
    if (!ctl_flag(ctl, "--database"))
        return ctl_fail(
            ctl, "which database? --database (or KRATOS_DATABASE in the environment) says what KratosDatabase says");
    for (int i = 0; status == CTL_FINE && i < ctl->given->nelts; i++) {
        const ctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i, ctl_given_t);

        if (strcmp(given->option->name, "--database") == 0) status = add_host(ctl, driver, params, given->value);
    }
    return status;
}

/* What cannot be written down is not done: an owner who asked for that is told before. */
static int open_audit(ctl_t *ctl)
{
    const char *path = option_or_env(ctl, "--audit", "KRATOS_AUDIT"), *why;

    if (!path) return CTL_FINE;
    ctl->realm->audit = kr_audit_open(ctl->pool, path, "kratosctl", &why);
    return ctl->realm->audit ? CTL_FINE : ctl_fail(ctl, "--audit %s: %s", path, why);
}

int ctl_connect(ctl_t *ctl)
{
    apr_array_header_t *params = apr_array_make(ctl->pool, 1, sizeof(const char *));
    const char *driver = "";
    int status = ctl_settings(ctl);

    if (status == CTL_FINE) status = open_audit(ctl);
    if (status == CTL_FINE) status = read_hosts(ctl, &driver, params);
    if (status != CTL_FINE) return status;
    if (strcmp(driver, "sqlite3") == 0 && !sqlite_file_is_there(ctl, APR_ARRAY_IDX(params, 0, const char *))) return CTL_FAILED;
    ctl->realm->dbpool = ctl_pool(ctl, driver, params);
    ctl->realm->sql_dir = ctl_sql_dir(ctl);
    return ctl->realm->dbpool ? check_migrated(ctl) : CTL_FAILED;
}

/* -- work ---------------------------------------------------------------------- */

kr_ctx_t *ctl_work(ctl_t *ctl)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, ctl->pool);
    return kr_ctx_make(pool, ctl->realm, KR_LOG_WARNING);
}
