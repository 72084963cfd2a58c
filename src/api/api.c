/* SPDX-License-Identifier: Apache-2.0 */
/* One request through the layers: CORS, clean path, anti-CSRF, routing, the operation, its errors. */
#include <string.h>

#include "api_private.h"

#define UNSAFE (~(KR_GET | KR_HEAD | KR_OPTIONS | KR_TRACE))

/* -- routing -------------------------------------------------------------- */

/* Does the path match the pattern? `param` gets the segment that stands for {id}. */
static int matches(kr_ctx_t *k, const char *pattern, const char *path, const char **param)
{
    const char *open = strchr(pattern, '{');
    const char *rest;

    *param = NULL;
    if (!open) return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, (apr_size_t)(open - pattern)) != 0) return 0;
    rest = path + (open - pattern);
    if (!*rest || strchr(rest, '/')) return 0;
    *param = kr_url_unescape(k->pool, rest, 0);
    return *param != NULL;
}

/** What is known of a path before its operation runs. */
typedef struct {
    const kr_route_t *route; /* NULL: no route takes this method */
    const char *param;
    int known;               /* some route has this path */
    int methods;             /* all methods that routes with this path take */
    int flags;               /* of all of them */
} found_t;

static found_t find(kr_ctx_t *k)
{
    const int method = k->req->method == KR_HEAD ? KR_GET : (int)k->req->method;
    found_t found = { NULL, NULL, 0, 0, 0 };

    for (const kr_route_t *r = kr_routes; r->path; r++) {
        const char *param;

        if (!matches(k, r->path, k->req->raw_path, &param)) continue;
        found.known = 1;
        found.methods |= r->methods | (r->methods & KR_GET ? KR_HEAD : 0);
        found.flags |= r->flags;
        if (!found.route && (r->methods & method)) {
            found.route = r;
            found.param = param;
        }
    }
    return found;
}

/* Probes and pages of other ports stand outside of cookies and CSRF. */
static int outside(const char *path)
{
    static const char *const prefixes[] = { "/health/", "/health%2f", "/health%2F", "/version", "/metrics/prometheus" };

    for (int i = 0; i < KR_DIM(prefixes); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    return 0;
}

static void reply_method_not_allowed(kr_ctx_t *k, int methods)
{
    static const struct { int bit; const char *name; } names[] = {
        { KR_GET, "GET" },     { KR_HEAD, "HEAD" }, { KR_POST, "POST" },     { KR_PUT, "PUT" },
        { KR_PATCH, "PATCH" }, { KR_DELETE, "DELETE" }, { KR_OPTIONS, "OPTIONS" },
    };
    const char *allow = NULL;

    for (int i = 0; i < KR_DIM(names); i++)
        if (methods & names[i].bit) allow = allow ? apr_pstrcat(k->pool, allow, ", ", names[i].name, NULL) : names[i].name;
    kr_reply_text(k, 405, "this path does not take that method");
    kr_reply_header(k, "Allow", allow);
}

kr_err_t *kr_not_here(kr_ctx_t *k)
{
    kr_reply_text(k, 404, "there is nothing at this path");
    return KR_DONE;
}

/* "//a//b" is answered with the way to "/a/b", as Go's router does. */
static int redirect_to_clean_path(kr_ctx_t *k)
{
    const char *raw = k->req->raw_path;
    char *clean, *to;

    if (!strstr(raw, "//") || strchr(raw, '\\')) return 0; /* browsers read "/\\x" as another host */
    to = clean = apr_pstrdup(k->pool, raw);
    for (const char *from = raw; *from; from++)
        if (from[0] != '/' || from[1] != '/') *to++ = *from;
    *to = '\0';
    kr_reply_redirect(k, 307, apr_pstrcat(k->pool, k->realm->base_path, clean, k->req->raw_query ? "?" : "",
                                          k->req->raw_query ? k->req->raw_query : "", NULL));
    return 1;
}

static int redirect_to_admin(kr_ctx_t *k)
{
    const char *base = k->realm->settings->admin_base_url;

    if (!base || strncmp(k->req->raw_path, "/admin/", 7) != 0) return 0;
    kr_reply_redirect(k, 307, apr_pstrcat(k->pool, kr_url_join(k->pool, base, k->req->raw_path), k->req->raw_query ? "?" : "",
                                          k->req->raw_query ? k->req->raw_query : "", NULL));
    return 1;
}

/* -- anti-CSRF ------------------------------------------------------------ */

static const char *sent_token(kr_ctx_t *k)
{
    const char *token = kr_header(k->req, "X-CSRF-Token");
    kr_body_t body;

    if (k->req->json) return kr_json_str(k->req->json, "csrf_token");
    if (token) return token;
    return kr_body_read(&body, k) ? NULL : body.is_form ? kr_body_str(&body, "csrf_token") : NULL;
}

/* Paths that are no flow submits (those check their own token): unsafe methods need the token, before anything is routed. */
static kr_err_t *csrf_layer(kr_ctx_t *k, int flags)
{
    const int unsafe = k->req->method & UNSAFE;
    const char *token;

    /* what is changed from inside is changed by a form of a page, which any site could send */
    if (flags & KR_ROUTE_NO_CSRF && !(k->inside && unsafe)) return NULL;
    if (!unsafe) {
        kr_csrf_ensure(k);
        return NULL;
    }
    token = sent_token(k);
    if (kr_csrf_token_ok(k, token)) return NULL;
    kr_csrf_ensure(k);
    return kr_csrf_violation(k, token);
}

/* -- the way through ------------------------------------------------------ */

static void run(kr_ctx_t *k)
{
    const found_t found = find(k);
    kr_err_t *err = outside(k->req->raw_path) ? NULL : csrf_layer(k, found.flags);

    if (err) {
        kr_respond_error(k, err, 1);
        return;
    }
    if (!found.known) (void)kr_not_here(k);
    else if (!found.route) reply_method_not_allowed(k, found.methods);
    else if (k->req->query_bad && !(found.route->flags & KR_ROUTE_ANY_QUERY))
        kr_respond_error(k, kr_err(k, 400, NULL, "the query of the URL cannot be read"), 1);
    else {
        k->route_param = found.param;
        err = found.route->run(k);
        if (err) kr_respond_error(k, err, kr_wants_json(k->req, 1));
    }
}

void kr_api_handle(kr_ctx_t *k)
{
    if (!k->reply) k->reply = kr_reply_make(k->pool);
    if (kr_cors(k)) return;
    if (!redirect_to_clean_path(k) && !redirect_to_admin(k)) run(k);
    if (!outside(k->req->raw_path)) kr_reply_header(k, "Vary", apr_table_get(k->reply->headers, "Vary")
                                                                   ? "Origin, Cookie" : "Cookie");
    if (k->req->method == KR_GET)
        kr_reply_header(k, "Cache-Control", "private, no-cache, no-store, must-revalidate");
}
