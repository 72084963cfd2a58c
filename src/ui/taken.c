/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms that pages take themselves, because what the API asks for no form can send (DELETE). What stands in one goes on to the API by
 * value, csrf_token and all; what browsers say of where it stood is looked at here, where it is known to be a form.
 */
#include <strings.h>

#include "kr_realm.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/* Ours are the origin that the request came to, and the one that people see where a proxy ends TLS in front of us. */
static int our_origin(kr_ctx_t *k, const char *origin)
{
    kr_url_t base;

    if (strcasecmp(origin, apr_pstrcat(k->pool, k->req->scheme, "://", k->req->host, NULL)) == 0) return 1;
    if (!kr_url_parse(&base, k->pool, k->realm->settings->base_url) || !base.host) return 0;
    return strcasecmp(origin, apr_pstrcat(k->pool, base.scheme, "://", base.host, NULL)) == 0;
}

/* What browsers say of where a form stood. Those that say nothing still need the token. */
static int from_here(kr_ctx_t *k)
{
    const char *site = kr_header(k->req, "Sec-Fetch-Site"), *origin = kr_header(k->req, "Origin");

    if (site && strcmp(site, "same-origin") != 0) return 0;
    return !origin || our_origin(k, origin);
}

kr_err_t *ui_form_read(kr_body_t *out, kr_ctx_t *k)
{
    if (!from_here(k)) return kr_err(k, 403, "security_csrf_violation", "the form stood on another site");
    return kr_body_read(out, k);
}

kr_api_answer_t ui_answer_of(kr_ctx_t *k, const kr_err_t *err)
{
    return (kr_api_answer_t){
        .status = err->status,
        .json = kr_json_pack(k->pool, "{s:{s:i, s:s?, s:s?}}", "error", "code", err->status, "id", err->id, "reason", err->reason),
    };
}
