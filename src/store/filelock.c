/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer at a time for a SQLite file. SQLite's own lock would do for correctness, but the driver waits for it in
 * steps of 100 ms while others overtake; queueing here first keeps the tail short.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "room.h"

/* flock() has no time limit, so it is polled: from 50 µs up to 1 ms apart. */
#define POLL_FIRST 50
#define POLL_LAST 1000

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

static apr_status_t close_lock(void *data)
{
    kr_filelock_t *lock = data;

    if (lock->fd >= 0) close(lock->fd);
    lock->fd = -1;
    return APR_SUCCESS;
}

apr_status_t kr_filelock_open(kr_filelock_t *lock, apr_pool_t *pool, const char *path)
{
    apr_status_t rv = apr_thread_mutex_create(&lock->threads, APR_THREAD_MUTEX_TIMED, pool);

    if (rv != APR_SUCCESS) return rv;
    lock->fd = kr_file_make(pool, path);
    if (lock->fd < 0) return errno;
    apr_pool_cleanup_register(pool, lock, close_lock, close_lock);
    return APR_SUCCESS;
}

apr_status_t kr_filelock_take(kr_filelock_t *lock, apr_time_t wait)
{
    apr_time_t until = apr_time_now() + wait;
    apr_interval_time_t pause = POLL_FIRST;
    apr_status_t rv = apr_thread_mutex_timedlock(lock->threads, wait);

    if (rv != APR_SUCCESS) return rv;
    while (flock(lock->fd, LOCK_EX | LOCK_NB) != 0) {
        rv = errno == EWOULDBLOCK || errno == EINTR ? APR_SUCCESS : errno;
        if (rv == APR_SUCCESS && apr_time_now() >= until) rv = APR_TIMEUP;
        if (rv != APR_SUCCESS) {
            apr_thread_mutex_unlock(lock->threads);
            return rv;
        }
        apr_sleep(pause);
        if (pause < POLL_LAST) pause *= 2;
    }
    return APR_SUCCESS;
}

void kr_filelock_give(kr_filelock_t *lock)
{
    flock(lock->fd, LOCK_UN);
    apr_thread_mutex_unlock(lock->threads);
}
