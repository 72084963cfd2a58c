/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of src/webauthn. What is not the input is good and always the same, so that seeds are: their signatures were made for it. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "kr_text.h"
#include "kr_webauthn.h"

#define RP_ID "example.org"
#define ORIGIN "https://example.org"
#define CLIENT(type) "{\"type\":\"" type "\",\"challenge\":\"xMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMQ\",\"origin\":\"" ORIGIN "\"}"
#define INPUT_MAX 49152 /* more does not fit into a response */

/* SHA-256 of the RP id. */
#define RP_HASH                                                                                                        \
    "\xbf\xab\xc3\x74\x32\x95\x8b\x06\x33\x60\xd3\xad\x64\x61\xc9\xc4\x73\x5a\xe7\xf8\xed\xd4\x65\x92\xa5\xe0\xf0\x14\x52\xb2\xe4\xb5"

static const unsigned char CHALLENGE[] = "\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4";
static const unsigned char ID[] = "\x1d\x1d\x1d\x1d";
static const char AUTH[] = RP_HASH "\x05\0\0\0\1";
/* ECDSA would like r and s: 1 and 1 are as good as any. */
static const unsigned char SIGNATURE[] = "\x30\x06\x02\x01\x01\x02\x01\x01";

static apr_pool_t *new_pool(void)
{
    apr_pool_t *pool;

    apr_initialize();
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/* A copy of its own: a sanitizer sees who reads behind it. */
static kr_bytes_t copy_of(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);

    MUST(copy);
    if (size) memcpy(copy, data, size);
    return (kr_bytes_t){ copy, size };
}

static kr_webauthn_expected_t expected(apr_pool_t *pool)
{
    apr_array_header_t *origins = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(origins, const char *) = ORIGIN;
    return (kr_webauthn_expected_t){ .rp_id = RP_ID, .origins = origins, .challenge = { CHALLENGE, 32 } };
}

static const char *b64(apr_pool_t *pool, const void *data, size_t size)
{
    return kr_webauthn_b64(pool, (kr_bytes_t){ data, size });
}

/* -- registrations --------------------------------------------------------------- */

/* What is stored is of a size that can be stored, and of a format that was verified. */
static void register_json(apr_pool_t *pool, const char *json, size_t len)
{
    kr_webauthn_expected_t wanted = expected(pool);
    kr_webauthn_key_t key;
    const char *why = NULL;
    kr_webauthn_verdict_e verdict = kr_webauthn_register(&key, &why, pool, json, len, &wanted);

    MUST((verdict == KR_WEBAUTHN_GOOD) == !why);
    if (verdict != KR_WEBAUTHN_GOOD) return;
    MUST(key.id.len >= 1 && key.id.len <= KR_WEBAUTHN_ID_MAX && key.aaguid.len == 16 && key.public_key.len >= 40 && key.public_key.len <= 2048);
    MUST(key.attestation && key.transports->nelts <= 8 && key.user_present && (key.backup_eligible || !key.backup_state));
}

static void register_object(apr_pool_t *pool, const void *object, size_t size)
{
    const char *json = apr_psprintf(pool, "{\"id\":\"HR0dHQ\",\"rawId\":\"HR0dHQ\",\"type\":\"public-key\",\"response\":{\"attestationObject\":\"%s\",\"clientDataJSON\":\"%s\"}}",
                                    b64(pool, object, size), b64(pool, CLIENT("webauthn.create"), sizeof(CLIENT("webauthn.create")) - 1));

    register_json(pool, json, strlen(json));
}

int fuzz_attestation(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (size > INPUT_MAX) return 0;
    pool = new_pool();
    register_object(pool, data, size);
    apr_pool_destroy(pool);
    return 0;
}

/* -- logins ------------------------------------------------------------------------ */

/* An answer with parts of any kind, whose signature nobody made: it can be read or not, and never is good. */
static void use(apr_pool_t *pool, kr_bytes_t auth, kr_bytes_t client, kr_bytes_t public_key)
{
    const char *json = apr_psprintf(pool, "{\"id\":\"HR0dHQ\",\"rawId\":\"HR0dHQ\",\"type\":\"public-key\",\"response\":{\"authenticatorData\":\"%s\",\"clientDataJSON\":\"%s\",\"signature\":\"%s\",\"userHandle\":\"\"}}",
                                    kr_webauthn_b64(pool, auth), kr_webauthn_b64(pool, client), b64(pool, SIGNATURE, sizeof(SIGNATURE) - 1));
    kr_webauthn_expected_t wanted = expected(pool);
    const kr_webauthn_key_t key = { .id = { ID, 4 }, .public_key = public_key };
    kr_webauthn_assertion_t assertion;
    kr_webauthn_proof_t proof;
    const char *why = NULL;

    if (kr_webauthn_read(&assertion, &why, pool, json, strlen(json)) != KR_WEBAUTHN_GOOD) {
        MUST(why);
        return;
    }
    kr_webauthn_verify(&proof, &why, pool, &assertion, &key, 0, &wanted);
}

/* The generator of P-256, as a key: nobody has it. */
static const unsigned char KEY[] = "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"
                                   "\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96"
                                   "\x22\x58\x20"
                                   "\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

static const kr_bytes_t GOOD_AUTH = { (const unsigned char *)AUTH, sizeof(AUTH) - 1 };
static const kr_bytes_t GOOD_CLIENT = { (const unsigned char *)CLIENT("webauthn.get"), sizeof(CLIENT("webauthn.get")) - 1 };
static const kr_bytes_t GOOD_KEY = { KEY, sizeof(KEY) - 1 };

int fuzz_authdata(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (size > INPUT_MAX) return 0;
    pool = new_pool();
    use(pool, (kr_bytes_t){ data, size }, GOOD_CLIENT, GOOD_KEY);
    apr_pool_destroy(pool);
    return 0;
}

int fuzz_clientdata(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (size > INPUT_MAX) return 0;
    pool = new_pool();
    use(pool, GOOD_AUTH, (kr_bytes_t){ data, size }, GOOD_KEY);
    apr_pool_destroy(pool);
    return 0;
}

/* As it is kept, and as it comes: in authenticator data with that id, without a statement. */
int fuzz_cose(const uint8_t *data, size_t size)
{
    static const char head[] = "\xa3\x63" "fmt\x64" "none\x67" "attStmt\xa0\x68" "authData\x59", auth[] = RP_HASH "\x45\0\0\0\1AAAABBBBCCCCDDDD\0\4\x1d\x1d\x1d\x1d";
    const size_t auth_len = sizeof(auth) - 1 + size, head_len = sizeof(head) - 1;
    kr_bytes_t copy;
    unsigned char *object;
    apr_pool_t *pool;

    if (size > INPUT_MAX) return 0;
    pool = new_pool();
    copy = copy_of(data, size);
    use(pool, GOOD_AUTH, GOOD_CLIENT, copy);
    object = apr_palloc(pool, head_len + 2 + auth_len);
    memcpy(object, head, head_len);
    object[head_len] = (unsigned char)(auth_len >> 8);
    object[head_len + 1] = (unsigned char)auth_len;
    memcpy(object + head_len + 2, auth, sizeof(auth) - 1);
    if (size) memcpy(object + head_len + 2 + sizeof(auth) - 1, data, size);
    register_object(pool, object, head_len + 2 + auth_len);
    apr_pool_destroy(pool);
    free((void *)copy.at);
    return 0;
}

int fuzz_response(const uint8_t *data, size_t size)
{
    kr_bytes_t copy = copy_of(data, size);
    apr_pool_t *pool = new_pool();
    kr_webauthn_assertion_t assertion;
    const char *why = NULL;

    if (kr_webauthn_read(&assertion, &why, pool, (const char *)copy.at, copy.len) == KR_WEBAUTHN_GOOD)
        MUST(assertion.id.len >= 1 && assertion.id.len <= KR_WEBAUTHN_ID_MAX && assertion.authenticator_data.len >= 37);
    register_json(pool, (const char *)copy.at, copy.len);
    apr_pool_destroy(pool);
    free((void *)copy.at);
    return 0;
}
