/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs by RFC 3986, strictly: what a browser might read differently than we do is no URL here.
 * Return URLs are checked with this, so a wrong answer is an open redirect.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"

static int is_unreserved(char c)
{
    return kr_is_alpha(c) || kr_is_digit(c) || (c && strchr("-._~", c));
}

/* The value of a hex digit, or -1. */
static int hex_value(char c)
{
    if (kr_is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte that %XX at s stands for, or -1. */
static int escaped_byte(const char *s)
{
    int high = hex_value(s[1]), low = high < 0 ? -1 : hex_value(s[2]);

    return low < 0 ? -1 : high << 4 | low;
}

static char *lower(apr_pool_t *pool, const char *s, apr_size_t len)
{
    char *out = apr_pstrmemdup(pool, s, len);

    for (char *c = out; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    }
    return out;
}

static int bytes_allowed(const char *s)
{
    if (!kr_utf8_valid(s, strlen(s))) return 0;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c <= 0x20 || c == 0x7f || c == '\\') return 0;
        if (c == '%' && escaped_byte(s) < 0) return 0;
    }
    return 1;
}

/* Length of "scheme" when s begins with "scheme:", 0 when it is relative, -1 when a colon stands where none may. */
static int scheme_length(const char *s)
{
    size_t n = strcspn(s, ":/?#");

    if (s[n] != ':') return 0;
    if (!kr_is_alpha(s[0]) || n > 32) return -1;
    for (size_t i = 0; i < n; i++) {
        if (!kr_is_alpha(s[i]) && !kr_is_digit(s[i]) && !strchr("+-.", s[i])) return -1;
    }
    return (int)n;
}

static int userinfo_allowed(const char *s)
{
    for (; *s; s++) {
        if (!is_unreserved(*s) && !strchr("%!$&'()*+,;=:", *s)) return 0;
    }
    return 1;
}

static int port_allowed(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n > 0 && n <= 5 && s[n] == '\0' && atoi(s) <= 65535;
}

/* No %-escapes and no bytes above 127: browsers turn those into other hosts. A star is there for allow lists. */
static int host_allowed(const char *s)
{
    const char *end;

    if (*s == '[') {
        char address[INET6_ADDRSTRLEN + 1];
        unsigned char ignored[16];

        end = strchr(s, ']');
        if (!end || (size_t)(end - s) > sizeof(address)) return 0;
        memcpy(address, s + 1, (size_t)(end - s) - 1);
        address[end - s - 1] = '\0';
        if (inet_pton(AF_INET6, address, ignored) != 1) return 0;
        end++;
    } else {
        for (end = s; *end && *end != ':'; end++) {
            if (!is_unreserved(*end) && *end != '*') return 0;
        }
        if (end - s > 253) return 0;
    }
    return *end == '\0' || (*end == ':' && port_allowed(end + 1));
}

static int split_authority(kr_url_t *out, apr_pool_t *pool, const char *s, apr_size_t len)
{
    const char *at = memchr(s, '@', len);

    if (at) {
        out->userinfo = apr_pstrmemdup(pool, s, (apr_size_t)(at - s));
        if (!userinfo_allowed(out->userinfo)) return 0;
        len -= (apr_size_t)(at + 1 - s);
        s = at + 1;
    }
    out->host = lower(pool, s, len);
    return host_allowed(out->host);
}

/* Browsers take "https:x", "https:///x" and "///x" for https://x; we refuse them all. */
static int authority_misses(const kr_url_t *url)
{
    int has_host = url->host && url->host[0] && url->host[0] != ':';

    if (url->host && url->host[0] == ':') return 1;
    if (!url->scheme) return url->host && !has_host;
    return !has_host && (!strcmp(url->scheme, "http") || !strcmp(url->scheme, "https"));
}

int kr_url_parse(kr_url_t *out, apr_pool_t *pool, const char *url)
{
    int scheme;
    size_t n;

    memset(out, 0, sizeof(*out));
    if (!url || !bytes_allowed(url)) return 0;
    scheme = scheme_length(url);
    if (scheme < 0) return 0;
    if (scheme > 0) {
        out->scheme = lower(pool, url, (apr_size_t)scheme);
        url += scheme + 1;
    }
    if (url[0] == '/' && url[1] == '/') {
        url += 2;
        n = strcspn(url, "/?#");
        if (!split_authority(out, pool, url, n)) return 0;
        url += n;
    }
    if (authority_misses(out)) return 0;
    n = strcspn(url, "?#");
    out->path = apr_pstrmemdup(pool, url, n);
    url += n;
    if (*url == '?') {
        n = strcspn(++url, "#");
        out->query = apr_pstrmemdup(pool, url, n);
        url += n;
    }
    if (*url == '#') out->fragment = apr_pstrdup(pool, url + 1);
    return 1;
}

/* A part with what sets it off from its neighbours; "" when there is none. */
static const char *part(apr_pool_t *pool, const char *before, const char *text, const char *behind)
{
    return text ? apr_pstrcat(pool, before, text, behind, NULL) : "";
}

const char *kr_url_build(apr_pool_t *pool, const kr_url_t *url)
{
    const char *path = url->path ? url->path : "", *user = url->host ? part(pool, "", url->userinfo, "@") : "";
    /* Without a host, "//x" would be read as one (RFC 3986 section 3.3). */
    const char *guard = !url->host && path[0] == '/' && path[1] == '/' ? "/." : "";

    if (url->host && path[0] && path[0] != '/') guard = "/";
    return apr_pstrcat(pool, part(pool, "", url->scheme, ":"), url->host ? "//" : "", user, part(pool, "", url->host, ""), guard, path,
                       part(pool, "?", url->query, ""), part(pool, "#", url->fragment, ""), NULL);
}

const char *kr_url_join(apr_pool_t *pool, const char *base, const char *path)
{
    apr_size_t len = strlen(base);

    while (len > 0 && base[len - 1] == '/') len--;
    while (*path == '/') path++;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, base, len), "/", path, NULL);
}

/* Is the part "name=value" of a query, len bytes long, about `key`? */
static int names_key(apr_pool_t *pool, const char *part, apr_size_t len, const char *key)
{
    const char *equals = memchr(part, '=', len);
    const char *name = kr_url_unescape(pool, apr_pstrmemdup(pool, part, equals ? (apr_size_t)(equals - part) : len), 1);

    return name && !strcmp(name, key);
}

/* The query with every part about `key` taken out, as pieces to be joined by '&'. */
static const char *query_without(apr_pool_t *pool, const char *query, apr_size_t len, const char *key)
{
    const char *end = query + len;
    char *out = apr_palloc(pool, len + 1), *to = out;

    while (query < end) {
        const char *amp = memchr(query, '&', (apr_size_t)(end - query));
        apr_size_t n = (apr_size_t)((amp ? amp : end) - query);

        if (n > 0 && !names_key(pool, query, n, key)) {
            if (to > out) *to++ = '&';
            memcpy(to, query, n);
            to += n;
        }
        query += n + 1;
    }
    *to = '\0';
    return out;
}

const char *kr_url_host_name(apr_pool_t *pool, const char *url)
{
    kr_url_t parts;

    if (!url || !kr_url_parse(&parts, pool, url) || !parts.host) return "";
    if (parts.host[0] == '[') return apr_pstrmemdup(pool, parts.host, strcspn(parts.host, "]") + 1);
    return apr_pstrmemdup(pool, parts.host, strcspn(parts.host, ":"));
}

const char *kr_url_with(apr_pool_t *pool, const char *url, const char *key, const char *value)
{
    apr_size_t before = strcspn(url, "?#"), query_len = 0;
    const char *fragment = url + strcspn(url, "#");
    const char *kept = "";

    if (url[before] == '?') {
        query_len = (apr_size_t)(fragment - url) - before - 1;
        kept = query_without(pool, url + before + 1, query_len, key);
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, url, before), "?", kept, kept[0] ? "&" : "",
                       kr_url_escape(pool, key), "=", kr_url_escape(pool, value), fragment, NULL);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const kr_pair_t *)a)->name, ((const kr_pair_t *)b)->name);
}

const char *kr_url_sorted(apr_pool_t *pool, const char *url, const apr_array_header_t *fields)
{
    apr_array_header_t *sorted = apr_array_copy(pool, fields);
    const char *out = apr_pstrmemdup(pool, url, strcspn(url, "?#"));

    qsort(sorted->elts, (size_t)sorted->nelts, sizeof(kr_pair_t), by_name);
    for (int i = 0; i < sorted->nelts; i++) {
        const kr_pair_t *f = &APR_ARRAY_IDX(sorted, i, kr_pair_t);

        out = apr_pstrcat(pool, out, i ? "&" : "?", kr_url_escape(pool, f->name), "=", kr_url_escape(pool, f->value), NULL);
    }
    return out;
}

const char *kr_url_escape(apr_pool_t *pool, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = apr_palloc(pool, 3 * strlen(s) + 1), *to = out;

    for (; *s; s++) {
        if (is_unreserved(*s)) {
            *to++ = *s;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*s >> 4];
            *to++ = digits[*s & 15];
        }
    }
    *to = '\0';
    return out;
}

char *kr_url_unescape(apr_pool_t *pool, const char *s, int plus)
{
    char *out = apr_palloc(pool, strlen(s) + 1), *to = out;

    for (; *s; s++) {
        if (*s == '%') {
            int byte = escaped_byte(s);

            if (byte <= 0) return NULL;
            *to++ = (char)byte;
            s += 2;
        } else {
            *to++ = plus && *s == '+' ? ' ' : *s;
        }
    }
    *to = '\0';
    return out;
}
