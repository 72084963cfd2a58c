/* SPDX-License-Identifier: Apache-2.0 */
/* What an account has to sign in with, what becomes of it, and who is told. */
#include "code_env.h"
#include "kr_courier.h"
#include "kr_credential.h"
#include "kr_hook.h"

#define TOTP(seed) { "totp", "{\"totp_url\":\"" seed "\"}", "x" }
#define CODES(first) "{\"recovery_codes\":[{\"code\":\"" first "\"},{\"code\":\"b\",\"used_at\":\"2026-01-01T00:00:00Z\"},{\"code\":\"c\"}]}"
#define KEY_A "{\"id\":\"q80=\",\"display_name\":\"Blue\",\"added_at\":\"2026-03-01T09:05:00Z\",\"is_passwordless\":true}"
#define KEY_B "{\"id\":\"/w==\",\"display_name\":\"\",\"added_at\":\"soon\"}"
#define KEYS(list) "{\"credentials\":[" list "]}"
#define MAILER "courier: {smtp: {connection_uri: 'smtp://127.0.0.1:1/'}}\n"

/** One credential of somebody's. */
typedef struct {
    const char *type, *config, *identifier;
} had_t;

static const had_t PASSWORD = { "password", "{\"hashed_password\":\"$argon2id$x\"}", "ana" };
static const had_t ANOTHER_PASSWORD = { "password", "{\"hashed_password\":\"$argon2id$y\"}", "ana" };
static const had_t NAME = { "password", "{}", "ana" };
static const had_t CODE = { "code", "{\"addresses\":[]}", "a@b.org" };
static const had_t APP_OF_ANA = TOTP("sealed");
static const had_t ANOTHER_APP = TOTP("sealed too");
static const had_t NO_APP = { "totp", "{}", "x" };
static const had_t BROKEN = { "totp", "{", "x" };
static const had_t SPARE = { "lookup_secret", CODES("a"), "x" };
static const had_t SPARE_USED = { "lookup_secret", "{\"recovery_codes\":[{\"code\":\"a\",\"used_at\":\"2026-01-01T00:00:00Z\"}]}", "x" };
static const had_t SPARE_ANEW = { "lookup_secret", CODES("z"), "x" };
static const had_t ONE_KEY = { "webauthn", KEYS(KEY_A), "ana" };
static const had_t TWO_KEYS = { "webauthn", KEYS(KEY_A "," KEY_B), "ana" };
static const had_t PASSKEY = { "passkey", KEYS(KEY_B), "handle" };
static const had_t GOOGLE = { "oidc", "{}", "google:7" };
static const had_t NEWER = { "of_a_newer_version", "{}", "x" };

static kr_identity_t *account_of(kr_ctx_t *k, const had_t *const *had, int n)
{
    kr_identity_t *out = apr_pcalloc(k->pool, sizeof(*out));

    *out = (kr_identity_t){ .id = NIL, .schema_id = "person", .state = "active", .traits = kr_json_pack(k->pool, "{}"),
                            .addresses = apr_array_make(k->pool, 2, sizeof(kr_address_t)),
                            .credentials = apr_array_make(k->pool, 2, sizeof(kr_credential_t)) };
    for (int i = 0; i < n && had[i]; i++) {
        kr_credential_t *c = apr_array_push(out->credentials);

        *c = (kr_credential_t){ .id = had[i]->type, .type = had[i]->type, .config = had[i]->config, .created_at = SECOND,
                                .identifiers = apr_array_make(k->pool, 1, sizeof(const char *)) };
        APR_ARRAY_PUSH(c->identifiers, const char *) = had[i]->identifier;
    }
    return out;
}

/* -- what there is ------------------------------------------------------------ */

static void test_each_key_is_a_factor_by_itself_and_what_does_not_count_is_none(void **state)
{
    static const had_t *const ALL[] = { &PASSWORD, &APP_OF_ANA, &SPARE, &TWO_KEYS, &PASSKEY, &GOOGLE, &NEWER, &NO_APP, &NAME };
    static const kr_factor_t WANTED[] = {
        { .type = "password", .factors = KR_FACTOR_FIRST, .left = -1, .added_at = SECOND, .print = "$argon2id$x" },
        { .type = "totp", .factors = KR_FACTOR_SECOND, .left = -1, .added_at = SECOND, .print = "sealed" },
        { .type = "lookup_secret", .factors = KR_FACTOR_SECOND, .left = 2, .added_at = SECOND, .print = "a" },
        { .type = "webauthn", .key = "abcd", .name = "Blue", .factors = KR_FACTOR_FIRST, .left = -1, .added_at = 1772355900 * SECOND },
        { .type = "webauthn", .key = "ff", .factors = KR_FACTOR_SECOND, .left = -1, .added_at = SECOND },
        { .type = "passkey", .key = "ff", .factors = KR_FACTOR_FIRST, .left = -1, .added_at = SECOND },
        { .type = "oidc", .key = "google:7", .name = "google", .factors = KR_FACTOR_FIRST, .left = -1, .added_at = SECOND },
        { .type = "of_a_newer_version", .factors = KR_FACTOR_FIRST, .left = -1, .added_at = SECOND },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    const apr_array_header_t *is = kr_identity_factors(k, account_of(k, ALL, KR_DIM(ALL)));

    assert_int_equal(is->nelts, KR_DIM(WANTED));
    for (int i = 0; i < is->nelts; i++) {
        const kr_factor_t *factor = &APR_ARRAY_IDX(is, i, const kr_factor_t), *wanted = &WANTED[i];

        assert_string_equal(factor->type, wanted->type);
        assert_string_equal(factor->key ? factor->key : "-", wanted->key ? wanted->key : "-");
        assert_string_equal(factor->name ? factor->name : "-", wanted->name ? wanted->name : "-");
        assert_string_equal(factor->print ? factor->print : "-", wanted->print ? wanted->print : "-");
        assert_int_equal(factor->factors, wanted->factors);
        assert_int_equal(factor->left, wanted->left);
        assert_int_equal(factor->added_at, wanted->added_at);
    }
}

static void test_a_keys_name_is_one_short_line_without_tricks(void **state)
{
    static const struct {
        const char *typed, *shown;
    } NAMES[] = {
        { "Blue one", "Blue one" },
        { "x\\r\\nBcc: a@b.org", "xBcc: a@b.org" },
        { "\\u202eeulb", "eulb" },
        { "\\u0000", NULL }, /* no JSON that can be read: no key at all */
        { "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4" "89012345678901234567890123456789012345678901234567890123456789",
          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4" "89012345678901234567890123456789012345678901234567890123" },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    for (int i = 0; i < KR_DIM(NAMES); i++) {
        const had_t had = { "passkey", apr_psprintf(k->pool, KEYS("{\"id\":\"!\",\"display_name\":\"%s\"}"), NAMES[i].typed), "h" };
        const had_t *const all[] = { &had };
        const kr_factor_t *is = &APR_ARRAY_IDX(kr_identity_factors(k, account_of(k, all, 1)), 0, kr_factor_t);

        assert_string_equal(is->name ? is->name : "-", NAMES[i].shown ? NAMES[i].shown : "-");
        assert_string_equal(is->key ? is->key : "-", NAMES[i].shown ? "!" : "-"); /* an id that is none can be named all the same */
    }
}

/* -- what becomes of it --------------------------------------------------------- */

static const char *changes_said(kr_ctx_t *k, const apr_array_header_t *changes)
{
    static const char SIGNS[] = { [KR_FACTOR_ADDED] = '+', [KR_FACTOR_REMOVED] = '-', [KR_FACTOR_REPLACED] = '~' };
    const char *out = "";

    for (int i = 0; i < changes->nelts; i++) {
        const kr_factor_change_t *change = &APR_ARRAY_IDX(changes, i, kr_factor_change_t);

        out = apr_psprintf(k->pool, "%s%s%c%s%s%s", out, i ? " " : "", SIGNS[change->is], change->factor->type,
                           change->factor->key ? ":" : "", change->factor->key ? change->factor->key : "");
    }
    return out;
}

static void test_what_came_went_and_was_made_anew_is_told_apart(void **state)
{
    static const struct {
        const had_t *before[3], *now[3];
        const char *said;
    } CASES[] = {
        { { &PASSWORD, &APP_OF_ANA }, { &PASSWORD, &APP_OF_ANA }, "" },
        { { NULL }, { &PASSWORD }, "+password" },
        { { &NAME }, { &PASSWORD }, "+password" },
        { { &PASSWORD }, { &NAME }, "-password" },
        { { &PASSWORD }, { &ANOTHER_PASSWORD }, "~password" },
        { { &PASSWORD }, { &PASSWORD, &APP_OF_ANA }, "+totp" },
        { { &PASSWORD, &NO_APP }, { &PASSWORD, &APP_OF_ANA }, "+totp" },
        { { &APP_OF_ANA }, { NULL }, "-totp" },
        { { &APP_OF_ANA }, { &ANOTHER_APP }, "~totp" },
        { { &BROKEN }, { NULL }, "-totp" },
        { { NULL }, { &SPARE }, "+lookup_secret" },
        { { &SPARE }, { &SPARE_USED }, "" },
        { { &SPARE }, { &SPARE_ANEW }, "~lookup_secret" },
        { { &SPARE_USED }, { &SPARE_ANEW }, "~lookup_secret" },
        { { &SPARE, &APP_OF_ANA }, { &PASSKEY }, "-lookup_secret -totp +passkey:ff" },
        { { &ONE_KEY }, { &TWO_KEYS }, "+webauthn:ff" },
        { { &TWO_KEYS }, { &ONE_KEY }, "-webauthn:ff" },
        { { &TWO_KEYS }, { &PASSKEY }, "-webauthn:abcd -webauthn:ff +passkey:ff" },
        { { NULL }, { &GOOGLE }, "+oidc:google:7" },
        { { NULL }, { &CODE }, "" }, /* follows from an address */
        { { &NEWER }, { NULL }, "-of_a_newer_version" },
    };
    env_t *env = *state;
    kr_ctx_t *k;

    change(env, "selfservice: {methods: {code: {mfa_enabled: true}}}\n");
    k = context(env, env->realm);
    for (int i = 0; i < KR_DIM(CASES); i++)
        assert_string_equal(changes_said(k, kr_factor_changes(k, account_of(k, CASES[i].before, 3), account_of(k, CASES[i].now, 3))),
                            CASES[i].said);
}

/* -- away with it ------------------------------------------------------------------------- */

static void test_what_is_removed_takes_nothing_else_along(void **state)
{
    static const struct {
        const had_t *had[3];
        const char *type, *key;
        int removed;
        const char *left;
    } CASES[] = {
        { { &PASSWORD, &APP_OF_ANA, &SPARE }, "totp", NULL, 1, "-totp" },
        { { &PASSWORD, &SPARE }, "totp", NULL, 0, "" },
        { { &SPARE, &APP_OF_ANA }, "lookup_secret", NULL, 1, "-lookup_secret" },
        { { &BROKEN }, "totp", NULL, 1, "-totp" },
        { { &TWO_KEYS, &PASSKEY }, "webauthn", "ff", 1, "-webauthn:ff" },
        { { &TWO_KEYS, &PASSKEY }, "webauthn", NULL, 2, "-webauthn:abcd -webauthn:ff" },
        { { &TWO_KEYS, &PASSKEY }, "passkey", "ff", 1, "-passkey:ff" },
        { { &TWO_KEYS }, "webauthn", "00", 0, "" },
        { { &PASSWORD, &CODE, &GOOGLE }, "password", NULL, 0, "" },
        { { &PASSWORD, &CODE, &GOOGLE }, "code", NULL, 0, "" },
        { { &PASSWORD, &CODE, &GOOGLE }, "oidc", "google:7", 0, "" },
        { { &NEWER }, "of_a_newer_version", NULL, 0, "" },
    };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);

    for (int i = 0; i < KR_DIM(CASES); i++) {
        const kr_identity_t *before = account_of(k, CASES[i].had, 3);
        kr_identity_t *now = kr_identity_copy(k, before);

        assert_int_equal(kr_identity_remove_factor(k, now, CASES[i].type, CASES[i].key), CASES[i].removed);
        assert_string_equal(changes_said(k, kr_factor_changes(k, before, now)), CASES[i].left);
    }
}

/* A key that goes leaves the others as they were written, and a credential without any is no credential. */
static void test_the_last_key_takes_its_credential_along(void **state)
{
    static const had_t *const HAD[] = { &TWO_KEYS };
    env_t *env = *state;
    kr_ctx_t *k = context(env, env->realm);
    kr_identity_t *account = account_of(k, HAD, 1);

    assert_int_equal(kr_identity_remove_factor(k, account, "webauthn", "ff"), 1);
    assert_string_equal(kr_identity_credential(account, "webauthn")->config, ONE_KEY.config);
    assert_int_equal(kr_identity_remove_factor(k, account, "webauthn", "abcd"), 1);
    assert_null(kr_identity_credential(account, "webauthn"));
}

/* -- who is told ------------------------------------------------------------------ */

/** "+ana@example.org" is verified, "ana@example.org" is not, "recover:" helps to recover, a leading digit is a phone's. */
static void give_address(kr_identity_t *account, const char *word)
{
    kr_address_t *address = apr_array_push(account->addresses);

    *address = (kr_address_t){ .id = word, .status = "sent" };
    if (strncmp(word, "recover:", 8) == 0) address->recovery = 1, word += 8;
    if (*word == '!') address->verified = 1, word++;
    address->value = word;
    address->via = *word == '+' ? "sms" : "email";
}

static kr_err_t *tell_in_tx(kr_ctx_t *k, void *baton)
{
    kr_identity_t *const *accounts = baton;
    const kr_told_t of = { .by_owner = 1 };

    return kr_tell_factors(k, accounts[1], accounts[0], &of);
}

static const kr_query_t FORGET = { .name = "forget", .sql = "DELETE FROM courier_messages WHERE template_type = 'factor_changed'" };

static int by_recipient(const void *a, const void *b)
{
    return strcmp(((const kr_message_row_t *)a)->recipient, ((const kr_message_row_t *)b)->recipient);
}

/* The letters in the queue: to whom, and the data of one. They are gone then. */
static const char *letters(env_t *env, json_t **data)
{
    kr_ctx_t *k = context(env, env->realm);
    const char *out = "", *why;
    apr_array_header_t *list;

    k->now += 1000 * SECOND;
    OK(kr_store_message_claim(&list, k, "email", "sms", "test", k->now + SECOND, 100));
    qsort(list->elts, (size_t)list->nelts, sizeof(kr_message_row_t), by_recipient);
    for (int i = 0; i < list->nelts; i++) {
        const kr_message_row_t *m = &APR_ARRAY_IDX(list, i, kr_message_row_t);
        apr_size_t len;
        const char *text = (const char *)kr_unseal(env->pool, k->realm->keys, "courier", m->sealed, &len);

        if (strcmp(m->template_type, "factor_changed") != 0) continue;
        out = apr_pstrcat(env->pool, out, *out ? " " : "", m->recipient, NULL);
        *data = kr_json_parse(env->pool, text, len, &why);
    }
    kr_db_release(k);
    change_rows(env, &FORGET);
    return out;
}

static void test_those_are_told_whose_addresses_were_proved_before(void **state)
{
    static const struct {
        const char *settings, *had[7], *now[3], *told, *name;
    } CASES[] = {
        { MAILER, { "!a@x.org" }, { "!a@x.org" }, "a@x.org", "Blue" },
        { MAILER, { "!a@x.org", "b@x.org", "!c@x.org" }, { "b@x.org" }, "a@x.org c@x.org", "Blue" }, /* gone with the same change */
        { MAILER, { "!a@x.org" }, { "!thief@x.org" }, "a@x.org", "Blue" },
        { MAILER, { "!a@x.org", "recover:b@x.org" }, { NULL }, "a@x.org", "Blue" },
        { MAILER, { "a@x.org", "recover:a@x.org" }, { "a@x.org" }, "a@x.org", NULL }, /* once, and no stranger's text */
        { MAILER, { "!+4915112345678", "a@x.org" }, { NULL }, "a@x.org", NULL },          /* nothing carries text messages */
        { MAILER, { "!+4915112345678" }, { NULL }, "", NULL },
        { MAILER, { NULL }, { "thief@x.org" }, "", NULL },
        { MAILER, { "!a@x.org", "!b@x.org", "!c@x.org", "!d@x.org", "!e@x.org", "!f@x.org" }, { NULL },
          "a@x.org b@x.org c@x.org d@x.org e@x.org", "Blue" },
        { MAILER "mod_kratos: {letters: {factor_changed: false}}\n", { "!a@x.org" }, { NULL }, "", NULL },
        { "dev: false\n", { "!a@x.org" }, { NULL }, "", NULL }, /* there is no mailer: nothing is queued, and nothing fails */
        { "courier: {channels: [{id: sms, type: http, request_config: {url: 'http://127.0.0.1:1/'}}]}\n",
          { "!+4915112345678", "a@x.org" }, { NULL }, "+4915112345678", "Blue" },
    };
    static const had_t *const BEFORE[] = { &PASSWORD, &TWO_KEYS }, *const NOW[] = { &PASSWORD, &APP_OF_ANA };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_identity_t *accounts[2];
        json_t *data = NULL;
        kr_ctx_t *k;

        change(env, CASES[i].settings);
        k = context(env, env->realm);
        accounts[0] = account_of(k, BEFORE, 2);
        accounts[1] = account_of(k, NOW, 2);
        for (int j = 0; j < 7 && CASES[i].had[j]; j++) give_address(accounts[0], CASES[i].had[j]);
        for (int j = 0; j < 3 && CASES[i].now[j]; j++) give_address(accounts[1], CASES[i].now[j]);
        OK(kr_db_tx(k, tell_in_tx, accounts));
        kr_db_release(k);
        assert_string_equal(letters(env, &data), CASES[i].told);
        if (!*CASES[i].told) continue;
        assert_int_equal(json_array_size(json_object_get(data, "changes")), 3);
        assert_string_equal(kr_json_str(json_array_get(json_object_get(data, "changes"), 0), "factor"), "webauthn");
        assert_string_equal(kr_json_str(json_array_get(json_object_get(data, "changes"), 2), "change"), "added");
        if (CASES[i].name) assert_string_equal(kr_json_str(json_array_get(json_object_get(data, "changes"), 0), "name"), CASES[i].name);
        else assert_null(json_object_get(json_array_get(json_object_get(data, "changes"), 0), "name"));
        assert_string_equal(kr_json_str(data, "settings_url"), BASE "/self-service/settings/browser");
        assert_true(json_is_true(json_object_get(data, "by_owner")));
        assert_null(strstr(kr_json_dump(env->pool, data, NULL), "sealed")); /* no part of a secret */
    }
}

/** A transaction that somebody gets in the way of, so many times. */
typedef struct {
    kr_identity_t *accounts[2];
    int raced, runs;
} raced_t;

static kr_err_t *tell_in_spite_of_others(kr_ctx_t *k, void *baton)
{
    raced_t *raced = baton;

    KR_TRY(tell_in_tx(k, raced->accounts));
    return raced->runs++ < raced->raced ? kr_db_raced(k) : NULL;
}

static void test_a_change_that_is_tried_again_is_told_once_and_one_that_fails_is_not(void **state)
{
    static const had_t *const NOTHING[] = { NULL }, *const NOW[] = { &APP_OF_ANA };
    env_t *env = *state;
    json_t *data;

    change(env, MAILER);
    for (int raced = 2; raced <= 100; raced += 98) {
        kr_ctx_t *k = context(env, env->realm);
        raced_t tries = { { account_of(k, NOTHING, 1), account_of(k, NOW, 1) }, .raced = raced };

        give_address(tries.accounts[0], "!" ANA);
        assert_int_equal(kr_db_tx(k, tell_in_spite_of_others, &tries) == NULL, raced == 2);
        assert_int_equal(k->queued, raced == 2);
        kr_db_release(k);
        assert_string_equal(letters(env, &data), raced == 2 ? ANA : "");
    }
}

static void test_an_address_that_nobody_proved_gets_no_more_letters_than_codes(void **state)
{
    static const had_t *const NOTHING[] = { NULL }, *const NOW[] = { &APP_OF_ANA };
    env_t *env = *state;
    json_t *data;

    change(env, MAILER "mod_kratos: {codes: {max_messages: 2}}\n");
    for (int verified = 0; verified < 2; verified++) {
        kr_ctx_t *k = context(env, env->realm);
        kr_identity_t *accounts[2] = { account_of(k, NOTHING, 1), account_of(k, NOW, 1) };

        give_address(accounts[0], verified ? "!v@x.org" : "u@x.org");
        for (int i = 0; i < 4; i++) OK(kr_db_tx(k, tell_in_tx, accounts));
        kr_db_release(k);
        assert_string_equal(letters(env, &data), verified ? "v@x.org v@x.org v@x.org v@x.org" : "u@x.org u@x.org");
    }
}

/* -- in a flow ---------------------------------------------------------------------- */

static const char BY_CODE[] =
    "selfservice: {methods: {code: {passwordless_enabled: true}}, flows: {registration: {after: {code: {hooks: [{hook: session}]}}}}}\n"
    MAILER;

/* Who gets in by the mail of somebody else sets a password of their own: its owner hears of it. */
static void test_the_first_password_is_told_and_so_is_each_that_takes_its_place(void **state)
{
    env_t *env = with(state, BY_CODE);
    client_t *app = native(env);
    json_t *data, *flow;
    const char *to;
    kr_ctx_t *k;

    flow = begin_flow(app, "registration", "", &to);
    submit(app, to, flow, sign_up_body(ANA, NULL, NULL));
    k = submit(app, to, flow, sign_up_body(ANA, NULL, registration_code(env, ANA)));
    assert_status(k, 200);
    apr_table_set(app->headers, "X-Session-Token", word(k, "session_token"));
    assert_string_equal(letters(env, &data), "");
    for (int i = 0; i < 2; i++) {
        flow = begin_flow(app, "settings", "", &to);
        assert_status(submit(app, to, flow, json_pack("{s:s, s:s}", "method", "password", "password", i ? "another one of " GOOD : GOOD)), 200);
        assert_string_equal(letters(env, &data), ANA);
        assert_string_equal(kr_json_str(json_array_get(json_object_get(data, "changes"), 0), "change"), i ? "replaced" : "added");
        assert_string_equal(kr_json_str(json_array_get(json_object_get(data, "changes"), 0), "factor"), "password");
        assert_string_equal(kr_json_str(data, "identity.traits.email"), ANA);
        assert_true(json_is_false(json_object_get(data, "by_owner")));
    }
}

/* -- a recovery code was used -------------------------------------------------------------- */

static const kr_query_t USED = { .name = "used", .sql = "SELECT COUNT(*) FROM courier_messages WHERE template_type = 'recovery_code_used'" };

static kr_err_t *write_hooks(kr_ctx_t *k, void *baton)
{
    return kr_hooks_write(k, baton);
}

static void test_a_sign_in_with_a_recovery_code_is_told_and_no_other(void **state)
{
    static const struct {
        kr_method_e method;
        const char *settings;
        int told;
    } CASES[] = {
        { KR_METHOD_LOOKUP_SECRET, MAILER, 1 },
        { KR_METHOD_TOTP, MAILER, 0 },
        { KR_METHOD_LOOKUP_SECRET, MAILER "mod_kratos: {letters: {recovery_code_used: false}}\n", 0 },
        { KR_METHOD_LOOKUP_SECRET, "dev: false\n", 0 },
    };
    static const had_t *const HAD[] = { &PASSWORD, &SPARE };
    env_t *env = *state;

    for (int i = 0; i < KR_DIM(CASES); i++) {
        kr_proof_t proof = { .spends = SPARE_USED.config };
        kr_after_flow_t after = { .method = CASES[i].method, .proof = &proof };
        int before;
        kr_ctx_t *k;

        change(env, CASES[i].settings);
        before = count_of(env, &USED);
        k = context(env, env->realm);
        after.flow = kr_flow_make(k, KR_FLOW_LOGIN, 1, BASE);
        after.identity = account_of(k, HAD, 2);
        proof.credential = kr_identity_credential(after.identity, "lookup_secret");
        give_address(after.identity, "!" ANA);
        if (kr_hooks_would_write(k, &after)) OK(kr_db_tx(k, write_hooks, &after));
        kr_db_release(k);
        assert_int_equal(count_of(env, &USED) - before, CASES[i].told);
    }
    assert_string_equal(mailed_as(env, "recovery_code_used", "settings_url", ANA), BASE "/self-service/settings/browser");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_key_is_a_factor_by_itself_and_what_does_not_count_is_none),
        TEST(test_a_keys_name_is_one_short_line_without_tricks),
        TEST(test_what_came_went_and_was_made_anew_is_told_apart),
        TEST(test_what_is_removed_takes_nothing_else_along),
        TEST(test_the_last_key_takes_its_credential_along),
        TEST(test_those_are_told_whose_addresses_were_proved_before),
        TEST(test_a_change_that_is_tried_again_is_told_once_and_one_that_fails_is_not),
        TEST(test_an_address_that_nobody_proved_gets_no_more_letters_than_codes),
        TEST(test_a_sign_in_with_a_recovery_code_is_told_and_no_other),
        TEST(test_the_first_password_is_told_and_so_is_each_that_takes_its_place),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
