/* SPDX-License-Identifier: Apache-2.0 */
/* Jsonnet programs of the owner's: parsed at start, called with data of strangers, and kept from files. */
#include "pool_env.h"

#include <string.h>

#include "kr_json.h"
#include "kr_jsonnet.h"
#include "kr_text.h"

static kr_jsonnet_t *make(apr_pool_t *pool, const char *text, const char **why)
{
    return kr_jsonnet_make(pool, "sms.jsonnet", text, strlen(text), why);
}

/* @return what the program makes as text, or NULL */
static const char *run(apr_pool_t *pool, const char *text, const char *ctx, const char **why)
{
    const kr_jsonnet_t *program = make(pool, text, why);
    const json_t *out =
        program ? kr_jsonnet_run(pool, program, kr_json_parse(pool, ctx, strlen(ctx), NULL), why) : NULL;

    return out ? kr_json_dump(pool, out, NULL) : NULL;
}

static void a_program_makes_json_of_what_it_is_given(void **state)
{
    static const char TEXT[] =
        "local greet(who) = 'Hi ' + who;\n"
        "function(ctx) { to: ctx.recipient, text: greet(ctx.name), [if 'code' in ctx then 'code']: ctx.code }";
    const char *why = "", *out;

    out = run(*state, TEXT, "{\"recipient\": \"+491\", \"name\": \"\\\"}; error 'x' %s \\n\\\\ \xc3\xa4\"}", &why);
    assert_non_null(out);
    assert_non_null(strstr(out, "\"text\":\"Hi \\\"}; error 'x' %s \\n\\\\ \xc3\xa4\""));
    assert_null(strstr(out, "code"));
}

static const struct {
    const char *text, *why;
} BROKEN[] = {
    { "function(ctx) {", "sms.jsonnet:" },
    { "", "sms.jsonnet:" },
    { "{}", "must be function(ctx)" },
    { "function() {}", "must be function(ctx)" },
    { "function(a, b) {}", "must be function(ctx)" },
    { "function(ctx) { a: nowhere }", "nknown variable" },
    { "function(ctx) {}); (1", "sms.jsonnet:" },
    { "function(ctx) 1 \xff", "is not valid UTF-8" },
    { "local x = import 'a'; x", "imports nothing" },
};

static void a_broken_program_is_refused_when_it_is_read(void **state)
{
    for (int i = 0; i < KR_DIM(BROKEN); i++) {
        const char *why = "";

        assert_null(make(*state, BROKEN[i].text, &why));
        if (!strstr(why, BROKEN[i].why) || strchr(why, '\n')) fail_msg("%s\ntold %s", BROKEN[i].text, why);
    }
}

static void the_line_of_a_mistake_is_told(void **state)
{
    const char *why = "";

    assert_null(make(*state, "function(ctx) {\n  a: 1,\n  b: ?\n}", &why));
    assert_non_null(strstr(why, "sms.jsonnet:3:"));
}

static const struct {
    const char *text, *why;
} FAILING[] = {
    { "function(ctx) error 'cancel'", "cancel" },
    { "function(ctx) { a: importstr '/etc/passwd' }", "imports nothing" },
    { "function(ctx) { a: (import 'b.jsonnet').x }", "imports nothing" },
    { "function(ctx) ctx.missing", "missing" },
    { "function(other) 1", "ctx" },
    { "function(ctx) local f(n) = f(n + 1) + 1; f(0)", "max stack frames exceeded" },
    { "function(ctx) function(x) x", "function" },
    { "function(ctx) std.foldl(function(a, b) [a], std.range(1, 40), 0)", "nests deeper" },
    { "function(ctx) std.repeat('a', 2000000)", "more than 1 MiB" },
};

static void what_goes_wrong_in_a_call_is_one_line(void **state)
{
    for (int i = 0; i < KR_DIM(FAILING); i++) {
        const char *why = "";

        if (run(*state, FAILING[i].text, "{}", &why)) fail_msg("%s went through", FAILING[i].text);
        if (!strstr(why, FAILING[i].why) || strchr(why, '\n')) fail_msg("%s\ntold %s", FAILING[i].text, why);
    }
}

static void large_programs_are_refused(void **state)
{
    char *text = apr_palloc(*state, KR_JSONNET_MAX_BYTES + 1);
    const char *why = "";

    memset(text, ' ', KR_JSONNET_MAX_BYTES + 1);
    assert_null(kr_jsonnet_make(*state, "large", text, KR_JSONNET_MAX_BYTES + 1, &why));
    assert_string_equal(why, "is larger than 256 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_makes_json_of_what_it_is_given),
        cmocka_unit_test(a_broken_program_is_refused_when_it_is_read),
        cmocka_unit_test(the_line_of_a_mistake_is_told),
        cmocka_unit_test(what_goes_wrong_in_a_call_is_one_line),
        cmocka_unit_test(large_programs_are_refused),
    };

    return cmocka_run_group_tests_name("jsonnet", tests, open_pool, close_pool);
}
