/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser may be sent afterwards: never to a place that the settings do not name (open redirects). */
#include <string.h>
#include <strings.h>

#include "kr_flow.h"
#include "kr_realm.h"
#include "kr_text.h"

/* "*.example.org" takes any depth below example.org but not itself; one port is one port. */
static int host_allowed(const char *allowed, const char *host)
{
    apr_size_t suffix, len;

    if (allowed[0] != '*') return strcasecmp(allowed, host) == 0;
    if (allowed[1] != '.' || !strchr(allowed + 2, '.') || strchr(allowed + 1, '*')) return 0;
    suffix = strlen(allowed + 1);
    len = strlen(host);
    return len > suffix && strcasecmp(host + len - suffix, allowed + 1) == 0;
}

static int entry_allows(kr_ctx_t *k, const char *entry, const kr_url_t *url)
{
    kr_url_t a;
    const char *allowed_path, *path;

    if (!kr_url_parse(&a, k->pool, entry) || !a.scheme || !a.host) return 0;
    allowed_path = *a.path ? a.path : "/";
    path = *url->path ? url->path : "/";
    return strcasecmp(a.scheme, url->scheme) == 0 && host_allowed(a.host, url->host)
           && strncmp(path, allowed_path, strlen(allowed_path)) == 0;
}

/* Make it absolute: what misses comes from the default return URL. 0 when it is no URL that a browser may be sent to. */
static int resolve(kr_url_t *out, kr_ctx_t *k, const char *text)
{
    kr_url_t base;

    if (!kr_url_parse(out, k->pool, text) || out->userinfo) return 0;
    if (out->scheme && !out->host) return 0; /* javascript:, mailto: and their like */
    if (!kr_url_parse(&base, k->pool, k->realm->settings->default_return_url)) return 0;
    if (!out->scheme) out->scheme = base.scheme;
    if (!out->host) {
        if (out->path[0] != '/' && out->path[0] != '\0') return 0;
        out->host = base.host;
    }
    return out->scheme && out->host;
}

/* A path with dot segments would pass the prefix test and end elsewhere. */
static int has_dots(const char *path)
{
    for (const char *p = strstr(path, "/."); p; p = strstr(p + 1, "/.")) {
        const char *end = p + 2 + (p[2] == '.');

        if (*end == '\0' || *end == '/' || *end == '?') return 1;
    }
    return strcasestr(path, "%2e") != NULL;
}

static int allowed(kr_ctx_t *k, const kr_url_t *url)
{
    const apr_array_header_t *list = k->realm->settings->allowed_return_urls;

    if (has_dots(url->path)) return 0;
    if (entry_allows(k, kr_url_join(k->pool, k->realm->settings->base_url, "/self-service"), url)) return 1;
    for (int i = 0; i < list->nelts; i++)
        if (entry_allows(k, APR_ARRAY_IDX(list, i, const char *), url)) return 1;
    return 0;
}

const char *kr_return_to_absolute(kr_ctx_t *k, const char *text)
{
    kr_url_t url;

    return resolve(&url, k, text) && allowed(k, &url) ? kr_url_build(k->pool, &url) : NULL;
}

int kr_return_to_allowed(kr_ctx_t *k, const char *text)
{
    return kr_return_to_absolute(k, text) != NULL;
}

kr_err_t *kr_return_to_check(kr_ctx_t *k, const char *text)
{
    kr_url_t url;

    if (!text || !*text) return NULL;
    if (!kr_url_parse(&url, k->pool, text)) return kr_err(k, 400, NULL, "return_to is not a URL");
    if (kr_return_to_allowed(k, text)) return NULL;
    return kr_err(k, 400, "self_service_flow_return_to_forbidden", "return_to names a place that is not among the allowed ones");
}

const char *kr_return_to_of(kr_ctx_t *k, const kr_flow_t *flow, int method)
{
    const kr_flow_conf_t *conf = kr_flow_conf(k, flow->kind);
    /* checked again: the list may have become shorter since the flow began */
    const char *asked = flow->return_to && *flow->return_to ? kr_return_to_absolute(k, flow->return_to) : NULL;

    if (asked) return asked;
    if (method >= 0 && conf->after_method[method].url) return conf->after_method[method].url;
    if (conf->after.url) return conf->after.url;
    return flow->kind == KR_FLOW_SETTINGS ? kr_flow_ui_url(k, flow) : k->realm->settings->default_return_url;
}
