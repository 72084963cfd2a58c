/* SPDX-License-Identifier: Apache-2.0 */
/* One node of a flow as HTML. Which nodes stand in which form is flow_page.c's story. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** Types that may stand in an input as they are; any other is shown as text. */
static const char *const INPUT_TYPES[] = { "text", "email", "password", "number", "url", "tel", "date",
                                           "datetime-local", "checkbox" };

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

/** Where a node says nothing, password managers and phones still want to know. */
static const struct {
    const char *name, *autocomplete;
} AUTOCOMPLETES[] = {
    { "identifier", "username" },
    { "totp_code", "one-time-code" },
    { "lookup_secret", "off" },
};

/* -- reading -------------------------------------------------------------- */

static const char *or_else(const char *s, const char *other)
{
    return s ? s : other;
}

/** Scalars as people write them; NULL for absent and null. */
static const char *value_text(apr_pool_t *pool, const json_t *value)
{
    if (!value || json_is_null(value)) return NULL;
    if (json_is_string(value)) return json_string_value(value);
    return kr_json_dump(pool, value, NULL);
}

static ui_kind_e kind_of(const json_t *node, const json_t *attributes)
{
    const char *type = or_else(kr_json_str(node, "type"), "");
    const char *input = or_else(kr_json_str(attributes, "type"), "text");

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

static const char *label_of(apr_pool_t *pool, const json_t *node, const ui_node_t *n)
{
    const char *label = kr_json_str(node, "meta.label.text");

    if (label && *label) return label;
    if (n->kind == UI_LINK) return or_else(kr_json_str(n->attributes, "title.text"), "");
    if (n->kind == UI_SUBMIT) label = value_text(pool, json_object_get(n->attributes, "value"));
    return label && *label ? label : n->name;
}

static int has_error(const json_t *messages)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        if (strcmp(or_else(kr_json_str(message, "type"), ""), "error") == 0) return 1;
    }
    return 0;
}

/** A group with a button and no submit works by script alone: its fields would be questions that nobody reads. */
static void skip_scripted_groups(apr_array_header_t *nodes)
{
    int i, j;

    for (i = 0; i < nodes->nelts; i++) {
        const ui_node_t *button = &APR_ARRAY_IDX(nodes, i, ui_node_t);
        int submits = 0;

        if (button->kind != UI_BUTTON || strcmp(button->group, "default") == 0) continue;
        for (j = 0; j < nodes->nelts; j++) {
            const ui_node_t *n = &APR_ARRAY_IDX(nodes, j, ui_node_t);
            submits += n->kind == UI_SUBMIT && strcmp(n->group, button->group) == 0;
        }
        for (j = 0; !submits && j < nodes->nelts; j++) {
            ui_node_t *n = &APR_ARRAY_IDX(nodes, j, ui_node_t);
            if (n != button && strcmp(n->group, button->group) == 0) n->kind = UI_SKIP;
        }
    }
}

apr_array_header_t *ui_nodes_read(apr_pool_t *pool, const json_t *nodes)
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
        n->group = or_else(kr_json_str(node, "group"), "default");
        n->name = or_else(kr_json_str(n->attributes, "name"), "");
        n->look = look_of(n->name);
        n->label = label_of(pool, node, n);
        n->failed = has_error(n->messages);
    }
    skip_scripted_groups(out);
    return out;
}

/* -- attributes ----------------------------------------------------------- */

static int is_on(const ui_node_t *n, const char *attribute)
{
    return json_is_true(json_object_get(n->attributes, attribute));
}

static const char *input_type(const ui_node_t *n)
{
    const char *type = or_else(kr_json_str(n->attributes, "type"), "text");
    int i;

    for (i = 0; i < KR_DIM(INPUT_TYPES); i++) {
        if (strcmp(type, INPUT_TYPES[i]) == 0) return type;
    }
    return "text";
}

/** A schema's pattern may match anywhere in the text, an attribute's must match all of it. */
static const char *whole_pattern(apr_pool_t *pool, const ui_node_t *n, const char *pattern)
{
    apr_size_t len = strlen(pattern);

    if (strncmp(n->name, "traits.", 7) != 0) return pattern;
    if (len > 2 && pattern[0] == '^' && pattern[len - 1] == '$' && pattern[len - 2] != '\\' && !strchr(pattern, '|')) {
        return pattern;
    }
    return apr_pstrcat(pool, ".*(?:", pattern, ").*", NULL);
}

static void put_autocomplete(ui_html_t *h, const ui_node_t *n)
{
    const char *value = kr_json_str(n->attributes, "autocomplete");
    int i;

    for (i = 0; !value && i < KR_DIM(AUTOCOMPLETES); i++) {
        if (strcmp(n->name, AUTOCOMPLETES[i].name) == 0) value = AUTOCOMPLETES[i].autocomplete;
    }
    if (!value) return;
    ui_add(h, " autocomplete=\"%s\"", value);
    if (strcmp(value, "one-time-code") == 0) ui_add(h, " inputmode=\"numeric\"");
    if (strncmp(value, "username", 8) == 0) ui_add(h, " autocapitalize=\"none\" spellcheck=\"false\"");
}

/** What every field has, select and checkbox too. */
static void put_state(ui_html_t *h, const ui_node_t *n)
{
    if (is_on(n, "disabled")) ui_add(h, " disabled");
    if (json_array_size(n->messages) > 0) ui_add(h, " aria-describedby=\"n%d-m\"", n->nr);
    if (n->failed) ui_add(h, " aria-invalid=\"true\"");
}

static void put_limits(ui_html_t *h, const ui_node_t *n, const char *type)
{
    const char *pattern = kr_json_str(n->attributes, "pattern");
    json_int_t most = json_integer_value(json_object_get(n->attributes, "maxlength"));

    if (is_on(n, "required")) ui_add(h, " required");
    if (pattern && *pattern) ui_add(h, " pattern=\"%s\"", whole_pattern(h->pool, n, pattern));
    if (most > 0 && most < 1000000) ui_add(h, " maxlength=\"%d\"", (int)most);
    if (strcmp(type, "number") == 0) ui_add(h, " step=\"any\""); /* else browsers refuse 7.5 */
}

/* -- fields --------------------------------------------------------------- */

static void put_messages(ui_html_t *h, const ui_node_t *n)
{
    size_t i;
    json_t *message;

    if (json_array_size(n->messages) == 0) return;
    ui_add(h, "<div id=\"n%d-m\">\n", n->nr);
    json_array_foreach(n->messages, i, message) {
        int bad = strcmp(or_else(kr_json_str(message, "type"), ""), "error") == 0;
        ui_add(h, "<p class=\"%s\">%s</p>\n", bad ? "hint bad" : "hint", kr_json_str(message, "text"));
    }
    ui_add(h, "</div>\n");
}

static void put_label(ui_html_t *h, const ui_node_t *n, int mark_optional)
{
    ui_add(h, "<label for=\"n%d\">%s", n->nr, n->label);
    if (mark_optional && !is_on(n, "required")) ui_add(h, " <span class=\"quiet\">(optional)</span>");
    ui_add(h, "</label>\n");
}

/** Browsers send nothing for a box that is not ticked: the hidden "false" before it lets people take a tick away. */
static void put_checkbox(ui_html_t *h, const ui_node_t *n)
{
    const char *value = value_text(h->pool, json_object_get(n->attributes, "value"));

    ui_add(h, "<div class=\"field\">\n<div class=\"check\">\n");
    ui_add(h, "<input type=\"hidden\" name=\"%s\" value=\"false\"", n->name);
    if (is_on(n, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">\n<input type=\"checkbox\" id=\"n%d\" name=\"%s\" value=\"true\"", n->nr, n->name);
    if (value && strcmp(value, "true") == 0) ui_add(h, " checked");
    /* no `required`: for a browser that means ticked, for the schema that true or false was said */
    put_state(h, n);
    ui_add(h, ">\n");
    put_label(h, n, 0);
    ui_add(h, "</div>\n");
    put_messages(h, n);
    ui_add(h, "</div>\n");
}

static void put_select(ui_html_t *h, const ui_node_t *n, const json_t *options)
{
    const char *chosen = value_text(h->pool, json_object_get(n->attributes, "value"));
    int known = 0;
    size_t i;
    json_t *option;

    json_array_foreach(options, i, option) {
        const char *value = value_text(h->pool, json_object_get(option, "value"));
        if (value && chosen && strcmp(value, chosen) == 0) known = 1;
    }
    ui_add(h, "<select id=\"n%d\" name=\"%s\"", n->nr, n->name);
    if (is_on(n, "required")) ui_add(h, " required");
    put_autocomplete(h, n);
    put_state(h, n);
    ui_add(h, ">\n");
    /* nobody should have chosen the first one by not looking */
    if (!is_on(n, "required") || !known) ui_add(h, "<option value=\"\"></option>\n");
    json_array_foreach(options, i, option) {
        const char *value = value_text(h->pool, json_object_get(option, "value"));
        if (!value) continue;
        ui_add(h, "<option value=\"%s\"", value);
        if (value && chosen && strcmp(value, chosen) == 0) ui_add(h, " selected");
        ui_add(h, ">%s</option>\n", value);
    }
    ui_add(h, "</select>\n");
}

static void put_input(ui_html_t *h, const ui_node_t *n, const char *type)
{
    const char *value = value_text(h->pool, json_object_get(n->attributes, "value"));

    ui_add(h, "<input type=\"%s\" id=\"n%d\" name=\"%s\"", type, n->nr, n->name);
    if (value && *value && strcmp(type, "password") != 0) ui_add(h, " value=\"%s\"", value);
    put_autocomplete(h, n);
    put_limits(h, n, type);
    put_state(h, n);
    ui_add(h, ">\n");
}

static void put_field(ui_html_t *h, const ui_node_t *n, int mark_optional)
{
    const json_t *options = json_object_get(n->attributes, "options");
    const char *type = input_type(n);

    if (strcmp(type, "checkbox") == 0) {
        put_checkbox(h, n);
        return;
    }
    ui_add(h, "<div class=\"field\">\n");
    put_label(h, n, mark_optional);
    if (json_array_size(options) > 0) {
        put_select(h, n, options);
    }
    else {
        put_input(h, n, type);
    }
    put_messages(h, n);
    ui_add(h, "</div>\n");
}

/* -- the other kinds ------------------------------------------------------ */

/** A text to keep: one secret, or the list of recovery codes that stands in its context. */
static void put_text(ui_html_t *h, const ui_node_t *n)
{
    const json_t *secrets = kr_json_at(n->attributes, "text.context.secrets");
    size_t i;
    json_t *secret;

    ui_add(h, "<div class=\"field\">\n");
    if (*n->label) ui_add(h, "<p class=\"label\">%s</p>\n", n->label);
    if (json_array_size(secrets) > 0) {
        ui_add(h, "<ul class=\"codes\">\n");
        json_array_foreach(secrets, i, secret) ui_add(h, "<li><code>%s</code></li>\n", kr_json_str(secret, "text"));
        ui_add(h, "</ul>\n");
    }
    else {
        ui_add(h, "<p><code>%s</code></p>\n", kr_json_str(n->attributes, "text.text"));
    }
    ui_add(h, "</div>\n");
}

static void put_image(ui_html_t *h, const ui_node_t *n)
{
    const char *src = ui_safe_image(h->pool, kr_json_str(n->attributes, "src"));
    json_int_t width = json_integer_value(json_object_get(n->attributes, "width"));
    json_int_t height = json_integer_value(json_object_get(n->attributes, "height"));

    if (!src) return;
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

void ui_node_put(ui_html_t *h, const ui_node_t *node, int mark_optional)
{
    switch (node->kind) {
    case UI_HIDDEN:
        ui_add(h, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", node->name,
               value_text(h->pool, json_object_get(node->attributes, "value")));
        break;
    case UI_FIELD: put_field(h, node, mark_optional); break;
    case UI_TEXT: put_text(h, node); break;
    case UI_IMAGE: put_image(h, node); break;
    case UI_LINK: put_link(h, node); break;
    case UI_SUBMIT: /* ui_submit_put: how it looks depends on its neighbours */
    case UI_BUTTON: /* does nothing without a script */
    case UI_SKIP: break;
    }
}

void ui_submit_put(ui_html_t *h, const ui_node_t *node, const char *css_class, int check)
{
    ui_add(h, "<button class=\"%s\" type=\"submit\" name=\"%s\" value=\"%s\"", css_class, node->name,
           value_text(h->pool, json_object_get(node->attributes, "value")));
    if (!check) ui_add(h, " formnovalidate");
    if (is_on(node, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">%s</button>\n", node->label);
}
