/* SPDX-License-Identifier: Apache-2.0 */
/* Databases made ready: files by the parent at start, servers by each child, and looked at again until they are. */
#include "site.h"

#include <apr_atomic.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unixd.h>

#include "kr_clock.h"
#include "kr_text.h"

/*
 * Look whether a database has its tables, and make them if it may.
 * @return NULL when it is ready from now on
 */
static kr_err_t *prepare(kr_database_t *database, kr_ctx_t *k)
{
    int pending = 0;
    kr_err_t *err = kr_db_migrate(&pending, k, database->sql_dir, database->auto_migrate);

    kr_db_release(k);
    if (err) return err;
    if (pending && !database->auto_migrate) {
        kr_log(k, KR_LOG_ERR,
               KRLOGNO(1203) "realm %s: the database lacks %d migration(s) and KratosAutoMigrate is Off; "
                             "requests are answered 503 until `kratosctl migrate` has been run",
               database->realm->name, pending);
        return kr_err_unavailable(k, 30, "migrations are pending");
    }
    apr_atomic_set32(&database->ready, 1);
    return NULL;
}

int kr_database_ready(kr_database_t *database)
{
    return apr_atomic_read32(&database->ready) != 0;
}

/* Of kr_database_t's `look`. */
enum { NOT_LOOKED, LOOKING, LOOKED };

static void say_why(const kr_database_t *database, const kr_err_t *err, server_rec *s)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, err->cause, s,
                 KRLOGNO(1208) "realm %s: the database is not usable yet (%s); requests are answered 503 until it is",
                 database->realm->name, err->reason ? err->reason : "see above");
}

void kr_database_look(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    kr_err_t *err;

    if (apr_atomic_cas32(&database->look, LOOKING, NOT_LOOKED) != NOT_LOOKED) return;
    err = prepare(database, k);
    if (err && !kr_leaving(k)) say_why(database, err, s);
    apr_atomic_set32(&database->look, LOOKED);
}

/* Longer than a database takes that answers at all, and than its greeting is waited for. */
#define FIRST_LOOK apr_time_from_msec(2500)
#define FIRST_PAUSE apr_time_from_msec(2)

int kr_database_await(kr_database_t *database, apr_pool_t *pool, server_rec *s)
{
    if (kr_database_ready(database)) return 1;
    kr_database_look(database, kr_server_ctx(pool, s, database->realm), s);
    while (apr_atomic_read32(&database->look) == LOOKING && kr_clock_ticks() < database->opened + FIRST_LOOK)
        apr_sleep(FIRST_PAUSE);
    return kr_database_ready(database);
}

#define QUIET_TRIES 20
#define LOOKS_AGAIN apr_time_from_sec(300)

/*
 * Once it is ready it may still be changed for newer versions than this one, by a node that was upgraded twice: then it is not ready any more,
 * which a load balancer sees, instead of one statement after the other that fails.
 */
static void look_again(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    apr_time_t now = kr_clock_ticks();
    int pending = 0;
    kr_err_t *err;

    if (!database->looked_at) database->looked_at = now;
    if (now - database->looked_at < LOOKS_AGAIN) return;
    database->looked_at = now;
    k->log_level = KR_LOG_ERR; /* what is newer and does not disturb has been said */
    err = kr_db_migrate(&pending, k, database->sql_dir, 0);
    kr_db_release(k);
    if (!err || !kr_db_is_too_new(err)) return;
    apr_atomic_set32(&database->ready, 0);
    say_why(database, err, s);
}

/* Why it is not ready is said once a minute. The first try was kr_database_look's. */
apr_interval_time_t kr_database_retry(kr_database_t *database, kr_ctx_t *k, server_rec *s)
{
    if (kr_database_ready(database)) {
        look_again(database, k, s);
        return 0;
    }
    if (++database->tries % QUIET_TRIES) k->log_level = KR_LOG_ERR - 1;
    if (prepare(database, k)) return 0;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, KRLOGNO(1230) "realm %s: the database is usable now", database->realm->name);
    return 0;
}

int kr_database_may_complain(kr_database_t *database)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(kr_clock_ticks()), last = apr_atomic_read32(&database->complained);

    return now != last && apr_atomic_cas32(&database->complained, now, last) == last;
}

kr_err_t *kr_database_unready(kr_ctx_t *k)
{
    return kr_err_unavailable(k, 5, "the database is not ready");
}

int kr_may_write(const struct stat *st)
{
    if (st->st_uid == ap_unixd_config.user_id) return (st->st_mode & S_IWUSR) != 0;
    if (st->st_gid == ap_unixd_config.group_id) return (st->st_mode & S_IWGRP) != 0;
    return (st->st_mode & S_IWOTH) != 0;
}

/* SQLite writes files of its own beside the database, so the folder counts as well. Said once, as advice. */
static void check_folder(const kr_database_t *database, apr_pool_t *ptemp, server_rec *s)
{
    const char *folder = ap_make_dirstr_parent(ptemp, APR_ARRAY_IDX(database->params, 0, const char *));
    struct stat st;

    if (geteuid() != 0) return;
    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, KRLOGNO(1206) "KratosDatabase: the folder %s does not exist", folder);
    else if (!kr_may_write(&st))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     KRLOGNO(1207) "KratosDatabase: %s must be able to write to the folder %s",
                     ap_unixd_config.user_name, folder);
}

/*
 * Be the children's user for a while (or, with user 0, root again): what the database makes then is theirs from the
 * beginning, and what they could not do later fails here already.
 */
static int become(uid_t user, gid_t group)
{
    if (getuid() != 0) return 0;
    if (user == 0) return seteuid(0) || setegid(getgid());
    return setegid(group) || seteuid(user);
}

static kr_err_t *open_and_prepare(kr_database_t *database, kr_ctx_t *k)
{
    if (kr_dbpool_open(database->pool, k->pool) != APR_SUCCESS)
        return kr_err_unavailable(k, 5, "its pool of connections cannot be opened");
    return prepare(database, k);
}

/*
 * A file is here and quick: migrate in the parent, so that what goes wrong is seen at start. The connection is closed again
 * before any child is forked: the driver breaks when one crosses a fork. What is wrong stops nobody: children try again.
 */
static apr_status_t start_file(kr_database_t *database, apr_pool_t *ptemp, server_rec *s)
{
    apr_pool_t *pool;
    kr_err_t *err;

    check_folder(database, ptemp, s);
    if (become(ap_unixd_config.user_id, ap_unixd_config.group_id)) return errno;
    apr_pool_create(&pool, ptemp);
    err = open_and_prepare(database, kr_server_ctx(pool, s, database->realm));
    if (err) say_why(database, err, s);
    apr_atomic_set32(&database->look, LOOKED);
    apr_pool_destroy(pool);
    return become(0, 0) ? errno : APR_SUCCESS;
}

/*
 * A server may be down, slow, or accept and say nothing, and the parent serves nobody while it waits: neither the start nor a
 * graceful restart may depend on it. Each child looks for itself.
 */
apr_status_t kr_database_start(kr_database_t *database, apr_pool_t *ptemp, server_rec *s)
{
    return kr_dbpool_is_sqlite(database->pool) ? start_file(database, ptemp, s) : APR_SUCCESS;
}
