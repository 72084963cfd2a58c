/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of a flow as one form, or several. Browsers press the first submit button of a form when somebody hits Enter,
 * so the main one comes first, whatever the order of the nodes.
 */
#include "kr_json.h"
#include "ui.h"

/* -- one form ------------------------------------------------------------- */

static int in_form(const ui_form_t *form, const ui_node_t *n)
{
    if (!form->group || strcmp(n->group, form->group) == 0) return 1;
    return strcmp(n->group, "default") == 0 && (form->first || n->kind == UI_HIDDEN);
}

static int has_kind(const ui_form_t *form, ui_kind_e kind)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        if (n->kind == kind && in_form(form, n)) return 1;
    }
    return 0;
}

static int group_has_kind(const apr_array_header_t *nodes, const char *group, ui_kind_e kind)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, nodes) {
        if (n->kind == kind && strcmp(n->group, group) == 0) return 1;
    }
    return 0;
}

/**
 * The main button: of those named `method` the one that has a field in its group, before one that has none. Without
 * such a name, an only choice is the main one too.
 * @return NULL when all choices are equal
 */
static const ui_node_t *main_submit(const ui_form_t *form)
{
    const ui_node_t *n, *best = NULL, *choice = NULL;
    int best_score = 0, choices = 0;

    UI_EACH_NODE(n, form->nodes) {
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

/**
 * The button that sends another code stays hidden for the time a mail needs; the style sheet counts, because no script
 * does. Without the style sheet it is there from the beginning.
 */
static void put_resend(ui_html_t *h, const ui_node_t *n)
{
    ui_add(h, "<div class=\"resend\">\n<p class=\"wait\">%s</p>\n", ui_word(h->words, "resend.wait"));
    ui_submit_put(h, n, "button quiet", 0);
    ui_add(h, "</div>\n");
}

/** Other ways come after the main button; they need not what it needs, so the browser must not check the fields. */
static void put_submits(ui_html_t *h, const ui_form_t *form)
{
    const ui_node_t *n, *main_one = main_submit(form);
    int said_or = 0;

    ui_add(h, "<div class=\"buttons\">\n");
    if (main_one) ui_submit_put(h, main_one, "button primary", 1);
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_SUBMIT || n == main_one || n->look != UI_CHOICE || !in_form(form, n)) continue;
        if (main_one && !said_or++) ui_add(h, "<p class=\"or\"><span>%s</span></p>\n", ui_word(h->words, "or"));
        ui_submit_put(h, n, "button", 0);
    }
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind == UI_BUTTON && in_form(form, n)) ui_button_put(h, n);
    }
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_SUBMIT || n->look == UI_CHOICE || !in_form(form, n)) continue;
        if (n->label_id == UI_LABEL_SEND_AGAIN && form->wait) put_resend(h, n);
        else ui_submit_put(h, n, n->look == UI_DANGER ? "button danger" : "button quiet", 0);
    }
    ui_add(h, "</div>\n");
}

static int has_required(const ui_form_t *form)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_FIELD || !in_form(form, n)) continue;
        if (json_is_true(json_object_get(n->attributes, "required"))) return 1;
    }
    return 0;
}

/** Of our own beside the nodes: who changes a password because somebody else knows it wants that one out, too. */
static void put_end_others(ui_html_t *h)
{
    ui_add(h, "<div class=\"field\">\n<div class=\"check\">\n<input type=\"checkbox\" id=\"end-others\" "
              "name=\"revoke_other_sessions\" value=\"true\">\n<label for=\"end-others\">%s</label>\n</div>\n</div>\n",
           ui_word(h->words, "settings.end-others"));
}

/** Is it the form of somebody's own account that sets a password? */
static int changes_password(const ui_form_t *form)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        if (form->who && n->label_id == UI_LABEL_PASSWORD && in_form(form, n)) return 1;
    }
    return 0;
}

/** Managers of passwords want to know whose password changes; people do, and the API is not told. */
static void put_whose_password(ui_html_t *h, const ui_form_t *form)
{
    if (!*form->who) return;
    ui_add(h, "<input class=\"aside\" type=\"text\" autocomplete=\"username\" value=\"%s\" readonly tabindex=\"-1\" "
              "aria-hidden=\"true\">\n", form->who);
}

static void put_form(ui_html_t *h, const ui_form_t *form)
{
    int submits = has_kind(form, UI_SUBMIT) || has_kind(form, UI_BUTTON), mark_optional = has_required(form);
    const ui_node_t *n;

    if (submits) ui_add(h, "<form method=\"%s\" action=\"%s\">\n", form->get ? "get" : "post", form->action);
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_HIDDEN || !submits || !in_form(form, n)) continue;
        if (form->get && strcmp(n->name, "csrf_token") == 0) continue; /* it has no business in a URL */
        ui_node_put(h, n, 0);
    }
    if (submits && changes_password(form)) put_whose_password(h, form);
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_HIDDEN && in_form(form, n)) ui_node_put(h, n, mark_optional);
    }
    if (submits && changes_password(form)) put_end_others(h);
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

    UI_EACH_NODE(n, nodes) {
        if (strcmp(n->group, "default") != 0 && opens_group(nodes, n)) {
            whole += group_has_kind(nodes, n->group, UI_FIELD) && group_has_kind(nodes, n->group, UI_SUBMIT);
        }
    }
    return whole > 1;
}

int ui_form_shows(const ui_form_t *form)
{
    return has_kind(form, UI_FIELD) || has_kind(form, UI_SUBMIT) || has_kind(form, UI_BUTTON) || has_kind(form, UI_TEXT) || has_kind(form, UI_IMAGE)
           || has_kind(form, UI_LINK);
}

/** What stands beside the card of a group. */
static void put_group(ui_html_t *h, const ui_node_t *n)
{
    const char *title = ui_word_of(h->pool, h->words, "group.", n->group);
    const char *about = ui_word_of(h->pool, h->words, "group.about.", n->group);

    ui_add(h, "<section aria-labelledby=\"g%d\">\n<div class=\"about\">\n<h2 id=\"g%d\">%s</h2>\n", n->nr, n->nr,
           title ? title : n->group);
    if (about) ui_add(h, "<p class=\"quiet\">%s</p>\n", about);
    ui_add(h, "</div>\n<div class=\"card\">\n");
}

static void put_sections(ui_html_t *h, ui_form_t *form)
{
    const ui_node_t *n;

    form->first = 1;
    UI_EACH_NODE(n, form->nodes) {
        if (strcmp(n->group, "default") == 0 || !opens_group(form->nodes, n)) continue;
        form->group = n->group;
        if (!ui_form_shows(form)) continue;
        put_group(h, n);
        put_form(h, form);
        ui_add(h, "</div>\n</section>\n");
        form->first = 0;
    }
}

void ui_forms_put(ui_html_t *h, ui_form_t *form, int sections)
{
    if (sections || is_split(form->nodes)) put_sections(h, form);
    else put_form(h, form);
}
