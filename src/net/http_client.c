/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows libcurl's easy interface for HTTP: every call has a time limit and a size limit. */
#include <apr_strings.h>
#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guard.h"
#include "kr_clock.h"

#define DEFAULT_TIMEOUT apr_time_from_sec(5)
#define DEFAULT_MAX_BYTES ((apr_size_t)1024 * 1024)
#define FIRST_CHUNK ((apr_size_t)4096)
/* Of a body that nobody reads: enough to end most answers in peace. */
#define UNWANTED_MAX ((apr_size_t)64 * 1024)
#define UNWANTED_TIME apr_time_from_sec(1)

/* One call under way. The pool owns `curl` and `headers`. */
typedef struct {
    apr_pool_t *pool;
    CURL *curl;
    struct curl_slist *headers;
    int headers_failed;
    char *body;
    apr_size_t len;
    apr_size_t room; /* allocated for body, the final NUL included */
    apr_size_t max_bytes;
    int too_large;
    int refused; /* an address of it is in a private network */
    const kr_net_request_t *req;
    apr_time_t body_began;
    int head_whole;
} call_t;

void kr_net_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static apr_status_t release(void *baton)
{
    call_t *call = baton;

    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    return APR_SUCCESS;
}

static int has_control_byte(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) return 1;
    }
    return 0;
}

/* A line break in a value would begin a header of its own: curl sends what it is given. */
static int add_header(void *baton, const char *name, const char *value)
{
    call_t *call = baton;
    struct curl_slist *longer;
    /* curl sends an empty header for "Name;" and removes its own for "Name:". */
    const char *line = apr_pstrcat(call->pool, name, value[0] ? ": " : ";", value, NULL);

    longer = has_control_byte(line) ? NULL : curl_slist_append(call->headers, line);
    if (longer) {
        call->headers = longer;
    } else {
        call->headers_failed = 1;
    }
    return longer != NULL;
}

static void grow(call_t *call, apr_size_t needed)
{
    apr_size_t room = call->room ? 2 * call->room : FIRST_CHUNK;
    char *larger;

    if (needed <= call->room) return;
    if (room < needed) room = needed;
    larger = apr_palloc(call->pool, room);
    if (call->len) memcpy(larger, call->body, call->len);
    call->body = larger;
    call->room = room;
}

/* curl's write callback: anything but `len` as the answer ends the call. */
static size_t take(char *data, size_t size, size_t count, void *baton)
{
    call_t *call = baton;
    size_t len = size * count;

    if (call->req->status_only) {
        if (!call->body_began) call->body_began = kr_clock_ticks();
        call->len += len;
        return call->len > UNWANTED_MAX || kr_clock_ticks() - call->body_began > UNWANTED_TIME ? 0 : len;
    }
    if (len > call->max_bytes - call->len) {
        call->too_large = 1;
        return 0;
    }
    grow(call, call->len + len + 1);
    memcpy(call->body + call->len, data, len);
    call->len += len;
    return len;
}

/* curl's header callback: each line by itself, of interim answers too. The empty one ends a head. */
static size_t see_header(char *line, size_t size, size_t count, void *baton)
{
    call_t *call = baton;

    call->head_whole = size * count == 2 && line[0] == '\r';
    return size * count;
}

static int has_scheme(const char *url)
{
    return !strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8);
}

static int carries_body(const char *method)
{
    return !strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH");
}

static void set_method(CURL *curl, const kr_net_request_t *req)
{
    const char *method = req->method ? req->method : "GET";

    if (req->body || carries_body(method)) { /* an empty body too: servers want its Content-Length */
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(req->body ? req->body_len : 0));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, req->body ? req->body : "");
    } else if (!strcmp(method, "HEAD")) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    if (strcmp(method, "HEAD") != 0) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

/* Once the request is out, only its answer tells what became of it. */
static int progress(void *baton, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const call_t *call = baton;
    long sent = 0;

    (void)a, (void)b, (void)c, (void)d;
    curl_easy_getinfo(call->curl, CURLINFO_REQUEST_SIZE, &sent);
    return sent == 0 && call->req->stopping(call->req->baton);
}

static void set_stopping(call_t *call)
{
    if (!call->req->stopping) return;
    curl_easy_setopt(call->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(call->curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(call->curl, CURLOPT_XFERINFODATA, call);
}

/* As OpenSSL's own programs have it. Proxies libcurl finds in the environment by itself. */
static void set_authorities(CURL *curl)
{
    const char *file = getenv("SSL_CERT_FILE");

    if (file && *file) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
}

static void set_limits(CURL *curl, const kr_net_request_t *req, call_t *call)
{
    long ms = (long)apr_time_as_msec(req->timeout > 0 ? req->timeout : DEFAULT_TIMEOUT);

    if (ms < 2) ms = 2; /* 0 would mean no limit to curl */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms / 2);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* signals and threads do not mix */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect could lead into the inner network */
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, see_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
}

/* "Expect: 100-continue" costs a second wherever the other side does not know it. */
static int set_headers(const kr_net_request_t *req, call_t *call)
{
    call->headers = curl_slist_append(NULL, "Expect:");
    if (!call->headers) return 0;
    if (req->headers) apr_table_do(add_header, call, req->headers, NULL);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    return !call->headers_failed;
}

/* The host only: paths and queries carry keys and addresses, which have no place in a log. */
static const char *host_of(apr_pool_t *pool, const char *url)
{
    const char *host = url ? strstr(url, "://") : NULL;
    const char *at;
    apr_size_t len;

    if (!host) return "(no host)";
    host += 3;
    len = strcspn(host, "/?#");
    at = memchr(host, '@', len);
    if (at) {
        len -= (apr_size_t)(at + 1 - host);
        host = at + 1;
    }
    return apr_pstrmemdup(pool, host, len);
}

static kr_err_t *failed(kr_ctx_t *k, const kr_net_request_t *req, const char *why)
{
    /* The client learns neither the host nor the cause: both say what our inner network looks like. */
    kr_log(k, KR_LOG_WARNING, KRLOGNO(0201) "call to %s: %s", host_of(k->pool, req->url), why);
    return kr_err(k, 502, "upstream_error", "a service that this server calls gave no usable answer");
}

static call_t *make_call(apr_pool_t *pool, const kr_net_request_t *req)
{
    call_t *call = apr_pcalloc(pool, sizeof(*call));

    call->curl = curl_easy_init();
    if (!call->curl) return NULL;
    call->pool = pool;
    call->req = req;
    call->max_bytes = req->max_bytes ? req->max_bytes : DEFAULT_MAX_BYTES;
    apr_pool_cleanup_register(pool, call, release, apr_pool_cleanup_null);
    return call;
}

/* It said yes or no, and only the rest of its words was cut off. */
static int is_answered(const call_t *call, long status)
{
    return call->req->status_only && call->head_whole && status >= 200;
}

static apr_time_t date_of(CURL *curl)
{
    struct curl_header *date;
    time_t seconds;

    if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK) return 0;
    seconds = curl_getdate(date->value, NULL);
    return seconds > 0 ? apr_time_from_sec(seconds) : 0;
}

kr_err_t *kr_net_call(kr_net_reply_t *out, kr_ctx_t *k, const kr_net_request_t *req)
{
    call_t *call;
    CURLcode code;
    long status = 0, sent = 0;

    memset(out, 0, sizeof(*out));
    assert(k->db == NULL); /* a slow peer must not hold a database connection */
    if (!req->url || !has_scheme(req->url)) return failed(k, req, "the URL is not http or https");
    call = make_call(k->pool, req);
    if (!call) return kr_err_internal(k, APR_ENOMEM, "curl_easy_init");

    curl_easy_setopt(call->curl, CURLOPT_URL, req->url);
    curl_easy_setopt(call->curl, CURLOPT_USERAGENT, "mod_kratos");
    set_method(call->curl, req);
    set_limits(call->curl, req, call);
    set_stopping(call);
    if (kr_net_is_guarded(req->guard, req->url)) kr_net_guard_set(call->curl, &call->refused);
    if (!set_headers(req, call)) {
        apr_pool_cleanup_run(k->pool, call, release);
        return failed(k, req, "a header holds control characters");
    }
    set_authorities(call->curl);
    code = curl_easy_perform(call->curl);
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->curl, CURLINFO_REQUEST_SIZE, &sent);
    out->reached = sent > 0;
    out->date = date_of(call->curl);
    apr_pool_cleanup_run(k->pool, call, release); /* the connection goes now, not with the request */
    out->timed_out = code == CURLE_OPERATION_TIMEDOUT;
    out->final = call->too_large || (code != CURLE_OK && call->refused);
    if (code != CURLE_OK && call->refused) return failed(k, req, KR_NET_REFUSED " (clients.http.disallow_private_ip_ranges)");
    if (call->too_large) return failed(k, req, "the answer is too large");
    if (code != CURLE_OK && !is_answered(call, status)) return failed(k, req, curl_easy_strerror(code));
    if (req->status_only) {
        out->status = (int)status;
        return NULL;
    }

    grow(call, call->len + 1);
    call->body[call->len] = '\0';
    out->status = (int)status;
    out->body = call->body;
    out->body_len = call->len;
    return NULL;
}
