/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: `Require kratos-session`, AuthType Kratos, what those without a session get, and what the app is told. */
#include "mod_kratos.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <util_filter.h>

#include "kr_json.h"
#include "kr_session.h"
#include "kr_text.h"

/* -- what is known about a request ---------------------------------------- */

/** What was found out for a realm: once per request, however many sub-requests and redirects it has. */
typedef struct kr_pass_t {
    const kr_tenant_t *tenant;
    kr_ctx_t *k;
    kr_session_t *session;   /* good for this realm's places when there is no refusal */
    const kr_err_t *refusal; /* NULL: let through */
    int granted;             /* a place of the realm was opened with it */
    struct kr_pass_t *next;
} kr_pass_t;

/** The module's record of a request. */
typedef struct {
    kr_pass_t *passes;        /* of the topmost request only */
    const kr_pass_t *refused; /* why a Require line of this very request said no */
} kr_visit_t;

static kr_visit_t *visit_of(request_rec *r)
{
    kr_visit_t *visit = ap_get_module_config(r->request_config, &kratos_module);

    if (!visit) {
        visit = apr_pcalloc(r->pool, sizeof(*visit));
        ap_set_module_config(r->request_config, &kratos_module, visit);
    }
    return visit;
}

/* What the client asked for, before sub-requests and internal redirects. */
static request_rec *topmost(request_rec *r)
{
    while (r->main || r->prev) r = r->main ? r->main : r->prev;
    return r;
}

static kr_err_t *check(kr_pass_t *pass)
{
    kr_ctx_t *k = pass->k;

    if (!kr_database_ready(pass->tenant->database)) return kr_database_unready(k);
    KR_TRY(kr_session_need(&pass->session, k, "session_inactive"));
    return kr_session_check_aal(k, pass->session, k->realm->settings->whoami_highest_aal);
}

/* The pass of this request for the realm of its place. NULL when there is no realm, and then it is logged. */
static kr_pass_t *pass_of(request_rec *r)
{
    request_rec *top = topmost(r);
    kr_visit_t *visit = visit_of(top);
    const kr_tenant_t *tenant = kr_tenant_of(r);
    kr_pass_t *pass;

    if (!tenant) return NULL;
    for (pass = visit->passes; pass; pass = pass->next)
        if (pass->tenant == tenant) return pass;
    pass = apr_pcalloc(top->pool, sizeof(*pass));
    pass->tenant = tenant;
    pass->k = kr_request_ctx(top, tenant, 0);
    pass->refusal = check(pass);
    kr_db_release(pass->k); /* what comes behind the gate may take long, and may want a connection itself */
    pass->next = visit->passes;
    visit->passes = pass;
    return pass;
}

/* What was found out for this request; NULL when nobody asked. */
static const kr_pass_t *passes_of(request_rec *r)
{
    const kr_visit_t *visit = ap_get_module_config(topmost(r)->request_config, &kratos_module);

    return visit ? visit->passes : NULL;
}

/* AuthType names another module: it asks for a user of its own, and must not find ours in that one's place. */
static int is_for_others(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && ap_cstr_casecmp(type, "Kratos");
}

static void let_through(request_rec *r, kr_pass_t *pass)
{
    pass->granted = 1;
    if (is_for_others(r)) return;
    r->user = apr_pstrdup(r->pool, pass->session->identity->id);
    r->ap_auth_type = apr_pstrdup(r->pool, "Kratos");
}

/* -- Require kratos-session ----------------------------------------------- */

/* A refusal under "not" or <RequireNone> would let the request in: there, "cannot say" must stop it. */
static int stands_negated(const cmd_parms *cmd)
{
    const ap_directive_t *line = cmd->directive;
    const char *args = line->args;

    /* As mod_authz_core reads it: quoted, or with a tab behind. */
    if (!ap_cstr_casecmp(ap_getword_conf(cmd->temp_pool, &args), "not")) return 1;
    for (line = line->parent; line; line = line->parent)
        if (!ap_cstr_casecmp(line->directive, "<RequireNone")) return 1;
    return 0;
}

static const char *parse_session_line(cmd_parms *cmd, const char *line, const void **parsed)
{
    if (*line) return "Require kratos-session takes no arguments";
    /* Of an alias nobody could say here whether it is going to be negated. */
    if (ap_cstr_casecmp(cmd->directive->directive, "Require"))
        return "kratos-session has no arguments that an alias could keep; write Require kratos-session";
    *parsed = stands_negated(cmd) ? "negated" : NULL;
    return NULL;
}

static authz_status check_session_line(request_rec *r, const char *line, const void *negated)
{
    kr_pass_t *pass = pass_of(r);

    (void)line;
    if (!pass) return AUTHZ_GENERAL_ERROR;
    if (!pass->refusal) {
        if (!negated) let_through(r, pass);
        return AUTHZ_GRANTED;
    }
    if (negated && pass->refusal->status >= 500) return AUTHZ_GENERAL_ERROR;
    visit_of(r)->refused = pass;
    /* "No user yet" leads to check_authn, where the answer is made; with a user of somebody else's it is a plain no. */
    return r->user ? AUTHZ_DENIED : AUTHZ_DENIED_NO_USER;
}

static const authz_provider session_provider = { check_session_line, parse_session_line };

void kr_gate_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "kratos-session", AUTHZ_PROVIDER_VERSION, &session_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

/* -- refusing ------------------------------------------------------------- */

/* Somebody who looks at a page, rather than a program or a script in one. */
static int is_person(request_rec *r)
{
    const char *mode = apr_table_get(r->headers_in, "Sec-Fetch-Mode");
    const char *accept = apr_table_get(r->headers_in, "Accept");

    r = topmost(r); /* as sub-requests are GET always */
    if (r->method_number != M_GET) return 0; /* HEAD is M_GET too */
    return mode ? !strcmp(mode, "navigate") : accept && ap_strcasestr(accept, "text/html") != NULL;
}

static int sends_away(request_rec *r)
{
    const kr_place_t *place = ap_get_module_config(r->per_dir_config, &kratos_module);

    switch (place->unauthenticated) {
    case KR_UNAUTH_REDIRECT: return 1;
    case KR_UNAUTH_401: return 0;
    case KR_UNAUTH_UNSET:
    case KR_UNAUTH_AUTO: break;
    }
    return is_person(r);
}

/* Where somebody can mend what is wrong and come back from: the login, for a session or for a better one. */
static const char *mending_url(request_rec *r, const kr_pass_t *pass)
{
    const char *back = kr_request_url(topmost(r), pass->k->req);
    const char *step_up = pass->refusal->extra ? kr_json_str(pass->refusal->extra, "redirect_browser_to") : NULL;

    if (pass->refusal->status == HTTP_UNAUTHORIZED) return kr_session_login_url(pass->k, back);
    return step_up ? kr_url_with(r->pool, step_up, "return_to", back) : NULL;
}

static void set_refusal_headers(request_rec *r, const kr_pass_t *pass)
{
    const kr_err_t *err = pass->refusal;

    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (err->status == HTTP_UNAUTHORIZED)
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Bearer realm=\"%s\"", pass->tenant->realm->name));
    if (err->retry_after) apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, err->retry_after));
}

/*
 * Written here and not left to httpd, whose own error pages are HTML. Error filters are added by hand as nobody else
 * does after this: without them `Header always` lines would be lost.
 */
static int write_refusal(request_rec *r, const kr_pass_t *pass)
{
    r->status = pass->refusal->status;
    ap_set_content_type(r, "application/json");
    ap_run_insert_error_filter(r);
    ap_rputs(kr_api_error_body(pass->k, pass->refusal), r);
    return DONE;
}

/* While the database is down every request comes here: one line a second and process says as much. */
static int may_complain(kr_database_t *database)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now()), last = apr_atomic_read32(&database->complained);

    return now != last && apr_atomic_cas32(&database->complained, now, last) == last;
}

/* mod_dir asks by a sub-request and passes on status and headers when the file it found is guarded: no body then. */
static int refuse(request_rec *r, const kr_pass_t *pass)
{
    const char *url = sends_away(r) ? mending_url(r, pass) : NULL;

    if (pass->refusal->status >= 500 && may_complain(pass->tenant->database))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, pass->refusal->cause, r,
                      KRLOGNO(1220) "realm %s: the session cannot be checked", pass->tenant->realm->name);
    if (!url) {
        set_refusal_headers(r, pass);
        return r->main ? pass->refusal->status : write_refusal(r, pass);
    }
    apr_table_setn(r->err_headers_out, "Location", url);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    return HTTP_SEE_OTHER;
}

int kr_gate_authn(request_rec *r)
{
    kr_pass_t *pass;

    /* Where the administrator chose somebody else's login, that one asks; ours would never let it. */
    if (is_for_others(r)) return DECLINED;
    if (!ap_auth_type(r) && !visit_of(r)->refused) return DECLINED;
    pass = pass_of(r);
    if (!pass) return HTTP_INTERNAL_SERVER_ERROR;
    if (pass->refusal) return refuse(r, pass);
    let_through(r, pass);
    return OK;
}

/* -- what the app is told ------------------------------------------------- */

/** What is known about the session, as CGI and as proxied backends want it. */
static const struct {
    const char *field, *variable, *header;
} EXPORTS[] = {
    { "id", "KRATOS_SESSION_ID", "X-Kratos-Session-Id" },
    { "identity", "KRATOS_IDENTITY_ID", "X-Kratos-Identity-Id" },
    { "aal", "KRATOS_AAL", "X-Kratos-Aal" },
    { "schema", "KRATOS_SCHEMA", "X-Kratos-Schema" },
    { "authenticated_at", "KRATOS_AUTHENTICATED_AT", "X-Kratos-Authenticated-At" },
};

/* What opened this place. Another realm's pass, used on the way here, says nothing about this one. */
static const kr_pass_t *granted_pass(request_rec *r)
{
    const kr_tenant_t *tenant = kr_tenant_if_any(r);
    const kr_pass_t *pass = passes_of(r);

    while (pass && (pass->tenant != tenant || !pass->granted)) pass = pass->next;
    return pass;
}

/*
 * On every pass, an internal redirect's too: httpd renames the variables of the first one (REDIRECT_*) and skips the
 * check when the place has the same rules. The headers stay, and what they say may be about another realm.
 */
int kr_gate_export(request_rec *r)
{
    const kr_pass_t *pass;

    if (!passes_of(r)) return DECLINED;
    kr_gate_strip(r);
    for (int i = 0; i < KR_DIM(EXPORTS); i++) apr_table_unset(r->subprocess_env, EXPORTS[i].variable);
    pass = granted_pass(r);
    if (!pass) return DECLINED;
    for (int i = 0; i < KR_DIM(EXPORTS); i++) {
        const char *value = kr_session_field(pass->k, pass->session, EXPORTS[i].field);

        if (!value) continue;
        apr_table_setn(r->subprocess_env, EXPORTS[i].variable, value);
        apr_table_setn(r->headers_in, EXPORTS[i].header, value);
    }
    return DECLINED;
}

/* -- caches --------------------------------------------------------------- */

#define KEEP_PRIVATE "KRATOS_PRIVATE"

static int settles_caching(const char *control)
{
    static const char *const WORDS[] = { "private", "no-store", "public", "s-maxage" };

    for (int i = 0; i < KR_DIM(WORDS); i++)
        if (ap_strcasestr(control, WORDS[i])) return 1;
    return 0;
}

/* @return 0 when the table says nothing about caching */
static int keep_private(apr_table_t *headers, apr_pool_t *pool)
{
    const char *control = apr_table_getm(pool, headers, "Cache-Control");

    if (!control) return 0;
    if (!settles_caching(control)) apr_table_mergen(headers, "Cache-Control", "private");
    return 1;
}

/*
 * Whose answer depended on a session must not settle in a shared cache, mod_cache included, which would give it to
 * anybody and ask nobody. As RFC 9111 has it for requests with `Authorization`, only an app that says "public" (or
 * "s-maxage") allows that; a mere max-age does not. In a filter, as a proxied app's headers come last of all, and
 * before mod_cache's own. What was included in a page counts for the whole of it, as far as that is not yet on its way.
 */
static apr_status_t private_filter(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = f->next;

    for (request_rec *r = f->r; r; r = r->main) {
        int said = keep_private(r->headers_out, r->pool);

        if (!keep_private(r->err_headers_out, r->pool) && !said)
            apr_table_setn(r->headers_out, "Cache-Control", "private");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, brigade);
}

void kr_gate_register_filter(void)
{
    ap_register_output_filter(KEEP_PRIVATE, private_filter, NULL, AP_FTYPE_CONTENT_SET);
}

void kr_gate_filter(request_rec *r)
{
    if (passes_of(r)) ap_add_output_filter(KEEP_PRIVATE, NULL, r, r->connection);
}
