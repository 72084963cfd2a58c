/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time limits on answers. The drivers know none, and a host that was frozen, or vanished from the net, says nothing for ever. One thread
 * of the process looks at the sockets of those who wait: cutting one is what makes the driver come back.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include <apr_thread_cond.h>
#include <apr_thread_proc.h>

#include "kr_clock.h"
#include "kr_memory.h"
#include "kr_text.h"
#include "store.h"

#define SUSPECT_AFTER apr_time_from_sec(1) /* of silence: is anybody there? */
#define SUSPECT_SOON apr_time_from_msec(250) /* when the process is to end */
#define LIMIT apr_time_from_sec(12)        /* servers end statements after ten by themselves, see connect.c */
#define LOOKS_BUSY apr_time_from_msec(250)
#define LOOKS_IDLE apr_time_from_sec(1)
#define ASKS_AGAIN apr_time_from_sec(2)
#define END_WAIT apr_time_from_sec(2)

struct kr_dbwatch_t {
    apr_pool_t *pool; /* apart from the child's; this record lies in it */
    kr_dbpool_t **dbpool;
    int npools;
    kr_ctx_t k;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *wake;
    volatile apr_uint32_t hurried, stopping, ended; /* atomic */
    apr_time_t asked;                      /* when a host was last asked for its greeting because somebody waits */
};

/* -- who waits ------------------------------------------------------------- */

/* The library is the driver's, and we are not linked with it; another's may come without that function. */
static int socket_of(kr_dbconn_t *conn)
{
    int (*get)(void *) = NULL;

    *(void **)&get = dlsym(RTLD_DEFAULT, "mysql_get_socket");
    return get ? get(apr_dbd_native_handle(conn->owner->driver, conn->handle)) : -1;
}

void kr_watch_add(kr_dbconn_t *conn)
{
    kr_dbpool_t *dbpool = conn->owner;
    unsigned limit = (unsigned)apr_time_as_msec(LIMIT);

    conn->fd = socket_of(conn);
    conn->patient = 0;
    apr_atomic_set64(&conn->busy, 0);
    /* for what is on its way and never acknowledged; no harm on a local socket, which does not know it */
    if (conn->fd >= 0) (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
    apr_thread_mutex_lock(dbpool->mutex);
    conn->next = dbpool->live;
    dbpool->live = conn;
    apr_thread_mutex_unlock(dbpool->mutex);
}

void kr_watch_remove(kr_dbconn_t *conn)
{
    kr_dbpool_t *dbpool = conn->owner;

    apr_thread_mutex_lock(dbpool->mutex);
    for (kr_dbconn_t **at = &dbpool->live; *at; at = &(*at)->next) {
        if (*at != conn) continue;
        *at = conn->next;
        break;
    }
    apr_thread_mutex_unlock(dbpool->mutex);
}

void kr_watch_begin(kr_dbconn_t *conn)
{
    if (!conn->owner->sqlite) apr_atomic_set64(&conn->busy, (apr_uint64_t)kr_clock_ticks());
}

void kr_watch_end(kr_dbconn_t *conn)
{
    if (!conn->owner->sqlite) apr_atomic_set64(&conn->busy, 0);
}

/* -- cutting ---------------------------------------------------------------- */

/* Under the mutex, so that the descriptor is still the connection's. */
static void cut(kr_dbconn_t *conn)
{
    if (conn->fd >= 0) (void)shutdown(conn->fd, SHUT_RDWR);
}

/* How long an answer has been awaited; 0: none is. */
static apr_time_t waits(kr_dbconn_t *conn, apr_time_t now)
{
    apr_time_t since = (apr_time_t)apr_atomic_read64(&conn->busy);

    return since && !conn->patient && now > since ? now - since : 0;
}

static void cut_all(kr_dbwatch_t *watch, kr_dbpool_t *dbpool, kr_dbhost_t *host)
{
    int n = 0;

    apr_thread_mutex_lock(dbpool->mutex);
    kr_host_hangs(host);
    for (kr_dbconn_t *conn = dbpool->live; conn; conn = conn->next) {
        if (conn->host != host || !apr_atomic_read64(&conn->busy)) continue;
        cut(conn);
        n++;
    }
    apr_thread_mutex_unlock(dbpool->mutex);
    kr_log(&watch->k, KR_LOG_ERR, KRLOGNO(0421) "database: %s says nothing any more; %d who waited for it are cut off",
           kr_host_label(watch->k.pool, dbpool, (int)(host - dbpool->host)), n);
}

/* -- one look --------------------------------------------------------------- */

/* Whoever waits too long is cut. @return a host that somebody has been waiting for, long enough to ask whether it is there; or NULL */
static kr_dbhost_t *look(kr_dbwatch_t *watch, kr_dbpool_t *dbpool, int *busy)
{
    apr_time_t now = kr_clock_ticks(), longest = apr_atomic_read32(&watch->hurried) ? SUSPECT_SOON : SUSPECT_AFTER;
    kr_dbhost_t *suspect = NULL;
    int hanging = 0;

    apr_thread_mutex_lock(dbpool->mutex);
    for (kr_dbconn_t *conn = dbpool->live; conn; conn = conn->next) {
        apr_time_t waited = waits(conn, now);

        *busy |= waited > 0;
        hanging += waited >= SUSPECT_AFTER;
        if (waited >= LIMIT) {
            kr_log(&watch->k, KR_LOG_ERR, KRLOGNO(0422) "database: no answer for %d s; the connection is cut", (int)apr_time_sec(waited));
            cut(conn);
        } else if (waited >= longest) {
            longest = waited;
            suspect = conn->host;
        }
    }
    apr_thread_mutex_unlock(dbpool->mutex);
    apr_atomic_set32(&dbpool->stuck, hanging >= dbpool->conf.max);
    return suspect;
}

static int is_silent(kr_dbwatch_t *watch, const kr_dbhost_t *host)
{
    apr_status_t heard = kr_conn_greeting(&watch->k, watch->k.pool, host->params);

    return APR_STATUS_IS_TIMEUP(heard) && !apr_atomic_read32(&watch->stopping);
}

/* Nothing the server says is slow, so a silence means that nobody is there: a good server with slow statements does greet. */
static void ask(kr_dbwatch_t *watch, kr_dbpool_t *dbpool, kr_dbhost_t *host)
{
    if (kr_clock_ticks() - watch->asked < ASKS_AGAIN && !apr_atomic_read32(&watch->hurried)) return;
    if (is_silent(watch, host)) {
        cut_all(watch, dbpool, host);
    } else {
        apr_thread_mutex_lock(dbpool->mutex);
        host->owed = 1;
        apr_thread_mutex_unlock(dbpool->mutex);
    }
    watch->asked = kr_clock_ticks();
}

/* Is one back that hung? Asked here, so that no request has to wait for it. */
static void ask_for_the_lost(kr_dbwatch_t *watch, kr_dbpool_t *dbpool)
{
    for (int i = 0; i < dbpool->nhosts && dbpool->nhosts > 1; i++) {
        kr_dbhost_t *host = &dbpool->host[i];
        int due, silent;

        apr_thread_mutex_lock(dbpool->mutex);
        due = host->down && host->hung && !host->heard && kr_clock_ticks() >= host->retry_at;
        apr_thread_mutex_unlock(dbpool->mutex);
        if (!due) continue;
        silent = is_silent(watch, host);
        apr_thread_mutex_lock(dbpool->mutex);
        if (silent)
            kr_host_hangs(host);
        else
            host->heard = 1;
        apr_thread_mutex_unlock(dbpool->mutex);
    }
}

/* -- the thread -------------------------------------------------------------- */

static int is_stopping(void *baton)
{
    return apr_atomic_read32(&((kr_dbwatch_t *)baton)->stopping) != 0;
}

static apr_interval_time_t pause_of(kr_dbwatch_t *watch, int busy)
{
    return busy || apr_atomic_read32(&watch->hurried) ? LOOKS_BUSY : LOOKS_IDLE;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    kr_dbwatch_t *watch = data;

    (void)thread;
    while (!is_stopping(watch)) {
        int busy = 0;

        for (int i = 0; i < watch->npools && !is_stopping(watch); i++) {
            kr_dbhost_t *suspect = look(watch, watch->dbpool[i], &busy);

            if (suspect) ask(watch, watch->dbpool[i], suspect);
            ask_for_the_lost(watch, watch->dbpool[i]);
        }
        apr_pool_clear(watch->k.pool);
        apr_thread_mutex_lock(watch->mutex);
        if (!is_stopping(watch)) apr_thread_cond_timedwait(watch->wake, watch->mutex, pause_of(watch, busy));
        apr_thread_mutex_unlock(watch->mutex);
    }
    apr_atomic_set32(&watch->ended, 1);
    return NULL;
}

/* Without the mutex: prefork's children stop inside a signal handler. When the signal comes a moment too early, the second is over soon. */
void kr_dbwatch_hurry(kr_dbwatch_t *watch)
{
    apr_atomic_set32(&watch->hurried, 1);
    apr_thread_cond_signal(watch->wake);
}

/* Looking up a host's name may take longer than anybody waits: then the process ends without it, and its memory stays. */
static apr_status_t stop(void *data)
{
    kr_dbwatch_t *watch = data;
    apr_time_t until = kr_clock_ticks() + END_WAIT;
    apr_status_t rv;

    apr_atomic_set32(&watch->stopping, 1);
    while (!apr_atomic_read32(&watch->ended) && kr_clock_ticks() < until) {
        apr_thread_cond_signal(watch->wake);
        apr_sleep(apr_time_from_msec(1));
    }
    if (!apr_atomic_read32(&watch->ended)) {
        for (int i = 0; i < watch->npools; i++) kr_dbpool_abandon(watch->dbpool[i]);
        return APR_SUCCESS;
    }
    apr_thread_join(&rv, watch->thread);
    for (int i = 0; i < watch->npools; i++) watch->dbpool[i]->watched = 0;
    apr_pool_destroy(watch->pool);
    return APR_SUCCESS;
}

static apr_status_t make(kr_dbwatch_t **out, const apr_array_header_t *pools, const kr_ctx_t *k)
{
    apr_pool_t *pool;
    apr_status_t rv = kr_pool_apart(&pool, 0);
    kr_dbwatch_t *watch;

    if (rv != APR_SUCCESS) return rv;
    *out = watch = apr_pcalloc(pool, sizeof(*watch));
    watch->pool = pool;
    watch->dbpool = apr_pcalloc(pool, sizeof(*watch->dbpool) * (apr_size_t)(pools->nelts + 1));
    for (int i = 0; i < pools->nelts; i++) {
        kr_dbpool_t *dbpool = APR_ARRAY_IDX(pools, i, kr_dbpool_t *);
        if (!dbpool->sqlite && dbpool->conns) watch->dbpool[watch->npools++] = dbpool;
    }
    watch->k = *k;
    watch->k.leaving = is_stopping;
    watch->k.leaving_baton = watch;
    apr_pool_create(&watch->k.pool, pool);
    rv = apr_thread_mutex_create(&watch->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    return rv == APR_SUCCESS ? apr_thread_cond_create(&watch->wake, pool) : rv;
}

apr_status_t kr_dbwatch_start(kr_dbwatch_t **out, apr_pool_t *pchild, const apr_array_header_t *pools, const kr_ctx_t *k)
{
    kr_dbwatch_t *watch = NULL;
    apr_status_t rv = make(&watch, pools, k);
    sigset_t all, before;

    *out = NULL;
    if (rv != APR_SUCCESS) return rv;
    if (!watch->npools) {
        apr_pool_destroy(watch->pool);
        return APR_SUCCESS;
    }
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    rv = apr_thread_create(&watch->thread, NULL, run, watch, watch->pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != APR_SUCCESS) return rv;
    for (int i = 0; i < watch->npools; i++) watch->dbpool[i]->watched = 1;
    apr_pool_pre_cleanup_register(pchild, watch, stop);
    *out = watch;
    return APR_SUCCESS;
}
