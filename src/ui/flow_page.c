/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a flow: what happened so far, then its forms. */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

/* -- messages ------------------------------------------------------------- */

static int is_type(const json_t *message, const char *type)
{
    const char *s = kr_json_str(message, "type");

    return s && strcmp(s, type) == 0;
}

static int any_error(const json_t *messages, const apr_array_header_t *nodes)
{
    const ui_node_t *n;
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        if (is_type(message, "error")) return 1;
    }
    UI_EACH_NODE(n, nodes) {
        if (n->failed) return 1;
    }
    return 0;
}

static void put_errors(ui_html_t *h, const json_t *messages)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        if (is_type(message, "error")) ui_add(h, "<p>%s</p>\n", ui_message(h->pool, h->words, message));
    }
}

/** One box says all that went wrong: the flow's errors, those that have no place below, and where the others are. */
static void put_summary(ui_html_t *h, const json_t *messages, const apr_array_header_t *nodes)
{
    const ui_node_t *n;
    int links = 0;

    /* the cursor goes there, so that nobody has to look for what went wrong */
    ui_add(h, "<div class=\"message error\" role=\"alert\" tabindex=\"-1\" autofocus>\n");
    put_errors(h, messages);
    UI_EACH_NODE(n, nodes) {
        if (n->failed && n->kind != UI_FIELD) put_errors(h, n->messages);
    }
    UI_EACH_NODE(n, nodes) {
        if (!n->failed || n->kind != UI_FIELD) continue;
        if (links++) ui_add(h, ", ");
        else ui_add(h, "<p>%s ", ui_word(h->words, "check"));
        ui_add(h, "<a href=\"#n%d\">%s</a>", n->list ? ui_list_nr(n) : n->nr, n->label);
    }
    if (links) ui_add(h, "</p>\n");
    ui_add(h, "</div>\n");
}

static void put_messages(ui_html_t *h, const json_t *messages, const apr_array_header_t *nodes)
{
    size_t i;
    json_t *message;

    if (any_error(messages, nodes)) put_summary(h, messages, nodes);
    json_array_foreach(messages, i, message) {
        if (is_type(message, "error")) continue;
        ui_add(h, "<div class=\"message %s\" role=\"status\">\n<p>%s</p>\n</div>\n",
               is_type(message, "success") ? "success" : "info", ui_message(h->pool, h->words, message));
    }
}

/* -- the page ------------------------------------------------------------- */

/** Is there a field for a code that was sent? Those of an app or of paper have other names. */
static int asks_for_code(const apr_array_header_t *nodes)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, nodes) {
        if (n->kind == UI_FIELD && strcmp(n->name, "code") == 0) return 1;
    }
    return 0;
}

static int is_state(const json_t *flow, const char *wanted)
{
    const char *state = kr_json_str(flow, "state");

    return state && strcmp(state, wanted) == 0;
}

/** After something was sent the page is about that, and no longer about what the flow is for. */
static const char *heading_of(const kr_page_t *page, const json_t *flow, const apr_array_header_t *nodes)
{
    if (page->done && is_state(flow, "passed_challenge")) return page->done;
    if (asks_for_code(nodes)) return ui_word(page->words, "title.code");
    return is_state(flow, "sent_email") ? ui_word(page->words, "title.sent") : page->title;
}

/** Messages that are about one way. */
static const struct {
    int id;
    const char *group;
} ABOUT[] = {
    { 4000008, "totp" }, { 4000011, "totp" }, { 4000012, "lookup_secret" }, { 4000014, "lookup_secret" }, { 4000016, "lookup_secret" },
};

/** The group that was sent last, as far as the flow tells: by what failed in it, or by what it says. NULL: nothing does */
static const char *way_taken(const json_t *flow, const apr_array_header_t *nodes)
{
    const ui_node_t *n;
    json_t *message;
    size_t i;

    UI_EACH_NODE(n, nodes) {
        if (n->failed && n->kind == UI_FIELD) return n->group;
    }
    json_array_foreach(kr_json_at(flow, "ui.messages"), i, message) {
        const json_int_t id = json_integer_value(json_object_get(message, "id"));

        for (int j = 0; j < KR_DIM(ABOUT); j++)
            if (ABOUT[j].id == id) return ABOUT[j].group;
    }
    return kr_json_str(flow, "active");
}

static int waits_for_passkey(const ui_node_t *n)
{
    const char *fills = kr_json_str(n->attributes, "autocomplete");

    return n->kind == UI_FIELD && fills && strstr(fills, "webauthn");
}

/** The field that a code is typed into, of the way that stands open; else the one where browsers offer passkeys once the cursor is there. */
static void focus_first(apr_array_header_t *nodes, const char *active)
{
    ui_node_t *best = NULL;
    int best_score = 0;

    for (int i = 0; i < nodes->nelts; i++) {
        ui_node_t *n = &APR_ARRAY_IDX(nodes, i, ui_node_t);
        const int score = ui_field_is_code(n) ? 2 + (active && strcmp(n->group, active) == 0) : waits_for_passkey(n);

        if (score <= best_score) continue;
        best = n;
        best_score = score;
    }
    if (best) best->focus = 1;
}

/* Where there is one already, a field for a password asks for another. */
static void name_new_password(const kr_page_t *page, apr_array_header_t *nodes)
{
    int i;

    for (i = 0; i < nodes->nelts; i++) {
        ui_node_t *n = &APR_ARRAY_IDX(nodes, i, ui_node_t);

        if (n->label_id == UI_LABEL_PASSWORD) n->label = ui_word(page->words, "label.newpassword");
    }
}

/* Who was not asked yet has left nothing out: what misses is asked for as if for the first time, with the cursor where it belongs. */
static void forgive_missing(apr_array_header_t *nodes)
{
    int forgiven = 0;

    for (int i = 0; i < nodes->nelts; i++) {
        ui_node_t *n = &APR_ARRAY_IDX(nodes, i, ui_node_t);
        const char *value = json_string_value(json_object_get(n->attributes, "value"));

        if (!n->failed || n->kind != UI_FIELD || n->list || json_array_size(n->messages) != 1 || (value && *value)) continue;
        if (json_integer_value(kr_json_at(json_array_get(n->messages, 0), "id")) != UI_MISSING) continue;
        n->messages = NULL;
        n->failed = 0;
        n->focus = !forgiven++;
    }
}

static apr_array_header_t *nodes_of(apr_pool_t *pool, const kr_page_t *page, const json_t *flow)
{
    apr_array_header_t *nodes = ui_nodes_read(pool, page, ui_nodes_with_fixed(pool, page, ui_nodes_gather(pool, page->schema, flow)));

    if (page->about) forgive_missing(nodes);
    return nodes;
}

/* Sites that only a browser can ask are something, but for browsers that cannot: the script takes the line away. */
static void put_nothing(ui_html_t *h, const kr_page_t *page)
{
    ui_add(h, ui_fedcm_has_buttons(page) ? "<p data-fedcm-without>%s</p>\n" : "<p>%s</p>\n", ui_word(h->words, "flow.nothing"));
}

const char *kr_ui_flow_page(apr_pool_t *pool, const kr_page_t *page, const json_t *flow)
{
    const json_t *messages = kr_json_at(flow, "ui.messages");
    apr_array_header_t *nodes = nodes_of(pool, page, flow);
    const char *method = kr_json_str(flow, "ui.method"), *action = ui_safe_url(pool, kr_json_str(flow, "ui.action"));
    int failed = any_error(messages, nodes);
    ui_form_t form = { .nodes = nodes, .get = method && strcmp(method, "GET") == 0, .action = action ? action : "",
                    .wait = !failed && asks_for_code(nodes) && json_array_size(messages) > 0,
                    .who = page->here ? ui_or_else(ui_who(pool, page, flow), "") : NULL, .active = way_taken(flow, nodes) };
    ui_html_t *h = ui_page_begin(pool, page, heading_of(page, flow, nodes), failed);

    h->who = form.who;
    if (!failed && !page->here) focus_first(nodes, form.active);
    if (page->here) name_new_password(page, nodes);
    put_messages(h, messages, nodes);
    if (page->about) ui_add(h, "<p>%s</p>\n", page->about);
    if (ui_form_shows(&form)) ui_forms_put(h, &form, page->here != NULL);
    else if (json_array_size(messages) == 0) put_nothing(h, page);
    if (page->script) ui_script_put(h, page->script);
    if (page->fedcm) ui_fedcm_put(h, page);
    return ui_page_end(h, page);
}
