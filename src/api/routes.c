/* SPDX-License-Identifier: Apache-2.0 */
/* METHOD, path -> function. The first 32 rows are the operations of the official client's FrontendApi. */
#include "api_private.h"

#define ANY (KR_GET | KR_POST | KR_PUT | KR_PATCH | KR_DELETE | KR_OPTIONS)
#define FORM (KR_GET | KR_POST)
#define FREE KR_ROUTE_NO_CSRF

static const kr_route_t ROUTES[] = {
    { "createBrowserLoginFlow", KR_GET, "/self-service/login/browser", kr_login_create_browser, 0 },
    { "createNativeLoginFlow", KR_GET, "/self-service/login/api", kr_login_create_native, FREE },
    { "getLoginFlow", KR_GET, "/self-service/login/flows", kr_login_get, 0 },
    { "updateLoginFlow", FORM, "/self-service/login", kr_login_submit, FREE },

    { "createBrowserRegistrationFlow", KR_GET, "/self-service/registration/browser", kr_registration_create_browser, 0 },
    { "createNativeRegistrationFlow", KR_GET, "/self-service/registration/api", kr_registration_create_native, FREE },
    { "getRegistrationFlow", KR_GET, "/self-service/registration/flows", kr_registration_get, 0 },
    { "updateRegistrationFlow", FORM, "/self-service/registration", kr_registration_submit, FREE },

    { "createBrowserSettingsFlow", KR_GET, "/self-service/settings/browser", kr_settings_create_browser, 0 },
    { "createNativeSettingsFlow", KR_GET, "/self-service/settings/api", kr_settings_create_native, FREE },
    { "getSettingsFlow", KR_GET, "/self-service/settings/flows", kr_settings_get, 0 },
    { "updateSettingsFlow", FORM, "/self-service/settings", kr_settings_submit, FREE },

    { "createBrowserRecoveryFlow", KR_GET, "/self-service/recovery/browser", kr_recovery_create_browser, 0 },
    { "createNativeRecoveryFlow", KR_GET, "/self-service/recovery/api", kr_recovery_create_native, FREE },
    { "getRecoveryFlow", KR_GET, "/self-service/recovery/flows", kr_recovery_get, 0 },
    { "updateRecoveryFlow", FORM, "/self-service/recovery", kr_recovery_submit, FREE },

    { "createBrowserVerificationFlow", KR_GET, "/self-service/verification/browser", kr_verification_create_browser, 0 },
    { "createNativeVerificationFlow", KR_GET, "/self-service/verification/api", kr_verification_create_native, FREE },
    { "getVerificationFlow", KR_GET, "/self-service/verification/flows", kr_verification_get, 0 },
    { "updateVerificationFlow", FORM, "/self-service/verification", kr_verification_submit, FREE },

    { "createBrowserLogoutFlow", KR_GET, "/self-service/logout/browser", kr_logout_create, 0 },
    { "updateLogoutFlow", KR_GET, "/self-service/logout", kr_logout_submit, 0 },
    { "performNativeLogout", KR_DELETE, "/self-service/logout/api", kr_logout_native, FREE },

    { "toSession", ANY, "/sessions/whoami", kr_whoami, FREE },
    { "exchangeSessionToken", KR_GET, "/sessions/token-exchange", kr_sessions_exchange, FREE },
    { "listMySessions", KR_GET, "/sessions", kr_sessions_list, FREE },
    { "disableMyOtherSessions", KR_DELETE, "/sessions", kr_sessions_revoke_others, FREE },
    { "disableMySession", KR_DELETE, "/sessions/{id}", kr_sessions_revoke_one, FREE },

    { "getFlowError", KR_GET, "/self-service/errors", kr_error_get, 0 },
    { "getWebAuthnJavaScript", KR_GET, "/.well-known/ory/webauthn.js", kr_webauthn_javascript, 0 },
    { "createFedcmFlow", KR_GET, "/self-service/fed-cm/parameters", kr_not_here, 0 },
    { "updateFedcmFlow", KR_POST, "/self-service/fed-cm/token", kr_not_here, 0 },

    /* beside the FrontendApi */
    { NULL, KR_GET, "/schemas", kr_schemas_list, KR_ROUTE_ANY_QUERY },
    { NULL, KR_GET, "/schemas/{id}", kr_schema_get, FREE },
    { NULL, KR_GET, "/.well-known/jwks.json", kr_jwks, FREE },
    { NULL, KR_GET, "/.well-known/change-password", kr_change_password, 0 },
    { NULL, KR_GET, "/health/alive", kr_health_alive, FREE | KR_ROUTE_HEALTH },
    { NULL, KR_GET, "/health/ready", kr_health_ready, FREE | KR_ROUTE_HEALTH },
    { NULL, 0, NULL, NULL, 0 },
};

const kr_route_set_t kr_public = { ROUTES, kr_guard_public };
