/* SPDX-License-Identifier: Apache-2.0 */
/* UI nodes: the order that clients know, and what a schema's violations become. */
#include "api_env.h"

/* -- order ---------------------------------------------------------------- */

/* Words are group:name or group:name=value, in the order of making and as they must be shown. Most pairs come from
 * recorded answers; the schema's keys are traits.email, traits.name.first, traits.name.last, traits.age,
 * traits.other_email. */
static const struct { kr_flow_kind_e kind; const char *made, *shown; } ORDERS[] = {
    { KR_FLOW_LOGIN, "default:csrf_token default:identifier password:password password:method=password",
      "default:csrf_token default:identifier password:password password:method=password" },
    { KR_FLOW_LOGIN, /* providers first, methods of a group last, code before password */
      "password:method=password password:password code:method=code default:identifier default:csrf_token "
      "oidc:provider=b oidc:provider=a",
      "oidc:provider=a oidc:provider=b default:csrf_token default:identifier code:method=code password:password "
      "password:method=password" },
    { KR_FLOW_LOGIN, /* a group that the list forgot comes first */
      "default:csrf_token identifier_first:identifier identifier_first:method=identifier_first",
      "identifier_first:identifier identifier_first:method=identifier_first default:csrf_token" },
    { KR_FLOW_LOGIN, /* with a password beside it: code stands before password, default before both */
      "identifier_first:identifier default:csrf_token code:method=code password:password password:method=password",
      "identifier_first:identifier default:csrf_token code:method=code password:password password:method=password" },
    { KR_FLOW_LOGIN, "saml:provider=x default:csrf_token oidc:provider=y",
      "saml:provider=x oidc:provider=y default:csrf_token" },
    { KR_FLOW_LOGIN,
      "lookup_secret:method=lookup_secret lookup_secret:lookup_secret totp:method=totp totp:totp_code "
      "default:csrf_token code:address=a",
      "default:csrf_token code:address=a totp:totp_code totp:method=totp lookup_secret:lookup_secret "
      "lookup_secret:method=lookup_secret" },
    { KR_FLOW_LOGIN, /* the same name twice: by value; no value at all sorts as <nil> */
      "code:method=zz code:method=aa code:method", "code:method code:method=aa code:method=zz" },
    { KR_FLOW_REGISTRATION, /* the password interleaves: behind the first trait */
      "default:csrf_token default:traits.email default:traits.name.first default:traits.name.last default:traits.age "
      "password:password password:method=password",
      "default:csrf_token default:traits.email password:password default:traits.name.first default:traits.name.last "
      "default:traits.age password:method=password" },
    { KR_FLOW_REGISTRATION, /* it does not when something stands between */
      "default:csrf_token default:traits.email default:traits.age password:password password:method=password "
      "code:method=code",
      "default:csrf_token default:traits.email default:traits.age code:method=code password:password "
      "password:method=password" },
    { KR_FLOW_REGISTRATION,
      "profile:method=profile default:traits.name.last default:traits.name.first default:csrf_token "
      "default:traits.email",
      "default:csrf_token default:traits.email default:traits.name.first default:traits.name.last "
      "profile:method=profile" },
    { KR_FLOW_REGISTRATION, /* a field that no node was made for goes behind those of the schema */
      "default:csrf_token default:traits default:traits.email default:traits.age profile:method=profile",
      "default:csrf_token default:traits.email default:traits.age default:traits profile:method=profile" },
    { KR_FLOW_REGISTRATION, /* keys are prefixes */
      "default:traits.age default:traits.email.extra default:csrf_token",
      "default:csrf_token default:traits.email.extra default:traits.age" },
    { KR_FLOW_REGISTRATION,
      "webauthn:webauthn_script webauthn:webauthn_register webauthn:webauthn_register_displayname default:csrf_token",
      "default:csrf_token webauthn:webauthn_register_displayname webauthn:webauthn_register webauthn:webauthn_script" },
    { KR_FLOW_SETTINGS,
      "totp:method=totp totp:totp_code totp:totp_secret_key totp:totp_qr lookup_secret:lookup_secret_regenerate "
      "oidc:link=a "
      "password:method=password password:password profile:method=profile profile:traits.age profile:traits.email "
      "default:csrf_token",
      "default:csrf_token profile:traits.email profile:traits.age profile:method=profile password:password "
      "password:method=password "
      "oidc:link=a lookup_secret:lookup_secret_regenerate totp:totp_qr totp:totp_secret_key totp:totp_code "
      "totp:method=totp" },
    { KR_FLOW_SETTINGS, "default:csrf_token code:code", "code:code default:csrf_token" },
    { KR_FLOW_RECOVERY, /* these two keep the order of making */
      "code:method=code code:email default:csrf_token", "code:method=code code:email default:csrf_token" },
    { KR_FLOW_VERIFICATION, "code:method=code code:code default:csrf_token code:email",
      "code:method=code code:code default:csrf_token code:email" },
    { KR_FLOW_LOGIN, "", "" },
    { KR_FLOW_LOGIN, "default:csrf_token", "default:csrf_token" },
};

static kr_flow_t *flow_of(kr_ctx_t *k, kr_flow_kind_e kind)
{
    return kr_flow_make(k, kind, 1, BASE "/self-service/login/api");
}

static void make(kr_ctx_t *k, kr_flow_t *flow, const char *words)
{
    char *state, *copy = apr_pstrdup(k->pool, words);

    for (char *word = apr_strtok(copy, " ", &state); word; word = apr_strtok(NULL, " ", &state)) {
        char *name = strchr(word, ':'), *value = strchr(word, '=');

        if (value) *value++ = '\0';
        *name++ = '\0';
        kr_node_add(k, flow, word, &(kr_node_spec_t){ .name = name, .type = "text", .value = value });
    }
}

static const char *shown(kr_ctx_t *k, const kr_flow_t *flow)
{
    const char *out = "";
    size_t i;
    json_t *node;

    json_array_foreach(flow->nodes, i, node)
    {
        const char *value = kr_json_str(node, "attributes.value");

        out = apr_pstrcat(k->pool, out, i ? " " : "", kr_json_str(node, "group"), ":",
                          kr_json_str(node, "attributes.name"), value ? "=" : "", value ? value : "", NULL);
    }
    return out;
}

static void test_nodes_stand_in_the_order_that_clients_know(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(ORDERS); i++) {
        kr_ctx_t *k = context(env, env->realm);
        kr_flow_t *flow = flow_of(k, ORDERS[i].kind);

        make(k, flow, ORDERS[i].made);
        kr_nodes_sort(k, flow);
        assert_string_equal(shown(k, flow), ORDERS[i].shown);
        kr_nodes_sort(k, flow); /* every error sorts again */
        assert_string_equal(shown(k, flow), ORDERS[i].shown);
    }
}

/* -- making and finding --------------------------------------------------- */

static void test_a_node_has_the_attributes_that_were_described_and_no_others(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = flow_of(k, KR_FLOW_LOGIN);

    kr_node_add(k, flow, "default", &(kr_node_spec_t){ .name = "a", .type = "hidden" });
    kr_node_add(k, flow, "code",
                &(kr_node_spec_t){ .name = "b",
                                   .type = "text",
                                   .value = "",
                                   .required = 1,
                                   .autocomplete = "email",
                                   .pattern = "x+",
                                   .maxlength = 9,
                                   .label = 1070007 });
    assert_string_equal(kr_json_dump(k->pool, json_array_get(flow->nodes, 0), NULL),
                        "{\"type\":\"input\",\"group\":\"default\",\"attributes\":{\"name\":\"a\",\"type\":\"hidden\","
                        "\"disabled\":false,\"node_type\":\"input\"},\"messages\":[],\"meta\":{}}");
    assert_string_equal(kr_json_dump(k->pool, json_object_get(json_array_get(flow->nodes, 1), "attributes"), NULL),
                        "{\"name\":\"b\",\"type\":\"text\",\"value\":\"\",\"required\":true,\"autocomplete\":\"email\","
                        "\"pattern\":\"x+\",\"disabled\":false,\"maxlength\":9,\"node_type\":\"input\"}");
    assert_int_equal(json_integer_value(kr_json_at(json_array_get(flow->nodes, 1), "meta.label.id")), 1070007);
}

static void test_nodes_are_found_by_name_and_value(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = flow_of(k, KR_FLOW_LOGIN);

    make(k, flow, "code:method=code password:method=password default:identifier");
    assert_string_equal(kr_json_str(kr_node_find(flow, "method"), "attributes.value"), "code");
    assert_string_equal(kr_json_str(kr_node_find_value(flow, "method", "password"), "group"), "password");
    assert_null(kr_node_find_value(flow, "method", "totp"));
    assert_null(kr_node_find_value(flow, "identifier", "x"));
    kr_node_remove(flow, kr_node_find_value(flow, "method", "code"));
    kr_node_remove(flow, NULL);
    kr_node_set(NULL, "value", json_string("nobody"));
    assert_string_equal(shown(k, flow), "password:method=password default:identifier");
}

static void test_a_flow_without_nodes_shows_null(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    assert_true(json_is_null(kr_json_at(kr_flow_json(k, flow_of(k, KR_FLOW_LOGIN)), "ui.nodes")));
}

static void test_a_schema_makes_one_node_for_each_leaf_and_keeps_what_was_sent(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = flow_of(k, KR_FLOW_REGISTRATION);
    json_t *sent = kr_json_pack(k->pool, "{s:{s:[i], s:{s:{}}, s:i, s:s}}", "traits", "email", 1, "name", "first",
                                "age", 40, "unknown", "x");

    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "default", NULL);
    assert_string_equal(shown(k, flow), "default:traits.email default:traits.name.first default:traits.name.last "
                                        "default:traits.age default:traits.other_email");
    kr_nodes_fill(flow, kr_flow_schema(k, flow), sent);
    assert_int_equal(json_integer_value(kr_json_at(kr_node_find(flow, "traits.age"), "attributes.value")), 40);
    assert_null(kr_json_at(kr_node_find(flow, "traits.name.last"), "attributes.value"));
    kr_nodes_fill(flow, kr_flow_schema(k, flow), kr_json_pack(k->pool, "{s:s}", "traits", "no object"));
    kr_nodes_fill(flow, kr_flow_schema(k, flow), kr_json_pack(k->pool, "{}"));
}

/* -- violations ----------------------------------------------------------- */

static const struct { const char *keyword; const char *context; int id; } VIOLATIONS[] = {
    { "required", "{\"property\":\"email\"}", 4000002 },
    { "type", "{\"allowed_types\":[\"integer\"],\"actual_type\":\"string\"}", 4000026 },
    { "minLength", "{\"min_length\":3,\"actual_length\":1}", 4000003 },
    { "maxLength", "{\"max_length\":3,\"actual_length\":9}", 4000017 },
    { "pattern", "{\"pattern\":\"^a$\"}", 4000004 },
    { "format:email", "{\"value\":\"x\"}", 4000040 },
    { "format:email", "{\"value\":\"\"}", 4000001 }, /* an address that is empty is not called a wrong one */
    { "format:tel", "{\"value\":\"x\"}", 4000041 },
    { "format", "{\"value\":\"x\"}", 4000001 },
    { "minimum", "{\"minimum\":13,\"actual\":1}", 4000018 },
    { "exclusiveMinimum", "{\"minimum\":13,\"actual\":13}", 4000019 },
    { "maximum", "{\"maximum\":13,\"actual\":14}", 4000020 },
    { "exclusiveMaximum", "{\"maximum\":13,\"actual\":13}", 4000021 },
    { "multipleOf", "{\"base\":2,\"actual\":3}", 4000022 },
    { "maxItems", "{\"max_items\":2,\"actual_items\":3}", 4000023 },
    { "minItems", "{\"min_items\":2,\"actual_items\":1}", 4000024 },
    { "uniqueItems", "{\"index_a\":0,\"index_b\":1}", 4000025 },
    { "const", "{\"expected\":\"yes\"}", 4000029 },
    { "const", "{}", 4000030 },
    { "limit", "{}", 4000001 },
    { "additionalProperties", NULL, 4000001 },
};

static void test_each_keyword_has_its_message(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(VIOLATIONS); i++) {
        kr_ctx_t *k = context(env, env->realm);
        kr_flow_t *flow = flow_of(k, KR_FLOW_REGISTRATION);
        apr_array_header_t *list = apr_array_make(k->pool, 1, sizeof(kr_violation_t));
        const char *context = VIOLATIONS[i].context;
        json_t *message;

        APR_ARRAY_PUSH(list, kr_violation_t) = (kr_violation_t){
            .path = "traits.x", .keyword = VIOLATIONS[i].keyword, .reason = i % 2 ? "why" : NULL,
            .context = context ? kr_json_parse(k->pool, context, strlen(context), NULL) : NULL };
        kr_nodes_violations(k, flow, list);
        message = json_array_get(json_object_get(kr_node_find(flow, "traits.x"), "messages"), 0);
        assert_int_equal(json_integer_value(json_object_get(message, "id")), VIOLATIONS[i].id);
        assert_true(*kr_json_str(message, "text") != '\0');
    }
}

static const struct { const char *property, *said; } MISFITS[] = {
    { "\"pattern\":\"^[a-z]{3,9}$\",\"title\":\"Nickname\",\"description\":\"three to nine small letters\"",
      "This does not have the form that is asked for: three to nine small letters" },
    { "\"pattern\":\"^[a-z]{3,9}$\",\"title\":\"Nickname\"", "Nickname: this does not have the form that is asked for." },
    { "\"pattern\":\"^[a-z]{3,9}$\"", "This does not have the form that is asked for." },
    { "\"title\":\"Nickname\",\"allOf\":[{\"pattern\":\"^[a-z]{3,9}$\"}]", "Nickname: this does not have the form that is asked for." },
    { "\"title\":\"Nickname\",\"allOf\":[{\"pattern\":\"^[a-z]{3,9}$\",\"description\":\"small letters\"}]",
      "This does not have the form that is asked for: small letters" },
};

static void test_a_pattern_that_does_not_fit_is_explained_in_words(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(MISFITS); i++) {
        kr_flow_t *flow;
        kr_ctx_t *k;
        apr_array_header_t *violations;
        json_t *message;

        write_file(env, "person.json", apr_psprintf(env->pool, "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\","
                   "\"properties\":{\"nick\":{\"type\":\"string\",%s},\"more\":{\"type\":\"array\",\"items\":{\"type\":\"string\",%s}}}}}}",
                   MISFITS[i].property, MISFITS[i].property));
        change(env, "");
        k = context(env, env->realm);
        flow = flow_of(k, KR_FLOW_REGISTRATION);
        kr_validate(&violations, k->pool, kr_flow_schema(k, flow)->validator,
                    kr_json_pack(k->pool, "{s:{s:s, s:[s]}}", "traits", "nick", "A B", "more", "C D"));
        kr_nodes_violations(k, flow, violations);
        for (int j = 0; j < 2; j++) {
            message = json_array_get(json_object_get(kr_node_find(flow, j ? "traits.more.0" : "traits.nick"), "messages"), 0);
            assert_string_equal(kr_json_str(message, "text"), MISFITS[i].said);
            assert_int_equal(json_integer_value(json_object_get(message, "id")), 4000004);
            assert_string_equal(kr_json_dump(k->pool, json_object_get(message, "context"), NULL), "{\"pattern\":\"^[a-z]{3,9}$\"}");
        }
    }
}

static void test_a_message_without_a_node_gets_one_and_without_a_name_goes_to_the_flow(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = flow_of(k, KR_FLOW_REGISTRATION);

    kr_node_message(k, flow, "traits.shoe", 4000030, NULL);
    kr_node_message(k, flow, "traits.shoe", 4000001, json_pack("{s:s}", "reason", "again"));
    kr_node_message(k, flow, "", 4000001, json_pack("{s:s}", "reason", "all of it"));
    assert_string_equal(shown(k, flow), "default:traits.shoe");
    assert_int_equal(json_array_size(json_object_get(kr_node_find(flow, "traits.shoe"), "messages")), 2);
    assert_int_equal(json_array_size(flow->messages), 1);
    kr_flow_clear_messages(flow);
    assert_int_equal(json_array_size(json_object_get(kr_node_find(flow, "traits.shoe"), "messages")), 0);
    assert_int_equal(json_array_size(flow->messages), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nodes_stand_in_the_order_that_clients_know),
        TEST(test_a_node_has_the_attributes_that_were_described_and_no_others),
        TEST(test_nodes_are_found_by_name_and_value),
        TEST(test_a_flow_without_nodes_shows_null),
        TEST(test_a_schema_makes_one_node_for_each_leaf_and_keeps_what_was_sent),
        TEST(test_each_keyword_has_its_message),
        TEST(test_a_pattern_that_does_not_fit_is_explained_in_words),
        TEST(test_a_message_without_a_node_gets_one_and_without_a_name_goes_to_the_flow),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
