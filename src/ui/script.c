/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that pages run: our own, for security keys and passkeys, and that which asks the browser (fedcm.c). */
#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

#define OURS "/.well-known/ory/webauthn.js"

const json_t *ui_flow_script(apr_pool_t *pool, const char *base_url, const json_t *flow)
{
    const char *ours = kr_url_join(pool, base_url, OURS);
    json_t *node;
    size_t i;

    json_array_foreach(kr_json_at(flow, "ui.nodes"), i, node) {
        const char *type = kr_json_str(node, "type"), *src = kr_json_str(node, "attributes.src");

        if (type && src && strcmp(type, "script") == 0 && strcmp(src, ours) == 0) return json_object_get(node, "attributes");
    }
    return NULL;
}

/* What ends a source or a directive must not stand in it. */
static const char *as_source(apr_pool_t *pool, const char *url)
{
    char *out = apr_palloc(pool, 3 * strlen(url) + 1), *to = out;

    for (; *url; url++) {
        if (*url != ';' && *url != ',' && *url > ' ') *to++ = *url;
        else to += apr_snprintf(to, 4, "%%%02X", (unsigned char)*url);
    }
    *to = '\0';
    return out;
}

static const char *allow(apr_pool_t *pool, const char *policy, const char *src, const char *hash)
{
    if (hash && *hash) policy = apr_pstrcat(pool, policy, " '", hash, "'", NULL);
    return apr_pstrcat(pool, policy, " ", as_source(pool, ui_or_else(src, "'none'")), NULL);
}

static const char *allow_asking(apr_pool_t *pool, const char *policy, const kr_page_fedcm_t *fedcm)
{
    policy = apr_pstrcat(pool, policy, "; connect-src ", as_source(pool, fedcm->parameters), NULL);
    for (int i = 0; i < fedcm->providers->nelts; i++)
        policy = apr_pstrcat(pool, policy, " ",
                             as_source(pool, APR_ARRAY_IDX(fedcm->providers, i, kr_oidc_provider_conf_t).fedcm_config_url), NULL);
    return policy;
}

const char *ui_policy(apr_pool_t *pool, const kr_page_t *page)
{
    const char *policy = kr_ui_csp;

    if (!page->script && !page->fedcm) return policy;
    policy = apr_pstrcat(pool, policy, "; script-src", NULL);
    if (page->script) policy = allow(pool, policy, kr_json_str(page->script, "src"), kr_json_str(page->script, "integrity"));
    if (!page->fedcm) return policy;
    return allow_asking(pool, allow(pool, policy, page->fedcm->src, page->fedcm->integrity), page->fedcm);
}

static void put_attribute(ui_html_t *h, const json_t *script, const char *name)
{
    const char *value = kr_json_str(script, name);

    if (value && *value) ui_add(h, " %s=\"%s\"", name, value);
}

void ui_script_put(ui_html_t *h, const json_t *script)
{
    static const char *const names[] = { "src", "integrity", "crossorigin", "referrerpolicy" };

    ui_add(h, "<script async");
    for (int i = 0; i < KR_DIM(names); i++) put_attribute(h, script, names[i]);
    ui_add(h, "></script>\n");
}
