/* SPDX-License-Identifier: Apache-2.0 */
/* Sites that take our word for who somebody is (mod_kratos.fedcm): what browsers would do nothing with is said at start. */
#include <string.h>

#include <apr_lib.h>

#include "draft.h"
#include "kr_text.h"

/* -- single values --------------------------------------------------------- */

/* It stands in a column of the database, and in tokens. */
const char *kr_check_client_id(apr_pool_t *pool, const char *value)
{
    const char *why = kr_unfilled(pool, value);

    if (why) return why;
    for (const char *p = value; *p; p++)
        if (!apr_isgraph(*p)) return "holds a blank or a character beyond ASCII";
    return NULL;
}

static int is_loopback(apr_pool_t *pool, const kr_url_t *url)
{
    return kr_host_is_loopback(kr_host_name(pool, url->host));
}

const char *kr_check_client_origin(apr_pool_t *pool, const char *value)
{
    const char *why = kr_check_page_origin(pool, value), *colon;
    kr_url_t url;

    if (why || !kr_url_parse(&url, pool, value) || !url.host) return why;
    colon = strrchr(url.host, ':');
    if (colon && !strcmp(colon, strcmp(url.scheme, "https") ? ":80" : ":443"))
        return "names the port that its scheme has anyway, which no browser does: leave it out";
    if (!strcmp(url.scheme, "http") && !is_loopback(pool, &url))
        return "is not https, and browsers have no FedCM elsewhere but on localhost";
    return NULL;
}

/* Of CSS, roughly: browsers leave out what they cannot read. */
const char *kr_check_color(apr_pool_t *pool, const char *value)
{
    (void)pool;
    for (const char *p = value; *p; p++)
        if (!apr_isalnum(*p) && !strchr("#(),.% -/", *p)) return "is no colour of CSS, such as #1a73e8";
    return NULL;
}

/* -- together --------------------------------------------------------------- */

/*
 * What browsers ask of us in the name of other sites comes with no cookie but one that is Secure and of SameSite=None. That is not the
 * session's own (session/fedcm.c), so all that is needed is a place which such a cookie travels to.
 */
void kr_review_fedcm(kr_review_t *review, const kr_settings_t *settings)
{
    const kr_fedcm_conf_t *conf = &settings->fedcm;
    kr_url_t base;

    if (!conf->clients->nelts || !settings->base_url || !kr_url_parse(&base, review->pool, settings->base_url) || !base.host) return;
    if (strcmp(base.scheme, "https") && !is_loopback(review->pool, &base))
        kr_review_error(review, "mod_kratos.fedcm.clients", "needs serve.public.base_url to be https (it is %s): browsers ask for accounts, and "
                                                            "send the cookie that tells whose they are, nowhere else but on localhost",
                        settings->base_url);
}
