/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of the codes that people type: of authenticator apps (src/crypto/totp.c) and recovery codes (src/method/lookup_codes.c). */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../src/method/method.h"
#include "kr_json.h"
#include "kr_text.h"
#include "kr_totp.h"

#define NOW apr_time_from_sec(59)
#define WHO "0190b3a0-0000-4000-8000-000000000001"

/* The input as text of its own, up to its first NUL, as all text from outside is. */
static char *text_of(apr_pool_t **pool, const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    apr_initialize();
    MUST(text && apr_pool_create(pool, NULL) == APR_SUCCESS);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* A seed that is taken makes codes, and the code of now is found. */
static void use_seed(apr_pool_t *pool, const char *seed)
{
    const char *code = kr_totp_code(pool, seed, kr_totp_step(NOW), KR_TOTP_DIGITS);

    MUST(code && strlen(code) == KR_TOTP_DIGITS);
    MUST(kr_totp_fits(pool, seed, code, NOW, 0) > 0);
    MUST(!kr_totp_fits(pool, seed, code, NOW, kr_totp_step(NOW) + 1));
}

int fuzz_totp(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    char *text = text_of(&pool, data, size), *code = strchr(text, '\n');
    const char *seed = kr_totp_url_seed(pool, text);

    if (seed) use_seed(pool, seed);
    if (code) {
        *code++ = '\0';
        for (int digits = 6; digits <= 8; digits++) kr_totp_code(pool, text, 1, digits);
        if (kr_totp_fits(pool, text, code, NOW, 0)) MUST(strlen(code) == KR_TOTP_DIGITS);
    }
    apr_pool_destroy(pool);
    free(text);
    return 0;
}

/* Once: deriving keys takes longer than all the rest. */
static const kr_realm_t *realm_of_all(void)
{
    static kr_realm_t realm;
    static apr_pool_t *pool = NULL;
    apr_array_header_t *secrets;

    if (pool) return &realm;
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    secrets = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(secrets, const char *) = "the new secret, 16 bytes or more";
    APR_ARRAY_PUSH(secrets, const char *) = "the old secret, 16 bytes or more";
    realm.keys = kr_keys_make(pool, secrets, "main");
    return &realm;
}

/* "abcd2345" in any dress, and nothing else. */
static void find_code(kr_ctx_t *k, const json_t *stored, const char *typed)
{
    const char *clean = kr_code_clean(k->pool, typed);

    MUST(strlen(clean) <= strlen(typed));
    MUST(!strcmp(kr_code_clean(k->pool, clean), clean));
    if (kr_lookup_find(k, WHO, stored, typed) >= 0) MUST(strlen(clean) == 8);
}

int fuzz_codes(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    char *text = text_of(&pool, data, size);
    kr_ctx_t k = { .pool = pool, .realm = realm_of_all(), .now = NOW };
    const char *why = NULL;
    apr_array_header_t *form = kr_form_parse(pool, text, size, &why);
    json_t *codes = kr_json_own(pool, json_pack("[s]", "abcd2345"));
    kr_credential_t credential = { .config = kr_lookup_config(&k, WHO, codes, "flow") };
    const json_t *stored = kr_lookup_stored(&k, &credential);

    MUST(form || why);
    for (int i = 0; form && i < form->nelts; i++) find_code(&k, stored, APR_ARRAY_IDX(form, i, kr_pair_t).value);
    if (kr_utf8_valid(text, strlen(text))) find_code(&k, stored, text); /* as forms and JSON have to be */
    apr_pool_destroy(pool);
    free(text);
    return 0;
}
