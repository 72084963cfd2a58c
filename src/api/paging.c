/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists: which one is asked for, and the headers that tell of the others (RFC 8288). */
#include <stdlib.h>
#include <string.h>

#include "api.h"

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

kr_page_query_t kr_paging(kr_ctx_t *k, int otherwise, int most, int first)
{
    const long offset = token_offset(k);
    const int numbered = offset < 0 && kr_query(k->req, "page") != NULL;
    long size = number(k, "page_size", number(k, "per_page", otherwise));
    long page = number(k, "page", first);

    if (size < 1) size = 1;
    if (size > most) size = most;
    page = offset >= 0 ? offset / size : page < first ? 0 : page - first;
    if (page > PAGE_MAX) page = PAGE_MAX;
    return (kr_page_query_t){ (int)size, (int)page, numbered ? first : 0 };
}

/** A list and the page of it that is shown. */
typedef struct {
    const char *path;
    kr_page_query_t page;
    apr_int64_t size;
} view_t;

/* The token counts, and says which entry the page begins with; the number is for clients that go by numbers. */
static const char *link_to(kr_ctx_t *k, const view_t *view, const char *rel, apr_int64_t page)
{
    const apr_int64_t number = strcmp(rel, "first") == 0 ? 0 : page + view->page.first;
    const char *token = apr_psprintf(k->pool, "{\"offset\":\"%" APR_INT64_T_FMT "\",\"v\":2}", page * view->size);

    return apr_psprintf(k->pool, "<%s?page=%" APR_INT64_T_FMT "&page_size=%" APR_INT64_T_FMT "&page_token=%s&per_page=%"
                        APR_INT64_T_FMT ">; rel=\"%s\"", view->path, number, view->size,
                        kr_base64url(k->pool, token, strlen(token)), view->size, rel);
}

static void add(apr_array_header_t *links, const char *link)
{
    APR_ARRAY_PUSH(links, const char *) = link;
}

/* Clients know the odd ones: a list of one page has no more entries per page than it has, the first of several is not named on
 * itself, and an empty list has neighbours. */
void kr_paging_headers(kr_ctx_t *k, const char *path, kr_page_query_t page, apr_int64_t total)
{
    const int whole = total && total <= page.size;
    const view_t view = { path, page, whole ? total : page.size };
    const apr_int64_t last = total ? (total - 1) / page.size : 0;
    const apr_int64_t before = (page.page > last ? last + 1 : page.page) - 1;
    apr_array_header_t *links = apr_array_make(k->pool, 4, sizeof(const char *));

    if (whole || page.page > 0 || !total) add(links, link_to(k, &view, "first", 0));
    if (!whole && (page.page < last || !total)) add(links, link_to(k, &view, "next", page.page + 1));
    if (!whole && (page.page > 0 || !total)) add(links, link_to(k, &view, "prev", before));
    if (page.page < last) add(links, link_to(k, &view, "last", last));
    kr_reply_header(k, "Link", apr_array_pstrcat(k->pool, links, ','));
    kr_reply_header(k, "X-Total-Count", apr_psprintf(k->pool, "%" APR_INT64_T_FMT, total));
}
