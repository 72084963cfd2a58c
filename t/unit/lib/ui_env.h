/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the built-in pages: flows out of a few words, and what their page shows, hides and in which order. */
#ifndef UI_ENV_H
#define UI_ENV_H

#include <stdlib.h>
#include <string.h>

#include "json_env.h"
#include "kr_text.h"
#include "kr_ui.h"

#define HOSTILE "\\\"'><script>alert(1)</script>&"

/** What stands around every flow. */
extern kr_page_t PAGE;
/** The pages as they come. */
extern const kr_pages_t *builtin;
/** Set-up of a test: a pool, and the built-in pages. */
int open_pages(void **state);
/** And its end. */
int close_pages(void **state);
/** The page of a flow with these nodes (JSON without the brackets) and messages. */
const char *page_of_nodes(const char *nodes, const char *messages);
/** An input node; `more` are further attributes, each with a comma in front. */
const char *input(const char *group, const char *name, const char *type, const char *label, const char *more);
/** Up to four nodes with commas between; NULL ends. */
const char *list(const char *a, const char *b, const char *c, const char *d);
/** The node of the anti-CSRF token. */
const char *csrf(void);
/** A node that submits. */
const char *button(const char *group, const char *name, const char *value, const char *label);

#define assert_shows(html, what)                                                                                       \
    do {                                                                                                               \
        if (!strstr((html), (what))) fail_msg("missing %s in\n%s", (what), (html));                                    \
    } while (0)
#define assert_hides(html, what)                                                                                       \
    do {                                                                                                               \
        if (strstr((html), (what))) fail_msg("found %s in\n%s", (what), (html));                                       \
    } while (0)

/** Both are there, and the first comes first. */
void assert_order(const char *html, const char *first, const char *second);
/** How often it is there. */
int times_in(const char *html, const char *what);

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pages, close_pages)

#endif
