/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody comes back to a form that waited for them: they are asked, and what they say yes to is sent as if it came just now. */
#include "gate.h"
#include "pass.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "kr_text.h"
#include "kr_ui.h"

#define NAMES_MAX 20
#define NAME_LEN 64          /* bytes; what is longer is counted, and not shown */
#define ANSWER_MAX 4096      /* bytes: of the form on our page */

/** The place, and what waits for it. */
typedef struct {
    request_rec *r;
    const kr_pass_t *pass;
    const char *id, *url;
} wait_t;

/* What the application behind is not to see. */
static void unmark(request_rec *r, const char *args)
{
    const apr_size_t path = strcspn(r->unparsed_uri, "?");

    r->args = apr_pstrdup(r->pool, args);
    r->parsed_uri.query = r->args;
    r->unparsed_uri = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->unparsed_uri, path), args ? "?" : NULL, args, NULL);
}

static int gone(const wait_t *w)
{
    kr_ui_kept_gone(w->pass->k, w->url);
    return kr_answer_page(w->r, w->pass->k);
}

/* -- asking ----------------------------------------------------------------- */

static int is_among(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(names, i, const char *), name)) return 1;
    return 0;
}

static void name_fields(kr_kept_view_t *view, apr_pool_t *pool, const kr_kept_t *post)
{
    const apr_array_header_t *fields = kr_kept_fields(pool, post);
    apr_array_header_t *names = apr_array_make(pool, NAMES_MAX, sizeof(const char *));

    for (int i = 0; fields && i < fields->nelts; i++) {
        const char *name = APR_ARRAY_IDX(fields, i, kr_pair_t).name;

        if (is_among(names, name)) continue;
        if (names->nelts < NAMES_MAX && *name && strlen(name) <= NAME_LEN) APR_ARRAY_PUSH(names, const char *) = name;
        else view->more++;
    }
    view->names = names;
}

static int ask(const wait_t *w)
{
    kr_ctx_t *k = w->pass->k;
    kr_kept_view_t view = { .place = w->url, .action = kr_kept_mark(w->r->pool, w->url, w->id), .leave = w->url };
    kr_kept_t *post;
    kr_err_t *err = kr_kept_look(&post, k, w->pass->session, w->id, w->url);

    kr_db_release(k);
    if (err) return kr_refuse_for(w->r, w->pass, err);
    if (!post) return gone(w);
    view.token = kr_kept_token(k, w->pass->session, w->id);
    name_fields(&view, w->r->pool, post);
    kr_ui_kept(k, &view);
    return kr_answer_page(w->r, k);
}

/* -- sending ---------------------------------------------------------------- */

/* Is it the button of our page, pressed by whom we asked? */
static int said_yes(const wait_t *w)
{
    kr_request_t req = *w->pass->k->req;
    const apr_array_header_t *form;
    const char *why;

    if (!kr_from_here(w->r, w->pass) || kr_request_read_body(w->r, &req, ANSWER_MAX) != OK) return 0;
    form = kr_form_parse(w->r->pool, req.body, req.body_len, &why);
    return form && kr_kept_token_ok(w->pass->k, w->pass->session, w->id, kr_form_get(form, KR_KEPT_TOKEN));
}

static int send_on(const wait_t *w)
{
    kr_kept_t *post;
    kr_err_t *err;

    if (!said_yes(w)) return HTTP_FORBIDDEN;
    err = kr_kept_take(&post, w->pass->k, w->pass->session, w->id, w->url);
    kr_db_release(w->pass->k);
    if (err) return kr_refuse_for(w->r, w->pass, err);
    if (!post) return gone(w);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, w->r, KRLOGNO(1225) "a form that waited is sent: identity %s, %d bytes",
                  w->pass->session->identity->id, (int)post->len);
    kr_replay(w->r, post);
    return DECLINED;
}

int kr_gate_resume(request_rec *r)
{
    const kr_place_t *place = kr_place_of(r);
    wait_t w = { .r = r };
    kr_request_t req;
    const char *args;

    if (r->main || r->prev || place->keep_post <= 0 || !r->args) return DECLINED;
    args = kr_kept_unmark(r->pool, r->args, &w.id);
    if (!w.id || (r->method_number != M_GET && strcmp(r->method, "POST"))) return DECLINED;
    w.pass = kr_pass_of(r);
    if (!w.pass || w.pass->refusal) return DECLINED;
    kr_request_fill(w.pass->k, r, 0);
    req = *w.pass->k->req;
    req.raw_query = args;
    w.url = kr_request_url(r, &req);
    unmark(r, args);
    return r->method_number == M_GET ? ask(&w) : send_on(&w);
}
