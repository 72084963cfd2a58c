/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that are sent twice, because somebody clicked twice: the second ends where the first did. */
#include "code_env.h"

#define ENDS "after: {default_browser_return_url: '" APP "all', password: {default_browser_return_url: '" APP "password'"
#define SIGN_UP(hooks) "selfservice: {flows: {registration: {" ENDS ", hooks: [" hooks "]}}}, login: {" ENDS "}}}, " \
                       "verification: {enabled: true}}, methods: {code: {enabled: true}}}\n"

/** A browser that kept what it had when the form was sent: both posts carry these cookies. */
static client_t *as_before(const client_t *c)
{
    client_t *copy = apr_pmemdup(c->env->pool, c, sizeof(*c));

    copy->jar = apr_table_copy(c->env->pool, c->jar);
    return copy;
}

static client_t *browser(env_t *env, const char *more, const char *accept)
{
    client_t *c;

    change(env, more);
    c = spa(env);
    apr_table_set(c->headers, "Accept", accept);
    return c;
}

/** Begins a flow as a program would, so that the test has its token; it is sent as `c` sends. */
static json_t *flow_of(client_t *c, const char *kind, const char **to)
{
    const char *accept = apr_table_get(c->headers, "Accept");
    json_t *flow;

    apr_table_set(c->headers, "Accept", JSON);
    flow = begin_flow(c, kind, "", to);
    apr_table_set(c->headers, "Accept", accept);
    return flow;
}

static kr_ctx_t *send_form(client_t *c, const char *to, const json_t *flow, const char *fields)
{
    return ask(c, "POST", to, FORM, apr_pstrcat(c->env->pool, fields, "&method=password&csrf_token=",
                                                kr_url_escape(c->env->pool, value_of(flow, "csrf_token")), NULL));
}

#define ANA_FORM "traits.email=ana%40example.org&password=correct+horse+battery"

static void accounts(env_t *env, int count)
{
    kr_row_t *row;
    kr_ctx_t *k = context(env, env->realm);

    OK(kr_db_one(&row, k, &IDENTITIES));
    assert_int_equal(kr_row_int(row, 0), count);
    kr_db_release(k);
}

static void whoami(client_t *c, const char *email)
{
    kr_ctx_t *k = get(c, "/sessions/whoami");

    assert_status(k, 200);
    assert_string_equal(word(k, "identity.traits.email"), email);
}

static void test_a_sign_up_that_is_sent_twice_ends_in_a_session_and_one_account(void **state)
{
    env_t *env = *state;
    client_t *first = browser(env, SIGN_UP("{hook: session}"), "text/html"), *second;
    const char *to;
    json_t *flow = flow_of(first, "registration", &to);
    kr_ctx_t *k, *l;

    second = as_before(first);
    k = send_form(first, to, flow, ANA_FORM);
    l = send_form(second, to, flow, ANA_FORM); /* both were on their way at once */
    assert_status(k, 303);
    assert_status(l, 303);
    assert_string_equal(header(k, "Location"), APP "password");
    assert_string_equal(header(l, "Location"), APP "password");
    whoami(first, "ana@example.org");
    whoami(second, "ana@example.org");
    accounts(env, 1);
    l = send_form(first, to, flow, ANA_FORM); /* the first answer had come */
    assert_status(l, 302);
    assert_string_equal(header(l, "Location"), APP "password");
}

static void test_a_sign_up_by_a_script_that_is_sent_twice_ends_in_a_session(void **state)
{
    env_t *env = *state;
    client_t *first = browser(env, SIGN_UP("{hook: session}"), JSON), *second;
    const char *to, *id;
    json_t *flow = flow_of(first, "registration", &to);
    kr_ctx_t *k;

    second = as_before(first);
    k = submit(first, to, flow, new_account("ana@example.org", GOOD));
    assert_status(k, 200);
    id = word(k, "identity.id");
    k = submit(second, to, flow, new_account("ana@example.org", GOOD));
    assert_status(k, 200);
    assert_string_equal(word(k, "identity.id"), id);
    whoami(second, "ana@example.org");
    accounts(env, 1);
}

static void test_both_lead_to_the_same_verification(void **state)
{
    static const char *const hooks[] = { SIGN_UP("{hook: session}, {hook: show_verification_ui}"), SIGN_UP("{hook: show_verification_ui}") };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(hooks); i++) {
        client_t *first = browser(env, hooks[i], "text/html"), *second;
        const char *fields = apr_psprintf(env->pool, "traits.email=ana%d%%40example.org&password=correct+horse+battery", i), *to, *id;
        json_t *flow = flow_of(first, "registration", &to);
        kr_ctx_t *k, *l;

        second = as_before(first);
        k = send_form(first, to, flow, fields);
        assert_status(k, 303);
        l = send_form(first, to, flow, fields); /* the first answer had come, with new cookies */
        assert_string_equal(header(l, "Location"), header(k, "Location"));
        l = send_form(second, to, flow, fields);
        assert_status(l, 303);
        assert_string_equal(header(l, "Location"), header(k, "Location"));
        id = strstr(header(l, "Location"), "flow=");
        assert_non_null(id);
        l = get(second, apr_pstrcat(env->pool, "/self-service/verification/flows?id=", id + 5, NULL));
        assert_status(l, 200); /* the browser that has the last answer's cookies sees it */
        if (i) assert_status(get(second, "/sessions/whoami"), 401); /* nobody was to be signed in */
        else assert_status(get(second, "/sessions/whoami"), 200);
        assert_non_null(mailed_as(env, "verification_code_valid", "verification_code", apr_psprintf(env->pool, "ana%d@example.org", i)));
    }
}

static const struct { const char *who, *password; int token, late; } STRANGERS[] = {
    { "another password", "wrong+horse+battery", 1, 0 },
    { "no cookie that the token belongs to", "correct+horse+battery", 0, 0 },
    { "another browser, with a token of its own", "correct+horse+battery", 2, 0 },
    { "a minute later", "correct+horse+battery", 1, 61 },
};

static void test_who_does_not_prove_it_is_given_nothing(void **state)
{
    static const char form[] = "traits.email=ana%d%%40example.org&password=%s";
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(STRANGERS); i++) {
        client_t *first = browser(env, SIGN_UP("{hook: session}"), "text/html"), *second;
        const char *to, *ignored;
        json_t *flow = flow_of(first, "registration", &to), *sent = flow;
        kr_ctx_t *k;

        second = as_before(first);
        if (STRANGERS[i].token == 2) {
            second = spa(env);
            sent = flow_of(second, "registration", &ignored);
        }
        assert_status(send_form(first, to, flow, apr_psprintf(env->pool, form, i, "correct+horse+battery")), 303);
        if (!STRANGERS[i].token) apr_table_clear(second->jar);
        env->now += STRANGERS[i].late * SECOND;
        k = send_form(second, to, sent, apr_psprintf(env->pool, form, i, STRANGERS[i].password));
        if (cookie_set(k, SESSION)) fail_msg("%s: was given a session", STRANGERS[i].who);
        assert_status(get(second, "/sessions/whoami"), 401);
    }
    accounts(env, KR_DIM(STRANGERS));
}

static void test_another_flow_is_told_that_there_is_an_account(void **state)
{
    env_t *env = *state;
    client_t *first = browser(env, SIGN_UP("{hook: session}"), JSON), *second = spa(env);
    const char *to, *other;
    json_t *flow = flow_of(first, "registration", &to), *own = flow_of(second, "registration", &other);
    kr_ctx_t *k;

    assert_status(submit(first, to, flow, new_account("ana@example.org", GOOD)), 200);
    k = submit(second, other, own, new_account("ana@example.org", GOOD));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000007);
    assert_null(cookie_set(k, SESSION));
}

static const char CODE_SIGN_UP[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {registration: {after: {code: {hooks: [{hook: session}]}}}}}\n";

static void test_a_sign_up_by_code_that_is_sent_twice_ends_in_a_session(void **state)
{
    env_t *env = with(state, CODE_SIGN_UP);
    client_t *first = spa(env), *second, *stranger = spa(env);
    const char *to, *other, *code;
    json_t *flow = begin_flow(first, "registration", "", &to), *theirs = begin_flow(stranger, "registration", "", &other);
    kr_ctx_t *k;

    assert_status(submit(first, to, flow, sign_up_body(ANA, "Ana", NULL)), 400);
    code = registration_code(env, ANA);
    second = as_before(first);
    k = submit(first, to, flow, sign_up_body(ANA, "Ana", code));
    assert_status(k, 200);
    assert_status(submit(second, to, flow, sign_up_body(ANA, "Ana", wrong(env, code))), 400);
    assert_status(submit(second, to, flow, sign_up_body(ANA, "Eve", code)), 400);
    k = submit(second, to, flow, sign_up_body(ANA, "Ana", code));
    assert_status(k, 200);
    whoami(second, ANA);
    accounts(env, 1);
    /* a used code is of no use to another browser, nor later */
    k = submit(stranger, to, theirs, sign_up_body(ANA, "Ana", code));
    assert_status(k, 400);
    second = as_before(first);
    apr_table_unset(second->jar, SESSION);
    env->now += 61 * SECOND;
    assert_status(submit(second, to, flow, sign_up_body(ANA, "Ana", code)), 403);
}

static void test_a_sign_in_that_is_sent_twice_ends_where_it_led(void **state)
{
    env_t *env = *state;
    client_t *first = browser(env, SIGN_UP("{hook: session}"), "text/html"), *second;
    static const char FIELDS[] = "identifier=ana%40example.org&password=correct+horse+battery";
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    account(env, "ana@example.org");
    flow = flow_of(first, "login", &to);
    second = as_before(first);
    k = send_form(first, to, flow, FIELDS);
    assert_string_equal(header(k, "Location"), APP "password");
    k = send_form(second, to, flow, FIELDS);
    assert_string_equal(header(k, "Location"), APP "password");
    whoami(second, "ana@example.org");
    k = send_form(first, to, flow, FIELDS);
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP "password");
}

static kr_ctx_t *send_code(client_t *c, const char *to, const json_t *flow, const char *code)
{
    return ask(c, "POST", to, FORM, apr_psprintf(c->env->pool, "method=code&identifier=ana%%40example.org&code=%s&csrf_token=%s", code,
                                                 kr_url_escape(c->env->pool, value_of(flow, "csrf_token"))));
}

static void test_a_sign_in_by_code_that_is_sent_twice_ends_in_a_session(void **state)
{
    env_t *env = with(state, CODE_SIGN_UP);
    client_t *first, *second, *script, *late, *stranger;
    const char *to, *code, *other;
    json_t *flow, *theirs;
    kr_ctx_t *k;

    account(env, ANA);
    first = spa(env);
    flow = begin_flow(first, "login", "", &to);
    assert_status(submit(first, to, flow, login_body(ANA, NULL)), 400);
    code = login_code(env, ANA);
    apr_table_set(first->headers, "Accept", "text/html");
    second = as_before(first);
    late = as_before(first);
    script = as_before(first);
    script->headers = apr_table_copy(env->pool, first->headers);
    apr_table_set(script->headers, "Accept", JSON);
    stranger = spa(env);
    theirs = begin_flow(stranger, "login", "", &other);
    apr_table_set(stranger->headers, "Accept", "text/html");

    k = send_code(first, to, flow, code);
    assert_status(k, 303);
    k = send_code(second, to, flow, wrong(env, code));
    assert_null(cookie_set(k, SESSION));
    k = send_code(second, to, flow, code);
    assert_status(k, 303);
    whoami(second, ANA);
    /* for who did not send the form, for scripts, and later it is used up */
    assert_null(cookie_set(send_code(stranger, to, theirs, code), SESSION));
    assert_null(cookie_set(submit(script, to, flow, login_body(ANA, code)), SESSION));
    env->now += 61 * SECOND;
    assert_null(cookie_set(send_code(late, to, flow, code), SESSION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sign_up_that_is_sent_twice_ends_in_a_session_and_one_account),
        TEST(test_a_sign_up_by_a_script_that_is_sent_twice_ends_in_a_session),
        TEST(test_both_lead_to_the_same_verification),
        TEST(test_who_does_not_prove_it_is_given_nothing),
        TEST(test_another_flow_is_told_that_there_is_an_account),
        TEST(test_a_sign_up_by_code_that_is_sent_twice_ends_in_a_session),
        TEST(test_a_sign_in_by_code_that_is_sent_twice_ends_in_a_session),
        TEST(test_a_sign_in_that_is_sent_twice_ends_where_it_led),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
