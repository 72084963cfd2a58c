/* SPDX-License-Identifier: Apache-2.0 */
/* The test vectors of W3C Web Authentication Level 3: taken as they are, and each part of them bent. Run from the root of the repository. */
#include "webauthn_env.h"

/*
 * What becomes of each. Pages in frames are refused, and Ed448 is not offered; the statements of three are not good enough for Kratos,
 * nor are they for us: a manufacturer of TPMs that is none, an Android key without a purpose, and a U2F key with an AAGUID.
 */
static const struct {
    const char *name;
    const char *format; /* NULL: not registered */
    int signs_in;       /* with the key that is in the registration */
    const char *why;    /* it is not registered */
} VECTORS[] = {
    { "none-es256", "none", 1, NULL },
    { "packed-self-es256", "packed", 1, NULL },
    { "none-es256-crossOrigin", NULL, 0, "the page was in a frame of another site's" },
    { "none-es256-topOrigin", NULL, 0, "the page was in a frame of another site's" },
    { "none-es256-long-credential-id", "none", 1, NULL },
    { "packed-es256", "packed", 1, NULL },
    { "packed-es384", "packed", 1, NULL },
    { "packed-es512", "packed", 1, NULL },
    { "packed-rs256", "packed", 1, NULL },
    { "packed-eddsa", "packed", 1, NULL },
    { "packed-ed448", NULL, 0, "the public key's algorithm was not offered" },
    { "tpm-es256", NULL, 1, "the certificate names no TPM of a maker that is known" },
    { "android-key-es256", NULL, 1, "the key is not for signing" },
    { "apple-es256", "apple", 1, NULL },
    { "fido-u2f-es256", NULL, 1, "a U2F key has an AAGUID" },
};

/* One of them, with its key as it stands in the authenticator data, which comes last in the attestation object. */
typedef struct {
    const char *name;
    kr_bytes_t created_for, created_client, object, id, public_key;
    kr_bytes_t used_for, used_client, auth, signature;
    kr_bytes_t aaguid;
} vector_t;

static kr_bytes_t member(const json_t *vector, const char *path)
{
    return hex(kr_json_str(vector, path));
}

static vector_t vector(int i)
{
    json_t *file = kr_json_own(pool, json_load_file("t/unit/data/w3c-webauthn-vectors.json", 0, NULL));
    const json_t *row = json_array_get(json_object_get(file, "vectors"), (size_t)i);
    vector_t v = { .name = kr_json_str(row, "name") };
    const unsigned char *found;

    assert_non_null(v.name);
    v.created_for = member(row, "registration.challenge");
    v.created_client = member(row, "registration.clientDataJSON");
    v.object = member(row, "registration.attestationObject");
    v.id = member(row, "registration.credential_id");
    v.aaguid = member(row, "registration.aaguid");
    v.used_for = member(row, "authentication.challenge");
    v.used_client = member(row, "authentication.clientDataJSON");
    v.auth = member(row, "authentication.authenticatorData");
    v.signature = member(row, "authentication.signature");
    found = memmem(v.object.at, v.object.len, v.id.at, v.id.len);
    assert_non_null(found);
    v.public_key = (kr_bytes_t){ found + v.id.len, (size_t)(v.object.at + v.object.len - found) - v.id.len };
    return v;
}

/* -- registering and signing in with it ------------------------------------------- */

static kr_webauthn_verdict_e created(kr_webauthn_key_t *key, const vector_t *v, const kr_webauthn_expected_t *expected)
{
    answer_t answer = { .id = v->id, .object = v->object, .client = v->created_client };
    const char *sent = creation_json(&answer);

    return kr_webauthn_register(key, &why_not, pool, sent, strlen(sent), expected);
}

static kr_webauthn_verdict_e used(kr_webauthn_proof_t *proof, const vector_t *v, const kr_webauthn_expected_t *expected)
{
    answer_t answer = { .id = v->id, .auth = v->auth, .client = v->used_client, .signature = v->signature };
    const kr_webauthn_key_t key = { .id = v->id, .public_key = v->public_key, .backup_eligible = (v->auth.at[32] & BE) != 0 };
    const char *sent = assertion_json(&answer);
    kr_webauthn_assertion_t assertion;
    kr_webauthn_verdict_e verdict = kr_webauthn_read(&assertion, &why_not, pool, sent, strlen(sent));

    return verdict ? verdict : kr_webauthn_verify(proof, &why_not, pool, &assertion, &key, 1, expected);
}

static void each_becomes_what_it_should(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(VECTORS); i++) {
        vector_t v = vector(i);
        kr_webauthn_expected_t create = expected_of(v.created_for), use = expected_of(v.used_for);
        kr_webauthn_key_t key;
        kr_webauthn_proof_t proof;

        assert_string_equal(v.name, VECTORS[i].name);
        assert_verdict(created(&key, &v, &create), VECTORS[i].format ? KR_WEBAUTHN_GOOD : KR_WEBAUTHN_REFUSED);
        if (VECTORS[i].why) assert_string_equal(why_not, VECTORS[i].why);
        assert_verdict(used(&proof, &v, &use), VECTORS[i].signs_in ? KR_WEBAUTHN_GOOD : KR_WEBAUTHN_REFUSED);
        if (!VECTORS[i].format) continue;
        assert_string_equal(key.attestation, VECTORS[i].format);
        assert_int_equal(key.id.len, v.id.len);
        assert_memory_equal(key.id.at, v.id.at, v.id.len);
        assert_int_equal(key.public_key.len, v.public_key.len);
        assert_memory_equal(key.public_key.at, v.public_key.at, v.public_key.len);
        assert_memory_equal(key.aaguid.at, v.aaguid.at, 16);
        assert_int_equal(key.sign_count, 0);
        assert_int_equal(proof.fell, 0);
    }
}

/* -- bent ------------------------------------------------------------------------------ */

/* Those that are taken, one after the other. */
#define FOR_EACH_GOOD(v)                                                                                               \
    for (int i_ = 0; i_ < KR_DIM(VECTORS); i_++)                                                                       \
        if (VECTORS[i_].format)                                                                                        \
            for (vector_t v = vector(i_), *once_ = &v; once_; once_ = NULL)

static void for_another_page_challenge_or_rp_none_is_good(void **state)
{
    kr_webauthn_key_t key;
    kr_webauthn_proof_t proof;

    (void)state;
    FOR_EACH_GOOD(v) {
        kr_webauthn_expected_t create = expected_of(v.created_for), use = expected_of(v.used_for);
        static const char *const others[] = { "https://example.org:443", "https://EXAMPLE.org", "https://example.org/", "http://example.org" };

        create.challenge = v.used_for;
        use.challenge = v.created_for;
        assert_refused(created(&key, &v, &create));
        assert_refused(used(&proof, &v, &use));
        create.challenge = use.challenge = (kr_bytes_t){ NULL, 0 };
        assert_refused(created(&key, &v, &create));
        assert_refused(used(&proof, &v, &use));
        create = expected_of(v.created_for);
        use = expected_of(v.used_for);
        create.rp_id = use.rp_id = "login.example.org";
        assert_refused(created(&key, &v, &create));
        assert_refused(used(&proof, &v, &use));
        for (int i = 0; i < KR_DIM(others); i++) {
            create = expected_of(v.created_for);
            use = expected_of(v.used_for);
            APR_ARRAY_IDX(create.origins, 1, const char *) = APR_ARRAY_IDX(use.origins, 1, const char *) = others[i];
            assert_refused(created(&key, &v, &create));
            assert_refused(used(&proof, &v, &use));
        }
    }
}

static void truncated_none_can_be_read(void **state)
{
    kr_webauthn_key_t key;
    kr_webauthn_proof_t proof;

    (void)state;
    FOR_EACH_GOOD(v) {
        kr_webauthn_expected_t create = expected_of(v.created_for), use = expected_of(v.used_for);
        vector_t bent = v;

        for (size_t len = 1; len < v.object.len; len++) {
            bent.object = first(v.object, len);
            assert_unreadable(created(&key, &bent, &create));
        }
        bent = v;
        for (size_t len = 1; len < v.auth.len; len++) {
            bent.auth = first(v.auth, len);
            assert_unreadable(used(&proof, &bent, &use));
        }
        bent = v;
        for (size_t len = 1; len < v.created_client.len; len++) {
            bent.created_client = first(v.created_client, len);
            assert_unreadable(created(&key, &bent, &create));
        }
        bent = v;
        for (size_t len = 1; len < v.signature.len; len++) {
            bent.signature = first(v.signature, len);
            assert_refused(used(&proof, &bent, &use));
        }
    }
}

static void a_byte_behind_is_one_too_many(void **state)
{
    kr_webauthn_key_t key;
    kr_webauthn_proof_t proof;

    (void)state;
    FOR_EACH_GOOD(v) {
        kr_webauthn_expected_t create = expected_of(v.created_for), use = expected_of(v.used_for);
        vector_t bent = v;

        bent.object = ALL(v.object, fill(0, 1));
        assert_unreadable(created(&key, &bent, &create));
        bent.auth = ALL(v.auth, fill(0, 1));
        assert_unreadable(used(&proof, &bent, &use));
        bent.auth = v.auth;
        bent.signature = ALL(v.signature, fill(0, 1));
        assert_refused(used(&proof, &bent, &use));
        bent.signature = v.signature;
        bent.used_client = ALL(v.used_client, chars("x"));
        assert_unreadable(used(&proof, &bent, &use));
        bent.used_client = ALL(v.used_client, chars(" ")); /* JSON as before, but not what was signed */
        assert_refused(used(&proof, &bent, &use));
    }
}

static void no_changed_byte_goes_unnoticed(void **state)
{
    kr_webauthn_proof_t proof;

    (void)state;
    FOR_EACH_GOOD(v) {
        kr_webauthn_expected_t use = expected_of(v.used_for);
        vector_t bent = v;

        for (size_t i = 0; i < v.signature.len; i++) {
            bent.signature = flipped(v.signature, i);
            assert_refused(used(&proof, &bent, &use));
        }
        bent = v;
        for (size_t i = 0; i < v.auth.len; i++) {
            bent.auth = flipped(v.auth, i);
            assert_refused(used(&proof, &bent, &use));
        }
        bent = v;
        for (size_t i = 0; i < v.used_client.len; i++) {
            bent.used_client = flipped(v.used_client, i);
            assert_int_not_equal(used(&proof, &bent, &use), KR_WEBAUTHN_GOOD);
        }
    }
}

static void of_a_signed_registration_no_byte_may_change(void **state)
{
    kr_webauthn_key_t key;

    (void)state;
    for (int i = 0; i < KR_DIM(VECTORS); i++) {
        vector_t v = vector(i), bent = v;
        kr_webauthn_expected_t create = expected_of(v.created_for);
        const unsigned char *auth = memmem(v.object.at, v.object.len, sha256(chars(RP_ID)).at, 32);

        if (!VECTORS[i].format || !strcmp(VECTORS[i].format, "none")) continue;
        for (size_t at = (size_t)(auth - v.object.at); at < v.object.len; at++) {
            bent.object = flipped(v.object, at);
            assert_int_not_equal(created(&key, &bent, &create), KR_WEBAUTHN_GOOD);
        }
    }
}

static void a_key_does_not_answer_for_another(void **state)
{
    kr_webauthn_proof_t proof;

    (void)state;
    FOR_EACH_GOOD(v) {
        kr_webauthn_expected_t use = expected_of(v.used_for);
        vector_t bent = v, other = vector(0);

        if (!strcmp(other.name, v.name)) other = vector(1);
        bent.public_key = other.public_key;
        assert_refused(used(&proof, &bent, &use));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_becomes_what_it_should),
        TEST(for_another_page_challenge_or_rp_none_is_good),
        TEST(truncated_none_can_be_read),
        TEST(a_byte_behind_is_one_too_many),
        TEST(no_changed_byte_goes_unnoticed),
        TEST(of_a_signed_registration_no_byte_may_change),
        TEST(a_key_does_not_answer_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
