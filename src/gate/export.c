/* SPDX-License-Identifier: Apache-2.0 */
/* What the application is told about its visitor: KratosExport and KratosExportToken; and what is kept from it. */
#include "gate.h"
#include "pass.h"

#include <apr_atomic.h>
#include <apr_strings.h>

#include "kr_assertion.h"
#include "kr_text.h"

/* -- values ----------------------------------------------------------------- */

/* Bytes that headers cannot carry safely are written as %XX, and so is % itself: RFC 3986, section 2.1. */
static const char *header_value(apr_pool_t *pool, const char *value)
{
    apr_size_t len = strlen(value), n = 0;
    char *out = apr_palloc(pool, 3 * len + 1);

    for (const char *p = value; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < 0x20 || c > 0x7e || c == '%')
            n += (apr_size_t)apr_snprintf(out + n, 4, "%%%02X", c);
        else
            out[n++] = *p;
    }
    out[n] = '\0';
    return out;
}

/* Servers give a request's headers 8 KiB in all, as a rule: with a longer value its owner could not be served at all. */
#define VALUE_MAX 4096

static void complain_of_length(request_rec *r, const kr_export_t *export)
{
    if (export->complained && apr_atomic_cas32(export->complained, 1, 0) == 0)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      KRLOGNO(1222) "%s is longer than %d bytes and was left out; said once for every process", export->field,
                      VALUE_MAX);
}

static void tell(request_rec *r, const kr_export_t *export, const char *value)
{
    const char *escaped = value ? header_value(r->pool, value) : NULL;

    if (!value) return;
    if (strlen(escaped) > VALUE_MAX) {
        complain_of_length(r, export);
        return;
    }
    apr_table_setn(r->subprocess_env, export->variable, value);
    apr_table_setn(r->headers_in, export->header, escaped);
}

/* It goes into the access log of every request, and into a header where the owner says so. */
#define USER_MAX 320 /* as long as an address of e-mail may be */

const char *kr_export_user(request_rec *r, const kr_pass_t *pass)
{
    const kr_place_t *place = kr_place_of(r);
    const char *field = place->user_field ? place->user_field : "identity";
    const char *user = kr_session_field(pass->k, pass->session, field);

    return user && *user && strlen(user) <= USER_MAX ? user : NULL;
}

/* -- telling ---------------------------------------------------------------- */

/* What opened this place. Another realm's pass, used on the way here, says nothing about this one. */
static const kr_pass_t *granted_pass(request_rec *r)
{
    const kr_tenant_t *tenant = kr_tenant_if_any(r);
    const kr_pass_t *pass = kr_passes_of(r);

    while (pass && (pass->tenant != tenant || !pass->granted)) pass = pass->next;
    return pass;
}

/* REDIRECT_KRATOS_..., too: what was a variable before an internal redirect. */
static int is_our_variable(const char *name)
{
    while (!strncmp(name, "REDIRECT_", strlen("REDIRECT_"))) name += strlen("REDIRECT_");
    return !strncmp(name, "KRATOS_", strlen("KRATOS_"));
}

/* Of a pass before: variables of the first request, headers about another realm. */
static void forget(request_rec *r)
{
    const apr_array_header_t *lines = apr_table_elts(r->subprocess_env);
    const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
    apr_array_header_t *gone = apr_array_make(r->pool, 8, sizeof(const char *));

    kr_gate_strip(r);
    for (int i = 0; i < lines->nelts; i++)
        if (is_our_variable(line[i].key)) APR_ARRAY_PUSH(gone, const char *) = line[i].key;
    for (int i = 0; i < gone->nelts; i++) apr_table_unset(r->subprocess_env, APR_ARRAY_IDX(gone, i, const char *));
}

/* AuthType Kratos where nobody had to ask: who is signed in is known there all the same, and who is not is let in. */
static void load_if_optional(request_rec *r)
{
    const char *type = ap_auth_type(r);
    kr_pass_t *pass;

    if (!type || ap_cstr_casecmp(type, "Kratos") || r->ap_auth_type) return;
    pass = kr_pass_of(r);
    if (pass && !pass->refusal) (void)kr_let_through(r, pass);
}

static const kr_export_t TOKEN = { NULL, "KRATOS_TOKEN", "X-Kratos-Token", NULL };

static void tell_all(request_rec *r, const kr_place_t *place, const kr_pass_t *pass)
{
    int n;
    const kr_export_t *exports = kr_exports_of(&n, place);

    for (int i = 0; i < n; i++) tell(r, &exports[i], kr_session_field(pass->k, pass->session, exports[i].field));
    if (place->token == 1) tell(r, &TOKEN, kr_assertion_make(pass->k, pass->session, place->audience));
}

/*
 * On every pass, an internal redirect's too: httpd renames the variables of the first one (REDIRECT_*) and skips the
 * check when the place has the same rules. The headers stay, and what they say may be about another realm.
 */
int kr_gate_export(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);
    const kr_pass_t *pass;

    load_if_optional(r);
    if (!kr_passes_of(r)) return DECLINED;
    forget(r);
    pass = granted_pass(r);
    if (!pass) return DECLINED;
    kr_note_verdict(r, KR_VERDICT_GRANTED);
    tell_all(r, place, pass);
    return DECLINED;
}

/* -- keeping credentials from it ---------------------------------------------- */

static int is_proxied(const request_rec *r)
{
    return r->proxyreq || (r->handler && (!strcmp(r->handler, "proxy-server") || !strncmp(r->handler, "proxy:", 6)));
}

static int is_session_cookie(const kr_site_t *site, const char *name, apr_size_t len)
{
    for (int i = 0; i < site->tenants->nelts; i++) {
        const char *ours = APR_ARRAY_IDX(site->tenants, i, kr_tenant_t *)->realm->settings->session_cookie.name;

        if (strlen(ours) == len && !strncmp(ours, name, len)) return 1;
    }
    return 0;
}

/* @return the cookies that may go on; NULL when there are none */
static const char *other_cookies(request_rec *r, const char *cookies)
{
    char *rest = apr_pstrdup(r->pool, cookies), *last;
    char *kept = apr_palloc(r->pool, 2 * strlen(cookies) + 1), *end = kept; /* "a;b" becomes "a; b" */

    for (char *cookie = apr_strtok(rest, ";", &last); cookie; cookie = apr_strtok(NULL, ";", &last)) {
        cookie += strspn(cookie, " \t");
        if (!*cookie || is_session_cookie(kr_host_of(r->server)->site, cookie, strcspn(cookie, "= \t"))) continue;
        end += sprintf(end, end == kept ? "%s" : "; %s", cookie);
    }
    return end == kept ? NULL : kept;
}

static void hide_cookies(request_rec *r)
{
    const char *cookies = apr_table_get(r->headers_in, "Cookie"), *kept;
    kr_visit_t *visit = kr_visit_of(kr_topmost(r));

    if (!cookies) return;
    if (!visit->cookies) visit->cookies = apr_pstrdup(kr_topmost(r)->pool, cookies); /* a sub-request's pool goes early */
    kept = other_cookies(r, cookies);
    if (kept)
        apr_table_setn(r->headers_in, "Cookie", kept);
    else
        apr_table_unset(r->headers_in, "Cookie");
}

/* "Authorization: Bearer ory_st_..." is ours whether or not somebody asked what it is worth. */
static int bears_session(request_rec *r, const kr_pass_t *pass)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");

    if (pass && pass->session->carrier == KR_CARRIED_BEARER) return 1;
    return header && !ap_cstr_casecmpn(header, "Bearer ory_st_", strlen("Bearer ory_st_"));
}

/*
 * The session stays between the browser and httpd: an application that is broken into must not hand out its visitors'. Where
 * nobody asked for one, and nobody said that it be hidden, the application may be one that asks for it itself.
 */
int kr_gate_hide(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);
    const kr_pass_t *pass = granted_pass(r);

    kr_visit_of(r)->settled = 1;
    if (pass) kr_tunnel_watch(r, pass);
    if (place->hide_cookie == KR_UNSET ? !pass || !is_proxied(r) : !place->hide_cookie) return DECLINED;
    hide_cookies(r);
    apr_table_unset(r->headers_in, "X-Session-Token");
    if (bears_session(r, pass)) apr_table_unset(r->headers_in, "Authorization");
    return DECLINED;
}
