/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target of what browsers bring back from sites that people sign in with (src/method/oidc_round.c): a query, each of whose fields is taken
 * for a state, as it is and as what is sealed in one.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "kr_crypto.h"
#include "kr_oidc.h"
#include "kr_realm.h"
#include "kr_text.h"

#define NOW apr_time_from_sec(1700000000)
#define CONTEXT "state of a sign-in elsewhere"
#define GOOD "{\"round\":\"r\",\"kind\":\"login\",\"flow\":\"f\",\"provider\":\"a\"}"

static const char *sealed(kr_ctx_t *k, const char *inside)
{
    return kr_seal(k->pool, k->realm->keys, CONTEXT, inside, strlen(inside));
}

static int opens(kr_round_t *round, kr_ctx_t *k, const char *state)
{
    kr_err_t *err = kr_round_open(round, k, state);

    MUST(!err || err->status == 400);
    return !err;
}

/* Once: deriving keys takes longer than all the rest. */
static const kr_realm_t *realm_of_all(void)
{
    static kr_settings_t settings;
    static kr_realm_t realm;
    static apr_pool_t *pool = NULL;
    apr_array_header_t *secrets, *providers;
    kr_ctx_t k;
    kr_round_t round;

    if (pool) return &realm;
    apr_initialize();
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    secrets = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(secrets, const char *) = "the only secret, 16 bytes or more";
    providers = apr_array_make(pool, 1, sizeof(kr_oidc_provider_conf_t));
    APR_ARRAY_PUSH(providers, kr_oidc_provider_conf_t) = (kr_oidc_provider_conf_t){ .id = "a", .provider = "generic" };
    settings.method_enabled[KR_METHOD_OIDC] = 1;
    settings.oidc.providers = providers;
    realm.settings = &settings;
    realm.keys = kr_keys_make(pool, secrets, "main");
    k = (kr_ctx_t){ .realm = &realm, .now = NOW };
    MUST(apr_pool_create(&k.pool, NULL) == APR_SUCCESS);
    MUST(opens(&round, &k, sealed(&k, GOOD))); /* else this would try nothing */
    apr_pool_destroy(k.pool);
    return &realm;
}

/* Nobody makes a state without our keys, and what is in one is never half a round. */
static void try(kr_ctx_t *k, const char *value)
{
    kr_round_t round;

    MUST(!opens(&round, k, value));
    if (!opens(&round, k, sealed(k, value))) return;
    MUST(round.id && round.flow_id && round.provider && !strcmp(round.provider->id, "a"));
    MUST(round.kind == KR_FLOW_LOGIN || round.kind == KR_FLOW_REGISTRATION || round.kind == KR_FLOW_SETTINGS);
}

int fuzz_callback(const uint8_t *data, size_t size)
{
    kr_ctx_t k = { .realm = realm_of_all(), .now = NOW };
    const char *why = NULL;
    apr_array_header_t *query;
    char *text = malloc(size + 1); /* the input, with a NUL behind it that is not its own */

    MUST(text && apr_pool_create(&k.pool, NULL) == APR_SUCCESS);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    query = kr_form_parse(k.pool, text, size, &why);
    MUST(query || why);
    for (int i = 0; query && i < query->nelts; i++) try(&k, APR_ARRAY_IDX(query, i, kr_pair_t).value);
    apr_pool_destroy(k.pool);
    free(text);
    return 0;
}
