/* SPDX-License-Identifier: Apache-2.0 */
/* The page for owners: who may see it, and how it is answered. To everybody else it does not exist. */
#include "report.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <stdarg.h>

#include "kr_crypto.h"
#include "kr_db.h"
#include "kr_text.h"
#include "kr_ui.h"

#define KEY_LENGTH 32

/* -- the report ----------------------------------------------------------- */

void kr_report(kr_report_t *report, kr_health_e state, const char *name, const char *fix, const char *fmt, ...)
{
    kr_line_t *line = apr_array_push(report->lines);
    va_list args;

    va_start(args, fmt);
    line->value = apr_pvsprintf(report->r->pool, fmt, args);
    va_end(args);
    line->group = report->group;
    line->name = name;
    line->state = state;
    line->fix = fix;
}

kr_health_e kr_report_state(const kr_report_t *report)
{
    kr_health_e worst = KR_FINE;

    for (int i = 0; i < report->lines->nelts; i++) {
        kr_health_e state = APR_ARRAY_IDX(report->lines, i, kr_line_t).state;

        if (state > worst) worst = state;
    }
    return worst;
}

/* -- who may see it ------------------------------------------------------- */

/*
 * Whoever has read the error log. Where a request comes from says nothing: behind a proxy on this machine that keeps silent
 * about its visitors, all of them seem to be here, and so does a browser on it that a stranger's page sends (DNS rebinding).
 */
static int has_key(request_rec *r)
{
    const char *key = kr_host_of(r->server)->site->doctor->key, *why;
    apr_array_header_t *fields = r->args ? kr_form_parse(r->pool, r->args, strlen(r->args), &why) : NULL;

    return key && fields && kr_equal(kr_form_get(fields, "key"), key);
}

int kr_diagnose_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const kr_site_t *site = kr_site_to_serve(s);

    (void)plog;
    (void)ptemp;
    if (!site) return OK;
    site->doctor->key = kr_random_alnum(pconf, KEY_LENGTH);
    if (site->doctor->diagnosable)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     KRLOGNO(1212) "the page for owners opens by its key, until the next start or restart: diagnose?key=%s",
                     site->doctor->key);
    return OK;
}

static int is_pages(const request_rec *r)
{
    const char *slash = strrchr(r->uri, '/');

    return kr_handler_named(r->handler) == KR_HANDLER_PAGES && slash && !strcmp(slash, "/diagnose");
}

static int may_see(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);

    return place->diagnose == 1 || (place->diagnose != 0 && has_key(r));
}

/* -- the answer ----------------------------------------------------------- */

/* Where the pages are, for their style sheet: beside this one, or where the login page is. */
static const char *home_of(request_rec *r, const kr_tenant_t *tenant)
{
    const char *path = r->uri, *slash;
    kr_url_t url;

    if (!is_pages(r)) {
        if (!kr_url_parse(&url, r->pool, tenant->realm->settings->flow[KR_FLOW_LOGIN].ui_url)) return "";
        path = url.path;
    }
    slash = strrchr(path, '/');
    return apr_pstrmemdup(r->pool, path, slash && strncmp(path, "//", 2) ? (apr_size_t)(slash - path) : 0);
}

static int send_report(request_rec *r, const char *type, const char *text)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy", kr_ui_csp);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "X-Frame-Options", "DENY");
    apr_table_setn(r->headers_out, "Vary", "Accept");
    apr_table_unset(r->headers_in, "Range");
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only) ap_rputs(text, r);
    return OK;
}

int kr_diagnose(request_rec *r)
{
    kr_report_t report = { .r = r };
    const int own = kr_handler_named(r->handler) == KR_HANDLER_OWNERS;

    if (!own && !is_pages(r)) return DECLINED;
    if (!may_see(r) || r->method_number != M_GET) return own ? HTTP_NOT_FOUND : DECLINED;
    report.tenant = kr_tenant_of(r);
    if (!report.tenant) return HTTP_INTERNAL_SERVER_ERROR;
    report.k = kr_request_ctx(r, report.tenant, 0);
    report.lines = apr_array_make(r->pool, 32, sizeof(kr_line_t));
    kr_report_visit(&report);
    kr_report_parts(&report);
    kr_db_release(report.k);
    kr_report_sites(&report);
    if (kr_wants_json(report.k->req, 0)) return send_report(r, "application/json; charset=utf-8", kr_report_json(&report));
    return send_report(r, "text/html; charset=utf-8", kr_report_html(&report, home_of(r, report.tenant)));
}
