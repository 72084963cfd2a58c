/* SPDX-License-Identifier: Apache-2.0 */
/* The formats uri, uri-reference (RFC 3986), iri, iri-reference (RFC 3987) and uri-template (RFC 6570). */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "kr_text.h"
#include "schema.h"

static int is_hex(char c)
{
    return kr_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int is_escape(const char *s)
{
    return s[0] == '%' && is_hex(s[1]) && is_hex(s[2]);
}

/** Are the bytes of [s, end) unreserved, sub-delims, escapes, or one of `more`? */
static int all_allowed(const char *s, const char *end, const char *more, int utf8)
{
    for (; s < end; s++) {
        if (kr_is_alpha(*s) || kr_is_digit(*s) || strchr("-._~!$&'()*+,;=", *s) || strchr(more, *s)) continue;
        if (utf8 && ((unsigned char)*s & 0x80)) continue;
        if (!is_escape(s)) return 0;
        s += 2;
    }
    return 1;
}

/** The part of an authority in brackets, [ included. @return the byte behind ], or NULL */
static const char *ip_literal(const char *s, const char *end)
{
    const char *close = memchr(s, ']', (apr_size_t)(end - s));
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    apr_size_t len;

    if (!close) return NULL;
    len = (apr_size_t)(close - s - 1);
    if (len >= sizeof(text)) return NULL;
    memcpy(text, s + 1, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1 ? close + 1 : NULL;
}

/** userinfo@host:port */
static int authority(const char *s, const char *end, int utf8)
{
    const char *at = memchr(s, '@', (apr_size_t)(end - s)), *port;

    if (at) {
        if (!all_allowed(s, at, ":", utf8)) return 0;
        s = at + 1;
    }
    if (s < end && *s == '[') port = ip_literal(s, end);
    else {
        port = memchr(s, ':', (apr_size_t)(end - s));
        if (!port) port = end;
        if (!all_allowed(s, port, "", utf8)) return 0;
    }
    if (!port) return 0;
    if (port == end) return 1;
    if (*port != ':') return 0;
    for (port++; port < end; port++) {
        if (!kr_is_digit(*port)) return 0;
    }
    return 1;
}

/** @return the length of the scheme without its colon, 0 when there is none */
static apr_size_t scheme(const char *s)
{
    apr_size_t n = 0;

    if (!kr_is_alpha(s[0])) return 0;
    while (kr_is_alpha(s[n]) || kr_is_digit(s[n]) || strchr("+-.", s[n])) {
        if (!s[n]) return 0;
        n++;
    }
    return s[n] == ':' ? n : 0;
}

/** "http" and "https" need a host. @param n  length of the scheme */
static int needs_host(const char *s, apr_size_t n)
{
    return (n == 4 && strncasecmp(s, "http", 4) == 0) || (n == 5 && strncasecmp(s, "https", 5) == 0);
}

/** What begins with "//": user, host, port. @return the byte behind it, or NULL */
static const char *behind_authority(const char *s, int host_needed, int utf8)
{
    const char *end = s + 2 + strcspn(s + 2, "/?#");

    return authority(s + 2, end, utf8) && (end > s + 2 || !host_needed) ? end : NULL;
}

static int reference(const char *s, int relative, int utf8)
{
    const apr_size_t n = scheme(s);
    const int web = needs_host(s, n);
    const char *query, *fragment = s + strcspn(s, "#");

    if (n == 0 && !relative) return 0;
    if (n > 0) s += n + 1;
    if (s[0] == '/' && s[1] == '/') s = behind_authority(s, web, utf8);
    else if (n == 0 && s[strcspn(s, ":/?#")] == ':') return 0; /* would be read as a scheme */
    if (!s) return 0;
    query = s + strcspn(s, "?#");
    if (!all_allowed(s, query, ":@/", utf8)) return 0;
    if (query < fragment && !all_allowed(query + 1, fragment, ":@/?", utf8)) return 0;
    return *fragment == '\0' || all_allowed(fragment + 1, fragment + strlen(fragment), ":@/?", utf8);
}

int kr_format_uri(const char *s)
{
    return reference(s, 0, 0);
}

int kr_format_uri_reference(const char *s)
{
    return reference(s, 1, 0);
}

int kr_format_iri(const char *s)
{
    return reference(s, 0, 1);
}

int kr_format_iri_reference(const char *s)
{
    return reference(s, 1, 1);
}

/* -- templates ------------------------------------------------------------ */

/** What may follow a name: :length or *. @return the byte behind it, or NULL */
static const char *modifier(const char *s)
{
    const char *start;

    if (*s == '*') return s + 1;
    if (*s != ':') return s;
    start = ++s;
    while (kr_is_digit(*s) && s - start < 4) s++;
    return s > start && *start != '0' ? s : NULL;
}

/** One variable of an expression: name, then :length or *. @return the byte behind it, or NULL */
static const char *variable(const char *s)
{
    const char *start = s;

    while (kr_is_alpha(*s) || kr_is_digit(*s) || *s == '_' || *s == '.' || is_escape(s)) {
        if (*s == '.' && (s == start || s[1] == '.')) return NULL;
        s += *s == '%' ? 3 : 1;
    }
    return s == start || s[-1] == '.' ? NULL : modifier(s);
}

/** {operator variable, variable...} @return the byte behind the brace, or NULL */
static const char *expression(const char *s)
{
    s++;
    if (*s && strchr("+#./;?&=,!@|", *s)) s++;
    for (;;) {
        s = variable(s);
        if (!s) return NULL;
        if (*s == '}') return s + 1;
        if (*s++ != ',') return NULL;
    }
}

int kr_format_uri_template(const char *s)
{
    while (*s) {
        if (*s == '{') {
            s = expression(s);
            if (!s) return 0;
        }
        else if (*s == '%') {
            if (!is_escape(s)) return 0;
            s += 3;
        }
        else if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr("\"<>\\^`|}", *s)) return 0;
        else s++;
    }
    return 1;
}
