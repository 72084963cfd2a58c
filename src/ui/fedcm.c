/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in by the browser itself, on the pages: the script that asks it, and buttons of sites that are signed in with in no other way. */
#include "kr_json.h"
#include "kr_method.h"
#include "kr_oidc.h"
#include "kr_realm.h"
#include "kr_session.h"
#include "kr_text.h"
#include "ui.h"

#define SIGN_IN 1010002 /* labels of the buttons that the API has for other sites */
#define SIGN_UP 1040002

static const char *api_url(kr_ctx_t *k, const char *path)
{
    return kr_url_join(k->pool, k->realm->settings->base_url, path);
}

/* Nobody is asked twice: who proves more, or comes by such a site already, has other things to do. */
static int asks(const kr_page_t *page, kr_flow_kind_e kind, const json_t *flow)
{
    const char *aal = kr_json_str(flow, "requested_aal");

    if (page->here || (kind != KR_FLOW_LOGIN && kind != KR_FLOW_REGISTRATION)) return 0;
    if (json_is_true(json_object_get(flow, "refresh")) || (aal && strcmp(aal, "aal2") == 0)) return 0;
    return !ui_is_linking(flow) && !ui_is_completing(flow);
}

void ui_fedcm_note(kr_ctx_t *k, kr_page_t *page, kr_flow_kind_e kind, const json_t *flow)
{
    const char *id = kr_json_str(flow, "id");
    kr_page_fedcm_t *fedcm;
    kr_session_t *session;

    if (!asks(page, kind, flow) || !id || kr_session_current(&session, k) || session) return;
    fedcm = apr_pcalloc(k->pool, sizeof(*fedcm));
    fedcm->providers = kr_oidc_fedcm_providers(k);
    if (!fedcm->providers->nelts) return;
    fedcm->src = api_url(k, "/self-service/fed-cm/fedcm.js");
    fedcm->integrity = kr_fedcm_script_integrity();
    fedcm->parameters = api_url(k, "/self-service/fed-cm/parameters");
    fedcm->token = kr_url_with(k->pool, api_url(k, "/self-service/fed-cm/token"), "flow", id);
    fedcm->sign_up = kind == KR_FLOW_REGISTRATION;
    page->fedcm = fedcm;
}

static int is_alone(const kr_page_fedcm_t *fedcm, int i)
{
    return APR_ARRAY_IDX(fedcm->providers, i, kr_oidc_provider_conf_t).fedcm_alone;
}

int ui_fedcm_has_buttons(const kr_page_t *page)
{
    for (int i = 0; page->fedcm && i < page->fedcm->providers->nelts; i++)
        if (is_alone(page->fedcm, i)) return 1;
    return 0;
}

static void put_button(ui_html_t *h, const kr_page_fedcm_t *fedcm, const kr_oidc_provider_conf_t *p)
{
    const json_t *label = kr_json_pack(h->pool, "{s:i, s:s, s:{s:s}}", "id", fedcm->sign_up ? SIGN_UP : SIGN_IN, "text", "", "context",
                                       "provider", p->label && *p->label ? p->label : p->id);
    const ui_node_t mark = { .mark = ui_mark_of(p->provider) };

    ui_add(h, "<button class=\"button\" type=\"button\" data-fedcm=\"%s\" hidden>", p->fedcm_config_url);
    ui_mark_put(h, &mark);
    ui_add(h, "%s</button>\n", ui_message(h->pool, h->words, label));
}

void ui_fedcm_put(ui_html_t *h, const kr_page_t *page)
{
    const kr_page_fedcm_t *fedcm = page->fedcm;

    if (ui_fedcm_has_buttons(page)) {
        ui_add(h, "<div class=\"buttons\">\n");
        for (int i = 0; i < fedcm->providers->nelts; i++)
            if (is_alone(fedcm, i)) put_button(h, fedcm, &APR_ARRAY_IDX(fedcm->providers, i, kr_oidc_provider_conf_t));
        ui_add(h, "</div>\n");
    }
    ui_add(h, "<script async src=\"%s\" integrity=\"%s\" crossorigin=\"anonymous\" data-parameters=\"%s\" data-token=\"%s\" "
              "data-context=\"%s\"></script>\n", fedcm->src, fedcm->integrity, fedcm->parameters, fedcm->token, fedcm->sign_up ? "signup" : "signin");
}
