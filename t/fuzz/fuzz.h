/* SPDX-License-Identifier: Apache-2.0 */
/* What is fed with strangers' bytes, by libFuzzer (main.c) or from files (t/unit/test_fuzz_seeds.c). */
#ifndef KR_FUZZ_H
#define KR_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/**
 * One input. Anything may come of it but an accident: what must hold whatever the input is, is asserted.
 * @return 0
 */
typedef int fuzz_target_t(const uint8_t *data, size_t size);

fuzz_target_t fuzz_attestation; /* an attestation object */
fuzz_target_t fuzz_authdata;    /* authenticator data of a login */
fuzz_target_t fuzz_clientdata;  /* client data of a login */
fuzz_target_t fuzz_cose;        /* a public key */
fuzz_target_t fuzz_response;    /* the JSON of a registration or a login */
fuzz_target_t fuzz_totp;        /* a URL with a seed; a seed, a new line, and a code */
fuzz_target_t fuzz_codes;       /* a form with a recovery code in it */
fuzz_target_t fuzz_idtoken;     /* an ID token */
fuzz_target_t fuzz_keyset;      /* the keys of a provider */
fuzz_target_t fuzz_discovery;   /* its document */
fuzz_target_t fuzz_callback;   /* the query that a browser brings back from a provider */
fuzz_target_t fuzz_person;      /* a kind of provider, a new line, and what it tells of somebody */
fuzz_target_t fuzz_hook;        /* a status, a new line, and what a web hook answered */

#endif
