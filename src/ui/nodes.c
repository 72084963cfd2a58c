/* SPDX-License-Identifier: Apache-2.0 */
/* One node of a flow as HTML. Fields are fields.c's story, which nodes stand in which form is forms.c's. */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** Submit buttons that are no choice of their own. */
static const struct {
    const char *name;
    ui_look_e look;
} LOOKS[] = {
    { "resend", UI_QUIET },
    { "screen", UI_QUIET },
    { "email", UI_QUIET }, /* recovery, verification: send the code again */
    { "sms", UI_QUIET },
    { "recovery_confirm_address", UI_QUIET },
    { "unlink", UI_DANGER },
    { "totp_unlink", UI_DANGER },
    { "lookup_secret_disable", UI_DANGER },
    { "webauthn_remove", UI_DANGER },
    { "passkey_remove", UI_DANGER },
};

/* -- reading -------------------------------------------------------------- */

const char *ui_or_else(const char *s, const char *other)
{
    return s ? s : other;
}

const char *ui_value_text(apr_pool_t *pool, const json_t *value)
{
    if (!value || json_is_null(value)) return NULL;
    if (json_is_string(value)) return json_string_value(value);
    return kr_json_dump(pool, value, NULL);
}

static ui_kind_e kind_of(const json_t *node, const json_t *attributes)
{
    const char *type = ui_or_else(kr_json_str(node, "type"), "");
    const char *input = ui_or_else(kr_json_str(attributes, "type"), "text");

    if (strcmp(type, "text") == 0) return UI_TEXT;
    if (strcmp(type, "img") == 0) return UI_IMAGE;
    if (strcmp(type, "a") == 0) return UI_LINK;
    if (strcmp(type, "input") != 0 || !kr_json_str(attributes, "name")) return UI_SKIP;
    if (strcmp(input, "hidden") == 0) return UI_HIDDEN;
    if (strcmp(input, "submit") == 0) return UI_SUBMIT;
    if (strcmp(input, "button") == 0) return UI_BUTTON;
    return UI_FIELD;
}

static ui_look_e look_of(const char *name)
{
    int i;

    for (i = 0; i < KR_DIM(LOOKS); i++) {
        if (strcmp(name, LOOKS[i].name) == 0) return LOOKS[i].look;
    }
    return UI_CHOICE;
}

/* What the site's own catalogue calls a trait wins over what its schema does. */
static const char *label_of(apr_pool_t *pool, const kr_words_t *words, const json_t *node, const ui_node_t *n)
{
    const char *label = strncmp(n->name, "traits.", 7) == 0 ? ui_word_of(pool, words, "label:", n->name) : NULL;

    if (!label) label = ui_message(pool, words, kr_json_at(node, "meta.label"));
    if (*label) return label;
    if (n->list && kr_leaf_item(n->list, 0) && !n->list->tuple && kr_leaf_item(n->list, 0)->title) return kr_leaf_item(n->list, 0)->title;
    if (n->kind == UI_LINK) return ui_message(pool, words, json_object_get(n->attributes, "title"));
    if (n->kind == UI_SUBMIT) label = ui_value_text(pool, json_object_get(n->attributes, "value"));
    return label && *label ? label : n->name;
}

static int has_error(const json_t *messages)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        if (strcmp(ui_or_else(kr_json_str(message, "type"), ""), "error") == 0) return 1;
    }
    return 0;
}

static int has_failed(const ui_node_t *n)
{
    const char *position;
    json_t *messages;

    json_object_foreach((json_t *)n->elements, position, messages) {
        if (has_error(messages)) return 1;
    }
    return has_error(n->messages);
}

static const kr_leaf_t *list_of(const kr_schema_t *schema, const ui_node_t *n)
{
    const kr_leaf_t *leaf = schema && json_is_array(json_object_get(n->attributes, "value")) ? kr_schema_leaf(schema, n->name) : NULL;

    return leaf && leaf->type == KR_LEAF_ARRAY ? leaf : NULL;
}

/** Does the group ask for something that only a button of the script sends? */
static int needs_script(const apr_array_header_t *nodes, const char *group)
{
    const ui_node_t *n;
    int buttons = 0;

    if (strcmp(group, "default") == 0) return 0;
    UI_EACH_NODE(n, nodes) {
        if (strcmp(n->group, group) != 0) continue;
        if (n->kind == UI_SUBMIT && n->look != UI_DANGER) return 0;
        buttons += n->kind == UI_BUTTON;
    }
    return buttons > 0;
}

/** Where no script of ours comes, buttons do nothing, and what they would send are questions that nobody reads. */
static void mark_scripted(apr_array_header_t *nodes, int has_script)
{
    const ui_node_t *end = (const ui_node_t *)nodes->elts + nodes->nelts;

    for (ui_node_t *n = (ui_node_t *)nodes->elts; n < end; n++) {
        if (n->kind == UI_BUTTON || n->kind == UI_SUBMIT || !needs_script(nodes, n->group)) continue;
        n->scripted = n->kind == UI_FIELD;
        if (!has_script) n->kind = UI_SKIP;
    }
    for (ui_node_t *n = (ui_node_t *)nodes->elts; n < end; n++)
        if (n->kind == UI_BUTTON && !has_script) n->kind = UI_SKIP;
}

apr_array_header_t *ui_nodes_read(apr_pool_t *pool, const kr_page_t *page, const json_t *nodes)
{
    apr_array_header_t *out = apr_array_make(pool, 16, sizeof(ui_node_t));
    size_t i;
    json_t *node;

    json_array_foreach(nodes, i, node) {
        ui_node_t *n = apr_array_push(out);

        n->nr = (int)i + 1;
        n->attributes = json_object_get(node, "attributes");
        n->messages = json_object_get(node, "messages");
        n->kind = kind_of(node, n->attributes);
        n->group = ui_or_else(kr_json_str(node, "group"), "default");
        n->name = ui_or_else(kr_json_str(n->attributes, "name"), "");
        n->list = list_of(page->schema, n);
        n->elements = json_object_get(node, "elements");
        n->look = look_of(n->name);
        n->label = label_of(pool, page->words, node, n);
        n->label_id = (int)json_integer_value(kr_json_at(node, "meta.label.id"));
        n->context = kr_json_at(node, "meta.label.context");
        n->failed = has_failed(n);
        ui_provider_mark(pool, page, n);
    }
    mark_scripted(out, page->script != NULL);
    return out;
}

int ui_node_has(const ui_node_t *n, const char *attribute)
{
    return json_is_true(json_object_get(n->attributes, attribute));
}

/* -- putting -------------------------------------------------------------- */

int ui_about_put(ui_html_t *h, const char *name, const char *id)
{
    const char *about = ui_word_of(h->pool, h->words, "about.", name);

    if (!about) return 0;
    ui_add(h, "<p class=\"hint\"");
    if (id) ui_add(h, " id=\"%s\"", id);
    ui_add(h, ">%s</p>\n", about);
    return 1;
}

static void put_image(ui_html_t *h, const ui_node_t *n)
{
    const char *src = ui_safe_image(h->pool, kr_json_str(n->attributes, "src"));
    json_int_t width = json_integer_value(json_object_get(n->attributes, "width"));
    json_int_t height = json_integer_value(json_object_get(n->attributes, "height"));

    if (!src) return;
    ui_about_put(h, ui_or_else(kr_json_str(n->attributes, "id"), ""), NULL);
    ui_add(h, "<p class=\"picture\"><img src=\"%s\" alt=\"%s\"", src, n->label);
    if (width > 0 && width < 10000) ui_add(h, " width=\"%d\"", (int)width);
    if (height > 0 && height < 10000) ui_add(h, " height=\"%d\"", (int)height);
    ui_add(h, "></p>\n");
}

static void put_link(ui_html_t *h, const ui_node_t *n)
{
    const char *href = ui_safe_url(h->pool, kr_json_str(n->attributes, "href"));

    if (href) {
        ui_link_put(h, href, *n->label ? n->label : href, "button primary");
    }
    else {
        ui_add(h, "<p>%s</p>\n", n->label);
    }
}

/* The policy of pages keeps code out of tags: the script looks for the names of its functions. */
static void put_call(ui_html_t *h, const ui_node_t *n, const char *event, const char *trigger)
{
    const char *function = kr_json_str(n->attributes, trigger);

    if (function) ui_add(h, " data-kratos-%s=\"%s\"", event, function);
}

static void put_hidden(ui_html_t *h, const ui_node_t *n)
{
    ui_add(h, "<input type=\"hidden\" name=\"%s\" value=\"%s\"", n->name,
           ui_value_text(h->pool, json_object_get(n->attributes, "value")));
    put_call(h, n, "load", "onloadTrigger");
    ui_add(h, ">\n");
}

void ui_button_put(ui_html_t *h, const ui_node_t *node, const char *css_class)
{
    ui_add(h, "<button class=\"%s\" type=\"button\" name=\"%s\" value=\"%s\"", css_class, node->name,
           ui_value_text(h->pool, json_object_get(node->attributes, "value")));
    put_call(h, node, "click", "onclickTrigger");
    if (ui_node_has(node, "disabled")) ui_add(h, " disabled");
    ui_add(h, " hidden>%s</button>\n", node->label);
}

void ui_node_put(ui_html_t *h, const ui_node_t *node, int mark_optional)
{
    switch (node->kind) {
    case UI_HIDDEN:
        if (node->list) {
            ui_list_put_hidden(h, node);
            break;
        }
        put_hidden(h, node);
        break;
    case UI_FIELD: ui_field_put(h, node, mark_optional); break;
    case UI_TEXT: ui_text_put(h, node); break;
    case UI_IMAGE: put_image(h, node); break;
    case UI_LINK: put_link(h, node); break;
    case UI_SUBMIT: /* ui_submit_put: how it looks depends on its neighbours */
    case UI_BUTTON: /* ui_button_put */
    case UI_SKIP: break;
    }
}

void ui_submit_put(ui_html_t *h, const ui_node_t *node, const char *css_class, int check)
{
    ui_add(h, "<button class=\"%s\" type=\"submit\" name=\"%s\" value=\"%s\"", css_class, node->name,
           ui_value_text(h->pool, json_object_get(node->attributes, "value")));
    if (!check) ui_add(h, " formnovalidate");
    if (ui_node_has(node, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">");
    if (node->mark) ui_mark_put(h, node);
    ui_add(h, "%s</button>\n", node->label);
}
