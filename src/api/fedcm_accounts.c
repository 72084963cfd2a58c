/* SPDX-License-Identifier: Apache-2.0 */
/*
 * We are other sites' identity provider: whose account it is, and our word for it. The browser asks by itself, with the second cookie
 * (include/kr_fedcm.h); who it is nobody else can read. (W3C FedCM, sections 3.2, 3.4 and 3.6.)
 */
#include <string.h>

#include <apr_lib.h>

#include "api.h"
#include "fedcm.h"
#include "kr_audit.h"

#define NONCE_MAX 256   /* bytes */
#define PARAMS_MAX 4096 /* bytes of JSON */

/* -- the account ---------------------------------------------------------------- */

kr_err_t *kr_fedcm_accounts(kr_ctx_t *k)
{
    kr_session_t *session;
    json_t *account, *approved;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    if (!kr_fedcm_by_browser(k)) return kr_err(k, 403, NULL, "browsers ask this by themselves, with Sec-Fetch-Dest: webidentity");
    KR_TRY(kr_fedcm_session(&session, k));
    if (!session) return kr_err(k, 401, "session_inactive", "nobody is signed in here with this browser");
    KR_TRY(kr_fedcm_approved(&approved, k, session));
    account = kr_fedcm_account(k, session->identity);
    json_object_set(account, "approved_clients", approved);
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:[O]}", "accounts", account));
}

/* -- what the browser asks for a site ---------------------------------------------- */

/** One such request. */
typedef struct {
    kr_body_t body;
    const kr_fedcm_client_t *site;
    kr_session_t *session;
} asked_t;

/* As browsers read it: by `error`, which older ones call `code`. The page learns no more than that. */
static kr_err_t *refuse(kr_ctx_t *k, int status, const char *code)
{
    kr_log(k, KR_LOG_INFO, KRLOGNO(0860) "fedcm: refused a page of \"%.100s\": %s",
           kr_header(k->req, "Origin") ? kr_header(k->req, "Origin") : "", code);
    return kr_answer_data(k, status, kr_json_pack(k->pool, "{s:{s:s, s:s}}", "error", "error", code, "code", code));
}

/**
 * Who asks, and whose account it is about.
 * @param done  out: 1 when that was answered with a refusal
 */
static kr_err_t *read_asked(int *done, asked_t *asked, kr_ctx_t *k)
{
    kr_err_t *err = kr_body_read(&asked->body, k);

    *done = 1;
    if (err || !asked->body.is_form) return refuse(k, 400, "invalid_request");
    asked->site = kr_fedcm_client_asking(k, kr_body_str(&asked->body, "client_id"));
    if (!asked->site) return refuse(k, 403, "unauthorized_client");
    kr_reply_header(k, "Access-Control-Allow-Origin", kr_header(k->req, "Origin"));
    kr_reply_header(k, "Access-Control-Allow-Credentials", "true");
    KR_TRY(kr_fedcm_session(&asked->session, k));
    if (!asked->session) return refuse(k, 403, "access_denied");
    *done = 0;
    return NULL;
}

/* -- the token ------------------------------------------------------------------- */

static int is_nonce(const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;

    for (apr_size_t i = 0; i < len; i++)
        if (!apr_isgraph(text[i])) return 0;
    return len > 0 && len <= NONCE_MAX;
}

/* Browsers hand it on where the page put it: beside the rest, or among the parameters of its own. NULL: it is none, or they differ. */
static const char *nonce_of(kr_ctx_t *k, const kr_body_t *body)
{
    const char *alone = kr_body_str(body, "nonce"), *params = kr_body_str(body, "params"), *among;
    const json_t *json = params && strlen(params) <= PARAMS_MAX ? kr_json_parse(k->pool, params, strlen(params), NULL) : NULL;

    if (params && *params && !json_is_object(json)) return NULL;
    among = json ? json_string_value(json_object_get(json, "nonce")) : NULL;
    if (alone && among && strcmp(alone, among) != 0) return NULL;
    if (!among) among = alone;
    return is_nonce(among) ? among : NULL;
}

/* "name,email,picture" as bits. */
static int fields_of(kr_ctx_t *k, const char *list)
{
    char *state, *copy = apr_pstrdup(k->pool, list ? list : ""), *part;
    int fields = 0;

    for (part = apr_strtok(copy, ", ", &state); part; part = apr_strtok(NULL, ", ", &state))
        fields |= strcmp(part, "name") == 0 ? KR_FEDCM_NAME : strcmp(part, "email") == 0 ? KR_FEDCM_EMAIL : 0;
    return fields;
}

/* Older browsers name no fields: they ask for all, when they have shown that to the person. A page that wants none names none either. */
static void read_fields(int *asked, int *shown, kr_ctx_t *k, const kr_body_t *body)
{
    const char *listed = kr_body_str(body, "disclosure_shown_for");

    *shown = listed ? fields_of(k, listed) : kr_body_true(body, "disclosure_text_shown") ? KR_FEDCM_ALL : 0;
    *asked = kr_body_str(body, "fields") ? fields_of(k, kr_body_str(body, "fields")) : *shown;
}

kr_err_t *kr_fedcm_assertion(kr_ctx_t *k)
{
    const char *account, *nonce, *token;
    asked_t asked;
    int done, fields, shown;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    KR_TRY(read_asked(&done, &asked, k));
    if (done) return KR_DONE;
    account = kr_body_str(&asked.body, "account_id");
    if (!account || strcmp(account, asked.session->identity->id) != 0) return refuse(k, 403, "access_denied");
    nonce = nonce_of(k, &asked.body);
    if (!nonce) return refuse(k, 400, "invalid_request"); /* a token without one is good in any browser */
    read_fields(&fields, &shown, k, &asked.body);
    KR_TRY(kr_fedcm_grant(&fields, k, asked.session, asked.site, shown));
    token = kr_fedcm_token(k, asked.session, asked.site, nonce, fields);
    if (!token) return refuse(k, 500, "server_error");
    kr_log(k, KR_LOG_INFO, KRLOGNO(0861) "session %s: signs in at client \"%s\" by FedCM", asked.session->id, asked.site->client_id);
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_SITE_SIGNED_IN, .identity_id = asked.session->identity->id, .session_id = asked.session->id,
                               .method = "fedcm", .site = asked.site->client_id });
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s}", "token", token));
}

/* -- the end of it ---------------------------------------------------------------- */

/* A page may name the account as it knows it. */
static int is_theirs(kr_ctx_t *k, const kr_identity_t *identity, const char *hint)
{
    const json_t *hints = json_object_get(kr_fedcm_account(k, identity), "login_hints");
    json_t *one;
    size_t i;

    json_array_foreach((json_t *)hints, i, one)
        if (hint && strcmp(json_string_value(one), hint) == 0) return 1;
    return 0;
}

kr_err_t *kr_fedcm_disconnect(kr_ctx_t *k)
{
    asked_t asked;
    int done;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    KR_TRY(read_asked(&done, &asked, k));
    if (done) return KR_DONE;
    if (!is_theirs(k, asked.session->identity, kr_body_str(&asked.body, "account_hint"))) return refuse(k, 403, "access_denied");
    KR_TRY(kr_fedcm_forget(k, asked.session, asked.site));
    return kr_answer_data(k, 200, kr_json_pack(k->pool, "{s:s}", "account_id", asked.session->identity->id));
}

/* -- signing in here ---------------------------------------------------------------- */

#define PAGE                                                                                                                       \
    "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%s</title><noscript><meta http-equiv=\"refresh\" "                \
    "content=\"0; url=%s\"></noscript></head><body><p><a href=\"%s\">%s</a></p><script nonce=\"%s\">\n"                            \
    "if ('IdentityProvider' in window) IdentityProvider.close()\n"                                                                 \
    "setTimeout(() => location.replace(document.links[0].href), 1000)\n</script></body></html>\n"

/* The browser opened a window for it, which ends by this word; who came by themselves goes on to where sign-ins lead. */
static kr_err_t *answer_close(kr_ctx_t *k)
{
    const char *to = k->realm->settings->default_return_url, *nonce = kr_random_alnum(k->pool, 32);
    const char *href = kr_html_escape(k->pool, to), *host = kr_html_escape(k->pool, kr_url_host_name(k->pool, to));
    const char *page = apr_psprintf(k->pool, PAGE, host, href, href, host, nonce);

    kr_reply_header(k, "Content-Security-Policy", apr_psprintf(k->pool, "default-src 'none'; script-src 'nonce-%s'; base-uri 'none'; "
                                                                        "form-action 'none'; frame-ancestors 'none'", nonce));
    kr_reply_header(k, "Referrer-Policy", "no-referrer");
    return kr_answer_file(k, "text/html; charset=utf-8", page, strlen(page));
}

/*
 * Where browsers lead people when no account came: they sign in, or give the factor that is missing, and come back here. Who is signed
 * in already has a session from before there were clients, or lost the second cookie: they get it now.
 */
kr_err_t *kr_fedcm_login(kr_ctx_t *k)
{
    const char *here = kr_fedcm_login_url(k);
    kr_session_t *session;

    if (!kr_fedcm_is_on(k)) return kr_not_here(k);
    KR_TRY(kr_session_current(&session, k));
    if (!session || session->carrier != KR_CARRIED_COOKIE) return kr_answer_see(k, kr_session_login_url(k, here));
    KR_TRY(kr_session_check_aal(k, session, KR_DEMAND_WHOAMI, here));
    if (!session->token_is_old) kr_fedcm_sign_in(k, session); /* else the one that took its place brought its own */
    return answer_close(k);
}
