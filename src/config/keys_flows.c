/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: selfservice.flows. What follows a flow stands in keys_after.c. */
#include "kr_text.h"
#include "keys.h"

/* Pages are relative to serve.public.base_url. Kratos' own defaults lead to ory.com, which would be told flow ids. */
#define FLOW(kind, field) AT(flow[KR_FLOW_##kind].field)
#define BEFORE "web_hook|b2b_sso|organization"

static const kr_key_t KEYS[] = {
    { "selfservice.default_browser_return_url", KR_PAGE, NULL, AT(default_return_url), BUILT,
      .help = "where people go when nothing else says so; needed" },
    { "selfservice.allowed_return_urls", KR_TEXTS, NULL, AT(allowed_return_urls), BUILT,
      .help = "where `return_to` may lead: scheme, host (first label may be `*`) and beginning of the path" },
    { "selfservice.flows.error.ui_url", KR_PAGE, "/error", AT(error_ui_url), BUILT,
      .help = "page that shows errors, with `?id=`" },
    { "selfservice.flows.logout.clear_browser_data", KR_BOOL, "false", AT(logout_clear_data), BUILT,
      .help = "tell the browser to forget all data of the site (`Clear-Site-Data`)" },
    { "selfservice.flows.logout.after.default_browser_return_url", KR_PAGE, NULL, AT(logout_return_url), BUILT,
      .help = "where people go after they signed out" },

    { "selfservice.flows.login.ui_url", KR_PAGE, "/login", FLOW(LOGIN, ui_url), BUILT,
      .help = "login page, with `?flow=`" },
    { "selfservice.flows.login.lifespan", KR_DURATION, "1h", FLOW(LOGIN, lifespan), BUILT,
      .help = "how long a login may take" },
    { "selfservice.flows.login.style", KR_CHOICE, "unified", AT(login_identifier_first), BUILT,
      .help = "all on one page, or the identifier first", .words = "unified|identifier_first" },
    { "selfservice.flows.login.before.hooks", KR_HOOKS, NULL, FLOW(LOGIN, before), BUILT,
      .help = "hooks when a login begins", .words = BEFORE },

    { "selfservice.flows.registration.enabled", KR_BOOL, "true", FLOW(REGISTRATION, enabled), BUILT,
      .help = "may people register" },
    { "selfservice.flows.registration.ui_url", KR_PAGE, "/registration", FLOW(REGISTRATION, ui_url), BUILT,
      .help = "registration page, with `?flow=`" },
    { "selfservice.flows.registration.lifespan", KR_DURATION, "1h", FLOW(REGISTRATION, lifespan), BUILT,
      .help = "how long a registration may take" },
    { "selfservice.flows.registration.style", KR_CHOICE, "profile_first", AT(registration_one_step), BUILT,
      .help = "traits first and then the credential, or all on one page", .words = "profile_first|unified" },
    { "selfservice.flows.registration.enable_legacy_one_step", KR_BOOL, "false", NOWHERE, BUILT,
      .help = "older name of `style: unified`" },
    { "selfservice.flows.registration.login_hints", KR_BOOL, "false", AT(registration_login_hints), BUILT,
      .help = "tell somebody who registers twice how to sign in" },
    { "selfservice.flows.registration.before.hooks", KR_HOOKS, NULL, FLOW(REGISTRATION, before), BUILT,
      .help = "hooks when a registration begins", .words = BEFORE },

    { "selfservice.flows.settings.ui_url", KR_PAGE, "/settings", FLOW(SETTINGS, ui_url), BUILT,
      .help = "settings page, with `?flow=`" },
    { "selfservice.flows.settings.lifespan", KR_DURATION, "1h", FLOW(SETTINGS, lifespan), BUILT,
      .help = "how long a change may take" },
    { "selfservice.flows.settings.privileged_session_max_age", KR_DURATION, "1h", AT(settings_privileged_age), BUILT,
      .help = "how fresh a login must be for changes of credentials" },
    { "selfservice.flows.settings.required_aal", KR_CHOICE, "highest_available", AT(settings_highest_aal), BUILT,
      .help = "assurance level that changes ask for; with aal1 who comes back by a recovery needs no second factor for them",
      .words = "aal1|highest_available" },
    { "selfservice.flows.settings.before.hooks", KR_HOOKS, NULL, FLOW(SETTINGS, before), BUILT,
      .help = "hooks when a change begins", .words = BEFORE },

    { "selfservice.flows.recovery.enabled", KR_BOOL, "false", FLOW(RECOVERY, enabled), BUILT,
      .help = "may people get back in without their password" },
    { "selfservice.flows.recovery.ui_url", KR_PAGE, "/recovery", FLOW(RECOVERY, ui_url), BUILT,
      .help = "recovery page, with `?flow=`" },
    { "selfservice.flows.recovery.lifespan", KR_DURATION, "1h", FLOW(RECOVERY, lifespan), BUILT,
      .help = "how long a recovery may take" },
    { "selfservice.flows.recovery.use", KR_WORD, "code", AT(recovery_use), BUILT,
      .help = "what is mailed", .words = "link|code" },
    { "selfservice.flows.recovery.notify_unknown_recipients", KR_BOOL, "false", AT(recovery_notify_unknown), BUILT,
      .help = "also mail addresses that nobody has, to say so" },
    { "selfservice.flows.recovery.before.hooks", KR_HOOKS, NULL, FLOW(RECOVERY, before), BUILT,
      .help = "hooks when a recovery begins", .words = BEFORE },

    { "selfservice.flows.verification.enabled", KR_BOOL, "false", FLOW(VERIFICATION, enabled), BUILT,
      .help = "are addresses verified" },
    { "selfservice.flows.verification.ui_url", KR_PAGE, "/verification", FLOW(VERIFICATION, ui_url), BUILT,
      .help = "verification page, with `?flow=`" },
    { "selfservice.flows.verification.lifespan", KR_DURATION, "1h", FLOW(VERIFICATION, lifespan), BUILT,
      .help = "how long a verification may take" },
    { "selfservice.flows.verification.use", KR_WORD, "code", AT(verification_use), BUILT,
      .help = "what is mailed", .words = "link|code" },
    { "selfservice.flows.verification.notify_unknown_recipients", KR_BOOL, "false", AT(verification_notify_unknown), BUILT,
      .help = "also mail addresses that nobody has, to say so" },
    { "selfservice.flows.verification.before.hooks", KR_HOOKS, NULL, FLOW(VERIFICATION, before), BUILT,
      .help = "hooks when a verification begins", .words = BEFORE },
};

const kr_keytable_t kr_keys_flows = { KEYS, KR_DIM(KEYS) };
