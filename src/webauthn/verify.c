/* SPDX-License-Identifier: Apache-2.0 */
/* A key that is used (WebAuthn section 7.2). */
#include "kr_webauthn.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/sha.h>

#include "authdata.h"
#include "bytes.h"
#include "clientdata.h"
#include "cose.h"
#include "response.h"

static const char *read_assertion(kr_webauthn_assertion_t *out, apr_pool_t *pool, const char *json, apr_size_t len)
{
    kr_response_t response;
    kr_clientdata_t client;
    kr_authdata_t auth;
    const char *why = kr_response_read(&response, pool, json, len);

    if (why) return why;
    if (!kr_bytes_same(response.id, response.raw_id) || response.id.len > KR_WEBAUTHN_ID_MAX)
        return "the response's id and rawId differ, or are too long";
    out->id = response.raw_id;
    if (!kr_response_bytes(&out->user_handle, pool, response.members, "userHandle") ||
        !kr_response_bytes(&out->authenticator_data, pool, response.members, "authenticatorData") ||
        !kr_response_bytes(&out->client_data, pool, response.members, "clientDataJSON") ||
        !kr_response_bytes(&out->signature, pool, response.members, "signature"))
        return "a member of the response is no base64url";
    why = kr_clientdata_read(&client, pool, out->client_data);
    return why ? why : kr_authdata_read(&auth, pool, out->authenticator_data);
}

kr_webauthn_verdict_e kr_webauthn_read(kr_webauthn_assertion_t *out, const char **why, apr_pool_t *pool, const char *json,
                                       apr_size_t len)
{
    memset(out, 0, sizeof(*out));
    *why = read_assertion(out, pool, json, len);
    return *why ? KR_WEBAUTHN_UNREADABLE : KR_WEBAUTHN_GOOD;
}

static const char *check_signature(apr_pool_t *pool, const kr_webauthn_assertion_t *assertion, kr_bytes_t public_key)
{
    unsigned char hash[KR_SHA256_LEN];
    kr_cose_t key;
    kr_bytes_t both;
    const char *why = kr_cose_read(&key, pool, public_key);

    if (why) return why;
    SHA256(assertion->client_data.at, assertion->client_data.len, hash);
    both = kr_bytes_join(pool, assertion->authenticator_data, (kr_bytes_t){ hash, sizeof(hash) });
    return kr_cose_signed(key.alg, key.pkey, both, assertion->signature) ? NULL : "the signature is not the key's";
}

static const char *judge(kr_authdata_t *auth, apr_pool_t *pool, const kr_webauthn_assertion_t *assertion, const kr_webauthn_key_t *key,
                         int flags_known, const kr_webauthn_expected_t *expected)
{
    kr_clientdata_t client;
    const char *why = kr_clientdata_read(&client, pool, assertion->client_data);

    if (!why) why = kr_authdata_read(auth, pool, assertion->authenticator_data);
    if (!why && !kr_bytes_same(assertion->id, key->id)) why = "the response is another key's";
    if (!why) why = kr_clientdata_check(&client, pool, KR_CLIENTDATA_GET, expected);
    if (!why) why = kr_authdata_check(auth, expected);
    if (!why && flags_known && ((auth->flags & KR_FLAG_BACKUP_ELIGIBLE) != 0) != (key->backup_eligible != 0))
        why = "the key's eligibility for backups has changed (BE)";
    return why ? why : check_signature(pool, assertion, key->public_key);
}

kr_webauthn_verdict_e kr_webauthn_verify(kr_webauthn_proof_t *out, const char **why, apr_pool_t *pool,
                                         const kr_webauthn_assertion_t *assertion, const kr_webauthn_key_t *key, int flags_known,
                                         const kr_webauthn_expected_t *expected)
{
    kr_authdata_t auth;

    memset(out, 0, sizeof(*out));
    ERR_set_mark();
    *why = judge(&auth, pool, assertion, key, flags_known, expected);
    ERR_pop_to_mark();
    if (*why) return KR_WEBAUTHN_REFUSED;
    out->sign_count = auth.sign_count;
    out->fell = (auth.sign_count || key->sign_count) && auth.sign_count <= key->sign_count;
    out->user_verified = (auth.flags & KR_FLAG_VERIFIED) != 0;
    out->backup_eligible = (auth.flags & KR_FLAG_BACKUP_ELIGIBLE) != 0;
    out->backup_state = (auth.flags & KR_FLAG_BACKUP_STATE) != 0;
    return KR_WEBAUTHN_GOOD;
}
