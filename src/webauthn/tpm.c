/* SPDX-License-Identifier: Apache-2.0 */
/* Structures of TPMs: numbers with the high byte first, and bytes with two bytes of length in front. */
#include "tpm.h"

#include <string.h>

#include <openssl/evp.h>

#include "kr_text.h"

/* TPM_ALG_ID, TPM_ECC_CURVE, and what TPMS_ATTEST begins with. */
enum {
    ALG_RSA = 0x0001,
    ALG_SHA1 = 0x0004,
    ALG_SHA256 = 0x000b,
    ALG_SHA384 = 0x000c,
    ALG_SHA512 = 0x000d,
    ALG_NULL = 0x0010,
    ALG_ECDAA = 0x001a,
    ALG_ECC = 0x0023,
    CURVE_P256 = 0x0003,
    ATTEST_CERTIFY = 0x8017
};
#define GENERATED_VALUE 0xff544347u
#define CLOCK_LEN 17
#define FIRMWARE_LEN 8
#define USUAL_EXPONENT 65537

/* -- reading: `left` is NULL once something was missing ---------------------------- */

static kr_bytes_t cut(kr_bytes_t *from, apr_size_t len)
{
    kr_bytes_t out = { from->at, len };

    if (!from->at || from->len < len) {
        *from = (kr_bytes_t){ NULL, 0 };
        return *from;
    }
    from->at += len;
    from->len -= len;
    return out;
}

static unsigned number(kr_bytes_t *from, apr_size_t len)
{
    kr_bytes_t bytes = cut(from, len);
    unsigned value = 0;

    for (apr_size_t i = 0; i < bytes.len; i++) value = value << 8 | bytes.at[i];
    return value;
}

static kr_bytes_t sized(kr_bytes_t *from)
{
    return cut(from, number(from, 2));
}

/* It ended where it should. */
static int is_whole(const kr_bytes_t *from)
{
    return from->at && !from->len;
}

/* An algorithm, and that many bytes of details unless it is none. */
static void skip_scheme(kr_bytes_t *from, apr_size_t details)
{
    unsigned alg = number(from, 2);

    if (alg != ALG_NULL) cut(from, details);
    if (alg == ALG_ECDAA) cut(from, 2);
}

/* -- the public area ------------------------------------------------------------------ */

static kr_bytes_t without_zeros(kr_bytes_t value)
{
    while (value.len && !value.at[0]) value = (kr_bytes_t){ value.at + 1, value.len - 1 };
    return value;
}

static int same_number(kr_bytes_t a, kr_bytes_t b)
{
    return kr_bytes_same(without_zeros(a), without_zeros(b));
}

static int is_rsa(const kr_cose_t *key, kr_bytes_t rest)
{
    unsigned exponent, wanted = 0;
    kr_bytes_t modulus;

    number(&rest, 2); /* how many bits: the modulus says it */
    exponent = number(&rest, 4);
    modulus = sized(&rest);
    if (!is_whole(&rest) || key->kty != KR_KTY_RSA) return 0;
    for (apr_size_t i = 0; i < key->e.len; i++) wanted = wanted << 8 | key->e.at[i];
    return (exponent ? exponent : USUAL_EXPONENT) == wanted && same_number(modulus, key->n);
}

static int is_ec(const kr_cose_t *key, kr_bytes_t rest)
{
    unsigned curve = number(&rest, 2);
    kr_bytes_t x, y;

    skip_scheme(&rest, 2); /* key derivation */
    x = sized(&rest);
    y = sized(&rest);
    /* COSE counts the same curves from 1, and the TPM from 3. */
    return is_whole(&rest) && key->kty == KR_KTY_EC && curve == (unsigned)(CURVE_P256 + key->curve - 1) && same_number(x, key->x) &&
           same_number(y, key->y);
}

int kr_tpm_is_area_of(const kr_cose_t *key, kr_bytes_t area)
{
    unsigned type = number(&area, 2);

    number(&area, 2); /* the algorithm of names */
    number(&area, 4); /* attributes */
    sized(&area);     /* policy */
    if (type != ALG_RSA && type != ALG_ECC) return 0;
    skip_scheme(&area, 4); /* symmetric: bits and mode */
    skip_scheme(&area, 2); /* signing: a digest */
    return type == ALG_RSA ? is_rsa(key, area) : is_ec(key, area);
}

/* -- what it certifies ------------------------------------------------------------------- */

int kr_tpm_read_certified(kr_tpm_certified_t *out, kr_bytes_t info)
{
    unsigned magic = number(&info, 4), type = number(&info, 2);

    sized(&info); /* who signs */
    out->extra = sized(&info);
    cut(&info, CLOCK_LEN);
    cut(&info, FIRMWARE_LEN);
    out->name = sized(&info);
    sized(&info); /* its qualified name */
    return is_whole(&info) && magic == GENERATED_VALUE && type == ATTEST_CERTIFY;
}

static const EVP_MD *digest_of(unsigned alg)
{
    switch (alg) {
    case ALG_SHA1: return EVP_sha1();
    case ALG_SHA256: return EVP_sha256();
    case ALG_SHA384: return EVP_sha384();
    case ALG_SHA512: return EVP_sha512();
    default: return NULL;
    }
}

int kr_tpm_is_name_of(kr_bytes_t name, kr_bytes_t area)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len, alg = number(&name, 2);
    kr_bytes_t rest = area;
    const EVP_MD *digest = digest_of(alg);

    number(&rest, 2);
    if (!digest || number(&rest, 2) != alg || EVP_Digest(area.at, area.len, hash, &len, digest, NULL) != 1) return 0;
    return kr_bytes_same(name, (kr_bytes_t){ hash, len });
}

/* -- makers --------------------------------------------------------------------------------- */

/* The TCG's vendor ids, four bytes each, most of them letters; the last is for the FIDO alliance's tests. */
static const char MAKERS[][5] = { "AMD",  "ANT", "ATML", "BRCM", "CSCO", "FLYS", "ROCC", "GOOG", "HPI",  "HPE", "HISI", "IBM", "IFX",  "INTC",
                                  "LEN",  "MSFT", "NSM ", "NTZ", "NTC",  "QCOM", "SMSN", "SNS",  "SMSC", "STM ", "TXN", "WEC", "\xff\xff\xf1\xd0" };
#define ID_LEN 4

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int kr_tpm_is_maker(const char *id, apr_size_t len)
{
    unsigned char maker[ID_LEN];

    if (len >= 3 && !memcmp(id, "id:", 3)) {
        id += 3;
        len -= 3;
    }
    if (len != 2 * ID_LEN) return 0;
    for (int i = 0; i < ID_LEN; i++) {
        int high = hex_digit(id[2 * i]), low = hex_digit(id[2 * i + 1]);

        if (high < 0 || low < 0) return 0;
        maker[i] = (unsigned char)(high << 4 | low);
    }
    for (int i = 0; i < KR_DIM(MAKERS); i++)
        if (!memcmp(maker, MAKERS[i], ID_LEN)) return 1;
    return 0;
}
