/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation statements of the formats none, packed and fido-u2f: good ones are taken, and each with one part bent is refused. */
#include "webauthn_certificates.h"

#include <openssl/core_names.h>

#define OID_AAGUID "1.3.6.1.4.1.45724.1.1.4"

static kr_webauthn_key_t key;

/* What a statement is made of; a test bends one part. */
typedef struct {
    EVP_PKEY *signer;
    int signs_by, alg;   /* what it is signed by, and what it says that it is */
    const char *more;    /* a member, in hex */
    int without;         /* 'a'lg, 's'ig: left out */
    kr_bytes_t x5c;      /* CBOR; empty: none */
    kr_bytes_t signature; /* empty: made */
} statement_t;

/* -- none ------------------------------------------------------------------------------ */

static kr_bytes_t given(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    (void)auth;
    (void)client_hash;
    return *(const kr_bytes_t *)answer->baton;
}

static void a_statement_of_format_none_is_empty(void **state)
{
    answer_t answer = new_answer(-7);
    kr_bytes_t statement = map(0);

    (void)state;
    answer.statement = given;
    answer.baton = &statement;
    assert_good(registers(&key, &answer));
    statement = ALL(map(1), text("sig"), bytes(fill(0, 4)));
    assert_refused(registers(&key, &answer));
    statement = ALL(map(1), num(1), num(1));
    assert_refused(registers(&key, &answer));
}

static void formats_that_nobody_verifies_are_refused(void **state)
{
    static const char *const others[] = { "", "None", "none ", "noneX", "android-safetynet", "compound", "packed2", "self", "None" };
    answer_t answer = new_answer(-7);

    (void)state;
    for (int i = 0; i < KR_DIM(others); i++) {
        answer.format = others[i];
        assert_refused(registers(&key, &answer));
    }
}

/* -- packed ------------------------------------------------------------------------------- */

static kr_bytes_t packed(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    const statement_t *in = answer->baton;
    kr_bytes_t signature = in->signature.len ? in->signature : sign(in->signer, in->signs_by, ALL(auth, client_hash)), members = { NULL, 0 };
    unsigned count = 0;

    if (in->without != 'a') members = ALL(members, text("alg"), num(in->alg)), count++;
    if (in->without != 's') members = ALL(members, text("sig"), bytes(signature)), count++;
    if (in->x5c.len) members = ALL(members, text("x5c"), in->x5c), count++;
    if (in->more) members = ALL(members, hex(in->more)), count++;
    return ALL(map(count), members);
}

static answer_t packed_answer(int alg, statement_t *statement)
{
    answer_t answer = new_answer(alg);

    answer.format = "packed";
    answer.statement = packed;
    answer.baton = statement;
    return answer;
}

static void a_key_may_vouch_for_itself(void **state)
{
    static const int algorithms[] = { -7, -35, -36, -257, -37, -8 };
    statement_t statement = { .signer = NULL };
    answer_t answer;

    (void)state;
    for (int i = 0; i < KR_DIM(algorithms); i++) {
        answer = packed_answer(algorithms[i], &statement);
        statement = (statement_t){ .signer = answer.key, .signs_by = algorithms[i], .alg = algorithms[i] };
        assert_good(registers(&key, &answer));
        assert_string_equal(key.attestation, "packed");
        statement.signer = packed_answer(algorithms[i], NULL).key;
        assert_refused(registers(&key, &answer));
    }
}

static void but_only_with_its_own_algorithm(void **state)
{
    statement_t statement = { .signer = NULL };
    answer_t answer = packed_answer(-257, &statement);
    const statement_t good = { .signer = answer.key, .signs_by = -257, .alg = -257 };

    (void)state;
    statement = good;
    assert_good(registers(&key, &answer));
    statement.alg = -258;
    assert_refused(registers(&key, &answer));
    statement.signs_by = -258;
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.without = 'a';
    assert_refused(registers(&key, &answer));
    statement.without = 's';
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.more = "6a65636461614b65794964" "40"; /* ecdaaKeyId */
    assert_refused(registers(&key, &answer));
    statement.more = "63783563" "f6"; /* x5c: null is no list */
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.signature = fill(1, 256);
    assert_refused(registers(&key, &answer));
}

/* -- packed, by its maker ------------------------------------------------------------------- */

static kr_bytes_t aaguid_extension(kr_bytes_t aaguid)
{
    return der(0x04, aaguid);
}

static kr_webauthn_verdict_e with_leaf(const certificate_t *leaf, int alg)
{
    statement_t statement = { .signer = leaf->key, .signs_by = alg, .alg = alg, .x5c = ALL(array(1), bytes(der_of(leaf))) };
    answer_t answer = packed_answer(-7, &statement);

    return registers(&key, &answer);
}

static void a_maker_vouches_with_a_certified_key(void **state)
{
    static const struct { const char *kind; int alg; } makers[] = { { "P-256", -7 }, { "P-384", -35 }, { "P-384", -7 }, { "RSA", -257 }, { "RSA", -39 },
                                                                    { "ED25519", -8 }, { "RSA", -65535 } };

    (void)state;
    for (int i = 0; i < KR_DIM(makers); i++) {
        certificate_t leaf = leaf_of(new_key(makers[i].kind));

        assert_good(with_leaf(&leaf, makers[i].alg));
        assert_string_equal(key.attestation, "packed");
    }
    {
        certificate_t leaf = leaf_of(new_key("secp256k1"));

        assert_refused(with_leaf(&leaf, -7));
    }
}

static void a_makers_certificate_says_who_it_is(void **state)
{
    certificate_t good = leaf_of(new_key("P-256")), leaf;

    (void)state;
    assert_good(with_leaf(&good, -7));
    leaf = good;
    leaf.version = 1;
    leaf.constraints = NULL;
    assert_refused(with_leaf(&leaf, -7));
    leaf.version = 2;
    assert_good(with_leaf(&leaf, -7)); /* no constraints: no CA */
    leaf = good;
    leaf.constraints = "critical,CA:TRUE";
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    leaf.country = NULL;
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    leaf.organization = NULL;
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    leaf.name = NULL;
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    leaf.ends = -60;
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    leaf.begins = 600;
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    extend(&leaf, "2.5.29.19", 1, hex("3000")); /* constraints once more */
    assert_refused(with_leaf(&leaf, -7));
    leaf.constraints = NULL;
    assert_good(with_leaf(&leaf, -7));
    leaf.extensions[0].value = hex("30");
    assert_refused(with_leaf(&leaf, -7));
    leaf = good;
    extend(&leaf, "1.2.3.4", 0, fill(0, 15000));
    assert_good(with_leaf(&leaf, -7));
    leaf.extensions[0].value = fill(0, 16384); /* more than anybody says */
    assert_refused(with_leaf(&leaf, -7));
}

static void a_makers_certificate_is_for_that_make(void **state)
{
    const kr_bytes_t aaguid = fill(0xaa, 16);
    certificate_t good = leaf_of(new_key("P-256")), leaf = good;

    (void)state;
    extend(&leaf, OID_AAGUID, 0, aaguid_extension(aaguid));
    assert_good(with_leaf(&leaf, -7));
    extend(&leaf, OID_AAGUID, 0, aaguid_extension(aaguid));
    assert_refused(with_leaf(&leaf, -7)); /* twice */
    leaf = good;
    extend(&leaf, OID_AAGUID, 1, aaguid_extension(aaguid));
    assert_refused(with_leaf(&leaf, -7)); /* critical */
    leaf = good;
    extend(&leaf, OID_AAGUID, 0, aaguid_extension(fill(0xab, 16)));
    assert_refused(with_leaf(&leaf, -7));
    leaf.extensions[0].value = aaguid;
    assert_refused(with_leaf(&leaf, -7));
    leaf.extensions[0].value = aaguid_extension(fill(0xaa, 15));
    assert_refused(with_leaf(&leaf, -7));
    leaf.extensions[0].value = ALL(aaguid_extension(aaguid), fill(0, 1));
    assert_refused(with_leaf(&leaf, -7));
}

static void a_chain_is_a_list_of_certificates(void **state)
{
    certificate_t leaf = leaf_of(new_key("P-256")), late = leaf_of(new_key("P-256"));
    kr_bytes_t one = der_of(&leaf), other;
    statement_t statement = { .signer = leaf.key, .signs_by = -7, .alg = -7 };
    answer_t answer = packed_answer(-7, &statement);

    (void)state;
    late.ends = -60;
    other = der_of(&late);
    {
        const struct { kr_bytes_t x5c; kr_webauthn_verdict_e verdict; } rows[] = {
            { ALL(array(1), bytes(one)), KR_WEBAUTHN_GOOD },
            { ALL(array(2), bytes(one), bytes(one)), KR_WEBAUTHN_GOOD },
            { ALL(array(2), bytes(one), bytes(other)), KR_WEBAUTHN_REFUSED },   /* the other one has ended */
            { ALL(array(2), bytes(one), text("x")), KR_WEBAUTHN_REFUSED },
            { ALL(array(2), bytes(one), bytes(fill(0x30, 20))), KR_WEBAUTHN_REFUSED },
            { array(0), KR_WEBAUTHN_REFUSED },
            { map(0), KR_WEBAUTHN_REFUSED },
            { bytes(one), KR_WEBAUTHN_REFUSED },
            { ALL(array(1), bytes(fill(0, 0))), KR_WEBAUTHN_REFUSED },
            { ALL(array(1), bytes(first(one, one.len - 1))), KR_WEBAUTHN_REFUSED },
            { ALL(array(1), bytes(ALL(one, fill(0, 1)))), KR_WEBAUTHN_REFUSED },
            { ALL(array(8), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one)), KR_WEBAUTHN_GOOD },
            { ALL(array(9), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one), bytes(one)), KR_WEBAUTHN_REFUSED },
        };

        for (int i = 0; i < KR_DIM(rows); i++) {
            statement.x5c = rows[i].x5c;
            assert_verdict(registers(&key, &answer), rows[i].verdict);
        }
    }
}

static void a_makers_signature_is_by_the_certificates_key(void **state)
{
    certificate_t leaf = leaf_of(new_key("P-256"));
    statement_t good = { .signer = leaf.key, .signs_by = -7, .alg = -7, .x5c = ALL(array(1), bytes(der_of(&leaf))) }, statement = good;
    answer_t answer = packed_answer(-7, &statement);

    (void)state;
    statement = good;
    assert_good(registers(&key, &answer));
    statement.signer = new_key("P-256");
    assert_refused(registers(&key, &answer));
    statement.signer = answer.key; /* the credential's does not do */
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.alg = -257;
    assert_refused(registers(&key, &answer));
    statement.alg = -8;
    assert_refused(registers(&key, &answer));
    statement.alg = 0;
    assert_refused(registers(&key, &answer));
    statement.alg = -35;
    statement.signs_by = -7;
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.without = 's';
    assert_refused(registers(&key, &answer));
    statement.without = 'a';
    assert_refused(registers(&key, &answer));
}

/* -- fido-u2f ----------------------------------------------------------------------------------- */

static kr_bytes_t u2f(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    const statement_t *in = answer->baton;
    size_t size = (size_t)EVP_PKEY_get_bits(answer->key) / 8;
    kr_bytes_t x = number_of(answer->key, OSSL_PKEY_PARAM_EC_PUB_X, size), y = number_of(answer->key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    kr_bytes_t message = ALL(fill(0, 1), { auth.at, 32 }, client_hash, answer->id, fill(4, 1), x, y);

    if (in->without == 's') return ALL(map(1), text("x5c"), in->x5c);
    if (in->without == 'x') return ALL(map(1), text("sig"), bytes(sign(in->signer, -7, message)));
    return ALL(map(2), text("sig"), bytes(in->signature.len ? in->signature : sign(in->signer, -7, message)), text("x5c"), in->x5c);
}

static void keys_older_than_webauthn_are_taken(void **state)
{
    certificate_t leaf = leaf_of(new_key("P-256")), wide = leaf_of(new_key("P-384"));
    kr_bytes_t one = der_of(&leaf);
    const statement_t good = { .signer = leaf.key, .x5c = ALL(array(1), bytes(one)) };
    statement_t statement = good;
    answer_t answer = new_answer(-7), bent;

    (void)state;
    answer.format = "fido-u2f";
    answer.statement = u2f;
    answer.baton = &statement;
    answer.aaguid = fill(0, 16);
    assert_good(registers(&key, &answer));
    assert_string_equal(key.attestation, "fido-u2f");
    bent = answer;
    bent.aaguid = fill(1, 16);
    assert_refused(registers(&key, &bent));
    statement.without = 's';
    assert_refused(registers(&key, &answer));
    statement.without = 'x';
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.x5c = ALL(array(2), bytes(one), bytes(one));
    assert_refused(registers(&key, &answer));
    statement.x5c = array(0);
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.signer = answer.key;
    assert_refused(registers(&key, &answer));
    statement.signer = wide.key;
    statement.x5c = ALL(array(1), bytes(der_of(&wide)));
    assert_refused(registers(&key, &answer));
    statement = good;
    statement.signature = fill(1, 70);
    assert_refused(registers(&key, &answer));
    statement = good;
    bent = answer;
    bent.key = new_key("P-384");
    bent.cose = cose_of(bent.key, -35);
    assert_refused(registers(&key, &bent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_statement_of_format_none_is_empty),
        TEST(formats_that_nobody_verifies_are_refused),
        TEST(a_key_may_vouch_for_itself),
        TEST(but_only_with_its_own_algorithm),
        TEST(a_maker_vouches_with_a_certified_key),
        TEST(a_makers_certificate_says_who_it_is),
        TEST(a_makers_certificate_is_for_that_make),
        TEST(a_chain_is_a_list_of_certificates),
        TEST(a_makers_signature_is_by_the_certificates_key),
        TEST(keys_older_than_webauthn_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
