/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of credentials: what each is good for, and what an account can reach with those that it has. */
#include "api_env.h"
#include "kr_credential.h"

#define UUID "01a22b69-6080-4657-af51-e65fa4310a3e"

/** One credential of somebody's. */
typedef struct {
    const char *type, *config, *identifier;
} had_t;

static const had_t PASSWORD = { "password", "{\"hashed_password\":\"$argon2id$x\"}", "ana" };
static const had_t NAME = { "password", "{}", "ana" }; /* keeps the name, and signs nobody in */
static const had_t CODE = { "code", "{\"addresses\":[{\"channel\":\"email\",\"address\":\"a@b.org\"}]}", "a@b.org" };
static const had_t CODE_NOWHERE = { "code", "{\"addresses\":[]}", NULL };
static const had_t CODE_NO_ADDRESS = { "code", "{\"addresses\":[{\"channel\":\"sms\",\"address\":\"ana\"}]}", "ana" };
static const had_t TOTP = { "totp", "{\"totp_url\":\"otpauth://totp/x:y?secret=z\"}", UUID };
static const had_t NO_TOTP = { "totp", "{}", UUID };
static const had_t SPARE = { "lookup_secret", "{\"recovery_codes\":[{\"code\":\"a\",\"used_at\":\"2026-01-01T00:00:00Z\"},{\"code\":\"b\"}]}", UUID };
static const had_t SPENT = { "lookup_secret", "{\"recovery_codes\":[{\"code\":\"a\",\"used_at\":\"2026-01-01T00:00:00Z\"}]}", UUID };
static const had_t NO_SPARE = { "lookup_secret", "{\"recovery_codes\":[]}", UUID };
static const had_t KEY = { "webauthn", "{\"credentials\":[{\"id\":\"a\",\"is_passwordless\":false}]}", "ana" };
static const had_t KEY_ALONE = { "webauthn", "{\"credentials\":[{\"id\":\"a\",\"is_passwordless\":true}]}", "ana" };
static const had_t KEY_UNNAMED = { "webauthn", "{\"credentials\":[{\"id\":\"a\",\"is_passwordless\":true}]}", NULL };
static const had_t KEYS = { "webauthn", "{\"credentials\":[{\"is_passwordless\":true},{\"id\":\"b\"}]}", "ana" };
static const had_t NO_KEY = { "webauthn", "{\"credentials\":null,\"user_handle\":\"x\"}", "ana" };
static const had_t PASSKEY = { "passkey", "{\"credentials\":[{\"id\":\"a\",\"is_passwordless\":true}]}", "aBcD" };
static const had_t NO_PASSKEY = { "passkey", "{\"credentials\":[]}", "aBcD" };
static const had_t GOOGLE = { "oidc", "{\"providers\":[{\"provider\":\"google\",\"subject\":\"1\"}]}", "google:1" };
static const had_t NO_PROVIDER = { "oidc", "{\"providers\":[]}", NULL };
static const had_t NEWER = { "of_a_newer_version", "{}", "x" };
static const had_t TOTP_BROKEN = { "totp", "{\"totp_url\":", UUID };

static const char NO_CODES[] = "selfservice: {methods: {code: {passwordless_enabled: false, mfa_enabled: false}}}\n";
static const char CODE_FIRST[] = "selfservice: {methods: {code: {passwordless_enabled: true}}}\n";
static const char ALL_SECOND[] = "selfservice: {methods: {code: {mfa_enabled: true}, totp: {enabled: true}, lookup_secret: {enabled: true}, "
                                 "passkey: {enabled: true, config: {rp: {id: example.org, display_name: x}}}, "
                                 "webauthn: {enabled: true, config: {rp: {id: example.org, display_name: x}}}, oidc: {enabled: true}}}\n";
#define KEY_METHODS "passkey: {enabled: true, config: {rp: {id: example.org, display_name: x}}}, " \
                    "webauthn: {enabled: true, config: {rp: {id: example.org, display_name: x}}}, oidc: {enabled: true}"
static const char KEYS_ON[] = "selfservice: {methods: {code: {passwordless_enabled: false}, " KEY_METHODS "}}\n";
static const char ALL_ON[] = "selfservice: {methods: {code: {passwordless_enabled: true}, " KEY_METHODS "}}\n";
static const char ALL_OFF[] = "selfservice: {methods: {password: {enabled: false}, code: {enabled: false, passwordless_enabled: false}}}\n";
static const char CODE_SECOND[] = "selfservice: {methods: {code: {mfa_enabled: true}}}\n";

static kr_credential_t made_of(env_t *env, const had_t *had)
{
    kr_credential_t c = { .id = "c", .type = had->type, .config = had->config,
                          .identifiers = apr_array_make(env->pool, 1, sizeof(const char *)) };

    if (had->identifier) APR_ARRAY_PUSH(c.identifiers, const char *) = had->identifier;
    return c;
}

static void test_each_kind_counts_as_what_it_is_when_it_is_set_up(void **state)
{
    static const struct {
        const had_t *had;
        const char *settings;
        unsigned counts;
    } CASES[] = {
        { &PASSWORD, NO_CODES, KR_FACTOR_FIRST },
        { &NAME, NO_CODES, 0 },
        { &CODE, NO_CODES, 0 },
        { &CODE, CODE_FIRST, KR_FACTOR_FIRST },
        { &CODE, CODE_SECOND, KR_FACTOR_SECOND },
        { &CODE_NOWHERE, CODE_SECOND, 0 },
        { &CODE_NO_ADDRESS, CODE_SECOND, 0 },
        { &TOTP, NO_CODES, KR_FACTOR_SECOND },
        { &NO_TOTP, NO_CODES, 0 },
        { &TOTP_BROKEN, NO_CODES, KR_FACTOR_SECOND },
        { &SPARE, NO_CODES, KR_FACTOR_SECOND },
        { &SPENT, NO_CODES, KR_FACTOR_SECOND }, /* the last one was used: a second factor is asked for all the same */
        { &NO_SPARE, NO_CODES, 0 },
        { &KEY, NO_CODES, KR_FACTOR_SECOND },
        { &KEY_ALONE, NO_CODES, KR_FACTOR_FIRST },
        { &KEY_UNNAMED, NO_CODES, 0 },
        { &KEYS, NO_CODES, KR_FACTOR_FIRST | KR_FACTOR_SECOND },
        { &NO_KEY, NO_CODES, 0 },
        { &PASSKEY, NO_CODES, KR_FACTOR_FIRST },
        { &NO_PASSKEY, NO_CODES, 0 },
        { &GOOGLE, NO_CODES, KR_FACTOR_FIRST },
        { &NO_PROVIDER, NO_CODES, 0 },
        { &NEWER, NO_CODES, KR_FACTOR_FIRST },
    };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const kr_credential_t c = made_of(env, CASES[i].had);
        const kr_credential_kind_t *kind = kr_credential_kind(c.type);
        unsigned counts;

        change(env, CASES[i].settings);
        counts = kr_credential_factors(context(env, env->realm), &c);
        if (counts != CASES[i].counts) fail_msg("%s %s: %u", c.type, c.config, counts);
        if (kind && (counts & ~kind->factors)) fail_msg("%s counts as what its kind cannot be", c.type);
    }
}

/* What may be removed is what leaves one. */
static void test_ways_in_are_counted_key_by_key_and_what_cannot_be_read_is_none(void **state)
{
    static const had_t HASH_ALONE = { "password", "{\"hashed_password\":\"$argon2id$x\"}", NULL };
    static const had_t KEYS_ALONE = { "webauthn", "{\"credentials\":[{\"is_passwordless\":true},{},{\"is_passwordless\":true}]}", "ana" };
    static const had_t PASSKEYS = { "passkey", "{\"credentials\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "aBcD" };
    static const had_t PASSKEY_UNFOUND = { "passkey", "{\"credentials\":[{\"id\":\"a\"}]}", NULL };
    static const had_t PASSKEY_BROKEN = { "passkey", "{\"credentials\":[{\"id\":", "aBcD" };
    static const had_t GITHUB = { "oidc", "{}", "github:ab:c" };
    static const had_t NOT_A_PROVIDER = { "oidc", "{}", "github" };
    static const struct {
        const had_t *had[3];
        const char *settings;
        int ways;
    } CASES[] = {
        { { NULL }, KEYS_ON, 0 },
        { { NULL }, ALL_ON, 1 }, /* whose address gets a code is seen when one asks for it */
        { { NULL }, CODE_SECOND, 0 },
        { { &CODE }, KEYS_ON, 0 },
        { { &CODE }, ALL_ON, 1 },
        { { &PASSWORD, &CODE }, ALL_ON, 2 },
        { { &PASSWORD }, KEYS_ON, 1 },
        { { &NAME }, KEYS_ON, 0 },
        { { &HASH_ALONE }, KEYS_ON, 0 },
        { { &KEYS_ALONE }, KEYS_ON, 2 },
        { { &KEYS_ALONE, &PASSWORD, &PASSKEYS }, KEYS_ON, 5 },
        { { &KEY, &TOTP, &SPARE }, KEYS_ON, 0 },
        { { &KEY_UNNAMED }, KEYS_ON, 0 },
        { { &NO_KEY, &NO_PASSKEY, &NO_PROVIDER }, KEYS_ON, 0 },
        { { &PASSKEY }, KEYS_ON, 1 },
        { { &PASSKEY_UNFOUND }, KEYS_ON, 0 },
        { { &PASSKEY_BROKEN, &TOTP_BROKEN }, KEYS_ON, 0 },
        { { &GOOGLE }, KEYS_ON, 1 },
        { { &GITHUB }, KEYS_ON, 1 },
        { { &NOT_A_PROVIDER }, KEYS_ON, 0 },
        { { &PASSWORD, &PASSKEY, &GOOGLE }, ALL_OFF, 0 }, /* who may not show it does not get in by it */
        { { &NEWER, &PASSWORD }, KEYS_ON, 1 }, /* nobody signs in here with what is not known here */
    };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_identity_t identity = { .credentials = apr_array_make(env->pool, 3, sizeof(kr_credential_t)) };
        int ways;

        for (int j = 0; j < KR_DIM(CASES[i].had) && CASES[i].had[j]; j++)
            APR_ARRAY_PUSH(identity.credentials, kr_credential_t) = made_of(env, CASES[i].had[j]);
        change(env, CASES[i].settings);
        ways = kr_identity_first_factors(context(env, env->realm), &identity);
        if (ways != CASES[i].ways) fail_msg("case %d: %d", i, ways);
    }
}

static void test_of_a_provider_each_subject_is_a_way_in(void **state)
{
    env_t *env = *state;
    kr_identity_t identity = { .credentials = apr_array_make(env->pool, 1, sizeof(kr_credential_t)) };
    kr_credential_t providers = made_of(env, &GOOGLE);

    APR_ARRAY_PUSH(providers.identifiers, const char *) = "github:7";
    APR_ARRAY_PUSH(identity.credentials, kr_credential_t) = providers;
    change(env, KEYS_ON);
    assert_int_equal(kr_identity_first_factors(context(env, env->realm), &identity), 2);
}

/* Every set of ten credentials: 1024 accounts. */
static void test_what_an_account_reaches_is_told_by_its_factors_and_never_lowered_by_others(void **state)
{
    static const struct {
        const had_t *had;
        kr_aal_e alone;
    } SOME[] = {
        { &PASSWORD, KR_AAL1 }, { &NAME, KR_AAL0 },     { &PASSKEY, KR_AAL1 }, { &GOOGLE, KR_AAL1 }, { &KEY_ALONE, KR_AAL1 },
        { &KEY, KR_AAL2 },      { &TOTP, KR_AAL2 },     { &SPARE, KR_AAL2 },   { &CODE, KR_AAL2 },   { &NO_TOTP, KR_AAL0 },
    };
    env_t *env = *state;
    kr_ctx_t *k;

    change(env, ALL_SECOND);
    k = context(env, env->realm);
    for (unsigned set = 0; set < 1u << KR_DIM(SOME); set++) {
        kr_identity_t identity = { .credentials = apr_array_make(k->pool, 10, sizeof(kr_credential_t)) };
        kr_aal_e best = KR_AAL0;

        for (int i = 0; i < KR_DIM(SOME); i++) {
            if (!(set & (1u << i))) continue;
            APR_ARRAY_PUSH(identity.credentials, kr_credential_t) = made_of(env, SOME[i].had);
            if (SOME[i].alone > best) best = SOME[i].alone;
        }
        if (kr_identity_aal(k, &identity) != best) fail_msg("set %x: %s", set, kr_aal_name(kr_identity_aal(k, &identity)));
    }
}

static void test_identifiers_are_taken_from_what_the_schema_annotates_for_the_kind(void **state)
{
    static const char *const TYPED[] = { "password", "code", "webauthn" };
    const kr_leaf_t leaves[] = { { .password_identifier = 1 }, { .code_identifier = 1 }, { .webauthn_identifier = 1 },
                                 { .passkey_display_name = 1, .totp_account_name = 1 } };

    (void)state;
    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++) {
        int at = -1;

        for (int i = 0; i < KR_DIM(TYPED); i++)
            if (strcmp(TYPED[i], kind->type) == 0) at = i;
        assert_int_equal(kind->normalised, at >= 0); /* a user handle, "google:Ab1" and an id mean exactly what they say */
        assert_int_equal(kind->identifies != NULL, at >= 0);
        for (int i = 0; kind->identifies && i < KR_DIM(leaves); i++) assert_int_equal(kind->identifies(&leaves[i]), i == at);
        assert_ptr_equal(kr_credential_kind(kind->type), kind);
    }
    assert_null(kr_credential_kind("profile"));
}

static void test_a_password_is_imported_as_a_hash_or_as_text_and_not_as_both(void **state)
{
    static const struct {
        const char *given;
        int status;
    } CASES[] = {
        { "{\"hashed_password\":\"$2a$04$zHHDuxRRJxoeXvE.vFvVOe8XDbsMZLGBHKYWXk8eMkNqZ4lJnfeyW\"}", 0 },
        { "{\"password\":\"correct horse battery\"}", 0 },
        { "{\"hashed_password\":\"x\"}", 400 },
        { "{\"password\":\"a\",\"hashed_password\":\"b\"}", 400 },
        { "{}", 400 },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const json_t *given = kr_json_own(env->pool, json_loads(CASES[i].given, 0, NULL));
        const kr_credential_kind_t *kind = kr_credential_kind("password");
        kr_identity_t nobody = { .id = UUID };
        kr_imported_t made = { NULL };
        kr_err_t *err = kind->import(&made, k, &nobody, given);

        assert_int_equal(err ? err->status : 0, CASES[i].status);
        if (err) continue;
        assert_non_null(kr_json_str(kind->exported(k, &nobody, &(kr_credential_t){ .type = "password", .config = made.config }),
                                    "hashed_password"));
        assert_null(made.identifiers);
    }
}

static void test_an_app_comes_in_as_kratos_keeps_it_is_sealed_for_its_account_and_goes_out_again(void **state)
{
#define SEED "otpauth://totp/Site:ana?algorithm=SHA1&digits=6&issuer=Site&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    static const struct {
        const char *given;
        int status;
    } CASES[] = {
        { "{\"totp_url\":\"" SEED "\"}", 0 },
        { "{\"totp_url\":\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"}", 400 },
        { "{\"totp_url\":\"otpauth://totp/x?secret=\"}", 400 },
        { "{\"totp_url\":\"otpauth://totp/x?secret=1890\"}", 400 },
        { "{\"totp_url\":\"otpauth://totp/x?digits=8&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"}", 400 },
        { "{\"totp_url\":\"otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"}", 400 },
        { "{\"totp_url\":17}", 400 },
        { "{}", 400 },
        { "null", 400 },
        { "[]", 400 },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    const kr_credential_kind_t *kind = kr_credential_kind("totp");
    const kr_identity_t ana = { .id = UUID }, eve = { .id = NIL };

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const json_t *given = kr_json_own(env->pool, json_loads(CASES[i].given, JSON_DECODE_ANY, NULL));
        kr_imported_t made = { NULL };
        kr_err_t *err = kind->import(&made, k, &ana, given);
        const kr_credential_t app = { .type = "totp", .config = made.config };

        assert_int_equal(err ? err->status : 0, CASES[i].status);
        if (err) continue;
        assert_string_equal(APR_ARRAY_IDX(made.identifiers, 0, const char *), UUID);
        assert_null(strstr(made.config, "otpauth"));
        assert_string_equal(kr_json_str(kind->exported(k, &ana, &app), "totp_url"), SEED);
        k->log_level = 0;
        assert_null(kind->exported(k, &eve, &app));
    }
}

static void test_recovery_codes_come_in_plain_and_are_kept_as_hashes_of_their_account(void **state)
{
    static const struct {
        const char *codes;
        int status;
        const char *kept; /* of each code, whether it is used */
    } CASES[] = {
        { "[{\"code\":\"ab12cd34\"},{\"code\":\"EF56gh78\",\"used_at\":\"2026-01-01T00:00:00Z\"},"
          "{\"code\":\"x\",\"used_at\":null},{\"code\":\"y\",\"used_at\":\"0001-01-01T00:00:00Z\"}]", 0, "0100" },
        { "[]", 400, NULL },
        { "{}", 400, NULL },
        { "[\"ab12cd34\"]", 400, NULL },
        { "[{\"code\":\"\"}]", 400, NULL },
        { "[{\"code\":\"ab 12\"}]", 400, NULL },
        { "[{\"code\":\"\u00e4\"}]", 400, NULL },
        { "[{\"code\":\"a\"},{\"code\":17}]", 400, NULL },
        { "[{\"code\":\"a\",\"used_at\":\"soon\"}]", 400, NULL },
        { "[{\"code\":\"a\",\"used_at\":1}]", 400, NULL },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    const kr_credential_kind_t *kind = kr_credential_kind("lookup_secret");
    const kr_identity_t ana = { .id = UUID };

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *text = apr_psprintf(k->pool, "{\"recovery_codes\":%s}", CASES[i].codes);
        kr_imported_t made = { NULL };
        kr_err_t *err = kind->import(&made, k, &ana, kr_json_own(env->pool, json_loads(text, 0, NULL)));
        const json_t *kept;

        assert_int_equal(err ? err->status : 0, CASES[i].status);
        if (err) continue;
        assert_string_equal(APR_ARRAY_IDX(made.identifiers, 0, const char *), UUID);
        assert_null(strstr(made.config, "ab12cd34"));
        kept = json_object_get(kr_json_own(env->pool, json_loads(made.config, 0, NULL)), "recovery_codes");
        assert_int_equal(json_array_size(kept), strlen(CASES[i].kept));
        for (size_t j = 0; j < json_array_size(kept); j++)
            assert_int_equal(json_is_string(json_object_get(json_array_get(kept, j), "used_at")), CASES[i].kept[j] == '1');
        assert_string_equal(kr_json_str(json_array_get(kept, 1), "code"), kr_lookup_hash(k, UUID, 0, "ef56gh78"));
        assert_string_not_equal(kr_json_str(json_array_get(kept, 1), "code"), kr_lookup_hash(k, NIL, 0, "ef56gh78"));
    }
    assert_null(kind->exported);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_counts_as_what_it_is_when_it_is_set_up),
        TEST(test_ways_in_are_counted_key_by_key_and_what_cannot_be_read_is_none),
        TEST(test_of_a_provider_each_subject_is_a_way_in),
        TEST(test_what_an_account_reaches_is_told_by_its_factors_and_never_lowered_by_others),
        TEST(test_identifiers_are_taken_from_what_the_schema_annotates_for_the_kind),
        TEST(test_a_password_is_imported_as_a_hash_or_as_text_and_not_as_both),
        TEST(test_recovery_codes_come_in_plain_and_are_kept_as_hashes_of_their_account),
        TEST(test_an_app_comes_in_as_kratos_keeps_it_is_sealed_for_its_account_and_goes_out_again),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
