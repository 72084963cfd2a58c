/* SPDX-License-Identifier: Apache-2.0 */
/* Submitted bodies: what is read out of them, what is refused, and what odd ones do to the flows. */
#include "api_env.h"

#define MULTIPART "multipart/form-data; boundary=x"

/* -- reading -------------------------------------------------------------- */

static const struct { const char *type, *body, *json; } GOOD_BODIES[] = {
    { JSON, "{}", "{}" },
    { JSON, " {\"a\":\"1\"}\n", "{\"a\":\"1\"}" },
    { "application/json; charset=utf-8", "{\"a\":null}", "{\"a\":null}" },
    { "APPLICATION/JSON", "{}", "{}" },
    { FORM, "a=1&b=x+y%20z", "{\"a\":\"1\",\"b\":\"x y z\"}" },
    { FORM, "a=1&a=2&a=3", "{\"a\":[\"1\",\"2\",\"3\"]}" },
    { FORM, "=x&a", "{\"\":\"x\",\"a\":\"\"}" },
    { FORM "; charset=utf-8", "traits.email=a%40b", "{\"traits.email\":\"a@b\"}" },
    { FORM, "&&&", "{}" },
    { MULTIPART, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n", "{\"a\":\"1\"}" },
};

static const struct { const char *type, *body; } BAD_BODIES[] = {
    { JSON, "" },
    { FORM, "" },
    { NULL, "{}" },
    { "", "{}" },
    { "text/plain", "{}" },
    { "application/jsonx", "{}" },
    { "application/json-patch+json", "{}" },
    { JSON, "{" },
    { JSON, "[]" },
    { JSON, "null" },
    { JSON, "1" },
    { JSON, "\"text\"" },
    { JSON, "{}{}" },
    { JSON, "{\"a\":1,\"a\":2}" },
    { JSON, "{\"a\":\"\\u0000\"}" },
    { JSON, "{\"a\":\"\xff\"}" },
    { JSON, "{\"a\":\"\\ud800\"}" },
    { JSON, "{\"a\":1e999}" },
    { JSON, "{\"a\":01}" },
    { JSON, "{\"a\":-}" },
    { JSON, "{\"a\":+1}" },
    { JSON, "{\"a\":1 2}" },
    { JSON, "{\"a\":1x}" },
    { JSON, "{\"a\":1,}" },
    { JSON, "{\"a\":0x1}" },
    { JSON, "{1:1}" },
    { JSON, "{\"a\":[99999999999999999999]}" },
    { JSON, "{\"traits\":{\"a\":99999999999999999999}}" },
    { JSON, "a=1" },
    { FORM, "a=%zz" },
    { FORM, "a=%00" },
    { FORM, "a=%ff" },
    { "multipart/form-data", "--x\r\n" },
    { MULTIPART, "--x\r\n" },
    { MULTIPART, "--y--" },
};

static kr_err_t *decode(kr_body_t *out, env_t *env, const char *type, const char *body)
{
    return kr_body_read(out, carrying(native(env), "POST", "/self-service/login", type, body));
}

static void test_bodies_become_one_object(void **state)
{
    env_t *env = *state;
    kr_body_t body;

    for (int i = 0; i < KR_DIM(GOOD_BODIES); i++) {
        OK(decode(&body, env, GOOD_BODIES[i].type, GOOD_BODIES[i].body));
        assert_string_equal(kr_json_dump(env->pool, body.json, NULL), GOOD_BODIES[i].json);
        assert_int_equal(body.is_form, strncasecmp(GOOD_BODIES[i].type, JSON, 16) != 0);
    }
}

static void test_hostile_bodies_are_refused_with_a_reason(void **state)
{
    env_t *env = *state;
    const char *deep = "";
    kr_body_t body;
    kr_ctx_t *k;

    for (int i = 0; i < KR_DIM(BAD_BODIES); i++) {
        kr_err_t *err = decode(&body, env, BAD_BODIES[i].type, BAD_BODIES[i].body);

        if (!err || err->status != 400 || !err->reason) fail_msg("taken: %s", BAD_BODIES[i].body);
    }
    k = carrying(native(env), "POST", "/self-service/login", JSON, "{\"a\":1}");
    ((kr_request_t *)k->req)->body = "{\"a\":1}\0,";
    ((kr_request_t *)k->req)->body_len = 9;
    assert_int_equal(kr_body_read(&body, k)->status, 400);
    for (int i = 0; i < 40; i++) deep = apr_pstrcat(env->pool, "{\"a\":", deep, NULL);
    assert_int_equal(decode(&body, env, JSON, deep)->status, 400);
    deep = kr_random_alnum(env->pool, 4);
    for (int i = 0; i < 600; i++) deep = apr_psprintf(env->pool, "%s&a%d=", deep, i);
    assert_int_equal(decode(&body, env, FORM, deep)->status, 400);
}

static void test_a_reason_never_quotes_the_body(void **state)
{
    env_t *env = *state;
    kr_body_t body;

    assert_null(strstr(decode(&body, env, JSON, "{\"password\":\"hunter2")->reason, "hunter2"));
    assert_null(strstr(decode(&body, env, JSON, "{\"password\":hunter2}")->reason, "hunter2"));
    assert_null(strstr(decode(&body, env, FORM, "password=hunter2%zz")->reason, "hunter2"));
}

/* What a member of a JSON body is as a text; NULL: as if it were not there. */
static const struct { const char *json, *text; } TEXTS[] = {
    { "\"yes\"", "yes" },
    { "\"\"", "" },
    { "null", NULL },
    { "true", "true" },
    { "false", "false" },
    { "0", "0" },
    { "-0", "-0" },
    { "7300120045", "7300120045" },
    { "-7300120045", "-7300120045" },
    { "9223372036854775807", "9223372036854775807" },
    { "9223372036854775808", "9223372036854775808" },
    { "-99999999999999999999", "-99999999999999999999" },
    { "123456789012345678901234567890", "123456789012345678901234567890" },
    { " \n 12 \t", "12" },
    { "2.50", "2.5" },
    { "-2.50", "-2.5" },
    { "0.1", "0.1" },
    { "1.0", "1" },
    { "-0.0", "-0" },
    { "1e3", "1000" },
    { "1E+2", "100" },
    { "1.5e-7", "0.00000015" },
    { "123456.789", "123456.789" },
    { "0.30000000000000004", "0.30000000000000004" },
    { "1e21", "1000000000000000000000" },
    { "123456789012345678.5", "123456789012345680" },
};

static void test_numbers_and_booleans_are_texts(void **state)
{
    env_t *env = *state;
    kr_body_t body;

    for (int i = 0; i < KR_DIM(TEXTS); i++) {
        kr_err_t *err = decode(&body, env, JSON, apr_pstrcat(env->pool, "{\"x\":\"1\",\"a\":", TEXTS[i].json, ",\"y\":2}", NULL));

        if (err) fail_msg("%s: %s", TEXTS[i].json, err->reason);
        if (!TEXTS[i].text) assert_null(kr_body_str(&body, "a"));
        else assert_string_equal(kr_body_str(&body, "a"), TEXTS[i].text);
        assert_string_equal(kr_body_str(&body, "y"), "2");
    }
    OK(decode(&body, env, JSON, "{\"a\":5e-324,\"b\":-1.7976931348623157e308}"));
    assert_int_equal(strlen(kr_body_str(&body, "a")), 326);
    assert_string_equal(kr_body_str(&body, "a") + 320, "000005");
    assert_int_equal(strlen(kr_body_str(&body, "b")), 310);
}

static void test_what_only_looks_like_a_number_stays(void **state)
{
    env_t *env = *state;
    kr_body_t body;

    OK(decode(&body, env, JSON, "{\"a\":\"x\\\":1,\\\"y\\\\\",\"b\\\":\":12,\"c\":\"2\"}"));
    assert_string_equal(kr_body_str(&body, "a"), "x\":1,\"y\\");
    assert_string_equal(kr_body_str(&body, "b\":"), "12");
    assert_string_equal(kr_body_str(&body, "c"), "2");
}

static void test_traits_and_payload_keep_their_types(void **state)
{
    env_t *env = *state;
    kr_body_t body;

    OK(decode(&body, env, JSON, "{\"traits\":{\"a\":1,\"b\":true,\"c\":2.50,\"d\":[3]},\"traits.e\":4,\"traits.f\":false,"
                                "\"transient_payload\":{\"g\":5,\"h\":{\"i\":6}},\"code\":7}"));
    assert_string_equal(kr_json_dump(env->pool, body.json, NULL),
                        "{\"traits\":{\"a\":1,\"b\":true,\"c\":2.5,\"d\":[3]},\"traits.e\":4,\"traits.f\":false,"
                        "\"transient_payload\":{\"g\":5,\"h\":{\"i\":6}},\"code\":\"7\"}");
}

static void test_a_list_or_an_object_is_no_text(void **state)
{
    static const char *const fields[] = {
        "address", "code", "csrf_token", "email", "identifier", "lookup_secret", "method", "password", "password_identifier",
        "recovery_address", "recovery_confirm_address", "recovery_select_address", "resend", "screen", "token", "totp_code",
    };
    env_t *env = *state;
    kr_body_t body;

    for (int i = 0; i < KR_DIM(fields); i++)
        for (int list = 0; list < 2; list++) {
            kr_err_t *err = decode(&body, env, JSON, apr_psprintf(env->pool, "{\"%s\":%s}", fields[i], list ? "[\"x\"]" : "{}"));

            if (!err || err->status != 400) fail_msg("taken: %s", fields[i]);
            assert_non_null(strstr(err->reason, fields[i]));
        }
    OK(decode(&body, env, JSON, "{\"b\":[\"x\"],\"c\":{\"x\":\"y\"}}")); /* nobody asks for these */
    assert_null(kr_body_str(&body, "b"));
    assert_null(kr_body_str(&body, "c"));
    assert_null(kr_body_str(&body, "none"));
}

static void test_of_a_repeated_field_the_first_counts(void **state)
{
    kr_body_t body;

    OK(decode(&body, *state, FORM, "a=1&a=2"));
    assert_string_equal(kr_body_str(&body, "a"), "1");
}

/* -- odd bodies against whole flows --------------------------------------- */

/* JSON of wrong types everywhere: each is answered with the flow and a message, or with an envelope, never with a 5xx.
 */
static const char *const ODD_LOGINS[] = {
    "{}",
    "{\"method\":null}",
    "{\"method\":[\"password\"]}",
    "{\"method\":{\"password\":1}}",
    "{\"method\":\"\"}",
    "{\"method\":\"totp\"}",
    "{\"method\":\"password\"}",
    "{\"method\":\"password\",\"identifier\":1,\"password\":2}",
    "{\"method\":\"password\",\"identifier\":[],\"password\":{}}",
    "{\"method\":\"password\",\"identifier\":\"\",\"password\":\"\"}",
    "{\"method\":\"password\",\"identifier\":\" \",\"password\":\" \"}",
    "{\"method\":\"password\",\"identifier\":\"\\u200b\",\"password\":\"x\"}",
    "{\"method\":\"password\",\"identifier\":\"a\",\"password\":\"b\",\"transient_payload\":[]}",
    "{\"method\":\"password\",\"identifier\":\"a\",\"password\":\"b\",\"transient_payload\":\"x\"}",
    "{\"method\":\"password\",\"identifier\":\"a\",\"password\":\"b\",\"csrf_token\":{}}",
    "{\"method\":\"password\",\"password_identifier\":\"a\",\"password\":\"b\"}",
};

static const char *const ODD_REGISTRATIONS[] = {
    "{}",
    "{\"method\":7}",
    "{\"method\":\"password\"}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\"}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":null}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":[]}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":1}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":\"x\"}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":\"[]\"}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":null}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":1}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":{\"a\":[]}}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":\"a@example.org\",\"name\":\"x\"}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":\"a@example.org\",\"name\":[]}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":\"a@example.org\",\"age\":\"x\"}}",
    "{\"method\":\"password\",\"password\":\"" GOOD "\",\"traits\":{\"email\":\"a@example.org\",\"x\":{\"y.z\":1}}}",
    "{\"method\":\"password\",\"password\":\"" GOOD
    "\",\"traits.email\":{},\"traits.name.first\":[],\"traits.age\":{}}",
    "{\"method\":\"password\",\"password\":1,\"traits\":{\"email\":\"a@example.org\"}}",
    "{\"method\":\"password\",\"password\":[],\"traits\":{\"email\":\"a@example.org\"}}",
    "{\"method\":\"profile\",\"traits\":{\"email\":\"a@example.org\"}}",
    "{\"method\":\"profile:back\",\"screen\":1}",
    "{\"screen\":{},\"method\":\"profile\"}",
};

static void all_are_400(env_t *env, const char *kind, const char *const *bodies, int count)
{
    for (int i = 0; i < count; i++) {
        client_t *app = native(env);
        const char *to;
        kr_ctx_t *k;

        begin_flow(app, kind, "", &to);
        k = ask(app, "POST", to, JSON, bodies[i]);
        if (k->reply->status != 400) fail_msg("%s %s: %d %s", kind, bodies[i], k->reply->status, k->reply->body);
        k = get(app, apr_pstrcat(env->pool, "/self-service/", kind, "/flows?id=", strchr(to, '=') + 1, NULL));
        assert_status(k, 200); /* what was stored can be read again */
    }
}

static void test_odd_logins_are_answered_with_the_flow(void **state)
{
    env_t *env = *state;

    all_are_400(env, "login", ODD_LOGINS, KR_DIM(ODD_LOGINS));
    change(env, "selfservice: {flows: {login: {style: identifier_first}}}");
    all_are_400(env, "login", ODD_LOGINS, KR_DIM(ODD_LOGINS));
}

static void test_odd_registrations_are_answered_with_the_flow(void **state)
{
    env_t *env = *state;

    all_are_400(env, "registration", ODD_REGISTRATIONS, KR_DIM(ODD_REGISTRATIONS));
    change(env, "selfservice: {flows: {registration: {style: profile_first}}}");
    all_are_400(env, "registration", ODD_REGISTRATIONS, KR_DIM(ODD_REGISTRATIONS));
}

static const struct { const char *url; int status; } ODD_FLOWS[] = {
    { "/self-service/login", 400 },
    { "/self-service/login?flow=", 400 },
    { "/self-service/login?flow=x", 400 },
    { "/self-service/login?flow=" NIL, 404 },
    { "/self-service/login?flow=" NIL "&flow=" NIL, 404 },
    { "/self-service/registration?flow='%20OR%201=1", 400 },
    { "/self-service/registration?flow=" NIL, 404 },
};

static void test_flows_that_are_not_there_are_told_so(void **state)
{
    env_t *env = *state;
    const char *to;

    for (int i = 0; i < KR_DIM(ODD_FLOWS); i++)
        assert_status(ask(native(env), "POST", ODD_FLOWS[i].url, JSON, "{}"), ODD_FLOWS[i].status);
    assert_status(get(native(env), "/self-service/login/flows"), 404);
    assert_status(get(native(env), "/self-service/login/flows?id="), 404);
    assert_status(get(native(env), "/self-service/login/flows?id=x"), 404);
    begin_flow(native(env), "login", "", &to); /* a flow of another kind is none */
    assert_status(ask(native(env), "POST",
                      apr_pstrcat(env->pool, "/self-service/registration?", strstr(to, "flow="), NULL), JSON, "{}"),
                  404);
}

static void test_nodes_do_not_pile_up_when_a_step_is_sent_again(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    const char *to;
    size_t first = 0;

    change(env, "selfservice: {flows: {login: {style: identifier_first}}, methods: {password: {enabled: true}}}");
    app->realm = env->realm;
    signed_in_app(env, "ana@example.org");
    begin_flow(app, "login", "", &to);
    for (int i = 0; i < 5; i++) {
        kr_ctx_t *k =
            ask(app, "POST", to, JSON, "{\"method\":\"identifier_first\",\"identifier\":\"ana@example.org\"}");

        assert_status(k, 400);
        if (!i) first = json_array_size(kr_json_at(said(k), "ui.nodes"));
        assert_int_equal(json_array_size(kr_json_at(said(k), "ui.nodes")), first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies_become_one_object),
        TEST(test_hostile_bodies_are_refused_with_a_reason),
        TEST(test_a_reason_never_quotes_the_body),
        TEST(test_numbers_and_booleans_are_texts),
        TEST(test_what_only_looks_like_a_number_stays),
        TEST(test_traits_and_payload_keep_their_types),
        TEST(test_a_list_or_an_object_is_no_text),
        TEST(test_of_a_repeated_field_the_first_counts),
        TEST(test_odd_logins_are_answered_with_the_flow),
        TEST(test_odd_registrations_are_answered_with_the_flow),
        TEST(test_flows_that_are_not_there_are_told_so),
        TEST(test_nodes_do_not_pile_up_when_a_step_is_sent_again),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
