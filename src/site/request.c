/* SPDX-License-Identifier: Apache-2.0 */
/* A request as the library knows it, out of httpd's record: all but its body. */
#include "site.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "kr_session.h"
#include "kr_text.h"

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

/* Of the connection, for as long as one client after another asks on it; streams of one (HTTP/2) are served at once. */
static kr_memo_t *memo_of(conn_rec *c, const kr_tenant_t *tenant)
{
    kr_memo_t *memo;

    if (c->master || !tenant->realm->cache) return NULL;
    memo = ap_get_module_config(c->conn_config, &kratos_module);
    if (memo) return memo;
    memo = kr_memo_make(c->pool);
    ap_set_module_config(c->conn_config, &kratos_module, memo);
    return memo;
}

kr_ctx_t *kr_glance_ctx(request_rec *r, const kr_tenant_t *tenant)
{
    int level = ap_get_request_module_loglevel(r, APLOG_MODULE_INDEX);
    kr_ctx_t *k = kr_ctx_make(r->pool, tenant->realm, level > KR_LOG_DEBUG ? KR_LOG_DEBUG : (kr_level_e)level);
    kr_request_t *req = apr_pcalloc(r->pool, sizeof(*req));

    req->headers = r->headers_in;
    req->cookies = apr_table_get(r->headers_in, "Cookie"); /* httpd has joined several lines into one already */
    k->req = req;
    k->memo = memo_of(r->connection, tenant);
    k->log = log_to_request;
    k->log_baton = r;
    return k;
}

void kr_request_fill(kr_ctx_t *k, request_rec *r, int mounted)
{
    kr_request_t *req = (kr_request_t *)k->req; /* as kr_glance_ctx has made it */
    const char *base = mounted ? k->realm->base_path : "";

    if (k->reply) return;
    req->method = method_of(r->method);
    req->method_name = r->method;
    req->path = below(base, r->uri);
    req->raw_path = raw_below(base, raw_path_of(r));
    read_query(req, r);
    req->content_type = apr_table_get(r->headers_in, "Content-Type");
    req->body = "";
    req->scheme = scheme_of(r);
    req->host = host_of_request(r);
    req->peer = peer_of(r);
    req->id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    k->reply = kr_reply_make(r->pool);
}

kr_ctx_t *kr_request_ctx(request_rec *r, const kr_tenant_t *tenant, int mounted)
{
    kr_ctx_t *k = kr_glance_ctx(r, tenant);

    kr_request_fill(k, r, mounted);
    return k;
}

const char *kr_request_url(request_rec *r, const kr_request_t *req)
{
    return apr_pstrcat(r->pool, req->scheme, "://", req->host, req->raw_path, req->raw_query ? "?" : "", req->raw_query,
                       NULL);
}
