/* SPDX-License-Identifier: Apache-2.0 */
/* Client data (WebAuthn section 5.8.1): what the browser says of the page that asked. */
#ifndef KR_WEBAUTHN_CLIENTDATA_H
#define KR_WEBAUTHN_CLIENTDATA_H

#include "kr_webauthn.h"

#define KR_CLIENTDATA_CREATE "webauthn.create"
#define KR_CLIENTDATA_GET "webauthn.get"

/** Its members that count; others may stand beside them. */
typedef struct {
    const char *type, *challenge, *origin; /* NULL: not there */
    int framed;                            /* 1: the page was in a frame of another site's */
} kr_clientdata_t;

/**
 * Read its JSON.
 * @return NULL, or what is wrong: it is no JSON, or a member has another type
 */
const char *kr_clientdata_read(kr_clientdata_t *out, apr_pool_t *pool, kr_bytes_t json);

/**
 * Is it of that ceremony, for this challenge, from a page of ours (7.1 steps 7 to 11, 7.2 steps 10 to 14)?
 * @return NULL, or why not
 */
const char *kr_clientdata_check(const kr_clientdata_t *client, apr_pool_t *pool, const char *type,
                                const kr_webauthn_expected_t *expected);

#endif
