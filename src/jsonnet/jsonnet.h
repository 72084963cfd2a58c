/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef KR_JSONNET_JSONNET_H
#define KR_JSONNET_JSONNET_H

#include "kr_jsonnet.h"

/** What a program may make: bytes of JSON. */
#define KR_JSONNET_MAX_OUTPUT ((apr_size_t)1024 * 1024)

/** What is evaluated: borrowed texts. */
typedef struct {
    const char *name; /* for messages */
    const char *text;
    const char *ctx;  /* JSON text of the function's argument, or NULL: it is no function */
} kr_jsonnet_work_t;

/**
 * Evaluate, here and without limits but that of depth: for a process that does nothing else and ends afterwards, as
 * nothing is given back. Uses no pool, nor anything that another thread may have held when the process was forked.
 * @param failed  whether it returns what went wrong
 * @return JSON or what went wrong; NULL: out of memory
 */
const char *kr_jsonnet_evaluate(int *failed, const kr_jsonnet_work_t *work);

/** What comes through the pipe from a child first. */
typedef struct {
    apr_uint32_t failed; /* what follows is what went wrong */
    apr_uint32_t len;    /* bytes that follow; when it is more than a program may make, none does */
} kr_jsonnet_head_t;

/** Be the child that was forked for a program: with limits, evaluate, write head and text into `fd`, end. Signals are blocked. */
void kr_jsonnet_child(int fd, const kr_jsonnet_work_t *work) __attribute__((noreturn));

/** Wait for a turn, in the order of coming. @return 0: it took too long, and there is none to leave */
int kr_jsonnet_take_turn(void);
void kr_jsonnet_leave_turn(void);

/**
 * Evaluate in a process of its own, with limits of time, memory and output, and wait for it.
 * @return the JSON text, `len` bytes, NUL-terminated, in the pool; NULL with *why, one line
 */
char *kr_jsonnet_evaluate_apart(apr_pool_t *pool, apr_size_t *len, const kr_jsonnet_work_t *work, const char **why);

#endif
