/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists: which one is asked for, and the headers that tell of the others (RFC 8288). */
#include <stdlib.h>
#include <string.h>

#include "api_private.h"

#define PAGE_MAX 1000000

/* A number from the query; what is none, or is absurd, is `otherwise`. */
static long number(kr_ctx_t *k, const char *name, long otherwise)
{
    const char *text = kr_query(k->req, name);
    char *end;
    long n;

    if (!text || !*text) return otherwise;
    n = strtol(text, &end, 10);
    return *end ? otherwise : n;
}

/* {"offset":"n","v":2} in base64url; anything else is the first page. */
static long token_offset(kr_ctx_t *k)
{
    const char *token = kr_query(k->req, "page_token");
    apr_size_t len;
    unsigned char *text;
    json_t *json;
    const char *offset;

    if (!token || !*token || strlen(token) > 128 || !(text = kr_base64_decode(k->pool, token, &len))) return -1;
    json = kr_json_parse(k->pool, (const char *)text, len, NULL);
    offset = json ? kr_json_str(json, "offset") : NULL;
    return offset ? strtol(offset, NULL, 10) : -1;
}

kr_page_query_t kr_paging(kr_ctx_t *k, int otherwise, int most)
{
    long size = number(k, "page_size", number(k, "per_page", otherwise));
    long page = number(k, "page", 0);
    long offset;

    if (size < 1) size = 1;
    if (size > most) size = most;
    offset = token_offset(k);
    if (offset >= 0) page = offset / size;
    if (page < 0) page = 0;
    if (page > PAGE_MAX) page = PAGE_MAX;
    return (kr_page_query_t){ (int)size, (int)page };
}

static const char *link_to(kr_ctx_t *k, const char *path, const char *rel, apr_int64_t page, apr_int64_t size)
{
    const char *token = apr_psprintf(k->pool, "{\"offset\":\"%" APR_INT64_T_FMT "\",\"v\":2}", page * size);

    return apr_psprintf(k->pool, "<%s?page=%" APR_INT64_T_FMT "&page_size=%" APR_INT64_T_FMT "&page_token=%s&per_page=%"
                        APR_INT64_T_FMT ">; rel=\"%s\"", path, page, size, kr_base64url(k->pool, token, strlen(token)), size, rel);
}

void kr_paging_headers(kr_ctx_t *k, const char *path, kr_page_query_t page, apr_int64_t total)
{
    const apr_int64_t size = total && page.size > total ? total : page.size;
    const char *links = link_to(k, path, "first", 0, size);

    if (total == 0 || (apr_int64_t)(page.page + 1) * page.size < total)
        links = apr_pstrcat(k->pool, links, ",", link_to(k, path, "next", page.page + 1, size), NULL);
    if (total == 0 || page.page > 0)
        links = apr_pstrcat(k->pool, links, ",", link_to(k, path, "prev", page.page - 1, size), NULL);
    kr_reply_header(k, "Link", links);
    kr_reply_header(k, "X-Total-Count", apr_psprintf(k->pool, "%" APR_INT64_T_FMT, total));
}
