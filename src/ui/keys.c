/* SPDX-License-Identifier: Apache-2.0 */
/* Security keys and passkeys of an account, as a list; and what is said where a browser cannot use them. */
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

int ui_is_key(const ui_node_t *n)
{
    return n->kind == UI_SUBMIT && n->look == UI_DANGER && kr_json_str(n->context, "display_name");
}

/* Buttons that look alike differ in what is read aloud. */
static void put_button(ui_html_t *h, const ui_node_t *n, const char *name)
{
    ui_add(h, "<button class=\"button danger\" type=\"submit\" name=\"%s\" value=\"%s\" formnovalidate", n->name,
           ui_value_text(h->pool, json_object_get(n->attributes, "value")));
    if (ui_node_has(n, "disabled")) ui_add(h, " disabled");
    ui_add(h, ">%s<span class=\"aside\">: %s</span></button>\n", ui_word(h->words, "keys.remove"), name);
}

void ui_key_put(ui_html_t *h, const ui_node_t *n)
{
    const char *name = kr_json_str(n->context, "display_name"), *added = kr_json_str(n->context, "added_at");

    if (!*name || strcmp(name, "unnamed") == 0) name = ui_word(h->words, "keys.unnamed");
    ui_add(h, "<li>\n<div class=\"what\">\n<p><strong>%s</strong></p>\n", name);
    if (added && *added)
        ui_add(h, "<p class=\"quiet\">%s <time datetime=\"%s\">%s</time></p>\n", ui_word(h->words, "keys.added"), added,
               ui_time(h->pool, h->words, added));
    if (ui_node_has(n, "disabled")) ui_add(h, "<p class=\"quiet\">%s</p>\n", ui_word(h->words, "keys.last"));
    ui_add(h, "</div>\n");
    put_button(h, n, name);
    ui_add(h, "</li>\n");
}

void ui_key_needs_put(ui_html_t *h)
{
    ui_add(h, "<noscript><p class=\"quiet\">%s</p></noscript>\n", ui_word(h->words, "keys.noscript"));
    ui_add(h, "<p class=\"quiet\" data-kratos-without hidden>%s</p>\n", ui_word(h->words, "keys.unknown"));
    ui_add(h, "<p class=\"hint bad\" role=\"alert\" data-kratos-failed hidden>%s</p>\n", ui_word(h->words, "keys.failed"));
    ui_add(h, "<p class=\"hint bad\" role=\"alert\" data-kratos-failed=\"known\" hidden>%s</p>\n",
           ui_word(h->words, "reason:this key is on the list already"));
}
