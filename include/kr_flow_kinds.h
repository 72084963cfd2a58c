/* SPDX-License-Identifier: Apache-2.0 */
/* The names that settings, flows and methods share: kinds of flows, ids of methods. */
#ifndef KR_FLOW_KINDS_H
#define KR_FLOW_KINDS_H

typedef enum {
    KR_FLOW_LOGIN,
    KR_FLOW_REGISTRATION,
    KR_FLOW_SETTINGS,
    KR_FLOW_RECOVERY,
    KR_FLOW_VERIFICATION,
    KR_FLOW_KINDS
} kr_flow_kind_e;

typedef enum {
    KR_METHOD_PROFILE,
    KR_METHOD_PASSWORD,
    KR_METHOD_OIDC,
    KR_METHOD_CODE,
    KR_METHOD_LINK,
    KR_METHOD_TOTP,
    KR_METHOD_PASSKEY,
    KR_METHOD_WEBAUTHN,
    KR_METHOD_LOOKUP_SECRET,
    KR_METHOD_IDENTIFIER_FIRST,
    KR_METHOD_IDS
} kr_method_e;

/** "login", "registration", ... as in URLs and settings. */
const char *kr_flow_kind_name(kr_flow_kind_e kind);
/** "password", "profile", ... as on the wire. */
const char *kr_method_name(kr_method_e method);

#endif
