/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery where people choose among their addresses: the steps, what each of them wants, and what nobody learns. */
#include "mail_env.h"

#define PHONE "+4915112345678"
#define CHOOSING                                                                                                       \
    "{selfservice: {methods: {code: {enabled: true}}, flows: {recovery: {enabled: true}}}, "                           \
    "feature_flags: {use_continue_with_transitions: true, choose_recovery_address: true}}"

static json_t *named(const char *field, const char *value)
{
    return json_pack("{s:s, s:s}", "method", "code", field, value);
}

/* Ana with her phone, and the first step of her recovery. */
static const char *choose(client_t *c, json_t **flow, kr_ctx_t **k)
{
    client_t *app = native(c->env);
    const char *to;

    *flow = begin_flow(app, "registration", "", &to);
    assert_status(submit(app, to, *flow,
                         json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD, "traits",
                                   "email", ANA, "phone", PHONE)),
                  200);
    *flow = begin_flow(c, "recovery", "", &to);
    assert_string_equal(kr_json_str(*flow, "state"), "recovery_awaiting_address");
    *k = submit(c, to, *flow, named("recovery_address", ANA));
    assert_status(*k, 200);
    return to;
}

static void test_people_choose_an_address_and_name_it_in_full(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    json_t *flow;
    kr_ctx_t *k;
    int messages;

    use(env, CHOOSING);
    app = native(env);
    to = choose(app, &flow, &k);
    messages = count_of(env, &MAILS);
    assert_string_equal(word(k, "state"), "recovery_awaiting_address_choice");
    assert_null(strstr(k->reply->body, PHONE));
    assert_non_null(strstr(k->reply->body, "+49****78"));
    k = submit(app, to, flow, named("recovery_select_address", value_of(said(k), "recovery_select_address")));
    assert_status(k, 200); /* a sign before letters: the phone is the first in the list */
    assert_string_equal(word(k, "state"), "recovery_confirming_address");
    assert_null(strstr(k->reply->body, PHONE));
    assert_int_equal(count_of(env, &MAILS), messages);
    k = submit(app, to, flow, named("recovery_confirm_address", PHONE));
    assert_status(k, 200);
    assert_int_equal(count_of(env, &MAILS), messages + 1);
    k = submit(app, to, flow, with_code(mailed(env, "recovery_code")));
    assert_string_equal(word(k, "state"), "passed_challenge");
}

static void test_a_choice_of_a_strange_address_sends_nothing(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    json_t *flow;
    kr_ctx_t *k;
    int messages;

    use(env, CHOOSING);
    app = native(env);
    to = choose(app, &flow, &k);
    messages = count_of(env, &MAILS);
    k = submit(app, to, flow, named("recovery_select_address", "c3RyYW5nZXI="));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
    assert_string_equal(word(k, "state"), "recovery_awaiting_address_choice");
    k = submit(app, to, flow, named("screen", "previous"));
    assert_string_equal(word(k, "state"), "recovery_awaiting_address_choice");
    assert_int_equal(count_of(env, &MAILS), messages);
}

/* What misses is said on the first node of the state's own field, and `method` says nothing. */
static void must_miss(client_t *c, const char *to, const json_t *flow, const char *state, const char *field)
{
    static const char *const methods[] = { NULL, "", "link", "pigeon", "code" };

    for (int i = 0; i < KR_DIM(methods); i++) {
        kr_ctx_t *k = submit(c, to, flow, json_pack("{s:s?, s:s, s:s}", "method", methods[i], "email", ANA, field, ""));

        assert_status(k, 400);
        assert_string_equal(word(k, "state"), state);
        assert_string_equal(word(k, "active"), "code");
        assert_int_equal(message_at(said(k), NULL), 0);
        assert_int_equal(message_at(said(k), field), 4000002);
    }
}

static void test_each_step_of_a_choice_says_what_misses_and_needs_no_method(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to, *phone;
    json_t *flow;
    kr_ctx_t *k;
    int messages;

    use(env, CHOOSING);
    app = native(env);
    to = choose(app, &flow, &k);
    phone = value_of(said(k), "recovery_select_address");
    messages = count_of(env, &MAILS);
    must_miss(app, to, flow, "recovery_awaiting_address_choice", "recovery_select_address");
    k = submit(app, to, flow, json_pack("{s:s, s:s}", "method", "link", "recovery_select_address", phone));
    assert_string_equal(word(k, "state"), "recovery_confirming_address");
    must_miss(app, to, flow, "recovery_confirming_address", "recovery_confirm_address");
    assert_string_equal(word(submit(app, to, flow, json_pack("{s:s}", "screen", "previous")), "state"), "recovery_awaiting_address_choice");
    assert_status(submit(app, to, flow, json_pack("{s:s}", "recovery_select_address", phone)), 200);
    assert_int_equal(count_of(env, &MAILS), messages);
    assert_string_equal(word(submit(app, to, flow, json_pack("{s:s}", "recovery_confirm_address", PHONE)), "state"), "recovery_awaiting_code");
    must_miss(app, to, flow, "recovery_awaiting_code", "recovery_confirm_address");
    assert_string_equal(word(submit(app, to, flow, json_pack("{s:s}", "recovery_confirm_address", PHONE)), "state"), "recovery_awaiting_code");
    assert_int_equal(count_of(env, &MAILS), messages + 2);
    k = submit(app, to, flow, json_pack("{s:s}", "code", mailed(env, "recovery_code")));
    assert_string_equal(word(k, "state"), "passed_challenge");
}

static void test_an_unknown_address_has_no_choice_and_gets_no_code(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    use(env, CHOOSING);
    app = native(env);
    flow = begin_flow(app, "recovery", "", &to);
    k = submit(app, to, flow, named("recovery_address", "nobody@example.org"));
    assert_string_equal(word(k, "state"), "recovery_awaiting_code");
    assert_int_equal(count_of(env, &MAILS), 0);
    assert_int_equal(message_at(said(submit(app, to, flow, with_code("123456"))), NULL), 4060006);
    assert_status(submit(app, to, flow, named("screen", "previous")), 200);
    assert_status(submit(app, to, flow, named("recovery_address", "no address")), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_people_choose_an_address_and_name_it_in_full),
        TEST(test_a_choice_of_a_strange_address_sends_nothing),
        TEST(test_each_step_of_a_choice_says_what_misses_and_needs_no_method),
        TEST(test_an_unknown_address_has_no_choice_and_gets_no_code),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
