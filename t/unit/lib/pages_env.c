/* SPDX-License-Identifier: Apache-2.0 */
/* Visits to the built-in pages. */
#include "pages_env.h"

void pages_of(client_t *c)
{
    if (!c->realm->pages) assert_null(kr_pages_load(&((kr_realm_t *)c->realm)->pages, c->env->pool, NULL));
}

kr_ctx_t *visit(client_t *c, const char *method, const char *url)
{
    kr_ctx_t *k = carrying(c, method, url, NULL, NULL);

    pages_of(c);
    kr_ui_handle(k);
    kr_db_release(k);
    keep_cookies(c, k);
    return k;
}

int shows(const kr_ctx_t *k, const char *text)
{
    return k->reply->body && strstr(k->reply->body, text) != NULL;
}

const char *led_to(const kr_ctx_t *k)
{
    return header(k, "Location") + strlen("https://id.example.org");
}

const char *page_of(client_t *c, const char *kind, const char *query)
{
    kr_ctx_t *k = get(c, apr_pstrcat(c->env->pool, "/self-service/", kind, "/browser", query, NULL));

    assert_status(k, 303);
    return led_to(k);
}
