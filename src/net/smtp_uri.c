/* SPDX-License-Identifier: Apache-2.0 */
/* The mail server that a URI describes, in Kratos' spelling of such URIs. */
#include <ctype.h>
#include <string.h>

#include "kr_net.h"
#include "kr_text.h"

/* A host or domain as it may stand in EHLO or on a certificate: no blank, nothing that ends a line or a URL's part. */
static int is_name(const char *s)
{
    if (!*s || strlen(s) > 253) return 0;
    for (; *s; s++) {
        if (!isalnum((unsigned char)*s) && !strchr(".-_[]:", *s)) return 0;
    }
    return 1;
}

static int is_on(const apr_array_header_t *query, const char *name)
{
    const char *value = kr_form_get(query, name);

    return value && (!strcmp(value, "true") || !strcmp(value, "1"));
}

static const char *check_query(apr_pool_t *pool, const apr_array_header_t *query)
{
    static const char *const KNOWN[] = { "disable_starttls", "skip_ssl_verify", "server_name", "legacy_ssl" };

    for (int i = 0; i < query->nelts; i++) {
        const char *name = APR_ARRAY_IDX(query, i, kr_pair_t).name;
        int known = 0;

        for (int j = 0; j < KR_DIM(KNOWN); j++) known |= !strcmp(name, KNOWN[j]);
        if (!known) return apr_psprintf(pool, "has a parameter \"%.40s\", which means nothing", name);
    }
    return NULL;
}

/* @return what is wrong, or NULL */
static const char *read_user(kr_net_smtp_t *server, apr_pool_t *pool, const char *userinfo)
{
    const char *colon = strchr(userinfo, ':');

    server->user =
        kr_url_unescape(pool, colon ? apr_pstrmemdup(pool, userinfo, (apr_size_t)(colon - userinfo)) : userinfo, 0);
    server->password = kr_url_unescape(pool, colon ? colon + 1 : "", 0);
    if (!server->user || !server->password) return "has a broken % in its user or password";
    if (!*server->user) server->user = NULL; /* "smtp://:@host": Kratos logs nobody in either */
    return NULL;
}

/* `host[:port]` under the certificate's name: libcurl connects elsewhere than the URL says. */
static const char *read_server_name(kr_net_smtp_t *server, apr_pool_t *pool, kr_url_t *url, const char *name)
{
    const char *bracket = strrchr(url->host, ']'), *port = strchr(bracket ? bracket : url->host, ':');

    if (!is_name(name)) return "has a server_name that is no name of a host";
    server->connect_to = apr_pstrcat(pool, "::", url->host, port ? "" : ":", NULL);
    url->host = apr_pstrcat(pool, name, port, NULL);
    return NULL;
}

static const char *check_url(const kr_url_t *url)
{
    if (!url->scheme || (strcmp(url->scheme, "smtp") && strcmp(url->scheme, "smtps"))) return "begins with neither smtp:// nor smtps://";
    if (!url->host || !is_name(url->host)) return "names no host";
    if (strcmp(url->path, "") && strcmp(url->path, "/")) return "has a path, which means nothing";
    return url->fragment ? "has a fragment; a # in a password is written as %23" : NULL;
}

kr_net_smtp_t *kr_net_smtp_parse(apr_pool_t *pool, const char *uri, const char *local_name, const char **why)
{
    kr_net_smtp_t *server = apr_pcalloc(pool, sizeof(*server));
    apr_array_header_t *query;
    const char *name;
    kr_url_t url;
    int implicit;

    *why = "is no URL; blanks and signs in a password are written as %XX";
    if (!kr_url_parse(&url, pool, uri) || (*why = check_url(&url))) return NULL;
    *why = "needs a name of a host as courier.smtp.local_name";
    if (!is_name(local_name)) return NULL;

    query = kr_form_parse(pool, url.query ? url.query : "", url.query ? strlen(url.query) : 0, why);
    if (!query || (*why = check_query(pool, query))) return NULL;
    if (url.userinfo && (*why = read_user(server, pool, url.userinfo))) return NULL;
    name = kr_form_get(query, "server_name");
    if (name && *name && (*why = read_server_name(server, pool, &url, name))) return NULL;
    implicit = !strcmp(url.scheme, "smtps");
    server->starttls = !implicit && !is_on(query, "disable_starttls");
    server->verify = !is_on(query, "skip_ssl_verify");
    server->url = apr_pstrcat(pool, url.scheme, "://", url.host, "/", kr_url_escape(pool, local_name), NULL);
    return server;
}
