/* SPDX-License-Identifier: Apache-2.0 */
/* Flows out of a few words, and what their page shows. */
#include "ui_env.h"

kr_page_t PAGE = { .title = "Sign in", .home = "/auth", .site = "id.example" };

const kr_pages_t *builtin;

int open_pages(void **state)
{
    (void)state;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS || kr_pages_load(&builtin, pool, NULL)) return 1;
    PAGE.words = kr_pages_words(builtin, pool, NULL, NULL);
    return 0;
}

int close_pages(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

const char *page_of_nodes(const char *nodes, const char *messages)
{
    const char *flow = apr_psprintf(pool,
                                    "{\"ui\":{\"action\":\"https://id.example/self-service/login?flow=1&x=2\","
                                    "\"method\":\"POST\",\"nodes\":[%s],\"messages\":[%s]}}",
                                    nodes, messages ? messages : "");

    return kr_ui_flow_page(pool, &PAGE, json(flow));
}

const char *input(const char *group, const char *name, const char *type, const char *label, const char *more)
{
    if (label) label = apr_psprintf(pool, "\"label\":{\"id\":1,\"text\":\"%s\",\"type\":\"info\"}", label);
    return apr_psprintf(pool,
                        "{\"type\":\"input\",\"group\":\"%s\",\"messages\":[],\"attributes\":{\"name\":\"%s\","
                        "\"type\":\"%s\",\"disabled\":false,\"node_type\":\"input\"%s},\"meta\":{%s}}",
                        group, name, type, more,
                        label ? label : "");
}

const char *list(const char *a, const char *b, const char *c, const char *d)
{
    return apr_pstrcat(pool, a, b ? "," : "", b ? b : "", c ? "," : "", c ? c : "", d ? "," : "", d ? d : "", NULL);
}

const char *csrf(void)
{
    return input("default", "csrf_token", "hidden", NULL, ",\"value\":\"tok+/=\",\"required\":true");
}

const char *button(const char *group, const char *name, const char *value, const char *label)
{
    return input(group, name, "submit", label, apr_psprintf(pool, ",\"value\":\"%s\"", value));
}

void assert_order(const char *html, const char *first, const char *second)
{
    assert_shows(html, first);
    assert_shows(html, second);
    if (strstr(html, first) > strstr(html, second)) fail_msg("%s should come before %s in\n%s", first, second, html);
}

int times_in(const char *html, const char *what)
{
    int n = 0;

    while ((html = strstr(html, what)) != NULL) {
        n++;
        html++;
    }
    return n;
}
