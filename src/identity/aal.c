/* SPDX-License-Identifier: Apache-2.0 */
/* What an account can reach with the credentials it has. Nobody else judges that. */
#include "kr_credential.h"

/* A second factor counts without a first: who comes in by a recovery must show it all the same. */
kr_aal_e kr_identity_aal(kr_ctx_t *k, const kr_identity_t *identity)
{
    unsigned factors = 0;

    for (int i = 0; i < identity->credentials->nelts; i++)
        factors |= kr_credential_factors(k, &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t));
    if (factors & KR_FACTOR_SECOND) return KR_AAL2;
    return factors & KR_FACTOR_FIRST ? KR_AAL1 : KR_AAL0;
}

/* Each kind is asked, and not each credential: a kind may be open to accounts that hold nothing of it. */
int kr_identity_first_factors(kr_ctx_t *k, const kr_identity_t *identity)
{
    int ways = 0;

    for (const kr_credential_kind_t *kind = kr_credential_kinds; kind->type; kind++)
        ways += kr_credential_ways(k, kind, kr_identity_credential(identity, kind->type));
    return ways;
}
