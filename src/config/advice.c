/* SPDX-License-Identifier: Apache-2.0 */
/* What is allowed and does not work, or works and is not safe: cookies that browsers drop, URLs that cover too much. */
#include <string.h>
#include <strings.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

/* The key that a cookie's attribute came from: its own, or that of all cookies. */
static const char *key_of(const kr_review_t *review, const char *attribute, int session)
{
    const char *own = apr_pstrcat(review->pool, "session.cookie.", attribute, NULL);

    return session && kr_json_at(review->draft->tree, own) ? own
                                                           : apr_pstrcat(review->pool, "cookies.", attribute, NULL);
}

/* Browsers refuse such a cookie without a word (RFC 6265bis section 4.1.3): nobody could ever sign in. */
static void check_prefix(kr_review_t *review, const kr_cookie_conf_t *cookie)
{
    static const char KEY[] = "session.cookie.name";

    if (strncasecmp(cookie->name, "__Host-", 7) == 0) {
        if (!cookie->secure) kr_review_error(review, KEY, "\"__Host-\" needs Secure: browsers refuse the cookie; set "
                                                          "session.cookie.secure true");
        if (cookie->domain) kr_review_error(review, KEY, "\"__Host-\" is for one host: browsers refuse the cookie with a "
                                                         "domain (%s); leave the domain out, or use \"__Secure-\"",
                                            cookie->domain);
        if (strcmp(cookie->path, "/")) kr_review_error(review, KEY, "\"__Host-\" needs the path \"/\": browsers refuse "
                                                                    "the cookie with \"%s\"", cookie->path);
    }
    else if (strncasecmp(cookie->name, "__Secure-", 9) == 0 && !cookie->secure) {
        kr_review_error(review, KEY, "\"__Secure-\" needs Secure: browsers refuse the cookie; set session.cookie.secure true");
    }
}

static void check_domain(kr_review_t *review, const kr_cookie_conf_t *cookie, const char *host, int session)
{
    const char *key = key_of(review, "domain", session);

    if (!cookie->domain) return;
    if (kr_host_is_ip(cookie->domain) && strcmp(cookie->domain, host))
        kr_review_warn(review, key, "\"%s\" is an address; browsers take no cookie for it from %s", cookie->domain, host);
    else if (!kr_host_is_ip(cookie->domain) && strcasecmp(cookie->domain, host) && kr_domain_is_public(cookie->domain))
        kr_review_warn(review, key, "\"%s\" is nobody's own domain: browsers refuse the cookie; name your own, such as "
                                    "example.%s", cookie->domain, cookie->domain + (*cookie->domain == '.'));
    else if (!kr_domain_covers(cookie->domain, host))
        kr_review_warn(review, key, "\"%s\" does not cover %s, the host of serve.public.base_url: browsers refuse the "
                                    "cookie and nobody can sign in; name a domain that the host is part of, or leave the "
                                    "key out", cookie->domain, host);
}

static void check_secure(kr_review_t *review, const kr_cookie_conf_t *cookie, const kr_url_t *base, const char *host)
{
    const char *key = key_of(review, "secure", 1);

    if (cookie->secure && !strcmp(base->scheme, "http") && !kr_host_is_loopback(host))
        kr_review_warn(review, key, "Secure cookies do not travel over http://%s: browsers drop them and nobody can sign "
                                    "in; make serve.public.base_url https://, or, to try things out only, set `dev: true`",
                       base->host);
    if (!cookie->secure && !strcmp(base->scheme, "https"))
        kr_review_warn(review, key, "cookies without Secure travel unencrypted too, although serve.public.base_url is "
                                    "https://; leave `dev` and %s out", key);
}

/* An API below /auth sets cookies for the sites beside it: with a path they would not come along. */
static void check_path(kr_review_t *review, const kr_cookie_conf_t *cookie, const kr_url_t *base)
{
    apr_size_t len = strlen(cookie->path);
    const char *path = *base->path ? base->path : "/";

    while (len && cookie->path[len - 1] == '/') len--;
    if (len && (strncmp(cookie->path, path, len) || (path[len] && path[len] != '/')))
        kr_review_warn(review, key_of(review, "path", 1), "\"%s\" does not cover %s, the path of serve.public.base_url: "
                       "browsers do not send the cookie there; use \"/\"", cookie->path, path);
}

/* -- return URLs ---------------------------------------------------------------------- */

static void check_return_url(kr_review_t *review, const char *path, const char *entry, const kr_url_t *base)
{
    kr_url_t url;
    const char *host, *star;
    int unsafe;

    if (kr_allowed_wrong(review->pool, entry, &unsafe)) return; /* said already, and so is what is unsafe */
    if (!kr_url_parse(&url, review->pool, entry) || !url.scheme || !url.host) return;
    star = strchr(url.path, '*');
    if (star)
        kr_review_warn(review, path, "\"%s\": a * in a path is a star and no wildcard, so this allows nothing that exists; write "
                                     "%s://%s%s, which allows all that begins so", entry, url.scheme, url.host,
                       apr_pstrmemdup(review->pool, url.path, (apr_size_t)(star - url.path)));
    host = kr_host_name(review->pool, url.host);
    if (strcmp(url.scheme, "https") && strcmp(url.scheme, "http")) {
        if (strchr(url.scheme, '.')) return; /* org.example.app, as RFC 8252 section 7.1 wants it */
        kr_review_warn(review, path, "\"%s\": any program may call its scheme \"%s\" and be opened at the end of a "
                                     "sign-in; use one that begins with a domain of yours, such as org.example.app",
                       entry, url.scheme);
    }
    else if (!strcmp(url.scheme, "http") && !strcmp(base->scheme, "https") && !kr_host_is_loopback(host))
        kr_review_warn(review, path, "\"%s\" leads people from https to an unencrypted page after they signed in; write "
                                     "https://%s", entry, url.host);
    else if (!unsafe && !strncmp(host, "*.", 2) && kr_domain_is_public(host + 2))
        kr_review_warn(review, path, "\"%s\" allows the sites of everybody below %s: return_to could lead people to an "
                                     "attacker's page; name your own domain", entry, host + 2);
}

static void check_return_urls(kr_review_t *review, const kr_url_t *base)
{
    static const char KEY[] = "selfservice.allowed_return_urls";
    json_t *list = kr_json_at(review->draft->tree, KEY), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
        if (json_is_string(entry))
            check_return_url(review, kr_path_element(review->pool, KEY, i), json_string_value(entry), base);
}

/* -- all ------------------------------------------------------------------------------- */

void kr_review_advise(kr_review_t *review, const kr_settings_t *settings)
{
    const kr_cookie_conf_t *session = &settings->session_cookie, *csrf = &settings->csrf_cookie;
    const char *host;
    kr_url_t base;

    if (!session->name || !session->path) return; /* wrong, and said already */
    check_prefix(review, session);
    if (!settings->base_url || !kr_url_parse(&base, review->pool, settings->base_url) || !base.host) return;
    host = kr_host_name(review->pool, base.host);
    check_domain(review, session, host, 1);
    if (csrf->domain && (!session->domain || strcasecmp(csrf->domain, session->domain)))
        check_domain(review, csrf, host, 0);
    check_secure(review, session, &base, host);
    check_path(review, session, &base);
    check_return_urls(review, &base);
}
