/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP without httpd: what came in, what goes out. site/request.c and httpd/reply.c fill and write them, tests make them by hand. */
#ifndef KR_HTTP_H
#define KR_HTTP_H

#include <apr_tables.h>

#include "kr_ctx.h"

typedef enum {
    KR_GET = 1,
    KR_HEAD = 2,
    KR_POST = 4,
    KR_PUT = 8,
    KR_PATCH = 16,
    KR_DELETE = 32,
    KR_OPTIONS = 64,
    KR_TRACE = 128,
    KR_OTHER = 256
} kr_http_method_e;

/** The largest request body, in bytes; Kratos' own limit is 5 MiB, ours is what a form can need. */
#define KR_BODY_MAX (1024 * 1024)

struct kr_request_t {
    kr_http_method_e method;
    const char *method_name;         /* as sent */
    const char *path;                /* below the API's mount, begins with '/', decoded */
    const char *raw_path;            /* the same as sent, %-escapes and all */
    const char *raw_query;           /* without '?', NULL when absent */
    const apr_array_header_t *query; /* of kr_pair_t; empty, never NULL */
    const apr_table_t *headers;      /* request headers, case-insensitive */
    const char *cookies;             /* the Cookie header(s), joined by "; ", or NULL */
    const char *content_type;        /* as sent, or NULL */
    const char *body;                /* NUL-terminated; "" when there is none */
    apr_size_t body_len;
    const json_t *json;              /* the body by value, of a request from inside the process (kr_api_call); else NULL. Read only */
    const char *scheme;              /* "http" or "https" as the client sees it (KratosTrustForwarded counts) */
    const char *host;                /* as the client sees it (KratosTrustForwarded counts), with its port */
    const char *peer;                /* "ip:port" of the connection, or of the client by mod_remoteip */
    const char *id;                  /* what mod_unique_id calls it, or NULL */
    int query_bad;                   /* the query could not be parsed: too many fields, broken escapes */
};

struct kr_reply_t {
    int status;
    apr_table_t *headers;   /* response headers; Content-Type goes to content_type */
    apr_array_header_t *cookies; /* of kr_cookie_t; the last of one name wins */
    const char *content_type;
    const json_t *json;     /* the body by value, until kr_reply_render writes it; NULL where there is none or it is no JSON */
    const char *body;       /* NULL for none */
    apr_size_t body_len;
};

/** The address that a request comes from, without its port: httpd's own word, which mod_remoteip may have changed, and no header. */
const char *kr_request_address(apr_pool_t *pool, const kr_request_t *req);

/**
 * The network that a request comes from, as one client: the address by IPv4, the first 64 bits by IPv6, as its owner has as many addresses in
 * it as they like. What is no address stands for itself.
 */
const char *kr_request_network(apr_pool_t *pool, const kr_request_t *req);

/** A cookie to set. handler.c knows nothing of it: kr_reply_finish renders all into Set-Cookie headers. */
typedef struct {
    const char *name;
    const char *value;
    const char *domain;     /* NULL for host-only */
    const char *path;
    const char *same_site;  /* "Lax", "Strict", "None" */
    int secure;
    int http_only;
    apr_int64_t max_age;    /* seconds; -1: no Max-Age and no Expires; 0: delete */
    int expires;            /* also send Expires (now + max_age, or 1970 when max_age is 0) */
} kr_cookie_t;

/** The first value of a query parameter, or NULL. */
const char *kr_query(const kr_request_t *req, const char *name);
/** A request header, or NULL. */
const char *kr_header(const kr_request_t *req, const char *name);
/**
 * The value of a cookie as sent (RFC 6265 section 4.2: no unquoting).
 * @param count  how many cookies of that name came, may be NULL
 * @return the first, or NULL
 */
const char *kr_cookie(apr_pool_t *pool, const kr_request_t *req, const char *name, int *count);

/** The n-th cookie of that name, from 0, or NULL: there are several when domains or paths changed. */
const char *kr_cookie_nth(apr_pool_t *pool, const kr_request_t *req, const char *name, int n);

/**
 * What other services may know of a request's headers: name -> list of values, of those that came. Names are written as HTTP/1 writes them
 * ("User-Agent"), however the list spells them. New reference.
 * @param names  of const char*; or NULL, for none
 */
json_t *kr_headers_json(apr_pool_t *pool, const kr_request_t *req, const apr_array_header_t *names);
/** All cookies: name -> value; of several of one name the last. New reference. */
json_t *kr_cookies_json(apr_pool_t *pool, const kr_request_t *req);

/** An empty reply with status 200. */
kr_reply_t *kr_reply_make(apr_pool_t *pool);
/**
 * Set the body to JSON, and the type "application/json; charset=utf-8" (error envelopes replace it). It is written when the reply
 * goes out, and nobody may change it before.
 * @param json  the reply keeps a reference of its own
 */
void kr_reply_json(kr_ctx_t *k, int status, const json_t *json);
/** A redirect. No body; Location is `url`, where bytes that are not printable ASCII are escaped. */
void kr_reply_redirect(kr_ctx_t *k, int status, const char *url);
/** Plain text with a final newline, X-Content-Type-Options: nosniff. */
void kr_reply_text(kr_ctx_t *k, int status, const char *text);
/** Add or replace a header. A value with control characters is not sent, but logged. Content-Type sets content_type. */
void kr_reply_header(kr_ctx_t *k, const char *name, const char *value);
/** Set a cookie; an earlier one of that name in this reply is replaced and moves to the end. Copies *cookie.
 * A cookie with characters that none may hold is not sent, but logged. */
void kr_reply_cookie(kr_ctx_t *k, const kr_cookie_t *cookie);
/**
 * As kr_reply_cookie; and when the request brought several of that name and this one has a domain, the one that a time
 * without a domain left in the browser is deleted: it would be sent first for ever.
 */
void kr_reply_cookie_alone(kr_ctx_t *k, const kr_cookie_t *cookie);
/** Write a body that is there by value: compactly, with a newline. Nothing else has one to write. */
void kr_reply_render(kr_ctx_t *k);
/** Render the body, and the cookies into Set-Cookie headers. Called once, by handler.c, after the operation. */
void kr_reply_finish(kr_ctx_t *k);

/**
 * The weight of one member of Accept or its like, ";level=1;q=0.5", from `s` up to `end` (RFC 9110 section 12.4.2).
 * @return thousandths, 1000 when it has none, -1 when it is malformed
 */
int kr_weight(const char *s, const char *end);

/**
 * Does the client want JSON rather than a page? The better of text/html and application/json in Accept by q; an exact
 * type beats a wildcard; html when absent or equal.
 * @param submit  1 for submits and errors: a Content-Type of exactly "application/json" counts too
 */
int kr_wants_json(const kr_request_t *req, int submit);

#endif
