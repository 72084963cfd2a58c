/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form that waited takes the place of a request's body: whoever reads that, an application or a filter of another module,
 * reads the form.
 */
#include "gate.h"
#include "pass.h"

#include <apr_strings.h>
#include <util_filter.h>

#define REPLAY "KRATOS_REPLAY"

/** What of it is still to be read. */
struct kr_replay_t {
    const char *at;
    apr_size_t left;
};

static int ends_line(const char *text, apr_size_t len, apr_size_t *line)
{
    const char *end = memchr(text, '\n', len);

    if (end) *line = (apr_size_t)(end - text) + 1;
    return end != NULL;
}

static apr_status_t replay_filter(ap_filter_t *f, apr_bucket_brigade *out, ap_input_mode_t mode, apr_read_type_e block,
                                  apr_off_t wanted)
{
    struct kr_replay_t *replay = f->ctx;
    apr_size_t n = replay->left;

    (void)block; /* all of it is there */
    if (mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) return APR_SUCCESS;
    if (mode == AP_MODE_READBYTES || mode == AP_MODE_SPECULATIVE)
        if (wanted >= 0 && (apr_off_t)n > wanted) n = (apr_size_t)wanted;
    if (mode == AP_MODE_GETLINE) (void)ends_line(replay->at, replay->left, &n);
    if (n) APR_BRIGADE_INSERT_TAIL(out, apr_bucket_immortal_create(replay->at, n, f->c->bucket_alloc));
    if (n == replay->left) APR_BRIGADE_INSERT_TAIL(out, apr_bucket_eos_create(f->c->bucket_alloc));
    if (mode == AP_MODE_SPECULATIVE) return APR_SUCCESS;
    replay->at += n;
    replay->left -= n;
    return APR_SUCCESS;
}

void kr_replay_register(void)
{
    ap_register_input_filter(REPLAY, replay_filter, NULL, AP_FTYPE_CONTENT_SET);
}

void kr_replay(request_rec *r, const kr_kept_t *post)
{
    struct kr_replay_t *replay = apr_palloc(r->pool, sizeof(*replay));

    *replay = (struct kr_replay_t){ post->body, post->len };
    apr_table_setn(r->headers_in, "Content-Type", post->type);
    apr_table_setn(r->headers_in, "Content-Length", apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, post->len));
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_unset(r->headers_in, "Referer"); /* that was our own page; applications lead back to where a form stood */
    if (*post->referer) apr_table_setn(r->headers_in, "Referer", post->referer);
    kr_visit_of(r)->replay = replay;
    ap_add_input_filter(REPLAY, replay, r, r->connection);
}

static int is_there(request_rec *r)
{
    for (ap_filter_t *f = r->input_filters; f; f = f->next)
        if (!ap_cstr_casecmp(f->frec->name, REPLAY)) return 1;
    return 0;
}

void kr_replay_again(request_rec *r)
{
    struct kr_replay_t *replay = r->main ? NULL : kr_visit_of(kr_topmost(r))->replay;

    if (replay && !is_there(r)) ap_add_input_filter(REPLAY, replay, r, r->connection);
}
