/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential of people who sign in with other sites: one for all of them, with an identifier "provider:subject" for each. What the
 * site gave with the first sign-in is sealed for the account alone.
 */
#include <string.h>

#include "identity.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

#define TYPE "oidc"
#define TOKEN_MAX 4096    /* bytes of one token that is kept; larger ones are not */
#define IDENTIFIER_MAX 255 /* characters of an identifier that the store keeps */
#define CONFIG_MAX 60000  /* bytes of a credential, which a column of 64 KiB has to hold */

/* A subject may have 255 characters (OpenID Connect Core, 2), and some have more: a long one is found by its hash. */
const char *kr_linked_identifier(apr_pool_t *pool, const char *provider, const char *subject)
{
    const char *identifier = apr_pstrcat(pool, provider, ":", subject, NULL);

    if (strlen(identifier) <= IDENTIFIER_MAX) return identifier;
    return apr_pstrcat(pool, provider, ":sha256-", kr_sha256_hex(pool, subject, strlen(subject)), NULL);
}

static int is_of(const char *identifier, const char *provider)
{
    const apr_size_t len = strlen(provider);

    return strncmp(identifier, provider, len) == 0 && identifier[len] == ':';
}

int kr_identity_is_linked(const kr_identity_t *identity, const char *provider)
{
    const kr_credential_t *c = kr_identity_credential(identity, TYPE);

    for (int i = 0; c && c->identifiers && i < c->identifiers->nelts; i++)
        if (is_of(APR_ARRAY_IDX(c->identifiers, i, const char *), provider)) return 1;
    return 0;
}

/* -- adding one ------------------------------------------------------------ */

static json_t *sealed(kr_ctx_t *k, const char *context, const char *token)
{
    const apr_size_t len = token ? strlen(token) : 0;

    return json_string(len && len <= TOKEN_MAX ? kr_seal(k->pool, k->realm->keys, context, token, len) : "");
}

/* @param whole  0: without the tokens */
static json_t *entry(kr_ctx_t *k, const kr_identity_t *identity, const kr_linked_t *linked, int whole)
{
    const char *context = apr_pstrcat(k->pool, "tokens of ", linked->provider, " for ", identity->id, NULL);

    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "subject", kr_json_string(linked->subject), "provider", linked->provider, "initial_id_token",
                     sealed(k, context, whole ? linked->id_token : NULL), "initial_access_token",
                     sealed(k, context, whole ? linked->access_token : NULL), "initial_refresh_token",
                     sealed(k, context, whole ? linked->refresh_token : NULL));
}

static const char *config_with(kr_ctx_t *k, const kr_identity_t *identity, const json_t *providers, const kr_linked_t *linked, int whole)
{
    json_t *all = providers ? json_copy((json_t *)providers) : json_array();

    json_array_append_new(all, entry(k, identity, linked, whole));
    return kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:o}", "providers", all), NULL);
}

void kr_identity_link(kr_ctx_t *k, kr_identity_t *identity, const kr_linked_t *linked)
{
    kr_credential_t *c = (kr_credential_t *)kr_identity_credential(identity, TYPE);
    const json_t *providers = c ? json_object_get(kr_credential_config(k, c), "providers") : NULL;
    const char *config = config_with(k, identity, providers, linked, 1);

    if (strlen(config) > CONFIG_MAX) config = config_with(k, identity, providers, linked, 0);
    if (!c) {
        c = apr_array_push(identity->credentials);
        *c = (kr_credential_t){ .id = kr_uuid(k), .type = TYPE, .identifiers = apr_array_make(k->pool, 1, sizeof(const char *)),
                                .created_at = k->now, .updated_at = k->now };
    }
    c->config = config;
    APR_ARRAY_PUSH(c->identifiers, const char *) = kr_linked_identifier(k->pool, linked->provider, linked->subject);
}

/* -- taking one away ------------------------------------------------------- */

static int drop_identifiers(apr_array_header_t *identifiers, const char *provider)
{
    int kept = 0, had = identifiers->nelts;

    for (int i = 0; i < had; i++) {
        const char *identifier = APR_ARRAY_IDX(identifiers, i, const char *);

        if (!is_of(identifier, provider)) APR_ARRAY_IDX(identifiers, kept++, const char *) = identifier;
    }
    identifiers->nelts = kept;
    return had - kept;
}

int kr_identity_unlink(kr_ctx_t *k, kr_identity_t *identity, const char *provider)
{
    kr_credential_t *c = (kr_credential_t *)kr_identity_credential(identity, TYPE);
    json_t *config = c ? kr_json_own(k->pool, json_deep_copy(kr_credential_config(k, c))) : NULL;
    json_t *providers = json_object_get(config, "providers");
    const int dropped = c && c->identifiers ? drop_identifiers(c->identifiers, provider) : 0;

    if (!dropped) return 0;
    for (size_t i = json_array_size(providers); i-- > 0;) {
        const char *of = kr_json_str(json_array_get(providers, i), "provider");

        if (of && strcmp(of, provider) == 0) json_array_remove(providers, i);
    }
    if (c->identifiers->nelts) c->config = kr_json_dump(k->pool, config, NULL);
    else kr_identity_remove_credential(identity, TYPE);
    return dropped;
}
