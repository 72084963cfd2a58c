/* SPDX-License-Identifier: Apache-2.0 */
/* What the messages say: one row per kind, in English and German. No digits: what has digits here is the code. */
#include <string.h>

#include "kr_text.h"
#include "courier.h"

#define NOT_YOU_EN "If this was not you, you need not do anything."
#define NOT_YOU_DE "Falls Sie das nicht waren, brauchen Sie nichts zu tun."
#define KEEP_EN "If this was not you, do not pass the code on to anybody; nothing happens without it."
#define KEEP_DE "Falls Sie das nicht waren, geben Sie den Code niemandem weiter; ohne ihn geschieht nichts."

#define NO_ACCOUNT_TO_RECOVER                                                                                          \
    { [KR_ENGLISH] = { .subject = "No account of yours at {site}",                                                     \
                       .intro = "Somebody asked to get back into an account at {site} and gave this address, but no "  \
                                "account has it. If this was you, perhaps you signed up with another address.",        \
                       .outro = NOT_YOU_EN },                                                                          \
      [KR_GERMAN] = { .subject = "Kein Konto von Ihnen bei {site}",                                                    \
                      .intro = "Jemand wollte bei {site} wieder in ein Konto gelangen und hat diese Adresse "          \
                               "angegeben, aber zu ihr gibt es kein Konto. Falls Sie das waren: Vielleicht haben Sie " \
                               "sich mit einer anderen Adresse angemeldet.",                                           \
                      .outro = NOT_YOU_DE } }

#define NO_ACCOUNT_TO_VERIFY                                                                                           \
    { [KR_ENGLISH] = { .subject = "No account of yours at {site}",                                                     \
                       .intro = "Somebody asked to confirm this address at {site}, but no account has it. If this "    \
                                "was you, perhaps you signed up with another address.",                                \
                       .outro = NOT_YOU_EN },                                                                          \
      [KR_GERMAN] = { .subject = "Kein Konto von Ihnen bei {site}",                                                    \
                      .intro = "Jemand wollte diese Adresse bei {site} best\xc3\xa4tigen, aber zu ihr gibt es kein "   \
                               "Konto. Falls Sie das waren: Vielleicht haben Sie sich mit einer anderen Adresse "      \
                               "angemeldet.",                                                                          \
                      .outro = NOT_YOU_DE } }

static const kr_letter_kind_t TEMPLATES[] = {
    { "verification_code_valid", .code = "verification_code", .url = "verification_url", .words = {
        [KR_ENGLISH] = { .subject = "Confirm your address for {site}",
                         .intro = "To confirm that this address is yours, enter this code at {site}:",
                         .link = "Or open this link:",
                         .outro = NOT_YOU_EN,
                         .sms = "{code} is the code that confirms your number at {site}." },
        [KR_GERMAN] = { .subject = "Best\xc3\xa4tigen Sie Ihre Adresse f\xc3\xbcr {site}",
                        .intro = "Um zu best\xc3\xa4tigen, dass diese Adresse Ihnen geh\xc3\xb6rt, geben Sie bei "
                                 "{site} diesen "
                                 "Code ein:",
                        .link = "Oder \xc3\xb6" "ffnen Sie diesen Link:",
                        .outro = NOT_YOU_DE,
                        .sms = "{code} ist der Code, der Ihre Nummer bei {site} best\xc3\xa4tigt." } } },
    { "verification_code_invalid", .words = NO_ACCOUNT_TO_VERIFY },
    { "verification_valid", .url = "verification_url", .words = {
        [KR_ENGLISH] = { .subject = "Confirm your address for {site}",
                         .intro = "Please confirm that this address is yours.",
                         .link = "Open this link:",
                         .outro = NOT_YOU_EN },
        [KR_GERMAN] = { .subject = "Best\xc3\xa4tigen Sie Ihre Adresse f\xc3\xbcr {site}",
                        .intro = "Bitte best\xc3\xa4tigen Sie, dass diese Adresse Ihnen geh\xc3\xb6rt.",
                        .link = "\xc3\x96" "ffnen Sie diesen Link:",
                        .outro = NOT_YOU_DE } } },
    { "verification_invalid", .words = NO_ACCOUNT_TO_VERIFY },
    { "recovery_code_valid", .code = "recovery_code", .words = {
        [KR_ENGLISH] = { .subject = "Back into your account at {site}",
                         .intro = "To get back into your account, enter this code at {site}:",
                         .outro = KEEP_EN,
                         .sms = "{code} is the code that lets you back into your account at {site}." },
        [KR_GERMAN] = { .subject = "Zur\xc3\xbc" "ck in Ihr Konto bei {site}",
                        .intro = "Um wieder in Ihr Konto zu gelangen, geben Sie bei {site} diesen Code ein:",
                        .outro = KEEP_DE,
                        .sms = "{code} ist der Code, mit dem Sie wieder in Ihr Konto bei {site} gelangen." } } },
    { "recovery_code_invalid", .words = NO_ACCOUNT_TO_RECOVER },
    { "recovery_valid", .url = "recovery_url", .words = {
        [KR_ENGLISH] = { .subject = "Back into your account at {site}",
                         .intro = "With the link below you get back into your account at {site}.",
                         .link = "Open this link:",
                         .outro = "If this was not you, do not pass the link on to anybody; nothing happens without "
                                  "it." },
        [KR_GERMAN] = { .subject = "Zur\xc3\xbc" "ck in Ihr Konto bei {site}",
                        .intro = "Mit dem folgenden Link gelangen Sie wieder in Ihr Konto bei {site}.",
                        .link = "\xc3\x96" "ffnen Sie diesen Link:",
                        .outro = "Falls Sie das nicht waren, geben Sie den Link niemandem weiter; ohne ihn "
                                 "geschieht nichts." } } },
    { "recovery_invalid", .words = NO_ACCOUNT_TO_RECOVER },
    { "login_code_valid", .code = "login_code", .words = {
        [KR_ENGLISH] = { .subject = "Your code to sign in at {site}",
                         .intro = "To sign in at {site}, enter this code:",
                         .outro = KEEP_EN,
                         .sms = "{code} is your code to sign in at {site}." },
        [KR_GERMAN] = { .subject = "Ihr Code zum Anmelden bei {site}",
                        .intro = "Um sich bei {site} anzumelden, geben Sie diesen Code ein:",
                        .outro = KEEP_DE,
                        .sms = "{code} ist Ihr Code zum Anmelden bei {site}." } } },
    { "registration_code_valid", .code = "registration_code", .words = {
        [KR_ENGLISH] = { .subject = "Your code to sign up at {site}",
                         .intro = "To finish signing up at {site}, enter this code:",
                         .outro = NOT_YOU_EN,
                         .sms = "{code} is your code to sign up at {site}." },
        [KR_GERMAN] = { .subject = "Ihr Code zum Registrieren bei {site}",
                        .intro = "Um Ihre Registrierung bei {site} abzuschlie\xc3\x9f" "en, geben Sie diesen Code ein:",
                        .outro = NOT_YOU_DE,
                        .sms = "{code} ist Ihr Code zum Registrieren bei {site}." } } },
    { "verifiable_address_changed", .words = {
        [KR_ENGLISH] = { .subject = "Your account at {site} has another address now",
                         .intro = "The account at {site} that had this address has another one now. Messages about "
                                  "it no "
                                  "longer come here.",
                         .outro = "If this was not you, tell the people who run {site} at once.",
                         .sms = "Your account at {site} has another number now. If this was not you, tell the "
                                "people who "
                                "run {site} at once." },
        [KR_GERMAN] = { .subject = "Ihr Konto bei {site} hat jetzt eine andere Adresse",
                        .intro = "Das Konto bei {site}, zu dem diese Adresse geh\xc3\xb6rte, hat jetzt eine andere. "
                                 "Nachrichten "
                                 "zu ihm kommen nicht mehr hierher.",
                        .outro = "Falls Sie das nicht waren, melden Sie es gleich denen, die {site} betreiben.",
                        .sms = "Ihr Konto bei {site} hat jetzt eine andere Nummer. Falls Sie das nicht waren, "
                               "melden Sie es "
                               "gleich denen, die {site} betreiben." } } },
    { "factor_changed", .url = "settings_url", .facts = kr_facts_of_factors, .words = {
        [KR_ENGLISH] = { .subject = "How you sign in at {site} has changed",
                         .intro = "How you sign in to your account at {site} has changed:",
                         .link = "See how you sign in, and change it:",
                         .outro = "If this was not you, open the link, change your password and remove what you do not know. If you "
                                  "cannot sign in any more, tell the people who run {site} at once.",
                         .sms = "How you sign in at {site} has changed. {facts}. If this was not you, tell the people who run {site} "
                                "at once." },
        [KR_GERMAN] = { .subject = "Ihre Anmeldung bei {site} hat sich ge\xc3\xa4ndert",
                        .intro = "Wie Sie sich bei Ihrem Konto bei {site} anmelden, hat sich ge\xc3\xa4ndert:",
                        .link = "Hier sehen Sie, wie Sie sich anmelden, und k\xc3\xb6nnen es \xc3\xa4ndern:",
                        .outro = "Falls Sie das nicht waren, \xc3\xb6" "ffnen Sie den Link, \xc3\xa4ndern Sie Ihr Passwort und entfernen "
                                 "Sie, was Sie nicht kennen. Falls Sie sich nicht mehr anmelden k\xc3\xb6nnen, melden Sie es gleich "
                                 "denen, die {site} betreiben.",
                        .sms = "Ihre Anmeldung bei {site} hat sich ge\xc3\xa4ndert. {facts}. Falls Sie das nicht waren, melden Sie es "
                               "gleich denen, die {site} betreiben." } } },
    { "recovery_code_used", .url = "settings_url", .facts = kr_facts_of_recovery_code, .words = {
        [KR_ENGLISH] = { .subject = "A backup code was used at {site}",
                         .intro = "Somebody signed in to your account at {site} with one of your backup codes.",
                         .link = "Make new backup codes, or see how you sign in:",
                         .outro = "If this was not you, open the link, change your password and make new backup codes. If you cannot "
                                  "sign in any more, tell the people who run {site} at once.",
                         .sms = "Somebody signed in at {site} with one of your backup codes. {facts}. If this was not you, tell the "
                                "people who run {site} at once." },
        [KR_GERMAN] = { .subject = "Ein Ersatzcode wurde bei {site} benutzt",
                        .intro = "Jemand hat sich mit einem Ihrer Ersatzcodes bei Ihrem Konto bei {site} angemeldet.",
                        .link = "Hier k\xc3\xb6nnen Sie neue Ersatzcodes machen und sehen, wie Sie sich anmelden:",
                        .outro = "Falls Sie das nicht waren, \xc3\xb6" "ffnen Sie den Link, \xc3\xa4ndern Sie Ihr Passwort und machen Sie "
                                 "neue Ersatzcodes. Falls Sie sich nicht mehr anmelden k\xc3\xb6nnen, melden Sie es gleich denen, die "
                                 "{site} betreiben.",
                        .sms = "Jemand hat sich bei {site} mit einem Ihrer Ersatzcodes angemeldet. {facts}. Falls Sie das nicht waren, "
                               "melden Sie es gleich denen, die {site} betreiben." } } },
};

const kr_phrases_t kr_phrases[KR_LANGUAGES] = {
    [KR_ENGLISH] = { "en", "It is good for %d minutes.", "It is good for %d hours.", "It is good for %d days.",
                     "It is good for one minute." },
    [KR_GERMAN] = { "de", "G\xc3\xbcltig f\xc3\xbcr %d Minuten.", "G\xc3\xbcltig f\xc3\xbcr %d Stunden.",
                    "G\xc3\xbcltig f\xc3\xbcr %d Tage.", "G\xc3\xbcltig f\xc3\xbcr eine Minute." },
};

const kr_letter_kind_t *kr_letter_kind(const char *type)
{
    for (int i = 0; i < KR_DIM(TEMPLATES); i++) {
        if (type && !strcmp(TEMPLATES[i].type, type)) return &TEMPLATES[i];
    }
    return NULL;
}
