/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON in which pages send what keys said (RegistrationResponseJSON, AuthenticationResponseJSON). */
#ifndef KR_WEBAUTHN_RESPONSE_H
#define KR_WEBAUTHN_RESPONSE_H

#include <jansson.h>

#include "kr_webauthn.h"

/** What both kinds begin with. */
typedef struct {
    kr_bytes_t id, raw_id;  /* raw_id: empty when it is not there */
    const json_t *members;  /* of "response" */
} kr_response_t;

/** Read it. @return NULL, or what is wrong */
const char *kr_response_read(kr_response_t *out, apr_pool_t *pool, const char *json, apr_size_t len);

/** A member in base64url, padded or not. @return 1; 0 when it is none. What is not there, or null, is empty. */
int kr_response_bytes(kr_bytes_t *out, apr_pool_t *pool, const json_t *members, const char *name);

#endif
