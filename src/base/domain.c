/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts as browsers compare them for cookies (RFC 6265 section 5.1.3). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "kr_text.h"

const char *kr_host_name(apr_pool_t *pool, const char *host)
{
    const char *name = *host == '[' ? apr_pstrmemdup(pool, host, strcspn(host, "]") + (strchr(host, ']') ? 1 : 0))
                                    : apr_pstrmemdup(pool, host, strcspn(host, ":"));
    apr_size_t len = strlen(name);

    /* "example.org." is the same host to DNS */
    return len > 1 && name[len - 1] == '.' ? apr_pstrmemdup(pool, name, len - 1) : name;
}

int kr_host_port(const char *host, const char *scheme)
{
    const char *colon = strrchr(host, ':'), *bracket = strchr(host, ']');

    if (colon && colon > (bracket ? bracket : host) && isdigit((unsigned char)colon[1])) return (int)apr_atoi64(colon + 1);
    return scheme && !strcmp(scheme, "https") ? 443 : 80;
}

int kr_host_is_ip(const char *name)
{
    return *name == '[' || strchr(name, ':') || strspn(name, "0123456789.") == strlen(name);
}

int kr_host_is_loopback(const char *name)
{
    apr_size_t len = strlen(name);

    if (!strcasecmp(name, "localhost") || !strcmp(name, "[::1]") || !strcmp(name, "::1")) return 1;
    if (len > 10 && !strcasecmp(name + len - 10, ".localhost")) return 1;
    return kr_host_is_ip(name) && !strncmp(name, "127.", 4);
}

int kr_domain_covers(const char *domain, const char *name)
{
    apr_size_t inner, outer;

    if (*domain == '.') domain++; /* browsers drop it */
    if (!strcasecmp(domain, name)) return 1;
    inner = strlen(domain);
    outer = strlen(name);
    return !kr_host_is_ip(name) && inner && outer > inner + 1 && name[outer - inner - 1] == '.' &&
           !strcasecmp(name + outer - inner, domain);
}

int kr_domain_is_public(const char *domain)
{
    /* what registries of countries sell names under: co.uk, com.au, ne.jp */
    static const char *const SOLD[] = { "ac", "co", "com", "edu", "gob", "gov", "go", "ne", "net", "nom", "or", "org" };
    const char *dot;

    if (*domain == '.') domain++;
    dot = strchr(domain, '.');
    if (!dot || !dot[1]) return !kr_host_is_loopback(domain);
    if (strchr(dot + 1, '.') || strlen(dot + 1) != 2) return 0;
    for (int i = 0; i < KR_DIM(SOLD); i++)
        if (strlen(SOLD[i]) == (apr_size_t)(dot - domain) && !strncasecmp(SOLD[i], domain, strlen(SOLD[i]))) return 1;
    return 0;
}

const char *kr_domain_shared(apr_pool_t *pool, const char *a, const char *b)
{
    if (kr_host_is_ip(a) || kr_host_is_ip(b)) return NULL;
    for (const char *rest = a; rest; rest = strchr(rest, '.'), rest = rest ? rest + 1 : NULL)
        if (kr_domain_covers(rest, b)) return kr_domain_is_public(rest) ? NULL : apr_pstrdup(pool, rest);
    return NULL;
}
