/* SPDX-License-Identifier: Apache-2.0 */
/* %{KRATOS:field} and kratos('field') in httpd's expressions: RewriteCond expr, Header, <If>, Require expr. */
#include "gate.h"
#include "pass.h"

#include <ap_expr.h>

/*
 * Loads the session when nothing did before: a server's own RewriteRules run before there is any gate. An empty string is what
 * those without a session have, and a field that there is not.
 */
static const char *field_of_session(ap_expr_eval_ctx_t *ctx, const void *data, const char *field)
{
    request_rec *r = ctx->r;
    const kr_pass_t *before = r ? kr_passes_of(r) : NULL;
    kr_pass_t *pass = r && kr_tenant_if_any(r) ? kr_pass_of(r) : NULL;
    const char *value = pass && !pass->refusal ? kr_session_field(pass->k, pass->session, field) : NULL;

    (void)data;
    /* A Header line may be the first to ask, when the filters of the answer are chosen already. */
    if (pass && kr_passes_of(r) != before) kr_gate_filter(r);
    return value ? value : "";
}

int kr_expr_lookup(ap_expr_lookup_parms *parms)
{
    if (parms->type != AP_EXPR_FUNC_STRING || ap_cstr_casecmp(parms->name, "kratos")) return DECLINED;
    *parms->func = (const void *)field_of_session;
    *parms->data = NULL;
    return OK;
}
