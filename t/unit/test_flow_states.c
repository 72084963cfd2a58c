/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of states: what the recordings show may happen does, and nothing that leads nowhere. */
#include "test.h"

#include "kr_flow_state.h"

static int has(kr_flow_kind_e kind, kr_state_e state)
{
    kr_state_e found = KR_STATES;

    return kr_state_parse(&found, kind, kr_state_name(state)) && found == state;
}

static void test_each_state_is_known_by_its_name_where_its_kind_has_it(void **test)
{
    kr_state_e state = KR_STATES;

    (void)test;
    assert_true(has(KR_FLOW_LOGIN, KR_STATE_CHOOSE_METHOD));
    assert_true(has(KR_FLOW_SETTINGS, KR_STATE_SHOW_FORM));
    assert_true(has(KR_FLOW_RECOVERY, KR_STATE_RECOVERY_CODE));
    assert_false(has(KR_FLOW_SETTINGS, KR_STATE_SENT_EMAIL));
    assert_false(has(KR_FLOW_LOGIN, KR_STATE_SUCCESS));
    assert_false(has(KR_FLOW_VERIFICATION, KR_STATE_RECOVERY_ADDRESS));
    assert_false(kr_state_parse(&state, KR_FLOW_LOGIN, "of_a_newer_version"));
    assert_false(kr_state_parse(&state, KR_FLOW_LOGIN, NULL));
    assert_int_equal(state, KR_STATES);
}

static void test_a_kind_begins_in_a_state_of_its_own_and_may_stay_in_each(void **test)
{
    (void)test;
    for (int kind = 0; kind < KR_FLOW_KINDS; kind++) {
        assert_true(has(kind, kr_state_first(kind)));
        for (int s = 0; s < KR_STATES; s++) assert_int_equal(has(kind, s), kr_state_may_follow(kind, s, s));
    }
}

static void test_what_follows_is_a_state_of_the_kind(void **test)
{
    (void)test;
    for (int kind = 0; kind < KR_FLOW_KINDS; kind++)
        for (int from = 0; from < KR_STATES; from++)
            for (int to = 0; to < KR_STATES; to++)
                if (kr_state_may_follow(kind, from, to)) assert_true(has(kind, from) && has(kind, to));
}

static void test_nothing_passes_without_a_code_and_nothing_that_passed_is_asked_again(void **test)
{
    (void)test;
    assert_false(kr_state_may_follow(KR_FLOW_LOGIN, KR_STATE_CHOOSE_METHOD, KR_STATE_PASSED_CHALLENGE));
    assert_false(kr_state_may_follow(KR_FLOW_REGISTRATION, KR_STATE_CHOOSE_METHOD, KR_STATE_PASSED_CHALLENGE));
    assert_false(kr_state_may_follow(KR_FLOW_RECOVERY, KR_STATE_PASSED_CHALLENGE, KR_STATE_SENT_EMAIL));
    assert_false(kr_state_may_follow(KR_FLOW_VERIFICATION, KR_STATE_PASSED_CHALLENGE, KR_STATE_CHOOSE_METHOD));
    assert_true(kr_state_may_follow(KR_FLOW_RECOVERY, KR_STATE_RECOVERY_CODE, KR_STATE_PASSED_CHALLENGE));
    assert_true(kr_state_may_follow(KR_FLOW_SETTINGS, KR_STATE_SUCCESS, KR_STATE_SHOW_FORM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_is_known_by_its_name_where_its_kind_has_it),
        cmocka_unit_test(test_a_kind_begins_in_a_state_of_its_own_and_may_stay_in_each),
        cmocka_unit_test(test_what_follows_is_a_state_of_the_kind),
        cmocka_unit_test(test_nothing_passes_without_a_code_and_nothing_that_passed_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
