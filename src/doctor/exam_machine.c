/* SPDX-License-Identifier: Apache-2.0 */
/* Do sizes fit each other and the machine, and is there what other lines need? */
#include "exam.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unixd.h>

#include "kr_clock.h"
#include "kr_db.h"
#include "kr_text.h"

#define MYSQL_USUAL_CONNECTIONS 151
/* So many threads may share a connection: most of what a request does is not in the database. */
#define THREADS_PER_CONNECTION 8
/* Nobody's clock has been there since this module exists; without a battery clocks begin in 1970. */
#define EARLIEST APR_TIME_C(1704067200) /* 2024-01-01 */

static int mpm(int what)
{
    int value = 0;

    return ap_mpm_query(what, &value) == APR_SUCCESS && value > 0 ? value : 1;
}

static void check_pool(kr_exam_t *exam, const kr_database_t *database)
{
    const kr_dbconf_t *conf = kr_dbpool_conf(database->pool);
    int threads = mpm(AP_MPMQ_MAX_THREADS), children = mpm(AP_MPMQ_MAX_DAEMONS);
    int each = conf->max < threads ? conf->max : threads;

    if (conf->max < threads / THREADS_PER_CONNECTION)
        kr_advise(exam, KRLOGNO(1275), database->where,
                  "%d connections for the %d threads of each process: requests would wait for one; set "
                  "KratosDatabasePool 0 4 %d 300 or more", conf->max, threads, threads / THREADS_PER_CONNECTION);
    if (!kr_dbpool_is_sqlite(database->pool) && each * children > MYSQL_USUAL_CONNECTIONS)
        kr_advise(exam, KRLOGNO(1276), database->where,
                  "up to %d connections (%d processes with %d each), and a MySQL server allows %d unless its "
                  "max_connections says otherwise: raise that, or lower the third number of KratosDatabasePool, or "
                  "MaxRequestWorkers", each * children, children, each, MYSQL_USUAL_CONNECTIONS);
}

/* At start the log has the same lines (check_folder in database.c); configtest would else be content. */
static void check_folder(kr_exam_t *exam, const kr_database_t *database)
{
    const char *folder = ap_make_dirstr_parent(exam->ptemp, APR_ARRAY_IDX(database->params, 0, const char *));
    uid_t user = ap_unixd_config.user_id;
    struct stat st;
    int gone = stat(folder, &st) || !S_ISDIR(st.st_mode);

    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST || !kr_dbpool_is_sqlite(database->pool)) return;
    if (gone)
        kr_advise(exam, KRLOGNO(1206), database->where,
                  "KratosDatabase: the folder %s does not exist; make it with: install -d -m 750 -o %s %s", folder,
                  ap_unixd_config.user_name, folder);
    else if (geteuid() == 0 ? user != (uid_t)-1 && user != 0 && !kr_may_write(&st) : access(folder, W_OK) != 0)
        kr_advise(exam, KRLOGNO(1207), database->where,
                  "KratosDatabase: %s must be able to write to the folder %s; give it with: chown %s %s",
                  ap_unixd_config.user_name, folder, ap_unixd_config.user_name, folder);
}

/* Once per database, for the first host that has it. */
static void check_tls(kr_exam_t *exam, const kr_database_t *database)
{
    for (int i = 0; i < database->params->nelts; i++) {
        kr_dbtls_t tls = kr_dbpool_tls(exam->ptemp, database->pool, i);

        if (!tls.file || tls.proves) continue;
        kr_advise(exam, KRLOGNO(1295), database->where,
                  "the TLS options for the database in %s do not make it prove who it is: whoever stands between would get "
                  "the password; say ssl-ca=FILE and ssl-verify-server-cert=1 there, or ssl-fp=FINGERPRINT", tls.file);
        return;
    }
}

static void check_memory(kr_exam_t *exam)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    apr_int64_t slots = kr_site_hashing(kr_host_of(exam->main_server)).slots, most = 0, mib, all;

    for (int i = 0; i < exam->site->tenants->nelts; i++) {
        const kr_hasher_t *hasher = &APR_ARRAY_IDX(exam->site->tenants, i, kr_tenant_t *)->realm->settings->hasher;

        if (!hasher->bcrypt && hasher->memory > most) most = hasher->memory;
    }
    if (pages <= 0 || page <= 0) return;
    mib = slots * most / 1024;
    all = (apr_int64_t)pages * page / (1024 * 1024);
    if (mib > all / 2)
        kr_advise(exam, KRLOGNO(1277), NULL,
                  "hashing passwords may take %" APR_INT64_T_FMT " MiB (%" APR_INT64_T_FMT " slots of %" APR_INT64_T_FMT
                  " MiB), more than half of this machine's %" APR_INT64_T_FMT " MiB: lower KratosHashing or "
                  "hashers.argon2.memory", mib, slots, most / 1024, all);
}

/* So many hash, and as many wait, that half of the workers are never touched. */
static int fitting(int slots, int workers)
{
    return slots <= workers / 4 ? slots : workers > 4 ? workers / 4 : 1;
}

static void check_waiting(kr_exam_t *exam)
{
    const kr_hashing_t h = kr_site_hashing(kr_host_of(exam->main_server));

    if (h.slots + h.queue > h.workers / 2)
        kr_advise(exam, KRLOGNO(1299), NULL,
                  "a flood of sign-ins may keep %d of httpd's %d workers, more than half of them (%d hash a password, %d wait for that): "
                  "say KratosHashing %d 10 %d, or raise MaxRequestWorkers", h.slots + h.queue < h.workers ? h.slots + h.queue : h.workers,
                  h.workers, h.slots, h.queue, fitting(h.slots, h.workers), fitting(h.slots, h.workers));
}

static void check_addresses(kr_exam_t *exam)
{
    for (int i = 0; i < exam->scenes->nelts && !exam->remoteip; i++) {
        const kr_scene_t *scene = &APR_ARRAY_IDX(exam->scenes, i, kr_scene_t);

        if (scene->host->trust_forwarded != 1) continue;
        kr_advise(exam, KRLOGNO(1274), scene->where,
                  "KratosTrustForwarded is On, but nothing tells httpd its visitors' addresses: all would seem to come from "
                  "the proxy; load mod_remoteip, and say RemoteIPHeader X-Forwarded-For and RemoteIPInternalProxy");
        return;
    }
}

void kr_exam_machine(kr_exam_t *exam)
{
    for (int i = 0; i < exam->site->databases->nelts; i++) {
        check_pool(exam, APR_ARRAY_IDX(exam->site->databases, i, kr_database_t *));
        check_folder(exam, APR_ARRAY_IDX(exam->site->databases, i, kr_database_t *));
        check_tls(exam, APR_ARRAY_IDX(exam->site->databases, i, kr_database_t *));
    }
    check_memory(exam);
    check_waiting(exam);
    check_addresses(exam);
    if (apr_time_sec(kr_clock_now()) < EARLIEST)
        kr_advise(exam, KRLOGNO(1278), NULL,
                  "this machine's clock says a day before 2024: sessions and codes would expire at once or never; set the "
                  "clock (timedatectl set-ntp true)");
    if (!ap_find_linked_module("mod_authz_core.c"))
        kr_advise(exam, KRLOGNO(1279), NULL,
                  "mod_authz_core is not loaded: nothing can be guarded by Require kratos-session; load it and "
                  "mod_authn_core");
}
