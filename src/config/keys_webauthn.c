/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: selfservice.methods.webauthn and .passkey. */
#include "kr_text.h"
#include "keys.h"

#define VERIFICATION "required|preferred|discouraged"

static const kr_key_t KEYS[] = {
    { "selfservice.methods.webauthn.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_WEBAUTHN]), BUILT,
      .help = "security keys" },
    { "selfservice.methods.webauthn.config.passwordless", KR_BOOL, "false", AT(webauthn_passwordless), BUILT,
      .help = "security keys are the first factor, not the second" },
    { "selfservice.methods.webauthn.config.rp.display_name", KR_TEXT, NULL, AT(webauthn.rp_name), BUILT,
      .help = "name of the site, as the browser shows it; the domain, if it is not set", .min = 1, .max = 128, .check = kr_check_line },
    { "selfservice.methods.webauthn.config.rp.id", KR_TEXT, NULL, AT(webauthn.rp_id), BUILT,
      .help = "domain that keys are bound to; the host of the base URL, if it is not set", .max = 253, .check = kr_check_rp_id },
    { "selfservice.methods.webauthn.config.rp.origin", KR_TEXT, NULL, AT(webauthn_origin), BUILT, .help = "origin of the pages",
      .check = kr_check_page_origin },
    { "selfservice.methods.webauthn.config.rp.origins", KR_TEXTS, NULL, AT(webauthn.origins), BUILT,
      .help = "origins of the pages, where there are several", .check = kr_check_page_origin },
    { "selfservice.methods.webauthn.config.rp.icon", KR_TEXT, NULL, NOWHERE, ELSEWHERE, .help = "an icon; browsers show none any more" },
    { "selfservice.methods.passkey.enabled", KR_BOOL, "false", AT(method_enabled[KR_METHOD_PASSKEY]), BUILT,
      .help = "passkeys" },
    { "selfservice.methods.passkey.config.rp.display_name", KR_TEXT, NULL, AT(passkey.rp_name), BUILT,
      .help = "name of the site, as the browser shows it; the domain, if it is not set", .min = 1, .max = 128, .check = kr_check_line },
    { "selfservice.methods.passkey.config.rp.id", KR_TEXT, NULL, AT(passkey.rp_id), BUILT,
      .help = "domain that passkeys are bound to; the host of the base URL, if it is not set", .max = 253, .check = kr_check_rp_id },
    { "selfservice.methods.passkey.config.rp.origins", KR_TEXTS, NULL, AT(passkey.origins), BUILT,
      .help = "origins of the pages; that of the base URL, if it is not set", .check = kr_check_page_origin },
    { "selfservice.methods.passkey.config.authenticator_selection.attachment", KR_WORD, NULL, AT(passkey.attachment), BUILT,
      .help = "built into the device, or beside it", .words = "platform|cross-platform" },
    { "selfservice.methods.passkey.config.authenticator_selection.resident_key", KR_WORD, "required", AT(passkey.resident_key), BUILT,
      .help = "is the key kept on the authenticator; without that nobody is found by it", .words = VERIFICATION },
    { "selfservice.methods.passkey.config.authenticator_selection.user_verification", KR_WORD, "preferred",
      AT(passkey.user_verification), BUILT, .help = "does the authenticator check who holds it", .words = VERIFICATION },
    { "selfservice.methods.passkey.config.attestation.preference", KR_WORD, "none", AT(passkey.attestation), BUILT,
      .help = "what the authenticator says of its make", .words = "none|indirect|direct|enterprise" },
    { "selfservice.methods.passkey.config.timeouts.<registration|login>", KR_DURATION, "5m", AT(passkey.registration_timeout), BUILT,
      .help = "how long the browser waits for the authenticator" },

    { "mod_kratos.webauthn.copied_keys", KR_WORD, "refuse", AT(webauthn_copies), BUILT,
      .help = "a key whose counter went back, as that of a copy does: refuse the sign-in, or let it in and report it in the log",
      .words = "refuse|report" },
};

const kr_keytable_t kr_keys_webauthn = { KEYS, KR_DIM(KEYS) };
