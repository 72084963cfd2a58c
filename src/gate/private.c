/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for some must not be kept for all. */
#include "gate.h"
#include "pass.h"

#include <util_filter.h>

#include "kr_text.h"

#define KEEP_PRIVATE "KRATOS_PRIVATE"

static int settles_caching(const char *control)
{
    static const char *const WORDS[] = { "private", "no-store", "public", "s-maxage" };

    for (int i = 0; i < KR_DIM(WORDS); i++)
        if (ap_strcasestr(control, WORDS[i])) return 1;
    return 0;
}

/* @return 0 when the table says nothing about caching */
static int keep_private(apr_table_t *headers, apr_pool_t *pool)
{
    const char *control = apr_table_getm(pool, headers, "Cache-Control");

    if (!control) return 0;
    if (!settles_caching(control)) apr_table_mergen(headers, "Cache-Control", "private");
    return 1;
}

/*
 * Whose answer depended on a session must not settle in a shared cache, mod_cache included, which would give it to
 * anybody and ask nobody. As RFC 9111 has it for requests with `Authorization`, only an app that says "public" (or
 * "s-maxage") allows that; a mere max-age does not. In a filter, as a proxied app's headers come last of all, and
 * before mod_cache's own. What was included in a page counts for the whole of it, as far as that is not yet on its way.
 */
static apr_status_t private_filter(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = f->next;

    for (request_rec *r = f->r; r; r = r->main) {
        int said = keep_private(r->headers_out, r->pool);

        if (!keep_private(r->err_headers_out, r->pool) && !said)
            apr_table_setn(r->headers_out, "Cache-Control", "private");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, brigade);
}

void kr_gate_register_filter(void)
{
    ap_register_output_filter(KEEP_PRIVATE, private_filter, NULL, AP_FTYPE_CONTENT_SET);
}

void kr_gate_filter(request_rec *r)
{
    kr_replay_again(r);
    if (kr_passes_of(r)) ap_add_output_filter(KEEP_PRIVATE, NULL, r, r->connection);
}
