/* SPDX-License-Identifier: Apache-2.0 */
/* The one judge of levels: each session, each demand, each set of credentials, each method that is on or off. */
#include "api_env.h"
#include "kr_identity.h"

static const char MEMBER[] =
    "{\"type\":\"object\",\"properties\":{\"traits\":{\"type\":\"object\",\"properties\":{"
    "\"email\":{\"type\":\"string\",\"ory.sh/kratos\":{\"credentials\":{\"password\":{\"identifier\":true}}}},"
    "\"phone\":{\"type\":\"string\",\"ory.sh/kratos\":{\"credentials\":{\"code\":{\"identifier\":true,\"via\":\"sms\"}}}}}}}}";

#define PHONE "+491701234567"

/** A second factor that an account may have, and the setting that it hangs on. */
static const struct {
    const char *type, *config, *setting; /* a key's id is nobody else's */
} FACTORS[] = {
    { "code", "{\"addresses\":[{\"channel\":\"sms\",\"address\":\"" PHONE "\"}]}", "code: {enabled: true, mfa_enabled: %s}" },
    { "totp", "{\"totp_url\":\"otpauth://totp/x:y?secret=z\"}", "totp: {enabled: %s}" },
    { "lookup_secret", "{\"recovery_codes\":[{\"code\":\"a\"}]}", "lookup_secret: {enabled: %s}" },
    { "webauthn", "{\"credentials\":[{\"id\":\"%s\",\"is_passwordless\":false}]}",
      "webauthn: {enabled: %s, config: {rp: {id: example.org, display_name: x, origins: ['https://id.example.org']}}}" },
};

#define SETS (1u << KR_DIM(FACTORS))

/* `on` says of each factor whether its setting is. */
static void use(env_t *env, unsigned on, int whoami_highest, int settings_highest)
{
    char *text = apr_pstrdup(env->pool, "selfservice: {methods: {");

    for (int i = 0; i < KR_DIM(FACTORS); i++)
        text = apr_pstrcat(env->pool, text, i ? ", " : "",
                           apr_psprintf(env->pool, FACTORS[i].setting, on & (1u << i) ? "true" : "false"), NULL);
    change(env, apr_psprintf(env->pool, "%s}, flows: {settings: {required_aal: %s}}}\nsession: {whoami: {required_aal: %s}}\n", text,
                             settings_highest ? "highest_available" : "aal1", whoami_highest ? "highest_available" : "aal1"));
}

static void give(kr_identity_t *identity, apr_pool_t *pool, const char *type, const char *config, const char *identifier)
{
    kr_credential_t *c = apr_array_push(identity->credentials);

    *c = (kr_credential_t){ .type = type, .config = config, .identifiers = apr_array_make(pool, 1, sizeof(const char *)) };
    APR_ARRAY_PUSH(c->identifiers, const char *) = identifier;
}

static kr_err_t *insert(kr_ctx_t *k, void *identity)
{
    return kr_identity_insert(k, identity);
}

/* An account with these factors, written while the settings of `env` held. @return its id */
static const char *account(env_t *env, unsigned set)
{
    static int n;
    kr_ctx_t *k = context(env, env->realm);
    const char *name = apr_psprintf(env->pool, "user%d", ++n);
    const char *phone = apr_psprintf(env->pool, "+4917012%05d", n);
    kr_identity_t identity = { .schema_id = "person", .credentials = apr_array_make(env->pool, 5, sizeof(kr_credential_t)) };

    identity.traits = kr_json_pack(env->pool, "{s:s}", "email", name);
    give(&identity, env->pool, "password", "{\"hashed_password\":\"x\"}", name);
    for (int i = 0; i < KR_DIM(FACTORS); i++)
        if (set & (1u << i)) give(&identity, env->pool, FACTORS[i].type, apr_psprintf(env->pool, FACTORS[i].config, name), i ? name : phone);
    if (set & 1) json_object_set_new(identity.traits, "phone", json_string(phone));
    OK(kr_db_tx(k, insert, &identity));
    kr_db_release(k);
    return identity.id;
}

/** One question, and what it has to be answered with. */
typedef struct {
    kr_demand_e demand;
    int asked;               /* does anybody ask, by the settings? */
    unsigned set, on;
} question_t;

static void judge(env_t *env, const char *id, const question_t *q, kr_aal_e level)
{
    kr_ctx_t *k = context(env, env->realm);
    const int second = (q->set & q->on) != 0;
    kr_session_t session = { .aal = level };
    unsigned before;
    kr_err_t *err;

    OK(kr_identity_load(&session.identity, k, id, 0));
    before = k->statements;
    err = kr_session_check_aal(k, &session, q->demand, "https://app.example.org/x");
    if (level == KR_AAL2 || !q->asked || (!q->set && q->demand != KR_DEMAND_SECOND)) assert_null(err);
    else if (second) {
        assert_string_equal(err->id, "session_aal2_required");
        assert_string_equal(kr_json_str(err->extra, "redirect_browser_to"),
                            BASE "/self-service/login/browser?aal=aal2&return_to=https%3A%2F%2Fapp.example.org%2Fx");
    } else if (q->demand == KR_DEMAND_SECOND) assert_true(err->status == 403 && !err->id && !err->extra);
    else if (err) fail_msg("factors %x, on %x, level %d: asked for what nobody can show", q->set, q->on, level);
    assert_int_equal(k->statements != before, level != KR_AAL2 && q->asked && (q->set & (q->on | ~1u)) != 0);
    kr_db_release(k);
}

static void test_who_can_show_a_second_factor_is_asked_for_it_and_nobody_else(void **state)
{
    env_t *env = *state;
    const char *ids[SETS];

    write_file(env, "person.json", MEMBER);
    use(env, 0, 1, 1);
    for (unsigned set = 0; set < SETS; set++) ids[set] = account(env, set); /* written while all was off: asked all the same once it is on */
    for (unsigned on = 0; on < SETS; on++)
        for (int highest = 0; highest < 4; highest++) {
            use(env, on, highest & 1, highest & 2);
            for (unsigned set = 0; set < SETS; set++)
                for (int demand = KR_DEMAND_WHOAMI; demand <= KR_DEMAND_SECOND; demand++)
                    for (int level = KR_AAL0; level <= KR_AAL2; level++) {
                        const int asked[] = { highest & 1, highest & 2, 1 };

                        judge(env, ids[set], &(question_t){ (kr_demand_e)demand, asked[demand] != 0, set, on }, (kr_aal_e)level);
                    }
        }
}

static void test_an_account_that_was_written_while_all_was_on_is_counted_anew_when_a_method_is_off(void **state)
{
    env_t *env = *state;

    write_file(env, "person.json", MEMBER);
    for (unsigned set = 1; set < SETS; set++) {
        const char *id;

        use(env, SETS - 1, 1, 1);
        id = account(env, set);
        for (unsigned on = 0; on < SETS; on++) {
            kr_session_t session = { .aal = KR_AAL1 };
            kr_err_t *err;
            kr_ctx_t *k;

            use(env, on, 1, 1);
            k = context(env, env->realm);
            OK(kr_identity_load(&session.identity, k, id, 0));
            assert_int_equal(session.identity->available_aal, KR_AAL2);
            err = kr_session_check_aal(k, &session, KR_DEMAND_WHOAMI, NULL);
            if (!err != !(set & on)) fail_msg("factors %x, on %x: %s", set, on, err ? err->reason : "content");
            kr_db_release(k);
        }
    }
}

static void test_a_key_that_needs_no_password_is_no_second_factor(void **state)
{
    env_t *env = *state;
    kr_ctx_t *k;
    kr_identity_t identity = { .credentials = apr_array_make(env->pool, 2, sizeof(kr_credential_t)) };

    use(env, SETS - 1, 1, 1);
    k = context(env, env->realm);
    give(&identity, env->pool, "password", "{\"hashed_password\":\"x\"}", "ana");
    give(&identity, env->pool, "webauthn", "{\"credentials\":[{\"id\":\"a\",\"is_passwordless\":true}]}", "ana");
    assert_int_equal(kr_identity_aal(k, &identity), KR_AAL1);
    assert_int_equal(kr_identity_aal_most(k, &identity), KR_AAL1);
}

static void test_whom_codes_reach_without_a_credential_is_asked_by_a_place_alone(void **state)
{
    static const char ON[] = "selfservice: {methods: {code: {mfa_enabled: %s, config: {missing_credential_fallback_enabled: %s}}}}\n";
    env_t *env = *state;

    for (int on = 0; on < 4; on++)
        for (int recovery = 0; recovery < 2; recovery++) {
            kr_identity_t identity = { .schema_id = "person", .available_aal = KR_AAL1, .whole = 1, .traits = kr_json_own(env->pool, json_object()),
                                       .addresses = apr_array_make(env->pool, 1, sizeof(kr_address_t)),
                                       .credentials = apr_array_make(env->pool, 1, sizeof(kr_credential_t)) };
            const kr_session_t session = { .aal = KR_AAL1, .identity = &identity };
            kr_err_t *err;
            kr_ctx_t *k;

            APR_ARRAY_PUSH(identity.addresses, kr_address_t) = (kr_address_t){ .value = "a@example.org", .via = "email", .recovery = recovery };
            change(env, apr_psprintf(env->pool, ON, on & 1 ? "true" : "false", on & 2 ? "true" : "false"));
            k = context(env, env->realm);
            OK(kr_session_check_aal(k, &session, KR_DEMAND_WHOAMI, NULL));
            OK(kr_session_check_aal(k, &session, KR_DEMAND_SETTINGS, NULL));
            err = kr_session_check_aal(k, &session, KR_DEMAND_SECOND, NULL);
            assert_int_equal(err->id != NULL, on == 3 && !recovery);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_can_show_a_second_factor_is_asked_for_it_and_nobody_else),
        TEST(test_an_account_that_was_written_while_all_was_on_is_counted_anew_when_a_method_is_off),
        TEST(test_whom_codes_reach_without_a_credential_is_asked_by_a_place_alone),
        TEST(test_a_key_that_needs_no_password_is_no_second_factor),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
