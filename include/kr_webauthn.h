/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What security keys and passkeys say, read and verified: W3C Web Authentication Level 3, sections 7.1 (registration) and 7.2
 * (authentication). Bytes in, a verdict out: nothing here knows flows, accounts or the database, and all memory is the pool's.
 */
#ifndef KR_WEBAUTHN_H
#define KR_WEBAUTHN_H

#include <apr_pools.h>
#include <apr_tables.h>

/** Bytes that belong to a pool. */
typedef struct {
    const unsigned char *at;
    apr_size_t len;
} kr_bytes_t;

#define KR_WEBAUTHN_ID_MAX 1023       /* bytes of a credential's id */
#define KR_WEBAUTHN_RESPONSE_MAX 65536 /* bytes of a response's JSON: an RSA key with a chain of certificates has about 8000 */

/** A key as the account keeps it. */
typedef struct {
    kr_bytes_t id;              /* 1 to KR_WEBAUTHN_ID_MAX bytes, out of the authenticator data */
    kr_bytes_t public_key;      /* COSE_Key, as it came */
    kr_bytes_t aaguid;          /* 16 bytes: the make */
    const char *attestation;    /* the statement's format: "none", "packed", "fido-u2f", ... */
    apr_array_header_t *transports; /* of const char*: "usb", "internal", ...; empty: not said */
    apr_uint32_t sign_count;    /* 0: the authenticator does not count */
    int user_present, user_verified, backup_eligible, backup_state; /* flags of the last look at it */
} kr_webauthn_key_t;

/** What must be in the answer of an authenticator. */
typedef struct {
    const char *rp_id;                  /* domain that keys are bound to */
    const apr_array_header_t *origins;  /* of const char*: compared as text (RFC 6454 serialisation) */
    kr_bytes_t challenge;
    int user_verification;              /* 1: required */
} kr_webauthn_expected_t;

/** How a response was taken. */
typedef enum {
    KR_WEBAUTHN_GOOD,
    KR_WEBAUTHN_UNREADABLE, /* no JSON, no CBOR, truncated, bytes behind the end */
    KR_WEBAUTHN_REFUSED     /* readable, but it proves nothing: origin, challenge, RP id, flags, algorithm, signature, attestation */
} kr_webauthn_verdict_e;

/**
 * The response to a registration: {"id","rawId","type","response":{"attestationObject","clientDataJSON"[,"transports"]}}.
 * The key is looked at as soon as it comes: an algorithm that was offered (kr_webauthn_algorithms), its curve, a point on it, a sensible
 * size. Statements of the formats none, packed, fido-u2f, tpm, android-key and apple are verified as far as they go,
 * without trust anchors; other formats are refused.
 * @param out  valid when the verdict is GOOD; points into the pool
 * @param why  otherwise what is wrong, in words for a log; static or in the pool, and nothing of the response is in it
 */
kr_webauthn_verdict_e kr_webauthn_register(kr_webauthn_key_t *out, const char **why, apr_pool_t *pool, const char *json,
                                           apr_size_t len, const kr_webauthn_expected_t *expected);

/** A response to a login, read, but not verified: whose it says that it is. */
typedef struct {
    kr_bytes_t id;              /* of the credential, out of rawId, which `id` must agree with */
    kr_bytes_t user_handle;     /* empty: none was sent */
    kr_bytes_t authenticator_data, client_data, signature;
} kr_webauthn_assertion_t;

/**
 * Read the response to a login: {"id","rawId","type","response":{"authenticatorData","clientDataJSON","signature","userHandle"}}.
 * Authenticator data must be whole: truncated, or with bytes behind its end, it is UNREADABLE.
 * @return GOOD or UNREADABLE
 */
kr_webauthn_verdict_e kr_webauthn_read(kr_webauthn_assertion_t *out, const char **why, apr_pool_t *pool, const char *json,
                                       apr_size_t len);

/** What else a verified assertion says. */
typedef struct {
    apr_uint32_t sign_count;
    int fell;                   /* 1: the counter is no higher than it was, though one of them counts: perhaps a copy of the key */
    int user_verified, backup_eligible, backup_state;
} kr_webauthn_proof_t;

/**
 * Verify an assertion with the key that its id names. A falling counter is told, and no verdict: that is for the settings to decide.
 * @param key  as it is kept; its backup_eligible must not change (7.2 step 19), unless `flags_known` is 0, as in rows that older
 *             versions of other programs wrote
 * @return GOOD or REFUSED
 */
kr_webauthn_verdict_e kr_webauthn_verify(kr_webauthn_proof_t *out, const char **why, apr_pool_t *pool,
                                         const kr_webauthn_assertion_t *assertion, const kr_webauthn_key_t *key, int flags_known,
                                         const kr_webauthn_expected_t *expected);

/** COSE algorithms that keys may have, in the order in which they are offered; ended by 0. */
extern const int kr_webauthn_algorithms[];

/** Can answers be verified with it: is it a COSE key of an algorithm that is offered, as kr_webauthn_register takes them? */
int kr_webauthn_key_usable(apr_pool_t *pool, kr_bytes_t public_key);

/** base64url without padding. */
const char *kr_webauthn_b64(apr_pool_t *pool, kr_bytes_t bytes);
/** @return 1, or 0 when it is no base64url; padding is taken when `padded` */
int kr_webauthn_unb64(kr_bytes_t *out, apr_pool_t *pool, const char *text, int padded);

/** The product's name of a well-known make, by its AAGUID; NULL when it is not known. Static. */
const char *kr_webauthn_make(kr_bytes_t aaguid);

#endif
