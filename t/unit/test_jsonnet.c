/* SPDX-License-Identifier: Apache-2.0 */
/* Jsonnet programs of the owner's: parsed at start, called with data of strangers, and kept from files. */
#include "pool_env.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kr_clock.h"
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
    { "function(ctx) local f(n) = if n < 0 then n else f(n + 1) tailstrict; f(0)", "takes too long" },
    { "function(ctx) std.foldl(function(s, n) s + s, std.range(1, 99), 'a')", "needs too much memory" },
    { "function(ctx) std.range(1, 1e9)", "needs too much memory" },
    { "function(ctx) local deep(n) = if n == 0 then 0 else [deep(n - 1)]; deep(1e6)", "max stack frames exceeded" },
    { "function(ctx) local deep(n) = { a: deep(n) }; deep(0)", "max stack frames exceeded" },
    { "function(ctx) { a: importstr '/etc/passwd' }", "imports nothing" },
    { "function(ctx) { a: (import 'b.jsonnet').x }", "imports nothing" },
    { "function(ctx) ctx.missing", "missing" },
    { "function(other) 1", "ctx" },
    { "function(ctx) local f(n) = f(n + 1) + 1; f(0)", "max stack frames exceeded" },
    { "function(ctx) function(x) x", "function" },
    { "function(ctx) std.foldl(function(a, b) [a], std.range(1, 40), 0)", "nests deeper" },
    { "function(ctx) std.foldl(function(s, n) s + s, std.range(1, 21), 'a')", "more than 1 MiB" },
};

static void what_goes_wrong_in_a_call_is_one_line(void **state)
{
    for (int i = 0; i < KR_DIM(FAILING); i++) {
        const char *why = "";

        if (run(*state, FAILING[i].text, "{}", &why)) fail_msg("%s went through", FAILING[i].text);
        if (!strstr(why, FAILING[i].why) || strchr(why, '\n')) fail_msg("%s\ntold %s", FAILING[i].text, why);
    }
}

/* -- a process of its own --------------------------------------------------------- */

static void a_program_without_end_is_no_program(void **state)
{
    const char *why = "", *endless = "local f(n) = f(n + 1) tailstrict; if f(0) then function(ctx) 1";
    apr_time_t before = kr_clock_ticks();

    assert_null(make(*state, endless, &why));
    assert_non_null(strstr(why, "takes too long"));
    assert_in_range(kr_clock_ticks() - before, 0, apr_time_from_sec(12));
}

static void nothing_is_left_of_calls(void **state)
{
    const char *why = "";
    int before = dup(0), after;

    close(before);
    assert_non_null(run(*state, "function(ctx) 1", "{}", &why));
    assert_null(run(*state, "function(ctx) error 'x'", "{}", &why));
    assert_null(run(*state, "function(ctx) std.range(1, 1e9)", "{}", &why));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

/* httpd's threads block signals, and a server may ignore the ends of its children. */
static void signals_of_the_server_do_not_count(void **state)
{
    const char *why = "";
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(run(*state, "function(ctx) 1", "{}", &why));
    assert_null(run(*state, "function(ctx) std.range(1, 1e9)", "{}", &why));
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_non_null(strstr(why, "needs too much memory"));
}

static void *call_on_a_small_stack(void *pool)
{
    static char why[300];
    const char *said = "";
    char *text = apr_palloc(pool, 2000);

    memset(text, '[', 950);
    memset(text + 950, ']', 950);
    text[1900] = '\0';
    if (!kr_jsonnet_make_ext(pool, "deep", text, 1900, &said)) apr_cpystrn(why, said, sizeof(why));
    return why;
}

/* A server may give its threads small stacks: what is nested too deep for them ends its own process only. */
static void a_process_that_dies_takes_nothing_along(void **state)
{
    pthread_attr_t small;
    pthread_t thread;
    void *why;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 160 * 1024);
    pthread_create(&thread, &small, call_on_a_small_stack, *state);
    pthread_join(thread, &why);
    pthread_attr_destroy(&small);
    assert_non_null(strstr(why, "ends its process by signal 11"));
}

/*
 * Of the sanitized build this is not asked: AddressSanitizer's allocator (of gcc 12) has no care for forks beside other threads, unlike the
 * libc's; a child may wait for a lock that nobody holds any more, until its time is over.
 */
#ifndef __SANITIZE_ADDRESS__
typedef struct {
    pthread_t thread;
    const kr_jsonnet_t *program;
    int number, good;
} caller_t;

static void *call_four_times(void *data)
{
    caller_t *self = data;

    for (int i = 0; i < 4; i++) {
        const char *why = "";
        apr_pool_t *pool;
        json_t *out;

        apr_pool_create(&pool, NULL);
        out = kr_jsonnet_run(pool, self->program, kr_json_own(pool, json_integer(100 * self->number + i)), &why);
        if (json_integer_value(out) == 100 * self->number + i + 1) self->good++;
        else print_error("%s\n", why);
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void threads_call_at_once_and_get_their_own(void **state)
{
    const char *why = "";
    const kr_jsonnet_t *program = make(*state, "function(ctx) ctx + 1", &why);
    caller_t callers[8] = { 0 };

    for (int i = 0; i < KR_DIM(callers); i++) {
        callers[i].program = program;
        callers[i].number = i;
        pthread_create(&callers[i].thread, NULL, call_four_times, &callers[i]);
    }
    for (int i = 0; i < KR_DIM(callers); i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].good, 4);
    }
}
#endif

/* -- external variables ------------------------------------------------------------- */

/* @return what the program makes as text, or *why */
static const char *run_ext(apr_pool_t *pool, const char *text, const char *vars)
{
    const char *why = "";
    const kr_jsonnet_t *program = kr_jsonnet_make_ext(pool, "claims.jsonnet", text, strlen(text), &why);
    const json_t *out =
        program ? kr_jsonnet_run_ext(pool, program, kr_json_parse(pool, vars, strlen(vars), NULL), &why) : NULL;

    return out ? kr_json_dump(pool, out, NULL) : why;
}

static const struct {
    const char *text, *vars, *made;
} EXT[] = {
    { "local c = std.extVar('claims'); { traits: { email: c.email } }", "{\"claims\":{\"email\":\"a@b\"}}",
      "{\"traits\":{\"email\":\"a@b\"}}" },
    { "std.extVar('a') + std.extVar('b') // the end", "{\"a\":[1],\"b\":[\"'\\\"\"]}", "[1,\"'\\\"\"]" },
    { "local kr_vars = 1; std.extVar('a')", "{\"a\":null}", "null" },
    { "std.objectHas(std, 'extVar')", "{}", "false" },
    { "[std.length('%d' % 12), 5 % 3, std.thisFile]", "{}", "[2,2,\"claims.jsonnet\"]" },
    { "std.extVar('a').b", "{\"a\":{}}", "field does not exist: b" },
    { "std.extVar('other')", "{\"a\":1}", "undefined external variable: other" },
    { "std.extVar('a') {", "{\"a\":{}}", "claims.jsonnet:" },
    { "nowhere", "{}", "nknown variable" },
    { "1); (2", "{}", "claims.jsonnet:" },
    { "std.foldl(function(s, n) s + s, std.range(1, 99), 'a')", "{}", "needs too much memory" },
};

static void external_variables_are_values(void **state)
{
    for (int i = 0; i < KR_DIM(EXT); i++) {
        const char *out = run_ext(*state, EXT[i].text, EXT[i].vars);

        if (!strstr(out, EXT[i].made)) fail_msg("%s\nmade %s", EXT[i].text, out);
    }
}

static void a_program_with_external_variables_is_only_read_at_first(void **state)
{
    const char *why = "", *text = "error 'no'";

    assert_non_null(kr_jsonnet_make_ext(*state, "x", text, strlen(text), &why));
    assert_string_equal(run_ext(*state, text, "{}"), "no");
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
        cmocka_unit_test(a_program_without_end_is_no_program),
        cmocka_unit_test(nothing_is_left_of_calls),
        cmocka_unit_test(signals_of_the_server_do_not_count),
        cmocka_unit_test(a_process_that_dies_takes_nothing_along),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(threads_call_at_once_and_get_their_own),
#endif
        cmocka_unit_test(external_variables_are_values),
        cmocka_unit_test(a_program_with_external_variables_is_only_read_at_first),
        cmocka_unit_test(large_programs_are_refused),
    };

    return cmocka_run_group_tests_name("jsonnet", tests, open_pool, close_pool);
}
