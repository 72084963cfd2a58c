/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-in with other sites by the browser itself (W3C FedCM): it has asked the site, and brings a token. Which site's it is the token says;
 * that it was made for this browser, now, a nonce of ours in it. The nonce is kept nowhere: it is a tag over the site, the time and the
 * browser's anti-CSRF cookie. That it was used is.
 */
#include <string.h>

#include <apr_lib.h>

#include "kr_crypto.h"
#include "kr_db.h"
#include "kr_json.h"
#include "kr_text.h"
#include "oidc.h"

#define NONCE_RANDOM 22 /* letters and digits: 131 bits */
#define NONCE_FOR apr_time_from_sec(10 * 60)

/* -- sites ---------------------------------------------------------------------- */

apr_array_header_t *kr_oidc_fedcm_providers(kr_ctx_t *k)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(kr_oidc_provider_conf_t));

    for (int i = 0; k->realm->settings->method_enabled[KR_METHOD_OIDC] && i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, kr_oidc_provider_conf_t);

        if (p->fedcm_config_url && !p->organization_id) APR_ARRAY_PUSH(out, kr_oidc_provider_conf_t) = *p;
    }
    return out;
}

/* -- nonces ---------------------------------------------------------------------- */

static const char *bound(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider, const char *payload)
{
    return apr_pstrcat(k->pool, "fedcm ", provider->id, " ", payload, NULL);
}

const char *kr_oidc_fedcm_nonce(kr_ctx_t *k, const kr_oidc_provider_conf_t *provider)
{
    const char *payload = apr_psprintf(k->pool, "%s.%" APR_INT64_T_FMT, kr_random_alnum(k->pool, NONCE_RANDOM),
                                       (apr_int64_t)apr_time_sec(k->now + NONCE_FOR));

    return apr_pstrcat(k->pool, payload, ".", kr_csrf_bind(k, bound(k, provider, payload)), NULL);
}

/* @param random  out: the part that names it */
static kr_err_t *check_nonce(const char **random, kr_ctx_t *k, const kr_oidc_provider_conf_t *provider, const char *nonce)
{
    const char *tag = nonce ? strrchr(nonce, '.') : NULL, *stamp = nonce ? strchr(nonce, '.') : NULL;

    *random = NULL;
    if (!tag || stamp == tag || stamp - nonce != NONCE_RANDOM
        || !kr_csrf_is_bound(k, bound(k, provider, apr_pstrmemdup(k->pool, nonce, (apr_size_t)(tag - nonce))), tag + 1))
        return kr_err(k, 400, NULL, "the token was made for another browser, or not for this sign-in, please try again");
    *random = apr_pstrmemdup(k->pool, nonce, NONCE_RANDOM);
    if (apr_time_from_sec(apr_atoi64(stamp + 1)) > k->now) return NULL;
    return kr_err(k, 410, "self_service_flow_expired", "the sign-in took too long, please begin anew");
}

/* What a token says of it; one that only its site can read says nothing, and is tried with the nonce that came beside it. */
static kr_err_t *nonce_of(const char **out, kr_ctx_t *k, const char *token, const kr_body_t *body)
{
    const char *sent = kr_body_str(body, "nonce");

    *out = kr_provider_nonce_of(k, token);
    if (sent && *sent && *out && !kr_equal(sent, *out)) return kr_err(k, 400, NULL, "the token has another nonce than the one that was sent");
    if (!*out) *out = sent;
    return NULL;
}

/** What is about to be used, for the transaction. */
typedef struct {
    kr_flow_t *flow;
    const char *name;
    apr_time_t keep;
    int first;
} claim_t;

static kr_err_t *claim(kr_ctx_t *k, void *baton)
{
    claim_t *c = baton;

    return kr_flow_claim(&c->first, k, c->flow, c->name, c->keep);
}

/* @param keep  how long it is remembered that it was used */
static kr_err_t *use(kr_ctx_t *k, kr_flow_t *flow, const char *what, const char *random, apr_time_t keep)
{
    claim_t c = { .flow = flow, .name = apr_pstrcat(k->pool, what, " ", k->realm->name, " ", random, NULL), .keep = keep };

    KR_TRY(kr_db_tx(k, claim, &c));
    return c.first ? NULL : kr_err(k, 400, NULL, "this sign-in has been answered already, please begin anew");
}

/* -- a token ---------------------------------------------------------------------- */

static kr_err_t *verify(kr_provider_person_t *person, kr_ctx_t *k, const kr_oidc_provider_conf_t *provider, const char *token,
                        const char *nonce)
{
    kr_err_t *err;

    kr_db_release(k);
    err = kr_provider_id_token(person, k, provider, token, nonce);
    if (err && err->status == 403) err->status = 400; /* it is not to be believed, which the form says */
    return err;
}

kr_err_t *kr_oidc_fedcm_come_back(kr_outcome_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_body_t *body)
{
    const char *token = kr_body_str(body, "token"), *nonce, *random;
    const kr_oidc_provider_conf_t *provider;
    kr_provider_person_t person;
    kr_err_t *err;

    memset(out, 0, sizeof(*out));
    out->method = KR_METHOD_OIDC;
    if (flow->kind == KR_FLOW_LOGIN) flow->active = "oidc";
    if (!token || !*token) return kr_err(k, 400, NULL, "the field token is missing");
    KR_TRY(kr_methods_transient(k, flow, body));
    provider = kr_provider_of_token(k, kr_oidc_fedcm_providers(k), token);
    if (!provider) return kr_err(k, 400, NULL, "the token is of no site that people sign in with here by their browser");
    provider = kr_oidc_provider(k, provider->id);
    KR_TRY(nonce_of(&nonce, k, token, body));
    KR_TRY(check_nonce(&random, k, provider, nonce));
    err = verify(&person, k, provider, token, nonce);
    if (err) kr_audit_wrong(k, flow, &(kr_wrong_t){ .method = "oidc", .site = provider->id, .reason = "token" });
    KR_TRY(err);
    KR_TRY(use(k, flow, "fedcm", random, 2 * NONCE_FOR));
    return kr_oidc_outcome(out, k, flow, provider, &person, NULL);
}

/* -- what was told, for the form of a sign-up ----------------------------------------- */

#define TOLD "oidc_told"     /* in flow->internal: sealed */
#define TOLD_MAX (16 * 1024) /* bytes of JSON */

void kr_oidc_keep_told(kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_who_t *who)
{
    json_t *told = kr_json_pack(k->pool, "{s:s, s:s, s:o, s:O, s:s?, s:o}", "random", kr_random_alnum(k->pool, NONCE_RANDOM), "provider",
                                who->provider->id, "subject", kr_json_string(who->person.subject), "claims", who->person.claims, "id_token",
                                who->person.id_token, "acr", kr_json_string(who->person.acr));

    if (who->person.amr) json_object_set(told, "amr", (json_t *)who->person.amr);
    kr_flow_hide(k, flow, TOLD, told, TOLD_MAX); /* the form says that it cannot go on where that is not there */
}

kr_err_t *kr_oidc_take_told(kr_provider_person_t *out, kr_ctx_t *k, kr_flow_t *flow, const kr_oidc_provider_conf_t *provider)
{
    const json_t *told = kr_flow_hidden(k, flow, TOLD);
    const char *whose = kr_json_str(told, "provider");

    if (!whose || strcmp(whose, provider->id) != 0)
        return kr_err(k, 400, NULL, "this site is signed in with by the browser itself, please begin anew");
    *out = (kr_provider_person_t){
        .subject = kr_json_str(told, "subject"), .claims = json_object_get(told, "claims"), .id_token = kr_json_str(told, "id_token"),
        .acr = kr_json_str(told, "acr"), .amr = json_object_get(told, "amr"),
    };
    json_object_del(flow->internal, TOLD);
    return use(k, flow, "told", kr_json_str(told, "random"), 2 * kr_flow_conf(k, flow->kind)->lifespan);
}
