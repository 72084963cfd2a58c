/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of security keys, and of passkeys: selfservice.methods.webauthn and .passkey. */
#ifndef KR_WEBAUTHN_CONF_H
#define KR_WEBAUTHN_CONF_H

#include <apr_tables.h>
#include <apr_time.h>

/** Of one of the two methods. Where it is off, what was not said may be NULL. */
typedef struct {
    const char *rp_id;               /* domain that keys are bound to: that of the base URL, unless said */
    const char *rp_name;             /* of the site, as browsers show it; the domain, unless said */
    const apr_array_header_t *origins; /* of const char*: of the pages, as browsers write them; never empty */
    const char *attachment;          /* "platform", "cross-platform"; NULL: either */
    const char *resident_key;        /* "required", "preferred", "discouraged" */
    const char *user_verification;   /* likewise */
    const char *attestation;         /* "none", "indirect", "direct", "enterprise" */
    apr_time_t registration_timeout, login_timeout; /* how long browsers wait for the authenticator, µs */
} kr_webauthn_conf_t;

#endif
