/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: one spelling per identifier, traits out of submits, addresses out of traits, what the public sees. */
#include <stdlib.h>
#include <string.h>
#include "test.h"
#include <unistr.h>

#include "kr_realm.h"
#include "kr_identity.h"
#include "kr_json.h"
#include "kr_store_identity.h"
#include "kr_text.h"

#define MIDDAY ((apr_time_t)1767355200 * 1000000) /* 2026-01-02T12:00:00Z */

static apr_pool_t *pool;
static kr_ctx_t *k;

/* -- a schema made by hand: what kr_schema_compile would make of it is that room's test ------------------------ */

static kr_leaf_t KINDS[] = { { .type = KR_LEAF_NUMBER }, { .type = KR_LEAF_STRING }, { .type = KR_LEAF_NUMBER } };
static const apr_array_header_t SCORES = { .elt_size = sizeof(kr_leaf_t), .nelts = 1, .elts = (char *)KINDS };
static const apr_array_header_t PLACE = { .elt_size = sizeof(kr_leaf_t), .nelts = 2, .elts = (char *)(KINDS + 1) };

static const kr_leaf_t LEAVES[] = {
    { .path = "traits.email", .type = KR_LEAF_STRING, .required = 1, .format = "email", .password_identifier = 1,
      .code_identifier = 1, .code_via = "email", .verify_via = "email", .recover_via = "email" },
    { .path = "traits.name.first", .type = KR_LEAF_STRING },
    { .path = "traits.name.last", .type = KR_LEAF_STRING },
    { .path = "traits.age", .type = KR_LEAF_INTEGER },
    { .path = "traits.height", .type = KR_LEAF_NUMBER, .required = 1 },
    { .path = "traits.newsletter", .type = KR_LEAF_BOOLEAN },
    { .path = "traits.terms", .type = KR_LEAF_BOOLEAN, .required = 1 },
    { .path = "traits.phone", .type = KR_LEAF_STRING, .format = "tel", .password_identifier = 1, .verify_via = "sms" },
    { .path = "traits.tags", .type = KR_LEAF_ARRAY },
    { .path = "traits.scores", .type = KR_LEAF_ARRAY, .items = &SCORES },
    { .path = "traits.place", .type = KR_LEAF_ARRAY, .items = &PLACE, .tuple = 1 },
    { .path = "traits.others", .type = KR_LEAF_ARRAY, .recover_via = "email", .webauthn_identifier = 1 },
    { .path = "traits.either", .type = KR_LEAF_OTHER },
    { .path = "traits.member_no", .type = KR_LEAF_INTEGER, .password_identifier = 1 },
};
static const char *const OBJECTS[] = { "traits", "traits.name" };

static const kr_schema_t *schema_of(const kr_leaf_t *leaves, int count)
{
    kr_schema_t *schema = apr_pcalloc(pool, sizeof(*schema));
    apr_array_header_t *leaf_list = apr_array_make(pool, count, sizeof(kr_leaf_t));
    apr_array_header_t *object_list = apr_array_make(pool, 2, sizeof(const char *));

    for (int i = 0; i < count; i++) APR_ARRAY_PUSH(leaf_list, kr_leaf_t) = leaves[i];
    for (int i = 0; i < KR_DIM(OBJECTS); i++) APR_ARRAY_PUSH(object_list, const char *) = OBJECTS[i];
    schema->id = "person";
    schema->leaves = leaf_list;
    schema->objects = object_list;
    return schema;
}

static const kr_schema_t *person(void)
{
    return schema_of(LEAVES, KR_DIM(LEAVES));
}

static json_t *parsed(const char *text)
{
    const char *why = "";
    json_t *json = kr_json_parse(pool, text, strlen(text), &why);

    if (!json) fail_msg("%s: %s", text, why);
    return json;
}

static kr_identity_t *somebody(const char *traits)
{
    kr_identity_t *identity = apr_pcalloc(pool, sizeof(*identity));

    identity->id = "0b6b2d8e-0000-4000-8000-000000000001";
    identity->schema_id = "person";
    identity->state = "active";
    identity->traits = parsed(traits);
    identity->created_at = identity->updated_at = MIDDAY;
    return identity;
}

static int setup(void **state)
{
    kr_settings_t *settings;
    kr_realm_t *realm;

    (void)state;
    apr_pool_create(&pool, NULL);
    settings = apr_pcalloc(pool, sizeof(*settings));
    realm = apr_pcalloc(pool, sizeof(*realm));
    settings->base_url = "https://id.example/auth/";
    realm->name = "main";
    realm->settings = settings;
    k = kr_ctx_make(pool, realm, KR_LOG_ERR);
    k->now = MIDDAY;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

/* -- spelling ------------------------------------------------------------- */

static void all_spellings_of_an_identifier_become_one(void **state)
{
    static const struct { const char *raw, *want; } CASES[] = {
        { " BAR@Example.com ", "bar@example.com" },
        { "\xC2\xA0" "bar@example.com\xE3\x80\x80", "bar@example.com" },            /* no-break and ideographic blank */
        { "\xEF\xBC\xA2\xEF\xBD\x81r@example.com", "bar@example.com" },              /* full-width letters */
        { "ba\xE2\x80\x8B" "r@exam\xC2\xADple.com", "bar@example.com" },             /* zero-width space, soft hyphen */
        { "\xE2\x80\xAE" "bar@example.com\xE2\x80\xAC", "bar@example.com" },         /* bidi override */
        { "ba\tr@example.com\r\n", "bar@example.com" },
        { "\xC3\x84NNE", "\xC3\xA4nne" },
        { "A\xCC\x88nne", "\xC3\xA4nne" },                                           /* combining mark */
        { "a\xE2\x80\x8D\xCC\x88nne", "\xC3\xA4nne" }, /* a joiner between letter and mark */
        { "stra\xC3\x9F" "e", "stra\xC3\x9F" "e" },                                  /* not the neighbour in Strasse */
        { "Ana Maria", "ana maria" },
        { "+1 (415) 555-2671", "+14155552671" },
        { "\xEF\xBC\x8B" "49.30/123456", "+4930123456" },
        { "+44 (0)20 7946 0958", "+442079460958" },
        { "+123456", "+123456" }, /* too short for a phone: a name */
        { "+0123456789", "+0123456789" },
        { "0049 30 123456", "0049 30 123456" },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *got = kr_identifier_normalise(pool, CASES[i].raw);

        assert_non_null(got);
        assert_string_equal(got, CASES[i].want);
    }
}

/* Mail goes to the ASCII form, browsers send either, and people type what they read. */
static void both_spellings_of_a_domain_are_one_identifier(void **state)
{
    static const struct { const char *raw, *want; } CASES[] = {
        { "ana@b\xC3\xBC" "cher.example", "ana@xn--bcher-kva.example" },
        { "Ana@B\xC3\x9C" "CHER.Example", "ana@xn--bcher-kva.example" },
        { "ana@bu\xCC\x88" "cher.example", "ana@xn--bcher-kva.example" },
        { "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example" },
        { "ANA@XN--BCHER-KVA.example", "ana@xn--bcher-kva.example" },
        { "ana@mail.b\xC3\xBC" "cher\xE3\x80\x82" "example", "ana@mail.xn--bcher-kva.example" }, /* an ideographic full stop */
        { "ana@stra\xC3\x9F" "e.example", "ana@xn--strae-oqa.example" }, /* not the neighbour in strasse.example */
        { "ana@\xE4\xBE\x8B\xE3\x81\x88.\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88", "ana@xn--r8jz45g.xn--zckzah" },
        { "j\xC3\xB6rg@example.com", "j\xC3\xB6rg@example.com" },            /* before the @ nothing has an ASCII form */
        { "j\xC3\xB6rg@b\xC3\xBC" "cher.example", "j\xC3\xB6rg@xn--bcher-kva.example" },
        { "b\xC3\xBC" "cher.example", "b\xC3\xBC" "cher.example" },           /* a name */
        { "ana@a\xD7\x90.example", "ana@a\xD7\x90.example" },                 /* no domain, as it mixes directions: a name */
        { "ana@xn--zzzzzz99999.example", "ana@xn--zzzzzz99999.example" },
        { "@\xC3\xBC", "@\xC3\xBC" },                                         /* a handle, not somebody's address */
    };

    (void)state;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        assert_string_equal(kr_identifier_normalise(pool, CASES[i].raw), CASES[i].want);
        assert_string_equal(kr_identifier_normalise(pool, CASES[i].want), CASES[i].want);
    }
    assert_string_equal(kr_address_normalise(pool, "email", "Ana@b\xC3\xBC" "cher.example"), "ana@xn--bcher-kva.example");
    assert_string_equal(kr_address_normalise(pool, "email", "ana@xn--bcher-kva.example"), "ana@xn--bcher-kva.example");
    assert_null(kr_address_normalise(pool, "email", "j\xC3\xB6rg@b\xC3\xBC" "cher.example"));
    assert_null(kr_address_normalise(pool, "email", "ana@a\xD7\x90.example"));
}

static void people_are_shown_a_domain_as_they_know_it(void **state)
{
    (void)state;
    assert_string_equal(kr_address_shown(pool, "ana@xn--bcher-kva.example"), "ana@b\xC3\xBC" "cher.example");
    assert_string_equal(kr_address_shown(pool, "ana@example.org"), "ana@example.org");
    assert_string_equal(kr_address_shown(pool, "ana@xn--zzzzzz99999.example"), "ana@xn--zzzzzz99999.example");
    assert_string_equal(kr_address_shown(pool, "+4930123456"), "+4930123456");
    assert_string_equal(kr_address_shown(pool, "xn--bcher-kva"), "xn--bcher-kva");
}

static void an_identifier_of_nothing_too_much_or_broken_text_is_none(void **state)
{
    char *long_name = apr_palloc(pool, 5001);

    (void)state;
    assert_null(kr_identifier_normalise(pool, NULL));
    assert_null(kr_identifier_normalise(pool, ""));
    assert_null(kr_identifier_normalise(pool, " \t\xE2\x80\x8B\xE2\x80\xA8 "));
    assert_null(kr_identifier_normalise(pool, "ana\xFF"));
    assert_null(kr_identifier_normalise(pool, "ana\xC3"));
    memset(long_name, 'a', 5000);
    long_name[5000] = '\0';
    assert_null(kr_identifier_normalise(pool, long_name));
    long_name[256] = '\0';
    assert_null(kr_identifier_normalise(pool, long_name));
    long_name[255] = '\0';
    assert_string_equal(kr_identifier_normalise(pool, long_name), long_name);
    /* what counts is what is left: the address would be taken, and its owner not be found by it */
    assert_string_equal(kr_identifier_normalise(pool, apr_psprintf(pool, "+49 30%250s1234567", "")), "+49301234567");
}

static void normalising_twice_changes_nothing_for_any_character(void **state)
{
    apr_pool_t *sub;

    (void)state;
    apr_pool_create(&sub, pool);
    for (ucs4_t c = 1; c <= 0x1FFFF; c++) {
        uint8_t raw[16] = "a";
        int n = u8_uctomb(raw + 1, c, 8);
        const char *once, *twice;

        if (n < 0) continue; /* a surrogate */
        memcpy(raw + 1 + n, "\xCC\x88" "b", 4);
        for (int from = 0; from <= 1; from++) {
            once = kr_identifier_normalise(sub, (const char *)raw + from);
            if (!once) continue;
            twice = kr_identifier_normalise(sub, once);
            if (!twice || strcmp(once, twice) != 0) fail_msg("U+%04X: \"%s\" then \"%s\"", c, once, twice);
        }
        if (c % 256 == 0) apr_pool_clear(sub);
    }
    apr_pool_destroy(sub);
}

static void an_address_must_fit_the_way_it_is_reached(void **state)
{
    (void)state;
    assert_string_equal(kr_address_normalise(pool, "email", " Ana@Example.ORG"), "ana@example.org");
    assert_null(kr_address_normalise(pool, "email", "ana"));
    assert_null(kr_address_normalise(pool, "email", "+14155552671"));
    assert_null(kr_address_normalise(pool, "email", apr_psprintf(pool, "ana@%0250d.example", 1)));
    assert_string_equal(kr_address_normalise(pool, "sms", "+1 415 555 2671"), "+14155552671");
    assert_null(kr_address_normalise(pool, "sms", "+1 415 555 2671 ext 9"));
    assert_null(kr_address_normalise(pool, "sms", "+1234567890123456"));
    assert_null(kr_address_normalise(pool, "sms", "4155552671"));
    assert_null(kr_address_normalise(pool, "pigeon", "ana@example.org"));
}

static void what_has_an_at_is_mail_and_nothing_else_is(void **state)
{
    static const struct { const char *address, *via; } cases[] = {
        { "ana@example.org", "email" },  { "+x@example.org", "email" },     { "+491701234567@example.org", "email" },
        { " +x@example.org", "email" },  { "ana\xef\xbc\xa0""example.org", "email" }, { "+x\xef\xb9\xab""example.org", "email" },
        { "+491701234567", "sms" },      { " +49 170 1234567", "sms" },     { "\xef\xbc\x8b""491701234567", "sms" },
        { "0170 1234567", "sms" },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(cases); i++) {
        const char *value = kr_address_normalise(pool, cases[i].via, cases[i].address);

        assert_string_equal(kr_address_via(cases[i].address), cases[i].via);
        if (value) assert_string_equal(kr_address_via(value), cases[i].via); /* as it is typed, so as it is stored */
        else assert_string_equal(cases[i].address, "0170 1234567");
    }
}

/* -- decoding ------------------------------------------------------------- */

typedef struct { const char *body, *traits; } decode_case_t;

static void check_decoding(const decode_case_t *cases, int count, int is_form)
{
    for (int i = 0; i < count; i++) {
        json_t *out, *want = parsed(cases[i].traits);

        kr_traits_decode(&out, pool, person(), parsed(cases[i].body), is_form);
        assert_int_equal(json_object_size(out), 1);
        if (!json_equal(json_object_get(out, "traits"), want)) {
            fail_msg("%s\n gave %s\n not  %s", cases[i].body, kr_json_dump(pool, out, NULL), cases[i].traits);
        }
    }
}

static void a_form_field_becomes_what_the_schema_declares(void **state)
{
    static const decode_case_t CASES[] = {
        { "{}", "{\"name\":{}}" },
        { "{\"traits.email\":\"a@b.org\",\"method\":\"password\",\"traits.shoe\":\"44\"}",
          "{\"email\":\"a@b.org\",\"name\":{}}" },
        { "{\"traits.name.first\":\"Ana\",\"traits.name.middle\":\"Q\"}", "{\"name\":{\"first\":\"Ana\"}}" },
        { "{\"traits.email\":\"\",\"traits.name.first\":\"\",\"traits.tags\":\"\"}", "{\"name\":{}}" },
        { "{\"traits.email\":[\"first\",\"second\"]}", "{\"email\":\"first\",\"name\":{}}" },
        { "{\"traits.newsletter\":[\"false\",\"true\"]}", "{\"newsletter\":true,\"name\":{}}" },
        { "{\"traits.newsletter\":\"F\"}", "{\"newsletter\":false,\"name\":{}}" },
        { "{\"traits.newsletter\":\"on\"}", "{\"newsletter\":\"on\",\"name\":{}}" },
        { "{\"traits.newsletter\":\"\",\"traits.terms\":\"\"}", "{\"terms\":false,\"name\":{}}" },
        { "{\"traits.age\":\"\",\"traits.height\":\"\"}", "{\"height\":0,\"name\":{}}" },
        { "{\"traits.age\":\"7.0\",\"traits.height\":\"1.75\"}", "{\"age\":7,\"height\":1.75,\"name\":{}}" },
        { "{\"traits.age\":\"7.5\"}", "{\"age\":7.5,\"name\":{}}" },
        { "{\"traits.age\":\"9007199254740993\"}", "{\"age\":9007199254740993,\"name\":{}}" },
        { "{\"traits.age\":\"-3\",\"traits.height\":\"+.5e1\"}", "{\"age\":-3,\"height\":5,\"name\":{}}" },
        { "{\"traits.age\":\"old\",\"traits.height\":\"inf\"}", "{\"age\":\"old\",\"height\":\"inf\",\"name\":{}}" },
        { "{\"traits.age\":\"0x10\",\"traits.height\":\"1e999\"}",
          "{\"age\":\"0x10\",\"height\":\"1e999\",\"name\":{}}" },
        { "{\"traits.age\":\" 7\",\"traits.height\":\"1e\"}", "{\"age\":\" 7\",\"height\":\"1e\",\"name\":{}}" },
        { "{\"traits.tags\":[\"a\",\"b\"]}", "{\"tags\":[\"a\",\"b\"],\"name\":{}}" },
        { "{\"traits.tags\":\"a\"}", "{\"tags\":[\"a\"],\"name\":{}}" },
        { "{\"traits.scores\":[\"1\",\"2.5\",\"x\"]}", "{\"scores\":[1,2.5,\"x\"],\"name\":{}}" },
        { "{\"traits.tags\":[\"\",\"a\",\"\",\"b\",\"\"]}", "{\"tags\":[\"a\",\"b\"],\"name\":{}}" },
        { "{\"traits.tags\":[\"\",\"\"]}", "{\"name\":{}}" },
        { "{\"traits.place\":[\"Ulm\",\"89\"]}", "{\"place\":[\"Ulm\",89],\"name\":{}}" },
        { "{\"traits.place\":[\"\",\"89\",\"\"]}", "{\"place\":[\"\",89],\"name\":{}}" },
        { "{\"traits.place\":[\"\",\"\"]}", "{\"name\":{}}" },
        { "{\"traits.either\":\"x\"}", "{\"name\":{}}" },
        { "{\"traits\":\"{\\\"tags\\\":[\\\"x\\\"]}\",\"traits.tags\":[\"\",\"\"]}", "{\"tags\":[\"x\"],\"name\":{}}" },
        { "{\"traits\":\"{\\\"age\\\":7,\\\"either\\\":1}\"}", "{\"age\":7,\"either\":1,\"name\":{}}" },
        { "{\"traits.name\":\"{\\\"last\\\":\\\"X\\\"}\",\"traits.name.first\":\"Ana\"}",
          "{\"name\":{\"first\":\"Ana\",\"last\":\"X\"}}" },
    };

    (void)state;
    check_decoding(CASES, KR_DIM(CASES), 1);
}

static void nested_json_is_taken_as_it_is(void **state)
{
    static const decode_case_t CASES[] = {
        { "{\"traits\":{\"email\":\"\",\"age\":\"7\",\"newsletter\":\"true\"}}",
          "{\"email\":\"\",\"age\":\"7\",\"newsletter\":\"true\",\"name\":{}}" },
        { "{\"traits\":{\"age\":7.0,\"height\":1.75,\"scores\":[1.0,2.5]}}",
          "{\"age\":7,\"height\":1.75,\"scores\":[1,2.5],\"name\":{}}" },
        { "{\"traits\":{\"either\":null,\"tags\":{\"a\":1}}}", "{\"either\":null,\"tags\":{\"a\":1},\"name\":{}}" },
        { "{\"traits\":{\"name\":{\"first\":\"Ana\"}},\"other\":1}", "{\"name\":{\"first\":\"Ana\"}}" },
        { "{\"traits\":{\"name\":null}}", "{\"name\":null}" },
        { "{\"traits\":null}", "{\"name\":{}}" },
    };

    (void)state;
    check_decoding(CASES, KR_DIM(CASES), 0);
}

static void unknown_members_of_nested_json_are_left_for_validation(void **state)
{
    /* the recordings registration_bad_traits__unknown_trait and settings_profile_bad__unknown_nested */
    static const decode_case_t CASES[] = {
        { "{\"traits\":{\"shoe_size\":\"44\"}}", "{\"shoe_size\":\"44\",\"name\":{}}" },
        { "{\"traits\":{\"name\":{\"middle\":\"Q\"}}}", "{\"name\":{\"middle\":\"Q\"}}" },
    };

    (void)state;
    check_decoding(CASES, KR_DIM(CASES), 0);
}

static void dotted_names_in_json_are_read_as_form_fields(void **state)
{
    static const decode_case_t CASES[] = {
        { "{\"traits.email\":\"\",\"traits.age\":\"7\"}", "{\"age\":7,\"name\":{}}" },
        { "{\"traits.age\":7.0,\"traits.email\":5,\"traits.newsletter\":false}",
          "{\"age\":7,\"email\":5,\"newsletter\":false,\"name\":{}}" },
        { "{\"traits.scores\":[\"1\"],\"traits.tags\":\"a\"}", "{\"scores\":[\"1\"],\"tags\":[\"a\"],\"name\":{}}" },
        { "{\"traits\":{\"email\":\"x\",\"name\":{\"first\":\"A\"}},"
          "\"traits.name\":{\"last\":\"B\"},\"traits.age\":\"3\"}",
          "{\"email\":\"x\",\"name\":{\"first\":\"A\",\"last\":\"B\"},\"age\":3}" },
        { "{\"traits.either\":5}", "{\"name\":{}}" },
    };

    (void)state;
    check_decoding(CASES, KR_DIM(CASES), 0);
}

static void traits_that_are_no_object_are_kept_for_validation_to_refuse(void **state)
{
    static const decode_case_t CASES[] = {
        { "{\"traits\":5,\"traits.email\":\"a\"}", "5" },
        { "{\"traits\":[]}", "[]" },
        { "{\"traits\":\"not json\"}", "\"not json\"" },
        { "{\"traits\":{\"name\":\"Ana\"},\"traits.name.first\":\"x\"}", "{\"name\":\"Ana\"}" },
    };
    json_t *out;

    (void)state;
    check_decoding(CASES, KR_DIM(CASES), 0);
    kr_traits_decode(&out, pool, person(), parsed("[1,2]"), 0);
    assert_string_equal(kr_json_dump(pool, out, NULL), "{\"traits\":{\"name\":{}}}");
}

static void a_missing_list_of_objects_is_an_object_like_the_others(void **state)
{
    static const kr_leaf_t PETS[] = { { .path = "traits.pets", .type = KR_LEAF_ARRAY, .array_of_objects = 1 } };
    json_t *out;

    (void)state;
    kr_traits_decode(&out, pool, schema_of(PETS, 1), parsed("{}"), 1);
    assert_true(json_equal(out, parsed("{\"traits\":{\"name\":{},\"pets\":{}}}")));
    kr_traits_decode(&out, pool, schema_of(PETS, 1), parsed("{\"traits.pets\":\"[{\\\"n\\\":1}]\"}"), 1);
    assert_true(json_equal(out, parsed("{\"traits\":{\"name\":{},\"pets\":[{\"n\":1}]}}")));
}

static void decoding_leaves_the_body_alone(void **state)
{
    json_t *body = parsed("{\"traits\":{\"age\":7.0,\"phone\":\"+1 415 555 2671\"}}"), *out;
    kr_identity_t *identity = somebody("{}");
    const char *bad;

    (void)state;
    kr_traits_decode(&out, pool, person(), body, 0);
    identity->traits = json_object_get(out, "traits");
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    assert_string_equal(kr_json_dump(pool, body, NULL), "{\"traits\":{\"age\":7.0,\"phone\":\"+1 415 555 2671\"}}");
}

/* -- identifiers ---------------------------------------------------------- */

static void check_identifiers(const char *traits, const char *type, const char *want)
{
    apr_array_header_t *got = kr_traits_identifiers(pool, person(), parsed(traits), type);

    assert_string_equal(apr_array_pstrcat(pool, got, '|'), want);
}

static void identifiers_are_what_the_schema_annotates_for_the_method(void **state)
{
    static const char TRAITS[] = "{\"email\":\"Ana@B.org\",\"phone\":\"+1 415 555 2671\",\"member_no\":77,"
                                 "\"name\":{\"first\":\"x\"},\"others\":[\"X\",\"y\",\"x \",null,{}]}";

    (void)state;
    check_identifiers(TRAITS, "password", "ana@b.org|+14155552671|77");
    check_identifiers(TRAITS, "code", "ana@b.org");
    check_identifiers(TRAITS, "webauthn", "x|y");
    check_identifiers(TRAITS, "totp", "");
    check_identifiers("{\"email\":\" \"}", "password", "");
    check_identifiers("[]", "password", "");
}

/* -- addresses ------------------------------------------------------------ */

static const char *addresses_text(const kr_identity_t *identity)
{
    const char *text = "";

    for (int i = 0; i < identity->addresses->nelts; i++) {
        const kr_address_t *a = &APR_ARRAY_IDX(identity->addresses, i, const kr_address_t);

        text = apr_pstrcat(pool, text, *text ? " " : "", a->recovery ? "recover:" : "verify:", a->value,
                           a->verified ? "!" : "", NULL);
    }
    return text;
}

static kr_address_t *address_at(const kr_identity_t *identity, int i)
{
    return &APR_ARRAY_IDX(identity->addresses, i, kr_address_t);
}

static void new_addresses_begin_unverified_in_the_order_of_the_schema(void **state)
{
    kr_identity_t *identity = somebody("{\"others\":[\"C@b.org\",\"a@b.org\",\"c@b.org\"],"
                                       "\"phone\":\"+1 415 555 2671\",\"email\":\"A@b.org\"}");
    const char *bad = NULL;

    (void)state;
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    assert_string_equal(addresses_text(identity),
                        "verify:a@b.org verify:+14155552671 recover:a@b.org recover:c@b.org");
    assert_true(kr_uuid_valid(address_at(identity, 0)->id));
    assert_string_not_equal(address_at(identity, 0)->id, address_at(identity, 2)->id);
    assert_string_equal(address_at(identity, 0)->status, "pending");
    assert_string_equal(address_at(identity, 1)->via, "sms");
    assert_true(address_at(identity, 0)->created_at == MIDDAY);
    assert_string_equal(kr_json_str(identity->traits, "email"), "A@b.org");
    assert_string_equal(kr_json_str(identity->traits, "phone"), "+14155552671");
}

static void a_kept_address_stays_verified_and_a_changed_one_does_not(void **state)
{
    kr_identity_t *identity = somebody("{\"email\":\"a@b.org\",\"phone\":\"+14155552671\"}");
    const char *bad = NULL, *id;

    (void)state;
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    for (int i = 0; i < 2; i++) {
        address_at(identity, i)->verified = 1;
        address_at(identity, i)->status = "completed";
        address_at(identity, i)->verified_at = MIDDAY;
    }
    id = address_at(identity, 0)->id;
    k->now += 1000000;
    identity->traits = parsed("{\"email\":\"A@B.org\",\"phone\":\"+14155552672\"}");
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    assert_string_equal(addresses_text(identity), "verify:a@b.org! verify:+14155552672 recover:a@b.org");
    assert_string_equal(address_at(identity, 0)->id, id);
    assert_string_equal(address_at(identity, 0)->status, "completed");
    assert_true(address_at(identity, 0)->created_at == MIDDAY);
    assert_true(address_at(identity, 1)->created_at == MIDDAY + 1000000);

    identity->traits = parsed("{}");
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    assert_string_equal(addresses_text(identity), "");
}

static void a_trait_that_is_no_address_is_named(void **state)
{
    static const struct { const char *traits, *path; } CASES[] = {
        { "{\"email\":\"nobody\"}", "traits.email" },
        { "{\"email\":\"\"}", "traits.email" },
        { "{\"email\":7}", "traits.email" },
        { "{\"email\":\"a@b.org\",\"phone\":\"12\"}", "traits.phone" },
        { "{\"others\":[\"a@b.org\",\"nobody\"]}", "traits.others" },
    };
    json_t *many = json_array();

    (void)state;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *bad = NULL;

        assert_int_equal(kr_traits_addresses(k, somebody(CASES[i].traits), person(), &bad), 0);
        assert_string_equal(bad, CASES[i].path);
    }
    for (int i = 0; i < 65; i++) json_array_append_new(many, json_sprintf("a%d@b.org", i));
    for (int fits = 0; fits <= 1; fits++) {
        kr_identity_t *identity = somebody("{}");
        const char *bad = NULL;

        json_object_set(identity->traits, "others", many);
        assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), fits);
        json_array_remove(many, 0);
    }
    json_decref(many);
}

/* -- showing -------------------------------------------------------------- */

static void the_public_sees_these_keys_in_this_order(void **state)
{
    kr_identity_t *identity = somebody("{\"email\":\"a@b.org\",\"name\":{}}");

    (void)state;
    identity->metadata_admin = parsed("{\"secret\":1}");
    assert_string_equal(kr_json_dump(pool, kr_identity_json(k, identity), NULL),
                        "{\"id\":\"0b6b2d8e-0000-4000-8000-000000000001\",\"schema_id\":\"person\","
                        "\"schema_url\":\"https://id.example/auth/schemas/cGVyc29u\",\"state\":\"active\","
                        "\"traits\":{\"email\":\"a@b.org\",\"name\":{}},\"metadata_public\":null,"
                        "\"created_at\":\"2026-01-02T12:00:00Z\",\"updated_at\":\"2026-01-02T12:00:00Z\","
                        "\"organization_id\":null}");
}

static void addresses_show_when_they_were_verified_only_if_they_were(void **state)
{
    kr_identity_t *identity = somebody("{\"email\":\"a@b.org\"}");
    kr_address_t *address;
    const char *bad = NULL;

    (void)state;
    identity->external_id = "x-1";
    identity->state_changed_at = MIDDAY;
    identity->metadata_public = parsed("{\"plan\":\"pro\"}");
    assert_int_equal(kr_traits_addresses(k, identity, person(), &bad), 1);
    address = address_at(identity, 0);
    address->id = "v";
    address_at(identity, 1)->id = "r";
#define WHEN "\"2026-01-02T12:00:00Z\""
#define TIMES "\"created_at\":" WHEN ",\"updated_at\":" WHEN
#define HEAD "{\"id\":\"0b6b2d8e-0000-4000-8000-000000000001\",\"external_id\":\"x-1\",\"schema_id\":\"person\"," \
             "\"schema_url\":\"https://id.example/auth/schemas/cGVyc29u\",\"state\":\"active\"," \
             "\"state_changed_at\":" WHEN ",\"traits\":{\"email\":\"a@b.org\"},\"verifiable_addresses\":["
#define TAIL "],\"recovery_addresses\":[{\"id\":\"r\",\"value\":\"a@b.org\",\"via\":\"email\"," TIMES "}]," \
             "\"metadata_public\":{\"plan\":\"pro\"}," TIMES ",\"organization_id\":null}"
    assert_string_equal(kr_json_dump(pool, kr_identity_json(k, identity), NULL),
                        HEAD "{\"id\":\"v\",\"value\":\"a@b.org\",\"verified\":false,\"via\":\"email\","
                             "\"status\":\"pending\"," TIMES "}" TAIL);
    address->verified = 1;
    address->verified_at = MIDDAY;
    address->status = "completed";
    assert_string_equal(kr_json_dump(pool, kr_identity_json(k, identity), NULL),
                        HEAD "{\"id\":\"v\",\"value\":\"a@b.org\",\"verified\":true,\"via\":\"email\","
                             "\"status\":\"completed\",\"verified_at\":" WHEN "," TIMES "}" TAIL);
}

/* -- rows ----------------------------------------------------------------- */

static kr_identity_rows_t *rows_of(const char *traits)
{
    kr_identity_rows_t *rows = apr_pcalloc(pool, sizeof(*rows));

    rows->identity = (kr_identity_row_t){ .id = "i", .schema_id = "person", .state = "active", .traits = traits,
                                          .metadata_public = "null", .available_aal = "aal1" };
    rows->addresses = apr_array_make(pool, 1, sizeof(kr_address_row_t));
    rows->credentials = apr_array_make(pool, 2, sizeof(kr_credential_row_t));
    rows->identifiers = apr_array_make(pool, 2, sizeof(kr_identifier_row_t));
    return rows;
}

static void rows_become_an_identity_with_each_credentials_own_identifiers(void **state)
{
    kr_identity_rows_t *rows = rows_of("{\"email\":\"a@b.org\"}");
    const kr_credential_t *password;
    kr_identity_t *identity;

    (void)state;
    APR_ARRAY_PUSH(rows->addresses, kr_address_row_t) = (kr_address_row_t){ .id = "a", .via = "email",
                                                                            .value = "a@b.org" };
    APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = (kr_credential_row_t){ .id = "c", .type = "code" };
    APR_ARRAY_PUSH(rows->credentials, kr_credential_row_t) = (kr_credential_row_t){ .id = "p", .type = "password",
                                                                                    .config = "{\"x\":1}" };
    APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){ "c", "code", "a@b.org" };
    APR_ARRAY_PUSH(rows->identifiers, kr_identifier_row_t) = (kr_identifier_row_t){ "p", "password", "ana" };
    assert_null(kr_identity_from_rows(&identity, k, rows));
    assert_string_equal(kr_json_str(identity->traits, "email"), "a@b.org");
    assert_null(identity->metadata_public);
    assert_string_equal(addresses_text(identity), "verify:a@b.org");
    password = kr_identity_credential(identity, "password");
    assert_non_null(password);
    assert_string_equal(password->config, "{\"x\":1}");
    assert_string_equal(apr_array_pstrcat(pool, password->identifiers, '|'), "ana");
    assert_null(kr_identity_credential(identity, "totp"));
}

static void quiet(void *baton, kr_level_e level, const char *line)
{
    (void)level;
    (void)line;
    ++*(int *)baton;
}

static void a_row_that_holds_no_json_is_an_error_an_operator_sees(void **state)
{
    kr_identity_t *identity;
    kr_err_t *err;
    int lines = 0;

    (void)state;
    k->log = quiet;
    k->log_baton = &lines;
    err = kr_identity_from_rows(&identity, k, rows_of("{\"email\":"));
    assert_non_null(err);
    assert_int_equal(err->status, 500);
    assert_null(identity);
    assert_int_equal(lines, 1);
    assert_null(kr_identity_from_rows(&identity, k, NULL));
    assert_null(identity);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_spellings_of_an_identifier_become_one),
        TEST(both_spellings_of_a_domain_are_one_identifier),
        TEST(people_are_shown_a_domain_as_they_know_it),
        TEST(an_identifier_of_nothing_too_much_or_broken_text_is_none),
        TEST(normalising_twice_changes_nothing_for_any_character),
        TEST(an_address_must_fit_the_way_it_is_reached),
        TEST(what_has_an_at_is_mail_and_nothing_else_is),
        TEST(a_form_field_becomes_what_the_schema_declares),
        TEST(nested_json_is_taken_as_it_is),
        TEST(unknown_members_of_nested_json_are_left_for_validation),
        TEST(dotted_names_in_json_are_read_as_form_fields),
        TEST(traits_that_are_no_object_are_kept_for_validation_to_refuse),
        TEST(a_missing_list_of_objects_is_an_object_like_the_others),
        TEST(decoding_leaves_the_body_alone),
        TEST(identifiers_are_what_the_schema_annotates_for_the_method),
        TEST(new_addresses_begin_unverified_in_the_order_of_the_schema),
        TEST(a_kept_address_stays_verified_and_a_changed_one_does_not),
        TEST(a_trait_that_is_no_address_is_named),
        TEST(the_public_sees_these_keys_in_this_order),
        TEST(addresses_show_when_they_were_verified_only_if_they_were),
        TEST(rows_become_an_identity_with_each_credentials_own_identifiers),
        TEST(a_row_that_holds_no_json_is_an_error_an_operator_sees),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
