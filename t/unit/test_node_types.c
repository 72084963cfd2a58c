/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of every type: the attributes of each in the order of clients' documentation, and what was recorded of Kratos. */
#include "api_env.h"

#define GOLDEN "t/conformance/golden/"

static const char QR[] = "data:image/png;base64,<data>";

static const kr_node_spec_t PICTURE = { .node = KR_NODE_IMG, .name = "totp_qr", .src = QR, .width = 256, .height = 256, .label = 1050005 };
static const kr_node_spec_t CODE = { .name = "totp_code", .type = "text", .required = 1, .label = 1070006 };
static const kr_node_spec_t ON = { .node = KR_NODE_A, .name = "continue", .href = "http://127.0.0.1:15455/", .text = 1070009, .label = 1070009 };
static const kr_node_spec_t SCRIPT = { .node = KR_NODE_SCRIPT, .name = "webauthn_script", .src = "<public>/.well-known/ory/webauthn.js",
                                       .async = 1, .referrerpolicy = "no-referrer", .crossorigin = "anonymous", .integrity = "<opaque>",
                                       .type = "text/javascript", .nonce = "<nonce:1>" };
static const kr_node_spec_t PASSKEY = { .name = "passkey_login_trigger", .type = "button", .value = "", .onclick = "oryPasskeyLogin",
                                        .label = 1010021 };
static const kr_node_spec_t PASSKEY_FIELD = { .name = "passkey_login", .type = "hidden", .onload = "oryPasskeyLoginAutocompleteInit" };
static const kr_node_spec_t KEY = { .name = "webauthn_login_trigger", .type = "button", .value = "{\"publicKey\":{}}",
                                    .onclick = "oryWebAuthnLogin" };
static const kr_node_spec_t LAST_KEY = { .name = "webauthn_remove", .type = "submit", .value = "0af1", .disabled = 1 };

static json_t *made(kr_ctx_t *k, int api, const char *group, const kr_node_spec_t *spec)
{
    return kr_node_add(k, kr_flow_make(k, KR_FLOW_LOGIN, api, BASE "/self-service/login/browser"), group, spec);
}

static const char *attributes_of(kr_ctx_t *k, int api, const kr_node_spec_t *spec)
{
    return kr_json_dump(k->pool, json_object_get(made(k, api, "x", spec), "attributes"), NULL);
}

/* -- which attributes, in which order -------------------------------------- */

static const struct { const kr_node_spec_t *spec; int api; const char *attributes; } SHAPES[] = {
    { &PICTURE, 0, "{\"src\":\"data:image/png;base64,\\u003cdata\\u003e\",\"id\":\"totp_qr\",\"width\":256,\"height\":256,\"node_type\":\"img\"}" },
    { &SCRIPT, 0,
      "{\"src\":\"\\u003cpublic\\u003e/.well-known/ory/webauthn.js\",\"async\":true,\"referrerpolicy\":\"no-referrer\",\"crossorigin\":\"anonymous\","
      "\"integrity\":\"\\u003copaque\\u003e\",\"type\":\"text/javascript\",\"id\":\"webauthn_script\",\"nonce\":\"\\u003cnonce:1\\u003e\",\"node_type\":\"script\"}" },
    { &ON, 0,
      "{\"href\":\"http://127.0.0.1:15455/\",\"title\":{\"id\":1070009,\"text\":\"Continue\",\"type\":\"info\"},\"id\":\"continue\","
      "\"node_type\":\"a\"}" },
    { &CODE, 0, "{\"name\":\"totp_code\",\"type\":\"text\",\"required\":true,\"disabled\":false,\"node_type\":\"input\"}" },
    { &PASSKEY, 0,
      "{\"name\":\"passkey_login_trigger\",\"type\":\"button\",\"value\":\"\",\"disabled\":false,\"onclick\":\"window.oryPasskeyLogin()\","
      "\"onclickTrigger\":\"oryPasskeyLogin\",\"node_type\":\"input\"}" },
    { &PASSKEY, 1, /* an app has no script to call */
      "{\"name\":\"passkey_login_trigger\",\"type\":\"button\",\"value\":\"\",\"disabled\":false,\"onclickTrigger\":\"oryPasskeyLogin\","
      "\"node_type\":\"input\"}" },
    { &PASSKEY_FIELD, 0,
      "{\"name\":\"passkey_login\",\"type\":\"hidden\",\"disabled\":false,\"onload\":\"window.oryPasskeyLoginAutocompleteInit()\","
      "\"onloadTrigger\":\"oryPasskeyLoginAutocompleteInit\",\"node_type\":\"input\"}" },
    { &KEY, 0, /* what it is called with is the value */
      "{\"name\":\"webauthn_login_trigger\",\"type\":\"button\",\"value\":\"{\\\"publicKey\\\":{}}\",\"disabled\":false,"
      "\"onclick\":\"window.oryWebAuthnLogin({\\\"publicKey\\\":{}})\",\"onclickTrigger\":\"oryWebAuthnLogin\",\"node_type\":\"input\"}" },
    { &LAST_KEY, 0, "{\"name\":\"webauthn_remove\",\"type\":\"submit\",\"value\":\"0af1\",\"disabled\":true,\"node_type\":\"input\"}" },
    { &(kr_node_spec_t){ .node = KR_NODE_IMG, .name = "empty" }, 0, "{\"src\":\"\",\"id\":\"empty\",\"width\":0,\"height\":0,\"node_type\":\"img\"}" },
    { &(kr_node_spec_t){ .node = KR_NODE_SCRIPT, .name = "empty" }, 0,
      "{\"src\":\"\",\"async\":false,\"referrerpolicy\":\"\",\"crossorigin\":\"\",\"integrity\":\"\",\"type\":\"\",\"id\":\"empty\","
      "\"nonce\":\"\",\"node_type\":\"script\"}" },
};

static void test_each_type_has_its_attributes_in_order(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    for (int i = 0; i < KR_DIM(SHAPES); i++) assert_string_equal(attributes_of(k, SHAPES[i].api, SHAPES[i].spec), SHAPES[i].attributes);
}

static void test_a_value_may_be_of_any_type_and_options_come_last(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    json_t *options = kr_json_pack(k->pool, "[{s:s}, {s:s}]", "value", "free", "value", "pro");
    const kr_node_spec_t spec = { .name = "traits.plan", .type = "text", .held = kr_json_own(k->pool, json_false()), .options = options };
    json_t *node = made(k, 0, "profile", &spec);

    json_array_clear(options); /* a schema's own list is no part of the flow */
    assert_string_equal(kr_json_dump(k->pool, json_object_get(node, "attributes"), NULL),
                        "{\"name\":\"traits.plan\",\"type\":\"text\",\"value\":false,\"disabled\":false,"
                        "\"options\":[{\"value\":\"free\"},{\"value\":\"pro\"}],\"node_type\":\"input\"}");
}

static void test_a_schema_s_value_and_choices_stand_where_they_belong(void **state)
{
    env_t *env = *state;
    kr_flow_t *flow;
    kr_ctx_t *k;

    write_file(env, "person.json", "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
                                   "\"plan\":{\"type\":\"string\",\"enum\":[\"free\",\"pro\"]}}}}}");
    change(env, "");
    k = context(env, env->realm);
    flow = kr_flow_make(k, KR_FLOW_SETTINGS, 0, BASE);
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "profile", kr_json_pack(k->pool, "{s:{s:s}}", "traits", "plan", "pro"));
    kr_nodes_schema(k, flow, kr_flow_schema(k, flow), "profile", NULL); /* what is there already stays as it is */
    assert_int_equal(json_array_size(flow->nodes), 1);
    assert_string_equal(kr_json_dump(k->pool, json_object_get(json_array_get(flow->nodes, 0), "attributes"), NULL),
                        "{\"name\":\"traits.plan\",\"type\":\"text\",\"value\":\"pro\",\"disabled\":false,"
                        "\"options\":[{\"value\":\"free\"},{\"value\":\"pro\"}],\"node_type\":\"input\"}");
}

/* -- as it was recorded ---------------------------------------------------- */

/* Words are ours. In place: every text of a message. */
static void blank(json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(value) && json_object_get(value, "id") && json_is_string(json_object_get(value, "text")))
        json_object_set_new(value, "text", json_string("<text>"));
    if (json_is_object(value)) json_object_foreach(value, key, child) blank(child);
    json_array_foreach(value, i, child) blank(child);
}

static json_t *node_in(json_t *value, const char *attribute, const char *id)
{
    json_t *child, *found = NULL;
    const char *key, *is = kr_json_str(json_object_get(value, "attributes"), attribute);
    size_t i;

    if (is && strcmp(is, id) == 0) return value;
    json_object_foreach(value, key, child)
        if (!found) found = node_in(child, attribute, id);
    json_array_foreach(value, i, child)
        if (!found) found = node_in(child, attribute, id);
    return found;
}

static void assert_recorded(kr_ctx_t *k, const char *file, int api, const char *group, const kr_node_spec_t *spec)
{
    json_t *golden = json_load_file(apr_pstrcat(k->pool, GOLDEN, file, NULL), 0, NULL);
    json_t *ours = kr_json_own(k->pool, json_deep_copy(made(k, api, group, spec))), *theirs;

    if (!golden) fail_msg("%s: run this from the root of the repository", file);
    theirs = node_in(kr_json_own(k->pool, golden), spec->node == KR_NODE_INPUT ? "name" : "id", spec->name);
    if (!theirs) fail_msg("%s has no node %s", file, spec->name);
    blank(ours);
    if (!json_equal(ours, theirs)) fail_msg("%s\nis not\n%s", kr_json_dump(k->pool, ours, NULL), kr_json_dump(k->pool, theirs, NULL));
}

static const struct { const char *file; int api; const char *group; const kr_node_spec_t *spec; } RECORDED[] = {
    { "totp/totp_enrol__browser.json", 0, "totp", &PICTURE },
    { "totp/totp_enrol__browser.json", 0, "totp", &CODE },
    { "totp/totp_enrol__native.json", 1, "totp", &PICTURE },
    { "webauthn/key_enrol__browser.json", 0, "webauthn", &SCRIPT },
    { "passkey/passkey_login__browser.json", 0, "passkey", &PASSKEY },
    { "passkey/passkey_login__native.json", 1, "passkey", &PASSKEY },
    { "passkey/passkey_login__browser.json", 0, "passkey", &PASSKEY_FIELD },
    { "passkey/passkey_login__native.json", 1, "passkey", &PASSKEY_FIELD },
    { "password/verification_code__browser.json", 0, "code", &ON },
};

static void test_nodes_are_as_they_were_recorded(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    for (int i = 0; i < KR_DIM(RECORDED); i++)
        assert_recorded(k, RECORDED[i].file, RECORDED[i].api, RECORDED[i].group, RECORDED[i].spec);
}

static void test_texts_to_keep_are_as_they_were_recorded(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    json_t *codes = json_array();
    kr_node_spec_t secret = { .node = KR_NODE_TEXT, .name = "totp_secret_key", .text = 1050006,
                              .text_context = json_pack("{s:s}", "secret", "<totp_secret:1>"), .label = 1050017 };
    kr_node_spec_t backup = { .node = KR_NODE_TEXT, .name = "lookup_secret_codes", .text = 1050015, .label = 1050010 };

    assert_recorded(k, "totp/totp_enrol__browser.json", 0, "totp", &secret);
    for (int i = 1; i <= 12; i++)
        json_array_append(codes, kr_message(k, 1050009, json_pack("{s:o}", "secret", json_sprintf("<lookup_secret:%d>", i))));
    backup.text_context = json_pack("{s:o}", "secrets", codes);
    assert_recorded(k, "lookup/lookup_enrol__browser.json", 0, "lookup_secret", &backup);
}

/* -- finding --------------------------------------------------------------- */

static void test_an_input_is_found_by_its_name_and_all_else_by_its_id(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_SETTINGS, 0, BASE);
    json_t *picture = kr_node_add(k, flow, "totp", &PICTURE), *script = kr_node_add(k, flow, "webauthn", &SCRIPT);

    assert_ptr_equal(kr_node_find(flow, "totp_qr"), picture);
    assert_ptr_equal(kr_node_find(flow, "webauthn_script"), script);
    kr_node_set(script, "name", json_string("totp_code")); /* which is no attribute of a script */
    assert_null(kr_node_find(flow, "totp_code"));
    assert_string_equal(kr_json_str(kr_node_find(flow, "webauthn_script"), "type"), "script");
}

static void test_a_node_takes_the_place_of_the_one_before_it(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_SETTINGS, 0, BASE);
    const kr_node_spec_t other = { .node = KR_NODE_IMG, .name = "totp_qr", .src = "/qr.png", .width = 9, .height = 9 };

    kr_node_add(k, flow, "totp", &PICTURE);
    kr_node_add(k, flow, "totp", &CODE);
    kr_node_put(k, flow, "totp", &other);
    assert_int_equal(json_array_size(flow->nodes), 2);
    assert_string_equal(kr_json_str(json_array_get(flow->nodes, 0), "attributes.src"), "/qr.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_type_has_its_attributes_in_order),
        TEST(test_a_value_may_be_of_any_type_and_options_come_last),
        TEST(test_a_schema_s_value_and_choices_stand_where_they_belong),
        TEST(test_nodes_are_as_they_were_recorded),
        TEST(test_texts_to_keep_are_as_they_were_recorded),
        TEST(test_an_input_is_found_by_its_name_and_all_else_by_its_id),
        TEST(test_a_node_takes_the_place_of_the_one_before_it),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
