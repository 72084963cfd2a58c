/* SPDX-License-Identifier: Apache-2.0 */
/* Security keys and passkeys in files, as Kratos' rows have them: looked at one by one, since what is stored is believed at each sign-in. */
#include <string.h>

#include "identity.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

#define HANDLE_MAX 64        /* bytes; W3C WebAuthn Level 3, section 5.4.3 */
#define NAME_MAX_BYTES 100   /* of a key, as in forms */
#define CONFIG_MAX 60000     /* bytes of a column that has 65535 */

/** One import: where it is, for words about it. */
typedef struct {
    kr_ctx_t *k;
    const char *type;
    int at; /* which key */
} reading_t;

static kr_err_t *wrong(const reading_t *r, const char *member, const char *what)
{
    return kr_err(r->k, 400, NULL, "credentials.%s.config.credentials[%d].%s: %s", r->type, r->at, member, what);
}

/* @return 0: it is no base64 of so many bytes */
static int read_bytes(kr_bytes_t *out, apr_pool_t *pool, const json_t *obj, const char *member, apr_size_t max)
{
    const char *text = kr_json_str(obj, member);
    apr_size_t len = 0;

    out->at = text ? kr_base64_decode(pool, text, &len) : NULL;
    out->len = len;
    return out->at && len > 0 && len <= max;
}

static json_t *text_of(apr_pool_t *pool, kr_bytes_t bytes)
{
    return json_string(kr_base64(pool, bytes.at, bytes.len));
}

static int is_bool(const json_t *value)
{
    return !value || json_is_boolean(value);
}

/* What the authenticator said of itself; all of it may be missing. */
static kr_err_t *read_authenticator(json_t *out, const reading_t *r, const json_t *one)
{
    const json_t *said = json_object_get(one, "authenticator"), *count = json_object_get(said, "sign_count");
    const json_int_t n = json_integer_value(count);
    kr_bytes_t aaguid = { (const unsigned char *)"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 };

    if (kr_json_str(said, "aaguid") && (!read_bytes(&aaguid, r->k->pool, said, "aaguid", 16) || aaguid.len != 16))
        return wrong(r, "authenticator.aaguid", "16 bytes in base64 are needed");
    if (count && (!json_is_integer(count) || n < 0 || n > 0xffffffffLL)) return wrong(r, "authenticator.sign_count", "a count is needed");
    if (!is_bool(json_object_get(said, "clone_warning"))) return wrong(r, "authenticator.clone_warning", "true or false is needed");
    json_object_set_new(out, "authenticator",
                        json_pack("{s:o, s:I, s:b}", "aaguid", text_of(r->k->pool, aaguid), "sign_count", n, "clone_warning",
                                  json_is_true(json_object_get(said, "clone_warning"))));
    return NULL;
}

static kr_err_t *read_flags(json_t *out, const reading_t *r, const json_t *one)
{
    static const char *const NAMES[] = { "user_present", "user_verified", "backup_eligible", "backup_state" };
    const json_t *flags = json_object_get(one, "flags");
    json_t *kept;

    if (!flags || json_is_null(flags)) return NULL; /* rows of older versions have none */
    kept = json_object();
    json_object_set_new(out, "flags", kept);
    for (int i = 0; i < KR_DIM(NAMES); i++) {
        const json_t *flag = json_object_get(flags, NAMES[i]);

        if (!is_bool(flag)) return wrong(r, "flags", "each is true or false");
        json_object_set_new(kept, NAMES[i], json_boolean(json_is_true(flag)));
    }
    return NULL;
}

static kr_err_t *read_transports(json_t *out, const reading_t *r, const json_t *one)
{
    const json_t *ways = json_object_get(one, "transport");
    size_t i;
    json_t *way;

    if (!ways || json_is_null(ways)) return NULL;
    if (!json_is_array(ways) || json_array_size(ways) > 8) return wrong(r, "transport", "a short list is needed");
    json_array_foreach((json_t *)ways, i, way)
        if (!json_is_string(way) || json_string_length(way) > 32) return wrong(r, "transport", "a list of words is needed");
    json_object_set(out, "transport", (json_t *)ways);
    return NULL;
}

static kr_err_t *read_words(json_t *out, const reading_t *r, const json_t *one)
{
    const char *name = kr_json_str(one, "display_name"), *added = kr_json_str(one, "added_at");
    const char *attestation = kr_json_str(one, "attestation_type");
    apr_time_t when;

    if (name && strlen(name) > NAME_MAX_BYTES) return wrong(r, "display_name", "it is too long");
    if (added && !kr_time_parse(&when, added)) return wrong(r, "added_at", "must be a time as in RFC 3339");
    if (attestation && strlen(attestation) > 32) return wrong(r, "attestation_type", "it is too long");
    json_object_set_new(out, "attestation_type", json_string(attestation && *attestation ? attestation : "none"));
    json_object_set_new(out, "display_name", json_string(name ? name : ""));
    json_object_set_new(out, "added_at", added ? json_string(added) : kr_json_time(r->k->now));
    return NULL;
}

/* A key that nothing can be verified with would be a way in that leads nowhere. */
static kr_err_t *read_key(json_t *out, const reading_t *r, const json_t *one)
{
    const int always = strcmp(r->type, "passkey") == 0;
    const json_t *alone = json_object_get(one, "is_passwordless");
    kr_bytes_t id, key, user;

    if (!read_bytes(&id, r->k->pool, one, "id", KR_WEBAUTHN_ID_MAX)) return wrong(r, "id", "1 to 1023 bytes in base64 are needed");
    if (!read_bytes(&key, r->k->pool, one, "public_key", 4096) || !kr_webauthn_key_usable(r->k->pool, key))
        return wrong(r, "public_key", "a COSE key of an algorithm that is taken is needed, in base64");
    if (!is_bool(alone)) return wrong(r, "is_passwordless", "true or false is needed");
    json_object_set_new(out, "id", text_of(r->k->pool, id));
    json_object_set_new(out, "public_key", text_of(r->k->pool, key));
    KR_TRY(read_authenticator(out, r, one));
    KR_TRY(read_words(out, r, one));
    json_object_set_new(out, "is_passwordless", json_boolean(always || json_is_true(alone)));
    if (kr_json_str(one, "user_handle")) {
        if (!read_bytes(&user, r->k->pool, one, "user_handle", HANDLE_MAX)) return wrong(r, "user_handle", "1 to 64 bytes in base64 are needed");
        json_object_set_new(out, "user_handle", text_of(r->k->pool, user));
    }
    KR_TRY(read_flags(out, r, one));
    return read_transports(out, r, one);
}

static int is_there(const json_t *kept, const json_t *key)
{
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)kept, i, one)
        if (strcmp(kr_json_str(one, "id"), kr_json_str(key, "id")) == 0) return 1;
    return 0;
}

static kr_err_t *read_keys(json_t **out, kr_ctx_t *k, const char *type, const json_t *given)
{
    const json_t *keys = json_object_get(given, "credentials");
    reading_t r = { .k = k, .type = type };
    json_t *kept = *out = kr_json_own(k->pool, json_array());

    if (!json_array_size(keys) || json_array_size(keys) > KR_KEYS_MAX)
        return kr_err(k, 400, NULL, "credentials.%s.config.credentials: a list of 1 to %d keys is needed", type, KR_KEYS_MAX);
    for (; r.at < (int)json_array_size(keys); r.at++) {
        json_t *key = kr_json_own(k->pool, json_object());

        KR_TRY(read_key(key, &r, json_array_get(keys, (size_t)r.at)));
        if (is_there(kept, key)) return wrong(&r, "id", "it is there already");
        json_array_append(kept, key);
    }
    return NULL;
}

/* -- whose they are -------------------------------------------------------------------- */

static void add_handle(apr_array_header_t *out, const json_t *holder)
{
    kr_bytes_t handle;
    const char *text;

    if (!read_bytes(&handle, out->pool, holder, "user_handle", HANDLE_MAX)) return;
    text = kr_key_handle(out->pool, handle);
    for (int i = 0; i < out->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(out, i, const char *), text) == 0) return;
    APR_ARRAY_PUSH(out, const char *) = text;
}

/* A passkey says whose it is by the handle that it was made for. */
static apr_array_header_t *handles_of(kr_ctx_t *k, const json_t *config)
{
    apr_array_header_t *out = apr_array_make(k->pool, 1, sizeof(const char *));
    size_t i;
    json_t *key;

    add_handle(out, config);
    json_array_foreach(json_object_get(config, "credentials"), i, key) add_handle(out, key);
    return out;
}

static kr_err_t *make(kr_imported_t *out, kr_ctx_t *k, const char *type, const json_t *given)
{
    json_t *config = kr_json_own(k->pool, json_object()), *keys;
    kr_bytes_t handle;
    apr_size_t len;

    KR_TRY(read_keys(&keys, k, type, given));
    json_object_set(config, "credentials", keys);
    if (read_bytes(&handle, k->pool, given, "user_handle", HANDLE_MAX)) json_object_set_new(config, "user_handle", text_of(k->pool, handle));
    else if (json_object_get(given, "user_handle"))
        return kr_err(k, 400, NULL, "credentials.%s.config.user_handle: 1 to %d bytes in base64 are needed", type, HANDLE_MAX);
    out->config = kr_json_dump(k->pool, config, &len);
    if (len > CONFIG_MAX) return kr_err(k, 400, NULL, "credentials.%s.config: it is too long", type);
    out->identifiers = handles_of(k, config);
    return NULL;
}

kr_err_t *kr_import_passkey(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given)
{
    (void)identity;
    KR_TRY(make(out, k, "passkey", given));
    return out->identifiers->nelts ? NULL : kr_err(k, 400, NULL, "credentials.passkey.config.user_handle: it is needed to find the account");
}

/* A key that is a second factor needs no name of the account's. */
kr_err_t *kr_import_webauthn(kr_imported_t *out, kr_ctx_t *k, const kr_identity_t *identity, const json_t *given)
{
    const kr_schema_t *schema = kr_realm_schema(k->realm, identity->schema_id);

    KR_TRY(make(out, k, "webauthn", given));
    out->identifiers = kr_traits_identifiers(k->pool, schema, identity->traits, "webauthn");
    if (!out->identifiers->nelts && strstr(out->config, "\"is_passwordless\":true"))
        return kr_err(k, 400, NULL, "credentials.webauthn: no trait names the account");
    return NULL;
}

json_t *kr_export_keys(kr_ctx_t *k, const kr_identity_t *identity, const kr_credential_t *credential)
{
    const json_t *config = kr_credential_config(k, credential);

    (void)identity;
    return config ? kr_json_own(k->pool, json_deep_copy(config)) : NULL;
}
