/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: selfservice.methods, the ways to prove who you are. */
#include "kr_text.h"
#include "keys.h"

static const kr_key_t ORGANIZATION[] = {
    { "id", KR_TEXT, NULL, NOWHERE, DETAIL,
      .help = "of Ory's enterprise edition", .check = kr_check_uuid },
    { "label", KR_TEXT, NULL, NOWHERE, DETAIL,
      .help = "of Ory's enterprise edition" },
    { "domains", KR_TEXTS, NULL, NOWHERE, DETAIL,
      .help = "of Ory's enterprise edition" },
    { "session_lifespan", KR_DURATION, NULL, NOWHERE, DETAIL,
      .help = "of Ory's enterprise edition" },
};

static const kr_element_t ORGANIZATION_ELEMENT = { ROWS(ORGANIZATION) };

static const kr_key_t KEYS[] = {
    { "selfservice.methods.profile.enabled", KR_BOOL, "true", AT(method_enabled[KR_METHOD_PROFILE]), BUILT,
      .help = "people may fill in and change their traits" },

    { "selfservice.methods.password.enabled", KR_BOOL, "true", AT(method_enabled[KR_METHOD_PASSWORD]), BUILT,
      .help = "passwords" },
    { "selfservice.methods.password.config.min_password_length", KR_INT, "8", AT(password.min_length), BUILT,
      .help = "shortest password, in bytes", .min = 6, .max = 1024 },
    { "selfservice.methods.password.config.identifier_similarity_check_enabled", KR_BOOL, "true",
      AT(password.similarity_check), BUILT, .help = "refuse passwords that look like the identifier" },
    { "selfservice.methods.password.config.haveibeenpwned_enabled", KR_BOOL, "true", AT(password.hibp_enabled), BUILT,
      .help = "ask a breach list (five digits of a hash leave the server)" },
    { "selfservice.methods.password.config.haveibeenpwned_host", KR_TEXT, "api.pwnedpasswords.com",
      AT(password.hibp_host), BUILT, .help = "host of that list, or an http(s) URL of a mirror",
      .check = kr_check_breach_host },
    { "selfservice.methods.password.config.max_breaches", KR_INT, "0", AT(password.hibp_max_breaches), BUILT,
      .help = "how often a password may stand in that list", .max = 100 },
    { "selfservice.methods.password.config.ignore_network_errors", KR_BOOL, "true",
      AT(password.hibp_ignore_network_errors), BUILT, .help = "take the password when the list cannot be reached" },
    { "selfservice.methods.password.config.migrate_hook.enabled", KR_BOOL, "false", NOWHERE, REFUSED,
      .help = "ask an older system about passwords that were not imported", .asks = "moving passwords by web hook" },
    { "selfservice.methods.password.config.migrate_hook.config.url", KR_URL, NULL, NOWHERE, DETAIL,
      .help = "that system" },
    { "selfservice.methods.password.config.migrate_hook.config.method", KR_WORD, "POST", NOWHERE, DETAIL,
      .help = "HTTP method of the call", .words = "POST" },
    { "selfservice.methods.password.config.migrate_hook.config.headers", KR_MAP, NULL, NOWHERE, DETAIL,
      .help = "its headers", .secret = 1 },
    { "selfservice.methods.password.config.migrate_hook.config.emit_analytics_event", KR_BOOL, "true", NOWHERE, DETAIL,
      .help = "send request ids along" },
    { "selfservice.methods.password.config.migrate_hook.config.auth.type", KR_WORD, NULL, NOWHERE, DETAIL,
      .help = "how it proves who calls", .words = "api_key|basic_auth" },
    { "selfservice.methods.password.config.migrate_hook.config.auth.config.<name|user>", KR_TEXT, NULL, NOWHERE, DETAIL,
      .help = "name of key or user" },
    { "selfservice.methods.password.config.migrate_hook.config.auth.config.<value|password>", KR_TEXT, NULL, NOWHERE,
      DETAIL, .help = "the key or password", .secret = 1 },
    { "selfservice.methods.password.config.migrate_hook.config.auth.config.in", KR_WORD, NULL, NOWHERE, DETAIL,
      .help = "where the key stands", .words = "header|cookie" },
    { "selfservice.methods.password.config.migrate_hook.config.body", KR_SOURCE, NULL, NOWHERE, DETAIL,
      .help = "Jsonnet that makes its body" },

    { "selfservice.methods.code.enabled", KR_BOOL, "true", AT(method_enabled[KR_METHOD_CODE]), BUILT,
      .help = "one-time codes in recovery and verification" },
    { "selfservice.methods.code.passwordless_enabled", KR_BOOL, "false", AT(code_passwordless), BUILT,
      .help = "sign in and sign up with a code" },
    { "selfservice.methods.code.mfa_enabled", KR_BOOL, "false", AT(code_mfa), BUILT,
      .help = "a code as second factor" },
    { "selfservice.methods.code.config.lifespan", KR_DURATION, "1h", AT(code_lifespan), BUILT,
      .help = "how long a code is good" },
    { "selfservice.methods.code.config.max_submissions", KR_INT, "5", AT(code_max_submissions), BUILT,
      .help = "wrong codes that a flow takes", .min = 1, .max = 255 },
    { "selfservice.methods.code.config.missing_credential_fallback_enabled", KR_BOOL, "false", AT(code_fallback), BUILT,
      .help = "an account without a code credential is found by its other identifiers and addresses; the code goes to the address that "
              "was typed" },
    { "selfservice.methods.link.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_LINK]), BUILT,
      .help = "mailed links in recovery and verification", .asks = "recovery and verification by link" },
    { "selfservice.methods.link.config.base_url", KR_URL, NULL, NOWHERE, DETAIL, .help = "what such links begin with" },
    { "selfservice.methods.link.config.lifespan", KR_DURATION, "1h", AT(link_lifespan), BUILT,
      .help = "how long they are good" },

    { "selfservice.methods.totp.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_TOTP]), BUILT,
      .help = "authenticator apps" },
    { "selfservice.methods.totp.config.issuer", KR_TEXT, NULL, AT(totp_issuer), BUILT,
      .help = "name of the site in the app; the host of the base URL, if it is not set", .max = 128, .check = kr_check_line },
    { "selfservice.methods.lookup_secret.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_LOOKUP_SECRET]),
      BUILT, .help = "backup codes" },

    { "selfservice.methods.oidc.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_OIDC]), BUILT,
      .help = "sign in with another site", .asks = "sign-in with other sites (OpenID Connect)" },
    { "selfservice.methods.oidc.config.base_redirect_uri", KR_URL, NULL, AT(oidc.base_redirect_uri), BUILT,
      .help = "what callback URLs begin with" },
    { "selfservice.methods.oidc.config.providers", KR_OBJECTS, NULL, AT(oidc.providers), BUILT, .help = "those sites",
      .of = &kr_oidc_provider_element },
    { "selfservice.methods.b2b.config.organizations", KR_OBJECTS, NULL, NOWHERE, DETAIL,
      .help = "of Ory's enterprise edition", .of = &ORGANIZATION_ELEMENT },
};

const kr_keytable_t kr_keys_methods = { KEYS, KR_DIM(KEYS) };
