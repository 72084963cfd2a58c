/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of a flow: its messages, then its nodes as a form. Browsers press the first submit button of a form when
 * somebody hits Enter, so the main one comes first, whatever the order of the nodes.
 */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

static const struct {
    const char *group, *title;
} TITLES[] = {
    { "profile", "Profile" },
    { "password", "Password" },
    { "oidc", "Linked accounts" },
    { "code", "One-time code" },
    { "totp", "Authenticator app" },
    { "lookup_secret", "Recovery codes" },
    { "webauthn", "Security keys" },
    { "passkey", "Passkeys" },
};

/** The nodes of one form. */
typedef struct {
    const apr_array_header_t *nodes;
    const char *group;  /* NULL: all of them */
    int first;          /* takes what is visible in group default */
    int get;            /* the form's method */
    const char *action;
} form_t;

#define EACH_NODE(n, nodes)                                                                                            \
    for ((n) = (const ui_node_t *)(nodes)->elts; (n) < (const ui_node_t *)(nodes)->elts + (nodes)->nelts; (n)++)

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
    EACH_NODE(n, nodes) {
        if (n->failed) return 1;
    }
    return 0;
}

static void put_errors(ui_html_t *h, const json_t *messages)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        if (is_type(message, "error")) ui_add(h, "<p>%s</p>\n", kr_json_str(message, "text"));
    }
}

/** One box says all that went wrong: the flow's errors, those that have no place below, and where the others are. */
static void put_summary(ui_html_t *h, const json_t *messages, const apr_array_header_t *nodes)
{
    const ui_node_t *n;
    int links = 0;

    ui_add(h, "<div class=\"message error\" role=\"alert\">\n");
    put_errors(h, messages);
    EACH_NODE(n, nodes) {
        if (n->failed && n->kind != UI_FIELD) put_errors(h, n->messages);
    }
    EACH_NODE(n, nodes) {
        if (!n->failed || n->kind != UI_FIELD) continue;
        ui_add(h, links++ ? ", " : "<p>Please check: ");
        ui_add(h, "<a href=\"#n%d\">%s</a>", n->nr, n->label);
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
               is_type(message, "success") ? "success" : "info", kr_json_str(message, "text"));
    }
}

/* -- forms ---------------------------------------------------------------- */

static int in_form(const form_t *form, const ui_node_t *n)
{
    if (!form->group || strcmp(n->group, form->group) == 0) return 1;
    return strcmp(n->group, "default") == 0 && (form->first || n->kind == UI_HIDDEN);
}

static int has_kind(const form_t *form, ui_kind_e kind)
{
    const ui_node_t *n;

    EACH_NODE(n, form->nodes) {
        if (n->kind == kind && in_form(form, n)) return 1;
    }
    return 0;
}

static int group_has_kind(const apr_array_header_t *nodes, const char *group, ui_kind_e kind)
{
    const ui_node_t *n;

    EACH_NODE(n, nodes) {
        if (n->kind == kind && strcmp(n->group, group) == 0) return 1;
    }
    return 0;
}

/**
 * The main button: of those named `method` the one that has a field in its group, before one that has none. Without
 * such a name, an only choice is the main one too.
 * @return NULL when all choices are equal
 */
static const ui_node_t *main_submit(const form_t *form)
{
    const ui_node_t *n, *best = NULL, *choice = NULL;
    int best_score = 0, choices = 0;

    EACH_NODE(n, form->nodes) {
        int score;

        if (n->kind != UI_SUBMIT || n->look != UI_CHOICE || !in_form(form, n)) continue;
        choice = n;
        choices++;
        if (strcmp(n->name, "method") != 0) continue;
        score = 1 + group_has_kind(form->nodes, n->group, UI_FIELD);
        if (score > best_score) {
            best = n;
            best_score = score;
        }
    }
    return best ? best : choices == 1 ? choice : NULL;
}

/** Other ways come after the main button; they need not what it needs, so the browser must not check the fields. */
static void put_submits(ui_html_t *h, const form_t *form)
{
    const ui_node_t *n, *main_one = main_submit(form);
    int said_or = 0;

    if (main_one) ui_submit_put(h, main_one, "button primary", 1);
    EACH_NODE(n, form->nodes) {
        if (n->kind != UI_SUBMIT || n == main_one || n->look != UI_CHOICE || !in_form(form, n)) continue;
        if (main_one && !said_or++) ui_add(h, "<p class=\"or\"><span>or</span></p>\n");
        ui_submit_put(h, n, "button", 0);
    }
    EACH_NODE(n, form->nodes) {
        if (n->kind != UI_SUBMIT || n->look == UI_CHOICE || !in_form(form, n)) continue;
        ui_submit_put(h, n, n->look == UI_DANGER ? "button danger" : "button quiet", 0);
    }
}

static int has_required(const form_t *form)
{
    const ui_node_t *n;

    EACH_NODE(n, form->nodes) {
        if (n->kind != UI_FIELD || !in_form(form, n)) continue;
        if (json_is_true(json_object_get(n->attributes, "required"))) return 1;
    }
    return 0;
}

static void put_form(ui_html_t *h, const form_t *form)
{
    int submits = has_kind(form, UI_SUBMIT), mark_optional = has_required(form);
    const ui_node_t *n;

    if (submits) ui_add(h, "<form method=\"%s\" action=\"%s\">\n", form->get ? "get" : "post", form->action);
    EACH_NODE(n, form->nodes) {
        if (n->kind != UI_HIDDEN || !submits || !in_form(form, n)) continue;
        if (form->get && strcmp(n->name, "csrf_token") == 0) continue; /* it has no business in a URL */
        ui_node_put(h, n, 0);
    }
    EACH_NODE(n, form->nodes) {
        if (n->kind != UI_HIDDEN && in_form(form, n)) ui_node_put(h, n, mark_optional);
    }
    put_submits(h, form);
    if (submits) ui_add(h, "</form>\n");
}

/* -- one form or several -------------------------------------------------- */

/** Is this the first node of its group? */
static int opens_group(const apr_array_header_t *nodes, const ui_node_t *node)
{
    const ui_node_t *n = (const ui_node_t *)nodes->elts;

    while (n < node && strcmp(n->group, node->group) != 0) n++;
    return n == node;
}

/**
 * Two groups that each ask something and each have a submit are two forms (settings, second factors): what one
 * requires must not be in the way of the other.
 */
static int is_split(const apr_array_header_t *nodes)
{
    const ui_node_t *n;
    int whole = 0;

    EACH_NODE(n, nodes) {
        if (strcmp(n->group, "default") != 0 && opens_group(nodes, n)) {
            whole += group_has_kind(nodes, n->group, UI_FIELD) && group_has_kind(nodes, n->group, UI_SUBMIT);
        }
    }
    return whole > 1;
}

static const char *group_title(const char *group)
{
    int i;

    for (i = 0; i < KR_DIM(TITLES); i++) {
        if (strcmp(group, TITLES[i].group) == 0) return TITLES[i].title;
    }
    return group;
}

static int shows_something(const form_t *form)
{
    return has_kind(form, UI_FIELD) || has_kind(form, UI_SUBMIT) || has_kind(form, UI_TEXT) || has_kind(form, UI_IMAGE)
           || has_kind(form, UI_LINK);
}

static void put_sections(ui_html_t *h, form_t *form)
{
    const ui_node_t *n;

    form->first = 1;
    EACH_NODE(n, form->nodes) {
        if (strcmp(n->group, "default") == 0 || !opens_group(form->nodes, n)) continue;
        form->group = n->group;
        if (!shows_something(form)) continue;
        ui_add(h, "<section aria-labelledby=\"g%d\">\n<h2 id=\"g%d\">%s</h2>\n", n->nr, n->nr, group_title(n->group));
        put_form(h, form);
        ui_add(h, "</section>\n");
        form->first = 0;
    }
}

const char *kr_ui_flow_page(apr_pool_t *pool, const kr_page_t *page, const json_t *flow)
{
    const json_t *messages = kr_json_at(flow, "ui.messages");
    apr_array_header_t *nodes = ui_nodes_read(pool, kr_json_at(flow, "ui.nodes"));
    const char *method = kr_json_str(flow, "ui.method"), *action = ui_safe_url(pool, kr_json_str(flow, "ui.action"));
    form_t form = { .nodes = nodes, .get = method && strcmp(method, "GET") == 0, .action = action ? action : "" };
    ui_html_t *h = ui_page_begin(pool, page, page->title, any_error(messages, nodes));

    put_messages(h, messages, nodes);
    if (!shows_something(&form)) {
        if (json_array_size(messages) == 0) ui_add(h, "<p>There is nothing to fill in here at the moment.</p>\n");
    }
    else if (is_split(nodes)) {
        put_sections(h, &form);
    }
    else {
        put_form(h, &form);
    }
    return ui_page_end(h, page);
}
