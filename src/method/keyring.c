/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of somebody, to and from the config of their credential: the shape is Kratos', so that rows can move in both directions. */
#include <stdlib.h>
#include <string.h>

#include <apr_base64.h>

#include "keys.h"
#include "kr_json.h"
#include "kr_text.h"

/* -- bytes: standard base64 with padding ------------------------------------ */

static kr_bytes_t bytes_of(kr_ctx_t *k, const json_t *obj, const char *member)
{
    const char *text = kr_json_str(obj, member);
    unsigned char *at;

    if (!text) return (kr_bytes_t){ NULL, 0 };
    at = apr_palloc(k->pool, (apr_size_t)apr_base64_decode_len(text) + 1);
    return (kr_bytes_t){ at, (apr_size_t)apr_base64_decode_binary(at, text) };
}

static json_t *text_of(kr_ctx_t *k, kr_bytes_t bytes)
{
    return json_string(kr_base64(k->pool, bytes.at, bytes.len));
}

/* -- reading ---------------------------------------------------------------- */

static int flag(const json_t *obj, const char *path)
{
    return json_is_true(kr_json_at(obj, path));
}

static apr_array_header_t *transports_of(kr_ctx_t *k, const json_t *one)
{
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(const char *));
    size_t i;
    json_t *way;

    json_array_foreach(json_object_get(one, "transport"), i, way)
        if (json_is_string(way)) APR_ARRAY_PUSH(out, const char *) = json_string_value(way);
    return out;
}

static kr_held_key_t held_of(kr_ctx_t *k, const json_t *one)
{
    const char *name = kr_json_str(one, "display_name"), *added = kr_json_str(one, "added_at");
    const char *attestation = kr_json_str(one, "attestation_type");

    return (kr_held_key_t){
        .key = { .id = bytes_of(k, one, "id"), .public_key = bytes_of(k, one, "public_key"),
                 .aaguid = bytes_of(k, json_object_get(one, "authenticator"), "aaguid"), .attestation = attestation ? attestation : "none",
                 .transports = transports_of(k, one),
                 .sign_count = (apr_uint32_t)json_integer_value(kr_json_at(one, "authenticator.sign_count")),
                 .user_present = flag(one, "flags.user_present"), .user_verified = flag(one, "flags.user_verified"),
                 .backup_eligible = flag(one, "flags.backup_eligible"), .backup_state = flag(one, "flags.backup_state") },
        .name = name ? name : "",
        .added_at = added ? added : "",
        .user = bytes_of(k, one, "user_handle"),
        .passwordless = flag(one, "is_passwordless"),
        .clone_warning = flag(one, "authenticator.clone_warning"),
        .flags_known = json_is_object(json_object_get(one, "flags")),
    };
}

kr_err_t *kr_keyring_read(kr_keyring_t *out, kr_ctx_t *k, const kr_credential_t *credential)
{
    json_t *config, *one;
    size_t i;

    *out = (kr_keyring_t){ .keys = apr_array_make(k->pool, 2, sizeof(kr_held_key_t)) };
    if (!credential || !credential->config) return NULL;
    config = kr_json_own(k->pool, json_loads(credential->config, 0, NULL));
    if (!config) return kr_err_internal(k, APR_SUCCESS, "credential %s: its keys cannot be read", credential->id);
    out->user_handle = bytes_of(k, config, "user_handle");
    json_array_foreach(json_object_get(config, "credentials"), i, one) APR_ARRAY_PUSH(out->keys, kr_held_key_t) = held_of(k, one);
    return NULL;
}

kr_held_key_t *kr_keyring_find(const kr_keyring_t *ring, kr_bytes_t id)
{
    for (int i = 0; i < ring->keys->nelts; i++) {
        kr_held_key_t *held = &APR_ARRAY_IDX(ring->keys, i, kr_held_key_t);

        if (held->key.id.len == id.len && memcmp(held->key.id.at, id.at, id.len) == 0) return held;
    }
    return NULL;
}

kr_bytes_t kr_key_made_for(const kr_keyring_t *ring, const kr_held_key_t *held)
{
    return held->user.len ? held->user : ring->user_handle;
}

/* -- writing ---------------------------------------------------------------- */

static json_t *json_of(kr_ctx_t *k, const kr_held_key_t *held)
{
    const kr_webauthn_key_t *key = &held->key;
    json_t *one = json_pack("{s:o, s:o, s:s, s:{s:o, s:I, s:b}, s:o, s:s, s:b}", "id", text_of(k, key->id), "public_key",
                            text_of(k, key->public_key), "attestation_type", key->attestation, "authenticator", "aaguid",
                            text_of(k, key->aaguid), "sign_count", (json_int_t)key->sign_count, "clone_warning", held->clone_warning,
                            "display_name", kr_json_string(held->name), "added_at", held->added_at, "is_passwordless", held->passwordless);
    json_t *ways;

    if (held->user.len) json_object_set_new(one, "user_handle", text_of(k, held->user));
    if (held->flags_known)
        json_object_set_new(one, "flags", json_pack("{s:b, s:b, s:b, s:b}", "user_present", key->user_present, "user_verified",
                                                    key->user_verified, "backup_eligible", key->backup_eligible, "backup_state",
                                                    key->backup_state));
    if (!key->transports || !key->transports->nelts) return one;
    ways = json_array();
    for (int i = 0; i < key->transports->nelts; i++) json_array_append_new(ways, json_string(APR_ARRAY_IDX(key->transports, i, const char *)));
    json_object_set_new(one, "transport", ways);
    return one;
}

const char *kr_keyring_config(kr_ctx_t *k, const kr_keyring_t *ring)
{
    json_t *keys = kr_json_own(k->pool, json_array());

    for (int i = 0; i < ring->keys->nelts; i++) json_array_append_new(keys, json_of(k, &APR_ARRAY_IDX(ring->keys, i, kr_held_key_t)));
    return kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:O, s:o}", "credentials", keys, "user_handle", text_of(k, ring->user_handle)),
                        NULL);
}

/* -- room ------------------------------------------------------------------- */

/*
 * A row holds 64 KB of a form, and of a credential. In the settings a key has a button, with its id in hex and its name twice, and is in
 * the options that are not to be made again, twice where a script's call carries them, too. Both methods share the form with all others.
 */
#define FORM_ROOM 24000
#define FORM_EACH 400
#define ROW_ROOM 56000
#define ROW_EACH 560

int kr_keyring_room(apr_pool_t *pool, const kr_keyring_t *ring)
{
    apr_size_t form = 0, row = 0;
    int n;

    for (n = 0; n < ring->keys->nelts && n < KR_KEYS_MAX; n++) {
        const kr_held_key_t *held = &APR_ARRAY_IDX(ring->keys, n, kr_held_key_t);
        const apr_size_t name = strlen(kr_json_dump(pool, kr_json_own(pool, kr_json_string(held->name)), NULL));

        form += FORM_EACH + 14 * held->key.id.len / 3 + 2 * name;
        row += ROW_EACH + 4 * (held->key.id.len + held->key.public_key.len) / 3 + name;
        if (form > FORM_ROOM || row > ROW_ROOM) break;
    }
    return n;
}

/* -- names ------------------------------------------------------------------ */

const char *kr_key_hex(apr_pool_t *pool, kr_bytes_t id)
{
    static const char digits[] = "0123456789abcdef";
    char *out = apr_palloc(pool, 2 * id.len + 1), *p = out;

    for (apr_size_t i = 0; i < id.len; i++) {
        *p++ = digits[id.at[i] >> 4];
        *p++ = digits[id.at[i] & 15];
    }
    *p = '\0';
    return out;
}

const char *kr_key_name(const kr_held_key_t *held)
{
    return *held->name ? held->name : "unnamed";
}
