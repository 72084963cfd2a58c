/* SPDX-License-Identifier: Apache-2.0 */
/* What Require lines ask: which are read, and whom they let in. */
#include "test.h"

#include "kr_json.h"
#include "kr_realm.h"
#include "kr_require.h"
#include "kr_text.h"

#define ANA "01890a5d-ac96-474b-bcce-b302099a8057"
#define BOB "01890a5d-ac96-474b-bcce-b302099a8058"

#define TRAITS                                                                                                         \
    "{\"email\": \"ana@example.org\", \"age\": 30, \"height\": 1.7, \"staff\": true, \"none\": null, "                 \
    "\"groups\": [\"editors\", \"readers\"], \"address\": {\"country\": \"DE\"}, "                                     \
    "\"phones\": [{\"kind\": \"home\"}, {\"kind\": \"work\"}], \"path\": \"/srv\"}"

#define NOW apr_time_from_sec(1767225600)

static apr_pool_t *pool;

static const apr_array_header_t *words_of(const char *line)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(pool, line), *last;

    for (char *w = apr_strtok(rest, " ", &last); w; w = apr_strtok(NULL, " ", &last)) APR_ARRAY_PUSH(words, const char *) = w;
    return words;
}

static kr_require_kind_e kind_of(const char *name)
{
    int kind = 0;

    while (strcmp(kr_require_names[kind], name)) assert_true(++kind < KR_REQUIRE_KINDS);
    return (kr_require_kind_e)kind;
}

static kr_session_t *session(void)
{
    static kr_identity_t identity;
    static kr_session_t s;

    identity = (kr_identity_t){
        .id = ANA,
        .schema_id = "person",
        .available_aal = KR_AAL1,
        .traits = kr_json_own(pool, json_loads(TRAITS, 0, NULL)),
        .metadata_public = kr_json_own(pool, json_loads("{\"plan\": \"gold\"}", 0, NULL)),
        .addresses = apr_array_make(pool, 2, sizeof(kr_address_t)),
        .credentials = apr_array_make(pool, 1, sizeof(kr_credential_t)),
    };
    APR_ARRAY_PUSH(identity.addresses, kr_address_t) =
        (kr_address_t){ .value = "ana@example.org", .via = "email", .verified = 1 };
    APR_ARRAY_PUSH(identity.addresses, kr_address_t) = (kr_address_t){ .value = "+49123", .via = "sms", .verified = 0 };
    s = (kr_session_t){ .id = BOB, .identity = &identity, .aal = KR_AAL1, .authenticated_at = NOW - apr_time_from_sec(600) };
    return &s;
}

static kr_require_t *read_as(const char *kind, const char *line)
{
    const char *why = NULL;
    kr_require_t *require = kr_require_parse(pool, kind_of(kind), words_of(line), &why);

    if (!require) fail_msg("%s %s: %s", kind, line, why);
    return require;
}

static void test_lines_let_in_whom_they_name(void **state)
{
    static const struct {
        const char *kind, *line;
        kr_verdict_e verdict;
    } CASES[] = {
        { "kratos-session", "", KR_REQUIRE_MET },
        { "kratos-aal", "aal1", KR_REQUIRE_MET },
        { "kratos-aal", "aal2", KR_REQUIRE_UNMET },
        { "kratos-session", "max-age=1h", KR_REQUIRE_MET },
        { "kratos-session", "max-age=10m", KR_REQUIRE_UNMET }, /* it was proved 10 minutes ago */
        { "kratos-session", "max-age=10m0.000001s", KR_REQUIRE_MET },
        { "kratos-session", "max-age=90s", KR_REQUIRE_UNMET },
        { "kratos-aal", "aal1 max-age=11m", KR_REQUIRE_MET },
        { "kratos-aal", "max-age=11m aal1", KR_REQUIRE_MET },
        { "kratos-aal", "aal1 max-age=9m", KR_REQUIRE_UNMET },
        { "kratos-aal", "aal2 max-age=1h", KR_REQUIRE_UNMET },
        { "kratos-metadata", "plan max-age=15m gold", KR_REQUIRE_MET }, /* a value like others */
        { "kratos-verified", "", KR_REQUIRE_MET },
        { "kratos-verified", "email", KR_REQUIRE_MET },
        { "kratos-verified", "phone", KR_REQUIRE_UNMET },
        { "kratos-verified", "email ana@example.org", KR_REQUIRE_MET },
        { "kratos-verified", "email x@example.org /@EXAMPLE\\.org$/i", KR_REQUIRE_MET },
        { "kratos-verified", "email /@example\\.net$/", KR_REQUIRE_UNMET },
        { "kratos-verified", "phone +49123", KR_REQUIRE_UNMET },
        { "kratos-identity", BOB " " ANA, KR_REQUIRE_MET },
        { "kratos-identity", BOB, KR_REQUIRE_UNMET },
        { "kratos-schema", "company person", KR_REQUIRE_MET },
        { "kratos-schema", "persons", KR_REQUIRE_UNMET },
        { "kratos-metadata", "plan gold", KR_REQUIRE_MET },
        { "kratos-metadata", "plan silver", KR_REQUIRE_UNMET },
        { "kratos-trait", "email bob@example.org ana@example.org", KR_REQUIRE_MET },
        { "kratos-trait", "email ANA@example.org", KR_REQUIRE_UNMET },
        { "kratos-trait", "email /@example\\.org$/", KR_REQUIRE_MET },
        { "kratos-trait", "email /^EXAMPLE/", KR_REQUIRE_UNMET },
        { "kratos-trait", "email /^ANA@/i", KR_REQUIRE_MET },
        { "kratos-trait", "path /srv", KR_REQUIRE_MET }, /* a text that begins with a slash */
        { "kratos-trait", "age 30", KR_REQUIRE_MET },
        { "kratos-trait", "age 30.0", KR_REQUIRE_MET },
        { "kratos-trait", "age 31", KR_REQUIRE_UNMET },
        { "kratos-trait", "age /^3/", KR_REQUIRE_MET },
        { "kratos-trait", "age 0x1e", KR_REQUIRE_UNMET },
        { "kratos-trait", "height 1.70", KR_REQUIRE_MET },
        { "kratos-trait", "staff true", KR_REQUIRE_MET },
        { "kratos-trait", "staff false", KR_REQUIRE_UNMET },
        { "kratos-trait", "staff 1", KR_REQUIRE_UNMET },
        { "kratos-trait", "none null", KR_REQUIRE_UNMET },
        { "kratos-trait", "none /./", KR_REQUIRE_UNMET },
        { "kratos-trait", "groups readers", KR_REQUIRE_MET },
        { "kratos-trait", "groups admins", KR_REQUIRE_UNMET },
        { "kratos-trait", "address.country AT DE", KR_REQUIRE_MET },
        { "kratos-trait", "address DE", KR_REQUIRE_UNMET },
        { "kratos-trait", "address.country.code DE", KR_REQUIRE_UNMET },
        { "kratos-trait", "phones.kind work", KR_REQUIRE_MET },
        { "kratos-trait", "nobody.has.this x", KR_REQUIRE_UNMET },
    };
    kr_ctx_t *k = kr_ctx_make(pool, NULL, KR_LOG_ERR);

    (void)state;
    k->now = NOW;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_verdict_e verdict = kr_require_judge(k, read_as(CASES[i].kind, CASES[i].line), session());

        if (verdict != CASES[i].verdict) fail_msg("%s %s: %d", CASES[i].kind, CASES[i].line, verdict);
    }
}

static void test_lines_that_make_no_sense_are_refused_with_a_reason(void **state)
{
    static const char *const CASES[][2] = {
        { "kratos-session", "x" },        { "kratos-aal", "" },          { "kratos-aal", "aal3" },
        { "kratos-aal", "aal1 aal2" },    { "kratos-verified", "fax" },  { "kratos-verified", "email phone" },
        { "kratos-identity", "" },        { "kratos-identity", "ana" },  { "kratos-schema", "" },
        { "kratos-trait", "" },           { "kratos-trait", "email" },   { "kratos-trait", ".email x" },
        { "kratos-trait", "a..b x" },     { "kratos-trait", "a. x" },    { "kratos-trait", "email /(/" },
        { "kratos-metadata", "plan" },    { "kratos-trait", "email /[/i" },
        { "kratos-session", "max-age" },  { "kratos-aal", "max-age=15m" }, { "kratos-session", "max_age=15m" },
        { "kratos-aal", "aal1 aal2 max-age=15m" },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        const char *why = NULL;

        if (kr_require_parse(pool, kind_of(CASES[i][0]), words_of(CASES[i][1]), &why))
            fail_msg("%s %s was taken", CASES[i][0], CASES[i][1]);
        assert_non_null(why);
        assert_true(strlen(why) > 10);
    }
}

/* What is written wrongly is said with what to write instead. */
static void test_a_wrong_age_is_refused_with_what_to_write_instead(void **state)
{
    static const char *const CASES[][2] = {
        { "max-age=15", "\"max-age=15\" is no duration" }, { "max-age=15min", "max-age=15m," }, { "max-age=", "is no duration" },
        { "max-age=-5m", "is no duration" },              { "max-age=15m30", "max-age=90s" },  { "max-age=9999999999h", "is no duration" },
        { "max-age=0", "let nobody in" },                 { "max-age=0s", "max-age=15m" },     { "max-age=10ms", "let nobody in" },
        { "max-age=15m max-age=1h", "twice" },
    };

    (void)state;
    for (int i = 0; i < 2 * KR_DIM(CASES); i++) {
        const int aal = i % 2;
        const char *line = apr_pstrcat(pool, aal ? "aal2 " : "", CASES[i / 2][0], NULL), *why = NULL;

        assert_null(kr_require_parse(pool, aal ? KR_REQUIRE_AAL : KR_REQUIRE_SESSION, words_of(line), &why));
        if (!why || !strstr(why, CASES[i / 2][1])) fail_msg("%s: %s", line, why);
    }
}

static void test_an_age_is_known_afterwards(void **state)
{
    (void)state;
    assert_int_equal(kr_require_max_age(read_as("kratos-session", "")), 0);
    assert_int_equal(kr_require_max_age(read_as("kratos-session", "max-age=1h30m")), apr_time_from_sec(5400));
    assert_int_equal(kr_require_max_age(read_as("kratos-aal", "aal2 max-age=90s")), apr_time_from_sec(90));
}

/** What somebody is told, and where they are sent, by the line, the level of the session and that of the account. */
static void test_who_is_refused_is_sent_to_what_misses(void **state)
{
    static const struct {
        const char *kind, *line;
        kr_aal_e has, can;
        const char *id, *to;
    } CASES[] = {
        { "kratos-session", "max-age=5m", KR_AAL1, KR_AAL1, "session_refresh_required", "refresh=true" },
        { "kratos-session", "max-age=5m", KR_AAL2, KR_AAL2, "session_refresh_required", "refresh=true" },
        { "kratos-aal", "aal1 max-age=5m", KR_AAL2, KR_AAL2, "session_refresh_required", "refresh=true" },
        { "kratos-aal", "aal2", KR_AAL1, KR_AAL2, "session_aal2_required", "aal=aal2" },
        { "kratos-aal", "aal2 max-age=5m", KR_AAL1, KR_AAL2, "session_aal2_required", "aal=aal2" },
        { "kratos-aal", "aal2 max-age=5m", KR_AAL2, KR_AAL2, "session_refresh_required", "aal=aal2&refresh=true" },
        { "kratos-aal", "aal2", KR_AAL1, KR_AAL1, KR_NO_SECOND, NULL },
        { "kratos-aal", "aal2 max-age=5m", KR_AAL2, KR_AAL1, KR_NO_SECOND, NULL }, /* it was taken away since */
    };
    static const char base[] = "https://id.example.org/auth/", login[] = "https://id.example.org/auth/self-service/login/browser?";
    kr_settings_t settings = { .base_url = base, .method_enabled = { [KR_METHOD_WEBAUTHN] = 1 },
                               .schemas = apr_array_make(pool, 1, sizeof(const kr_schema_t *)) };
    kr_realm_t realm = { .settings = &settings };
    kr_ctx_t *k = kr_ctx_make(pool, &realm, KR_LOG_ERR);

    (void)state;
    k->now = NOW;
    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_session_t *s = session();
        const kr_err_t *err;
        const char *to;

        s->aal = CASES[i].has;
        s->identity->available_aal = CASES[i].can;
        s->identity->whole = 1;
        if (CASES[i].can == KR_AAL2)
            APR_ARRAY_PUSH(s->identity->credentials, kr_credential_t) =
                (kr_credential_t){ .type = "webauthn", .config = "{\"credentials\": [{\"is_passwordless\": false}]}" };
        err = kr_require_refusal(k, read_as(CASES[i].kind, CASES[i].line), s, NULL);
        to = kr_json_str(err->extra, "redirect_browser_to");
        assert_int_equal(err->status, 403);
        assert_string_equal(err->id, CASES[i].id);
        if (CASES[i].to) assert_string_equal(to, apr_pstrcat(pool, login, CASES[i].to, NULL));
        else assert_null(to);
        if (to) assert_string_equal(kr_json_str(err->details, "redirect_browser_to"), to);
        if (!to) assert_non_null(kr_json_str(err->details, "settings_url"));
    }
}

static void test_a_realm_without_second_factors_sends_nobody_to_set_one_up(void **state)
{
    kr_settings_t settings = { .base_url = "https://id.example.org/", .schemas = apr_array_make(pool, 1, sizeof(const kr_schema_t *)) };
    kr_realm_t realm = { .settings = &settings };
    kr_ctx_t *k = kr_ctx_make(pool, &realm, KR_LOG_ERR);
    const kr_err_t *err = kr_require_refusal(k, read_as("kratos-aal", "aal2"), session(), "https://app.example.org/");

    (void)state;
    assert_string_equal(err->id, KR_NO_SECOND);
    assert_null(kr_json_str(err->details, "settings_url"));
    settings.code_mfa = 1; /* where codes are off, that says nothing */
    settings.method_enabled[KR_METHOD_WEBAUTHN] = settings.webauthn_passwordless = 1;
    assert_false(kr_offers_second(&settings));
    settings.webauthn_passwordless = 0;
    assert_true(kr_offers_second(&settings));
    settings.method_enabled[KR_METHOD_LOOKUP_SECRET] = 1;
    err = kr_require_refusal(k, read_as("kratos-aal", "aal2"), session(), "https://app.example.org/");
    assert_string_equal(kr_json_str(err->details, "settings_url"),
                        "https://id.example.org/self-service/settings/browser?return_to=https%3A%2F%2Fapp.example.org%2F");
}

static void test_an_expression_that_explodes_neither_lets_in_nor_hangs(void **state)
{
    kr_ctx_t *k = kr_ctx_make(pool, NULL, KR_LOG_ERR);
    kr_session_t *s = session();

    (void)state;
    json_object_set_new(s->identity->traits, "email", json_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
    assert_int_equal(kr_require_judge(k, read_as("kratos-trait", "email /^(a+)+$/"), s), KR_REQUIRE_UNSURE);
    /* another value that fits decides all the same */
    assert_int_equal(kr_require_judge(k, read_as("kratos-trait", "email /^(a+)+$/ /!$/"), s), KR_REQUIRE_MET);
}

static int make_pool(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int drop_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_let_in_whom_they_name, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_lines_that_make_no_sense_are_refused_with_a_reason, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_a_wrong_age_is_refused_with_what_to_write_instead, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_an_age_is_known_afterwards, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_who_is_refused_is_sent_to_what_misses, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_a_realm_without_second_factors_sends_nobody_to_set_one_up, make_pool, drop_pool),
        cmocka_unit_test_setup_teardown(test_an_expression_that_explodes_neither_lets_in_nor_hangs, make_pool, drop_pool),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
