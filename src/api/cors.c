/* SPDX-License-Identifier: Apache-2.0 */
/* CORS by the settings serve.public.cors.* (Fetch standard, section 3.2). */
#include <string.h>
#include <strings.h>

#include "api.h"

/* A star alone takes every origin, one inside a pattern any middle; the rest is exact. */
static int origin_matches(const char *pattern, const char *origin)
{
    const char *star = strchr(pattern, '*');
    apr_size_t before, after, len;

    if (!star) return strcasecmp(pattern, origin) == 0;
    before = (apr_size_t)(star - pattern);
    after = strlen(star + 1);
    len = strlen(origin);
    return len >= before + after && strncasecmp(pattern, origin, before) == 0
           && strcasecmp(origin + len - after, star + 1) == 0;
}

static int origin_equals(const char *pattern, const char *origin)
{
    return strcmp(pattern, origin) == 0;
}

static int listed(const apr_array_header_t *list, const char *value, int (*same)(const char *, const char *))
{
    for (int i = 0; i < list->nelts; i++)
        if (same(APR_ARRAY_IDX(list, i, const char *), value)) return 1;
    return 0;
}

static int same_word(const char *a, const char *b)
{
    return strcmp(a, "*") == 0 || strcasecmp(a, b) == 0;
}

static int headers_allowed(kr_ctx_t *k, const char *asked)
{
    char *state, *copy, *part;

    if (!asked) return 1;
    copy = apr_pstrdup(k->pool, asked);
    for (part = apr_strtok(copy, ", ", &state); part; part = apr_strtok(NULL, ", ", &state))
        if (strcasecmp(part, "origin") != 0 && !listed(k->realm->settings->cors.headers, part, same_word)) return 0;
    return 1;
}

/* A list that only says "*" lets every page read what everybody may read: never what a visitor's cookies show. */
static void allow_origin(kr_ctx_t *k, const char *origin)
{
    const apr_array_header_t *list = k->realm->settings->cors.origins;

    if (list->nelts == 1 && strcmp(APR_ARRAY_IDX(list, 0, const char *), "*") == 0) {
        kr_reply_header(k, "Access-Control-Allow-Origin", "*");
        return;
    }
    kr_reply_header(k, "Access-Control-Allow-Origin", origin);
    if (k->realm->settings->cors.allow_credentials) kr_reply_header(k, "Access-Control-Allow-Credentials", "true");
}

static void preflight(kr_ctx_t *k, const char *origin, const char *method)
{
    const kr_settings_t *conf = k->realm->settings;
    const char *headers = kr_header(k->req, "Access-Control-Request-Headers");

    k->reply->status = 204;
    kr_reply_header(k, "Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    if (!listed(conf->cors.origins, origin, origin_matches) || !listed(conf->cors.methods, method, same_word)
        || !headers_allowed(k, headers))
        return;
    allow_origin(k, origin);
    kr_reply_header(k, "Access-Control-Allow-Methods", method);
    if (headers) kr_reply_header(k, "Access-Control-Allow-Headers", headers);
    if (conf->cors.max_age > 0)
        kr_reply_header(k, "Access-Control-Max-Age", apr_psprintf(k->pool, "%" APR_INT64_T_FMT, conf->cors.max_age));
}

static const char *joined(kr_ctx_t *k, const apr_array_header_t *list)
{
    const char *out = "";

    for (int i = 0; i < list->nelts; i++)
        out = apr_pstrcat(k->pool, out, i ? ", " : "", APR_ARRAY_IDX(list, i, const char *), NULL);
    return out;
}

int kr_cors_names(kr_ctx_t *k, const char *origin)
{
    const kr_settings_t *conf = k->realm->settings;

    if (!conf->cors.enabled || !conf->cors.allow_credentials || listed(conf->cors.origins, "*", origin_equals)) return 0;
    return listed(conf->cors.origins, origin, origin_matches);
}

int kr_cors(kr_ctx_t *k)
{
    const kr_settings_t *conf = k->realm->settings;
    const char *origin = kr_header(k->req, "Origin");
    const char *method = kr_header(k->req, "Access-Control-Request-Method");

    if (!conf->cors.enabled) return 0;
    if (origin && method && k->req->method == KR_OPTIONS) {
        preflight(k, origin, method);
        return !conf->cors.options_passthrough;
    }
    kr_reply_header(k, "Vary", "Origin");
    if (!origin || !listed(conf->cors.origins, origin, origin_matches)) return 0;
    allow_origin(k, origin);
    if (conf->cors.exposed->nelts) kr_reply_header(k, "Access-Control-Expose-Headers", joined(k, conf->cors.exposed));
    return 0;
}
