/* SPDX-License-Identifier: Apache-2.0 */
/* KratosKeepPost: a form that meets a refusal which its person can mend is kept, and they come back to it. */
#include "pass.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>

#include "kr_kept.h"
#include "kr_text.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data"

/* Somebody who pressed a button of a page. */
static int is_persons(request_rec *r, const kr_pass_t *pass)
{
    const char *mode = apr_table_get(r->headers_in, "Sec-Fetch-Mode"), *accept = apr_table_get(r->headers_in, "Accept");
    const kr_session_t *session = pass->session;

    if (session && session->carrier != KR_CARRIED_COOKIE) return 0;
    return mode ? !strcmp(mode, "navigate") : accept && ap_strcasestr(accept, "text/html") != NULL;
}

int kr_from_here(request_rec *r, const kr_pass_t *pass)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site"), *origin = apr_table_get(r->headers_in, "Origin");
    const kr_request_t *req = pass->k->req;

    if (site && strcmp(site, "same-origin")) return 0;
    if (!origin || (site && !strcmp(origin, "null"))) return site != NULL; /* pages that send no referrer send no origin either */
    return !ap_cstr_casecmp(origin, apr_pstrcat(r->pool, req->scheme, "://", req->host, NULL));
}

static int is_type(const char *type, const char *wanted)
{
    const apr_size_t len = strlen(wanted);

    return type && !ap_cstr_casecmpn(type, wanted, len) && (!type[len] || type[len] == ';' || apr_isspace(type[len]));
}

/* Part headers are lines of their own; browsers name a file there even when none was chosen. */
static int has_file(const kr_kept_t *post)
{
    for (const char *at = post->body; (at = ap_strcasestr(at, "content-disposition:")) != NULL; at++) {
        const char *name = ap_strcasestr(at, "filename"), *end = strpbrk(at, "\r\n");

        if (name && (!end || name < end)) return 1;
    }
    return 0;
}

const apr_array_header_t *kr_kept_fields(apr_pool_t *pool, const kr_kept_t *post)
{
    const char *why;

    if (is_type(post->type, URLENCODED)) return kr_form_parse(pool, post->body, post->len, &why);
    if (!is_type(post->type, MULTIPART) || has_file(post)) return NULL;
    return kr_form_parse_multipart(pool, post->type, post->body, post->len, &why);
}

#define NO_FORM "only forms without files are kept"

/* What speaks against it before a byte of it is read. */
static const char *check_head(request_rec *r, const kr_pass_t *pass, int most)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type"), *length = apr_table_get(r->headers_in, "Content-Length");

    if (!kr_from_here(r, pass)) return "only forms of this very site are kept, where the browser says that they are";
    if ((!is_type(type, URLENCODED) && !is_type(type, MULTIPART)) || apr_table_get(r->headers_in, "Content-Encoding")) return NO_FORM;
    if (length && apr_strtoi64(length, NULL, 10) > most) return apr_psprintf(r->pool, "it is larger than %d bytes", most);
    return NULL;
}

/* @param req  a copy: what others see of the request has no body */
static const char *read_post(kr_kept_t *post, request_rec *r, kr_request_t *req, int most)
{
    const char *referer = apr_table_get(r->headers_in, "Referer");
    const int status = kr_request_read_body(r, req, (apr_size_t)most);

    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) return apr_psprintf(r->pool, "it is larger than %d bytes", most);
    if (status != OK) return "it did not come whole";
    *post = (kr_kept_t){ .url = kr_request_url(r, req), .type = req->content_type, .referer = referer ? referer : "",
                         .body = req->body, .len = req->body_len };
    return kr_kept_fields(r->pool, post) ? NULL : NO_FORM;
}

/* @return what speaks against it; *id NULL then, too */
static const char *put(const char **id, request_rec *r, const kr_pass_t *pass, int most)
{
    kr_request_t req = *pass->k->req;
    const char *whose, *why = check_head(r, pass, most);
    kr_kept_t post;
    kr_err_t *err;

    *id = NULL;
    if (!why) why = read_post(&post, r, &req, most);
    if (why) return why;
    if (pass->session) whose = pass->session->identity->id;
    else if (kr_session_former_owner(&whose, pass->k)) whose = NULL; /* then it is whose sign-in comes next */
    err = kr_kept_put(id, pass->k, &post, whose);
    kr_db_release(pass->k);
    if (err) return "it could not be stored";
    return *id ? NULL : "too many wait already";
}

/* The answer to a form that waits already: it was to be sent when something was missing once more. */
static int is_marked(request_rec *r)
{
    const char *id;

    (void)kr_kept_unmark(r->pool, r->args, &id);
    return id != NULL;
}

const char *kr_keep(const char **why, request_rec *r, const kr_pass_t *pass)
{
    const kr_place_t *place = kr_place_of(r);
    const char *url = kr_request_url(r, pass->k->req), *id;

    *why = NULL;
    if (place->keep_post <= 0 || place->unauthenticated == KR_UNAUTH_401 || r != kr_topmost(r)) return NULL;
    if (strcmp(r->method, "POST") || !is_persons(r, pass)) return NULL;
    if (is_marked(r)) return url;
    *why = put(&id, r, pass, place->keep_post);
    if (*why) ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, KRLOGNO(1224) "the form that was sent here is not kept: %s", *why);
    return id ? kr_kept_mark(r->pool, url, id) : NULL;
}
