/* SPDX-License-Identifier: Apache-2.0 */
/* What a client must not say about itself: X-Kratos-* headers, and which of them a proxy shall drop. */
#include "gate.h"

#include <apr_lib.h>
#include <apr_strings.h>

/*
 * A client's own X-Kratos-* headers go, whatever stands in place of the hyphens, and however much of it: backends that make
 * variables of header names (CGI, WSGI, PHP) take x_kratos_id, and some x.kratos.id, for the same name.
 */
static int is_ours(const char *name)
{
    for (const char *ours = "x-kratos-"; *ours; ours++) {
        if (*ours != '-') {
            if (apr_tolower(*name++) != *ours) return 0;
            continue;
        }
        if (!*name || apr_isalnum(*name)) return 0;
        while (*name && !apr_isalnum(*name)) name++;
    }
    return 1;
}

static void strip_headers(request_rec *r)
{
    const apr_array_header_t *lines = apr_table_elts(r->headers_in);
    const apr_table_entry_t *line = (const apr_table_entry_t *)lines->elts;
    apr_array_header_t *gone = NULL;

    for (int i = 0; i < lines->nelts; i++) {
        if (!is_ours(line[i].key)) continue;
        if (!gone) gone = apr_array_make(r->pool, 4, sizeof(const char *));
        APR_ARRAY_PUSH(gone, const char *) = line[i].key;
    }
    for (int i = 0; gone && i < gone->nelts; i++) apr_table_unset(r->headers_in, APR_ARRAY_IDX(gone, i, const char *));
}

#define BETWEEN ", \t"

/*
 * mod_proxy drops the headers that `Connection` names; an app must not take that for "nobody is signed in". Looked through in
 * place, and into one buffer: strangers may send thousands of tokens.
 */
static void strip_tokens(request_rec *r, const char *header)
{
    const char *list = apr_table_getm(r->pool, r->headers_in, header);
    char *rest, *kept, *end, *last;

    if (!list || !ap_strcasestr(list, "kratos")) return;
    rest = apr_pstrdup(r->pool, list);
    kept = end = apr_palloc(r->pool, 2 * strlen(list) + 1); /* "a,b" becomes "a, b" */
    for (char *token = apr_strtok(rest, BETWEEN, &last); token; token = apr_strtok(NULL, BETWEEN, &last))
        if (!is_ours(token)) end += sprintf(end, end == kept ? "%s" : ", %s", token);
    if (end == kept)
        apr_table_unset(r->headers_in, header);
    else
        apr_table_setn(r->headers_in, header, kept);
}

int kr_gate_strip(request_rec *r)
{
    strip_headers(r);
    strip_tokens(r, "Connection");
    strip_tokens(r, "Proxy-Connection");
    return DECLINED;
}
