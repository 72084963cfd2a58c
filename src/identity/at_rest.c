/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of secrets that are no passwords: sealed or hashed for one account, so that a row is of no use in another. */
#include <string.h>

#include "kr_credential.h"
#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_realm.h"
#include "kr_text.h"

static const char *totp_context(kr_ctx_t *k, const char *identity_id)
{
    return apr_pstrcat(k->pool, "totp ", identity_id, NULL);
}

const char *kr_totp_config(kr_ctx_t *k, const char *identity_id, const char *url)
{
    const char *sealed = kr_seal(k->pool, k->realm->keys, totp_context(k, identity_id), url, strlen(url));

    return kr_json_dump(k->pool, kr_json_pack(k->pool, "{s:s}", "totp_url", sealed), NULL);
}

const char *kr_totp_url_of(kr_ctx_t *k, const char *identity_id, const kr_credential_t *credential)
{
    const char *sealed = kr_json_str(kr_credential_config(k, credential), "totp_url");
    apr_size_t len;
    const char *url = (const char *)kr_unseal(k->pool, k->realm->keys, totp_context(k, identity_id), sealed, &len);

    if (!url)
        kr_log(k, KR_LOG_ERR, KRLOGNO(0610) "identity %s: the seed of its authenticator app cannot be opened: the secret that sealed it "
               "is gone, or its row was changed", identity_id);
    return url;
}

/*
 * A code is 41 random bits, which nobody guesses over the network, but who has the rows could try all: the hash is keyed, so that the rows
 * alone tell nothing.
 */
const char *kr_lookup_hash(kr_ctx_t *k, const char *identity_id, int secret, const char *code)
{
    return kr_hmac(k->pool, k->realm->keys, KR_KEY_LOOKUP, secret, apr_pstrcat(k->pool, identity_id, " ", code, NULL));
}

const char *kr_key_handle(apr_pool_t *pool, kr_bytes_t handle)
{
    for (apr_size_t i = 0; i < handle.len; i++)
        if (handle.at[i] <= ' ' || handle.at[i] > '~') return kr_webauthn_b64(pool, handle);
    return apr_pstrmemdup(pool, (const char *)handle.at, handle.len);
}
