/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in files: as Kratos' rows have them, which its owner may bring along, and as we hand them out again. */
#include <apr_lib.h>
#include <string.h>

#include "identity.h"
#include "kr_json.h"
#include "kr_password.h"
#include "kr_realm.h"
#include "kr_text.h"
#include "kr_totp.h"

#define CODES_MAX 64    /* recovery codes of an account; Kratos makes 12 */
#define CODE_LEN_MAX 64 /* bytes of one; what is typed may be as long */

/* -- passwords ------------------------------------------------------------------ */

json_t *kr_export_password(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential)
{
    const char *hash = kr_json_str(kr_credential_config(k, credential), "hashed_password");

    (void)identity;
    return hash ? kr_json_pack(k->pool, "{s:s}", "hashed_password", hash) : NULL;
}

kr_err_t *kr_import_password(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given)
{
    const char *hash = kr_json_str(given, "hashed_password"), *plain = kr_json_str(given, "password");

    (void)identity;
    if (!hash == !plain)
        return kr_err(k, 400, NULL, "credentials.password.config: either hashed_password or password is needed");
    if (hash && !kr_password_importable(hash))
        return kr_err(k, 400, NULL, "credentials.password.config.hashed_password: no hash that can be verified here");
    if (plain) KR_TRY(kr_password_hash(&hash, k, &k->realm->settings->hasher, plain));
    out->config = kr_password_config(k->pool, hash);
    return NULL;
}

/* -- what is found by the account's id -------------------------------------------- */

static apr_array_header_t *own_id(kr_ctx_t *k, const kr_identity_t *identity)
{
    apr_array_header_t *out = apr_array_make(k->pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(out, const char *) = identity->id;
    return out;
}

json_t *kr_export_totp(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential)
{
    const char *url = kr_totp_url_of(k, identity->id, credential);

    return url ? kr_json_pack(k->pool, "{s:s}", "totp_url", url) : NULL;
}

kr_err_t *kr_import_totp(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given)
{
    const char *url = kr_json_str(given, "totp_url");

    if (!url || !kr_totp_url_seed(k->pool, url))
        return kr_err(k, 400, NULL, "credentials.totp.config.totp_url: an otpauth:// URL of an app with codes of six digits (SHA-1, 30 s) is "
                      "needed");
    out->config = kr_totp_config(k, identity->id, url);
    out->identifiers = own_id(k, identity);
    return NULL;
}

/* Codes are compared without capitals. @return NULL when it is none */
static const char *code_of(apr_pool_t *pool, const json_t *one)
{
    const char *code = kr_json_str(one, "code");
    char *out;

    if (!code || !*code || strlen(code) > CODE_LEN_MAX) return NULL;
    out = apr_pstrdup(pool, code);
    for (char *p = out; *p; p++) {
        if (!kr_is_alpha(*p) && !kr_is_digit(*p)) return NULL;
        *p = (char)apr_tolower(*p);
    }
    return out;
}

/* A time before all times is none: rows have it for "not yet". @return 0 when it is no time */
static int read_used(apr_time_t *out, const json_t *one)
{
    const json_t *used = json_object_get(one, "used_at");

    *out = 0;
    if (!used || json_is_null(used) || (json_is_string(used) && strncmp(json_string_value(used), "0001-", 5) == 0)) return 1;
    return json_is_string(used) && kr_time_parse(out, json_string_value(used));
}

kr_err_t *kr_import_lookup(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given)
{
    static const char WHERE[] = "credentials.lookup_secret.config.recovery_codes";
    const json_t *codes = json_object_get(given, "recovery_codes");
    json_t *kept = kr_json_own(k->pool, json_array()), *one;
    size_t i;

    if (!json_array_size(codes) || json_array_size(codes) > CODES_MAX)
        return kr_err(k, 400, NULL, "%s: a list of 1 to %d codes is needed", WHERE, CODES_MAX);
    json_array_foreach((json_t *)codes, i, one)
    {
        const char *code = code_of(k->pool, one);
        apr_time_t used;

        if (!code) return kr_err(k, 400, NULL, "%s[%d].code: letters and digits are needed, at most %d", WHERE, (int)i, CODE_LEN_MAX);
        if (!read_used(&used, one)) return kr_err(k, 400, NULL, "%s[%d].used_at: must be a time as in RFC 3339", WHERE, (int)i);
        json_array_append_new(kept, json_pack("{s:s, s:o}", "code", kr_lookup_hash(k, identity->id, 0, code), "used_at",
                                              used ? kr_json_time(used) : json_null()));
    }
    out->config = kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:O}", "recovery_codes", kept), NULL);
    out->identifiers = own_id(k, identity);
    return NULL;
}
