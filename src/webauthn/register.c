/* SPDX-License-Identifier: Apache-2.0 */
/* A new key (WebAuthn section 7.1): all of it is read first, and judged then. */
#include "kr_webauthn.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "attestation.h"
#include "bytes.h"
#include "clientdata.h"
#include "response.h"

#define TRANSPORTS_MAX 8
#define TRANSPORT_MAX 32 /* letters of one; the longest that is registered has 10 */

typedef struct {
    kr_bytes_t client_json;
    kr_clientdata_t client;
    kr_authdata_t auth;
    const kr_cbor_t *format, *statement;
    apr_array_header_t *transports;
} creation_t;

/* -- reading ---------------------------------------------------------------- */

static int is_transport(const char *name)
{
    apr_size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len && len <= TRANSPORT_MAX && !name[len];
}

/* They are hints, in words that may grow: what looks like none of them is left out, as more of them are than there can be. */
static const char *read_transports(creation_t *out, apr_pool_t *pool, const json_t *listed)
{
    const json_t *item;
    size_t i;

    out->transports = apr_array_make(pool, 1, sizeof(const char *));
    if (!listed || json_is_null(listed)) return NULL;
    if (!json_is_array(listed)) return "the transports are no list";
    json_array_foreach(listed, i, item) {
        if (!json_is_string(item)) return "a transport is no text";
        if (out->transports->nelts < TRANSPORTS_MAX && is_transport(json_string_value(item)))
            APR_ARRAY_PUSH(out->transports, const char *) = apr_pstrdup(pool, json_string_value(item));
    }
    return NULL;
}

static const char *read_object(creation_t *out, apr_pool_t *pool, kr_bytes_t bytes)
{
    const kr_cbor_t *object = kr_cbor_read(pool, bytes, NULL);
    kr_bytes_t auth;
    const char *why;

    out->format = kr_cbor_named(object, "fmt");
    out->statement = kr_cbor_named(object, "attStmt");
    if (!out->format || out->format->type != KR_CBOR_TEXT || !out->statement || out->statement->type != KR_CBOR_MAP ||
        !kr_cbor_bytes(&auth, kr_cbor_named(object, "authData")))
        return "the attestation object is no CBOR, or lacks a member";
    why = kr_authdata_read(&out->auth, pool, auth);
    if (why) return why;
    return out->auth.flags & KR_FLAG_ATTESTED ? NULL : "the authenticator data has no credential (AT)";
}

static const char *read_creation(creation_t *out, apr_pool_t *pool, const char *json, apr_size_t len)
{
    kr_response_t response;
    kr_bytes_t object;
    const char *why = kr_response_read(&response, pool, json, len);

    if (why) return why;
    if (!kr_response_bytes(&out->client_json, pool, response.members, "clientDataJSON") ||
        !kr_response_bytes(&object, pool, response.members, "attestationObject"))
        return "a member of the response is no base64url";
    why = read_transports(out, pool, json_object_get(response.members, "transports"));
    if (!why) why = kr_clientdata_read(&out->client, pool, out->client_json);
    if (!why) why = read_object(out, pool, object);
    return why;
}

/* -- judging ------------------------------------------------------------------ */

static const char *judge(kr_webauthn_key_t *out, apr_pool_t *pool, const creation_t *new, const kr_webauthn_expected_t *expected)
{
    unsigned char hash[KR_SHA256_LEN];
    kr_cose_t key;
    kr_attestation_t attestation = {
        .statement = new->statement, .auth = &new->auth, .key = &key, .client_hash = { hash, sizeof(hash) }
    };
    const char *why = kr_clientdata_check(&new->client, pool, KR_CLIENTDATA_CREATE, expected);

    if (!why) why = kr_authdata_check(&new->auth, expected);
    if (!why) why = kr_cose_read(&key, pool, new->auth.public_key);
    if (why) return why;
    SHA256(new->client_json.at, new->client_json.len, hash);
    attestation.both = kr_bytes_join(pool, new->auth.raw, attestation.client_hash);
    return kr_attestation_verify(&out->attestation, pool, new->format, &attestation);
}

kr_webauthn_verdict_e kr_webauthn_register(kr_webauthn_key_t *out, const char **why, apr_pool_t *pool, const char *json,
                                           apr_size_t len, const kr_webauthn_expected_t *expected)
{
    creation_t new = { .format = NULL };

    memset(out, 0, sizeof(*out));
    *why = read_creation(&new, pool, json, len);
    if (*why) return KR_WEBAUTHN_UNREADABLE;
    ERR_set_mark(); /* what OpenSSL says of a false key is nothing to whoever uses it next in this thread */
    *why = judge(out, pool, &new, expected);
    ERR_pop_to_mark();
    if (*why) return KR_WEBAUTHN_REFUSED;
    out->id = new.auth.id;
    out->public_key = new.auth.public_key;
    out->aaguid = new.auth.aaguid;
    out->transports = new.transports;
    out->sign_count = new.auth.sign_count;
    out->user_present = 1;
    out->user_verified = (new.auth.flags & KR_FLAG_VERIFIED) != 0;
    out->backup_eligible = (new.auth.flags & KR_FLAG_BACKUP_ELIGIBLE) != 0;
    out->backup_state = (new.auth.flags & KR_FLAG_BACKUP_STATE) != 0;
    return KR_WEBAUTHN_GOOD;
}
