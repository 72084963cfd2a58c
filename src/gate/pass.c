/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate knows about a request: looked up once, for all sub-requests, redirects and Require lines. */
#include "pass.h"
#include "kr_db.h"

#include <apr_strings.h>
#include <http_request.h>

kr_visit_t *kr_visit_of(request_rec *r)
{
    kr_visit_t *visit = ap_get_module_config(r->request_config, &kratos_module);

    if (!visit) {
        visit = apr_pcalloc(r->pool, sizeof(*visit));
        ap_set_module_config(r->request_config, &kratos_module, visit);
    }
    return visit;
}

request_rec *kr_topmost(request_rec *r)
{
    while (r->main || r->prev) r = r->main ? r->main : r->prev;
    return r;
}

/* What the session is at this very moment. */
static kr_err_t *look_now(kr_pass_t *pass)
{
    KR_TRY(kr_session_need(&pass->session, pass->k, "session_inactive"));
    return kr_session_check_aal(pass->k, pass->session, KR_DEMAND_WHOAMI, NULL);
}

static kr_err_t *check(kr_pass_t *pass, request_rec *top)
{
    kr_ctx_t *k = pass->k;

    kr_err_t *err;

    if (!kr_database_await(pass->tenant->database, top->pool, top->server)) return kr_database_unready(k);
    KR_TRY(kr_session_glance(&pass->session, k));
    if (!pass->session) return kr_session_need(&pass->session, k, "session_inactive");
    err = kr_session_check_aal(k, pass->session, KR_DEMAND_WHOAMI, NULL);
    if (!err || !pass->session->recalled) return err;
    return look_now(pass);
}

int kr_pass_look_again(kr_pass_t *pass)
{
    if (pass->refusal || !pass->session->recalled) return 0;
    pass->refusal = look_now(pass);
    kr_db_release(pass->k);
    return 1;
}

/* A cookie that ends later goes with whatever the place answers, which no shared cache keeps (private.c). */
static void note_use(kr_pass_t *pass, request_rec *top)
{
    kr_ctx_t *k = pass->k;

    kr_session_seen(k, pass->session);
    if (!k->realm->settings->session_sliding || !kr_session_cookie_lags(k, pass->session)) return;
    kr_request_fill(k, top, 0);
    kr_session_cookie_set(k, pass->session);
    kr_send_cookies(top, k);
}

/* For logs: %{kratos-statements}n */
static void count_statements(request_rec *r, request_rec *top, const kr_pass_t *pass)
{
    unsigned n = pass->k->statements;

    for (const kr_pass_t *before = kr_visit_of(top)->passes; before; before = before->next) n += before->k->statements;
    apr_table_setn(top->notes, "kratos-statements", apr_itoa(top->pool, (int)n));
    if (top != r) apr_table_setn(r->notes, "kratos-statements", apr_itoa(r->pool, (int)n));
}

kr_pass_t *kr_pass_of(request_rec *r)
{
    request_rec *top = kr_topmost(r);
    kr_visit_t *visit = kr_visit_of(top);
    const kr_tenant_t *tenant = kr_tenant_of(r);
    kr_pass_t *pass;

    if (!tenant) return NULL;
    for (pass = visit->passes; pass; pass = pass->next)
        if (pass->tenant == tenant) return pass;
    pass = apr_pcalloc(top->pool, sizeof(*pass));
    pass->tenant = tenant;
    pass->k = kr_glance_ctx(top, tenant);
    /* The cookie of one realm may be gone from the headers by the time that another one is asked for. */
    if (visit->cookies) ((kr_request_t *)pass->k->req)->cookies = visit->cookies;
    pass->refusal = check(pass, top);
    if (!pass->refusal) note_use(pass, top);
    count_statements(r, top, pass);
    kr_db_release(pass->k); /* what comes behind the gate may take long, and may want a connection itself */
    pass->next = visit->passes;
    visit->passes = pass;
    return pass;
}

const kr_pass_t *kr_passes_of(request_rec *r)
{
    const kr_visit_t *visit = ap_get_module_config(kr_topmost(r)->request_config, &kratos_module);

    return visit ? visit->passes : NULL;
}

int kr_is_for_others(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && ap_cstr_casecmp(type, "Kratos");
}

/* Access logs look at the first or at the last request of a chain, as their format says. */
void kr_note_verdict(request_rec *r, kr_gate_verdict_e verdict)
{
    request_rec *top = kr_topmost(r);
    kr_visit_t *visit = kr_visit_of(top);

    if (r->main) return; /* what a page was made of says nothing about the page */
    apr_table_setn(r->notes, "kratos-verdict", kr_gate_verdict_name(verdict));
    if (top != r) apr_table_setn(top->notes, "kratos-verdict", kr_gate_verdict_name(verdict));
    if (!visit->counted) kr_metric_count(KR_METRIC_VERDICTS, KR_SERIES(verdict));
    visit->counted = 1;
}

static void note_session(request_rec *r, const kr_pass_t *pass)
{
    apr_table_setn(r->notes, "kratos-identity", pass->session->identity->id);
    apr_table_setn(r->notes, "kratos-session", pass->session->id);
    apr_table_setn(r->notes, "kratos-aal", kr_aal_name(pass->session->aal));
}

int kr_let_through(request_rec *r, kr_pass_t *pass)
{
    request_rec *top = kr_topmost(r);
    const char *user;

    note_session(r, pass);
    if (top != r) note_session(top, pass);
    if (kr_is_for_others(r)) {
        pass->granted = 1;
        return 1;
    }
    user = kr_export_user(r, pass);
    if (!user) return 0;
    pass->granted = 1;
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = apr_pstrdup(r->pool, "Kratos");
    /*
     * What %u writes after an internal redirect. Never from a sub-request: a look ahead (mod_rewrite's -U) comes before the
     * request's own check, which would take the user for one that the place itself has asked.
     */
    if (!r->main && !top->user) top->user = apr_pstrdup(top->pool, user);
    return 1;
}
