/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of requests for the built-in pages: visits by a browser, and where the API sends it. */
#ifndef PAGES_ENV_H
#define PAGES_ENV_H

#include "api_env.h"
#include "kr_ui.h"

/* As httpd does it at start. */
static inline void pages_of(client_t *c)
{
    if (!c->realm->pages) assert_null(kr_pages_load(&((kr_realm_t *)c->realm)->pages, c->env->pool, NULL));
}

static inline kr_ctx_t *visit(client_t *c, const char *method, const char *url)
{
    kr_ctx_t *k = carrying(c, method, url, NULL, NULL);

    pages_of(c);
    kr_ui_handle(k);
    kr_db_release(k);
    keep_cookies(c, k);
    return k;
}

static inline int shows(const kr_ctx_t *k, const char *text)
{
    return k->reply->body && strstr(k->reply->body, text) != NULL;
}

/** Where an answer leads, as a path of the pages. */
static inline const char *led_to(const kr_ctx_t *k)
{
    return header(k, "Location") + strlen("https://id.example.org");
}

/** The flow's page after the API sent the browser there. */
static inline const char *page_of(client_t *c, const char *kind, const char *query)
{
    kr_ctx_t *k = get(c, apr_pstrcat(c->env->pool, "/self-service/", kind, "/browser", query, NULL));

    assert_status(k, 303);
    return led_to(k);
}

#endif
