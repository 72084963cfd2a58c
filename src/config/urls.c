/* SPDX-License-Identifier: Apache-2.0 */
/* URLs in settings: what may stand where, pages relative to the base URL, and the list of allowed return URLs. */
#include <string.h>

#include "kr_text.h"
#include "keys.h"

const char *kr_url_wrong(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);
    kr_url_t url;

    if (why) return why;
    if (!kr_url_parse(&url, pool, value)) return "is no URL";
    if (!url.scheme || (strcmp(url.scheme, "http") && strcmp(url.scheme, "https"))) return "is no absolute http(s) URL";
    if (!url.host || !*url.host) return "has no host";
    if (strchr(url.host, '*')) return "has a * in its host: a URL leads to one host";
    return NULL;
}

const char *kr_check_base_url(apr_pool_t *pool, const char *value)
{
    const char *why = kr_url_wrong(pool, value);
    kr_url_t url;

    if (why) return why;
    kr_url_parse(&url, pool, value);
    if (url.userinfo) return "names a user";
    if (url.query || url.fragment) return "has a query or fragment";
    return NULL;
}

const char *kr_page_wrong(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);
    kr_url_t url;

    if (why) return why;
    if (!*value) return "is empty";
    if (!kr_url_parse(&url, pool, value)) return "is no URL";
    if (url.userinfo) return "names a user";
    if (url.scheme && (!url.host || !*url.host)) return "has a scheme but no host";
    if (url.host && strchr(url.host, '*')) return "has a * in its host: a page has one host";
    if (!url.scheme && url.host) return "begins with two slashes; write the scheme too";
    return NULL;
}

const char *kr_page_resolve(apr_pool_t *pool, const char *base_url, const char *page)
{
    kr_url_t url;

    if (kr_url_parse(&url, pool, page) && url.scheme) return page;
    if (*page != '/') return kr_url_join(pool, base_url, apr_pstrcat(pool, "/", page, NULL));
    if (!kr_url_parse(&url, pool, base_url)) return page;
    return apr_pstrcat(pool, url.scheme, "://", url.host, page, NULL);
}

/* -- return URLs -------------------------------------------------------------------- */

/** Is it "*.a.b", a whole first label before a name of two labels or more? */
static int wildcard_safe(apr_pool_t *pool, const char *host)
{
    const char *name = apr_pstrmemdup(pool, host, strcspn(host, ":"));
    const char *dot;

    if (strncmp(name, "*.", 2)) return 0;
    name += 2;
    dot = strchr(name, '.');
    return !strchr(name, '*') && dot && dot > name && dot[1];
}

const char *kr_allowed_wrong(apr_pool_t *pool, const char *value, int *unsafe)
{
    const char *why = kr_unfilled(pool, value);
    kr_url_t url;

    *unsafe = 0;
    if (why) return why;
    if (!kr_url_parse(&url, pool, value)) return "is no URL";
    if (!url.scheme || !url.host || !*url.host) return "needs scheme and host, as in https://app.example.org/";
    if (url.userinfo) return "names a user";
    *unsafe = strchr(url.host, '*') && !wildcard_safe(pool, url.host);
    return NULL;
}

int kr_allowed_covers(apr_pool_t *pool, const char *entry, const char *url)
{
    kr_url_t allowed, asked;
    const char *prefix;

    if (!kr_url_parse(&allowed, pool, entry) || !kr_url_parse(&asked, pool, url)) return 0;
    if (!allowed.host || !asked.host || strcmp(allowed.scheme, asked.scheme)) return 0;
    if (allowed.host[0] == '*') {
        const char *suffix = allowed.host + 1;
        apr_size_t len = strlen(asked.host), tail = strlen(suffix);

        if (len <= tail || strcmp(asked.host + len - tail, suffix)) return 0;
    }
    else if (strcmp(allowed.host, asked.host)) {
        return 0;
    }
    prefix = *allowed.path ? allowed.path : "/";
    return strncmp(*asked.path ? asked.path : "/", prefix, strlen(prefix)) == 0;
}

const char *kr_check_origin(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);
    kr_url_t url;

    if (why || strcmp(value, "*") == 0) return why;
    if (!kr_url_parse(&url, pool, value) || !url.scheme || !url.host || !*url.host) {
        return "is neither `*` nor an origin";
    }
    if (*url.path || url.query || url.fragment || url.userinfo) {
        return "has more than scheme and host, so it never matches";
    }
    return NULL;
}
