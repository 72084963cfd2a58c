/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are values: NULL is success, everything else travels up to answer.c, which alone turns it into an answer. */
#ifndef KR_ERR_H
#define KR_ERR_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

typedef struct kr_ctx_t kr_ctx_t;
typedef struct kr_err_t kr_err_t;

#define KR_MUST_CHECK __attribute__((warn_unused_result))
/** Of what makes an error: it is one. */
#define KR_NEVER_NULL __attribute__((returns_nonnull))
#define KR_PRINTF(f, a) __attribute__((format(printf, f, a)))

/** What an error asks of answer.c, beyond its status. */
typedef enum {
    KR_ERR_PLAIN,     /* an envelope, or an error page for people; a 400 inside a flow becomes message 4000001 */
    KR_ERR_SHOW_FLOW, /* the messages are on the flow already: show it again */
    KR_ERR_REPLACED   /* another flow took this one's place */
} kr_err_kind_e;

struct kr_err_t {
    kr_err_kind_e kind;
    int status;          /* HTTP status */
    const char *id;      /* Kratos' error id, NULL where Kratos has none */
    const char *message; /* NULL: a fixed sentence for the status */
    const char *reason;  /* lower case, no full stop; may be shown to the client; NULL for none */
    json_t *details;     /* object inside `error`, or NULL; owned by the pool */
    json_t *extra;       /* object whose members stand beside `error`, or NULL; owned by the pool */
    const char *lead_to; /* where people are led instead of being shown the error, or NULL; see kr_err_lead */
    int lead_status;     /* of that redirect */
    int sent_as;         /* status of the answer where clients know it by another one than the body names; 0: `status` */
    apr_status_t cause;  /* what failed below us, APR_SUCCESS when nothing did */
    int retry_after;     /* seconds for Retry-After, 0 for none */
};

/** Return early with the error of `call`, if there is one. The one control-flow macro. */
#define KR_TRY(call)                                                                                                   \
    do {                                                                                                               \
        kr_err_t *err_ = (call);                                                                                       \
        if (err_) return err_;                                                                                         \
    } while (0)

/**
 * Make an error. It lives in k->pool.
 * @param status  HTTP status, 400 to 599
 * @param id      Kratos' error id (static string) or NULL
 * @param fmt     the reason, printf style; NULL for none
 */
kr_err_t *kr_err(kr_ctx_t *k, int status, const char *id, const char *fmt, ...) KR_PRINTF(4, 5) KR_NEVER_NULL;

/** As kr_err, for code that has a pool only (start-up, tools). */
kr_err_t *kr_err_make(apr_pool_t *pool, int status, const char *id, const char *fmt, ...) KR_PRINTF(4, 5) KR_NEVER_NULL;

/**
 * 500 for what an operator must look at. The reason stays generic for the client; `fmt` goes to the log at once.
 * @param cause  the status of what failed below, or APR_SUCCESS
 */
kr_err_t *kr_err_internal(kr_ctx_t *k, apr_status_t cause, const char *fmt, ...) KR_PRINTF(3, 4) KR_NEVER_NULL;

/**
 * 503 with Retry-After: the database is down, or too much is asked of us at once.
 * @param seconds  for Retry-After, at least 1
 */
kr_err_t *kr_err_unavailable(kr_ctx_t *k, int seconds, const char *fmt, ...) KR_PRINTF(3, 4) KR_NEVER_NULL;

/** The flow carries its messages already: show it again (HTTP 400 for programs). */
kr_err_t *kr_err_show_flow(kr_ctx_t *k);

/**
 * Put `value` under `key` into error->details (or, with _extra, beside the error object). Steals the reference.
 * @return the same error, so that calls nest in a return statement
 */
kr_err_t *kr_err_detail(kr_ctx_t *k, kr_err_t *err, const char *key, json_t *value);
/** See kr_err_detail: the member stands beside `error` at the top level of the answer. */
kr_err_t *kr_err_extra(kr_ctx_t *k, kr_err_t *err, const char *key, json_t *value);

/**
 * What is an error to programs is a way on for people: they are led to `url`. (An error with the extra member redirect_browser_to
 * leads them there without this.)
 * @param status  of the redirect, 302 or 303
 * @return the same error
 */
kr_err_t *kr_err_lead(kr_err_t *err, int status, const char *url);

/** The fixed message for an HTTP status ("The requested resource could not be found" and so on). Never NULL. */
const char *kr_err_message(int status);

/** The reason phrase of an HTTP status ("Bad Request"), as Kratos puts it into error.status. Never NULL. */
const char *kr_err_status_text(int status);

#endif
