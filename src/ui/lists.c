/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of traits as fields that share its name: browsers send them in order, and the API drops the empty ones. Without a script there
 * can be one more element at a time.
 */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

#define ELEMENTS_MAX 1000 /* ids of their fields are made from that of the list */

static const json_t *value_of(const ui_node_t *n)
{
    return json_object_get(n->attributes, "value");
}

/* -- one element ---------------------------------------------------------- */

/** The first field has the list's own number, so that links to the list lead there. */
static int nr_of(const ui_node_t *list, size_t position)
{
    return position ? list->nr * ELEMENTS_MAX + (int)position : list->nr;
}

static const json_t *messages_of(apr_pool_t *pool, const ui_node_t *list, size_t position)
{
    return json_object_get(list->elements, apr_psprintf(pool, "%d", (int)position));
}

/* A box would send two values under one name: yes and no are chosen. */
static json_t *yes_and_no(void)
{
    return json_pack("[{s:s}, {s:s}]", "value", "true", "value", "false");
}

static json_t *attributes_of(apr_pool_t *pool, const ui_node_t *list, const kr_leaf_t *item, size_t position)
{
    json_t *a = kr_json_pack(pool, "{s:s, s:s}", "name", list->name, "type", item->input_type), *value;

    if (item->type == KR_LEAF_BOOLEAN) json_object_set_new(a, "type", json_string("text"));
    if (item->type == KR_LEAF_BOOLEAN) json_object_set_new(a, "options", yes_and_no());
    else if (item->options) json_object_set_new(a, "options", json_deep_copy(item->options));
    if (item->pattern) json_object_set_new(a, "pattern", json_string(item->pattern));
    if (item->description || item->title) json_object_set_new(a, "says", json_string(item->description ? item->description : item->title));
    /* what the browser knows of somebody belongs into one field only */
    json_object_set_new(a, "autocomplete", json_string(position == 0 && item->autocomplete ? item->autocomplete : "off"));
    if (ui_node_has(list, "disabled")) json_object_set_new(a, "disabled", json_true());
    /* who has two of them may take away the first: the browser must not ask for that one */
    if (position == 0 && ui_node_has(list, "required") && json_array_size(value_of(list)) < 2 && !list->list->tuple)
        json_object_set_new(a, "required", json_true());
    value = json_array_get(value_of(list), position);
    if (value) json_object_set(a, "value", value);
    return a;
}

static const char *label_of(apr_pool_t *pool, const ui_node_t *list, const kr_leaf_t *item, size_t position)
{
    if (list->list->tuple && item->title) return item->title;
    return apr_psprintf(pool, "%s %d", list->label, (int)position + 1);
}

static void put_element(ui_html_t *h, const ui_node_t *list, size_t position)
{
    const kr_leaf_t *item = kr_leaf_item(list->list, position);
    const json_t *messages = messages_of(h->pool, list, position);
    ui_node_t element = { .nr = nr_of(list, position), .kind = UI_FIELD, .group = list->group, .name = list->name,
                          .label = label_of(h->pool, list, item, position), .messages = messages, .failed = json_array_size(messages) > 0,
                          .bare = !list->list->tuple, .attributes = attributes_of(h->pool, list, item, position) };

    ui_field_put(h, &element, 0);
}

/* -- values that may be chosen -------------------------------------------- */

static int position_in(apr_pool_t *pool, const json_t *options, const char *text, int from)
{
    for (int i = from; i < (int)json_array_size(options); i++)
        if (strcmp(ui_or_else(ui_value_text(pool, json_object_get(json_array_get(options, (size_t)i), "value")), ""), text) == 0) return i;
    return -1;
}

/** Do the chosen ones stand in the order of the options, each once? Then boxes in that order send the list as it is. */
static int is_in_order(apr_pool_t *pool, const json_t *options, const json_t *chosen)
{
    int last = -1;
    size_t i;
    json_t *value;

    json_array_foreach(chosen, i, value) {
        last = position_in(pool, options, ui_or_else(ui_value_text(pool, value), ""), last + 1);
        if (last < 0) return 0;
    }
    return 1;
}

static int is_chosen(apr_pool_t *pool, const json_t *chosen, const char *text)
{
    size_t i;
    json_t *value;

    json_array_foreach(chosen, i, value)
        if (strcmp(ui_or_else(ui_value_text(pool, value), ""), text) == 0) return 1;
    return 0;
}

static void put_box(ui_html_t *h, const ui_node_t *list, const char *value, int checked, int *count)
{
    const int nr = nr_of(list, (size_t)(*count)++);

    ui_add(h, "<div class=\"check\">\n<input type=\"checkbox\" id=\"n%d\" name=\"%s\" value=\"%s\"", nr, list->name, value);
    if (checked) ui_add(h, " checked");
    if (ui_node_has(list, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">\n<label for=\"n%d\">%s</label>\n</div>\n", nr, value);
}

/* Elsewise ordered, or no longer offered: the chosen ones come first, as they stand in the list. */
static void put_boxes(ui_html_t *h, const ui_node_t *list, const json_t *options)
{
    const json_t *chosen = value_of(list);
    const int in_order = is_in_order(h->pool, options, chosen);
    int count = 0;
    size_t i;
    json_t *value;

    if (!in_order)
        json_array_foreach(chosen, i, value) put_box(h, list, ui_value_text(h->pool, value), 1, &count);
    json_array_foreach(options, i, value) {
        const char *text = ui_value_text(h->pool, json_object_get(value, "value"));
        const int is = text && is_chosen(h->pool, chosen, text);

        if (text && (in_order || !is)) put_box(h, list, text, is, &count);
    }
}

/* -- the list ------------------------------------------------------------- */

/** How many fields: one for each position, or one more than there are elements. */
static size_t fields(const ui_node_t *n)
{
    const size_t size = json_array_size(value_of(n)), more = size + 1;

    if (n->list->tuple) return (size_t)n->list->items->nelts;
    return n->list->max_items > 0 && more > (size_t)n->list->max_items && size ? size : more;
}

/** Boxes are one group: what is said of an element is said of the group. */
static json_t *messages_of_group(apr_pool_t *pool, const ui_node_t *n, int boxes)
{
    json_t *out = kr_json_own(pool, n->messages ? json_copy((json_t *)n->messages) : json_array()), *messages;
    const char *position;

    if (boxes) json_object_foreach((json_t *)n->elements, position, messages) json_array_extend(out, messages);
    return out;
}

void ui_list_put(ui_html_t *h, const ui_node_t *n, int mark_optional)
{
    const json_t *options = n->list->tuple ? NULL : kr_leaf_item(n->list, 0)->options;
    const json_t *messages = messages_of_group(h->pool, n, options != NULL);
    const char *id = apr_psprintf(h->pool, "n%d-all", n->nr);

    ui_add(h, "<fieldset class=\"field\"");
    if (json_array_size(messages)) ui_add(h, " aria-describedby=\"%s\"", id);
    ui_add(h, ">\n<legend>%s", n->label);
    if (mark_optional && !ui_node_has(n, "required")) ui_add(h, " <span class=\"quiet\">(%s)</span>", ui_word(h->words, "optional"));
    ui_add(h, "</legend>\n");
    if (options) put_boxes(h, n, options);
    for (size_t i = 0; !options && i < fields(n); i++) put_element(h, n, i);
    ui_hints_put(h, id, messages);
    ui_add(h, "</fieldset>\n");
}

void ui_list_put_hidden(ui_html_t *h, const ui_node_t *n)
{
    size_t i;
    json_t *value;

    json_array_foreach(value_of(n), i, value)
        ui_add(h, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", n->name, ui_value_text(h->pool, value));
}

int ui_list_nr(const ui_node_t *n)
{
    const char *position;
    json_t *messages;

    if (!n->list->tuple && kr_leaf_item(n->list, 0)->options) return n->nr;
    json_object_foreach((json_t *)n->elements, position, messages) return nr_of(n, (size_t)apr_atoi64(position));
    return n->nr;
}
