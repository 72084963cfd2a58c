/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: in which order a list of them runs, what each sees of its own settings, and that one of a kind is enough. */
#include "code_env.h"
#include "../../src/hook/hook.h"

/* -- a list in a phase ------------------------------------------------------ */

/* Each leaves its name, and what its entry says, in the answer. */
static kr_err_t *leave(kr_after_flow_t *after, const char *name, const kr_hook_conf_t *conf)
{
    const char *says = conf ? kr_json_str(conf->config, "says") : "nobody asked";

    json_array_append_new(after->continue_with, json_sprintf("%s%s%s", name, says ? ": " : "", says ? says : ""));
    return NULL;
}

static kr_err_t *say_a(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)k;
    return leave(after, "a", conf);
}

static kr_err_t *say_b(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    (void)k;
    return leave(after, "b", conf);
}

static kr_err_t *say_no(kr_ctx_t *k, kr_after_flow_t *after, const kr_hook_conf_t *conf)
{
    leave(after, "no", conf);
    return kr_err(k, 403, "not_today", "this is not the day");
}

static int for_sign_up(kr_ctx_t *k, const kr_after_flow_t *after)
{
    (void)k;
    return after->flow->kind == KR_FLOW_REGISTRATION;
}

static const kr_hook_t TABLE[] = {
    { .name = "final", .run = { [KR_HOOK_WRITE] = say_b }, .last = 1 },
    { .name = "plain", .run = { [KR_HOOK_WRITE] = say_a, [KR_HOOK_ANSWER] = say_b } },
    { .name = "told", .run = { [KR_HOOK_BEFORE] = say_a, [KR_HOOK_WRITE] = say_a }, .each = 1 },
    { .name = "stern", .run = { [KR_HOOK_BEFORE] = say_no, [KR_HOOK_ADMIT] = say_no } },
    { .name = "ours", .run = { [KR_HOOK_WRITE] = say_b }, .unasked = for_sign_up },
    { .name = NULL },
};

/* Words of the list are name or name=what its config says. */
static const struct { kr_phase_e phase; kr_flow_kind_e kind; const char *list, *said; int status; } LISTS[] = {
    { KR_HOOK_WRITE, KR_FLOW_LOGIN, "", "[]", 0 },
    { KR_HOOK_WRITE, KR_FLOW_LOGIN, "told=one told=two", "[\"a: one\",\"a: two\"]", 0 }, /* each sees its own settings */
    { KR_HOOK_BEFORE, KR_FLOW_LOGIN, "told=one told=two plain", "[\"a: one\",\"a: two\"]", 0 },
    { KR_HOOK_WRITE, KR_FLOW_LOGIN, "plain plain=twice", "[\"a\"]", 0 }, /* where they do not differ one is enough */
    { KR_HOOK_WRITE, KR_FLOW_LOGIN, "final=first plain told=x", "[\"a\",\"a: x\",\"b: first\"]", 0 }, /* last, wherever it stands */
    { KR_HOOK_WRITE, KR_FLOW_REGISTRATION, "final plain", "[\"b: nobody asked\",\"a\",\"b\"]", 0 }, /* what needs no entry comes first */
    { KR_HOOK_WRITE, KR_FLOW_REGISTRATION, NULL, "[\"b: nobody asked\"]", 0 },
    { KR_HOOK_ANSWER, KR_FLOW_REGISTRATION, "told=x plain final", "[\"b\"]", 0 },
    { KR_HOOK_AGAIN, KR_FLOW_REGISTRATION, "told=x plain final stern", "[]", 0 },
    { KR_HOOK_WRITE, KR_FLOW_LOGIN, "nobody-knows plain", "[\"a\"]", 0 },
    { KR_HOOK_BEFORE, KR_FLOW_LOGIN, "told=x stern told=y", "[\"a: x\",\"no\"]", 403 }, /* a no ends it */
    { KR_HOOK_ADMIT, KR_FLOW_LOGIN, "told=x stern=why", "[\"no: why\"]", 403 },
};

static const apr_array_header_t *listed(apr_pool_t *pool, const char *words)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(kr_hook_conf_t));
    char *state, *copy = apr_pstrdup(pool, words ? words : "");

    for (char *word = apr_strtok(copy, " ", &state); word; word = apr_strtok(NULL, " ", &state)) {
        char *says = strchr(word, '=');

        if (says) *says++ = '\0';
        APR_ARRAY_PUSH(list, kr_hook_conf_t) = (kr_hook_conf_t){
            .name = word, .config = says ? kr_json_pack(pool, "{s:s}", "says", says) : NULL
        };
    }
    return words ? list : NULL;
}

static void test_a_list_runs_in_its_order_and_each_entry_sees_its_own_settings(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(LISTS); i++) {
        kr_ctx_t *k = context(env, env->realm);
        kr_after_flow_t after = { .flow = kr_flow_make(k, LISTS[i].kind, 1, BASE), .continue_with = kr_json_own(k->pool, json_array()) };
        kr_err_t *err = kr_hooks_run(k, &after, LISTS[i].phase, TABLE, listed(k->pool, LISTS[i].list));

        assert_string_equal(kr_json_dump(k->pool, after.continue_with, NULL), LISTS[i].said);
        assert_int_equal(err ? err->status : 0, LISTS[i].status);
    }
}

static void test_without_hooks_a_flow_just_begins(void **state)
{
    env_t *env = *state;

    for (int kind = 0; kind < KR_FLOW_KINDS; kind++) {
        kr_ctx_t *k = context(env, env->realm);

        OK(kr_hooks_before(k, kr_flow_make(k, (kr_flow_kind_e)kind, 1, BASE)));
        assert_null(k->db);
    }
}

/* -- in the settings -------------------------------------------------------- */

static const kr_query_t SESSIONS = { .name = "sessions", .sql = "SELECT COUNT(*) FROM sessions" };
static const kr_query_t CHANGED = { .name = "changed",
                                    .sql = "SELECT COUNT(*) FROM courier_messages WHERE template_type = 'verifiable_address_changed'" };

#define PROFILE_HOOKS(hooks) "selfservice: {flows: {settings: {after: {profile: {hooks: [" hooks "]}}}}}\n"
#define TELL(whom) "{hook: notify_previous_addresses, config: {recipients: " whom "}}"

/* Of two addresses one goes; neither is verified. */
static const struct { const char *settings; int told; } TELLS[] = {
    { PROFILE_HOOKS("{hook: notify_previous_addresses}"), 1 },
    { PROFILE_HOOKS(TELL("all")), 2 },
    { PROFILE_HOOKS(TELL("all_verified")), 0 },
    { PROFILE_HOOKS(TELL("removed") ", " TELL("all")), 3 },
    { PROFILE_HOOKS(TELL("all_verified") ", " TELL("removed")), 1 },
};

static void test_two_hooks_of_one_name_each_see_their_own_settings(void **state)
{
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(TELLS); i++) {
        const char *to, *email = apr_psprintf(env->pool, "ana%d@example.org", i);
        int before;
        client_t *app;
        json_t *flow;

        env = with(state, TELLS[i].settings);
        app = native(env);
        flow = begin_flow(app, "registration", "", &to);
        flow = said(submit(app, to, flow, json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD, "traits", "email",
                                                    email, "second", apr_pstrcat(env->pool, "second-", email, NULL))));
        apr_table_set(app->headers, "X-Session-Token", kr_json_str(flow, "session_token"));
        before = count_of(env, &CHANGED);
        flow = begin_flow(app, "settings", "", &to);
        assert_status(submit(app, to, flow, json_pack("{s:s, s:{s:s}}", "method", "profile", "traits", "email", email)), 200);
        assert_int_equal(count_of(env, &CHANGED) - before, TELLS[i].told);
    }
}

static void test_a_sign_up_that_names_its_session_twice_begins_one(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;

    change(env, "selfservice: {flows: {registration: {after: {password: {hooks: [{hook: session}, {hook: session, config: {}}]}}}}}\n");
    k = register_as(native(env), ANA, GOOD);
    assert_status(k, 200);
    assert_true(*word(k, "session_token") != '\0');
    assert_int_equal(count_of(env, &SESSIONS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_list_runs_in_its_order_and_each_entry_sees_its_own_settings),
        TEST(test_without_hooks_a_flow_just_begins),
        TEST(test_two_hooks_of_one_name_each_see_their_own_settings),
        TEST(test_a_sign_up_that_names_its_session_twice_begins_one),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
