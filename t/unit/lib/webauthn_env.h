/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authenticator in software, for tests: what it says is put together from parts, so that a test bends one of them. Keys are made
 * by OpenSSL when they are asked for.
 */
#ifndef WEBAUTHN_ENV_H
#define WEBAUTHN_ENV_H

#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "json_env.h"
#include "kr_text.h"
#include "kr_webauthn.h"

#define RP_ID "example.org"
#define ORIGIN "https://example.org"

enum { UP = 0x01, UV = 0x04, BE = 0x08, BS = 0x10, AT = 0x40, ED = 0x80 };

/* -- bytes -------------------------------------------------------------------- */

/** Several, one after the other. */
kr_bytes_t join_all(const kr_bytes_t *parts, size_t count);
#define ALL(...) join_all((const kr_bytes_t[]){ __VA_ARGS__ }, sizeof((const kr_bytes_t[]){ __VA_ARGS__ }) / sizeof(kr_bytes_t))
/** Out of hex digits. */
kr_bytes_t hex(const char *digits);
/** That many of one byte. */
kr_bytes_t fill(int byte, size_t len);
/** The first `len`. */
kr_bytes_t first(kr_bytes_t bytes, size_t len);
/** With that byte changed. */
kr_bytes_t flipped(kr_bytes_t bytes, size_t at);
/** The bytes of a text. */
kr_bytes_t chars(const char *text);
/** Its SHA-256. */
kr_bytes_t sha256(kr_bytes_t bytes);

/* -- CBOR: heads, and what needs none behind ------------------------------------ */

kr_bytes_t map(unsigned pairs);
kr_bytes_t array(unsigned items);
kr_bytes_t num(int value);
kr_bytes_t bytes(kr_bytes_t value);
kr_bytes_t text(const char *value);

/* -- keys --------------------------------------------------------------------------- */

/** A new one: "P-256", "P-384", "P-521", "ED25519", "RSA". The test's pool frees it. */
EVP_PKEY *new_key(const char *kind);
/** Its public half as COSE_Key. */
kr_bytes_t cose_of(EVP_PKEY *key, int alg);
/** A number of a key by OpenSSL's name of it, padded to `size`; 0: as long as it is. */
kr_bytes_t number_of(EVP_PKEY *key, const char *name, size_t size);
/** Sign by an algorithm of COSE. */
kr_bytes_t sign(EVP_PKEY *key, int alg, kr_bytes_t data);

/* -- what it says ---------------------------------------------------------------------- */

/** Parts of an answer; a test changes some. */
typedef struct answer_t answer_t;
struct answer_t {
    EVP_PKEY *key;
    int alg;
    const char *type, *origin, *more; /* of the client data; `more`: further members, each with a comma in front */
    kr_bytes_t challenge;
    const char *rp_id;
    int flags;
    unsigned count;
    kr_bytes_t aaguid, id, cose, extensions;
    const char *format;
    kr_bytes_t (*statement)(const answer_t *answer, kr_bytes_t auth, kr_bytes_t client_hash); /* NULL: an empty map */
    const void *baton;                   /* of statement */
    kr_bytes_t client, auth, object, signature; /* in place of what is made; empty: made */
    const char *members;                 /* further ones of "response", each with a comma in front */
};

/** A good registration with a key of that algorithm, without attestation. */
answer_t new_answer(int alg);
/** The use of that key. */
answer_t use_of(const answer_t *created);
/** Its authenticator data. */
kr_bytes_t auth_of(const answer_t *answer);
/** Its attestation object, around that authenticator data. */
kr_bytes_t object_of(const answer_t *answer, kr_bytes_t auth);
/** The JSON of a registration. */
const char *creation_json(const answer_t *answer);
/** The JSON of a use. */
const char *assertion_json(const answer_t *answer);

/* -- verdicts ----------------------------------------------------------------------------- */

/** What the answers above are for. */
kr_webauthn_expected_t expected_of(kr_bytes_t challenge);
/** Register it; the words are left in `why_not`. */
kr_webauthn_verdict_e registers(kr_webauthn_key_t *out, const answer_t *answer);
/** Read it and verify it with that key; the words are left in `why_not`. */
kr_webauthn_verdict_e verifies(kr_webauthn_proof_t *out, const answer_t *answer, const kr_webauthn_key_t *key);
/** Why not, the last time. */
extern const char *why_not;

#define assert_good(verdict) assert_verdict(verdict, KR_WEBAUTHN_GOOD)
#define assert_refused(verdict) assert_verdict(verdict, KR_WEBAUTHN_REFUSED)
#define assert_unreadable(verdict) assert_verdict(verdict, KR_WEBAUTHN_UNREADABLE)
#define assert_verdict(verdict, wanted)                                                                                \
    do {                                                                                                               \
        if ((verdict) != (wanted)) fail_msg(#verdict ": not " #wanted ": %s", why_not ? why_not : "it went through");       \
    } while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_test_pool, close_test_pool)

#endif
