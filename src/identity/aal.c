/* SPDX-License-Identifier: Apache-2.0 */
/* What an account can reach with the credentials it has. Nobody else judges that. */
#include "kr_credential.h"

#include <string.h>

#include "kr_realm.h"
#include "kr_store_identity.h"

/* A second factor counts without a first: who comes in by a recovery must show it all the same. */
static kr_aal_e level_of(unsigned factors)
{
    if (factors & KR_FACTOR_SECOND) return KR_AAL2;
    return factors & KR_FACTOR_FIRST ? KR_AAL1 : KR_AAL0;
}

/* A credential is named as the method that takes it; one of a newer version has none here. */
static int is_on(const kr_settings_t *settings, const char *type)
{
    for (int m = 0; m < KR_METHOD_IDS; m++)
        if (strcmp(kr_method_name((kr_method_e)m), type) == 0) return settings->method_enabled[m];
    return 1;
}

static unsigned factors_of(kr_ctx_t *k, const kr_identity_t *identity, int whatever_is_on)
{
    unsigned factors = 0;

    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);

        if (whatever_is_on || is_on(k->realm->settings, c->type)) factors |= kr_credential_factors(k, c);
    }
    return factors;
}

/* Of a method that is off nobody can show anything: asked for it all the same, they would be shut out. */
kr_aal_e kr_identity_aal(kr_ctx_t *k, const kr_identity_t *identity)
{
    return level_of(factors_of(k, identity, 0));
}

kr_aal_e kr_identity_aal_most(kr_ctx_t *k, const kr_identity_t *identity)
{
    return level_of(factors_of(k, identity, 1));
}

kr_err_t *kr_identity_keep_aal(kr_ctx_t *k, kr_identity_t *identity)
{
    const kr_aal_e most = kr_identity_aal_most(k, identity);

    if (most == identity->available_aal) return NULL;
    identity->available_aal = most;
    return kr_store_identity_level(k, identity->id, identity->version, kr_aal_name(most));
}

/*
 * Each kind is asked, and not each credential: a kind may be open to accounts that hold nothing of it. By a method that is off nobody gets
 * in: a password of former days is nobody's last way.
 */
int kr_identity_first_factors(kr_ctx_t *k, const kr_identity_t *identity)
{
    int ways = 0;

    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++)
        if (is_on(k->realm->settings, kind->type)) ways += kr_credential_ways(k, kind, kr_identity_credential(identity, kind->type));
    return ways;
}
