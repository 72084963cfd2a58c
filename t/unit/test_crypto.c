/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness, digests, keys and sealing. */
#include "test.h"

#include <string.h>

#include <apr_general.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "kr_crypto.h"
#include "kr_text.h"

static apr_pool_t *pool;

static const char OLD[] = "the old secret, 16 bytes or more";
static const char NEW[] = "the new secret, 16 bytes or more";

static kr_keys_t *keys_of(const char *first, const char *second)
{
    apr_array_header_t *secrets = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(secrets, const char *) = first;
    if (second) APR_ARRAY_PUSH(secrets, const char *) = second;
    return kr_keys_make(pool, secrets, "main");
}

/* RFC 5869 by hand for up to 32 bytes, to compare with. */
static void hkdf(unsigned char out[32], const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                 const void *info, size_t info_len)
{
    unsigned char prk[32], block[128];

    memcpy(block, info, info_len);
    block[info_len] = 1;
    HMAC(EVP_sha256(), salt, (int)salt_len, secret, secret_len, prk, NULL);
    HMAC(EVP_sha256(), prk, 32, block, info_len + 1, out, NULL);
}

static void keys_are_hkdf_sha256_of_secret_realm_and_purpose(void **state)
{
    static const struct { kr_key_e which; const char *info; } cases[] = {
        { KR_KEY_TOKEN, "session token" }, { KR_KEY_COOKIE, "session cookie" }, { KR_KEY_LOGOUT, "logout token" },
        { KR_KEY_CODE, "code" },           { KR_KEY_CSRF, "anti-csrf" },        { KR_KEY_SEAL, "seal" },
        { KR_KEY_ASSERTION, "assertion" }, { KR_KEY_LOOKUP, "recovery code" },
        { KR_KEY_FEDCM, "fedcm cookie" },  { KR_KEY_ID_TOKEN, "id token" },
        { KR_KEY_AUDIT, "audit stream" },
    };
    static const unsigned char info[] = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9 };
    unsigned char secret[22], salt[13], out[32];
    kr_keys_t *keys = keys_of(NEW, NULL);

    (void)state;
    memset(secret, 0x0b, sizeof(secret));
    for (size_t i = 0; i < sizeof(salt); i++) salt[i] = (unsigned char)i;
    hkdf(out, secret, sizeof(secret), salt, sizeof(salt), info, sizeof(info)); /* RFC 5869 A.1 */
    assert_string_equal(kr_hex(pool, out, 32), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");

    assert_int_equal(KR_DIM(cases), KR_KEY_PURPOSES);
    for (int i = 0; i < KR_DIM(cases); i++) {
        hkdf(out, NEW, strlen(NEW), "mod_kratos realm main", 21, cases[i].info, strlen(cases[i].info));
        assert_memory_equal(keys->key[0][cases[i].which], out, 32);
    }
}

static void realms_with_one_secret_have_keys_of_their_own(void **state)
{
    apr_array_header_t *secrets = apr_array_make(pool, 1, sizeof(const char *));
    kr_keys_t *other;

    (void)state;
    APR_ARRAY_PUSH(secrets, const char *) = NEW;
    other = kr_keys_make(pool, secrets, "other");
    assert_memory_not_equal(other->key[0][KR_KEY_TOKEN], keys_of(NEW, NULL)->key[0][KR_KEY_TOKEN], 32);
}

static void a_tag_is_hmac_sha256_in_base64url(void **state)
{
    kr_keys_t *keys = keys_of(NEW, NULL);
    unsigned char key[20], out[32];
    const char *tag = kr_hmac(pool, keys, KR_KEY_CODE, 0, "123456");

    (void)state;
    memset(key, 0x0b, sizeof(key));
    HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)"Hi There", 8, out, NULL); /* RFC 4231 4.2 */
    assert_string_equal(kr_hex(pool, out, 32), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

    HMAC(EVP_sha256(), keys->key[0][KR_KEY_CODE], 32, (const unsigned char *)"123456", 6, out, NULL);
    assert_string_equal(tag, kr_base64url(pool, out, 32));
    assert_int_equal(strlen(tag), 43);
}

static void a_tag_verifies_with_any_secret_and_says_which(void **state)
{
    kr_keys_t *before = keys_of(OLD, NULL), *after = keys_of(NEW, OLD), *later = keys_of(NEW, NULL);
    const char *tag = kr_hmac(pool, before, KR_KEY_COOKIE, 0, "text");

    (void)state;
    assert_int_equal(kr_hmac_verify(pool, before, KR_KEY_COOKIE, "text", tag), 0);
    assert_int_equal(kr_hmac_verify(pool, after, KR_KEY_COOKIE, "text", tag), 1);
    assert_int_equal(kr_hmac_verify(pool, later, KR_KEY_COOKIE, "text", tag), -1);
    assert_int_equal(kr_hmac_verify(pool, after, KR_KEY_LOGOUT, "text", tag), -1);
    assert_int_equal(kr_hmac_verify(pool, after, KR_KEY_COOKIE, "texT", tag), -1);
    assert_int_equal(kr_hmac_verify(pool, after, KR_KEY_COOKIE, "text", ""), -1);
    assert_int_equal(kr_hmac_verify(pool, after, KR_KEY_COOKIE, "text", NULL), -1);
}

static void what_is_sealed_opens_again_also_after_rotation(void **state)
{
    const char *sealed = kr_seal(pool, keys_of(OLD, NULL), "totp:ana", "seed\0seed", 9);
    apr_size_t len = 0;
    unsigned char *opened = kr_unseal(pool, keys_of(NEW, OLD), "totp:ana", sealed, &len);

    (void)state;
    assert_non_null(opened);
    assert_int_equal(len, 9);
    assert_memory_equal(opened, "seed\0seed", 10);
    assert_null(kr_unseal(pool, keys_of(NEW, NULL), "totp:ana", sealed, &len));
    assert_int_equal(len, 0);
}

static void nothing_at_all_can_be_sealed_too(void **state)
{
    kr_keys_t *keys = keys_of(NEW, NULL);
    apr_size_t len = 7;

    (void)state;
    assert_string_equal((char *)kr_unseal(pool, keys, "c", kr_seal(pool, keys, "c", "", 0), &len), "");
    assert_int_equal(len, 0);
    assert_null(kr_unseal(pool, keys, "d", kr_seal(pool, keys, "c", "", 0), &len));
}

static void sealing_twice_gives_two_texts(void **state)
{
    kr_keys_t *keys = keys_of(NEW, NULL);

    (void)state;
    assert_string_not_equal(kr_seal(pool, keys, "c", "x", 1), kr_seal(pool, keys, "c", "x", 1));
}

static void a_seal_with_any_bit_changed_does_not_open(void **state)
{
    kr_keys_t *keys = keys_of(NEW, NULL);
    const char *sealed = kr_seal(pool, keys, "c", "secret", 6);
    apr_size_t box_len, len;
    unsigned char *box = kr_base64_decode(pool, sealed, &box_len);

    (void)state;
    for (apr_size_t bit = 0; bit < 8 * box_len; bit++) {
        box[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_null(kr_unseal(pool, keys, "c", kr_base64url(pool, box, box_len), &len));
        box[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (apr_size_t cut = 0; cut < box_len; cut++) {
        assert_null(kr_unseal(pool, keys, "c", kr_base64url(pool, box, cut), &len));
    }
    assert_null(kr_unseal(pool, keys, "other", sealed, &len));
    assert_null(kr_unseal(pool, keys, "c", "not base64!", &len));
    assert_null(kr_unseal(pool, keys, "c", NULL, &len));
}

/* Opened with OpenSSL by hand, so that the form at rest cannot change unnoticed. */
static void a_seal_is_aes_256_gcm(void **state)
{
    kr_keys_t *keys = keys_of(NEW, NULL);
    const char *sealed = kr_seal(pool, keys, "context", "text", 4);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    apr_size_t box_len;
    unsigned char *box = kr_base64_decode(pool, sealed, &box_len), out[16];
    int len;

    (void)state;
    assert_int_equal(box_len, 12 + 4 + 16);
    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, keys->key[0][KR_KEY_SEAL], box);
    EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)"context", 7);
    EVP_DecryptUpdate(ctx, out, &len, box + 12, 4);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, box + 16);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, out + 4, &len), 1);
    assert_memory_equal(out, "text", 4);
    EVP_CIPHER_CTX_free(ctx);
}

static void digests_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_string_equal(kr_sha256_hex(pool, "abc", 3),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(kr_sha256_hex(pool, "", 0),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(kr_sha1_hex_upper(pool, "abc", 3), "A9993E364706816ABA3E25717850C26C9CD0D89D");
}

/* Every letter of an alphabet of `size` turns up about equally often: off by a third would be beyond 20 sigma. */
static void assert_even(const char *text, const char *alphabet)
{
    int size = (int)strlen(alphabet), count[256] = { 0 }, mean = (int)strlen(text) / size;

    for (const char *c = text; *c; c++) count[(unsigned char)*c]++;
    assert_int_equal(strspn(text, alphabet), strlen(text));
    for (int i = 0; i < size; i++) assert_in_range(count[(unsigned char)alphabet[i]], mean * 2 / 3, mean * 4 / 3);
}

static void random_text_has_its_length_and_all_letters_evenly(void **state)
{
    (void)state;
    assert_int_equal(strlen(kr_random_alnum(pool, 32)), 32);
    assert_int_equal(strlen(kr_random_digits(pool, 6)), 6);
    assert_string_equal(kr_random_digits(pool, 0), "");
    assert_string_not_equal(kr_random_alnum(pool, 32), kr_random_alnum(pool, 32));
    assert_even(kr_random_alnum(pool, 620000), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    assert_even(kr_random_digits(pool, 100000), "0123456789");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_hkdf_sha256_of_secret_realm_and_purpose),
        cmocka_unit_test(realms_with_one_secret_have_keys_of_their_own),
        cmocka_unit_test(a_tag_is_hmac_sha256_in_base64url),
        cmocka_unit_test(a_tag_verifies_with_any_secret_and_says_which),
        cmocka_unit_test(what_is_sealed_opens_again_also_after_rotation),
        cmocka_unit_test(nothing_at_all_can_be_sealed_too),
        cmocka_unit_test(sealing_twice_gives_two_texts),
        cmocka_unit_test(a_seal_with_any_bit_changed_does_not_open),
        cmocka_unit_test(a_seal_is_aes_256_gcm),
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(random_text_has_its_length_and_all_letters_evenly),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
