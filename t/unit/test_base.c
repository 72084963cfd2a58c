/* SPDX-License-Identifier: Apache-2.0 */
/* Room base: errors, log lines, JSON, times, ids and small conversions. */
#include "pool_env.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kr_aal.h"
#include "kr_clock.h"
#include "kr_flow_kinds.h"
#include "kr_json.h"
#include "kr_text.h"

static kr_ctx_t *fresh(void **state)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, *state);
    return kr_ctx_make(pool, NULL, KR_LOG_ERR);
}

/* A logger that remembers the last line. */
static void remember(void *baton, kr_level_e level, const char *line)
{
    (void)level;
    apr_cpystrn(baton, line, 4096);
}

/* -- errors and logging ----------------------------------------------------- */

static void an_error_carries_status_id_and_reason(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_err_t *err = kr_err(k, 403, "security_csrf_violation", "token of flow \"%s\" is missing", "f1");

    assert_int_equal(err->status, 403);
    assert_string_equal(err->id, "security_csrf_violation");
    assert_string_equal(err->reason, "token of flow \"f1\" is missing");
    assert_null(kr_err(k, 404, NULL, NULL)->reason);
    assert_int_equal(kr_err_make(k->pool, 400, NULL, "%zu", (size_t)7)->status, 400);
}

static void an_internal_error_tells_the_log_but_not_the_client(void **state)
{
    kr_ctx_t *k = fresh(state);
    char line[4096] = "";
    kr_err_t *err;

    k->log = remember;
    k->log_baton = line;
    err = kr_err_internal(k, APR_ENOENT, "template %s", "/srv/secret.tmpl");
    assert_int_equal(err->status, 500);
    assert_int_equal(err->cause, APR_ENOENT);
    assert_null(strstr(err->reason, "secret.tmpl"));
    assert_non_null(strstr(line, "KR0001: template /srv/secret.tmpl"));
}

static void details_and_extras_gather_in_the_error(void **state)
{
    kr_ctx_t *k = fresh(state);
    kr_err_t *err = kr_err(k, 410, NULL, NULL);

    assert_ptr_equal(kr_err_detail(k, kr_err_extra(k, err, "use_flow_id", json_string("f2")), "a", json_true()), err);
    kr_err_detail(k, err, "b", json_integer(2));
    assert_string_equal(kr_json_dump(k->pool, err->details, NULL), "{\"a\":true,\"b\":2}");
    assert_string_equal(kr_json_dump(k->pool, err->extra, NULL), "{\"use_flow_id\":\"f2\"}");
}

static void unavailable_asks_to_wait_at_least_a_second(void **state)
{
    kr_ctx_t *k = fresh(state);

    assert_int_equal(kr_err_unavailable(k, 0, NULL)->retry_after, 1);
    assert_int_equal(kr_err_unavailable(k, 7, "the database is down")->retry_after, 7);
    assert_int_equal(kr_err_unavailable(k, 7, NULL)->status, 503);
    assert_int_equal(kr_err_show_flow(k)->kind, KR_ERR_SHOW_FLOW);
}

static void every_status_has_words(void **state)
{
    (void)state;
    assert_string_equal(kr_err_status_text(422), "Unprocessable Entity");
    assert_string_equal(kr_err_status_text(410), "Gone");
    for (int status = 400; status < 600; status++) {
        assert_true(strlen(kr_err_message(status)) > 0);
        assert_non_null(kr_err_status_text(status));
    }
}

static void lines_above_the_level_are_not_written_and_long_lines_are_cut(void **state)
{
    kr_ctx_t *k = fresh(state);
    char line[4096] = "", *huge = apr_palloc(k->pool, 100001);

    k->log = remember;
    k->log_baton = line;
    kr_log(k, KR_LOG_INFO, "not this");
    assert_string_equal(line, "");
    memset(huge, 'x', 100000);
    huge[100000] = '\0';
    kr_log(k, KR_LOG_ERR, "%s", huge);
    assert_true(strlen(line) > 1000 && strlen(line) < 4000);
}

/* -- JSON ------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *why; /* NULL: it parses; else a word of the complaint */
} json_cases[] = {
    { "{\"a\":[1,2.5,null,true,\"x\"]}", NULL },
    { "\"just a string\"", NULL },
    { " 7 ", NULL },
    { "\"\\u00e9 \\ud83d\\ude00\"", NULL },
    { "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", NULL }, /* brackets in a string nest nothing */
    { "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", NULL },
    { "", "" },
    { "{\"a\":1", "ends too early" },
    { "{\"a\":1}}", "follows" },
    { "{\"a\":1} x", "follows" },
    { "{\"a\":1,\"a\":2}", "twice" },
    { "{\"a\":1,\"\\u0061\":2}", "twice" },
    { "\"a\\u0000b\"", "NUL" },
    { "{\"a\\u0000b\":1}", "NUL" },
    { "\"\xff\"", "UTF-8" },
    { "\"\xc0\xaf\"", "UTF-8" },
    { "\"\xed\xa0\x80\"", "UTF-8" },
    { "\"\\ud800\"", "" },
    { "1e999", "too large" },
    { "99999999999999999999999", "too large" },
    { "{'a':1}", "syntax" },
    { "[1,]", "syntax" },
    { "NaN", "syntax" },
    { "]]]]", "syntax" },
    { "\"open", "" },
    { "\"\\", "" },
};

static void json_from_strangers_is_read_strictly(void **state)
{
    kr_ctx_t *k = fresh(state);

    for (int i = 0; i < KR_DIM(json_cases); i++) {
        const char *why = NULL;
        json_t *json = kr_json_parse(k->pool, json_cases[i].text, strlen(json_cases[i].text), &why);

        if (!json_cases[i].why != !!json) fail_msg("%s: %s", json_cases[i].text, why ? why : "it parsed");
        if (!json && !strstr(why, json_cases[i].why)) fail_msg("%s: %s", json_cases[i].text, why);
    }
    assert_null(kr_json_parse(k->pool, "\"a\0b\"", 5, NULL));
}

static void json_errors_do_not_repeat_what_was_sent(void **state)
{
    kr_ctx_t *k = fresh(state);
    const char *text = "{\"password\":\"hunter2\" oops}", *why;

    assert_null(kr_json_parse(k->pool, text, strlen(text), &why));
    assert_null(strstr(why, "hunter2"));
    assert_null(strstr(why, "oops"));
}

static void json_may_nest_32_levels_and_no_more(void **state)
{
    kr_ctx_t *k = fresh(state);
    char text[2 * 33 + 1];
    char *huge = apr_palloc(k->pool, 1000000);

    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    assert_null(kr_json_parse(k->pool, text, 66, NULL));
    assert_non_null(kr_json_parse(k->pool, text + 1, 64, NULL));
    memset(huge, '[', 1000000);
    assert_null(kr_json_parse(k->pool, huge, 1000000, NULL));
}

static void json_is_written_as_go_writes_it(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_size_t len;
    const char *text = "{\"z\":\"<a href='x'>&</a>\",\"a\":\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xac\",\"<\":1.5}";
    json_t *json = kr_json_parse(k->pool, text, strlen(text), NULL);
    const char *out = kr_json_dump(k->pool, json, &len);

    assert_string_equal(out, "{\"z\":\"\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e\","
                             "\"a\":\"\\u2028\\u2029\xe2\x82\xac\",\"\\u003c\":1.5}");
    assert_int_equal(len, strlen(out));
    assert_true(json_equal(json, kr_json_parse(k->pool, out, len, NULL)));
    assert_string_equal(kr_json_dump(k->pool, NULL, NULL), "null");
}

static void members_are_found_by_path(void **state)
{
    kr_ctx_t *k = fresh(state);
    json_t *json = kr_json_pack(k->pool, "{s:{s:{s:s}},s:i}", "a", "b", "c", "deep", "n", 4);

    assert_string_equal(kr_json_str(json, "a.b.c"), "deep");
    assert_null(kr_json_str(json, "a.b"));
    assert_null(kr_json_str(json, "n"));
    assert_null(kr_json_at(json, "n.x.y"));
    assert_null(kr_json_at(json, "a..c"));
    assert_null(kr_json_at(NULL, "a"));
    assert_int_equal(json_integer_value(kr_json_at(json, "n")), 4);
}

static void setting_a_path_makes_the_objects_on_the_way(void **state)
{
    kr_ctx_t *k = fresh(state);
    json_t *json = kr_json_pack(k->pool, "{s:i}", "a", 1);
    char *dots = apr_palloc(k->pool, 200001);

    kr_json_set_at(json, "a.b.c", json_integer(2));
    kr_json_set_at(json, "a.b.d", json_integer(3));
    kr_json_set_at(json, "e", json_null());
    assert_string_equal(kr_json_dump(k->pool, json, NULL), "{\"a\":{\"b\":{\"c\":2,\"d\":3}},\"e\":null}");
    for (int i = 0; i < 200000; i++) dots[i] = i % 2 ? '.' : 'x';
    dots[200000] = '\0';
    kr_json_set_at(json, dots, json_true()); /* must neither crash now nor when the pool goes */
    assert_null(kr_json_at(json, dots));
}

static void broken_text_never_breaks_an_object(void **state)
{
    kr_ctx_t *k = fresh(state);
    json_t *json = kr_json_own(k->pool, kr_json_string("a\xff\xe2\x80z"));

    assert_string_equal(json_string_value(json), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
    assert_true(json_is_null(kr_json_string(NULL)));
    assert_true(kr_utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
    assert_false(kr_utf8_valid("a\0b", 3));
    assert_false(kr_utf8_valid("\xf4\x90\x80\x80", 4));
    assert_true(kr_utf8_valid("", 0));
}

/* -- times and ids ---------------------------------------------------------- */

static void times_are_written_without_needless_digits(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_time_t t = apr_time_from_sec(1767323045); /* 2026-01-02T03:04:05Z */
    json_t *json = kr_json_own(k->pool, kr_json_time(t + 5));

    assert_string_equal(kr_time_rfc3339(k->pool, t), "2026-01-02T03:04:05Z");
    assert_string_equal(kr_time_rfc3339(k->pool, t + 120000), "2026-01-02T03:04:05.12Z");
    assert_string_equal(kr_time_rfc3339(k->pool, t + 999999), "2026-01-02T03:04:05.999999Z");
    assert_string_equal(kr_time_rfc3339(k->pool, -500000), "1969-12-31T23:59:59.5Z");
    assert_string_equal(kr_time_rfc3339(k->pool, apr_time_from_sec(-62135596800)), "0001-01-01T00:00:00Z");
    assert_string_equal(json_string_value(json), "2026-01-02T03:04:05.000005Z");
}

static void times_are_read_as_others_write_them(void **state)
{
    static const struct { const char *text; apr_time_t us; } good[] = {
        { "2026-01-02T03:04:05Z", 1767323045000000 },        { "2026-01-02T03:04:05.12Z", 1767323045120000 },
        { "2026-01-02t03:04:05.123456789z", 1767323045123456 }, { "2026-01-02T05:34:05.5+02:30", 1767323045500000 },
        { "2026-01-01T23:04:05-04:00", 1767323045000000 },   { "1970-01-01T00:00:00Z", 0 },
    };
    static const char *const bad[] = {
        "", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-1-02T03:04:05Z", "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z", "2026-01-32T03:04:05Z", "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+02:60", "0000-01-02T03:04:05Z", "-026-01-02T03:04:05Z",
    };
    apr_time_t t;

    (void)state;
    for (int i = 0; i < KR_DIM(good); i++) {
        if (!kr_time_parse(&t, good[i].text)) fail_msg("not read: %s", good[i].text);
        if (t != good[i].us) fail_msg("%s is not %" APR_INT64_T_FMT, good[i].text, t);
    }
    for (int i = 0; i < KR_DIM(bad); i++)
        if (kr_time_parse(&t, bad[i])) fail_msg("read: %s", bad[i]);
    assert_false(kr_time_parse(&t, NULL));
}

static const struct {
    const char *text;
    apr_time_t us;
} duration_cases[] = {
    { "1h", 3600000000 },
    { "1h30m", 5400000000 },
    { "1.5h", 5400000000 },
    { ".5s", 500000 },
    { "2.s", 2000000 },
    { "500ms", 500000 },
    { "7us", 7 },
    { "7\xc2\xb5s", 7 },
    { "7\xce\xbcs", 7 },
    { "1500ns", 1 },
    { "0", 0 },
    { "0s", 0 },
    { "0.000001s", 1 },
    { "876000h", 3153600000000000 }, /* 100 years */
    { "876001h", -1 },
    { "876000h1s", -1 },
    { "3153600000000000001ns", -1 },
    { "99999999999999999999999999h", -1 },
    { "0.99999999999999999999999999999999999999999h", 3599999999 },
    { "", -1 },
    { "1", -1 },
    { "h", -1 },
    { ".h", -1 },
    { ".", -1 },
    { "-1h", -1 },
    { "+1h", -1 },
    { "1 h", -1 },
    { " 1h", -1 },
    { "1h ", -1 },
    { "1d", -1 },
    { "1e3s", -1 },
    { "1.2.3s", -1 },
    { "0x10s", -1 },
    { "1H", -1 },
};

static void durations_are_read_as_go_reads_them(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(duration_cases); i++) {
        apr_time_t us = kr_duration_parse(duration_cases[i].text);

        if (us != duration_cases[i].us) fail_msg("%s: %" APR_INT64_T_FMT, duration_cases[i].text, us);
    }
    assert_int_equal(kr_duration_parse(NULL), -1);
}

static void uuids_begin_with_the_time_and_say_version_4(void **state)
{
    kr_ctx_t *k = fresh(state);
    const char *first, *second, *later;

    k->now = apr_time_from_msec(0x0123456789ab);
    first = kr_uuid(k);
    second = kr_uuid(k);
    k->now += 1000;
    later = kr_uuid(k);
    assert_true(kr_uuid_valid(first));
    assert_memory_equal(first, "01234567-89ab-4", 15);
    assert_non_null(strchr("89ab", first[19]));
    assert_string_not_equal(first, second);
    assert_true(strcmp(first, later) < 0);
}

static void only_uuids_are_uuids(void **state)
{
    (void)state;
    assert_true(kr_uuid_valid("0123abcd-0123-4567-89AB-0123456789ab"));
    assert_false(kr_uuid_valid("0123abcd-0123-4567-89AB-0123456789a"));
    assert_false(kr_uuid_valid("0123abcd-0123-4567-89AB-0123456789abc"));
    assert_false(kr_uuid_valid("0123abcd-0123-4567-89AB-0123456789ag"));
    assert_false(kr_uuid_valid("0123abcd01234567-89AB-0123456789ab--"));
    assert_false(kr_uuid_valid("{0123abcd-0123-4567-89AB-0123456789a"));
    assert_false(kr_uuid_valid(""));
    assert_false(kr_uuid_valid(NULL));
}

/* -- bytes ------------------------------------------------------------------ */

static const struct {
    const char *plain, *standard, *url_safe;
} base64_cases[] = { /* RFC 4648 section 10, and two of the differing letters */
    { "", "", "" },           { "f", "Zg==", "Zg" },           { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" }, { "foob", "Zm9vYg==", "Zm9vYg" }, { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "\xfb\xff", "+/8=", "-_8" },
};

static void base64_goes_both_ways(void **state)
{
    kr_ctx_t *k = fresh(state);
    apr_size_t len;

    for (int i = 0; i < KR_DIM(base64_cases); i++) {
        const char *plain = base64_cases[i].plain;

        assert_string_equal(kr_base64(k->pool, plain, strlen(plain)), base64_cases[i].standard);
        assert_string_equal(kr_base64url(k->pool, plain, strlen(plain)), base64_cases[i].url_safe);
        assert_string_equal((char *)kr_base64_decode(k->pool, base64_cases[i].standard, &len), plain);
        assert_int_equal(len, strlen(plain));
        assert_string_equal((char *)kr_base64_decode(k->pool, base64_cases[i].url_safe, &len), plain);
    }
}

static void malformed_base64_is_refused(void **state)
{
    static const char *const bad[] = { "Z",     "Zg=",    "Zg===",   "=",    "====", "Zm9v=", "Zm 9v", "Zm9v\n",
                                       "Zm9v+-", "Zm9vYh", "Zm9vYmF", "Z=g=", "Zm\xff" "9", "Zg==Zg==", "Zm9vYmE==" };
    kr_ctx_t *k = fresh(state);
    apr_size_t len;

    for (int i = 0; i < KR_DIM(bad); i++) {
        if (kr_base64_decode(k->pool, bad[i], &len)) fail_msg("%s was decoded", bad[i]);
    }
    assert_null(kr_base64_decode(k->pool, NULL, &len));
}

static void small_conversions_work(void **state)
{
    kr_ctx_t *k = fresh(state);
    char secret[] = "secret";

    assert_string_equal(kr_hex(k->pool, "\x00\xff\x1a", 3), "00ff1a");
    assert_string_equal(kr_html_escape(k->pool, "<a b=\"c\" d='e'>&amp;"),
                        "&lt;a b=&#34;c&#34; d=&#39;e&#39;&gt;&amp;amp;");
    assert_true(kr_equal("same", "same"));
    assert_true(kr_equal("", ""));
    assert_false(kr_equal("same", "sama"));
    assert_false(kr_equal("same", "samey"));
    assert_false(kr_equal(NULL, NULL));
    kr_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, "\0\0\0\0\0\0\0", 7);
    kr_wipe(NULL, 0);
}

static void every_kind_and_method_has_its_wire_name(void **state)
{
    (void)state;
    for (int i = 0; i < KR_FLOW_KINDS; i++) assert_non_null(kr_flow_kind_name((kr_flow_kind_e)i));
    for (int i = 0; i < KR_METHOD_IDS; i++) assert_non_null(kr_method_name((kr_method_e)i));
    assert_string_equal(kr_flow_kind_name(KR_FLOW_VERIFICATION), "verification");
    assert_string_equal(kr_method_name(KR_METHOD_LOOKUP_SECRET), "lookup_secret");
}

static void levels_are_read_as_they_are_written_and_what_is_none_is_the_lowest(void **state)
{
    static const char *const NONE[] = { NULL, "", "aal", "AAL1", "aal1 ", "aal3", "2" };
    kr_aal_e level;

    (void)state;
    for (int i = KR_AAL0; i <= KR_AAL2; i++) {
        assert_true(kr_aal_parse(&level, kr_aal_name((kr_aal_e)i)));
        assert_int_equal(level, i);
    }
    for (int i = 0; i < KR_DIM(NONE); i++) {
        level = KR_AAL2;
        assert_false(kr_aal_parse(&level, NONE[i]));
        assert_int_equal(level, KR_AAL0);
    }
    assert_string_equal(kr_aal_name((kr_aal_e)7), "aal0");
}

/* -- clocks --------------------------------------------------------------- */

#define HOUR apr_time_from_sec(3600)

static apr_time_t ahead(void)
{
    return kr_clock_now() - apr_time_now();
}

static void tests_move_the_clock_that_is_stored_and_no_other(void **state)
{
    apr_time_t before = kr_clock_ticks();

    kr_clock_shift(HOUR);
    assert_in_range(ahead(), HOUR - apr_time_from_sec(1), HOUR);
    assert_in_range(fresh(state)->now - apr_time_now(), HOUR - apr_time_from_sec(10), HOUR);
    assert_in_range(kr_clock_ticks() - before, 0, HOUR / 2);
    kr_clock_shift(0);
    assert_in_range(-ahead(), 0, apr_time_from_sec(1));
}

static void write_time(const char *file, const void *bytes, size_t len)
{
    int fd = open(file, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    close(fd);
}

static void a_clock_follows_its_file_until_the_pool_ends(void **state)
{
    char folder[] = "/tmp/kr-clock-XXXXXX";
    apr_int64_t shift = HOUR;
    apr_pool_t *pool;
    const char *file;

    assert_non_null(mkdtemp(folder));
    apr_pool_create(&pool, *state);
    file = apr_pstrcat(*state, folder, "/clock", NULL);
    assert_int_not_equal(kr_clock_follow(file, pool), APR_SUCCESS);
    write_time(file, &shift, 7);
    assert_int_not_equal(kr_clock_follow(file, pool), APR_SUCCESS);
    write_time(file, &shift, sizeof(shift));
    assert_int_equal(kr_clock_follow(file, pool), APR_SUCCESS);
    assert_in_range(ahead(), HOUR - apr_time_from_sec(1), HOUR);
    shift *= 2;
    write_time(file, &shift, sizeof(shift));
    assert_in_range(ahead(), 2 * HOUR - apr_time_from_sec(1), 2 * HOUR);
    apr_pool_destroy(pool);
    assert_in_range(-ahead(), 0, apr_time_from_sec(1));
    unlink(file);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_status_id_and_reason),
        cmocka_unit_test(an_internal_error_tells_the_log_but_not_the_client),
        cmocka_unit_test(details_and_extras_gather_in_the_error),
        cmocka_unit_test(unavailable_asks_to_wait_at_least_a_second),
        cmocka_unit_test(every_status_has_words),
        cmocka_unit_test(lines_above_the_level_are_not_written_and_long_lines_are_cut),
        cmocka_unit_test(json_from_strangers_is_read_strictly),
        cmocka_unit_test(json_errors_do_not_repeat_what_was_sent),
        cmocka_unit_test(json_may_nest_32_levels_and_no_more),
        cmocka_unit_test(json_is_written_as_go_writes_it),
        cmocka_unit_test(members_are_found_by_path),
        cmocka_unit_test(setting_a_path_makes_the_objects_on_the_way),
        cmocka_unit_test(broken_text_never_breaks_an_object),
        cmocka_unit_test(times_are_written_without_needless_digits),
        cmocka_unit_test(times_are_read_as_others_write_them),
        cmocka_unit_test(durations_are_read_as_go_reads_them),
        cmocka_unit_test(uuids_begin_with_the_time_and_say_version_4),
        cmocka_unit_test(only_uuids_are_uuids),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(malformed_base64_is_refused),
        cmocka_unit_test(small_conversions_work),
        cmocka_unit_test(every_kind_and_method_has_its_wire_name),
        cmocka_unit_test(tests_move_the_clock_that_is_stored_and_no_other),
        cmocka_unit_test(a_clock_follows_its_file_until_the_pool_ends),
        cmocka_unit_test(levels_are_read_as_they_are_written_and_what_is_none_is_the_lowest),
    };

    return cmocka_run_group_tests_name("base", tests, open_pool, close_pool);
}
