/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about web hooks share. */
#ifndef KR_HOOK_WEB_HOOK_H
#define KR_HOOK_WEB_HOOK_H

#include "hook.h"

/* -- web_hook_context.c ----------------------------------------------------- */

/** What its program is told, `ctx`: the flow as the API shows it, whose account, which session, which request. Pool-owned. */
json_t *kr_web_hook_context(kr_ctx_t *k, const kr_after_flow_t *after, kr_phase_e phase);

/* -- web_hook_call.c -------------------------------------------------------- */

/** What came back. */
typedef struct {
    int cancelled;        /* 1: its program said that nobody is to be called */
    int reached;          /* 1: the request went out, in part at least; set on failure too */
    int status;
    const char *body;     /* where it is parsed */
    apr_size_t len;
} kr_web_hook_reply_t;

/** A call that is to be made. */
typedef struct {
    const kr_web_hook_conf_t *hook;
    const json_t *ctx;    /* what its program is told */
    const char *trigger;  /* an id that it has, however often it is made */
    int tries;
    const kr_outbox_worker_t *worker; /* of the outbox; NULL: a request waits for the answer */
} kr_web_hook_asked_t;

/**
 * Make the body and the call, again where that may help, all of it within the time that the settings give it. The connection to the
 * database is given back before.
 * @return 503 when so many requests wait for web hooks that this one must not; 502 upstream_error when there is no usable answer, 504 when there is none in time, 500 when its program fails
 */
kr_err_t *kr_web_hook_call(kr_web_hook_reply_t *out, kr_ctx_t *k, const kr_web_hook_asked_t *asked) KR_MUST_CHECK;

/** May its answer stop a flow, or change an account? */
int kr_web_hook_parses(const kr_web_hook_conf_t *hook);
/** How it is named in the log: its id, or its place in the settings. */
const char *kr_web_hook_name(const kr_web_hook_conf_t *hook);

/* -- web_hook_send.c ---------------------------------------------------------- */

/** Calls that nobody waits for, as the outbox makes them. */
extern const kr_sender_t kr_sender_web_hook;

/* -- web_hook_answer.c ------------------------------------------------------ */

/** Longest answer that is read, in bytes. */
#define KR_WEB_HOOK_MAX ((apr_size_t)5 * 1024 * 1024)

/** A message for a node. */
typedef struct {
    const char *node;     /* its name; "": the flow itself */
    json_t *message;      /* {id,text,type[,context]} */
} kr_web_hook_message_t;

/** An answer that was understood. */
typedef struct {
    json_t *identity;     /* members that replace those of the account; NULL: nothing does */
    const apr_array_header_t *messages; /* of kr_web_hook_message_t: it says no; NULL: it does not */
} kr_web_hook_answer_t;

/**
 * Read an answer that is parsed. Everything in it is of a type that can be used, and of bounded size; whether it holds for the account is
 * another question.
 * @return what is wrong with it, in words for the log; or NULL
 */
const char *kr_web_hook_read(kr_web_hook_answer_t *out, apr_pool_t *pool, int status, const char *body, apr_size_t len);

/* -- web_hook_change.c ------------------------------------------------------ */

/**
 * Put the members of an answer in the place of those of an account that is to be written, and what follows from them: it is as valid as
 * what anybody sends, or there are messages on the flow.
 * @param identity  of kr_web_hook_answer_t
 * @return kr_err_show_flow; 500 where it names a schema that there is none of
 */
kr_err_t *kr_web_hook_change(kr_ctx_t *k, kr_flow_t *flow, kr_identity_t *self, const json_t *identity) KR_MUST_CHECK;

/** The same to look at: nothing of it is stored, so nothing follows from it. @return a copy */
kr_identity_t *kr_web_hook_pretend(kr_ctx_t *k, const kr_identity_t *self, const json_t *identity);

#endif
