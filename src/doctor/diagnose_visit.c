/* SPDX-License-Identifier: Apache-2.0 */
/* This visit against the settings: address, scheme, proxy headers, and what the browser does with the cookies. */
#include "report.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "kr_session.h"
#include "kr_text.h"

/** Who visits, and what the base URL says. */
typedef struct {
    kr_report_t *report;
    const char *name;      /* host the visitor uses */
    const char *home;      /* host of the base URL */
    kr_url_t base;
} visit_t;

static void look_at_address(const visit_t *v)
{
    const kr_request_t *req = v->report->k->req;
    const char *url = v->report->k->realm->settings->base_url;
    int port = kr_host_port(req->host, req->scheme), meant = kr_host_port(v->base.host, v->base.scheme);

    if (ap_cstr_casecmp(v->name, v->home))
        kr_report(v->report, KR_LOOK, "Host", apr_psprintf(v->report->r->pool, "Open this page at %s to see what visitors "
                  "see; if they come under %s, correct serve.public.base_url.", v->home, v->name),
                  "you came to %s; the base URL is %s", v->name, url);
    else
        kr_report(v->report, KR_FINE, "Host", NULL, "%s, as in the base URL %s", v->name, url);
    if (strcmp(req->scheme, v->base.scheme))
        kr_report(v->report, KR_BROKEN, "Scheme",
                  strcmp(req->scheme, "http") ? "Write https:// in serve.public.base_url."
                                              : "Say SSLEngine on here; or, if a proxy in front speaks TLS, let it set "
                                                "X-Forwarded-Proto and say KratosTrustForwarded On.",
                  "this request came by %s; the base URL says %s", req->scheme, v->base.scheme);
    else
        kr_report(v->report, KR_FINE, "Scheme", NULL, "%s, as in the base URL", req->scheme);
    if (port != meant)
        kr_report(v->report, KR_LOOK, "Port", "Correct serve.public.base_url, or the port that visitors use.",
                  "this request came to port %d; the base URL says %d", port, meant);
}

static void look_at_tls(const visit_t *v)
{
    const char *own = ap_http_scheme(v->report->r);

    if (!strcmp(own, "https"))
        kr_report(v->report, KR_FINE, "TLS", NULL, "this connection is encrypted up to httpd");
    else if (!strcmp(v->report->k->req->scheme, "https"))
        kr_report(v->report, KR_FINE, "TLS", NULL, "a proxy in front speaks TLS; from there to httpd it is plain HTTP");
    else if (kr_host_is_loopback(v->name))
        kr_report(v->report, KR_FINE, "TLS", NULL, "none, which is fine on this machine");
    else
        kr_report(v->report, KR_LOOK, "TLS", "Say SSLEngine on, and make serve.public.base_url https://.",
                  "none: passwords and cookies can be read on their way");
}

static void look_at_proxy(const visit_t *v)
{
    request_rec *r = v->report->r;
    const char *proto = apr_table_get(r->headers_in, "X-Forwarded-Proto");
    const char *host = apr_table_get(r->headers_in, "X-Forwarded-Host");
    const char *seen = apr_pstrcat(r->pool, proto ? "X-Forwarded-Proto " : "", host ? "X-Forwarded-Host " : "",
                                   apr_table_get(r->headers_in, "X-Forwarded-For") ? "X-Forwarded-For " : "",
                                   apr_table_get(r->headers_in, "Forwarded") ? "Forwarded " : "", NULL);
    int trusted = kr_host_of(r->server)->trust_forwarded == 1;

    if (!*seen && !trusted)
        kr_report(v->report, KR_FINE, "Proxy headers", NULL, "none came, none are believed");
    else if (trusted && (!proto || !host))
        kr_report(v->report, KR_LOOK, "Proxy headers",
                  "Let the proxy set both headers on every request, and nobody reach httpd past it; without a proxy say "
                  "KratosTrustForwarded Off.",
                  "KratosTrustForwarded is On, but X-Forwarded-Proto and X-Forwarded-Host did not both come");
    else if (trusted)
        kr_report(v->report, KR_FINE, "Proxy headers", NULL, "%sbelieved, as KratosTrustForwarded is On", seen);
    else
        kr_report(v->report, KR_LOOK, "Proxy headers",
                  "If a proxy of yours set them, say KratosTrustForwarded On; if not, they are rightly ignored.",
                  "%scame and are not believed", seen);
    kr_report(v->report, KR_FINE, "Address", NULL, "%s%s", r->useragent_ip,
              strcmp(r->useragent_ip, r->connection->client_ip) ? ", as mod_remoteip says" : "");
}

/* -- cookies -------------------------------------------------------------- */

static void look_at_settings_of(const visit_t *v, const kr_cookie_conf_t *cookie)
{
    const kr_request_t *req = v->report->k->req;

    if (!cookie->domain)
        kr_report(v->report, KR_FINE, "Cookie domain", NULL, "none: the cookie is for the host that sets it alone");
    else if (kr_domain_covers(cookie->domain, v->name))
        kr_report(v->report, KR_FINE, "Cookie domain", NULL, "%s, which covers %s", cookie->domain, v->name);
    else
        kr_report(v->report, KR_BROKEN, "Cookie domain",
                  "Name a domain in session.cookie.domain that covers all hosts of the site, or leave the key out.",
                  "%s does not cover %s: a browser here refuses the cookie", cookie->domain, v->name);
    if (cookie->secure && strcmp(req->scheme, "https") && !kr_host_is_loopback(v->name))
        kr_report(v->report, KR_BROKEN, "Cookie flags", "Use https://; to try things out only, set dev: true.",
                  "Secure, but this visit is not over TLS: the browser drops the cookie");
    else
        kr_report(v->report, KR_FINE, "Cookie flags", NULL, "%s%sSameSite=%s, HttpOnly, Path=%s",
                  cookie->secure ? "Secure, " : "", cookie->persistent ? "" : "until the browser closes, ",
                  cookie->same_site, cookie->path);
}

static void look_at_session(const visit_t *v)
{
    static const struct {
        kr_health_e state;
        const char *words, *fix;
    } SHOWN[] = {
        [KR_SHOWN_NONE] = { KR_FINE, "your browser sent none: you are not signed in here",
                            "If you signed in before, the browser refused the cookie: see the lines above." },
        [KR_SHOWN_FORGED] = { KR_LOOK, "your browser sent one that none of this realm's secrets made",
                              "It is of another realm with the same session.cookie.name, or secrets.cookie lost the "
                              "secret it was made with. Delete it, or sign in again." },
        [KR_SHOWN_UNKNOWN] = { KR_LOOK, "your browser sent one that is well made, but the database knows no such session",
                               "It ended long ago, or this server asks another database than the one that issued it." },
        [KR_SHOWN_REVOKED] = { KR_FINE, "your browser sent one of a session that was ended", "Sign in again." },
        [KR_SHOWN_EXPIRED] = { KR_FINE, "your browser sent one of a session that has expired", "Sign in again." },
        [KR_SHOWN_INACTIVE] = { KR_LOOK, "your browser sent one of an account that is not active",
                                "Activate the account, or sign in with another." },
        [KR_SHOWN_GOOD] = { KR_FINE, "your browser sent one, and it was accepted", NULL },
    };
    const char *name = v->report->k->realm->settings->session_cookie.name;
    kr_shown_e shown;
    int count = 0;

    if (!kr_database_await(v->report->tenant->database, v->report->r->pool, v->report->r->server) ||
        kr_session_explain(&shown, &count, v->report->k)) {
        kr_report(v->report, KR_BROKEN, "Session cookie", "See the database below.",
                  "%s: nobody can say, as the database does not answer", name);
        return;
    }
    kr_report(v->report, SHOWN[shown].state, "Session cookie", SHOWN[shown].fix, "%s: %s", name, SHOWN[shown].words);
    if (count > 1)
        kr_report(v->report, KR_LOOK, "Doubled cookie",
                  "Delete the cookies of this site in the browser. If it comes again, two realms share a name (give each its "
                  "own session.cookie.name), or the domain or path was changed (give the cookie a new name once).",
                  "%d cookies called %s came; the first that is good counts", count, name);
}

void kr_report_visit(kr_report_t *report)
{
    const kr_settings_t *settings = report->k->realm->settings;
    visit_t v = { .report = report };

    v.name = kr_host_name(report->r->pool, report->k->req->host);
    report->group = "This visit";
    if (!kr_url_parse(&v.base, report->r->pool, settings->base_url) || !v.base.host) return;
    v.home = kr_host_name(report->r->pool, v.base.host);
    look_at_address(&v);
    look_at_tls(&v);
    look_at_proxy(&v);
    report->group = "Cookies";
    look_at_settings_of(&v, &settings->session_cookie);
    look_at_session(&v);
}
