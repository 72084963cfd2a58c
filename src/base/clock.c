/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and how tests move the one that is stored. */
#include "kr_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Mutable and for the whole process, as nothing else here is: whoever asks for the time has nothing at hand that could carry it.
 * In earnest nobody writes it: the price is to read a zero.
 */
static int64_t shift;
static int64_t *ahead = &shift;

apr_time_t kr_clock_now(void)
{
    return apr_time_now() + __atomic_load_n(ahead, __ATOMIC_RELAXED);
}

apr_time_t kr_clock_ticks(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return apr_time_from_sec(ts.tv_sec) + ts.tv_nsec / 1000;
}

apr_time_t kr_clock_worked(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return apr_time_from_sec(ts.tv_sec) + ts.tv_nsec / 1000;
}

void kr_clock_shift(apr_time_t by)
{
    __atomic_store_n(&shift, by, __ATOMIC_RELAXED);
}

static apr_status_t unfollow(void *data)
{
    ahead = &shift;
    return munmap(data, sizeof(int64_t)) ? errno : APR_SUCCESS;
}

apr_status_t kr_clock_follow(const char *file, apr_pool_t *pool)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC), failed = errno;
    void *mapped = MAP_FAILED;
    struct stat about;

    if (fd < 0) return failed;
    if (fstat(fd, &about) == 0 && about.st_size < (off_t)sizeof(int64_t))
        failed = APR_EOF; /* reading beyond its end would be the end of the process */
    else if ((mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        failed = errno;
    close(fd);
    if (mapped == MAP_FAILED) return failed;
    ahead = mapped;
    apr_pool_cleanup_register(pool, mapped, unfollow, apr_pool_cleanup_null);
    return APR_SUCCESS;
}
