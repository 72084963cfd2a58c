/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates against a table that Go made (t/unit/data/templates.go says how): where escapers stand in a pipeline, what they
 * do to a row of values, and which of them are refused. Run from the root of the repository.
 */
#include "pool_env.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_template.h"

/* Two spellings of one thing: Go writes a plus sign as an entity, and sometimes %3d for %3D. */
static const char *respelled(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, strlen(text) + 1), *to = out;
    int digits = 0;

    for (; *text; text++, digits -= digits > 0) {
        const int is_plus = strncmp(text, "&#43;", 5) == 0;

        *to++ = is_plus ? '+' : digits ? (char)toupper((unsigned char)*text) : *text;
        if (is_plus) text += 4;
        if (*text == '%') digits = 3;
    }
    *to = '\0';
    return out;
}

/* What stands in the table for a value: ours, where we differ on purpose. */
static const char *expected(apr_pool_t *pool, const json_t *row, size_t value)
{
    const json_t *ours = json_object_get(json_object_get(row, "ours"), apr_psprintf(pool, "%u", (unsigned)value));

    return respelled(pool, json_string_value(ours ? ours : json_array_get(json_object_get(row, "made"), value)));
}

static int check_row(apr_pool_t *pool, const json_t *row, const json_t *values)
{
    const char *text = kr_json_str(row, "template"), *why = NULL;
    const kr_template_kind_e kind = strcmp(kr_json_str(row, "kind"), "html") == 0 ? KR_TEMPLATE_HTML : KR_TEMPLATE_TEXT;
    const kr_template_source_t source = { "go", text, strlen(text) };
    const kr_template_t *tmpl = kr_template_make(pool, kind, &source, 1, &why);
    int wrong = 0;
    json_t *value;
    size_t i;

    if (!tmpl != json_is_null(json_object_get(row, "made"))) {
        print_error("%s\n  %s\n", text, why ? why : "went through, and Go refuses it");
        return 1;
    }
    json_array_foreach(values, i, value)
    {
        const char *made, *want;

        if (!tmpl) break;
        made = kr_template_render(pool, tmpl, kr_json_pack(pool, "{s:O}", "V", value), &why);
        want = expected(pool, row, i);
        if (made && strcmp(respelled(pool, made), want) == 0) continue;
        print_error("%s\n  with %s\n  made %s\n  not  %s\n", text, kr_json_dump(pool, value, NULL), made ? made : why, want);
        wrong++;
    }
    return wrong;
}

static void templates_escape_as_go_does(void **state)
{
    json_t *table = kr_json_own(*state, json_load_file("t/unit/data/templates.json", 0, NULL)), *row;
    int wrong = 0;
    size_t i;

    assert_non_null(table);
    assert_true(json_array_size(json_object_get(table, "rows")) > 40);
    json_array_foreach(json_object_get(table, "rows"), i, row) wrong += check_row(*state, row, json_object_get(table, "values"));
    if (wrong) fail_msg("%d differ", wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(templates_escape_as_go_does) };

    return cmocka_run_group_tests_name("template_go", tests, open_pool, close_pool);
}
