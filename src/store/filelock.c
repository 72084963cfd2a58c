/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer at a time for a SQLite file. SQLite's own lock would do for correctness, but the driver waits for it in
 * steps of 100 ms while others overtake; queueing here first keeps the tail short.
 *
 * Whoever gives a lock back is the quickest to take it again, and a process with many busy threads would keep it from
 * all others. So there are two: one must have the turn to wait for the lock, and lets the turn go once it has the lock.
 * While one process works, another gets the turn, and with it is the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "kr_clock.h"
#include "kr_crypto.h"
#include "store.h"

/* flock() has no time limit, so it is polled. Who has the turn is the only one who polls for the lock: often. */
#define POLL_FIRST 50
#define POLL_LAST_TURN 1000
#define POLL_LAST_LOCK 100

int kr_file_make(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? apr_pstrndup(pool, path, (apr_size_t)(slash - path) + 1) : ".";
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) return errno == EEXIST ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (geteuid() == 0 && stat(folder, &st) == 0 && st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) != 0) {
        int why = errno;
        close(fd);
        unlink(path);
        errno = why;
        return -1;
    }
    return fd;
}

int kr_file_prepare(apr_pool_t *pool, const char *path)
{
    const char *draft;
    struct stat st;
    int fd, made;

    if (stat(path, &st) == 0) return 1;
    draft = apr_pstrcat(pool, path, ".", kr_random_alnum(pool, 12), NULL);
    fd = kr_file_make(pool, draft);
    if (fd < 0) return 0;
    close(fd);
    made = link(draft, path) == 0 || errno == EEXIST;
    unlink(draft);
    return made;
}

static apr_status_t close_lock(void *data)
{
    kr_filelock_t *lock = data;

    if (lock->fd >= 0) close(lock->fd);
    if (lock->turn >= 0) close(lock->turn);
    lock->fd = lock->turn = -1;
    return APR_SUCCESS;
}

apr_status_t kr_filelock_open(kr_filelock_t *lock, apr_pool_t *pool, const char *path)
{
    apr_status_t rv = apr_thread_mutex_create(&lock->threads, APR_THREAD_MUTEX_TIMED, pool);

    if (rv != APR_SUCCESS) return rv;
    lock->turn = -1;
    lock->fd = kr_file_make(pool, path);
    if (lock->fd < 0) return errno;
    apr_pool_cleanup_register(pool, lock, close_lock, close_lock);
    lock->turn = kr_file_make(pool, apr_pstrcat(pool, path, ".next", NULL));
    return lock->turn < 0 ? errno : APR_SUCCESS;
}

static apr_status_t flock_until(int fd, apr_time_t until, apr_interval_time_t longest)
{
    apr_interval_time_t pause = POLL_FIRST;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return errno;
        if (kr_clock_ticks() >= until) return APR_TIMEUP;
        apr_sleep(pause);
        if (pause < longest) pause *= 2;
    }
    return APR_SUCCESS;
}

apr_status_t kr_filelock_take(kr_filelock_t *lock, apr_time_t wait)
{
    apr_time_t until = kr_clock_ticks() + wait;
    apr_status_t rv = apr_thread_mutex_timedlock(lock->threads, wait);

    if (rv != APR_SUCCESS) return rv;
    rv = flock_until(lock->turn, until, POLL_LAST_TURN);
    if (rv == APR_SUCCESS) {
        rv = flock_until(lock->fd, until, POLL_LAST_LOCK);
        flock(lock->turn, LOCK_UN);
    }
    if (rv != APR_SUCCESS) apr_thread_mutex_unlock(lock->threads);
    return rv;
}

void kr_filelock_give(kr_filelock_t *lock)
{
    flock(lock->fd, LOCK_UN);
    apr_thread_mutex_unlock(lock->threads);
}
