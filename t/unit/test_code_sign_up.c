/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-up by one-time code: what the codes are sent for, and what may be changed until they come back. */
#include "code_env.h"

/* -- signing up ----------------------------------------------------------- */

static void test_a_mailed_code_signs_up_and_verifies_the_address(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k = submit(app, to, flow, sign_up_body(ANA, "Ana", NULL));
    json_t *addresses;

    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 1040005);
    assert_int_equal(count_of(env, &IDENTITIES), 0);
    code = registration_code(env, ANA);
    k = submit(app, to, flow, sign_up_body(ANA, "Ana", wrong(env, code)));
    assert_int_equal(message_at(said(k), NULL), 4040003);
    k = submit(app, to, flow, sign_up_body(ANA, "Ana", code));
    assert_status(k, 200);
    assert_true(*word(k, "session_token"));
    addresses = kr_json_at(said(k), "identity.verifiable_addresses");
    assert_string_equal(kr_json_str(json_array_get(addresses, 0), "status"), "completed");
    assert_int_equal(count_of(env, &VERIFIED), 1);
    assert_int_equal(count_of(env, &MAILS), 1); /* nobody is asked to verify it once more */
    k = submit(app, to, flow, sign_up_body(ANA, "Ana", code));
    assert_status(k, 400);
    assert_int_equal(count_of(env, &IDENTITIES), 1);
}

/* Every field of the form as a browser sends it: hidden ones without a value are empty. */
static const char *all_fields(client_t *c, const json_t *flow, const char *code)
{
    apr_pool_t *pool = c->env->pool;
    const char *out = "method=code";
    size_t i;
    json_t *node;

    json_array_foreach(kr_json_at(flow, "ui.nodes"), i, node)
    {
        const char *name = kr_json_str(node, "attributes.name");
        const json_t *value = kr_json_at(node, "attributes.value");

        if (strcmp(kr_json_str(node, "attributes.type"), "hidden") != 0 || strcmp(name, "method") == 0) continue;
        out = apr_pstrcat(pool, out, "&", name, "=",
                          !value ? "" : json_is_string(value) ? kr_url_escape(pool, json_string_value(value))
                                                              : kr_json_dump(pool, value, NULL), NULL);
    }
    return apr_pstrcat(pool, out, "&code=", code, NULL);
}

static void test_a_form_whose_optional_fields_stay_empty_can_be_sent_on_as_it_is(void **state)
{
    static const char *const FIRST[] = { "&traits.name=&traits.age=", "&traits.name=Ana&traits.age=30&traits.news=true",
                                         "&traits.news=false&traits.news=true&traits.job.title=", "&traits.news=false" };
    env_t *env = with(state, WITH_CODE);

    for (int i = 0; i < KR_DIM(FIRST); i++) {
        client_t *ana = spa(env);
        const char *to, *email = apr_psprintf(env->pool, "ana%d@example.org", i);
        json_t *flow = begin_flow(ana, "registration", "", &to);
        const char *first = apr_pstrcat(env->pool, "method=code&csrf_token=",
                                        kr_url_escape(env->pool, value_of(flow, "csrf_token")), "&traits.email=", email,
                                        FIRST[i], NULL);
        kr_ctx_t *k = ask(ana, "POST", to, FORM, first);

        assert_int_equal(message_at(said(k), NULL), 1040005);
        k = ask(ana, "POST", to, FORM, all_fields(ana, said(k), registration_code(env, email)));
        assert_status(k, 200);
    }
}

static void test_of_two_new_addresses_each_gets_a_code_of_its_own(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *first, *second;
    json_t *flow = begin_flow(app, "registration", "", &to);
    json_t *body = sign_up_body(ANA, NULL, NULL);

    kr_json_set_at(body, "traits.second", json_string("two@example.org"));
    submit(app, to, flow, json_incref(body));
    first = registration_code(env, ANA);
    second = registration_code(env, "two@example.org");
    assert_string_not_equal(first, second);
    json_object_set_new(body, "code", json_string(second));
    assert_status(submit(app, to, flow, body), 200);
    assert_int_equal(count_of(env, &VERIFIED), 1);
}

static void test_only_the_traits_that_the_code_was_sent_for_are_taken(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    submit(app, to, flow, sign_up_body(ANA, "Ana", NULL));
    code = registration_code(env, ANA);
    for (int i = 0; i < 2; i++) { /* also when it is tried again */
        k = submit(app, to, flow, sign_up_body("victim@example.org", "Ana", code));
        assert_status(k, 400);
        assert_int_equal(message_at(said(k), NULL), 4000036);
        assert_string_equal(value_of(said(k), "traits.email"), ANA);
    }
    k = submit(app, to, flow, sign_up_body(ANA, NULL, code));
    assert_int_equal(message_at(said(k), NULL), 4000036);
    assert_int_equal(count_of(env, &IDENTITIES), 0);
    k = submit(app, to, flow, sign_up_body(ANA, "Ana", code));
    assert_status(k, 200);
    assert_string_equal(word(k, "identity.traits.email"), ANA);
}

static void test_signing_up_is_locked_after_five_tries(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    json_t *flow = begin_flow(app, "registration", "", &to);

    submit(app, to, flow, sign_up_body(ANA, NULL, NULL));
    code = registration_code(env, ANA);
    for (int i = 0; i < 5; i++) submit(app, to, flow, sign_up_body(ANA, NULL, wrong(env, code)));
    assert_int_equal(message_at(said(submit(app, to, flow, sign_up_body(ANA, NULL, code))), NULL), 4000001);
    assert_int_equal(count_of(env, &IDENTITIES), 0);
}

static void test_bad_traits_and_a_missing_code_are_said_before_anything_is_sent(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k = submit(app, to, flow, sign_up_body("no address", NULL, NULL));

    assert_int_equal(message_at(said(k), "traits.email"), 4000040);
    assert_int_equal(count_of(env, &MAILS), 0);
    submit(app, to, flow, sign_up_body(ANA, NULL, NULL));
    k = submit(app, to, flow, sign_up_body(ANA, NULL, ""));
    assert_int_equal(message_at(said(k), "code"), 4000002);
}

static void test_a_taken_address_is_told_only_to_who_can_read_its_mail(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    account(env, ANA);
    change_rows(env, &UNVERIFY);
    k = submit(app, to, flow, sign_up_body(ANA, NULL, NULL));
    assert_int_equal(message_at(said(k), NULL), 1040005);
    k = submit(app, to, flow, sign_up_body(ANA, NULL, registration_code(env, ANA)));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000007);
    assert_int_equal(count_of(env, &IDENTITIES), 1);
    assert_int_equal(count_of(env, &VERIFIED), 0);
}

static void test_from_the_code_one_may_go_back_to_another_way_and_to_the_profile(void **state)
{
    env_t *env = with(state, TWO_SCREENS);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k = submit(app, to, flow, sign_up_body(ANA, NULL, NULL));
    json_t *body = sign_up_body(ANA, NULL, NULL);

    assert_string_equal(value_of(said(k), "screen"), "credential-selection");
    json_object_set_new(body, "screen", json_string("credential-selection")); /* the form names the method, too */
    k = submit(app, to, flow, body);
    assert_int_equal(message_at(said(k), NULL), 1040009);
    assert_string_equal(word(k, "state"), "choose_method");
    assert_non_null(node_of(said(k), "password"));
    assert_null(node_of(said(k), "code"));
    body = sign_up_body(ANA, NULL, NULL);
    json_object_set_new(body, "screen", json_string("previous"));
    k = submit(app, to, flow, body);
    assert_string_equal(value_of(said(k), "method"), "profile");
    assert_string_equal(kr_json_str(node_of(said(k), "traits.email"), "attributes.type"), "email");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_mailed_code_signs_up_and_verifies_the_address),
        TEST(test_a_form_whose_optional_fields_stay_empty_can_be_sent_on_as_it_is),
        TEST(test_of_two_new_addresses_each_gets_a_code_of_its_own),
        TEST(test_only_the_traits_that_the_code_was_sent_for_are_taken),
        TEST(test_signing_up_is_locked_after_five_tries),
        TEST(test_bad_traits_and_a_missing_code_are_said_before_anything_is_sent),
        TEST(test_a_taken_address_is_told_only_to_who_can_read_its_mail),
        TEST(test_from_the_code_one_may_go_back_to_another_way_and_to_the_profile),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
