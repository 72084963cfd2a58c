/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values: how they are made, and the fixed words that go with a status. */
#include "kr_err.h"

#include <stdarg.h>

#include <apr_strings.h>

#include "kr_ctx.h"
#include "kr_json.h"
#include "printf.h"

static const struct {
    int status;
    const char *text;    /* the reason phrase, as Go's http.StatusText spells it: clients see it in error.status */
    const char *message; /* ours; NULL for the sentence of the class */
} STATUSES[] = {
    { 200, "OK", NULL },
    { 201, "Created", NULL },
    { 202, "Accepted", NULL },
    { 204, "No Content", NULL },
    { 301, "Moved Permanently", NULL },
    { 302, "Found", NULL },
    { 303, "See Other", NULL },
    { 304, "Not Modified", NULL },
    { 307, "Temporary Redirect", NULL },
    { 308, "Permanent Redirect", NULL },
    { 400, "Bad Request", "The request is malformed or holds values that are not valid" },
    { 401, "Unauthorized", "This needs a valid session, and the request has none" },
    { 402, "Payment Required", NULL },
    { 403, "Forbidden", "This action is not allowed" },
    { 404, "Not Found", "What was asked for does not exist" },
    { 405, "Method Not Allowed", "This address does not take that HTTP method" },
    { 406, "Not Acceptable", "No form of this answer fits the Accept header" },
    { 408, "Request Timeout", "The request took too long to arrive" },
    { 409, "Conflict", "The request collides with what is stored already" },
    { 410, "Gone", "What was asked for is no longer there" },
    { 411, "Length Required", NULL },
    { 412, "Precondition Failed", NULL },
    { 413, "Request Entity Too Large", "The request is too large" },
    { 414, "Request URI Too Long", "The address is too long" },
    { 415, "Unsupported Media Type", "The request's content type is not known here" },
    { 417, "Expectation Failed", NULL },
    { 421, "Misdirected Request", NULL },
    { 422, "Unprocessable Entity", "The browser has to go to another page to go on" },
    { 423, "Locked", NULL },
    { 424, "Failed Dependency", NULL },
    { 425, "Too Early", NULL },
    { 426, "Upgrade Required", NULL },
    { 428, "Precondition Required", NULL },
    { 429, "Too Many Requests", "Too many attempts; try again later" },
    { 431, "Request Header Fields Too Large", NULL },
    { 451, "Unavailable For Legal Reasons", NULL },
    { 500, "Internal Server Error", "The server ran into an error of its own" },
    { 501, "Not Implemented", "This server does not offer that yet" },
    { 502, "Bad Gateway", "A service that this server relies on gave no usable answer" },
    { 503, "Service Unavailable", "The service cannot answer right now; try again soon" },
    { 504, "Gateway Timeout", "A service that this server relies on did not answer in time" },
    { 507, "Insufficient Storage", NULL },
};

static kr_err_t *make(apr_pool_t *pool, int status, const char *id, const char *reason)
{
    kr_err_t *err = apr_pcalloc(pool, sizeof(*err));

    err->kind = KR_ERR_PLAIN;
    err->status = status;
    err->id = id;
    err->reason = reason;
    return err;
}

kr_err_t *kr_err(kr_ctx_t *k, int status, const char *id, const char *fmt, ...)
{
    const char *reason = NULL;
    va_list args;

    if (fmt) {
        va_start(args, fmt);
        reason = kr_vprintf(k->pool, fmt, args);
        va_end(args);
    }
    return make(k->pool, status, id, reason);
}

kr_err_t *kr_err_make(apr_pool_t *pool, int status, const char *id, const char *fmt, ...)
{
    const char *reason = NULL;
    va_list args;

    if (fmt) {
        va_start(args, fmt);
        reason = kr_vprintf(pool, fmt, args);
        va_end(args);
    }
    return make(pool, status, id, reason);
}

kr_err_t *kr_err_internal(kr_ctx_t *k, apr_status_t cause, const char *fmt, ...)
{
    kr_err_t *err = make(k->pool, 500, NULL, "the server's log has the details");
    char why[200];
    va_list args;

    va_start(args, fmt);
    if (cause == APR_SUCCESS) {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0001) "%s", kr_vprintf(k->pool, fmt, args));
    } else {
        kr_log(k, KR_LOG_ERR, KRLOGNO(0001) "%s: (%d) %s", kr_vprintf(k->pool, fmt, args), cause,
               apr_strerror(cause, why, sizeof(why)));
    }
    va_end(args);
    err->cause = cause;
    return err;
}

kr_err_t *kr_err_unavailable(kr_ctx_t *k, int seconds, const char *fmt, ...)
{
    kr_err_t *err;
    const char *reason = NULL;
    va_list args;

    if (fmt) {
        va_start(args, fmt);
        reason = kr_vprintf(k->pool, fmt, args);
        va_end(args);
        if (k->saved) reason = apr_pstrcat(k->pool, reason, ", and what came before it may be saved, or not", NULL);
    }
    err = make(k->pool, 503, NULL, reason);
    err->retry_after = seconds > 1 ? seconds : 1;
    return err;
}

kr_err_t *kr_err_show_flow(kr_ctx_t *k)
{
    kr_err_t *err = make(k->pool, 400, NULL, NULL);

    err->kind = KR_ERR_SHOW_FLOW;
    return err;
}

static void put(apr_pool_t *pool, json_t **object, const char *key, json_t *value)
{
    if (!*object) *object = kr_json_own(pool, json_object());
    json_object_set_new(*object, key, value);
}

kr_err_t *kr_err_detail(kr_ctx_t *k, kr_err_t *err, const char *key, json_t *value)
{
    put(k->pool, &err->details, key, value);
    return err;
}

kr_err_t *kr_err_extra(kr_ctx_t *k, kr_err_t *err, const char *key, json_t *value)
{
    put(k->pool, &err->extra, key, value);
    return err;
}

kr_err_t *kr_err_lead(kr_err_t *err, int status, const char *url)
{
    err->lead_to = url;
    err->lead_status = status;
    return err;
}

const char *kr_err_message(int status)
{
    for (size_t i = 0; i < sizeof(STATUSES) / sizeof(STATUSES[0]); i++) {
        if (STATUSES[i].status == status && STATUSES[i].message) return STATUSES[i].message;
    }
    return status < 500 ? "The request could not be carried out" : "The server could not carry out the request";
}

const char *kr_err_status_text(int status)
{
    for (size_t i = 0; i < sizeof(STATUSES) / sizeof(STATUSES[0]); i++) {
        if (STATUSES[i].status == status) return STATUSES[i].text;
    }
    return "Unknown";
}
