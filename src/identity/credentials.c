/* SPDX-License-Identifier: Apache-2.0 */
/* What distinguishes one kind of credential from another. */
#include <string.h>

#include "identity.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

static int has_identifiers(const kr_credential_t *c)
{
    return c->identifiers && c->identifiers->nelts > 0;
}

static int has_text(const json_t *config, const char *member)
{
    const char *text = kr_json_str(config, member);

    return text && *text;
}

/* -- passwords ------------------------------------------------------------ */

static int identifies_password(const kr_leaf_t *leaf)
{
    return leaf->password_identifier;
}

/* Without a hash it only keeps the account's identifiers from others. */
static unsigned count_password(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)k;
    (void)c;
    return has_text(config, "hashed_password") ? KR_FACTOR_FIRST : 0;
}

/* Nobody is found by a hash alone. */
static int ways_password(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    return c && has_identifiers(c) && count_password(k, c, config) ? 1 : 0;
}

const char *kr_password_config(apr_pool_t *pool, const char *hash)
{
    return kr_json_dump(pool, kr_json_pack(pool, "{s:s}", "hashed_password", hash), NULL);
}

/* -- codes ---------------------------------------------------------------- */

static int identifies_code(const kr_leaf_t *leaf)
{
    return leaf->code_identifier;
}

/* An identifier that is no address, as after a change of the schema, gets no code. */
static unsigned count_code(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    const kr_settings_t *conf = k->realm->settings;

    (void)config;
    for (int i = 0; c->identifiers && i < c->identifiers->nelts; i++) {
        const char *address = APR_ARRAY_IDX(c->identifiers, i, const char *);

        if (kr_address_normalise(k->pool, kr_address_via(address), address))
            return (conf->code_passwordless ? KR_FACTOR_FIRST : 0) | (conf->code_mfa ? KR_FACTOR_SECOND : 0);
    }
    return 0;
}

/* Whose addresses they are is found out when one asks for a code: the account need not have a credential for it, as Kratos counts. */
static int ways_code(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)c;
    (void)config;
    return k->realm->settings->code_passwordless ? 1 : 0;
}

static const char *derive_code(apr_pool_t *pool, const apr_array_header_t *identifiers)
{
    json_t *addresses = kr_json_own(pool, json_array());

    for (int i = 0; i < identifiers->nelts; i++) {
        const char *address = APR_ARRAY_IDX(identifiers, i, const char *);

        json_array_append_new(addresses, json_pack("{s:s, s:s}", "channel", kr_address_via(address), "address", address));
    }
    return kr_json_dump(pool, kr_json_pack(pool, "{s:O}", "addresses", addresses), NULL);
}

/* -- keys, providers, seeds and spare codes ------------------------------- */

static int identifies_webauthn(const kr_leaf_t *leaf)
{
    return leaf->webauthn_identifier;
}

/* One credential holds all keys of a person: those that need no first factor are one, and the others are a second. */
static unsigned count_webauthn(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    unsigned counts = 0;
    size_t i;
    json_t *key;

    (void)k;
    json_array_foreach(json_object_get(config, "credentials"), i, key)
    {
        if (!json_is_true(json_object_get(key, "is_passwordless"))) counts |= KR_FACTOR_SECOND;
        else if (has_identifiers(c)) counts |= KR_FACTOR_FIRST; /* who names nobody is not found by it */
    }
    return counts;
}

static int ways_webauthn(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    int ways = 0;
    size_t i;
    json_t *key;

    (void)k;
    if (!c || !has_identifiers(c)) return 0;
    json_array_foreach(json_object_get(config, "credentials"), i, key)
        if (json_is_true(json_object_get(key, "is_passwordless"))) ways++;
    return ways;
}

static unsigned count_passkey(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)k;
    return has_identifiers(c) && json_array_size(json_object_get(config, "credentials")) ? KR_FACTOR_FIRST : 0;
}

static int ways_passkey(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)k;
    return c && has_identifiers(c) ? (int)json_array_size(json_object_get(config, "credentials")) : 0;
}

/* Identifiers are "provider:subject". */
static int ways_oidc(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    int ways = 0;

    (void)k;
    (void)config;
    for (int i = 0; c && c->identifiers && i < c->identifiers->nelts; i++)
        if (strchr(APR_ARRAY_IDX(c->identifiers, i, const char *), ':')) ways++;
    return ways;
}

static unsigned count_oidc(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    return ways_oidc(k, c, config) ? KR_FACTOR_FIRST : 0;
}

static unsigned count_totp(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)k;
    (void)c;
    return has_text(config, "totp_url") ? KR_FACTOR_SECOND : 0;
}

/* Used ones count as well, as clients know it: an account does not become easier to enter when the last of its codes is gone. */
static unsigned count_lookup(kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)k;
    (void)c;
    return json_array_size(json_object_get(config, "recovery_codes")) ? KR_FACTOR_SECOND : 0;
}

/* -- the table ------------------------------------------------------------ */

const kr_credential_kind_t kr_credential_kinds[] = {
    { .type = "password", .factors = KR_FACTOR_FIRST, .normalised = 1, .identifies = identifies_password, .counts = count_password,
      .ways = ways_password, .list = kr_factors_of_password, .exported = kr_export_password, .import = kr_import_password },
    { .type = "code", .factors = KR_FACTOR_FIRST | KR_FACTOR_SECOND, .normalised = 1, .identifies = identifies_code,
      .counts = count_code, .ways = ways_code, .derive = derive_code },
    { .type = "webauthn", .factors = KR_FACTOR_FIRST | KR_FACTOR_SECOND, .normalised = 1, .identifies = identifies_webauthn,
      .counts = count_webauthn, .holds_keys = 1, .ways = ways_webauthn, .list = kr_factors_of_keys,
      .exported = kr_export_keys, .import = kr_import_webauthn },
    { .type = "passkey", .factors = KR_FACTOR_FIRST, .counts = count_passkey, .holds_keys = 1, .ways = ways_passkey,
      .list = kr_factors_of_keys, .exported = kr_export_keys, .import = kr_import_passkey }, /* found by the user handle */
    { .type = "oidc", .factors = KR_FACTOR_FIRST, .counts = count_oidc, .ways = ways_oidc, .list = kr_factors_of_providers },
    { .type = "totp", .factors = KR_FACTOR_SECOND, .counts = count_totp, .list = kr_factors_of_totp,
      .exported = kr_export_totp, .import = kr_import_totp },
    /* this one and the one before: by the identity's id */
    { .type = "lookup_secret", .factors = KR_FACTOR_SECOND, .counts = count_lookup, .list = kr_factors_of_codes,
      .import = kr_import_lookup }, /* they go nowhere: what is kept of them means nothing elsewhere */
    { .type = NULL },
};

const kr_credential_kind_t *kr_credential_kind(const char *type)
{
    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++)
        if (strcmp(kind->type, type) == 0) return kind;
    return NULL;
}

int kr_leaf_identifies(const kr_leaf_t *leaf)
{
    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++)
        if (kind->identifies && kind->identifies(leaf)) return 1;
    return 0;
}

const json_t *kr_credential_config(kr_ctx_t *k, const kr_credential_t *credential)
{
    return kr_json_own(k->pool, json_loads(credential->config ? credential->config : "{}", 0, NULL));
}

apr_array_header_t *kr_credential_keys(kr_ctx_t *k, const kr_credential_t *credential)
{
    const kr_credential_kind_t *kind = kr_credential_kind(credential->type);
    apr_array_header_t *out = apr_array_make(k->pool, 2, sizeof(const char *));
    json_t *keys, *key;
    size_t i;

    if (!kind || !kind->holds_keys) return out;
    keys = json_object_get(kr_credential_config(k, credential), "credentials");
    json_array_foreach(keys, i, key) /* a macro that looks at its first argument each time round */
    {
        const char *id = kr_json_str(key, "id");

        if (id) APR_ARRAY_PUSH(out, const char *) = kr_sha256_hex(k->pool, id, strlen(id));
    }
    return out;
}

unsigned kr_credential_factors(kr_ctx_t *k, const kr_credential_t *credential)
{
    const kr_credential_kind_t *kind = kr_credential_kind(credential->type);
    const json_t *config = kr_credential_config(k, credential);

    if (!kind) return KR_FACTOR_FIRST;
    return config ? kind->counts(k, credential, config) : kind->factors;
}

int kr_credential_ways(kr_ctx_t *k, const kr_credential_kind_t *kind, const kr_credential_t *credential)
{
    return kind->ways ? kind->ways(k, credential, credential ? kr_credential_config(k, credential) : NULL) : 0;
}
