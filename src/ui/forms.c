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
    if (!form->group) return !n->folded;
    if (strcmp(n->group, form->group) == 0) return 1;
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
 * such a name, an only choice is the main one too; a site with a mark of its own never is, on whatever colour that would be.
 * @return NULL when all choices are equal
 */
static const ui_node_t *main_submit(const ui_form_t *form)
{
    const ui_node_t *n, *best = NULL, *choice = NULL;
    int best_score = 0, choices = 0;

    UI_EACH_NODE(n, form->nodes) {
        int score;

        if (n->kind != UI_SUBMIT || n->look != UI_CHOICE || n->mark || !in_form(form, n)) continue;
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

/** Has it a place on a list of what the account has? */
static int is_listed(const ui_node_t *n)
{
    return ui_is_key(n) || ui_is_linked(n);
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
        if (n->kind == UI_BUTTON && in_form(form, n)) ui_button_put(h, n, main_one ? "button" : "button primary");
    }
    if (has_kind(form, UI_BUTTON)) ui_key_needs_put(h);
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_SUBMIT || n->look == UI_CHOICE || is_listed(n) || !in_form(form, n)) continue;
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

static int has_password(const ui_form_t *form)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        if (n->label_id == UI_LABEL_PASSWORD && in_form(form, n)) return 1;
    }
    return 0;
}

/** Is it the form of somebody's own account that sets a password? */
static int changes_password(const ui_form_t *form)
{
    return form->who && has_password(form);
}

/** Managers of passwords want to know whose password changes; people do, and the API is not told. */
static void put_whose_password(ui_html_t *h, const ui_form_t *form)
{
    if (!*form->who) return;
    ui_add(h, "<input class=\"aside\" type=\"text\" autocomplete=\"username\" value=\"%s\" readonly tabindex=\"-1\" "
              "aria-hidden=\"true\">\n", form->who);
}

/** Who signs in once more, or in the second of two steps, sees as whom; managers of passwords do, too. */
static void put_whose_login(ui_html_t *h, const ui_form_t *form)
{
    const ui_node_t *n;

    if (!has_password(form)) return;
    UI_EACH_NODE(n, form->nodes) {
        const char *name = n->kind == UI_HIDDEN && strcmp(n->name, "identifier") == 0 ? kr_json_str(n->attributes, "value") : NULL;

        if (!name || !*name || !in_form(form, n)) continue;
        ui_add(h, "<p class=\"whose\">%s</p>\n<input class=\"aside\" type=\"text\" autocomplete=\"username\" value=\"%s\" readonly "
                  "tabindex=\"-1\" aria-hidden=\"true\">\n", name, name);
    }
}

/** Keys and accounts elsewhere that the account has, each with the button that takes it away. */
static void put_list(ui_html_t *h, const ui_form_t *form)
{
    const ui_node_t *n;
    int listed = 0;

    UI_EACH_NODE(n, form->nodes) {
        if (!is_listed(n) || !in_form(form, n)) continue;
        if (!listed++) ui_add(h, "<ul class=\"list\">\n");
        if (ui_is_key(n)) ui_key_put(h, n);
        else ui_linked_put(h, n);
    }
    if (listed) ui_add(h, "</ul>\n");
}

/** The script puts the button there where this browser has had a passkey; everybody else finds it below. */
static void put_first_place(ui_html_t *h, const ui_form_t *form)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        const char *function = n->kind == UI_BUTTON && in_form(form, n) ? kr_json_str(n->attributes, "onclickTrigger") : NULL;

        if (!function || strcmp(function, "oryPasskeyLogin") != 0 || !has_kind(form, UI_FIELD)) continue;
        ui_add(h, "<div class=\"buttons\" data-kratos-first hidden>\n<p class=\"or\"><span>%s</span></p>\n</div>\n", ui_word(h->words, "or"));
    }
}

/** What is to be known of a button before it is pressed. */
static void put_about_submits(ui_html_t *h, const ui_form_t *form)
{
    const ui_node_t *n;

    UI_EACH_NODE(n, form->nodes) {
        if (n->kind == UI_SUBMIT && in_form(form, n)) ui_about_put(h, n->name, NULL);
    }
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
    else if (submits) put_whose_login(h, form);
    put_first_place(h, form);
    put_list(h, form);
    UI_EACH_NODE(n, form->nodes) {
        if (n->kind != UI_HIDDEN && in_form(form, n)) ui_node_put(h, n, mark_optional);
    }
    if (submits && changes_password(form)) put_end_others(h);
    put_about_submits(h, form);
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

static int is_whole(const apr_array_header_t *nodes, const char *group)
{
    return strcmp(group, "default") != 0 && group_has_kind(nodes, group, UI_FIELD) && group_has_kind(nodes, group, UI_SUBMIT);
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

/* -- one way after the other ---------------------------------------------- */

/** The group that stands open: the one that was used last, else the first of those that ask something. NULL: none does */
static const char *open_way(const ui_form_t *form)
{
    const ui_node_t *n;

    if (form->active && is_whole(form->nodes, form->active)) return form->active;
    UI_EACH_NODE(n, form->nodes) {
        if (is_whole(form->nodes, n->group)) return n->group;
    }
    return NULL;
}

/**
 * What one way requires must not be in the way of another, and who has lost the one at hand finds the others: each is a form of its own,
 * behind a line that opens without any script.
 */
static void put_ways(ui_html_t *h, ui_form_t *form)
{
    const char *open = open_way(form);
    ui_node_t *all = (ui_node_t *)form->nodes->elts;
    const ui_node_t *n;

    for (int i = 0; open && i < form->nodes->nelts; i++) all[i].folded = strcmp(all[i].group, open) != 0 && is_whole(form->nodes, all[i].group);
    form->first = 1;
    put_form(h, form);
    form->first = 0;
    UI_EACH_NODE(n, form->nodes) {
        const char *way = ui_word_of(h->pool, h->words, "way.", n->group), *group = ui_word_of(h->pool, h->words, "group.", n->group);

        if (!n->folded || !opens_group(form->nodes, n)) continue;
        form->group = n->group;
        ui_add(h, "<details>\n<summary>%s</summary>\n", way ? way : ui_or_else(group, n->group));
        put_form(h, form);
        ui_add(h, "</details>\n");
    }
}

void ui_forms_put(ui_html_t *h, ui_form_t *form, int sections)
{
    if (sections) put_sections(h, form);
    else put_ways(h, form);
}
