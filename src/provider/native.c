/* SPDX-License-Identifier: Apache-2.0 */
/* ID tokens that somebody else got: an app on a telephone, or a browser by FedCM. */
#include "provider.h"

#include <string.h>

#include "kr_json.h"

int kr_provider_takes_id_token(const kr_oidc_provider_conf_t *conf)
{
    return kr_provider_kind(conf)->native;
}

kr_err_t *kr_provider_id_token(kr_provider_person_t *out, kr_ctx_t *k, const kr_oidc_provider_conf_t *conf, const char *token,
                               const char *nonce)
{
    kr_token_wanted_t wanted = { .nonce = nonce ? nonce : "", .additional = 1 };
    kr_talk_t talk;
    json_t *claims;

    memset(out, 0, sizeof(*out));
    KR_TRY(kr_talk_begin(&talk, k, conf));
    wanted.issuer = talk.at.issuer;
    KR_TRY(kr_token_verify(&claims, &talk, token, &wanted));
    kr_person_put(out, &talk, claims);
    out->id_token = token;
    return NULL;
}

/* -- whose it is ------------------------------------------------------------------------ */

static int fits(const kr_oidc_provider_conf_t *conf, const json_t *claims)
{
    const kr_provider_kind_t *kind = kr_provider_kind(conf);
    const char *iss = kr_json_str(claims, "iss"), *issuer = kind->issuer ? kind->issuer : conf->issuer_url;

    return iss && issuer && !strcmp(iss, issuer) && kr_token_is_for(claims, conf, 1);
}

const kr_oidc_provider_conf_t *kr_provider_of_token(kr_ctx_t *k, const apr_array_header_t *among, const char *token)
{
    const json_t *claims = kr_token_part(k->pool, token, 1);
    const kr_oidc_provider_conf_t *found = NULL;

    for (int i = 0; claims && i < among->nelts; i++) {
        const kr_oidc_provider_conf_t *conf = &APR_ARRAY_IDX(among, i, kr_oidc_provider_conf_t);

        if (!fits(conf, claims)) continue;
        if (found) return NULL;
        found = conf;
    }
    return found;
}

const char *kr_provider_nonce_of(kr_ctx_t *k, const char *token)
{
    return kr_json_str(kr_token_part(k->pool, token, 1), "nonce");
}
