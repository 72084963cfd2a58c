/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery codes: made, found again by their hashes (kr_lookup_hash), used up. */
#include <string.h>

#include "kr_credential.h"
#include "kr_json.h"
#include "kr_text.h"
#include "method.h"

#define CODES 12
#define CODE_LEN 8
#define TYPED_MAX 64 /* bytes; more is no code */

json_t *kr_lookup_make(kr_ctx_t *k)
{
    json_t *codes = kr_json_own(k->pool, json_array());

    for (int i = 0; i < CODES; i++) json_array_append_new(codes, json_string(kr_random_lower(k->pool, CODE_LEN)));
    return codes;
}

const char *kr_lookup_config(kr_ctx_t *k, const char *identity_id, const json_t *codes, const char *made_in)
{
    json_t *stored = kr_json_own(k->pool, json_array());
    size_t i;
    json_t *code;

    json_array_foreach((json_t *)codes, i, code)
        json_array_append_new(stored, json_pack("{s:s, s:n}", "code", kr_lookup_hash(k, identity_id, 0, json_string_value(code)), "used_at"));
    return kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:O, s:s}", "recovery_codes", stored, "made_in", made_in), NULL);
}

static json_t *config_of(kr_ctx_t *k, const kr_credential_t *credential)
{
    json_t *config = json_loads(credential->config, 0, NULL);

    return kr_json_own(k->pool, config ? config : json_object());
}

json_t *kr_lookup_stored(kr_ctx_t *k, const kr_credential_t *credential)
{
    json_t *stored = json_object_get(config_of(k, credential), "recovery_codes");

    return json_is_array(stored) ? stored : kr_json_own(k->pool, json_array());
}

/* There are no capitals among the letters. */
static const char *lower(apr_pool_t *pool, const char *typed)
{
    char *code = apr_pstrdup(pool, kr_code_clean(pool, typed));

    for (char *p = code; *p; p++)
        if (kr_is_alpha(*p)) *p = (char)(*p | 0x20);
    return code;
}

int kr_lookup_find(kr_ctx_t *k, const char *identity_id, const json_t *stored, const char *typed)
{
    const char *code = lower(k->pool, typed);
    int found = -1;

    if (strlen(code) > TYPED_MAX) return found;
    for (int secret = 0; secret < k->realm->keys->count; secret++) {
        const char *hash = kr_lookup_hash(k, identity_id, secret, code);
        size_t i;
        json_t *one;

        json_array_foreach((json_t *)stored, i, one)
            if (kr_equal(hash, kr_json_str(one, "code"))) found = (int)i;
    }
    return found;
}

const char *kr_lookup_used(kr_ctx_t *k, const kr_credential_t *credential, int index)
{
    json_t *config = config_of(k, credential);
    json_t *one = json_array_get(json_object_get(config, "recovery_codes"), (size_t)index);

    json_object_set_new(one, "used_at", kr_json_time(k->now));
    return kr_json_dump(k->pool, config, NULL);
}
