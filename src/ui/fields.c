/* SPDX-License-Identifier: Apache-2.0 */
/* A field that people see: what it may hold, what browsers and password managers should know of it, and its label. */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/** Types that may stand in an input as they are; any other is shown as text. */
static const char *const INPUT_TYPES[] = { "text", "email", "password", "number", "url", "tel", "date",
                                           "datetime-local", "checkbox" };

/** Where a node says nothing, password managers and phones still want to know (WCAG 1.3.5); the last part of a name counts. */
static const struct {
    const char *name, *autocomplete;
} AUTOCOMPLETES[] = {
    { "identifier", "username" },
    { "username", "username" },
    { "email", "email" },
    { "recovery_address", "email" },
    { "recovery_confirm_address", "email" },
    { "phone", "tel" },
    { "phone_number", "tel" },
    { "mobile", "tel" },
    { "name", "name" },
    { "full_name", "name" },
    { "first", "given-name" },
    { "first_name", "given-name" },
    { "firstName", "given-name" },
    { "given_name", "given-name" },
    { "last", "family-name" },
    { "last_name", "family-name" },
    { "lastName", "family-name" },
    { "family_name", "family-name" },
    { "nickname", "nickname" },
    { "organization", "organization" },
    { "website", "url" },
    { "birthdate", "bday" },
    { "birthday", "bday" },
    { "street", "street-address" },
    { "city", "address-level2" },
    { "postal_code", "postal-code" },
    { "zip", "postal-code" },
    { "country", "country" },
    { "totp_code", "one-time-code" },
    { "lookup_secret", "off" },
    { "webauthn_register_displayname", "off" },
};

/* -- attributes ----------------------------------------------------------- */

static const char *input_type(const ui_node_t *n)
{
    const char *type = ui_or_else(kr_json_str(n->attributes, "type"), "text");
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

static const char *autocomplete_of(const ui_node_t *n)
{
    const char *value = kr_json_str(n->attributes, "autocomplete"), *dot = strrchr(n->name, '.');
    int i;

    if (value) return value;
    for (i = 0; i < KR_DIM(AUTOCOMPLETES); i++) {
        if (strcmp(dot ? dot + 1 : n->name, AUTOCOMPLETES[i].name) == 0) return AUTOCOMPLETES[i].autocomplete;
    }
    return strcmp(ui_or_else(kr_json_str(n->attributes, "type"), ""), "email") == 0 ? "email" : NULL;
}

int ui_field_is_code(const ui_node_t *n)
{
    return n->kind == UI_FIELD && strcmp(ui_or_else(autocomplete_of(n), ""), "one-time-code") == 0;
}

static void put_autocomplete(ui_html_t *h, const ui_node_t *n)
{
    const char *value = autocomplete_of(n);

    if (!value) return;
    ui_add(h, " autocomplete=\"%s\"", value);
    if (strcmp(value, "one-time-code") == 0) ui_add(h, " inputmode=\"numeric\"");
    if (strncmp(value, "username", 8) == 0 || strcmp(n->name, "lookup_secret") == 0) ui_add(h, " autocapitalize=\"none\" spellcheck=\"false\"");
    if (n->focus) ui_add(h, " autofocus");
}

static void put_described(ui_html_t *h, const ui_node_t *n)
{
    const int about = ui_word_of(h->pool, h->words, "about.", n->name) != NULL, said = json_array_size(n->messages) > 0;

    if (!about && !said) return;
    ui_add(h, " aria-describedby=\"");
    if (about) ui_add(h, said ? "n%d-a " : "n%d-a", n->nr);
    if (said) ui_add(h, "n%d-m", n->nr);
    ui_add(h, "\"");
}

/** What every field has, select and checkbox too. */
static void put_state(ui_html_t *h, const ui_node_t *n)
{
    if (ui_node_has(n, "disabled")) ui_add(h, " disabled");
    put_described(h, n);
    if (n->failed) ui_add(h, " aria-invalid=\"true\"");
}

static void put_limits(ui_html_t *h, const ui_node_t *n, const char *type)
{
    const char *pattern = kr_json_str(n->attributes, "pattern");
    json_int_t most = json_integer_value(json_object_get(n->attributes, "maxlength"));

    if (ui_node_has(n, "required")) ui_add(h, " required");
    if (ui_field_is_code(n)) return; /* who pastes "123 456" means 123456, and the API reads it so */
    if (pattern && *pattern) ui_add(h, " pattern=\"%s\"", whole_pattern(h->pool, n, pattern));
    if (pattern && *pattern && kr_json_str(n->attributes, "says")) /* what browsers add to their "does not match" */
        ui_add(h, " title=\"%s\"", kr_json_str(n->attributes, "says"));
    if (most > 0 && most < 1000000) ui_add(h, " maxlength=\"%d\"", (int)most);
    if (strcmp(type, "number") == 0) ui_add(h, " step=\"any\""); /* else browsers refuse 7.5 */
}

/* -- fields --------------------------------------------------------------- */

void ui_hints_put(ui_html_t *h, const char *id, const json_t *messages)
{
    size_t i;
    json_t *message;

    if (json_array_size(messages) == 0) return;
    ui_add(h, "<div id=\"%s\">\n", id);
    json_array_foreach(messages, i, message) {
        int bad = strcmp(ui_or_else(kr_json_str(message, "type"), ""), "error") == 0;
        ui_add(h, "<p class=\"%s\">%s</p>\n", bad ? "hint bad" : "hint", ui_message(h->pool, h->words, message));
    }
    ui_add(h, "</div>\n");
}

static void put_messages(ui_html_t *h, const ui_node_t *n)
{
    ui_hints_put(h, apr_psprintf(h->pool, "n%d-m", n->nr), n->messages);
}

static void put_label(ui_html_t *h, const ui_node_t *n, int mark_optional)
{
    ui_add(h, n->bare ? "<label class=\"aside\" for=\"n%d\">%s" : "<label for=\"n%d\">%s", n->nr, n->label);
    if (mark_optional && !ui_node_has(n, "required")) ui_add(h, " <span class=\"quiet\">(%s)</span>", ui_word(h->words, "optional"));
    ui_add(h, "</label>\n");
}

/** Browsers send nothing for a box that is not ticked: the hidden "false" before it lets people take a tick away. */
static void put_checkbox(ui_html_t *h, const ui_node_t *n)
{
    const char *value = ui_value_text(h->pool, json_object_get(n->attributes, "value"));

    ui_add(h, "<div class=\"field\">\n<div class=\"check\">\n");
    ui_add(h, "<input type=\"hidden\" name=\"%s\" value=\"false\"", n->name);
    if (ui_node_has(n, "disabled")) ui_add(h, " disabled");
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
    const char *chosen = ui_value_text(h->pool, json_object_get(n->attributes, "value"));
    int known = 0;
    size_t i;
    json_t *option;

    json_array_foreach(options, i, option) {
        const char *value = ui_value_text(h->pool, json_object_get(option, "value"));
        if (value && chosen && strcmp(value, chosen) == 0) known = 1;
    }
    ui_add(h, "<select id=\"n%d\" name=\"%s\"", n->nr, n->name);
    if (ui_node_has(n, "required")) ui_add(h, " required");
    put_autocomplete(h, n);
    put_state(h, n);
    ui_add(h, ">\n");
    /* nobody should have chosen the first one by not looking */
    if (!ui_node_has(n, "required") || !known) ui_add(h, "<option value=\"\"></option>\n");
    json_array_foreach(options, i, option) {
        const char *value = ui_value_text(h->pool, json_object_get(option, "value"));
        if (!value) continue;
        ui_add(h, "<option value=\"%s\"", value);
        if (value && chosen && strcmp(value, chosen) == 0) ui_add(h, " selected");
        ui_add(h, ">%s</option>\n", value);
    }
    ui_add(h, "</select>\n");
}

static void put_input(ui_html_t *h, const ui_node_t *n, const char *type)
{
    const char *value = ui_value_text(h->pool, json_object_get(n->attributes, "value"));

    ui_add(h, "<input type=\"%s\" id=\"n%d\" name=\"%s\"", type, n->nr, n->name);
    if (value && *value && strcmp(type, "password") != 0) ui_add(h, " value=\"%s\"", value);
    put_autocomplete(h, n);
    put_limits(h, n, type);
    put_state(h, n);
    ui_add(h, ">\n");
}

void ui_field_put(ui_html_t *h, const ui_node_t *n, int mark_optional)
{
    const json_t *options = json_object_get(n->attributes, "options");
    const char *type = input_type(n);

    if (n->list) {
        ui_list_put(h, n, mark_optional);
        return;
    }
    if (strcmp(type, "checkbox") == 0) {
        put_checkbox(h, n);
        return;
    }
    ui_add(h, n->scripted ? "<div class=\"field\" data-kratos-with hidden>\n" : "<div class=\"field\">\n");
    put_label(h, n, mark_optional);
    if (json_array_size(options) > 0) {
        put_select(h, n, options);
    }
    else {
        put_input(h, n, type);
    }
    ui_about_put(h, n->name, apr_psprintf(h->pool, "n%d-a", n->nr));
    put_messages(h, n);
    ui_add(h, "</div>\n");
}
