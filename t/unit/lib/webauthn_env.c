/* SPDX-License-Identifier: Apache-2.0 */
/* An authenticator in software. */
#include "webauthn_env.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

const char *why_not;

/* -- bytes -------------------------------------------------------------------- */

kr_bytes_t join_all(const kr_bytes_t *parts, size_t count)
{
    size_t len = 0;
    unsigned char *to;

    for (size_t i = 0; i < count; i++) len += parts[i].len;
    to = apr_palloc(pool, len + 1);
    len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len) memcpy(to + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    return (kr_bytes_t){ to, len };
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

kr_bytes_t hex(const char *digits)
{
    size_t len = strlen(digits) / 2;
    unsigned char *to = apr_palloc(pool, len + 1);

    for (size_t i = 0; i < len; i++) to[i] = (unsigned char)(digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]));
    return (kr_bytes_t){ to, len };
}

kr_bytes_t fill(int byte, size_t len)
{
    return (kr_bytes_t){ memset(apr_palloc(pool, len + 1), byte, len), len };
}

kr_bytes_t first(kr_bytes_t all, size_t len)
{
    /* A copy, so that a sanitizer sees who reads behind it. */
    return (kr_bytes_t){ apr_pmemdup(pool, all.at, len), len };
}

kr_bytes_t flipped(kr_bytes_t all, size_t at)
{
    unsigned char *to = apr_pmemdup(pool, all.at, all.len);

    to[at] ^= 1;
    return (kr_bytes_t){ to, all.len };
}

kr_bytes_t chars(const char *value)
{
    return (kr_bytes_t){ (const unsigned char *)value, strlen(value) };
}

kr_bytes_t sha256(kr_bytes_t value)
{
    unsigned char *hash = apr_palloc(pool, SHA256_DIGEST_LENGTH);

    SHA256(value.at, value.len, hash);
    return (kr_bytes_t){ hash, SHA256_DIGEST_LENGTH };
}

/* -- CBOR --------------------------------------------------------------------- */

static kr_bytes_t head(int major, unsigned value)
{
    unsigned char out[5] = { (unsigned char)(major << 5) };
    size_t len = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : 4;

    out[0] |= (unsigned char)(len == 0 ? value : len == 1 ? 24 : len == 2 ? 25 : 26);
    for (size_t i = 0; i < len; i++) out[1 + i] = (unsigned char)(value >> 8 * (len - 1 - i));
    return first((kr_bytes_t){ out, sizeof(out) }, 1 + len);
}

kr_bytes_t map(unsigned pairs)
{
    return head(5, pairs);
}

kr_bytes_t array(unsigned items)
{
    return head(4, items);
}

kr_bytes_t num(int value)
{
    return value < 0 ? head(1, (unsigned)(-1 - value)) : head(0, (unsigned)value);
}

kr_bytes_t bytes(kr_bytes_t value)
{
    return ALL(head(2, (unsigned)value.len), value);
}

kr_bytes_t text(const char *value)
{
    return ALL(head(3, (unsigned)strlen(value)), chars(value));
}

/* -- keys ----------------------------------------------------------------------- */

static apr_status_t free_key(void *key)
{
    EVP_PKEY_free(key);
    return APR_SUCCESS;
}

EVP_PKEY *new_key(const char *kind)
{
    EVP_PKEY *key = !strcmp(kind, "RSA")       ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                    : !strcmp(kind, "ED25519") ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                               : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);

    assert_non_null(key);
    apr_pool_cleanup_register(pool, key, free_key, apr_pool_cleanup_null);
    return key;
}

kr_bytes_t number_of(EVP_PKEY *key, const char *name, size_t size)
{
    BIGNUM *number = NULL;
    unsigned char *to;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    if (!size) size = (size_t)BN_num_bytes(number);
    to = apr_palloc(pool, size);
    assert_int_equal(BN_bn2binpad(number, to, (int)size), (int)size);
    BN_free(number);
    return (kr_bytes_t){ to, size };
}

kr_bytes_t cose_of(EVP_PKEY *key, int alg)
{
    size_t size = alg == -7 ? 32 : alg == -35 ? 48 : 66;
    unsigned char *x = apr_palloc(pool, 32);
    size_t len = 32;

    if (EVP_PKEY_is_a(key, "RSA"))
        return ALL(map(4), num(1), num(3), num(3), num(alg), num(-1), bytes(number_of(key, OSSL_PKEY_PARAM_RSA_N, 0)), num(-2),
                   bytes(number_of(key, OSSL_PKEY_PARAM_RSA_E, 0)));
    if (EVP_PKEY_is_a(key, "EC"))
        return ALL(map(5), num(1), num(2), num(3), num(alg), num(-1), num(alg == -7 ? 1 : alg == -35 ? 2 : 3), num(-2),
                   bytes(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, size)), num(-3),
                   bytes(number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, size)));
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, x, &len), 1);
    return ALL(map(4), num(1), num(1), num(3), num(alg), num(-1), num(6), num(-2), bytes((kr_bytes_t){ x, len }));
}

static const EVP_MD *digest_of(int alg)
{
    switch (alg) {
    case -8: return NULL;
    case -65535: return EVP_sha1();
    case -35:
    case -258:
    case -38: return EVP_sha384();
    case -36:
    case -259:
    case -39: return EVP_sha512();
    default: return EVP_sha256();
    }
}

kr_bytes_t sign(EVP_PKEY *key, int alg, kr_bytes_t data)
{
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx;
    size_t len = 2048;
    unsigned char *out = apr_palloc(pool, len);

    assert_int_equal(EVP_DigestSignInit(work, &ctx, digest_of(alg), NULL, key), 1);
    if (alg <= -37 && alg >= -39) {
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
    }
    assert_int_equal(EVP_DigestSign(work, out, &len, data.at, data.len), 1);
    EVP_MD_CTX_free(work);
    return (kr_bytes_t){ out, len };
}

/* -- what it says ----------------------------------------------------------------- */

static const char *kind_of(int alg)
{
    switch (alg) {
    case -7: return "P-256";
    case -35: return "P-384";
    case -36: return "P-521";
    case -8: return "ED25519";
    default: return "RSA";
    }
}

answer_t new_answer(int alg)
{
    answer_t answer = { .alg = alg, .type = "webauthn.create", .origin = ORIGIN, .rp_id = RP_ID, .flags = UP | UV | AT, .format = "none" };

    answer.key = new_key(kind_of(alg));
    answer.challenge = fill(0xc4, 32);
    answer.aaguid = fill(0xaa, 16);
    answer.id = fill(0x1d, 32);
    answer.cose = cose_of(answer.key, alg);
    return answer;
}

answer_t use_of(const answer_t *created)
{
    answer_t answer = *created;

    answer.type = "webauthn.get";
    answer.flags &= ~AT;
    return answer;
}

kr_bytes_t auth_of(const answer_t *answer)
{
    unsigned char flags = (unsigned char)answer->flags, count[4], len[2] = { (unsigned char)(answer->id.len >> 8), (unsigned char)answer->id.len };
    kr_bytes_t auth;

    for (int i = 0; i < 4; i++) count[i] = (unsigned char)(answer->count >> 8 * (3 - i));
    auth = ALL(sha256(chars(answer->rp_id)), { &flags, 1 }, { count, 4 });
    if (answer->flags & AT) auth = ALL(auth, answer->aaguid, { len, 2 }, answer->id, answer->cose);
    return answer->extensions.len ? ALL(auth, answer->extensions) : auth;
}

static kr_bytes_t client_of(const answer_t *answer)
{
    if (answer->client.len) return answer->client;
    return chars(apr_psprintf(pool, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\"%s}", answer->type,
                              kr_webauthn_b64(pool, answer->challenge), answer->origin, answer->more ? answer->more : ""));
}

kr_bytes_t object_of(const answer_t *answer, kr_bytes_t auth)
{
    kr_bytes_t statement = answer->statement ? answer->statement(answer, auth, sha256(client_of(answer))) : map(0);

    return ALL(map(3), text("fmt"), text(answer->format), text("attStmt"), statement, text("authData"), bytes(auth));
}

static const char *b64(kr_bytes_t value)
{
    return kr_webauthn_b64(pool, value);
}

const char *creation_json(const answer_t *answer)
{
    kr_bytes_t object = answer->object;
    const char *id = answer->id.len ? b64(answer->id) : "AAAA";

    if (!object.len) object = object_of(answer, answer->auth.len ? answer->auth : auth_of(answer));
    return apr_psprintf(pool, "{\"id\":\"%s\",\"rawId\":\"%s\",\"type\":\"public-key\",\"response\":{\"attestationObject\":\"%s\",\"clientDataJSON\":\"%s\"%s}}",
                        id, id, b64(object), b64(client_of(answer)), answer->members ? answer->members : "");
}

const char *assertion_json(const answer_t *answer)
{
    kr_bytes_t auth = answer->auth.len ? answer->auth : auth_of(answer), client = client_of(answer);
    kr_bytes_t signature = answer->signature.len ? answer->signature : sign(answer->key, answer->alg, ALL(auth, sha256(client)));

    return apr_psprintf(pool,
                        "{\"id\":\"%s\",\"rawId\":\"%s\",\"type\":\"public-key\",\"response\":{\"authenticatorData\":\"%s\",\"clientDataJSON\":\"%s\",\"signature\":\"%s\"%s}}",
                        b64(answer->id), b64(answer->id), b64(auth), b64(client), b64(signature), answer->members ? answer->members : "");
}

/* -- verdicts ----------------------------------------------------------------------- */

kr_webauthn_expected_t expected_of(kr_bytes_t challenge)
{
    apr_array_header_t *origins = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(origins, const char *) = "https://login.example.org";
    APR_ARRAY_PUSH(origins, const char *) = ORIGIN;
    return (kr_webauthn_expected_t){ .rp_id = RP_ID, .origins = origins, .challenge = challenge };
}

kr_webauthn_verdict_e registers(kr_webauthn_key_t *out, const answer_t *answer)
{
    kr_webauthn_expected_t expected = expected_of(fill(0xc4, 32));
    const char *sent = creation_json(answer);

    return kr_webauthn_register(out, &why_not, pool, sent, strlen(sent), &expected);
}

kr_webauthn_verdict_e verifies(kr_webauthn_proof_t *out, const answer_t *answer, const kr_webauthn_key_t *key)
{
    kr_webauthn_expected_t expected = expected_of(fill(0xc4, 32));
    kr_webauthn_assertion_t assertion;
    const char *sent = assertion_json(answer);
    kr_webauthn_verdict_e verdict = kr_webauthn_read(&assertion, &why_not, pool, sent, strlen(sent));

    return verdict ? verdict : kr_webauthn_verify(out, &why_not, pool, &assertion, key, 1, &expected);
}
