/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit stream: a file with one line of JSON for each security event, each chained to the one before by a keyed hash. Many processes
 * write it, one line at a time; whoever has the secrets can tell whether a line was changed, taken out, put in or moved. docs/audit.md
 * is the manual.
 */
#ifndef KR_AUDIT_H
#define KR_AUDIT_H

#include <stdio.h>

#include "kr_ctx.h"

/* -- what happened -------------------------------------------------------- */

/** The events, by their stable ids. */
typedef enum {
#define AUDIT_EVENT(id, symbol, name, result) KR_AUDIT_##symbol = (id),
#include "kr_audit_events.h"
#undef AUDIT_EVENT
} kr_audit_e;

/** One event. What is NULL or 0 is not said. No field takes a password, a code or a token. */
typedef struct {
    kr_audit_e what;
    const char *identity_id;
    const char *session_id;    /* that begins, ends, or is proved */
    const char *by_session_id; /* that asks for it, where it is another one */
    const char *flow_id;
    const char *method;        /* how it was proved, or tried */
    const char *aal;           /* of the session */
    const char *identifier;    /* what was typed, or where a code goes: a keyed hash of it is written, unless log.leak_sensitive_values */
    const char *reason;        /* one of our own words: why it failed, or what came of it */
    const char *factor;        /* which kind, and not its secret */
    const char *site;          /* a provider's id, a client's */
    apr_int64_t count;         /* how many it is about */
} kr_audit_t;

/**
 * Write a line, where the realm has a stream. What succeeded is written once the transaction that it is part of is committed (at once
 * outside of one), and never when that is rolled back; what failed is written at once. Never fails and waits half a second at the most:
 * a line that cannot be written is counted, said in the error log once a minute (KR1101), and the next one says how many were lost.
 */
void kr_audit(kr_ctx_t *k, const kr_audit_t *event);

/* -- the stream ----------------------------------------------------------- */

/** A stream as this process, and those forked from it, have it open. */
typedef struct kr_audit_stream_t kr_audit_stream_t;

/** How a stream fares: over all processes forked from the one that opened it. */
typedef struct {
    const char *path;
    apr_uint64_t written, lost; /* lines since it was opened */
} kr_audit_figures_t;

/**
 * Open a file for appending, and FILE.chain beside it, which keeps where the chain stands; both are made when they are missing, for their
 * owner and group alone. To be done before fork, by who may: children need no right to them.
 * @param by   who writes, as lines say it ("kratosctl"); NULL: a server, of which nothing is said
 * @param why  what is wrong, for people
 * @return NULL: it cannot be used
 */
kr_audit_stream_t *kr_audit_open(apr_pool_t *pool, const char *path, const char *by, const char **why);
/** Never NULL's. */
kr_audit_figures_t kr_audit_figures(const kr_audit_stream_t *stream);

/* -- looked at afterwards ------------------------------------------------- */

/** Characters of a hash: HMAC-SHA256 or SHA-256 in base64url. */
#define KR_AUDIT_HASH_LEN 43
/** The longest line, in bytes. */
#define KR_AUDIT_LINE_MAX 8192

/** Where a chain stands. */
typedef struct {
    apr_uint64_t seq;                  /* of its last line; 0: there is none */
    char hash[KR_AUDIT_HASH_LEN + 1];  /* of its last line */
} kr_audit_head_t;

/** A line, read. */
typedef struct {
    apr_uint64_t seq;
    const char *realm, *prev;
    int event;                         /* its id, perhaps of a newer version */
    apr_uint64_t lost, cut;            /* of stream.interrupted */
    char hash[KR_AUDIT_HASH_LEN + 1];
} kr_audit_line_t;

/** Read a line, without its end. @return 0: it is no line of an audit stream */
int kr_audit_line_read(kr_audit_line_t *out, apr_pool_t *pool, const char *text, apr_size_t len);
/** Did one of the realm's secrets make it, as it is? @param text  a line that could be read, of that realm */
int kr_audit_line_holds(apr_pool_t *pool, const kr_realm_t *realm, const char *text, apr_size_t len);

/** What FILE.chain says. */
typedef enum {
    KR_AUDIT_KEPT_NONE,    /* there is none, or it cannot be read */
    KR_AUDIT_KEPT_OTHER,   /* another realm wrote it last: who has not its secrets cannot tell */
    KR_AUDIT_KEPT_CHANGED, /* none of the realm's secrets made it */
    KR_AUDIT_KEPT_GOOD
} kr_audit_kept_e;

/** Where the chain of a file stood when it was last written to. @param head  out: also where it was changed; seq 0 where there is none */
kr_audit_kept_e kr_audit_kept(kr_audit_head_t *head, apr_pool_t *pool, const kr_realm_t *realm, const char *path);

#endif
