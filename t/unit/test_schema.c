/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema: what a wrong value is told, the bounds of what it may cost, and what who wrote a wrong schema is told. */
#include "schema_env.h"

#include "kr_clock.h"

/* -- violations ----------------------------------------------------------- */

/** One violation each: where it is reported, as what, and with which context. */
static const struct {
    const char *schema, *instance, *path, *keyword, *context;
} VIOLATIONS[] = {
    { "{\"properties\":{\"traits\":{\"required\":[\"email\"]}}}", "{\"traits\":{}}", "traits.email", "required",
      "{\"property\":\"email\"}" },
    { "{\"properties\":{\"tags\":{\"items\":{\"type\":\"string\"}}}}", "{\"tags\":[\"a\",7.5]}", "tags.1", "type",
      "{\"allowed_types\":[\"string\"],\"actual_type\":\"number\"}" },
    { "{\"type\":[\"string\",\"null\"]}", "true", "", "type",
      "{\"allowed_types\":[\"string\",\"null\"],\"actual_type\":\"boolean\"}" },
    { "{\"type\":\"integer\"}", "7.5", "", "type", "{\"allowed_types\":[\"integer\"],\"actual_type\":\"number\"}" },
    { "{\"minLength\":3}", "\"\u00fc\u00fc\"", "", "minLength", "{\"min_length\":3,\"actual_length\":2}" },
    { "{\"maxLength\":1}", "\"\u00fc\u00fc\"", "", "maxLength", "{\"max_length\":1,\"actual_length\":2}" },
    { "{\"pattern\":\"^[a-z]+$\"}", "\"a\\n\"", "", "pattern", "{\"pattern\":\"^[a-z]+$\"}" },
    { "{\"format\":\"email\"}", "\"ana\"", "", "format:email", "{\"value\":\"ana\"}" },
    { "{\"format\":\"tel\"}", "\"12\"", "", "format:tel", "{\"value\":\"12\"}" },
    { "{\"format\":\"date\"}", "\"2026-02-30\"", "", "format", "{\"value\":\"2026-02-30\"}" },
    { "{\"minimum\":13}", "1", "", "minimum", "{\"minimum\":13,\"actual\":1}" },
    { "{\"exclusiveMinimum\":13}", "13.0", "", "exclusiveMinimum", "{\"minimum\":13,\"actual\":13.0}" },
    { "{\"maximum\":1}", "1.5", "", "maximum", "{\"maximum\":1,\"actual\":1.5}" },
    { "{\"exclusiveMaximum\":1}", "1", "", "exclusiveMaximum", "{\"maximum\":1,\"actual\":1}" },
    { "{\"multipleOf\":0.01}", "0.075", "", "multipleOf", "{\"base\":0.01,\"actual\":0.075}" },
    { "{\"minItems\":2}", "[1]", "", "minItems", "{\"min_items\":2,\"actual_items\":1}" },
    { "{\"maxItems\":0}", "[1]", "", "maxItems", "{\"max_items\":0,\"actual_items\":1}" },
    { "{\"uniqueItems\":true}", "[1,[2],{\"a\":1.0},{\"a\":1}]", "", "uniqueItems", "{\"index_a\":2,\"index_b\":3}" },
    { "{\"const\":true}", "1", "", "const", "{\"expected\":\"true\"}" },
    { "{\"const\":0.1}", "1", "", "const", "{\"expected\":\"0.1\"}" },
    { "{\"const\":{\"a\":1}}", "1", "", "const", "{}" },
    { "{\"enum\":[\"a\",1]}", "2", "", "enum", "{}" },
    { "{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"b\":1}", "", "additionalProperties",
      "{}" },
    { "{\"properties\":{\"a\":{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":3}]}}}", "{\"a\":1}", "a", "anyOf", "{}" },
    { "{\"oneOf\":[true,{\"type\":\"string\"}]}", "\"x\"", "", "oneOf", "{}" },
    { "{\"not\":{\"type\":\"string\"}}", "\"x\"", "", "not", "{}" },
    { "{\"dependencies\":{\"a\":[\"b\"]}}", "{\"a\":1}", "", "dependencies", "{}" },
    { "{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}", "", "propertyNames", "{}" },
    { "{\"contains\":{\"type\":\"string\"}}", "[1]", "", "contains", "{}" },
    { "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]}}", "{\"a\":1}", "b", "required",
      "{\"property\":\"b\"}" },
    { "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"string\"}]}", "1", "", "type",
      "{\"allowed_types\":[\"string\"],\"actual_type\":\"number\"}" },
    { "{\"properties\":{\"a\":false}}", "{\"a\":1}", "a", "false", "{}" },
};

static void a_violation_says_where_what_and_by_how_much(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(VIOLATIONS); i++) {
        apr_array_header_t *out = validate(VIOLATIONS[i].schema, VIOLATIONS[i].instance);

        if (out->nelts != 1) fail_msg("%s: %d violations", VIOLATIONS[i].schema, out->nelts);
        assert_string_equal(violation(out, 0)->path, VIOLATIONS[i].path);
        assert_string_equal(violation(out, 0)->keyword, VIOLATIONS[i].keyword);
        assert_true(*violation(out, 0)->reason);
        if (!json_equal(violation(out, 0)->context, json(VIOLATIONS[i].context))) {
            fail_msg("%s: %s", VIOLATIONS[i].schema, kr_json_dump(pool, violation(out, 0)->context, NULL));
        }
    }
}

static void all_violations_of_one_pass_are_reported(void **state)
{
    apr_array_header_t *out = validate("{\"properties\":{\"a\":{\"format\":\"email\",\"maxLength\":2},\"b\":{\"type\":"
                                       "\"string\"}},\"required\":[\"c\",\"d\"]}", "{\"a\":\"xyz\",\"b\":1}");
    int i, found = 0;

    (void)state;
    assert_int_equal(out->nelts, 5);
    for (i = 0; i < out->nelts; i++) found += strcmp(violation(out, i)->path, "a") == 0;
    assert_int_equal(found, 2);
}

static void additional_properties_are_named_once_together(void **state)
{
    apr_array_header_t *out = validate("{\"additionalProperties\":false}", "{\"role\":1,\"admin\":1}");

    (void)state;
    assert_int_equal(out->nelts, 1);
    assert_non_null(strstr(violation(out, 0)->reason, "\"role\", \"admin\""));
}

static void a_long_name_is_cut_between_characters(void **state)
{
    const char *name = apr_pstrcat(pool, "a", repeat("\u00fc", 200), NULL);
    const char *instance = apr_pstrcat(pool, "{\"", name, "\":1}", NULL);
    apr_array_header_t *out = validate("{\"additionalProperties\":false}", instance);

    (void)state;
    assert_true(strlen(violation(out, 0)->reason) < 150);
    assert_true(kr_utf8_valid(violation(out, 0)->reason, strlen(violation(out, 0)->reason)));
}

static void violations_stop_at_a_limit(void **state)
{
    const char *list = apr_pstrcat(pool, "[", repeat("1,", 500), "1]", NULL);

    (void)state;
    assert_int_equal(validate("{\"items\":{\"type\":\"string\"}}", list)->nelts, 64);
}

/* -- numbers -------------------------------------------------------------- */

static const struct {
    const char *schema, *instance;
    int valid;
} NUMBERS[] = {
    { "{\"type\":\"integer\"}", "1.0", 1 },
    { "{\"const\":1}", "1.0", 1 },
    { "{\"enum\":[9007199254740993]}", "9007199254740992.0", 0 },
    { "{\"maximum\":9223372036854775807}", "9223372036854775808.0", 0 },
    { "{\"minimum\":-9223372036854775808}", "-9223372036854775808.0", 1 },
    { "{\"maximum\":3}", "3.0000000001", 0 },
    { "{\"minimum\":-1}", "-1.5", 0 },
    { "{\"multipleOf\":0.01}", "0.29", 1 },
    { "{\"multipleOf\":0.01}", "19.99", 1 },
    { "{\"multipleOf\":0.1}", "0.3", 1 },
    { "{\"multipleOf\":0.0001}", "0.00751", 0 },
    { "{\"multipleOf\":3}", "9223372036854775806", 1 },
    { "{\"multipleOf\":3}", "9223372036854775807", 0 },
    { "{\"multipleOf\":7}", "1e300", 0 },
    { "{\"multipleOf\":1e300}", "3e300", 1 },
    { "{\"multipleOf\":1e-300}", "1", 1 },
    { "{\"multipleOf\":5}", "0", 1 },
    { "{\"multipleOf\":5}", "-10.0", 1 },
};

static void numbers_are_compared_by_value(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(NUMBERS); i++) {
        if ((validate(NUMBERS[i].schema, NUMBERS[i].instance)->nelts == 0) != NUMBERS[i].valid) {
            fail_msg("%s: %s", NUMBERS[i].schema, NUMBERS[i].instance);
        }
    }
}

/* -- patterns ------------------------------------------------------------- */

static const struct {
    const char *schema, *instance;
    int valid;
} PATTERNS[] = {
    { "{\"pattern\":\"^\\\\d+$\"}", "\"\u0664\"", 0 }, /* an Arabic-Indic digit is not \d */
    { "{\"pattern\":\"^.$\"}", "\"\u00fc\"", 1 },
    { "{\"pattern\":\"^\\\\u00fc$\"}", "\"\u00fc\"", 1 },
    { "{\"pattern\":\"^\\\\ud83d\\\\ude00$\"}", "\"\U0001f600\"", 1 },
    { "{\"pattern\":\"^\\\\u{1f600}$\"}", "\"\U0001f600\"", 1 },
    { "{\"pattern\":\"\\\\A\\\\x{fc}\\\\z\"}", "\"\u00fc\"", 1 },
    { "{\"pattern\":\"^\\\\p{L}+$\"}", "\"\u00dcber\"", 1 },
    { "{\"pattern\":\"^(?i)abc$\"}", "\"ABC\"", 1 },
    { "{\"pattern\":\"b\"}", "\"abc\"", 1 }, /* not anchored */
};

static void patterns_speak_what_ecma_and_re2_share(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(PATTERNS); i++) {
        if ((validate(PATTERNS[i].schema, PATTERNS[i].instance)->nelts == 0) != PATTERNS[i].valid) {
            fail_msg("%s: %s", PATTERNS[i].schema, PATTERNS[i].instance);
        }
    }
}

static void an_exploding_pattern_refuses_instead_of_hanging(void **state)
{
    const char *value = apr_pstrcat(pool, "\"", repeat("a", 5000), "!\"", NULL);
    const char *object = apr_pstrcat(pool, "{", value, ":1}", NULL);

    (void)state;
    assert_int_equal(validate("{\"pattern\":\"^(a+)+$\"}", value)->nelts, 1);
    assert_true(validate("{\"not\":{\"pattern\":\"^(a+)+$\"}}", value)->nelts > 0);
    assert_true(validate("{\"patternProperties\":{\"^(a+)+$\":true}}", object)->nelts > 0);
}

/* -- bounds --------------------------------------------------------------- */

static void a_schema_that_applies_itself_forever_is_caught(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_int_equal(validate("{\"allOf\":[{\"$ref\":\"#\"}]}", "1")->nelts, 1);
    assert_int_equal(validate("{\"not\":{\"$ref\":\"#\"}}", "1")->nelts, 1);
    assert_int_equal(validate("{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1")->nelts, 1);
    assert_null(kr_validator_compile(pool, json("{\"$ref\":\"#\"}"), &why));
    assert_non_null(strstr(why, "$ref"));
}

static void a_huge_list_of_items_is_not_compared_forever(void **state)
{
    const char *list = "[0";
    char *text = apr_palloc(pool, 300000), *to = apr_cpystrn(text, list, 10);
    int i;

    (void)state;
    for (i = 1; i < 30000; i++) to += snprintf(to, 16, ",%d", i);
    apr_cpystrn(to, "]", 2);
    assert_string_equal(violation(validate("{\"uniqueItems\":true}", text), 0)->keyword, "limit");
    assert_int_equal(validate("{\"uniqueItems\":true}", "[0,1,2,false,\"0\",null,[],{}]")->nelts, 0);
}

/* Each value costs half a millisecond, and stays below the limit of one; where it fails, another may do, so that all of them are tried. */
static void a_huge_list_of_texts_is_not_matched_forever(void **state)
{
    const char *text = apr_pstrcat(pool, "[\"\"", repeat(",\"aaaaaaaaaaaaaab\"", 40000), "]", NULL);
    const apr_time_t begun = kr_clock_worked();

    (void)state;
    assert_string_equal(violation(validate("{\"contains\":{\"pattern\":\"^(a+)+$\"}}", text), 0)->keyword, "limit");
    assert_true(kr_clock_worked() - begun < apr_time_from_sec(5)); /* without a limit: 20 s, and there may be more of them */
}

/* -- mistakes in schemas -------------------------------------------------- */

static const struct {
    const char *schema, *where;
} MISTAKES[] = {
    { "{\"properties\":{\"a/b\":{\"minLength\":\"x\"}}}", "/properties/a~1b/minLength: " },
    { "{\"minLength\":-1}", "/minLength: " },
    { "{\"minLength\":1.5}", "/minLength: " },
    { "{\"type\":\"strnig\"}", "/type: " },
    { "{\"type\":[\"string\",\"nul\"]}", "/type: " },
    { "{\"type\":[]}", "/type: " },
    { "{\"title\":1}", "/title: " },
    { "{\"minimum\":\"1\"}", "/minimum: " },
    { "{\"exclusiveMinimum\":true}", "/exclusiveMinimum: " },
    { "{\"multipleOf\":0}", "/multipleOf: " },
    { "{\"required\":\"a\"}", "/required: " },
    { "{\"required\":[1]}", "/required: " },
    { "{\"enum\":\"a\"}", "/enum: " },
    { "{\"allOf\":[]}", "/allOf: " },
    { "{\"anyOf\":[{\"type\":1}]}", "/anyOf/0/type: " },
    { "{\"items\":[{\"pattern\":\"(\"}]}", "/items/0/pattern: " },
    { "{\"pattern\":\"a\\\\Z\"}", "/pattern: " },
    { "{\"patternProperties\":{\"[\":true}}", "/patternProperties: " },
    { "{\"definitions\":{\"unused\":{\"uniqueItems\":1}}}", "/definitions/unused/uniqueItems: " },
    { "{\"properties\":{\"a\":1}}", "/properties/a: " },
    { "{\"if\":{},\"then\":1}", "/then: " },
    { "{\"$ref\":\"#/definitions/none\"}", "/$ref: " },
    { "{\"$ref\":\"file:///etc/passwd\"}", "/$ref: " },
    { "{\"$ref\":\"https://example.org/schema.json\"}", "/$ref: " },
    { "{\"items\":{\"$ref\":\"#/%zz\"}}", "/items/$ref: " },
    { "{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"$ref\":\"#/definitions/b\"},\"b\":{\"$ref\":"
      "\"#/definitions/a\"}}}", "/$ref: " },
    { "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}", "/$schema: " },
    { "{\"$schema\":7}", "/$schema: " },
    { "1", "/: " },
};

static void a_mistake_in_a_schema_is_shown_at_its_place(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(MISTAKES); i++) {
        const char *schema = MISTAKES[i].schema, *where = MISTAKES[i].where, *why = NULL;

        if (kr_validator_compile(pool, json(schema), &why)) fail_msg("%s was accepted", schema);
        if (strncmp(why, where, strlen(where)) != 0) fail_msg("%s: %s", schema, why);
    }
}

static void the_drafts_4_6_and_7_are_read(void **state)
{
    (void)state;
    compile("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}");
    compile("{\"$schema\":\"https://json-schema.org/draft-07/schema\"}");
    compile("{\"$schema\":\"http://json-schema.org/draft-06/schema#\"}");
    assert_int_equal(validate("{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"minimum\":3,"
                              "\"exclusiveMinimum\":true}", "3")->nelts, 1);
}

static void references_reach_ids_and_names_of_the_document(void **state)
{
    const char *schema = "{\"$id\":\"https://example.org/dir/root.json\",\"definitions\":{\"a\":{\"$id\":\"a.json\","
                         "\"definitions\":{\"s\":{\"type\":\"string\"}},"
                         "\"items\":{\"$ref\":\"#/definitions/s\"}},\"b\":"
                         "{\"$id\":\"#spot\",\"type\":\"null\"}},\"properties\":{\"a\":{\"$ref\":\"/dir/x/../a.json\"},"
                         "\"b\":{\"$ref\":\"root.json#spot\"}}}";

    (void)state;
    assert_int_equal(validate(schema, "{\"a\":[\"x\"],\"b\":null}")->nelts, 0);
    assert_string_equal(violation(validate(schema, "{\"a\":[1],\"b\":null}"), 0)->path, "a.0");
    assert_string_equal(violation(validate(schema, "{\"b\":1}"), 0)->path, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_violation_says_where_what_and_by_how_much),
        TEST(all_violations_of_one_pass_are_reported),
        TEST(additional_properties_are_named_once_together),
        TEST(a_long_name_is_cut_between_characters),
        TEST(violations_stop_at_a_limit),
        TEST(numbers_are_compared_by_value),
        TEST(patterns_speak_what_ecma_and_re2_share),
        TEST(an_exploding_pattern_refuses_instead_of_hanging),
        TEST(a_schema_that_applies_itself_forever_is_caught),
        TEST(a_huge_list_of_items_is_not_compared_forever),
        TEST(a_huge_list_of_texts_is_not_matched_forever),
        TEST(a_mistake_in_a_schema_is_shown_at_its_place),
        TEST(the_drafts_4_6_and_7_are_read),
        TEST(references_reach_ids_and_names_of_the_document),
    };

    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
