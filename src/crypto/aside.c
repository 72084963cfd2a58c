/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password hash keeps a core for as long as a hundred other requests take, and there are as many slots as cores: without more ado
 * whoever wants an answer meanwhile waits until the scheduler takes the core away. So it is computed in a thread of lower priority.
 * One for each hash, as making it costs a thousandth of that: a thread may lower its priority, but never raise it again.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "slots.h"

/** Nice: behind the other threads of httpd, before what the machine does when it has nothing else to do. */
#define STANDS_BACK 10
/** ns. Since Linux 6.12 who asks for shorter turns does not wait for the end of a longer one; others take no notice. */
#define LONG_TURN 100000000

/** sched_setattr(2)'s, of its first version: the headers of Linux and of glibc do not go together. */
typedef struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
} attr_t;

typedef struct {
    void (*work)(void *baton);
    void *baton;
} task_t;

/* Of this thread alone, as Linux has it. A wish: what counts is the hash. */
static void stand_back(void)
{
    attr_t attr = { .size = sizeof(attr), .nice = getpriority(PRIO_PROCESS, 0) + STANDS_BACK, .runtime = LONG_TURN };

    if (attr.nice > 19) attr.nice = 19;
    if (syscall(SYS_sched_setattr, 0, &attr, 0)) (void)setpriority(PRIO_PROCESS, 0, attr.nice);
}

static void *run(void *data)
{
    const task_t *task = data;

    stand_back();
    task->work(task->baton);
    return NULL;
}

/* Signals are the business of httpd's threads. */
static int begin(pthread_t *thread, task_t *task)
{
    sigset_t all, before;
    int rv;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(thread, NULL, run, task);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

void kr_hash_aside(void (*work)(void *baton), void *baton)
{
    task_t task = { work, baton };
    pthread_t thread;

    if (begin(&thread, &task)) work(baton);
    else pthread_join(thread, NULL);
}
