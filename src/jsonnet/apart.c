/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program runs in a process of its own. The library bounds neither time nor memory, aborts where memory ends and knows
 * no way to be stopped from outside; of a process the kernel bounds both, and its end takes nothing of the server along.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jsonnet.h"
#include "kr_clock.h"
#include "kr_text.h"

#define WALL_MAX (10 * APR_USEC_PER_SEC) /* for what the limit of CPU does not end: a child that waits */

static const char TOO_LONG[] = "takes too long: a program has 2 seconds";
const char kr_jsonnet_busy[] = "waits too long: too many programs run at once";
static const char TOO_MUCH[] = "needs too much memory: a program has 64 MiB";

typedef struct {
    pid_t pid;
    int fd;           /* the pipe's end to read from */
    apr_time_t until; /* by kr_clock_ticks */
    int late;
} child_t;

static int begin(child_t *child, const kr_jsonnet_work_t *work)
{
    sigset_t all, before;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC)) return 0;
    *child = (child_t){ .fd = ends[0], .until = kr_clock_ticks() + WALL_MAX };
    sigfillset(&all); /* so that no handler of the server's runs in the child */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    child->pid = fork();
    if (child->pid == 0) kr_jsonnet_child(ends[1], work);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child->pid < 0) close(ends[0]);
    return child->pid > 0;
}

/* Wait for more from the child. @return whether there is something to read, be it the end */
static int ready(child_t *child)
{
    for (;;) {
        struct pollfd one = { .fd = child->fd, .events = POLLIN };
        apr_time_t left = child->until - kr_clock_ticks();
        int n = left > 0 ? poll(&one, 1, (int)(left / 1000) + 1) : 0;

        if (n > 0) return 1;
        if (n < 0 && errno == EINTR) continue;
        child->late = n == 0;
        return 0;
    }
}

/* @return 0: the child ended before, or was too late */
static int get(child_t *child, void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t n = ready(child) ? read(child->fd, at, len) : 0;

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        at += n;
        len -= (size_t)n;
    }
    return 1;
}

/* By its id: others are httpd's. @return how it ended, as of waitpid */
static int end(const child_t *child, int killed)
{
    int status = 0;

    if (killed) kill(child->pid, SIGKILL);
    close(child->fd);
    while (waitpid(child->pid, &status, 0) < 0) {
        if (errno != EINTR) return 0; /* ECHILD: somebody ignores SIGCHLD, so the kernel has taken it */
    }
    return status;
}

static const char *why_it_died(apr_pool_t *pool, const child_t *child, int status)
{
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (child->late || signal == SIGXCPU) return TOO_LONG;
    if (!signal || signal == SIGABRT || signal == SIGKILL) return TOO_MUCH; /* the last by the kernel's own judgement */
    return apr_psprintf(pool, "ends its process by signal %d", signal);
}

/* "RUNTIME ERROR: what\n\ttrace" -> "what", without controls. */
static const char *first_line(char *said)
{
    static const char *const HEADS[] = { "RUNTIME ERROR: ", "STATIC ERROR: " };
    enum { WHY_MAX = 300 };

    for (int i = 0; i < KR_DIM(HEADS); i++) {
        if (strncmp(said, HEADS[i], strlen(HEADS[i])) == 0) said += strlen(HEADS[i]);
    }
    said[strnlen(said, WHY_MAX)] = '\0';
    said[strcspn(said, "\n")] = '\0';
    for (char *p = said; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    }
    return said;
}

/* @return 1: all of it is there */
static int hear(apr_pool_t *pool, child_t *child, kr_jsonnet_head_t *head, char **said, const char **why)
{
    if (!get(child, head, sizeof(*head))) return 0;
    if (head->len > KR_JSONNET_MAX_OUTPUT) {
        *why = "it makes more than 1 MiB";
        return 1;
    }
    *said = apr_palloc(pool, (apr_size_t)head->len + 1);
    (*said)[head->len] = '\0';
    if (!get(child, *said, head->len)) return 0;
    if (head->failed) *why = first_line(*said);
    return 1;
}

static char *ask_once(apr_pool_t *pool, apr_size_t *len, const kr_jsonnet_work_t *work, const char **why, int *late)
{
    kr_jsonnet_head_t head = { 0 };
    char *said = NULL;
    child_t child;
    int heard, status;

    *why = NULL;
    *late = 0;
    if (!begin(&child, work)) {
        *why = apr_psprintf(pool, "no process can be made for it (errno %d)", errno);
        return NULL;
    }
    heard = hear(pool, &child, &head, &said, why);
    status = end(&child, child.late);
    if (!heard) *why = why_it_died(pool, &child, status);
    *len = head.len;
    *late = child.late;
    return *why ? NULL : said;
}

static char *ask(apr_pool_t *pool, apr_size_t *len, const kr_jsonnet_work_t *work, const char **why)
{
    int late;
    char *said = ask_once(pool, len, work, why, &late);

#ifdef __SANITIZE_ADDRESS__ /* its allocator does not bear forks beside other threads: such a child waits for ever */
    for (int i = 0; late && i < 3; i++) said = ask_once(pool, len, work, why, &late);
#endif
    return said;
}

char *kr_jsonnet_evaluate_apart(apr_pool_t *pool, apr_size_t *len, const kr_jsonnet_work_t *work, const char **why)
{
    char *said;

    if (!kr_jsonnet_take_turn()) {
        *why = kr_jsonnet_busy;
        return NULL;
    }
    said = ask(pool, len, work, why);
    kr_jsonnet_leave_turn();
    return said;
}
