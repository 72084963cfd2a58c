/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody tries who wants an account, an address or a secret that is another's: with codes, links, visits and settings. */
#include "mail_env.h"

#define EVE "eve@example.org"
#define NEW_PASSWORD "another horse battery"

static const kr_query_t STATUS = { .name = "status", .sql = "SELECT status FROM identity_addresses WHERE value = 'ana@example.org' "
                                                            "AND recovery = 0" };
static const kr_query_t SECOND_FACTOR = { .name = "second_factor",
                                          .sql = "INSERT INTO identity_credentials (id, realm_id, identity_id, type, config, created_at, "
                                                 "updated_at) SELECT 'spare', realm_id, id, 'lookup_secret', "
                                                 "'{\"recovery_codes\":[{\"code\":\"x\"}]}', 0, 0 FROM identities" };
static const kr_query_t LEVEL = { .name = "level", .sql = "UPDATE identities SET available_aal = 'aal2'" };

#define WITH_SPARE                                                                                                     \
    "{selfservice: {methods: {code: {enabled: true}, lookup_secret: {enabled: true}}, flows: {recovery: {enabled: true}, "     \
    "settings: {ui_url: '" SETTINGS_PAGE "'}}}, feature_flags: {use_continue_with_transitions: true}}"

static const char *path_with(env_t *env, const char *kind, const char *id)
{
    return apr_pstrcat(env->pool, "/self-service/", kind, "/flows?id=", id, NULL);
}

static json_t *address_change(const char *email)
{
    return json_pack("{s:s, s:{s:s}}", "method", "profile", "traits", "email", email);
}

static kr_ctx_t *change_settings(client_t *c, json_t *body)
{
    const char *to;
    json_t *flow = begin_flow(c, "settings", "", &to);

    return submit(c, to, flow, body);
}

/* -- who has an account? -------------------------------------------------- */

static void test_a_code_sent_to_oneself_does_not_tell_who_else_has_an_account(void **state)
{
    static const char *const others[] = { ANA, "nobody@example.org" };
    env_t *env = *state;

    use_with_ana(env, CODES);
    signed_in_app(env, EVE);
    for (int i = 0; i < KR_DIM(others); i++) {
        client_t *eve = native(env);
        json_t *flow;
        const char *to = begin_mailed(eve, "recovery", "code", EVE, &flow);
        const char *own = mailed(env, "recovery_code");

        assert_status(submit(eve, to, flow, with_email("code", others[i])), 200);
        assert_int_equal(message_at(said(submit(eve, to, flow, with_code(own))), NULL), 4060006);
    }
}

/* -- codes ---------------------------------------------------------------- */

static void test_a_code_is_understood_however_it_is_typed(void **state)
{
    static const char *const spellings[] = {
        "%.3s %s", " %.3s-%s\n", "%.3s\xc2\xa0%s\r\n", "\xe2\x80\x8b%.3s\xe3\x80\x80%s", "%.3s\xe2\x80\x93%s\xef\xbb\xbf", "%.3s.%s",
    };
    env_t *env = *state;
    const char *wide = "";
    asked_t asked;

    use_with_ana(env, CODES);
    for (int i = 0; i < KR_DIM(spellings); i++) {
        asked = ask_for_code(native(env), "verification");
        assert_string_equal(word(give(&asked, apr_psprintf(env->pool, spellings[i], asked.code, asked.code + 3)), "state"),
                            "passed_challenge");
    }
    asked = ask_for_code(native(env), "verification");
    for (const char *digit = asked.code; *digit; digit++) wide = apr_psprintf(env->pool, "%s\xef\xbc%c", wide, *digit - '0' + 0x90);
    assert_string_equal(word(give(&asked, wide), "state"), "passed_challenge");
}

static void test_a_code_opens_neither_another_kind_of_flow_nor_another_flow(void **state)
{
    env_t *env = *state;
    asked_t recovery, verification, mixed;
    client_t *app;

    use_with_ana(env, CODES);
    app = native(env);
    recovery = ask_for_code(app, "recovery");
    verification = ask_for_code(app, "verification");
    assert_int_equal(message_at(said(give(&recovery, verification.code)), NULL), 4060006);
    mixed = verification;
    mixed.to = apr_pstrcat(env->pool, "/self-service/recovery?flow=", kr_json_str(verification.flow, "id"), NULL);
    assert_status(give(&mixed, verification.code), 404);
    assert_string_equal(word(give(&verification, verification.code), "state"), "passed_challenge");
}

static void test_who_is_back_in_leaves_no_other_code_behind(void **state)
{
    env_t *env = *state;
    asked_t first, second;
    client_t *app;
    kr_ctx_t *k;

    use_with_ana(env, CODES);
    app = native(env);
    first = ask_for_code(app, "recovery");
    second = ask_for_code(app, "recovery");
    assert_string_equal(word(give(&second, second.code), "state"), "passed_challenge");
    first.client = native(env);
    k = give(&first, first.code);
    assert_status(k, 400);
    assert_null(strstr(k->reply->body, "session_token"));
}

static void test_a_code_to_an_address_that_was_given_up_leads_nowhere(void **state)
{
    env_t *env = *state;
    client_t *owner;
    asked_t asked;

    owner = use_with_ana(env, CODES);
    asked = ask_for_code(native(env), "recovery");
    assert_status(change_settings(owner, address_change("anna@example.org")), 200);
    assert_int_equal(message_at(said(give(&asked, asked.code)), NULL), 4060006);
}

/* -- visits --------------------------------------------------------------- */

/* Eve asks for a verification of Ana's address, and waits until Ana, or what scans her mail, follows the link. */
static void visited(env_t *env, client_t *eve)
{
    client_t *reader = person(env), *scanner = person(env);
    const char *code, *page, *id;
    json_t *flow;
    kr_ctx_t *k;

    begin_mailed(eve, "verification", "code", ANA, &flow);
    id = kr_json_str(flow, "id");
    code = mailed(env, "verification_code");
    assert_status(get(scanner, path_of(mailed(env, "verification_url"))), 303);
    k = get(reader, path_of(mailed(env, "verification_url")));
    assert_status(k, 303);
    page = strstr(header(k, "Location"), "flow=");
    assert_non_null(page);
    assert_string_equal(page + strlen("flow="), id);
    k = get(reader, path_with(env, "verification", id));
    assert_status(k, 200);
    assert_string_equal(value_of(said(k), "code"), code);
    k = get(eve, path_with(env, "verification", id));
    assert_status(k, 200); /* her form is not taken from her */
    assert_string_equal(value_of(said(k), "code"), "");
    if (eve->jar) assert_status(get(spa(env), path_with(env, "verification", id)), 403);
    else assert_string_equal(value_of(said(get(native(env), path_with(env, "verification", id))), "code"), "");
    assert_int_equal(count_of(env, &VERIFIED), 0);
    assert_status(submit(reader, apr_pstrcat(env->pool, "/self-service/verification?flow=", id, NULL), flow, with_code(code)), 200);
    assert_int_equal(count_of(env, &VERIFIED), 1);
}

static void test_a_visited_code_is_shown_to_the_visitor_alone(void **state)
{
    env_t *env = *state;

    use_with_ana(env, CODES);
    visited(env, spa(env));
}

static void test_a_visited_code_is_not_shown_to_the_app_that_asked_for_it(void **state)
{
    env_t *env = *state;

    use_with_ana(env, CODES);
    visited(env, native(env));
}

static void test_looking_at_a_link_uses_nothing_up(void **state)
{
    env_t *env = *state;
    client_t *reader;
    const char *link;
    kr_ctx_t *k;

    use_with_ana(env, LINKS);
    link = ask_for_link(native(env), "recovery");
    reader = person(env);
    for (int i = 0; i < 10; i++) {
        k = ask(reader, "HEAD", link, NULL, NULL);
        assert_null(cookie_set(k, SESSION));
    }
    k = get(reader, link);
    assert_non_null(cookie_set(k, SESSION));
    assert_status(get(reader, "/sessions/whoami"), 200);
}

static void test_a_link_ends_the_session_that_the_browser_was_given_before(void **state)
{
    env_t *env = *state;
    client_t *reader;
    const char *planted;
    kr_ctx_t *k;

    use_with_ana(env, LINKS);
    reader = spa(env);
    assert_status(register_as(reader, EVE, GOOD), 200);
    planted = apr_table_get(reader->jar, SESSION);
    k = get(reader, ask_for_link(native(env), "recovery"));
    assert_non_null(cookie_set(k, SESSION));
    assert_string_not_equal(cookie_set(k, SESSION)->value, planted);
    assert_string_equal(word(get(reader, "/sessions/whoami"), "identity.traits.email"), ANA);
}

/* -- addresses ------------------------------------------------------------ */

static void test_a_stranger_does_not_change_what_is_known_of_an_address(void **state)
{
    env_t *env = *state;
    asked_t asked;
    kr_row_t *row;

    use_with_ana(env, CODES);
    asked = ask_for_code(native(env), "verification");
    assert_status(give(&asked, asked.code), 200);
    ask_for_code(native(env), "verification");
    OK(kr_db_one_(&row, context(env, env->realm), &STATUS, NULL, 0));
    assert_string_equal(row->col[0], "completed");
}

/* -- the second factor ---------------------------------------------------- */

static void test_the_way_back_in_does_not_lead_round_the_second_factor(void **state)
{
    env_t *env = *state;
    client_t *app;
    asked_t asked;
    json_t *with;
    const char *to, *settings;
    kr_ctx_t *k;

    use_with_ana(env, WITH_SPARE);
    OK(kr_db_exec_(NULL, context(env, env->realm), &SECOND_FACTOR, NULL, 0));
    OK(kr_db_exec_(NULL, context(env, env->realm), &LEVEL, NULL, 0));
    app = native(env);
    asked = ask_for_code(app, "recovery");
    k = give(&asked, asked.code);
    assert_status(k, 200);
    with = kr_json_at(said(k), "continue_with");
    settings = kr_json_str(json_array_get(with, 1), "flow.id");
    apr_table_set(app->headers, "X-Session-Token", kr_json_str(json_array_get(with, 0), "ory_session_token"));
    k = get(app, path_with(env, "settings", settings));
    assert_status(k, 403);
    assert_string_equal(word(k, "error.id"), "session_aal2_required");
    /* and from the second factor back to this very page */
    assert_string_equal(word(k, "redirect_browser_to"),
                        apr_pstrcat(env->pool, BASE "/self-service/login/browser?aal=aal2&return_to=",
                                    "https%3A%2F%2Fapp.example.org%2Fsettings%3Fflow%3D", settings, NULL));
    to = apr_pstrcat(env->pool, "/self-service/settings?flow=", settings, NULL);
    k = submit(app, to, NULL, json_pack("{s:s, s:s}", "method", "password", "password", NEW_PASSWORD));
    assert_status(k, 403);
    assert_non_null(strstr(word(k, "redirect_browser_to"), "self-service%2Fsettings%3Fflow%3D"));
    assert_status(login_as(native(env), ANA, NEW_PASSWORD, ""), 400);
    /* where the site does not ask for it, one factor is enough */
    use(env, "{selfservice: {flows: {settings: {required_aal: aal1, ui_url: '" SETTINGS_PAGE "'}}}}");
    app->realm = env->realm;
    assert_status(get(app, path_with(env, "settings", settings)), 200);
}

/* -- other sessions ------------------------------------------------------- */

static void test_a_change_ends_other_sessions_only_where_the_person_ticks_that(void **state)
{
    env_t *env = *state;
    client_t *other, *app, *eve;

    app = use_with_ana(env, CODES);
    eve = signed_in_app(env, EVE);
    other = native(env);
    apr_table_set(other->headers, "X-Session-Token", word(login_as(native(env), ANA, GOOD, ""), "session_token"));
    assert_status(change_settings(app, json_pack("{s:s, s:s}", "method", "password", "password", NEW_PASSWORD)), 200);
    assert_status(get(other, "/sessions/whoami"), 200);
    assert_status(change_settings(app, json_pack("{s:s, s:s, s:b}", "method", "password", "password", "x", "revoke_other_sessions", 1)),
                  400);
    assert_status(get(other, "/sessions/whoami"), 200); /* nothing changed, nothing ended */
    assert_status(change_settings(app, json_pack("{s:s, s:s, s:b}", "method", "password", "password", GOOD, "revoke_other_sessions", 1)),
                  200);
    assert_status(get(other, "/sessions/whoami"), 401);
    assert_status(get(app, "/sessions/whoami"), 200);
    assert_status(get(eve, "/sessions/whoami"), 200);
}

static void test_the_tick_waits_with_the_change(void **state)
{
    env_t *env = *state;
    client_t *ana, *other;
    const char *to;
    json_t *flow, *body;

    use(env, FLOWS("code", ", login: {ui_url: '" APP "login'}"));
    ana = spa(env);
    assert_status(register_as(ana, ANA, GOOD), 200);
    other = native(env);
    apr_table_set(other->headers, "X-Session-Token", word(login_as(native(env), ANA, GOOD, ""), "session_token"));
    env->now += apr_time_from_sec(2 * 3600);
    flow = begin_flow(ana, "settings", "", &to);
    body = json_pack("{s:s, s:s, s:s}", "method", "password", "password", NEW_PASSWORD, "revoke_other_sessions", "on");
    assert_status(submit(ana, to, flow, body), 403);
    assert_status(login_as(ana, ANA, GOOD, "?refresh=true"), 200);
    assert_status(get(other, "/sessions/whoami"), 200);
    apr_table_set(ana->headers, "Accept", "text/html"); /* from the page of the sign-in the browser comes back by itself */
    assert_status(get(ana, to), 303);
    apr_table_set(ana->headers, "Accept", JSON);
    assert_status(get(other, "/sessions/whoami"), 401);
    assert_status(get(ana, "/sessions/whoami"), 200);
    assert_status(login_as(native(env), ANA, NEW_PASSWORD, ""), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_code_sent_to_oneself_does_not_tell_who_else_has_an_account),
        TEST(test_a_code_is_understood_however_it_is_typed),
        TEST(test_a_code_opens_neither_another_kind_of_flow_nor_another_flow),
        TEST(test_who_is_back_in_leaves_no_other_code_behind),
        TEST(test_a_code_to_an_address_that_was_given_up_leads_nowhere),
        TEST(test_a_visited_code_is_shown_to_the_visitor_alone),
        TEST(test_a_visited_code_is_not_shown_to_the_app_that_asked_for_it),
        TEST(test_looking_at_a_link_uses_nothing_up),
        TEST(test_a_link_ends_the_session_that_the_browser_was_given_before),
        TEST(test_a_stranger_does_not_change_what_is_known_of_an_address),
        TEST(test_the_way_back_in_does_not_lead_round_the_second_factor),
        TEST(test_a_change_ends_other_sessions_only_where_the_person_ticks_that),
        TEST(test_the_tick_waits_with_the_change),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
