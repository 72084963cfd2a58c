/* SPDX-License-Identifier: Apache-2.0 */
/* What pages send: JSON, client data, flags, counters, ids and transports, each as it should be and as it should not. */
#include "webauthn_env.h"

static const int ALGORITHMS[] = { -7, -35, -36, -257, -258, -259, -37, -38, -39, -8 };

static kr_webauthn_key_t key;
static kr_webauthn_proof_t proof;

/* -- good ones -------------------------------------------------------------------- */

static void a_key_of_every_algorithm_is_registered_and_signs_in(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(ALGORITHMS); i++) {
        answer_t answer = new_answer(ALGORITHMS[i]), use = use_of(&answer);

        assert_int_equal(kr_webauthn_algorithms[i], ALGORITHMS[i]);
        answer.count = 7;
        assert_good(registers(&key, &answer));
        assert_int_equal(key.sign_count, 7);
        assert_string_equal(key.attestation, "none");
        assert_int_equal(key.public_key.len, answer.cose.len);
        assert_memory_equal(key.public_key.at, answer.cose.at, answer.cose.len);
        assert_int_equal(key.user_present, 1);
        assert_int_equal(key.user_verified, 1);
        assert_int_equal(key.backup_eligible, 0);
        use.count = 8;
        assert_good(verifies(&proof, &use, &key));
        assert_int_equal(proof.sign_count, 8);
        assert_int_equal(proof.fell, 0);
    }
    assert_int_equal(kr_webauthn_algorithms[KR_DIM(ALGORITHMS)], 0);
}

static void the_algorithm_of_a_key_decides_how_it_signs(void **state)
{
    answer_t answer = new_answer(-257), use = use_of(&answer);

    (void)state;
    assert_good(registers(&key, &answer));
    use.alg = -37; /* the same key, by PSS */
    assert_refused(verifies(&proof, &use, &key));
    use.alg = -258;
    assert_refused(verifies(&proof, &use, &key));
}

/* -- client data ------------------------------------------------------------------------ */

static void client_data_is_of_its_ceremony_and_of_an_unframed_page(void **state)
{
    static const struct { const char *more; kr_webauthn_verdict_e verdict; } rows[] = {
        { ",\"crossOrigin\":false", KR_WEBAUTHN_GOOD },
        { ",\"crossOrigin\":null", KR_WEBAUTHN_GOOD },
        { ",\"new\":{\"a\":[1,2,{\"b\":null}]}", KR_WEBAUTHN_GOOD },
        { ",\"crossOrigin\":true", KR_WEBAUTHN_REFUSED },
        { ",\"topOrigin\":\"https://example.org\"", KR_WEBAUTHN_REFUSED },
        { ",\"topOrigin\":\"\"", KR_WEBAUTHN_REFUSED },
        { ",\"crossOrigin\":\"false\"", KR_WEBAUTHN_UNREADABLE },
        { ",\"topOrigin\":1", KR_WEBAUTHN_UNREADABLE },
        { ",\"origin\":\"https://example.org\"", KR_WEBAUTHN_UNREADABLE }, /* twice */
        { ",\"n\":\"\xff\"", KR_WEBAUTHN_UNREADABLE },
        { ",\"n\":\"\\u0000\"", KR_WEBAUTHN_UNREADABLE },
    };
    answer_t answer = new_answer(-7), use = use_of(&answer), bent;

    (void)state;
    assert_good(registers(&key, &answer));
    for (int i = 0; i < KR_DIM(rows); i++) {
        bent = answer;
        bent.more = rows[i].more;
        assert_verdict(registers(&key, &bent), rows[i].verdict);
        bent = use;
        bent.more = rows[i].more;
        key = (kr_webauthn_key_t){ .id = answer.id, .public_key = answer.cose };
        assert_verdict(verifies(&proof, &bent, &key), rows[i].verdict);
    }
    bent = answer;
    bent.type = "webauthn.get";
    assert_refused(registers(&key, &bent));
    bent = use;
    bent.type = "webauthn.create";
    key = (kr_webauthn_key_t){ .id = answer.id, .public_key = answer.cose };
    assert_refused(verifies(&proof, &bent, &key));
}

static void client_data_that_is_no_object_with_texts_cannot_be_read(void **state)
{
    static const char *const rows[] = { "", "x", "[]", "null", "\"webauthn.create\"", "{", "{}x", "{\"type\":1}", "{\"challenge\":[]}", "{\"origin\":{}}" };
    answer_t answer = new_answer(-7);

    (void)state;
    for (int i = 1; i < KR_DIM(rows); i++) {
        answer.client = chars(rows[i]);
        assert_unreadable(registers(&key, &answer));
    }
    answer.client = chars("{}");
    assert_refused(registers(&key, &answer));
    answer.client = chars("{\"type\":\"webauthn.create\"}");
    assert_refused(registers(&key, &answer));
    answer.client = ALL(chars("{\"a\":"), fill('[', 40), fill(']', 40), chars("}"));
    assert_unreadable(registers(&key, &answer));
    answer.client = ALL(chars("{\"a\":"), fill('[', 30000));
    assert_unreadable(registers(&key, &answer));
}

static void a_challenge_is_all_of_the_bytes_that_were_asked_for(void **state)
{
    answer_t answer = new_answer(-7);
    kr_webauthn_expected_t expected = expected_of(fill(0xc4, 15));
    const char *sent;

    (void)state;
    answer.challenge = fill(0xc4, 31);
    assert_refused(registers(&key, &answer));
    answer.challenge = fill(0xc4, 33);
    assert_refused(registers(&key, &answer));
    answer.challenge = flipped(fill(0xc4, 32), 31);
    assert_refused(registers(&key, &answer));
    answer.client = chars(apr_psprintf(pool, "{\"type\":\"webauthn.create\",\"challenge\":\"%s=\",\"origin\":\"" ORIGIN "\"}",
                                       kr_webauthn_b64(pool, fill(0xc4, 32))));
    assert_refused(registers(&key, &answer));
    /* One that can be guessed is none, even where it agrees. */
    answer = new_answer(-7);
    answer.challenge = expected.challenge;
    sent = creation_json(&answer);
    assert_refused(kr_webauthn_register(&key, &why_not, pool, sent, strlen(sent), &expected));
}

/* -- flags and counters -------------------------------------------------------------------- */

static void flags_say_who_was_there_and_what_is_backed_up(void **state)
{
    static const struct { int flags, required; kr_webauthn_verdict_e verdict; } rows[] = {
        { UP, 0, KR_WEBAUTHN_GOOD },           { UP, 1, KR_WEBAUTHN_REFUSED },
        { UP | UV, 1, KR_WEBAUTHN_GOOD },      { UV, 0, KR_WEBAUTHN_REFUSED },
        { UP | BE, 0, KR_WEBAUTHN_GOOD },      { UP | BE | BS, 0, KR_WEBAUTHN_GOOD },
        { UP | BS, 0, KR_WEBAUTHN_REFUSED },   { UP | 0x02 | 0x20, 0, KR_WEBAUTHN_GOOD }, /* reserved bits */
    };
    answer_t answer = new_answer(-7), use = use_of(&answer);
    kr_webauthn_expected_t expected = expected_of(answer.challenge);

    (void)state;
    for (int i = 0; i < KR_DIM(rows); i++) {
        kr_webauthn_assertion_t assertion;
        const char *sent;

        expected.user_verification = rows[i].required;
        answer.flags = rows[i].flags | AT;
        sent = creation_json(&answer);
        assert_verdict(kr_webauthn_register(&key, &why_not, pool, sent, strlen(sent), &expected), rows[i].verdict);
        if (rows[i].verdict == KR_WEBAUTHN_GOOD) assert_int_equal(key.backup_state, (rows[i].flags & BS) != 0);
        use.flags = rows[i].flags;
        sent = assertion_json(&use);
        key = (kr_webauthn_key_t){ .id = answer.id, .public_key = answer.cose, .backup_eligible = (use.flags & BE) != 0 };
        assert_good(kr_webauthn_read(&assertion, &why_not, pool, sent, strlen(sent)));
        assert_verdict(kr_webauthn_verify(&proof, &why_not, pool, &assertion, &key, 1, &expected), rows[i].verdict);
        if (rows[i].verdict == KR_WEBAUTHN_GOOD) assert_int_equal(proof.backup_eligible, (rows[i].flags & BE) != 0);
        if (rows[i].verdict == KR_WEBAUTHN_GOOD) assert_int_equal(proof.user_verified, (rows[i].flags & UV) != 0);
    }
}

static void eligibility_for_backups_does_not_change(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);
    kr_webauthn_expected_t expected = expected_of(answer.challenge);
    kr_webauthn_assertion_t assertion;
    const char *sent;

    (void)state;
    assert_good(registers(&key, &answer));
    use.flags |= BE;
    assert_refused(verifies(&proof, &use, &key));
    key.backup_eligible = 1;
    assert_good(verifies(&proof, &use, &key));
    use.flags &= ~BE;
    assert_refused(verifies(&proof, &use, &key));
    sent = assertion_json(&use);
    assert_good(kr_webauthn_read(&assertion, &why_not, pool, sent, strlen(sent)));
    assert_good(kr_webauthn_verify(&proof, &why_not, pool, &assertion, &key, 0, &expected)); /* flags that nobody kept */
}

static void a_counter_that_does_not_rise_is_told(void **state)
{
    static const struct { unsigned was, is; int fell; } rows[] = {
        { 0, 0, 0 }, { 0, 1, 0 }, { 1, 2, 0 }, { 1, 1, 1 }, { 2, 1, 1 }, { 1, 0, 1 }, { 0xfffffffe, 0xffffffff, 0 }, { 0xffffffff, 0, 1 },
    };
    answer_t answer = new_answer(-7), use = use_of(&answer);

    (void)state;
    assert_good(registers(&key, &answer));
    for (int i = 0; i < KR_DIM(rows); i++) {
        key.sign_count = rows[i].was;
        use.count = rows[i].is;
        assert_good(verifies(&proof, &use, &key));
        assert_int_equal(proof.fell, rows[i].fell);
        assert_int_equal(proof.sign_count, rows[i].is);
    }
}

/* -- authenticator data ------------------------------------------------------------------------ */

static void what_flags_announce_is_there_and_nothing_else(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);

    (void)state;
    assert_good(registers(&key, &answer));
    answer.flags &= ~AT;
    assert_unreadable(registers(&key, &answer));
    answer.flags |= AT | ED;
    assert_unreadable(registers(&key, &answer));
    use.flags |= ED;
    assert_unreadable(verifies(&proof, &use, &key));
    answer.extensions = use.extensions = ALL(map(1), text("credProtect"), num(2));
    assert_good(registers(&key, &answer));
    assert_good(verifies(&proof, &use, &key));
    use.extensions = ALL(use.extensions, num(0));
    assert_unreadable(verifies(&proof, &use, &key));
    use.extensions = array(0);
    assert_unreadable(verifies(&proof, &use, &key));
    use.flags &= ~ED;
    assert_unreadable(verifies(&proof, &use, &key));
    use = use_of(&answer);
    use.extensions = (kr_bytes_t){ NULL, 0 };
    use.flags = UP | AT; /* which Kratos takes too */
    assert_good(verifies(&proof, &use, &key));
    use.auth = first(auth_of(&use), 37); /* it is announced, and does not come */
    assert_unreadable(verifies(&proof, &use, &key));
}

static void an_id_has_1_to_1023_bytes(void **state)
{
    answer_t answer = new_answer(-7), use;

    (void)state;
    for (size_t len = 0; len <= 1025; len += len == 2 ? 1020 : 1) {
        answer.id = fill(7, len);
        if (!len || len > KR_WEBAUTHN_ID_MAX) {
            assert_unreadable(registers(&key, &answer));
            continue;
        }
        use = use_of(&answer);
        assert_good(registers(&key, &answer));
        assert_int_equal(key.id.len, len);
        assert_good(verifies(&proof, &use, &key));
    }
    use.id = fill(7, 1024);
    assert_unreadable(verifies(&proof, &use, &key));
    use.id = fill(8, 1023);
    assert_refused(verifies(&proof, &use, &key));
}

/* -- JSON ---------------------------------------------------------------------------------------- */

/* The text with one part of it replaced. */
static const char *swapped(const char *whole, const char *from, const char *to)
{
    const char *at = strstr(whole, from);

    assert_non_null(at);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, whole, (size_t)(at - whole)), to, at + strlen(from), NULL);
}

static const struct { const char *from, *to; kr_webauthn_verdict_e creation, assertion; } ENVELOPES[] = {
    { "public-key", "public-kex", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"type\":\"public-key\",", "", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"public-key\"", "null", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"id\":\"HR0dHR0d", "\"id\":\"", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_UNREADABLE },
    { "\"id\":\"HR0d", "\"id\":\"HR+d", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"id\":\"HR0d", "\"id\":\"HR d", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\",\"rawId\"", "=\",\"rawId\"", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\",\"type\"", "=\",\"type\"", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_GOOD },
    { "\"rawId\":\"HR0d", "\"rawId\":\"HX0d", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_UNREADABLE },
    { "\"rawId\":\"HR0d", "\"rawId\":\"H=0d", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"rawId\"", "\"rawid\"", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_UNREADABLE },
    { "\"response\"", "\"Response\"", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"response\":{", "\"response\":[],\"x\":{", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"clientDataJSON\"", "\"clientData\"", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "\"clientDataJSON\":\"", "\"clientDataJSON\":\"!", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "{\"id\"", "{\"more\":{},\"id\"", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_GOOD },
    { "{\"id\"", "{\"type\":\"public-key\",\"id\"", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "}}", "}} ", KR_WEBAUTHN_GOOD, KR_WEBAUTHN_GOOD },
    { "}}", "}}x", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
    { "}}", "}", KR_WEBAUTHN_UNREADABLE, KR_WEBAUTHN_UNREADABLE },
};

static void the_envelope_is_json_with_base64url(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);
    const char *created = creation_json(&answer), *used = assertion_json(&use);
    kr_webauthn_expected_t expected = expected_of(answer.challenge);
    kr_webauthn_assertion_t assertion;

    (void)state;
    for (int i = 0; i < KR_DIM(ENVELOPES); i++) {
        const char *bent = swapped(created, ENVELOPES[i].from, ENVELOPES[i].to);

        assert_verdict(kr_webauthn_register(&key, &why_not, pool, bent, strlen(bent), &expected), ENVELOPES[i].creation);
        bent = swapped(used, ENVELOPES[i].from, ENVELOPES[i].to);
        assert_verdict(kr_webauthn_read(&assertion, &why_not, pool, bent, strlen(bent)), ENVELOPES[i].assertion);
    }
}

static void what_is_no_envelope_cannot_be_read(void **state)
{
    static const char *const rows[] = { "", "{}", "[]", "null", "true", "1", "\"x\"", "{\"id\":1}", "{\"id\":\"\",\"rawId\":\"\",\"type\":\"public-key\",\"response\":{}}",
                                        "{\"id\":\"AA\",\"type\":\"public-key\",\"response\":{}}",
                                        "{\"id\":\"AA\",\"rawId\":\"AA\",\"type\":\"public-key\",\"response\":{\"clientDataJSON\":null}}" };
    kr_webauthn_expected_t expected = expected_of(fill(0xc4, 32));
    kr_webauthn_assertion_t assertion;
    kr_bytes_t huge = ALL(chars("{\"a\":\""), fill('x', KR_WEBAUTHN_RESPONSE_MAX), chars("\"}"));

    (void)state;
    for (int i = 0; i < KR_DIM(rows); i++) {
        assert_unreadable(kr_webauthn_read(&assertion, &why_not, pool, rows[i], strlen(rows[i])));
        assert_unreadable(kr_webauthn_register(&key, &why_not, pool, rows[i], strlen(rows[i]), &expected));
    }
    assert_unreadable(kr_webauthn_read(&assertion, &why_not, pool, (const char *)huge.at, huge.len));
    assert_string_equal(why_not, "the response is too long");
}

static void a_user_handle_may_be_missing_or_empty(void **state)
{
    static const struct { const char *members; size_t len; kr_webauthn_verdict_e verdict; } rows[] = {
        { "", 0, KR_WEBAUTHN_GOOD },
        { ",\"userHandle\":null", 0, KR_WEBAUTHN_GOOD },
        { ",\"userHandle\":\"\"", 0, KR_WEBAUTHN_GOOD },
        { ",\"userHandle\":\"AAEC\"", 3, KR_WEBAUTHN_GOOD },
        { ",\"userHandle\":\"AAE=\"", 2, KR_WEBAUTHN_GOOD },
        { ",\"userHandle\":1", 0, KR_WEBAUTHN_UNREADABLE },
        { ",\"userHandle\":\"A\"", 0, KR_WEBAUTHN_UNREADABLE },
    };
    answer_t answer = new_answer(-7), use = use_of(&answer);

    (void)state;
    for (int i = 0; i < KR_DIM(rows); i++) {
        kr_webauthn_assertion_t assertion;
        const char *sent;

        use.members = rows[i].members;
        sent = assertion_json(&use);
        assert_verdict(kr_webauthn_read(&assertion, &why_not, pool, sent, strlen(sent)), rows[i].verdict);
        assert_int_equal(assertion.user_handle.len, rows[i].len);
    }
}

static void transports_are_kept_as_far_as_they_look_like_some(void **state)
{
    static const struct { const char *members; int kept; kr_webauthn_verdict_e verdict; } rows[] = {
        { "", 0, KR_WEBAUTHN_GOOD },
        { ",\"transports\":null", 0, KR_WEBAUTHN_GOOD },
        { ",\"transports\":[]", 0, KR_WEBAUTHN_GOOD },
        { ",\"transports\":[\"usb\",\"smart-card\"]", 2, KR_WEBAUTHN_GOOD },
        { ",\"transports\":[\"\",\"<b>\",\"USB\",\"an-enormous-word-of-33-letters-in-all\",\"nfc\"]", 1, KR_WEBAUTHN_GOOD },
        { ",\"transports\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]", 8, KR_WEBAUTHN_GOOD },
        { ",\"transports\":[1]", 0, KR_WEBAUTHN_UNREADABLE },
        { ",\"transports\":\"usb\"", 0, KR_WEBAUTHN_UNREADABLE },
    };
    answer_t answer = new_answer(-7);

    (void)state;
    for (int i = 0; i < KR_DIM(rows); i++) {
        answer.members = rows[i].members;
        assert_verdict(registers(&key, &answer), rows[i].verdict);
        if (rows[i].verdict == KR_WEBAUTHN_GOOD) assert_int_equal(key.transports->nelts, rows[i].kept);
    }
}

static void base64url_is_read_to_the_letter(void **state)
{
    kr_bytes_t out;

    (void)state;
    assert_int_equal(kr_webauthn_unb64(&out, pool, "_-8", 0), 1);
    assert_int_equal(out.len, 2);
    assert_int_equal(kr_webauthn_unb64(&out, pool, "", 0), 1);
    assert_int_equal(kr_webauthn_unb64(&out, pool, "_-8=", 0), 0);
    assert_int_equal(kr_webauthn_unb64(&out, pool, "_-8=", 1), 1);
    assert_int_equal(kr_webauthn_unb64(&out, pool, "/+8=", 1), 0);
    assert_int_equal(kr_webauthn_unb64(&out, pool, "_-9", 0), 0); /* a bit left over */
    assert_int_equal(kr_webauthn_unb64(&out, pool, NULL, 1), 0);
    assert_string_equal(kr_webauthn_b64(pool, hex("ffef")), "_-8");
}

static void well_known_makes_have_a_name(void **state)
{
    (void)state;
    assert_string_equal(kr_webauthn_make(hex("ea9b8d664d011d213ce4b6b48cb575d4")), "Google Password Manager");
    assert_null(kr_webauthn_make(fill(0, 16)));
    assert_null(kr_webauthn_make(fill(0, 15)));
    assert_null(kr_webauthn_make((kr_bytes_t){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_of_every_algorithm_is_registered_and_signs_in),
        TEST(the_algorithm_of_a_key_decides_how_it_signs),
        TEST(client_data_is_of_its_ceremony_and_of_an_unframed_page),
        TEST(client_data_that_is_no_object_with_texts_cannot_be_read),
        TEST(a_challenge_is_all_of_the_bytes_that_were_asked_for),
        TEST(flags_say_who_was_there_and_what_is_backed_up),
        TEST(eligibility_for_backups_does_not_change),
        TEST(a_counter_that_does_not_rise_is_told),
        TEST(what_flags_announce_is_there_and_nothing_else),
        TEST(an_id_has_1_to_1023_bytes),
        TEST(the_envelope_is_json_with_base64url),
        TEST(what_is_no_envelope_cannot_be_read),
        TEST(a_user_handle_may_be_missing_or_empty),
        TEST(transports_are_kept_as_far_as_they_look_like_some),
        TEST(base64url_is_read_to_the_letter),
        TEST(well_known_makes_have_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
