/* SPDX-License-Identifier: Apache-2.0 */
/* METHOD, path -> function. The first 32 rows are the operations of the official client's FrontendApi. */
#include "api.h"
#include "fedcm.h"

#define ANY (KR_GET | KR_POST | KR_PUT | KR_PATCH | KR_DELETE | KR_OPTIONS)
#define FORM (KR_GET | KR_POST)
#define FREE KR_ROUTE_NO_CSRF

/*
 * The last two columns: for whom the answers are, and the errors. They differ as clients know them: that a flow is switched off, that a
 * session is missing or that a logout fails is told to people on a page, also where everything else is JSON.
 */
#define SCRIPTS KR_FOR_SCRIPTS
#define ACCEPT KR_FOR_ACCEPT
#define REQUEST KR_FOR_REQUEST
#define APPS KR_FOR_APPS

static const kr_route_t ROUTES[] = {
    { "createBrowserLoginFlow", KR_GET, "/self-service/login/browser", kr_login_create_browser, 0, ACCEPT, ACCEPT },
    { "createNativeLoginFlow", KR_GET, "/self-service/login/api", kr_login_create_native, FREE, APPS, APPS },
    { "getLoginFlow", KR_GET, "/self-service/login/flows", kr_login_get, 0, SCRIPTS, SCRIPTS },
    { "updateLoginFlow", FORM, "/self-service/login", kr_login_submit, FREE, REQUEST, REQUEST },

    { "createBrowserRegistrationFlow", KR_GET, "/self-service/registration/browser", kr_registration_create_browser, 0, ACCEPT, ACCEPT },
    { "createNativeRegistrationFlow", KR_GET, "/self-service/registration/api", kr_registration_create_native, FREE, APPS, APPS },
    { "getRegistrationFlow", KR_GET, "/self-service/registration/flows", kr_registration_get, 0, SCRIPTS, REQUEST },
    { "updateRegistrationFlow", FORM, "/self-service/registration", kr_registration_submit, FREE, REQUEST, REQUEST },

    { "createBrowserSettingsFlow", KR_GET, "/self-service/settings/browser", kr_settings_create_browser, 0, ACCEPT, REQUEST },
    { "createNativeSettingsFlow", KR_GET, "/self-service/settings/api", kr_settings_create_native, FREE, APPS, APPS },
    { "getSettingsFlow", KR_GET, "/self-service/settings/flows", kr_settings_get, 0, SCRIPTS, REQUEST },
    { "updateSettingsFlow", FORM, "/self-service/settings", kr_settings_submit, FREE, REQUEST, REQUEST },

    { "createBrowserRecoveryFlow", KR_GET, "/self-service/recovery/browser", kr_recovery_create_browser, 0, ACCEPT, REQUEST },
    { "createNativeRecoveryFlow", KR_GET, "/self-service/recovery/api", kr_recovery_create_native, FREE, APPS, REQUEST },
    { "getRecoveryFlow", KR_GET, "/self-service/recovery/flows", kr_recovery_get, 0, SCRIPTS, REQUEST },
    { "updateRecoveryFlow", FORM, "/self-service/recovery", kr_recovery_submit, FREE, REQUEST, REQUEST },

    { "createBrowserVerificationFlow", KR_GET, "/self-service/verification/browser", kr_verification_create_browser, 0, ACCEPT, REQUEST },
    { "createNativeVerificationFlow", KR_GET, "/self-service/verification/api", kr_verification_create_native, FREE, APPS, REQUEST },
    { "getVerificationFlow", KR_GET, "/self-service/verification/flows", kr_verification_get, 0, SCRIPTS, REQUEST },
    { "updateVerificationFlow", FORM, "/self-service/verification", kr_verification_submit, FREE, REQUEST, REQUEST },

    { "createBrowserLogoutFlow", KR_GET, "/self-service/logout/browser", kr_logout_create, 0, SCRIPTS, REQUEST },
    { "updateLogoutFlow", KR_GET, "/self-service/logout", kr_logout_submit, 0, ACCEPT, REQUEST },
    { "performNativeLogout", KR_DELETE, "/self-service/logout/api", kr_logout_native, FREE, APPS, APPS },

    { "toSession", ANY, "/sessions/whoami", kr_whoami, FREE, SCRIPTS, SCRIPTS },
    { "exchangeSessionToken", KR_GET, "/sessions/token-exchange", kr_sessions_exchange, FREE, SCRIPTS, SCRIPTS },
    { "listMySessions", KR_GET, "/sessions", kr_sessions_list, FREE, SCRIPTS, SCRIPTS },
    { "disableMyOtherSessions", KR_DELETE, "/sessions", kr_sessions_revoke_others, FREE, SCRIPTS, SCRIPTS },
    { "disableMySession", KR_DELETE, "/sessions/{id}", kr_sessions_revoke_one, FREE, SCRIPTS, SCRIPTS },

    { "getFlowError", KR_GET, "/self-service/errors", kr_error_get, 0, SCRIPTS, SCRIPTS },
    { "getWebAuthnJavaScript", KR_GET, "/.well-known/ory/webauthn.js", kr_webauthn_javascript, 0, SCRIPTS, SCRIPTS },
    { "createFedcmFlow", KR_GET, "/self-service/fed-cm/parameters", kr_fedcm_create, 0, SCRIPTS, SCRIPTS },
    { "updateFedcmFlow", KR_POST, "/self-service/fed-cm/token", kr_fedcm_update, FREE, REQUEST, REQUEST },

    /* beside the FrontendApi */
    { NULL, KR_GET, "/self-service/methods/oidc/callback/{provider}", kr_oidc_callback, FREE, ACCEPT, ACCEPT },
    { NULL, KR_POST, "/self-service/methods/oidc/callback/{provider}", kr_oidc_callback_post, FREE, ACCEPT, ACCEPT },
    { NULL, KR_GET, "/self-service/methods/oidc/callback", kr_oidc_callback, 0, ACCEPT, ACCEPT },
    { NULL, KR_GET, "/schemas", kr_schemas_list, KR_ROUTE_ANY_QUERY, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/schemas/{id}", kr_schema_get, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/.well-known/jwks.json", kr_jwks, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/.well-known/change-password", kr_change_password, 0, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/.well-known/passkey-endpoints", kr_passkey_endpoints, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/.well-known/openid-configuration", kr_fedcm_discovery, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/.well-known/web-identity", kr_fedcm_web_identity, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, KR_FEDCM_CONFIG, kr_fedcm_config, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, KR_FEDCM_JWKS, kr_fedcm_jwks, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, KR_FEDCM_CLIENT, kr_fedcm_client_metadata, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, KR_FEDCM_ACCOUNTS, kr_fedcm_accounts, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_POST, KR_FEDCM_ASSERTION, kr_fedcm_assertion, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_POST, KR_FEDCM_DISCONNECT, kr_fedcm_disconnect, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/self-service/fed-cm/fedcm.js", kr_fedcm_javascript, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, KR_FEDCM_LOGIN, kr_fedcm_login, 0, ACCEPT, ACCEPT },
    { NULL, KR_GET, "/health/alive", kr_health_alive, FREE, SCRIPTS, SCRIPTS },
    { NULL, KR_GET, "/health/ready", kr_health_ready, FREE, SCRIPTS, SCRIPTS },
    { NULL, 0, NULL, NULL, 0, SCRIPTS, SCRIPTS },
};

const kr_route_set_t kr_public = { ROUTES, kr_guard_public };
