/* SPDX-License-Identifier: Apache-2.0 */
/* Sites that people sign in with, on the pages: marks on their buttons, accounts there that are linked, and what the API has no node for. */
#include <strings.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_session.h"
#include "kr_text.h"
#include "ui.h"

#define GROUP "oidc"
#define LINKING 1010016 /* message: this account exists, sign in to it */
#define GO_ON 1040003   /* label: of a sign-up that misses something */
#define UNLINK 1050003  /* label */

static int is_text(const json_t *obj, const char *key, const char *wanted)
{
    const char *value = kr_json_str(obj, key);

    return value && strcmp(value, wanted) == 0;
}

/* -- what a flow is about -------------------------------------------------- */

static int has_message(const json_t *messages, int id)
{
    size_t i;
    json_t *message;

    json_array_foreach((json_t *)messages, i, message)
        if (json_integer_value(json_object_get(message, "id")) == id) return 1;
    return 0;
}

static int has_hidden_identifier(const json_t *nodes)
{
    size_t i;
    json_t *node;

    json_array_foreach((json_t *)nodes, i, node)
        if (is_text(node, "attributes.name", "identifier") && is_text(node, "attributes.type", "hidden")) return 1;
    return 0;
}

/* After a wrong password the message is about that. */
int ui_is_linking(const json_t *flow)
{
    if (has_message(kr_json_at(flow, "ui.messages"), LINKING)) return 1;
    return is_text(flow, "active", GROUP) && has_hidden_identifier(kr_json_at(flow, "ui.nodes")) && !json_is_true(json_object_get(flow, "refresh"));
}

int ui_is_completing(const json_t *flow)
{
    size_t i;
    json_t *node;

    json_array_foreach(kr_json_at(flow, "ui.nodes"), i, node)
        if (is_text(node, "group", GROUP) && json_integer_value(kr_json_at(node, "meta.label.id")) == GO_ON) return 1;
    return 0;
}

/* -- marks ----------------------------------------------------------------- */

const char *ui_provider_called(const char *name)
{
    const ui_mark_t *mark = ui_mark_of(name);

    return mark->name ? mark->name : name;
}

static const char *kind_of(const kr_page_t *page, const char *id)
{
    for (int i = 0; page->providers && i < page->providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(page->providers, i, const kr_oidc_provider_conf_t);

        if (strcmp(p->id, id) == 0) return p->provider;
    }
    return "";
}

/* Some sites ask that their own picture be used: an owner may have it in the folder of the pages. */
static const char *picture_of(apr_pool_t *pool, const kr_page_t *page, const char *id)
{
    static const char *const ends[] = { ".svg", ".png" };

    for (int i = 0; i < KR_DIM(ends); i++) {
        const char *name = apr_pstrcat(pool, "provider-", id, ends[i], NULL);

        if (ui_file_named(page->words->pages, name)) return apr_pstrcat(pool, page->home, "/static/", kr_url_escape(pool, name), NULL);
    }
    return NULL;
}

void ui_provider_mark(apr_pool_t *pool, const kr_page_t *page, ui_node_t *n)
{
    const char *id = kr_json_str(n->attributes, "value");

    if (n->kind != UI_SUBMIT || strcmp(n->group, GROUP) != 0 || !id || !kr_json_str(n->context, "provider")) return;
    n->mark = ui_mark_of(kind_of(page, id));
    n->picture = picture_of(pool, page, id);
}

void ui_mark_put(ui_html_t *h, const ui_node_t *n)
{
    if (n->picture) {
        ui_add(h, "<img class=\"mark\" src=\"%s\" alt=\"\">", n->picture);
        return;
    }
    ui_add(h, "<svg class=\"mark\" viewBox=\"0 0 24 24\" width=\"20\" height=\"20\" aria-hidden=\"true\">");
    ui_add_markup(h, n->mark->svg, strlen(n->mark->svg));
    ui_add(h, "</svg>");
}

/* -- linked accounts ------------------------------------------------------- */

int ui_is_linked(const ui_node_t *n)
{
    return n->mark && n->look == UI_DANGER;
}

void ui_linked_put(ui_html_t *h, const ui_node_t *n)
{
    const char *name = ui_provider_called(kr_json_str(n->context, "provider"));

    ui_add(h, "<li>\n<div class=\"what\">\n<p>");
    ui_mark_put(h, n);
    ui_add(h, "<strong>%s</strong></p>\n", name);
    if (ui_node_has(n, "disabled")) ui_add(h, "<p class=\"quiet\">%s</p>\n", ui_word(h->words, "linked.last"));
    ui_add(h, "</div>\n<button class=\"button danger\" type=\"submit\" name=\"%s\" value=\"%s\" formnovalidate", n->name,
           kr_json_str(n->attributes, "value"));
    if (ui_node_has(n, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">%s<span class=\"aside\">: %s</span></button>\n</li>\n", ui_word(h->words, "linked.remove"), name);
}

static int has_button(const json_t *nodes, const char *id)
{
    size_t i;
    json_t *node;

    json_array_foreach((json_t *)nodes, i, node)
        if (is_text(node, "group", GROUP) && is_text(node, "attributes.value", id)) return 1;
    return 0;
}

/* A linked account that cannot be taken away has no button in the API, and its owner would look for it in vain. */
static const apr_array_header_t *find_fixed(kr_ctx_t *k, const json_t *nodes)
{
    const apr_array_header_t *providers = k->realm->settings->oidc.providers;
    apr_array_header_t *fixed = apr_array_make(k->pool, 2, sizeof(const kr_oidc_provider_conf_t *));
    kr_session_t *session = NULL;

    for (int i = 0; i < providers->nelts; i++) {
        const kr_oidc_provider_conf_t *p = &APR_ARRAY_IDX(providers, i, const kr_oidc_provider_conf_t);

        if (has_button(nodes, p->id)) continue;
        if (!session && (kr_session_current_whole(&session, k) || !session)) return NULL; /* it is a note, and no reason to show no page */
        if (kr_identity_is_linked(session->identity, p->id)) APR_ARRAY_PUSH(fixed, const kr_oidc_provider_conf_t *) = p;
    }
    return fixed;
}

void ui_providers_note(kr_ctx_t *k, kr_page_t *page, const json_t *flow)
{
    const kr_settings_t *conf = k->realm->settings;

    if (!conf->method_enabled[KR_METHOD_OIDC]) return;
    page->providers = conf->oidc.providers;
    if (page->providers && page->here) page->fixed = find_fixed(k, kr_json_at(flow, "ui.nodes"));
}

/* Where its group stands, or would stand: before the second factors. */
static size_t place_of(const json_t *nodes)
{
    static const char *const later[] = { "lookup_secret", "webauthn", "passkey", "totp" };
    size_t i, place = json_array_size(nodes);
    json_t *node;

    json_array_foreach((json_t *)nodes, i, node)
    {
        for (int j = 0; j < KR_DIM(later) && place == json_array_size(nodes); j++)
            if (is_text(node, "group", later[j])) place = i;
        if (is_text(node, "group", GROUP)) return i;
    }
    return place;
}

const json_t *ui_nodes_with_fixed(apr_pool_t *pool, const kr_page_t *page, const json_t *nodes)
{
    json_t *out;

    if (!page->fixed || !page->fixed->nelts) return nodes;
    out = kr_json_own(pool, json_copy((json_t *)nodes));
    for (int i = 0; i < page->fixed->nelts; i++) {
        const kr_oidc_provider_conf_t *p = APR_ARRAY_IDX(page->fixed, i, const kr_oidc_provider_conf_t *);

        json_array_insert(out, place_of(nodes) + (size_t)i,
                          kr_json_pack(pool, "{s:s, s:s, s:{s:s, s:s, s:s, s:b}, s:{s:{s:i, s:{s:s}}}}", "type", "input", "group", GROUP,
                                       "attributes", "name", "unlink", "type", "submit", "value", p->id, "disabled", 1, "meta", "label", "id",
                                       UNLINK, "context", "provider", p->label && *p->label ? p->label : p->id));
    }
    return out;
}
