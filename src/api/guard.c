/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before the routes that anybody may ask: CORS, clean paths, the way to the admin API, the anti-CSRF layer. */
#include <string.h>

#include "api.h"

#define UNSAFE (~(KR_GET | KR_HEAD | KR_OPTIONS | KR_TRACE))

/* Probes and pages of other ports stand outside of cookies and CSRF. */
static int outside(const char *path)
{
    static const char *const prefixes[] = { "/health/", "/health%2f", "/health%2F", "/version", "/metrics/prometheus" };

    for (int i = 0; i < KR_DIM(prefixes); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    return 0;
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

/* -- all of it ------------------------------------------------------------ */

int kr_guard_public(kr_ctx_t *k, int flags)
{
    const int is_outside = outside(k->req->raw_path);
    kr_err_t *err;

    if (kr_cors(k)) return 1;
    if (!is_outside) kr_reply_header(k, "Vary", apr_table_get(k->reply->headers, "Vary") ? "Origin, Cookie" : "Cookie");
    if (redirect_to_clean_path(k) || redirect_to_admin(k)) return 1;
    err = is_outside ? NULL : csrf_layer(k, flags);
    if (err) kr_answer_error_to(k, KR_CLIENT_SCRIPT, err);
    return err != NULL;
}
