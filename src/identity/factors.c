/* SPDX-License-Identifier: Apache-2.0 */
/* What an account has to sign in with, as its person knows it: each key by itself. And what has become of that. */
#include <string.h>

#include <apr_hash.h>
#include <unistr.h>

#include "identity.h"
#include "kr_json.h"
#include "kr_text.h"

#define NAME_MAX_CHARS 64 /* a key's name in a letter or a table */

/* -- one by one ------------------------------------------------------------------ */

static kr_factor_t *add_as(apr_array_header_t *out, const kr_credential_t *c, unsigned factors)
{
    kr_factor_t *factor = apr_array_push(out);

    *factor = (kr_factor_t){ .type = c->type, .factors = factors, .left = -1, .added_at = c->created_at };
    return factor;
}

static kr_factor_t *add(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c)
{
    return add_as(out, c, kr_credential_factors(k, c));
}

/* Somebody typed it, and others read it: one short line without tricks. */
static const char *shown_name(apr_pool_t *pool, const char *typed)
{
    const char *name = typed ? kr_text_visible(pool, typed) : "";
    const uint8_t *at = (const uint8_t *)name;
    ucs4_t c;

    for (int n = 0; n < NAME_MAX_CHARS && *at; n++) at = u8_next(&c, at);
    return *name ? apr_pstrmemdup(pool, name, (apr_size_t)((const char *)at - name)) : NULL;
}

/* As forms name it. */
static const char *key_id(apr_pool_t *pool, const json_t *key)
{
    const char *text = kr_json_str(key, "id");
    apr_size_t len;
    const unsigned char *id = text ? kr_base64_decode(pool, text, &len) : NULL;

    return id && len ? kr_hex(pool, id, len) : text;
}

void kr_factors_of_keys(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    const unsigned all = kr_credential_kind(c->type)->factors;
    size_t i;
    json_t *key;

    json_array_foreach(json_object_get(config, "credentials"), i, key)
    {
        const int alone = json_is_true(json_object_get(key, "is_passwordless")) || !(all & KR_FACTOR_SECOND);
        kr_factor_t *factor = add_as(out, c, alone ? KR_FACTOR_FIRST : KR_FACTOR_SECOND);
        const char *when = kr_json_str(key, "added_at");

        factor->key = key_id(k->pool, key);
        factor->name = shown_name(k->pool, kr_json_str(key, "display_name"));
        if (when && !kr_time_parse(&factor->added_at, when)) factor->added_at = c->created_at;
    }
}

void kr_factors_of_providers(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    (void)config;
    for (int i = 0; c->identifiers && i < c->identifiers->nelts; i++) {
        const char *identifier = APR_ARRAY_IDX(c->identifiers, i, const char *), *colon = strchr(identifier, ':');
        kr_factor_t *factor = colon ? add(out, k, c) : NULL;

        if (!factor) continue;
        factor->key = identifier;
        factor->name = shown_name(k->pool, apr_pstrmemdup(k->pool, identifier, (apr_size_t)(colon - identifier)));
    }
}

/* Told of are changes of an account, and none of them makes the hash of the same password anew: sign-ins do. */
void kr_factors_of_password(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    kr_factor_t *factor = kr_credential_factors(k, c) ? add(out, k, c) : NULL;

    if (factor) factor->print = kr_json_str(config, "hashed_password");
}

void kr_factors_of_totp(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    kr_factor_t *factor = kr_credential_factors(k, c) ? add(out, k, c) : NULL;

    if (factor) factor->print = kr_json_str(config, "totp_url");
}

void kr_factors_of_codes(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c, const json_t *config)
{
    const json_t *codes = json_object_get(config, "recovery_codes");
    kr_factor_t *factor = json_array_size(codes) ? add(out, k, c) : NULL;
    size_t i;
    json_t *code;

    if (!factor) return;
    factor->left = 0;
    factor->print = kr_json_str(json_array_get(codes, 0), "code");
    json_array_foreach(codes, i, code) factor->left += kr_json_str(code, "used_at") == NULL;
}

/* -- all of them ------------------------------------------------------------------- */

static void add_factors(apr_array_header_t *out, kr_ctx_t *k, const kr_credential_t *c)
{
    const kr_credential_kind_t *kind = kr_credential_kind(c->type);
    const json_t *config = kr_credential_config(k, c);

    if (kind && kind->list && config) kind->list(out, k, c, config);
    else if (kr_credential_factors(k, c)) add(out, k, c);
}

apr_array_header_t *kr_identity_factors(kr_ctx_t *k, const kr_identity_t *identity)
{
    apr_array_header_t *out = apr_array_make(k->pool, 4, sizeof(kr_factor_t));

    for (int i = 0; i < identity->credentials->nelts; i++)
        add_factors(out, k, &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t));
    return out;
}

/* -- away with it ------------------------------------------------------------------ */

/* A password gives way to a new one, a provider is unlinked, and what follows from the traits goes with them. */
int kr_factor_removable(const char *type)
{
    const kr_credential_kind_t *kind = kr_credential_kind(type);

    return kind && !kind->derive && (kind->holds_keys || kind->factors == KR_FACTOR_SECOND);
}

/* Whatever else its config holds stays as it is. */
static int remove_key(kr_ctx_t *k, kr_identity_t *identity, kr_credential_t *c, const char *wanted)
{
    json_t *config = kr_json_own(k->pool, json_deep_copy(kr_credential_config(k, c))), *keys = json_object_get(config, "credentials");
    const size_t had = json_array_size(keys);

    for (size_t i = had; i-- > 0;) {
        const char *id = key_id(k->pool, json_array_get(keys, i));

        if (id && strcmp(id, wanted) == 0) json_array_remove(keys, i);
    }
    if (json_array_size(keys) == had) return 0;
    if (json_array_size(keys)) c->config = kr_json_dump(k->pool, config, NULL);
    else kr_identity_remove_credential(identity, c->type);
    return (int)(had - json_array_size(keys));
}

int kr_identity_remove_factor(kr_ctx_t *k, kr_identity_t *identity, const char *type, const char *key)
{
    kr_credential_t *c = (kr_credential_t *)kr_identity_credential(identity, type);
    apr_array_header_t *all = apr_array_make(k->pool, 4, sizeof(kr_factor_t));

    if (!c || !kr_factor_removable(type)) return 0;
    if (key) return remove_key(k, identity, c, key);
    add_factors(all, k, c);
    kr_identity_remove_credential(identity, type);
    return all->nelts;
}

/* -- from one state of an account to another ----------------------------------------- */

/* What follows from the traits nobody has set up; a change of address is told elsewhere. */
static int is_set_up(const kr_factor_t *factor)
{
    const kr_credential_kind_t *kind = kr_credential_kind(factor->type);

    return !kind || !kind->derive;
}

static const char *id_of(apr_pool_t *pool, const kr_factor_t *factor)
{
    return apr_pstrcat(pool, factor->type, " ", factor->key, NULL); /* a NULL key ends it */
}

static apr_hash_t *by_id(apr_pool_t *pool, const apr_array_header_t *factors)
{
    apr_hash_t *out = apr_hash_make(pool);

    for (int i = 0; i < factors->nelts; i++) {
        const kr_factor_t *factor = &APR_ARRAY_IDX(factors, i, const kr_factor_t);

        if (is_set_up(factor)) apr_hash_set(out, id_of(pool, factor), APR_HASH_KEY_STRING, factor);
    }
    return out;
}

static void note(apr_array_header_t *out, kr_factor_change_e is, const kr_factor_t *factor)
{
    APR_ARRAY_PUSH(out, kr_factor_change_t) = (kr_factor_change_t){ is, factor };
}

static int is_another(const kr_factor_t *now, const kr_factor_t *was)
{
    return now->print && was->print && strcmp(now->print, was->print) != 0;
}

apr_array_header_t *kr_factor_changes(kr_ctx_t *k, const kr_identity_t *before, const kr_identity_t *now)
{
    const apr_array_header_t *had = kr_identity_factors(k, before), *has = kr_identity_factors(k, now);
    apr_hash_t *was = by_id(k->pool, had), *is = by_id(k->pool, has);
    apr_array_header_t *out = apr_array_make(k->pool, 4, sizeof(kr_factor_change_t));

    for (int i = 0; i < had->nelts; i++) {
        const kr_factor_t *factor = &APR_ARRAY_IDX(had, i, const kr_factor_t);

        if (is_set_up(factor) && !apr_hash_get(is, id_of(k->pool, factor), APR_HASH_KEY_STRING)) note(out, KR_FACTOR_REMOVED, factor);
    }
    for (int i = 0; i < has->nelts; i++) {
        const kr_factor_t *factor = &APR_ARRAY_IDX(has, i, const kr_factor_t), *former;

        former = apr_hash_get(was, id_of(k->pool, factor), APR_HASH_KEY_STRING);
        if (!former && is_set_up(factor)) note(out, KR_FACTOR_ADDED, factor);
        else if (former && is_another(factor, former)) note(out, KR_FACTOR_REPLACED, factor);
    }
    return out;
}
