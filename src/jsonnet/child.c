/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process does that was forked for one program.
 *
 * It is a fork of a process with threads: it has this thread alone, and locks that others held stay locked, but for those
 * that fork() looks after: malloc's and the loader's. So it evaluates and writes into a pipe, nothing else; if it waits
 * for a lock after all, its time ends like that of a program that does not stop.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jsonnet.h"

#define CPU_MAX 2 /* seconds, counted by the kernel, so that a busy machine refuses no good program */

/** How much a child may grow, and how exactly that is measured, in bytes. The library takes 10 MiB for itself. */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_MAX ((size_t)512 * 1024 * 1024) /* 256 MiB of what was freed is kept for a while, to catch who uses it */
#else
#define GROWTH_MAX ((size_t)64 * 1024 * 1024)
#endif
#define GRAIN ((size_t)1024 * 1024)

#define SAID_MAX ((apr_size_t)4096) /* of an error message, in bytes */

static void limit(int what, rlim_t to)
{
    struct rlimit now;

    if (getrlimit(what, &now)) return;
    now.rlim_cur = now.rlim_max == RLIM_INFINITY || to < now.rlim_max ? to : now.rlim_max;
    setrlimit(what, &now);
}

static int may_grow(size_t data, size_t by)
{
    void *map;

    limit(RLIMIT_DATA, data);
    map = mmap(NULL, by, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map != MAP_FAILED && munmap(map, by) == 0;
}

/* The limit counts what the server's process has already, a sanitizer's terabytes, too. How much that is needs no /proc,
 * which a server in a chroot has not: the smallest limit that leaves room for so much is looked for. */
static void limit_growth(void)
{
    size_t low = 0, high = (size_t)1 << 47;

    while (high - low > GRAIN) {
        size_t middle = low + (high - low) / 2;

        if (may_grow(middle, GROWTH_MAX))
            high = middle;
        else
            low = middle;
    }
    limit(RLIMIT_DATA, high);
}

/* All that the server wants to know by signals is the server's. They are blocked until here. */
static void forget_signals(void)
{
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int i = 1; i < NSIG; i++) sigaction(i, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only the pipe stays: listening sockets must not outlive the server, nor does std.trace write into its log. */
static int keep_one(int fd)
{
    enum { KEPT = 3 };

    if (fd != KEPT && dup2(fd, KEPT) < 0) _exit(1);
    closefrom(KEPT + 1);
    for (int i = 0; i < KEPT; i++) close(i);
    return KEPT;
}

static void put(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);
        at += n;
        len -= (size_t)n;
    }
}

static void tell(int fd, int failed, const char *said)
{
    size_t len = failed ? strnlen(said, SAID_MAX) : strlen(said);
    kr_jsonnet_head_t head = { (apr_uint32_t)failed, len > KR_JSONNET_MAX_OUTPUT ? UINT32_MAX : (apr_uint32_t)len };

    put(fd, &head, sizeof(head));
    if (head.len != UINT32_MAX) put(fd, said, len);
}

void kr_jsonnet_child(int fd, const kr_jsonnet_work_t *work)
{
    const char *said;
    int failed;

    fd = keep_one(fd);
    forget_signals();
    limit(RLIMIT_CORE, 0); /* it would hold what the server knows */
    limit(RLIMIT_CPU, CPU_MAX);
    limit_growth();
    said = kr_jsonnet_evaluate(&failed, work);
    if (!said) _exit(1);
    tell(fd, failed, said);
    _exit(0); /* whatever else was to be done at exit is the server's */
}
