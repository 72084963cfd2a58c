/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of connections: described at start, opened per process. How a connection is checked is connect.c's. */
#include <string.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "kr_crypto.h"
#include "kr_memory.h"
#include "kr_metrics.h"
#include "kr_text.h"
#include "store.h"

#define DEFAULT_WAIT apr_time_from_sec(5)
/* What a shell keeps of the driver's buffers between statements; a row of a flow needs about 200 KiB. */
#define KEEP_BYTES (512 * 1024)

/* -- describing ----------------------------------------------------------- */

/* The driver takes any prefix of a key and ignores what it does not know, so typing errors are caught here. */
static const char *const MYSQL_KEYS[] = { "host", "user",  "pass",  "dbname", "port",
                                          "sock", "flags", "fldsz", "group",  "reconnect" };

/* What this layer relies on: no silent reconnect, buffers of a TEXT's size, UPDATE counts the rows it matched. */
static const struct {
    const char *key, *value;
} MYSQL_FIXED[] = {
    { "reconnect", "0" },
    { "fldsz", "65536" },
    { "flags", "CLIENT_FOUND_ROWS" },
};

static int is_known_key(const char *key)
{
    for (int i = 0; i < KR_DIM(MYSQL_KEYS); i++) {
        if (!strcmp(MYSQL_KEYS[i], key)) return 1;
    }
    return 0;
}

#define PARAMS_MAX 4096

/* Parameters that stand in a file, so that their password is not shown with httpd's configuration. @return what is wrong */
static const char *read_params(const char **out, apr_pool_t *pool, const char *url)
{
    const char *name = url + strlen("file://");
    apr_size_t len = PARAMS_MAX;
    apr_finfo_t info;
    apr_file_t *file;
    char *text = apr_pcalloc(pool, PARAMS_MAX + 1), words[120];
    apr_status_t rv = apr_stat(&info, name, APR_FINFO_TYPE, pool);

    if (*name != '/') return apr_psprintf(pool, "%s: a path that begins with / must follow file://", url);
    if (rv == APR_SUCCESS && info.filetype != APR_REG) return apr_psprintf(pool, "%s is no file", name);
    if (rv == APR_SUCCESS) rv = apr_file_open(&file, name, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, text, PARAMS_MAX, &len);
        apr_file_close(file);
        if (rv == APR_SUCCESS) return apr_psprintf(pool, "%s is longer than a line of parameters can be", name);
    }
    if (rv != APR_EOF) return apr_psprintf(pool, "%s cannot be read: %s", name, apr_strerror(rv, words, sizeof(words)));
    if (strlen(text) != len) return apr_psprintf(pool, "%s holds a NUL byte", name);
    if (strspn(text, " \t\r\n") == len) return apr_psprintf(pool, "%s is empty", name);
    *out = text;
    return NULL;
}

static const char *check_mysql_params(const char **out, apr_pool_t *pool, const char *params)
{
    const char *why = strncmp(params, "file://", 7) ? NULL : read_params(&params, pool, params);
    char *rest = apr_pstrdup(pool, params), *last, *word;

    if (why) return why;
    for (word = apr_strtok(rest, " \t\r\n;|,", &last); word; word = apr_strtok(NULL, " \t\r\n;|,", &last)) {
        char *value = strchr(word, '=');
        if (!value) return "the database's parameters hold a word that is not key=value";
        *value++ = '\0';
        if (!is_known_key(word)) return apr_psprintf(pool, "\"%s\" is not a parameter of the MySQL driver", word);
        for (int i = 0; i < KR_DIM(MYSQL_FIXED); i++) {
            if (!strcmp(word, MYSQL_FIXED[i].key) && strcmp(value, MYSQL_FIXED[i].value) != 0) {
                return apr_psprintf(pool, "%s=%s is the only value that works here; leave it out", MYSQL_FIXED[i].key,
                                    MYSQL_FIXED[i].value);
            }
        }
    }
    *out = apr_pstrdup(pool, params);
    for (int i = 0; i < KR_DIM(MYSQL_FIXED); i++) {
        *out = apr_pstrcat(pool, *out, " ", MYSQL_FIXED[i].key, "=", MYSQL_FIXED[i].value, NULL);
    }
    return NULL;
}

static const char *check_sqlite_params(const kr_dbpool_t *dbpool, const char *path)
{
    if (dbpool->nhosts != 1) return "a SQLite database is one file";
    if (!*path || *path == ':') return "a SQLite database needs a file: each connection would see a memory of its own";
    return NULL;
}

static const char *check_limits(const kr_dbconf_t *c)
{
    if (c->max < 1 || c->min < 0 || c->min > c->keep || c->keep > c->max) {
        return "the pool's sizes must be 0 <= min <= keep <= max, and max at least 1";
    }
    if (c->expire < 0 || c->wait < 0) return "the pool's times must not be negative";
    if (!c->params || c->params->nelts < 1) return "the database has no parameters";
    return NULL;
}

static const char *lock_path(apr_pool_t *pool, const char *db, const char *lock_dir)
{
    const char *base = strrchr(db, '/');

    if (!lock_dir) return apr_pstrcat(pool, db, "-lock", NULL);
    return apr_psprintf(pool, "%s/%s-%.16s.lock", lock_dir, base ? base + 1 : db, kr_sha256_hex(pool, db, strlen(db)));
}

kr_dbpool_t *kr_dbpool_make(apr_pool_t *pconf, const kr_dbconf_t *conf, const char *lock_dir, const char **why)
{
    kr_dbpool_t *dbpool = apr_pcalloc(pconf, sizeof(*dbpool));

    dbpool->conf = *conf;
    if (!dbpool->conf.wait) dbpool->conf.wait = DEFAULT_WAIT;
    dbpool->sqlite = !strcmp(conf->driver, "sqlite3");
    dbpool->lock.fd = dbpool->lock.turn = -1;
    if (!dbpool->sqlite && strcmp(conf->driver, "mysql") != 0) {
        *why = apr_psprintf(pconf, "\"%s\" is not a database driver that works here: mysql, sqlite3", conf->driver);
        return NULL;
    }
    if ((*why = check_limits(conf)) != NULL) return NULL;
    dbpool->nhosts = conf->params->nelts;
    dbpool->host = apr_pcalloc(pconf, sizeof(kr_dbhost_t) * (apr_size_t)dbpool->nhosts);
    for (int i = 0; i < dbpool->nhosts; i++) {
        const char *params = APR_ARRAY_IDX(conf->params, i, const char *);
        if (dbpool->sqlite) {
            dbpool->host[i].params = apr_pstrdup(pconf, params);
            *why = check_sqlite_params(dbpool, params);
        } else {
            *why = check_mysql_params(&dbpool->host[i].params, pconf, params);
        }
        if (*why) return NULL;
    }
    if (dbpool->sqlite) dbpool->lock_path = lock_path(pconf, dbpool->host[0].params, lock_dir);
    if (apr_dbd_init(pconf) != APR_SUCCESS || apr_dbd_get_driver(pconf, conf->driver, &dbpool->driver) != APR_SUCCESS) {
        *why = apr_psprintf(pconf, "the APR database driver \"%s\" cannot be loaded", conf->driver);
        return NULL;
    }
    return dbpool;
}

const kr_dbconf_t *kr_dbpool_conf(const kr_dbpool_t *dbpool)
{
    return &dbpool->conf;
}

int kr_dbpool_is_sqlite(const kr_dbpool_t *dbpool)
{
    return dbpool->sqlite;
}

/* -- opening -------------------------------------------------------------- */

/* Runs under the list's lock, so it makes a shell only; whoever gets the shell connects it. */
static apr_status_t make_shell(void **out, void *baton, apr_pool_t *unused)
{
    kr_dbconn_t *conn;
    apr_pool_t *pool;
    apr_status_t rv = kr_pool_apart(&pool, KEEP_BYTES);

    (void)unused;
    if (rv != APR_SUCCESS) return rv;
    conn = apr_pcalloc(pool, sizeof(*conn));
    conn->owner = baton;
    conn->pool = pool;
    rv = apr_pool_create(&conn->scratch, pool);
    *out = conn;
    return rv;
}

static apr_status_t destroy_shell(void *data, void *baton, apr_pool_t *unused)
{
    kr_dbconn_t *conn = data;

    (void)baton;
    (void)unused;
    kr_conn_close(conn);
    apr_pool_destroy(conn->pool);
    return APR_SUCCESS;
}

static apr_status_t forget_process(void *data)
{
    kr_dbpool_t *dbpool = data;

    if (!dbpool->memory) return APR_SUCCESS;
    apr_pool_destroy(dbpool->memory); /* closes the connections */
    dbpool->memory = NULL;
    dbpool->conns = NULL;
    return APR_SUCCESS;
}

/* In memory of its own: requests and the background thread take connections at the same time. */
apr_status_t kr_dbpool_open(kr_dbpool_t *dbpool, apr_pool_t *pchild)
{
    const kr_dbconf_t *c = &dbpool->conf;
    apr_status_t rv = kr_pool_apart(&dbpool->memory, 0);

    if (rv != APR_SUCCESS) return rv;
    apr_pool_cleanup_register(pchild, dbpool, forget_process, apr_pool_cleanup_null);
    for (int i = 0; i < dbpool->nhosts; i++) dbpool->host[i].connecting = 0; /* the parent's threads are not ours */
    dbpool->live = NULL;
    dbpool->watched = 0;
    dbpool->busy = 0;
    rv = apr_thread_mutex_create(&dbpool->mutex, APR_THREAD_MUTEX_DEFAULT, dbpool->memory);
    if (rv == APR_SUCCESS && dbpool->sqlite) rv = kr_filelock_open(&dbpool->lock, dbpool->memory, dbpool->lock_path);
    if (rv == APR_SUCCESS) {
        rv = apr_reslist_create(&dbpool->conns, c->min, c->keep, c->max, c->expire, make_shell, destroy_shell, dbpool,
                                dbpool->memory);
    }
    if (rv == APR_SUCCESS) apr_reslist_timeout_set(dbpool->conns, c->wait);
    return rv;
}

void kr_dbpool_abandon(kr_dbpool_t *dbpool)
{
    dbpool->memory = NULL;
}

/* -- lending -------------------------------------------------------------- */

static apr_status_t end_of_work(void *data)
{
    kr_ctx_t *k = data;
    int rc;

    if (!k->db) return APR_SUCCESS;
    if (k->db->in_tx && !k->db->dead && kr_db_say(&rc, k, "ROLLBACK") != KR_DB_OK) k->db->dead = 1;
    k->db->in_tx = 0;
    kr_db_release(k);
    return APR_SUCCESS;
}

/* All of them hang: who waits for one only keeps a worker from others. */
static int is_stuck(kr_dbpool_t *dbpool)
{
    return apr_atomic_read32(&dbpool->stuck) && apr_reslist_acquired_count(dbpool->conns) >= (apr_uint32_t)dbpool->conf.max;
}

/* `by` is 1 or -1. */
static void count_busy(kr_dbpool_t *dbpool, int by)
{
    apr_atomic_add32(&dbpool->busy, (apr_uint32_t)by);
    kr_metric_grow(KR_METRIC_DB_CONNECTIONS, KR_SERIES(KR_DB_USE_BUSY), by);
}

kr_err_t *kr_db_acquire(kr_ctx_t *k)
{
    kr_dbpool_t *dbpool = k->realm->dbpool;
    kr_err_t *err = NULL;
    kr_dbconn_t *conn;
    void *shell;

    if (k->db) return NULL;
    if (!dbpool->conns) return kr_err_internal(k, APR_SUCCESS, "the database pool is not open in this process");
    if (apr_atomic_read32(&dbpool->busy) >= (apr_uint32_t)dbpool->conf.max) kr_metric_count(KR_METRIC_DB_WAITS, KR_SERIES_ONE);
    if (is_stuck(dbpool) || apr_reslist_acquire(dbpool->conns, &shell) != APR_SUCCESS) {
        kr_metric_count(KR_METRIC_DB_BUSY, KR_SERIES_ONE);
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0401) "database: all %d connections of this process are busy",
               dbpool->conf.max);
        return kr_err_unavailable(k, 1, "the database has too much to do");
    }
    conn = shell;
    count_busy(dbpool, 1);
    conn->in_tx = conn->locked = conn->dead = conn->poison = conn->abreast = 0;
    if (conn->handle && (conn->generation != dbpool->generation || kr_host_is_left(conn))) kr_conn_close(conn);
    if (!conn->handle) err = kr_conn_open(k, conn);
    if (err) {
        count_busy(dbpool, -1);
        apr_reslist_release(dbpool->conns, conn);
        return err;
    }
    k->db = conn;
    apr_pool_cleanup_register(k->pool, k, end_of_work, apr_pool_cleanup_null);
    return NULL;
}

void kr_db_release(kr_ctx_t *k)
{
    kr_dbconn_t *conn = k->db;

    if (!conn || conn->in_tx) return;
    kr_db_unlock(k);
    k->db = NULL;
    apr_pool_cleanup_kill(k->pool, k, end_of_work);
    count_busy(conn->owner, -1);
    if (conn->dead) {
        kr_conn_close(conn); /* here, as what the list destroys it destroys under its lock */
        apr_reslist_invalidate(conn->owner->conns, conn);
    } else {
        apr_reslist_release(conn->owner->conns, conn);
    }
}

void kr_db_discard(kr_ctx_t *k)
{
    k->db->dead = 1;
    k->db->in_tx = 0;
    kr_metric_count(KR_METRIC_DB_LOST, KR_SERIES_ONE);
    kr_db_release(k);
}

kr_err_t *kr_db_lock(kr_ctx_t *k, apr_time_t wait)
{
    kr_dbpool_t *dbpool = k->db->owner;
    apr_status_t rv;

    if (!dbpool->sqlite || k->db->locked) return NULL;
    rv = kr_filelock_take(&dbpool->lock, wait);
    if (rv == APR_TIMEUP) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0402) "database: others kept the write lock for too long");
        return kr_err_unavailable(k, 1, "the database has too much to do");
    }
    if (rv != APR_SUCCESS) return kr_err_internal(k, rv, "the database's write lock cannot be taken");
    k->db->locked = 1;
    return NULL;
}

void kr_db_unlock(kr_ctx_t *k)
{
    if (!k->db || !k->db->locked) return;
    k->db->locked = 0;
    kr_filelock_give(&k->db->owner->lock);
}
