/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as people write it: anchors, aliases and merges, JSON with its escapes; and bounds on what a small file may grow to. */
#include "config_env.h"

#include "../../src/config/draft.h"

/** The tree of a file, or the words of what is wrong with it. */
static json_t *read_text(world_t *w, const char *text, const char **why)
{
    w->draft = kr_draft_make(w->pool);
    return kr_json_own(w->pool, kr_yaml_read(w->draft, "", "a.yml", 0, text, strlen(text), why));
}

static const struct {
    const char *yaml, *json;
} SAME[] = {
    { "a: &x {b: 1, c: [2]}\nd: *x\n", "{\"a\":{\"b\":1,\"c\":[2]},\"d\":{\"b\":1,\"c\":[2]}}" },
    { "a: &x [[1], {b: 2}]\nd: *x\n", "{\"a\":[[1],{\"b\":2}],\"d\":[[1],{\"b\":2}]}" },
    { "a: &x {b: &y 1, c: *y}\nd: [*x, *y]\n", "{\"a\":{\"b\":1,\"c\":1},\"d\":[{\"b\":1,\"c\":1},1]}" },
    /* merges: what stands there itself wins, wherever it stands, then the earlier of several */
    { "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n", "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"b\":1}}" },
    { "a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n  e: 4\n", "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"e\":4,\"b\":1}}" },
    { "a: [&x {b: 1}, &y {b: 2, c: 3}]\nd: {<<: [*x, *y]}\n", "{\"a\":[{\"b\":1},{\"b\":2,\"c\":3}],\"d\":{\"b\":1,\"c\":3}}" },
    { "d: {<<: {b: 1}, c: 2}\n", "{\"d\":{\"c\":2,\"b\":1}}" },
    { "a: &x {b: 1}\nd: &y {<<: *x, c: 2}\ne: {<<: *y}\n",
      "{\"a\":{\"b\":1},\"d\":{\"c\":2,\"b\":1},\"e\":{\"c\":2,\"b\":1}}" },
    { "a: &x {b: {c: 1}}\nd: {<<: *x, b: {e: 2}}\n", "{\"a\":{\"b\":{\"c\":1}},\"d\":{\"b\":{\"e\":2}}}" }, /* not deep */
    { "a: &x {b: null}\nd: {<<: *x}\n", "{\"a\":{\"b\":null},\"d\":{\"b\":null}}" },
    { "a: {\"<<\": 1}\n", "{\"a\":{\"<<\":1}}" }, /* quoted, it is a name like others */
    /* what JSON writes for characters beyond the first plane */
    { "{\"a\": \"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}" },
    { "{\"\\ud83d\\ude00\": \"x\\uD83D\\uDE00\\\"\\ud83d\\ude01\"}", "{\"\xf0\x9f\x98\x80\":\"x\xf0\x9f\x98\x80\\\"\xf0\x9f\x98\x81\"}" },
    { "\xc3\xa4: \"\xc3\xa4 \\ud83d\\ude00\"\nb: \"\\ud83d\\ude00\"\nc: '\\ud83d\\ude00'\nd: \\ud83d\\ude00\ne: \"\\\\ud83d\\\\ude00\"\n",
      "{\"\xc3\xa4\":\"\xc3\xa4 \xf0\x9f\x98\x80\",\"b\":\"\xf0\x9f\x98\x80\",\"c\":\"\\\\ud83d\\\\ude00\",\"d\":\"\\\\ud83d\\\\ude00\","
      "\"e\":\"\\\\ud83d\\\\ude00\"}" },
};

static void test_anchors_merges_and_escapes_mean_what_they_mean_elsewhere(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(SAME); i++) {
        const char *why = NULL;
        json_t *got = read_text(w, SAME[i].yaml, &why), *wanted = kr_json_own(w->pool, json_loads(SAME[i].json, 0, NULL));

        assert_non_null(wanted);
        if (!got) fail_msg("%s: %s", SAME[i].yaml, why);
        if (!json_equal(got, wanted)) fail_msg("%s: %s", SAME[i].yaml, kr_json_dump(w->pool, got, NULL));
    }
}

static const struct {
    const char *yaml, *told;
} WRONG[] = {
    { "a: &x {b: *x}\n", "a.yml:1: an alias" },
    { "a:\n  <<: 1\n", "a.yml:2: \"<<\" takes an object" },
    { "a:\n  <<: [1]\n", "a.yml:2: \"<<\" takes an object" },
    { "a: &x [1]\nb: {<<: *x}\n", "a.yml:2: \"<<\" takes an object" },
    { "a: &x {c: 1}\nb:\n  <<: *x\n  <<: *x\n", "a.yml:4: the key \"<<\" stands here twice" },
    { "{\"a\": \"\\ud83d\"}", "a.yml:1: not YAML" },
    { "{\"a\": \"\\ude00\\ud83d\"}", "a.yml:1: not YAML" },
    { "a: 1\nb: \"\\ud83d\\ud83d\\ude00\"", "a.yml:2: not YAML" },
};

static void test_what_has_no_meaning_is_told_with_its_line(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(WRONG); i++) {
        const char *why = NULL;

        if (read_text(w, WRONG[i].yaml, &why) || !why || !strstr(why, WRONG[i].told))
            fail_msg("%s\nwanted: %s\ntold: %s", WRONG[i].yaml, WRONG[i].told, why ? why : "(taken)");
    }
}

/** "a0: &a0 {k: x}\na1: &a1 [*a0, *a0, ...]\n...": each level repeats the one before `times` times, behind `names[]`. */
static const char *laughs(apr_pool_t *pool, const char *open, const char *close, int named, int levels, int times)
{
    const char *out = "a0: &a0 {k: x}\n";

    for (int i = 1; i < levels; i++) {
        out = apr_psprintf(pool, "%sa%d: &a%d %s", out, i, i, open);
        for (int j = 0; j < times; j++)
            out = apr_pstrcat(pool, out, j ? ", " : "", named ? apr_psprintf(pool, "k%d: ", j) : "",
                              apr_psprintf(pool, "*a%d", i - 1), NULL);
        out = apr_pstrcat(pool, out, close, "\n", NULL);
    }
    return out;
}

static void test_a_small_file_does_not_grow_without_end(void **state)
{
    world_t *w = *state;
    const char *why = NULL;

    assert_null(read_text(w, laughs(w->pool, "[", "]", 0, 30, 9), &why));
    assert_non_null(strstr(why, "aliases (*) repeat too much"));
    assert_null(read_text(w, laughs(w->pool, "{", "}", 1, 30, 9), &why));
    assert_non_null(strstr(why, "aliases (*) repeat too much"));
    assert_non_null(read_text(w, laughs(w->pool, "[", "]", 0, 30, 1), &why));
}

static void test_aliases_nest_no_deeper_than_what_is_written_out(void **state)
{
    world_t *w = *state;
    const char *why = NULL;
    char open[41] = "", close[41] = "";

    memset(open, '[', 40);
    memset(close, ']', 40);
    assert_non_null(read_text(w, apr_psprintf(w->pool, "a: &x %s%s\nb: *x\n", open, close), &why));
    assert_null(read_text(w, apr_psprintf(w->pool, "a: &x %s%s\nb: %s*x%s\n", open, close, open, close), &why));
    assert_non_null(strstr(why, "a.yml:2: nested more than 64 levels"));
}

static void test_many_escaped_strings_are_read_in_time(void **state)
{
    world_t *w = *state;
    char *text = apr_palloc(w->pool, 32 * 2000 + 16), *to = text;
    const char *why = NULL;

    to += sprintf(to, "[");
    for (int i = 0; i < 2000; i++) to += sprintf(to, "\"\\ud83d\\ude00\",\n");
    sprintf(to, "1]");
    assert_int_equal(json_array_size(read_text(w, text, &why)), 2001);
}

/* -- in settings ----------------------------------------------------------------------------- */

static void test_what_an_alias_brings_is_told_with_the_line_of_the_alias(void **state)
{
    world_t *w = *state;

    refused(w, "selfservice:\n  flows:\n    login: &flow {lifespan: 1x}\n    registration:\n      <<: *flow\n",
            "kratos.yml:5: selfservice.flows.registration.lifespan: \"1x\" is no duration");
    refused(w, "selfservice:\n  flows:\n    login: &flow {lifespan: 1x}\n    registration: *flow\n",
            "kratos.yml:4: selfservice.flows.registration.lifespan: \"1x\" is no duration");
}

static void test_settings_may_be_written_with_anchors_and_merges(void **state)
{
    kr_settings_t *s = good(*state, "selfservice:\n  flows:\n    login: &flow {lifespan: 10m}\n    registration:\n      <<: *flow\n"
                                    "    settings: {<<: *flow, lifespan: 20m}\n"
                                    "courier: {smtp: {from_name: \"\\ud83d\\ude00\"}}\n");

    assert_int_equal(s->flow[KR_FLOW_LOGIN].lifespan, 600 * APR_USEC_PER_SEC);
    assert_int_equal(s->flow[KR_FLOW_REGISTRATION].lifespan, 600 * APR_USEC_PER_SEC);
    assert_int_equal(s->flow[KR_FLOW_SETTINGS].lifespan, 1200 * APR_USEC_PER_SEC);
    assert_string_equal(s->mail.from_name, "\xf0\x9f\x98\x80");
}

static void test_so_may_directives_and_schemas(void **state)
{
    static const char schema[] = "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{\"email\":{\"type\":"
                                 "\"string\",\"title\":\"\\ud83d\\ude00\",\"ory.sh/kratos\":{\"credentials\":{\"password\":"
                                 "{\"identifier\":true}}}}}}}}";
    world_t *w = *state;
    const char *why = NULL;

    assert_null(kr_draft_set(kr_draft_make(w->pool), "courier.smtp.headers", "{\"X-A\": \"\\ud83d\\ude00\"}", "a.conf:1"));
    assert_string_equal(kr_schema_compile(w->pool, "x", schema, strlen(schema), &why)->identifier_title, "\xf0\x9f\x98\x80");
}

static void test_keys_of_older_versions_are_told_by_their_new_name(void **state)
{
    static const struct {
        const char *yaml, *told;
    } cases[] = {
        { "identity: {default_schema_url: 'file://x'}", "identity.default_schema_url: unknown key; write identity.schemas: [{id: default" },
        { "identity: {traits: {default_schema_url: 'file://x'}}", "identity.traits: unknown key; write identity.schemas" },
        { "selfservice: {whitelisted_return_urls: []}", "write selfservice.allowed_return_urls" },
        { "selfservice: {strategies: {password: {enabled: true}}}", "write selfservice.methods" },
        { "secrets: {session: [a-long-secret-of-chance]}", "write secrets.cookie" },
        { "urls: {self: {public: 'https://x.example/'}}", "write serve.public.base_url" },
    };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(cases); i++) refused(w, cases[i].yaml, cases[i].told);
    assert_non_null(strstr(kr_draft_set(kr_draft_make(w->pool), "identity.default_schema_url", "file://x", "a.conf:1"),
                           "write identity.schemas"));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_anchors_merges_and_escapes_mean_what_they_mean_elsewhere),
        TEST(test_what_has_no_meaning_is_told_with_its_line),
        TEST(test_a_small_file_does_not_grow_without_end),
        TEST(test_aliases_nest_no_deeper_than_what_is_written_out),
        TEST(test_many_escaped_strings_are_read_in_time),
        TEST(test_what_an_alias_brings_is_told_with_the_line_of_the_alias),
        TEST(test_settings_may_be_written_with_anchors_and_merges),
        TEST(test_so_may_directives_and_schemas),
        TEST(test_keys_of_older_versions_are_told_by_their_new_name),
    };

    apr_initialize();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
