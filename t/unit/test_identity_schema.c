/* SPDX-License-Identifier: Apache-2.0 */
/* Identity schemas: the form one makes, and what is none. */
#include "schema_env.h"

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

/* Each definition names the next one twice, so that a few of them are more properties than anybody has memory for. */
static void a_form_has_an_end_though_definitions_repeat_each_other(void **state)
{
    const char *raw = "{\"properties\":{\"traits\":{\"$ref\":\"#/definitions/d0\"}},\"definitions\":{\"d20\":{}", *why = NULL;
    int i;

    (void)state;
    for (i = 0; i < 20; i++)
        raw = apr_psprintf(pool, "%s,\"d%d\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/definitions/d%d\"},"
                                 "\"b\":{\"$ref\":\"#/definitions/d%d\"}}}", raw, i, i + 1, i + 1);
    raw = apr_pstrcat(pool, raw, "}}", NULL);
    assert_null(kr_schema_compile(pool, "customer", raw, strlen(raw), &why));
    assert_non_null(strstr(why, "more than 2000 properties"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_form_follows_the_document),
        TEST(objects_are_listed_outer_first),
        TEST(annotations_reach_their_leaf),
        TEST(the_elements_of_a_list_are_described),
        TEST(two_identifiers_or_none_give_no_title),
        TEST(traits_are_validated_inside_the_document),
        TEST(an_identity_schema_without_sense_is_refused),
        TEST(a_schema_over_a_mebibyte_is_refused),
        TEST(a_form_has_an_end_though_definitions_repeat_each_other),
    };

    return cmocka_run_group_tests_name("identity schema", tests, NULL, NULL);
}
