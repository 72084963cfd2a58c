/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: every id that clients know has words, of the right type, and the words take in what the context says. */
#include "api_env.h"

/* All ids that Kratos can emit, by type. */
static const int INFOS[] = {
    1010001, 1010002, 1010003, 1010004, 1010005, 1010006, 1010007, 1010008, 1010009, 1010010, 1010011, 1010012,
    1010013, 1010014, 1010015, 1010016, 1010017, 1010018, 1010019, 1010021, 1010022, 1010023, 1010024, 1010025,
    1040001, 1040002, 1040003, 1040004, 1040005, 1040006, 1040007, 1040008, 1040009, 1050002, 1050003,
    1050004, 1050005, 1050006, 1050007, 1050008, 1050009, 1050010, 1050011, 1050012, 1050013, 1050014, 1050015,
    1050016, 1050017, 1050018, 1050019, 1050020, 1050023, 1060002, 1060003, 1060004, 1060005, 1060006, 1060007,
    1070001, 1070002, 1070003, 1070004, 1070005, 1070006, 1070007, 1070008, 1070009, 1070010, 1070011, 1070012,
    1070013, 1070014, 1070015, 1070016, 1070017, 1070018, 1080001, 1080003, 1080004,
};

static const int SUCCESSES[] = {
    1050001, 1060001, 1080002, 1080005,
};

static const int ERRORS[] = {
    4000001, 4000002, 4000003, 4000004, 4000005, 4000006, 4000007, 4000008, 4000009, 4000010, 4000011, 4000012,
    4000013, 4000014, 4000015, 4000016, 4000017, 4000018, 4000019, 4000020, 4000021, 4000022, 4000023, 4000024,
    4000025, 4000026, 4000027, 4000028, 4000029, 4000030, 4000031, 4000032, 4000033, 4000034, 4000035, 4000036,
    4000037, 4000038, 4000039, 4000040, 4000041, 4000042, 4000043, 4000044, 4000045, 4000046, 4010001, 4010002,
    4010003, 4010004, 4010005, 4010006, 4010007, 4010008, 4010009, 4010010, 4010011, 4040001, 4040002, 4040003,
    4050001, 4050002, 4060001, 4060002, 4060004, 4060005, 4060006, 4070001, 4070002, 4070003, 4070005, 4070006,
    5000001, 5000002, 5000003,
};

static kr_ctx_t *k_of(void **state)
{
    return context(*state, ((env_t *)*state)->realm);
}

static void all_have_words(kr_ctx_t *k, const int *ids, int count, const char *type)
{
    for (int i = 0; i < count; i++) {
        /* those whose text is all context are given some; found by bisection, so this also fails when the table is not
         * sorted */
        json_t *m = kr_message(k, ids[i],
                               json_pack("{s:s, s:s, s:s, s:[s], s:s}", "reason", "r", "secret", "s", "title", "t",
                                         "secrets", "x", "provider", "p"));

        if (!*kr_json_str(m, "text")) fail_msg("%d has no words", ids[i]);
        if (strchr(kr_json_str(m, "text"), '{')) fail_msg("%d: %s", ids[i], kr_json_str(m, "text"));
        if (strcmp(kr_json_str(m, "type"), type) != 0) fail_msg("%d is of type %s", ids[i], kr_json_str(m, "type"));
        assert_int_equal(json_integer_value(json_object_get(m, "id")), ids[i]);
    }
}

static void test_every_id_that_clients_know_has_words_of_its_type(void **state)
{
    kr_ctx_t *k = k_of(state);

    all_have_words(k, INFOS, KR_DIM(INFOS), "info");
    all_have_words(k, SUCCESSES, KR_DIM(SUCCESSES), "success");
    all_have_words(k, ERRORS, KR_DIM(ERRORS), "error");
    assert_int_equal(KR_DIM(INFOS) + KR_DIM(SUCCESSES) + KR_DIM(ERRORS), 159);
}

/* -- what the context says ------------------------------------------------ */

static const struct { int id; const char *context, *text;
} FILLED[] = {
    { 4000001, "{\"reason\":\"because\"}", "because" },
    { 4000001, "{\"reason\":\"{reason} {secret}\"}", "{reason} {secret}" }, /* what was filled in is not read again */
    { 4000001, "{}", "" },
    { 4000001, NULL, "" },
    { 4000002, "{\"property\":\"email\"}", "Please fill in this field: email." },
    { 4000003, "{\"min_length\":3,\"actual_length\":1}", "Too short: at least 3 characters, got 1." },
    { 4000018, "{\"minimum\":13,\"actual\":12.5}", "Must be 13 or more, got 12.5." },
    { 4000018, "{\"minimum\":null,\"actual\":true}", "Must be null or more, got true." },
    { 4000026, "{\"actual_type\":\"string\",\"allowed_types\":[\"integer\",\"null\"]}",
      "This is a string, but must be integer, null." },
    { 1050015, "{\"secrets\":[\"a\",{\"id\":1},\"b\"]}", "a, , b" },
    { 1070002, "{\"title\":\"<b>\",\"name\":\"x\"}", "<b>" },
};

static void test_words_take_in_what_the_context_says(void **state)
{
    kr_ctx_t *k = k_of(state);

    for (int i = 0; i < KR_DIM(FILLED); i++) {
        const char *text = FILLED[i].context;
        json_t *context = text ? json_loads(text, 0, NULL) : NULL;
        json_t *m = kr_message(k, FILLED[i].id, context);

        assert_string_equal(kr_json_str(m, "text"), FILLED[i].text);
        assert_ptr_equal(json_object_get(m, "context"), context);
    }
}

static void test_an_id_that_nobody_knows_is_an_error_without_words(void **state)
{
    json_t *m = kr_message(k_of(state), 4999999, NULL);

    assert_string_equal(kr_json_str(m, "text"), "");
    assert_string_equal(kr_json_str(m, "type"), "error");
}

static void test_a_reason_becomes_a_message_of_the_flow(void **state)
{
    kr_ctx_t *k = k_of(state);
    kr_flow_t *flow = kr_flow_make(k, KR_FLOW_LOGIN, 1, BASE);

    kr_flow_reason(k, flow, "this");
    kr_flow_reason(k, flow, NULL);
    assert_string_equal(kr_json_str(json_array_get(flow->messages, 0), "context.reason"), "this");
    assert_true(*kr_json_str(json_array_get(flow->messages, 1), "text") != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_id_that_clients_know_has_words_of_its_type),
        TEST(test_words_take_in_what_the_context_says),
        TEST(test_an_id_that_nobody_knows_is_an_error_without_words),
        TEST(test_a_reason_becomes_a_message_of_the_flow),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
