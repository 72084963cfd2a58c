/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: HTML that escapes by itself, the frame of a page, nodes made easy to ask. */
#ifndef KR_UI_PRIVATE_H
#define KR_UI_PRIVATE_H

#include "kr_ui.h"

/* -- html.c --------------------------------------------------------------- */

/** A document while it grows. `text` is NUL-terminated at any moment. */
typedef struct {
    apr_pool_t *pool;
    char *text;
    apr_size_t len, size;
} ui_html_t;

ui_html_t *ui_html_make(apr_pool_t *pool);
/**
 * Append markup. Markup is only ever in `fmt`; every %s is escaped on its way (NULL is empty), so a value cannot become
 * markup. Knows %s, %d and %%; nothing else.
 */
void ui_add(ui_html_t *h, const char *fmt, ...) KR_PRINTF(2, 3);
/** The URL if it may stand in href, src or action: http, https or relative. Else NULL: javascript: and friends. */
const char *ui_safe_url(apr_pool_t *pool, const char *url);
/** As ui_safe_url, data:image/ allowed too: for pictures. */
const char *ui_safe_image(apr_pool_t *pool, const char *url);

/* -- page.c --------------------------------------------------------------- */

/** Head and heading. @param failed 1: the title says so, because screen readers read it first */
ui_html_t *ui_page_begin(apr_pool_t *pool, const kr_page_t *page, const char *heading, int failed);
/** A link that looks like a button. @param url  checked by ui_safe_url */
void ui_link_put(ui_html_t *h, const char *url, const char *label, const char *css_class);
/** The other link and the end. @return the document */
const char *ui_page_end(ui_html_t *h, const kr_page_t *page);

/* -- nodes.c -------------------------------------------------------------- */

typedef enum {
    UI_SKIP,    /* has no place on a page without scripts */
    UI_HIDDEN,
    UI_FIELD,   /* input or select that people see */
    UI_SUBMIT,
    UI_BUTTON,  /* works by script only */
    UI_TEXT,
    UI_IMAGE,
    UI_LINK
} ui_kind_e;

/** How a submit button looks. */
typedef enum {
    UI_CHOICE,  /* another way to the same end: a provider, a method */
    UI_QUIET,   /* beside the way: send again, go back */
    UI_DANGER   /* takes something away */
} ui_look_e;

/** A node with its parts at hand; all borrowed from the flow. */
typedef struct {
    int nr;             /* makes ids: names may hold blanks, which cannot stand in an id */
    ui_kind_e kind;
    ui_look_e look;     /* of UI_SUBMIT */
    const char *group;  /* never NULL */
    const char *name;   /* of inputs; never NULL */
    const char *label;  /* never NULL */
    const json_t *attributes, *messages;
    int failed;         /* an error is among its messages */
} ui_node_t;

/** Read ui.nodes. @return array of ui_node_t, in order; empty for null */
apr_array_header_t *ui_nodes_read(apr_pool_t *pool, const json_t *nodes);
/** A hidden field, a visible one, a text, a picture or a link; nothing for other kinds. */
void ui_node_put(ui_html_t *h, const ui_node_t *node, int mark_optional);
/** A submit button. @param check 1: the browser checks required fields first */
void ui_submit_put(ui_html_t *h, const ui_node_t *node, const char *css_class, int check);

#endif
