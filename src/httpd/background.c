/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each child's own threads, for what no request waits for: one for jobs and mail, one for jobs that must not wait for either, and one for web
 * hooks, as somebody else's server must not keep a mail waiting. Not mod_watchdog: an idle child would exit in the middle of
 * its callback, and its singleton is none across a graceful restart. Whatever runs here may run in many processes at
 * once.
 */
#include "background.h"

#include <apr_atomic.h>
#include <apr_thread_cond.h>
#include <apr_thread_proc.h>
#include <mpm_common.h>
#include <signal.h>

#include "kr_clock.h"
#include "kr_crypto.h"
#include "kr_db.h"
#include "kr_memory.h"

/** One of a child's own threads. */
typedef struct {
    apr_pool_t *pool; /* apart from the child's, which other threads allocate from; this record lies in it */
    server_rec *server;
    kr_site_t *site;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *wake;
    apr_uint32_t leaving;  /* atomic: a graceful end; no work but for those who are still connected */
    apr_uint32_t stopping; /* atomic */
    apr_uint32_t ended;    /* atomic */
    int woken;             /* under the mutex */
    const kr_job_t *jobs;
    apr_time_t *due;       /* when each is to be done next */
    int njobs;
    struct kr_background_t *all;
    int apart;             /* of the jobs only those that are */
    kr_postbags_t *postbags; /* NULL: it sends nothing */
} worker_t;

/** All of them: one for each lane of the outbox, those that have nothing to do left out, and one for jobs that wait for none of these. */
#define APART KR_LANES
#define WORKERS (KR_LANES + 1)

typedef struct kr_background_t {
    worker_t *worker[WORKERS];
    apr_time_t until;      /* how long their end is waited for, by kr_clock_ticks; 0: nobody waits yet */
} kr_background_t;

static int is_stopping(void *baton)
{
    worker_t *bg = baton;

    return apr_atomic_read32(&bg->stopping) != 0;
}

static int is_leaving(void *baton)
{
    worker_t *bg = baton;

    return is_stopping(bg) || apr_atomic_read32(&bg->leaving) != 0;
}

/* -- the work ------------------------------------------------------------- */

/* What a process that leaves has no use for breaks off. All else, above all the mark of a message that was sent, is finished. */
static kr_ctx_t *ctx_for(worker_t *bg, apr_pool_t *pool, const kr_realm_t *realm, int breaks_off)
{
    kr_ctx_t *k = kr_server_ctx(pool, bg->server, realm);

    if (breaks_off) {
        k->leaving = is_leaving;
        k->leaving_baton = bg;
    }
    return k;
}

/* Servers are looked at here for the first time, at once: requests wait for it. */
static void look_first(worker_t *bg)
{
    for (int i = 0; i < bg->site->databases->nelts && !is_stopping(bg); i++) {
        kr_database_t *database = APR_ARRAY_IDX(bg->site->databases, i, kr_database_t *);
        apr_pool_t *pool;

        apr_pool_create(&pool, bg->pool);
        kr_database_look(database, ctx_for(bg, pool, database->realm, 1), bg->server);
        apr_pool_destroy(pool);
    }
}

/* -- the thread ----------------------------------------------------------- */

/* A second's sleep, or less when there is mail to send, work to go on with, or it is time to go. @return 0 then */
static int sleep_a_while(worker_t *bg, int *woken, apr_interval_time_t pause)
{
    if (pause > apr_time_from_sec(1)) pause = apr_time_from_sec(1);
    apr_thread_mutex_lock(bg->mutex);
    if (!is_stopping(bg) && !bg->woken) apr_thread_cond_timedwait(bg->wake, bg->mutex, pause);
    *woken = bg->woken;
    bg->woken = 0;
    apr_thread_mutex_unlock(bg->mutex);
    return !is_stopping(bg);
}

/* @return after how many µs there is more to do; 0: when its time comes */
static apr_interval_time_t run_job(worker_t *bg, const kr_job_t *job)
{
    apr_interval_time_t again = 0;

    for (int i = 0; i < bg->site->databases->nelts && !is_stopping(bg); i++) {
        kr_database_t *database = APR_ARRAY_IDX(bg->site->databases, i, kr_database_t *);
        apr_interval_time_t more;
        apr_pool_t *pool;

        apr_pool_create(&pool, bg->pool);
        more = job->run(database, ctx_for(bg, pool, database->realm, job->breaks_off), bg->server);
        apr_pool_destroy(pool);
        if (more && (!again || more < again)) again = more;
    }
    return again;
}

/* Those that are due. @return how long to sleep */
static apr_interval_time_t run_jobs(worker_t *bg)
{
    apr_interval_time_t pause = apr_time_from_sec(1);

    for (int i = 0; i < bg->njobs; i++) {
        const kr_job_t *job = &bg->jobs[i];
        apr_interval_time_t again;

        if (job->apart != bg->apart || bg->due[i] > kr_clock_ticks() || (is_leaving(bg) && !job->to_the_end)) continue;
        again = run_job(bg, job);
        bg->due[i] = kr_clock_ticks() + (again ? again : apr_time_from_sec(job->every));
        if (again && again < pause) pause = again;
    }
    return pause;
}

/* Children start together; their work must not. */
static void cast_dice(worker_t *bg)
{
    for (int i = 0; i < bg->njobs; i++) {
        unsigned char dice;

        kr_random(&dice, sizeof(dice));
        bg->due[i] = kr_clock_ticks() + apr_time_from_sec(bg->jobs[i].every) * dice / 255;
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    worker_t *bg = data;
    apr_interval_time_t pause = apr_time_from_sec(1);
    int woken;

    (void)thread;
    if (bg->njobs) look_first(bg);
    cast_dice(bg);
    while (sleep_a_while(bg, &woken, pause)) {
        if (bg->postbags) kr_postbags_send(bg->postbags, woken);
        pause = run_jobs(bg);
    }
    apr_atomic_set32(&bg->ended, 1);
    return NULL;
}

/* -- its life ------------------------------------------------------------- */

static kr_background_t *background_of(apr_pool_t *pchild)
{
    void *bg = NULL;

    apr_pool_userdata_get(&bg, "kratos-background", pchild);
    return bg;
}

/* Without the mutex: prefork's children stop inside a signal handler, and what it interrupted may hold that. */
static void tell(worker_t *bg, apr_uint32_t *what)
{
    apr_atomic_set32(what, 1);
    apr_thread_cond_signal(bg->wake); /* when that comes a moment too early, the second's sleep ends by itself */
}

/* Longer than a letter that is just being handed over needs to be given up; then httpd kills what is left anyway. */
#define END_WAIT apr_time_from_sec(5)
#define END_PAUSE apr_time_from_msec(5)

/* They may all hang, and are waited for together. */
static void stop_all(kr_background_t *all)
{
    if (all->until) return;
    all->until = kr_clock_ticks() + END_WAIT;
    for (int i = 0; i < WORKERS; i++)
        if (all->worker[i]) tell(all->worker[i], &all->worker[i]->stopping);
}

/*
 * Before anything of the child's pool goes: the thread uses it. One that hangs (a database that fell silent in the
 * middle of a statement) keeps its memory until the process is gone, which is at once.
 */
static apr_status_t wait_for_end(void *data)
{
    worker_t *bg = data;
    apr_status_t rv;

    bg->site->background = NULL;
    stop_all(bg->all);
    while (!apr_atomic_read32(&bg->ended) && kr_clock_ticks() < bg->all->until) apr_sleep(END_PAUSE);
    if (apr_atomic_read32(&bg->ended)) {
        apr_thread_join(&rv, bg->thread);
        apr_pool_destroy(bg->pool);
        return APR_SUCCESS;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, bg->server,
                 KRLOGNO(1233) "the background thread hangs; the process ends without it");
    for (int i = 0; i < bg->site->databases->nelts; i++)
        kr_dbpool_abandon(APR_ARRAY_IDX(bg->site->databases, i, kr_database_t *)->pool);
    return APR_SUCCESS;
}

/* Signals are the main thread's: with the prefork MPM this thread would else run httpd's handler, and wait for itself.
 */
static apr_status_t start_thread(worker_t *bg)
{
    sigset_t all, before;
    apr_status_t rv;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    rv = ap_thread_create(&bg->thread, NULL, run, bg, bg->pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

static apr_status_t make_worker(worker_t **out, server_rec *s, int which, const kr_job_t *jobs, int njobs)
{
    worker_t *bg;
    apr_pool_t *pool;
    apr_status_t rv = kr_pool_apart(&pool, 0);

    if (rv != APR_SUCCESS) return rv;
    *out = bg = apr_pcalloc(pool, sizeof(*bg));
    bg->pool = pool;
    bg->server = s;
    bg->site = kr_host_of(s)->site;
    bg->jobs = jobs;
    bg->njobs = njobs;
    bg->due = apr_pcalloc(pool, sizeof(*bg->due) * (apr_size_t)(njobs + 1));
    bg->apart = which == APART;
    if (!bg->apart) bg->postbags = kr_postbags_make(pool, s, &kr_lanes[which], is_leaving, bg);
    rv = apr_thread_mutex_create(&bg->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    return rv == APR_SUCCESS ? apr_thread_cond_create(&bg->wake, pool) : rv;
}

static const char *const MISSED[WORKERS] = {
    [KR_LANE_MESSAGES] = "no mail is sent, nothing cleans up",
    [KR_LANE_WEB_HOOKS] = "web hooks that nobody waits for are not called",
    [APART] = "no sessions are remembered, upgraded connections are not looked after",
};

static void start_worker(kr_background_t *all, int which, apr_pool_t *pchild, server_rec *s, const kr_job_t *jobs, int njobs)
{
    worker_t *bg = NULL;
    apr_status_t rv = make_worker(&bg, s, which, jobs, njobs);

    if (rv == APR_SUCCESS) rv = start_thread(bg);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, KRLOGNO(1232) "a background thread cannot start: %s", MISSED[which]);
        return;
    }
    bg->all = all;
    all->worker[which] = bg;
    apr_pool_pre_cleanup_register(pchild, bg, wait_for_end);
}

void kr_background_start(apr_pool_t *pchild, server_rec *s, const kr_job_t *jobs, int njobs)
{
    kr_site_t *site = kr_host_of(s)->site;
    kr_background_t *all = apr_pcalloc(pchild, sizeof(*all));

    if (site->databases->nelts == 0) return;
    start_worker(all, KR_LANE_MESSAGES, pchild, s, jobs, njobs);
    start_worker(all, APART, pchild, s, jobs, njobs);
    if (kr_postbags_any(s, &kr_lanes[KR_LANE_WEB_HOOKS])) start_worker(all, KR_LANE_WEB_HOOKS, pchild, s, NULL, 0);
    apr_pool_userdata_setn(all, "kratos-background", NULL, pchild);
    site->background = all; /* before any request */
}

void kr_background_stop(apr_pool_t *pchild, int graceful)
{
    kr_background_t *all = background_of(pchild);

    for (int i = 0; all && i < WORKERS; i++)
        if (all->worker[i]) tell(all->worker[i], graceful ? &all->worker[i]->leaving : &all->worker[i]->stopping);
}

static void wake(worker_t *bg)
{
    apr_thread_mutex_lock(bg->mutex);
    bg->woken = 1;
    apr_thread_cond_signal(bg->wake);
    apr_thread_mutex_unlock(bg->mutex);
}

void kr_background_wake(server_rec *s)
{
    kr_background_t *all = kr_host_of(s)->site->background;

    for (int i = 0; all && i < KR_LANES; i++)
        if (all->worker[i]) wake(all->worker[i]);
}
