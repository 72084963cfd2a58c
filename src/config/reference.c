/* SPDX-License-Identifier: Apache-2.0 */
/* docs/settings.md, made from the table of keys: what the server does and what the page says cannot differ. */
#include <string.h>

#include "kr_text.h"
#include "draft.h"

static const char INTRO[] =
    "# Settings\n\n"
    "Made by `build/docs` from the table in `src/config/`; do not edit.\n\n"
    "`KratosConfig FILE` loads a YAML or JSON file with these keys, `KratosSet KEY VALUE` sets one; later wins, and\n"
    "members of objects merge. The keys are those of Ory Kratos, so a `kratos.yml` carries over. An unknown key, a\n"
    "wrong type or a missing secret stops the server at start, with file, line and key.\n\n"
    "`[]` stands for any element of a list, `<a|b>` for either name, `*` for any name. Pages may be URLs or paths:\n"
    "`/login` begins at the host of `serve.public.base_url`, `login` below `serve.public.base_url` itself.\n\n"
    "| state | means |\n|---|---|\n"
    "| | works |\n"
    "| later | accepted; it details what this version does not do yet, and has no effect |\n"
    "| refused | the same, but it would switch something on: any other value than the default is refused |\n"
    "| httpd | accepted without effect: httpd has its own setting, or none is needed |\n";

static const char *const STATES[] = { [BUILT] = "", [DETAIL] = "later", [REFUSED] = "refused", [ELSEWHERE] = "httpd" };

typedef struct {
    apr_pool_t *pool;
    kr_keytables_t keys;       /* flat */
    apr_array_header_t *parts; /* of const char* */
} page_t;

static void say(page_t *page, const char *text)
{
    APR_ARRAY_PUSH(page->parts, const char *) = text;
}

/** Text inside a table: no bare bars. */
static const char *cell(apr_pool_t *pool, const char *text)
{
    const char *out = "";

    for (const char *p = text; *p;) {
        apr_size_t n = strcspn(p, "|");

        out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, p, n), p[n] ? "\\|" : "", NULL);
        p += n + (p[n] != '\0');
    }
    return out;
}

static const char *bounds(apr_pool_t *pool, const kr_key_t *key)
{
    if (key->type != KR_INT) return "";
    if (!key->max) return apr_psprintf(pool, ", from %" APR_INT64_T_FMT, key->min);
    return apr_psprintf(pool, ", %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT, key->min, key->max);
}

static void say_row(page_t *page, const kr_key_t *key)
{
    apr_pool_t *pool = page->pool;
    const char *fallback = "";

    if (key->fallback) fallback = apr_psprintf(pool, "`%s`", *key->fallback ? cell(pool, key->fallback) : "\"\"");
    say(page, apr_psprintf(pool, "| `%s` | %s%s | %s | %s | %s |\n", cell(pool, key->path), kr_value_shape(pool, key),
                           bounds(pool, key), fallback, cell(pool, key->help), STATES[key->built]));
}

/** The heading that a path stands under: its first segment, or two of "selfservice". */
static const char *heading(apr_pool_t *pool, const char *path)
{
    apr_size_t len = strcspn(path, ".");

    if (strncmp(path, "selfservice.", 12) == 0) {
        apr_size_t more = strcspn(path + 12, ".");

        if (path[12 + more]) len = 12 + more;
    }
    return path[len] ? apr_pstrmemdup(pool, path, len) : "others";
}

static void say_heading(page_t *page, const char *title)
{
    say(page, apr_psprintf(page->pool, "\n## %s\n\n| key | value | default | what it does | state |\n", title));
    say(page, "|---|---|---|---|---|\n");
}

/** All rows under one heading, wherever in the table they stand. */
static void say_section(page_t *page, const char *title)
{
    say_heading(page, title);
    KR_EACH_KEY(key, page->keys) {
        if (strcmp(heading(page->pool, key->path), title) == 0) say_row(page, key);
    }
}

static void say_hooks(page_t *page)
{
    say(page, "\n## Hooks\n\nA list of hooks is `[{hook: NAME, config: {...}}]`.\n\n");
    say(page, "| hook | what it does | state |\n|---|---|---|\n");
    for (const kr_hook_kind_t *kind = kr_hook_kinds; kind->name; kind++) {
        say(page, apr_psprintf(page->pool, "| `%s` | %s | %s |\n", kind->name, kind->help,
                               kind->built ? "" : kind->idle ? "no effect" : "refused"));
    }
    say(page, "\n| list | takes |\n|---|---|\n");
    KR_EACH_KEY(key, page->keys) {
        if (key->type != KR_HOOKS) continue;
        say(page, apr_psprintf(page->pool, "| `%s` | %s |\n", key->path, kr_words_listed(page->pool, key->words)));
    }
    say_heading(page, "`config` of a `web_hook`");
    KR_EACH_KEY(key, kr_web_hook_element.rows) say_row(page, key);
}

const char *kr_settings_reference(apr_pool_t *pool)
{
    page_t page = { pool, kr_keys_flat(pool), apr_array_make(pool, 1000, sizeof(const char *)) };
    apr_table_t *seen = apr_table_make(pool, 32);

    say(&page, INTRO);
    KR_EACH_KEY(key, page.keys) {
        const char *title = heading(pool, key->path);

        if (apr_table_get(seen, title) || strcmp(title, "others") == 0) continue;
        apr_table_setn(seen, title, title);
        say_section(&page, title);
    }
    say_section(&page, "others");
    say_hooks(&page);
    return apr_array_pstrcat(pool, page.parts, 0);
}
