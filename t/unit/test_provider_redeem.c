/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with a code, and what an account is made of. */
#include "provider_env.h"

#include "kr_jsonnet.h"

#define TOKEN_PLACE ISSUER "/token"

static kr_provider_person_t person;

static kr_err_t *redeem(net_env_t *env, const kr_oidc_provider_conf_t *conf, const char *nonce)
{
    const kr_provider_back_t back = { .code = "the code+/", .redirect_uri = BACK, .verifier = "the verifier", .nonce = nonce };

    return kr_provider_redeem(&person, env->k, conf, &back);
}

static void document(net_env_t *env, json_t *more)
{
    json_t *all = json_pack("{s:s,s:s,s:s,s:s}", "issuer", ISSUER, "authorization_endpoint", ISSUER "/authorize", "token_endpoint",
                            TOKEN_PLACE, "jwks_uri", ISSUER "/jwks");

    json_object_update(all, more);
    json_decref(more);
    env->conf->discovery = kr_document_make(env->pool);
    place(env, ISSUER "/.well-known/openid-configuration", 200, kr_json_dump(env->pool, kr_json_own(env->pool, all), NULL));
}

/* -- the token call ------------------------------------------------------------------------- */

static void a_code_is_sent_once_with_all_that_belongs_to_it(void **state)
{
    net_env_t *env = *state;
    const call_t *call;

    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:s}", "nonce", "n")));
    OK(redeem(env, env->conf, "n"));
    assert_int_equal(hits(env, TOKEN_PLACE), 1);
    call = call_to(env, TOKEN_PLACE);
    assert_string_equal(call->method, "POST");
    assert_string_equal(apr_table_get(call->headers, "Content-Type"), "application/x-www-form-urlencoded");
    assert_string_equal(field(env, call, "grant_type"), "authorization_code");
    assert_string_equal(field(env, call, "code"), "the code+/");
    assert_string_equal(field(env, call, "redirect_uri"), BACK);
    assert_string_equal(field(env, call, "code_verifier"), "the verifier");
    assert_string_equal(person.subject, "ada");
    assert_string_equal(person.access_token, "at-1");
    assert_non_null(person.id_token);
    assert_null(person.refresh_token);
}

/* RFC 6749 2.3.1: both parts are escaped first, so that a colon in one of them ends nothing. */
static void we_say_who_we_are_as_the_document_wants_it(void **state)
{
    static const struct { const char *a, *b; int in_form; } ALL[] = {
        { NULL, NULL, 0 }, { "client_secret_basic", NULL, 0 }, { "client_secret_post", NULL, 1 },
        { "client_secret_post", "client_secret_basic", 0 }, { "none", NULL, 0 }, { "private_key_jwt", "client_secret_post", 1 },
    };
    net_env_t *env = *state;

    env->conf->client_id = "client:1";
    env->conf->client_secret = "s%cret &";
    next_tokens(env, TOKEN_PLACE, token(env, env->conf, NULL));
    for (int i = 0; i < KR_DIM(ALL); i++) {
        const char *basic = "Basic Y2xpZW50JTNBMTpzJTI1Y3JldCUyMCUyNg=="; /* client%3A1:s%25cret%20%26 */
        const call_t *call;

        document(env, ALL[i].a ? json_pack("{s:[s,s*]}", "token_endpoint_auth_methods_supported", ALL[i].a, ALL[i].b) : json_object());
        OK(redeem(env, env->conf, NULL));
        call = call_to(env, TOKEN_PLACE);
        if (ALL[i].in_form) {
            assert_null(apr_table_get(call->headers, "Authorization"));
            assert_string_equal(field(env, call, "client_id"), "client:1");
            assert_string_equal(field(env, call, "client_secret"), "s%cret &");
        } else {
            assert_string_equal(apr_table_get(call->headers, "Authorization"), basic);
            assert_null(field(env, call, "client_secret"));
        }
    }
    assert_int_equal(hits(env, TOKEN_PLACE), KR_DIM(ALL));
}

static void a_provider_that_refuses_or_fails_is_told_so_and_is_not_asked_twice(void **state)
{
    static const struct { int status; const char *body; } ALL[] = {
        { 0, "" },
        { 200, "" },
        { 200, "<html>oops</html>" },
        { 200, "[]" },
        { 200, "\"text\"" },
        { 200, "{\"error\":\"invalid_grant\"}" },
        { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"the secret is s\"}" },
        { 401, "{\"error\":\"invalid_client\"}" },
        { 401, "" },
        { 302, "" },
        { 307, "" },
        { 500, "oops" },
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        kr_err_t *err;

        place(env, TOKEN_PLACE, ALL[i].status, ALL[i].body);
        err = redeem(env, env->conf, NULL);
        not_taken(err, 502, "");
        assert_string_equal(err->id, "upstream_error");
        assert_null(strstr(err->reason, "secret"));
        assert_null(person.subject);
        assert_int_equal(hits(env, TOKEN_PLACE), i + 1);
    }
}

static void without_an_id_token_nobody_is_known(void **state)
{
    net_env_t *env = *state;

    next_tokens(env, TOKEN_PLACE, NULL);
    not_taken(redeem(env, env->conf, NULL), 400, "did not say who this is");
    place(env, TOKEN_PLACE, 200, "{}");
    not_taken(redeem(env, env->conf, NULL), 400, "did not say who this is");
    place(env, TOKEN_PLACE, 200, "{\"id_token\":\"\"}");
    not_taken(redeem(env, env->conf, NULL), 400, "did not say who this is");
    place(env, TOKEN_PLACE, 200, "{\"id_token\":{}}");
    not_taken(redeem(env, env->conf, NULL), 400, "did not say who this is");
    place(env, TOKEN_PLACE, 200, "{\"id_token\":\"not.a.token\"}");
    not_taken(redeem(env, env->conf, NULL), 400, "cannot be read");
}

static void the_nonce_that_was_sent_is_wanted_back(void **state)
{
    net_env_t *env = *state;

    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:s}", "nonce", "n")));
    OK(redeem(env, env->conf, "n"));
    OK(redeem(env, env->conf, NULL)); /* none was sent, and a provider may have its own */
    not_taken(redeem(env, env->conf, "m"), 403, "nonce");
    next_tokens(env, TOKEN_PLACE, token(env, env->conf, NULL));
    not_taken(redeem(env, env->conf, "n"), 403, "nonce");
}

static void all_calls_together_have_the_time_that_is_set(void **state)
{
    net_env_t *env = *state;

    env->settings.oidc.timeout = apr_time_from_sec(2);
    next_tokens(env, TOKEN_PLACE, token(env, env->conf, NULL));
    OK(redeem(env, env->conf, NULL));
    assert_int_equal(env->calls->nelts, 3);
    for (int i = 0; i < env->calls->nelts; i++) {
        apr_time_t timeout = APR_ARRAY_IDX(env->calls, i, call_t).timeout;

        assert_true(timeout > 0 && timeout <= apr_time_from_sec(2));
        if (i) assert_true(timeout < APR_ARRAY_IDX(env->calls, i - 1, call_t).timeout);
    }
}

/* -- user info ------------------------------------------------------------------------------------ */

static void user_info_is_of_the_person_of_the_id_token(void **state)
{
    static const char *const WRONG[] = { "{\"sub\":\"bob\"}", "{\"email\":\"a@b.example\"}", "{\"sub\":\"\"}", "{\"sub\":7}", "{\"sub\":\"ADA\"}" };
    net_env_t *env = *state;

    env->conf->claims_source = "userinfo";
    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:s,s:s,s:s,s:[s]}", "email", "of-token@x.example", "name", "Of Token", "acr", "gold", "amr", "mfa")));
    place_json(env, ISSUER "/userinfo", "{s:s,s:s,s:s}", "sub", "ada", "email", "ada@x.example", "acr", "made up");
    OK(redeem(env, env->conf, NULL));
    assert_string_equal(apr_table_get(call_to(env, ISSUER "/userinfo")->headers, "Authorization"), "Bearer at-1");
    assert_string_equal(kr_json_str(person.claims, "email"), "ada@x.example");
    assert_null(kr_json_str(person.claims, "name"));
    assert_string_equal(kr_json_str(person.claims, "iss"), ISSUER);
    assert_string_equal(person.acr, "gold"); /* how somebody signed in is the token's to say */
    assert_int_equal(json_array_size(person.amr), 1);
    for (int i = 0; i < KR_DIM(WRONG); i++) {
        place(env, ISSUER "/userinfo", 200, WRONG[i]);
        not_taken(redeem(env, env->conf, NULL), 403, "does not fit");
    }
    place(env, ISSUER "/userinfo", 200, "[]");
    not_taken(redeem(env, env->conf, NULL), 403, "");
    place(env, ISSUER "/userinfo", 401, "{}");
    not_taken(redeem(env, env->conf, NULL), 502, "");
    document(env, json_object());
    not_taken(redeem(env, env->conf, NULL), 502, "");
}

/* -- claims --------------------------------------------------------------------------------------------- */

static void claims_that_say_nothing_are_left_out(void **state)
{
    net_env_t *env = *state;
    const json_t *c;

    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:s,s:s,s:b,s:s,s:{s:s,s:s},s:s,s:[s],s:i}", "email_verified", "TRUE", "picture", "",
                                                              "phone_number_verified", 0, "nonce_supported", "false", "locale", "language", "de",
                                                              "country", "AT", "updated_at", "2024-01-02T03:04:05Z", "amr", "pwd", "of_its_own", 1)));
    OK(redeem(env, env->conf, NULL));
    c = person.claims;
    assert_true(json_is_true(json_object_get(c, "email_verified")));
    assert_null(json_object_get(c, "name"));
    assert_null(json_object_get(c, "picture"));
    assert_null(json_object_get(c, "phone_number_verified"));
    assert_null(json_object_get(c, "nonce_supported"));
    assert_string_equal(kr_json_str(c, "locale"), "de-AT");
    assert_int_equal(json_integer_value(json_object_get(c, "updated_at")), 1704164645);
    assert_int_equal(json_array_size(json_object_get(c, "amr")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(c, "raw_claims"), "of_its_own")), 1);
}

static void a_claim_of_another_type_is_not_understood(void **state)
{
    static const char *const ALL[] = { "{\"email\":1}", "{\"email\":[\"a@b.example\"]}", "{\"name\":{\"first\":\"Ada\"}}", "{\"acr\":1}", "{\"amr\":\"pwd\"}",
                                       "{\"amr\":[\"pwd\",1]}", "{\"locale\":5}", "{\"updated_at\":\"soon\"}", "{\"email_verified\":\"yes\"}",
                                       "{\"email_verified\":1}", "{\"email_verified\":[true]}", "{\"sub\":7}" };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_loads(ALL[i], 0, NULL)));
        not_taken(redeem(env, env->conf, NULL), 400, "");
    }
}

static void an_answer_that_names_nobody_is_the_providers_fault(void **state)
{
    net_env_t *env = *state;

    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:n}", "sub")));
    not_taken(redeem(env, env->conf, NULL), 502, "");
    next_tokens(env, TOKEN_PLACE, token(env, env->conf, json_pack("{s:s}", "sub", "")));
    not_taken(redeem(env, env->conf, NULL), 502, "");
}

/* -- mappers --------------------------------------------------------------------------------------------- */

static kr_mapped_t mapped;

static kr_err_t *map(net_env_t *env, const char *program, const json_t *identity)
{
    json_t *claims = kr_json_pack(env->pool, "{s:s,s:s}", "sub", "ada", "email", "Ada@X.example");
    const char *why;

    env->conf->mapper = kr_jsonnet_make_ext(env->pool, "test", program, strlen(program), &why);
    if (!env->conf->mapper) fail_msg("%s", why);
    return kr_provider_map(&mapped, env->k, env->conf, claims, identity);
}

static void a_mapper_makes_an_identity(void **state)
{
    net_env_t *env = *state;

    OK(map(env, "local c = std.extVar('claims'); {identity: {traits: {email: c.email}, metadata_public: {a: 1}, metadata_admin: {b: 2},"
                " verified_addresses: [{value: ' ' + c.email + '\\n', via: 'email'}, {value: ' +49 30 1', via: 'sms'}]}}", NULL));
    assert_string_equal(kr_json_str(mapped.traits, "email"), "Ada@X.example");
    assert_int_equal(json_integer_value(json_object_get(mapped.metadata_public, "a")), 1);
    assert_int_equal(json_integer_value(json_object_get(mapped.metadata_admin, "b")), 2);
    assert_string_equal(kr_json_str(json_array_get(mapped.verified_addresses, 0), "value"), "ada@x.example");
    assert_string_equal(kr_json_str(json_array_get(mapped.verified_addresses, 1), "value"), " +49 30 1");
}

static void what_it_does_not_say_is_nothing(void **state)
{
    net_env_t *env = *state;

    OK(map(env, "{identity: {traits: {}, metadata_public: null, verified_addresses: null}}", NULL));
    assert_int_equal(json_object_size(mapped.traits), 0);
    assert_null(mapped.metadata_public);
    assert_null(mapped.metadata_admin);
    assert_null(mapped.verified_addresses);
    OK(map(env, "{identity: {traits: {}, verified_addresses: [{value: 'a@b.example'}, {via: 'email'}]}}", NULL));
    assert_int_equal(json_array_size(mapped.verified_addresses), 0);
}

static void it_sees_the_account_as_it_is(void **state)
{
    static const char PROGRAM[] = "local i = std.extVar('identity'); {identity: {traits: i.traits, metadata_public: {seen: std.objectFields(i)}}}";
    net_env_t *env = *state;

    OK(map(env, PROGRAM, NULL));
    assert_int_equal(json_object_size(mapped.traits), 0);
    assert_int_equal(json_array_size(json_object_get(mapped.metadata_public, "seen")), 3);
    OK(map(env, PROGRAM, kr_json_pack(env->pool, "{s:{s:s},s:{},s:{}}", "traits", "a", "b", "metadata_public", "metadata_admin")));
    assert_string_equal(kr_json_str(mapped.traits, "a"), "b");
}

static void what_is_no_identity_makes_no_account(void **state)
{
    static const char *const ALL[] = {
        "1", "{}", "{identity: 1}", "{identity: {}}", "{identity: {traits: null}}", "{identity: {traits: []}}", "error 'no'",
        "{identity: {traits: {}, metadata_public: 1}}", "{identity: {traits: {}, metadata_admin: []}}", "std.extVar('other')",
        "{identity: {traits: {}, verified_addresses: {}}}", "{identity: {traits: {}, verified_addresses: ['a@b.example']}}",
        "{identity: {traits: {}, verified_addresses: [{value: 'a@b.example', via: ['email']}]}}", "{identity: {traits: {}, verified_addresses: [{value: 1, via: 'email'}]}}",
    };
    net_env_t *env = *state;

    for (int i = 0; i < KR_DIM(ALL); i++) {
        kr_err_t *err = map(env, ALL[i], NULL);

        not_taken(err, 400, "makes no account");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_code_is_sent_once_with_all_that_belongs_to_it),
        NET_TEST(we_say_who_we_are_as_the_document_wants_it),
        NET_TEST(a_provider_that_refuses_or_fails_is_told_so_and_is_not_asked_twice),
        NET_TEST(without_an_id_token_nobody_is_known),
        NET_TEST(the_nonce_that_was_sent_is_wanted_back),
        NET_TEST(all_calls_together_have_the_time_that_is_set),
        NET_TEST(user_info_is_of_the_person_of_the_id_token),
        NET_TEST(claims_that_say_nothing_are_left_out),
        NET_TEST(a_claim_of_another_type_is_not_understood),
        NET_TEST(an_answer_that_names_nobody_is_the_providers_fault),
        NET_TEST(a_mapper_makes_an_identity),
        NET_TEST(what_it_does_not_say_is_nothing),
        NET_TEST(it_sees_the_account_as_it_is),
        NET_TEST(what_is_no_identity_makes_no_account),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("codes", tests, make_keys, NULL);
    apr_terminate();
    return failed;
}
