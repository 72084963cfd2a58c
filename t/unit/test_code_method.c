/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in and sign-up by one-time code: what is sent to whom, what is asked, what is refused and what nobody learns. */
#include "api_env.h"
#include "kr_crypto.h"
#include "kr_store.h"

#define ANA "ana@example.org"

static const char WITH_CODE[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}},"
    " flows: {registration: {after: {code: {hooks: [{hook: session}]}}}}}\n";
static const char WITH_FALLBACK[] =
    "selfservice: {methods: {code: {passwordless_enabled: true, config: {missing_credential_fallback_enabled: true}}}}\n";
static const char SECOND_FACTOR[] = "selfservice: {methods: {code: {mfa_enabled: true}}}\n";
static const char IDENTIFIER_FIRST[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {login: {style: identifier_first},"
    " registration: {after: {code: {hooks: [{hook: session}]}}}}}\n";
static const char TWO_SCREENS[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {registration: {style: profile_first}}}\n";
static const char MITIGATED[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}}\n"
    "security: {account_enumeration: {mitigate: true}}\n";

static const char SCHEMA[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"format\":\"email\",\"title\":\"E-Mail\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"password\":{\"identifier\":true},\"code\":{\"identifier\":true,\"via\":\"email\"}},"
    "\"verification\":{\"via\":\"email\"}}},"
    "\"second\":{\"type\":\"string\",\"format\":\"email\",\"ory.sh/kratos\":"
    "{\"credentials\":{\"code\":{\"identifier\":true,\"via\":\"email\"}},\"verification\":{\"via\":\"email\"}}},"
    "\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"},\"news\":{\"type\":\"boolean\"},"
    "\"job\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"}}}},"
    "\"required\":[\"email\"],\"additionalProperties\":false}}}";

static const kr_query_t IDENTITIES = { .name = "identities", .sql = "SELECT COUNT(*) FROM identities" };
static const kr_query_t MAILS = { .name = "mails", .sql = "SELECT COUNT(*) FROM courier_messages WHERE recipient <> id" };
static const kr_query_t VERIFIED = { .name = "verified",
                                     .sql = "SELECT COUNT(*) FROM identity_addresses WHERE verified = 1" };
static const kr_query_t UNVERIFY = { .name = "unverify",
                                     .sql = "UPDATE identity_addresses SET verified = 0, status = 'sent', verified_at = 0" };

static const kr_query_t GIVE_UP = { .name = "give_up",
                                    .sql = "DELETE FROM identity_identifiers WHERE identifier = 'ana2@example.org'" };

/* The realm of the test with these settings and a schema that has addresses for codes. */
static env_t *with(void **state, const char *more)
{
    env_t *env = *state;

    write_file(env, "person.json", SCHEMA);
    change(env, more);
    return env;
}

/** The last code of that kind that was mailed to an address; NULL when there is none. A second passes: order counts. */
static const char *mailed(env_t *env, const char *type, const char *field, const char *to)
{
    kr_ctx_t *k = context(env, env->realm);
    apr_array_header_t *list;
    const char *code = NULL, *why;

    k->now += 1000 * SECOND;
    OK(kr_store_message_claim(&list, k, "test", k->now + SECOND, 100));
    for (int i = 0; i < list->nelts; i++) {
        const kr_message_row_t *m = &APR_ARRAY_IDX(list, i, kr_message_row_t);
        apr_size_t len;
        const char *data = (const char *)kr_unseal(k->pool, k->realm->keys, "courier", m->sealed, &len);

        if (strcmp(m->template_type, type) == 0 && strcmp(m->recipient, to) == 0)
            code = kr_json_str(kr_json_parse(k->pool, data, len, &why), field);
    }
    OK(kr_store_message_release(k, "test"));
    kr_db_release(k);
    env->now += SECOND;
    return code;
}

static const char *login_code(env_t *env, const char *to)
{
    const char *code = mailed(env, "login_code_valid", "login_code", to);

    if (!code) fail_msg("no code was mailed to %s", to);
    return code;
}

static const char *registration_code(env_t *env, const char *to)
{
    const char *code = mailed(env, "registration_code_valid", "registration_code", to);

    if (!code) fail_msg("no code was mailed to %s", to);
    return code;
}

/* Some other six digits. */
static const char *wrong(env_t *env, const char *code)
{
    return apr_psprintf(env->pool, "%06d", (atoi(code) + 1) % 1000000);
}

static json_t *login_body(const char *identifier, const char *code)
{
    return json_pack("{s:s, s:s, s:s*}", "method", "code", "identifier", identifier, "code", code);
}

static json_t *again(const char *identifier)
{
    return json_pack("{s:s, s:s, s:s}", "method", "code", "identifier", identifier, "resend", "code");
}

static json_t *sign_up_body(const char *email, const char *name, const char *code)
{
    return json_pack("{s:s, s:{s:s, s:s*}, s:s*}", "method", "code", "traits", "email", email, "name", name, "code", code);
}

/* Somebody who has an account and is not signed in here. */
static void account(env_t *env, const char *email)
{
    assert_status(register_as(native(env), email, GOOD), 200);
    env->now += SECOND;
}

/* An app's login flow that has sent its code. */
static const char *sent(client_t *app, const char *identifier)
{
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);
    kr_ctx_t *k = submit(app, to, flow, login_body(identifier, NULL));

    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "sent_email");
    assert_int_equal(message_at(said(k), NULL), 1010014);
    return to;
}

/* -- signing in ----------------------------------------------------------- */

static void test_a_mailed_code_signs_in_and_verifies_its_address(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;
    json_t *addresses;

    account(env, ANA);
    assert_int_equal(count_of(env, &VERIFIED), 0);
    to = sent(app, " Ana@Example.ORG");
    code = login_code(env, ANA);
    k = submit(app, to, NULL, login_body(ANA, wrong(env, code)));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_string_equal(word(k, "state"), "sent_email");
    k = submit(app, to, NULL, login_body(ANA, apr_psprintf(env->pool, "%.3s %s", code, code + 3)));
    assert_status(k, 200);
    assert_string_equal(kr_json_str(json_array_get(kr_json_at(said(k), "session.authentication_methods"), 0), "method"),
                        "code");
    addresses = kr_json_at(said(k), "session.identity.verifiable_addresses");
    assert_true(json_is_true(json_object_get(json_array_get(addresses, 0), "verified")));
    assert_int_equal(count_of(env, &VERIFIED), 1);
}

static void test_a_code_works_once(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 200);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010002);
}

static void test_a_code_that_is_too_old_is_wrong(void **state)
{
    env_t *env = with(state, "selfservice: {methods: {code: {passwordless_enabled: true, config: {lifespan: 1m}}}}\n");
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    env->now += 61 * SECOND;
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
}

static void test_after_five_tries_the_flow_is_locked_and_a_new_code_does_not_open_it(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    for (int i = 0; i < 5; i++)
        assert_int_equal(message_at(said(submit(app, to, NULL, login_body(ANA, wrong(env, code)))), NULL), 4010008);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
    assert_int_equal(message_at(said(submit(app, to, NULL, again(ANA))), NULL), 1010014);
    k = submit(app, to, NULL, login_body(ANA, login_code(env, ANA)));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4000001);
}

static void test_a_code_sent_again_voids_the_earlier_one(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *first, *second;
    kr_ctx_t *k;

    account(env, ANA);
    to = sent(app, ANA);
    first = login_code(env, ANA);
    assert_status(submit(app, to, NULL, again(ANA)), 400);
    second = login_code(env, ANA);
    if (strcmp(first, second) == 0) return; /* once in a million */
    k = submit(app, to, NULL, login_body(ANA, first));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(submit(app, to, NULL, login_body(ANA, second)), 200);
}

static void test_a_code_is_good_for_its_own_account_and_flow_only(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    kr_ctx_t *k;

    account(env, ANA);
    account(env, "bo@example.org");
    to = sent(app, ANA);
    code = login_code(env, ANA);
    k = submit(app, to, NULL, login_body("bo@example.org", code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    k = submit(app, sent(app, "bo@example.org"), NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 200); /* nobody has used it up */
}

static void test_of_two_addresses_the_one_that_was_typed_is_mailed(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);

    assert_status(submit(app, to, flow, json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD,
                                                  "traits", "email", ANA, "second", "two@example.org")),
                  200);
    to = sent(app, "TWO@example.org");
    assert_null(mailed(env, "login_code_valid", "login_code", ANA));
    assert_status(submit(app, to, NULL, login_body("two@example.org", login_code(env, "two@example.org"))), 200);
    assert_int_equal(count_of(env, &VERIFIED), 1); /* the one whose code it was */
}

static void test_a_code_to_an_address_that_was_given_up_is_wrong(void **state)
{
    static const kr_query_t give_up = { .name = "give_up",
                                        .sql = "DELETE FROM identity_identifiers WHERE identifier = 'two@example.org'" };
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to, *code;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    assert_status(submit(app, to, flow, json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD,
                                                  "traits", "email", ANA, "second", "two@example.org")),
                  200);
    to = sent(app, "two@example.org");
    code = login_code(env, "two@example.org");
    change_rows(env, &give_up);
    k = submit(app, to, NULL, login_body(ANA, code));
    assert_status(k, 400);
    assert_int_equal(message_at(said(k), NULL), 4010008);
}

static void test_what_misses_is_said_at_its_field(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);
    kr_ctx_t *k = submit(app, to, flow, login_body("", NULL));

    assert_int_equal(message_at(said(k), "identifier"), 4000002);
    k = submit(app, to, flow, login_body("nobody@example.org", NULL));
    assert_int_equal(message_at(said(k), NULL), 4000035);
    assert_string_equal(word(k, "state"), "choose_method");
    account(env, ANA);
    to = sent(app, ANA);
    k = submit(app, to, NULL, login_body(ANA, ""));
    assert_int_equal(message_at(said(k), "code"), 4000002);
}

static void test_a_code_confirms_a_session_of_its_owner_only(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *app = native(env);
    const char *to;
    json_t *flow;
    kr_ctx_t *k;

    account(env, "bo@example.org");
    app = signed_in_app(env, ANA);
    flow = begin_flow(app, "login", "?refresh=true", &to);
    k = submit(app, to, flow, login_body("bo@example.org", NULL));
    assert_int_equal(message_at(said(k), NULL), 4000035);
    k = submit(app, to, flow, login_body(ANA, NULL));
    assert_int_equal(message_at(said(k), NULL), 1010025);
    assert_status(submit(app, to, flow, login_body(ANA, login_code(env, ANA))), 200);
}

static void test_where_enumeration_is_mitigated_an_unknown_address_looks_like_a_known_one(void **state)
{
    env_t *env = with(state, MITIGATED);
    client_t *app = native(env);
    const char *known, *unknown;
    int mails;

    account(env, ANA);
    known = sent(app, ANA);
    mails = count_of(env, &MAILS);
    unknown = sent(app, "nobody@example.org");
    assert_int_equal(count_of(env, &MAILS), mails);
    for (int i = 0; i < 6; i++) {
        kr_ctx_t *a = submit(app, known, NULL, login_body(ANA, "no code"));
        kr_ctx_t *b = submit(app, unknown, NULL, login_body("nobody@example.org", "no code"));

        assert_int_equal(a->reply->status, b->reply->status);
        assert_int_equal(message_at(said(a), NULL), message_at(said(b), NULL));
        assert_int_equal(message_at(said(b), NULL), i < 5 ? 4010008 : 4000001);
    }
}

static void test_another_identifier_takes_the_first_ones_code_along(void **state)
{
    env_t *env = with(state, MITIGATED);
    client_t *app = native(env);
    const char *to, *code;

    account(env, ANA);
    to = sent(app, ANA);
    code = login_code(env, ANA);
    assert_status(submit(app, to, NULL, again("nobody@example.org")), 400);
    assert_status(submit(app, to, NULL, login_body(ANA, code)), 400);
}

static void test_an_account_from_before_codes_is_found_where_the_settings_want_it(void **state)
{
    env_t *env = *state;
    client_t *app;
    const char *to;
    kr_ctx_t *k;

    account(env, ANA); /* under a schema that knows nothing of codes */
    with(state, WITH_CODE);
    app = native(env);
    begin_flow(app, "login", "", &to);
    assert_int_equal(message_at(said(submit(app, to, NULL, login_body(ANA, NULL))), NULL), 4000035);
    assert_null(mailed(env, "login_code_valid", "login_code", ANA));

    with(state, WITH_FALLBACK);
    app = native(env);
    to = sent(app, "Ana@example.org");
    k = submit(app, to, NULL, login_body(ANA, login_code(env, ANA)));
    assert_status(k, 200);
    assert_string_equal(word(k, "session.identity.traits.email"), ANA);
    assert_int_equal(count_of(env, &VERIFIED), 1);
    begin_flow(app, "login", "", &to);
    assert_int_equal(message_at(said(submit(app, to, NULL, login_body("nobody@example.org", NULL))), NULL), 4000035);
}

static void test_the_first_address_for_codes_may_come_later(void **state)
{
    env_t *env = with(state, WITH_CODE);
    client_t *owner;
    json_t *flow;
    const char *to;

    write_file(env, "person.json", PERSON);
    change(env, "");
    owner = signed_in_app(env, ANA);
    with(state, WITH_CODE);
    owner->realm = env->realm;
    flow = begin_flow(owner, "settings", "", &to);
    assert_status(submit(owner, to, flow, json_pack("{s:s, s:{s:s, s:s}}", "method", "profile", "traits", "email", ANA, "second",
                                                    "second@example.org")),
                  200);
    env->now += SECOND;
    to = sent(native(env), "second@example.org");
    assert_status(submit(native(env), to, NULL, login_body("second@example.org", login_code(env, "second@example.org"))), 200);
}

static json_t *two_addresses(const char *first, const char *second)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "password", "password", GOOD, "traits", "email", first, "second", second);
}

/* An app that is signed in with one factor, to an account with two addresses for codes. */
static client_t *half_in(env_t *env, const char *first, const char *second)
{
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    begin_flow(app, "registration", "", &to);
    k = submit(app, to, NULL, two_addresses(first, second));
    assert_status(k, 200);
    apr_table_set(app->headers, "X-Session-Token", word(k, "session_token"));
    assert_status(get(app, "/sessions/whoami"), 403);
    env->now += SECOND;
    return app;
}

static kr_ctx_t *choose(client_t *app, const char *address, const char **to)
{
    begin_flow(app, "login", "?aal=aal2", to);
    return submit(app, *to, NULL, json_pack("{s:s}", "address", address));
}

static void test_a_second_factor_goes_to_an_address_of_ones_own(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *eve = half_in(env, "eve@example.org", "eve2@example.org");
    const char *to, *code;
    kr_ctx_t *k;

    assert_int_equal(message_at(said(choose(eve, ANA, &to)), NULL), 4000035);
    assert_null(mailed(env, "login_code_valid", "login_code", ANA));
    k = choose(ana, "ana2@example.org", &to);
    assert_int_equal(message_at(said(k), NULL), 1010025);
    assert_null(mailed(env, "login_code_valid", "login_code", ANA));
    code = login_code(env, "ana2@example.org");
    /* Eve has her own first factor, and somehow Ana's flow and code: still not hers */
    assert_status(submit(eve, to, NULL, login_body("ana2@example.org", code)), 400);
    assert_status(get(eve, "/sessions/whoami"), 403);
    k = submit(ana, to, NULL, login_body("ana2@example.org", code));
    assert_status(k, 200);
    assert_string_equal(word(k, "session.authenticator_assurance_level"), "aal2");
    apr_table_set(ana->headers, "X-Session-Token", word(k, "session_token"));
    assert_status(get(ana, "/sessions/whoami"), 200);
}

static void test_a_code_of_somebody_elses_is_no_second_factor(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org"), *eve = half_in(env, "eve@example.org", "eve2@example.org");
    const char *to;
    kr_ctx_t *k;

    assert_status(choose(ana, ANA, &to), 400);
    k = submit(eve, to, NULL, login_body("eve@example.org", login_code(env, ANA)));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(get(eve, "/sessions/whoami"), 403);
}

static void test_a_second_factor_from_an_address_that_was_given_up_is_wrong(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");
    const char *to, *code;
    kr_ctx_t *k;

    assert_status(choose(ana, "ana2@example.org", &to), 400);
    code = login_code(env, "ana2@example.org");
    change_rows(env, &GIVE_UP);
    k = submit(ana, to, NULL, login_body(ANA, code));
    assert_int_equal(message_at(said(k), NULL), 4010008);
    assert_status(get(ana, "/sessions/whoami"), 403);
}

static void test_a_second_factor_is_locked_after_five_tries(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");
    const char *to, *code;

    assert_status(choose(ana, ANA, &to), 400);
    code = login_code(env, ANA);
    for (int i = 0; i < 5; i++)
        assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, wrong(env, code)))), NULL), 4010008);
    assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, code))), NULL), 4000001);
    assert_status(submit(ana, to, NULL, again(ANA)), 400);
    assert_int_equal(message_at(said(submit(ana, to, NULL, login_body(ANA, login_code(env, ANA)))), NULL), 4000001);
    assert_status(get(ana, "/sessions/whoami"), 403);
}

static void test_a_trait_may_say_where_the_second_factor_goes(void **state)
{
    env_t *env = with(state, SECOND_FACTOR);
    client_t *ana = half_in(env, ANA, "ana2@example.org");

    assert_string_equal(word(get(ana, "/self-service/login/api?aal=aal2&via=second"), "state"), "sent_email");
    assert_non_null(login_code(env, "ana2@example.org"));
    assert_status(get(ana, "/self-service/login/api?aal=aal2&via=name"), 400);
    assert_status(get(ana, "/self-service/login/api?aal=aal2&via=."), 400);
    assert_null(mailed(env, "login_code_valid", "login_code", ANA));
}

static void test_without_the_setting_there_is_no_sign_in_by_code(void **state)
{
    env_t *env = with(state, "");
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "login", "", &to);

    account(env, ANA);
    assert_int_equal(message_at(said(submit(app, to, flow, login_body(ANA, NULL))), NULL), 4010002);
    flow = begin_flow(app, "registration", "", &to);
    assert_int_equal(message_at(said(submit(app, to, flow, sign_up_body("bo@example.org", NULL, NULL))), NULL), 4010003);
}

/* -- identifier first ----------------------------------------------------- */

static kr_ctx_t *name_oneself(client_t *app, const char *identifier, const char **to)
{
    json_t *flow = begin_flow(app, "login", "", to);

    return submit(app, *to, flow, json_pack("{s:s, s:s}", "method", "identifier_first", "identifier", identifier));
}

static void test_identifier_first_offers_what_the_account_has(void **state)
{
    env_t *env = with(state, IDENTIFIER_FIRST);
    client_t *app = native(env);
    const char *to;
    kr_ctx_t *k;

    account(env, ANA);
    k = name_oneself(app, ANA, &to);
    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "choose_method");
    assert_non_null(node_of(said(k), "password"));
    assert_string_equal(value_of(said(k), "method"), "password");
    k = submit(app, to, NULL, login_body(ANA, NULL));
    assert_string_equal(word(k, "state"), "sent_email");
    assert_status(submit(app, to, NULL, login_body(ANA, login_code(env, ANA))), 200);
}

static void test_identifier_first_sends_the_code_at_once_where_it_is_the_only_way_in(void **state)
{
    env_t *env = with(state, IDENTIFIER_FIRST);
    client_t *app = native(env);
    const char *to;
    json_t *flow = begin_flow(app, "registration", "", &to);
    kr_ctx_t *k;

    assert_status(submit(app, to, flow, sign_up_body(ANA, NULL, NULL)), 400);
    assert_status(submit(app, to, flow, sign_up_body(ANA, NULL, registration_code(env, ANA))), 200);
    k = name_oneself(app, ANA, &to);
    assert_status(k, 400);
    assert_string_equal(word(k, "state"), "sent_email");
    assert_string_equal(word(k, "active"), "code");
    assert_status(submit(app, to, NULL, login_body(ANA, login_code(env, ANA))), 200);
}

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
        TEST(test_a_mailed_code_signs_in_and_verifies_its_address),
        TEST(test_a_code_works_once),
        TEST(test_a_code_that_is_too_old_is_wrong),
        TEST(test_after_five_tries_the_flow_is_locked_and_a_new_code_does_not_open_it),
        TEST(test_a_code_sent_again_voids_the_earlier_one),
        TEST(test_a_code_is_good_for_its_own_account_and_flow_only),
        TEST(test_of_two_addresses_the_one_that_was_typed_is_mailed),
        TEST(test_a_code_to_an_address_that_was_given_up_is_wrong),
        TEST(test_what_misses_is_said_at_its_field),
        TEST(test_a_code_confirms_a_session_of_its_owner_only),
        TEST(test_where_enumeration_is_mitigated_an_unknown_address_looks_like_a_known_one),
        TEST(test_another_identifier_takes_the_first_ones_code_along),
        TEST(test_an_account_from_before_codes_is_found_where_the_settings_want_it),
        TEST(test_the_first_address_for_codes_may_come_later),
        TEST(test_a_second_factor_goes_to_an_address_of_ones_own),
        TEST(test_a_code_of_somebody_elses_is_no_second_factor),
        TEST(test_a_second_factor_from_an_address_that_was_given_up_is_wrong),
        TEST(test_a_second_factor_is_locked_after_five_tries),
        TEST(test_a_trait_may_say_where_the_second_factor_goes),
        TEST(test_without_the_setting_there_is_no_sign_in_by_code),
        TEST(test_identifier_first_offers_what_the_account_has),
        TEST(test_identifier_first_sends_the_code_at_once_where_it_is_the_only_way_in),
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
