/* SPDX-License-Identifier: Apache-2.0 */
/* The wire names of flow kinds and methods. */
#include "kr_flow_kinds.h"

#include <stddef.h>

static const char *const KINDS[KR_FLOW_KINDS] = {
    [KR_FLOW_LOGIN] = "login",       [KR_FLOW_REGISTRATION] = "registration", [KR_FLOW_SETTINGS] = "settings",
    [KR_FLOW_RECOVERY] = "recovery", [KR_FLOW_VERIFICATION] = "verification",
};

static const char *const METHODS[KR_METHOD_IDS] = {
    [KR_METHOD_PROFILE] = "profile",
    [KR_METHOD_PASSWORD] = "password",
    [KR_METHOD_OIDC] = "oidc",
    [KR_METHOD_CODE] = "code",
    [KR_METHOD_LINK] = "link",
    [KR_METHOD_TOTP] = "totp",
    [KR_METHOD_PASSKEY] = "passkey",
    [KR_METHOD_WEBAUTHN] = "webauthn",
    [KR_METHOD_LOOKUP_SECRET] = "lookup_secret",
    [KR_METHOD_IDENTIFIER_FIRST] = "identifier_first",
};

const char *kr_flow_kind_name(kr_flow_kind_e kind)
{
    return (unsigned)kind < KR_FLOW_KINDS ? KINDS[kind] : NULL;
}

const char *kr_method_name(kr_method_e method)
{
    return (unsigned)method < KR_METHOD_IDS ? METHODS[method] : NULL;
}
