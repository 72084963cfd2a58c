/* SPDX-License-Identifier: Apache-2.0 */
/* crypt(3)'s MD5, SHA-256 and SHA-512, under their own prefixes and Kratos', Apache's variant of the first, and DES. */
#include "formats.h"

#include <apr_md5.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "kr_text.h"

/** Ours: the format itself allows 999,999,999 rounds, which is minutes. */
#define ROUNDS_MAX 1000000

static const char LETTERS[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** "rounds=N$" may stand in front of the salt. */
static int rounds_are_sane(const char *hash)
{
    static const char key[] = "rounds=";
    unsigned long rounds;
    char *end;

    if (strncmp(hash, key, sizeof(key) - 1)) return 1;
    rounds = strtoul(hash + sizeof(key) - 1, &end, 10);
    return *end == '$' && rounds <= ROUNDS_MAX;
}

kr_match_e kr_crypt_verify(const kr_attempt_t *attempt)
{
    const char *stored = apr_pstrcat(attempt->pool, attempt->detail, attempt->hash, NULL);
    struct crypt_data *data;
    const char *got;
    int same;

    if (!rounds_are_sane(attempt->hash)) return KR_MATCH_NO;
    data = calloc(1, sizeof(*data));
    if (!data) return KR_MATCH_FAILED;
    got = crypt_r(attempt->password, stored, data);
    same = got && kr_equal(got, stored); /* a setting that libcrypt refuses gives "*0" or "*1" */
    kr_wipe(data, sizeof(*data));
    free(data);
    return same ? KR_MATCH_YES : KR_MATCH_NO;
}

kr_match_e kr_apr1_verify(const kr_attempt_t *attempt)
{
    const char *stored = apr_pstrcat(attempt->pool, attempt->detail, attempt->hash, NULL);
    char got[120];
    int same;

    if (apr_md5_encode(attempt->password, stored, got, sizeof(got))) return KR_MATCH_NO;
    same = kr_equal(got, stored);
    kr_wipe(got, sizeof(got));
    return same ? KR_MATCH_YES : KR_MATCH_NO;
}

/** [rounds=N$]SALT$HASH, the hash of the length that belongs to the algorithm. */
int kr_crypt_importable(const kr_attempt_t *attempt)
{
    size_t len = !strcmp(attempt->detail, "$6$") ? 86 : !strcmp(attempt->detail, "$5$") ? 43 : 22;
    const char *dollar = strrchr(attempt->hash, '$');

    return dollar && dollar > attempt->hash && strlen(dollar + 1) == len && strspn(dollar + 1, LETTERS) == len
        && rounds_are_sane(attempt->hash);
}

/** Two characters of salt, eleven of hash. */
#define DES_LEN 13

/** "{CRYPT}" (RFC 2307) is for the one crypt(3) hash that has no prefix of its own: anything else behind it is none. */
int kr_des_crypt_importable(const kr_attempt_t *attempt)
{
    return strlen(attempt->hash) == DES_LEN && strspn(attempt->hash, LETTERS) == DES_LEN;
}

/** DES looks at eight characters of a password only; whoever signs in gets a better hash of the whole. */
kr_match_e kr_des_crypt_verify(const kr_attempt_t *attempt)
{
    return kr_des_crypt_importable(attempt) ? kr_crypt_verify(attempt) : KR_MATCH_NO;
}
