/* SPDX-License-Identifier: Apache-2.0 */
/* Request in, reply out: between httpd's records and the API's. */
#include "../site/site.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "kr_text.h"
#include "kr_ui.h"

/* -- the request ---------------------------------------------------------- */

static kr_http_method_e method_of(const char *name)
{
    static const struct {
        const char *name;
        kr_http_method_e method;
    } KNOWN[] = {
        { "GET", KR_GET },     { "HEAD", KR_HEAD },     { "POST", KR_POST },       { "PUT", KR_PUT },
        { "PATCH", KR_PATCH }, { "DELETE", KR_DELETE }, { "OPTIONS", KR_OPTIONS }, { "TRACE", KR_TRACE },
    };

    for (int i = 0; i < KR_DIM(KNOWN); i++)
        if (!strcmp(KNOWN[i].name, name)) return KNOWN[i].method;
    return KR_OTHER;
}

/*
 * What the proxy in front of us says: proxies append, so theirs is the last value, and those before may be anybody's.
 * NULL where nothing is to be believed: then a client could lead others astray by links made of its own words.
 */
static const char *forwarded(request_rec *r, const char *header)
{
    const char *list = kr_host_of(r->server)->trust_forwarded == 1 ? apr_table_get(r->headers_in, header) : NULL;
    const char *last = list ? strrchr(list, ',') : NULL;

    if (!list) return NULL;
    last = last ? last + 1 : list;
    last += strspn(last, " \t");
    return apr_pstrmemdup(r->pool, last, strcspn(last, " \t"));
}

static const char *scheme_of(request_rec *r)
{
    const char *said = forwarded(r, "X-Forwarded-Proto");

    if (said && !ap_cstr_casecmp(said, "https")) return "https";
    if (said && !ap_cstr_casecmp(said, "http")) return "http";
    return ap_http_scheme(r);
}

static int is_host(const char *text)
{
    return text && *text &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == strlen(text);
}

static const char *host_of_request(request_rec *r)
{
    const char *said = forwarded(r, "X-Forwarded-Host");
    const char *host = apr_table_get(r->headers_in, "Host");

    if (is_host(said)) return said;
    if (is_host(host)) return host;
    return apr_psprintf(r->pool, "%s:%u", ap_get_server_name(r), ap_get_server_port(r));
}

static const char *peer_of(request_rec *r)
{
    const apr_sockaddr_t *addr = r->useragent_addr;

    return apr_psprintf(r->pool, strchr(r->useragent_ip, ':') ? "[%s]:%u" : "%s:%u", r->useragent_ip,
                        addr ? addr->port : 0);
}

/* The path as sent. After a rewrite that is another place, and the path that counts now is escaped anew. */
static const char *raw_path_of(request_rec *r)
{
    const char *sent = r->unparsed_uri[0] == '/' ? r->unparsed_uri : r->parsed_uri.path ? r->parsed_uri.path : r->uri;
    const char *raw = apr_pstrmemdup(r->pool, sent, strcspn(sent, "?#"));
    char *meant = apr_pstrdup(r->pool, raw), *now = apr_pstrdup(r->pool, r->uri);

    (void)ap_unescape_url_keep2f(meant, 0); /* as AllowEncodedSlashes NoDecode leaves r->uri */
    ap_getparents(meant);
    ap_no2slash(meant);
    ap_no2slash(now);
    return strcmp(meant, now) ? ap_escape_uri(r->pool, r->uri) : raw;
}

/* `path` below `base`; as it is when it does not stand there (a proxy in front took the prefix away). */
static const char *below(const char *base, const char *path)
{
    size_t len = strlen(base);

    if (strncmp(path, base, len) || (path[len] && path[len] != '/')) return path;
    return path[len] ? path + len : "/";
}

/* The same for a path as sent, where any of the slashes may be doubled; the API mends those below its base. */
static const char *raw_below(const char *base, const char *raw)
{
    const char *p = raw;

    for (; *base; base++, p++) {
        if (*base != *p) return raw;
        while (*base == '/' && p[1] == '/') p++;
    }
    if (*p && *p != '/') return raw;
    return *p ? p : "/";
}

static void read_query(kr_request_t *req, request_rec *r)
{
    const char *why;

    req->raw_query = r->args;
    req->query = r->args ? kr_form_parse(r->pool, r->args, strlen(r->args), &why) : NULL;
    req->query_bad = r->args && !req->query;
    if (!req->query) req->query = apr_array_make(r->pool, 0, sizeof(kr_pair_t));
}

static void log_to_request(void *baton, kr_level_e level, const char *line)
{
    ap_log_rerror(APLOG_MARK, (int)level, 0, (request_rec *)baton, "%s", line);
}

kr_ctx_t *kr_request_ctx(request_rec *r, const kr_tenant_t *tenant, int mounted)
{
    int level = ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX);
    kr_ctx_t *k = kr_ctx_make(r->pool, tenant->realm, level > KR_LOG_DEBUG ? KR_LOG_DEBUG : (kr_level_e)level);
    kr_request_t *req = apr_pcalloc(r->pool, sizeof(*req));
    const char *base = mounted ? tenant->realm->base_path : "";

    req->method = method_of(r->method);
    req->method_name = r->method;
    req->path = below(base, r->uri);
    req->raw_path = raw_below(base, raw_path_of(r));
    read_query(req, r);
    req->headers = r->headers_in;
    req->cookies = apr_table_get(r->headers_in, "Cookie"); /* httpd has joined several lines into one already */
    req->content_type = apr_table_get(r->headers_in, "Content-Type");
    req->body = "";
    req->scheme = scheme_of(r);
    req->host = host_of_request(r);
    req->peer = peer_of(r);

    k->req = req;
    k->reply = kr_reply_make(r->pool);
    k->log = log_to_request;
    k->log_baton = r;
    return k;
}

const char *kr_request_url(request_rec *r, const kr_request_t *req)
{
    return apr_pstrcat(r->pool, req->scheme, "://", req->host, req->raw_path, req->raw_query ? "?" : "", req->raw_query,
                       NULL);
}

/* -- its body ------------------------------------------------------------- */

/** A body as it grows. */
typedef struct {
    char *text;
    apr_size_t len, room;
} body_t;

/* Bytes into one growing buffer. @return 0 when there are too many of them */
static int append(body_t *body, apr_pool_t *pool, const char *data, apr_size_t len)
{
    if (len > KR_BODY_MAX - body->len) return 0;
    if (body->len + len > body->room) {
        char *old = body->text;

        while (body->room < body->len + len) body->room *= 2;
        body->text = apr_palloc(pool, body->room + 1);
        memcpy(body->text, old, body->len);
        kr_wipe(old, body->len); /* it may hold a password */
    }
    memcpy(body->text + body->len, data, len);
    body->len += len;
    return 1;
}

static apr_status_t wipe_body(void *data)
{
    body_t *body = data;

    kr_wipe(body->text, body->len);
    return APR_SUCCESS;
}

/* One brigade's buckets. @return OK, or the status to answer with; *done once all has been read */
static int drain(int *done, request_rec *r, apr_bucket_brigade *brigade, body_t *body)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(brigade); b != APR_BRIGADE_SENTINEL(brigade); b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            *done = 1;
            return OK;
        }
        if (APR_BUCKET_IS_METADATA(b)) continue;
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        if (!append(body, r->pool, data, len)) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    return OK;
}

/*
 * The whole body, or the status to answer with. Brigades, because ap_get_client_block does not tell a time-out from
 * nonsense; AP_FILTER_ERROR means that the answer is out already and must be returned as it is.
 */
static int read_body(request_rec *r, kr_request_t *req)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    const char *announced = apr_table_get(r->headers_in, "Content-Length");
    body_t *body;
    int status = OK, done = 0;

    /* Refused before the client was told to go on sending. */
    if (announced && apr_strtoi64(announced, NULL, 10) > KR_BODY_MAX) return HTTP_REQUEST_ENTITY_TOO_LARGE;
    body = apr_pcalloc(r->pool, sizeof(*body));
    body->room = 4096;
    body->text = apr_palloc(r->pool, body->room + 1);
    apr_pool_cleanup_register(r->pool, body, wipe_body, apr_pool_cleanup_null);
    while (!done && status == OK) {
        apr_status_t rv = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, HUGE_STRING_LEN);

        if (rv != APR_SUCCESS) return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        status = drain(&done, r, brigade, body);
        apr_brigade_cleanup(brigade);
    }
    body->text[body->len] = '\0';
    req->body = body->text;
    req->body_len = body->len;
    return status;
}

/* -- the reply ------------------------------------------------------------ */

static int add_header(void *headers, const char *name, const char *value)
{
    apr_table_add(headers, name, value);
    return 1;
}

static int bodyless(int status)
{
    return status == HTTP_NO_CONTENT || status == HTTP_NOT_MODIFIED;
}

static int write_reply(request_rec *r, const kr_reply_t *reply)
{
    r->status = reply->status;
    r->status_line = NULL;
    /* A cookie that was set while the request came in (mod_usertrack, mod_session) stays: table_add. */
    apr_table_do(add_header, r->headers_out, reply->headers, NULL);
    if (reply->content_type) ap_set_content_type(r, reply->content_type);
    apr_table_unset(r->headers_in, "Range"); /* answers are whole: half a flow is no flow */
    if (bodyless(reply->status)) {
        if (reply->content_type) apr_table_setn(r->err_headers_out, "Content-Type", reply->content_type);
        return OK;
    }
    ap_set_content_length(r, reply->body ? (apr_off_t)reply->body_len : 0);
    if (reply->body && reply->body_len && !r->header_only) ap_rwrite(reply->body, (int)reply->body_len, r);
    return OK;
}

/* A body that is too large: the client may still be sending it, so the connection ends after the answer. */
static void reply_too_large(kr_ctx_t *k, request_rec *r)
{
    kr_reply_t *reply = k->reply;

    reply->status = HTTP_REQUEST_ENTITY_TOO_LARGE;
    reply->content_type = "application/json";
    reply->body =
        kr_api_error_body(k, kr_err(k, reply->status, NULL, "the request body is larger than %d bytes", KR_BODY_MAX));
    reply->body_len = strlen(reply->body);
    kr_reply_header(k, "Cache-Control", "no-store");
    r->connection->keepalive = AP_CONN_CLOSE;
}

static void reply_unready(kr_ctx_t *k)
{
    kr_err_t *err = kr_database_unready(k);

    k->reply->status = err->status;
    k->reply->content_type = "application/json";
    k->reply->body = kr_api_error_body(k, err);
    k->reply->body_len = strlen(k->reply->body);
    kr_reply_header(k, "Cache-Control", "no-store");
    kr_reply_header(k, "Retry-After", apr_itoa(k->pool, err->retry_after));
}

/* -- the handler ---------------------------------------------------------- */

/** What a SetHandler line may name. */
static const struct {
    const char *name;
    void (*answer)(kr_ctx_t *k);
    int mounted; /* paths are below the API's base; pages find their links from the whole path */
} HANDLERS[] = {
    { "kratos", kr_api_handle, 1 },
    { "kratos-ui", kr_ui_handle, 0 },
};

/* These speak of the process and not of the data. */
static int needs_database(const kr_request_t *req)
{
    return strcmp(req->path, "/health/alive") && strcmp(req->path, "/version");
}

/* A request's pool goes when its answer is out. Woken before that, the sender would contend with it: time would tell. */
static apr_status_t wake_sender(void *server)
{
    kr_background_wake(server);
    return APR_SUCCESS;
}

static int answer(request_rec *r, int which)
{
    const kr_tenant_t *tenant = kr_tenant_of(r);
    kr_request_t *req;
    kr_ctx_t *k;
    int status;

    if (!tenant) return HTTP_INTERNAL_SERVER_ERROR;
    k = kr_request_ctx(r, tenant, HANDLERS[which].mounted);
    req = (kr_request_t *)k->req; /* ours, and const for everybody else */
    status = read_body(r, req);
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        reply_too_large(k, r);
    } else if (status != OK) {
        return status;
    } else if (needs_database(req) && !kr_database_await(tenant->database, r->pool, r->server)) {
        reply_unready(k);
    } else {
        HANDLERS[which].answer(k);
        kr_reply_finish(k);
    }
    kr_db_release(k); /* before the bytes go out: a slow client must not hold a connection */
    if (k->queued) apr_pool_cleanup_register(r->pool, r->server, wake_sender, apr_pool_cleanup_null);
    apr_table_setn(r->notes, "kratos-statements",
                   apr_itoa(r->pool, (int)k->statements)); /* for logs: %{kratos-statements}n */
    return write_reply(r, k->reply);
}

int kr_handler(request_rec *r)
{
    int diagnosed = kr_diagnose(r);

    if (diagnosed != DECLINED) return diagnosed;
    for (int i = 0; i < KR_DIM(HANDLERS); i++)
        if (r->handler && !strcmp(r->handler, HANDLERS[i].name)) return answer(r, i);
    return DECLINED;
}
