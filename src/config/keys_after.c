/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: what follows a flow, in general and after each method; and which hook may stand where. */
#include "kr_text.h"
#include "keys.h"

#define AFTER(kind, field) AT(flow[KR_FLOW_##kind].after.field)
#define AFTER_BY(kind, method, field) AT(flow[KR_FLOW_##kind].after_method[KR_METHOD_##method].field)

/* Which hooks a list takes. */
#define ON_LOGIN                                                                                                       \
    "revoke_active_sessions|require_verified_address|web_hook|verification|show_verification_ui|b2b_sso|organization"
#define ON_LOGIN_OIDC "revoke_active_sessions|web_hook|require_verified_address|b2b_sso|organization"
#define ON_REGISTRATION "session|web_hook|show_verification_ui|b2b_sso|organization"
#define ON_CREDENTIAL "web_hook|revoke_active_sessions"
#define ON_PROFILE                                                                                                     \
    "web_hook|show_verification_ui|verify_new_address|notify_previous_addresses|b2b_sso|organization"
#define ON_ANY "web_hook|b2b_sso|organization"

static const kr_key_t KEYS[] = {
    { "selfservice.flows.login.after.default_browser_return_url", KR_PAGE, NULL, AFTER(LOGIN, url), BUILT,
      .help = "where people go after a login" },
    { "selfservice.flows.login.after.hooks", KR_HOOKS, NULL, AFTER(LOGIN, hooks), BUILT,
      .help = "hooks after a login whose method has no list of its own", .words = ON_LOGIN },
    { "selfservice.flows.login.after.password.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, PASSWORD, url), BUILT, .help = "where people go after login by password" },
    { "selfservice.flows.login.after.password.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, PASSWORD, hooks),
      BUILT, .help = "hooks after login by password", .words = ON_LOGIN },
    { "selfservice.flows.login.after.code.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, CODE, url), BUILT, .help = "where people go after login by one-time code" },
    { "selfservice.flows.login.after.code.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, CODE, hooks),
      BUILT, .help = "hooks after login by one-time code", .words = ON_LOGIN },
    { "selfservice.flows.login.after.oidc.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, OIDC, url), BUILT, .help = "where people go after login by another site" },
    { "selfservice.flows.login.after.oidc.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, OIDC, hooks),
      BUILT, .help = "hooks after login by another site", .words = ON_LOGIN_OIDC },
    { "selfservice.flows.login.after.totp.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, TOTP, url), BUILT, .help = "where people go after login by authenticator app" },
    { "selfservice.flows.login.after.totp.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, TOTP, hooks),
      BUILT, .help = "hooks after login by authenticator app", .words = ON_LOGIN },
    { "selfservice.flows.login.after.webauthn.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, WEBAUTHN, url), BUILT, .help = "where people go after login by security key" },
    { "selfservice.flows.login.after.webauthn.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, WEBAUTHN, hooks),
      BUILT, .help = "hooks after login by security key", .words = ON_LOGIN },
    { "selfservice.flows.login.after.passkey.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, PASSKEY, url), BUILT, .help = "where people go after login by passkey" },
    { "selfservice.flows.login.after.passkey.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, PASSKEY, hooks),
      BUILT, .help = "hooks after login by passkey", .words = ON_LOGIN },
    { "selfservice.flows.login.after.lookup_secret.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(LOGIN, LOOKUP_SECRET, url), BUILT, .help = "where people go after login by backup code" },
    { "selfservice.flows.login.after.lookup_secret.hooks", KR_HOOKS, NULL, AFTER_BY(LOGIN, LOOKUP_SECRET, hooks),
      BUILT, .help = "hooks after login by backup code", .words = ON_LOGIN },

    { "selfservice.flows.registration.after.default_browser_return_url", KR_PAGE, NULL, AFTER(REGISTRATION, url), BUILT,
      .help = "where people go after a registration" },
    { "selfservice.flows.registration.after.hooks", KR_HOOKS, NULL, AFTER(REGISTRATION, hooks), BUILT,
      .help = "hooks after a registration whose method has no list of its own", .words = ON_ANY },
    { "selfservice.flows.registration.after.password.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(REGISTRATION, PASSWORD, url), BUILT, .help = "where people go after registration by password" },
    { "selfservice.flows.registration.after.password.hooks", KR_HOOKS, NULL, AFTER_BY(REGISTRATION, PASSWORD, hooks),
      BUILT, .help = "hooks after registration by password", .words = ON_REGISTRATION },
    { "selfservice.flows.registration.after.code.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(REGISTRATION, CODE, url), BUILT, .help = "where people go after registration by one-time code" },
    { "selfservice.flows.registration.after.code.hooks", KR_HOOKS, NULL, AFTER_BY(REGISTRATION, CODE, hooks),
      BUILT, .help = "hooks after registration by one-time code", .words = ON_REGISTRATION },
    { "selfservice.flows.registration.after.oidc.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(REGISTRATION, OIDC, url), BUILT, .help = "where people go after registration by another site" },
    { "selfservice.flows.registration.after.oidc.hooks", KR_HOOKS, NULL, AFTER_BY(REGISTRATION, OIDC, hooks),
      BUILT, .help = "hooks after registration by another site", .words = ON_REGISTRATION },
    { "selfservice.flows.registration.after.webauthn.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(REGISTRATION, WEBAUTHN, url), BUILT, .help = "where people go after registration by security key" },
    { "selfservice.flows.registration.after.webauthn.hooks", KR_HOOKS, NULL, AFTER_BY(REGISTRATION, WEBAUTHN, hooks),
      BUILT, .help = "hooks after registration by security key", .words = ON_REGISTRATION },
    { "selfservice.flows.registration.after.passkey.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(REGISTRATION, PASSKEY, url), BUILT, .help = "where people go after registration by passkey" },
    { "selfservice.flows.registration.after.passkey.hooks", KR_HOOKS, NULL, AFTER_BY(REGISTRATION, PASSKEY, hooks),
      BUILT, .help = "hooks after registration by passkey", .words = ON_REGISTRATION },

    { "selfservice.flows.settings.after.default_browser_return_url", KR_PAGE, NULL, AFTER(SETTINGS, url), BUILT,
      .help = "where people go after a change" },
    { "selfservice.flows.settings.after.hooks", KR_HOOKS, NULL, AFTER(SETTINGS, hooks), BUILT,
      .help = "hooks after a change whose method has no list of its own", .words = ON_ANY },
    { "selfservice.flows.settings.after.profile.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, PROFILE, url), BUILT, .help = "where people go after a change of traits" },
    { "selfservice.flows.settings.after.profile.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, PROFILE, hooks),
      BUILT, .help = "hooks after a change of traits", .words = ON_PROFILE },
    { "selfservice.flows.settings.after.password.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, PASSWORD, url), BUILT, .help = "where people go after a change of password" },
    { "selfservice.flows.settings.after.password.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, PASSWORD, hooks),
      BUILT, .help = "hooks after a change of password", .words = ON_CREDENTIAL },
    { "selfservice.flows.settings.after.oidc.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, OIDC, url), BUILT, .help = "where people go after a change of another site" },
    { "selfservice.flows.settings.after.oidc.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, OIDC, hooks),
      BUILT, .help = "hooks after a change of another site", .words = ON_CREDENTIAL },
    { "selfservice.flows.settings.after.totp.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, TOTP, url), BUILT, .help = "where people go after a change of authenticator app" },
    { "selfservice.flows.settings.after.totp.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, TOTP, hooks),
      BUILT, .help = "hooks after a change of authenticator app", .words = ON_CREDENTIAL },
    { "selfservice.flows.settings.after.webauthn.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, WEBAUTHN, url), BUILT, .help = "where people go after a change of security key" },
    { "selfservice.flows.settings.after.webauthn.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, WEBAUTHN, hooks),
      BUILT, .help = "hooks after a change of security key", .words = ON_CREDENTIAL },
    { "selfservice.flows.settings.after.passkey.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, PASSKEY, url), BUILT, .help = "where people go after a change of passkey" },
    { "selfservice.flows.settings.after.passkey.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, PASSKEY, hooks),
      BUILT, .help = "hooks after a change of passkey", .words = ON_CREDENTIAL },
    { "selfservice.flows.settings.after.lookup_secret.default_browser_return_url", KR_PAGE, NULL,
      AFTER_BY(SETTINGS, LOOKUP_SECRET, url), BUILT, .help = "where people go after a change of backup code" },
    { "selfservice.flows.settings.after.lookup_secret.hooks", KR_HOOKS, NULL, AFTER_BY(SETTINGS, LOOKUP_SECRET, hooks),
      BUILT, .help = "hooks after a change of backup code", .words = ON_CREDENTIAL },

    { "selfservice.flows.recovery.after.default_browser_return_url", KR_PAGE, NULL, AFTER(RECOVERY, url), BUILT,
      .help = "where people go after a recovery" },
    { "selfservice.flows.recovery.after.hooks", KR_HOOKS, NULL, AFTER(RECOVERY, hooks), BUILT,
      .help = "hooks after a recovery", .words = ON_CREDENTIAL },

    { "selfservice.flows.verification.after.default_browser_return_url", KR_PAGE, NULL, AFTER(VERIFICATION, url),
      BUILT,
      .help = "where people go after a verification" },
    { "selfservice.flows.verification.after.hooks", KR_HOOKS, NULL, AFTER(VERIFICATION, hooks), BUILT,
      .help = "hooks after a verification", .words = ON_ANY },
};

const kr_keytable_t kr_keys_after = { KEYS, KR_DIM(KEYS) };

static const kr_key_t NOTIFY[] = {
    { "recipients", KR_WORD, "removed", IN(kr_notify_conf_t, recipients), BUILT,
      .help = "which of the addresses that the account had", .words = "removed|all_verified|all" },
};

const kr_element_t kr_notify_element = { ELEMENT(kr_notify_conf_t, NOTIFY) };

const kr_hook_kind_t kr_hook_kinds[] = {
    { "session", 1, 0, "the new identity is signed in", NULL },
    { "revoke_active_sessions", 1, 0, "all other sessions of the identity end", NULL },
    { "require_verified_address", 1, 0, "nobody signs in without a verified address", NULL },
    { "verification", 1, 0, "sends a code or link to an address that is not verified yet", NULL },
    { "show_verification_ui", 1, 0, "people go on to verify their address", NULL },
    { "verify_new_address", 0, 0, "a changed address counts once it is verified", NULL },
    { "notify_previous_addresses", 1, 0,
      "addresses that the account had are told of a change; `config.recipients`: `removed` (default), `all_verified` or `all`",
      &kr_notify_element },
    { "web_hook", 1, 0, "calls a URL: see howto/web-hooks.md", &kr_web_hook_element },
    { "b2b_sso", 0, 1, "of Ory's enterprise edition: accepted, no effect", NULL },
    { "organization", 0, 1, "of Ory's enterprise edition: accepted, no effect", NULL },
    { NULL, 0, 0, NULL, NULL }
};
