/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the built-in pages: flows out of a few words, and what their page shows, hides and in which order. */
#ifndef UI_ENV_H
#define UI_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <cmocka.h>

#include "kr_json.h"
#include "kr_text.h"
#include "kr_ui.h"

#define HOSTILE "\\\"'><script>alert(1)</script>&"

static kr_page_t PAGE = { .title = "Sign in", .home = "/auth", .site = "id.example" };
static const kr_pages_t *builtin;

static apr_pool_t *pool;

static inline int begin(void **state)
{
    (void)state;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS || kr_pages_load(&builtin, pool, NULL)) return 1;
    PAGE.words = kr_pages_words(builtin, pool, NULL, NULL);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static inline json_t *json(const char *text)
{
    const char *why = NULL;
    json_t *value = kr_json_parse(pool, text, strlen(text), &why);

    if (!value) fail_msg("%s: %s", why, text);
    return value;
}

/** The page of a flow with these nodes (JSON without the brackets) and messages. */
static inline const char *page_of(const char *nodes, const char *messages)
{
    const char *flow = apr_psprintf(pool,
                                    "{\"ui\":{\"action\":\"https://id.example/self-service/login?flow=1&x=2\","
                                    "\"method\":\"POST\",\"nodes\":[%s],\"messages\":[%s]}}",
                                    nodes, messages ? messages : "");

    return kr_ui_flow_page(pool, &PAGE, json(flow));
}

/** An input node; `more` are further attributes, each with a comma in front. */
static inline const char *input(const char *group, const char *name, const char *type, const char *label, const char *more)
{
    if (label) label = apr_psprintf(pool, "\"label\":{\"id\":1,\"text\":\"%s\",\"type\":\"info\"}", label);
    return apr_psprintf(pool,
                        "{\"type\":\"input\",\"group\":\"%s\",\"messages\":[],\"attributes\":{\"name\":\"%s\","
                        "\"type\":\"%s\",\"disabled\":false,\"node_type\":\"input\"%s},\"meta\":{%s}}",
                        group, name, type, more,
                        label ? label : "");
}

static inline const char *list(const char *a, const char *b, const char *c, const char *d)
{
    return apr_pstrcat(pool, a, b ? "," : "", b ? b : "", c ? "," : "", c ? c : "", d ? "," : "", d ? d : "", NULL);
}

static inline const char *csrf(void)
{
    return input("default", "csrf_token", "hidden", NULL, ",\"value\":\"tok+/=\",\"required\":true");
}

static inline const char *submit(const char *group, const char *name, const char *value, const char *label)
{
    return input(group, name, "submit", label, apr_psprintf(pool, ",\"value\":\"%s\"", value));
}

#define assert_shows(html, what)                                                                                       \
    do {                                                                                                               \
        if (!strstr((html), (what))) fail_msg("missing %s in\n%s", (what), (html));                                    \
    } while (0)
#define assert_hides(html, what)                                                                                       \
    do {                                                                                                               \
        if (strstr((html), (what))) fail_msg("found %s in\n%s", (what), (html));                                       \
    } while (0)

static inline void assert_order(const char *html, const char *first, const char *second)
{
    assert_shows(html, first);
    assert_shows(html, second);
    if (strstr(html, first) > strstr(html, second)) fail_msg("%s should come before %s in\n%s", first, second, html);
}

static inline int count(const char *html, const char *what)
{
    int n = 0;

    while ((html = strstr(html, what)) != NULL) {
        n++;
        html++;
    }
    return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
