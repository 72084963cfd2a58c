/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation statements of the formats tpm, android-key and apple, put together here: good ones, and each with one part bent. */
#include "webauthn_certificates.h"

#include <openssl/core_names.h>
#include <openssl/sha.h>

static kr_webauthn_key_t key;

static kr_bytes_t u16(unsigned value)
{
    const unsigned char out[2] = { (unsigned char)(value >> 8), (unsigned char)value };

    return first((kr_bytes_t){ out, 2 }, 2);
}

static kr_bytes_t sized(kr_bytes_t value)
{
    return ALL(u16((unsigned)value.len), value);
}

static kr_bytes_t chain(const certificate_t *leaf)
{
    return ALL(array(1), bytes(der_of(leaf)));
}

/* Of a statement, unless it is the one that is `left` out. */
#define MEMBER(named, value)                                                                                           \
    if (strcmp(left, named) != 0) members = ALL(members, text(named), value), count++

/* -- apple ------------------------------------------------------------------------ */

#define OID_NONCE "1.2.840.113635.100.8.2"

/* What is bent. */
typedef struct {
    EVP_PKEY *key;          /* of the certificate; NULL: the credential's */
    kr_bytes_t nonce;       /* empty: the right one */
    kr_bytes_t (*wrap)(kr_bytes_t nonce);
    int without, twice;
    const char *statement;  /* in hex, in place of all that; NULL: made */
} apple_t;

static kr_bytes_t usual(kr_bytes_t nonce)
{
    return der(0x30, der(0xa1, der(0x04, nonce)));
}

static kr_bytes_t tagged_otherwise(kr_bytes_t nonce)
{
    return der(0x30, der(0xa2, der(0x04, nonce)));
}

static kr_bytes_t not_tagged(kr_bytes_t nonce)
{
    return der(0x30, der(0x04, nonce));
}

static kr_bytes_t indefinite(kr_bytes_t nonce)
{
    return ALL(hex("3080"), der(0xa1, der(0x04, nonce)), hex("0000"));
}

static kr_bytes_t empty(kr_bytes_t nonce)
{
    (void)nonce;
    return hex("3000");
}

static kr_bytes_t tagged_twice(kr_bytes_t nonce)
{
    return der(0x30, ALL(der(0xa1, der(0x04, nonce)), der(0xa1, der(0x04, nonce))));
}

static kr_bytes_t apple(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    const apple_t *in = answer->baton;
    certificate_t leaf = leaf_of(in->key ? in->key : answer->key);
    kr_bytes_t nonce = in->nonce.len ? in->nonce : sha256(ALL(auth, client_hash));

    if (in->statement) return hex(in->statement);
    for (int i = in->without ? 2 : in->twice ? 0 : 1; i < 2; i++) extend(&leaf, OID_NONCE, 0, in->wrap(nonce));
    return ALL(map(1), text("x5c"), chain(&leaf));
}

static void apples_certificate_is_for_this_key_and_this_challenge(void **state)
{
    kr_bytes_t (*const wrong[])(kr_bytes_t) = { tagged_otherwise, not_tagged, indefinite, empty, tagged_twice };
    apple_t in = { .wrap = usual };
    answer_t answer = new_answer(-7);

    (void)state;
    answer.format = "apple";
    answer.statement = apple;
    answer.baton = &in;
    assert_good(registers(&key, &answer));
    assert_string_equal(key.attestation, "apple");
    for (int i = 0; i < KR_DIM(wrong); i++) {
        in.wrap = wrong[i];
        assert_refused(registers(&key, &answer));
    }
    in = (apple_t){ .wrap = usual, .nonce = fill(1, 32) };
    assert_refused(registers(&key, &answer));
    in = (apple_t){ .wrap = usual, .key = new_key("P-256") };
    assert_refused(registers(&key, &answer));
    in = (apple_t){ .wrap = usual, .without = 1 };
    assert_refused(registers(&key, &answer));
    in = (apple_t){ .wrap = usual, .twice = 1 };
    assert_refused(registers(&key, &answer));
    in = (apple_t){ .statement = "a0" };
    assert_refused(registers(&key, &answer));
    in = (apple_t){ .statement = "a163783563" "80" }; /* x5c: [] */
    assert_refused(registers(&key, &answer));
}

/* -- android-key ------------------------------------------------------------------------ */

#define OID_DESCRIPTION "1.3.6.1.4.1.11129.2.1.17"
#define SIGNS "a1053103020102"                /* [1] SET { 2 } */
#define SIGNS_AND_VERIFIES "a1083106020102020103"
#define ENCRYPTS "a1053103020100"
#define GENERATED "bf853e03020100"            /* [702] 0 */
#define IMPORTED "bf853e03020102"
#define FOR_ALL "bf8458020500"                /* [600] NULL */

typedef struct {
    const char *software, *hardware; /* lists, in hex */
    kr_bytes_t challenge;            /* empty: the right one */
    EVP_PKEY *key;                   /* of the certificate, NULL: the credential's */
    int alg;
    const char *description;         /* in hex, in place of all that; NULL: made */
    const char *without;             /* a member that is left out */
} android_t;

static kr_bytes_t android(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    const android_t *in = answer->baton;
    EVP_PKEY *signer = in->key ? in->key : answer->key;
    certificate_t leaf = leaf_of(signer);
    kr_bytes_t lists = ALL(der(0x30, hex(in->software)), der(0x30, hex(in->hardware))), members = { NULL, 0 };
    const char *left = in->without ? in->without : "";
    unsigned count = 0;

    extend(&leaf, OID_DESCRIPTION, 0,
           in->description ? hex(in->description)
                           : der(0x30, ALL(hex("0201030a01010201040a0101"), der(0x04, in->challenge.len ? in->challenge : client_hash), hex("0400"), lists)));
    MEMBER("alg", num(in->alg));
    MEMBER("sig", bytes(sign(signer, answer->alg, ALL(auth, client_hash))));
    MEMBER("x5c", chain(&leaf));
    return ALL(map(count), members);
}

static void an_android_key_is_made_in_the_phone_to_sign(void **state)
{
    static const struct { const char *software, *hardware; kr_webauthn_verdict_e verdict; } rows[] = {
        { "", SIGNS GENERATED, KR_WEBAUTHN_GOOD },
        { SIGNS GENERATED, "", KR_WEBAUTHN_GOOD },
        { SIGNS, GENERATED, KR_WEBAUTHN_GOOD },
        { "", SIGNS_AND_VERIFIES GENERATED, KR_WEBAUTHN_GOOD },
        { GENERATED, SIGNS GENERATED, KR_WEBAUTHN_GOOD },
        { ENCRYPTS, SIGNS GENERATED, KR_WEBAUTHN_GOOD },
        { "", SIGNS, KR_WEBAUTHN_GOOD }, /* as Kratos takes it: nothing else is said */
        { "", "", KR_WEBAUTHN_REFUSED },
        { "", GENERATED, KR_WEBAUTHN_REFUSED },
        { "", ENCRYPTS GENERATED, KR_WEBAUTHN_REFUSED },
        { "", SIGNS IMPORTED, KR_WEBAUTHN_REFUSED },
        { IMPORTED, SIGNS GENERATED, KR_WEBAUTHN_REFUSED },
        { "", SIGNS FOR_ALL GENERATED, KR_WEBAUTHN_REFUSED },
        { FOR_ALL, SIGNS GENERATED, KR_WEBAUTHN_REFUSED },
        { "", SIGNS SIGNS GENERATED, KR_WEBAUTHN_REFUSED },       /* twice */
        { "", SIGNS GENERATED IMPORTED, KR_WEBAUTHN_REFUSED },
        { "", "a103020102" GENERATED, KR_WEBAUTHN_REFUSED },       /* no SET */
        { "", "a1053103040102" GENERATED, KR_WEBAUTHN_REFUSED },   /* of no INTEGER */
        { "", SIGNS "bf853e020102", KR_WEBAUTHN_REFUSED },         /* lengths that do not fit */
        { "", SIGNS "bf853e03020200", KR_WEBAUTHN_REFUSED },
        { "", SIGNS "bf853e0402020000", KR_WEBAUTHN_REFUSED },     /* not the shortest 0 */
        { "ff", SIGNS GENERATED, KR_WEBAUTHN_REFUSED },
    };
    android_t in = { .alg = -7 };
    answer_t answer = new_answer(-7);

    (void)state;
    answer.format = "android-key";
    answer.statement = android;
    answer.baton = &in;
    for (int i = 0; i < KR_DIM(rows); i++) {
        in.software = rows[i].software;
        in.hardware = rows[i].hardware;
        if (registers(&key, &answer) != rows[i].verdict) fail_msg("row %d: %s", i, why_not ? why_not : "");
    }
}

static void an_android_keys_certificate_is_for_this_key_and_this_challenge(void **state)
{
    static const char *const descriptions[] = { "", "30", "3000", "0400", "3003020103", "300c0201030a01010201040a0101" };
    const android_t good = { .software = "", .hardware = SIGNS GENERATED, .alg = -7 };
    android_t in = good;
    answer_t answer = new_answer(-7);

    (void)state;
    answer.format = "android-key";
    answer.statement = android;
    answer.baton = &in;
    assert_good(registers(&key, &answer));
    assert_string_equal(key.attestation, "android-key");
    for (int i = 0; i < KR_DIM(descriptions); i++) {
        in.description = descriptions[i];
        assert_refused(registers(&key, &answer));
    }
    in = good;
    in.challenge = fill(1, 32);
    assert_refused(registers(&key, &answer));
    in = good;
    in.key = new_key("P-256");
    assert_refused(registers(&key, &answer));
    for (int i = 0; i < 3; i++) {
        static const char *const members[] = { "alg", "sig", "x5c" };

        in = good;
        in.without = members[i];
        assert_refused(registers(&key, &answer));
    }
    in = good;
    in.alg = -35;
    assert_refused(registers(&key, &answer));
    in = good;
    answer = new_answer(-257);
    answer.format = "android-key";
    answer.statement = android;
    answer.baton = &in;
    in.alg = -257;
    assert_good(registers(&key, &answer)); /* no curve, no accident */
}

/* -- tpm --------------------------------------------------------------------------------------- */

#define OID_NAMES "2.5.29.17"
#define OID_USES "2.5.29.37"
#define ATTESTS "06056781050803" /* 2.23.133.8.3 */

typedef struct {
    certificate_t leaf;
    const char *version;
    int alg;
    unsigned magic_low, type, name_alg, certified_alg; /* the low half of the magic number */
    kr_bytes_t area, extra, name, behind;              /* empty: the right ones; behind: bytes after certInfo */
    const char *without;                               /* a member that is left out */
    EVP_PKEY *signer;                                  /* NULL: the leaf's key */
    int ecdaa;
} tpm_t;

/* One attribute of a name. */
static kr_bytes_t attribute(const char *oid, const char *value)
{
    return der(0x31, der(0x30, ALL(der(0x06, hex(oid)), der(0x0c, chars(value)))));
}

static kr_bytes_t names(const char *maker, const char *model, const char *version)
{
    kr_bytes_t all = { NULL, 0 };

    if (maker) all = ALL(all, attribute("6781050201", maker));
    if (model) all = ALL(all, attribute("6781050202", model));
    if (version) all = ALL(all, attribute("6781050203", version));
    return der(0x30, der(0xa4, der(0x30, all)));
}

static certificate_t tpm_leaf(EVP_PKEY *signer, kr_bytes_t alternative)
{
    certificate_t leaf = leaf_of(signer);

    leaf.country = leaf.organization = leaf.name = NULL;
    extend(&leaf, OID_NAMES, 1, alternative);
    extend(&leaf, OID_USES, 0, der(0x30, hex(ATTESTS)));
    return leaf;
}

static tpm_t good_tpm(void)
{
    return (tpm_t){ .leaf = tpm_leaf(new_key("RSA"), names("id:494E5443", "A model", "id:13")), .version = "2.0", .alg = -257,
                    .magic_low = 0x4347, .type = 0x8017, .name_alg = 0x000b, .certified_alg = 0x000b };
}

/* TPMT_PUBLIC of a key. */
static kr_bytes_t area_of(const answer_t *answer, unsigned name_alg)
{
    size_t size = answer->alg == -7 ? 32 : 48;
    kr_bytes_t head = ALL(u16(name_alg), hex("00060472"), sized(fill(9, 32)), u16(0x10)); /* no symmetric algorithm */

    if (EVP_PKEY_is_a(answer->key, "RSA"))
        return ALL(u16(0x0001), head, u16(0x0014), u16(0x000b), u16(2048), hex("00000000"), sized(number_of(answer->key, OSSL_PKEY_PARAM_RSA_N, 0)));
    return ALL(u16(0x0023), head, u16(0x10), u16(answer->alg == -7 ? 3 : 4), u16(0x10),
               sized(number_of(answer->key, OSSL_PKEY_PARAM_EC_PUB_X, size)), sized(number_of(answer->key, OSSL_PKEY_PARAM_EC_PUB_Y, size)));
}

static kr_bytes_t digest(const EVP_MD *md, kr_bytes_t value)
{
    unsigned char *out = apr_palloc(pool, EVP_MAX_MD_SIZE);
    unsigned len;

    EVP_Digest(value.at, value.len, out, &len, md, NULL);
    return (kr_bytes_t){ out, len };
}

static const EVP_MD *tpm_digest(unsigned alg)
{
    return alg == 0x000c ? EVP_sha384() : alg == 0x0004 ? EVP_sha1() : EVP_sha256();
}

static kr_bytes_t tpm(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash)
{
    const tpm_t *in = answer->baton;
    kr_bytes_t area = in->area.len ? in->area : area_of(answer, in->name_alg), members = { NULL, 0 }, info;
    kr_bytes_t name = in->name.len ? in->name : ALL(u16(in->certified_alg), digest(tpm_digest(in->certified_alg), area));
    kr_bytes_t extra = in->extra.len ? in->extra : digest(in->alg == -65535 ? EVP_sha1() : EVP_sha256(), ALL(auth, client_hash));
    const char *left = in->without ? in->without : "";
    unsigned count = 0;

    info = ALL(hex("ff54"), u16(in->magic_low), u16(in->type), sized(fill(1, 34)), sized(extra), fill(0, 17), fill(0, 8), sized(name), sized(fill(2, 34)), in->behind);
    MEMBER("ver", text(in->version));
    MEMBER("alg", num(in->alg));
    MEMBER("sig", bytes(sign(in->signer ? in->signer : in->leaf.key, in->alg, info)));
    MEMBER("x5c", chain(&in->leaf));
    MEMBER("certInfo", bytes(info));
    MEMBER("pubArea", bytes(area));
    if (in->ecdaa) members = ALL(members, text("ecdaaKeyId"), bytes(fill(1, 4))), count++;
    return ALL(map(count), members);
}

static answer_t tpm_answer(int alg, const tpm_t *in)
{
    answer_t answer = new_answer(alg);

    answer.format = "tpm";
    answer.statement = tpm;
    answer.baton = in;
    return answer;
}

static void a_tpm_certifies_keys_of_curves_and_of_rsa(void **state)
{
    static const int algorithms[] = { -7, -35, -257, -37 };
    tpm_t in = good_tpm();

    (void)state;
    for (int i = 0; i < KR_DIM(algorithms); i++) {
        answer_t answer = tpm_answer(algorithms[i], &in);

        assert_good(registers(&key, &answer));
        assert_string_equal(key.attestation, "tpm");
    }
    {
        answer_t answer = tpm_answer(-7, &in);

        in.alg = -65535; /* which no key has, but old statements are signed by */
        assert_good(registers(&key, &answer));
        in.alg = -257;
        in.name_alg = in.certified_alg = 0x000c;
        assert_good(registers(&key, &answer));
        answer = tpm_answer(-8, &in);
        in.area = area_of(&(answer_t){ .key = new_key("P-256"), .alg = -7 }, 0x000b);
        assert_refused(registers(&key, &answer));
    }
}

static void what_a_tpm_says_is_of_this_key_and_this_challenge(void **state)
{
    tpm_t good = good_tpm(), in = good;
    answer_t answer = tpm_answer(-7, &in), other = tpm_answer(-7, &in);
    kr_bytes_t area = area_of(&answer, 0x000b);

    (void)state;
#define BENT(member, value)                                                                                            \
    do {                                                                                                               \
        in = good;                                                                                                     \
        in.member = value;                                                                                             \
        if (registers(&key, &answer) != KR_WEBAUTHN_REFUSED) fail_msg("line %d", __LINE__);                            \
    } while (0)
    assert_good(registers(&key, &answer));
    BENT(version, "1.2");
    BENT(magic_low, 0x4346);
    BENT(type, 0x8018);
    BENT(extra, fill(1, 32));
    BENT(name, ALL(u16(0x000b), fill(1, 32)));
    BENT(name, ALL(u16(0x0099), fill(1, 32)));
    BENT(name, u16(0x000b));
    BENT(certified_alg, 0x000c);
    BENT(behind, fill(0, 1));
    BENT(area, area_of(&other, 0x000b));
    BENT(area, ALL(area, fill(0, 1)));
    BENT(area, first(area, area.len - 1));
    BENT(area, ALL(u16(0x0025), { area.at + 2, area.len - 2 }));
    BENT(signer, new_key("RSA"));
    BENT(ecdaa, 1);
    BENT(alg, -258);
    for (size_t len = 1; len < area.len; len++) BENT(area, first(area, len));
    answer = tpm_answer(-257, &in);
    area = area_of(&answer, 0x000b);
    BENT(area, ALL(area, fill(0, 1)));
    for (size_t len = 1; len < area.len; len++) BENT(area, first(area, len));
    BENT(without, "ver");
    BENT(without, "alg");
    BENT(without, "sig");
    BENT(without, "x5c");
    BENT(without, "certInfo");
    BENT(without, "pubArea");
}

static void a_tpms_certificate_names_a_known_maker(void **state)
{
    static const struct { const char *maker, *model, *version; kr_webauthn_verdict_e verdict; } rows[] = {
        { "id:494E5443", "m", "id:13", KR_WEBAUTHN_GOOD },
        { "id:414D4400", "m", "13", KR_WEBAUTHN_GOOD },
        { "id:4E534D20", "m", "13", KR_WEBAUTHN_GOOD },
        { "49424d00", "m", "13", KR_WEBAUTHN_GOOD },
        { "id:FFFFF1D0", "m", "13", KR_WEBAUTHN_GOOD },
        { "id:00000000", "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:494E54", "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:494E54430", "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:494E544G", "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:GGGGF1D0", "m", "13", KR_WEBAUTHN_REFUSED },
        { "INTC", "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:", "m", "13", KR_WEBAUTHN_REFUSED },
        { "", "m", "13", KR_WEBAUTHN_REFUSED },
        { NULL, "m", "13", KR_WEBAUTHN_REFUSED },
        { "id:494E5443", NULL, "13", KR_WEBAUTHN_REFUSED },
        { "id:494E5443", "m", NULL, KR_WEBAUTHN_REFUSED },
        { "id:494E5443", "", "13", KR_WEBAUTHN_REFUSED },
    };
    tpm_t in = good_tpm();
    answer_t answer = tpm_answer(-7, &in);

    (void)state;
    for (int i = 0; i < KR_DIM(rows); i++) {
        in.leaf = tpm_leaf(in.leaf.key, names(rows[i].maker, rows[i].model, rows[i].version));
        if (registers(&key, &answer) != rows[i].verdict) fail_msg("row %d: %s", i, why_not ? why_not : "");
    }
}

static void a_tpms_certificate_is_for_attestation_and_has_no_subject(void **state)
{
    const tpm_t good = good_tpm();
    tpm_t in = good;
    answer_t answer = tpm_answer(-7, &in);

    (void)state;
    BENT(leaf.name, "A TPM");
    BENT(leaf.version, 1);
    BENT(leaf.constraints, "critical,CA:TRUE");
    BENT(leaf.extensions[1].value, der(0x30, hex("06082b06010505070302")));
    BENT(leaf.extensions[1].value, hex("30"));
    BENT(leaf.extensions[0].value, hex("30"));
    BENT(leaf.extensions[0].value, der(0x30, der(0x82, chars("example.org"))));
    BENT(leaf.count, 1);
    in = good;
    in.leaf.extensions[1].value = der(0x30, hex("06082b06010505070302" ATTESTS));
    assert_good(registers(&key, &answer));
    in.leaf.extensions[0].value = ALL(hex(""), names("id:494E5443", "m", "13"));
    assert_good(registers(&key, &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(apples_certificate_is_for_this_key_and_this_challenge),
        TEST(an_android_key_is_made_in_the_phone_to_sign),
        TEST(an_android_keys_certificate_is_for_this_key_and_this_challenge),
        TEST(a_tpm_certifies_keys_of_curves_and_of_rsa),
        TEST(what_a_tpm_says_is_of_this_key_and_this_challenge),
        TEST(a_tpms_certificate_names_a_known_maker),
        TEST(a_tpms_certificate_is_for_attestation_and_has_no_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
