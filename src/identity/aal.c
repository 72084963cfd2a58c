/* SPDX-License-Identifier: Apache-2.0 */
/* What an account can reach with the credentials it has. Asked when it is written, and nowhere else. */
#include <string.h>

#include "kr_realm.h"
#include "kr_identity.h"
#include "kr_text.h"

/* A password credential without a hash only keeps the account's identifiers from others. */
static int is_set_up(const kr_credential_t *c)
{
    return strcmp(c->type, "password") != 0 || strcmp(c->config, "{}") != 0;
}

/* Recovery codes are no factor by themselves: they stand in for one of these. */
static int is_second(kr_ctx_t *k, const kr_credential_t *c)
{
    if (strcmp(c->type, "totp") == 0 || strcmp(c->type, "webauthn") == 0) return 1;
    return strcmp(c->type, "code") == 0 && k->realm->settings->code_mfa && c->identifiers && c->identifiers->nelts > 0;
}

kr_aal_e kr_identity_aal(kr_ctx_t *k, const kr_identity_t *identity)
{
    kr_aal_e reached = KR_AAL0;

    for (int i = 0; i < identity->credentials->nelts; i++) {
        const kr_credential_t *c = &APR_ARRAY_IDX(identity->credentials, i, const kr_credential_t);

        if (is_second(k, c)) return KR_AAL2;
        if (is_set_up(c)) reached = KR_AAL1;
    }
    return reached;
}
