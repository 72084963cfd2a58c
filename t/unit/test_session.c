/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: which credential counts, what a forged or old one is worth, how they end. */
#include "api_env.h"

static const kr_query_t DEACTIVATE = { .name = "deactivate", .sql = "UPDATE identities SET state = 'inactive'" };
static const kr_query_t ACTIVE = { .name = "active", .sql = "SELECT COUNT(*) FROM sessions WHERE active = 1" };
static const kr_query_t ALL = { .name = "all", .sql = "SELECT COUNT(*) FROM sessions" };

static const char *session_of(client_t *c)
{
    kr_ctx_t *k = get(c, "/sessions/whoami");

    assert_status(k, 200);
    return word(k, "id");
}

/** The realm after a rotation: `secrets` newest first. */
static void rotate(env_t *env, const char *secrets)
{
    change(env, apr_psprintf(env->pool, "secrets: {cookie: [%s]}", secrets));
}

static client_t *copy_of(client_t *c)
{
    client_t *copy = apr_pmemdup(c->env->pool, c, sizeof(*c));

    copy->realm = c->env->realm;
    copy->jar = c->jar ? apr_table_copy(c->env->pool, c->jar) : NULL;
    copy->headers = apr_table_copy(c->env->pool, c->headers);
    return copy;
}

/* -- tokens --------------------------------------------------------------- */

static void test_a_token_looks_like_one_and_is_nowhere_in_the_database(void **state)
{
    env_t *env = *state;
    client_t *app = signed_in_app(env, "ana@example.org");
    const char *token = apr_table_get(app->headers, "X-Session-Token");
    kr_query_t search = { .name = "search",
                          .sql = apr_psprintf(env->pool,
                                              "SELECT COUNT(*) FROM sessions WHERE token_hash LIKE "
                                              "'%%%%%s%%%%' OR token_hash = '%s'",
                                              token + 7, token) };

    assert_int_equal(strlen(token), 39);
    assert_memory_equal(token, "ory_st_", 7);
    assert_int_equal(strspn(token + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 32);
    assert_int_equal(count_of(env, &search), 0);
}

static void test_garbage_is_no_session_and_costs_no_statement(void **state)
{
    static const char *const garbage[] = {
        "x",
        "ory_st_",
        "ory_st_short",
        "ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ory_st_AAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAA",
        "ory_lo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "' OR 1=1 --",
        "ORY_ST_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    env_t *env = *state;
    client_t *app = native(env);

    for (int i = 0; i < KR_DIM(garbage); i++) {
        kr_ctx_t *k;

        apr_table_set(app->headers, "X-Session-Token", garbage[i]);
        k = get(app, "/sessions/whoami");
        assert_status(k, 401);
        assert_int_equal(k->statements, 0);
    }
    apr_table_set(app->headers, "X-Session-Token", "ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_status(get(app, "/sessions/whoami"), 401);
}

static void test_the_header_wins_over_the_cookie_and_the_cookie_over_the_bearer(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *c;
    client_t *ben = signed_in_app(env, "ben@example.org"), *eve = signed_in_app(env, "eve@example.org");
    const char *by_cookie = session_of(ana), *by_header = session_of(ben), *by_bearer = session_of(eve);
    const char *bearer = apr_table_get(eve->headers, "X-Session-Token");

    apr_table_set(ana->headers, "Authorization", apr_pstrcat(env->pool, "Bearer ", bearer, NULL));
    assert_string_equal(session_of(ana), by_cookie);
    apr_table_set(ana->headers, "X-Session-Token", apr_table_get(ben->headers, "X-Session-Token"));
    assert_string_equal(session_of(ana), by_header);
    apr_table_set(ana->headers, "X-Session-Token", ""); /* an empty one is none */
    assert_string_equal(session_of(ana), by_cookie);
    apr_table_set(ana->headers, "X-Session-Token", "x"); /* a bad one is not made up for */
    assert_status(get(ana, "/sessions/whoami"), 401);

    c = native(env);
    apr_table_set(c->headers, "Authorization", apr_pstrcat(env->pool, "bEaReR ", bearer, NULL));
    assert_string_equal(session_of(c), by_bearer);
    for (int i = 0; i < 4; i++) {
        static const char *const odd[] = { "Bearer  %s", "Bearer %s x", "Basic %s", "%s" };

        apr_table_set(c->headers, "Authorization", apr_psprintf(env->pool, odd[i], bearer));
        assert_status(get(c, "/sessions/whoami"), 401);
    }
}

/* -- the cookie ----------------------------------------------------------- */

static void test_a_forged_cookie_is_no_session_and_costs_no_statement(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *good = apr_table_get(ana->jar, SESSION);
    const apr_size_t len = strlen(good);
    const char *stamp = strchr(good, '.');
    const char *forged[] = {
        "x", ".", "..", "...", apr_pstrmemdup(env->pool, good, len - 1), apr_pstrcat(env->pool, good, "A", NULL),
        apr_pstrmemdup(env->pool, good, 32), apr_pstrmemdup(env->pool, good, 33),
        apr_pstrcat(env->pool, good[0] == 'A' ? "B" : "A", good + 1, NULL),
        apr_pstrcat(env->pool, apr_pstrmemdup(env->pool, good, 32), ".9999999999", strrchr(good, '.'), NULL),
        apr_pstrcat(env->pool, apr_pstrmemdup(env->pool, good, 32), ".", stamp, NULL),
        apr_pstrcat(env->pool, apr_pstrmemdup(env->pool, good, 32), stamp, ".", NULL),
        apr_pstrcat(env->pool, good, good, NULL), apr_pstrcat(env->pool, " ", good, NULL),
        kr_random_alnum(env->pool, 4000),
    };

    for (int i = 0; i < KR_DIM(forged); i++) {
        kr_ctx_t *k;

        apr_table_set(ana->jar, SESSION, forged[i]);
        if (strcmp(kr_cookie(env->pool, request(ana, "GET", "/", NULL, NULL), SESSION, NULL), good) == 0)
            continue; /* blanks */
        k = get(ana, "/sessions/whoami");
        assert_status(k, 401);
        assert_int_equal(k->statements, 0);
    }
    apr_table_set(ana->jar, SESSION, good);
    session_of(ana);
}

static void test_the_cookie_ends_with_the_session_and_is_not_for_scripts(void **state)
{
    env_t *env = *state;
    client_t *ana = spa(env);
    kr_ctx_t *k = register_as(ana, "ana@example.org", GOOD);
    const kr_cookie_t *cookie = cookie_set(k, SESSION);

    assert_true(cookie->http_only && cookie->secure && cookie->expires);
    assert_int_equal(cookie->max_age, 24 * 3600);
    assert_string_equal(cookie->same_site, "Lax");
    assert_null(strstr(k->reply->body, "session_token"));
    assert_null(strstr(k->reply->body, apr_pstrmemdup(env->pool, cookie->value, 32)));
    env->now += 24 * 3600 * SECOND - 1;
    session_of(ana);
    env->now += 1;
    assert_status(get(ana, "/sessions/whoami"), 401);
}

static void test_rotated_secrets_count_until_they_are_dropped(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *app = signed_in_app(env, "ben@example.org");
    kr_ctx_t *k;

    rotate(env, "a-secret-that-is-newer, newest-secret-of-the-tests");
    ana->realm = app->realm = env->realm;
    k = get(ana, "/sessions/whoami");
    assert_status(k, 200);
    assert_int_equal(k->statements, 1); /* the cookie says which secret made it */
    assert_status(get(app, "/sessions/whoami"), 200);
    rotate(env, "a-secret-that-is-newer");
    ana->realm = app->realm = env->realm;
    assert_status(get(ana, "/sessions/whoami"), 401);
    assert_status(get(app, "/sessions/whoami"), 401);
}

static void test_a_cookie_of_another_realm_is_no_session(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *app = signed_in_app(env, "ben@example.org");
    kr_realm_t *other = realm_with(env, "other", "");

    ana->realm = app->realm = other; /* the same secrets and the same database */
    assert_status(get(ana, "/sessions/whoami"), 401);
    assert_status(get(app, "/sessions/whoami"), 401);
}

/* -- who may not ---------------------------------------------------------- */

static void test_the_sessions_of_an_inactive_identity_stop_at_once_and_a_login_says_why(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    kr_ctx_t *k;

    change_rows(env, &DEACTIVATE);
    assert_status(get(ana, "/sessions/whoami"), 401);
    k = login_as(native(env), "ana@example.org", GOOD, "");
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010011);
    k = login_as(native(env), "ana@example.org", "wrong password", ""); /* only to who knows the password */
    assert_int_equal(message_at(said(k), NULL), 4000006);
}

/* -- refresh -------------------------------------------------------------- */

static kr_ctx_t *refresh(client_t *c)
{
    const char *to;
    json_t *flow = begin_flow(c, "login", "?refresh=true", &to);

    assert_int_equal(message_at(flow, NULL), 1010003);
    assert_string_equal(value_of(flow, "identifier"), "ana@example.org");
    return submit(c, to, flow, by_password("ana@example.org", GOOD));
}

static void test_a_refresh_keeps_the_session_and_changes_the_token(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *before;
    const char *id = session_of(ana),
               *csrf = apr_pstrdup(env->pool, apr_table_get(ana->jar, ana->realm->csrf_cookie_name));
    kr_ctx_t *k;

    before = copy_of(ana);
    env->now += 10 * SECOND;
    k = refresh(ana);
    assert_status(k, 200);
    assert_string_equal(word(k, "session.id"), id);
    assert_int_equal(json_array_size(kr_json_at(said(k), "session.devices")), 2);
    assert_int_equal(json_array_size(kr_json_at(said(k), "session.authentication_methods")), 2);
    assert_string_equal(apr_table_get(ana->jar, ana->realm->csrf_cookie_name), csrf);
    assert_string_not_equal(apr_table_get(ana->jar, SESSION), apr_table_get(before->jar, SESSION));
    assert_int_equal(count_of(env, &ALL), 1);

    env->now += 60 * SECOND - 1; /* requests that were on their way */
    k = get(before, "/sessions/whoami");
    assert_status(k, 200);
    assert_null(cookie_set(k, SESSION)); /* or it would take the place of the good one */
    env->now += 1;
    assert_status(get(before, "/sessions/whoami"), 401);
    assert_string_equal(session_of(ana), id);
}

static void test_a_session_stays_usable_through_many_refreshes(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    kr_session_t *session;
    kr_standing_e standing;
    json_t *methods = NULL;

    for (int i = 0; i < 60; i++) {
        kr_ctx_t *k = carrying(ana, "GET", "/", NULL, NULL);

        OK(kr_session_need(&session, k, NULL));
        OK(kr_session_prove(&standing, k, session,
                            &(kr_proof_t){ .method = i == 30 ? "totp" : "password", .aal = i == 30 ? KR_AAL2 : KR_AAL1 }, 0));
        assert_int_equal(standing, KR_PROOF_HOLDS);
        kr_session_cookie_set(k, session);
        kr_db_release(k);
        keep_cookies(ana, k);
        methods = session->methods;
        env->now += SECOND;
    }
    assert_true(strlen(kr_json_dump(env->pool, methods, NULL)) < 2048); /* the column's width */
    assert_int_equal(session->aal, KR_AAL2);
    assert_string_equal(word(get(ana, "/sessions/whoami"), "authenticator_assurance_level"), "aal2");
}

static void test_a_level_that_nobody_knows_is_never_taken_for_another(void **state)
{
    static const kr_query_t ROWS[] = { { .name = "session", .sql = "UPDATE sessions SET aal = 'aal9'" },
                                       { .name = "mend", .sql = "UPDATE sessions SET aal = 'aal1'" },
                                       { .name = "identity", .sql = "UPDATE identities SET available_aal = 'aal9'" },
                                       { .name = "mended", .sql = "UPDATE identities SET available_aal = 'aal1'" },
                                       { .name = "flow", .sql = "UPDATE flows SET requested_aal = 'aal9'" } };
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *to;
    json_t *flow;

    for (int i = 0; i < 4; i++) {
        change_rows(env, &ROWS[i]);
        assert_status(get(ana, "/sessions/whoami"), i % 2 ? 200 : 500);
    }
    flow = begin_flow(spa(env), "login", "", &to);
    change_rows(env, &ROWS[4]);
    assert_status(get(ana, apr_pstrcat(env->pool, "/self-service/login/flows?id=", kr_json_str(flow, "id"), NULL)), 404);
}

static void test_another_person_on_a_refresh_flow_gets_a_session_of_their_own(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *to, *id = session_of(ana),
                    *csrf = apr_pstrdup(env->pool, apr_table_get(ana->jar, ana->realm->csrf_cookie_name));
    json_t *flow;
    kr_ctx_t *k;

    signed_in_app(env, "ben@example.org");
    flow = begin_flow(ana, "login", "?refresh=true", &to);
    k = submit(ana, to, flow, by_password("ben@example.org", GOOD));
    assert_status(k, 200);
    assert_string_not_equal(word(k, "session.id"), id);
    assert_string_equal(word(k, "session.identity.traits.email"), "ben@example.org");
    assert_string_not_equal(apr_table_get(ana->jar, ana->realm->csrf_cookie_name), csrf);
}

static void test_no_login_takes_over_a_session_that_the_client_brought(void **state)
{
    env_t *env = *state;
    client_t *mallory = signed_in_spa(env, "mallory@example.org"), *victim = spa(env);
    const char *to, *fixed = apr_pstrdup(env->pool, apr_table_get(mallory->jar, SESSION));
    json_t *flow;

    signed_in_app(env, "ana@example.org");
    apr_table_set(victim->jar, SESSION, fixed); /* put there by a sister host */
    flow = begin_flow(victim, "login", "?refresh=true", &to);
    assert_status(submit(victim, to, flow, by_password("ana@example.org", GOOD)), 200);
    assert_string_not_equal(apr_table_get(victim->jar, SESSION), fixed);
    assert_string_equal(word(get(mallory, "/sessions/whoami"), "identity.traits.email"), "mallory@example.org");
}

static void test_an_expired_refresh_flow_asks_for_everything_when_the_session_is_gone_too(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    flow = begin_flow(ana, "login", "?refresh=true", &to);
    env->now += 25 * 3600 * SECOND;
    k = submit(ana, to, flow, json_pack("{s:s}", "method", "password"));
    assert_status(k, 410);
    assert_string_equal(word(k, "error.id"), "self_service_flow_expired");
    k = get(ana, apr_pstrcat(env->pool, "/self-service/login/flows?id=", word(k, "use_flow_id"), NULL));
    assert_status(k, 200);
    assert_non_null(node_of(said(k), "identifier"));
    assert_non_null(node_of(said(k), "password"));
    assert_int_equal(message_at(said(k), NULL), 4010001);
}

/* -- logout --------------------------------------------------------------- */

static const char *logout_token(client_t *c)
{
    kr_ctx_t *k = get(c, "/self-service/logout/browser");

    assert_status(k, 200);
    assert_non_null(strstr(word(k, "logout_url"), word(k, "logout_token")));
    return word(k, "logout_token");
}

static kr_ctx_t *log_out(client_t *c, const char *token)
{
    return get(c, apr_pstrcat(c->env->pool, "/self-service/logout?token=", token, NULL));
}

static void test_a_logout_needs_the_token_of_the_very_session(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *ben = signed_in_spa(env, "ben@example.org"),
             *second = spa(env);
    const char *token = logout_token(ana),
               *csrf = apr_pstrdup(env->pool, apr_table_get(ana->jar, ana->realm->csrf_cookie_name));
    kr_ctx_t *k;

    assert_int_equal(strlen(token), 39);
    assert_memory_equal(token, "ory_lo_", 7);
    assert_string_equal(logout_token(ana), token);
    assert_status(login_as(second, "ana@example.org", GOOD, ""), 200);
    assert_status(log_out(ana, logout_token(ben)), 403);
    assert_status(log_out(ana, logout_token(second)), 403); /* her own other session's */
    assert_status(log_out(ana, "x"), 403);
    assert_status(log_out(ana, ""), 400);
    assert_status(log_out(ben, token), 403);
    assert_status(log_out(spa(env), token), 401);
    assert_int_equal(count_of(env, &ACTIVE), 3);
    k = log_out(ana, token);
    assert_status(k, 204);
    assert_int_equal(cookie_set(k, SESSION)->max_age, 0);
    assert_null(apr_table_get(ana->jar, SESSION));
    assert_string_not_equal(apr_table_get(ana->jar, ana->realm->csrf_cookie_name), csrf);
    assert_int_equal(count_of(env, &ACTIVE), 2);
}

static void test_a_cookie_that_was_copied_is_worth_nothing_after_the_logout(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *thief = copy_of(ana);

    log_out(ana, logout_token(ana));
    assert_status(get(thief, "/sessions/whoami"), 401);
}

static void test_a_logout_token_outlives_a_rotation_of_secrets_and_dies_with_a_refresh(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *token = logout_token(ana);

    refresh(ana);
    assert_status(log_out(ana, token), 403);
    token = logout_token(ana);
    rotate(env, "a-secret-that-is-newer, newest-secret-of-the-tests");
    ana->realm = env->realm;
    assert_status(log_out(ana, token), 204);
}

static void test_a_logout_does_not_echo_what_is_no_cookie_of_ours(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org"), *odd = copy_of(ana);
    client_t *app = signed_in_app(env, "ben@example.org");
    kr_ctx_t *k;

    apr_table_set(odd->headers, "X-Session-Token", apr_table_get(app->headers, "X-Session-Token"));
    apr_table_set(odd->jar, SESSION, "\"<odd>\"");
    k = log_out(odd, logout_token(odd));
    assert_status(k, 204);
    assert_string_equal(cookie_set(k, SESSION)->value, "");
}

static void test_people_are_sent_where_they_may_go_after_the_logout(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    kr_ctx_t *k = get(ana, "/self-service/logout/browser?return_to=https%3A%2F%2Fevil.example");

    assert_status(k, 400);
    k = get(ana, "/self-service/logout/browser?return_to=%2Fbye");
    assert_non_null(strstr(word(k, "logout_url"), "return_to=https%3A%2F%2Fapp.example.org%2Fbye"));
    apr_table_unset(ana->headers, "Accept");
    k = get(ana, apr_pstrcat(env->pool, "/self-service/logout?return_to=%2Fbye&token=", word(k, "logout_token"), NULL));
    assert_status(k, 303);
    assert_string_equal(header(k, "Location"), APP "bye");
}

static void test_an_app_signs_out_by_its_token(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "null", "{}", "{\"session_token\":1}", "{\"session_token\":null}", "\"ory_st_\""
    };
    env_t *env = *state;
    client_t *app = signed_in_app(env, "ana@example.org"), *nobody = native(env);
    const char *body =
        apr_psprintf(env->pool, "{\"session_token\":\"%s\"}", apr_table_get(app->headers, "X-Session-Token"));

    for (int i = 0; i < KR_DIM(bad); i++)
        assert_status(ask(nobody, "DELETE", "/self-service/logout/api", JSON, bad[i]), 400);
    assert_status(ask(nobody, "DELETE", "/self-service/logout/api", JSON, "{\"session_token\":\"ory_st_x\"}"), 403);
    assert_status(ask(nobody, "DELETE", "/self-service/logout/api", JSON, body), 204);
    assert_status(ask(nobody, "DELETE", "/self-service/logout/api", JSON, body), 204);
    assert_status(get(app, "/sessions/whoami"), 401);
}

/* -- others of one's own -------------------------------------------------- */

static void test_sessions_are_listed_and_ended_by_their_owner_only(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_app(env, "ana@example.org"), *ben = signed_in_app(env, "ben@example.org"),
             *second = spa(env);
    const char *id;
    kr_ctx_t *k;

    assert_status(login_as(second, "ana@example.org", GOOD, ""), 200);
    k = get(ana, "/sessions");
    assert_status(k, 200);
    assert_int_equal(json_array_size(said(k)), 1);
    id = kr_json_str(json_array_get(said(k), 0), "id");
    assert_string_equal(id, session_of(second));
    assert_int_equal(json_array_size(said(get(ben, "/sessions"))), 0);

    assert_status(ask(ben, "DELETE", apr_pstrcat(env->pool, "/sessions/", id, NULL), NULL, NULL),
                  204); /* nothing to learn */
    session_of(second);
    assert_status(ask(ana, "DELETE", apr_pstrcat(env->pool, "/sessions/", session_of(ana), NULL), NULL, NULL), 400);
    assert_status(ask(ana, "DELETE", "/sessions/x", NULL, NULL), 400);
    assert_status(ask(ana, "DELETE", "/sessions/%2e", NULL, NULL), 400);
    assert_status(ask(native(env), "DELETE", apr_pstrcat(env->pool, "/sessions/", id, NULL), NULL, NULL), 401);
    assert_status(ask(ana, "DELETE", apr_pstrcat(env->pool, "/sessions/", id, NULL), NULL, NULL), 204);
    assert_status(get(second, "/sessions/whoami"), 401);
    assert_status(login_as(second, "ana@example.org", GOOD, ""), 200);
    assert_status(ask(ana, "DELETE", "/sessions", NULL, NULL), 200);
    assert_status(get(second, "/sessions/whoami"), 401);
    session_of(ana);
    session_of(ben);
}

/* -- the device ----------------------------------------------------------- */

static void test_what_a_device_says_of_itself_fits_its_columns(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    char agent[600], city[400];
    json_t *device;
    kr_ctx_t *k;

    memset(agent, 'a', sizeof(agent));
    memcpy(agent + 510, "\xe2\x82\xac\xe2\x82\xac", 7); /* two euros, the first cut by the limit */
    memset(city, 'c', sizeof(city) - 1);
    city[sizeof(city) - 1] = '\0';
    apr_table_set(app->headers, "User-Agent", agent);
    apr_table_set(app->headers, "Cf-Ipcity", city);
    apr_table_set(app->headers, "Cf-Ipcountry", city);
    apr_table_set(app->headers, "X-Forwarded-For", "6.6.6.6, 198.51.100.7, 10.0.0.1, nonsense");
    k = register_as(app, "ana@example.org", GOOD);
    assert_status(k, 200);
    device = json_array_get(kr_json_at(said(k), "session.devices"), 0);
    assert_int_equal(strlen(kr_json_str(device, "user_agent")), 510);
    assert_int_equal(strlen(kr_json_str(device, "location")), 512);
    assert_string_equal(kr_json_str(device, "ip_address"), "198.51.100.7");

    app = native(env);
    apr_table_set(app->headers, "User-Agent", "\xff\xfe");
    apr_table_set(app->headers, "X-Real-IP", "<script>");
    k = register_as(app, "ben@example.org", GOOD);
    device = json_array_get(kr_json_at(said(k), "session.devices"), 0);
    assert_true(json_is_null(json_object_get(device, "user_agent")));
    assert_string_equal(kr_json_str(device, "ip_address"), "192.0.2.7:4711");
}

/* -- the token exchange --------------------------------------------------- */

static void test_an_exchange_needs_both_codes_and_a_session_that_waits(void **state)
{
    env_t *env = *state;
    client_t *app = native(env);
    kr_ctx_t *k = get(app, "/self-service/login/api?return_session_token_exchange_code=true");
    const char *code = word(k, "session_token_exchange_code");

    assert_int_equal(strlen(code), 64);
    assert_status(get(app, "/sessions/token-exchange"), 400);
    assert_status(get(app, apr_pstrcat(env->pool, "/sessions/token-exchange?init_code=", code, NULL)), 400);
    assert_status(
        get(app, apr_pstrcat(env->pool, "/sessions/token-exchange?init_code=", code, "&return_to_code=", NULL)), 400);
    assert_status(
        get(app, apr_pstrcat(env->pool, "/sessions/token-exchange?init_code=", code, "&return_to_code=x", NULL)), 404);
    k = get(app, apr_pstrcat(env->pool, "/self-service/login/flows?id=", word(k, "id"), NULL));
    assert_null(json_object_get(said(k), "session_token_exchange_code"));
}

/* -- extension ------------------------------------------------------------ */

static int extend(env_t *env, const char *id)
{
    kr_ctx_t *k = context(env, env->realm);
    kr_session_t *session;
    int done;

    must(kr_session_load(&session, k, id), __LINE__);
    must(kr_session_extend(&done, k, session), __LINE__);
    kr_db_release(k);
    return done;
}

static void test_an_extension_moves_the_end_and_the_cookie_follows(void **state)
{
    env_t *env = *state;
    client_t *ana = signed_in_spa(env, "ana@example.org");
    const char *id = word(get(ana, "/sessions/whoami"), "id");

    env->now += 3600 * SECOND;
    assert_null(cookie_set(get(ana, "/sessions/whoami"), SESSION));
    assert_true(extend(env, id));
    assert_non_null(cookie_set(get(ana, "/sessions/whoami"), SESSION)); /* the old one would end before the session does */
    env->now += 23 * 3600 * SECOND + 1;
    must_status(get(ana, "/sessions/whoami"), 200, __LINE__);
}

static void test_an_extension_waits_for_its_window(void **state)
{
    env_t *env = *state;
    client_t *ana;
    const char *id;

    change(env, "session: {earliest_possible_extend: 1h}");
    ana = signed_in_spa(env, "ana@example.org");
    id = word(get(ana, "/sessions/whoami"), "id");
    assert_false(extend(env, id));
    env->now += 23 * 3600 * SECOND + 1;
    assert_true(extend(env, id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_looks_like_one_and_is_nowhere_in_the_database),
        TEST(test_garbage_is_no_session_and_costs_no_statement),
        TEST(test_the_header_wins_over_the_cookie_and_the_cookie_over_the_bearer),
        TEST(test_a_forged_cookie_is_no_session_and_costs_no_statement),
        TEST(test_the_cookie_ends_with_the_session_and_is_not_for_scripts),
        TEST(test_rotated_secrets_count_until_they_are_dropped),
        TEST(test_a_cookie_of_another_realm_is_no_session),
        TEST(test_the_sessions_of_an_inactive_identity_stop_at_once_and_a_login_says_why),
        TEST(test_a_refresh_keeps_the_session_and_changes_the_token),
        TEST(test_an_extension_moves_the_end_and_the_cookie_follows),
        TEST(test_an_extension_waits_for_its_window),
        TEST(test_a_session_stays_usable_through_many_refreshes),
        TEST(test_a_level_that_nobody_knows_is_never_taken_for_another),
        TEST(test_another_person_on_a_refresh_flow_gets_a_session_of_their_own),
        TEST(test_no_login_takes_over_a_session_that_the_client_brought),
        TEST(test_an_expired_refresh_flow_asks_for_everything_when_the_session_is_gone_too),
        TEST(test_a_logout_needs_the_token_of_the_very_session),
        TEST(test_a_cookie_that_was_copied_is_worth_nothing_after_the_logout),
        TEST(test_a_logout_token_outlives_a_rotation_of_secrets_and_dies_with_a_refresh),
        TEST(test_a_logout_does_not_echo_what_is_no_cookie_of_ours),
        TEST(test_people_are_sent_where_they_may_go_after_the_logout),
        TEST(test_an_app_signs_out_by_its_token),
        TEST(test_sessions_are_listed_and_ended_by_their_owner_only),
        TEST(test_what_a_device_says_of_itself_fits_its_columns),
        TEST(test_an_exchange_needs_both_codes_and_a_session_that_waits),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
