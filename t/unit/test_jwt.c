/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens, checked with nothing but the published keys and OpenSSL, as an application would. */
#include "test.h"

#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "kr_json.h"
#include "kr_jwt.h"
#include "kr_text.h"

/* ES256: two numbers of 32 bytes. One in 128 signatures has a number that is shorter, and must be padded. */
#define NUMBER 32
#define THREADS 4
#define TOKENS 400 /* of each thread */

static const char OLD[] = "the old secret, 16 bytes or more";
static const char NEW[] = "the new secret, 16 bytes or more";

static apr_pool_t *pool;

static kr_signer_t *signer_of(const char *first, const char *second)
{
    apr_array_header_t *secrets = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(secrets, const char *) = first;
    if (second) APR_ARRAY_PUSH(secrets, const char *) = second;
    return kr_signer_make(pool, kr_keys_make(pool, secrets, "main"), KR_KEY_ASSERTION);
}

static const unsigned char *bytes_of(apr_pool_t *p, const char *base64url, apr_size_t expected)
{
    apr_size_t len;
    const unsigned char *bytes = kr_base64_decode(p, base64url, &len);

    return bytes && len == expected ? bytes : NULL;
}

static EVP_PKEY *public_key(apr_pool_t *p, const json_t *jwk)
{
    unsigned char point[1 + 2 * NUMBER] = { POINT_CONVERSION_UNCOMPRESSED };
    char group[] = "prime256v1";
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };

    memcpy(point + 1, bytes_of(p, kr_json_str(jwk, "x"), NUMBER), NUMBER);
    memcpy(point + 1 + NUMBER, bytes_of(p, kr_json_str(jwk, "y"), NUMBER), NUMBER);
    if (EVP_PKEY_fromdata_init(ctx) == 1) EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* No assertions: threads run this, and cmocka's are for the one that runs the test. */
static int is_signed(apr_pool_t *p, const char *token, EVP_PKEY *key)
{
    const char *dot = token ? strrchr(token, '.') : NULL;
    const unsigned char *raw = dot ? bytes_of(p, dot + 1, 2 * NUMBER) : NULL;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    int len, ok = 0;

    if (raw && ECDSA_SIG_set0(signature, BN_bin2bn(raw, NUMBER, NULL), BN_bin2bn(raw + NUMBER, NUMBER, NULL)) == 1) {
        len = i2d_ECDSA_SIG(signature, &der);
        ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestVerify(ctx, der, (size_t)len, (const unsigned char *)token, (size_t)(dot - token)) == 1;
    }
    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(signature);
    return ok;
}

static const json_t *key_at(const kr_signer_t *signer, size_t i)
{
    return json_array_get(json_object_get(kr_signer_jwks(pool, signer), "keys"), i);
}

/** Many requests at once, with the one signer of their realm. */
typedef struct {
    const kr_signer_t *signer;
    EVP_PKEY *key;
    apr_pool_t *pool;
    int good;
} requests_t;

static void *APR_THREAD_FUNC sign_many(apr_thread_t *thread, void *data)
{
    requests_t *requests = data;

    (void)thread;
    for (int i = 0; i < TOKENS; i++) {
        json_t *claims = kr_json_pack(requests->pool, "{s:i}", "jti", i);

        requests->good += is_signed(requests->pool, kr_jwt_sign(requests->pool, requests->signer, claims), requests->key);
    }
    return NULL;
}

static void test_every_token_of_many_threads_is_good(void **state)
{
    const kr_signer_t *signer = signer_of(NEW, NULL);
    EVP_PKEY *key = public_key(pool, key_at(signer, 0));
    requests_t requests[THREADS];
    apr_thread_t *thread[THREADS];
    apr_status_t rv;

    (void)state;
    assert_non_null(key);
    for (int i = 0; i < THREADS; i++) {
        requests[i] = (requests_t){ .signer = signer, .key = key };
        apr_pool_create_unmanaged_ex(&requests[i].pool, NULL, NULL);
        assert_int_equal(apr_thread_create(&thread[i], NULL, sign_many, &requests[i], pool), APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, thread[i]);
        assert_int_equal(requests[i].good, TOKENS);
        apr_pool_destroy(requests[i].pool);
    }
    EVP_PKEY_free(key);
}

static void test_after_a_rotation_both_keys_are_published_and_the_new_one_signs(void **state)
{
    const kr_signer_t *before = signer_of(OLD, NULL), *after = signer_of(NEW, OLD);
    const char *token = kr_jwt_sign(pool, after, kr_json_pack(pool, "{s:s}", "sub", "ana"));
    EVP_PKEY *old_key = public_key(pool, key_at(after, 1)), *new_key = public_key(pool, key_at(after, 0));

    (void)state;
    assert_true(is_signed(pool, token, new_key));
    assert_false(is_signed(pool, token, old_key));
    assert_true(is_signed(pool, kr_jwt_sign(pool, before, kr_json_pack(pool, "{s:s}", "sub", "ana")), old_key));
    assert_string_equal(kr_json_str(key_at(after, 1), "kid"), kr_json_str(key_at(before, 0), "kid"));
    assert_string_not_equal(kr_json_str(key_at(after, 0), "kid"), kr_json_str(key_at(after, 1), "kid"));
    EVP_PKEY_free(old_key);
    EVP_PKEY_free(new_key);
}

static void test_no_private_half_is_published(void **state)
{
    const kr_signer_t *signer = signer_of(NEW, OLD);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_null(json_object_get(key_at(signer, i), "d"));
        assert_string_equal(kr_json_str(key_at(signer, i), "alg"), "ES256");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_token_of_many_threads_is_good),
        cmocka_unit_test(test_after_a_rotation_both_keys_are_published_and_the_new_one_signs),
        cmocka_unit_test(test_no_private_half_is_published),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
