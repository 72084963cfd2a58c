/* SPDX-License-Identifier: Apache-2.0 */
/* What those get whom the gate does not let through: people a way on, programs a status and JSON. */
#include "pass.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

#include "kr_api.h"
#include "kr_json.h"
#include "kr_text.h"
#include "kr_ui.h"

/* Somebody who looks at a page, rather than a program or a script in one. */
static int is_person(request_rec *r)
{
    const char *mode = apr_table_get(r->headers_in, "Sec-Fetch-Mode");
    const char *accept = apr_table_get(r->headers_in, "Accept");

    r = kr_topmost(r); /* as sub-requests are GET always */
    if (r->method_number != M_GET) return 0; /* HEAD is M_GET too */
    return mode ? !strcmp(mode, "navigate") : accept && ap_strcasestr(accept, "text/html") != NULL;
}

static int sends_away(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);

    switch (place->unauthenticated) {
    case KR_UNAUTH_REDIRECT: return 1;
    case KR_UNAUTH_401: return 0;
    case KR_UNAUTH_UNSET:
    case KR_UNAUTH_AUTO: break;
    }
    return is_person(r);
}

static const char *wanted_url(request_rec *r, const kr_pass_t *pass)
{
    return kr_request_url(kr_topmost(r), pass->k->req);
}

/* What the gate found, as api/bounce.c knows it; NULL where the sign-in has nothing to do with it. */
static const char *found_here(const kr_pass_t *pass, const kr_err_t *err)
{
    if (err->status == HTTP_UNAUTHORIZED) return kr_session_absence(pass->k);
    if (kr_equal(err->id, "session_aal2_required")) return "aal1";
    return kr_equal(err->id, "session_refresh_required") ? "old" : NULL;
}

/*
 * Where somebody can mend what is wrong and come back from: the login, for a session or for a better one. It is told what was
 * found here: who needs nothing there all the same would be sent back at once, and round for ever.
 */
static const char *mending_url(request_rec *r, const kr_pass_t *pass, const kr_err_t *err, const char *back)
{
    const char *found = found_here(pass, err);
    const char *url = err->extra ? kr_json_str(err->extra, "redirect_browser_to") : NULL;
    const json_t *age = json_object_get(err->details, "max_age");

    if (err->status == HTTP_UNAUTHORIZED) url = kr_session_login_url(pass->k, back);
    else if (url) url = kr_url_with(r->pool, url, "return_to", back);
    if (url && found) url = kr_url_with(r->pool, url, "gate", found);
    if (url && age)
        url = kr_url_with(r->pool, url, "max_age", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(age)));
    return url;
}

static void set_refusal_headers(request_rec *r, const kr_pass_t *pass, const kr_err_t *err)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (err->status == HTTP_UNAUTHORIZED)
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       apr_psprintf(r->pool, "Bearer realm=\"%s\"", pass->tenant->realm->name));
    if (err->retry_after) apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, err->retry_after));
}

static int add_header(void *headers, const char *name, const char *value)
{
    apr_table_add(headers, name, value);
    return 1;
}

/*
 * Written here and not left to httpd, whose own error pages are HTML. Error filters are added by hand as nobody else
 * does after this: without them `Header always` lines would be lost.
 */
static int write_refusal(request_rec *r, const kr_pass_t *pass, const kr_err_t *err)
{
    r->status = err->status;
    ap_set_content_type(r, "application/json");
    ap_run_insert_error_filter(r);
    ap_rputs(kr_api_error_body(pass->k, err), r);
    return DONE;
}

void kr_send_cookies(request_rec *r, kr_ctx_t *k)
{
    kr_reply_finish(k);
    apr_table_do(add_header, r->err_headers_out, k->reply->headers, "Set-Cookie", NULL);
    apr_table_unset(k->reply->headers, "Set-Cookie");
}

int kr_answer_page(request_rec *r, kr_ctx_t *k)
{
    kr_reply_finish(k);
    apr_table_do(add_header, r->err_headers_out, k->reply->headers, NULL);
    r->status = k->reply->status;
    ap_set_content_type(r, k->reply->content_type);
    ap_set_content_length(r, (apr_off_t)k->reply->body_len);
    ap_run_insert_error_filter(r);
    if (!r->header_only) ap_rwrite(k->reply->body, (int)k->reply->body_len, r);
    return DONE;
}

/* A part of a page (SSI) or of a listing: a redirect would lead nobody anywhere, and mod_autoindex would list the file. */
static int is_part(request_rec *r)
{
    return r->main && kr_visit_of(r->main)->settled;
}

/* SetHandler of ours holds there: whatever the host is called, by a proxy in front for instance, this is our place. */
static int is_our_place(const request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const kr_handler_e which = kr_handler_named(core->handler);

    return which == KR_HANDLER_API || which == KR_HANDLER_PAGES;
}

static int is_here(request_rec *r, const kr_pass_t *pass, const kr_url_t *url)
{
    const kr_request_t *req = pass->k->req;

    if (strcmp(*url->path ? url->path : "/", req->path)) return 0;
    return is_our_place(r) || (req->host && !ap_cstr_casecmp(kr_host_name(r->pool, url->host), kr_host_name(r->pool, req->host)));
}

/* Does that lead to this very place, or to the API, which leads on to a page that this is? Then it leads here for ever. */
static int leads_here(request_rec *r, const kr_pass_t *pass, const char *to)
{
    const kr_realm_t *realm = pass->tenant->realm;
    kr_url_t url, page;

    if (!kr_url_parse(&url, r->pool, to) || !url.host) return 0;
    if (is_here(r, pass, &url)) return 1;
    for (int kind = 0; kind < KR_FLOW_KINDS; kind++) {
        const char *begins = apr_pstrcat(r->pool, realm->base_path, "/self-service/", kr_flow_kind_name((kr_flow_kind_e)kind), "/",
                                         NULL);

        if (!strncmp(url.path, begins, strlen(begins)))
            return kr_url_parse(&page, r->pool, realm->settings->flow[kind].ui_url) && page.host && is_here(r, pass, &page);
    }
    return 0;
}

static int leads_on(const kr_err_t *err)
{
    return err->status == HTTP_UNAUTHORIZED || (err->extra && kr_json_str(err->extra, "redirect_browser_to"));
}

/* mod_dir asks by a sub-request and passes on status and headers when the file it found is guarded: no body then. */
static int write_error(request_rec *r, const kr_pass_t *pass, const kr_err_t *err, const char *not_kept)
{
    kr_err_t told = *err;

    if (not_kept) (void)kr_err_detail(pass->k, &told, "not_kept", json_string(not_kept));
    set_refusal_headers(r, pass, &told);
    return r->main ? told.status : write_refusal(r, pass, &told);
}

/* @return 0 when that would lead here again */
static int send_away(request_rec *r, const kr_pass_t *pass, const char *url)
{
    if (leads_here(r, pass, url)) return 0;
    kr_send_cookies(r, pass->k); /* the one that finds a form again, if one was kept */
    apr_table_setn(r->err_headers_out, "Location", url);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    return 1;
}

static int answer(request_rec *r, const kr_pass_t *pass, const kr_err_t *err)
{
    const char *not_kept = NULL, *back = NULL;

    if (!is_part(r) && leads_on(err)) back = kr_keep(&not_kept, r, pass);
    if (!back && !is_part(r) && leads_on(err) && sends_away(r)) back = wanted_url(r, pass);
    if (!back) return write_error(r, pass, err, not_kept);
    if (send_away(r, pass, mending_url(r, pass, err, back))) return HTTP_SEE_OTHER;
    /* The doctor finds such a gate at start, but not in an .htaccess file or a condition; each hop would be longer than the last. */
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  KRLOGNO(1223) "realm %s: this gate stands before its own login (%s), where nobody has a session yet: put "
                                "Require all granted there", pass->tenant->realm->name, r->uri);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static kr_gate_verdict_e verdict_of(const kr_err_t *err)
{
    if (err->status >= 500) return KR_VERDICT_UNAVAILABLE;
    return err->status == HTTP_UNAUTHORIZED ? KR_VERDICT_NO_SESSION : KR_VERDICT_STEP_UP;
}

int kr_refuse_for(request_rec *r, const kr_pass_t *pass, const kr_err_t *err)
{
    kr_request_fill(pass->k, kr_topmost(r), 0);
    if (err->status >= 500 && kr_database_may_complain(pass->tenant->database))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, err->cause, r,
                      KRLOGNO(1220) "realm %s: the session cannot be checked", pass->tenant->realm->name);
    kr_note_verdict(r, verdict_of(err));
    return answer(r, pass, err);
}

int kr_refuse(request_rec *r, const kr_pass_t *pass)
{
    return kr_refuse_for(r, pass, pass->refusal);
}

static int has_page_of_owner(request_rec *r)
{
    return ap_response_code_string(r, ap_index_of_response(HTTP_FORBIDDEN)) != NULL;
}

/*
 * People who cannot mend it get httpd's own page for 403, which sites replace by an ErrorDocument. Who could, by setting something up
 * first, is told so, unless the site has words of its own.
 */
static int forbid(request_rec *r, const kr_pass_t *pass, const kr_err_t *err)
{
    if (!kr_equal(err->id, KR_NO_SECOND) || is_part(r) || r->main || has_page_of_owner(r)) return HTTP_FORBIDDEN;
    kr_ui_no_second(pass->k, kr_json_str(err->details, "settings_url"));
    return kr_answer_page(r, pass->k);
}

int kr_deny(request_rec *r, const kr_pass_t *pass, const kr_line_t *unmet)
{
    const char *back;
    const kr_err_t *err;

    kr_request_fill(pass->k, kr_topmost(r), 0);
    back = is_person(r) ? wanted_url(r, pass) : NULL;
    err = kr_require_refusal(pass->k, unmet ? unmet->require : NULL, pass->session, back);

    if (err->status >= 500) return kr_refuse_for(r, pass, err);
    kr_note_verdict(r, err->extra ? KR_VERDICT_STEP_UP : KR_VERDICT_FORBIDDEN);
    if ((!err->extra && is_person(r)) || is_part(r)) return forbid(r, pass, err);
    return answer(r, pass, err);
}
