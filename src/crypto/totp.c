/* SPDX-License-Identifier: Apache-2.0 */
/* Time-based one-time passwords: seeds, their URLs, and which time step a code is of. */
#include "kr_totp.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <liboath/oath.h>

#include "kr_text.h"

#define SEED_LEN 20      /* bytes of a new seed */
#define SEED_MIN 10      /* of one that comes from elsewhere: 80 bits, as some made them for years */
#define SEED_MAX 128
#define SEED_TEXT_MAX 256 /* base32 of SEED_MAX, with room for padding */
#define URL_MAX 2048
#define CODE_MAX 8

/* -- seeds ---------------------------------------------------------------- */

const char *kr_totp_seed(apr_pool_t *pool)
{
    unsigned char bytes[SEED_LEN];
    char *made = NULL, *out;

    kr_random(bytes, sizeof(bytes));
    if (oath_base32_encode((const char *)bytes, sizeof(bytes), &made, NULL) != OATH_OK) abort(); /* no memory for 33 bytes */
    out = apr_pstrdup(pool, made);
    kr_wipe(made, strlen(made));
    kr_wipe(bytes, sizeof(bytes));
    free(made);
    return out;
}

/** The bytes of a seed, on the caller's stack. */
typedef struct {
    char bytes[SEED_MAX];
    size_t len;
} seed_t;

static int decode(seed_t *out, const char *seed)
{
    const size_t text_len = strnlen(seed, SEED_TEXT_MAX + 1);
    char *bytes = NULL;
    size_t len = 0;
    int ok;

    if (text_len > SEED_TEXT_MAX || oath_base32_decode(seed, text_len, &bytes, &len) != OATH_OK) return 0;
    ok = len > 0 && len <= SEED_MAX;
    if (ok) memcpy(out->bytes, bytes, out->len = len);
    kr_wipe(bytes, len);
    free(bytes);
    return ok;
}

/* -- URLs ----------------------------------------------------------------- */

const char *kr_totp_url(apr_pool_t *pool, const char *issuer, const char *account, const char *seed)
{
    const char *by = kr_url_escape(pool, issuer);

    return apr_psprintf(pool, "otpauth://totp/%s:%s?algorithm=SHA1&digits=%d&issuer=%s&period=%d&secret=%s", by,
                        kr_url_escape(pool, account), KR_TOTP_DIGITS, by, KR_TOTP_PERIOD, seed);
}

/* As people and programs write it: in groups, in either case, padded. @return NULL: something else */
static const char *seed_of(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, strlen(text) + 1), *to = out;
    seed_t decoded = { .len = 0 };

    for (; *text; text++) {
        if (*text == ' ' || *text == '-' || *text == '=') continue;
        if (!kr_is_alpha(*text) && !(*text >= '2' && *text <= '7')) return NULL;
        *to++ = kr_is_alpha(*text) ? (char)(*text & ~0x20) : *text;
    }
    *to = '\0';
    if (!decode(&decoded, out)) return NULL;
    kr_wipe(decoded.bytes, sizeof(decoded.bytes));
    return decoded.len >= SEED_MIN ? out : NULL;
}

/* What is not said is what everybody means. */
static int says(const apr_array_header_t *params, const char *name, const char *expected)
{
    const char *value = kr_form_get(params, name);

    return !value || strcasecmp(value, expected) == 0;
}

const char *kr_totp_url_seed(apr_pool_t *pool, const char *url)
{
    apr_array_header_t *params;
    const char *why, *secret;
    kr_url_t parsed;

    if (strnlen(url, URL_MAX + 1) > URL_MAX || !kr_url_parse(&parsed, pool, url)) return NULL;
    if (!parsed.scheme || strcmp(parsed.scheme, "otpauth") != 0 || !parsed.host || strcmp(parsed.host, "totp") != 0) return NULL;
    params = parsed.query ? kr_form_parse(pool, parsed.query, strlen(parsed.query), &why) : NULL;
    if (!params || !says(params, "algorithm", "SHA1") || !says(params, "digits", "6") || !says(params, "period", "30")) return NULL;
    secret = kr_form_get(params, "secret");
    return secret ? seed_of(pool, secret) : NULL;
}

/* -- codes ---------------------------------------------------------------- */

apr_int64_t kr_totp_step(apr_time_t t)
{
    return apr_time_sec(t) / KR_TOTP_PERIOD;
}

static int make(char out[CODE_MAX + 1], const seed_t *seed, apr_int64_t step, int digits)
{
    return step >= 0
           && oath_hotp_generate(seed->bytes, seed->len, (uint64_t)step, (unsigned)digits, false, OATH_HOTP_DYNAMIC_TRUNCATION, out)
                  == OATH_OK;
}

const char *kr_totp_code(apr_pool_t *pool, const char *seed, apr_int64_t step, int digits)
{
    char code[CODE_MAX + 1] = "";
    seed_t decoded;
    int ok = digits <= CODE_MAX && decode(&decoded, seed);

    if (!ok) return NULL;
    ok = make(code, &decoded, step, digits);
    kr_wipe(decoded.bytes, sizeof(decoded.bytes));
    return ok ? apr_pstrdup(pool, code) : NULL;
}

apr_int64_t kr_totp_fits(apr_pool_t *pool, const char *seed, const char *code, apr_time_t now, apr_int64_t spent)
{
    const apr_int64_t present = kr_totp_step(now);
    apr_int64_t found = 0;

    for (apr_int64_t step = present + 1; step >= present - 1; step--) { /* of two with the same code the earlier one is used up */
        const char *right = kr_totp_code(pool, seed, step, KR_TOTP_DIGITS);
        const int equal = right && kr_equal(right, code);

        if (equal && step > spent) found = step;
    }
    return found;
}
