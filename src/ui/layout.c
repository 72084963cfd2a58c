/* SPDX-License-Identifier: Apache-2.0 */
/* The layout: markup with places for what every page brings. Split once, at start. */
#include "kr_text.h"
#include "ui.h"

static const struct {
    const char *name;
    ui_piece_e kind;
} PLACES[] = {
    { "lang", UI_LANG }, { "title", UI_TITLE }, { "style", UI_STYLE }, { "content", UI_CONTENT }, { "site", UI_SITE },
};

static void push(apr_array_header_t *pieces, ui_piece_e kind, const char *text, apr_size_t len)
{
    if (kind == UI_MARKUP && len == 0) return;
    *(ui_piece_t *)apr_array_push(pieces) = (ui_piece_t){ kind, text, len };
}

static int place_named(const char *name, apr_size_t len)
{
    for (int i = 0; i < KR_DIM(PLACES); i++)
        if (strlen(PLACES[i].name) == len && strncmp(PLACES[i].name, name, len) == 0) return i;
    return -1;
}

static int line_of(const char *text, const char *where)
{
    int line = 1;

    for (; text < where; text++) line += *text == '\n';
    return line;
}

const char *ui_layout_parse(apr_array_header_t **pieces, apr_pool_t *pool, const char *text)
{
    const char *at = text, *open, *close;
    int contents = 0;

    *pieces = apr_array_make(pool, 12, sizeof(ui_piece_t));
    while ((open = strstr(at, "{{")) != NULL) {
        apr_size_t len = strspn(open + 2, "abcdefghijklmnopqrstuvwxyz");
        int place = place_named(open + 2, len);

        close = open + 2 + len;
        if (place < 0 || strncmp(close, "}}", 2) != 0)
            return apr_psprintf(pool, "line %d: unknown placeholder %.40s", line_of(text, open),
                                apr_pstrmemdup(pool, open, strcspn(open, "}\r\n")));
        push(*pieces, UI_MARKUP, at, (apr_size_t)(open - at));
        push(*pieces, PLACES[place].kind, NULL, 0);
        contents += PLACES[place].kind == UI_CONTENT;
        at = close + 2;
    }
    push(*pieces, UI_MARKUP, at, strlen(at));
    return contents == 1 ? NULL : "{{content}} must stand in it once";
}
