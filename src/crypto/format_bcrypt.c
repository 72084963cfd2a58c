/* SPDX-License-Identifier: Apache-2.0 */
/* bcrypt, through libcrypt. */
#include "formats.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "kr_crypto.h"
#include "kr_text.h"

/** "CC$", 22 characters of salt, 31 of hash. */
#define REST_LEN 56
#define SALT_LEN 22

/** bcrypt's own base64 alphabet. */
static const char LETTERS[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

int kr_bcrypt_cost(const char *hash)
{
    if (strlen(hash) != REST_LEN || !kr_is_digit(hash[0]) || !kr_is_digit(hash[1]) || hash[2] != '$') return -1;
    if (strspn(hash + 3, LETTERS) != REST_LEN - 3) return -1;
    return (hash[0] - '0') * 10 + hash[1] - '0';
}

static int within_bounds(const char *hash)
{
    int cost = kr_bcrypt_cost(hash);

    return cost >= KR_BCRYPT_COST_MIN && cost <= KR_BCRYPT_COST_MAX;
}

/** Hash under "$2b$" + rest. @return what follows the prefix, or NULL */
static const char *run(apr_pool_t *pool, const char *password, const char *rest)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *setting = apr_pstrcat(pool, "$2b$", rest, NULL);
    const char *out;

    if (!data) return NULL;
    out = crypt_r(password, setting, data);
    out = out && strlen(out) == 4 + REST_LEN ? apr_pstrdup(pool, out + 4) : NULL;
    kr_wipe(data, sizeof(*data));
    free(data);
    return out;
}

/**
 * All five prefixes mean the one algorithm that "$2b$" stands for. libcrypt would treat "$2a$" apart, to guard against
 * hashes of an old faulty library, and then differ from Kratos for some passwords beyond ASCII.
 */
kr_match_e kr_bcrypt_verify(const kr_attempt_t *attempt)
{
    const char *got;

    if (attempt->password_len > KR_BCRYPT_PASSWORD_MAX || !within_bounds(attempt->hash)) return KR_MATCH_NO;
    got = run(attempt->pool, attempt->password, attempt->hash);
    if (!got) return KR_MATCH_FAILED;
    return kr_equal(got, attempt->hash) ? KR_MATCH_YES : KR_MATCH_NO;
}

int kr_bcrypt_importable(const kr_attempt_t *attempt)
{
    return within_bounds(attempt->hash);
}

/** "CC$" and a random salt. A salt has 128 bits, so its last letter keeps only two of its six. */
static const char *setting_make(apr_pool_t *pool, int cost)
{
    unsigned char bytes[SALT_LEN];
    char salt[SALT_LEN + 1];

    kr_random(bytes, sizeof(bytes));
    for (int i = 0; i < SALT_LEN; i++) salt[i] = LETTERS[bytes[i] & (i < SALT_LEN - 1 ? 0x3f : 0x30)];
    salt[SALT_LEN] = '\0';
    return apr_psprintf(pool, "%02d$%s", cost, salt);
}

/** Labelled "$2a$", as Kratos does: a database can go back to it. */
const char *kr_bcrypt_make(apr_pool_t *pool, int cost, const char *password)
{
    const char *rest = run(pool, password, setting_make(pool, cost));

    return rest ? apr_pstrcat(pool, "$2a$", rest, NULL) : NULL;
}

const char *kr_bcrypt_dummy(apr_pool_t *pool, int cost)
{
    return apr_pstrcat(pool, "$2a$", setting_make(pool, cost), "abcdefghijklmnopqrstuvwxyzABCDE", NULL);
}
