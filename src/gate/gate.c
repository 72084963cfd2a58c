/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: `Require kratos-...` and AuthType Kratos. Who is let through, and who answers those who are not. */
#include "gate.h"
#include "pass.h"

#include <apr_strings.h>
#include <http_request.h>
#include <mod_auth.h>

#include "kr_text.h"

/* -- reading a Require line ------------------------------------------------- */

/* An alias says nothing about the lines that use it: read as the worst, they may be negated. */
static int is_alias(const cmd_parms *cmd)
{
    return ap_cstr_casecmp(cmd->directive->directive, "Require") != 0;
}

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

static const char *read_line(cmd_parms *cmd, kr_require_kind_e kind, const char *text, const void **parsed)
{
    apr_array_header_t *words = apr_array_make(cmd->pool, 4, sizeof(const char *));
    kr_line_t *line = apr_pcalloc(cmd->pool, sizeof(*line));
    const char *why;

    while (*text) {
        const char *word = ap_getword_conf(cmd->pool, &text);

        if (*word) APR_ARRAY_PUSH(words, const char *) = word;
    }
    line->require = kr_require_parse(cmd->pool, kind, words, &why);
    if (!line->require) return apr_pstrcat(cmd->pool, "Require ", kr_require_names[kind], " ", why, NULL);
    line->alias = is_alias(cmd);
    line->negated = line->alias || stands_negated(cmd);
    *parsed = line;
    return NULL;
}

/* -- judging it ------------------------------------------------------------- */

/* Of several lines that say no, the one that leads somewhere is worth answering with; who came to meet a negated one would be shut out. */
static void remember_unmet(kr_visit_t *visit, kr_pass_t *pass, const kr_line_t *line)
{
    const kr_err_t *before = visit->unmet ? kr_require_refusal(pass->k, visit->unmet->require, pass->session, NULL) : NULL;

    visit->refused = pass;
    if (line->negated && !line->alias) return;
    if (!before || !before->extra) visit->unmet = line;
}

/*
 * "No user yet" leads to check_authn, where those without a session are answered, and then back here; with a user, be it
 * somebody else's, it is a plain no.
 */
static authz_status no(request_rec *r)
{
    return r->user ? AUTHZ_DENIED : AUTHZ_DENIED_NO_USER;
}

/* A "no", as the line stands. */
static int refuses(const kr_line_t *line, kr_verdict_e verdict)
{
    if (verdict == KR_REQUIRE_UNMET) return !line->negated || line->alias;
    return verdict == KR_REQUIRE_MET && line->negated;
}

static authz_status judge_line(request_rec *r, const char *text, const void *parsed)
{
    const kr_line_t *line = parsed;
    kr_pass_t *pass = kr_pass_of(r);
    kr_verdict_e verdict = KR_REQUIRE_UNMET;

    (void)text;

    if (!pass) return AUTHZ_GENERAL_ERROR;
    if (!pass->refusal) verdict = kr_require_judge(pass->k, line->require, pass->session);
    if (refuses(line, verdict) && kr_pass_look_again(pass) && !pass->refusal)
        verdict = kr_require_judge(pass->k, line->require, pass->session);
    if (pass->refusal) {
        if (line->negated && pass->refusal->status >= 500) return AUTHZ_GENERAL_ERROR;
        kr_visit_of(r)->refused = pass;
        return no(r);
    }
    switch (verdict) {
    case KR_REQUIRE_MET:
        if ((line->negated && !line->alias) || kr_let_through(r, pass)) return AUTHZ_GRANTED;
        if (line->alias) return AUTHZ_GENERAL_ERROR;
        kr_visit_of(r)->refused = pass;
        return no(r);
    case KR_REQUIRE_UNSURE:
        if (line->negated) return AUTHZ_GENERAL_ERROR;
        break;
    case KR_REQUIRE_UNMET: break;
    }
    remember_unmet(kr_visit_of(r), pass, line);
    return no(r);
}

/* -- one provider per kind of line -------------------------------------------- */

#define READER(name, kind)                                                                                             \
    static const char *name(cmd_parms *cmd, const char *text, const void **parsed)                                     \
    {                                                                                                                  \
        return read_line(cmd, kind, text, parsed);                                                                     \
    }

READER(read_session, KR_REQUIRE_SESSION)
READER(read_aal, KR_REQUIRE_AAL)
READER(read_verified, KR_REQUIRE_VERIFIED)
READER(read_identity, KR_REQUIRE_IDENTITY)
READER(read_trait, KR_REQUIRE_TRAIT)
READER(read_metadata, KR_REQUIRE_METADATA)
READER(read_schema, KR_REQUIRE_SCHEMA)

static const authz_provider PROVIDERS[KR_REQUIRE_KINDS] = {
    [KR_REQUIRE_SESSION] = { judge_line, read_session },   [KR_REQUIRE_AAL] = { judge_line, read_aal },
    [KR_REQUIRE_VERIFIED] = { judge_line, read_verified }, [KR_REQUIRE_IDENTITY] = { judge_line, read_identity },
    [KR_REQUIRE_TRAIT] = { judge_line, read_trait },       [KR_REQUIRE_METADATA] = { judge_line, read_metadata },
    [KR_REQUIRE_SCHEMA] = { judge_line, read_schema },
};

void kr_gate_register(apr_pool_t *pool)
{
    for (int i = 0; i < KR_REQUIRE_KINDS; i++)
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, kr_require_names[i], AUTHZ_PROVIDER_VERSION, &PROVIDERS[i],
                                  AP_AUTH_INTERNAL_PER_CONF);
}

/* -- between httpd's two looks at the lines ----------------------------------- */

int kr_gate_authn(request_rec *r)
{
    kr_pass_t *pass;

    /* Where the administrator chose somebody else's login, that one asks; ours would never let it. */
    if (kr_is_for_others(r)) return DECLINED;
    if (!ap_auth_type(r) && !kr_visit_of(r)->refused) return DECLINED;
    pass = kr_pass_of(r);
    if (!pass) return HTTP_INTERNAL_SERVER_ERROR;
    if (pass->refusal) return kr_refuse(r, pass);
    if (kr_let_through(r, pass)) return OK;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  KRLOGNO(1221) "identity %s has nothing where KratosExport takes the name of the user from",
                  pass->session->identity->id);
    return kr_deny(r, pass, NULL);
}

/*
 * mod_authz_core answers a user without the right with 401, as if another password would help. In front of it, this asks
 * it and everybody else whom httpd would ask, and makes of a "no" the answer that fits somebody who is signed in.
 */
int kr_gate_authz(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_auth_checker();
    kr_visit_t *visit = kr_visit_of(r);
    int status = DECLINED;

    if (kr_is_for_others(r) || !r->ap_auth_type || strcmp(r->ap_auth_type, "Kratos")) return DECLINED;
    visit->unmet = NULL; /* httpd's first look went on behind lines that nobody can mend; this one ends at them */
    for (int i = 0; i < hooks->nelts && status == DECLINED; i++) {
        ap_HOOK_auth_checker_t *ask = APR_ARRAY_IDX(hooks, i, ap_LINK_auth_checker_t).pFunc;

        if (ask != kr_gate_authz) status = ask(r);
    }
    if (status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN) return status;
    return kr_deny(r, kr_pass_of(r), visit->unmet);
}
