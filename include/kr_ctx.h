/* SPDX-License-Identifier: Apache-2.0 */
/* What one piece of work needs. Made per request (or per background job), passed to everything below httpd. */
#ifndef KR_CTX_H
#define KR_CTX_H

#include <apr_pools.h>
#include <apr_time.h>

#include "kr_err.h"

typedef struct kr_realm_t kr_realm_t;
typedef struct kr_dbconn_t kr_dbconn_t;
typedef struct kr_request_t kr_request_t;
typedef struct kr_reply_t kr_reply_t;
typedef struct kr_session_t kr_session_t;
typedef struct kr_found_t kr_found_t;

/** Log levels: the numbers of httpd's APLOG_* and syslog. */
typedef enum { KR_LOG_ERR = 3, KR_LOG_WARNING = 4, KR_LOG_NOTICE = 5, KR_LOG_INFO = 6, KR_LOG_DEBUG = 7 } kr_level_e;

/** For whom an answer is. Found out once, with the route (kr_route_t); a submit to the flow of an app is an app's. */
typedef enum {
    KR_CLIENT_PERSON, /* a browser that shows pages: is led from one to the next */
    KR_CLIENT_SCRIPT, /* a script in a browser: gets JSON, and cookies; a browser is at hand to be led elsewhere */
    KR_CLIENT_NATIVE  /* an app with a flow of its own: gets JSON and tokens, never cookies */
} kr_client_e;

/** Writes one line; `baton` is the logger's own (httpd: the request_rec). */
typedef void kr_log_fn(void *baton, kr_level_e level, const char *line);

struct kr_ctx_t {
    apr_pool_t *pool;           /* all that is made for this piece of work */
    const kr_realm_t *realm;    /* whose settings, keys and rows; NULL only while starting up */
    kr_dbconn_t *db;            /* acquired by the first statement; see kr_db_release */
    apr_time_t now;             /* µs since 1970 UTC; one instant for the whole piece of work */
    const kr_request_t *req;    /* NULL in background jobs */
    kr_reply_t *reply;          /* NULL in background jobs */
    kr_session_t *session;      /* memo of kr_session_current; see kr_session.h */
    struct kr_memo_t *memo;     /* what the connection remembers; NULL: nothing. See kr_session_glance */
    int session_known;          /* 1 once kr_session_current has looked */
    kr_client_e client;         /* for whom the answer is; KR_CLIENT_PERSON outside of the API */
    unsigned method;            /* 1 + kr_method_e of the method that a submit went to, for metrics; 0: none */
    int inside;                 /* 1: the API is asked by the built-in pages (kr_api_call) */
    const kr_found_t *found;    /* what the path means; see kr_route_param */
    unsigned queued;            /* messages queued for the courier: httpd wakes its sender after the answer */
    int saved;                  /* 1 once a transaction was committed: what fails after it did not leave all as it was */
    unsigned statements;        /* how many SQL statements were sent, transactions' own included */
    int (*leaving)(void *baton); /* see kr_leaving; NULL: this work is always waited for */
    void *leaving_baton;
    kr_log_fn *log;
    void *log_baton;
    kr_level_e log_level;       /* lines above this level are not even formatted */
};

/** Is the process leaving, so that nobody needs what this work brings? It gives up waiting for a silent database then. */
int kr_leaving(const kr_ctx_t *k);

/** A log line's number: ours, never reused, listed in docs/log-ids.md. */
#define KRLOGNO(n) "KR" #n ": "

/** Log if the level is on. Object first, ids rather than personal data, never a secret. */
#define kr_log(k, level, ...)                                                                                          \
    do {                                                                                                               \
        if ((level) <= (k)->log_level) kr_log_write((k), (level), __VA_ARGS__);                                        \
    } while (0)

/** Format and write one line; use kr_log, which checks the level first. */
void kr_log_write(kr_ctx_t *k, kr_level_e level, const char *fmt, ...) KR_PRINTF(3, 4);

/**
 * A context for work outside a request (start-up, background, tools, tests): now is the time of the call, lines go
 * to stderr at `level`.
 */
kr_ctx_t *kr_ctx_make(apr_pool_t *pool, const kr_realm_t *realm, kr_level_e level);

#endif
