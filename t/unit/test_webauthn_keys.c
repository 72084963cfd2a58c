/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR that is none, or more than anybody needs, and public keys that are no good: nothing of it is ever stored. */
#include "webauthn_env.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static kr_webauthn_key_t key;
static kr_webauthn_proof_t proof;

/* -- CBOR -------------------------------------------------------------------------- */

/* An attestation object with this in place of its members but for authData. */
static kr_webauthn_verdict_e object_with(kr_bytes_t members, unsigned pairs)
{
    answer_t answer = new_answer(-7);

    answer.object = ALL(map(pairs + 1), members, text("authData"), bytes(auth_of(&answer)));
    return registers(&key, &answer);
}

static kr_bytes_t nested(int levels, kr_bytes_t innermost)
{
    kr_bytes_t all = innermost;

    for (int i = 0; i < levels; i++) all = ALL(array(1), all);
    return all;
}

static void an_attestation_object_is_plain_cbor(void **state)
{
    const kr_bytes_t format = { (const unsigned char *)"\x63" "fmt" "\x64" "none", 9 };
    const kr_bytes_t statement = { (const unsigned char *)"\x67" "attStmt" "\xa0", 9 };
    const struct { const char *more; kr_webauthn_verdict_e verdict; } rows[] = {
        { "6178" "00", KR_WEBAUTHN_GOOD },                       /* a member that nobody knows */
        { "1801" "00", KR_WEBAUTHN_GOOD },                       /* a number that is longer than it need be */
        { "6178" "f4", KR_WEBAUTHN_GOOD },                       /* false */
        { "6178" "f93c00", KR_WEBAUTHN_GOOD },                   /* floats */
        { "6178" "fa3f800000", KR_WEBAUTHN_GOOD },
        { "6178" "fb3ff0000000000000", KR_WEBAUTHN_GOOD },
        { "6178" "f6", KR_WEBAUTHN_GOOD },
        { "6178" "1bffffffffffffffff", KR_WEBAUTHN_GOOD },
        { "6178" "3bffffffffffffffff", KR_WEBAUTHN_GOOD },
        { "6178" "818101", KR_WEBAUTHN_GOOD },
        { "6178" "81818101", KR_WEBAUTHN_GOOD },                 /* the map and three more levels */
        { "6178" "8181818101", KR_WEBAUTHN_UNREADABLE },
        { "6178" "8181818180", KR_WEBAUTHN_UNREADABLE },
        { "63666d74" "00", KR_WEBAUTHN_UNREADABLE },             /* "fmt" once more */
        { "7803666d74" "00", KR_WEBAUTHN_UNREADABLE },           /* the same, its length longer than it need be */
        { "6178" "a201000100", KR_WEBAUTHN_UNREADABLE },         /* the same number twice */
        { "6178" "a20100180100", KR_WEBAUTHN_UNREADABLE },
        { "6178" "a220003800" "00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "a201002000", KR_WEBAUTHN_GOOD },               /* 1 and -1 */
        { "4178" "00", KR_WEBAUTHN_UNREADABLE },                 /* keys that are no number and no text */
        { "80" "00", KR_WEBAUTHN_UNREADABLE },
        { "f5" "00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "9f00ff", KR_WEBAUTHN_UNREADABLE },             /* indefinite lengths */
        { "6178" "bfff", KR_WEBAUTHN_UNREADABLE },
        { "6178" "5f4100ff", KR_WEBAUTHN_UNREADABLE },
        { "6178" "7f6100ff", KR_WEBAUTHN_UNREADABLE },
        { "6178" "ff", KR_WEBAUTHN_UNREADABLE },
        { "6178" "c000", KR_WEBAUTHN_UNREADABLE },               /* tags */
        { "6178" "d9d9f700", KR_WEBAUTHN_UNREADABLE },
        { "6178" "c24101", KR_WEBAUTHN_UNREADABLE },
        { "6178" "1c", KR_WEBAUTHN_UNREADABLE },                 /* reserved */
        { "6178" "f8ff", KR_WEBAUTHN_UNREADABLE },
        { "6178" "61ff", KR_WEBAUTHN_UNREADABLE },               /* no UTF-8 */
        { "6178" "6100", KR_WEBAUTHN_UNREADABLE },
        { "6178" "5bffffffffffffffff00", KR_WEBAUTHN_UNREADABLE }, /* lengths of nothing */
        { "6178" "5a7fffffff00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "7bffffffffffffffff00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "9bffffffffffffffff00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "9b800000000000000000", KR_WEBAUTHN_UNREADABLE },
        { "6178" "bbffffffffffffffff00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "bb800000000000000000", KR_WEBAUTHN_UNREADABLE },
        { "6178" "9a7fffffff00", KR_WEBAUTHN_UNREADABLE },
        { "6178" "ba7fffffff00", KR_WEBAUTHN_UNREADABLE },
    };

    (void)state;
    assert_good(object_with(ALL(format, statement), 2));
    for (int i = 0; i < KR_DIM(rows); i++)
        if (object_with(ALL(format, statement, hex(rows[i].more)), 3) != rows[i].verdict) fail_msg("%s", rows[i].more);
}

static void an_attestation_object_has_three_members_of_their_types(void **state)
{
    answer_t answer = new_answer(-7);
    const kr_bytes_t auth = bytes(auth_of(&answer)), none = text("none"), empty = map(0), objects[] = {
        ALL(text("fmt")), ALL(array(0)), ALL(num(1)), ALL(map(0)), ALL(auth),
        ALL(map(2), text("attStmt"), empty, text("authData"), auth),
        ALL(map(2), text("fmt"), none, text("authData"), auth),
        ALL(map(2), text("fmt"), none, text("attStmt"), empty),
        ALL(map(3), text("fmt"), num(1), text("attStmt"), empty, text("authData"), auth),
        ALL(map(3), text("fmt"), none, text("attStmt"), array(0), text("authData"), auth),
        ALL(map(3), text("fmt"), none, text("attStmt"), empty, text("authData"), text("x")),
        ALL(map(3), text("fmt"), none, text("attStmt"), empty, text("authData"), bytes(fill(0, 0))),
        ALL(map(3), text("FMT"), none, text("attStmt"), empty, text("authData"), auth),
    };

    (void)state;
    for (int i = 0; i < KR_DIM(objects); i++) {
        answer.object = objects[i];
        assert_unreadable(registers(&key, &answer));
    }
    answer.object = ALL(map(3), text("authData"), auth, text("attStmt"), empty, text("fmt"), none); /* any order will do */
    assert_good(registers(&key, &answer));
}

static void there_is_an_end_to_items(void **state)
{
    kr_bytes_t format = ALL(text("fmt"), text("none"), text("attStmt"), map(0));

    (void)state;
    assert_good(object_with(ALL(format, text("x"), array(240), fill(0, 240)), 3));
    assert_unreadable(object_with(ALL(format, text("x"), array(300), fill(0, 300)), 3));
    assert_unreadable(object_with(ALL(format, text("x"), array(20000), fill(0x80, 20000)), 3));
    assert_unreadable(object_with(ALL(format, text("x"), nested(20000, num(0))), 3));
}

/* -- keys -------------------------------------------------------------------------------- */

static kr_webauthn_verdict_e with_key(kr_bytes_t cose)
{
    answer_t answer = new_answer(-7);

    answer.cose = cose;
    return registers(&key, &answer);
}

static kr_bytes_t ec_key(int kty, int alg, int curve, kr_bytes_t x, kr_bytes_t y)
{
    return ALL(map(5), num(1), num(kty), num(3), num(alg), num(-1), num(curve), num(-2), bytes(x), num(-3), bytes(y));
}

static kr_bytes_t okp_key(int alg, int curve, kr_bytes_t x)
{
    return ALL(map(4), num(1), num(1), num(3), num(alg), num(-1), num(curve), num(-2), bytes(x));
}

static kr_bytes_t rsa_key(int alg, kr_bytes_t n, kr_bytes_t e)
{
    return ALL(map(4), num(1), num(3), num(3), num(alg), num(-1), bytes(n), num(-2), bytes(e));
}

static void a_key_is_a_whole_map(void **state)
{
    answer_t answer = new_answer(-7);
    const kr_bytes_t x = bytes(number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_X, 32)), y = bytes(number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_Y, 32));
    const kr_bytes_t unreadable[] = { text("key"), array(0), num(0), bytes(answer.cose), fill(0xff, 1), fill(0xa1, 1),
                                      first(answer.cose, answer.cose.len - 1), ALL(answer.cose, fill(0, 1)) };
    const kr_bytes_t refused[] = {
        map(0),
        ALL(map(4), num(1), num(2), num(-1), num(1), num(-2), x, num(-3), y),                   /* no alg */
        ALL(map(4), num(3), num(-7), num(-1), num(1), num(-2), x, num(-3), y),                  /* no kty */
        ALL(map(4), num(1), num(2), num(3), num(-7), num(-2), x, num(-3), y),                   /* no crv */
        ALL(map(4), num(1), num(2), num(3), num(-7), num(-1), num(1), num(-2), x),              /* no y */
        ALL(map(5), num(1), num(2), num(3), num(-7), num(-1), num(1), num(-2), x, num(-3), hex("f5")), /* compressed */
        ALL(map(5), num(1), num(2), num(3), text("ES256"), num(-1), num(1), num(-2), x, num(-3), y),
        ALL(map(5), num(1), text("EC2"), num(3), num(-7), num(-1), num(1), num(-2), x, num(-3), y),
        ALL(map(5), num(1), num(2), num(3), hex("3bffffffffffffffff"), num(-1), num(1), num(-2), x, num(-3), y),
        ALL(map(6), num(1), num(2), num(3), num(-7), num(-1), num(1), num(-2), x, num(-3), y, num(-70), bytes(fill(1, 2048))),
    };

    (void)state;
    for (int i = 0; i < KR_DIM(unreadable); i++) assert_unreadable(with_key(unreadable[i]));
    for (int i = 0; i < KR_DIM(refused); i++) assert_refused(with_key(refused[i]));
    assert_good(with_key(ALL(map(6), num(1), num(2), num(3), num(-7), num(-1), num(1), num(-2), x, num(-3), y, num(2), bytes(fill(1, 8)))));
}

static void only_algorithms_that_are_offered_are_taken(void **state)
{
    static const int others[] = { -47, -9, -19, -53, -65535, -48, -260, -261, -25, -6, 0, 1, 5, 7, 35, 257 };
    answer_t answer = new_answer(-7), rsa = new_answer(-257), ed = new_answer(-8);
    kr_bytes_t x = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_X, 32), y = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);

    (void)state;
    assert_good(with_key(ec_key(2, -7, 1, x, y)));
    for (int i = 0; i < KR_DIM(others); i++) {
        assert_refused(with_key(ec_key(2, others[i], 1, x, y)));
        assert_refused(with_key(cose_of(rsa.key, others[i])));
        assert_refused(with_key(cose_of(ed.key, others[i])));
    }
    assert_refused(with_key(ALL(map(3), num(1), num(4), num(3), num(5), num(-1), bytes(fill(7, 32))))); /* symmetric, HMAC */
    assert_refused(with_key(ALL(map(3), num(1), num(4), num(3), num(-7), num(-1), bytes(fill(7, 32)))));
}

static void type_and_curve_are_those_of_the_algorithm(void **state)
{
    static const int types[] = { 0, 1, 3, 4, 5 }, curves[] = { 0, 2, 3, 4, 6, 8 };
    answer_t answer = new_answer(-7), wide = new_answer(-35), ed = new_answer(-8), rsa = new_answer(-257);
    kr_bytes_t x = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_X, 32), y = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);

    (void)state;
    for (int i = 0; i < KR_DIM(types); i++) assert_refused(with_key(ec_key(types[i], -7, 1, x, y)));
    for (int i = 0; i < KR_DIM(curves); i++) assert_refused(with_key(ec_key(2, -7, curves[i], x, y)));
    assert_refused(with_key(ec_key(2, -35, 1, x, y)));
    assert_refused(with_key(ec_key(2, -7, 1, number_of(wide.key, OSSL_PKEY_PARAM_EC_PUB_X, 48), number_of(wide.key, OSSL_PKEY_PARAM_EC_PUB_Y, 48))));
    assert_refused(with_key(cose_of(ed.key, -7)));
    assert_refused(with_key(cose_of(rsa.key, -7)));
    assert_refused(with_key(cose_of(rsa.key, -8)));
    assert_refused(with_key(ec_key(2, -257, 1, x, y)));
}

static void a_point_is_on_its_curve(void **state)
{
    answer_t answer = new_answer(-7);
    kr_bytes_t x = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_X, 32), y = number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), zero = fill(0, 32);
    const kr_bytes_t prime = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");

    (void)state;
    assert_refused(with_key(ec_key(2, -7, 1, x, flipped(y, 31))));
    assert_refused(with_key(ec_key(2, -7, 1, y, x)));
    assert_refused(with_key(ec_key(2, -7, 1, zero, zero)));
    assert_refused(with_key(ec_key(2, -7, 1, prime, y)));
    assert_refused(with_key(ec_key(2, -7, 1, fill(0xff, 32), fill(0xff, 32))));
    assert_refused(with_key(ec_key(2, -7, 1, first(x, 31), y)));
    assert_refused(with_key(ec_key(2, -7, 1, ALL(fill(0, 1), x), y)));
    assert_refused(with_key(ec_key(2, -7, 1, ALL(fill(0, 60), x), ALL(fill(0, 60), y))));
    assert_refused(with_key(ec_key(2, -7, 1, zero, fill(0, 0))));
    assert_refused(with_key(ec_key(2, -7, 1, fill(0, 0), fill(0, 0))));
    assert_refused(with_key(ec_key(2, -35, 2, fill(1, 48), fill(1, 48))));
    assert_refused(with_key(ec_key(2, -36, 3, fill(1, 66), fill(1, 66))));
    assert_refused(with_key(ec_key(2, -36, 3, fill(0xff, 66), fill(0xff, 66))));
}

static void a_point_of_ed25519_is_one_and_signs_for_one_person_only(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", /* of small order */
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* not the shortest form */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000", /* no x for this y */
        "0700000000000000000000000000000000000000000000000000000000000000",
    };

    (void)state;
    for (int i = 0; i < KR_DIM(points); i++) assert_refused(with_key(okp_key(-8, 6, hex(points[i]))));
    assert_good(with_key(okp_key(-8, 6, hex("0300000000000000000000000000000000000000000000000000000000000000"))));
    for (int i = 0; i < 64; i++) assert_good(with_key(cose_of(new_key("ED25519"), -8)));
    assert_refused(with_key(okp_key(-8, 7, hex("0300000000000000000000000000000000000000000000000000000000000000"))));
    for (size_t len = 0; len <= 64; len++)
        if (len != 32) assert_refused(with_key(okp_key(-8, 6, fill(3, len))));
}

/* -- numbers of RSA ------------------------------------------------------------------------- */

/* An odd number of that many bits. */
static kr_bytes_t odd(int bits)
{
    unsigned char *to = memset(apr_palloc(pool, (size_t)(bits + 7) / 8), 0xa5, (size_t)(bits + 7) / 8);
    int top = (bits - 1) % 8;

    to[0] = (unsigned char)((to[0] & ((1 << top) - 1)) | 1 << top);
    to[(bits + 7) / 8 - 1] |= 1;
    return (kr_bytes_t){ to, (size_t)(bits + 7) / 8 };
}

static void numbers_of_rsa_are_sensible(void **state)
{
    const kr_bytes_t f4 = hex("010001"), n = odd(2048);
    static const char *const good[] = { "03", "11", "010001", "ffffffff" };
    static const char *const bad[] = { "", "00", "01", "02", "04", "010000", "0003", "00010001", "0100000001", "ffffffffff" };

    (void)state;
    for (int i = 0; i < KR_DIM(good); i++) assert_good(with_key(rsa_key(-257, n, hex(good[i]))));
    for (int i = 0; i < KR_DIM(bad); i++) assert_refused(with_key(rsa_key(-257, n, hex(bad[i]))));
    assert_refused(with_key(rsa_key(-257, n, n)));
    assert_good(with_key(rsa_key(-37, odd(3072), f4)));
    assert_good(with_key(rsa_key(-39, odd(8192), f4)));
    assert_refused(with_key(rsa_key(-257, odd(2047), f4)));
    assert_refused(with_key(rsa_key(-257, odd(1024), f4)));
    assert_refused(with_key(rsa_key(-257, odd(8193), f4)));
    assert_refused(with_key(rsa_key(-257, odd(40000 * 8), f4)));
    assert_refused(with_key(rsa_key(-257, fill(0, 0), f4)));
    assert_refused(with_key(rsa_key(-257, fill(0, 256), f4)));
    assert_refused(with_key(rsa_key(-257, ALL(fill(0, 1), n), f4)));
    assert_refused(with_key(rsa_key(-257, ALL(first(n, 255), fill(0x10, 1)), f4))); /* even */
}

static void a_key_with_a_small_exponent_signs_in(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    answer_t answer = new_answer(-7), use;

    (void)state;
    BN_set_word(three, 3);
    answer.key = NULL;
    answer.alg = -257;
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three);
    assert_int_equal(EVP_PKEY_generate(ctx, &answer.key), 1);
    answer.cose = cose_of(answer.key, -257);
    use = use_of(&answer);
    assert_good(registers(&key, &answer));
    assert_good(verifies(&proof, &use, &key));
    EVP_PKEY_free(answer.key);
    EVP_PKEY_CTX_free(ctx);
    BN_free(three);
}

/* -- signatures ----------------------------------------------------------------------------- */

static kr_bytes_t integer(kr_bytes_t value)
{
    const unsigned char head[] = { 0x02, (unsigned char)value.len };

    return ALL({ head, 2 }, value);
}

static kr_bytes_t sequence(kr_bytes_t r, kr_bytes_t s)
{
    const unsigned char head[] = { 0x30, (unsigned char)(r.len + s.len) };

    return ALL({ head, 2 }, r, s);
}

/* As DER wants a positive number. */
static kr_bytes_t positive(const BIGNUM *number)
{
    unsigned char out[80];
    kr_bytes_t value = { out, (size_t)BN_bn2bin(number, out) };

    return out[0] & 0x80 ? ALL(fill(0, 1), value) : first(value, value.len);
}

static const BIGNUM *order(void)
{
    static BIGNUM *n = NULL;

    if (!n) BN_hex2bn(&n, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    return n;
}

static void signatures_of_curves_are_der_to_the_letter(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);
    kr_bytes_t auth = auth_of(&use), client, r, s, mirrored, good;
    const unsigned char *at;
    ECDSA_SIG *parts;
    BIGNUM *other = BN_new();

    (void)state;
    assert_good(registers(&key, &answer));
    client = chars(apr_psprintf(pool, "{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"" ORIGIN "\"}", kr_webauthn_b64(pool, answer.challenge)));
    use.client = client;
    good = sign(answer.key, -7, ALL(auth, sha256(client)));
    at = good.at;
    parts = d2i_ECDSA_SIG(NULL, &at, (long)good.len);
    r = positive(ECDSA_SIG_get0_r(parts));
    s = positive(ECDSA_SIG_get0_s(parts));
    BN_sub(other, order(), ECDSA_SIG_get0_s(parts));
    mirrored = positive(other);
    BN_add(other, order(), ECDSA_SIG_get0_s(parts));
    {
        const struct { kr_bytes_t signature; kr_webauthn_verdict_e verdict; } rows[] = {
            { sequence(integer(r), integer(s)), KR_WEBAUTHN_GOOD },
            { sequence(integer(r), integer(mirrored)), KR_WEBAUTHN_GOOD },
            { sequence(integer(s), integer(r)), KR_WEBAUTHN_REFUSED },
            { sequence(integer(r), integer(positive(other))), KR_WEBAUTHN_REFUSED },             /* s + n */
            { sequence(integer(ALL(fill(0, 1), r)), integer(s)), KR_WEBAUTHN_REFUSED },          /* padded */
            { sequence(integer(r), integer(ALL(fill(0, 2), s))), KR_WEBAUTHN_REFUSED },
            { sequence(integer(r), integer(ALL(fill(0xff, 1), s))), KR_WEBAUTHN_REFUSED },       /* negative */
            { sequence(integer(fill(0, 1)), integer(fill(0, 1))), KR_WEBAUTHN_REFUSED },
            { sequence(integer(fill(1, 1)), integer(fill(1, 1))), KR_WEBAUTHN_REFUSED },
            { sequence(integer(r), ALL(integer(s), fill(0, 1))), KR_WEBAUTHN_REFUSED },          /* one more inside */
            { sequence(integer(r), ALL(integer(s), integer(s))), KR_WEBAUTHN_REFUSED },
            { ALL(sequence(integer(r), integer(s)), fill(0, 1)), KR_WEBAUTHN_REFUSED },          /* and behind */
            { ALL(hex("3081"), { good.at + 1, good.len - 1 }), KR_WEBAUTHN_REFUSED },            /* a long length */
            { ALL(hex("3080"), { good.at + 2, good.len - 2 }, fill(0, 2)), KR_WEBAUTHN_REFUSED }, /* an indefinite one */
            { ALL(fill(0x31, 1), { good.at + 1, good.len - 1 }), KR_WEBAUTHN_REFUSED },
            { fill(0, 64), KR_WEBAUTHN_REFUSED },
            { fill(0xff, 72), KR_WEBAUTHN_REFUSED },
            { ALL(number_of(answer.key, OSSL_PKEY_PARAM_EC_PUB_X, 32), fill(1, 32)), KR_WEBAUTHN_REFUSED },
        };

        for (int i = 0; i < KR_DIM(rows); i++) {
            use.signature = rows[i].signature;
            assert_verdict(verifies(&proof, &use, &key), rows[i].verdict);
        }
    }
    if (r.len <= 33 && s.len <= 33) { /* plain r and s, as JWS has them */
        use.signature = ALL({ r.at + r.len - 32, 32 }, { s.at + s.len - 32, 32 });
        assert_refused(verifies(&proof, &use, &key));
    }
    ECDSA_SIG_free(parts);
    BN_free(other);
}

static void what_openssl_says_of_a_false_key_stays_here(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);

    (void)state;
    assert_int_equal(ERR_peek_error(), 0);
    assert_refused(with_key(ec_key(2, -7, 1, fill(1, 32), fill(1, 32))));
    assert_int_equal(ERR_peek_error(), 0);
    key = (kr_webauthn_key_t){ .id = answer.id, .public_key = answer.cose };
    use.signature = fill(0x30, 70);
    assert_refused(verifies(&proof, &use, &key));
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_kept_key_that_is_no_good_opens_nothing(void **state)
{
    answer_t answer = new_answer(-7), use = use_of(&answer);
    const kr_bytes_t kept[] = { { NULL, 0 }, fill(0, 10), text("x"), okp_key(-8, 6, fill(0, 32)), first(answer.cose, 40) };

    (void)state;
    for (int i = 0; i < KR_DIM(kept); i++) {
        key = (kr_webauthn_key_t){ .id = answer.id, .public_key = kept[i] };
        assert_refused(verifies(&proof, &use, &key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_attestation_object_is_plain_cbor),
        TEST(an_attestation_object_has_three_members_of_their_types),
        TEST(there_is_an_end_to_items),
        TEST(a_key_is_a_whole_map),
        TEST(only_algorithms_that_are_offered_are_taken),
        TEST(type_and_curve_are_those_of_the_algorithm),
        TEST(a_point_is_on_its_curve),
        TEST(a_point_of_ed25519_is_one_and_signs_for_one_person_only),
        TEST(numbers_of_rsa_are_sensible),
        TEST(a_key_with_a_small_exponent_signs_in),
        TEST(signatures_of_curves_are_der_to_the_letter),
        TEST(what_openssl_says_of_a_false_key_stays_here),
        TEST(a_kept_key_that_is_no_good_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
