/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow came to, wherever that came from: completed as after a submit, and told to each kind of client in its way. */
#include "api_env.h"
#include "../../src/api/api.h"

#define ELSEWHERE "https://provider.example.org/authorize?state=x"

/** A context in which a flow of that kind has just been loaded by that client. */
static kr_ctx_t *with_flow(kr_flow_t **flow, client_t *c, kr_client_e who, kr_flow_kind_e kind)
{
    kr_ctx_t *k = carrying(c, "POST", "/self-service/login", FORM, "");

    k->client = who;
    *flow = kr_flow_make(k, kind, who == KR_CLIENT_NATIVE, BASE "/self-service/login/browser");
    OK(kr_flow_insert(k, *flow));
    return k;
}

static kr_ctx_t *going(client_t *c, kr_client_e who)
{
    kr_outcome_t done = { .is = KR_OUTCOME_GO, .method = KR_METHOD_OIDC, .go = { ELSEWHERE } };
    kr_flow_t *flow, *stored;
    kr_ctx_t *k = with_flow(&flow, c, who, KR_FLOW_LOGIN);

    json_object_set_new(flow->internal, "waits", json_true());
    OK(kr_finish(k, flow, &done, NULL));
    OK(kr_flow_load(&stored, k, KR_FLOW_LOGIN, flow->id));
    assert_true(json_is_true(json_object_get(stored->internal, "waits"))); /* for the browser to come back */
    kr_db_release(k);
    kr_reply_render(k);
    return k;
}

static void test_people_go_elsewhere_and_scripts_are_told_to_take_them_there(void **state)
{
    static const kr_client_e people[] = { KR_CLIENT_PERSON, KR_CLIENT_NATIVE }, programs[] = { KR_CLIENT_SCRIPT, KR_CLIENT_NATIVE };
    env_t *env = *state;
    kr_ctx_t *k;

    for (int i = 0; i < KR_DIM(people); i++) { /* an app's form, too, may be in a browser */
        k = going(person(env), people[i]);
        assert_status(k, 303);
        assert_string_equal(header(k, "Location"), ELSEWHERE);
    }
    for (int i = 0; i < KR_DIM(programs); i++) {
        k = going(native(env), programs[i]);
        assert_status(k, 422);
        assert_string_equal(word(k, "error.id"), "browser_location_change_required");
        assert_string_equal(word(k, "redirect_browser_to"), ELSEWHERE);
    }
}

/* A provider's callback, or a link, proves who somebody is without a body of its own. */
static void test_a_proof_that_was_no_submit_signs_in_like_one(void **state)
{
    env_t *env = *state;
    client_t *ana = native(env);
    kr_identity_t *identity;
    kr_flow_t *flow;
    kr_ctx_t *k;
    kr_outcome_t done = { .is = KR_OUTCOME_PROVED, .method = KR_METHOD_OIDC };

    assert_status(register_as(ana, "ana@example.org", GOOD), 200);
    k = with_flow(&flow, native(env), KR_CLIENT_NATIVE, KR_FLOW_LOGIN);
    OK(kr_identity_by_identifier(&identity, k, "password", "ana@example.org"));
    done.proved.identity = identity;
    done.proved.proof.method = "oidc";
    done.proved.proof.aal = KR_AAL1;
    OK(kr_finish(k, flow, &done, NULL));
    kr_db_release(k);
    kr_reply_render(k);
    assert_status(k, 200);
    assert_string_equal(word(k, "session.identity.id"), identity->id);
    assert_string_equal(word(k, "session.authenticator_assurance_level"), "aal1");
    assert_true(*word(k, "session_token"));
}

static void test_another_screen_is_stored_unless_it_is(void **state)
{
    kr_outcome_t done = { .is = KR_OUTCOME_STEP, .method = KR_METHOD_PROFILE };
    kr_flow_t *flow, *stored;
    kr_ctx_t *k = with_flow(&flow, spa(*state), KR_CLIENT_SCRIPT, KR_FLOW_REGISTRATION);
    unsigned before;

    flow->active = "profile";
    OK(kr_finish(k, flow, &done, NULL));
    OK(kr_flow_load(&stored, k, KR_FLOW_REGISTRATION, flow->id));
    assert_string_equal(stored->active, "profile");
    assert_status(k, 400); /* to programs what is still to be done is no success */
    before = k->statements;
    done.step.stored = 1;
    OK(kr_finish(k, flow, &done, NULL));
    assert_int_equal(k->statements, before);
    kr_db_release(k);
}

static void test_an_outcome_that_a_kind_of_flow_does_not_have_is_an_error_and_no_answer(void **state)
{
    static const struct { kr_outcome_e is; kr_flow_kind_e kind; } WRONG[] = {
        { KR_OUTCOME_NONE, KR_FLOW_LOGIN }, { KR_OUTCOME_CHANGED, KR_FLOW_LOGIN }, { KR_OUTCOME_PROVED, KR_FLOW_SETTINGS },
        { KR_OUTCOME_REGISTER, KR_FLOW_RECOVERY }, { KR_OUTCOME_REPLACE, KR_FLOW_REGISTRATION }, { KR_OUTCOME_GO, KR_FLOW_VERIFICATION },
    };

    for (int i = 0; i < KR_DIM(WRONG); i++) {
        kr_outcome_t done = { .is = WRONG[i].is, .method = KR_METHOD_PASSWORD };
        kr_flow_t *flow;
        kr_ctx_t *k = with_flow(&flow, person(*state), KR_CLIENT_PERSON, WRONG[i].kind);
        const kr_err_t *err;

        k->log_level = 0; /* it is said there, and would be a line of the tests' own */
        err = kr_finish(k, flow, &done, NULL);
        assert_non_null(err);
        assert_int_equal(err->status, 500);
        kr_db_release(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_people_go_elsewhere_and_scripts_are_told_to_take_them_there),
        TEST(test_a_proof_that_was_no_submit_signs_in_like_one),
        TEST(test_another_screen_is_stored_unless_it_is),
        TEST(test_an_outcome_that_a_kind_of_flow_does_not_have_is_an_error_and_no_answer),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
