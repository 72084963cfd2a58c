/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of kratosctl that read what others wrote: command lines, files, text for a terminal. */
#include "pool_env.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/ctl/ctl.h"
#include "kr_json.h"

/* -- terminal ------------------------------------------------------------------ */

static void text_for_a_terminal_gives_no_orders(void **state)
{
    static const struct {
        const char *text, *clean;
    } cases[] = {
        { "plain", "plain" },
        { "", "" },
        { NULL, "-" },
        { "Ünï \xf0\x9f\x98\x80", "Ünï \xf0\x9f\x98\x80" },
        { "a\nb\tc\rd\x1b[31m\x7f", "a\\x0ab\\x09c\\x0dd\\x1b[31m\\x7f" },
        { "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" }, /* CSI as one character of C1 */
        { "\x9b"
          "31m",
          "\\x9b31m" }, /* and as the bare byte of old terminals */
        { "a\xe2\x80\xae"
          "b",
          "a\\u202eb" }, /* right-to-left override */
        { "\xe2\x81\xa6\xd8\x9c", "\\u2066\\u061c" },
        { "\xc3", "\\xc3" },
        { "\xe2\x80", "\\xe2\\x80" },
        { "\xff\xfe", "\\xff\\xfe" },
        { "\xe0\x82\x9b", "\\xe0\\x82\\x9b" }, /* overlong CSI */
        { "\xc0\x9b", "\\xc0\\x9b" },
    };

    for (int i = 0; i < KR_DIM(cases); i++) assert_string_equal(ctl_clean(*state, cases[i].text), cases[i].clean);
}

static void cleaned_json_means_the_same(void **state)
{
    static const char text[] = "\x01 \x1b \x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 Ü \" \\";
    json_t *doc = kr_json_pack(*state, "{s:s}", text, text);
    const char *out = ctl_clean_json(*state, kr_json_dump(*state, doc, NULL));

    for (const char *p = out; *p; p++) assert_false((unsigned char)*p < 0x20 || *p == 0x7f);
    assert_null(strstr(out, "\xc2\x9b"));
    assert_null(strstr(out, "\xe2\x80\xae"));
    assert_true(json_equal(doc, kr_json_parse(*state, out, strlen(out), NULL)));
}

/* -- lines --------------------------------------------------------------------- */

static ctl_lines_t lines_of(apr_pool_t *pool, const char *text, size_t len)
{
    char name[] = "/tmp/kr-test-ctl-XXXXXX";
    FILE *file = fdopen(mkstemp(name), "w");
    ctl_lines_t lines;

    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    assert_null(ctl_lines_open(&lines, pool, name));
    remove(name);
    return lines;
}

static void lines_end_as_on_any_system_and_the_last_one_may_lack_its_end(void **state)
{
    static const char text[] = "one\ntwo\r\n\nnul\0!\nlast";
    static const struct {
        const char *text;
        size_t len;
    } want[] = { { "one", 3 }, { "two", 3 }, { "", 0 }, { "nul\0!", 5 }, { "last", 4 } };
    ctl_lines_t lines = lines_of(*state, text, sizeof(text) - 1);

    for (int i = 0; i < KR_DIM(want); i++) {
        assert_true(ctl_lines_next(&lines));
        assert_int_equal(lines.number, i + 1);
        assert_int_equal(lines.len, want[i].len);
        assert_memory_equal(lines.text, want[i].text, want[i].len + 1);
    }
    assert_false(ctl_lines_next(&lines));
}

static void a_line_that_is_too_long_is_skipped_whole(void **state)
{
    const size_t len = 3 * CTL_LINE_MAX;
    char *text = malloc(len);
    ctl_lines_t lines;

    memset(text, 'x', len);
    text[CTL_LINE_MAX] = '\n';
    memcpy(text + len - 5, "\nlast", 5);
    lines = lines_of(*state, text, len);
    free(text);
    assert_true(ctl_lines_next(&lines) && !lines.too_long && lines.len == CTL_LINE_MAX);
    assert_true(ctl_lines_next(&lines) && lines.too_long);
    assert_true(ctl_lines_next(&lines) && !lines.too_long);
    assert_string_equal(lines.text, "last");
    assert_int_equal(lines.number, 3);
}

/* -- htpasswd -------------------------------------------------------------------- */

#define BCRYPT "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static void htpasswd_lines_are_read_as_httpd_reads_them(void **state)
{
    static const struct {
        const char *line, *user, *hash;
    } good[] = {
        { "ana:" BCRYPT, "ana", BCRYPT },
        { "ana:" BCRYPT ":remark:more", "ana", BCRYPT },
        { "a b:" BCRYPT, "a b", BCRYPT },
        { "ana:rl.3StKT.4T8M", "ana", "{CRYPT}rl.3StKT.4T8M" },
        { "ana:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "ana", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" },
        { "# ana:" BCRYPT, NULL, NULL },
        { "", NULL, NULL },
    };
    static const char *const bad[] = { ":" BCRYPT,          "ana",          "ana:", "ana:secret",  "ana:rl.3StKT.4T8",
                                       "ana:rl.3StKT!4T8M", "\xff:" BCRYPT, ":",    "ana: " BCRYPT };
    const char *user, *hash;

    for (int i = 0; i < KR_DIM(good); i++) {
        assert_null(ctl_htpasswd_read(&user, &hash, *state, good[i].line, strlen(good[i].line)));
        assert_int_equal(!user, !good[i].user);
        if (!user) continue;
        assert_string_equal(user, good[i].user);
        assert_string_equal(hash, good[i].hash);
    }
    for (int i = 0; i < KR_DIM(bad); i++)
        assert_non_null(ctl_htpasswd_read(&user, &hash, *state, bad[i], strlen(bad[i])));
    assert_non_null(ctl_htpasswd_read(&user, &hash, *state, "a\0b:" BCRYPT, sizeof("a\0b:" BCRYPT) - 1));
}

/* -- command lines ---------------------------------------------------------------- */

static ctl_t parsed(apr_pool_t *pool, int *status, const char *const *argv)
{
    ctl_t ctl = { .pool = pool,
                  .given = apr_array_make(pool, 2, sizeof(ctl_given_t)),
                  .args = apr_array_make(pool, 2, sizeof(const char *)) };
    int argc = 0;

    while (argv[argc]) argc++;
    *status = ctl_parse(&ctl, argc, argv);
    return ctl;
}

#define PARSED(...) parsed(*state, &status, (const char *const[]){ "kratosctl", __VA_ARGS__, NULL })

static void options_and_arguments_are_told_apart(void **state)
{
    int status, n;
    ctl_t ctl = PARSED("--realm", "x", "identity", "list", "--limit=5", "--json", "--limit", "7");

    assert_int_equal(status, CTL_FINE);
    assert_string_equal(ctl.command->name, "identity list");
    assert_string_equal(ctl_option(&ctl, "--realm"), "x");
    assert_true(ctl_number(&n, &ctl, "--limit", 1, 0, 10) && n == 7); /* the last one counts */
    assert_true(ctl_flag(&ctl, "--json") && ctl_json(&ctl));
    assert_null(ctl_option(&ctl, "--after"));

    ctl = PARSED("import", "-", "--dry-run");
    assert_int_equal(status, CTL_FINE);
    assert_string_equal(ctl_arg(&ctl, 0), "-");
    assert_null(ctl_arg(&ctl, 1));

    ctl = PARSED("session", "revoke", "--", "--all");
    assert_string_equal(ctl_arg(&ctl, 0), "--all");
    assert_false(ctl_flag(&ctl, "--all"));
}

/* -- the table ---------------------------------------------------------------------- */

static void no_two_rows_of_the_table_have_one_name(void **state)
{
    (void)state;
    for (const ctl_command_t *c = ctl_commands; c->name; c++) {
        assert_non_null(c->run);
        assert_true(c->help[0] >= 'a' && c->help[0] <= 'z'); /* help begins a sentence with it */
        for (const ctl_command_t *d = c + 1; d->name; d++) assert_string_not_equal(c->name, d->name);
        for (const ctl_option_t *o = c->options; o && o->name; o++)
            assert_ptr_equal(ctl_option_of(c, o->name), o); /* found, and not hidden by another */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_for_a_terminal_gives_no_orders),
        cmocka_unit_test(cleaned_json_means_the_same),
        cmocka_unit_test(lines_end_as_on_any_system_and_the_last_one_may_lack_its_end),
        cmocka_unit_test(a_line_that_is_too_long_is_skipped_whole),
        cmocka_unit_test(htpasswd_lines_are_read_as_httpd_reads_them),
        cmocka_unit_test(options_and_arguments_are_told_apart),
        cmocka_unit_test(no_two_rows_of_the_table_have_one_name),
    };

    return cmocka_run_group_tests(tests, open_pool, close_pool);
}
