/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas: what a person who wrote a wrong one is told, what a wrong value is told, and the form a schema makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kr_json.h"
#include "kr_schema.h"
#include "kr_text.h"

static apr_pool_t *pool;

static json_t *json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value) fail_msg("%s: %s", text, error.text);
    return kr_json_own(pool, value);
}

static kr_validator_t *compile(const char *schema)
{
    const char *why = "no reason";
    kr_validator_t *validator = kr_validator_compile(pool, json(schema), &why);

    if (!validator) fail_msg("%s: %s", schema, why);
    return validator;
}

static apr_array_header_t *validate(const char *schema, const char *instance)
{
    apr_array_header_t *out;

    kr_validate(&out, pool, compile(schema), json(instance));
    return out;
}

static const kr_violation_t *violation(const apr_array_header_t *out, int i)
{
    assert_true(out->nelts > i);
    return &APR_ARRAY_IDX(out, i, kr_violation_t);
}

static char *repeat(const char *text, int n)
{
    char *out = apr_palloc(pool, strlen(text) * (apr_size_t)n + 1), *to = out;

    for (*to = '\0'; n > 0; n--) to = apr_cpystrn(to, text, strlen(text) + 1);
    return out;
}

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

/* -- formats -------------------------------------------------------------- */

static const struct {
    const char *format, *value;
    int valid;
} FORMATS[] = {
    { "email", "ana@example.org", 1 },
    { "email", "ana+tag@localhost", 1 },
    { "email", "Ana <ana@example.org>", 0 },
    { "email", "\"a b\"@example.org", 0 },
    { "email", "ana@example..org", 0 },
    { "email", "ana@-example.org", 0 },
    { "email", "ana@exa_mple.org", 0 },
    { "email", "ana@example.org\n", 0 },
    { "email", "ana@example.org\r\nBcc: x@example.org", 0 },
    { "email", "a na@example.org", 0 },
    { "email", ".ana@example.org", 0 },
    { "email", "an..a@example.org", 0 },
    { "email", "ana@b@example.org", 0 },
    { "email", "@example.org", 0 },
    { "email", "ana@", 0 },
    { "email", "", 0 },
    { "email", "ana@b\u00fccher.example", 1 },
    { "email", "Ana@B\u00dccher.example", 1 },
    { "email", "j\u00f6rg@example.org", 0 },
    { "email", "ana@exam\u00adple.org", 0 },            /* what nobody sees, and other spellings of ASCII */
    { "email", "ana@\uff45xample.org", 0 },
    { "email", "ana@example\u3002org", 0 },
    { "email", "ana@\u2603.example", 0 },
    { "email", "ana@boo\u212a.example", 0 },            /* Kelvin */
    { "email", "ana@b\u00fcoo\u212a.example", 0 },
    { "email", "ana@bu\u0308cher.example", 1 },         /* as a Mac sends it */
    { "email", "ana@\u00fc..example", 0 },
    { "email", "\xef\xbc\xa0@example.org", 0 },
    { "email_loose", "a@", 1 },
    { "email_loose", "a", 0 },
    { "tel", "+491701234567", 1 },
    { "tel", "+49 170 123-45.67", 1 },
    { "tel", "+1 (212) 555-0100", 1 },
    { "tel", "01701234567", 0 },
    { "tel", "+0491701234567", 0 },
    { "tel", "+123456", 0 },
    { "tel", "+1234567890123456", 0 },
    { "tel", "+49170123456x", 0 },
    { "tel", "+491701234567\n", 0 },
    { "uri", "https://example.org/a?b=c#d", 1 },
    { "uri", "https://", 0 },
    { "uri", "https://example.org/a b", 0 },
    { "uri", "https://example.org\\@evil.example", 0 },
    { "uri", "https://example.org/%zz", 0 },
    { "uri", "example.org", 0 },
    { "uri-reference", "1a:b", 0 },
    { "iri", "https://example.org/\u00fc", 1 },
    { "date", "2024-02-29", 1 },
    { "date", "2023-02-29", 0 },
    { "date", "2024-13-01", 0 },
    { "date", "2024-1-1", 0 },
    { "time", "23:59:60Z", 1 },
    { "time", "22:59:60Z", 0 },
    { "time", "18:59:60-05:00", 1 },
    { "time", "24:00:00Z", 0 },
    { "time", "12:00:00", 0 },
    { "time", "12:00:00.Z", 0 },
    { "date-time", "2026-01-02T03:04:05.678+01:00", 1 },
    { "date-time", "2026-01-02 03:04:05Z", 0 },
    { "hostname", "a.b-c.example", 1 },
    { "hostname", "", 0 },
    { "hostname", "a..b", 0 },
    { "hostname", "a-", 0 },
    { "idn-hostname", "b\u00fccher.example", 1 },
    { "idn-hostname", "a b", 0 },
    { "ipv4", "127.0.0.1", 1 },
    { "ipv4", "127.0.0.01", 0 },
    { "ipv6", "::ffff:1.2.3.4", 1 },
    { "ipv6", "fe80::1%eth0", 0 },
    { "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 1 },
    { "uuid", "f81d4fae7dec11d0a76500a0c91e6bf6", 0 },
    { "regex", "^(a|b)$", 1 },
    { "regex", "(", 0 },
    { "json-pointer", "/a~0b", 1 },
    { "json-pointer", "a", 0 },
    { "relative-json-pointer", "01/a", 0 },
    { "uri-template", "/users/{id}{?page,size*}", 1 },
    { "uri-template", "/users/{}", 0 },
    { "no-validate", "\x01", 1 },
    { "of-tomorrow", "anything", 1 },
};

static void formats_take_and_refuse(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(FORMATS); i++) {
        if (kr_format_valid(FORMATS[i].format, FORMATS[i].value) != FORMATS[i].valid) {
            fail_msg("%s: %s", FORMATS[i].format, FORMATS[i].value);
        }
    }
}

static void lengths_of_mail_addresses_are_limited(void **state)
{
    const char *domain = apr_pstrcat(pool, repeat("abcdefghi.", 18), "example", NULL); /* 187 bytes */

    (void)state;
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 64), "@b.org", NULL)), 1);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 65), "@b.org", NULL)), 0);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 64), "@ab.", domain, NULL)), 0);
    assert_int_equal(kr_format_valid("email", apr_pstrcat(pool, repeat("a", 60), "@ab.", domain, NULL)), 1);
}

/* -- identity schemas ----------------------------------------------------- */

#define TRAITS(rest) "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\"," rest "}}}"
#define PROPERTY(rest) TRAITS("\"properties\":{\"a\":{" rest "}}")
#define EXTENSION(rest) PROPERTY("\"type\":\"string\",\"ory.sh/kratos\":" rest)

static const char CUSTOMER[] =
    "{\"$id\":\"https://example.org/customer.schema.json\",\"$schema\":\"http://json-schema.org/draft-07/schema#\","
    "\"title\":\"A customer\",\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"title\":\"Your mail\",\"maxLength\":320,\"ory.sh/kratos\":{"
    "\"credentials\":{\"password\":{\"identifier\":true},\"webauthn\":{\"identifier\":true},\"code\":{\"identifier\":"
    "true,\"via\":\"email\"},\"passkey\":{\"display_name\":true},\"totp\":{\"account_name\":true}},\"verification\":{"
    "\"via\":\"email\"},\"recovery\":{\"via\":\"email\"}}},"
    "\"phones\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"tel\","
    "\"ory.sh/kratos\":{\"verification\""
    ":{\"via\":\"sms\"}}}},"
    "\"name\":{\"type\":\"object\",\"title\":\"unused\",\"properties\":{\"first\":{\"type\":\"string\",\"pattern\":"
    "\"^.+$\"},\"last\":{\"type\":\"string\"}},\"required\":[\"last\"]},"
    "\"age\":{\"type\":\"integer\",\"minimum\":13},\"height\":{\"type\":\"number\"},\"terms\":{\"const\":true},"
    "\"news\":{\"type\":\"boolean\"},\"site\":{\"type\":\"string\",\"format\":\"uri\"},\"born\":{\"type\":\"string\","
    "\"format\":\"date\"},\"seen\":{\"type\":\"string\",\"format\":\"date-time\"},\"call\":{\"type\":\"string\","
    "\"format\":\"tel\"},\"size\":{\"type\":\"string\",\"enum\":[\"S\",\"M\"]},"
    "\"maybe\":{\"type\":[\"string\",\"null\"]},"
    "\"free\":{},\"kids\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    "\"home\":{\"$ref\":\"#/definitions/home\"}"
    "},\"required\":[\"email\",\"terms\"],\"additionalProperties\":false,"
    "\"anyOf\":[{\"properties\":{\"company\":{\"type\":\"string\",\"title\":\"Company\"}},\"required\":[\"company\"]},"
    "{\"properties\":{\"age\":{\"title\":\"Your age\"}}}],"
    "\"if\":{\"properties\":{\"hidden\":{\"type\":\"string\"}}},"
    "\"then\":{\"properties\":{\"tax\":{\"type\":\"string\"}}}"
    "}},\"definitions\":{\"home\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}";

static kr_schema_t *identity(const char *raw)
{
    const char *why = "no reason";
    kr_schema_t *schema = kr_schema_compile(pool, "customer", raw, strlen(raw), &why);

    if (!schema) fail_msg("%s: %s", raw, why);
    return schema;
}

static const struct {
    const char *path;
    kr_leaf_e type;
    int required;
    const char *input_type, *autocomplete; /* input_type NULL: no node */
} LEAVES[] = {
    { "traits.email", KR_LEAF_STRING, 1, "email", "email" },
    { "traits.phones", KR_LEAF_ARRAY, 0, "text", NULL },
    { "traits.name.first", KR_LEAF_STRING, 0, "text", NULL },
    { "traits.name.last", KR_LEAF_STRING, 1, "text", NULL },
    { "traits.age", KR_LEAF_INTEGER, 0, "number", NULL },
    { "traits.height", KR_LEAF_NUMBER, 0, "number", NULL },
    { "traits.terms", KR_LEAF_BOOLEAN, 1, "checkbox", NULL },
    { "traits.news", KR_LEAF_BOOLEAN, 0, "checkbox", NULL },
    { "traits.site", KR_LEAF_STRING, 0, "url", "url" },
    { "traits.born", KR_LEAF_STRING, 0, "date", NULL },
    { "traits.seen", KR_LEAF_STRING, 0, "datetime-local", NULL },
    { "traits.call", KR_LEAF_STRING, 0, "tel", "tel" },
    { "traits.size", KR_LEAF_STRING, 0, "text", NULL },
    { "traits.maybe", KR_LEAF_OTHER, 0, NULL, NULL },
    { "traits.free", KR_LEAF_OTHER, 0, NULL, NULL },
    { "traits.kids", KR_LEAF_ARRAY, 0, NULL, NULL },
    { "traits.home.city", KR_LEAF_STRING, 0, "text", NULL },
    { "traits.company", KR_LEAF_STRING, 1, "text", NULL },
    { "traits.tax", KR_LEAF_STRING, 0, "text", NULL },
};

static void the_form_follows_the_document(void **state)
{
    kr_schema_t *schema = identity(CUSTOMER);
    int i;

    (void)state;
    assert_int_equal(schema->leaves->nelts, KR_DIM(LEAVES));
    for (i = 0; i < KR_DIM(LEAVES); i++) {
        const kr_leaf_t *leaf = &APR_ARRAY_IDX(schema->leaves, i, kr_leaf_t);

        assert_string_equal(leaf->path, LEAVES[i].path);
        assert_int_equal(leaf->type, LEAVES[i].type);
        assert_int_equal(leaf->required, LEAVES[i].required);
        assert_int_equal(leaf->node, LEAVES[i].input_type != NULL);
        if (leaf->node) assert_string_equal(leaf->input_type, LEAVES[i].input_type);
        assert_string_equal(leaf->autocomplete ? leaf->autocomplete : "-",
                            LEAVES[i].autocomplete ? LEAVES[i].autocomplete : "-");
    }
    assert_string_equal(kr_schema_leaf(schema, "traits.name.first")->pattern, "^.+$");
    assert_string_equal(kr_schema_leaf(schema, "traits.age")->title, "Your age");
    assert_string_equal(kr_json_dump(pool, kr_schema_leaf(schema, "traits.size")->options, NULL),
                        "[{\"value\":\"S\"},{\"value\":\"M\"}]");
    assert_int_equal(kr_schema_leaf(schema, "traits.kids")->array_of_objects, 1);
    assert_null(kr_schema_leaf(schema, "traits.name"));
    assert_string_equal(schema->url_id, "Y3VzdG9tZXI");
    assert_string_equal(schema->raw, CUSTOMER);
}

static void objects_are_listed_outer_first(void **state)
{
    kr_schema_t *schema = identity(CUSTOMER);

    (void)state;
    assert_int_equal(schema->objects->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(schema->objects, 0, const char *), "traits");
    assert_string_equal(APR_ARRAY_IDX(schema->objects, 1, const char *), "traits.name");
    assert_string_equal(APR_ARRAY_IDX(schema->objects, 2, const char *), "traits.home");
}

static void annotations_reach_their_leaf(void **state)
{
    kr_schema_t *schema = identity(CUSTOMER);
    const kr_leaf_t *email = kr_schema_leaf(schema, "traits.email"), *phones = kr_schema_leaf(schema, "traits.phones");

    (void)state;
    assert_true(email->password_identifier && email->webauthn_identifier && email->code_identifier);
    assert_true(email->passkey_display_name && email->totp_account_name);
    assert_string_equal(email->code_via, "email");
    assert_string_equal(email->verify_via, "email");
    assert_string_equal(email->recover_via, "email");
    assert_int_equal(kr_leaf_item(phones, 7)->type, KR_LEAF_STRING);
    assert_string_equal(kr_leaf_item(phones, 0)->input_type, "tel");
    assert_string_equal(phones->verify_via, "sms");
    assert_null(phones->recover_via);
    assert_string_equal(schema->identifier_title, "Your mail");
    assert_string_equal(schema->identifier_name, "traits.email");
}

static void the_elements_of_a_list_are_described(void **state)
{
    const kr_schema_t *pair = identity(PROPERTY("\"type\":\"array\",\"items\":[{\"type\":\"string\",\"title\":\"Town\"},"
                                                "{\"type\":\"integer\"}],\"maxItems\":2"));
    const kr_schema_t *roles = identity(PROPERTY("\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"],"
                                                 "\"description\":\"What one does\"}"));
    const kr_leaf_t *a = kr_schema_leaf(pair, "traits.a"), *b = kr_schema_leaf(roles, "traits.a");

    (void)state;
    assert_true(a->tuple && a->node);
    assert_int_equal(a->max_items, 2);
    assert_string_equal(kr_leaf_item(a, 0)->title, "Town");
    assert_int_equal(kr_leaf_item(a, 1)->type, KR_LEAF_INTEGER);
    assert_null(kr_leaf_item(a, 2));
    assert_false(b->tuple);
    assert_int_equal(json_array_size(kr_leaf_item(b, 9)->options), 2);
    assert_string_equal(kr_leaf_item(b, 0)->description, "What one does");
    assert_null(kr_leaf_item(kr_schema_leaf(identity(PROPERTY("\"type\":\"array\"")), "traits.a"), 0));
    assert_false(kr_schema_leaf(identity(PROPERTY("\"type\":\"array\",\"items\":[{\"type\":\"string\"},{\"type\":\"array\"}]")),
                                "traits.a")->node);
}

static void two_identifiers_or_none_give_no_title(void **state)
{
    (void)state;
    assert_null(identity(TRAITS("\"properties\":{}"))->identifier_title);
    assert_null(identity(EXTENSION("{\"credentials\":{\"password\":{\"identifier\":true}}}"))->identifier_title);
    assert_null(identity(TRAITS("\"properties\":{\"a\":{\"type\":\"string\",\"title\":\"A\",\"ory.sh/kratos\":{"
                                "\"credentials\":{\"password\":{\"identifier\":true}}}},\"b\":{\"type\":\"string\","
                                "\"title\":\"B\","
                                "\"ory.sh/kratos\":{\"credentials\":{\"totp\":{\"account_name\":true}}}}"
                                "}"))->identifier_title);
}

static void traits_are_validated_inside_the_document(void **state)
{
    apr_array_header_t *out;

    (void)state;
    kr_validate(&out, pool, identity(CUSTOMER)->validator, json("{\"traits\":{\"email\":\"x\",\"name\":{}}}"));
    assert_int_equal(out->nelts, 3);
    assert_string_equal(violation(out, 0)->path, "traits.terms");
    assert_string_equal(violation(out, 1)->path, "traits.email");
    assert_string_equal(violation(out, 2)->path, "traits.name.last");
}

static const struct {
    const char *raw, *where;
} BAD_IDENTITIES[] = {
    { "", "" },
    { "[]", "" },
    { "{}", "/properties/traits: " },
    { "{\"properties\":{\"traits\":{\"type\":\"string\"}}}", "/properties/traits: " },
    { EXTENSION("true"), "/properties/traits/properties/a/ory.sh~1kratos: must be an object" },
    { EXTENSION("{\"credentails\":{}}"), "/properties/traits/properties/a/ory.sh~1kratos: \"credentails\"" },
    { EXTENSION("{\"credentials.totp\":{}}"), "/properties/traits/properties/a/ory.sh~1kratos: " },
    { EXTENSION("{\"credentials\":{\"password\":{\"identifer\":true}}}"),
      "/properties/traits/properties/a/ory.sh~1kratos/credentials/password: \"identifer\"" },
    { EXTENSION("{\"credentials\":{\"password\":{\"identifier\":\"yes\"}}}"),
      "/properties/traits/properties/a/ory.sh~1kratos/credentials/password/identifier: " },
    { EXTENSION("{\"credentials\":{\"code\":{\"identifier\":true}}}"),
      "/properties/traits/properties/a/ory.sh~1kratos/credentials/code: " },
    { EXTENSION("{\"verification\":{\"via\":\"pigeon\"}}"),
      "/properties/traits/properties/a/ory.sh~1kratos/verification/via: " },
    { EXTENSION("{\"verification\":\"email\"}"), "/properties/traits/properties/a/ory.sh~1kratos/verification: " },
    { PROPERTY("\"type\":\"array\",\"items\":{\"type\":\"string\",\"ory.sh/kratos\":{\"x\":1}}"),
      "/properties/traits/properties/a/items/ory.sh~1kratos: " },
    { PROPERTY("\"type\":\"string\",\"minLength\":\"x\""), "/properties/traits/properties/a/minLength: " },
    { PROPERTY("\"$ref\":\"#/properties/traits\""), "" },
};

static void an_identity_schema_without_sense_is_refused(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < KR_DIM(BAD_IDENTITIES); i++) {
        const char *raw = BAD_IDENTITIES[i].raw, *where = BAD_IDENTITIES[i].where, *why = NULL;

        if (kr_schema_compile(pool, "x", raw, strlen(raw), &why)) fail_msg("%s was accepted", raw);
        assert_non_null(why);
        if (strncmp(why, where, strlen(where)) != 0) fail_msg("%s: %s", raw, why);
    }
}

static void a_schema_over_a_mebibyte_is_refused(void **state)
{
    const char *raw = apr_pstrcat(pool, "{\"title\":\"", repeat("a", 1024 * 1024), "\"}", NULL), *why = NULL;

    (void)state;
    assert_null(kr_schema_compile(pool, "x", raw, strlen(raw), &why));
    assert_non_null(strstr(why, "1 MiB"));
    assert_null(kr_validator_compile(pool, json(raw), &why));
}

static int open_pool(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int close_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

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
        TEST(a_mistake_in_a_schema_is_shown_at_its_place),
        TEST(the_drafts_4_6_and_7_are_read),
        TEST(references_reach_ids_and_names_of_the_document),
        TEST(formats_take_and_refuse),
        TEST(lengths_of_mail_addresses_are_limited),
        TEST(the_form_follows_the_document),
        TEST(objects_are_listed_outer_first),
        TEST(annotations_reach_their_leaf),
        TEST(the_elements_of_a_list_are_described),
        TEST(two_identifiers_or_none_give_no_title),
        TEST(traits_are_validated_inside_the_document),
        TEST(an_identity_schema_without_sense_is_refused),
        TEST(a_schema_over_a_mebibyte_is_refused),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
