/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: selfservice.methods.webauthn and .passkey. */
#include "kr_text.h"
#include "keys.h"

#define VERIFICATION "required|preferred|discouraged"

static const kr_key_t KEYS[] = {
    { "selfservice.methods.webauthn.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_WEBAUTHN]), REFUSED,
      .help = "security keys", .asks = "security keys (WebAuthn)" },
    { "selfservice.methods.webauthn.config.passwordless", KR_BOOL, "false", AT(webauthn_passwordless), DETAIL,
      .help = "security keys are the first factor, not the second" },
    { "selfservice.methods.webauthn.config.rp.display_name", KR_TEXT, NULL, AT(webauthn.rp_name), DETAIL,
      .help = "name of the site, as the browser shows it; the domain, if it is not set", .min = 1, .max = 128, .check = kr_check_line },
    { "selfservice.methods.webauthn.config.rp.id", KR_TEXT, NULL, AT(webauthn.rp_id), DETAIL,
      .help = "domain that keys are bound to; the host of the base URL, if it is not set", .max = 253, .check = kr_check_rp_id },
    { "selfservice.methods.webauthn.config.rp.origin", KR_TEXT, NULL, AT(webauthn_origin), DETAIL, .help = "origin of the pages",
      .check = kr_check_page_origin },
    { "selfservice.methods.webauthn.config.rp.origins", KR_TEXTS, NULL, AT(webauthn.origins), DETAIL,
      .help = "origins of the pages, where there are several", .check = kr_check_page_origin },
    { "selfservice.methods.webauthn.config.rp.icon", KR_TEXT, NULL, NOWHERE, ELSEWHERE, .help = "an icon; browsers show none any more" },
    { "selfservice.methods.passkey.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_PASSKEY]), REFUSED,
      .help = "passkeys", .asks = "passkeys" },
    { "selfservice.methods.passkey.config.rp.display_name", KR_TEXT, NULL, AT(passkey.rp_name), DETAIL,
      .help = "name of the site, as the browser shows it; the domain, if it is not set", .min = 1, .max = 128, .check = kr_check_line },
    { "selfservice.methods.passkey.config.rp.id", KR_TEXT, NULL, AT(passkey.rp_id), DETAIL,
      .help = "domain that passkeys are bound to; the host of the base URL, if it is not set", .max = 253, .check = kr_check_rp_id },
    { "selfservice.methods.passkey.config.rp.origins", KR_TEXTS, NULL, AT(passkey.origins), DETAIL,
      .help = "origins of the pages; that of the base URL, if it is not set", .check = kr_check_page_origin },
    { "selfservice.methods.passkey.config.authenticator_selection.attachment", KR_WORD, NULL, AT(passkey.attachment), DETAIL,
      .help = "built into the device, or beside it", .words = "platform|cross-platform" },
    { "selfservice.methods.passkey.config.authenticator_selection.resident_key", KR_WORD, "required", AT(passkey.resident_key), DETAIL,
      .help = "is the key kept on the authenticator; without that nobody is found by it", .words = VERIFICATION },
    { "selfservice.methods.passkey.config.authenticator_selection.user_verification", KR_WORD, "preferred",
      AT(passkey.user_verification), DETAIL, .help = "does the authenticator check who holds it", .words = VERIFICATION },
    { "selfservice.methods.passkey.config.attestation.preference", KR_WORD, "none", AT(passkey.attestation), DETAIL,
      .help = "what the authenticator says of its make", .words = "none|indirect|direct|enterprise" },
    { "selfservice.methods.passkey.config.timeouts.<registration|login>", KR_DURATION, "5m", AT(passkey.registration_timeout), DETAIL,
      .help = "how long the browser waits for the authenticator" },
};

const kr_keytable_t kr_keys_webauthn = { KEYS, KR_DIM(KEYS) };
