/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of an OAuth2 server that has people sign in here. */
#include <string.h>

#include "draft.h"
#include "kr_json.h"
#include "kr_share.h"

#define URL "oauth2_provider.url"
#define HEADERS "oauth2_provider.headers"

/* As Hydra's own clients do, we add that ourselves. */
static void check_path(kr_review_t *review, const char *url)
{
    static const char ADMIN[] = "/admin";
    apr_size_t len = strlen(url);

    while (len && url[len - 1] == '/') len--;
    if (len < strlen(ADMIN) || strncmp(url + len - strlen(ADMIN), ADMIN, strlen(ADMIN)) != 0) return;
    kr_review_warn(review, URL, "\"%s\": what is called below it begins with /admin as well; leave the /admin at its end out", url);
}

void kr_review_oauth2(kr_review_t *review, kr_settings_t *settings)
{
    const apr_array_header_t *headers = apr_table_elts(settings->oauth2.headers);

    for (int i = 0; i < headers->nelts; i++)
        kr_review_header(review, HEADERS, APR_ARRAY_IDX(headers, i, apr_table_entry_t).key, APR_ARRAY_IDX(headers, i, apr_table_entry_t).val);
    if (settings->oauth2.url) {
        check_path(review, settings->oauth2.url);
        settings->oauth2.share = kr_share_make(review->pool);
    } else if (!kr_json_at(review->draft->tree, URL) && headers->nelts)
        kr_review_warn(review, HEADERS, "is not used: " URL " is not set");
}
