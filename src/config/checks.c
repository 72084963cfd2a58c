/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for single strings beyond their type. What ends in a header may not end that header. */
#include <ctype.h>
#include <string.h>

#include "kr_net.h"
#include "kr_schema.h"
#include "kr_text.h"
#include "keys.h"

static int is_token(const char *s)
{
    for (const char *p = s; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p)) return 0;
    }
    return *s != '\0';
}

const char *kr_check_cookie_name(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return is_token(value) ? NULL : "holds a character that no cookie name may have";
}

const char *kr_check_header(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return is_token(value) ? NULL : "is no name of a header";
}

const char *kr_check_exception(apr_pool_t *pool, const char *value)
{
    const apr_size_t len = strlen(value);
    const int below = len >= 3 && strcmp(value + len - 3, "/**") == 0;
    const char *url = below ? apr_pstrmemdup(pool, value, len - 2) : value, *why = kr_url_wrong(pool, url);

    if (why) return why;
    if (strpbrk(url, "?#")) return "has a query or a fragment, which is not looked at";
    return strchr(url, '*') ? "has a star; two of them may stand at the end, after a slash, for all that is below it" : NULL;
}

const char *kr_check_method(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return is_token(value) ? NULL : "is no method of HTTP";
}

const char *kr_check_cookie_path(apr_pool_t *pool, const char *value)
{
    (void)pool;
    if (*value != '/') return "does not begin with a slash";
    for (const char *p = value; *p; p++) {
        if (*p <= ' ' || *p == 0x7f || *p == ';') return "holds a character that no path may have";
    }
    return NULL;
}

const char *kr_check_cookie_domain(apr_pool_t *pool, const char *value)
{
    (void)pool;
    if (!*value) return "is empty; leave the key out";
    for (const char *p = value; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-') return "is no domain";
    }
    return NULL;
}

const char *kr_check_breach_host(apr_pool_t *pool, const char *value)
{
    const char *url = strstr(value, "://") ? value : apr_pstrcat(pool, "https://", value, NULL);
    kr_url_t parts;

    if (kr_url_wrong(pool, url) || !kr_url_parse(&parts, pool, url)) return "is neither a host nor an http(s) URL";
    if (parts.userinfo || parts.query || parts.fragment || strcmp(parts.path, *parts.path ? "/" : "")) {
        return "has more than scheme, host and port";
    }
    return NULL;
}

const char *kr_check_mail_server(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);

    if (why) return why;
    if (strncmp(value, "file://", 7) == 0) {
        return value[7] == '/' ? NULL : "is no file:///folder: its path must be absolute";
    }
    return kr_net_smtp_parse(pool, value, "localhost", &why) ? NULL : why;
}

const char *kr_check_local_name(apr_pool_t *pool, const char *value)
{
    const char *why;

    return kr_net_smtp_parse(pool, "smtp://localhost/", value, &why) ? NULL : "is no name of a host";
}

const char *kr_check_line(apr_pool_t *pool, const char *value)
{
    (void)pool;
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) return "holds a line break or another control character";
    }
    return NULL;
}

const char *kr_check_address(apr_pool_t *pool, const char *value)
{
    (void)pool;
    if (!kr_ascii(value)) return "is no mail address: of an internationalised domain write the ASCII form, xn--...";
    return kr_format_valid("email", value) ? NULL : "is no mail address";
}

const char *kr_check_uuid(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return kr_uuid_valid(value) ? NULL : "is no UUID";
}

const char *kr_check_version(apr_pool_t *pool, const char *value)
{
    (void)pool;
    return value[0] == 'v' && isdigit((unsigned char)value[1]) ? NULL : "is no version such as v1.3.0";
}
