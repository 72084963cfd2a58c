/* SPDX-License-Identifier: Apache-2.0 */
/* Which origins may call with their visitors' cookies: the owner's own, never everybody's. */
#include <string.h>

#include "draft.h"
#include "kr_json.h"
#include "kr_text.h"

static const char ORIGINS[] = "serve.public.cors.allowed_origins";

static int is_star(const char *origin)
{
    return strcmp(origin, "*") == 0;
}

/** A pattern that covers hosts of more owners than one. */
static int covers_others(apr_pool_t *pool, const char *origin)
{
    kr_url_t url;
    int unsafe;

    if (kr_allowed_wrong(pool, origin, &unsafe)) return 0; /* said already */
    if (unsafe) return 1;
    kr_url_parse(&url, pool, origin);
    return strncmp(url.host, "*.", 2) == 0 && kr_domain_is_public(kr_host_name(pool, url.host + 2));
}

static void check_origin(kr_review_t *review, apr_size_t i, const char *origin, int alone)
{
    const char *path = kr_path_element(review->pool, ORIGINS, i);

    if (is_star(origin) && alone)
        kr_review_error(review, path, "\"*\" with allow_credentials: browsers give no cookies to everybody's origin; name "
                                      "your own origins, or set allow_credentials to false");
    else if (is_star(origin))
        kr_review_error(review, path, "\"*\" beside other origins would let every site call the API with its visitors' "
                                      "cookies; take it away, or set allow_credentials to false");
    else if (covers_others(review->pool, origin))
        kr_review_error(review, path, "\"%s\" would let sites of others call the API with their visitors' cookies; a wildcard "
                                      "must be the whole first label of a domain of yours, as in https://*.example.org, or "
                                      "set allow_credentials to false", origin);
}

/* What only the defaults say is no request for the impossible: a star alone then works without cookies (api/cors.c). */
void kr_review_cors(kr_review_t *review, const kr_settings_t *settings)
{
    const apr_array_header_t *origins = settings->cors.origins;
    int asked = json_is_true(kr_json_at(review->draft->tree, "serve.public.cors.allow_credentials"));

    if (!settings->cors.enabled || !settings->cors.allow_credentials) return;
    if (origins->nelts == 1 && is_star(APR_ARRAY_IDX(origins, 0, const char *)) && !asked) {
        kr_review_warn(review, ORIGINS, "every site may read what needs no cookie, and none can sign people in; name your own "
                                        "origins, or set allow_credentials to false if that is meant");
        return;
    }
    for (int i = 0; i < origins->nelts; i++)
        check_origin(review, (apr_size_t)i, APR_ARRAY_IDX(origins, i, const char *), origins->nelts == 1);
}
