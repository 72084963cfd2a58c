/* SPDX-License-Identifier: Apache-2.0 */
/* What a path means: a row of the routes, and the segments that stood for the names in it. */
#include <string.h>

#include "api.h"

/** A segment of the path, as it was sent. */
typedef struct {
    const char *at;
    apr_size_t len;
} segment_t;

/* Both are walked once, up to the first byte that differs. */
static int matches(segment_t taken[KR_ROUTE_PARAMS], const char *pattern, const char *path)
{
    int n = 0;

    while (*pattern == *path || *pattern == '{') {
        if (!*path) return !*pattern;
        if (*pattern == '{') {
            const apr_size_t len = strcspn(path, "/");

            if (!len || n == KR_ROUTE_PARAMS) return 0;
            taken[n++] = (segment_t){ path, len };
            path += len;
            pattern += strcspn(pattern, "}") + 1;
        } else {
            pattern++;
            path++;
        }
    }
    return 0;
}

/* Patterns have no escapes, so that whichever there are in the path stand where a name does: one that is broken breaks them all. */
static int is_readable(kr_ctx_t *k, const char *path)
{
    return !strchr(path, '%') || kr_url_unescape(k->pool, path, 0);
}

static void take(kr_found_t *found, kr_ctx_t *k, const segment_t taken[KR_ROUTE_PARAMS])
{
    for (int i = 0; i < KR_ROUTE_PARAMS && taken[i].at; i++)
        found->params[i] = kr_url_unescape(k->pool, apr_pstrmemdup(k->pool, taken[i].at, taken[i].len), 0);
}

const kr_found_t *kr_route_find(kr_ctx_t *k, const kr_route_t *routes)
{
    const int method = k->req->method == KR_HEAD ? KR_GET : (int)k->req->method;
    const char *path = k->req->raw_path;
    kr_found_t *found = apr_pcalloc(k->pool, sizeof(*found));

    if (!is_readable(k, path)) return found;
    for (const kr_route_t *r = routes; r->path; r++) {
        segment_t taken[KR_ROUTE_PARAMS] = { { NULL, 0 } };

        if (!matches(taken, r->path, path)) continue;
        found->known = 1;
        found->methods |= r->methods | (r->methods & KR_GET ? KR_HEAD : 0);
        found->flags |= r->flags;
        if (found->route || !(r->methods & method)) continue;
        found->route = r;
        take(found, k, taken);
    }
    return found;
}

const char *kr_route_param(const kr_ctx_t *k, const char *name)
{
    const char *at = k->found && k->found->route ? strchr(k->found->route->path, '{') : NULL;
    const apr_size_t len = strlen(name);

    for (int i = 0; at; i++, at = strchr(at + 1, '{'))
        if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}') return k->found->params[i];
    return NULL;
}
